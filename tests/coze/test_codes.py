"""The one table of refusals: every code of the reference, what kind it is, what people read."""

import pytest

from bridge.coze.codes import CODES, STATUSES, Kind, Refusal, error_of, meaning_of
from bridge.coze.hints import ADVICE, Hint, advise, translated
from bridge.errors import (
    AgentBusy,
    AgentError,
    AgentRateLimited,
    AgentRejected,
    AgentUnauthorized,
    AgentUnavailable,
    ConversationGone,
)
from bridge.texts import LANGUAGES
from bridge.texts.keys import Say

DOCUMENTED = [
    *range(4000, 4017),
    *range(4019, 4023),
    *(4100, 4101, 4102, 4104, 4105, 4200, 4201),
    *range(4300, 4305),
    *(4314, 4315, 5000, 6003, 700012006, 701231, 720701002, 720701013, 720702204, 720702222),
]
STUDIO = [
    *(103000000, 103000001, 103000002, 103100001, 103100002),
    *range(103200001, 103200006),
    *range(104000000, 104000011),
]


@pytest.mark.parametrize("code", [*DOCUMENTED, *STUDIO])
def test_every_documented_code_has_a_meaning(code: int) -> None:
    """Nothing that is documented falls through to the unknown."""
    meaning = CODES[code]
    assert all(meaning.said in sentences for sentences in LANGUAGES.values())


RETRYABLE = {4009, 4013, 4016, 4020, 5000, 720702222, 103200002}


def test_what_is_retryable() -> None:
    """Exactly the codes for which the reference says that later may be better."""
    assert {code for code, meaning in CODES.items() if meaning.kind.retryable} == RETRYABLE


KINDS: list[tuple[Refusal, type[AgentError]]] = [
    (Refusal("x", 4000), AgentRejected),
    (Refusal("x", 4002), ConversationGone),
    (Refusal("x", 4016), AgentBusy),
    (Refusal("x", 4013), AgentRateLimited),
    (Refusal("x", 4101), AgentUnauthorized),
    (Refusal("x", 5000), AgentUnavailable),
    (Refusal("x", 0, status=400), AgentRejected),
    (Refusal("x", 400, status=400), AgentRejected),
    (Refusal("x", 0, status=401), AgentUnauthorized),
    (Refusal("x", 0, status=403), AgentUnauthorized),
    (Refusal("x", 0, status=404), AgentRejected),
    (Refusal("x", 0, status=408), AgentUnavailable),
    (Refusal("x", 0, status=413), AgentRejected),
    (Refusal("x", 0, status=429), AgentRateLimited),
    (Refusal("x", 500, status=500), AgentUnavailable),
    (Refusal("x", 0, status=504), AgentUnavailable),
    (Refusal("x", 700012006, status=401), AgentUnauthorized),
    (Refusal("x", 4015, status=500), AgentRejected),
]


@pytest.mark.parametrize(("refusal", "kind"), KINDS)
def test_kinds(refusal: Refusal, kind: type[AgentError]) -> None:
    """A known code decides, otherwise the status."""
    assert type(error_of(refusal)) is kind


def test_an_unknown_code_is_a_failure_that_is_not_repeated() -> None:
    """New codes are no reason to ask again."""
    error = error_of(Refusal("POST /v3/chat", 999999, "new  \n words", log_id="L"))
    assert type(error) is AgentError
    assert not error.retryable
    assert (error.code, error.log_id, error.said) == (999999, "L", Say.AGENT_FAILED)
    assert error.reason == "POST /v3/chat: Coze answered code 999999: new words"


@pytest.mark.parametrize("code", sorted(RETRYABLE))
def test_a_failure_of_a_running_agent_is_not_repeated(code: int) -> None:
    """Once the run began, asking again would be a second run."""
    error = error_of(Refusal("x", code, running=True))
    assert type(error) is AgentError
    assert not error.retryable


def test_an_unknown_path_is_a_matter_of_the_address() -> None:
    """The cloud's 404 with code 4000 advises about base_url."""
    assert meaning_of(4000, 404).hint is Hint.BASE_URL
    assert meaning_of(4000, 200).hint is Hint.REPORT


def test_long_messages_are_shortened() -> None:
    """A log line stays a line."""
    assert len(error_of(Refusal("x", 4000, "m" * 5000)).reason) < 300


def test_tokens_are_never_repeated() -> None:
    """A message that quotes a token loses it."""
    assert "secret" not in error_of(Refusal("x", 4100, "bad token pat_verysecrettoken")).reason


@pytest.mark.parametrize("hint", list(Hint))
def test_advice_is_there_in_both_languages(hint: Hint) -> None:
    """Every hint is a sentence in English and Chinese, and each leads to the other."""
    advice = ADVICE[hint]
    assert bool(advice.en) == bool(advice.zh) == (hint is not Hint.NONE)
    assert translated(advice.en, "zh-CN") == advice.zh
    assert advise(hint, locale="en-US") == advice.en


def test_statuses_are_kinds() -> None:
    """The table of statuses speaks the same language."""
    assert {meaning.kind for meaning in STATUSES.values()} <= set(Kind)
