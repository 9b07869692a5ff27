"""Stop: by word and by press, at every moment of a turn, and by whom."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.errors import AgentBusy, AgentUnavailable, PlatformUnavailable
from bridge.intake.gate import AccessList, GateRules
from bridge.keys import turn_id
from bridge.model import (
    AnswerDelta,
    Author,
    Capabilities,
    ChatRef,
    ChatStarted,
    ChatStatus,
    Control,
    ControlKind,
    Envelope,
    FoundQuestion,
    Outcome,
    Press,
    Pressed,
    TurnState,
)
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, Step, envelope, spoken
from bridge.testing.observing import Notes
from bridge.texts import Say, say

CHAT = ChatRef("conversation-1", "1")
HALF = "I was going to say that it is"


def endless(*texts: str) -> list[Step]:
    """Script an answer that stops in the middle."""
    return [ChatStarted(ChatRef("", "1")), *(AnswerDelta("m", text) for text in texts), asyncio.Event()]


def stop(question: Envelope | None, *, by: str = "U1", roles: tuple[str, ...] = (), locale: str = "en") -> Press:
    """Press Stop below the answer to a question; ``None`` tells only the place."""
    place = replace(question or envelope(), place=envelope().place).place
    which = turn_id(question.delivery_key) if question else None
    return Press(ControlKind.STOP, which, place, Author(by, locale=locale, roles=roles), "msg-1")


async def growing(core: Core, question: Envelope) -> None:
    """Ask, and wait until the answer has begun to show."""
    assert await core.intake.accept(question)
    await core.until(lambda: core.platform.visible() != [])


def buttons() -> FakePlatform:
    """A platform that draws controls."""
    return FakePlatform(capabilities=Capabilities(controls=True))


async def test_stop_cancels_at_the_agent_and_keeps_the_partial_text() -> None:
    """``stop`` does not queue behind what it stops, nor does it stop somebody else's turn."""
    gate = asyncio.Event()
    script: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerDelta("m", "I was going to say that it is"), gate]
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope(number=1))
        await core.until(lambda: core.platform.visible() != [])
        await core.ask(envelope("!stop", number=2, author="U2", inside_thread=True))
        assert core.agent.cancelled == []
        await core.ask(envelope("停止", number=3, inside_thread=True))
        (record,) = await core.ended(envelope(number=1))
        assert record.outcome is Outcome.STOPPED
        assert core.agent.cancelled == [ChatRef("conversation-1", "1")]
        assert core.platform.visible(record.turn_id) == [f"I was going to say that it is\n\n{say(Say.STOPPED, 'en')}"]


async def test_stop_before_the_run_has_a_name_waits_for_it() -> None:
    """Stopped while asking: cancelled as soon as the agent names the run."""
    gate = asyncio.Event()
    async with core_of(FakeAgent([gate, ChatStarted(ChatRef("", "1")), AnswerDelta("m", "x")])) as core:
        assert await core.intake.accept(envelope(number=1))
        await core.until(lambda: core.agent.questions != [])
        await core.ask(envelope("stop", number=2, inside_thread=True))
        gate.set()
        (record,) = await core.ended(envelope(number=1))
        assert (record.outcome, core.agent.cancelled) == (Outcome.STOPPED, [ChatRef("conversation-1", "1")])


async def test_stop_also_drops_what_waits() -> None:
    """A waiting question of the caller ends without being asked; so does one that its author deletes."""
    gate = asyncio.Event()
    blocked: list[Step] = [ChatStarted(ChatRef("", "1")), gate]
    async with core_of(FakeAgent(blocked)) as core:
        for number in (1, 2, 3):
            assert await core.intake.accept(envelope(number=number))
            await core.clock.settle()
        await core.intake.withdraw(envelope(number=3).delivery_key)
        await core.ask(envelope("!stop", number=4, inside_thread=True))
        records = await core.ended(*(envelope(number=n) for n in (1, 2, 3)))
        assert [record.outcome for record in records] == [Outcome.STOPPED, Outcome.STOPPED, Outcome.WITHDRAWN]
        assert len(core.agent.questions) == 1


