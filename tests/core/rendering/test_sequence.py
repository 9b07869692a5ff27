"""The parts of an answer that is still growing."""

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Part, PartRules
from bridge.rendering import PartSequence, repair, split
from tests.core.rendering.answers import MARKS, chunked, documents, leaves_fence_open, rules, soups, visible


@given(st.data(), st.one_of(soups(), documents(12)), rules(), st.integers(0, 1))
@settings(max_examples=200, deadline=None)
def test_any_chunking_gives_the_same_parts(data: st.DataObject, text: str, rules: PartRules, looks: int) -> None:
    """However the answer arrives and however often somebody looks: the parts are those of the whole text."""
    sequence = PartSequence(rules)
    for delta in data.draw(chunked(text)):
        sequence.append(delta)
        if looks:
            sequence.parts()
    assert list(sequence.parts()) == split(text, rules)


@given(st.data(), st.one_of(soups(), documents(12)), rules())
@settings(max_examples=150, deadline=None)
def test_frozen_parts_never_change_and_previews_fit(data: st.DataObject, text: str, rules: PartRules) -> None:
    """All but the last stay as they were shown; the last is shown repaired, within the limit, no fence open."""
    sequence = PartSequence(rules)
    frozen: list[Part] = []
    length = 0
    for delta in data.draw(chunked(text)):
        sequence.append(delta)
        length += len(delta)
        parts = list(sequence.parts())
        assert parts[: len(frozen)] == frozen
        frozen = parts[:-1]
        assert "".join(part.body for part in parts) == text[:length]
        preview = sequence.preview()
        assert rules.measure(preview) <= rules.limit
        assert not leaves_fence_open(preview)


@given(documents(8))
@settings(max_examples=30, deadline=None)
def test_a_preview_is_the_repaired_text(text: str) -> None:
    """What was complete before is not read again, and that makes no difference."""
    sequence = PartSequence(PartRules(100_000))
    for end in range(0, len(text), 7):
        sequence.append(text[end : end + 7])
        assert sequence.preview() == repair(text[: end + 7])


@given(documents(8), st.integers(100, 400))
@settings(max_examples=30, deadline=None)
def test_previews_show_no_raw_marks_behind_a_cut(text: str, limit: int) -> None:
    """Also where a part begins inside a fence, a table or bold words: only what was cut in two may show."""
    sequence = PartSequence(PartRules(limit))
    whole = all(len(line) < limit / 4 for line in text.split("\n"))
    for end in range(0, len(text), 11):
        sequence.append(text[end : end + 11])
        if whole:
            assert set(visible(sequence.preview())) & MARKS <= {"_"}


def test_nothing_yet_is_no_part() -> None:
    """Before the first delta there is nothing to show."""
    sequence = PartSequence(PartRules(100))
    assert list(sequence.parts()) == []
    assert sequence.preview() == ""
    sequence.append("")
    assert list(sequence.parts()) == []


def test_the_last_part_is_complete_as_it_is() -> None:
    """Its text has an open fence closed; its preview hides what cannot be understood yet."""
    sequence = PartSequence(PartRules(100))
    sequence.append("```py\nx = 1\n``")
    assert sequence.parts()[-1].text == "```py\nx = 1\n``\n```"
    assert sequence.preview() == "```py\nx = 1\n```"


def test_a_preview_may_be_empty() -> None:
    """The opening line of a fence shows nothing."""
    sequence = PartSequence(PartRules(100))
    sequence.append("```py")
    assert sequence.preview() == ""
    assert sequence.parts()[-1].text == "```py\n```"


def test_bold_taken_over_is_shown_while_it_is_open() -> None:
    """The part behind a cut in bold words is bold although its end has not come."""
    sequence = PartSequence(PartRules(100))
    sequence.append("**" + "words in bold " * 8)
    assert len(sequence.parts()) == 2
    assert sequence.preview().startswith("**words")
    assert sequence.preview().rstrip().endswith("**")


