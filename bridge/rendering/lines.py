"""The lines of one part as they are shown, and what a part takes over from the one before it.

Each part is a message, and so a document of its own: what was open where the part before it ended is opened anew at
its beginning (``Carry.lead``), and lines from inside a list lose the indentation that only made sense there, for
without their list they would be shown as code. What is read here is always the text *as shown*.
"""

from typing import NamedTuple

from bridge.rendering.blocks import START, State, Step, step


class Carry(NamedTuple):
    """What a part takes over from the one before it.

    Attributes:
        lead: Shown before the body: the opening line of a fence, a table's header, the marks of a quote.
        marks: Emphasis or code that was open in the middle of a paragraph, shown behind ``lead``.
        dedent: Columns of indentation that the lines lose; from a line on that has fewer, only so many.
        inside_line: The body begins in the middle of a line.
    """

    lead: str = ""
    marks: str = ""
    dedent: int = 0
    inside_line: bool = False

    @property
    def head(self) -> str:
        return self.lead + self.marks


NOTHING = Carry()


class Line(NamedTuple):
    """One line of a part's body.

    Attributes:
        start, stop: Where it begins and ends in the body; the line break belongs to it.
        content: Where its text begins, behind quote and list marks.
        dedent: Columns of indentation that lines like it lose in this part.
        before: What was open before it.
        step: How it was read.
    """

    start: int
    stop: int
    content: int
    dedent: int
    before: State
    step: Step


class Reader:
    """Reads the body of one part line by line; remembers only what is open."""

    def __init__(self, carry: Carry) -> None:
        self.state = START
        *whole, self._joint = carry.head.split("\n")
        for line in whole:
            self.state = step(self.state, line).state
        self.dedent = carry.dedent
        self._inside_line = carry.inside_line

    def read(self, line: str) -> tuple[Step, int]:
        """Read one complete line without its line break; return also where its text begins in it."""
        found, removed, self.dedent = self._look(line)
        content = max(0, found.content - len(self._joint) + removed)
        self.state, self._joint, self._inside_line = found.state, "", False
        return found, content

    def peek(self, line: str) -> State:
        """Return what is open if the text ends with this line; nothing is remembered."""
        return self._look(line)[0].state

    def _look(self, line: str) -> tuple[Step, int, int]:
        removed, dedent = (0, self.dedent) if self._inside_line else _dedent(line, self.dedent)
        return step(self.state, self._joint + line[removed:].removesuffix("\r")), removed, dedent


def read_lines(body: str, carry: Carry) -> list[Line]:
    """Read all lines of a part's body; the last one may lack its line break."""
    reader = Reader(carry)
    lines = []
    for start, text in _split_lines(body):
        before = reader.state
        found, content = reader.read(text.removesuffix("\n"))
        lines.append(Line(start, start + len(text), start + content, reader.dedent, before, found))
    return lines


def shown(body: str, carry: Carry) -> str:
    """Return the body without the indentation it loses."""
    if not carry.dedent:
        return body
    lines = []
    dedent = carry.dedent
    for start, text in _split_lines(body):
        removed = 0
        if start or not carry.inside_line:
            removed, dedent = _dedent(text.removesuffix("\n"), dedent)
        lines.append(text[removed:])
    return "".join(lines)


def _split_lines(body: str) -> list[tuple[int, str]]:
    lines = []
    at = 0
    while at < len(body):
        stop = body.find("\n", at) + 1 or len(body)
        lines.append((at, body[at:stop]))
        at = stop
    return lines


def _dedent(line: str, columns: int) -> tuple[int, int]:
    """Return how many characters of indentation a line loses, and how many columns the next ones shall lose."""
    if not columns:
        return 0, 0
    words = line.lstrip(" \t")
    indentation = line[: len(line) - len(words)]
    width = len(indentation.expandtabs(4))
    if words.strip() and width < columns:  # it belongs to a list further out, of which nothing is left either
        return len(indentation), width
    removed = next((n for n in range(len(indentation)) if len(indentation[:n].expandtabs(4)) >= columns), None)
    return len(indentation) if removed is None else removed, columns
