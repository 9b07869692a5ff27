"""What the core needs from outside, as Protocols: Clock, Store, Agent, Platform, Reply, Intake.

Whoever brings a new platform implements ``Platform`` and ``Reply``; a new store, ``Store``. The conformance suites
in ``bridge.testing`` tell whether they did.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from bridge.model import (
    AgentCapabilities,
    AgentEvent,
    AgentProfile,
    Attachment,
    Capabilities,
    ChatRef,
    ChatStatus,
    Conversation,
    ConversationKey,
    EarlierMessage,
    Envelope,
    FoundQuestion,
    Interruption,
    Invocation,
    Invoked,
    Lease,
    PartRules,
    Press,
    Pressed,
    Question,
    Root,
    RunEvent,
    TurnId,
    TurnRecord,
    TurnState,
    View,
    Way,
    WorkflowRun,
)
from bridge.texts.keys import Say


class Clock(Protocol):
    """Time. ``now`` is monotonic, for deadlines and paces; ``wall`` is unix time, for records."""

    def now(self) -> float: ...

    def wall(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for ``event``, at most ``timeout_s``; tell whether it is set."""
        ...


class Store(Protocol):
    """What is written down. Every verb is atomic, and durable when it returns.

    All verbs raise ``StoreUnavailable`` when nothing could be stored or read; none hangs. Opened and closed by
    ``async with``; opening may raise ``StoreOccupied``.
    """

    async def __aenter__(self) -> "Store": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def create_turn(self, turn: TurnRecord) -> bool:
        """Write a turn unless its id exists; false means it is a repeat and nothing was changed."""
        ...

    async def turn(self, turn_id: TurnId) -> TurnRecord | None: ...

    async def advance(
        self, turn_id: TurnId, from_states: frozenset[TurnState], changes: dict[str, Any], lease: Lease
    ) -> TurnRecord:
        """Change fields of a turn (names of ``TurnRecord``) and return it as it now is.

        ``updated_at_s`` is set by the store. Safe to repeat with the same values, until it has ended.

        Raises:
            LeaseLost: ``lease`` is not the lane's newest, or has expired; looked at first.
            StateConflict: The turn does not exist, is in none of ``from_states``, or has ended: that is final.
            ValueError: Our mistake: unknown or fixed fields, values of a wrong type, a lease of another lane, a step
                that no turn takes (``stores.rules`` says which it takes).
        """
        ...

    async def unfinished(self, lane: ConversationKey | None = None) -> list[TurnRecord]:
        """Return all turns that have not ended, oldest first; of one lane or of all."""
        ...

    async def conversation(self, key: ConversationKey) -> Conversation | None: ...

    async def bind(self, conversation: Conversation) -> None:
        """Let ``conversation.key`` lead to this agent conversation from now on."""
        ...

    async def unbind(self, key: ConversationKey) -> bool:
        """Forget the conversation of a key; false when there was none."""
        ...

    async def note(self, name: str) -> str | None:
        """Return a small remembered fact, for example that a team refuses status lines."""
        ...

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        """Remember a small fact for at least ``ttl_s`` (``None``: for ever), or forget it with ``None``."""
        ...

    async def acquire(self, lane: ConversationKey, holder: str, ttl_s: float) -> Lease | None:
        """Grant the lane to ``holder`` with a new, larger token; ``None`` while somebody else holds it.

        A store that serves one process may forget leases when it closes: their holders are gone by then.
        """
        ...

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Extend a lease. Raises ``LeaseLost`` when it is not the newest or has expired."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lane back; nothing happens when it is lost already."""
        ...

    async def signal(self, topic: str, payload: str) -> None:
        """Tell every watcher of ``topic``, in whichever process."""
        ...

    def watch(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Receive the payloads signalled to ``topic`` from the moment of entering; ends when the store closes.

        Signals are hints, kept nowhere: a watcher that does not keep up loses the oldest.
        """
        ...

    async def purge(self, *, turns_before_s: float, conversations_before_s: float = -math.inf) -> int:
        """Delete ended turns last changed before a unix time; return how many.

        Conversations that were last used before theirs go too, and facts whose time is over. A purge that fails may be
        half done.
        """
        ...

    async def check(self) -> None:
        """Return if the store answers. Raises ``StoreUnavailable`` otherwise."""
        ...


class Agent(Protocol):
    """One agent service with one credential. Errors are ``AgentError`` and, when opening, ``CredentialsError``."""

    @property
    def capabilities(self) -> AgentCapabilities: ...

    async def create_conversation(self, bot_id: str) -> str:
        """Create an empty conversation and return its id. A lost one does no harm: repeat freely."""
        ...

    def ask(self, question: Question) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Ask and stream the answer.

        A stream that breaks after ``ChatStarted`` is finished by fetching the answer, never by asking again. Leaving
        the context closes the connection; the run itself goes on at the service until ``cancel``.

        Raises, on entering or while iterating:
            AgentUnavailable: With ``outcome_unknown`` the question may have been received.
            AgentBusy: Another run occupies the conversation.
            AgentRateLimited, AgentRejected, AgentCancelled, AgentProtocolError: See ``errors``.
        """
        ...

    def follow(self, chat: ChatRef) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Yield the rest of a run that was asked earlier, by fetching it; events and errors as in ``ask``."""
        ...

    async def status(self, chat: ChatRef) -> ChatStatus: ...

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        """Stop a run; returns where it stands afterwards (it may have completed first). Repeat freely."""
        ...

    async def clear(self, conversation_id: str) -> str:
        """Forget the context of a conversation; returns the id of its new section."""
        ...

    async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
        """Look for the question that carries ``mark``."""
        ...

    async def upload(self, name: str, media_type: str, content: bytes) -> str:
        """Upload a file and return what a question refers to it by. Repeat freely: only the reference leads there.

        Args:
            name: With a suffix that tells the type, where the service goes by it.
        """
        ...

    async def rate(self, conversation_id: str, message_id: str, *, good: bool, comment: str = "") -> None:
        """Send feedback on an answer message."""
        ...

    async def delete_message(self, conversation_id: str, message_id: str) -> None:
        """Let the agent forget one message, a question or an answer; ``AgentRejected`` where it is gone already."""
        ...

    async def profile(self, bot_id: str) -> AgentProfile: ...


class Workflows(Protocol):
    """The workflows of one agent service. Errors are ``AgentError``.

    A run has no key against repeats and cannot be cancelled; streamed and synchronous ones have no id until they end.
    So one of unknown outcome is never repeated here: the caller learns that it may have run.
    """

    def run(self, run: WorkflowRun) -> AbstractAsyncContextManager[AsyncIterator[RunEvent]]:
        """Run a workflow and yield what it says.

        It is sent again only if it certainly was not taken. Leaving the context ends our listening, not the run.

        Raises, on entering or while iterating:
            AgentUnavailable: With ``outcome_unknown`` it may have run, or be running.
            AgentRateLimited, AgentRejected, AgentProtocolError, AgentError: See ``errors``.
        """
        ...

    def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AbstractAsyncContextManager[AsyncIterator[RunEvent]]:
        """Answer what an earlier run asked, and yield the rest of it; events and errors as in ``run``.

        Args:
            run: As it was started; its parameters do not matter any more.
            answer: The person's words, or for a form the JSON text of its fields.
        """
        ...

    def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[RunEvent]]:
        """Yield the rest of an asynchronous run by looking it up; repeat freely.

        Args:
            answered: The event that was answered last: while the service still shows it, the run goes on.
        """
        ...


class Reply(Protocol):
    """The answer to one question on a platform: its sign of life and its messages.

    Built without I/O from an envelope. At most one call per message is in flight; calls on one reply never overlap.
    Errors are ``PlatformError``; each method names those the caller must expect beyond ``PlatformUnavailable``,
    ``PlatformRateLimited`` and ``PlatformRejected``.
    """

    @property
    def ways(self) -> Sequence[Way]:
        """The ways in which the next part can be shown, the better one first; there is always one.

        The last one always works, and by it every message can be changed freely: also one that was begun another way,
        once that has ended or ``WayClosed`` was raised for it. Equal as long as nothing was learned.
        """
        ...

    async def waiting(self, position: int) -> None:
        """Show at once that the question waits behind ``position`` others. Safe to repeat."""
        ...

    async def open(self) -> str | None:
        """Show a sign of life; returns the message id of a placeholder if one had to be posted, else ``None``."""
        ...

    async def refresh(self) -> None:
        """Renew the sign of life; called every ``Capabilities.status_refresh_s`` until the first words."""
        ...

    async def post(self, index: int, view: View, way: Way | None = None) -> str:
        """Post part ``index`` in one of ``ways`` and return its message id; ``None``: in the last of them.

        Not safe to repeat after ``PlatformUnavailable(outcome_unknown=True)``: ask ``find_posted`` first.

        Raises:
            PartTooLong: Split smaller.
            WayClosed: Not this way; nothing was posted.
        """
        ...

    async def edit(self, message_id: str, view: View) -> None:
        """Let one of our messages show something else, or more where it only grows. Safe to repeat: the last call wins.

        A message that only grows shows the text alone; footer and controls come with its end.

        Raises:
            MessageGone: Post anew.
            PartTooLong: Split smaller.
            WayClosed: It cannot grow any more as it was begun, or not to this text; edit it the last of ``ways``.
        """
        ...

    async def end(self, message_id: str, view: View) -> None:
        """End a part that was begun a way with an ``end``; it shows all of ``view`` then. Other messages need no end.

        Raises:
            MessageGone: Post anew.
            WayClosed: It had ended already, or nobody knows; edit it the last of ``ways``.
        """
        ...

    async def remove(self, message_id: str) -> None:
        """Delete one of our messages; one that is gone already is fine. Safe to repeat."""
        ...

    async def find_posted(self, index: int, known: Mapping[int, str] | None = None) -> str | None:
        """Look for part ``index`` on the platform after a post of unknown outcome.

        Args:
            known: Ids of the answer's other parts by index, as far as they are known: none of these is it, and it was
                posted after those before it.

        Raises ``PlatformRejected`` when it cannot be looked up (scope, quota).
        """
        ...

    async def notice(self, text: str) -> str:
        """Post a sentence of ours (never the agent's) where the answer would go; returns its message id."""
        ...

    async def settle(self) -> None:
        """Take away the sign of life and the waiting mark. Safe to repeat, called at every end."""
        ...


@runtime_checkable
class CommandReply(Reply, Protocol):
    """A reply of a platform that has commands of its own; see ``Envelope.command``.

    While nothing stands for the command, ``notice`` and ``waiting`` are for its author alone to read.
    """

    async def announce(self, text: str, *, private: bool) -> Root:
        """Post the line that stands for the command; the answer goes below it.

        Not safe to repeat after ``PlatformUnavailable(outcome_unknown=True)``: ask ``find_announced`` first.

        Args:
            private: Where the command's author alone can read it and what follows.
        """
        ...

    async def find_announced(self, *, private: bool) -> Root | None:
        """Look for that line after a post of unknown outcome.

        Raises ``PlatformRejected`` when it cannot be looked up.
        """
        ...


class Intake(Protocol):
    """What a platform hands its messages to."""

    async def accept(self, envelope: Envelope) -> bool:
        """Write the message down and queue it; returns once it is durable, true if it was new and ours.

        The lane position is taken before the first ``await``, so calls in order stay in order. Acknowledge to the
        platform only after this returned.

        Raises:
            StoreError: It was not written down; do not acknowledge, the platform will deliver again.
        """
        ...

    async def press(self, press: Press) -> Pressed:
        """Obey what somebody pressed; returns within two seconds, once what must be durable is.

        Acknowledge to the platform only after this returned. The same press twice does nothing twice.

        Raises:
            StoreError: It was not written down, and not obeyed.
        """
        ...

    async def invoke(self, call: Invocation) -> Invoked:
        """Take a command of the platform's own; returns at once with a form or a sentence, or once it is durable.

        Acknowledge to the platform only after this returned. The same delivery key twice does nothing twice.

        Raises:
            StoreError: It was not written down; tell the caller, for platforms deliver no command again.
        """
        ...

    async def withdraw(self, delivery_key: str) -> None:
        """The author deleted her question: drop it if it still waits."""
        ...


class Platform(Protocol):
    """One adapter instance: a chat service, with one installation's credentials.

    ``async with`` opens the clients (no socket yet) so that replies can be sent; ``serve`` receives.
    """

    @property
    def name(self) -> str:
        """The instance's name in the config; the first component of every key."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def part_rules(self) -> PartRules: ...

    async def __aenter__(self) -> "Platform": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
        """Receive messages until cancelled; set ``connected`` whenever messages can arrive, clear it when not.

        What was written while nobody received is read first, where it can be (``Services.missed`` bounds it), and
        handed over in order, as ``late`` envelopes, before what comes newly to the same place.

        Raises:
            CredentialsError: Waiting does not help.
            PlatformError: Start again after a while.
        """
        ...

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> Reply:
        """Make the reply to an envelope, also one that was stored before a restart; no I/O."""
        ...

    async def resolve(self, envelope: Envelope) -> Envelope:
        """Fill in what takes a request: names of author and channel, locale, readable mentions. Never fails."""
        ...

    async def fetch(self, envelope: Envelope, attachment: Attachment, limit_bytes: int) -> bytes:
        """Read the file that came with a message, from the platform's own hosts and from nowhere else.

        The caller minds the time it may take.

        Raises:
            FileTooLarge: It has more bytes; no more than these were read.
            FileGone: It was deleted, or never had bytes.
            PlatformRejected: It may not be read (permission, a foreign host), or is not the file.
            PlatformUnavailable: Try again.
        """
        ...

    async def earlier_messages(self, envelope: Envelope, limit: int) -> Sequence[EarlierMessage]:
        """Return up to ``limit`` messages of the thread before this one, oldest first; empty if unreadable."""
        ...


class Speech(Protocol):
    """Says a sentence in somebody's language."""

    def __call__(self, key: Say, locale: str, **values: object) -> str: ...
