"""A failed question can be asked again by a press: once, in the same conversation."""

from dataclasses import replace

import pytest

from bridge.errors import (
    AgentError,
    AgentProtocolError,
    AgentRateLimited,
    AgentRejected,
    AgentSilent,
    AgentUnauthorized,
    AgentUnavailable,
    StoreUnavailable,
)
from bridge.intake.gate import GateRules
from bridge.keys import control_key, turn_id
from bridge.model import (
    AnswerDelta,
    Author,
    Capabilities,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    Control,
    ControlKind,
    FoundQuestion,
    Lease,
    Outcome,
    Press,
    Pressed,
    TurnId,
    TurnRecord,
    TurnState,
    Usage,
)
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, Step, envelope, spoken
from bridge.texts import Say, say

BROKEN: list[Step] = [AgentRejected("quota", code=4028, said=Say.AGENT_QUOTA)]
EMPTY: list[Step] = [ChatStarted(ChatRef("", "1")), ChatCompleted(Usage())]


def buttons() -> FakePlatform:
    """A platform that draws controls."""
    return FakePlatform(capabilities=Capabilities(controls=True))


def retry(record: TurnRecord, *, by: str = "U1", message: str = "msg-1", locale: str = "en") -> Press:
    """Press Retry below the answer of a turn."""
    return Press(ControlKind.RETRY, record.turn_id, record.envelope.place, Author(by, locale=locale), message)


async def rerun(core: Core, record: TurnRecord) -> TurnRecord:
    """Wait until asking a turn's question again has ended."""
    again = turn_id(control_key(record, ControlKind.RETRY))
    for _ in range(1000):
        found = await core.store.turn(again)
        if found is not None and found.state is TurnState.ENDED:
            return found
        await core.clock.run(0.05)
    raise AssertionError(found)


@pytest.mark.parametrize("script", [BROKEN, EMPTY, [RuntimeError("a bug of ours")]])
async def test_whoever_was_not_answered_can_ask_again(script: list[Step]) -> None:
    """By a control below the sentence; the same question to the same conversation, its answer to the same place."""
    platform = buttons()
    async with core_of(FakeAgent(script, spoken("Now it works.")), platform=platform) as core:
        failed = await core.ask(envelope("How?"))
        (message,) = platform.messages.values()
        assert message.view.controls == (Control(ControlKind.RETRY, failed.turn_id, "Try again"),)
        assert await core.intake.press(retry(failed)) == Pressed(True)
        again = await rerun(core, failed)
        assert (again.outcome, again.key) == (Outcome.DELIVERED, failed.key)
        assert again.envelope.message_id == failed.envelope.message_id
        assert [(q.text, q.conversation_id) for q in core.agent.questions] == [
            ("name of U1: How?", "conversation-1")
        ] * 2
        assert platform.visible(again.turn_id) == ["Now it works."]
        assert platform.messages["msg-2"].view.controls == ()


async def test_pressing_twice_asks_once() -> None:
    """At once, later, and on another message that carries the same control."""
    async with core_of(FakeAgent(BROKEN, spoken("once"))) as core:
        failed = await core.ask(envelope())
        for message in ("msg-1", "msg-1", "msg-7"):
            assert await core.intake.press(retry(failed, message=message)) == Pressed(True)
        await rerun(core, failed)
        assert await core.intake.press(retry(failed)) == Pressed(True)
        assert len(core.agent.questions) == 2


async def test_what_failed_again_can_be_asked_again() -> None:
    """Each failure has a control of its own."""
    async with core_of(FakeAgent(BROKEN, BROKEN, spoken("third time"))) as core:
        first = await core.ask(envelope())
        await core.intake.press(retry(first))
        second = await rerun(core, first)
        assert second.outcome is Outcome.FAILED
        await core.intake.press(retry(second))
        assert (await rerun(core, second)).outcome is Outcome.DELIVERED


async def test_what_cannot_be_asked_again_is_told() -> None:
    """Forgotten, still running, somebody else's, too fast, no room: each has its sentence, and nothing is asked."""
    async with core_of(FakeAgent(BROKEN), gate=GateRules(questions=1), max_waiting=0) as core:
        failed = await core.ask(envelope())
        forgotten = replace(failed, turn_id=TurnId("aaaaaaaaaaaaaaaa"))
        press = core.intake.press
        assert await press(retry(forgotten, locale="zh")) == Pressed(True, say(Say.RETRY_TOO_OLD, "zh"))
        assert await press(retry(failed, by="U2")) == Pressed(False, say(Say.NOT_YOURS, "en"))
        too_fast = await press(retry(failed))
        assert (too_fast.done, too_fast.sentence[:10]) == (False, say(Say.TOO_FAST, "en", seconds=1)[:10])
        await core.clock.run(60.0)
        running = replace(failed, turn_id=TurnId("bbbbbbbbbbbbbbbb"), state=TurnState.ASKED, outcome=None)
        await core.store.create_turn(running)
        assert await press(retry(running)) == Pressed(False, say(Say.RETRY_RUNNING, "en"))
        core.lanes.reserve(failed.key)
        assert await press(retry(failed)) == Pressed(False, say(Say.QUEUE_FULL, "en"))
        assert len(core.agent.questions) == 1


