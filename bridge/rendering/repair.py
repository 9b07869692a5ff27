"""Unfinished Markdown made fit to be shown.

While an answer grows, its end is nearly always in the middle of something: a word in bold, a link, a fence, a table
whose header has come without its rows. ``repair`` closes what can be closed and hides what cannot be understood yet,
so that no raw mark flashes up that the finished text will not show. The repair is never part of the answer: the last
text that is shown is not repaired.
"""

import re
from typing import NamedTuple

from bridge.rendering.blocks import (
    START,
    Kind,
    Leaf,
    State,
    Step,
    closing_line,
    is_delimiter_row,
    last_pipe,
    step,
)
from bridge.rendering.inline import Bracket, Inline, scan

REPAIR_CHARS = 12
"""How many ASCII characters a repair adds at most, the closing line of a fence not counted."""

HELD_CHARS = 200
"""How much text an open mark keeps from being settled at most."""

_PASSES = 8
_LONGEST_CODE_MARK = 4
_BARE = re.compile(r"(?:#{1,6}|-{1,2}|={1,2}|\*{1,2}|\+|_{1,2}|~{1,2}|`{1,2}|>|\||\[[ xX]?\]?|!\[?|\\|<|&)?[ \t]*$")
_HALF_RULE = re.compile(r"[|:\- \t]+$")
_HALF_ENTITY = re.compile(r"&(#[xX]?[0-9a-fA-F]{0,7}|[A-Za-z]{0,6})$")
_ENTITIES = (
    *("amp", "apos", "bull", "copy", "deg", "divide", "emsp", "ensp", "euro", "ge", "gt", "hellip", "laquo", "larr"),
    *("ldquo", "le", "lsquo", "lt", "mdash", "middot", "minus", "nbsp", "ndash", "ne", "para", "plusmn", "quot"),
    *("raquo", "rarr", "rdquo", "reg", "rsquo", "sect", "thinsp", "times", "trade", "yen"),
)
_HALF_ADDRESS = re.compile(r"<(?:(?:https?|ftp)://[^\s<>]*|mailto:[^\s<>]*|([a-z]{0,6}:?/{0,2}))$")
_SCHEMES = ("http://", "https://", "ftp://", "mailto:")


def repair(text: str) -> str:
    """Return what to show of a text whose end has not come yet.

    A text in which nothing is open comes back as it is, and so does a repaired one. What is added never exceeds
    ``REPAIR_CHARS`` plus, inside a fence, the line that closes it. The result may be empty: then there is nothing to
    show yet. The cost is linear in the text.
    """
    for _ in range(_PASSES):
        repaired = _repair_once(text)
        if repaired == text:
            break
        text = repaired
    return text


class _End(NamedTuple):
    """Where a text ends.

    Attributes:
        last, before: The last line as it was read, and the one before it.
        starts: Where these two lines start.
        state: What was open before the last line.
        leaf_at: Where the text of the last paragraph, heading or row begins.
        fence_at: Where the line that opened the newest fence starts.
    """

    last: Step
    before: Step | None
    starts: tuple[int, int]
    state: State
    leaf_at: int
    fence_at: int


def _repair_once(text: str) -> str:
    if not text.strip():
        return text
    end = _read(text)
    if end.last.state.fence is not None:
        return _repair_fence(text, end)
    if (hidden_from := _hidden_from(text, end)) >= 0:
        return text[:hidden_from]
    if end.last.kind is Kind.TEXT or (end.last.kind in (Kind.HEADING, Kind.TABLE_ROW) and not text.endswith("\n")):
        return text[: end.leaf_at] + _repair_inline(text[end.leaf_at :])
    return text


def _read(text: str) -> _End:
    """Read all lines; a line break at the very end does not begin another line."""
    state = before_state = START
    last: Step | None = None
    before: Step | None = None
    at = start = previous = leaf_at = fence_at = 0
    while at < len(text) or last is None:
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        before, before_state, previous, start = last, state, start, at
        last = step(state, text[at:stop].removesuffix("\r"))
        if not last.continues:
            leaf_at = start + last.content
        if last.kind is Kind.TABLE_ROW:
            leaf_at = max(leaf_at, start + last_pipe(text[start:stop]) + 1)
        if last.kind is Kind.FENCE_OPEN:
            fence_at = start
        state = last.state
        at = stop + 1
    return _End(last, before, (start, previous), before_state, leaf_at, fence_at)


