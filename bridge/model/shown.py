"""What is shown on a platform, and what a platform can do."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bridge.model.names import TurnId


@dataclass(frozen=True, slots=True)
class PartRules:
    """How much fits into one message: ``measure(shown text) <= limit``, counted as the platform counts.

    Attributes:
        amounts: Where measuring costs more than counting characters: numbers whose largest is the measure and that add
            up, so that a growing text need not be measured from its beginning at every look. For texts a and b, where
            a ends with a whole line behind which no block is open, ``amounts(a + b)`` are those of a plus those of b.
    """

    limit: int
    measure: Callable[[str], int] = len
    amounts: Callable[[str], tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One message's worth of the answer.

    Attributes:
        index: From 0.
        body: An exact slice of the answer; all bodies put together are the answer.
        text: The body as it is shown: an open fence closed at its end and reopened at the next part's beginning.
    """

    index: int
    body: str
    text: str


class ControlKind(StrEnum):
    """What a person can make the bridge do by pressing something below an answer."""

    STOP = "stop"
    """While the answer runs: stop it."""
    RETRY = "retry"
    """When it failed: ask the same again."""
    FOLLOW_UP = "follow_up"
    """Ask one of the questions the agent suggests; ``choice`` says which."""
    REGENERATE = "regenerate"
    """Ask the same again; the new answer takes the old one's place."""
    GOOD = "good"
    """Tell the agent's service that the answer was good; whoever thinks again presses the other."""
    BAD = "bad"
    ANSWER = "answer"
    """Answer what is asked; ``choice`` says with which of the choices, without any it opens a form."""

    @property
    def is_good_once(self) -> bool:
        """Pressed and obeyed it is over and can be taken away; others stay until their message changes."""
        return self in (ControlKind.RETRY, ControlKind.FOLLOW_UP, ControlKind.ANSWER)

    @property
    def ends_its_kind(self) -> bool:
        """With it, all of its kind below the same message are over."""
        return self is ControlKind.ANSWER


@dataclass(frozen=True, slots=True)
class Control:
    """Something to press below a message; a press comes back as ``Press`` with the same kind, turn and choice.

    Attributes:
        label: As people read it, in their language; one that is too long for the platform is cut there.
        choice: Tells those of one kind and turn from each other, from 0.
    """

    kind: ControlKind
    turn_id: TurnId
    label: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """What one message shall show now.

    Attributes:
        text: Markdown of the agent, still untrusted; the adapter makes it harmless.
        footer: A sentence of ours below it (interrupted, failed); empty for none. Not part of the answer.
        live: More text will follow.
        controls: What can be pressed below it; ignored where ``Capabilities.controls`` is false.
    """

    text: str
    footer: str = ""
    live: bool = False
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """A named, shared allowance of a platform: at most ``limit`` calls within ``window_s``.

    Attributes:
        name: Begins with the instance; budgets of one name are one, and the newest declaration holds.
        burst: How many calls at once are safe where the service may refill steadily instead of counting a window;
            0 where it surely counts windows.
        bold: More than ``burst`` is tried until the service has refused it once: nobody sees such a refusal.
    """

    name: str
    limit: int
    window_s: float
    burst: int = 0
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way to show a part of an answer, and the allowances its calls draw on.

    Attributes:
        post: For beginning a part.
        edit: For each later change.
        end: For the one call that ends a part begun this way; without any there is no such call.
        only_grows: What is shown cannot be taken back, only added to, until the part has ended.
        lasts_s: How long a part can grow this way; ``None``: for as long as it wants.
    """

    post: tuple[Budget, ...] = ()
    edit: tuple[Budget, ...] = ()
    end: tuple[Budget, ...] = ()
    only_grows: bool = False
    lasts_s: float | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, for the core to decide with.

    Attributes:
        edit_interval_s: The shortest sensible time between two edits of one message.
        controls: Messages can carry something to press.
        delivers_again: A message that was not acknowledged comes again by itself, for as long as it takes. Commands,
            presses and forms never do.
        status_refresh_s: How often the sign of life must be renewed; ``None`` when it stays by itself.
    """

    edits: bool = True
    edit_interval_s: float = 1.0
    status_refresh_s: float | None = None
    controls: bool = False
    delivers_again: bool = False
