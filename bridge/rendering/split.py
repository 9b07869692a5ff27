"""One answer as parts that fit, nothing lost.

A part's ``body`` is an exact slice of the answer; its ``text`` is the body as it is shown, with what is open at either
end closed and opened anew. What is a part's end depends only on the part's own text up to the first character that no
longer fits: an answer gives the same parts in however many pieces it arrives.
"""

import re
from typing import NamedTuple

from bridge.model import Part, PartRules
from bridge.rendering.blocks import closing_line
from bridge.rendering.cuts import Cut, Window
from bridge.rendering.gauge import Gauge
from bridge.rendering.inline import scan
from bridge.rendering.lines import NOTHING, Carry, Reader, shown
from bridge.rendering.repair import REPAIR_CHARS

LEAST_LIMIT = 40
"""Below this a part has no room for the repair of an open fence beside some text."""

_LEAD_SHARE = 0.25
"""How much of a part what it takes over may fill at most; a longer table header or language is left out."""
_BACK_CHARS, _AHEAD_CHARS = 400, 200
"""How far before the end of what is shown it may be cut, and how much behind tells what the end is in the middle of."""
_FENCE_LINE = re.compile(r"^[ \t>*+\-\d.)]*(?:`{3,}|~{3,})", re.MULTILINE)
_BLANK_EDGE = re.compile(r"(?:[^\S\n]*\n)*(?:[ \t]{20,}(?= {4})|[^\S\n \t]{20,})?")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


class Piece(NamedTuple):
    """A part that will not change any more: where its body ends, what it shows, what the next one takes over."""

    stop: int
    text: str
    carry: Carry


def split(text: str, rules: PartRules, *, carried: Carry = NOTHING, first_index: int = 0) -> list[Part]:
    """Split a whole text into parts; an empty text has none.

    ``measure`` should never shrink when text is added, and grow by at most one for each ASCII character; lengths in
    characters, UTF-16 units and bytes all do. With another measure the parts fit as well, but where they end may then
    depend on the pieces in which the answer arrived.

    Args:
        carried: What the text takes over from a part before it.
        first_index: The index of the first part.

    Raises:
        ValueError: ``rules.limit`` is below ``LEAST_LIMIT``.
    """
    check_rules(rules)
    parts: list[Part] = []
    at = 0
    while at < len(text):
        piece = take(text, at, carried, rules)
        if piece is None:
            rest = text[at:]
            shown_text = compose(rest, carried, rules, _closing_of(rest, carried))
            if rules.measure(shown_text) <= rules.limit:
                parts.append(Part(first_index + len(parts), rest, shown_text))
                break
            piece = take_less(text, at, carried, rules)
        parts.append(Part(first_index + len(parts), text[at : piece.stop], piece.text))
        at, carried = piece.stop, piece.carry
    return parts


def check_rules(rules: PartRules) -> None:
    """Refuse rules that leave no room for text.

    Raises:
        ValueError: ``rules.limit`` is below ``LEAST_LIMIT``.
    """
    if rules.limit < LEAST_LIMIT:
        raise ValueError(f"a part needs a limit of at least {LEAST_LIMIT}, not {rules.limit}")


def take(
    text: str, at: int, carry: Carry, rules: PartRules, gauge: Gauge | None = None, least: int = 0
) -> Piece | None:
    """Take the next part from ``text[at:]``; ``None`` when all of it fits into one part.

    Args:
        gauge: Measures beginnings of that text, if something is known of it.
        least: How many characters it must have, because they cannot be taken back any more.
    """
    gauge = gauge or Gauge(rules, carry.head)
    size = _overflow(text, at, carry, rules, gauge)
    return None if size is None else _take_from(text[at : at + size], at, carry, rules, gauge, least)


def take_less(text: str, at: int, carry: Carry, rules: PartRules, least: int = 0) -> Piece:
    """Take a part from ``text[at:]`` although all of it seemed to fit: the measure counts the repair for more."""
    return _take_from(text[at:], at, carry, rules, Gauge(rules, carry.head), least)


def take_block(text: str, least: int, carry: Carry, rules: PartRules) -> Piece | None:
    """Take a part that ends between two blocks, ``least`` characters or more after its beginning; the last such."""
    cut = Window(text, carry).block_end(len(text) - 1, least) if text else None
    if cut is None:
        return None
    part_text = compose(text[: cut.at], carry, rules, cut.closing_line, cut.closing_marks)
    return Piece(cut.at, part_text, _bounded(cut, rules))


def take_shown(text: str, chars: int, carry: Carry, rules: PartRules) -> Piece | None:
    """Take the part of a whole text whose first ``chars`` characters are shown already, as nearly as it can be cut.

    ``None`` when there is no place for a cut shortly before, or what it leaves to be shown does not fit.
    """
    end = chars + len(text[chars:]) - len(text[chars:].lstrip())  # nobody sees the space behind
    if end >= len(text):
        return None
    cut = Window(text[: end + _AHEAD_CHARS], carry).latest(end, chars - _BACK_CHARS)
    if cut is None:
        return None
    part_text = compose(text[: cut.at], carry, rules, cut.closing_line, cut.closing_marks)
    return Piece(cut.at, part_text, _bounded(cut, rules)) if rules.measure(part_text) <= rules.limit else None


