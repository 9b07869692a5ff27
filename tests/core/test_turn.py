"""The road of a message through the whole core, with a fake agent and a fake platform."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from bridge.errors import (
    AgentBusy,
    AgentCancelled,
    AgentRejected,
    AgentUnavailable,
    ConversationGone,
    PlatformError,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
    StoreUnavailable,
)
from bridge.intake.accepting import REFUSAL_PAUSE_S
from bridge.intake.gate import AccessList, GateRules
from bridge.keys import turn_id
from bridge.model import (
    ActionRequired,
    Addressing,
    AgentCapabilities,
    AnswerCompleted,
    AnswerDelta,
    Capabilities,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ContextMessage,
    Conversation,
    EarlierMessage,
    Envelope,
    FoundQuestion,
    Lease,
    Outcome,
    PostedPart,
    Scope,
    ToolCall,
    TurnId,
    TurnRecord,
    TurnState,
    Usage,
)
from bridge.ports import Reply
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, FakeReply, Step, envelope, spoken
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions

ASKING = AskingOptions(identity_secret=b"secret of the tests")
OPTIONS = TurnOptions(ASKING)


def _ends_with(core: Core, ending: str) -> bool:
    return any(shown.strip().endswith(ending) for shown in core.platform.visible())


def lost(*, applied: bool) -> PlatformUnavailable:
    """A platform call that failed on the way."""
    return PlatformUnavailable("lost", outcome_unknown=applied)


async def test_an_answer_reaches_the_platform_whole() -> None:
    """The ordinary case: asked once, shown whole, written down as delivered."""
    async with core_of(FakeAgent(spoken("Hello, ", "Ann", "!"))) as core:
        assert await core.answered(envelope("hi")) == ["Hello, Ann!"]
        record = await core.record(envelope("hi"))
        assert (record.conversation_id, record.chat_id, record.answer) == ("conversation-1", "chat-1", "Hello, Ann!")
        assert [part.index for part in record.parts] == [0]
        question = core.agent.questions[0]
        assert (question.bot_id, question.mark, question.text) == ("bot-1", record.turn_id, "name of U1: hi")
        assert question.variables == {"who": "name of U1"}


async def test_the_message_grows_while_the_agent_speaks() -> None:
    """Each pause of the agent shows what it said so far."""
    gates = [asyncio.Event() for _ in range(3)]
    script: list[Step] = [ChatStarted(ChatRef("", "chat-1"))]
    for gate, text in zip(gates, ("The first sentence. ", "The second sentence. ", "The third sentence."), strict=True):
        script += [AnswerDelta("m1", text), gate]
    script += [ChatCompleted(Usage())]
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope())
        for gate, ending in zip(gates, ("first sentence.", "second sentence.", "third sentence."), strict=True):
            await core.until(partial(_ends_with, core, ending))
            gate.set()
        await core.ended(envelope())
        views = next(iter(core.platform.messages.values())).views
        assert [len(view.text) for view in views] == sorted({len(view.text) for view in views})


async def test_a_conversation_is_remembered_and_new_forgets_it() -> None:
    """The second question reaches the same conversation; after ``!new`` a fresh one."""
    async with core_of(FakeAgent(spoken("a"), spoken("b"), spoken("c"))) as core:
        for number, text in enumerate(("one", "two", "!new", "three"), start=1):
            await core.ask(envelope(text, number=number))
        asked = [question.conversation_id for question in core.agent.questions]
        assert asked == ["conversation-1", "conversation-1", "conversation-2"]
        assert say(Say.NEW_DONE, "en") in core.platform.visible()


async def test_questions_of_one_conversation_run_one_at_a_time_in_order() -> None:
    """Later ones show at once that they wait; another conversation does not wait."""
    gate = asyncio.Event()
    slow: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "slow"), ChatCompleted(Usage())]
    async with core_of(FakeAgent(slow, spoken("elsewhere"), spoken("second"), spoken("third"))) as core:
        for number in (1, 2, 3):
            assert await core.intake.accept(envelope(f"q{number}", number=number))
            await core.clock.settle()
        assert core.platform.calls.count("waiting") == 2
        other = envelope("other", number=9, thread="elsewhere")
        await core.ask(other)
        assert [q.text for q in core.agent.questions] == ["name of U1: q1", "name of U1: other"]
        gate.set()
        await core.ended(envelope(number=1), envelope(number=2), envelope(number=3))
        assert core.platform.visible() == ["elsewhere", "slow", "second", "third"]


async def test_a_repeat_is_one_turn() -> None:
    """The same delivery key, before and after the answer: nothing happens."""
    async with core_of(FakeAgent(spoken("once"))) as core:
        assert await core.intake.accept(envelope())
        assert not await core.intake.accept(envelope())
        await core.ended(envelope())
        assert not await core.intake.accept(envelope())
        assert core.platform.visible() == ["once"]


async def test_a_full_lane_says_so() -> None:
    """What does not fit into the queue gets a sentence and is not written down."""
    gate = asyncio.Event()
    blocked: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "x"), ChatCompleted(Usage())]
    async with core_of(FakeAgent(blocked, spoken("y")), max_waiting=1) as core:
        for number in (1, 2):
            assert await core.intake.accept(envelope(number=number))
            await core.clock.settle()
        assert not await core.intake.accept(envelope(number=3))
        await core.until(lambda: say(Say.QUEUE_FULL, "en") in core.platform.visible())
        gate.set()
        await core.ended(envelope(number=1), envelope(number=2))


async def test_what_was_missed_is_answered_late_and_says_so() -> None:
    """However many came while we were away, at any pace; what is too old is left alone, without a word."""
    now_s = envelope().sent_at_s
    missed = [replace(envelope(number=n, locale="zh"), late=True, sent_at_s=now_s - 60 * n) for n in range(1, 5)]
    scripts = [spoken("Late, but here.") for _ in missed]
    async with core_of(FakeAgent(*scripts), max_waiting=1, gate=GateRules(questions=1)) as core:
        for question in missed:
            assert await core.intake.accept(question)
        await core.ended(*missed)
        assert core.platform.visible() == [f"Late, but here.\n\n{say(Say.LATE, 'zh')}"] * len(missed)
        old = replace(envelope(number=9), late=True, sent_at_s=now_s - 13 * 3600.0)
        assert not await core.intake.accept(old)
        assert await core.store.turn(turn_id(old.delivery_key)) is None


async def test_an_unrelated_message_in_a_thread_is_left_alone() -> None:
    """A follow-up without a mention is ours only where we take part."""
    follow_up = envelope("and?", number=2, addressing=Addressing.FOLLOW_UP)
    async with core_of(FakeAgent(spoken("a"), spoken("b"))) as core:
        assert not await core.intake.accept(follow_up)
        await core.ask(envelope())
        assert await core.intake.accept(follow_up)
        await core.ended(follow_up)
        assert not await core.intake.accept(
            replace(follow_up, delivery_key="x", place=replace(follow_up.place, thread="other"))
        )


class HomelessAgent(FakeAgent):
    """An agent whose service begins no conversation the first time."""

    async def create_conversation(self, bot_id: str) -> str:
        if await super().create_conversation(bot_id) == "conversation-1":
            raise AgentUnavailable("down", outcome_unknown=False)
        return "conversation-2"


async def test_where_the_first_answer_failed_a_follow_up_is_answered() -> None:
    """There is no conversation yet; but we have spoken in the thread, and who goes on there means us."""
    async with core_of(HomelessAgent(spoken("again"))) as core:
        await core.ask(envelope("first"))
        follow_up = envelope("and now?", number=2, addressing=Addressing.FOLLOW_UP)
        assert await core.answered(follow_up) == ["again"]


async def test_follow_ups_also_work_where_the_channel_is_the_conversation() -> None:
    """With scope ``channel`` we take part in the threads in which we were called, not in every thread."""
    options = replace(OPTIONS, asking=replace(ASKING, scope=Scope.CHANNEL))
    follow_up = envelope("and?", number=2, addressing=Addressing.FOLLOW_UP)
    elsewhere = envelope("and?", number=3, thread="other", addressing=Addressing.FOLLOW_UP)
    async with core_of(FakeAgent(spoken("a"), spoken("b")), options=options) as core:
        await core.ask(envelope())
        assert not await core.intake.accept(elsewhere)
        assert await core.intake.accept(follow_up)
        await core.ended(follow_up)
        assert core.agent.conversations == 1


async def test_the_gate_answers_a_mention_and_ignores_the_rest() -> None:
    """Who may not gets one sentence; nothing is asked or written down."""
    rules = GateRules(users=AccessList(allow=frozenset()))
    async with core_of(FakeAgent(), gate=rules) as core:
        assert not await core.intake.accept(envelope(number=1))
        assert not await core.intake.accept(envelope(number=2))
        await core.clock.settle()
        assert core.platform.visible() == [say(Say.NOT_ALLOWED, "en")]
        assert await core.store.unfinished() == []


async def test_a_long_answer_continues_in_the_next_message() -> None:
    """30 000 characters: every one of them stands on the platform, in order, within the limit."""
    text = "".join(f"Sentence number {n} of a very long answer. " for n in range(700))
    deltas = [text[i : i + 100] for i in range(0, len(text), 100)]
    async with core_of(FakeAgent(spoken(*deltas))) as core:
        shown = await core.answered(envelope())
        assert "".join(shown).replace(" ", "") == text.replace(" ", "")
        assert all(len(part) <= 2000 for part in shown)
        assert len(shown) > 10


async def test_a_completed_text_that_differs_replaces_what_was_shown() -> None:
    """The truth is the completed text, also when it is shorter."""
    gate = asyncio.Event()
    wrong = "wrong " * 700
    script: list[Step] = [
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", wrong),
        gate,
        AnswerCompleted("m", "right"),
        ChatCompleted(Usage()),
    ]
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: len(core.platform.visible()) >= 2)
        gate.set()
        await core.ended(envelope())
        assert core.platform.visible() == ["right"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ([ChatStarted(ChatRef("", "1")), ChatCompleted(Usage())], Say.EMPTY_ANSWER),
        ([AgentRejected("refused", code=4014, said=Say.AGENT_REFUSED)], Say.AGENT_REFUSED),
        ([AgentUnavailable("down", outcome_unknown=False)], Say.AGENT_UNAVAILABLE),
        ([RuntimeError("a bug of ours")], Say.INTERNAL),
        (
            [ChatStarted(ChatRef("", "1")), ActionRequired(ChatRef("", "1"), (ToolCall("t", "function", "f", "{}"),))],
            Say.AGENT_NEEDS_ACTION,
        ),
        ([ChatStarted(ChatRef("", "1")), AgentCancelled("cancelled elsewhere")], Say.STOPPED),
    ],
)
@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_every_failure_ends_as_a_sentence(script: list[Step], sentence: Say, locale: str) -> None:
    """In the reader's language, without an exception's words; the sign of life is taken away."""
    message = envelope(locale=locale)
    async with core_of(FakeAgent(script), asks_people=False) as core:
        await core.ask(message)
        shown = core.platform.visible()
        assert len(shown) == 1
        assert shown[0].startswith(say(sentence, locale))
        assert core.platform.calls[-1] == "settle"


async def test_partial_text_stays_and_is_marked() -> None:
    """What the agent said before it broke is still there, with what happened below it."""
    script: list[Step] = [
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", "Half an ans"),
        AgentRejected("broke", code=5000),
    ]
    async with core_of(FakeAgent(script)) as core:
        record = await core.ask(envelope())
        assert record.outcome is Outcome.FAILED
        (shown,) = core.platform.visible()
        assert shown.startswith("Half an ans")
        assert say(Say.INTERRUPTED, "en") in shown
        assert record.turn_id[:8] in shown


async def test_a_mention_without_words_is_answered_with_help() -> None:
    """Somebody only calls us by name: she reads what we can do."""
    async with core_of(FakeAgent()) as core:
        await core.ask(envelope(""))
        assert core.platform.visible() == [say(Say.HELP, "en")]


async def test_an_occupied_conversation_is_waited_for() -> None:
    """Another run in our conversation: asked again when it may have ended, within bounds."""
    busy: list[Step] = [AgentBusy("occupied", code=4016)]
    async with core_of(FakeAgent(busy, busy, spoken("now"))) as core:
        assert await core.answered(envelope()) == ["now"]
    async with core_of(FakeAgent(*[busy] * 200)) as core:
        await core.ask(envelope())
        assert core.platform.visible()[0].startswith(say(Say.CONVERSATION_OCCUPIED, "en"))


async def test_a_run_that_waits_for_a_tool_does_not_block_the_conversation() -> None:
    """It cannot be cancelled there; where it keeps the conversation occupied, the next question begins a new one."""
    chat = ChatRef("", "1")
    waits: list[Step] = [ChatStarted(chat), ActionRequired(chat, (ToolCall("t", "function", "f", "{}"),))]
    agent = FakeAgent(waits, [AgentBusy("occupied", code=4016)], spoken("free"))
    async with core_of(agent, asks_people=False) as core:
        await core.ask(envelope(number=1))
        shown = await core.answered(envelope(number=2))
        assert shown == [f"free\n\n{say(Say.NEW_CONVERSATION_FORCED, 'en')}"]
        assert core.agent.conversations == 2


async def test_a_conversation_that_is_gone_is_replaced_and_said_in_a_line() -> None:
    """Code 4002: a new conversation, the question asked there."""
    gone: list[Step] = [ConversationGone("gone", code=4002)]
    async with core_of(FakeAgent(spoken("a"), gone, spoken("b"))) as core:
        await core.ask(envelope(number=1))
        shown = await core.answered(envelope(number=2))
        assert shown == [f"b\n\n{say(Say.NEW_CONVERSATION_FORCED, 'en')}"]
        assert [q.conversation_id for q in core.agent.questions] == [
            "conversation-1",
            "conversation-1",
            "conversation-2",
        ]


async def test_a_question_of_unknown_outcome_is_looked_up_not_repeated() -> None:
    """The reply to our question was lost: its run is found and followed."""
    agent = FakeAgent([AgentUnavailable("lost", outcome_unknown=True)], spoken("found"))
    agent.found = FoundQuestion("q1", "chat-7")
    async with core_of(agent) as core:
        assert await core.answered(envelope()) == ["found"]
        assert agent.followed == [ChatRef("conversation-1", "chat-7")]
        assert len(agent.questions) == 1


async def test_a_thread_brings_its_earlier_messages_once() -> None:
    """A conversation begun inside a thread knows what was said there; the next question does not repeat it."""
    platform = FakePlatform(earlier=[EarlierMessage("Ben", "the build is red"), EarlierMessage("me", "hm", ours=True)])
    async with core_of(FakeAgent(spoken("a"), spoken("b")), platform=platform) as core:
        await core.ask(envelope(number=1, inside_thread=True))
        await core.ask(envelope(number=2, inside_thread=True))
        assert core.agent.questions[0].context == (
            ContextMessage("user", "Ben: the build is red"),
            ContextMessage("assistant", "hm"),
        )
        assert core.agent.questions[1].context == ()


async def test_an_agent_that_saves_nothing_is_sent_our_own_history() -> None:
    """The second question carries the first exchange."""
    agent = FakeAgent(spoken("a"), spoken("b"))
    agent.capabilities = AgentCapabilities(saves_history=False)
    async with core_of(agent) as core:
        await core.ask(envelope("one", number=1))
        await core.ask(envelope("two", number=2))
        assert agent.questions[1].context == (
            ContextMessage("user", "name of U1: one"),
            ContextMessage("assistant", "a"),
        )


async def test_status_and_help_answer_at_once() -> None:
    """Commands do not wait behind a running turn."""
    gate = asyncio.Event()
    blocked: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "x"), ChatCompleted(Usage())]
    async with core_of(FakeAgent(blocked)) as core:
        assert await core.intake.accept(envelope(number=1))
        await core.until(lambda: core.agent.questions != [])
        await core.ask(envelope("!status", number=2, inside_thread=True))
        await core.ask(envelope("帮助", number=3, locale="zh"))
        visible = core.platform.visible()
        assert visible[0].startswith(say(Say.STATUS_RUNNING, "en", agent="default", running=1, waiting=0))
        assert visible[1] == say(Say.HELP, "zh")
        gate.set()
        await core.ended(envelope(number=1))


class SlowSign(FakePlatform):
    """A platform whose sign of life takes until ``shown`` is set."""

    shown: asyncio.Event

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> Reply:
        reply = SlowReply(self, envelope, turn_id)
        reply.shown = self.shown
        return reply


class SlowReply(FakeReply):
    shown: asyncio.Event

    async def open(self) -> str | None:
        await self.shown.wait()
        return await super().open()


async def test_the_question_does_not_wait_for_the_sign_of_life() -> None:
    """It is asked meanwhile; what the agent says waits for the sign, for that may be the message it grows in."""
    platform = SlowSign(placeholder=True)
    platform.shown = asyncio.Event()
    async with core_of(FakeAgent(spoken("Hello, this is the answer.")), platform=platform) as core:
        assert await core.intake.accept(envelope())
        await core.clock.run(5.0)
        assert len(core.agent.questions) == 1
        assert platform.visible() == []
        platform.shown.set()
        await core.ended(envelope())
        assert platform.visible() == ["Hello, this is the answer."]
        assert "post" not in platform.calls


async def test_a_placeholder_becomes_the_answer() -> None:
    """Where the sign of life is a message, the first words replace it."""
    async with core_of(FakeAgent(spoken("Hello")), platform=FakePlatform(placeholder=True)) as core:
        assert await core.answered(envelope()) == ["Hello"]
        assert "post" not in core.platform.calls


@pytest.mark.parametrize(
    "errors",
    [
        {"post": [lost(applied=False)]},
        {"post!": [lost(applied=True)]},
        {"post": [lost(applied=True)]},
        {"post": [PlatformRateLimited("slow down", retry_after_s=20.0)]},
        {"edit": [PlatformRateLimited("slow down", retry_after_s=20.0), lost(applied=True), lost(applied=False)]},
        {"open": [lost(applied=False)], "settle": [lost(applied=False)]},
    ],
)
async def test_troubles_of_the_platform_leave_one_whole_answer(errors: dict[str, list[PlatformError]]) -> None:
    """Lost responses, refusals and outages: the whole text, exactly once."""
    gate = asyncio.Event()
    first = "The first words of a fairly long answer. "
    script: list[Step] = [
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", first),
        gate,
        AnswerDelta("m", "The end."),
        ChatCompleted(Usage()),
    ]
    platform = FakePlatform(errors=dict(errors))
    async with core_of(FakeAgent(script), platform=platform) as core:
        assert await core.intake.accept(envelope())
        await core.clock.run(5.0)
        gate.set()
        await core.ended(envelope())
        assert "".join(platform.visible()) == first + "The end."


async def test_a_post_that_cannot_be_looked_up_is_repeated_once_and_marked() -> None:
    """Where the platform does not let us look, a double is possible and says so."""
    platform = FakePlatform(
        errors={
            "post!": [lost(applied=True)],
            "find_posted": [PlatformRejected("no scope")],
            "find_doubles": [PlatformRejected("no scope")],
        }
    )
    async with core_of(FakeAgent(spoken("Hello")), platform=platform) as core:
        await core.ask(envelope())
        assert platform.visible() == ["Hello", f"Hello\n\n{say(Say.MAYBE_DUPLICATE, 'en')}"]


async def test_a_look_that_works_at_the_end_lifts_the_doubt() -> None:
    """Refused once only: what stood twice goes, and with it the sentence."""
    platform = FakePlatform(
        errors={
            "post!": [lost(applied=True)],
            "find_posted": [PlatformRejected("once a minute")],
            "find_doubles": [
                PlatformRateLimited("once a minute", retry_after_s=50.0),
                PlatformUnavailable("down", outcome_unknown=False),
            ],
        }
    )
    async with core_of(FakeAgent(spoken("Hello")), platform=platform) as core:
        await core.ask(envelope())
        assert platform.visible() == ["Hello"]
        assert [m.deleted for m in platform.messages.values()] == [True, False]


@pytest.mark.parametrize("late_s", [0.5, 60.0])
async def test_a_post_that_comes_after_it_was_repeated_is_taken_away(late_s: float) -> None:
    """Nobody found it when it was looked for: it comes while the answer grows, or at its very end."""
    gate = asyncio.Event()
    script: list[Step] = [
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", "The first words of an answer. "),
        gate,
        AnswerDelta("m", "Its end."),
        ChatCompleted(Usage()),
    ]
    platform = FakePlatform(errors={"post~": [lost(applied=True)]})
    async with core_of(FakeAgent(script, spoken("another")), platform=platform) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: len(platform.messages) == 1)
        assert (await core.record(envelope())).parts == (PostedPart(0, "msg-1", twice=True),)
        if late_s < 1:
            gate.set()
            await core.until(lambda: _ends_with(core, "Its end."))
        await core.clock.run(late_s)
        platform.arrive()
        assert len(platform.visible()) == 2
        gate.set()
        await core.ended(envelope())
        assert platform.visible() == ["The first words of an answer. Its end."]
        assert platform.messages["msg-2"].deleted
        await core.ask(envelope("And?", number=2))
        assert platform.calls.count("find_doubles") == 1


@pytest.mark.parametrize("late_s", [0.5, 60.0])
async def test_an_edit_that_is_applied_after_newer_ones_does_not_spoil_the_end(late_s: float) -> None:
    """The service took longer than our patience: the whole text is sent once more, unless enough time has passed."""
    gates = [asyncio.Event(), asyncio.Event()]
    script: list[Step] = [
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", "The first words of an answer. "),
        gates[0],
        AnswerDelta("m", "Some more of it. "),
        gates[1],
        AnswerDelta("m", "Its end."),
        ChatCompleted(Usage()),
    ]
    platform = FakePlatform(errors={"edit~": [lost(applied=True)]})
    async with core_of(FakeAgent(script), platform=platform) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: _ends_with(core, "an answer."))
        gates[0].set()
        await core.until(lambda: platform.belated != [])
        if late_s > 1:
            await core.until(lambda: _ends_with(core, "more of it."))
            await core.clock.run(late_s)
            platform.arrive()
        gates[1].set()
        await core.until(lambda: _ends_with(core, "Its end."))
        edits = platform.calls.count("edit")
        platform.arrive()
        await core.ended(envelope())
        assert platform.visible() == ["The first words of an answer. Some more of it. Its end."]
        assert platform.calls.count("edit") == edits + (late_s < 1)


async def test_a_lost_placeholder_becomes_the_answer() -> None:
    """Its response was lost: it is looked for before the first words are posted, and does not stand for ever."""
    platform = FakePlatform(placeholder=True, errors={"open!": [lost(applied=True)]})
    async with core_of(FakeAgent(spoken("Hello")), platform=platform) as core:
        assert await core.answered(envelope()) == ["Hello"]
        assert len(platform.messages) == 1


async def test_a_deleted_message_is_posted_anew() -> None:
    """Somebody deletes the growing message: the whole text comes again."""
    gate = asyncio.Event()
    script: list[Step] = [
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", "A growing answer, deleted. "),
        gate,
        AnswerDelta("m", "Still here."),
        ChatCompleted(Usage()),
    ]
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: core.platform.visible() != [])
        next(iter(core.platform.messages.values())).deleted = True
        gate.set()
        await core.ended(envelope())
        assert core.platform.visible() == ["A growing answer, deleted. Still here."]


async def test_where_nothing_can_be_shown_the_agent_is_stopped() -> None:
    """Archived while answering: the run is cancelled, the turn ends as failed."""
    gate = asyncio.Event()
    script: list[Step] = [ChatStarted(ChatRef("", "1")), AnswerDelta("m", "A growing answer, never seen."), gate]
    platform = FakePlatform(errors={"post": [PlatformRejected("is_archived")]})
    async with core_of(FakeAgent(script), platform=platform) as core:
        record = await core.ask(envelope())
        assert (record.outcome, record.reason) == (Outcome.FAILED, "is_archived")
        assert core.agent.cancelled == [ChatRef("conversation-1", "1")]


async def test_an_agent_without_end_is_given_up() -> None:
    """A run that outlasts the whole turn's limit is cancelled and said to be silent."""
    script: list[Step] = [ChatStarted(ChatRef("", "1")), asyncio.Event()]
    async with core_of(FakeAgent(script), options=replace(OPTIONS, turn_timeout_s=600.0)) as core:
        assert await core.intake.accept(envelope())
        await core.clock.run(599.0)
        assert (await core.record(envelope())).state is not TurnState.ENDED
        await core.ended(envelope())
        assert core.platform.visible()[0].startswith(say(Say.AGENT_SILENT, "en"))
        assert core.agent.cancelled != []


