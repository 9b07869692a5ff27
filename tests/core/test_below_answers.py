"""What is offered below an answer: suggested questions, another answer, feedback; and what becomes of each press."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import AgentRejected, AgentUnavailable
from bridge.intake.gate import AccessList, GateRules
from bridge.keys import control_key, turn_id
from bridge.model import (
    AgentCapabilities,
    AnswerDelta,
    Author,
    Capabilities,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ControlKind,
    FollowUp,
    FoundQuestion,
    Outcome,
    PartRules,
    PostedPart,
    Press,
    Pressed,
    Scope,
    TurnId,
    TurnRecord,
    TurnState,
    Usage,
)
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, Step, envelope, spoken
from bridge.texts import Say, say
from bridge.turns.answering import TurnOptions
from bridge.turns.asking import AskingOptions
from bridge.turns.offers import Offers, suggested

EVERYTHING = Offers(regenerate=True, follow_ups=3, feedback=True)
GOOD, BAD, REGENERATE, FOLLOW_UP = ControlKind.GOOD, ControlKind.BAD, ControlKind.REGENERATE, ControlKind.FOLLOW_UP
LONG = "What would happen if somebody asked " + "a very long question, " * 20 + "and more?"


def options(offers: Offers = EVERYTHING, scope: Scope = Scope.THREAD) -> TurnOptions:
    """Offer what the test is about."""
    return TurnOptions(AskingOptions(identity_secret=b"secret of the tests", scope=scope), offers=offers)


def buttons(limit: int = 2000) -> FakePlatform:
    """A platform that draws controls."""
    capabilities = Capabilities(controls=True, status_refresh_s=90.0)
    return FakePlatform(capabilities=capabilities, part_rules=PartRules(limit))


def suggesting(text: str, *questions: str, message: str = "m1") -> list[Step]:
    """Script an answer with suggested questions."""
    offered = [FollowUp(question) for question in questions]
    return [ChatStarted(ChatRef("", "chat-1")), AnswerDelta(message, text), *offered, ChatCompleted(Usage())]


def press(record: TurnRecord, kind: ControlKind, *, by: str = "U1", choice: int = 0, locale: str = "en") -> Press:
    """Press something below the answer of a turn."""
    author = Author(by, name=f"name of {by}", locale=locale)
    return Press(kind, record.turn_id, record.envelope.place, author, "msg-1", choice)


async def asked(core: Core, record: TurnRecord, kind: ControlKind, choice: int = 0) -> TurnRecord:
    """Wait until the turn that a press began has ended."""
    begun = turn_id(control_key(record, kind, choice))
    for _ in range(1000):
        found = await core.store.turn(begun)
        if found is not None and found.state is TurnState.ENDED:
            return found
        await core.clock.run(0.05)
    raise AssertionError(found)


async def test_what_is_offered_stands_below_the_last_part_and_costs_no_edit() -> None:
    """Suggested questions first, then another answer and feedback; a short answer has them in its one message."""
    platform = buttons(limit=100)
    script = suggesting("A paragraph of some words. " * 6, "Why?", "!stop", "Why?", "  ", "And\nthen?", "B?", "C?")
    async with core_of(FakeAgent(script), platform=platform, options=options()) as core:
        record = await core.ask(envelope())
        *parts, last = platform.messages.values()
        assert [part.view.controls for part in parts] == [()] * len(parts)
        offered = [(control.kind, control.choice, control.label) for control in last.view.controls]
        assert offered == [
            (FOLLOW_UP, 0, "Why?"),
            (FOLLOW_UP, 1, "And then?"),
            (FOLLOW_UP, 2, "B?"),
            (REGENERATE, 0, "Regenerate"),
            (GOOD, 0, "👍"),
            (BAD, 0, "👎"),
        ]
        assert record.follow_ups == ("Why?", "And\nthen?", "B?")
        assert record.answer_ids == ("m1",)
        assert platform.calls.count("post") == len(platform.messages)
        assert platform.calls.count("edit") <= 1


@pytest.mark.parametrize(
    ("offers", "capabilities", "kinds"),
    [
        (Offers(), AgentCapabilities(), []),
        (Offers(follow_ups=1), AgentCapabilities(), [FOLLOW_UP]),
        (Offers(feedback=True), AgentCapabilities(), [GOOD, BAD]),
        (EVERYTHING, AgentCapabilities(feedback=False), [FOLLOW_UP, FOLLOW_UP, REGENERATE]),
    ],
)
async def test_only_what_is_wanted_and_possible_is_offered(
    offers: Offers, capabilities: AgentCapabilities, kinds: list[ControlKind]
) -> None:
    """Each is the operator's choice, and the agent must be able to."""
    platform, agent = buttons(), FakeAgent(suggesting("So.", "Why?", "How?"))
    agent.capabilities = capabilities
    async with core_of(agent, platform=platform, options=options(offers)) as core:
        await core.ask(envelope())
        (message,) = platform.messages.values()
        assert [control.kind for control in message.view.controls] == kinds