@given(documents(10), documents(4), st.integers(0, 2000), rules())
@settings(max_examples=100, deadline=None)
def test_another_text_keeps_the_parts_before_the_first_difference(
    text: str, other: str, length: int, rules: PartRules
) -> None:
    """Parts that still are a beginning of the text stay; together they are the new text and they fit."""
    sequence = PartSequence(rules)
    sequence.append(text)
    before = list(sequence.parts())
    changed = text[:length] + other
    sequence.replace(changed)
    after = list(sequence.parts())
    assert "".join(part.body for part in after) == changed
    assert all(rules.measure(part.text) <= rules.limit for part in after)
    at = 0
    for old, new in zip(before[:-1], after, strict=False):
        if changed[at : at + len(old.body)] != old.body:
            break
        assert new == old
        at += len(old.body)


@given(documents(10), st.data(), rules())
@settings(max_examples=100, deadline=None)
def test_a_part_can_be_ended_where_it_is_shown(text: str, data: st.DataObject, rules: PartRules) -> None:
    """Nothing is lost, nothing comes twice, parts before stay, and hardly more than a word is shown twice for now."""
    sequence = PartSequence(rules)
    sequence.append(text)
    before = list(sequence.parts())
    index = data.draw(st.integers(0, len(before) - 1))
    body = "".join(part.body for part in before[index:])
    shown = body[: data.draw(st.integers(0, len(body)))]
    ended = sequence.end_part(index, shown)
    after = list(sequence.parts())
    assert "".join(part.body for part in after) == text
    assert all(rules.measure(part.text) <= rules.limit for part in after)
    assert after[:index] == before[:index]
    if not ended:
        assert after == before
    else:
        assert len(after[index].body.rstrip()) <= len(shown)
        assert len(shown) - len(after[index].body) <= 400
        assert not leaves_fence_open(after[index].text)
        sequence.append(" more")
        assert list(sequence.parts())[: index + 1] == after[: index + 1]


@pytest.mark.parametrize(
    ("shown", "text", "first", "second"),
    [
        ("One two", "One two three", "One two ", "three"),
        ("One tw", "One two three", "One ", "two three"),
        ("See [the", "See [the page](https://a.example)", "See ", "[the page](https://a.example)"),
        (
            "A long way round is **very o",
            "A long way round is **very old** now",
            "A long way round is ",
            "**very old** now",
        ),
        ("```py\na = 1\nb =", "```py\na = 1\nb = 2\n```", "```py\na = 1\n```", "```py\nb = 2\n```"),
        ("a\n\n| b |\n|---|\n| 1", "a\n\n| b |\n|---|\n| 1 |\n", "a\n\n", "| b |\n|---|\n| 1 |\n"),
        ("你好，世", "你好，世界", "你好，世", "界"),
    ],
)
def test_the_end_of_what_is_shown(shown: str, text: str, first: str, second: str) -> None:
    """Words, links, lines of code and rows stay whole; Chinese may be cut between any two characters."""
    sequence = PartSequence(PartRules(200))
    sequence.append(text)
    assert sequence.end_part(0, shown)
    assert [part.text for part in sequence.parts()] == [first, second]


def test_a_part_that_begins_otherwise_by_now_is_not_ended() -> None:
    """The completed text differs from what was shown; nor is one ended behind which nothing comes."""
    sequence = PartSequence(PartRules(200))
    sequence.append("One two three four")
    assert not sequence.end_part(0, "Ore two")
    assert not sequence.end_part(0, "One two three four")
    assert not sequence.end_part(1, "One")
    assert not sequence.end_part(0, "")


def test_a_shorter_text_has_fewer_parts() -> None:
    """The completed text may be shorter than its deltas."""
    sequence = PartSequence(PartRules(64))
    sequence.append("words and words " * 20)
    assert len(sequence.parts()) > 3
    sequence.replace("words")
    assert [part.body for part in sequence.parts()] == ["words"]
    sequence.replace("")
    assert list(sequence.parts()) == []


def test_a_text_that_ends_with_a_frozen_part_can_grow_again() -> None:
    """The next delta begins the next part."""
    sequence = PartSequence(PartRules(64))
    sequence.append("words and words " * 8)
    first, second, *_ = sequence.parts()
    sequence.replace(first.body)
    assert list(sequence.parts()) == [first]
    assert sequence.preview() == first.text
    sequence.append(second.body)
    assert list(sequence.parts()) == [first, Part(1, second.body, second.text)]


