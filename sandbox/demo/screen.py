"""How the live demo looks in a terminal: the services side by side, who you are, what you type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from sandbox.demo.side import Form, Said, Side, Thread, whispered
from sandbox.demo.town import ANN, Town
from sandbox.demo.words import Words

REPLY_INDENT = 2
PROMPT = "› "
CARET = "▏"
BETWEEN = " │ "
NARROW_CELLS = 72
"""Below this only the service the person is on is shown."""


@dataclass(slots=True)
class Seat:
    """Who the person at the keyboard is, and where.

    Attributes:
        side: The service new lines go to.
        thread_by_service: The thread they go to there; the channel, if there is none.
        notice: What was last said to that person alone.
    """

    side: Side
    person: str = ANN
    thread_by_service: dict[str, Thread] = field(default_factory=dict)
    typing: str = ""
    notice: str = ""

    @property
    def thread(self) -> Thread | None:
        """The thread the person is in, on the service they are on."""
        return self.thread_by_service.get(self.side.service)

    @thread.setter
    def thread(self, thread: Thread | None) -> None:
        self.thread_by_service.pop(self.side.service, None)
        if thread is not None:
            self.thread_by_service[self.side.service] = thread


@dataclass(slots=True)
class Screen:
    """Draws everything, always as high as the terminal; of the messages, what was last said."""

    town: Town
    words: Words
    seat: Seat

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        foot = self._lines(console, options, self._foot())
        room = max(1, height - len(foot))
        lines = [*self._columns(console, options, room), *foot][-height:]
        for position, line in enumerate(lines):
            yield from line
            if position < len(lines) - 1:
                yield Segment.line()

    def _columns(self, console: Console, options: ConsoleOptions, room: int) -> list[list[Segment]]:
        """Draw the services, each in a column of its own; in a narrow terminal only the one in use."""
        sides = self.town.sides if options.max_width >= NARROW_CELLS else (self.seat.side,)
        width = (options.max_width - len(BETWEEN) * (len(sides) - 1)) // len(sides)
        columns = [self._column(console, options.update(width=width), side, room) for side in sides]
        between = Segment(BETWEEN, console.get_style("dim"))
        return [_joined(row, between) for row in zip(*columns, strict=True)]

    def _column(self, console: Console, options: ConsoleOptions, side: Side, room: int) -> list[list[Segment]]:
        mark = f"bold {side.style}" if side is self.seat.side else "dim"
        head = self._lines(console, options, [Rule(Text(side.name, style=mark), style=mark)], pad=True)
        body = self._lines(console, options, self._threads(side), pad=True)
        shown = body[-max(0, room - len(head)) :] if room > len(head) else []
        blank = [[Segment(" " * options.max_width)]] * (room - len(head) - len(shown))
        return [*head, *shown, *blank][:room]

    def _lines(
        self, console: Console, options: ConsoleOptions, parts: Iterable[RenderableType], *, pad: bool = False
    ) -> list[list[Segment]]:
        plain = options.update(height=None)
        return [line for part in parts for line in console.render_lines(part, plain, pad=pad)]

    def _foot(self) -> list[RenderableType]:
        seat = self.seat
        person = self.town.slack.find_user(seat.person).display_name
        place = place_of(self.words, seat)
        prompt = Text(self.words.you_are.format(name=person, service=seat.side.name, place=place), style="bold")
        prompt.append(f" {PROMPT}", style="cyan").append(seat.typing, style="not bold").append(CARET, style="blink")
        parts: list[RenderableType] = [Rule(style="dim")]
        if notice := seat.notice or self._open_form():
            parts.append(Text(notice, style="yellow"))
        return [*parts, Text(self.words.hints, style="dim", no_wrap=True, overflow="ellipsis"), prompt]

    def _open_form(self) -> str:
        form = self.seat.side.form(self.seat.person)
        return form_notice(self.words, form) if form is not None else ""

    def _threads(self, side: Side) -> list[RenderableType]:
        """Return every thread, and what the person alone was told, what was last said at the end."""
        parts = [(thread.said[-1].order, self._thread(thread)) for thread in side.threads()]
        alone = side.whispers(self.seat.person)
        parts += [(said.order, [Text(""), whispered(self.words, said.only_for, said.text)]) for said in alone]
        return [part for _, block in sorted(parts, key=lambda each: each[0]) for part in block]

    def _thread(self, thread: Thread) -> list[RenderableType]:
        root, *replies = thread.said
        parts: list[RenderableType] = [Text(""), *self._message(root, f"{thread.number} {thread.place}")]
        for reply in replies:
            parts += [Padding(part, (0, 0, 0, REPLY_INDENT)) for part in self._message(reply)]
        if thread.busy:
            line = Text(self.words.thinking.format(status=thread.busy), style="italic dim")
            parts.append(Padding(line, (0, 0, 0, REPLY_INDENT)))
        return parts

    def _message(self, said: Said, where: str = "") -> list[RenderableType]:
        head = Text(said.author, style="bold green" if said.of_bot else "bold cyan")
        if where:
            head.append(f"  {where}", style="dim")
        for name in said.reactions:
            head.append(f"  {name}", style="yellow")
        parts: list[RenderableType] = [head, Markdown(said.text) if said.of_bot else Text(said.text)]
        if said.small_print:
            parts.append(Text(said.small_print, style="dim"))
        if said.buttons:
            parts.append(Text(buttons_line(said), style="cyan"))
        return parts


def place_of(words: Words, seat: Seat) -> str:
    """Return the name of the place a person is in."""
    return words.in_thread.format(number=seat.thread.number) if seat.thread else words.in_channel


def buttons_line(said: Said) -> str:
    """Draw the buttons below a message."""
    return " ".join(f"[{label}]" for label in said.buttons)


def form_notice(words: Words, form: Form) -> str:
    """Describe an open form, and how it is filled in."""
    lines = [f"  {line}" for line in form.about.splitlines()]
    lines += [
        f"  {number} {blank.label}{' *' if blank.required else ''}"
        + (f" ({blank.hint})" if blank.hint else "")
        + (f": {blank.value}" if blank.value else "")
        for number, blank in enumerate(form.blanks, start=1)
    ]
    return words.form_here.format(title=form.title, fields="\n".join(lines))


def _joined(row: Sequence[Sequence[Segment]], between: Segment) -> list[Segment]:
    line = list(row[0])
    for cell in row[1:]:
        line += [between, *cell]
    return line