def test_an_agent_gives_no_orders() -> None:
    """What would be a command if somebody asked it is not offered."""
    assert suggested(["!new", "！run x", "stop", "帮助", "运行 deploy now", "Stop?", "运行什么?"], 3) == ("Stop?",)


async def test_what_failed_offers_to_try_again_alone() -> None:
    """There is nothing to rate."""
    platform = buttons()
    async with core_of(FakeAgent([AgentRejected("no")]), platform=platform, options=options()) as core:
        await core.ask(envelope())
        (message,) = platform.messages.values()
        assert [control.kind for control in message.view.controls] == [ControlKind.RETRY]


# --- feedback ---


async def test_feedback_reaches_the_agent_and_can_be_changed() -> None:
    """On the last message of the answer, from whoever reads it; the same again does no harm."""
    script: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerDelta("m1", "One."), AnswerDelta("m2", "Two.")]
    async with core_of(FakeAgent([*script, ChatCompleted(Usage())]), options=options()) as core:
        record = await core.ask(envelope())
        for kind, by in ((GOOD, "U1"), (BAD, "U2"), (BAD, "U2")):
            pressed = await core.intake.press(press(record, kind, by=by, locale="zh"))
            assert pressed == Pressed(True, say(Say.FEEDBACK_SENT, "zh"))
        assert core.agent.rated == [(record.conversation_id, "m2", good) for good in (True, False, False)]


async def test_feedback_that_cannot_be_given_is_told() -> None:
    """Not allowed, forgotten, an agent that is away: each has its sentence, and nothing is told in her name."""
    gate = GateRules(users=AccessList(deny=frozenset({"U9"})))
    async with core_of(FakeAgent(spoken("So.")), options=options(), gate=gate) as core:
        record = await core.ask(envelope())
        forgotten = replace(record, turn_id=TurnId("aaaaaaaaaaaaaaaa"))
        core.agent.failures = [AgentUnavailable("down", outcome_unknown=True)]
        give = core.intake.press
        assert await give(press(record, GOOD, by="U9")) == Pressed(False, say(Say.NOT_ALLOWED, "en"))
        assert await give(press(forgotten, GOOD)) == Pressed(True, say(Say.ANSWER_TOO_OLD, "en"))
        assert await give(press(record, GOOD)) == Pressed(False, say(Say.FEEDBACK_FAILED, "en"))
        assert core.agent.rated == []
        assert await give(press(record, GOOD)) == Pressed(True, say(Say.FEEDBACK_SENT, "en"))


async def test_whoever_thinks_badly_of_an_answer_may_say_why() -> None:
    """The opinion counts when it is pressed; the reasons go with it once more, and only those there are."""
    reasons = replace(EVERYTHING, feedback_reason=True)
    async with core_of(FakeAgent(spoken("So.")), options=options(reasons)) as core:
        record = await core.ask(envelope())
        assert (await core.intake.press(press(record, GOOD))).form is None
        bad = press(record, BAD, locale="zh")
        pressed = await core.intake.press(bad)
        assert (pressed.done, pressed.sentence) == (True, say(Say.FEEDBACK_SENT, "zh"))
        assert pressed.form is not None
        chosen, comment = pressed.form.fields
        assert (chosen.labels[0], chosen.many, comment.max_length) == (say(Say.REASON_INCORRECT, "zh"), True, 250)
        core.agent.failures = [AgentUnavailable("down", outcome_unknown=True)]
        sent = replace(bad, filled={"reasons": '["incorrect", "unclear"]', "comment": " Paris! " + "x" * 300})
        failed = await core.intake.press(sent)
        assert failed == Pressed(False, say(Say.FEEDBACK_FAILED, "zh"))
        assert await core.intake.press(sent) == Pressed(True, say(Say.FEEDBACK_SENT, "zh"))
        for nothing in ({}, {"reasons": "[]"}, {"reasons": "bribed"}):
            assert await core.intake.press(replace(bad, filled=nothing)) == Pressed(True, say(Say.FEEDBACK_SENT, "zh"))
        assert [good for _, _, good in core.agent.rated] == [True, False, False]
        told = ("Paris! " + "x" * 300)[:250]
        assert core.agent.reasons == [("",), ("",), (told, "incorrect", "unclear")]