async def test_the_sign_of_life_is_renewed_until_the_first_words() -> None:
    """An agent that thinks for long: the status does not lapse."""
    gate = asyncio.Event()
    script: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "x"), ChatCompleted(Usage())]
    async with core_of(FakeAgent(script)) as core:
        assert await core.intake.accept(envelope())
        await core.clock.run(200.0)
        assert core.platform.calls.count("refresh") == 2
        gate.set()
        await core.ended(envelope())


async def test_waiting_for_the_agents_own_limits_is_shown() -> None:
    """More questions than the agent's plan allows: the sign that a question waits appears, the answer follows."""
    gate = asyncio.Event()
    async with core_of(FakeAgent([gate, *spoken("x")])) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: core.turns.live != {})
        await core.clock.settle()
        next(iter(core.turns.live.values())).queued(3)
        await core.clock.settle()
        assert core.platform.calls.count("waiting") == 1
        gate.set()
        await core.ended(envelope())


class FullStore(MemoryStore):
    """A memory store on a full disk."""

    is_full = has_room_for_questions = False

    async def create_turn(self, turn: TurnRecord) -> bool:
        if self.is_full and not self.has_room_for_questions:
            raise StoreUnavailable("database or disk is full")
        return await super().create_turn(turn)

    async def advance(
        self, turn_id: TurnId, from_states: frozenset[TurnState], changes: dict[str, object], lease: Lease
    ) -> TurnRecord:
        if self.is_full:
            raise StoreUnavailable("database or disk is full")
        return await super().advance(turn_id, from_states, changes, lease)