class SlowStore(MemoryStore):
    """A memory store whose disk stands still, or is full."""

    stands_still = is_full = False

    async def create_turn(self, turn: TurnRecord) -> bool:
        if self.is_full:
            raise StoreUnavailable("database or disk is full")
        while self.stands_still:
            await self._clock.sleep(1.0)
        return await super().create_turn(turn)

    async def advance(
        self, turn_id: TurnId, from_states: frozenset[TurnState], changes: dict[str, object], lease: Lease
    ) -> TurnRecord:
        if self.is_full:
            raise StoreUnavailable("database or disk is full")
        return await super().advance(turn_id, from_states, changes, lease)


async def test_a_press_that_cannot_be_written_down_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: at once. One that stands still: within two seconds; pressed again it is one question."""
    monkeypatch.setattr("bridge.intake.accepting.PRESS_S", 0.05)
    clock = FakeClock()
    store = SlowStore(clock)
    async with core_of(FakeAgent(BROKEN, spoken("once")), store=store, clock=clock) as core:
        failed = await core.ask(envelope())
        store.is_full = True
        with pytest.raises(StoreUnavailable):
            await core.intake.press(retry(failed))
        store.is_full, store.stands_still = False, True
        with pytest.raises(StoreUnavailable):
            await core.intake.press(retry(failed))
        store.stands_still = False
        assert await core.intake.press(retry(failed)) == Pressed(True)
        await rerun(core, failed)
        assert len(core.agent.questions) == 2


TROUBLES: list[tuple[AgentError, Say]] = [
    (AgentUnavailable("the stream was cut", outcome_unknown=True), Say.AGENT_UNAVAILABLE),
    (AgentUnavailable("HTTP 502", outcome_unknown=True, code=5000), Say.AGENT_UNAVAILABLE),
    (AgentSilent("nothing for 120 s", outcome_unknown=True), Say.AGENT_SILENT),
    (AgentProtocolError("HTML"), Say.AGENT_FAILED),
    (AgentRateLimited("slow down", retry_after_s=1.0), Say.AGENT_BUSY),
    (AgentUnauthorized("token expired", code=4100), Say.AGENT_UNAUTHORIZED),
    (AgentRejected("Coze answered code 4028", code=4028, said=Say.AGENT_QUOTA), Say.AGENT_QUOTA),
]


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES, ids=lambda value: type(value).__name__)
async def test_trouble_in_the_middle_keeps_the_text_and_offers_a_retry(
    trouble: AgentError, sentence: Say, locale: str
) -> None:
    """What the client could not mend: partial text, what happened in the reader's language, and a way on."""
    platform = buttons()
    script: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerDelta("m", "Half an ans"), trouble]
    async with core_of(FakeAgent(script), platform=platform) as core:
        record = await core.ask(envelope(locale=locale))
        assert (record.outcome, record.answer) == (Outcome.FAILED, "Half an ans")
        (message,) = platform.messages.values()
        assert message.view.text == "Half an ans"
        assert message.view.footer.startswith(f"{say(Say.INTERRUPTED, locale)}\n{say(sentence, locale)}")
        assert trouble.reason not in message.shown
        assert [control.kind for control in message.view.controls] == [ControlKind.RETRY]


@pytest.mark.parametrize(
    "before",
    [
        [[AgentRateLimited("slow down", retry_after_s=20.0)]] * 3,
        [[AgentRateLimited("slow down", retry_after_s=None)]] * 3,
    ],
)
async def test_a_refusal_for_a_while_is_waited_for_and_shown(before: list[list[Step]]) -> None:
    """429: nothing was asked, so it is asked again; the question wears the waiting mark meanwhile."""
    async with core_of(FakeAgent(*before, spoken("at last"))) as core:
        assert await core.answered(envelope()) == ["at last"]
        assert core.platform.calls.count("waiting") == 1


async def test_a_look_up_that_fails_for_a_while_is_repeated() -> None:
    """The question's reply was lost and the agent is away: found when it is back, never asked again."""

    class Away(FakeAgent):
        looks = 0

        async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
            self.looks += 1
            if self.looks < 10:
                raise AgentUnavailable("down", outcome_unknown=True)
            return FoundQuestion("q", "chat-1")

    agent = Away([AgentUnavailable("lost", outcome_unknown=True)], spoken("found"))
    async with core_of(agent) as core:
        assert await core.answered(envelope()) == ["found"]
        assert len(agent.questions) == 1
