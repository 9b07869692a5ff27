"""From events to bytes: the framing of ``/v3/chat`` (reference 3.1), and every odd framing a client must survive."""

from dataclasses import dataclass

from sandbox.coze.feed import NO_DATA, StreamEvent
from sandbox.coze.jsons import dump

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Framing:
    r"""How one event becomes lines. The defaults are what the service sends: ``event:NAME\ndata:JSON\n\n``.

    Attributes:
        line_end: ``\n``, ``\r\n`` or ``\r``.
        space: One space after each colon, as on the workflow endpoints.
        comment: A comment line before every event.
        retry_ms: A ``retry`` line in every event.
        numbered: An ``id`` line in every event, counting from 0.
        spread_data: Several ``data`` lines for one JSON object.
        extra_blank_lines: How many blank lines too many end each event.
        raw_separators: U+2028 and U+2029 stand unescaped in the JSON, where some clients take them for line ends.
        shuffled: The data line comes before the event line.
    """

    line_end: str = "\n"
    space: bool = False
    comment: str | None = None
    retry_ms: int | None = None
    numbered: bool = False
    spread_data: bool = False
    extra_blank_lines: int = 0
    raw_separators: bool = False
    shuffled: bool = False

    def encode(self, event: StreamEvent, position: int) -> bytes:
        """Return one event's bytes up to and with its last line; the blank line is ``blank``."""
        fields = [("event", event.name), *(("data", line) for line in self._data_lines(event))]
        if self.shuffled:
            fields.reverse()
        if self.numbered:
            fields.insert(0, ("id", str(position)))
        if self.retry_ms is not None:
            fields.append(("retry", str(self.retry_ms)))
        lines = [] if self.comment is None else [f":{self.comment}"]
        colon = ": " if self.space else ":"
        lines += [f"{name}{colon}{value}" for name, value in fields]
        return "".join(line + self.line_end for line in lines).encode()

    def _data_lines(self, event: StreamEvent) -> list[str]:
        if event.data is NO_DATA:
            return [""]
        return dump(event.data, raw_separators=self.raw_separators, spread=self.spread_data).split("\n")

    @property
    def blank(self) -> bytes:
        """What ends an event."""
        return (self.line_end * (1 + self.extra_blank_lines)).encode()


AS_DOCUMENTED = Framing()
"""Of ``/v3/chat``."""


def split_inside_characters(chunk: bytes) -> list[bytes]:
    """Cut after the first byte of every character that has several."""
    pieces, start = [], 0
    for place, byte in enumerate(chunk):
        if byte >= 0xC0:  # the first byte of a multi-byte character
            pieces.append(chunk[start : place + 1])
            start = place + 1
    return [piece for piece in [*pieces, chunk[start:]] if piece]


def split_into_bytes(chunk: bytes) -> list[bytes]:
    """Cut after every byte."""
    return [chunk[place : place + 1] for place in range(len(chunk))]


def whole(chunk: bytes) -> list[bytes]:
    """Do not cut."""
    return [chunk]


@dataclass(slots=True)
class Progress:
    """How much of a stream has gone out."""

    events: int = 0
    lines: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: after so many events, lines or bytes; exactly one of them is given."""

    after_events: int | None = None
    after_lines: int | None = None
    after_bytes: int | None = None

    def offset_in(self, chunk: bytes, progress: Progress) -> int | None:
        """Return where in ``chunk`` this place is, or None when the chunk ends before it."""
        if self.after_events is not None:
            return 0 if progress.events >= self.after_events else None
        if self.after_bytes is not None:
            offset = self.after_bytes - progress.sent_bytes
            return max(0, offset) if offset <= len(chunk) else None
        return self._line_offset(chunk, (self.after_lines or 0) - progress.lines)

    def _line_offset(self, chunk: bytes, lines: int) -> int | None:
        offset = 0
        for _ in range(lines):
            found = chunk.find(b"\n", offset)
            if found < 0:
                return None
            offset = found + 1
        return offset
