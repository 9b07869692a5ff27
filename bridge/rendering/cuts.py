"""Where to end a part: the choice among all places where its text could be cut.

Theory of operation. Given is a *window*: the shortest beginning of the remaining text that no longer fits. The choice
depends on nothing else, so that it is the same in however many pieces the text arrived. Every possible cut has a
``Rank``; for each rank, best first, the latest cut is taken if it lies late enough (a part that is cut after its
first tenth is no service to the reader). If none does, a second and a third round ask for less.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from enum import IntEnum, auto
from typing import NamedTuple

from bridge.rendering.blocks import Fence, Kind, Leaf, State, closing_line, list_indent, quote_marks
from bridge.rendering.graphemes import boundary_at_or_before, is_boundary, may_break_cjk
from bridge.rendering.inline import Inline, scan
from bridge.rendering.lines import Carry, Line, read_lines


class Rank(IntEnum):
    """How good a place for a cut is, best first."""

    PARAGRAPH = auto()
    """A blank line outside lists, quotes, fences."""
    BLOCK = auto()
    """The beginning of a block or of a top-level list item, without a blank line."""
    NESTED = auto()
    """The same inside a list item or a quote."""
    ROW = auto()
    CODE_GAP = auto()
    """Behind a blank line of code."""
    CODE_LINE = auto()
    LINE = auto()
    """Between two lines of a paragraph."""
    LEAD_IN = auto()
    """Between a heading, words that end in a colon or a line of code, and what they announce or what hangs on it."""
    SENTENCE = auto()
    CLAUSE = auto()
    SPACE = auto()
    WORD = auto()
    """Between two characters of Chinese or Japanese."""


_LEAST_FILL = {
    Rank.PARAGRAPH: 0.5,
    Rank.BLOCK: 0.55,
    Rank.NESTED: 0.6,
    Rank.ROW: 0.5,
    Rank.CODE_GAP: 0.6,
    Rank.CODE_LINE: 0.7,
    Rank.LINE: 0.7,
    Rank.LEAD_IN: 0.75,
    Rank.SENTENCE: 0.6,
    Rank.CLAUSE: 0.75,
    Rank.SPACE: 0.8,
    Rank.WORD: 0.8,
}
_ROUNDS = (1.0, 0.4, 0.0)
"""What the least fill is multiplied with in each round."""

_SENTENCE_END = re.compile(r"(?:[。！？；]+|…+|(?<=[\w)\]*_`\"'”’]{2})[.!?;]+(?=[\s\"'”’)\]*_]))[”’」』）】》\"')\]]*")
_CLAUSE_END = re.compile(r"[，、：]|[,:](?=\s)")
_SPACES = re.compile(r"[^\S\n]+")
_TRAILING_MARKS = re.compile(r"[*_~`]*[^\S\n]*")
_BLOCK_MARK = re.compile(r"[#>|=]|[-+*](?:\s|$)|\d{1,9}(?:[.)](?:\s|$)|$)|```|~~~")
_LEAD_IN_END = (":", "：")
_HALF_PIECE_SHARE = 0.25
_HALF_PIECE_CHARS = 200
"""What is open at the window's end counts as one piece if it began in this last share of it, or so few characters ago
(but not in its first part). The address of a link has no such bound."""
_STYLED_SHARE = 0.6
"""Emphasis longer than this share of the window is cut, closed and opened anew; shorter is kept whole."""


class Cut(NamedTuple):
    """A chosen place: where, what is shown behind the part to close it, and what the next part takes over."""

    at: int
    closing_line: str
    closing_marks: str
    carry: Carry


class Window:
    """The beginning of a text that is too long for one part, read once."""

    def __init__(self, text: str, carry: Carry) -> None:
        self._text = text
        self._carry = carry
        self._lines = read_lines(text, carry)
        self._starts = [line.start for line in self._lines]
        self._paragraphs: dict[int, _Paragraph] = {}

    def cut(self, end: int, least: int = 0) -> Cut:
        """Choose a place at or before ``end``, which lies inside the window; there always is one.

        Args:
            least: What is before it cannot be taken back any more; if need be the cut is exactly there.
        """
        end = min(end, len(self._text) - 1)
        if least:
            return self.block_end(end, least) or self.latest(end, least) or self._finish(min(end, least))
        table_start = self._table_start(end)
        at = self._choose(table_start) if table_start else None
        if at is None:
            at = self._choose(end)
        if at is None:
            at = self._last_resort(end)
        return self._finish(at)

    def block_end(self, end: int, least: int) -> Cut | None:
        """Return the last place from ``least`` to ``end`` between two blocks, if any."""
        ranked = self._ranked(min(end, len(self._text) - 1))
        places = [at for rank in (Rank.PARAGRAPH, Rank.BLOCK, Rank.CODE_GAP) for at in ranked[rank] if at >= least]
        return self._finish(max(places)) if places else None

    def latest(self, end: int, least: int) -> Cut | None:
        """Return the last place from ``least`` to ``end`` that breaks no word, link, row or line of code, if any."""
        end = min(end, len(self._text) - 1)
        ranked = self._ranked(end)
        places = {at: rank for rank in reversed(Rank) for at in ranked[rank] if at >= least}
        places |= {at: Rank.WORD for at in self._words(end, max(1, least)) if at not in places}
        for share in _ROUNDS[:-1]:
            for at in sorted(places, reverse=True):
                if self._allowed(at, places[at], share) and not self._in_table(at):
                    return self._finish(at)
        return None

    def _in_table(self, at: int) -> bool:
        """Tell whether a place lies in a table, but not between two of its rows."""
        index = bisect_right(self._starts, at) - 1
        line, following = self._lines[index], self._lines[index + 1 : index + 2]
        if line.start == at:
            return line.step.kind is Kind.TABLE_RULE
        is_header = bool(following) and following[0].step.kind is Kind.TABLE_RULE
        return is_header or line.step.kind in (Kind.TABLE_ROW, Kind.TABLE_RULE)

    # --- choosing ---

    def _choose(self, end: int) -> int | None:
        ranked = self._ranked(end)
        for share in _ROUNDS:
            for rank in Rank:
                least = max(1, int(end * _LEAST_FILL[rank] * share))
                places: Iterable[int] = ranked[rank] if rank is not Rank.WORD else self._words(end, least)
                for at in places:
                    if at < least:
                        break
                    if self._allowed(at, rank, share):
                        return at
        return None

    def _ranked(self, end: int) -> dict[Rank, list[int]]:
        """List the places of every rank but WORD, latest first."""
        ranked: dict[Rank, list[int]] = {rank: [] for rank in Rank}
        for before, line in zip(self._lines, self._lines[1:], strict=False):
            if line.start <= end and (rank := self._rank_of_line(before, line)) is not None:
                ranked[rank].append(line.start)
        text = self._text
        for rank, pattern in ((Rank.SENTENCE, _SENTENCE_END), (Rank.CLAUSE, _CLAUSE_END)):
            for found in pattern.finditer(text, 0, end):
                ranked[rank] += [_behind_spaces(text, found.end()), _behind_marks(text, found.end())]
        ranked[Rank.SPACE] = [found.end() for found in _SPACES.finditer(text, 0, end)]
        for places in ranked.values():
            places[:] = sorted({at for at in places if 0 < at <= end}, reverse=True)
        return ranked

    def _rank_of_line(self, before: Line, line: Line) -> Rank | None:
        """Tell how good it is to end a part between two lines; ``None``: not at all."""
        kind = line.step.kind
        if line.before.leaf is Leaf.FENCE and kind in (Kind.FENCE_LINE, Kind.FENCE_CLOSE):
            return self._rank_in_fence(before, line)
        if kind is Kind.TABLE_RULE or kind is Kind.BLANK:
            return None
        if kind is Kind.TABLE_ROW:
            return Rank.ROW if before.step.kind is Kind.TABLE_ROW else None
        if line.step.continues or (
            kind is Kind.HEADING and line.before.leaf is Leaf.PARAGRAPH and not line.step.opened
        ):
            return Rank.LINE if kind is Kind.TEXT else None
        if self._is_lead_in(before):
            return Rank.LEAD_IN
        if line.step.matched:
            return Rank.NESTED
        return Rank.PARAGRAPH if before.step.kind is Kind.BLANK else Rank.BLOCK

    def _rank_in_fence(self, before: Line, line: Line) -> Rank | None:
        if line.step.kind is Kind.FENCE_CLOSE or before.step.kind is Kind.FENCE_OPEN:
            return None
        code, code_before = self._text[line.start : line.stop], self._text[before.start : before.stop]
        if not code.strip():
            return None
        if not code_before.strip():
            return Rank.CODE_GAP
        return Rank.LEAD_IN if _indent(code) > _indent(code_before) else Rank.CODE_LINE

    def _is_lead_in(self, line: Line) -> bool:
        """Tell whether a line, or the one before it if it is blank, announces what comes next."""
        index = bisect_right(self._starts, line.start) - 1
        while index > 0 and self._lines[index].step.kind is Kind.BLANK:
            index -= 1
        found = self._lines[index]
        if found.step.kind is Kind.HEADING:
            return True
        words = self._text[found.content : found.stop].rstrip().rstrip("*_")
        return found.step.kind is Kind.TEXT and words.endswith(_LEAD_IN_END)

    def _words(self, end: int, least: int) -> Iterator[int]:
        return (at for at in range(end, least - 1, -1) if may_break_cjk(self._text, at))

    def _table_start(self, end: int) -> int:
        """Return where the table begins that would be cut at ``end``, or 0: it may fit into the next part whole."""
        index = bisect_right(self._starts, end) - 1
        line = self._lines[index]
        if line.step.kind in (Kind.TABLE_ROW, Kind.TABLE_RULE):
            while index > 0 and self._lines[index].step.kind is not Kind.TABLE_RULE:
                index -= 1
            index -= 1
        elif index < len(self._lines) - 1 or not self._may_be_header(line):
            return 0
        elif line.step.continues and self._may_be_header(self._lines[index - 1]):
            index -= 1
        start = self._lines[max(0, index)].start
        return start if self._text[:start].strip() else 0

    def _may_be_header(self, line: Line) -> bool:
        """Tell whether a line at the window's end looks as if a table begins with it."""
        return line.step.kind is Kind.TEXT and self._text.startswith("|", line.content)

    def _allowed(self, at: int, rank: Rank, share: float = 0.0) -> bool:
        """Tell whether a cut leaves something to see before it and breaks no piece that belongs together.

        Before the last round, the next part must not seem to begin with a list, heading or quote that is none; in the
        first round lines of code, rows and headings are not broken.
        """
        if not self._text[:at].strip():
            return False
        if rank < Rank.LINE or rank is Rank.LEAD_IN:
            return True
        line = self._line_at(at)
        if line.start < at <= line.content or self._text[at] == "\n" or not is_boundary(self._text, at):
            return False
        if line.start < at and share == 1.0 and line.step.kind is not Kind.TEXT:
            return False
        if line.start < at and share > 0 and _BLOCK_MARK.match(self._text, at):
            return False
        if self._is_code(line):
            return rank in (Rank.SPACE, Rank.WORD)
        paragraph = self._paragraph(at)
        return paragraph is None or not paragraph.breaks(at)

    def _last_resort(self, end: int) -> int:
        """Return the last end of a grapheme cluster: a single piece is longer than a part."""
        least = max(1, int(end * _LEAST_FILL[Rank.SPACE] * _ROUNDS[1]))
        for at in range(end, least - 1, -1):
            if is_boundary(self._text, at) and self._allowed(at, Rank.WORD):
                return at
        for at in range(end, max(0, end - 80), -1):
            if is_boundary(self._text, at) and self._text[at - 1] not in "\\*_~`&" and self._text[:at].strip():
                return at
        return boundary_at_or_before(self._text, end) or max(1, end)

    # --- looking ---

    def _line_at(self, at: int) -> Line:
        return self._lines[bisect_right(self._starts, at) - 1]

    @staticmethod
    def _is_code(line: Line) -> bool:
        return line.step.kind in (Kind.FENCE_OPEN, Kind.FENCE_LINE, Kind.FENCE_CLOSE, Kind.CODE)

    def _paragraph(self, at: int) -> "_Paragraph | None":
        """Return the paragraph, heading or row that a place lies in."""
        index = bisect_right(self._starts, at) - 1
        if self._lines[index].step.kind in (Kind.BLANK, Kind.RULE) or self._is_code(self._lines[index]):
            return None
        while index > 0 and self._lines[index].step.continues:
            index -= 1
        if index not in self._paragraphs:
            self._paragraphs[index] = self._read_paragraph(index)
        return self._paragraphs[index]

    def _read_paragraph(self, index: int) -> "_Paragraph":
        first = index
        while index + 1 < len(self._lines) and self._lines[index + 1].step.continues:
            index += 1
        start, stop = self._lines[first].content, self._lines[index].stop
        head = self._carry.marks if first == 0 else ""
        return _Paragraph(head, self._text, start, stop)

    # --- ending ---

    def _finish(self, at: int) -> Cut:
        line = self._line_at(at)
        if line.start == at:
            return self._finish_at_line(line)
        state = self._state_inside(at)
        quotes = quote_marks(state.containers)
        dedent = line.dedent + list_indent(state.containers)
        if state.fence is not None:
            lead = _fence_lead(quotes, state.fence) + quotes
            return Cut(at, closing_line(state), "", Carry(lead, "", dedent, True))
        if line.before.leaf is Leaf.TABLE and state.leaf is Leaf.TABLE:
            return Cut(at, "", "", Carry(_table_lead(state) + quotes, "", dedent, True))
        marks = self._open_marks(at)
        return Cut(at, "", _reversed_marks(marks), Carry(quotes, "".join(marks), dedent, True))

    def _finish_at_line(self, line: Line) -> Cut:
        before, dedent = line.before, line.dedent + list_indent(line.step.matched)
        if before.fence is not None and line.step.kind in (Kind.FENCE_LINE, Kind.FENCE_CLOSE):
            lead = _fence_lead(quote_marks(before.containers), before.fence)
            return Cut(line.start, closing_line(before), "", Carry(lead, "", dedent))
        if line.step.kind is Kind.TABLE_ROW:
            return Cut(line.start, "", "", Carry(_table_lead(before), "", dedent))
        if before.fence is not None:  # the next line leaves the list or quote that the fence stands in
            return Cut(line.start, closing_line(before), "", Carry("", "", dedent))
        marks = self._open_marks(line.start) if line.step.continues and not quote_marks(before.containers) else []
        return Cut(line.start, "", _reversed_marks(marks), Carry("", "".join(marks), dedent))

    def _state_inside(self, at: int) -> State:
        """Return what is open when the part ends inside a line."""
        return read_lines(self._text[:at], self._carry)[-1].step.state

    def _open_marks(self, at: int) -> list[str]:
        """List what the next part opens anew: only before a letter, where marks cannot begin a list or a fence."""
        paragraph = self._paragraph(at)
        marks = paragraph.open_at(at) if paragraph is not None and self._text[at].isalpha() else []
        return marks if not any(mark.startswith("```") for mark in marks) else []


