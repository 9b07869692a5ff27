"""One connection of the gateway: HELLO, heartbeats, IDENTIFY, RESUME, and what is sent, in order (reference 10.3).

Everything to be sent stands in one queue; a writer takes it out, so that a session's events never overtake each
other. Heartbeats are measured in real time, since the client's own clock cannot be advanced with the sandbox's.
"""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandbox.discord.compression import Compressor
from sandbox.discord.identify import ENDING_CODES, CloseCode, HangUp, check_identify
from sandbox.discord.model import Json
from sandbox.discord.sessions import Session
from sandbox.discord.sockets import reset_connection

if TYPE_CHECKING:
    from sandbox.discord.gateway import Gateway

MAX_CLIENT_FRAME_BYTES = 4096
HEARTBEAT_GRACE = 1.5
"""A connection without a heartbeat for so many intervals is given up."""
CLOSE_TIMEOUT_S = 1.0
HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, REQUEST_MEMBERS = 1, 2, 3, 4, 6, 8
IGNORED_OPS = frozenset({PRESENCE, VOICE_STATE, 31, 43})
"""Accepted without effect: presence, voice, soundboard sounds, channel info."""
OP_NAMES = {1: "HEARTBEAT", 2: "IDENTIFY", 3: "PRESENCE_UPDATE", 4: "VOICE_STATE_UPDATE", 6: "RESUME"}
OP_NAMES |= {7: "RECONNECT", 8: "REQUEST_GUILD_MEMBERS", 9: "INVALID_SESSION", 10: "HELLO", 11: "HEARTBEAT_ACK"}


@dataclass(frozen=True, slots=True)
class _Close:
    code: int


class Connection:
    """A websocket with one client.

    Attributes:
        keeps_session: Set once we hang up: whether the session may be resumed afterwards.
        flowing: While it is not set, nothing is sent.
    """

    def __init__(
        self, gateway: "Gateway", request: web.Request, socket: web.WebSocketResponse, compressor: Compressor | None
    ) -> None:
        self._gateway = gateway
        self._request = request
        self._socket = socket
        self._compressor = compressor
        self._outgoing: asyncio.Queue[Json | _Close] = asyncio.Queue()
        self._received_at: deque[float] = deque()
        self._beaten_at = asyncio.get_running_loop().time()
        self.number = gateway.next_number()
        self.session: Session | None = None
        self.keeps_session: bool | None = None
        self.acknowledges = True
        self.flowing = asyncio.Event()
        self.flowing.set()

    def send(self, frame: Json) -> None:
        """Put a frame into the queue."""
        self._outgoing.put_nowait(frame)

    def close(self, code: int, *, resumable: bool | None = None) -> None:
        """Close after what is in the queue; unless told, the code decides whether the session may be resumed."""
        self.keeps_session = code not in ENDING_CODES if resumable is None else resumable
        self._outgoing.put_nowait(_Close(code))

    def drop(self) -> None:
        """Reset the TCP connection at once."""
        reset_connection(self._request)

    def greet(self) -> None:
        """Send HELLO."""
        interval_ms = int(self._gateway.switches.heartbeat_interval_s * 1000)
        self.send({"op": 10, "d": {"heartbeat_interval": interval_ms}, "s": None, "t": None})

    async def run(self) -> None:
        """Serve the client until one side ends it."""
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                watchdog = group.create_task(self._watch_heartbeats())
                await self._read()
                watchdog.cancel()
                if self.keeps_session is not None:
                    await asyncio.wait({writer}, timeout=2 * CLOSE_TIMEOUT_S)
                writer.cancel()
        finally:
            self._gateway.ended(self, self._socket.close_code)

    async def _write(self) -> None:
        while True:
            item = await self._outgoing.get()
            await self.flowing.wait()
            if isinstance(item, _Close):
                self._gateway.note("close", str(item.code), connection=self.number)
                await self._socket.close(code=item.code)
                return
            self._gateway.note_frame(item, self)
            text = json.dumps(item)
            try:
                if self._compressor is None:
                    await self._socket.send_str(text)
                else:
                    await self._socket.send_bytes(self._compressor.compress(text))
            except (ConnectionError, RuntimeError):
                return  # the reader sees the end of the connection too, and ends it

    async def _watch_heartbeats(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            allowed_s = HEARTBEAT_GRACE * self._gateway.switches.heartbeat_interval_s
            left_s = self._beaten_at + allowed_s - loop.time()
            if left_s <= 0 and self._gateway.switches.heartbeats_enforced:
                self.close(CloseCode.SESSION_TIMED_OUT)
                return
            await asyncio.sleep(max(left_s, 0.05))

    async def _read(self) -> None:
        async for message in self._socket:
            if self.keeps_session is not None:
                continue  # we have hung up already
            try:
                if message.type is not WSMsgType.TEXT or len(message.data.encode()) > MAX_CLIENT_FRAME_BYTES:
                    raise HangUp(CloseCode.DECODE_ERROR)
                self._receive(_parse(message.data))
            except HangUp as refused:
                self.close(refused.code)

    def _receive(self, frame: Json) -> None:
        op, data = frame.get("op"), frame.get("d")
        name = OP_NAMES.get(op, f"op {op}") if isinstance(op, int) else "op ?"
        shown = {key: value for key, value in data.items() if key != "token"} if isinstance(data, dict) else data
        self._gateway.note("frame", name, connection=self.number, d=shown)
        self._count_frame()
        if op == HEARTBEAT:
            self._beaten_at = asyncio.get_running_loop().time()
            if self.acknowledges:
                self.send({"op": 11, "d": None, "s": None, "t": None})
        elif op in (IDENTIFY, RESUME):
            self._authenticate(op, name, data)
        elif self.session is None and (op == REQUEST_MEMBERS or op in IGNORED_OPS):
            raise HangUp(CloseCode.NOT_AUTHENTICATED)
        elif op == REQUEST_MEMBERS and self.session is not None:
            self._gateway.send_members(self.session, data if isinstance(data, dict) else {})
        elif op not in IGNORED_OPS:
            raise HangUp(CloseCode.UNKNOWN_OP)

    def _authenticate(self, op: int, name: str, data: Any) -> None:
        if self.session is not None:
            raise HangUp(CloseCode.ALREADY_AUTHENTICATED)
        if self._gateway.misbehave(name, self):
            return
        if op == IDENTIFY:
            identity = check_identify(data, self._gateway.world, self._gateway.switches)
            self._gateway.identify(self, identity)
        else:
            self._gateway.resume(self, data if isinstance(data, dict) else {})

    def _count_frame(self) -> None:
        now = self._gateway.clock.now()
        self._received_at.append(now)
        while self._received_at and self._received_at[0] <= now - 60:
            self._received_at.popleft()
        if len(self._received_at) > self._gateway.switches.gateway_sends_per_minute:
            raise HangUp(CloseCode.RATE_LIMITED)


def _parse(text: str) -> Json:
    try:
        frame = json.loads(text)
    except ValueError:
        raise HangUp(CloseCode.DECODE_ERROR) from None
    if not isinstance(frame, dict):
        raise HangUp(CloseCode.DECODE_ERROR)
    return frame
