"""What comes in from a platform: messages, who wrote them, and where."""

from dataclasses import dataclass
from enum import StrEnum


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
    """A file that came with a message or a command.

    Attributes:
        url: The platform's own; may need the platform's token. Empty where ``Platform.fetch`` looks it up.
        given_for: The workflow's parameter that it was given for; empty for whichever takes it.
    """

    id: str
    name: str
    media_type: str = ""
    size_bytes: int = 0
    url: str = ""
    given_for: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One inbound message in our terms.

    Attributes:
        delivery_key: Unique per question and the same on every repeat; begins with the adapter instance. The key of a
            question that is asked again begins with that of the question.
        message_id: The platform's id of the message, for replies, reactions and look-ups; empty for a ``command``
            that no message of ours stands for yet.
        text: What was said, without the mention of us, readable (no platform markup for names or links).
        sent_at_s: Unix seconds by the platform's clock.
        inside_thread: Earlier messages exist in the thread or reply chain that we may not have seen.
        late: It was written while we were away, and read afterwards.
        command: It was given to the platform, not written as a message: answers to it are for its author alone, and
            what it begins is announced.
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
    late: bool = False
    command: bool = False


@dataclass(frozen=True, slots=True)
class EarlierMessage:
    """A message that was written before the conversation with the agent began."""

    author_name: str
    text: str
    ours: bool = False
