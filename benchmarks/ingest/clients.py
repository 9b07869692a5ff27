"""The three clients, each reading many streams at once and counting the deltas it has taken in.

    python -m benchmarks.ingest.clients bridge|cozepy|floor asyncio|uvloop URL

Commands are lines of JSON on the standard input. ``{"streams": N}`` asks N questions; ``{"measure_s": S}`` takes a
window of S seconds and answers with the deltas taken in within it and what the process used for them; ``{}`` ends the
streams and answers when they are closed. The end of the input ends the process.
"""

import asyncio
import json
import re
import sys
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from benchmarks.fairness import spent, usage_of
from benchmarks.lean_coze import BOT

TOKEN = "pat_benchmark"


@dataclass(slots=True)
class Tally:
    """How many deltas all streams have brought."""

    deltas: int = 0


Reader = Callable[[int, Tally], Coroutine[Any, Any, None]]
"""Reads one stream to its end, counting; cancelled when the run is over."""


# --- the clients ------------------------------------------------------------------------------------------------------


async def with_bridge(url: str, run: Callable[[Reader], Awaitable[None]]) -> None:
    """Ours, as shipped: the client with its default transport, typed events, folded into a draft."""
    from bridge.clock import SystemClock
    from bridge.coze.client import CozeAgent
    from bridge.coze.settings import CozeConnection
    from bridge.delivery.draft import Draft
    from bridge.model import Question

    settings = CozeConnection.model_validate(
        {"base_url": url, "token": TOKEN, "chats_per_s": 1000, "concurrent_chats": 2000}
    )
    async with CozeAgent(settings, SystemClock()) as agent:

        async def read(number: int, tally: Tally) -> None:
            draft = Draft()
            question = Question(BOT, f"user{number}", "7500000000000000001", f"q{number}", f"mark{number}")
            async with agent.ask(question) as events:
                async for event in events:
                    if draft.apply(event):
                        tally.deltas += 1

        await run(read)


async def with_cozepy(url: str, run: Callable[[Reader], Awaitable[None]]) -> None:
    """The official client, its texts collected in a list."""
    with warnings.catch_warnings(record=True):  # it imports what Authlib has deprecated
        from cozepy import AsyncCoze, AsyncTokenAuth, ChatEventType, Message

    coze = AsyncCoze(auth=AsyncTokenAuth(TOKEN), base_url=url)

    async def read(number: int, tally: Tally) -> None:
        texts: list[str] = []
        question = Message.build_user_question_text(f"q{number}")
        stream = coze.chat.stream(bot_id=BOT, user_id=f"user{number}", additional_messages=[question])
        async for event in stream:
            if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA and event.message is not None:
                texts.append(event.message.content)
                tally.deltas += 1

    await run(read)


class _Content(msgspec.Struct):
    content: str


class _Floor(asyncio.Protocol):
    """No HTTP: one regular expression over each read, and the decoder of the content."""

    _EVENT = re.compile(rb"event:(\S+)\ndata:([^\n]*)\n\n")
    _decode = msgspec.json.Decoder(_Content).decode

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._rest = b""
        self._texts: list[str] = []
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        end = 0
        for found in self._EVENT.finditer(data):
            end = found.end()
            if found[1] == b"conversation.message.delta":
                self._texts.append(self._decode(found[2]).content)
                self._tally.deltas += 1
        self._rest = data[end:]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def with_floor(url: str, run: Callable[[Reader], Awaitable[None]]) -> None:
    """As little as Python can do; a yardstick, no client."""
    address = urlsplit(url)

    async def read(number: int, tally: Tally) -> None:
        body = json.dumps({"bot_id": BOT, "stream": True, "additional_messages": [{"content": f"q{number}"}]}).encode()
        head = f"POST /v3/chat HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        make = partial(_Floor, head + body, tally)
        transport, protocol = await asyncio.get_running_loop().create_connection(
            make, address.hostname or "", address.port or 80
        )
        try:
            await protocol.over
        finally:
            transport.abort()

    await run(read)


CLIENTS = {"bridge": with_bridge, "cozepy": with_cozepy, "floor": with_floor}


# --- runs -------------------------------------------------------------------------------------------------------------


async def serve(name: str, url: str) -> None:
    """Obey the standard input with one client."""
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)

    async def run(read: Reader) -> None:
        while line := await commands.readline():
            tally = Tally()
            async with asyncio.TaskGroup() as tasks:
                streams = int(json.loads(line)["streams"])
                reading = [tasks.create_task(read(number, tally)) for number in range(streams)]
                while command := json.loads(await commands.readline() or "{}"):
                    answer(await measure(float(command["measure_s"]), tally))
                for task in reading:
                    task.cancel()
            answer({})

    await CLIENTS[name](url, run)


async def measure(seconds: float, tally: Tally) -> dict[str, Any]:
    """Take one window."""
    before, deltas = usage_of(), tally.deltas
    await asyncio.sleep(seconds)
    used = spent(before, usage_of())
    deltas = tally.deltas - deltas
    return {"deltas": deltas, "cpu_s": used.cpu_s, "starved": used.starved}


def answer(value: dict[str, Any]) -> None:
    """Answer one command."""
    print(json.dumps(value), flush=True)


def main(arguments: list[str]) -> None:
    """Run one client on one event loop."""
    name, loop, url = arguments
    if loop == "uvloop":
        import uvloop

        uvloop.run(serve(name, url))
    else:
        asyncio.run(serve(name, url))


if __name__ == "__main__":
    main(sys.argv[1:])
