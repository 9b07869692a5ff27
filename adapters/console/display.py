"""Two ways to show answers: drawn Markdown on a terminal, bare text everywhere else.

Both get the parts of one answer in order: ``begin``, ``show`` for each view of each part, ``end``. Sentences of the
bridge itself are ``remark``s and may come at any time.
"""

from typing import Protocol, TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, Segments
from rich.spinner import Spinner
from rich.text import Text

from adapters.console.outbound import GrowingText
from bridge.model import View

PROMPT = "› "
ROWS_LEFT_FREE = 2


class Display(Protocol):
    """Where answers appear. Raises ``OSError`` when nobody can see them any more."""

    def prompt(self) -> None:
        """Invite to type."""
        ...

    def begin(self, status: str) -> None:
        """Show that an answer is coming."""
        ...

    def tick(self) -> None:
        """Show that it is still coming."""
        ...

    def show(self, index: int, view: View) -> None:
        """Show the newest view of a part; earlier parts are finished by a later one."""
        ...

    def end(self) -> None:
        """The answer is whole. Does nothing when none was begun."""
        ...

    def remark(self, text: str) -> None:
        """Show a sentence of ours."""
        ...

    def hint(self, text: str) -> None:
        """Show a sentence that matters only while somebody watches."""
        ...


class PlainDisplay:
    """Prints text as it grows, and nothing else: for pipes, files and tests."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._index = -1
        self._text = GrowingText()
        self._footer = ""

    def prompt(self) -> None:
        """Nobody is there to be invited."""

    def begin(self, status: str) -> None:
        self._index, self._text, self._footer = -1, GrowingText(), ""

    def tick(self) -> None:
        """Nothing moves."""

    def show(self, index: int, view: View) -> None:
        if index != self._index:
            self._print(self._text.finish())
            self._index, self._text = index, GrowingText()
        self._footer = view.footer
        self._print(self._text.grow(view.text))

    def end(self) -> None:
        if self._index >= 0:
            self._print(f"{self._text.finish()}\n")
        if self._footer:
            self._print(f"{self._footer}\n")
        self.begin("")

    def remark(self, text: str) -> None:
        self._print(f"{text}\n")

    def hint(self, text: str) -> None:
        """Nobody watches."""

    def _print(self, text: str) -> None:
        if text:
            self._output.write(text)
            self._output.flush()


class Tail:
    """Draws only the last lines of something, so that the newest words stay in view."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._inner, options.update(height=None), pad=False)
        for line in lines[-max(1, console.height - ROWS_LEFT_FREE) :]:
            yield Segments(line)
            yield Segment.line()


class RichDisplay:
    """Draws the part that grows with each picture anew, and leaves what is finished above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._index = -1
        self._view = View("")

    def prompt(self) -> None:
        if self._live is None:
            self._console.print(PROMPT, end="", style="bold cyan")

    def begin(self, status: str) -> None:
        spinner = Spinner("dots", text=Text(status, style="dim"))
        # Without a refresh thread: the core's own refresh moves the spinner.
        self._live = Live(spinner, console=self._console, auto_refresh=False, transient=True)
        self._live.start(refresh=True)

    def tick(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def show(self, index: int, view: View) -> None:
        if self._live is None:
            self.begin("")
        assert self._live is not None
        if 0 <= self._index != index:
            self._live.update(Text(""), refresh=True)
            self._console.print(_drawn(self._view))
        self._index, self._view = index, view
        self._live.update(Tail(_drawn(view)), refresh=True)

    def end(self) -> None:
        if self._live is None:
            return
        self._live.update(Text(""), refresh=True)
        self._live.stop()
        self._live = None
        if self._index >= 0:
            self._console.print(_drawn(self._view))
        self._index, self._view = -1, View("")

    def remark(self, text: str) -> None:
        self._console.print(Text(text, style="dim"))

    def hint(self, text: str) -> None:
        self.remark(text)


def _drawn(view: View) -> RenderableType:
    footer = [Text(view.footer, style="dim")] if view.footer else []
    return Group(Markdown(view.text), *footer)
