"""Workflows in Coze's JSON, both ways, and a run's stream, folded: tables of what the service and its gateways send."""

import json
from typing import Any

import pytest

from bridge.coze.protocol import Answer
from bridge.coze.workflow_events import RunEvents
from bridge.coze.workflow_wire import (
    RunStatus,
    chatflow_body,
    read_history,
    read_interruption,
    read_kind,
    read_result,
    read_run_reply,
    resume_body,
    run_body,
)
from bridge.errors import AgentError, AgentProtocolError, AgentRateLimited, AgentRejected, AgentUnavailable
from bridge.model import (
    AskedField,
    AskKind,
    Interruption,
    NodeOutput,
    RunAccepted,
    RunCompleted,
    RunEvent,
    RunInterrupted,
    UploadedFile,
    Usage,
    ValueKind,
    WorkflowRun,
)

RUN = WorkflowRun("7", {"n": 3, "img": UploadedFile("f1"), "many": [UploadedFile("f2")], "ok": True}, user_id="u")
DEBUG = "https://www.coze.cn/work_flow?execute_id=1"


def message(text: str, title: str = "Output", number: int = 0, *, last: bool = False, **more: Any) -> str:
    """Return the data of a Message event."""
    shown = {"content": text, "node_title": title, "node_seq_id": str(number), "node_is_finish": last}
    return json.dumps(shown | more)


def fold(*events: tuple[str, str]) -> list[RunEvent]:
    """Feed events to a fresh state."""
    state = RunEvents("POST /x", "LOG")
    return [found for name, data in events for found in state.feed(name, data)]


# --- requests ---------------------------------------------------------------------------------------------------------


def test_bodies() -> None:
    """Files are JSON text inside the JSON; only one association travels; the answer repeats what asked."""
    body = json.loads(run_body(RUN, background=True))
    assert body == {
        "workflow_id": "7",
        "parameters": {"n": 3, "img": '{"file_id":"f1"}', "many": ['{"file_id":"f2"}'], "ok": True},
        "ext": {"user_id": "u"},
        "is_async": True,
    }
    both = WorkflowRun("7", bot_id="b", app_id="a", conversation_id="c")
    assert json.loads(run_body(both)) == {"workflow_id": "7", "parameters": {}, "app_id": "a"}
    said = json.loads(chatflow_body(both, "hi"))
    assert (said["conversation_id"], said["additional_messages"][0]["content"]) == ("c", "hi")
    asked = Interruption("e/1", 5)
    assert json.loads(resume_body(RUN, asked, "x")) == {
        "workflow_id": "7",
        "event_id": "e/1",
        "resume_data": "x",
        "interrupt_type": 5,
    }
    with pytest.raises(AgentRejected):
        run_body(WorkflowRun("7", {"text": "x" * (21 << 20)}))


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('{"output":"done"}', '{"output":"done"}'),
        ("plain", "plain"),
        ("{not json", "{not json"),
        ('{"content_type":1,"data":"**hi**","original_result":null,"type_for_model":2}', "**hi**"),
        ('{"content_type":1,"data":{"a":1},"type_for_model":2}', '{"a":1}'),
        ({"a": 1}, '{"a":1}'),
        (None, ""),
    ],
)
def test_results(data: object, text: str) -> None:
    """Text, JSON text, wrapped text, and JSON that a gateway forgot to encode."""
    assert read_result(data) == text


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (
            {"data": "x", "debug_url": DEBUG, "usage": {"input_count": "5", "token_count": 8, "output_count": 3}},
            [NodeOutput("result", "", "x", finished=True), RunCompleted(Usage(5, 3, 8), DEBUG)],
        ),
        ({"execute_id": 742, "msg": "", "debug_url": DEBUG}, [RunAccepted("742")]),
        ({"data": {"execute_id": "742"}}, [RunAccepted("742")]),
        ({"data": "x", "execute_id": "742"}, [NodeOutput("result", "", "x", finished=True), RunCompleted(Usage())]),
        ({}, [NodeOutput("result", "", "", finished=True), RunCompleted(Usage())]),
        (
            {"execute_id": "1", "interrupt_data": {"event_id": "1/2", "type": "2", "data": "Why?"}},
            [RunInterrupted(Interruption("1/2", 2, AskKind.QUESTION, "Why?"))],
        ),
    ],
)
def test_plain_replies(body: dict[str, Any], events: list[RunEvent]) -> None:
    """A result, an id to look up, or a question."""
    assert read_run_reply(Answer("POST /x", body)) == events


