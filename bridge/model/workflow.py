"""What a workflow is given, and what a run of it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.model.agent import AgentEvent, Usage


class RunMode(StrEnum):
    """How a workflow is run; chosen before it starts, for it cannot be changed afterwards."""

    STREAM = "stream"
    """Its nodes are heard while they speak. Nothing tells the run before it ends."""
    SYNC = "sync"
    """One reply at the end, within the service's limit for it."""
    ASYNC = "async"
    """It runs by itself, for hours if need be, and is looked up by its id."""
    CHAT = "chat"
    """It talks: a question in a conversation, answered by a workflow that was drawn for that."""


class ResultPlace(StrEnum):
    """Where a workflow's result goes."""

    THREAD = "thread"
    """Where it was called; a command's below the line that stands for it."""
    CHANNEL = "channel"
    """Into the channel itself, for all who read along, also if it was called in a thread."""
    ONLY_ME = "only_me"
    """Where the caller alone can read it."""


class ValueKind(StrEnum):
    """What a workflow's parameter, or a field of its question, takes."""

    STRING = "string"
    TEXT = "text"
    """A string of several lines."""
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    IMAGE = "image"
    FILE = "file"
    JSON = "json"
    """Anything else: an object or an array, written as JSON."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A parameter's value: a file that was uploaded to the service."""

    file_id: str


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow.

    Attributes:
        workflow_id: The service's id.
        parameters: Values by name: text, numbers, booleans, ``UploadedFile``, and lists and mappings of them.
        mark: The turn id, for telling who waits for the service's limits; it does not travel.
        user_id: The service's isolation key, as in a question.
        bot_id, app_id: What the workflow belongs to, where it needs that; at most one of them.
        timeout_s: The longest the run may take.
        text, conversation_id: For ``CHAT``: what is asked, and in which conversation (empty: a new one).
    """

    workflow_id: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    mode: RunMode = RunMode.STREAM
    mark: str = ""
    user_id: str = ""
    bot_id: str = ""
    app_id: str = ""
    timeout_s: float = 600.0
    text: str = ""
    conversation_id: str = ""


class AskKind(StrEnum):
    """What stopped a run."""

    QUESTION = "question"
    """A question, answered in a person's own words or by a choice."""
    INPUT = "input"
    """A form: its fields are asked for by name."""
    PLUGIN = "plugin"
    """A tool of the caller's."""
    SIGN_IN = "sign_in"
    """A plugin that somebody has to sign in to."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class AskedField:
    """One value that an interrupted run asks for by name; ``many`` takes a list of them."""

    name: str
    kind: ValueKind = ValueKind.STRING
    required: bool = True
    description: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True)
class Interruption:
    """A run waits for somebody.

    Attributes:
        event_id, code: Handed back as they came, with the answer.
        question: What is asked; empty when the run's output says it already.
        choices: The answers it offers, if it offers any.
        fields: What a form asks for.
        node: The title of the node that asks.
    """

    event_id: str
    code: int = 0
    kind: AskKind = AskKind.QUESTION
    question: str = ""
    choices: tuple[str, ...] = ()
    fields: tuple[AskedField, ...] = ()
    node: str = ""


@dataclass(frozen=True, slots=True)
class RunAccepted:
    """An asynchronous run has begun; from here on it can be followed by this id, whatever happens to us."""

    execute_id: str


@dataclass(frozen=True, slots=True)
class NodeOutput:
    """Added output of one node.

    Attributes:
        key: Tells one output of one node from every other of this run.
        title: The node's name; may be empty, and often is for the last node.
        text: Plain text, Markdown, or JSON text.
        finished: It is whole now.
    """

    key: str
    title: str
    text: str
    finished: bool


@dataclass(frozen=True, slots=True)
class RunInterrupted:
    """The run waits; nothing more comes until it is resumed."""

    interruption: Interruption


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """The run has ended well; the last output was its result. ``debug_url`` shows operators every node of it."""

    usage: Usage
    debug_url: str = ""


RunEvent = RunAccepted | NodeOutput | RunInterrupted | RunCompleted | AgentEvent
"""What a run yields: ``CHAT`` an agent's events and ``RunInterrupted``. Failures are raised as ``AgentError``."""


@dataclass(frozen=True, slots=True)
class SchemaParameter:
    """One parameter as the workflow's start node declares it; ``many`` takes a list."""

    name: str
    kind: ValueKind
    required: bool = False
    description: str = ""
    default: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowDetails:
    """A workflow as the service describes it.

    Attributes:
        chatflow: It talks; ``None`` when the service does not tell.
        parameters: ``None`` when the service does not tell them.
    """

    workflow_id: str
    name: str = ""
    description: str = ""
    app_id: str = ""
    chatflow: bool | None = None
    parameters: tuple[SchemaParameter, ...] | None = None
