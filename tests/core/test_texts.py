"""Every sentence exists in every language, with the same places to fill."""

from string import Formatter

import pytest

from bridge.texts import LANGUAGES, Say, failure, language, say


def places(sentence: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", list(Say))
def test_a_sentence_exists_in_every_language_with_the_same_places(key: Say) -> None:
    """English and Chinese say the same thing."""
    wordings = [sentences[key] for sentences in LANGUAGES.values()]
    assert all(wordings)
    assert len({frozenset(places(wording)) for wording in wordings}) == 1


@pytest.mark.parametrize(
    ("locale", "spoken"),
    [("zh-CN", "zh"), ("zh_TW", "zh"), ("ZH", "zh"), ("en-US", "en"), ("de-DE", "en"), ("", "en")],
)
def test_the_language_follows_the_locale(locale: str, spoken: str) -> None:
    """Unknown locales read the default."""
    assert language(locale) == spoken


def test_a_failure_carries_its_reference() -> None:
    """The reader can give the operator something to look for."""
    assert failure(Say.AGENT_FAILED, "en", "abc").endswith("(reference abc)")
    assert failure(Say.AGENT_FAILED, "zh-CN", "abc").endswith("（编号 abc）")


def test_values_fill_their_places() -> None:
    """A sentence with a place gets its value."""
    assert "3 s" in say(Say.TOO_FAST, "en", seconds=3)
