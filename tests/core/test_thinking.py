"""An agent's thinking: hidden, quoted above the answer, or told in a line until the answer begins."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.draft import Draft
from bridge.delivery.thinking import LINE_MAX_CHARS, MOST_CHARS, Quotation, last_words
from bridge.model import (
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    PartRules,
    Reasoning,
    ReasoningDelta,
    TurnState,
    Usage,
)
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, Step, envelope

CHAT = ChatRef("", "chat-1")


def quoted(*thoughts: str) -> str:
    """A whole quotation."""
    quotation = Quotation()
    added = "".join(quotation.add(thought) for thought in thoughts)
    assert added == quotation.text
    return added


def thinks(*thoughts: str, answer: str = "Tuesday.") -> list[Step]:
    """Script an answer that is thought about."""
    events: list[Step] = [ReasoningDelta("m1", thought) for thought in thoughts]
    return [ChatStarted(CHAT), *events, AnswerDelta("m1", answer), ChatCompleted(Usage())]


@pytest.mark.parametrize(
    ("thoughts", "shown"),
    [
        (["The tool ", "says ", "Tuesday."], "> 💭 The tool says Tuesday."),
        (["\n\n  First.\n", "\n\nThen.\n"], "> 💭 First.\n> Then."),
        (["```py\nx=1\n```\n~~~"], "> 💭 '''py\n> x=1\n> '''\n> ∼∼∼"),
        ([" \n "], ""),
        (["# Plan\n> quote\n- item"], "> 💭 # Plan\n> > quote\n> - item"),
    ],
)
def test_a_quotation(thoughts: list[str], shown: str) -> None:
    """Each line is one of the quotation; nothing opens a block of code in it."""
    assert quoted(*thoughts) == shown


@given(st.lists(st.text(alphabet="ab 想\n`>", max_size=300), max_size=20))
def test_any_pieces_make_the_same_quotation(thoughts: list[str]) -> None:
    """However it is cut; every line is quoted and short, and it has an end."""
    whole = quoted(*thoughts)
    assert whole == quoted("".join(thoughts))
    lines = whole.split("\n")
    assert all(line.startswith("> ") for line in lines if whole)
    assert all(len(line) <= LINE_MAX_CHARS + 8 for line in lines)
    assert "`" not in whole


def test_what_is_too_long_has_an_end() -> None:
    """The answer is what people came for."""
    shown = quoted("想" * 2000, "a " * 2000, "more")
    assert shown.endswith("…")
    assert MOST_CHARS < len(shown) < MOST_CHARS * 1.1


def test_the_last_words() -> None:
    """One line, harmless, from its end."""
    assert last_words("I *look* at\n<@U1> `x`") == "I look at U1 x"
    assert last_words("word " * 100).removeprefix("…").split() == ["word"] * 20
    assert last_words("想" * 300) == "…" + "想" * 100


def test_a_draft_quotes_only_if_it_shall() -> None:
    """And the answer is the answer either way."""
    for quotes, shown in ((True, "> 💭 Hm.\n\nTuesday."), (False, "Tuesday.")):
        draft = Draft(quotes_reasoning=quotes)
        assert draft.apply(ReasoningDelta("m", "Hm.")) is quotes
        draft.apply(AnswerDelta("m", "Tuesday."))
        change = draft.take()
        assert change is not None
        assert (change.text, draft.text) == (shown, "Tuesday.")


def test_thinking_after_words_stands_above_them_all_the_same() -> None:
    """A second thought, or one that only the fetched answer tells."""
    draft = Draft("> head\n\n", quotes_reasoning=True)
    draft.apply(AnswerDelta("m", "Tuesday."))
    draft.take()
    draft.apply(ReasoningDelta("m", "Hm."))
    change = draft.take()
    assert change is not None
    assert (change.text, change.replaces) == ("> head\n\n> 💭 Hm.\n\nTuesday.", True)


async def test_it_is_hidden_unless_somebody_wants_it() -> None:
    """The default."""
    async with core_of(FakeAgent(thinks("secret thoughts"))) as core:
        assert await core.answered(envelope()) == ["Tuesday."]
        assert (await core.record(envelope())).reasoning == ""


async def test_it_is_quoted_above_the_answer() -> None:
    """Growing like it; part of what is shown, not of the answer."""
    async with core_of(FakeAgent(thinks("The tool ", "says Tuesday.")), reasoning=Reasoning.QUOTE) as core:
        assert await core.answered(envelope()) == ["> 💭 The tool says Tuesday.\n\nTuesday."]
        record = await core.record(envelope())
        assert (record.answer, record.reasoning) == ("Tuesday.", "> 💭 The tool says Tuesday.")


async def test_a_long_quotation_is_one_in_every_message() -> None:
    """No line of it looks like the answer."""
    platform = FakePlatform(part_rules=PartRules(400))
    thought = " ".join(f"thought{number}" for number in range(150))
    async with core_of(FakeAgent(thinks(thought)), platform=platform, reasoning=Reasoning.QUOTE) as core:
        shown = await core.answered(envelope())
        assert len(shown) > 3
        lines = [line for text in shown for line in text.split("\n") if line]
        assert lines[-1] == "Tuesday."
        assert all(line.startswith("> ") for line in lines[:-1])


async def test_a_quotation_survives_a_crash() -> None:
    """What was shown above the answer stands there when its end is delivered."""
    clock = FakeClock()
    store = MemoryStore(clock)
    async with core_of(FakeAgent(thinks("Hm.")), store=store, clock=clock, reasoning=Reasoning.QUOTE) as core:
        record = await core.ask(envelope())
    cut = replace(record, state=TurnState.DELIVERING, parts=())
    async with core_of(FakeAgent(), clock=clock, reasoning=Reasoning.QUOTE) as core:
        assert await core.store.create_turn(cut)
        await core.whole.take_up()
        await core.ended(envelope())
        assert core.platform.visible() == ["> 💭 Hm.\n\nTuesday."]


@pytest.mark.parametrize("streams", [False, True])
async def test_its_last_words_are_told_until_the_answer_begins(streams: bool) -> None:
    """Not more often than somebody could read them; in a message that can be edited."""
    gates = [asyncio.Event() for _ in range(3)]
    steps: list[Step] = [ChatStarted(CHAT), ReasoningDelta("m", "First, *the* date."), gates[0]]
    steps += [ReasoningDelta("m", " Unread."), ReasoningDelta("m", " Unread too."), gates[1]]
    steps += [ReasoningDelta("m", " Then the day."), gates[2], AnswerCompleted("m", "Tuesday."), ChatCompleted(Usage())]
    platform = FakePlatform(streams=streams)
    async with core_of(FakeAgent(steps), reasoning=Reasoning.STATUS, platform=platform) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: core.platform.visible() == ["💭 First, the date."], limit_s=20)
        gates[0].set()
        await core.clock.run(5.0)
        assert core.platform.visible() == ["💭 First, the date."]
        gates[1].set()
        await core.until(lambda: core.platform.visible()[0].endswith("Unread too. Then the day."), limit_s=20)
        gates[2].set()
        await core.ended(envelope())
        assert core.platform.visible() == ["Tuesday."]
