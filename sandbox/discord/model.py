"""The nouns of Discord: users, servers ("guilds"), roles, channels of all kinds, messages, files."""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]


class ChannelKind(IntEnum):
    """Kinds of channel; the value is ``type`` on the wire."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15
    MEDIA = 16

    @property
    def is_thread(self) -> bool:
        """A thread of any kind, forum posts included."""
        return self in (self.ANNOUNCEMENT_THREAD, self.PUBLIC_THREAD, self.PRIVATE_THREAD)

    @property
    def is_forum(self) -> bool:
        """Holds posts only."""
        return self in (self.FORUM, self.MEDIA)


class MessageKind(IntEnum):
    """Kinds of message; the value is ``type`` on the wire."""

    DEFAULT = 0
    PINNED = 6
    JOIN = 7
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER = 21
    CONTEXT_MENU_COMMAND = 23


class MessageFlag(IntFlag):
    """Flags of messages."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


@dataclass(slots=True)
class User:
    """A person or a bot.

    Attributes:
        accepts_dms: Bots may open a direct conversation with them (50007 otherwise).
    """

    id: str
    name: str
    display_name: str = ""
    bot: bool = False
    locale: str = "en-US"
    accepts_dms: bool = True


@dataclass(slots=True)
class Role:
    """A role; the one with the guild's own id is ``@everyone``."""

    id: str
    name: str
    permissions: int = 0
    position: int = 0
    mentionable: bool = False
    bot_id: str | None = None


@dataclass(slots=True)
class Member:
    """A user in a guild."""

    user_id: str
    joined_at: float
    roles: list[str] = field(default_factory=list)
    nick: str | None = None


@dataclass(slots=True)
class Guild:
    """A server."""

    id: str
    name: str
    owner_id: str
    locale: str = "en-US"
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    available: bool = True


@dataclass(slots=True)
class Overwrite:
    """What a channel grants or takes from a role or a member."""

    target_id: str
    for_member: bool = False
    allow: int = 0
    deny: int = 0


@dataclass(slots=True)
class Tag:
    """A label of a forum's posts."""

    id: str
    name: str


@dataclass(slots=True)
class ThreadState:
    """What only threads have.

    Attributes:
        auto_archive_minutes: Silence after which it archives itself.
        messages: Ever sent, the first message of a thread from a message not counted.
    """

    owner_id: str
    created_at: float
    archive_changed_at: float
    active_at: float
    auto_archive_minutes: int = 1440
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    members: dict[str, float] = field(default_factory=dict)
    messages: int = 0
    applied_tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """A channel, a thread, or a direct conversation.

    Attributes:
        guild_id: ``None`` for direct conversations.
        recipients: The people of a direct conversation, the bot left out.
    """

    id: str
    kind: ChannelKind
    name: str = ""
    guild_id: str | None = None
    parent_id: str | None = None
    position: int = 0
    topic: str | None = None
    overwrites: list[Overwrite] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    requires_tag: bool = False
    last_message_id: str | None = None
    rate_limit_per_user_s: int = 0
    thread: ThreadState | None = None


@dataclass(slots=True)
class Attachment:
    """A file's metadata and bytes."""

    id: str
    name: str
    content: bytes
    content_type: str
    channel_id: str
    description: str | None = None
    ephemeral: bool = False


@dataclass(slots=True)
class Message:
    """One message as Discord stores it.

    Attributes:
        mentions: Users whose mention counted when it was written or last edited; likewise the roles.
        reference: ``message_id``, ``channel_id`` and ``guild_id`` of what it answers, as stored.
        webhook_id: The application's id for what came by an interaction's token.
        interaction_id: The interaction it belongs to.
        ephemeral_for: The only person who sees it.
        nonce_key: The nonce to tell repetitions by, when the sender wanted that.
    """

    id: str
    channel_id: str
    author_id: str
    content: str = ""
    kind: MessageKind = MessageKind.DEFAULT
    sent_at: float = 0.0
    edited_at: float | None = None
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    flags: int = 0
    nonce: str | int | None = None
    pinned: bool = False
    reference: Json | None = None
    webhook_id: str | None = None
    interaction_id: str | None = None
    interaction_metadata: Json | None = None
    ephemeral_for: str | None = None
    thread_id: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    deleted: bool = False

    def has(self, flag: MessageFlag) -> bool:
        """Tell whether a flag is set."""
        return bool(self.flags & flag)


@dataclass(slots=True)
class Application:
    """The bot's application, as the developer portal shows it.

    Attributes:
        token: The bot's secret.
        privileged: Which privileged intents are switched on: ``message_content``, ``members``, ``presences``.
    """

    id: str
    name: str
    bot_id: str
    owner_id: str
    token: str
    verify_key: str
    privileged: set[str] = field(default_factory=lambda: {"message_content", "members", "presences"})
    public: bool = True
    interactions_endpoint_url: str | None = None

    @property
    def flags(self) -> int:
        """The application's flags: each intent that is on, as the portal's toggle (not approved by review)."""
        bits = {"message_content": 1 << 19, "members": 1 << 15, "presences": 1 << 13}
        return sum(bits[name] for name in self.privileged)
