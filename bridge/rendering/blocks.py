"""The block structure of Markdown, one line at a time.

Theory of operation. A Markdown document is a tree, but what is *open* at the end of a line is only a path in it: some
containers (quotes and list items) and at most one leaf (a paragraph, a fence, a table ...). ``State`` is that path and
``step`` moves it over one line, by the rules of CommonMark plus tables. HTML is text here, for no chat platform renders
it. Because a state is a small immutable value, a growing answer is read once and never again.

Source: CommonMark 0.31.2, appendix "A parsing strategy"; GitHub Flavored Markdown, section "Tables".
"""

import re
from enum import Enum, auto
from typing import NamedTuple

QUOTE = 0
"""A quote among ``State.containers``; any other number is a list item and the width of its indentation."""

_MAX_INDENT = 3
_MAX_DEPTH = 32
_FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_ITEM = re.compile(r"([-+*]|(\d{1,9})[.)])([ \t]+|$)")
_DELIMITERS = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_PIPE = re.compile(r"(?<!\\)\|")
_MARGIN = re.compile(r"[ \t>*+\-\d.)]*")


class Leaf(Enum):
    """What kind of text is open."""

    NONE = auto()
    PARAGRAPH = auto()
    FENCE = auto()
    TABLE = auto()
    CODE = auto()
    ITEM = auto()
    """Nothing yet, in a list item that begins with a blank line: another blank line ends it."""


class Kind(Enum):
    """What a line turned out to be."""

    BLANK = auto()
    TEXT = auto()
    HEADING = auto()
    RULE = auto()
    FENCE_OPEN = auto()
    FENCE_LINE = auto()
    FENCE_CLOSE = auto()
    TABLE_RULE = auto()
    TABLE_ROW = auto()
    CODE = auto()


class Fence(NamedTuple):
    """An open code fence: its marks, what stands behind them (the language), and its indentation (0 to 3)."""

    marker: str
    info: str
    indent: int = 0


class State(NamedTuple):
    """What is open after a line.

    Attributes:
        containers: Outermost first; ``QUOTE`` or the width of a list item's indentation.
        fence: The open fence while ``leaf`` is FENCE.
        header: The newest line of an open paragraph if it could become a table's header; in a table, its header.
        rule: In a table, the line below its header.
    """

    containers: tuple[int, ...] = ()
    leaf: Leaf = Leaf.NONE
    fence: Fence | None = None
    header: str = ""
    rule: str = ""


class Step(NamedTuple):
    """One line as it was read.

    Attributes:
        state: What is open after it.
        content: Index in the line where its text begins, behind quote and list marks.
        matched: The containers from before that this line continues.
        opened: It begins a quote or a list item.
        continues: It goes on with the paragraph before it.
    """

    state: State
    kind: Kind
    content: int
    matched: tuple[int, ...]
    opened: bool = False
    continues: bool = False


START = State()


def step(state: State, line: str) -> Step:
    """Read one line, given without its line break."""
    if not state.containers and (found := _step_plainly(state, line)) is not None:
        return found
    margin = _MARGIN.match(line)
    if margin is not None and "\t" in margin.group():
        expanded = _expand(line, margin.end())
        found = step(state, expanded)
        return found._replace(content=max(0, found.content - len(expanded) + len(line)))
    at, count = _match_containers(state.containers, line)
    matched = state.containers[:count]
    unbroken = count == len(state.containers)
    if unbroken and state.fence is not None:
        return _step_fence(state, line, at)
    if not line[at:].strip():
        if unbroken and state.leaf is Leaf.ITEM:
            return Step(State(matched[:-1]), Kind.BLANK, len(line), matched)
        return Step(State(matched), Kind.BLANK, len(line), matched)
    return _step_text(state, line, at, matched, unbroken)


def closing_line(state: State) -> str:
    """Return the line, without line break, that closes the open fence."""
    if state.fence is None:
        raise ValueError("no fence is open")
    margin = "".join("> " if width == QUOTE else " " * width for width in state.containers)
    return margin + state.fence.marker


def quote_marks(containers: tuple[int, ...]) -> str:
    """Return the marks that put a line into the same quotes, list items left out."""
    return "> " * containers.count(QUOTE)


def list_indent(containers: tuple[int, ...]) -> int:
    """Return how far list items outside any quote indent the text."""
    outside = containers[: containers.index(QUOTE)] if QUOTE in containers else containers
    return sum(outside)


def count_cells(row: str) -> int:
    """Count the cells of a table row."""
    return len(_PIPE.findall(row.strip().removeprefix("|").removesuffix("|"))) + 1


def last_pipe(row: str) -> int:
    """Return the index of the last pipe that divides cells, or -1."""
    return max((pipe.start() for pipe in _PIPE.finditer(row)), default=-1)


def is_delimiter_row(text: str, header: str) -> bool:
    """Tell whether ``text`` below ``header`` makes a table; a single dash makes a heading."""
    text = text.rstrip()
    return (
        header.strip() not in ("", "|")
        and len(text) > 1
        and _DELIMITERS.match(text) is not None
        and count_cells(text) == count_cells(header)
    )


def _expand(line: str, end: int) -> str:
    return line[:end].expandtabs(4) + line[end:]


