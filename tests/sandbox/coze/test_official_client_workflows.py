"""The official client, unpatched, runs workflows against the emulator."""

import json
from typing import Any

import cozepy
import pytest
from cozepy import ChatEventType, Message, WorkflowEventType

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

FLOW = "7366468917055100000"
BOT = "7498000011112222333"
WEATHER = Workflow(FLOW, "weather", parameters={"city": {"type": "string", "required": True}})


@pytest.fixture(autouse=True)
def workflow(emulator: CozeEmulator) -> None:
    """Publish one workflow."""
    emulator.add_workflow(WEATHER)


async def run_stream(coze: cozepy.AsyncCoze, **parameters: str) -> list[Any]:
    """Collect the events of one streamed run."""
    stream = coze.workflows.runs.stream(workflow_id=FLOW, parameters=parameters)
    return [event async for event in stream]


async def test_a_plain_run_returns_its_result(emulator: CozeEmulator, official: Any) -> None:
    """Data, usage and debug page stand at the top level of the reply."""
    emulator.script_run(RunScript(result={"output": "sunny in {{city}}"}))
    result = await official(lambda coze: coze.workflows.runs.create(workflow_id=FLOW, parameters={"city": "Hangzhou"}))
    assert json.loads(result.data) == {"output": "sunny in Hangzhou"}
    assert result.usage.token_count == 150
    assert result.debug_url.startswith("https://www.coze.cn/work_flow?execute_id=")


async def test_a_streamed_run(emulator: CozeEmulator, async_official: cozepy.AsyncCoze) -> None:
    """Node messages are numbered per node, the events from 0; heartbeats are unknown events to the client."""
    steps = (Step("Forecast", deltas=("Rain ", "in {{city}}"), pings=1),)
    emulator.script_run(RunScript(steps, result={"output": "done"}))
    events = await run_stream(async_official, city="Hangzhou")
    assert [event.id for event in events] == [0, 1, 2, 3]
    assert events[0].event == WorkflowEventType.UNKNOWN
    said = [event.message for event in events[1:]]
    assert [message.content for message in said] == ["Rain ", "in Hangzhou", '{"output":"done"}']
    assert [(m.node_title, m.node_seq_id, m.node_is_finish) for m in said] == [
        ("Forecast", "0", False),
        ("Forecast", "1", True),
        ("", "0", True),
    ]
    assert said[-1].usage.token_count == 150


async def test_a_question_is_answered(emulator: CozeEmulator, async_official: cozepy.AsyncCoze) -> None:
    """An interrupted run goes on with the answer, once; its numbers begin again."""
    ask = Ask("Which day?", satisfied_by="day")
    emulator.script_run(RunScript((Step("Question", ask=ask),), result="Rain on {{answer}}"))
    asked = await run_stream(async_official, city="Hangzhou")
    assert asked[0].message.content == "Which day?"
    interrupt = asked[-1].interrupt.interrupt_data
    assert (interrupt.type, asked[-1].interrupt.node_title) == (2, "Question")

    def resume(event_id: str, answer: str) -> Any:
        return async_official.workflows.runs.resume(
            workflow_id=FLOW, event_id=event_id, resume_data=answer, interrupt_type=2
        )

    again = [event async for event in resume(interrupt.event_id, "no idea")]
    assert again[-1].event == WorkflowEventType.INTERRUPT
    event_id = again[-1].interrupt.interrupt_data.event_id
    assert event_id != interrupt.event_id
    ended = [event async for event in resume(event_id, "Friday")]
    assert (ended[0].id, ended[0].message.content) == (0, "Rain on Friday")
    with pytest.raises(cozepy.CozeAPIError) as refused:
        [event async for event in resume(event_id, "Friday")]
    assert refused.value.code == 4315


