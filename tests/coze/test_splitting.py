"""Events split off the bytes are those that httpx-sse finds, whatever the bytes are and however they arrive."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.coze.splitting import BYTE_ORDER_MARK, EventSplitter
from bridge.coze.sse import SseStream
from tests.coze.test_transcripts import Chunks

PIECES = (
    *(
        b"event:conversation.message.delta\ndata:{}\n\n",
        b"event: a\ndata: \xe6\x89\xa3\n\n",
        b"id: 1\nevent:b\ndata:c\n\n",
    ),
    *(b"event:", b"data:", b"id:", b"retry:5\n", b":", b" ", b"x", b"\n", b"\n\n", b"\r", b"\r\n", b": ping\n\n"),
    *(
        b"\xe6\x89",
        b"\xa3",
        b"\xff",
        BYTE_ORDER_MARK,
        b"\xe2\x80\xa8",
        b"\x0b",
        b"data:1\ndata:2\n\n",
        b"event:done\n\n",
    ),
)
SOUPS = st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join)


def response(body: bytes, sizes: Sequence[int]) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Chunks(body, sizes))


async def judged(body: bytes) -> list[tuple[str, str]]:
    """Read with httpx-sse alone, past the byte order mark that it does not know."""
    whole = response(body, [1 << 20])
    whole.encoding = "utf-8-sig"
    events = [(event.event, event.data) async for event in EventSource(whole).aiter_sse()]
    return [(name, data) for name, data in events if data or name != "message"]


async def ours(body: bytes, sizes: Sequence[int], *, singly: bool) -> list[tuple[str, str]]:
    stream = SseStream(response(body, sizes), "GET /")
    events: list[tuple[str, str]] = []
    while True:
        if singly and (event := await stream.next()) is not None:
            events.append((event.event, event.data))
        elif batch := await stream.batch():
            events += [(name, data.decode("utf-8", "replace")) for name, data in batch]
        else:
            await stream.aclose()
            return events


@settings(max_examples=400, deadline=None)
@given(SOUPS, st.lists(st.integers(1, 40), min_size=1, max_size=8), st.booleans())
@example(b"event:a\ndata:b\n\n\r\n\r\nevent:c\rdata:d\r\r", [1], False)
@example(BYTE_ORDER_MARK + b": ping\n\nevent:a\ndata:b\n\n", [1], True)
@example(b": ping\nevent:a\n:pong\ndata:b\n\n", [3], False)
def test_the_events_are_those_of_httpx_sse(body: bytes, sizes: list[int], singly: bool) -> None:
    """Names and data agree, one by one or in batches; what is no UTF-8 is replaced."""
    assert asyncio.run(ours(body, sizes, singly=singly)) == asyncio.run(judged(body))


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_long_event_costs_no_more_than_its_bytes(size: int) -> None:
    """Its pieces are joined once, at its end; the common form never leaves the quick way."""
    splitter = EventSplitter()
    event = b"event:conversation.message.completed\ndata:" + b"x" * 200_000 + b"\n\n"
    body = event + b": ping\n\n" + event
    found = [e for at in range(0, len(body), size) for e in splitter.feed(body[at : at + size])]
    assert [len(e.data) for e in found] == [200_000, 200_000]
    assert splitter.odd is None
