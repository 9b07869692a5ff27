"""What the tests of the Coze client share: a hurried clock, a server of raw bytes, ways to read an answer."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from bridge.coze.settings import CozeConnection
from bridge.model import AgentEvent, AnswerCompleted, AnswerDelta, FollowUp, Question

TOKEN = "pat_sandbox"
BOT = "7498000011112222333"
LOOPBACK = "127.0.0.1"


class HurriedClock:
    """Real time that passes ``speed`` times faster: a poll per second need not cost a second."""

    def __init__(self, speed: float = 20.0, wall: Callable[[], float] | None = None) -> None:
        self._speed = speed
        self._wall = wall or (lambda: 1_760_000_000.0 + time.monotonic())

    def now(self) -> float:
        return time.monotonic() * self._speed

    def wall(self) -> float:
        return self._wall()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s / self._speed):
                await event.wait()
        return event.is_set()


@dataclass
class Received:
    """One request as a raw server read it."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """One accepted connection and the ways to treat it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> Received:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in rest)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Received(line, headers, body)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(
        self, body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = ""
    ) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        await self.write(head.encode() + body)

    async def begin_stream(self) -> None:
        await self.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def reset(self) -> None:
        """End with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behave = Callable[[Connection], Awaitable[None]]


@dataclass
class RawServer:
    """A server that treats each connection as it is told to.

    Attributes:
        open: Connections that the other side has not closed.
        changed: Set whenever one came or went.
    """

    port: int
    accepted: int = 0
    open: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def raw_server(behave: Behave) -> AsyncIterator[RawServer]:
    """Serve; a connection is closed when ``behave`` returns, and all are at the end."""
    server = RawServer(0)
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.accepted += 1
        server.open += 1
        writers.add(writer)
        server.changed.set()
        try:
            await behave(Connection(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            server.open -= 1
            writers.discard(writer)
            server.changed.set()
            writer.close()

    listener = await asyncio.start_server(serve, LOOPBACK, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await server.until(lambda: server.open == 0)


async def until_gone(connection: Connection) -> None:
    """Wait until the other side closes."""
    with suppress(ConnectionError):
        await connection.reader.read()


def settings_for(url: str, **more: Any) -> CozeConnection:
    """Settings of a patient-enough client for tests on one machine."""
    values: dict[str, Any] = {
        "base_url": url,
        "token": TOKEN,
        "connect_timeout_s": 1.0,
        "request_timeout_s": 5.0,
        "idle_timeout_s": 5.0,
    } | more
    return CozeConnection(**values)


def question(text: str = "hi", conversation_id: str = "", mark: str = "MARK000000000001", **more: Any) -> Question:
    """A question to the only bot."""
    return Question(bot_id=BOT, user_id="u-1", conversation_id=conversation_id, text=text, mark=mark, **more)


async def collect(
    asked: AbstractAsyncContextManager[AsyncIterator[AgentEvent]], seen: list[AgentEvent] | None = None
) -> list[AgentEvent]:
    """Read an answer to its end; ``seen`` keeps what came before a failure."""
    seen = [] if seen is None else seen
    async with asyncio.timeout(30), asked as events:
        async for event in events:
            seen.append(event)
    return seen


def answers_in(events: list[AgentEvent]) -> dict[str, str]:
    """What a reader would see in the end: completed texts over collected deltas, by message."""
    texts: dict[str, str] = {}
    completed: set[str] = set()
    for event in events:
        if isinstance(event, AnswerCompleted):
            texts[event.message_id] = event.text
            completed.add(event.message_id)
        elif isinstance(event, AnswerDelta) and event.message_id not in completed:
            texts[event.message_id] = texts.get(event.message_id, "") + event.text
    return texts


def text_in(events: list[AgentEvent]) -> str:
    """The whole answer."""
    return "\n\n".join(answers_in(events).values())


def follow_ups_in(events: list[AgentEvent]) -> list[str]:
    """The suggested questions."""
    return [event.text for event in events if isinstance(event, FollowUp)]
