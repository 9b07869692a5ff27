"""Gateway sessions: what RESUME takes up again, with the events a lost connection missed."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.clock import SandboxClock
from sandbox.discord.ids import Mint, shard_of
from sandbox.discord.intents import Announcement, as_seen
from sandbox.discord.model import Json
from sandbox.discord.switches import DiscordSwitches

if TYPE_CHECKING:
    from sandbox.discord.connection import Connection

BEGINNINGS = frozenset({"READY", "RESUMED", "GUILD_CREATE"})


@dataclass(slots=True)
class Session:
    """One identified client, with or without a connection.

    Attributes:
        shard: ``(id, count)``; ``None`` when IDENTIFY had none.
        kept: The latest events for a RESUME, each with its sequence number ``s``.
        lost_at: When the connection went away, on the sandbox's clock.
    """

    id: str
    intents: int
    shard: tuple[int, int] | None
    kept: deque[Json]
    sequence: int = 0
    connection: "Connection | None" = None
    lost_at: float | None = None
    chunk_requests: dict[str, float] = field(default_factory=dict)

    @property
    def shard_id(self) -> int:
        """The shard's number, 0 without sharding."""
        return self.shard[0] if self.shard else 0

    def owns(self, guild_id: str | None) -> bool:
        """Tell whether events of a guild belong here; those of no guild belong to shard 0."""
        if self.shard is None:
            return True
        return self.shard[0] == (shard_of(guild_id, self.shard[1]) if guild_id else 0)

    def give(self, name: str, data: Json) -> None:
        """Number an event, keep it for a RESUME and send it if there is a connection."""
        self.sequence += 1
        frame: Json = {"op": 0, "t": name, "s": self.sequence, "d": data}
        self.kept.append(frame)
        if self.connection is not None:
            self.connection.send(frame)

    def missed_since(self, sequence: int) -> list[Json] | None:
        """Return the events after a sequence number; ``None`` when they are no longer all there."""
        missed = [frame for frame in self.kept if frame["s"] > sequence]
        return missed if len(missed) == self.sequence - sequence else None

    def latest_until(self, sequence: int, count: int) -> list[Json]:
        """Return the last so many events up to a sequence number, what began the session left out."""
        had = [frame for frame in self.kept if frame["s"] <= sequence and frame["t"] not in BEGINNINGS]
        return had[-count:] if count > 0 else []


class SessionBook:
    """All sessions that are connected or may be resumed."""

    def __init__(self, clock: SandboxClock, switches: DiscordSwitches, mint: Mint, bot_id: str) -> None:
        self._clock = clock
        self._switches = switches
        self._mint = mint
        self._bot_id = bot_id
        self._sessions: dict[str, Session] = {}

    def open(self, intents: int, shard: tuple[int, int] | None, connection: "Connection") -> Session:
        """Begin a session."""
        session = Session(self._mint.hex(), intents, shard, deque(maxlen=self._switches.replay_events))
        session.connection = connection
        self._sessions[session.id] = session
        return session

    def resumable(self, session_id: str) -> Session | None:
        """Return a session that is still known."""
        self._forget_old()
        return self._sessions.get(session_id)

    def end(self, session: Session) -> None:
        """Forget a session: it cannot be resumed."""
        self._sessions.pop(session.id, None)
        session.connection = None

    def lose(self, session: Session) -> None:
        """Note that a session's connection is gone."""
        session.connection = None
        session.lost_at = self._clock.now()

    def announce(self, announcement: Announcement) -> None:
        """Give an event to every session it is for."""
        self._forget_old()
        for session in tuple(self._sessions.values()):
            if session.owns(announcement.guild_id):
                data = as_seen(announcement, session.intents, self._bot_id)
                if data is not None:
                    session.give(announcement.name, data)

    def connected(self, shard_id: int | None = None) -> list[Session]:
        """Return the sessions with a connection, of one shard or all."""
        return [
            session
            for session in self._sessions.values()
            if session.connection is not None and shard_id in (None, session.shard_id)
        ]

    def _forget_old(self) -> None:
        deadline = self._clock.now() - self._switches.replay_s
        for session in tuple(self._sessions.values()):
            if session.connection is None and session.lost_at is not None and session.lost_at < deadline:
                del self._sessions[session.id]
