"""The gateway: connections and sessions, every event on its way to them, and all that can go wrong with it.

Two addresses: ``/gateway`` for fresh connections, ``/resume`` for what READY names as ``resume_gateway_url``, so that
the one can be dead while the other lives.
"""

from typing import Any

from aiohttp import web

from sandbox.clock import SandboxClock
from sandbox.discord.compression import compressor_for
from sandbox.discord.connection import CLOSE_TIMEOUT_S, OP_NAMES, Connection
from sandbox.discord.identify import CloseCode, HangUp, IdentifyBudget, Identity
from sandbox.discord.ids import Mint
from sandbox.discord.intents import Announcement, Intent
from sandbox.discord.model import Guild, Json
from sandbox.discord.named_faults import NamedFaults
from sandbox.discord.sessions import Session, SessionBook
from sandbox.discord.sockets import reset_connection
from sandbox.discord.switches import DiscordSwitches
from sandbox.discord.timers import Timers
from sandbox.discord.wire import Wire
from sandbox.discord.world import World
from sandbox.faults import Fault
from sandbox.journal import Journal

CONNECT_FAULTS = frozenset({"status", "cut", "silent", "close"})
"""At the handshake. ``status(status=503)``: no websocket; ``cut``: reset, which aiohttp answers with one more try;
``silent``: accepted, but HELLO never comes; ``close(code)``: right after HELLO."""
FRAME_FAULTS = frozenset({"close", "cut", "ignore", "invalid_session"})
"""In answer to a frame of the client. ``close(code)``; ``cut``; ``ignore``; ``invalid_session(resumable=False)``."""
EVENT_FAULTS = frozenset({"lose", "duplicate", "delay", "mangle"})
"""On an event. ``lose``; ``duplicate``: twice, with two sequence numbers; ``delay(delay_s)``;
``mangle(remove=[...])``: without these keys."""
GATEWAY_FAULTS = {
    "gateway": CONNECT_FAULTS,
    "resume": CONNECT_FAULTS,
    "IDENTIFY": FRAME_FAULTS,
    "RESUME": FRAME_FAULTS,
}
VERSIONS = frozenset({"9", "10"})


