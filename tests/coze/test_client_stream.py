"""Asking with a stream, against the emulator: the answer, and what becomes of every way to disturb it."""

import asyncio
from typing import Any

import pytest

from bridge.coze.client import CozeAgent
from bridge.errors import (
    AgentBusy,
    AgentCancelled,
    AgentError,
    AgentProtocolError,
    AgentRateLimited,
    AgentRejected,
    AgentSilent,
    AgentUnauthorized,
    AgentUnavailable,
    ConversationGone,
)
from bridge.model import (
    ActionRequired,
    AgentEvent,
    AnswerDelta,
    ChatCompleted,
    ChatStarted,
    ChatStatus,
    ContextMessage,
    ReasoningDelta,
    ToolActivity,
    Usage,
)
from bridge.texts.keys import Say
from sandbox.coze import Answer, CozeEmulator, Failure, RequiredAction, ToolCall, ToolUse
from sandbox.coze import Usage as Counted
from tests.coze.conftest import MakeAgent
from tests.coze.tools import BOT, answers_in, collect, follow_ups_in, question, text_in

CHAT = "POST /v3/chat"
TEXT = "扣子 says: **hello**, dear 🙂 friend.\n\n- one\n- two\u2028three\u0085four"
RICH = Answer(
    text=TEXT,
    reasoning=("Let me ", "think."),
    tools=(ToolUse("calendar-weekday"),),
    verbose=("knowledge_recall",),
    follow_ups=("And now?", "Why?"),
    usage=Counted(614, 19),
)


def requests(coze: CozeEmulator, name: str) -> list[dict[str, Any]]:
    """The requests of one kind that the emulator received."""
    return [entry.detail for entry in coze.journal.select(kind="request", name=name)]


