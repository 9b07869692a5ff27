"""Socket Mode: tickets, up to ten WebSocket connections per app, envelopes and their acknowledgements.

A payload goes to one connection at random. An acknowledgement may come over any connection of the app: the SDK
sends it over whichever it has. Nobody acknowledges in time: the delivery counts as failed and ``Delivery``
repeats it. Without any connection it waits for one as long as for an acknowledgement, or is lost: a switch.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack.background import within
from sandbox.slack.limits import SOCKETS_MAX
from sandbox.slack.model import App, Json
from sandbox.slack.refusals import Refusal
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.transport import Answer, Attempt, Outgoing
from sandbox.slack.workspace import Mint

WARNING_AHEAD_S = 10.0
DEBUG_LIFETIME_S = 360.0


@dataclass(slots=True, eq=False)
class Connection:
    """One open WebSocket of an app.

    Attributes:
        silent: It plays dead: nothing is read, answered or really written.
        leaving: It was asked to disconnect and gets no further payloads.
    """

    number: int
    app: App
    socket: web.WebSocketResponse
    request: web.Request
    group: asyncio.TaskGroup
    silent: bool = False
    leaving: bool = False
    chores: list[asyncio.Task[None]] = field(default_factory=list)

    async def send(self, frame: Json) -> bool:
        """Write one frame; ``False`` when the connection has gone meanwhile."""
        if self.silent:
            return True
        try:
            await self.socket.send_str(json.dumps(frame))
        except ConnectionError:
            return False
        return True

    def drop(self) -> None:
        """Cut it without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass(slots=True)
class _Sent:
    name: str
    at: float
    connection: Connection
    acked: asyncio.Event = field(default_factory=asyncio.Event)
    payload: Any = None


@dataclass(frozen=True, slots=True)
class _Ticket:
    app: App
    expires_at: float


