"""What the demo needs of a chat service: to act there as somebody, and to read what is seen. The same for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from sandbox.journal import Entry


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
    """

    id: str
    order: float
    author: str
    text: str
    of_bot: bool
    small_print: str = ""
    reactions: tuple[str, ...] = ()


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
        """Return what somebody said, without the mention; ``None`` if the entry is not about that."""
        ...

    def tell(self, entry: Entry) -> Iterator[Told]:
        """Put an entry of this service into words, if it is worth it."""
        ...
