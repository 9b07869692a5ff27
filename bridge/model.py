"""The words of our language: what comes in, what is written down, what an agent says, what is shown.

Frozen dataclasses and enums without behaviour. Ids of the outside world are opaque strings. What is written down
(``Envelope``, ``TurnRecord``, ``Conversation``) must survive a round trip through JSON.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

ConversationKey = NewType("ConversationKey", str)
"""Our name of a conversation: adapter instance, team, channel, thread or user. Also the name of its lane."""

TurnId = NewType("TurnId", str)
"""16 base32 characters of the SHA-256 of a delivery key."""

RECORD_VERSION = 1


class Scope(StrEnum):
    """What shares one agent conversation: a thread, a whole channel, or one person wherever she writes."""

    THREAD = "thread"
    CHANNEL = "channel"
    USER = "user"


class Addressing(StrEnum):
    """How a message reached us; decides whether an unrelated message is answered and how a refusal is told."""

    DIRECT = "direct"
    """Written to us in private."""
    MENTION = "mention"
    """Names us, or replies to us."""
    FOLLOW_UP = "follow_up"
    """Written without naming us in a thread; ours only if we take part in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands and its answer goes.

    Attributes:
        instance: The adapter instance's name in the config; it begins every key.
        team: Workspace or guild; empty where the platform has none.
        channel: Channel id.
        thread: Root of the thread or reply chain; ``None`` when the channel itself is the place.
        private: Only one person and we can read it.
        channel_name: For people and agents to read; empty until resolved.
    """

    instance: str
    team: str
    channel: str
    thread: str | None = None
    private: bool = False
    channel_name: str = ""


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message. ``name`` and ``locale`` may be empty until the platform has resolved them."""

    id: str
    name: str = ""
    locale: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; ``url`` is the platform's own and may need the platform's token."""

    id: str
    name: str
    media_type: str = ""
    size_bytes: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One inbound message in our terms.

    Attributes:
        delivery_key: Unique per question and the same on every repeat; begins with the adapter instance.
        message_id: The platform's id of the message, for replies, reactions and look-ups.
        text: What was said, without the mention of us, readable (no platform markup for names or links).
        sent_at_s: Unix seconds by the platform's clock.
        inside_thread: Earlier messages exist in the thread or reply chain that we may not have seen.
    """

    delivery_key: str
    place: Place
    author: Author
    message_id: str
    text: str
    addressing: Addressing
    sent_at_s: float
    attachments: tuple[Attachment, ...] = ()
    inside_thread: bool = False


@dataclass(frozen=True, slots=True)
class EarlierMessage:
    """A message that was written before the conversation with the agent began."""

    author_name: str
    text: str
    ours: bool = False


# --- what is written down -------------------------------------------------------------------------------------------


class TurnState(StrEnum):
    """Where a turn stands. The intent is durable before each request that must not repeat."""

    ACCEPTED = "accepted"
    OPENING = "opening"
    OPENED = "opened"
    ASKING = "asking"
    ASKED = "asked"
    ANSWERED = "answered"
    DELIVERING = "delivering"
    WAITING = "waiting"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a turn ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    STOPPED = "stopped"
    MERGED = "merged"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PostedPart:
    """One part of the answer that the platform has: its index and the platform's id of the message."""

    index: int
    message_id: str


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One question and its whole answer as the store keeps it; its key makes it the duplicate check too.

    Attributes:
        key: The conversation, and so the lane, it belongs to.
        agent: The configured agent's name; empty until it is routed.
        conversation_id, chat_id: Known from *asking* and *asked* on.
        parts: Messages that were posted, in order; written as each is posted.
        answer: The final text, from *answered* on.
        reason: For *failed*: the error's kind or code, for operators.
    """

    turn_id: TurnId
    key: ConversationKey
    envelope: Envelope
    created_at_s: float
    state: TurnState = TurnState.ACCEPTED
    updated_at_s: float = 0.0
    agent: str = ""
    conversation_id: str = ""
    chat_id: str = ""
    parts: tuple[PostedPart, ...] = ()
    answer: str = ""
    outcome: Outcome | None = None
    reason: str = ""
    v: int = RECORD_VERSION


TURN_FIELDS: frozenset[str] = frozenset(f.name for f in dataclasses.fields(TurnRecord))


@dataclass(frozen=True, slots=True)
class Conversation:
    """The agent's conversation that belongs to one of our keys."""

    key: ConversationKey
    conversation_id: str
    agent: str
    bot_id: str
    created_at_s: float
    last_used_at_s: float
    section_id: str = ""
    v: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class Lease:
    """Time-limited ownership of a lane. ``token`` grows with every grant, so that a late writer is recognised."""

    lane: str
    holder: str
    token: int
    expires_at_s: float


# --- what the agent is asked and says ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContextMessage:
    """A message the agent shall know of before the question; ``role`` is ``user`` or ``assistant``."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question to an agent.

    Attributes:
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


# --- what is shown ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartRules:
    """How much fits into one message: ``measure(shown text) <= limit``, counted as the platform counts."""

    limit: int
    measure: Callable[[str], int] = len


@dataclass(frozen=True, slots=True)
class Part:
    """One message's worth of the answer.

    Attributes:
        index: From 0.
        body: An exact slice of the answer; all bodies put together are the answer.
        text: The body as it is shown: an open fence closed at its end and reopened at the next part's beginning.
    """

    index: int
    body: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """What one message shall show now.

    Attributes:
        text: Markdown of the agent, still untrusted; the adapter makes it harmless.
        footer: A sentence of ours below it (interrupted, failed); empty for none. Not part of the answer.
        live: More text will follow.
    """

    text: str
    footer: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """A named, shared allowance of a platform: at most ``limit`` calls within ``window_s``."""

    name: str
    limit: int
    window_s: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, for the core to decide with.

    Attributes:
        edit_interval_s: The shortest sensible time between two edits of one message.
        status_refresh_s: How often the sign of life must be renewed; ``None`` when it stays by itself.
    """

    edits: bool = True
    edit_interval_s: float = 1.0
    status_refresh_s: float | None = None