class Gateway:
    """Serves websockets and carries events."""

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        switches: DiscordSwitches,
        mint: Mint,
        timers: Timers,
        world: World,
        wire: Wire,
    ) -> None:
        self.clock = clock
        self.switches = switches
        self.world = world
        self.faults = NamedFaults(GATEWAY_FAULTS, others=EVENT_FAULTS)
        self.budget = IdentifyBudget(clock, switches)
        self.resume_url = ""
        self._journal = journal
        self._mint = mint
        self._timers = timers
        self._wire = wire
        self._sessions = SessionBook(clock, switches, mint, world.application.bot_id)
        self._connections: dict[int, Connection] = {}
        self._count = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """``GET /gateway`` and ``GET /resume``: a websocket."""
        place = request.path.strip("/")
        fault = self.faults.take(place)
        self.note("handshake", place, query=dict(request.query), fault=fault.kind if fault else None)
        if fault is not None and fault.kind == "status":
            return web.Response(status=int(fault.args.get("status", 503)), text="the gateway is not there")
        if fault is not None and fault.kind == "cut":
            reset_connection(request)
            return web.Response()
        socket = web.WebSocketResponse(max_msg_size=0, timeout=CLOSE_TIMEOUT_S, compress=False)
        await socket.prepare(request)
        wanted = request.query.get("compress") if self.switches.compression == "asked" else None
        connection = Connection(self, request, socket, compressor_for(wanted))
        self._connections[connection.number] = connection
        if fault is not None and fault.kind == "silent":
            connection.flowing.clear()
        await self._greet(connection, request, fault)
        return socket

    async def _greet(self, connection: Connection, request: web.Request, fault: Fault | None) -> None:
        if request.query.get("v", "10") not in VERSIONS:
            connection.close(CloseCode.INVALID_VERSION)
        elif request.query.get("encoding", "json") != "json":
            connection.close(CloseCode.DECODE_ERROR)
        else:
            connection.greet()
            if fault is not None and fault.kind == "close":
                connection.close(int(fault.args["code"]))
        await connection.run()

    def announce(self, announcement: Announcement) -> None:
        """Give an event to whom it is for, unless a fault says otherwise."""
        fault = self.faults.take(announcement.name)
        if fault is None or fault.kind not in EVENT_FAULTS:
            self._sessions.announce(announcement)
            return
        self.note("fault", announcement.name, fault=fault.kind, **fault.args)
        match fault.kind:
            case "duplicate":
                self._sessions.announce(announcement)
                self._sessions.announce(announcement)
            case "delay":
                delay_s = float(fault.args.get("delay_s", 1.0))
                self._timers.after(delay_s, lambda: self._sessions.announce(announcement))
            case "mangle":
                for key in fault.args["remove"]:
                    announcement.data.pop(key, None)
                self._sessions.announce(announcement)

    def misbehave(self, name: str, connection: Connection) -> bool:
        """Apply the fault planned for a client's frame, if any."""
        fault = self.faults.take(name)
        if fault is None:
            return False
        self.note("fault", name, fault=fault.kind, **fault.args)
        match fault.kind:
            case "close":
                connection.close(int(fault.args["code"]))
            case "cut":
                connection.drop()
            case "invalid_session":
                connection.send(_invalid_session(bool(fault.args.get("resumable"))))
        return True

    def identify(self, connection: Connection, identity: Identity) -> None:
        """Open a session, or refuse it for having come too soon or too often.

        Raises:
            HangUp: 4004: the day's identifies are used up, the token is a new one now.
        """
        shard_id = identity.shard[0] if identity.shard else 0
        if not self.budget.admit(shard_id):
            self.note("violation", "identified_too_soon", shard=identity.shard)
            connection.send(_invalid_session(False))
            return
        if self.budget.count_today() > self.switches.identifies_per_day:
            self.world.application.token = self._mint.token()
            self.note("violation", "token_reset")
            raise HangUp(CloseCode.AUTHENTICATION_FAILED)
        session = self._sessions.open(identity.intents, identity.shard, connection)
        connection.session = session
        owned = [guild for guild in self.world.bot_guilds if session.owns(guild.id)]
        session.give("READY", self._ready(session, owned))
        if session.intents & Intent.GUILDS:
            for guild in owned:
                if guild.available:
                    session.give("GUILD_CREATE", self._wire.guild_create(guild))

    def resume(self, connection: Connection, data: Json) -> None:
        """Take up a session: what it missed, then RESUMED.

        Raises:
            HangUp: 4004 for a wrong token, 4007 for a sequence number that was never sent.
        """
        if data.get("token") != self.world.application.token:
            raise HangUp(CloseCode.AUTHENTICATION_FAILED)
        session = self._sessions.resumable(str(data.get("session_id")))
        sequence = data.get("seq")
        if session is None or not isinstance(sequence, int):
            connection.send(_invalid_session(False))
            return
        if sequence > session.sequence:
            raise HangUp(CloseCode.INVALID_SEQUENCE)
        missed = session.missed_since(sequence)
        if missed is None:
            self._sessions.end(session)
            connection.send(_invalid_session(False))
            return
        if session.connection is not None:
            session.connection.session = None
            session.connection.close(4000)
        session.connection, session.lost_at = connection, None
        connection.session = session
        for frame in (*session.latest_until(sequence, self.switches.replay_overlap), *missed):
            connection.send(frame)
        session.give("RESUMED", {"_trace": []})

    def send_members(self, session: Session, wanted: Json) -> None:
        """Answer REQUEST_GUILD_MEMBERS with one chunk, or RATE_LIMITED when all were asked for twice."""
        guild = self.world.guilds.get(str(wanted.get("guild_id")))
        if guild is None or not session.owns(guild.id):
            return
        everyone = wanted.get("query") == "" and not wanted.get("limit") and not wanted.get("user_ids")
        if everyone and (left_s := self._until_next_chunk(session, guild)) > 0:
            meta = {"guild_id": guild.id, "nonce": wanted.get("nonce")}
            session.give("RATE_LIMITED", {"opcode": 8, "retry_after": left_s, "meta": meta})
            return
        if everyone and not session.intents & Intent.MEMBERS:
            raise HangUp(CloseCode.DISALLOWED_INTENTS)
        session.give("GUILD_MEMBERS_CHUNK", self._chunk(guild, wanted))

    def _until_next_chunk(self, session: Session, guild: Guild) -> float:
        now = self.clock.now()
        last = session.chunk_requests.get(guild.id)
        if last is not None and now - last < self.switches.member_chunk_interval_s:
            return last + self.switches.member_chunk_interval_s - now
        session.chunk_requests[guild.id] = now
        return 0.0

    def _chunk(self, guild: Guild, wanted: Json) -> Json:
        ids = wanted.get("user_ids")
        asked = [str(user_id) for user_id in (ids if isinstance(ids, list) else [ids])] if ids else None
        query, limit = str(wanted.get("query") or "").lower(), int(wanted.get("limit") or 0)
        found = [
            member
            for member in guild.members.values()
            if (member.user_id in asked if asked else self.world.users[member.user_id].name.lower().startswith(query))
        ]
        chunk: Json = {"guild_id": guild.id, "chunk_index": 0, "chunk_count": 1}
        chunk["members"] = [self._wire.member(member) for member in (found[:limit] if limit else found)]
        if asked:
            chunk["not_found"] = [user_id for user_id in asked if user_id not in guild.members]
        return chunk | ({"nonce": wanted["nonce"]} if wanted.get("nonce") else {})

    def _ready(self, session: Session, owned: list[Guild]) -> Json:
        app = self.world.application
        ready: Json = {
            "v": 10,
            "user": self._wire.me(),
            "guilds": [{"id": guild.id, "unavailable": True} for guild in owned],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url,
            "application": {"id": app.id, "flags": app.flags},
            "private_channels": [],
            "relationships": [],
            "session_type": "normal",
            "_trace": [],
        }
        return ready | ({"shard": list(session.shard)} if session.shard else {})

    def close(self, code: int = 4000, *, shard_id: int | None = None, resumable: bool | None = None) -> int:
        """Close the connections of a shard, or all, with a code; return how many.

        Args:
            resumable: Whether RESUME works afterwards; ``None`` leaves it to the code.
        """
        for session in (found := self._sessions.connected(shard_id)):
            connection = session.connection
            assert connection is not None
            connection.close(code, resumable=resumable)
            if not connection.keeps_session:
                self._sessions.end(session)
        return len(found)

    def drop(self, *, shard_id: int | None = None) -> int:
        """Reset the connections of a shard, or all; return how many."""
        for connection in (found := self._connected(shard_id)):
            self.note("fault", "drop", connection=connection.number)
            connection.drop()
        return len(found)

    def reconnect(self, *, shard_id: int | None = None) -> int:
        """Ask to reconnect (op 7); return how many were asked."""
        for connection in (found := self._connected(shard_id)):
            connection.send({"op": 7, "d": None, "s": None, "t": None})
        return len(found)

    def invalidate(self, *, resumable: bool = False, shard_id: int | None = None) -> int:
        """Declare sessions invalid (op 9); return how many."""
        for session in (found := self._sessions.connected(shard_id)):
            connection = session.connection
            assert connection is not None
            if not resumable:
                self._sessions.end(session)
            connection.send(_invalid_session(resumable))
        return len(found)

    def acknowledge(self, on: bool = True, *, shard_id: int | None = None) -> None:
        """Stop, or begin again, to acknowledge heartbeats on the present connections."""
        for connection in self._connected(shard_id):
            connection.acknowledges = on

    def pause(self, *, shard_id: int | None = None) -> None:
        """Send nothing any more on the present connections; what happens is kept back."""
        for connection in self._connected(shard_id):
            connection.flowing.clear()

    def unpause(self, *, shard_id: int | None = None) -> None:
        """Send what was kept back."""
        for connection in self._connected(shard_id):
            connection.flowing.set()

    def connected(self) -> int:
        """Return how many connections have a session."""
        return len(self._sessions.connected())

    def next_number(self) -> int:
        """Return the number of a new connection."""
        self._count += 1
        return self._count

    def ended(self, connection: Connection, close_code: int | None) -> None:
        """Note that a connection is over; after 1000 and 1001 from the client the session is over too."""
        self._connections.pop(connection.number, None)
        self.note("disconnect", str(close_code), connection=connection.number)
        session = connection.session
        if session is None or session.connection is not connection:
            return
        keeps = close_code not in (1000, 1001) if connection.keeps_session is None else connection.keeps_session
        if keeps:
            self._sessions.lose(session)
        else:
            self._sessions.end(session)

    def note(self, kind: str, name: str, **detail: Any) -> None:
        """Write into the journal."""
        self._journal.record("discord", kind, name, **detail)

    def note_frame(self, frame: Json, connection: Connection) -> None:
        """Write a frame into the journal at the moment it is sent, interaction tokens left out."""
        if frame["op"] == 0:
            shown = {key: value for key, value in frame["d"].items() if key != "token"}
            self.note("event", str(frame["t"]), s=frame["s"], connection=connection.number, d=shown)
        else:
            self.note("sent", OP_NAMES[frame["op"]], connection=connection.number, d=frame["d"])

    def aclose(self) -> None:
        """Cut every connection."""
        for connection in tuple(self._connections.values()):
            connection.drop()

    def _connected(self, shard_id: int | None) -> list[Connection]:
        return [c for session in self._sessions.connected(shard_id) if (c := session.connection) is not None]


def _invalid_session(resumable: bool) -> Json:
    return {"op": 9, "d": resumable, "s": None, "t": None}
