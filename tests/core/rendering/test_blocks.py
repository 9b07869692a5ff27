"""The block structure, line by line, judged by an independent implementation of CommonMark."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bridge.rendering.blocks import (
    QUOTE,
    START,
    Kind,
    Leaf,
    closing_line,
    count_cells,
    is_delimiter_row,
    list_indent,
    step,
)
from tests.core.rendering.answers import documents, judged_blocks, our_blocks
from tests.core.rendering.real import REAL

LINES = [
    *("word", "b | c", "===", "- x", "  - y", "    z", "1. q", "2. r", "   s", "> t", "> - u", "> v", "", "   "),
    *("```", "```py", "~~~", "  ```", "    ```", "   ~~~", "````", "> ```", "- ```", "# h", "\tcode", "-\tx"),
    *("* * *", "> > ```", "1. ```sh", "   ```", "      ```", "```no`fence", "~~~ yes`fence", "10) ```"),
]


def kinds(text: str) -> list[Kind]:
    state = START
    found = []
    for line in text.split("\n"):
        read = step(state, line)
        found.append(read.kind)
        state = read.state
    return found


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_fences_are_where_commonmark_says(lines: list[str]) -> None:
    """Line for line, inside a fence or not, whatever lists and quotes stand round it."""
    lines = [*lines, "end"]
    judged = set()
    for token in MarkdownIt("commonmark", {"html": False}).parse("\n".join(lines)):
        if token.type == "fence" and token.map is not None:
            judged |= set(range(*token.map))
    fenced = {Kind.FENCE_OPEN, Kind.FENCE_LINE, Kind.FENCE_CLOSE}
    assert {index for index, kind in enumerate(kinds("\n".join(lines))) if kind in fenced} == judged


PREFIXES = ("", "", "", "> ", ">", "- ", "  ", "1. ", "   ", " ", "> > ", "10. ", "*   ", "+ ")
PIECES = (
    *("word", "b | c", "===", "---", "```", "```py", "~~~", "# h", "## ", "* * *", "", "", "2) x", "-", "`` x ``"),
    *(
        "| a | b |\n|---|---|\n| x | y |",
        "| a | b |\n| - | - |\n| x \\| y | c |\nz",
        "|a|\n|-|",
        "``` x",
        "1986. x",
        "___",
        "text:",
        "#x",
    ),
)
"""Several lines stand behind the same prefix. Rows have outer pipes: without them the judge, but not cmark, makes a
table of a list item and the row of dashes below it, the item's mark included."""


@st.composite
def nested(draw: st.DrawFn) -> str:
    """Blocks behind marks of quotes and lists, deep lines of words between them."""
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(["    ", "      ", "\t"])) + "words")
            continue
        prefix = draw(st.sampled_from(PREFIXES)) + draw(st.sampled_from((*PREFIXES, "", "", "", "", "")))
        prefix = prefix if prefix.strip() else prefix[:3]  # more would be code, or words that only look like a block
        first, *more = draw(st.sampled_from(PIECES)).split("\n")
        # In a list item the lines behind the first are indented, in a quote they are quoted.
        inside = "".join(mark if mark == ">" else " " for mark in prefix)
        lines += [prefix + first, *(inside + line for line in more)]
    return "\n".join(lines)


@given(nested() | documents())
@settings(max_examples=200, deadline=None)
def test_blocks_are_where_commonmark_says(text: str) -> None:
    """Line for line: headings, rules, code, tables, and the quotes and list items round them."""
    assert our_blocks(text) == judged_blocks(text)


