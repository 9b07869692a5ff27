"""Workflows in Coze's JSON: bodies, replies, run histories, interruptions, results (pure).

As tolerant as ``protocol``: codes and ids of any type, results that are JSON text, plain text, or JSON text in an
envelope of JSON text; interruptions whose question stands in one of five places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from bridge.coze.codes import Refusal, error_of
from bridge.coze.hints import Hint, advise
from bridge.coze.protocol import NO_USAGE, Answer, items_of, mapping_of, normalise_code, read_usage, text_of
from bridge.errors import AgentError, AgentRejected
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
from bridge.texts.keys import Say

MAX_RUN_BYTES = 20 * 1024 * 1024
"""Of one request to a workflow endpoint. Source: Coze's API overview."""

RESULT_KEY = "result"
END_NODE_KEY = "Output"
"""Under this name a run history has the end node's output."""

WRAPPED = frozenset({"content_type", "data", "type_for_model"})
"""The keys of the envelope in which some workflows' results travel."""

ASK_KINDS: Mapping[int, AskKind] = {
    2: AskKind.QUESTION,
    5: AskKind.INPUT,
    6: AskKind.PLUGIN,
    7: AskKind.SIGN_IN,
}
"""Source: Coze's workflow resume page."""

VALUE_KINDS: Mapping[str, ValueKind] = {
    "string": ValueKind.STRING,
    "integer": ValueKind.INTEGER,
    "number": ValueKind.NUMBER,
    "float": ValueKind.NUMBER,
    "boolean": ValueKind.BOOLEAN,
    "image": ValueKind.IMAGE,
    "time": ValueKind.STRING,
    "object": ValueKind.JSON,
    "array": ValueKind.JSON,
}
FILE_TYPES = frozenset({"file", "doc", "docx", "pdf", "ppt", "excel", "txt", "code", "zip", "audio", "video", "voice"})
"""Names of file types other than images; ``svg`` is a file too. Source: the start node's types."""


# --- requests ---------------------------------------------------------------------------------------------------------


def run_body(run: WorkflowRun, *, background: bool | None = None) -> bytes:
    """Write the body of a run; ``background`` is ``is_async``, ``None`` leaves it out.

    Raises:
        AgentRejected: Larger than Coze accepts.
    """
    body: dict[str, Any] = {"workflow_id": run.workflow_id, "parameters": wire_values(run.parameters)}
    _associate(body, run)
    if background is not None:
        body["is_async"] = background
    return _encoded(body)


def resume_body(run: WorkflowRun, asked: Interruption, answer: str) -> bytes:
    """Write the body that answers an interruption."""
    return _encoded(
        {
            "workflow_id": run.workflow_id,
            "event_id": asked.event_id,
            "resume_data": answer,
            "interrupt_type": asked.code,
        }
    )


def chatflow_body(run: WorkflowRun, text: str) -> bytes:
    """Write the body that says something to a chatflow."""
    message = {"role": "user", "type": "question", "content": text, "content_type": "text"}
    body: dict[str, Any] = {
        "workflow_id": run.workflow_id,
        "additional_messages": [message],
        "parameters": wire_values(run.parameters),
    }
    if run.conversation_id:
        body["conversation_id"] = run.conversation_id
    _associate(body, run)
    return _encoded(body)


def wire_values(parameters: Mapping[str, object]) -> dict[str, Any]:
    """Return parameters as they travel: a file is JSON text inside the JSON."""
    return {name: _wire_value(value) for name, value in parameters.items()}


def _wire_value(value: object) -> Any:
    if isinstance(value, UploadedFile):
        return msgspec.json.encode({"file_id": value.file_id}).decode()
    if isinstance(value, Mapping):
        return wire_values(value)
    return [_wire_value(item) for item in value] if isinstance(value, list | tuple) else value


def _associate(body: dict[str, Any], run: WorkflowRun) -> None:
    """Add what a workflow belongs to, and whose run it is. Both bot and app would be refused with 4000."""
    if run.app_id:
        body["app_id"] = run.app_id
    elif run.bot_id:
        body["bot_id"] = run.bot_id
    if run.user_id:
        body["ext"] = {"user_id": run.user_id}