async def test_an_async_run_is_fetched(emulator: CozeEmulator, official: Any) -> None:
    """An asynchronous run is found in the history, running and finished."""
    emulator.script_run(RunScript((Step("Draft", "half"),), result={"output": "whole"}, pause_s=3600))

    def begin(coze: Any) -> tuple[str, Any]:
        begun = coze.workflows.runs.create(workflow_id=FLOW, parameters={"city": "x"}, is_async=True)
        history = coze.workflows.runs.run_histories.retrieve(workflow_id=FLOW, execute_id=begun.execute_id)
        return begun.execute_id, history

    execute_id, running = await official(begin)
    assert running.execute_status == cozepy.WorkflowExecuteStatus.RUNNING
    emulator.clock.advance(3600)
    run = emulator.workflows.runs[execute_id]
    await run.feed.until_closed()
    done = await official(
        lambda coze: coze.workflows.runs.run_histories.retrieve(workflow_id=FLOW, execute_id=execute_id)
    )
    assert done.execute_status == cozepy.WorkflowExecuteStatus.SUCCESS
    assert done.run_mode == cozepy.WorkflowRunMode.ASYNCHRONOUS
    assert json.loads(done.output) == {"Output": '{"output":"whole"}', "Draft": "half"}
    assert (done.error_code, done.is_output_trimmed) == (0, False)
    [node] = done.node_execute_status.values()
    output = await official(
        lambda coze: coze.workflows.runs.run_histories.execute_nodes.retrieve(
            workflow_id=FLOW, execute_id=execute_id, node_execute_uuid=node.node_execute_uuid
        )
    )
    assert output.node_output == "half"


async def test_a_failing_run(emulator: CozeEmulator, official: Any, async_official: cozepy.AsyncCoze) -> None:
    """A failure is an error reply, or an Error event at the end of a stream."""
    emulator.script_run(RunScript((Step(text="begun"),), failure=RunFailure(4000, "no", after_steps=1)), times=2)

    def run(coze: Any) -> Any:
        with pytest.raises(cozepy.CozeAPIError) as refused:
            coze.workflows.runs.create(workflow_id=FLOW, parameters={"city": "x"})
        return refused.value

    error = await official(run)
    assert (error.code, error.msg) == (4000, "no")
    last = (await run_stream(async_official, city="x"))[-1]
    assert (last.event, last.error.error_code, last.error.error_message) == (WorkflowEventType.ERROR, 4000, "no")


async def test_a_chatflow_talks_and_asks(emulator: CozeEmulator, official: Any) -> None:
    """A chatflow is a chat without a bot; what it asks is answered by calling again in the same conversation."""
    emulator.add_workflow(Workflow("55", "guide", mode="chatflow"))
    call = ToolCall("ask", "Which city?", "reply_message")
    emulator.script(Answer(requires_action=RequiredAction((call,), then=Answer(text="Lovely!"))), bot_id="55")

    def chat(coze: Any, text: str, conversation_id: str | None = None) -> list[Any]:
        messages = [Message.build_user_question_text(text)]
        options = {"conversation_id": conversation_id} if conversation_id else {}
        return list(
            coze.workflows.chat.stream(
                workflow_id="55", bot_id=BOT, additional_messages=messages, parameters={}, **options
            )
        )

    events = await official(lambda coze: chat(coze, "hi"))
    assert events[0].chat.bot_id is None
    assert [event.message.type for event in events if event.event == ChatEventType.CONVERSATION_MESSAGE_COMPLETED] == [
        "answer",
        "verbose",
        "verbose",
    ]
    assert events[-1].event == ChatEventType.CONVERSATION_MESSAGE_COMPLETED
    conversation_id = events[0].chat.conversation_id
    events = await official(lambda coze: chat(coze, "Hangzhou", conversation_id))
    assert events[-1].event == ChatEventType.CONVERSATION_CHAT_COMPLETED
    assert "Lovely!" in [event.message.content for event in events if event.message]


async def test_list_and_details(emulator: CozeEmulator, official: Any) -> None:
    """The client pages through the published workflows; times are strings in lists and numbers in details."""
    for number in range(40):
        emulator.add_workflow(Workflow(str(number), mode="chatflow" if number % 2 else "workflow"))
    emulator.add_workflow(Workflow("99", published=False))
    space = WEATHER.workspace_id
    listed = await official(lambda coze: list(coze.workflows.list(workspace_id=space, page_size=30)))
    assert len(listed) == 41
    flows = await official(lambda coze: list(coze.workflows.list(workspace_id=space, workflow_mode="chatflow")))
    assert len(flows) == 20
    info = await official(lambda coze: coze.workflows.retrieve(workflow_id=FLOW))
    assert (info.workflow_detail.workflow_name, info.workflow_detail.created_at) == ("weather", 1752060786)
