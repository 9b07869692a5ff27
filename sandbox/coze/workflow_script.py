"""What a workflow is, and how its next run will go: definitions and scripts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.coze.answers import Usage, split_into_deltas
from sandbox.coze.jsons import Json, dump

QUESTION, INPUT, CLIENT_PLUGIN, OAUTH_PLUGIN = 2, 5, 6, 7
"""Types of interruptions (reference 6.4)."""

DEFAULT_USAGE = Usage(50, 100)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow or chatflow as it was drawn and published.

    Attributes:
        workflow_id: A decimal string.
        mode: A ``chatflow`` talks through ``/v1/workflows/chat``.
        published: Otherwise running it is refused with 4200.
        parameters: The start node's, as ``input.parameters`` shows them: ``{"city": {"type": "string"}}``.
        outputs: The end node's, in the same form.
        answer_content: The end node returns this text instead of variables.
        streams: It holds output nodes or an end node that streams, which ``/v1/workflow/run`` does not take.
        app_id: ``0`` when it belongs to no app.
        account_id: Its owner; None lets every account run it.
    """

    workflow_id: str
    name: str = "sandbox_workflow"
    description: str = "A workflow of the sandbox"
    mode: Literal["workflow", "chatflow"] = "workflow"
    published: bool = True
    parameters: Mapping[str, Json] = field(default_factory=dict)
    outputs: Mapping[str, Json] = field(default_factory=lambda: {"output": {"type": "string"}})
    answer_content: str | None = None
    streams: bool = False
    app_id: str = "0"
    account_id: str | None = None
    workspace_id: str = "7498204883280400001"

    def missing(self, given: Mapping[str, Any]) -> list[str]:
        """Return the required parameters that are not among the given ones."""
        return [
            name for name, shape in self.parameters.items() if shape.get("required") and given.get(name) in (None, "")
        ]


@dataclass(frozen=True, slots=True)
class Ask:
    """A node that stops the run and waits for somebody.

    Attributes:
        question: What it says, as a message before the interruption.
        choices: The answers it offers, if it offers any.
        type: 2 question node, 5 input node, 6 client plugin, 7 OAuth plugin.
        fields: What an input node wants, as ``required_parameters`` shows it.
        satisfied_by: An answer without this text is asked for again; three such answers fail the run.
    """

    question: str = ""
    choices: tuple[str, ...] = ()
    type: int = QUESTION
    fields: Mapping[str, Json] = field(default_factory=dict)
    satisfied_by: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One node that shows: it says something, or asks.

    ``{{name}}`` in a text becomes that parameter, ``{{answer}}`` the last answer to a question.

    Attributes:
        title: The node's name.
        text: What it says; cut into pieces of a word or two unless ``deltas`` says how.
        deltas: The pieces as they are streamed.
        ask: It asks instead.
        pause_s: Seconds before its first word.
        interval_s: Seconds between its pieces.
        pings: Heartbeats before its first word.
    """

    title: str = "Output"
    text: str = ""
    deltas: tuple[str, ...] = ()
    ask: Ask | None = None
    pause_s: float = 0.0
    interval_s: float = 0.0
    pings: int = 0


@dataclass(frozen=True, slots=True)
class RunFailure:
    """The run fails after so many steps; the code may be a string, as some captures have it."""

    code: int | str = 720701013
    msg: str = "workflow execute fail"
    after_steps: int = 0


@dataclass(frozen=True, slots=True)
class RunScript:
    """One run as the workflow plays it.

    Attributes:
        steps: What its nodes say and ask, in order.
        result: What the end node returns: a text, or any JSON value; None repeats the parameters.
        result_deltas: Instead: the pieces of an end node that streams.
        end_title: The end node's name; the service leaves it empty or says ``End``.
        wrapped: The result travels in the envelope ``{"content_type": 1, "data": ...}``.
        failure: Where and how it fails.
        pause_s: Seconds before the end node.
        usage: Token counts to report.
    """

    steps: tuple[Step, ...] = ()
    result: Any = None
    result_deltas: tuple[str, ...] = ()
    end_title: str = ""
    wrapped: bool = False
    failure: RunFailure | None = None
    pause_s: float = 0.0
    usage: Usage = DEFAULT_USAGE

    def result_text(self, values: Mapping[str, str], parameters: Json) -> str:
        """Return the end node's output as it travels: JSON text, or plain text."""
        if self.result_deltas:
            return filled("".join(self.result_deltas), values)
        result = {"output": dump(parameters)} if self.result is None else self.result
        text = result if isinstance(result, str) else dump(result)
        if self.wrapped:
            return dump({"content_type": 1, "data": filled(text, values), "original_result": None, "type_for_model": 2})
        return filled(text, values) if isinstance(result, str) else _filled_json(result, values)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values where a text names them in double braces."""
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _filled_json(value: Any, values: Mapping[str, str]) -> str:
    escaped = {name: json.dumps(text, ensure_ascii=False)[1:-1] for name, text in values.items()}
    return filled(dump(value), escaped)


def pieces_of(step: Step, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a node streams."""
    if step.deltas:
        return tuple(filled(delta, values) for delta in step.deltas)
    return split_into_deltas(filled(step.text, values)) or ("",)


@dataclass(slots=True)
class _Queued:
    run: RunScript
    workflow_id: str | None
    times: int | None


@dataclass(slots=True)
class RunBook:
    """The scripted runs; a workflow without one returns its parameters at once."""

    _queue: list[_Queued] = field(default_factory=list)

    def script(self, run: RunScript, *, workflow_id: str | None = None, times: int | None = 1) -> None:
        """Queue a run for one workflow or whichever comes; ``times`` None means all from now on."""
        self._queue.append(_Queued(run, workflow_id, times))

    def clear(self) -> None:
        """Forget the scripted runs."""
        self._queue.clear()

    def take(self, workflow_id: str) -> RunScript:
        """Return how the next run of a workflow goes."""
        for queued in self._queue:
            if queued.workflow_id not in (None, workflow_id):
                continue
            if queued.times is not None:
                queued.times -= 1
                if queued.times <= 0:
                    self._queue.remove(queued)
            return queued.run
        return RunScript()
