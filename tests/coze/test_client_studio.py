"""A self-hosted Studio: its deviations are read without a trace, and what it lacks is not offered."""

import asyncio
import json

import pytest

from bridge.errors import AgentError, AgentRejected, AgentUnauthorized
from bridge.model import AgentCapabilities, ChatCompleted, ChatStarted, ChatStatus, FileKind, QuestionFile
from sandbox.coze import Answer, CozeEmulator, Failure
from tests.coze.conftest import MakeAgent
from tests.coze.tools import BOT, answers_in, collect, follow_ups_in, question, text_in

CHAT = "POST /v3/chat"
RICH = Answer(text="Studio says 你好.", further_texts=("And more.",), follow_ups=("Why?",))


@pytest.mark.parametrize("mode", ["stream", "poll"])
async def test_an_answer(studio: CozeEmulator, make_agent: MakeAgent, mode: str) -> None:
    """Streamed or polled, the answer is the same; the field Studio does not know is not sent."""
    studio.script(RICH)
    agent = await make_agent(studio.base_url, profile="studio", mode=mode)
    conversation = await agent.create_conversation(BOT)
    events = await collect(agent.ask(question(conversation_id=conversation)))
    assert isinstance(events[0], ChatStarted)
    assert list(answers_in(events).values()) == ["Studio says 你好.", "And more."]
    assert follow_ups_in(events) == ["Why?"]
    assert isinstance(events[-1], ChatCompleted)
    [asked] = studio.journal.select(kind="request", name=CHAT)
    assert "auto_save_history" not in asked.detail["body"]


async def test_a_cut_stream(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """A stream cut by a proxy is fetched under Studio's own keys."""
    studio.script(RICH)
    studio.faults.plan(CHAT, "cut", after_events=3)
    agent = await make_agent(studio.base_url, profile="studio")
    events = await collect(agent.ask(question()))
    assert list(answers_in(events).values()) == ["Studio says 你好.", "And more."]


@pytest.mark.parametrize("shape", ["chat", "bare", "error"])
async def test_failures(studio: CozeEmulator, make_agent: MakeAgent, shape: str) -> None:
    """Also a failure that is followed by a completed chat is a failure."""
    studio.script(Answer(text="x y z", failure=Failure(code=103100001, msg="no", after_deltas=1, shape=shape)))  # type: ignore[arg-type]  # the parameter is one of the literals
    agent = await make_agent(studio.base_url, profile="studio")
    with pytest.raises(AgentError) as caught:
        await collect(agent.ask(question()))
    assert caught.value.code == 103100001
    assert caught.value.log_id


async def test_cancel_and_status(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """Studio's spelling of a cancelled chat is understood."""
    studio.script(Answer(text="late", first_delta_delay_s=60.0))
    agent = await make_agent(studio.base_url, profile="studio")
    async with agent.ask(question()) as events:
        started = await anext(events)
    assert isinstance(started, ChatStarted)
    assert await agent.status(started.chat) is ChatStatus.RUNNING
    assert await agent.cancel(started.chat) is ChatStatus.CANCELED


async def test_conversations(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """Create, look up, clear, search, profile, upload."""
    agent = await make_agent(studio.base_url, profile="studio")
    conversation = await agent.create_conversation(BOT)
    assert await agent.conversation_exists(conversation)
    studio.script(Answer(text="hello"))
    assert text_in(await collect(agent.ask(question(conversation_id=conversation)))) == "hello"
    assert await agent.find_question(conversation, "MARK000000000001") is not None
    assert await agent.clear(conversation)
    assert (await agent.profile(BOT)).name == "News"


async def test_files_go_by_their_addresses(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """Messages there know no ids of files, and audio would be passed over in silence."""
    agent = await make_agent(studio.base_url, profile="studio")
    reference = await agent.upload("cat.png", "image/png", b"cat")
    assert reference.startswith("http://")
    studio.script(Answer(text="A cat."))
    files = (QuestionFile(FileKind.IMAGE, reference),)
    assert text_in(await collect(agent.ask(question(files=files)))) == "A cat."
    [asked] = studio.journal.select(kind="request", name=CHAT)
    items = json.loads(asked.detail["body"]["additional_messages"][-1]["content"])
    assert items[1] == {"type": "image", "file_url": reference}
    assert FileKind.AUDIO not in agent.capabilities.file_kinds


async def test_what_is_missing_is_not_offered(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """Feedback, tool outputs, deletion, the lock, questions in plain runs and lists of workflows do not exist there."""
    agent = await make_agent(studio.base_url, profile="studio")
    assert agent.capabilities == AgentCapabilities(
        feedback=False,
        tool_outputs=False,
        delete_messages=False,
        conversation_lock=False,
        saves_history=True,
        plain_resume=False,
        workflow_list=False,
        file_kinds=frozenset({FileKind.IMAGE, FileKind.FILE}),
    )
    with pytest.raises(AgentRejected):
        await agent.rate("1", "2", good=True)


async def test_refusals(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """A token of the cloud, and an unknown agent."""
    stranger = await make_agent(studio.base_url, profile="studio", token="pat_cloud")
    with pytest.raises(AgentUnauthorized):
        await stranger.create_conversation(BOT)
    agent = await make_agent(studio.base_url, profile="studio")
    with pytest.raises(AgentError):
        async with asyncio.timeout(10):
            await agent.profile("404404")