class SocketMode:
    """The server side of ``apps.connections.open`` and of what follows."""

    def __init__(self, clock: SandboxClock, journal: Journal, switches: SlackSwitches, mint: Mint) -> None:
        self._clock = clock
        self._journal = journal
        self._switches = switches
        self._mint = mint
        self._tickets: dict[str, _Ticket] = {}
        self._sent_by_envelope: dict[str, _Sent] = {}
        self._connected = asyncio.Event()
        self.connections: list[Connection] = []
        self.handshakes_to_refuse = 0

    def issue_url(self, app: App, base_url: str) -> str:
        """Return a WebSocket address that works once and soon.

        Raises:
            Refusal: ``socket_mode_disabled``: the app has a request URL instead.
        """
        if app.request_url is not None:
            raise Refusal("socket_mode_disabled")
        ticket = self._mint.uuid()
        self._tickets[ticket] = _Ticket(app, self._clock.now() + self._switches.ticket_lifetime_s)
        return f"{base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={app.id}"

    def connections_of(self, app: App) -> list[Connection]:
        """Return the connections that payloads may be sent to."""
        return [c for c in self.connections if c.app is app and not c.leaving]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle ``GET /link/``: one connection from handshake to end."""
        if self.handshakes_to_refuse > 0:
            self.handshakes_to_refuse -= 1
            self._journal.record("slack", "fault", "socket.handshake", fault="refused")
            return web.Response(status=503, text="handshake refused")
        ticket = self._tickets.pop(request.query.get("ticket", ""), None)
        if ticket is None or self._clock.now() > ticket.expires_at:
            self._journal.record("slack", "event", "socket.bad_ticket")
            return web.Response(status=403, text="invalid ticket")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        lifetime_s = DEBUG_LIFETIME_S if request.query.get("debug_reconnects") else self._switches.connection_lifetime_s
        async with asyncio.TaskGroup() as group:
            connection = Connection(self._mint.number(), ticket.app, socket, request, group)
            connection.chores.append(group.create_task(self._grow_old(connection, lifetime_s)))
            await self._talk(connection, lifetime_s)
            for chore in connection.chores:
                chore.cancel()
        return socket

    async def attempt(self, outgoing: Outgoing, attempt: Attempt) -> Answer:
        """Send one envelope and wait for its acknowledgement."""
        timeout_s = self._switches.ack_timeout_s
        if self._switches.lost_without_connection and not self.connections_of(outgoing.app):
            return Answer("timeout", no_retry=True)
        try:
            connection = await within(self._clock, timeout_s, lambda: self._choose(outgoing.app))
        except TimeoutError:
            return Answer("timeout")
        envelope_id = self._mint.uuid()
        sent = _Sent(outgoing.name, self._clock.now(), connection)
        self._sent_by_envelope[envelope_id] = sent
        self._journal.record(
            "slack",
            "event",
            outgoing.name,
            envelope_id=envelope_id,
            envelope_type=outgoing.kind,
            attempt=attempt.number,
            connection=connection.number,
            payload=outgoing.payload,
        )
        await connection.send(_envelope(envelope_id, outgoing, attempt))
        try:
            await within(self._clock, timeout_s, sent.acked.wait)
        except TimeoutError:
            if connection in self.connections and not connection.silent:
                self._journal.record(
                    "slack", "violation", "not_acknowledged", payload=outgoing.name, waited_s=timeout_s
                )
            return Answer("timeout")
        return Answer(payload=sent.payload)

    async def disconnect(self, reason: str = "refresh_requested", connection: Connection | None = None) -> None:
        """Ask one connection, or all, to reconnect; Slack closes them after a grace period."""
        for leaving in [connection] if connection else list(self.connections):
            leaving.leaving = True
            await leaving.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}})
            leaving.chores.append(leaving.group.create_task(self._cut_later(leaving)))
            self._journal.record("slack", "event", "socket.disconnect", reason=reason, connection=leaving.number)

    def drop(self, connection: Connection | None = None) -> None:
        """Cut one connection, or all, without a word."""
        for victim in [connection] if connection else list(self.connections):
            self._journal.record("slack", "fault", "socket.drop", connection=victim.number)
            victim.drop()

    def go_silent(self, connection: Connection | None = None) -> None:
        """Let one connection, or all, play dead: open, but neither answering pings nor carrying anything."""
        for victim in [connection] if connection else list(self.connections):
            self._journal.record("slack", "fault", "socket.silence", connection=victim.number)
            victim.silent = True

    def aclose(self) -> None:
        """Cut everything: the server goes away."""
        for connection in list(self.connections):
            connection.drop()

    async def _choose(self, app: App) -> Connection:
        while not (candidates := self.connections_of(app)):
            await self._connected.wait()
        return self._mint.random.choice(candidates)

    async def _talk(self, connection: Connection, lifetime_s: float) -> None:
        crowded = len(self.connections_of(connection.app)) >= SOCKETS_MAX
        self.connections.append(connection)
        count = len(self.connections_of(connection.app))
        try:
            await connection.send(_hello(connection.app, count, lifetime_s))
            self._journal.record("slack", "event", "socket.hello", connection=connection.number, num_connections=count)
            if crowded:
                await self.disconnect("too_many_websockets", connection)
                await connection.socket.close()
                return
            self._connected.set()
            self._connected = asyncio.Event()
            await self._read(connection)
        finally:
            self.connections.remove(connection)
            self._journal.record("slack", "event", "socket.closed", connection=connection.number)

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if connection.silent:
                continue
            if message.type is WSMsgType.PING:
                with suppress(ConnectionError):  # it has gone meanwhile: reading ends too
                    await connection.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._take_ack(message.data)

    def _take_ack(self, text: str) -> None:
        try:
            frame = json.loads(text)
            sent = self._sent_by_envelope.get(frame["envelope_id"])
        except (ValueError, TypeError, KeyError):
            self._journal.record("slack", "violation", "odd_frame", text=text[:200])
            return
        if sent is None:
            self._journal.record("slack", "violation", "unknown_envelope", envelope_id=frame["envelope_id"])
            return
        latency_s = self._clock.now() - sent.at
        late = latency_s > self._switches.ack_timeout_s
        sent.payload = frame.get("payload")
        self._journal.record(
            "slack",
            "ack",
            sent.name,
            envelope_id=frame["envelope_id"],
            latency_s=latency_s,
            late=late,
            payload=sent.payload,
        )
        sent.acked.set()

    async def _grow_old(self, connection: Connection, lifetime_s: float) -> None:
        await self._clock.sleep(max(0.0, lifetime_s - WARNING_AHEAD_S))
        await self.disconnect("warning", connection)

    async def _cut_later(self, connection: Connection) -> None:
        await self._clock.sleep(self._switches.disconnect_grace_s)
        connection.drop()


def _envelope(envelope_id: str, outgoing: Outgoing, attempt: Attempt) -> Json:
    frame: Json = {
        "envelope_id": envelope_id,
        "type": outgoing.kind,
        "accepts_response_payload": outgoing.kind != "events_api",
        "payload": outgoing.payload,
    }
    if outgoing.kind == "events_api":
        frame |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason and "timeout"}
    return frame


def _hello(app: App, num_connections: int, lifetime_s: float) -> Json:
    return {
        "type": "hello",
        "connection_info": {"app_id": app.id},
        "num_connections": num_connections,
        "debug_info": {
            "host": "applink-sandbox",
            "started": "2026-10-01 10:00:00.000",
            "build_number": 10,
            "approximate_connection_time": int(lifetime_s),
        },
    }
