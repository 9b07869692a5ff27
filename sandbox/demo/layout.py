"""How a line of the timeline is laid out: a column for each service where there is room, else all in one (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sandbox.demo.side import Side

WIDE_CELLS = 100
"""From here on services stand side by side."""
TIME_CELLS, WHO_CELLS, WHERE_CELLS = 9, 7, 9
BAR_CELLS, BAR_CHARS_PER_CELL = 12, 50
EIGHTHS = " ▏▎▍▌▋▊▉█"
EXCERPT_CELLS, EXCERPT_CELLS_MIN = 56, 8
AROUND_EXCERPT_CELLS = BAR_CELLS + len(" 1234 chars  ““")
GAP = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Places lines of one width."""

    width: int
    sides: Sequence[Side]

    @property
    def is_wide(self) -> bool:
        """Each service has a column of its own."""
        return self.width >= WIDE_CELLS

    @property
    def excerpt_cells(self) -> int:
        """How much of a growing text there is room for."""
        if self.is_wide:
            left = self._column_cells - WHERE_CELLS - GAP
        else:
            left = self.width - TIME_CELLS - WHO_CELLS - WHERE_CELLS - 2 * GAP - 1
        return max(EXCERPT_CELLS_MIN, min(EXCERPT_CELLS, left - AROUND_EXCERPT_CELLS))

    @property
    def _column_cells(self) -> int:
        return (self.width - TIME_CELLS) // len(self.sides) - GAP

    def head(self) -> RenderableType:
        """Return the names above the columns; nothing where there are none."""
        return self.row("", {side.name: Text(side.name, style=f"bold {side.style}") for side in self.sides})

    def row(self, time: str, what_by_side: dict[str, Text]) -> RenderableType:
        """Return lines of several services, each in its column, or one below the other."""
        if not self.is_wide:
            return Text("\n").join(
                self._narrow(time, side, "", what_by_side[side.name], name=True)
                for side in self.sides
                if side.name in what_by_side
            )
        return self._columns(time, [what_by_side.get(side.name, Text()) for side in self.sides])

    def line(self, time: str, side: Side | None, where: str, what: Text, *, who: str = "") -> RenderableType:
        """Return one line.

        Args:
            side: ``None``: it is about everything.
            who: Who else than the service itself did it.
        """
        if side is None or not self.is_wide:
            return self._narrow(time, side, where, what, who=who)
        label = Text(set_cell_size(who or where, WHERE_CELLS), style="magenta" if who else "dim")
        inner = Table.grid(padding=(0, GAP, 0, 0), expand=True)
        inner.add_column(width=WHERE_CELLS, no_wrap=True)
        inner.add_column(ratio=1, overflow="fold")
        inner.add_row(label, what)
        return self._columns(time, [inner if other is side else "" for other in self.sides])

    def _columns(self, time: str, cells: Sequence[RenderableType]) -> Table:
        grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
        grid.add_column(width=TIME_CELLS, justify="right", style="dim")
        for _ in self.sides:
            grid.add_column(width=self._column_cells, overflow="fold")
        grid.add_row(time, *cells)
        return grid

    def _narrow(
        self, time: str, side: Side | None, where: str, what: Text, *, who: str = "", name: bool = False
    ) -> Text:
        line = Text(f"{time:>{TIME_CELLS}}  ", style="dim")
        speaker = who or (side.name if side else "")
        if who and side:
            where = side.name
        if speaker and not (name and speaker == what.plain):
            style = "magenta" if who and side else side.style if side else "blue"
            line.append(set_cell_size(speaker, WHO_CELLS), style=style).append(" ")
        if where:
            line.append(set_cell_size(where, WHERE_CELLS), style="dim").append("  ")
        elif not name:
            line.append(" " * (WHERE_CELLS + GAP))
        return line.append_text(what)


def growth(words: str, text: str, cells: int) -> Text:
    """Draw how long a text has become and how it ends.

    Args:
        words: How many characters, in words.
    """
    drawn = Text(bar(len(text)), style="green")
    return drawn.append(f" {words}  ").append(excerpt(text, cells), style="dim")


def bar(chars: int) -> str:
    """Draw a length, always equally wide."""
    eighths = min(BAR_CELLS * 8, max(1 if chars else 0, chars * 8 // BAR_CHARS_PER_CELL))
    return ("█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")).ljust(BAR_CELLS)


def excerpt(text: str, cells: int = EXCERPT_CELLS) -> str:
    """Return the end of a text on one line, in quotes: where it grows."""
    words = " ".join(text.split())
    if cell_len(words) <= cells:
        return f"“{words}”"
    kept = words[-cells:]
    while cell_len(kept) > cells - 1:
        kept = kept[1:]
    return f"“…{kept}”"
