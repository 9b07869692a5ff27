"""What somebody asks while her last question is still being answered: queue, interrupt, merge."""

import asyncio
from dataclasses import replace

import pytest

from bridge.keys import conversation_key, turn_id
from bridge.model import (
    AnswerDelta,
    ChatRef,
    ChatStarted,
    ContextMessage,
    OnBusy,
    Outcome,
    Scope,
    TurnRecord,
)
from bridge.routes import Route, Routes
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, Step, envelope, spoken
from bridge.texts import Say, say

HALF = "I was going to say that it is"


def gated(*texts: str) -> tuple[list[Step], asyncio.Event]:
    """Script an answer that goes on when the gate opens."""
    gate = asyncio.Event()
    return [ChatStarted(ChatRef("", "1")), AnswerDelta("m1", texts[0]), gate, *spoken(*texts[1:])[1:]], gate


async def accepted(core: Core, *numbers: int, author: str = "U1") -> None:
    """Ask, one after the other."""
    for number in numbers:
        assert await core.intake.accept(envelope(f"q{number}", number=number, author=author))
        await core.clock.settle()


async def outcomes(core: Core, *numbers: int) -> list[Outcome | None]:
    """Wait for the ends of these questions."""
    return [record.outcome for record in await core.ended(*(envelope(number=number) for number in numbers))]


async def test_merge_answers_together_what_gathered_meanwhile() -> None:
    """The first is not delayed; what the same person added becomes one turn, somebody else's stays her own."""
    script, gate = gated("The first ", "answer.")
    agent = FakeAgent(script, spoken("Both."), spoken("Hers."))
    async with core_of(agent, on_busy=OnBusy.MERGE) as core:
        await accepted(core, 1, 2)
        await accepted(core, 3, author="U2")
        await accepted(core, 4)
        assert len(core.platform.waiting) == 3
        gate.set()
        assert await outcomes(core, 1, 2, 3, 4) == [
            Outcome.DELIVERED,
            Outcome.DELIVERED,
            Outcome.DELIVERED,
            Outcome.MERGED,
        ]
        assert [question.text for question in agent.questions] == [
            "name of U1: q1",
            "name of U1: q2\n\nq4",
            "name of U2: q3",
        ]
        assert core.platform.visible() == ["The first answer.", "Both.", "Hers."]
        assert core.platform.waiting == set()


async def test_a_merged_question_can_be_stopped_and_withdrawn_with_its_like() -> None:
    """What was taken back before its turn is not asked with the others."""
    script, gate = gated("The first ", "answer.")
    async with core_of(FakeAgent(script, spoken("Two.")), on_busy=OnBusy.MERGE) as core:
        await accepted(core, 1, 2, 3)
        await core.intake.withdraw(envelope(number=3).delivery_key)
        gate.set()
        assert await outcomes(core, 1, 2, 3) == [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.WITHDRAWN]
        assert core.agent.questions[1].text == "name of U1: q2"


@pytest.mark.parametrize("marked", [0, 1])
async def test_a_crash_in_the_middle_of_merging_changes_nothing(marked: int) -> None:
    """The carrier knows what it carries: what was not marked yet is marked, and nothing is asked twice."""
    key = conversation_key(envelope().place, envelope().author, Scope.THREAD)
    questions = [envelope(f"q{number}", number=number) for number in (1, 2, 3)]
    async with core_of(FakeAgent(spoken("All.")), on_busy=OnBusy.MERGE) as core:
        for number, question in enumerate(questions):
            record = TurnRecord(
                turn_id(question.delivery_key),
                key,
                question,
                created_at_s=core.clock.wall() + number,
                also=tuple(questions[1:]) if number == 0 else (),
                stopping=Outcome.MERGED if 0 < number <= marked else None,
            )
            assert await core.store.create_turn(record)
        await core.whole.take_up()
        assert await outcomes(core, 1, 2, 3) == [Outcome.DELIVERED, Outcome.MERGED, Outcome.MERGED]
        assert [question.text for question in core.agent.questions] == ["name of U1: q1\n\nq2\n\nq3"]
        assert core.platform.visible() == ["All."]


