"""An answer's stream: server-sent events over one response, read patiently and closed promptly.

The common form is split off the bytes by ``splitting``, which makes an event cost a third; httpx-sse, which knows every
form, reads a stream from the first block on that is of another.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress

import httpx
from httpx_sse import EventSource, ServerSentEvent

from bridge.coze.http import TRANSPORT_ERRORS, Stage, lost, silent
from bridge.coze.patience import Patience
from bridge.coze.splitting import Event, EventSplitter

HEAD_BYTES = 4096
EVENT_STREAM = "text/event-stream"


def is_event_stream(response: httpx.Response) -> bool:
    """Tell by the header alone."""
    return "event-stream" in response.headers.get("content-type", "").lower()


def looks_like_events(body: bytes) -> bool:
    """Tell whether a body without a usable type is a stream of events all the same."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"event:", b"data:", b"id:", b"retry:", b":"))


class SseStream:
    """The events of one response. Close it: that ends the connection.

    Args:
        silence_s: The longest time without a byte; ``None``: the response sees to that, or nothing does.

    Attributes:
        head: The first bytes of the body that have been read.
    """

    def __init__(self, response: httpx.Response, where: str, silence_s: float | None = None) -> None:
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("the response is not an asynchronous one")
        self.head = b""
        self._response = response
        self._where = where
        self._splitter = EventSplitter()
        self._patience = Patience(silence_s)
        # The body as it is, past httpx's layers for text and lines, unless something has packed it.
        packed = "content-encoding" in response.headers
        self._chunks = aiter(response.aiter_bytes() if packed else response.stream)
        self._odd_events: AsyncGenerator[ServerSentEvent] | None = None
        self._ready: deque[Event] = deque()

    async def next(self) -> ServerSentEvent | None:
        """Return the next event that says something; ``None`` at the end of the stream.

        Raises:
            AgentSilent: Nothing came for the idle limit.
            AgentUnavailable: The stream was cut; the outcome is unknown.
        """
        if not self._ready:
            self._ready.extend(await self.batch())
        if not self._ready:
            return None
        name, data = self._ready.popleft()
        return ServerSentEvent(name, data.decode("utf-8", "replace"))

    async def batch(self) -> Sequence[Event]:
        """Return the events that come next, as many as arrived together; none at the end of the stream.

        Raises:
            AgentSilent, AgentUnavailable: As ``next``.
        """
        if self._ready:
            events: Sequence[Event] = tuple(self._ready)
            self._ready.clear()
            return events
        try:
            while self._splitter.odd is None:
                if events := self._splitter.feed(await self._receive()):
                    return events
            return await self._next_odd(self._splitter.odd)
        except StopAsyncIteration:
            return ()
        except TRANSPORT_ERRORS as exc:
            raise lost(exc, self._where, Stage.SENT) from exc

    async def aclose(self) -> None:
        """Close the connection; safe to repeat."""
        self._patience.stop()
        for events in (self._odd_events, self._chunks):
            if isinstance(events, AsyncGenerator):
                await events.aclose()
        await self._response.aclose()

    async def _next_odd(self, begun: bytes) -> Sequence[Event]:
        """Return the next event of a stream that is not of the common form, read by all the rules there are."""
        if self._odd_events is None:
            rest = httpx.Response(200, headers={"content-type": EVENT_STREAM}, stream=_Rest(begun, self._remaining()))
            rest.encoding = "utf-8"
            self._odd_events = EventSource(rest).aiter_sse()
        async for event in self._odd_events:
            # After an id line httpx-sse makes an empty "message" of every extra blank line.
            if event.data or event.event != "message":
                return (Event(event.event, event.data.encode()),)
        return ()

    async def _remaining(self) -> AsyncIterator[bytes]:
        with suppress(StopAsyncIteration):
            while True:
                yield await self._receive()

    async def _receive(self) -> bytes:
        """Return what comes next of the body; its beginning is kept, in case it turns out to be no stream of events."""
        self._patience.begin()
        try:
            chunk = await anext(self._chunks)
        except asyncio.CancelledError:
            if self._patience.ran_out():
                raise silent(self._where) from None
            raise
        finally:
            self._patience.end()
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        return chunk


class _Rest(httpx.AsyncByteStream):
    """What has arrived of a body, and what is still to come."""

    def __init__(self, begun: bytes, remaining: AsyncIterator[bytes]) -> None:
        self._begun = begun
        self._remaining = remaining

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._begun
        async for chunk in self._remaining:
            yield chunk


def replay(body: bytes, where: str) -> SseStream:
    """Make a stream of a body that was read as a whole because its type was missing."""
    return SseStream(httpx.Response(200, headers={"content-type": EVENT_STREAM}, stream=_Whole(body)), where)


class _Whole(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
