"""Every transcript and odd stream passes through the client's reading path, at any chunking of the bytes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.coze.chat_events import ChatEvents
from bridge.coze.sse import SseStream
from bridge.errors import AgentError
from bridge.model import AgentEvent
from tests.coze.transcripts import TRANSCRIPTS, Transcript


class Chunks(httpx.AsyncByteStream):
    """A body that arrives in pieces of given sizes, the last size repeated."""

    def __init__(self, body: bytes, sizes: Sequence[int]) -> None:
        self._body = body
        self._sizes = sizes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        position, index = 0, 0
        while position < len(self._body):
            size = self._sizes[min(index, len(self._sizes) - 1)]
            yield self._body[position : position + size]
            position, index = position + size, index + 1


async def read(transcript: Transcript, sizes: Sequence[int]) -> tuple[list[AgentEvent], bool, AgentError | None]:
    """Read a transcript as the client does; return events, completeness and the error that ended it."""
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Chunks(transcript.raw, sizes))
    stream, state = SseStream(response, "POST /v3/chat"), ChatEvents()
    events: list[AgentEvent] = []
    try:
        while not state.over and (received := await stream.next()) is not None:
            events += state.feed(received.event, received.data)
    except AgentError as error:
        return events, state.complete, error
    finally:
        await stream.aclose()
    return events, state.complete, None


def assert_read(transcript: Transcript, sizes: Sequence[int]) -> None:
    events, complete, error = asyncio.run(read(transcript, sizes))
    assert events == transcript.events
    if transcript.error is None:
        assert error is None
        assert complete == transcript.complete
    else:
        assert isinstance(error, transcript.error)
        assert error.code == transcript.code


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_whole(name: str) -> None:
    """Each stream means what the reference says when it arrives in one piece."""
    assert_read(TRANSCRIPTS[name], [1 << 20])


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_byte_by_byte(name: str) -> None:
    """Each stream means the same when every byte comes alone, characters and line ends torn apart."""
    assert_read(TRANSCRIPTS[name], [1])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(TRANSCRIPTS)),
    st.lists(st.integers(1, 400), min_size=1, max_size=40),
)
def test_any_chunking(name: str, sizes: list[int]) -> None:
    """Where the pieces of the body are cut does not matter."""
    assert_read(TRANSCRIPTS[name], sizes)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_noise_is_an_error_or_nothing(noise: bytes, size: int) -> None:
    """Bytes that are no stream raise nothing but errors of our tree."""
    events, complete, _ = asyncio.run(read(Transcript(noise), [size]))
    assert events == []
    assert not complete