# --- interruptions ----------------------------------------------------------------------------------------------------

OPTIONS = {"question": "Tea?", "options": [{"name": "yes"}, {"name": "no"}]}


@pytest.mark.parametrize(
    ("data", "question", "choices"),
    [
        ("", "", ()),
        ("Which city?", "Which city?", ()),
        ('{"content_type":"text","content":"Which city?"}', "Which city?", ()),
        (json.dumps({"content_type": "option", "content": json.dumps(OPTIONS)}), "Tea?", ("yes", "no")),
        (json.dumps({"content_type": "option", "content": OPTIONS}), "Tea?", ("yes", "no")),
        (json.dumps(OPTIONS), "Tea?", ("yes", "no")),
        (
            json.dumps({"messages": [{"content": "old"}, {"content_type": "option", "content": OPTIONS}]}),
            "Tea?",
            ("yes", "no"),
        ),
        (json.dumps({"messages": [{"content_type": "text", "content": "Which?"}]}), "Which?", ()),
        (None, "", ()),
        ("[1]", "[1]", ()),
    ],
)
def test_questions(data: object, question: str, choices: tuple[str, ...]) -> None:
    """Question and choices are found wherever they stand."""
    found = read_interruption({"event_id": "1/2", "type": 2, "data": data}, "Ask")
    assert found == Interruption("1/2", 2, AskKind.QUESTION, question, choices, (), "Ask")


def test_forms() -> None:
    """A form's fields come from its parameters, or else from its question; the question itself is for machines."""
    rows = '{"content_type":"text","content":"[{\\"type\\":\\"string\\",\\"name\\":\\"who\\",\\"required\\":false}]"}'
    data = {"event_id": "1/2", "type": 5, "data": rows}
    found = read_interruption(data, "")
    assert found is not None
    assert (found.kind, found.question, found.fields) == (
        AskKind.INPUT,
        "",
        (AskedField("who", ValueKind.STRING, required=False),),
    )
    shapes = {"img": {"type": "array", "items": {"type": "image"}, "required": True, "description": "Photos"}}
    found = read_interruption(data | {"required_parameters": shapes}, "")
    assert found is not None
    assert found.fields == (AskedField("img", ValueKind.IMAGE, required=True, description="Photos", many=True),)


@pytest.mark.parametrize("data", [None, {}, {"event_id": ""}, {"type": 2}, "x"])
def test_nothing_to_answer(data: object) -> None:
    """Without an event there is no interruption."""
    assert read_interruption(data, "") is None


@pytest.mark.parametrize(
    ("shape", "kind", "many"),
    [
        ({"type": "Integer"}, ValueKind.INTEGER, False),
        ({"type": "float"}, ValueKind.NUMBER, False),
        ({"type": "pdf"}, ValueKind.FILE, False),
        ({"type": "object", "properties": {}}, ValueKind.JSON, False),
        ({"type": "array", "items": {"type": "string"}}, ValueKind.STRING, True),
        ({"type": "array", "items": {"type": "object"}}, ValueKind.JSON, False),
        ({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, ValueKind.JSON, False),
        ({"type": "array"}, ValueKind.JSON, False),
        ({}, ValueKind.STRING, False),
    ],
)
def test_types(shape: dict[str, Any], kind: ValueKind, many: bool) -> None:
    """The start node's types in our words."""
    assert read_kind(shape) == (kind, many)


# --- run histories ----------------------------------------------------------------------------------------------------


def row(**changes: Any) -> list[dict[str, Any]]:
    """Return a good history."""
    return [
        {
            "execute_status": "Success",
            "output": '{"Draft":"half","Output":"{\\"output\\":\\"whole\\"}"}',
            "error_code": "",
            "usage": {"input_count": 1, "token_count": 3, "output_count": 2},
            "debug_url": DEBUG,
            "logid": "L",
        }
        | changes
    ]


def test_a_finished_history() -> None:
    """The end node's output is the last, whatever its place."""
    view = read_history(row())
    assert view.status is RunStatus.DONE
    assert view.outputs == (
        NodeOutput("node:Draft", "Draft", "half", finished=True),
        NodeOutput("result", "", '{"output":"whole"}', finished=True),
    )
    assert view.completed() == RunCompleted(Usage(1, 2, 3), DEBUG)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (None, RunStatus.RUNNING),
        ([], RunStatus.RUNNING),
        (row(execute_status="Running"), RunStatus.RUNNING),
        (row(execute_status="Fail")[0], RunStatus.FAILED),
        (row(execute_status="Running", interrupt_data={"event_id": "1/2", "type": 2}), RunStatus.INTERRUPTED),
        (row(execute_status="Running", interrupt_data={"event_id": "1/1", "type": 2}), RunStatus.RUNNING),
    ],
)
def test_standing_histories(value: object, status: RunStatus) -> None:
    """An answered event that is still shown does not interrupt again."""
    assert read_history(value, answered="1/1").status is status