def _repair_fence(text: str, end: _End) -> str:
    """Close an open fence; without a line in it yet it is not shown at all."""
    fence = end.last.state.fence
    assert fence is not None
    start = end.starts[0]
    if end.last.kind is Kind.FENCE_OPEN:
        return text[: end.fence_at]
    half = text[start + end.last.content :].strip(" \t")
    if half and half == fence.marker[0] * len(half):
        text = text[:start]
        if end.before is not None and end.before.kind is Kind.FENCE_OPEN:
            return text[: end.fence_at]
    return text + ("" if text.endswith("\n") else "\n") + closing_line(end.last.state)


def _hidden_from(text: str, end: _End) -> int:
    """Return where a line begins that cannot be shown before more has come, or -1."""
    start, previous = end.starts
    whole = text.endswith("\n")
    content = text[start + end.last.content :].rstrip("\r\n")
    if not whole and end.last.kind is not Kind.BLANK and _BARE.match(content):
        return start
    if end.last.kind is not Kind.TEXT and not (end.last.kind is Kind.HEADING and not whole):
        return -1
    if not whole and _HALF_RULE.match(content) and _may_be_rule(content, end.state):
        return previous
    if end.last.kind is Kind.TEXT and content.startswith("|"):
        return start
    return -1


def _may_be_rule(content: str, state: State) -> bool:
    """Tell whether a line may still become the one below a table's header."""
    return state.leaf is Leaf.PARAGRAPH and bool(state.header) and not is_delimiter_row(content, state.header)


def _repair_inline(text: str) -> str:
    """Repair the inline structure at the end of a paragraph, heading or row."""
    tail = text[len(text.rstrip()) :]
    shown = text[: len(text) - len(tail)]
    if not tail:
        shown = _without_half_token(shown)
    found = scan(shown)
    hidden = _hidden_spans(shown, found)
    closing = _closing(shown, found, hidden)
    shown = _without(shown, hidden)
    words = shown.rstrip()
    if closing and (len(words) - len(words.rstrip("\\"))) % 2:
        words, tail = words[:-1], shown[len(words) :] + tail  # a line's end that would escape the closing marks
        return words + closing + tail
    return words + closing + shown[len(words) :] + tail


def _without_half_token(text: str) -> str:
    """Drop an escape, entity or address whose first half stands at the end."""
    if (len(text) - len(text.rstrip("\\"))) % 2:
        return text[:-1]
    if (half := _HALF_ENTITY.search(text)) is not None:
        name = half[1]
        if name.startswith("#") or any(entity.startswith(name) for entity in _ENTITIES):
            return text[: half.start()]
    if (half := _HALF_ADDRESS.search(text)) is not None:
        scheme = half[1]
        if scheme is None or any(known.startswith(scheme) for known in _SCHEMES):
            return text[: half.start()] + text[half.start() + 1 :]
    return text


def _hidden_spans(text: str, found: Inline) -> list[tuple[int, int]]:
    """List what is not shown: brackets and half addresses of links, marks that open nothing yet."""
    hidden = [span for bracket in found.brackets for span in _bracket_spans(bracket, len(text))]
    if found.loose is not None:
        hidden.append(found.loose)
    if found.open_code is not None:
        at, size = found.open_code
        partial = len(text) - len(text.rstrip("`"))
        if at + size < len(text) and partial:
            hidden.append((len(text) - partial, len(text)))
        if size > _LONGEST_CODE_MARK:
            hidden.append((at, at + size))
    hidden += _empty_spans(text, found, hidden)
    return hidden


