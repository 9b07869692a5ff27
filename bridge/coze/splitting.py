"""Bytes of a stream to its events, for the form that Coze sends (pure).

Theory of operation. Nearly every event is the same three lines: a name, one line of JSON, a blank line. ``feed`` takes
these off what has arrived with one regular expression and leaves the JSON as bytes, for its decoder wants bytes. Blank
lines and comments between events are skipped. Whatever else a stream may hold (other line ends, data on several lines,
fields in another order) is not for this module: from the first such block on, ``odd`` keeps all bytes, to be read by
rules that know everything.
"""

import re
from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NAMES_KEPT = 32
_EVENT = re.compile(rb"(?:id: ?+[^\r\n]*+\n)?+event: ?+([^\s:]++)\ndata: ?+([^\r\n]++)\n\n")
_COMMENT = re.compile(rb":[^\r\n]*+\n\n?+")


class Event(NamedTuple):
    """One event: its name, and its data as UTF-8, which may be broken."""

    name: str
    data: bytes


class EventSplitter:
    """The state of reading one stream.

    Attributes:
        odd: What has arrived and is not of the common form; ``None`` as long as everything was.
    """

    def __init__(self) -> None:
        self.odd: bytes | None = None
        self._begun = False
        self._rest: list[bytes] = []
        self._names: dict[bytes, str] = {}

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that are complete now; not to be called any more once ``odd`` is set."""
        data = self._gathered(chunk)
        if data is None:
            return []
        events: list[Event] = []
        at = 0
        while at < len(data):
            if (found := _EVENT.match(data, at)) is not None:
                name = found[1]
                events.append(Event(self._names.get(name) or self._name(name), found[2]))
            elif data.startswith(b"\n", at):
                at += 1
                continue
            elif (found := _COMMENT.match(data, at)) is None:
                break
            at = found.end()
        self._keep(data[at:])
        return events

    def _gathered(self, chunk: bytes) -> bytes | None:
        """Return all that was kept, and this chunk; ``None`` while no event can have become complete."""
        rest = self._rest
        if not rest and self._begun:
            return chunk
        ends = b"\n\n" in chunk or b"\r" in chunk or (chunk.startswith(b"\n") and bool(rest) and rest[-1][-1:] == b"\n")
        if chunk:
            rest.append(chunk)
        if not ends:
            return None  # joining the pieces of a long event again and again would be quadratic
        data = b"".join(rest)
        rest.clear()
        if not self._begun:
            self._begun = True
            data = data.removeprefix(BYTE_ORDER_MARK)
        return data

    def _keep(self, rest: bytes) -> None:
        if b"\r" in rest or b"\n\n" in rest:
            self.odd = rest
        elif rest:
            self._rest.append(rest)

    def _name(self, raw: bytes) -> str:
        name = raw.decode("utf-8", "replace")
        if len(self._names) < _NAMES_KEPT:
            self._names[raw] = name
        return name