def test_replacing_before_anybody_looked_is_the_same() -> None:
    """A snapshot that goes on with the text is an append."""
    sequence = PartSequence(PartRules(64))
    sequence.append("words ")
    sequence.replace("words and words " * 20)
    assert list(sequence.parts()) == split("words and words " * 20, PartRules(64))


def test_a_refused_part_is_split_smaller() -> None:
    """Parts before it stay; from it on the lower limit holds."""
    sequence = PartSequence(PartRules(200))
    text = "Some words make a sentence. " * 40
    sequence.append(text)
    before = list(sequence.parts())
    sequence.shrink(100, 2)
    after = list(sequence.parts())
    assert after[:2] == before[:2]
    assert all(len(part.text) <= 100 for part in after[2:])
    assert "".join(part.body for part in after) == text
    assert sequence.rules.limit == 100


def test_without_an_index_the_last_part_shrinks() -> None:
    """All frozen parts stay."""
    sequence = PartSequence(PartRules(200))
    sequence.append("Some words make a sentence. " * 12)
    before = list(sequence.parts())
    sequence.shrink(64)
    after = list(sequence.parts())
    assert after[: len(before) - 1] == before[:-1]
    assert len(after) > len(before)


def test_a_refused_part_inside_a_fence_stays_code() -> None:
    """What was open at its beginning still is."""
    sequence = PartSequence(PartRules(200))
    sequence.append("```py\n" + "one = 1\n" * 60 + "```")
    sequence.shrink(100, 1)
    assert all(part.text.startswith("```py\none = 1") for part in sequence.parts())


def test_a_limit_without_room_is_refused() -> None:
    """At the beginning and later; the parts are unchanged then."""
    with pytest.raises(ValueError, match="at least"):
        PartSequence(PartRules(10))
    sequence = PartSequence(PartRules(64))
    sequence.append("words and words " * 8)
    before = sequence.parts()
    with pytest.raises(ValueError, match="at least"):
        sequence.shrink(10)
    assert sequence.parts() == before