def _empty_spans(text: str, found: Inline, hidden: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """List closed emphasis of which nothing is shown: without its content its marks would be read as others."""
    if not hidden:
        return []
    shown_by_span = (
        (start, stop, _without(text[: stop - len(mark)], [*hidden, (0, start + len(mark))]))
        for start, stop, mark in found.styled
    )
    return [(start, stop) for start, stop, shown in shown_by_span if not shown.strip()]


def _bracket_spans(bracket: Bracket, end: int) -> list[tuple[int, int]]:
    opening = (bracket.at, bracket.at + bracket.size)
    return [opening] if bracket.closed_at < 0 else [opening, (bracket.closed_at, end)]


def _closing(text: str, found: Inline, hidden: list[tuple[int, int]]) -> str:
    """Return the marks that close what is open.

    Marks with nothing behind them are hidden instead, too many, and the outer ones of two that are the same: closed
    side by side they would be one long mark, which closes neither.
    """
    closing = ""
    end = _visible_end(text, len(text), hidden)
    if found.open_code is not None and found.open_code[1] <= _LONGEST_CODE_MARK:
        at, size = found.open_code
        if text[at + size : end].strip():
            closing = "`" * size
        else:
            hidden.append((at, len(text)))
            end = _visible_end(text, at, hidden)
    closed: set[str] = set()
    for mark in reversed(found.open_marks):
        if end <= mark.at + mark.size and mark.count == mark.size:
            hidden.append((mark.at, mark.at + mark.size))
            end = _visible_end(text, min(end, mark.at), hidden)
        elif len(closing) + mark.count <= REPAIR_CHARS and mark.text not in closed:
            closed.add(mark.text)
            closing += mark.text
        else:
            hidden.append((mark.at, mark.at + mark.count))
    return closing


def _visible_end(text: str, end: int, hidden: list[tuple[int, int]]) -> int:
    """Return the index behind the last character that is shown and is no space."""
    spans = sorted(hidden, reverse=True)
    moved = True
    while moved:
        moved = False
        for start, stop in spans:
            if start < end <= stop:
                end, moved = start, True
        stripped = len(text[:end].rstrip())
        moved = moved or stripped != end
        end = stripped
    return end


def _without(text: str, hidden: list[tuple[int, int]]) -> str:
    shown = []
    at = 0
    for start, stop in sorted(hidden):
        shown.append(text[at : max(at, start)])
        at = max(at, stop)
    return "".join(shown) + text[at:]


# --- what will stay as it is ---


def settled(text: str) -> int:
    """Return how much of a growing text shows nothing that what comes behind it could turn into something else.

    It ends before an open word in bold, half a link or entity, a row or fence that has just begun; code in an open
    fence is settled line by line. What stays open for more than ``HELD_CHARS`` is not waited for any longer.
    """
    if not text.strip():
        return len(text)
    end = _read(text)
    at = _settled_at(text, end)
    if len(text) - at <= HELD_CHARS:
        return at
    return end.starts[0] + _half_token_at(text[end.starts[0] :])


def _settled_at(text: str, end: _End) -> int:
    start = end.starts[0]
    if end.last.state.fence is not None:
        if end.last.kind is Kind.FENCE_OPEN:
            return end.fence_at
        half = text[start + end.last.content :].strip(" \t")
        return start if half and half == end.last.state.fence.marker[0] * len(half) else len(text)
    if (hidden_from := _hidden_from(text, end)) >= 0:
        before, previous = end.before, end.starts[1]
        is_header = before is not None and before.kind is Kind.TEXT and text.startswith("|", previous + before.content)
        return previous if is_header and _HALF_RULE.match(text[start:]) else hidden_from
    if end.last.kind is Kind.TABLE_ROW and not text.endswith("\n"):
        return start
    if end.last.kind is Kind.TEXT or (end.last.kind is Kind.HEADING and not text.endswith("\n")):
        at = _settled_inline(text[end.leaf_at :])
        return end.leaf_at + at if at else text.rfind("\n", 0, end.leaf_at) + 1
    return len(text)


def _settled_inline(text: str) -> int:
    """Return where the first thing begins that is open at the end of a paragraph or heading."""
    shown = text.rstrip()
    found = scan(shown)
    opened = [mark.at for mark in found.open_marks] + [bracket.at for bracket in found.brackets]
    opened += [place[0] for place in (found.open_code, found.loose) if place is not None]
    half = _half_token_at(shown)
    opened.append(half if half < len(shown) else len(text))
    return min(opened)


def _half_token_at(text: str) -> int:
    """Return where an escape, entity or address begins whose first half stands at the end; else the length."""
    if (len(text) - len(text.rstrip("\\"))) % 2:
        return len(text) - 1
    places = [half.start() for half in (_HALF_ENTITY.search(text), _HALF_ADDRESS.search(text)) if half is not None]
    return min(places, default=len(text))