def _encoded(body: dict[str, Any]) -> bytes:
    encoded = msgspec.json.encode(body)
    if len(encoded) > MAX_RUN_BYTES:
        reason = f"the run's parameters have {len(encoded)} bytes, Coze accepts {MAX_RUN_BYTES}"
        raise AgentRejected(reason, hint=advise(Hint.SHORTER), said=Say.AGENT_TOO_LONG)
    return encoded


# --- results ----------------------------------------------------------------------------------------------------------


def read_result(value: object) -> str:
    """Return a run's result as text: plain, Markdown or JSON, out of the envelope that some workflows put it in."""
    if not isinstance(value, str):
        return "" if value is None else _encode_text(value)
    wrapped = _decoded(value)
    if isinstance(wrapped, dict) and wrapped.keys() >= WRAPPED:
        inner = wrapped["data"]
        return inner if isinstance(inner, str) else read_result(inner)
    return value


def _decoded(text: str) -> object:
    """Decode what may be JSON; ``None`` when it is not."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def _encode_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def read_run_reply(answer: Answer) -> list[RunEvent]:
    """Understand the reply to a run or a resume that was not streamed: a result, a question, or an id to look up."""
    body = answer.body
    result = answer.result()
    interruption = read_interruption(body.get("interrupt_data"), node="")
    if interruption is None and isinstance(result, dict):  # a gateway may put everything into data
        interruption = read_interruption(result.get("interrupt_data"), node="")
    if interruption is not None:
        return [RunInterrupted(interruption)]
    execute_id = text_of(body.get("execute_id")) or text_of(mapping_of(result).get("execute_id"))
    if execute_id and (result is None or isinstance(result, dict)):
        return [RunAccepted(execute_id)]
    completed = RunCompleted(read_usage(body.get("usage")), text_of(body.get("debug_url")))
    return [NodeOutput(RESULT_KEY, "", read_result(result), finished=True), completed]


# --- interruptions ----------------------------------------------------------------------------------------------------


def read_interruption(value: object, node: str) -> Interruption | None:
    """Read ``interrupt_data``; ``None`` when there is none, or nothing by which it could be answered."""
    data = mapping_of(value)
    event_id = text_of(data.get("event_id"))
    if not event_id:
        return None
    code = normalise_code(data.get("type"))
    kind = ASK_KINDS.get(code, AskKind.OTHER)
    question, choices = _read_asked(data.get("data"))
    fields = tuple(_read_field(name, shape) for name, shape in mapping_of(data.get("required_parameters")).items()) or (
        _read_form(question) if kind is AskKind.INPUT else ()
    )
    if kind is AskKind.INPUT and _decoded(question) is not None:
        question = ""  # a form's question is its description for machines
    return Interruption(event_id, code, kind, question, choices, fields, node)


def _read_asked(value: object) -> tuple[str, tuple[str, ...]]:
    """Find question and choices: in the data, its content, or the last message of its messages, each JSON or text."""
    asked = _decoded(value) if isinstance(value, str) else value
    if not isinstance(asked, dict):
        return (value if isinstance(value, str) else ""), ()
    if messages := items_of(asked.get("messages")):
        asked = messages[-1]
    if "content" in asked:
        content = asked["content"]
        options = _decoded(content) if isinstance(content, str) else content
        if not isinstance(options, dict):
            return (content if isinstance(content, str) else ""), ()
        asked = options
    names = (text_of(option.get("name")) for option in items_of(asked.get("options")))
    return text_of(asked.get("question")), tuple(name for name in names if name)


def _read_form(question: str) -> tuple[AskedField, ...]:
    """Read a form that is described in its question instead of in ``required_parameters``."""
    rows = items_of(_decoded(question))
    return tuple(_read_field(text_of(row.get("name")), row) for row in rows if text_of(row.get("name")))


def _read_field(name: str, shape: object) -> AskedField:
    described = mapping_of(shape)
    kind, many = read_kind(described)
    return AskedField(
        name, kind, described.get("required") is not False, text_of(described.get("description")), many=many
    )


def read_kind(shape: Mapping[str, Any]) -> tuple[ValueKind, bool]:
    """Read a parameter's type, and whether it takes a list; lists of lists or objects are JSON."""
    name = text_of(shape.get("type")).lower()
    if name == "array" and (items := mapping_of(shape.get("items"))):
        kind, nested = read_kind(items)
        if not nested and kind is not ValueKind.JSON:
            return kind, True
    if name in FILE_TYPES or name == "svg":
        return ValueKind.FILE, False
    return VALUE_KINDS.get(name, ValueKind.STRING), False