@pytest.mark.parametrize("text", REAL.values(), ids=REAL.keys())
def test_blocks_of_real_answers(text: str) -> None:
    """The same for answers as agents write them, at every line of their growth."""
    lines = text.split("\n")
    for count in range(1, len(lines) + 1):
        beginning = "\n".join(lines[:count])
        assert our_blocks(beginning) == judged_blocks(beginning)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-\n\n   - x", ["i", None, "i"]),
        ("-\n  - x", ["i", "ii"]),
        ("> -\n>\n>   x", ["qi", None, "q"]),
        ("1.\n\n      x", ["i", None, ""]),
    ],
)
def test_an_empty_list_item_ends_with_a_blank_line(text: str, expected: list[str | None]) -> None:
    """An item that begins with a blank line cannot have a second one."""
    assert [None if block is None else block[1] for block in our_blocks(text)] == expected
    assert our_blocks(text) == judged_blocks(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n\nb", [Kind.TEXT, Kind.BLANK, Kind.TEXT]),
        ("# a\nb", [Kind.HEADING, Kind.TEXT]),
        ("a\n---", [Kind.TEXT, Kind.HEADING]),
        ("\n---", [Kind.BLANK, Kind.RULE]),
        ("|a|b|\n|-|-|\n|1|2|\n\nx", [Kind.TEXT, Kind.TABLE_RULE, Kind.TABLE_ROW, Kind.BLANK, Kind.TEXT]),
        ("a | b\n-|-\n1 | 2", [Kind.TEXT, Kind.TABLE_RULE, Kind.TABLE_ROW]),
        ("|a|b|\n|-|\n|1|2|", [Kind.TEXT, Kind.TEXT, Kind.TEXT]),
        ("|a|\n|-|\n# h", [Kind.TEXT, Kind.TABLE_RULE, Kind.HEADING]),
        ("    code\n    more", [Kind.CODE, Kind.CODE]),
        ("word\n    no code", [Kind.TEXT, Kind.TEXT]),
        ("```\n``` x\n```", [Kind.FENCE_OPEN, Kind.FENCE_LINE, Kind.FENCE_CLOSE]),
    ],
)
def test_lines_are_told_apart(text: str, expected: list[Kind]) -> None:
    """Each line gets its kind from what is open before it."""
    assert kinds(text) == expected


def test_an_open_fence_is_closed_inside_its_containers() -> None:
    """The closing line carries the marks and the indentation of quotes and list items."""
    read = step(step(START, "> 1. a").state, ">    ~~~~py")
    assert read.state.containers == (QUOTE, 3)
    assert closing_line(read.state) == ">    ~~~~"


def test_without_a_fence_nothing_can_be_closed() -> None:
    """Asking for a closing line then is a mistake of the caller."""
    with pytest.raises(ValueError, match="no fence"):
        closing_line(START)


def test_list_indentation_counts_up_to_the_first_quote() -> None:
    """What stands in a quote keeps the quote's own indentation."""
    assert list_indent((2, 3, QUOTE, 4)) == 5


def test_nesting_has_an_end() -> None:
    """A line of a thousand quote marks opens no thousand containers."""
    assert len(step(START, ">" * 1000).state.containers) <= 32


def test_a_lazy_line_stays_in_its_paragraph() -> None:
    """A paragraph in a quote goes on without the mark; a new block does not."""
    inside = step(START, "> words").state
    assert step(inside, "go on").state.containers == (QUOTE,)
    assert step(inside, "# new").state.containers == ()
    assert step(inside, "go on").state.leaf is Leaf.PARAGRAPH


@pytest.mark.parametrize(("row", "cells"), [("|a|b|", 2), ("a|b", 2), ("| a \\| b | c |", 2), ("|a|", 1)])
def test_cells_are_counted(row: str, cells: int) -> None:
    """Outer pipes are optional, escaped ones are text."""
    assert count_cells(row) == cells


def test_a_delimiter_row_needs_as_many_cells_as_its_header() -> None:
    """Otherwise it is text."""
    assert is_delimiter_row("|:-|-:|", "|a|b|")
    assert not is_delimiter_row("|-|", "|a|b|")
    assert not is_delimiter_row("|-|", "")
    assert not is_delimiter_row("|-|", "|")
    assert not is_delimiter_row("-", "|a|")