class _Paragraph:
    """The inline structure of one paragraph of the window."""

    def __init__(self, head: str, text: str, start: int, stop: int) -> None:
        self._text = head + text[start:stop]
        self._found: Inline = scan(self._text)
        self._offset = start - len(head)
        self._stop = stop if stop == len(text) else 0
        self._pieces = [*self._found.atoms, *self._half_pieces(len(text))]
        self._pieces += [(a, b) for a, b, _ in self._found.styled if b - a <= len(text) * _STYLED_SHARE]
        self._pieces.sort()

    def breaks(self, at: int) -> bool:
        """Tell whether a cut would break something that belongs together."""
        at -= self._offset
        return any(start < at < stop for start, stop in self._pieces)

    def open_at(self, at: int) -> list[str]:
        """List the marks that are open at a place, outermost first."""
        at -= self._offset
        found = self._found
        marks = [(a, mark) for a, b, mark in found.styled if at <= b - len(mark)]
        marks += [(mark.at, mark.text) for mark in found.open_marks]
        marks += [(a, "`" * size) for a, b, size in found.code if at <= b - size]
        if found.open_code is not None:
            marks.append((found.open_code[0], "`" * found.open_code[1]))
        return [mark for a, mark in sorted(marks) if self._text[a + len(mark) : at].strip()]

    def _half_pieces(self, window: int) -> Iterator[tuple[int, int]]:
        """List what is open at the window's end and began shortly before."""
        if not self._stop:
            return
        end = self._stop - self._offset
        earliest = end - max(window * _HALF_PIECE_SHARE, min(_HALF_PIECE_CHARS, window * _STYLED_SHARE))
        starts = [bracket.at for bracket in self._found.brackets] + [mark.at for mark in self._found.open_marks]
        if self._found.open_code is not None:
            starts.append(self._found.open_code[0])
        in_address = {bracket.at for bracket in self._found.brackets if bracket.closed_at >= 0}
        for start in starts:
            if start >= earliest or start in in_address:
                yield start, end + 1


def _fence_lead(quotes: str, fence: Fence) -> str:
    info = fence.info if "|" not in fence.info else ""
    return f"{quotes}{' ' * fence.indent}{fence.marker}{info}\n"


def _table_lead(state: State) -> str:
    quotes = quote_marks(state.containers)
    return f"{quotes}{state.header}\n{quotes}{state.rule}\n"


def _indent(code: str) -> int:
    return len(code) - len(code.lstrip(" \t"))


def _reversed_marks(marks: list[str]) -> str:
    return "".join(reversed(marks))


def _behind_spaces(text: str, at: int) -> int:
    spaces = _SPACES.match(text, at)
    return spaces.end() if spaces is not None else at


def _behind_marks(text: str, at: int) -> int:
    marks = _TRAILING_MARKS.match(text, at)
    return marks.end() if marks is not None else at
