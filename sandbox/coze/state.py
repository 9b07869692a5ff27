"""What the service remembers: accounts' bots, conversations, messages, chats and files, and how they are found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.coze.errors import CozeError
from sandbox.coze.feed import Feed
from sandbox.coze.jsons import Json

ChatStatus: TypeAlias = Literal["created", "in_progress", "completed", "failed", "requires_action", "canceled"]
RUNNING: frozenset[ChatStatus] = frozenset({"created", "in_progress"})
LISTED_TYPES = frozenset({"question", "answer", ""})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: an account, and the business user inside it when an OAuth token carries a session name."""

    account_id: str
    session_name: str | None = None


@dataclass(slots=True)
class Bot:
    """One agent. ``account_id`` None: every account may use it (Studio: its owner only)."""

    bot_id: str
    name: str
    published: bool
    prologue: str
    suggested_questions: tuple[str, ...]
    account_id: str | None
    description: str
    workspace_id: str
    created_at: int


@dataclass(slots=True)
class Message:
    """One message, stored or only streamed. ``user_id`` is None for messages that no chat brought."""

    message_id: str
    conversation_id: str
    section_id: str
    role: str
    type: str
    content: str
    content_type: str
    created_at: int
    updated_at: int
    chat_id: str | None = None
    bot_id: str | None = None
    user_id: str | None = None
    meta_data: Json = field(default_factory=dict)
    reasoning: str = ""
    feedback: Json | None = None


@dataclass(slots=True)
class Chat:
    """One run of an agent. ``messages`` is what it produced, never the question."""

    chat_id: str
    conversation_id: str
    section_id: str
    bot_id: str
    user_id: str
    owner: Identity
    saved: bool
    created_at: int
    feed: Feed
    status: ChatStatus = "created"
    completed_at: int | None = None
    failed_at: int | None = None
    last_error: Json = field(default_factory=lambda: {"code": 0, "msg": ""})
    usage: Json = field(default_factory=lambda: {"token_count": 0, "output_count": 0, "input_count": 0})
    meta_data: Json = field(default_factory=dict)
    required_action: Json | None = None
    inserted: list[Message] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """The agent is at work and can be cancelled."""
        return self.status in RUNNING

    def become(self, status: ChatStatus) -> None:
        """Change the status, unless the chat was cancelled: that is final."""
        if self.status != "canceled":
            self.status = status


@dataclass(slots=True)
class Conversation:
    """One conversation; its section changes with every ``clear``."""

    conversation_id: str
    owner: Identity
    name: str
    created_at: int
    updated_at: int
    section_id: str
    connector_id: str = "1024"
    meta_data: Json = field(default_factory=dict)
    bot_ids: set[str] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)

    def message(self, message_id: str) -> Message:
        """Return one stored message.

        Raises:
            CozeError: 4005, there is no such message.
        """
        for message in self.messages:
            if message.message_id == message_id:
                return message
        raise CozeError(4005)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One upload; of its content only the digest is kept, for it can never be downloaded."""

    file_id: str
    owner: Identity
    file_name: str
    size_bytes: int
    sha256: str
    created_at: int


class World:
    """Everything stored, found the way the service finds it: unknown and not yours look the same."""

    def __init__(self) -> None:
        self.bots: dict[str, Bot] = {}
        self.conversations: dict[str, Conversation] = {}
        self.chats: dict[str, Chat] = {}
        self.files: dict[str, UploadedFile] = {}

    def conversation(self, conversation_id: str, owner: Identity) -> Conversation:
        """Return a conversation of its creator.

        Raises:
            CozeError: 4002.
        """
        found = self.conversations.get(conversation_id)
        if found is None or found.owner != owner:
            raise CozeError(4002)
        return found

    def chat(self, conversation_id: str, chat_id: str, owner: Identity) -> Chat:
        """Return a chat, saved or not.

        Raises:
            CozeError: 4002 or 4001.
        """
        self.conversation(conversation_id, owner)
        found = self.chats.get(chat_id)
        if found is None or found.conversation_id != conversation_id or found.owner != owner:
            raise CozeError(4001)
        return found

    def file(self, file_id: str, owner: Identity) -> UploadedFile:
        """Return an upload of the same account.

        Raises:
            CozeError: 4200.
        """
        found = self.files.get(file_id)
        if found is None or found.owner.account_id != owner.account_id:
            raise CozeError(4200)
        return found

    def running_chats(self, account_id: str) -> Iterator[Chat]:
        """Yield the chats of one account that are at work."""
        return (chat for chat in self.chats.values() if chat.running and chat.owner.account_id == account_id)