# --- run histories ----------------------------------------------------------------------------------------------------


class RunStatus(StrEnum):
    """Where an asynchronous run stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One look at a run.

    Attributes:
        outputs: What its nodes put out, the end node's last.
        nodes: Title and execution id of the output nodes, for fetching what was trimmed.
        trimmed: The outputs are too large to be whole here.
    """

    status: RunStatus
    outputs: tuple[NodeOutput, ...] = ()
    interruption: Interruption | None = None
    usage: Usage = NO_USAGE
    debug_url: str = ""
    code: int = 0
    message: str = ""
    log_id: str = ""
    nodes: tuple[tuple[str, str], ...] = ()
    trimmed: bool = False

    @property
    def over(self) -> bool:
        """Nothing more comes by itself."""
        return self.status is not RunStatus.RUNNING

    def completed(self) -> RunCompleted:
        return RunCompleted(self.usage, self.debug_url)


def read_history(value: object, answered: str = "") -> HistoryView:
    """Read a run history; an empty one is a run that has hardly begun.

    Args:
        answered: The event that was answered last; as long as it is still shown, the run goes on.
    """
    rows = items_of(value) if isinstance(value, list) else items_of([value])
    row: Mapping[str, Any] = rows[0] if rows else {}
    status = text_of(row.get("execute_status")).lower()
    interruption = read_interruption(row.get("interrupt_data"), node="")
    if interruption is not None and interruption.event_id == answered:
        interruption = None
    if status.startswith("success"):
        found = RunStatus.DONE
    elif status.startswith(("fail", "cancel")):
        found = RunStatus.FAILED
    else:
        found = RunStatus.RUNNING if interruption is None else RunStatus.INTERRUPTED
    nodes = mapping_of(row.get("node_execute_status"))
    return HistoryView(
        found,
        _read_outputs(row.get("output")),
        interruption,
        read_usage(row.get("usage")),
        text_of(row.get("debug_url")),
        normalise_code(row.get("error_code")),
        text_of(row.get("error_message")) or text_of(row.get("error_msg")),
        text_of(row.get("logid")) or text_of(row.get("log_id")),
        tuple((title, uuid) for title, node in nodes.items() if (uuid := _uuid_of(node))),
        row.get("is_output_trimmed") is True,
    )


def _uuid_of(node: object) -> str:
    return text_of(mapping_of(node).get("node_execute_uuid"))


def _read_outputs(value: object) -> tuple[NodeOutput, ...]:
    """Read JSON text with one output per node; anything else is the whole result."""
    outputs = _decoded(value) if isinstance(value, str) else value
    if not isinstance(outputs, dict) or END_NODE_KEY not in outputs:
        text = read_result(value)
        return (NodeOutput(RESULT_KEY, "", text, finished=True),) if text else ()
    said = [(title, text) for title, text in outputs.items() if title != END_NODE_KEY]
    return (
        *(NodeOutput(f"node:{title}", title, read_result(text), finished=True) for title, text in said),
        NodeOutput(RESULT_KEY, "", read_result(outputs[END_NODE_KEY]), finished=True),
    )


def with_whole_outputs(view: HistoryView, texts: Sequence[tuple[str, str]]) -> HistoryView:
    """Put fetched outputs (title and text) in the place of trimmed ones; the end node's stays as it is."""
    fetched = tuple(NodeOutput(f"node:{title}", title, read_result(text), finished=True) for title, text in texts)
    ends = tuple(output for output in view.outputs if output.key == RESULT_KEY and _decoded(output.text) is not None)
    return HistoryView(view.status, (*fetched, *ends), None, view.usage, view.debug_url, nodes=view.nodes)


def history_failure(where: str, view: HistoryView, log_id: str = "") -> AgentError:
    """Build the error of a run that failed."""
    reason = f"{where}: the run failed"
    if view.debug_url:
        reason += f" (see {view.debug_url})"
    return error_of(Refusal(reason, view.code, view.message, log_id=view.log_id or log_id, running=True))