async def test_a_running_answer_carries_a_stop_and_a_stopped_one_a_retry() -> None:
    """Labelled in the asker's language; pressing it ends the answer, marked, and again it only says so."""
    question, platform = envelope(locale="zh"), buttons()
    async with core_of(FakeAgent(endless(HALF)), platform=platform) as core:
        await growing(core, question)
        (message,) = platform.messages.values()
        assert message.view.controls == (Control(ControlKind.STOP, turn_id(question.delivery_key), "停止"),)
        assert await core.intake.press(stop(question)) == Pressed(True)
        (record,) = await core.ended(question)
        assert (record.outcome, record.stopping, core.agent.cancelled) == (Outcome.STOPPED, Outcome.STOPPED, [CHAT])
        assert message.shown == f"{HALF}\n\n{say(Say.STOPPED, 'zh')}"
        assert message.view.controls == (Control(ControlKind.RETRY, record.turn_id, "重试"),)
        assert await core.intake.press(stop(question)) == Pressed(True, say(Say.STOP_OVER, "en"))
        assert core.agent.cancelled == [CHAT]


async def test_a_press_returns_when_the_stop_is_durable_not_when_it_is_done() -> None:
    """The agent takes its time to cancel; meanwhile not one more word is shown."""

    class Slow(FakeAgent):
        gate = asyncio.Event()

        async def cancel(self, chat: ChatRef) -> ChatStatus:
            await self.gate.wait()
            return await super().cancel(chat)

    more = asyncio.Event()
    script: list[Step] = [*endless(HALF)[:-1], more, AnswerDelta("m", " not seen any more"), asyncio.Event()]
    agent = Slow(script)
    async with core_of(agent) as core:
        await growing(core, envelope())
        assert await core.intake.press(stop(envelope())) == Pressed(True)
        assert (await core.record(envelope())).stopping is Outcome.STOPPED
        more.set()
        await core.clock.run(5.0)
        agent.gate.set()
        await core.ended(envelope())
        assert core.platform.visible() == [f"{HALF}\n\n{say(Say.STOPPED, 'en')}"]


async def test_only_the_asker_and_whom_the_config_names_may_stop() -> None:
    """Others read why not, in their language; whom the gate shuts out reads that."""
    rules = GateRules(
        users=AccessList(deny=frozenset({"U9"})), stop_users=frozenset({"U5"}), stop_roles=frozenset({"moderators"})
    )
    for who, roles in (("U5", ()), ("U6", ("moderators",)), ("U1", ())):
        async with core_of(FakeAgent(endless(HALF)), gate=rules) as core:
            await growing(core, envelope())
            assert await core.intake.press(stop(envelope(), by="U2", locale="zh")) == Pressed(
                False, say(Say.NOT_YOURS, "zh")
            )
            assert await core.intake.press(stop(envelope(), by="U9")) == Pressed(False, say(Say.NOT_ALLOWED, "en"))
            assert core.agent.cancelled == []
            assert await core.intake.press(stop(envelope(), by=who, roles=roles)) == Pressed(True)
            await core.ended(envelope())
            assert core.agent.cancelled == [CHAT]


async def test_whom_the_config_names_stops_others_only_without_an_answer_of_her_own() -> None:
    """The word stops what she asked herself, if there is any."""
    theirs, hers = envelope(number=1), envelope(number=2, author="U5", thread="hers")
    rules = GateRules(stop_users=frozenset({"U5"}))
    async with core_of(FakeAgent(endless("one"), endless("other")), gate=rules) as core:
        for question in (theirs, hers):
            assert await core.intake.accept(question)
        await core.until(lambda: len(core.platform.visible()) == 2)
        for number, running in ((3, 1), (4, 0)):
            await core.ask(envelope("!stop", number=number, author="U5", thread="elsewhere"))
            await core.clock.settle()
            assert len(core.turns.live) == running
        records = await core.ended(hers, theirs)
        assert [record.outcome for record in records] == [Outcome.STOPPED] * 2


async def test_a_press_that_tells_only_the_place_stops_what_runs_there() -> None:
    """The platform's own stop button."""
    elsewhere = envelope(number=2, thread="elsewhere")
    async with core_of(FakeAgent(endless(HALF), endless("other"))) as core:
        for question in (envelope(), elsewhere):
            assert await core.intake.accept(question)
        await core.until(lambda: len(core.platform.visible()) == 2)
        assert await core.intake.press(stop(None)) == Pressed(True)
        (record,) = await core.ended(envelope())
        assert record.outcome is Outcome.STOPPED
        assert list(core.turns.live) == [turn_id(elsewhere.delivery_key)]
        assert await core.intake.press(stop(None)) == Pressed(True, say(Say.STOP_OVER, "en"))


