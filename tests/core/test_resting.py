"""The orderly end: what runs is finished, what comes is written down and left for the next start."""

import asyncio
from dataclasses import replace

from bridge.model import (
    AnswerCompleted,
    AnswerDelta,
    Author,
    Capabilities,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ControlKind,
    Outcome,
    Press,
    TurnState,
    Usage,
)
from bridge.testing.core import core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, Step, envelope, spoken
from bridge.texts import Say, say

HALF = "I was going to say that it is"


async def test_what_comes_while_we_stop_is_written_down_and_waits() -> None:
    """In its own lane and behind a running one; it wears the waiting mark, nothing of it is asked."""
    gate = asyncio.Event()
    script: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "whole"), ChatCompleted(Usage())]
    behind, elsewhere = envelope(number=2), envelope(number=3, thread="elsewhere")
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope(number=1))
        await core.until(lambda: core.agent.questions != [])
        core.whole.rest()
        for question in (behind, elsewhere):
            assert await core.intake.accept(question)
        await core.clock.settle()
        gate.set()
        await core.ended(envelope(number=1))
        assert await core.whole.drain(1.0) == 0
        assert core.platform.visible() == ["whole"]
        assert len(core.agent.questions) == 1
        for question in (behind, elsewhere):
            record = await core.record(question)
            assert (record.state, record.turn_id in core.platform.waiting) == (TurnState.ACCEPTED, True)


async def test_commands_and_stops_are_obeyed_to_the_end() -> None:
    """A running answer can still be stopped, and what was left for the next start taken back, durably."""
    script: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerDelta("m", HALF), asyncio.Event()]
    left = envelope(number=2, thread="elsewhere")
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope(number=1))
        await core.until(lambda: core.platform.visible() != [])
        core.whole.rest()
        assert await core.intake.accept(left)
        place, which = left.place, (await core.record(left)).turn_id
        assert (await core.intake.press(Press(ControlKind.STOP, which, place, Author("U1")))).done
        record = await core.record(left)
        assert (record.state, record.stopping) == (TurnState.ACCEPTED, Outcome.STOPPED)
        await core.ask(envelope("!stop", number=3, inside_thread=True))
        (stopped,) = await core.ended(envelope(number=1))
        assert stopped.outcome is Outcome.STOPPED


async def test_an_answer_that_is_cut_gets_no_mark_and_is_finished_by_the_next_start() -> None:
    """At the deadline it stops where it is; then it is fetched, and nobody can tell."""
    script: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerDelta("m", HALF), asyncio.Event()]
    fetched: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerCompleted("m", f"{HALF} done."), ChatCompleted(Usage())]
    platform = FakePlatform()
    async with core_of(FakeAgent(script), platform=platform) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: platform.visible() != [])
        assert await core.whole.drain(0.01) == 1
        assert platform.visible() == [HALF]
        record = await core.record(envelope())
        assert record.state is TurnState.ASKED
    agent = FakeAgent(fetched)
    async with core_of(agent, platform=platform) as core:
        await core.store.create_turn(record)
        await core.whole.take_up()
        await core.ended(envelope())
        assert (platform.visible(), agent.questions) == ([f"{HALF} done."], [])


async def test_an_adapter_that_is_cut_cuts_no_question() -> None:
    """It is cancelled while its question is being written down: the question is answered all the same."""
    async with core_of(FakeAgent(spoken("answered"))) as core:
        async with asyncio.TaskGroup() as tasks:
            accepting = tasks.create_task(core.intake.accept(envelope()))
            await asyncio.sleep(0)
            accepting.cancel()
        await core.clock.settle()
        (record,) = await core.ended(envelope())
        assert (record.outcome, core.platform.visible()) == (Outcome.DELIVERED, ["answered"])


async def test_an_old_question_ends_with_a_sentence_and_a_way_to_ask_again() -> None:
    """Left for longer than ``take_up_hours``."""
    platform = FakePlatform(capabilities=Capabilities(controls=True))
    async with core_of(FakeAgent(), platform=platform) as core:
        core.whole.rest()
        assert await core.intake.accept(envelope())
        left = await core.record(envelope())
    async with core_of(FakeAgent(spoken("better late")), platform=platform) as core:
        await core.store.create_turn(replace(left, created_at_s=left.created_at_s - 25 * 3600.0))
        await core.whole.take_up()
        await core.ended(envelope())
        (message,) = platform.messages.values()
        assert message.shown == say(Say.TOO_LATE, "en")
        (control,) = message.view.controls
        press = Press(ControlKind.RETRY, control.turn_id, left.envelope.place, Author("U1"))
        assert (await core.intake.press(press)).done
        await core.until(lambda: "better late" in platform.visible())