async def test_a_whole_answer(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """Every kind of event arrives in order, on both transports."""
    coze.script(RICH)
    events = await collect((await make_agent(coze.base_url, transport=transport)).ask(question()))
    assert isinstance(events[0], ChatStarted)
    assert events[0].section_id
    assert text_in(events) == TEXT
    assert "".join(e.text for e in events if isinstance(e, AnswerDelta)) == TEXT
    assert "".join(e.text for e in events if isinstance(e, ReasoningDelta)) == "Let me think."
    assert ToolActivity("function_call", "calendar-weekday") in events
    assert ToolActivity("verbose", "knowledge_recall") in events
    assert follow_ups_in(events) == ["And now?", "Why?"]
    assert events[-1] == ChatCompleted(Usage(614, 19, 633))


async def test_what_is_sent(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """The question comes last, marked; context before it; ids, variables and history as configured."""
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    context = (ContextMessage("user", "I am Lin."), ContextMessage("assistant", "Hello Lin."))
    asked = question("Who am I?", conversation, context=context, variables={"user_name": "Lin"})
    await collect(agent.ask(asked))
    [sent] = requests(coze, CHAT)
    assert sent["query"] == {"conversation_id": conversation}
    assert sent["body"] == {
        "bot_id": BOT,
        "user_id": "u-1",
        "stream": True,
        "auto_save_history": True,
        "custom_variables": {"user_name": "Lin"},
        "additional_messages": [
            {"role": "user", "type": "question", "content": "I am Lin.", "content_type": "text"},
            {"role": "assistant", "type": "answer", "content": "Hello Lin.", "content_type": "text"},
            {
                "role": "user",
                "type": "question",
                "content": "Who am I?",
                "content_type": "text",
                "meta_data": {"turn": "MARK000000000001"},
            },
        ],
    }


async def test_context_is_kept_below_what_coze_accepts(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Of 150 earlier messages the newest 99 travel with the question."""
    context = tuple(ContextMessage("user", f"message {number}") for number in range(150))
    await collect((await make_agent(coze.base_url)).ask(question(context=context)))
    [sent] = requests(coze, CHAT)
    contents = [message["content"] for message in sent["body"]["additional_messages"]]
    assert contents == [*(f"message {number}" for number in range(51, 150)), "hi"]


async def test_a_conversation_remembers(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Two questions in one conversation share their context; another user's do not."""
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    coze.script(Answer(echo=True), times=None)
    await collect(agent.ask(question("first", conversation)))
    events = await collect(agent.ask(question("second", conversation)))
    assert "1. first\n2. second" in text_in(events)


async def test_an_answer_of_30_000_characters(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Length does not matter."""
    long = "An answer without end. 没有尽头。" * 1000
    coze.script(Answer(deltas=tuple(long[i : i + 97] for i in range(0, len(long), 97))))
    assert text_in(await collect((await make_agent(coze.base_url)).ask(question()))) == long


async def test_an_empty_answer(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """An agent that says nothing ends well, with nothing."""
    coze.script(Answer(text=""))
    events = await collect((await make_agent(coze.base_url)).ask(question()))
    assert text_in(events) == ""
    assert isinstance(events[-1], ChatCompleted)


async def test_several_answers(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Several answer messages stay apart, in order."""
    coze.script(Answer(text="One.", further_texts=("Two.", "Three.")))
    events = await collect((await make_agent(coze.base_url)).ask(question()))
    assert list(answers_in(events).values()) == ["One.", "Two.", "Three."]


async def test_completed_text_is_the_truth(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Where the completed message differs from its deltas, it is what remains."""
    coze.script(Answer(text="draft words", completed_text="final words"))
    assert text_in(await collect((await make_agent(coze.base_url)).ask(question()))) == "final words"


HARMLESS = [
    "without_done",
    "without_last_blank_line",
    "done_as_object",
    "empty_done",
    "unknown_events",
    "delta_after_completed",
    "audio_after_completed",
    "comments",
    "crlf",
    "cr",
    "space_after_colon",
    "extra_blank_lines",
    "several_data_lines",
    "data_before_event",
    "id_lines",
    "retry_lines",
    "raw_separators",
    "byte_order_mark",
    "one_byte_chunks",
    "split_characters",
    "gzip",
    "string_timestamps",
    "shuffled_keys",
    "null_last_error",
    "null_error_code",
    "empty_required_action",
    "empty_tool_call",
    "null_times",
    "without_content_type",
]


@pytest.mark.parametrize("fault", HARMLESS)
async def test_odd_streams_are_ordinary_answers(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str, fault: str
) -> None:
    """No oddity of framing or values costs a character, and none needs a second look."""
    coze.script(RICH)
    coze.faults.plan(CHAT, fault)
    events = await collect((await make_agent(coze.base_url, transport=transport)).ask(question()))
    assert text_in(events) == TEXT
    assert follow_ups_in(events) == ["And now?", "Why?"]
    assert isinstance(events[-1], ChatCompleted)
    assert not requests(coze, "GET /v3/chat/message/list")


@pytest.mark.parametrize(
    "place", [{"after_events": 1}, {"after_events": 9}, {"after_lines": 25}, {"after_bytes": 3001}]
)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_stream_is_fetched_not_asked_again(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str, place: dict[str, int], reset: bool
) -> None:
    """Wherever the stream breaks, the answer is whole and the question was asked once."""
    coze.script(RICH)
    coze.faults.plan(CHAT, "cut", reset=reset, **place)
    events = await collect((await make_agent(coze.base_url, transport=transport)).ask(question()))
    assert text_in(events) == TEXT
    assert follow_ups_in(events) == ["And now?", "Why?"]
    assert events[-1] == ChatCompleted(Usage(614, 19, 633))
    assert len(requests(coze, CHAT)) == 1
    assert sum(isinstance(event, ChatStarted) for event in events) == 1


async def test_several_answers_of_a_cut_stream_keep_their_order(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Fetched answers come in the order in which the stream showed them."""
    coze.script(Answer(text="One.", further_texts=("Two.", "Three.")))
    coze.faults.plan(CHAT, "cut", after_events=5)
    events = await collect((await make_agent(coze.base_url)).ask(question()))
    assert list(answers_in(events).values()) == ["One.", "Two.", "Three."]


async def test_a_cut_before_the_first_event_is_of_unknown_outcome(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str
) -> None:
    """Without ids there is nothing to fetch: the caller looks whether the question arrived."""
    coze.faults.plan(CHAT, "cut", after_bytes=20)
    agent = await make_agent(coze.base_url, transport=transport)
    conversation = await agent.create_conversation(BOT)
    with pytest.raises(AgentUnavailable) as caught:
        await collect(agent.ask(question(conversation_id=conversation)))
    assert caught.value.outcome_unknown
    found = await agent.find_question(conversation, "MARK000000000001")
    assert found is not None
    assert found.chat_id


async def test_an_agent_that_falls_silent_is_looked_after(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """After the idle limit the run is looked up; if it ended meanwhile, its answer is fetched."""
    coze.script(RICH)
    coze.faults.plan(CHAT, "stall", after_events=4)
    agent = await make_agent(coze.base_url, idle_timeout_s=0.6, connect_timeout_s=0.6)
    events = await collect(agent.ask(question()))
    assert text_in(events) == TEXT
    assert len(requests(coze, CHAT)) == 1


async def test_an_agent_that_stays_silent_is_given_up(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A run that still works at the answer's time limit is cancelled, and the conversation is free again."""
    coze.script(Answer(text="late", first_delta_delay_s=60.0))
    agent = await make_agent(coze.base_url, idle_timeout_s=0.6, connect_timeout_s=0.6, answer_timeout_s=10.0)
    conversation = await agent.create_conversation(BOT)
    with pytest.raises(AgentSilent):
        await collect(agent.ask(question(conversation_id=conversation)))
    assert len(requests(coze, "POST /v3/chat/cancel")) == 1
    coze.script("free again")
    assert text_in(await collect(agent.ask(question(conversation_id=conversation)))) == "free again"


async def test_an_endless_answer_is_given_up_too(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """The time limit also holds while words keep coming."""
    coze.script(Answer(deltas=("word ",) * 2000, delta_interval_s=0.02))
    agent = await make_agent(coze.base_url, idle_timeout_s=5.0, answer_timeout_s=10.0)
    with pytest.raises(AgentSilent):
        await collect(agent.ask(question()))
    assert len(requests(coze, "POST /v3/chat/cancel")) == 1


async def test_no_answer_at_all_is_silence_of_unknown_outcome(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str
) -> None:
    """A question that is swallowed is reported as such."""
    coze.faults.plan(CHAT, "silence")
    agent = await make_agent(coze.base_url, transport=transport, idle_timeout_s=0.6, connect_timeout_s=0.6)
    with pytest.raises(AgentSilent) as caught:
        await collect(agent.ask(question()))
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("fault", ["hang_up", "hang_up_after"])
async def test_a_hang_up_is_never_answered_by_asking_again(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str, fault: str
) -> None:
    """Whether or not the question took effect, one was sent."""
    coze.faults.plan(CHAT, fault)
    with pytest.raises(AgentUnavailable) as caught:
        await collect((await make_agent(coze.base_url, transport=transport)).ask(question()))
    assert caught.value.outcome_unknown
    assert len(requests(coze, CHAT)) == 1


async def test_an_unsaved_answer_cannot_be_fetched(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Without history a cut stream is an error of unknown outcome that names the setting."""
    coze.faults.plan(CHAT, "cut", after_events=5)
    agent = await make_agent(coze.base_url, auto_save_history=False)
    with pytest.raises(AgentUnavailable) as caught:
        await collect(agent.ask(question()))
    assert caught.value.outcome_unknown
    assert "auto_save_history" in caught.value.hint
    assert not requests(coze, "GET /v3/chat/retrieve")


REFUSALS: list[tuple[int, type[AgentError], Say]] = [
    (4002, ConversationGone, Say.AGENT_FAILED),
    (4006, AgentRejected, Say.AGENT_UNKNOWN_BOT),
    (4008, AgentRejected, Say.AGENT_QUOTA),
    (4010, AgentRejected, Say.AGENT_TOO_LONG),
    (4012, AgentRejected, Say.AGENT_MODEL_GONE),
    (4014, AgentRejected, Say.AGENT_REFUSED),
    (4015, AgentRejected, Say.AGENT_NOT_PUBLISHED),
    (4016, AgentBusy, Say.CONVERSATION_OCCUPIED),
    (4100, AgentUnauthorized, Say.AGENT_UNAUTHORIZED),
    (4101, AgentUnauthorized, Say.AGENT_UNAUTHORIZED),
    (4102, AgentRejected, Say.AGENT_RISK_CONTROL),
    (5000, AgentUnavailable, Say.AGENT_UNAVAILABLE),
    (987654, AgentError, Say.AGENT_FAILED),
]


@pytest.mark.parametrize(("code", "kind", "said"), REFUSALS)
@pytest.mark.parametrize("shape", ["json_error", "error_event_first"])
async def test_refusals(
    coze: CozeEmulator, make_agent: MakeAgent, code: int, kind: type[AgentError], said: Say, shape: str
) -> None:
    """A refusal means the same as plain JSON and as an event, carries code and log id, and is not repeated."""
    coze.faults.plan(CHAT, shape, code=code, msg="no")
    with pytest.raises(kind) as caught:
        await collect((await make_agent(coze.base_url)).ask(question()))
    assert (caught.value.code, caught.value.said) == (code, said)
    assert caught.value.log_id
    assert len(requests(coze, CHAT)) == 1


@pytest.mark.parametrize(
    ("shape", "more"), [("throttled", {"status": 429}), ("throttled", {"status": 200, "code": 4013})]
)
async def test_too_many_requests_are_repeated(
    coze: CozeEmulator, make_agent: MakeAgent, shape: str, more: dict[str, int]
) -> None:
    """A throttled question was certainly not taken: it is asked again after a pause."""
    coze.faults.plan(CHAT, shape, times=2, **more)
    coze.script("at last")
    assert text_in(await collect((await make_agent(coze.base_url)).ask(question()))) == "at last"
    assert len(requests(coze, CHAT)) == 3


@pytest.mark.parametrize("code", [4009, 4013, 4020])
async def test_too_many_requests_as_first_event(coze: CozeEmulator, make_agent: MakeAgent, code: int) -> None:
    """The same refusal inside a stream is repeated as well."""
    coze.faults.plan(CHAT, "error_event_first", code=code)
    coze.script("at last")
    assert text_in(await collect((await make_agent(coze.base_url)).ask(question()))) == "at last"


async def test_patience_has_an_end(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """After a bounded number of attempts the caller learns how long to wait."""
    coze.faults.plan(CHAT, "throttled", times=None, retry_after_s=0.01)
    with pytest.raises(AgentRateLimited) as caught:
        await collect((await make_agent(coze.base_url)).ask(question()))
    assert caught.value.retry_after_s == 0.01
    assert len(requests(coze, CHAT)) == 4


async def test_a_long_retry_after_is_left_to_the_caller(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Nobody sleeps for an hour inside a question."""
    coze.faults.plan(CHAT, "throttled", times=None, retry_after_s=3600)
    with pytest.raises(AgentRateLimited) as caught:
        await collect((await make_agent(coze.base_url)).ask(question()))
    assert caught.value.retry_after_s == 3600
    assert len(requests(coze, CHAT)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_gateway_page_is_of_unknown_outcome(coze: CozeEmulator, make_agent: MakeAgent, status: int) -> None:
    """A gateway's HTML says nothing about what lies behind it."""
    coze.faults.plan(CHAT, "html", status=status)
    with pytest.raises(AgentUnavailable) as caught:
        await collect((await make_agent(coze.base_url)).ask(question()))
    assert caught.value.outcome_unknown
    assert f"HTTP {status}" in caught.value.reason


async def test_a_web_page_instead_of_json(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """HTML under a good status is a broken protocol, with advice about the address."""
    coze.faults.plan(CHAT, "html", status=200)
    with pytest.raises(AgentProtocolError) as caught:
        await collect((await make_agent(coze.base_url)).ask(question()))
    assert "base_url" in caught.value.hint
    assert "<html" not in caught.value.reason


async def test_success_without_a_chat(make_agent: MakeAgent, coze: CozeEmulator) -> None:
    """A plain success that names no chat is a broken protocol: there is nothing to read or fetch."""
    coze.faults.plan(CHAT, "json_error", code=0)
    with pytest.raises(AgentProtocolError):
        await collect((await make_agent(coze.base_url)).ask(question()))


@pytest.mark.parametrize("fault", ["chat_failed", "bare_chat_failed", "error_event"])
async def test_a_run_that_fails(coze: CozeEmulator, make_agent: MakeAgent, fault: str) -> None:
    """A failure in mid-answer ends it with the code; it is not fetched, asked again or called retryable."""
    coze.script(RICH)
    coze.faults.plan(CHAT, fault, after_deltas=3)
    seen: list[AgentEvent] = []
    agent = await make_agent(coze.base_url)
    with pytest.raises(AgentError) as caught:
        await collect(agent.ask(question()), seen)
    assert caught.value.code in (5000, 701231)
    assert not caught.value.retryable
    assert caught.value.log_id
    assert sum(isinstance(event, AnswerDelta) for event in seen) == 3
    assert len(requests(coze, CHAT)) == 1


async def test_a_failed_run_of_a_cut_stream(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Fetching a run that failed raises its error."""
    coze.script(Answer(text="some words here", failure=Failure(code="4011", msg="no credit", after_deltas=2)))
    coze.faults.plan(CHAT, "cut", after_events=3)
    with pytest.raises(AgentRejected) as caught:
        await collect((await make_agent(coze.base_url)).ask(question()))
    assert caught.value.code == 4011
    assert caught.value.said is Say.AGENT_QUOTA


@pytest.mark.parametrize("cut", [False, True])
async def test_tools_the_caller_must_run(coze: CozeEmulator, make_agent: MakeAgent, cut: bool) -> None:
    """What the agent waits for is told, by the stream or by fetching."""
    coze.script(Answer(requires_action=RequiredAction((ToolCall("rain", '{"city":"Oslo"}'),))))
    if cut:
        coze.faults.plan(CHAT, "cut", after_events=2)
    events = await collect((await make_agent(coze.base_url)).ask(question()))
    assert isinstance(events[-1], ActionRequired)
    [call] = events[-1].calls
    assert (call.kind, call.name, call.arguments) == ("function", "rain", '{"city":"Oslo"}')


async def start(agent: CozeAgent, conversation: str) -> ChatStarted:
    """Ask, learn the ids, and leave."""
    async with agent.ask(question(conversation_id=conversation)) as events:
        started = await anext(events)
        assert isinstance(started, ChatStarted)
        return started


async def test_leaving_closes_the_connection_and_lets_the_run_go_on(
    coze: CozeEmulator, make_agent: MakeAgent, transport: str
) -> None:
    """The stream ends at once on the server's side; the run is Coze's, and its answer can be followed."""
    coze.script(Answer(deltas=("slow ",) * 10, delta_interval_s=0.05))
    agent = await make_agent(coze.base_url, transport=transport)
    started = await start(agent, await agent.create_conversation(BOT))
    async with asyncio.timeout(5):
        while not coze.journal.select(kind="stream_end"):  # noqa: ASYNC110 - the journal gives no signal
            await asyncio.sleep(0.01)
    assert await agent.status(started.chat) is ChatStatus.RUNNING
    events = await collect(agent.follow(started.chat))
    assert text_in(events) == "slow " * 10
    assert agent.limits.running == 0


async def test_cancellation_passes(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """A cancelled reader ends at once and gives back its slot."""
    coze.script(Answer(text="late", first_delta_delay_s=60.0))
    agent = await make_agent(coze.base_url, transport=transport)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await collect(agent.ask(question()))
    assert agent.limits.running == 0


async def test_cancelling_a_run(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Cancel tells where the run stands; what follows a cancelled run says so."""
    coze.script(Answer(text="late", first_delta_delay_s=60.0))
    agent = await make_agent(coze.base_url)
    started = await start(agent, await agent.create_conversation(BOT))
    assert await agent.cancel(started.chat) is ChatStatus.CANCELED
    assert await agent.cancel(started.chat) is ChatStatus.CANCELED
    with pytest.raises(AgentCancelled):
        await collect(agent.follow(started.chat))


async def test_cancelling_a_finished_run(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """4104 is no error: the run completed first."""
    agent = await make_agent(coze.base_url)
    events = await collect(agent.ask(question()))
    assert isinstance(events[0], ChatStarted)
    assert await agent.cancel(events[0].chat) is ChatStatus.COMPLETED


async def test_a_stream_whose_run_somebody_cancelled(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A server that ends the stream of a cancelled run leads to the right error."""
    coze.switches.stream_after_cancel = "ends"
    coze.script(Answer(text="late", first_delta_delay_s=60.0))
    agent = await make_agent(coze.base_url)
    async with agent.ask(question()) as events:
        started = await anext(events)
        assert isinstance(started, ChatStarted)
        await agent.cancel(started.chat)
        with pytest.raises(AgentCancelled):
            await anext(events)


async def test_a_busy_conversation(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A second question while one runs is refused as busy, and taken when the first has ended."""
    coze.script(Answer(deltas=("a ",) * 5, delta_interval_s=0.05))
    agent = await make_agent(coze.base_url)
    conversation = await agent.create_conversation(BOT)
    async with agent.ask(question("first", conversation)) as events:
        await anext(events)
        with pytest.raises(AgentBusy):
            await collect(agent.ask(question("second", conversation)))
        assert [event async for event in events]
    await collect(agent.ask(question("second", conversation)))


async def test_an_unknown_conversation(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A conversation that is gone is told apart from other refusals."""
    with pytest.raises(ConversationGone):
        await collect((await make_agent(coze.base_url)).ask(question(conversation_id="123")))


async def test_many_at_once(coze: CozeEmulator, make_agent: MakeAgent, transport: str) -> None:
    """Sixty answers side by side are all whole."""
    coze.switches.chat_qps = None
    coze.script(Answer(deltas=tuple(f"{n} " for n in range(20)), delta_interval_s=0.01), times=None)
    agent = await make_agent(coze.base_url, transport=transport, chats_per_s=1000, connect_timeout_s=5.0)
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(collect(agent.ask(question(mark=f"M{n}")))) for n in range(60)]
    expected = "".join(f"{n} " for n in range(20))
    assert {text_in(task.result()) for task in asked} == {expected}


@pytest.mark.parametrize("fault", ["json_error", "error_event_first", "error_event"])
async def test_users_words_are_not_in_errors(coze: CozeEmulator, make_agent: MakeAgent, fault: str) -> None:
    """A refusal that quotes the question is cut before the quotation."""
    words = "my  very private\nquestion about something"
    coze.faults.plan(CHAT, fault, code=4000, msg=f"bad content: {words}")
    with pytest.raises(AgentError) as caught:
        await collect((await make_agent(coze.base_url)).ask(question(words)))
    assert "bad content" in str(caught.value)
    assert "private" not in repr(caught.value) + caught.value.reason
