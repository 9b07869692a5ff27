"""The state machine of a streamed message: ``streaming -> stopped | expired | stopped_by_user`` (reference 15.2).

Pure: the present time is an argument. A stream never becomes a stream again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.slack.blocks import check_message_blocks
from sandbox.slack.limits import TASK_FIELD_MAX_CHARS
from sandbox.slack.model import Json
from sandbox.slack.refusals import Refusal

TASK_STATUSES = frozenset({"pending", "in_progress", "complete", "error"})
CHUNK_TYPES = frozenset({"markdown_text", "task_update", "plan_update", "blocks"})


class StreamState(StrEnum):
    """Where a stream is in its life."""

    STREAMING = "streaming"
    STOPPED = "stopped"
    EXPIRED = "expired"
    STOPPED_BY_USER = "stopped_by_user"


@dataclass(slots=True)
class Stream:
    """One streamed message.

    Attributes:
        expires_at: Fixed at the start; appending does not move it.
        tasks: Task cards by id, in order of appearance.
        chunk_blocks: Blocks that came as chunks.
        final_blocks: Blocks given at the stop.
    """

    channel: str
    ts: str
    thread_ts: str
    app_id: str
    expires_at: float
    cap_chars: int
    display_mode: str = "timeline"
    recipients: tuple[str, str] | None = None
    text: str = ""
    plan_title: str = ""
    tasks: dict[str, Json] = field(default_factory=dict)
    chunk_blocks: list[Json] = field(default_factory=list)
    final_blocks: list[Json] = field(default_factory=list)
    _ended_as: StreamState | None = None

    def state(self, now: float) -> StreamState:
        """Return the state at an instant."""
        if self._ended_as is not None:
            return self._ended_as
        return StreamState.EXPIRED if now >= self.expires_at else StreamState.STREAMING

    def check_open(self, now: float) -> None:
        """Refuse what only an open stream allows.

        Raises:
            Refusal: ``stopped_by_user`` or ``message_not_in_streaming_state``.
        """
        state = self.state(now)
        if state is StreamState.STOPPED_BY_USER:
            raise Refusal("stopped_by_user")
        if state is not StreamState.STREAMING:
            raise Refusal("message_not_in_streaming_state")

    def extend(self, markdown_text: str, chunks: list[Json]) -> None:
        """Apply text and chunks that ``check_chunks`` accepted; all of it or nothing.

        Raises:
            Refusal: ``msg_too_long``: the whole message would pass its cap.
        """
        added = markdown_text + "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")
        if len(self.text) + len(added) > self.cap_chars:
            raise Refusal("msg_too_long")
        self.text += added
        for chunk in chunks:
            match chunk["type"]:
                case "task_update":
                    self._merge_task(chunk)
                case "plan_update":
                    self.plan_title = str(chunk["title"])
                case "blocks":
                    self.chunk_blocks += chunk["blocks"]

    def end(self, state: StreamState) -> None:
        """Close the stream for good."""
        self._ended_as = state

    def blocks(self) -> list[Json]:
        """Return the message's blocks as they are drawn now."""
        text: list[Json] = [{"type": "markdown", "text": self.text}] if self.text else []
        return [*text, *self._task_blocks(), *self.chunk_blocks, *self.final_blocks]

    def _merge_task(self, chunk: Json) -> None:
        """Title and status replace, details append, the output is written once."""
        task = self.tasks.setdefault(chunk["id"], {"type": "task_card", "task_id": chunk["id"]})
        for name in ("title", "status"):
            if chunk.get(name):
                task[name] = chunk[name]
        if chunk.get("details"):
            task["details"] = task.get("details", "") + chunk["details"]
        if chunk.get("output"):
            task.setdefault("output", chunk["output"])
        if chunk.get("sources"):
            task["sources"] = [*task.get("sources", []), *chunk["sources"]]

    def _task_blocks(self) -> list[Json]:
        cards = list(self.tasks.values())
        if self.display_mode == "plan" and (cards or self.plan_title):
            return [{"type": "plan", "title": self.plan_title, "tasks": cards}]
        return cards


class StreamBook:
    """All streams, by channel and ts."""

    def __init__(self) -> None:
        self._by_message: dict[tuple[str, str], Stream] = {}

    def __iter__(self) -> Iterator[Stream]:
        return iter(list(self._by_message.values()))

    def add(self, stream: Stream) -> None:
        """Remember a stream."""
        self._by_message[stream.channel, stream.ts] = stream

    def get(self, channel: str, ts: str) -> Stream | None:
        """Find the stream behind a message."""
        return self._by_message.get((channel, ts))

    def open_in(self, channel: str, thread_ts: str | None, now: float) -> list[Stream]:
        """Return the running streams of a channel, or of one thread of it."""
        return [
            stream
            for stream in self._by_message.values()
            if stream.channel == channel
            and thread_ts in (None, stream.thread_ts)
            and stream.state(now) is StreamState.STREAMING
        ]


def check_chunks(chunks: list[Any] | None, *, markdown_total_chars: int) -> list[Json]:
    """Return chunks that are all well-formed.

    Raises:
        Refusal: ``invalid_chunks``, or what is wrong with the blocks of a blocks chunk.
    """
    checked: list[Json] = []
    for index, chunk in enumerate(chunks or []):
        problem = _chunk_problem(chunk)
        if problem:
            raise Refusal("invalid_chunks", messages=[f"[ERROR] {problem} [json-pointer:/chunks/{index}]"])
        if chunk["type"] == "blocks":
            check_message_blocks(chunk["blocks"], markdown_total_chars=markdown_total_chars)
        checked.append(chunk)
    return checked


def _chunk_problem(chunk: Any) -> str:
    if not isinstance(chunk, dict) or chunk.get("type") not in CHUNK_TYPES:
        return "unsupported chunk type"
    match chunk["type"]:
        case "markdown_text" if not isinstance(chunk.get("text"), str):
            return "missing required field: text"
        case "blocks" if not isinstance(chunk.get("blocks"), list):
            return "missing required field: blocks"
        case "plan_update" if not isinstance(chunk.get("title"), str):
            return "missing required field: title"
        case "task_update":
            return _task_problem(chunk)
    return ""


def _task_problem(chunk: Json) -> str:
    if not isinstance(chunk.get("id"), str) or not isinstance(chunk.get("title"), str):
        return "missing required field: id, title"
    if chunk.get("status", "pending") not in TASK_STATUSES:
        return "unknown status"
    too_long = [n for n in ("title", "details", "output") if len(str(chunk.get(n) or "")) > TASK_FIELD_MAX_CHARS]
    return f"must be less than {TASK_FIELD_MAX_CHARS + 1} characters: {too_long[0]}" if too_long else ""
