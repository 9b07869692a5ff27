"""Everything beside streaming, against the emulator: polling, following, conversations, files, bots, retries."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest

from bridge.coze.client import CozeAgent
from bridge.errors import (
    AgentBusy,
    AgentError,
    AgentProtocolError,
    AgentRejected,
    AgentUnauthorized,
    AgentUnavailable,
    ConversationGone,
)
from bridge.model import (
    ActionRequired,
    AgentCapabilities,
    AgentProfile,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ChatStatus,
    FileKind,
    QuestionFile,
    Usage,
)
from bridge.texts import Say
from sandbox.coze import ALL_PERMISSIONS, Answer, CozeEmulator, Failure, RequiredAction, ToolCall
from sandbox.coze import Usage as Counted
from tests.coze.conftest import MakeAgent
from tests.coze.tools import BOT, TOKEN, answers_in, collect, follow_ups_in, question, text_in

CHAT = "POST /v3/chat"
RETRIEVE = "GET /v3/chat/retrieve"
MESSAGES = "GET /v3/chat/message/list"
CREATE = "POST /v1/conversation/create"
SEARCH = "POST /v1/conversation/message/list"


def requests(coze: CozeEmulator, name: str) -> list[Any]:
    """The requests of one kind that the emulator received."""
    return coze.journal.select(kind="request", name=name)


# --- mode = "poll" ----------------------------------------------------------------------------------------------------


async def test_polling(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """Create, retrieve, list: the same events without deltas."""
    coze.script(
        Answer(
            text="One.",
            further_texts=("Two.",),
            follow_ups=("Why?",),
            usage=Counted(3, 4),
            reasoning=("Hm.",),
            delta_interval_s=0.05,
        )
    )
    agent = await make_agent(coze.base_url, mode="poll", transport=transport)
    events = await collect(agent.ask(question()))
    assert isinstance(events[0], ChatStarted)
    assert list(answers_in(events).values()) == ["One.", "Two."]
    assert follow_ups_in(events) == ["Why?"]
    assert events[-1] == ChatCompleted(Usage(3, 4, 7))
    assert not any(isinstance(event, AnswerDelta) for event in events)
    [asked] = requests(coze, CHAT)
    assert (asked.detail["body"]["stream"], asked.detail["body"]["auto_save_history"]) == (False, True)


@pytest.mark.parametrize("status", ["created", "in_progress"])
async def test_polling_keeps_its_distance(coze: CozeEmulator, make_agent: MakeAgent, status: Any) -> None:
    """At most one look a second, from the start on, whatever the first status is called."""
    speed = 10.0
    coze.switches.first_status_without_stream = status
    coze.script(Answer(text="slow", first_delta_delay_s=0.35))
    agent = await make_agent(coze.base_url, mode="poll", speed=speed)
    assert text_in(await collect(agent.ask(question()))) == "slow"
    times = [entry.at for entry in (*requests(coze, CHAT), *requests(coze, RETRIEVE))]
    assert len(times) > 3
    assert all(later - earlier >= 0.9 / speed for earlier, later in pairwise(times))


async def test_polling_survives_an_outage(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Looks that fail in passing are repeated."""
    coze.script("here")
    coze.faults.plan(RETRIEVE, "html", times=2, status=502)
    coze.faults.plan(RETRIEVE, "hang_up", times=1)
    coze.faults.plan(RETRIEVE, "throttled", times=1)
    agent = await make_agent(coze.base_url, mode="poll", idle_timeout_s=400.0)
    assert text_in(await collect(agent.ask(question()))) == "here"