# --- suggested questions ---


async def test_a_suggested_question_is_asked_whole_in_the_presser_s_name() -> None:
    """In the same conversation, once; the answer begins with who asks what, and what is remembered does not."""
    platform = buttons()
    agent = FakeAgent(suggesting("So.", "Why?", LONG), spoken("Because."))
    async with core_of(agent, platform=platform, options=options()) as core:
        record = await core.ask(envelope())
        for _ in range(2):
            assert await core.intake.press(press(record, FOLLOW_UP, by="U2", choice=1)) == Pressed(True)
        turn = await asked(core, record, FOLLOW_UP, 1)
        assert (turn.key, turn.envelope.author.id, turn.answer) == (record.key, "U2", "Because.")
        assert [question.text for question in agent.questions][1:] == [f"name of U2: {LONG}"]
        assert agent.questions[0].conversation_id == agent.questions[1].conversation_id
        assert platform.visible(turn.turn_id) == [f"> name of U2 asks: {LONG}\n\nBecause."]


async def test_a_suggested_question_that_fails_is_shown_all_the_same() -> None:
    """Readers see what was asked, and she can try again, which asks the same in her name."""
    platform = buttons()
    agent = FakeAgent(suggesting("So.", "Why?"), [AgentRejected("no")], spoken("Now."))
    async with core_of(agent, platform=platform, options=options()) as core:
        record = await core.ask(envelope())
        await core.intake.press(press(record, FOLLOW_UP, by="U2"))
        failed = await asked(core, record, FOLLOW_UP)
        (shown,) = platform.visible(failed.turn_id)
        assert shown.startswith("> name of U2 asks: Why?\n\n⚠️")
        assert await core.intake.press(press(failed, ControlKind.RETRY)) == Pressed(False, say(Say.NOT_YOURS, "en"))
        assert await core.intake.press(press(failed, ControlKind.RETRY, by="U2")) == Pressed(True)
        again = await asked(core, failed, ControlKind.RETRY)
        assert platform.visible(again.turn_id) == ["> name of U2 asks: Why?\n\nNow."]


async def test_with_a_conversation_for_each_person_the_presser_asks_in_her_own() -> None:
    """Otherwise she would speak in somebody else's."""
    agent = FakeAgent(suggesting("So.", "Why?"), spoken("Because."))
    async with core_of(agent, platform=buttons(), options=options(scope=Scope.USER)) as core:
        record = await core.ask(envelope())
        await core.intake.press(press(record, FOLLOW_UP, by="U2"))
        assert (await asked(core, record, FOLLOW_UP)).key != record.key


async def test_a_suggestion_that_cannot_be_asked_is_told() -> None:
    """Forgotten, never made, too fast."""
    async with core_of(FakeAgent(suggesting("So.", "Why?")), options=options(), gate=GateRules(questions=1)) as core:
        record = await core.ask(envelope())
        forgotten = replace(record, turn_id=TurnId("aaaaaaaaaaaaaaaa"))
        too_old = Pressed(True, say(Say.ANSWER_TOO_OLD, "en"))
        assert await core.intake.press(press(forgotten, FOLLOW_UP)) == too_old
        assert await core.intake.press(press(record, FOLLOW_UP, choice=7)) == too_old
        assert not (await core.intake.press(press(record, FOLLOW_UP))).done
        assert len(core.agent.questions) == 1


# --- another answer ---


