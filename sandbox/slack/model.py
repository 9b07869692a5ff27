"""The nouns of a Slack workspace: teams, apps and their installations, people, channels, messages, files."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

MANIFEST_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "im:history",
    "mpim:history",
    "reactions:write",
    "users:read",
)
MANIFEST_EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_context_changed",
    "agent_session_stopped",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "app_uninstalled",
    "tokens_revoked",
)


class ChannelKind(StrEnum):
    """Kinds of conversation; the value is the ``channel_type`` of message events."""

    PUBLIC = "channel"
    PRIVATE = "group"
    IM = "im"
    MPIM = "mpim"

    @property
    def family(self) -> str:
        """The word in scopes and subscriptions: ``channels`` in ``channels:history`` and ``message.channels``."""
        return {"channel": "channels", "group": "groups"}.get(self.value, self.value)


@dataclass(slots=True)
class Team:
    """One workspace's name plate."""

    id: str
    name: str
    domain: str


@dataclass(slots=True)
class User:
    """A person, or the bot user of an app.

    Attributes:
        team_id: The home team; differs from the workspace's for people who come through Slack Connect.
        bot_id: ``B…`` for bot users, ``None`` for people.
    """

    id: str
    name: str
    team_id: str
    locale: str = "en-US"
    real_name: str = ""
    display_name: str = ""
    bot_id: str | None = None
    app_id: str | None = None
    deleted: bool = False
    tz: str = "Europe/Berlin"


@dataclass(slots=True)
class Channel:
    """A conversation of any kind; ``members`` are user ids, the bot user's included."""

    id: str
    kind: ChannelKind
    name: str = ""
    members: set[str] = field(default_factory=set)
    archived: bool = False
    created: int = 0
    creator: str = ""
    shared: bool = False


@dataclass(slots=True)
class Message:
    """One message as Slack stores it.

    Attributes:
        ts: Its id within the channel, ``seconds.micros``, as a string.
        thread_ts: The root of its thread; ``None`` for a message outside threads and for roots.
        author_app: The app that posted it, or ``None`` for people.
        unfurl: The effective ``(unfurl_links, unfurl_media)`` of the post.
        streamed: It was opened by ``chat.startStream``.
    """

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    subtype: str | None = None
    author_app: str | None = None
    bot_id: str | None = None
    client_msg_id: str | None = None
    metadata: Json | None = None
    file_ids: list[str] = field(default_factory=list)
    edited: Json | None = None
    deleted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    ephemeral_for: str | None = None
    unfurl: tuple[bool, bool] = (False, False)
    streamed: bool = False

    @property
    def root_ts(self) -> str:
        """The thread an answer to this message belongs to."""
        return self.thread_ts or self.ts


@dataclass(slots=True)
class FileRecord:
    """A file's metadata and bytes.

    Attributes:
        complete: ``False`` between ``files.getUploadURLExternal`` and ``files.completeUploadExternal``.
        shares: Where it was shared: ``(channel, ts, thread_ts)``.
        given_to: The bot users of the apps into whose forms it was put.
        mode: ``hosted``, or one of the modes without bytes: ``external``, ``tombstone``, ``hidden_by_limit``.
    """

    id: str
    name: str
    mimetype: str
    user: str
    team_id: str
    created: int
    content: bytes = b""
    title: str = ""
    size_bytes: int = 0
    mode: str = "hosted"
    file_access: str = "visible"
    complete: bool = True
    shares: list[tuple[str, str, str | None]] = field(default_factory=list)
    given_to: set[str] = field(default_factory=set)


@dataclass(slots=True)
class App:
    """An app's configuration, as its manifest gives it.

    Attributes:
        request_url: Where HTTP deliveries go; ``None`` means Socket Mode.
        view: Whether the app has the newer agent view or the older assistant view; ``None`` for neither.
    """

    id: str
    name: str
    app_token: str
    signing_secret: str
    client_id: str
    client_secret: str
    verification_token: str
    scopes: tuple[str, ...] = MANIFEST_SCOPES
    app_token_scopes: tuple[str, ...] = ("connections:write",)
    events: frozenset[str] = frozenset(MANIFEST_EVENTS)
    commands: frozenset[str] = frozenset({"/coze"})
    request_url: str | None = None
    view: str | None = "agent"
    messages_tab_enabled: bool = True
    token_rotation: bool = False


@dataclass(slots=True)
class Installation:
    """One app in one workspace: its bot user, its token, the scopes an administrator granted."""

    app: App
    team_id: str
    bot_user_id: str
    bot_id: str
    bot_token: str
    scopes: tuple[str, ...]
    revoked: bool = False
    expires_at: float | None = None
    refresh_token: str | None = None
