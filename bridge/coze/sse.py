"""An answer's stream: server-sent events over one response, read patiently and closed promptly."""

from collections.abc import AsyncIterator

import httpx
from httpx_sse import EventSource, ServerSentEvent

from bridge.coze.http import TRANSPORT_ERRORS, Stage, lost

HEAD_BYTES = 4096
EVENT_STREAM = "text/event-stream"
UTF8_WITH_BOM = "utf-8-sig"
"""Event streams are always UTF-8, whatever the header says; a byte order mark would spoil the first event's name."""


class _Head(httpx.AsyncByteStream):
    """Passes a body on and keeps its beginning, in case it turns out not to be a stream of events."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner
        self.head = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def is_event_stream(response: httpx.Response) -> bool:
    """Tell by the header alone."""
    return "event-stream" in response.headers.get("content-type", "").lower()


def looks_like_events(body: bytes) -> bool:
    """Tell whether a body without a usable type is a stream of events all the same."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"event:", b"data:", b"id:", b"retry:", b":"))


class SseStream:
    """The events of one response. Close it: that ends the connection."""

    def __init__(self, response: httpx.Response, where: str) -> None:
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("the response is not an asynchronous one")
        self._response = response
        self._where = where
        self._head = _Head(response.stream)
        response.stream = self._head
        response.headers["content-type"] = EVENT_STREAM
        response.encoding = UTF8_WITH_BOM
        self._events = EventSource(response).aiter_sse()

    @property
    def head(self) -> bytes:
        """The first bytes of the body that have been read."""
        return self._head.head

    async def next(self) -> ServerSentEvent | None:
        """Return the next event that says something; ``None`` at the end of the stream.

        Raises:
            AgentSilent: Nothing came for the idle limit.
            AgentUnavailable: The stream was cut; the outcome is unknown.
        """
        try:
            async for event in self._events:
                # After an id line httpx-sse makes an empty "message" of every extra blank line.
                if event.data or event.event != "message":
                    return event
        except TRANSPORT_ERRORS as exc:
            raise lost(exc, self._where, Stage.SENT) from exc
        return None

    async def aclose(self) -> None:
        """Close the connection; safe to repeat."""
        await self._events.aclose()
        await self._response.aclose()


def replay(body: bytes, where: str) -> SseStream:
    """Make a stream of a body that was read as a whole because its type was missing."""
    return SseStream(httpx.Response(200, headers={"content-type": EVENT_STREAM}, stream=_Whole(body)), where)


class _Whole(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