async def test_a_question_that_cannot_be_written_down_is_refused_aloud() -> None:
    """A full disk: nobody repeats it, so the author of each reads why; it works again afterwards."""
    clock = FakeClock()
    store = FullStore(clock)
    async with core_of(FakeAgent(spoken("better now")), store=store, clock=clock) as core:
        store.is_full = True
        for number in (1, 2):
            with pytest.raises(StoreUnavailable):
                await core.intake.accept(envelope(number=number))
        await core.until(lambda: core.platform.visible() == [say(Say.STORE_FAILED, "en")] * 2)
        store.is_full = False
        assert "better now" in await core.answered(envelope())


@pytest.mark.parametrize(("delivers_again", "late"), [(True, False), (False, True)])
async def test_whoever_need_not_ask_again_is_told_so(delivers_again: bool, late: bool) -> None:
    """Once per message, however often it comes while the disk is full; it is answered by itself afterwards."""
    clock = FakeClock()
    store = FullStore(clock)
    platform = FakePlatform(capabilities=Capabilities(delivers_again=delivers_again))
    asked = replace(envelope(), late=late, sent_at_s=clock.wall())
    async with core_of(FakeAgent(spoken("better now")), platform=platform, store=store, clock=clock) as core:
        store.is_full = True
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await core.intake.accept(asked)
            await core.clock.run(REFUSAL_PAUSE_S)
        assert core.platform.visible() == [say(Say.STORE_FAILED_FOR_NOW, "en")]
        store.is_full = False
        assert (await core.answered(asked))[-1].startswith("better now")


