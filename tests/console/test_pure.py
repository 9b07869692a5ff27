"""Ids, lines and growing text of the terminal: the pure half."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.console.ids import LineRef, decode_line, decode_part, encode_line, encode_part
from adapters.console.inbound import parse_line, parse_locale
from adapters.console.outbound import GrowingText
from bridge.model import Addressing, Author

REF = LineRef("console", "0123abcd", 1)
ME = Author("ada", "Ada")


@given(st.text(), st.text("0123456789abcdef", min_size=1), st.integers(0))
def test_line_keys_are_reversible(instance: str, session: str, number: int) -> None:
    """Whatever the instance is called, its lines' names can be read back."""
    ref = LineRef(instance, session, number)
    assert decode_line(encode_line(ref)) == ref


@given(st.text(), st.integers(0, 99))
def test_part_names_are_reversible(key: str, index: int) -> None:
    """The index of a part comes back."""
    assert decode_part(encode_part(key, index)) == index


@pytest.mark.parametrize("wrong", ["", "a:b", "a:b:c"])
def test_other_names_are_refused(wrong: str) -> None:
    """What is no key is a ValueError."""
    with pytest.raises(ValueError, match=r"not enough values|invalid literal"):
        decode_line(wrong)


def test_a_line_is_a_private_question() -> None:
    """One person, in private, with a key of its own."""
    found = parse_line("  hello ", REF, ME, 5.0)
    assert found is not None
    assert (found.text, found.author, found.sent_at_s) == ("hello", ME, 5.0)
    assert (found.place.instance, found.place.private) == ("console", True)
    assert found.addressing is Addressing.DIRECT
    assert found.delivery_key == "console:0123abcd:1"


@pytest.mark.parametrize("line", ["", "   ", "\t"])
def test_an_empty_line_is_nothing(line: str) -> None:
    """Pressing return asks nothing."""
    assert parse_line(line, REF, ME, 0.0) is None


@pytest.mark.parametrize(
    ("environ", "locale"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "de_DE@euro"}, "de-DE"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "zh-TW"),
        ({"LANG": "C.UTF-8"}, ""),
        ({"LANG": "POSIX"}, ""),
        ({}, ""),
    ],
)
def test_the_language_is_that_of_the_system(environ: dict[str, str], locale: str) -> None:
    """As the C library reads it; C and POSIX are no language."""
    assert parse_locale(environ) == locale


@given(st.lists(st.text("ab*\n", min_size=1), min_size=1))
def test_growing_text_is_printed_once_and_whole(deltas: list[str]) -> None:
    """However the text arrives and whatever repairs its live views end with, the print-out is the text."""
    growing, text, printed = GrowingText(), "", ""
    for delta in deltas:
        text += delta
        printed += growing.grow(text + "**")
    printed += growing.grow(text)
    assert printed + growing.finish() == text


def test_a_text_that_changed_is_printed_anew() -> None:
    """Where the completed text differs from what was printed, it follows as a whole: paper cannot be edited."""
    growing = GrowingText()
    assert growing.grow("one\ntwo") == "one\n"
    assert growing.grow("other\ntext") == ""
    assert growing.finish() == "\n\nother\ntext"
    assert growing.finish() == ""
