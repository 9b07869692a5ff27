"""What stands inside one paragraph: code, links, addresses, emphasis; what is closed, and what is still open.

One pass from left to right with two stacks (emphasis marks, brackets), as CommonMark describes it. Beside Chinese and
Japanese the rules for emphasis are relaxed: there `**重点：**说明` is meant as bold although no space follows it.

Source: CommonMark 0.31.2, appendix "An algorithm for parsing nested emphasis and links".
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

from bridge.rendering.graphemes import is_cjk

_TOKEN = re.compile(
    r"""(?P<escape>\\[!-/:-@\[-`{-~])
    |(?P<ticks>`+)
    |(?P<angle><(?:[A-Za-z][A-Za-z0-9+.\-]{1,31}:[^\s<>]*|[@\#!:/][^\s<>]*|/?[A-Za-z][\w\-]*(?:\s[^<>*_`\[\]]*)?/?)>)
    |(?P<open>!?\[)
    |(?P<close>\])
    |(?P<marks>\*+|_+|~+)
    |(?P<url>(?:https?|ftp)://[A-Za-z0-9\-._~:/?\#@!$&()+,;=%]+)
    |(?P<entity>&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)""",
    re.VERBOSE,
)
_TICKS = re.compile(r"`+")
_URL_TAIL = re.compile(r"[_~*.,;:!?'\")\]]+$")
_ADDRESS = r"\s*(?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)"
_DESTINATION = re.compile(rf"\({_ADDRESS}(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)")
_HALF_DESTINATION = re.compile(
    r"\(\s*(?:<[^<>\n]*|(?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*(?:\([^\s()]*)?)"
    r"(?:\s+(?:\"[^\"]*\"?|'[^']*'?|\([^()]*\)?)?\s*)?)?\Z"
)
_MAX_OPEN = 64
"""How many open marks are remembered; more is no text that anybody wrote, and would make the pass quadratic."""


@dataclass(slots=True)
class Mark:
    """A run of emphasis marks that may open something; ``count`` of its ``size`` marks are not closed yet."""

    at: int
    character: str
    size: int
    count: int
    closes: bool = False

    @property
    def text(self) -> str:
        return self.character * self.count


@dataclass(slots=True)
class Bracket:
    """An opening bracket of ``size`` characters whose link is not complete; ``closed_at`` is its label's end or -1."""

    at: int
    size: int
    closed_at: int = -1


@dataclass(slots=True)
class Inline:
    """What one pass found; all positions are indices into the text.

    Attributes:
        atoms: Code, links, addresses, entities, escapes, runs of marks: (start, end), never to be cut.
        code: Code among the atoms: (start, end, size of its backticks).
        styled: Emphasis that is open and closed: (start, end, mark), marks included.
        open_marks: Emphasis that is not closed, in order.
        open_code: The position and size of the backticks of code that is not closed; nothing behind is looked at.
        brackets: Links that could still become complete.
        loose: Marks at the very end that close nothing but might open something: (start, end).
    """

    atoms: list[tuple[int, int]] = field(default_factory=list)
    code: list[tuple[int, int, int]] = field(default_factory=list)
    styled: list[tuple[int, int, str]] = field(default_factory=list)
    open_marks: list[Mark] = field(default_factory=list)
    open_code: tuple[int, int] | None = None
    brackets: list[Bracket] = field(default_factory=list)
    loose: tuple[int, int] | None = None


def scan(text: str) -> Inline:
    """Read the inline structure of one paragraph, heading or table cell."""
    return _Scan(text).run()


class _Scan:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = Inline()
        self._brackets: list[Bracket] = []
        self._ticks: dict[int, list[int]] | None = None

    def run(self) -> Inline:
        at = 0
        while (token := _TOKEN.search(self._text, at)) is not None:
            start, at = token.span()
            kind = token.lastgroup
            if kind == "ticks":
                at = self._code(start, at)
            elif kind == "open":
                self._bracket(start, at)
            elif kind == "close":
                at = self._link(start)
            elif kind == "marks":
                self._marks(start, at)
            elif kind == "url":
                at = self._url(start, at)
            else:
                self._found.atoms.append((start, at))
        self._found.brackets = self._brackets
        self._found.atoms.sort()
        return self._found

    def _code(self, start: int, end: int) -> int:
        closing = self._next_ticks(end - start, end)
        if closing < 0:
            self._found.open_code = (start, end - start)
            return len(self._text)
        stop = closing + end - start
        self._found.atoms.append((start, stop))
        self._found.code.append((start, stop, end - start))
        return stop

    def _next_ticks(self, size: int, start: int) -> int:
        if self._ticks is None:
            self._ticks = {}
            for run in _TICKS.finditer(self._text):
                self._ticks.setdefault(len(run.group()), []).append(run.start())
        places = self._ticks.get(size, [])
        index = bisect_right(places, start - 1)
        return places[index] if index < len(places) else -1

    def _bracket(self, start: int, end: int) -> None:
        self._brackets.append(Bracket(start, end - start))
        del self._brackets[:-_MAX_OPEN]

    def _link(self, start: int) -> int:
        """Read on behind a closing bracket."""
        end = start + 1
        bracket = self._brackets.pop() if self._brackets else None
        if bracket is None:
            return end
        if (target := _DESTINATION.match(self._text, end)) is not None:
            self._found.atoms.append((bracket.at, target.end()))
            self._drop_marks_from(bracket.at)
            if bracket.size == 1:
                self._brackets = [outer for outer in self._brackets if outer.size > 1]
            return target.end()
        if end == len(self._text) or _HALF_DESTINATION.match(self._text, end):
            bracket.closed_at = start
            self._brackets.append(bracket)
            return len(self._text)
        return end

    def _drop_marks_from(self, at: int) -> None:
        while self._found.open_marks and self._found.open_marks[-1].at >= at:
            self._found.open_marks.pop()

    def _url(self, start: int, end: int) -> int:
        tail = _URL_TAIL.search(self._text, start, end)
        end = tail.start() if tail is not None else end
        self._found.atoms.append((start, end))
        return end

    def _marks(self, start: int, end: int) -> None:
        if end - start > 1:
            self._found.atoms.append((start, end))
        character = self._text[start]
        if character == "~" and end - start != 2:
            is_open = any(mark.character == "~" for mark in self._found.open_marks)
            if end == len(self._text) and (end - start == 1 or is_open):
                self._found.loose = (start, end)
            return
        if end == len(self._text) and self._found.open_marks:
            outer = self._found.open_marks[-1]
            if outer.at + outer.size == start and outer.count == outer.size:  # nothing between them to close
                self._found.loose = (start, end)
                return
        opens, closes = self._roles(start, end)
        run = Mark(start, character, end - start, end - start, closes)
        if closes:
            self._close(run, opens)
        if run.count and opens:
            self._found.open_marks.append(run)
            del self._found.open_marks[:-_MAX_OPEN]
        elif run.count and end == len(self._text) and self._could_open(start):
            self._found.loose = (end - run.count, end)

    def _could_open(self, start: int) -> bool:
        """Tell whether marks at the end of the text may turn out to open something when more text comes."""
        return self._text[start] != "_" or start == 0 or _is_gap(self._text[start - 1])

    def _roles(self, start: int, end: int) -> tuple[bool, bool]:
        """Tell whether a run of marks may open and may close, by what stands on either side of it."""
        before, after = _around(self._text, start, end)
        left, right = flanking(self._text, start, end)
        if self._text[start] == "_":
            return left and (not right or _is_punctuation(before)), right and (not left or _is_punctuation(after))
        if is_cjk(before) or is_cjk(after):
            ends = not before.isspace() and unicodedata.category(before) not in ("Ps", "Pi")
            begins = not after.isspace() and unicodedata.category(after) not in ("Pe", "Pf")
            may_close = self._same_run_open(self._text[start], end - start)
            right = right or (ends and may_close)
            left = left or (begins and not right)
            if right and begins and not left and not self._is_open(self._text[start]):
                left, right = True, False  # there is nothing that it could close
        return left, right

    def _is_open(self, character: str) -> bool:
        return any(mark.character == character for mark in self._found.open_marks)

    def _same_run_open(self, character: str, size: int) -> bool:
        for mark in reversed(self._found.open_marks):
            if mark.character == character:
                return mark.count == size
        return False

    def _close(self, run: Mark, opens: bool) -> None:
        """Match a closing run with what is open, innermost first."""
        marks = self._found.open_marks
        index = len(marks) - 1
        while run.count and index >= 0:
            mark = marks[index]
            by_three = (opens or mark.closes) and (mark.size + run.size) % 3 == 0 and mark.size % 3 != 0
            if mark.character != run.character or by_three:
                index -= 1
                continue
            used = 2 if mark.count >= 2 and run.count >= 2 else 1
            if mark.character == "~":
                used = 2
            mark.count -= used
            end = run.at + run.size - run.count + used
            run.count -= used
            self._found.styled.append((mark.at + mark.count, end, mark.character * used))
            del marks[index + (mark.count > 0) :]
            index = len(marks) - 1


def flanking(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Tell whether a run of marks is left-flanking and right-flanking, to CommonMark's letter."""
    before, after = _around(text, start, end)
    left = not after.isspace() and (not _is_punctuation(after) or _is_gap(before))
    right = not before.isspace() and (not _is_punctuation(before) or _is_gap(after))
    return left, right


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the characters on either side; beyond the text there is space."""
    return text[start - 1] if start else " ", text[end] if end < len(text) else " "


def _is_gap(character: str) -> bool:
    return character.isspace() or _is_punctuation(character)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
