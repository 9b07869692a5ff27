"""What whoever brings a chat service implements: the platform, and the reply to one question on it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from bridge.model import (
    AnswerFile,
    Attachment,
    Capabilities,
    EarlierMessage,
    Envelope,
    PartRules,
    ResultPlace,
    Root,
    TurnId,
    View,
    Way,
)
from bridge.ports.host import Intake


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

    async def find_doubles(self, indices: Collection[int], known: Mapping[int, str]) -> Sequence[str]:
        """Look for messages that stand twice: a post that nobody found may have been applied after it was repeated.

        Only such that certainly are parts of this very answer, by the mark of one of ``indices``, are returned: they
        will be removed. What carries no mark is never one. Order does not matter.

        Args:
            known: The ids of all the answer's parts by index: none of these is a double.

        Raises ``PlatformRejected`` when it cannot be looked (scope, quota).
        """
        ...

    async def notice(self, text: str) -> str:
        """Post a sentence of ours (never the agent's) where the answer would go; returns its message id."""
        ...

    async def settle(self) -> None:
        """Take away the sign of life and the waiting mark. Safe to repeat, called at every end."""
        ...


@runtime_checkable
class FilingReply(Reply, Protocol):
    """A reply of a platform that takes files."""

    async def attach(self, file: AnswerFile, noted: str, note: Callable[[str], Awaitable[None]]) -> None:
        """Show a file below the answer, once.

        Args:
            noted: What ``note`` was given for it by an earlier try; empty: nothing of it can stand there yet.
            note: Awaited before the call that must not be repeated, and once more where that tells more; by what it is
                given a later try finds out whether it was done.

        Raises:
            FileTooLarge: The platform takes none of this size.
            PlatformRejected: It takes no files from us here.
            PlatformUnavailable, PlatformRateLimited: Not now; try again with what was noted.
        """
        ...

    async def detach(self, noted: str) -> None:
        """Take a file of an answer away again; ``noted``: the last that ``note`` was given. Safe to repeat."""
        ...


@runtime_checkable
class CommandReply(Reply, Protocol):
    """A reply of a platform that has commands of its own (see ``Envelope.command``), and whose answers can move.

    While nothing stands for the command, ``notice`` and ``waiting`` are for its author alone to read.
    """

    async def announce(self, text: str, *, where: ResultPlace) -> Root:
        """Post the line that stands for a command, or for a message whose answer goes elsewhere.

        Not safe to repeat after ``PlatformUnavailable(outcome_unknown=True)``: ask ``find_announced`` first.

        Args:
            where: ``THREAD``: where the command was given; the answer goes below the line. ``CHANNEL``: at the top of
                the channel, and so does the answer. ``ONLY_ME``: where the author alone can read both. In a private
                place all of them are here.

        Raises:
            PlatformRejected: Nothing can be posted there; for ``ONLY_ME``, the author takes no direct messages.
        """
        ...

    async def find_announced(self, *, where: ResultPlace) -> Root | None:
        """Look for that line after a post of unknown outcome.

        Raises ``PlatformRejected`` when it cannot be looked up.
        """
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