def test_a_closing_line_that_counts_for_more_makes_smaller_parts() -> None:
    """A platform that counts a closed code block dearer than an open one is believed."""

    def measure(text: str) -> int:
        return len(text) + 100 * (text.count("```") // 2)

    sequence = PartSequence(PartRules(200, measure))
    for _ in range(30):
        sequence.append("```\n" + "code = 1\n" * 3)
        assert all(measure(part.text) <= 200 for part in sequence.parts())
        assert measure(sequence.preview()) <= 200
    assert "".join(part.body for part in sequence.parts()) == ("```\n" + "code = 1\n" * 3) * 30


# --- what it costs ---

ANSWER = (
    "Some words here and there, with a sentence. **Another one** with `code`.\n\n```py\ncode = 1\n\nmore = 2\n```\n\n"
    "- list\n- items\n  - nested\n\n中文内容也在这里，还有[更多](https://example.com/a)。\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
)


class Steps:
    """Counts calls of Python functions: work, not time."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Steps":
        self._outer = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(self._outer)

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        self.count += event == "call"


def work(chars: int, chunk: int) -> tuple[int, int]:
    """Return the calls made and the characters measured for an answer that grows and is looked at with every delta."""
    measured = 0

    def measure(text: str) -> int:
        nonlocal measured
        measured += len(text)
        return len(text)

    text = (ANSWER * (chars // len(ANSWER) + 1))[:chars]
    sequence = PartSequence(PartRules(2000, measure))
    with Steps() as steps:
        for at in range(0, chars, chunk):
            sequence.append(text[at : at + chunk])
            sequence.parts()
            sequence.preview()
    return steps.count, measured


def test_the_cost_is_linear_in_the_answer() -> None:
    """Four times the answer is four times the work, up to 80 000 characters."""
    calls, measured = work(20_000, 100)
    more_calls, more_measured = work(80_000, 100)
    assert more_calls < 4.6 * calls
    assert more_measured < 4.6 * measured


def test_the_cost_is_linear_when_all_comes_at_once() -> None:
    """A fetched answer is split in one go."""
    calls, measured = work(25_000, 25_000)
    more_calls, more_measured = work(100_000, 100_000)
    assert more_calls < 4.6 * calls
    assert more_measured < 4.6 * measured


def test_a_look_costs_no_more_at_the_end_than_at_the_beginning() -> None:
    """What is measured in one look is bounded by a few parts."""
    sizes: list[int] = []

    def measure(text: str) -> int:
        sizes.append(len(text))
        return len(text)

    sequence = PartSequence(PartRules(500, measure))
    for _ in range(60):
        sequence.append(ANSWER)
        sizes.clear()
        sequence.parts()
        assert sum(sizes) < 40 * 500


@pytest.mark.parametrize(
    "piece", ["[", "](", "[a](", "*a ", "**a", "`a", "> ", "*", "a_ ", "<a ", "&", "\n", " ", "|a\n", "🇩", "\\", "- "]
)
def test_senseless_floods_cost_no_more(piece: str) -> None:
    """No sequence of marks makes the work grow faster than the text."""
    short, long = piece * 2_000, piece * 8_000
    with Steps() as few:
        split(short, PartRules(1500))
        repair(short[:1500])
    with Steps() as many:
        assert "".join(part.body for part in split(long, PartRules(1500))) == long
        repair(long[:1500])
    assert many.count < 6 * few.count + 1000


@given(st.data(), documents(10), rules(200, 2000))
@settings(max_examples=60, deadline=None)
def test_what_is_settled_only_grows(data: st.DataObject, text: str, rules: PartRules) -> None:
    """Whoever can only add shows a beginning of what the part shows in the end, if what was shown is pinned."""
    sequence = PartSequence(rules)
    shown: dict[int, str] = {}
    for delta in data.draw(chunked(text)):
        sequence.append(delta)
        index = len(sequence.parts()) - 1
        settled, body = sequence.settled()
        assert rules.measure(settled) <= rules.limit
        assert "".join(part.body for part in sequence.parts()[:index]) + body == text[: _length(sequence, index, body)]
        if body:
            assert settled.startswith(shown.get(index, ""))
            shown[index] = settled
            sequence.pin(len(body))
    parts = sequence.parts()
    assert "".join(part.body for part in parts) == text
    assert [i for i, begun in shown.items() if not parts[i].text.startswith(begun.rstrip())] == []


def _length(sequence: PartSequence, index: int, body: str) -> int:
    return sum(len(part.body) for part in sequence.parts()[:index]) + len(body)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A word and **a bo", "A word and "),
        ("A word and **a bold one** more", "A word and **a bold one** more"),
        ("See [the page](https://a.exam", "See "),
        ("Cost &am", "Cost "),
        ("Text\n\n```py\n", "Text\n\n"),
        ("Text\n\n```py\na = 1\nb", "Text\n\n```py\na = 1\nb"),
        ("Text\n\n```py\na = 1\n``", "Text\n\n```py\na = 1\n"),
        ("a\n\n| x | y |\n|--", "a\n\n"),
        ("a\n\n| x | y |\n|---|---|\n| 1 |", "a\n\n| x | y |\n|---|---|\n"),
        ("# A head", "# A head"),
        ("- item\n-", "- item\n"),
        ("It costs **" + "much " * 60, "It costs **" + "much " * 60),
    ],
)
def test_what_is_settled(text: str, shown: str) -> None:
    """Before open marks, half links, rows and fences; what stays open for long is not waited for."""
    sequence = PartSequence(PartRules(2000))
    sequence.append(text)
    assert sequence.settled() == (shown, shown)


def test_what_is_pinned_stays_in_its_part() -> None:
    """The part ends behind it, between two blocks where there are any."""
    words = "Some words here. " * 5
    sequence = PartSequence(PartRules(200))
    sequence.append(f"{words}\n\n{words}")
    sequence.pin(150)
    sequence.append(f"\n\n{words}\n\nEnd.")
    first, *rest = sequence.parts()
    assert len(first.body) >= 150
    assert first.body + "".join(part.body for part in rest) == f"{words}\n\n{words}\n\n{words}\n\nEnd."


def test_a_part_can_be_ended_between_two_blocks() -> None:
    """The last such place behind what is pinned; without one it goes on."""
    sequence = PartSequence(PartRules(500))
    sequence.append("First.\n\nSecond.\n\nThird is going on")
    sequence.pin(10)
    assert sequence.end_block()
    assert [part.text for part in sequence.parts()] == ["First.\n\nSecond.\n\n", "Third is going on"]
    assert not sequence.end_block()
