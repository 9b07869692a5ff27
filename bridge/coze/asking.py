"""Sending what is answered by a stream, and reading up to the first event that says something.

Until that event a refusal can still come in any shape: an HTTP status, plain JSON, an event, JSON or a web page that
claims to be a stream. So far the question is repeated while it was certainly not taken; from the first event on never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bridge.coze import protocol
from bridge.coze.chat_events import ChatEvents
from bridge.coze.http import read_body
from bridge.coze.limits import ChatLimits
from bridge.coze.protocol import Answer
from bridge.coze.sse import SseStream, is_event_stream, looks_like_events, replay
from bridge.coze.wire import Wire
from bridge.errors import AgentError, AgentUnavailable
from bridge.model import AgentEvent, ChatStarted

CHAT = "/v3/chat"

DRAIN_S = 0.5
"""How long to read on after the last event, so that the connection can be used again."""


E = TypeVar("E", covariant=True)
S = TypeVar("S", bound="StreamState[object]")
D = TypeVar("D")


class StreamState(Protocol[E]):
    """Folds a stream's events into ours; ``over`` once nothing more matters."""

    over: bool

    def feed(self, name: str, data: str) -> Sequence[E]: ...


@dataclass(frozen=True, slots=True)
class Opened(Generic[S, D]):
    """A question that was taken, or a run that has begun.

    Attributes:
        stream: ``None`` when the service did not stream.
        state: Of reading the stream.
        first: What the first event meant.
    """

    stream: SseStream | None
    state: S
    first: Sequence[D]


async def open_question(
    wire: Wire, limits: ChatLimits, mark: str, body: bytes, params: Mapping[str, str], path: str = CHAT
) -> Opened[ChatEvents, AgentEvent]:
    """Send a question; close the stream of what is returned. Where it was not streamed, the answer has to be fetched.

    Raises:
        AgentError: It was refused or lost; with ``outcome_unknown`` it may have been taken.
    """

    def not_streamed(answer: Answer) -> Opened[ChatEvents, AgentEvent]:
        view = protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"))
        state = ChatEvents(answer.where, answer.log_id)
        state.chat = view.chat
        return Opened(None, state, [ChatStarted(view.chat, view.section_id)])

    return await open_stream(
        wire, path, body, params=params, admit=lambda: limits.start(mark), begin=ChatEvents, not_streamed=not_streamed
    )


async def open_stream(
    wire: Wire,
    path: str,
    body: bytes,
    *,
    params: Mapping[str, str],
    admit: Callable[[], Awaitable[None]],
    begin: Callable[[str, str], S],
    not_streamed: Callable[[Answer], Opened[S, D]],
) -> Opened[S, D]:
    """Post a body and read up to the first event that says something; close the stream of what is returned.

    Args:
        admit: Awaited before each attempt.
        begin: Makes the state from where we are and the log id.
        not_streamed: Understands a plain reply.

    Raises:
        AgentError: It was refused or lost; with ``outcome_unknown`` it may have been taken.
    """
    where = f"POST {path}"

    async def once(token: str) -> Opened[S, D]:
        response = await wire.post_stream(token, path, params=params, content=body)
        log_id = protocol.log_id_of(response.headers)
        if is_event_stream(response) and response.status_code < 300:
            stream = SseStream(response, where, wire.stream_silence_s)
            return await _first_event(stream, begin(where, log_id), where)
        whole = await read_body(response, where, wire.stream_silence_s)
        if response.status_code < 300 and looks_like_events(whole):
            return await _first_event(replay(whole, where), begin(where, log_id), where)
        return not_streamed(protocol.read_answer(where, response.status_code, response.headers, whole))

    async for attempt in wire.attempts(repeatable=False):
        with attempt:
            await admit()
            return await wire.authorised(once)
    raise AssertionError("the last attempt returns or raises")


async def _first_event(stream: SseStream, state: S, where: str) -> Opened[S, D]:
    """Read until an event says something; the stream is closed if that was a failure."""
    try:
        while not state.over:
            received = await stream.next()
            if received is None:
                raise _nothing_came(stream, where)
            if events := state.feed(received.event, received.data):
                return Opened(stream, state, events)  # type: ignore[arg-type]  # the state's events are of this kind
    except BaseException:
        await stream.aclose()
        raise
    return Opened(stream, state, ())


def _nothing_came(stream: SseStream, where: str) -> AgentError:
    """Explain a stream without events: perhaps it was a JSON refusal in disguise."""
    try:
        protocol.read_answer(where, 200, {}, stream.head)
    except AgentError as exc:
        if exc.code or stream.head.lstrip()[:1] == b"<":
            return exc
    return AgentUnavailable(f"{where}: the stream ended before its first event", outcome_unknown=True)


async def finish_reading(stream: SseStream, *, whole: bool) -> None:
    """Close a stream; one that ended well is read to its end first, which keeps the connection usable."""
    if whole:
        with suppress(AgentError, TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while await stream.next() is not None:
                    pass
    await stream.aclose()