def _match_containers(containers: tuple[int, ...], line: str) -> tuple[int, int]:
    """Return the index behind the marks of the containers that go on in this line, and how many these are."""
    at = 0
    for count, width in enumerate(containers):
        spaces = len(line) - at - len(line[at:].lstrip(" "))
        if width == QUOTE:
            if spaces > _MAX_INDENT or line[at + spaces : at + spaces + 1] != ">":
                return at, count
            at += spaces + 1
            at += line[at : at + 1] == " "
        elif at + spaces >= len(line):
            at = len(line)
        elif spaces >= width:
            at += width
        else:
            return at, count
    return at, len(containers)


def _step_fence(state: State, line: str, at: int) -> Step:
    assert state.fence is not None
    text = line[at:].lstrip(" ")
    marks = text.rstrip(" \t")
    shallow = len(line) - at - len(text) <= _MAX_INDENT
    if shallow and len(marks) >= len(state.fence.marker) and marks == state.fence.marker[0] * len(marks):
        return Step(State(state.containers), Kind.FENCE_CLOSE, len(line) - len(text), state.containers)
    return Step(state, Kind.FENCE_LINE, at, state.containers)


def _step_plainly(state: State, line: str) -> Step | None:
    """Read one of the lines that nearly all are: code in a fence, none at all, words; outside lists and quotes.

    A letter begins no block but a paragraph.
    """
    if state.fence is not None:
        return Step(state, Kind.FENCE_LINE, 0, ()) if state.fence.marker not in line else None
    if not line:
        return Step(START, Kind.BLANK, 0, ())
    if not line[0].isalpha():
        return None
    in_paragraph = state.leaf is Leaf.PARAGRAPH
    if state.leaf is Leaf.TABLE:
        return Step(state, Kind.TABLE_ROW, 0, ())
    header = line if "|" in line else ""
    return Step(State((), Leaf.PARAGRAPH, header=header), Kind.TEXT, 0, (), continues=in_paragraph)


def _step_text(state: State, line: str, at: int, matched: tuple[int, ...], unbroken: bool) -> Step:
    in_paragraph = unbroken and state.leaf is Leaf.PARAGRAPH
    in_table = unbroken and state.leaf is Leaf.TABLE
    lazy = not unbroken and state.leaf is Leaf.PARAGRAPH
    at, containers = _open_containers(line, at, matched, in_paragraph)
    opened = len(containers) > len(matched)
    if opened:
        in_paragraph = in_table = lazy = False
    text = line[at:].lstrip(" ")
    content = len(line) - len(text)
    if not text.strip():
        leaf = Leaf.NONE if containers[-1] == QUOTE else Leaf.ITEM
        return Step(State(containers, leaf), Kind.TEXT, content, matched, opened)
    if content - at > _MAX_INDENT:
        if not (in_paragraph or lazy):
            return Step(State(containers, Leaf.CODE), Kind.CODE, content, matched, opened)
    elif (found := _begin_leaf(state, text, content - at, containers, in_paragraph)) is not None:
        leaf_state, kind = found
        return Step(leaf_state, kind, content, matched, opened)
    if in_table:
        return Step(state, Kind.TABLE_ROW, content, matched)
    kept = state.containers if lazy else containers
    header = text if "|" in text and not lazy and content - at <= _MAX_INDENT else ""
    paragraph = State(kept, Leaf.PARAGRAPH, header=header)
    return Step(paragraph, Kind.TEXT, content, matched, opened, continues=in_paragraph or lazy)


def _open_containers(
    line: str, at: int, containers: tuple[int, ...], in_paragraph: bool
) -> tuple[int, tuple[int, ...]]:
    """Read the quote and list marks that begin in this line."""
    while True:
        text = line[at:].lstrip(" ")
        indent = len(line) - at - len(text)
        if not text or indent > _MAX_INDENT or len(containers) >= _MAX_DEPTH:
            return at, containers
        if text[0] == ">":
            at += indent + 1
            at += line[at : at + 1] == " "
            containers = (*containers, QUOTE)
        elif (item := _ITEM.match(text)) is not None and not _RULE.match(text):
            marker, number, gap = item.groups()
            empty = item.end() >= len(text.rstrip())
            if in_paragraph and (empty or number not in (None, "1")):
                return at, containers
            padding = 1 if empty or len(gap) > _MAX_INDENT + 1 else len(gap)
            width = indent + len(marker) + padding
            at = min(len(line), at + width)
            containers = (*containers, width)
        else:
            return at, containers
        in_paragraph = False


def _begin_leaf(
    state: State, text: str, indent: int, containers: tuple[int, ...], in_paragraph: bool
) -> tuple[State, Kind] | None:
    """Read a line that begins, or is, a block of its own; ``None`` for ordinary text."""
    if in_paragraph and is_delimiter_row(text, state.header):
        return State(containers, Leaf.TABLE, header=state.header, rule=text), Kind.TABLE_RULE
    if (fence := _FENCE.match(text)) is not None:
        marker, info = (fence[1], fence[2]) if fence[1] else (fence[3], fence[4])
        return State(containers, Leaf.FENCE, Fence(marker, info.strip(), indent)), Kind.FENCE_OPEN
    if _HEADING.match(text) or (in_paragraph and _UNDERLINE.match(text)):
        return State(containers), Kind.HEADING
    if _RULE.match(text):
        return State(containers), Kind.RULE
    return None