async def test_a_press_on_a_question_that_waits_ends_it() -> None:
    """It never runs, and its waiting mark goes."""
    waiting = envelope(number=2)
    gate = asyncio.Event()
    async with core_of(FakeAgent([gate, *spoken("first")])) as core:
        for question in (envelope(), waiting):
            assert await core.intake.accept(question)
            await core.clock.settle()
        assert await core.intake.press(stop(waiting)) == Pressed(True)
        assert (await core.record(waiting)).stopping is Outcome.STOPPED
        gate.set()
        first, second = await core.ended(envelope(), waiting)
        assert (first.outcome, second.outcome) == (Outcome.DELIVERED, Outcome.STOPPED)
        assert core.platform.waiting == set()


async def test_a_run_without_a_name_is_looked_for() -> None:
    """The agent does not name it in time: found by our mark, and cancelled."""
    agent = FakeAgent([asyncio.Event()])
    async with core_of(agent) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: agent.questions != [])
        agent.found = FoundQuestion("q", "1")
        assert await core.intake.press(stop(envelope())) == Pressed(True)
        await core.clock.run(5.0)
        assert agent.cancelled == []
        (record,) = await core.ended(envelope())
        assert (record.outcome, agent.cancelled) == (Outcome.STOPPED, [CHAT])


@pytest.mark.parametrize(
    "script",
    [[AgentBusy("occupied", code=4016)], [AgentUnavailable("lost", outcome_unknown=True)]],
)
async def test_waiting_for_the_agent_ends_at_once(script: Sequence[Step]) -> None:
    """Nothing runs that has to be waited for: neither an occupied conversation nor a look-up."""

    class Deaf(FakeAgent):
        async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
            if not self.cancelled:
                return FoundQuestion("q", "")
            raise AssertionError("looked again")

    agent = Deaf(*[script] * 10)
    async with core_of(agent) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: agent.questions != [])
        await core.clock.run(3.0)
        stopped_at = core.clock.now()
        assert await core.intake.press(stop(envelope())) == Pressed(True)
        await core.ended(envelope())
        assert core.clock.now() - stopped_at < 1.0


async def test_a_run_that_waits_for_a_tool_begins_afresh_where_it_occupies() -> None:
    """4104, and it does not end: the next question does not wait for it."""

    class Stuck(FakeAgent):
        async def cancel(self, chat: ChatRef) -> ChatStatus:
            await super().cancel(chat)
            return ChatStatus.REQUIRES_ACTION

    async with core_of(Stuck(endless(HALF), [AgentBusy("occupied", code=4016)], spoken("free"))) as core:
        await growing(core, envelope())
        await core.intake.press(stop(envelope()))
        await core.ended(envelope())
        assert (await core.answered(envelope(number=2)))[0].startswith("free")
        assert core.agent.conversations == 2


async def test_a_whole_answer_is_not_stopped_any_more() -> None:
    """It is only slow to show: the press says that the answer has ended."""
    platform = FakePlatform()
    async with core_of(FakeAgent(spoken("The whole answer")), platform=platform) as core:
        platform.errors["post"] = [PlatformUnavailable("down", outcome_unknown=False)] * 3
        assert await core.intake.accept(envelope())
        await core.until(lambda: core.agent.questions != [])
        await core.clock.run(0.6)
        assert (await core.record(envelope())).state is TurnState.DELIVERING
        assert await core.intake.press(stop(envelope())) == Pressed(True, say(Say.STOP_OVER, "en"))
        (record,) = await core.ended(envelope())
        assert (record.outcome, platform.visible()) == (Outcome.DELIVERED, ["The whole answer"])


async def test_presses_are_counted() -> None:
    """By what became of them."""
    notes = Notes()
    async with core_of(FakeAgent(endless(HALF)), observer=notes) as core:
        await growing(core, envelope())
        for press in (stop(envelope(), by="U2"), stop(envelope())):
            await core.intake.press(press)
        await core.ended(envelope())
        await core.intake.press(stop(envelope()))
    assert notes.of("pressed") == [("fake", "stop", result) for result in ("refused", "obeyed", "void")]
