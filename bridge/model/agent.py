"""What an agent is asked, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ContextMessage:
    """A message the agent shall know of before the question; ``role`` is ``user`` or ``assistant``."""

    role: str
    text: str


class FileKind(StrEnum):
    """How an agent takes a file in."""

    IMAGE = "image"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A file that goes with a question; ``reference`` is what ``Agent.upload`` returned for it."""

    kind: FileKind
    reference: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question to an agent.

    Attributes:
        text: Never empty, also where the question is its files.
        mark: The turn id; travels with the question so that it can be found again after a lost reply.
        user_id: The agent's isolation key; see ``identity``.
        variables: Values for the bot's prompt.
        context: Messages before the question, oldest first.
    """

    bot_id: str
    user_id: str
    conversation_id: str
    text: str
    mark: str
    context: tuple[ContextMessage, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[QuestionFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRef:
    """One run of the agent: what retrieve, message list and cancel need."""

    conversation_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the agent counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """Something the agent wants from a person or from us before it goes on; ``arguments`` is JSON text."""

    id: str
    kind: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool, or a person in its place, said to a call; never empty."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ChatStarted:
    """The agent runs; from here on the answer can be fetched even if the stream is lost."""

    chat: ChatRef
    section_id: str = ""


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """Added text of one answer message; an answer may consist of several messages."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Added text of the agent's thinking; never part of the answer."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerCompleted:
    """The whole text of one answer message: the truth, where it differs from its deltas."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question the agent suggests to ask next."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolActivity:
    """The agent used a tool or looked something up; ``name`` may be empty. Never part of the answer."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The agent waits for tool outputs."""

    chat: ChatRef
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class ChatCompleted:
    """The agent has finished."""

    usage: Usage


AgentEvent = (
    ChatStarted
    | AnswerDelta
    | ReasoningDelta
    | AnswerCompleted
    | FollowUp
    | ToolActivity
    | ActionRequired
    | ChatCompleted
)
"""What an agent's stream yields, in this order of appearance; failures are raised as ``errors.AgentError``."""


class Reasoning(StrEnum):
    """What people see of an agent's thinking."""

    HIDDEN = "hidden"
    QUOTE = "quote"
    """It stands above the answer, as a quotation."""
    STATUS = "status"
    """Its last words stand where the answer will, until the first words of that."""


class ChatStatus(StrEnum):
    """Where a run of the agent stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    REQUIRES_ACTION = "requires_action"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class FoundQuestion:
    """Our question in the agent's own list; ``chat_id`` is empty where the agent does not tell it."""

    message_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What a bot says of itself."""

    bot_id: str
    name: str
    description: str = ""
    prologue: str = ""
    suggested_questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentCapabilities:
    """What an agent's server can do; what it cannot is not offered."""

    feedback: bool = True
    tool_outputs: bool = True
    delete_messages: bool = True
    conversation_lock: bool = True
    saves_history: bool = True
    plain_resume: bool = True
    """A workflow's run that was not streamed may stop for a question and be resumed."""
    workflow_list: bool = True
    """Workflows can be listed, with the parameters they take."""
    file_kinds: frozenset[FileKind] = frozenset(FileKind)
    """The files that may go with a question."""
