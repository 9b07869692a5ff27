"""Streams gone odd: for each kind of fault the plan by which a stream is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sandbox.coze.dialect import AUDIO_DELTA, COMPLETED, DELTA, DONE, IN_PROGRESS, MESSAGE_COMPLETED
from sandbox.coze.feed import NO_DATA, StreamEvent
from sandbox.coze.framing import (
    BYTE_ORDER_MARK,
    Position,
    split_inside_characters,
    split_into_bytes,
    whole,
)
from sandbox.coze.oddities import ODDITIES

_END_NAMES = frozenset({DONE, "conversation.stream.done"})
_SILENCE = "AAAA"  # three bytes of nothing, as base64 in an audio delta

EventEdit: TypeAlias = Callable[[StreamEvent], list[StreamEvent]]
StreamFault: TypeAlias = Callable[[dict[str, Any]], "StreamPlan"]


def _as_it_is(event: StreamEvent) -> list[StreamEvent]:
    return [event]


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """How one stream is sent.

    Attributes:
        reframe: Fields of ``Framing`` that differ from the stream's own.
        edit: What becomes of each event.
        split: How the bytes of one event are cut into transport chunks.
        prefix: Bytes before everything.
        cut: Where the stream ends too early: the connection does, without the end of the HTTP body ...
        clean: ... or the HTTP body does, in good order.
        reset: End it by a reset rather than a close.
        stall: Where the stream falls silent ...
        stall_s: ... for how long; None means until the caller goes away.
        last_blank_line: The last event has its blank line.
        compressed: The body is gzip.
    """

    reframe: dict[str, Any] = field(default_factory=dict)
    edit: EventEdit = _as_it_is
    split: Callable[[bytes], list[bytes]] = whole
    prefix: bytes = b""
    cut: Position | None = None
    clean: bool = False
    reset: bool = False
    stall: Position | None = None
    stall_s: float | None = None
    last_blank_line: bool = True
    compressed: bool = False


def _position(args: dict[str, Any]) -> Position:
    places = {name: args[name] for name in ("after_events", "after_lines", "after_bytes") if name in args}
    return Position(**places) if places else Position(after_events=3)


def _framed(**options: Any) -> StreamFault:
    return lambda args: StreamPlan(reframe=options | args)


def _edited(edit: EventEdit) -> StreamFault:
    return lambda args: StreamPlan(edit=edit)


def _odd(kind: str) -> StreamFault:
    change = ODDITIES[kind]
    return lambda args: StreamPlan(
        edit=lambda event: [StreamEvent(event.name, event.data if event.data is NO_DATA else change(event.data))]
    )


def _without_done(event: StreamEvent) -> list[StreamEvent]:
    return [] if event.name in _END_NAMES else [event]


def _unknown_events(event: StreamEvent) -> list[StreamEvent]:
    if event.name == IN_PROGRESS:
        return [event, StreamEvent("conversation.chat.thinking", {"content": "..."}), StreamEvent("PING", {})]
    return [event]


def _late_delta(event: StreamEvent) -> list[StreamEvent]:
    if event.name == MESSAGE_COMPLETED and event.data["type"] == "answer":
        return [event, StreamEvent(DELTA, event.data | {"content": event.data["content"][-1:]})]
    return [event]


def _late_audio(event: StreamEvent) -> list[StreamEvent]:
    if event.name != COMPLETED:
        return [event]
    chat = event.data
    audio = {
        "id": "1",
        "conversation_id": chat["conversation_id"],
        "bot_id": chat["bot_id"],
        "role": "assistant",
        "type": "answer",
        "content": _SILENCE,
        "content_type": "audio",
        "chat_id": chat["id"],
    }
    return [event, StreamEvent(AUDIO_DELTA, audio)]


def _done_as_object(event: StreamEvent) -> list[StreamEvent]:
    if event.name != DONE:
        return [event]
    return [StreamEvent(DONE, {"debug_url": "https://www.coze.cn/work_flow?execute_id=1&space_id=2&workflow_id=3"})]


def _empty_done(event: StreamEvent) -> list[StreamEvent]:
    return [StreamEvent(DONE, NO_DATA)] if event.name == DONE else [event]


STREAM_FAULTS: dict[str, StreamFault] = {
    "cut": lambda args: StreamPlan(
        cut=_position(args), clean=bool(args.get("clean", False)), reset=bool(args.get("reset", False))
    ),
    "stall": lambda args: StreamPlan(stall=_position(args), stall_s=args.get("seconds")),
    "without_done": _edited(_without_done),
    "without_last_blank_line": lambda args: StreamPlan(last_blank_line=False),
    "done_as_object": _edited(_done_as_object),
    "empty_done": _edited(_empty_done),
    "unknown_events": _edited(_unknown_events),
    "delta_after_completed": _edited(_late_delta),
    "audio_after_completed": _edited(_late_audio),
    "comments": _framed(comment=" keep-alive"),
    "crlf": _framed(line_end="\r\n"),
    "cr": _framed(line_end="\r"),
    "space_after_colon": _framed(space=True),
    "extra_blank_lines": _framed(extra_blank_lines=2),
    "several_data_lines": _framed(spread_data=True),
    "data_before_event": _framed(shuffled=True),
    "id_lines": _framed(numbered=True),
    "retry_lines": _framed(retry_ms=3000),
    "raw_separators": _framed(raw_separators=True),
    "byte_order_mark": lambda args: StreamPlan(prefix=BYTE_ORDER_MARK),
    "one_byte_chunks": lambda args: StreamPlan(split=split_into_bytes),
    "split_characters": lambda args: StreamPlan(split=split_inside_characters),
    "gzip": lambda args: StreamPlan(compressed=True),
    **{kind: _odd(kind) for kind in ODDITIES},
}
