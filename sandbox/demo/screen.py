"""How the live demo looks in a terminal: the channel, who you are, what you type."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from sandbox.demo.town import ANN, Town
from sandbox.demo.words import Words
from sandbox.slack import VisibleMessage

REPLY_INDENT = 4
PROMPT = "› "
CARET = "▏"


@dataclass(slots=True)
class Seat:
    """Who the person at the keyboard is, and where.

    Attributes:
        root: The message whose thread new lines go to; ``None``: the channel.
        notice: What was last said to that person alone.
    """

    person: str = ANN
    root: VisibleMessage | None = None
    typing: str = ""
    notice: str = ""


@dataclass(slots=True)
class Screen:
    """Draws everything, always as high as the terminal; of the messages, what was last said."""

    town: Town
    words: Words
    seat: Seat = field(default_factory=Seat)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        head = self._lines(console, options, [Rule(self.words.title, style="dim")])
        foot = self._lines(console, options, self._foot())
        room = max(1, height - len(head) - len(foot))
        body = self._lines(console, options, self._threads())[-room:]
        blank = [[Segment("")]] * (room - len(body))
        lines = [*head, *body, *blank, *foot][-height:]
        for position, line in enumerate(lines):
            yield from line
            if position < len(lines) - 1:
                yield Segment.line()

    def _lines(self, console: Console, options: ConsoleOptions, parts: Iterable[RenderableType]) -> list[list[Segment]]:
        plain = options.update(height=None)
        return [line for part in parts for line in console.render_lines(part, plain, pad=False)]

    def _foot(self) -> list[RenderableType]:
        seat = self.seat
        person = self.town.slack.find_user(seat.person).display_name
        prompt = Text(self.words.you_are.format(name=person, place=place_of(self.town, self.words, seat)), style="bold")
        prompt.append(f" {PROMPT}", style="cyan").append(seat.typing, style="not bold").append(CARET, style="blink")
        parts: list[RenderableType] = [Rule(style="dim")]
        if seat.notice:
            parts.append(Text(seat.notice, style="yellow"))
        return [*parts, Text(self.words.hints, style="dim", no_wrap=True, overflow="ellipsis"), prompt]

    def _threads(self) -> list[RenderableType]:
        """Return every thread, the one in which somebody spoke last at the end."""
        threads = [
            (number, self.town.slack.messages(root.channel, root.ts))
            for number, root in enumerate(self.town.roots(), start=1)
        ]
        threads.sort(key=lambda thread: float(thread[1][-1].ts))
        return [part for number, messages in threads for part in self._thread(number, messages)]

    def _thread(self, number: int, messages: list[VisibleMessage]) -> list[RenderableType]:
        root, *replies = messages
        parts: list[RenderableType] = [Text(""), *self._message(root, f"{number} {self._where(root)}")]
        for reply in replies:
            parts += [Padding(part, (0, 0, 0, REPLY_INDENT)) for part in self._message(reply)]
        if status := self.town.slack.status(root.channel, root.ts):
            line = Text(self.words.thinking.format(status=status), style="italic dim")
            parts.append(Padding(line, (0, 0, 0, REPLY_INDENT)))
        return parts

    def _message(self, message: VisibleMessage, where: str = "") -> list[RenderableType]:
        of_bot = message.by_app is not None
        head = Text(message.author, style="bold green" if of_bot else "bold cyan")
        if where:
            head.append(f"  {where}", style="dim")
        for name in message.reactions:
            head.append(f"  :{name}:", style="yellow")
        text = readable(self.town, message.text)
        parts: list[RenderableType] = [head, Markdown(text) if of_bot else Text(text)]
        if message.small_print:
            parts.append(Text(message.small_print, style="dim"))
        return parts

    def _where(self, root: VisibleMessage) -> str:
        name = self.town.slack.find_channel(root.channel).name
        return f"#{name}" if name else self.words.direct


def place_of(town: Town, words: Words, seat: Seat) -> str:
    """Return the name of the place a person is in."""
    if seat.root is None:
        return words.in_channel
    return words.in_thread.format(number=town.number_of(seat.root.ts))


def readable(town: Town, text: str) -> str:
    """Return a message's text with the bot's mention as people see it."""
    return text.replace(f"<@{town.slack.bot_user_id}>", "@coze")
