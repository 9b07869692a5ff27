"""A turn that a crash cut goes on from the state in which it is written down."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import AgentBusy, AgentUnavailable, PlatformRejected
from bridge.keys import conversation_key, turn_id
from bridge.model import (
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ConversationKey,
    FoundQuestion,
    Outcome,
    PostedPart,
    Scope,
    TurnRecord,
    TurnState,
    Usage,
    View,
)
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakeMessage, FakePlatform, Step, envelope, spoken
from bridge.texts import Say, say

QUESTION = envelope("What was the question?")
TURN = turn_id(QUESTION.delivery_key)
KEY = conversation_key(QUESTION.place, QUESTION.author, Scope.THREAD)
FETCHED: list[Step] = [ChatStarted(ChatRef("", "chat-1")), AnswerCompleted("m", "The answer."), ChatCompleted(Usage())]


def cut(state: TurnState, **fields: object) -> TurnRecord:
    """A turn as a crash left it."""
    record = TurnRecord(TURN, KEY, QUESTION, created_at_s=1_760_000_000.0, state=state, agent="default")
    return replace(record, **fields)  # type: ignore[arg-type] # names and values are the record's


def standing(platform: FakePlatform, *texts: str) -> tuple[PostedPart, ...]:
    """Let messages of the cut turn stand on the platform; returns what is written down of them."""
    for index, text in enumerate(texts):
        platform.messages[f"old-{index}"] = FakeMessage(QUESTION.place, TURN, index, [View(text)])
    return tuple(PostedPart(index, f"old-{index}") for index in range(len(texts)))


async def take_up(core: Core, record: TurnRecord) -> TurnRecord:
    """Put the record into the store as it was, take it up, and wait for its end."""
    assert await core.store.create_turn(record)
    core.lanes.reserve(record.key, bounded=False).fill(record)
    return (await core.ended(QUESTION))[0]


async def test_accepted_is_run() -> None:
    """Nothing had been done: it is an ordinary turn."""
    async with core_of(FakeAgent(spoken("The answer."))) as core:
        await take_up(core, replace(cut(TurnState.ACCEPTED), agent=""))
        assert core.platform.visible() == ["The answer."]


@pytest.mark.parametrize("posted", [True, False])
async def test_opening_looks_for_its_placeholder(posted: bool) -> None:
    """Posted just before the crash: it becomes the answer, no second one is left standing."""
    platform = FakePlatform(placeholder=True)
    if posted:
        standing(platform, "…")
    async with core_of(FakeAgent(spoken("The answer.")), platform=platform) as core:
        await take_up(core, cut(TurnState.OPENING))
        assert platform.visible() == ["The answer."]
        assert ("open" in platform.calls) is not posted


async def test_opened_continues_with_its_placeholder() -> None:
    """The placeholder of the lost process is the first part."""
    platform = FakePlatform(placeholder=True)
    parts = standing(platform, "…")
    async with core_of(FakeAgent(spoken("The answer.")), platform=platform) as core:
        await take_up(core, cut(TurnState.OPENED, parts=parts))
        assert platform.visible() == ["The answer."]


async def test_asking_follows_what_it_had_asked() -> None:
    """Our question is at the agent: its run is followed, nothing is asked again."""
    agent = FakeAgent(FETCHED)
    agent.found = FoundQuestion("q", "chat-1")
    async with core_of(agent) as core:
        record = await take_up(core, cut(TurnState.ASKING, conversation_id="conversation-7"))
        assert (agent.questions, agent.followed) == ([], [ChatRef("conversation-7", "chat-1")])
        assert (record.outcome, core.platform.visible()) == (Outcome.DELIVERED, ["The answer."])


async def test_asking_looks_for_a_sign_that_was_on_its_way() -> None:
    """Posted, and not written down: it becomes the answer."""
    platform = FakePlatform(placeholder=True)
    standing(platform, "…")
    async with core_of(FakeAgent(spoken("The answer.")), platform=platform) as core:
        await take_up(core, cut(TurnState.ASKING, conversation_id="conversation-7"))
        assert platform.visible() == ["The answer."]


async def test_asking_asks_once_more_what_cannot_be_found() -> None:
    """Our question is not there: it is asked, in the conversation it was meant for."""
    agent = FakeAgent(spoken("The answer."))
    async with core_of(agent) as core:
        await take_up(core, cut(TurnState.ASKING, conversation_id="conversation-7"))
        assert [question.conversation_id for question in agent.questions] == ["conversation-7"]
        assert core.platform.visible() == ["The answer."]


async def test_an_occupied_conversation_may_be_occupied_by_ourselves() -> None:
    """Not listed while it runs, refused when asked again: it is looked for until it shows."""

    class Late(FakeAgent):
        looks = 0

        async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
            self.looks += 1
            return FoundQuestion("q", "chat-1") if self.looks > 2 else None

    agent = Late([AgentBusy("occupied", code=4016)], [AgentBusy("occupied", code=4016)], FETCHED)
    async with core_of(agent) as core:
        await take_up(core, cut(TurnState.ASKING, conversation_id="conversation-7"))
        assert agent.followed == [ChatRef("conversation-7", "chat-1")]
        assert core.platform.visible() == ["The answer."]


async def test_a_question_that_does_not_tell_its_run_is_waited_for() -> None:
    """Found without a run: not asked again; its answer tells the run as soon as there is one."""

    class Silent(FakeAgent):
        looks = 0

        async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
            self.looks += 1
            return FoundQuestion("q", "chat-1" if self.looks > 3 else "")

    agent = Silent(FETCHED)
    async with core_of(agent) as core:
        await take_up(core, cut(TurnState.ASKING, conversation_id="conversation-7"))
        assert (agent.questions, agent.followed) == ([], [ChatRef("conversation-7", "chat-1")])


async def test_asked_is_fetched_and_never_asked_again() -> None:
    """The agent went on while we were gone; what was shown is brought up to date."""
    agent = FakeAgent(FETCHED)
    platform = FakePlatform()
    parts = standing(platform, "The ans")
    async with core_of(agent, platform=platform) as core:
        record = cut(TurnState.ASKED, conversation_id="conversation-7", chat_id="chat-1", parts=parts)
        await take_up(core, record)
        assert (agent.questions, agent.followed) == ([], [ChatRef("conversation-7", "chat-1")])
        assert platform.visible() == ["The answer."]


async def test_a_part_posted_just_before_the_crash_is_found() -> None:
    """Its id was not written down: it is looked up, not posted twice."""
    platform = FakePlatform()
    standing(platform, "The ans")
    async with core_of(FakeAgent(FETCHED), platform=platform) as core:
        await take_up(core, cut(TurnState.ASKED, conversation_id="c", chat_id="chat-1"))
        assert platform.visible() == ["The answer."]


async def test_where_nothing_can_be_looked_up_a_double_is_marked() -> None:
    """No scope to read the thread: posted once more, and said that it may be a duplicate."""
    refusal = PlatformRejected("no scope")
    platform = FakePlatform(errors={"find_posted": [refusal], "find_doubles": [refusal]})
    async with core_of(FakeAgent(FETCHED), platform=platform) as core:
        await take_up(core, cut(TurnState.ASKED, conversation_id="c", chat_id="chat-1"))
        assert platform.visible() == [f"The answer.\n\n{say(Say.MAYBE_DUPLICATE, 'en')}"]


@pytest.mark.parametrize("written_down", [True, False])
async def test_a_post_that_comes_twice_round_a_crash_is_taken_away(written_down: bool) -> None:
    """The earlier process repeated a lost post; whether it could write that down or not, both were applied since."""
    platform = FakePlatform()
    parts = standing(platform, "The ans", "The ans")
    for message in platform.messages.values():
        message.index = 0
    async with core_of(FakeAgent(FETCHED), platform=platform) as core:
        known = (replace(parts[1], index=0, twice=True),) if written_down else ()
        await take_up(core, cut(TurnState.ASKED, conversation_id="c", chat_id="chat-1", parts=known))
        assert platform.visible() == ["The answer."]
        assert [message.deleted for message in platform.messages.values()] == [written_down, not written_down]


@pytest.mark.parametrize("state", [TurnState.ANSWERED, TurnState.DELIVERING])
async def test_a_known_answer_is_delivered_without_the_agent(state: TurnState) -> None:
    """The text is written down: two of its three messages stand, the third is missing."""
    sentence = "A sentence of the long answer. "
    text = (sentence * 180).strip()
    platform = FakePlatform()
    async with core_of(FakeAgent(), platform=platform) as core:
        known = {"conversation_id": "c", "chat_id": "chat-1", "answer": text}
        parts = standing(platform, "old first", "old second")
        record = await take_up(core, cut(state, parts=parts, **known))
        assert record.outcome is Outcome.DELIVERED
        assert "".join(platform.visible()).replace(" ", "") == text.replace(" ", "")
        assert len(platform.visible()) == 3
        assert platform.looked_for == {2: {part.index: part.message_id for part in parts}}


async def test_an_agent_that_cannot_be_reached_after_a_crash_ends_as_a_sentence() -> None:
    """The partial text stays, with what happened below it."""
    platform = FakePlatform()
    parts = standing(platform, "The ans")
    agent = FakeAgent([AgentUnavailable("down", outcome_unknown=False)])
    async with core_of(agent, platform=platform) as core:
        await take_up(core, cut(TurnState.ASKED, conversation_id="c", chat_id="chat-1", parts=parts))
        partial, ending = platform.visible()
        assert partial == "The ans"
        assert ending.startswith(say(Say.AGENT_UNAVAILABLE, "en"))


async def test_what_is_too_old_is_closed_with_a_sentence() -> None:
    """Days later an answer would surprise: the author reads that she should ask again."""
    async with core_of(FakeAgent()) as core:
        record = await take_up(core, replace(cut(TurnState.ASKED), created_at_s=1_759_000_000.0))
        assert record.outcome is Outcome.FAILED
        assert core.platform.visible() == [say(Say.TOO_LATE, "en")]


@pytest.mark.parametrize(
    ("state", "fields", "cancelled"),
    [
        (TurnState.ACCEPTED, {}, []),
        (TurnState.OPENED, {}, []),
        (TurnState.ASKING, {"conversation_id": "c"}, [ChatRef("c", "chat-1")]),
        (TurnState.ASKED, {"conversation_id": "c", "chat_id": "chat-1"}, [ChatRef("c", "chat-1")]),
    ],
)
async def test_what_was_stopped_is_not_answered_after_a_crash(
    state: TurnState, fields: dict[str, str], cancelled: list[ChatRef]
) -> None:
    """The stop is obeyed by the next process: its run is cancelled, what stands stays, marked."""
    agent, platform = FakeAgent(), FakePlatform()
    agent.found = FoundQuestion("q", "chat-1")
    texts = ["Half an ans"] if state in (TurnState.ASKING, TurnState.ASKED) else []
    parts = standing(platform, *texts)
    async with core_of(agent, platform=platform) as core:
        record = await take_up(core, cut(state, parts=parts, stopping=Outcome.STOPPED, **fields))
        assert (record.outcome, agent.questions, agent.cancelled) == (Outcome.STOPPED, [], cancelled)
        told = [] if state is TurnState.ACCEPTED else [say(Say.STOPPED, "en")]
        assert platform.visible() == [*texts, *told]


@pytest.mark.parametrize("words", [True, False])
async def test_a_placeholder_never_outlives_its_turn(words: bool) -> None:
    """Still without words it becomes the sentence; with words, the sentence stands below."""
    platform = FakePlatform(placeholder=True)
    (part,) = standing(platform, "The ans" if words else "…")
    agent = FakeAgent([AgentUnavailable("down", outcome_unknown=False)])
    async with core_of(agent, platform=platform) as core:
        known = {"conversation_id": "c", "chat_id": "chat-1", "parts": (replace(part, wordless=not words),)}
        await take_up(core, cut(TurnState.ASKED, **known))
        *before, ending = platform.visible()
        assert before == (["The ans"] if words else [])
        assert ending.startswith(say(Say.AGENT_UNAVAILABLE, "en"))


async def test_it_is_written_down_that_a_placeholder_shows_words() -> None:
    """So that the next process knows whether it may be overwritten."""
    gate = asyncio.Event()
    script: list[Step] = [
        gate,
        ChatStarted(ChatRef("", "1")),
        AnswerDelta("m", "The first words of it."),
        asyncio.Event(),
    ]
    async with core_of(FakeAgent(script), platform=FakePlatform(placeholder=True)) as core:
        assert await core.intake.accept(QUESTION)
        await core.until(lambda: core.agent.questions != [])
        assert (await core.record(QUESTION)).parts == (PostedPart(0, "msg-1", wordless=True),)
        gate.set()
        await core.until(lambda: core.platform.visible() == ["The first words of it."])
        assert (await core.record(QUESTION)).parts == (PostedPart(0, "msg-1"),)


async def test_a_failure_is_final_once_it_is_written_down() -> None:
    """Cut while its sentence was being shown: the sentence comes, nothing is asked; half an answer is no answer."""
    platform = FakePlatform()
    parts = standing(platform, "Half")
    known = {"conversation_id": "c", "chat_id": "chat-1", "answer": "Half an ans", "footer": "It broke."}
    async with core_of(FakeAgent(), platform=platform) as core:
        record = await take_up(
            core, cut(TurnState.DELIVERING, parts=parts, outcome=Outcome.FAILED, reason="x", **known)
        )
        assert (record.outcome, record.reason) == (Outcome.FAILED, "x")
        assert platform.visible() == ["Half an ans\n\nIt broke."]


async def test_a_known_answer_is_shown_however_old() -> None:
    """It may stand there already: nobody is told that it comes too late."""
    platform = FakePlatform()
    parts = standing(platform, "The ans")
    async with core_of(FakeAgent(), platform=platform) as core:
        old = replace(cut(TurnState.DELIVERING, answer="The answer.", parts=parts), created_at_s=1_759_000_000.0)
        await take_up(core, old)
        assert platform.visible() == ["The answer."]


async def test_commands_that_are_obeyed_again_concern_what_came_before_them() -> None:
    """A crash after ``!new`` and ``!stop`` had worked: what was begun since is left alone."""
    gate = asyncio.Event()
    script: list[Step] = [ChatStarted(ChatRef("", "1")), gate, AnswerDelta("m", "later"), ChatCompleted(Usage())]
    async with core_of(FakeAgent(script)) as core:
        old_s = core.clock.wall() - 10.0
        assert await core.intake.accept(QUESTION)
        await core.until(lambda: core.agent.questions != [])
        for number, text in ((2, "!new"), (3, "!stop")):
            command = envelope(text, number=number, inside_thread=True)
            lane = ConversationKey(f"command:{turn_id(command.delivery_key)}")
            record = TurnRecord(turn_id(command.delivery_key), lane, command, created_at_s=old_s)
            await core.store.create_turn(record)
            core.lanes.reserve(lane).fill(record)
            await core.ended(command)
        assert await core.store.conversation(KEY) is not None
        gate.set()
        (answered,) = await core.ended(QUESTION)
        assert answered.outcome is Outcome.DELIVERED
