"""A stream may be silent for so long and no longer; time is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from bridge.coze.http import read_body
from bridge.coze.sse import SseStream
from bridge.errors import AgentSilent

LIMIT_S = 100.0
EVENT = b"event:a\ndata:b\n\n"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time can be moved ahead."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Mouth(httpx.AsyncByteStream):
    """A body that says what it is told to, when it is told to."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.queue.get()

    def response(self) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=self)


async def passes(seconds: float) -> None:
    """Let time pass, and everybody notice."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    loop.ahead_s += seconds
    for _ in range(5):
        await asyncio.sleep(0)


async def falls_silent(wait: Awaitable[object]) -> bool:
    """Tell whether a wait ends because nothing came."""
    try:
        await wait
    except AgentSilent:
        return True
    return False


def in_moved_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def run() -> None:
        await test()

    def wrapper() -> None:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(run())

    wrapper.__doc__ = test.__doc__
    return wrapper


@in_moved_time
async def test_silence_ends_a_wait() -> None:
    """Once a stream has brought nothing for the limit, and not before."""
    mouth = Mouth()
    stream = SseStream(mouth.response(), "GET /", LIMIT_S)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(falls_silent(stream.batch()))
        await passes(0.0)
        await passes(LIMIT_S * 0.9)
        assert not waiting.done()
        await passes(LIMIT_S * 0.2)
        assert await waiting
    await stream.aclose()


@in_moved_time
async def test_every_byte_begins_a_new_wait() -> None:
    """A slow stream is not a silent one; nor is one whose reader has other things to do."""
    mouth = Mouth()
    stream = SseStream(mouth.response(), "GET /", LIMIT_S)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            waiting = tasks.create_task(stream.batch())
            await passes(0.0)
            await passes(LIMIT_S * 0.7)
            mouth.queue.put_nowait(EVENT)
            assert [event.name for event in await waiting] == ["a"]
        await passes(LIMIT_S * 3)
        mouth.queue.put_nowait(EVENT)
        assert await stream.batch()
    await stream.aclose()


@in_moved_time
async def test_the_limit_holds_in_every_form() -> None:
    """Also where httpx-sse reads, and for a body that is no stream at all."""
    mouth, body = Mouth(), Mouth()
    stream = SseStream(mouth.response(), "GET /", LIMIT_S)
    mouth.queue.put_nowait(b"event:a\r\ndata:b\r\n\r\n")
    assert await stream.batch()
    body.queue.put_nowait(b"{")
    async with asyncio.TaskGroup() as tasks:
        odd = tasks.create_task(falls_silent(stream.batch()))
        whole = tasks.create_task(falls_silent(read_body(body.response(), "GET /", LIMIT_S)))
        await passes(0.0)
        await passes(LIMIT_S * 1.1)
        assert await odd
        assert await whole
    await stream.aclose()


@in_moved_time
async def test_a_cancellation_stays_one() -> None:
    """Somebody else's, alone or at the very moment when patience ends too."""
    for late_s in (0.0, LIMIT_S * 1.1):
        stream = SseStream(Mouth().response(), "GET /", LIMIT_S)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(stream.batch())
            await passes(0.0)
            loop = asyncio.get_running_loop()
            assert isinstance(loop, Loop)
            loop.ahead_s += late_s
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await stream.aclose()