def _take_from(window_text: str, at: int, carry: Carry, rules: PartRules, gauge: Gauge, least: int) -> Piece:
    window = Window(window_text, carry)
    end = len(window_text) - 1
    while True:
        cut = window.cut(end, least)
        more = "\n" + cut.closing_line if cut.closing_line else cut.closing_marks
        measured = gauge.measure(window_text, cut.at, more)
        has_room = not carry.dedent and measured + REPAIR_CHARS <= rules.limit
        part_text = compose(window_text[: cut.at], carry, rules, cut.closing_line, cut.closing_marks, has_room=has_room)
        if has_room or rules.measure(part_text) <= rules.limit or cut.at <= max(1, least):
            return Piece(at + cut.at, part_text, _bounded(cut, rules))
        end = max(least, min(cut.at - 1, cut.at * 7 // 8))


def _closing_of(body: str, carry: Carry) -> str:
    """Return the line that closes the fence that is open at the end of a whole body, or nothing."""
    reader = Reader(carry)
    *whole, last = body.split("\n")
    for line in whole:
        reader.read(line)
    return open_fence_line(reader, last)


def open_fence_line(reader: Reader, last_line: str) -> str:
    """Return the line that closes the fence that is open behind ``last_line``, or nothing."""
    state = reader.peek(last_line) if last_line else reader.state
    return closing_line(state) if state.fence is not None else ""


def compose(
    body: str,
    carry: Carry,
    rules: PartRules,
    closing: str = "",
    marks: str = "",
    *,
    live_closing: str | None = None,
    has_room: bool = False,
) -> str:
    """Return a body as it is shown.

    Blank lines and spaces at its edges are left out when there is no room for them.

    Args:
        closing: The line that closes an open fence.
        marks: What closes emphasis at the end.
        live_closing: Not ``None`` when the text goes on and will be repaired: the line that the repair is going to
            add. Emphasis taken over may still be closed then.
        has_room: There is room for everything, as is known already.
    """
    live = live_closing is not None
    inner = shown(body, carry)
    head = carry.lead + (carry.marks if _marks_hold(carry, inner, bool(marks) or live) else "")
    reserve = 0 if closing else max(REPAIR_CHARS, len(live_closing or "") + 1)
    text = _close(head + inner, closing, marks)
    if has_room or rules.measure(text) + reserve <= rules.limit:
        return text
    return _close(head + _without_edges(inner), closing, marks)


def _close(text: str, closing: str, marks: str) -> str:
    if closing:
        return text + ("" if text.endswith("\n") else "\n") + closing
    if not marks:
        return text
    words = text.rstrip()
    return words + marks + text[len(words) :]


def _marks_hold(carry: Carry, inner: str, goes_on: bool) -> bool:
    """Tell whether emphasis taken over is closed somewhere; if it never is, its marks would be shown as such."""
    if not carry.marks:
        return False
    blank = _BLANK_LINE.search(inner)
    found = scan(carry.marks + (inner if blank is None else inner[: blank.start()]))
    is_open = found.open_code is not None and found.open_code[0] < len(carry.marks)
    is_open = is_open or any(mark.at < len(carry.marks) for mark in found.open_marks)
    return not is_open or (goes_on and blank is None)


def _overflow(text: str, at: int, carry: Carry, rules: PartRules, gauge: Gauge) -> int | None:
    """Return the length of the shortest beginning of ``text[at:]`` that does not fit; ``None`` if all fits."""
    whole = len(text) - at
    low, high = 0, min(whole, rules.limit)
    while fits(text[at : at + high], carry, rules, gauge):
        if high == whole:
            return None
        low, high = high, min(whole, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        if fits(text[at : at + middle], carry, rules, gauge):
            low = middle
        else:
            high = middle
    return high


def fits(body: str, carry: Carry, rules: PartRules, gauge: Gauge) -> bool:
    """Tell whether a body fits together with any repair that its end may need."""
    end = len(body.rstrip())
    edge = _BLANK_EDGE.match(body, 0, end)
    room = room_for_repair(body, carry)
    if edge is not None and edge.group().endswith("\n") and not carry.head:
        return gauge.measure(body, end, begin=edge.end()) + room <= rules.limit
    if edge is not None and edge.end():
        return rules.measure(carry.head + body[edge.end() : end]) + room <= rules.limit
    return gauge.measure(body, end) + room <= rules.limit


def room_for_repair(body: str, carry: Carry) -> int:
    """Return how much the repair of a body's end may add, wherever it ends."""
    if "```" not in body and "~~~" not in body and not carry.lead:
        return REPAIR_CHARS
    fences = (len(fence.expandtabs(4)) + 1 for fence in _FENCE_LINE.findall(carry.head + body))
    return max(REPAIR_CHARS, *fences, 0)


def _without_edges(body: str) -> str:
    """Drop what nobody sees: blank lines at the beginning, absurd indentation, and all space at the end."""
    body = body.rstrip()
    edge = _BLANK_EDGE.match(body)
    return body[edge.end() :] if edge is not None else body


def _bounded(cut: Cut, rules: PartRules) -> Carry:
    """Return what the next part takes over, cut down to a share of its room."""
    carry = cut.carry
    room = rules.limit * _LEAD_SHARE
    if rules.measure(carry.head) <= room:
        return carry
    if not cut.closing_line:
        return carry._replace(lead="", marks="")
    marks = cut.closing_line.strip()
    quotes, _, mark = marks.rpartition(" ")
    size = max(3, min(len(mark), rules.limit // 8))
    quotes = quotes + " " if quotes and len(quotes) < room / 2 else ""
    lead = f"{quotes}{mark[0] * size}\n" + (quotes if carry.inside_line else "")
    return carry._replace(lead=lead)