@pytest.mark.parametrize(
    ("output", "texts"),
    [("plain", ["plain"]), ("", []), ('{"a":1}', ['{"a":1}']), ('{"Output":{"a":1}}', ['{"a":1}']), (None, [])],
)
def test_odd_outputs(output: object, texts: list[str]) -> None:
    """What has not the documented form is the result."""
    assert [found.text for found in read_history(row(output=output)).outputs] == texts


# --- streams ----------------------------------------------------------------------------------------------------------


def test_the_reference_stream() -> None:
    """Pieces of one node share a key; heartbeats are silent; the usage comes with the end."""
    usage = {"token_count": 150, "output_count": 100, "input_count": 50}
    assert fold(
        ("Message", message("Why did", number=0)),
        ("PING", '{"content":"{}"}'),
        ("Message", message(" he?", number=1, last=True)),
        ("Message", message('{"output":"x"}', "", last=True, usage=usage, token=0, cost="0.00")),
        ("Done", json.dumps({"debug_url": DEBUG})),
        ("Message", message("too late")),
    ) == [
        NodeOutput("1", "Output", "Why did", finished=False),
        NodeOutput("1", "Output", " he?", finished=True),
        NodeOutput("2", "", '{"output":"x"}', finished=True),
        RunCompleted(Usage(50, 100, 150), DEBUG),
    ]


def test_one_node_twice() -> None:
    """A loop's node speaks again: another output, by number or by execution."""
    found = fold(
        ("Message", message("a", node_execute_uuid="1")),
        ("Message", message("b", number=1, node_execute_uuid="2")),
        ("message", message("c", number=0, node_execute_uuid="2")),
        ("done", ""),
    )
    assert [event.key for event in found if isinstance(event, NodeOutput)] == ["1", "2", "3"]


def test_lost_pieces_are_counted() -> None:
    """A gap in a node's numbers is noticed."""
    state = RunEvents("POST /x")
    for number in (0, 1, 4):
        state.feed("Message", message("x", number=number))
    assert state.missing == 2


@pytest.mark.parametrize("nested", [True, False])
def test_an_interrupted_stream(nested: bool) -> None:
    """The interruption ends it; what follows does not matter."""
    data: dict[str, Any] = {"event_id": "1/2", "type": 2, "data": ""}
    shown = {"interrupt_data": data, "node_title": "Ask"} if nested else data | {"node_title": "Ask"}
    found = fold(("Message", message("Which?", "Ask", last=True)), ("Interrupt", json.dumps(shown)), ("Done", "{}"))
    assert found[1:] == [RunInterrupted(Interruption("1/2", 2, node="Ask"))]


@pytest.mark.parametrize(
    ("name", "data", "kind", "code"),
    [
        ("Error", '{"error_code":4000,"error_message":"Request parameter error"}', AgentRejected, 4000),
        ("Error", '{"error_code":"720701013","error_message":"x"}', AgentError, 720701013),
        ("error", "stream closed", AgentError, 0),
        ("error", '{"code":4009,"msg":"slow"}', AgentRateLimited, 4009),
        ("message", '{"code":5000,"msg":"trouble"}', AgentUnavailable, 5000),
        ("Message", "{broken", AgentProtocolError, 0),
        ("Interrupt", "{}", AgentProtocolError, 0),
    ],
)
def test_failing_streams(name: str, data: str, kind: type[AgentError], code: int) -> None:
    """A failure in any dress is raised."""
    with pytest.raises(kind) as caught:
        fold((name, data))
    assert caught.value.code == code


def test_a_run_that_had_begun_is_not_to_be_tried_again() -> None:
    """After the first words even a passing trouble is final."""
    with pytest.raises(AgentError) as caught:
        fold(("Message", message("x")), ("Error", '{"error_code":5000,"error_message":"trouble"}'))
    assert type(caught.value) is AgentError


@pytest.mark.parametrize(("name", "data"), [("message", "keep-alive"), ("message", "{}"), ("Progress", "{}")])
def test_noise(name: str, data: str) -> None:
    """Unknown events and keep-alives mean nothing."""
    assert fold((name, data)) == []