async def test_another_answer_takes_the_old_one_s_place() -> None:
    """In the same message, below nothing; the old one is forgotten by the agent, question included."""
    platform = buttons(limit=100)
    gate = asyncio.Event()
    agent = FakeAgent(suggesting("A paragraph of some words. " * 6), [gate, *suggesting("Short.", message="m2")])
    agent.found = FoundQuestion("q1", "chat-1")
    async with core_of(agent, platform=platform, options=options()) as core:
        record = await core.ask(envelope("How?"))
        assert len(platform.messages) > 1
        assert await core.intake.press(press(record, REGENERATE)) == Pressed(True)
        await core.until(lambda: platform.visible() == [say(Say.REGENERATING, "en")])
        gate.set()
        new = await asked(core, record, REGENERATE)
        assert platform.visible() == ["Short."]
        message = platform.messages[record.parts[0].message_id]
        assert {control.turn_id for control in message.view.controls} == {new.turn_id}
        assert agent.deleted == [(record.conversation_id, "m1"), (record.conversation_id, "q1")]
        assert [question.text for question in agent.questions] == ["name of U1: How?"] * 2
        assert await core.intake.press(press(record, REGENERATE)) == Pressed(True)
        assert await core.intake.press(press(new, GOOD)) == Pressed(True, say(Say.FEEDBACK_SENT, "en"))
        assert agent.rated == [(record.conversation_id, "m2", True)]
        assert len(agent.questions) == 2


async def test_an_answer_that_others_rest_on_stays() -> None:
    """The agent knows no branches: after newer questions, a new conversation or by others it is refused."""
    agent = FakeAgent(spoken("One."), spoken("Two."))
    async with core_of(agent, options=options()) as core:
        first = await core.ask(envelope("1", number=1))
        assert await core.intake.press(press(first, REGENERATE, by="U2")) == Pressed(False, say(Say.NOT_YOURS, "en"))
        second = await core.ask(envelope("2", number=2))
        gone_on = Pressed(False, say(Say.REGENERATE_GONE_ON, "en"))
        assert await core.intake.press(press(first, REGENERATE)) == gone_on
        await core.store.unbind(second.key)
        assert await core.intake.press(press(second, REGENERATE)) == gone_on
        assert (len(agent.questions), agent.deleted) == (2, [])


@pytest.mark.parametrize("trouble", [[AgentRejected("no")], [ChatStarted(ChatRef("", "2")), ChatCompleted(Usage())]])
async def test_without_another_answer_the_old_one_stays(trouble: list[Step]) -> None:
    """It stands there again, with what happened below it; an agent that cannot forget is asked all the same."""
    platform = buttons()
    agent = FakeAgent(spoken("The old answer."), trouble)
    agent.failures = [AgentUnavailable("down", outcome_unknown=True)]
    agent.found = FoundQuestion("q1", "chat-1")
    async with core_of(agent, platform=platform, options=options()) as core:
        record = await core.ask(envelope())
        await core.intake.press(press(record, REGENERATE))
        new = await asked(core, record, REGENERATE)
        (shown,) = platform.visible()
        assert shown.startswith("The old answer.\n\n")
        assert [control.kind for control in platform.messages["msg-1"].view.controls] == [ControlKind.RETRY]
        assert new.outcome in (Outcome.FAILED, Outcome.DELIVERED)


@pytest.mark.parametrize("state", [TurnState.ACCEPTED, TurnState.OPENED, TurnState.ASKED])
async def test_another_answer_survives_a_crash(state: TurnState) -> None:
    """The new turn has the old message from the beginning, so whoever takes it up goes on in its place."""
    platform = buttons()
    async with core_of(FakeAgent(spoken("Old."), spoken("New.")), platform=platform, options=options()) as core:
        record = await core.ask(envelope())
        key = control_key(record, REGENERATE)
        cut = TurnRecord(
            turn_id(key),
            record.key,
            replace(record.envelope, delivery_key=key),
            created_at_s=core.clock.wall(),
            state=state,
            agent="default",
            conversation_id=record.conversation_id if state is TurnState.ASKED else "",
            chat_id="chat-2" if state is TurnState.ASKED else "",
            parts=(PostedPart(0, "msg-1", wordless=True),),
            replaces=record.turn_id,
        )
        await core.store.create_turn(cut)
        await core.whole.take_up()
        await asked(core, record, REGENERATE)
        assert platform.visible() == ["New."]
        assert list(platform.messages) == ["msg-1"]


async def test_an_agent_without_a_history_is_not_told_the_old_answer() -> None:
    """We keep the history for it, and take the exchange out."""
    agent = FakeAgent(spoken("Old."), spoken("New."))
    agent.capabilities = AgentCapabilities(saves_history=False, delete_messages=False)
    async with core_of(agent, options=options()) as core:
        record = await core.ask(envelope("How?"))
        await core.intake.press(press(record, REGENERATE))
        await asked(core, record, REGENERATE)
        assert [question.context for question in agent.questions] == [(), ()]
