"""The client of workflows against the emulator: every way to run, to be asked, to be resumed, to fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bridge.coze.client import CozeAgent
from bridge.errors import AgentError, AgentRejected, AgentSilent, AgentUnavailable
from bridge.model import (
    AnswerCompleted,
    AnswerDelta,
    AskedField,
    AskKind,
    ChatCompleted,
    ChatStarted,
    Interruption,
    NodeOutput,
    RunAccepted,
    RunCompleted,
    RunEvent,
    RunInterrupted,
    RunMode,
    Usage,
    ValueKind,
    WorkflowRun,
)
from bridge.texts.keys import Say
from sandbox.coze import (
    Answer,
    Ask,
    CozeEmulator,
    RequiredAction,
    RunFailure,
    RunScript,
    Step,
    ToolCall,
    Workflow,
)
from tests.coze.conftest import MakeAgent
from tests.coze.tools import BOT

FLOW, CHATFLOW = "7366468917055100000", "55"
RUN, STREAM = "POST /v1/workflow/run", "POST /v1/workflow/stream_run"
HISTORY = "GET /v1/workflows/{workflow_id}/run_histories/{execute_id}"
EVERY_MODE = [RunMode.STREAM, RunMode.SYNC, RunMode.ASYNC]
QUESTION = Step("Question", ask=Ask("Which day?"))


@pytest.fixture(autouse=True)
def published(coze: CozeEmulator, studio: CozeEmulator) -> None:
    """Publish a workflow and a chatflow on both servers."""
    for emulator in (coze, studio):
        emulator.add_workflow(Workflow(FLOW, parameters={"city": {"type": "string"}}))
        emulator.add_workflow(Workflow(CHATFLOW, mode="chatflow"))


@pytest.fixture
async def agent(coze: CozeEmulator, make_agent: MakeAgent) -> CozeAgent:
    """Connect to the cloud."""
    return await make_agent(coze.base_url)


def run(mode: RunMode = RunMode.STREAM, workflow_id: str = FLOW, **more: Any) -> WorkflowRun:
    """One run of the only workflow."""
    return WorkflowRun(workflow_id, {"city": "Hangzhou"}, mode, user_id="u-1", **more)


async def collect(
    running: AbstractAsyncContextManager[AsyncIterator[RunEvent]], seen: list[RunEvent] | None = None
) -> list[RunEvent]:
    """Read a run to its end; ``seen`` keeps what came before a failure."""
    seen = [] if seen is None else seen
    async with asyncio.timeout(30), running as events:
        async for event in events:
            seen.append(event)
    return seen


def said(events: list[RunEvent]) -> list[str]:
    """The text of each output."""
    texts: dict[str, str] = {}
    for event in events:
        if isinstance(event, NodeOutput):
            texts[event.key] = texts.get(event.key, "") + event.text
    return list(texts.values())


def asked_in(events: list[RunEvent]) -> Interruption:
    """What the run waits for."""
    assert isinstance(events[-1], RunInterrupted)
    return events[-1].interruption


@pytest.mark.parametrize("mode", EVERY_MODE)
async def test_a_run(coze: CozeEmulator, agent: CozeAgent, mode: RunMode) -> None:
    """Whichever way, the last output is the result, and the end tells tokens and the debug page."""
    steps = () if mode is RunMode.SYNC else (Step("Draft", deltas=("ha", "lf"), pings=1),)
    coze.script_run(RunScript(steps, result={"output": "{{city}}"}))
    events = await collect(agent.workflows.run(run(mode)))
    assert said(events)[-1] == '{"output":"Hangzhou"}'
    assert said(events)[:-1] == ["half"] * len(steps)
    assert isinstance(events[-1], RunCompleted)
    assert (events[-1].usage, events[-1].debug_url) == (Usage(50, 100, 150), coze.workflows.last_run().debug_url)
    assert any(isinstance(event, RunAccepted) for event in events) is (mode is RunMode.ASYNC)
    assert coze.workflows.last_run().user_id == "u-1"


async def test_words_come_while_they_are_said(coze: CozeEmulator, agent: CozeAgent) -> None:
    """A streamed node is heard before the run has ended."""
    coze.script_run(RunScript((Step("Draft", deltas=("first",)),), pause_s=3600))
    async with asyncio.timeout(10), agent.workflows.run(run()) as events:
        assert await anext(events) == NodeOutput("1", "Draft", "first", finished=True)
        assert not coze.workflows.last_run().over


@pytest.mark.parametrize("mode", EVERY_MODE)
async def test_a_question_and_its_answer(coze: CozeEmulator, agent: CozeAgent, mode: RunMode) -> None:
    """The run stops, is answered by the endpoint that fits, and goes on to its result."""
    coze.script_run(RunScript((QUESTION,), result="on {{answer}}"))
    asked = asked_in(await collect(agent.workflows.run(run(mode))))
    assert (asked.code, asked.kind) == (2, AskKind.QUESTION)
    events = await collect(agent.workflows.resume(run(mode), asked, "Friday"))
    assert said(events)[-1] == "on Friday"
    assert isinstance(events[-1], RunCompleted)
    with pytest.raises(AgentRejected) as caught:
        await collect(agent.workflows.resume(run(mode), asked, "Friday"))
    assert (caught.value.code, caught.value.said) == (4315, Say.RUN_OVER)


async def test_choices_and_forms(coze: CozeEmulator, agent: CozeAgent) -> None:
    """What is asked arrives with its choices, or with its fields."""
    coze.script_run(RunScript((Step("Tea", ask=Ask("Tea?", ("yes", "no"))),)))
    asked = asked_in(await collect(agent.workflows.run(run())))
    assert (asked.question, asked.choices, asked.node) == ("Tea?", ("yes", "no"), "Tea")
    fields = {"img": {"type": "image", "required": True}}
    coze.script_run(RunScript((Step("Input", ask=Ask(type=5, fields=fields)),)))
    asked = asked_in(await collect(agent.workflows.run(run(RunMode.SYNC))))
    assert (asked.kind, asked.fields) == (AskKind.INPUT, (AskedField("img", ValueKind.IMAGE),))


async def test_an_async_run_is_followed_later(coze: CozeEmulator, agent: CozeAgent) -> None:
    """With its id alone a run is found again, through an outage, without being started twice."""
    coze.script_run(RunScript(result="late", pause_s=0.2))
    async with asyncio.timeout(10), agent.workflows.run(run(RunMode.ASYNC)) as events:
        accepted = await anext(events)
    assert isinstance(accepted, RunAccepted)
    coze.faults.plan(HISTORY, "html", times=2, status=502)
    assert said(await collect(agent.workflows.follow(run(RunMode.ASYNC), accepted.execute_id))) == ["late"]
    assert len(coze.workflows.runs) == 1


async def test_long_async_runs_are_seldom_looked_at(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """After ten minutes a look every quarter of a minute, not every second."""
    hurried = await make_agent(coze.base_url, speed=2000.0)
    coze.script_run(RunScript(result="late", pause_s=0.5))
    await collect(hurried.workflows.run(run(RunMode.ASYNC, timeout_s=3600)))
    assert len(coze.journal.select(kind="request", name=HISTORY)) < 120


async def test_large_outputs_are_fetched_node_by_node(coze: CozeEmulator, agent: CozeAgent) -> None:
    """What a history trims is fetched whole."""
    coze.switches.max_output_bytes = 1000
    coze.script_run(RunScript((Step("Essay", deltas=("x" * 5000,)), Step("More", "y")), result="end"))
    events = await collect(agent.workflows.run(run(RunMode.ASYNC)))
    assert said(events)[:2] == ["x" * 5000, "y"]
    assert isinstance(events[-1], RunCompleted)


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", EVERY_MODE)
async def test_a_failing_run(coze: CozeEmulator, agent: CozeAgent, mode: RunMode) -> None:
    """Code, log id and a sentence about a workflow; what was said before is kept."""
    coze.script_run(RunScript((Step("Draft", "x"),), failure=RunFailure("720701013", "broken", after_steps=1)))
    with pytest.raises(AgentError) as caught:
        await collect(agent.workflows.run(run(mode)))
    assert (caught.value.code, caught.value.said) == (720701013, Say.RUN_FAILED)
    assert caught.value.log_id
    assert len(coze.workflows.runs) == 1


@pytest.mark.parametrize(
    ("mode", "wanted", "code", "sentence"),
    [
        (RunMode.STREAM, {"workflow_id": "404"}, 4200, Say.RUN_NOT_PUBLISHED),
        (RunMode.SYNC, {"workflow_id": "404"}, 4200, Say.RUN_NOT_PUBLISHED),
        (RunMode.STREAM, {"workflow_id": "1"}, 4000, Say.RUN_BAD_PARAMETERS),
        (RunMode.ASYNC, {}, 6003, Say.RUN_PAID_PLAN),
        (RunMode.CHAT, {"workflow_id": FLOW, "text": "hi", "bot_id": BOT}, 4000, Say.RUN_BAD_PARAMETERS),
    ],
)
async def test_refusals(
    coze: CozeEmulator, agent: CozeAgent, mode: RunMode, wanted: dict[str, Any], code: int, sentence: Say
) -> None:
    """Each refusal has its sentence and its advice, also where a stream was asked for."""
    coze.switches.async_runs = False
    coze.add_workflow(Workflow("1", parameters={"must": {"type": "string", "required": True}}))
    with pytest.raises(AgentRejected) as caught:
        await collect(agent.workflows.run(run(mode, **wanted)))
    assert (caught.value.code, caught.value.said) == (code, sentence)
    assert caught.value.hint
    assert not coze.workflows.runs


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("cut", {"after_events": 1}),
        ("cut", {"after_events": 3, "clean": True}),
        ("hang_up_after", {}),
    ],
)
async def test_a_broken_stream_leaves_the_outcome_unknown(
    coze: CozeEmulator, agent: CozeAgent, fault: str, args: dict[str, Any]
) -> None:
    """What was said is kept, and nothing is run twice."""
    coze.script_run(RunScript((Step("Draft", deltas=("x", "y")),)))
    coze.faults.plan(STREAM, fault, **args)
    seen: list[RunEvent] = []
    with pytest.raises(AgentUnavailable) as caught:
        await collect(agent.workflows.run(run()), seen)
    assert caught.value.outcome_unknown
    assert bool(seen) is (fault != "hang_up_after")
    assert len(coze.journal.select(kind="request", name=STREAM)) == 1


async def test_a_plain_run_that_is_cut(coze: CozeEmulator, agent: CozeAgent) -> None:
    """No reply means nobody knows; it is not sent again."""
    coze.faults.plan(RUN, "hang_up_after")
    with pytest.raises(AgentUnavailable) as caught:
        await collect(agent.workflows.run(run(RunMode.SYNC)))
    assert caught.value.outcome_unknown
    assert len(coze.workflows.runs) == 1


@pytest.mark.parametrize("mode", EVERY_MODE)
async def test_what_was_certainly_not_taken_is_sent_again(coze: CozeEmulator, agent: CozeAgent, mode: RunMode) -> None:
    """Too many requests: once more, and one run."""
    coze.faults.plan(RUN if mode is not RunMode.STREAM else STREAM, "throttled")
    coze.script_run(RunScript(result="x"))
    assert said(await collect(agent.workflows.run(run(mode)))) == ["x"]
    assert len(coze.workflows.runs) == 1


async def test_a_run_without_an_end(coze: CozeEmulator, agent: CozeAgent) -> None:
    """The time limit holds for a stream that keeps sending heartbeats, and for a run that is looked up."""
    coze.script_run(RunScript((Step(pings=1), *(Step(deltas=("x", "y"), interval_s=0.02) for _ in range(99)))), times=2)
    with pytest.raises(AgentSilent):
        await collect(agent.workflows.run(run(timeout_s=3)))
    with pytest.raises(AgentSilent):
        await collect(agent.workflows.run(run(RunMode.ASYNC, timeout_s=3)))


async def test_errors_do_not_quote_the_user(coze: CozeEmulator, agent: CozeAgent) -> None:
    """An error that repeats a parameter is cut where it does."""
    secret = "my very private question"
    coze.script_run(RunScript(failure=RunFailure(4000, f"bad value {secret} in city")))
    wanted = WorkflowRun(FLOW, {"city": secret}, RunMode.SYNC)
    with pytest.raises(AgentError) as caught:
        await collect(agent.workflows.run(wanted))
    assert "bad value …" in caught.value.reason
    assert secret not in str(caught.value)


async def test_the_paths_are_settings(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """A gateway may mount runs elsewhere; what does not know the path says so."""
    elsewhere = await make_agent(coze.base_url, workflow_run_path="/v3/workflows/run")
    with pytest.raises(AgentRejected):
        await collect(elsewhere.workflows.run(run(RunMode.SYNC)))
    assert coze.journal.select(kind="request", name="POST /v3/workflows/run")


@pytest.mark.parametrize("fault", ["crlf", "one_byte_chunks", "comments", "extra_blank_lines", "data_before_event"])
async def test_odd_framings(coze: CozeEmulator, agent: CozeAgent, fault: str) -> None:
    """However the bytes come, the run is the same."""
    coze.faults.plan(STREAM, fault)
    coze.script_run(RunScript((Step("A", deltas=("你", "好")),), result="end"))
    assert said(await collect(agent.workflows.run(run()))) == ["你好", "end"]


# --- chatflows --------------------------------------------------------------------------------------------------------


def talk(**more: Any) -> WorkflowRun:
    """Say something to the chatflow."""
    return WorkflowRun(CHATFLOW, {}, RunMode.CHAT, bot_id=BOT, text="hi", **more)


async def test_a_chatflow(coze: CozeEmulator, agent: CozeAgent) -> None:
    """An agent's events, in a conversation that can be continued."""
    coze.script(Answer(text="Hello there."), bot_id=CHATFLOW)
    events = await collect(agent.workflows.run(talk()))
    assert isinstance(events[0], ChatStarted)
    assert "".join(event.text for event in events if isinstance(event, AnswerDelta)) == "Hello there."
    assert isinstance(events[-1], ChatCompleted)
    coze.script(Answer(echo=True), bot_id=CHATFLOW)
    again = await collect(agent.workflows.run(talk(conversation_id=events[0].chat.conversation_id)))
    [answer] = [event.text for event in again if isinstance(event, AnswerCompleted)]
    assert "2. hi" in answer