async def test_what_was_stopped_before_a_crash_is_not_merged_after_it() -> None:
    """The stop is written down, the next process knows."""
    key = conversation_key(envelope().place, envelope().author, Scope.THREAD)
    async with core_of(FakeAgent(spoken("One.")), on_busy=OnBusy.MERGE) as core:
        for number, stopping in ((1, None), (2, Outcome.STOPPED)):
            question = envelope(f"q{number}", number=number)
            record = TurnRecord(turn_id(question.delivery_key), key, question, created_at_s=core.clock.wall())
            assert await core.store.create_turn(replace(record, stopping=stopping))
        await core.whole.take_up()
        assert await outcomes(core, 1, 2) == [Outcome.DELIVERED, Outcome.STOPPED]
        assert [question.text for question in core.agent.questions] == ["name of U1: q1"]


async def test_interrupt_cuts_the_answer_and_tells_its_question_again() -> None:
    """The partial text stays, marked; the agent reads what was cut before what was asked next, also twice."""
    scripts: list[list[Step]] = [
        [ChatStarted(ChatRef("", str(n))), AnswerDelta("m", HALF), asyncio.Event()] for n in (1, 2)
    ]
    async with core_of(FakeAgent(*scripts, spoken("Three."), spoken("Four.")), on_busy=OnBusy.INTERRUPT) as core:
        for number in (1, 2):
            await accepted(core, number)
            await core.until(lambda n=number: len(core.platform.visible()) == n)  # type: ignore[misc]
        await accepted(core, 3)
        assert await outcomes(core, 1, 2, 3) == [Outcome.INTERRUPTED, Outcome.INTERRUPTED, Outcome.DELIVERED]
        cut = f"{HALF}\n\n{say(Say.INTERRUPTED_BY_NEXT, 'en')}"
        assert core.platform.visible() == [cut, cut, "Three."]
        contexts = [[message.text for message in question.context] for question in core.agent.questions]
        assert contexts == [[], ["name of U1: q1"], ["name of U1: q1", "name of U1: q2"]]
        assert core.agent.questions[1].context[0] == ContextMessage("user", "name of U1: q1")
        assert [chat.chat_id for chat in core.agent.cancelled] == ["1", "2"]
        await core.ask(envelope("q4", number=4))
        assert core.agent.questions[3].context == ()


async def test_nobody_is_interrupted_by_somebody_else() -> None:
    """Her question waits, in order."""
    script, gate = gated("The first ", "answer.")
    async with core_of(FakeAgent(script, spoken("Hers.")), on_busy=OnBusy.INTERRUPT) as core:
        await accepted(core, 1)
        await accepted(core, 2, author="U2")
        gate.set()
        assert await outcomes(core, 1, 2) == [Outcome.DELIVERED, Outcome.DELIVERED]
        assert core.agent.cancelled == []


async def test_what_had_ended_by_itself_is_not_told_again() -> None:
    """The answer was whole when the next question came: the agent remembers it."""
    script, gate = gated("The first ", "answer.")
    async with core_of(FakeAgent(script, spoken("Second.")), on_busy=OnBusy.INTERRUPT) as core:
        await accepted(core, 1)
        record = TurnRecord(
            turn_id("fake:T1:C1:2"),
            conversation_key(envelope().place, envelope().author, Scope.THREAD),
            envelope("q2", number=2),
            created_at_s=core.clock.wall(),
            interrupts=(turn_id("fake:T1:C1:1"),),
        )
        await core.store.create_turn(record)
        core.lanes.reserve(record.key).fill(record)
        gate.set()
        await core.ended(envelope(number=1), envelope(number=2))
        assert core.agent.questions[1].context == ()


def test_a_route_can_decide_for_itself() -> None:
    """The most precise route that says something; else the default."""
    routes = Routes(
        {},
        "default",
        [Route("a", instance="fake", on_busy=OnBusy.MERGE), Route("b", instance="fake", channel="C2")],
        on_busy=OnBusy.INTERRUPT,
    )
    places = [envelope(channel="C1").place, envelope(channel="C2").place]
    assert [routes.on_busy(place) for place in places] == [OnBusy.MERGE, OnBusy.MERGE]
    assert Routes({}, "default").on_busy(places[0]) is OnBusy.QUEUE