async def test_polling_gives_up_an_unreachable_service(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Not for ever: after the idle limit without any answer the caller learns that the outcome is unknown."""
    coze.faults.plan(RETRIEVE, "html", times=None, status=502)
    agent = await make_agent(coze.base_url, mode="poll", idle_timeout_s=5.0)
    with pytest.raises(AgentUnavailable) as caught:
        await collect(agent.ask(question()))
    assert caught.value.outcome_unknown
    assert 3 <= len(requests(coze, RETRIEVE)) <= 7


async def test_polled_failures(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A polled run fails with its code."""
    coze.script(Answer(text="x", failure=Failure(code=4014, msg="no")))
    agent = await make_agent(coze.base_url, mode="poll")
    with pytest.raises(AgentRejected) as caught:
        await collect(agent.ask(question()))
    assert caught.value.code == 4014


async def test_polled_tools(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A polled run that waits for tools says so."""
    coze.script(Answer(requires_action=RequiredAction((ToolCall("rain"),))))
    agent = await make_agent(coze.base_url, mode="poll")
    events = await collect(agent.ask(question()))
    assert isinstance(events[-1], ActionRequired)


@pytest.mark.parametrize("mode", ["stream", "poll"])
@pytest.mark.parametrize("shape", ["event", "json"])
async def test_a_busy_conversation_in_every_shape(
    coze: CozeEmulator, make_agent: MakeAgent, mode: str, shape: Any
) -> None:
    """However the service words 4016, it is understood."""
    coze.switches.occupied_stream_shape = coze.switches.occupied_json_shape = shape
    coze.script(Answer(text="late", first_delta_delay_s=60.0))
    agent = await make_agent(coze.base_url, mode=mode)
    conversation = await agent.create_conversation(BOT)
    async with agent.ask(question(conversation_id=conversation)) as events:
        await anext(events)
        with pytest.raises(AgentBusy):
            await collect(agent.ask(question("again", conversation)))


@pytest.mark.parametrize("fault", ["without_data", "null_data"])
async def test_an_empty_message_list(coze: CozeEmulator, make_agent: MakeAgent, fault: str) -> None:
    """A list without ``data`` is an empty answer."""
    coze.faults.plan(MESSAGES, fault, times=None)
    events = await collect((await make_agent(coze.base_url, mode="poll")).ask(question()))
    assert text_in(events) == ""
    assert isinstance(events[-1], ChatCompleted)


async def test_a_list_that_lags_behind(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """When the stream showed an answer that is not listed yet, the list is read once more."""
    coze.script(Answer(text="some words here"))
    coze.faults.plan(CHAT, "cut", after_events=4)
    coze.faults.plan(MESSAGES, "without_data")
    assert text_in(await collect((await make_agent(coze.base_url)).ask(question()))) == "some words here"


@pytest.mark.parametrize(
    "fault", ["without_code", "string_timestamps", "shuffled_keys", "null_last_error", "empty_usage"]
)
async def test_odd_replies_are_ordinary(coze: CozeEmulator, make_agent: MakeAgent, fault: str) -> None:
    """Odd but legal replies change nothing."""
    for name in (CHAT, RETRIEVE, MESSAGES, CREATE):
        coze.faults.plan(name, fault, times=None)
    coze.script("fine")
    agent = await make_agent(coze.base_url, mode="poll")
    conversation = await agent.create_conversation(BOT)
    assert text_in(await collect(agent.ask(question(conversation_id=conversation)))) == "fine"


# --- conversations ----------------------------------------------------------------------------------------------------


async def test_conversations(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Create, look up, clear: a cleared conversation has a new section and forgets."""
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    assert await agent.conversation_exists(conversation)
    assert not await agent.conversation_exists("123")
    coze.script(Answer(echo=True), times=None)
    await collect(agent.ask(question("before", conversation)))
    section = await agent.clear(conversation)
    events = await collect(agent.ask(question("after", conversation)))
    assert "before" not in text_in(events)
    assert isinstance(events[0], ChatStarted)
    assert events[0].section_id == section


async def test_finding_a_question(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """The mark leads to the question and its run; another mark to nothing."""
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    events = await collect(agent.ask(question("first", conversation, "MARKONE")))
    await collect(agent.ask(question("second", conversation, "MARKTWO")))
    assert isinstance(events[0], ChatStarted)
    found = await agent.find_question(conversation, "MARKONE")
    assert found is not None
    assert found.chat_id == events[0].chat.chat_id
    assert await agent.find_question(conversation, "MARKNONE") is None


async def test_finding_a_question_without_chat_id(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Where the question does not tell its run, the answer that follows it does; before there is one, nothing does."""
    coze.switches.question_has_chat_id = False
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    first = await collect(agent.ask(question("first", conversation, "MARKONE")))
    coze.script(Answer(text="late", first_delta_delay_s=60.0))
    async with agent.ask(question("second", conversation, "MARKTWO")):
        found = [await agent.find_question(conversation, mark) for mark in ("MARKONE", "MARKTWO")]
    assert isinstance(first[0], ChatStarted)
    assert [question and question.chat_id for question in found] == [first[0].chat.chat_id, ""]


async def test_finding_a_question_pages_back(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A question behind more than a page of messages is found; the search has an end."""
    coze.switches.chat_qps = None
    agent = await make_agent(coze.base_url, chats_per_s=1000)
    conversation = await agent.create_conversation(BOT)
    coze.script("a", times=None)
    await collect(agent.ask(question("old", conversation, "MARKOLD")))
    for number in range(30):
        await collect(agent.ask(question("new", conversation, f"MARK{number}")))
    assert await agent.find_question(conversation, "MARKOLD") is not None
    assert len(requests(coze, SEARCH)) == 2


async def test_searching_in_a_conversation_that_is_gone(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Its absence is told."""
    with pytest.raises(ConversationGone):
        await (await make_agent(coze.base_url)).find_question("123", "M")


# --- bots, files, feedback --------------------------------------------------------------------------------------------


async def test_profile(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """What a bot says of itself."""
    agent = await make_agent(coze.base_url)
    assert await agent.profile(BOT) == AgentProfile(BOT, "News", "News of the sandbox", "Hello!", ("What is new?",))


async def test_upload(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """A file arrives whole, with its name."""
    agent = await make_agent(coze.base_url, transport=transport)
    file_id = await agent.upload("报告.csv", "text/csv", b"a,b\n" * 5000)
    stored = coze.world.files[file_id]
    assert (stored.file_name, stored.size_bytes) == ("报告.csv", 20_000)


async def test_feedback(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Likes and dislikes reach the message, long comments shortened."""
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    events = await collect(agent.ask(question(conversation_id=conversation)))
    [message_id] = answers_in(events)
    await agent.rate(conversation, message_id, good=True)
    await agent.rate(conversation, message_id, good=False, comment="x" * 300)
    sent = [entry.detail["body"] for entry in coze.journal.select(kind="request") if entry.name.endswith("/feedback")]
    assert sent == [{"feedback_type": "like"}, {"feedback_type": "unlike", "comment": "x" * 250}]


async def test_capabilities(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """What cannot be done without history is not offered."""
    assert (await make_agent(coze.base_url)).capabilities == AgentCapabilities()
    unsaved = (await make_agent(coze.base_url, auto_save_history=False)).capabilities
    assert not unsaved.saves_history
    assert not unsaved.feedback


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("hang_up", {}),
        ("hang_up_after", {}),
        ("html", {"status": 502}),
        ("html", {"status": 504}),
        ("throttled", {"status": 429}),
        ("throttled", {"status": 200, "code": 4009}),
        ("json_error", {"code": 5000}),
    ],
)
async def test_safe_calls_are_repeated(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str, fault: str, more: dict[str, int]
) -> None:
    """Creating a conversation twice does no harm, so a passing failure is not seen."""
    coze.faults.plan(CREATE, fault, times=2, **more)
    agent = await make_agent(coze.base_url, transport=transport)
    assert await agent.create_conversation(BOT)
    assert len(requests(coze, CREATE)) == 3


async def test_repeating_has_an_end(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Four attempts, then the error."""
    coze.faults.plan(CREATE, "html", times=None, status=503)
    with pytest.raises(AgentUnavailable):
        await (await make_agent(coze.base_url)).create_conversation(BOT)
    assert len(requests(coze, CREATE)) == 4


async def test_an_upload_is_repeated(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """One of unknown outcome does no harm: nobody knows its id. The second brings all bytes again."""
    coze.faults.plan("POST /v1/files/upload", "hang_up_after")
    file_id = await (await make_agent(coze.base_url, transport=transport)).upload("a.csv", "text/csv", b"a,b\n" * 9000)
    assert {file.size_bytes for file in coze.world.files.values()} == {36_000}
    assert (len(coze.world.files), file_id in coze.world.files) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"words", Say.FILE_TYPE_REFUSED),
        ("a.csv", b"", Say.FILE_REFUSED),
        ("a.csv", b"x" * 9, Say.FILE_REFUSED),
    ],
)
async def test_what_coze_says_of_a_file_is_understood(
    coze: CozeEmulator, make_agent: MakeAgent, name: str, content: bytes, said: Say
) -> None:
    """Its type, or anything else about it; not repeated."""
    coze.switches.max_file_bytes = 8
    with pytest.raises(AgentRejected) as caught:
        await (await make_agent(coze.base_url)).upload(name, "", content)
    assert caught.value.said is said
    assert len(coze.journal.select(kind="request", name="POST /v1/files/upload")) == 1


async def test_a_question_with_files(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """They stand behind its one text, each by its id; Coze takes the question, and it can be found again."""
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    image = await agent.upload("cat.png", "image/png", b"cat")
    song = await agent.upload("song.mp3", "audio/mpeg", b"song")
    files = (QuestionFile(FileKind.IMAGE, image), QuestionFile(FileKind.AUDIO, song))
    coze.script("A cat.")
    assert text_in(await collect(agent.ask(question("What?", conversation_id=conversation, files=files)))) == "A cat."
    [asked] = coze.journal.select(kind="request", name="POST /v3/chat")
    message = asked.detail["body"]["additional_messages"][-1]
    assert message["content_type"] == "object_string"
    assert json.loads(message["content"]) == [
        {"type": "text", "text": "What?"},
        {"type": "image", "file_id": image},
        {"type": "audio", "file_id": song},
    ]
    assert await agent.find_question(conversation, "MARK000000000001") is not None


async def test_a_refused_connection_is_tried_again(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """A question that certainly did not leave is asked again when the service is back."""
    agent = await make_agent(coze.base_url, transport=transport)
    await coze.go_offline()

    async def return_soon() -> None:
        await asyncio.sleep(0.01)
        await coze.go_online()

    coze.script("back")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(return_soon())
        events = await collect(agent.ask(question()))
    assert text_in(events) == "back"
    assert len(requests(coze, CHAT)) == 1


@pytest.mark.parametrize("fault", ["invalid_json", "html"])
async def test_what_is_no_json_is_a_protocol_error(coze: CozeEmulator, make_agent: MakeAgent, fault: str) -> None:
    """Broken JSON and web pages say so, without their content."""
    coze.faults.plan(CREATE, fault, times=None, **({"status": 200} if fault == "html" else {}))
    with pytest.raises(AgentProtocolError) as caught:
        await (await make_agent(coze.base_url)).create_conversation(BOT)
    assert "base_url" in caught.value.hint


@pytest.mark.parametrize("code", [4000, 4006, 4015, 4101])
async def test_string_codes(coze: CozeEmulator, make_agent: MakeAgent, code: int) -> None:
    """Codes as strings mean the same."""
    coze.faults.plan(CREATE, "json_error", code=str(code))
    with pytest.raises(AgentRejected) as caught:
        await (await make_agent(coze.base_url)).create_conversation(BOT)
    assert caught.value.code == code


async def test_a_wrong_token(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """A token that is not known is refused everywhere, and never shown."""
    agent = await make_agent(coze.base_url, token="pat_wrong_and_secret", transport=transport)
    for attempt in (agent.create_conversation(BOT), agent.profile(BOT), collect(agent.ask(question()))):
        with pytest.raises(AgentUnauthorized) as caught:
            await attempt
        assert "secret" not in repr(caught.value) + caught.value.hint


async def test_a_missing_permission(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """The advice names the permissions."""
    coze.add_token("pat_poor", ALL_PERMISSIONS - {"createConversation"})
    with pytest.raises(AgentUnauthorized) as caught:
        await (await make_agent(coze.base_url, token="pat_poor")).create_conversation(BOT)
    assert "createConversation" in caught.value.hint


async def test_a_token_that_expires_in_the_middle(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A personal token that ends while its answer is fetched ends the answer with the right error."""
    coze.script(Answer(deltas=("a ",) * 4, delta_interval_s=0.02))
    coze.faults.plan(CHAT, "cut", after_events=3)
    agent = await make_agent(coze.base_url)
    async with agent.ask(question()) as events:
        await anext(events)
        coze.revoke(TOKEN)
        with pytest.raises(AgentUnauthorized):
            _ = [event async for event in events]


async def test_unknown_runs(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A run that does not exist is refused, not polled for ever."""
    agent: CozeAgent = await make_agent(coze.base_url)
    with pytest.raises(AgentError):
        await agent.status(ChatRef("1", "2"))
    with pytest.raises(AgentError):
        await collect(agent.follow(ChatRef("1", "2")))


async def test_status(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Where a run stands."""
    agent = await make_agent(coze.base_url)
    events = await collect(agent.ask(question()))
    assert isinstance(events[0], ChatStarted)
    assert await agent.status(events[0].chat) is ChatStatus.COMPLETED