async def test_a_disk_that_fills_up_in_the_middle_costs_no_answer() -> None:
    """The answer is on its way: it is shown whole; that it has ended is written down when there is room again."""
    gate = asyncio.Event()
    clock = FakeClock()
    store = FullStore(clock)
    script: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "whole"), ChatCompleted(Usage())]
    async with core_of(FakeAgent(script), store=store, clock=clock) as core:
        assert await core.intake.accept(envelope())
        await core.until(lambda: core.agent.questions != [])
        await core.clock.settle()
        store.is_full = True
        gate.set()
        await core.until(lambda: core.platform.visible() == ["whole"])
        await core.clock.run(10.0)
        assert (await core.record(envelope())).state is TurnState.ASKED
        store.is_full = False
        (record,) = await core.ended(envelope())
        assert (record.outcome, record.answer, len(record.parts)) == (Outcome.DELIVERED, "whole", 1)


class ForgetfulStore(MemoryStore):
    """A memory store whose disk is full whenever something of a conversation shall be written, so many times."""

    refusals = 0

    async def bind(self, conversation: Conversation) -> None:
        self._refuse()
        await super().bind(conversation)

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        self._refuse()
        await super().remember(name, value, ttl_s=ttl_s)

    def _refuse(self) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise StoreUnavailable("database or disk is full")


async def test_a_conversation_that_cannot_be_written_down_costs_no_question() -> None:
    """The question was taken: it waits for room, asked once and answered without a word of regret."""
    clock = FakeClock()
    store = ForgetfulStore(clock)
    async with core_of(FakeAgent(spoken("one"), spoken("two")), store=store, clock=clock) as core:
        for number, text in enumerate(("one", "two")):
            store.refusals = 3
            assert await core.answered(envelope(text, number=number)) == [text]
        assert len({question.conversation_id for question in core.agent.questions}) == 1


async def test_an_intent_waits_for_room_on_the_disk() -> None:
    """Full between the question and its asking: nothing is done that is not written down, and it goes on by itself."""
    clock = FakeClock()
    store = FullStore(clock)
    async with core_of(FakeAgent(spoken("patient")), store=store, clock=clock) as core:
        store.is_full = store.has_room_for_questions = True
        assert await core.intake.accept(envelope())
        await core.clock.run(30.0)
        assert (core.agent.questions, core.platform.visible()) == ([], [])
        store.is_full = False
        (record,) = await core.ended(envelope())
        assert (record.outcome, core.platform.visible()) == (Outcome.DELIVERED, ["patient"])
