"""What the demo needs of a chat service: to act there as somebody, and to read what is seen. The same for each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from sandbox.demo.words import Words
from sandbox.journal import Entry

RUN_SIGN = "▶️"
"""Begins the line that stands for a command."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody said something.

    Attributes:
        channel: Where an answer appears, in the service's ids.
        root: What begins the thread, or the direct conversation.
        said: The message itself.
    """

    channel: str
    root: str
    said: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message as people see it now.

    Attributes:
        order: Grows with time, within one service.
        small_print: What the bridge says below the agent's text.
        buttons: The labels below it, in order.
        only_for: The name of the one who sees it; empty when everybody does.
    """

    id: str
    order: float
    author: str
    text: str
    of_bot: bool
    small_print: str = ""
    reactions: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    only_for: str = ""


@dataclass(frozen=True, slots=True)
class Blank:
    """One thing to fill in.

    Attributes:
        id: As the service names it.
        value: What stands there already.
        hint: What can be chosen, where it is shown.
    """

    id: str
    label: str
    required: bool
    value: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What opened before somebody; ``about`` stands above the blanks."""

    title: str
    blanks: tuple[Blank, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread, a forum post or a direct conversation, with everything in it.

    Attributes:
        number: How people at the keyboard name it: its position among all of the service, from 1.
        place: Where it is, for people: ``#general``.
        busy: The sign of life that is shown; empty when there is none.
    """

    number: int
    spot: Spot
    place: str
    said: Sequence[Said]
    busy: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Something worth seeing in the journal.

    Attributes:
        growth: The text of an answer, drawn as a bar in the place of ``what``.
    """

    where: str
    what: Text
    growth: str | None = None


def told_text(where: str, text: str) -> Told:
    """Tell of what the bot says now: an answer as it grows, the line that stands for a command as it is."""
    return Told(where, Text(text)) if text.startswith(RUN_SIGN) else Told(where, Text(), growth=text)


def whispered(words: Words, name: str, text: str) -> Text:
    """Put into words what one person alone reads."""
    return Text(f"{words.only_you.format(name=name)}: ", style="dim").append(" ".join(text.split()), style="italic")


class Step(Protocol):
    """A text as people could read it from an instant on, unix seconds of the sandbox."""

    @property
    def at(self) -> float: ...

    @property
    def text(self) -> str: ...


class Side(Protocol):
    """One chat service. People are named as in ``town.PEOPLE``.

    Attributes:
        name: For people.
        service: In the journal.
        style: The colour it is told in.
    """

    name: str
    service: str
    style: str

    def is_connected(self) -> bool:
        """Tell whether the bridge would hear somebody now."""
        ...

    def mention(self, person: str, text: str) -> Spot:
        """Ask the bot in the channel."""
        ...

    def show(self, person: str, text: str, name: str, content: bytes) -> Spot:
        """Ask the bot in the channel, with a file."""
        ...

    def say(self, person: str, text: str, thread: Spot | None = None) -> Spot:
        """Say something without naming anybody, in the channel or in a thread."""
        ...

    def direct(self, person: str, text: str) -> Spot:
        """Write to the bot in private."""
        ...

    def post(self, person: str, text: str) -> Spot | None:
        """Write a post in the forum; ``None`` where there are no forums."""
        ...

    def commands(self) -> Sequence[str]:
        """Return the slash commands that one can type, as they are typed."""
        ...

    async def command(self, person: str, line: str, *, apart: bool = False) -> None:
        """Type a slash command in the channel: ``weather city=Paris``; return when it was taken.

        Args:
            apart: In another channel than the questions, where a channel takes no more than one message a second.

        Raises:
            ValueError: It cannot be typed like this here; the reason is for the person who types.
        """
        ...

    def form(self, person: str) -> Form | None:
        """Return the form that is open before somebody."""
        ...

    async def fill_in(self, person: str, values: Mapping[str, str]) -> None:
        """Fill in the open form, by the ids of its blanks, and send it.

        Raises:
            ValueError: There is none, or it cannot be sent like this.
        """
        ...

    async def press(self, person: str, spot: Spot, message_id: str, label: str) -> None:
        """Press a button below a message.

        Raises:
            ValueError: There is no such button.
        """
        ...

    def whispers(self, person: str) -> list[Said]:
        """Return what the bot has said to one person alone, in the channel or a thread of it."""
        ...

    def may_read(self, person: str, thread: Thread) -> bool:
        """Tell whether somebody sees a thread."""
        ...

    def answers(self, spot: Spot) -> list[Said]:
        """Return what the bot has said in that place since."""
        ...

    def steps(self, spot: Spot, message_id: str) -> Sequence[Step]:
        """Return how a message's text came about."""
        ...

    def threads(self) -> list[Thread]:
        """Return everything that was begun, in order."""
        ...

    def violations(self) -> list[Entry]:
        """Return what the emulator holds against the bridge."""
        ...

    def question_in(self, entry: Entry) -> str | None:
        """Return what somebody said, typed or filled in, without the mention; ``None`` for any other entry."""
        ...

    def tell(self, entry: Entry) -> Iterator[Told]:
        """Put an entry of this service into words, if it is worth it."""
        ...
