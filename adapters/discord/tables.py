"""A Markdown table as text that lines up, for a platform that draws none (pure).

Columns are padded by the width they take on a screen: Chinese, Japanese, Korean and emoji take two. A table too wide
for a screen becomes one list per row.
"""

import re
import unicodedata
from collections.abc import Sequence

WIDEST_COLUMNS = 80
"""What fits on a screen beside the list of channels; a wider code block wraps into a heap."""

_GAP = "  "
_PIPE = re.compile(r"(?<!\\)\|")
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()\s]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\(<?([^()\s<>]*)>?\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~|`)(?=\S)(.+?)(?<=\S)\1")


def display_width(text: str) -> int:
    """Return how many columns a text takes in a font of equal widths."""
    return len(text) if text.isascii() else sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(row: str) -> list[str]:
    """Return the cells of one row, trimmed, without the marks that mean nothing inside a code block."""
    row = row.strip()
    row = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [_plain(cell) for cell in _PIPE.split(row)]


def _plain(cell: str) -> str:
    cell = _BREAK.sub(" / ", cell.strip()).replace("\\|", "|")
    cell = _LINK.sub(lambda link: _spelled(link[1], link[2]), _IMAGE.sub(r"\1", cell))
    return _EMPHASIS.sub(r"\2", cell)


def _spelled(label: str, target: str) -> str:
    return target if label in ("", target) else f"{label} ({target})"


def aligned(header: Sequence[str], rule: str, rows: Sequence[Sequence[str]]) -> list[str] | None:
    """Return a table's lines, padded; ``None`` when it is too wide.

    Args:
        rule: The line below the header as it was written: its colons tell each column's alignment.
    """
    table = [_exactly(row, len(header)) for row in (header, *rows)]
    widths = [max(display_width(row[column]) for row in table) for column in range(len(header))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > WIDEST_COLUMNS:
        return None
    to_right = [cell.endswith(":") and not cell.startswith(":") for cell in _exactly(cells(rule), len(header))]
    lines = [_line(row, widths, to_right) for row in table]
    lines.insert(1, _GAP.join("─" * width for width in widths))
    return lines


def _line(row: Sequence[str], widths: Sequence[int], to_right: Sequence[bool]) -> str:
    padded = []
    for cell, width, right in zip(row, widths, to_right, strict=True):
        padding = " " * (width - display_width(cell))
        padded.append(padding + cell if right else cell + padding)
    return _GAP.join(padded).rstrip()


def _exactly(row: Sequence[str], columns: int) -> list[str]:
    return [*row[:columns], *[""] * (columns - len(row))]


def listed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a wide table as lists: each row's first cell, and below it the others with the names of their columns."""
    lines = []
    for row in rows:
        first, *others = _exactly(row, len(header))
        lines.append(f"- {first}" if first else "-")
        lines += [
            f"  - {name}: {cell}" if name else f"  - {cell}"
            for name, cell in zip(header[1:], others, strict=True)
            if cell
        ]
    return lines or [" · ".join(filter(None, header))]