@pytest.mark.parametrize("shape", ["answer", "requires_action"])
async def test_a_chatflow_asks(coze: CozeEmulator, agent: CozeAgent, shape: Any) -> None:
    """Its question is an interruption, answered by saying the answer in the same conversation."""
    coze.switches.chatflow_interruption = shape
    call = ToolCall("ask", "Which city?", "reply_message")
    coze.script(Answer(requires_action=RequiredAction((call,), then=Answer(text="Lovely!"))), bot_id=CHATFLOW)
    events = await collect(agent.workflows.run(talk()))
    assert isinstance(events[0], ChatStarted)
    asked = asked_in(events)
    assert not any(isinstance(event, ChatCompleted) for event in events)
    continued = talk(conversation_id=events[0].chat.conversation_id)
    events = await collect(agent.workflows.resume(continued, asked, "Hangzhou"))
    assert [event.text for event in events if isinstance(event, AnswerCompleted)] == ["Lovely!"]
    assert isinstance(events[-1], ChatCompleted)


# --- Studio -----------------------------------------------------------------------------------------------------------


async def test_studio(studio: CozeEmulator, make_agent: MakeAgent) -> None:
    """Its own history, its question's own form, its codes; what it lacks is said."""
    agent = await make_agent(studio.base_url, profile="studio")
    assert not agent.capabilities.plain_resume
    studio.script_run(RunScript(result="bg"))
    assert said(await collect(agent.workflows.run(run(RunMode.ASYNC)))) == ["bg"]
    studio.script_run(RunScript((Step("Tea", ask=Ask("Tea?", ("yes", "no"))),), result="{{answer}}"))
    asked = asked_in(await collect(agent.workflows.run(run())))
    assert (asked.question, asked.choices) == ("Tea?", ("yes", "no"))
    assert said(await collect(agent.workflows.resume(run(), asked, "yes"))) == ["yes"]
    studio.script_run(RunScript((QUESTION,)))
    with pytest.raises(AgentError) as caught:
        await collect(agent.workflows.run(run(RunMode.SYNC)))
    assert (caught.value.code, caught.value.said) == (6039, Say.RUN_ASKS)
    studio.script("Hello.", bot_id=CHATFLOW)
    assert isinstance((await collect(agent.workflows.run(talk())))[-1], ChatCompleted)


async def test_runs_wait_their_turn(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Coze's limit on runs a second is kept, and whoever waits for it is told."""
    waited: list[str] = []
    agent = await make_agent(coze.base_url, runs_per_s=1.0, on_waiting=lambda mark, before: waited.append(mark))
    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(collect(agent.workflows.run(run(mark=str(number)))))
    assert sorted(waited) == ["1", "2"]
