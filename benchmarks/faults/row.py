"""One row of the table: a fault, what people do meanwhile, and what came of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.faults.stand import Stand

Arrange = Callable[["Stand"], Awaitable[None] | None]


IDLE_S = REQUEST_S = 2.0
REBUILD_S = 3.0
"""The patience of the settings, shortened so that a row takes seconds: with the silence of an answer, with one request,
with a lost connection."""
PATIENCE_S = IDLE_S + 2 * REQUEST_S + REBUILD_S + 1.0
"""An answer's silence, a request and its repetition, a new connection, and the pauses between."""


class Scene(StrEnum):
    """What people do. Every scene ends with one more question, to see that everything goes on."""

    PLAIN = "plain"
    """The fault is planned, then somebody asks."""
    STARTING = "starting"
    """The fault is planned before the bridge starts."""
    RUNNING = "running"
    """It happens when the first words of an answer are there."""
    STOPPING = "stopping"
    """Somebody asks, and says stop when the first words are there."""
    WAITING = "waiting"
    """Two questions in one conversation, the second while the first is answered."""
    DIRECT = "direct"
    """Asked in private."""
    AWAY = "away"
    """The connection is lost while an answer runs; somebody asks meanwhile, and nothing is delivered later."""
    LOST_POST = "lost post"
    """The response to the answer's first message gets lost, so that it is looked for."""
    LOST_QUESTION = "lost question"
    """The response to the question gets lost, so that it is looked for."""
    BROKEN_STREAM = "broken stream"
    """The answer's stream breaks, so that the rest is fetched."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        emulator: Whose fault it is: ``coze``, ``slack``, ``discord``.
        kind: Of what sort: ``fault``, ``delivery``, ``gateway``, ``socket`` or ``switch``.
        name: The call, event or switch it concerns.
        fault: The fault's kind, the action, or the switch's value.
        arrange: Makes it happen, at the moment the scene says.
        is_final: The service says that it will not have the bridge any more: nobody hears further questions.
        needs_hit: The journal must show that it happened.
        patience_s: No silence may be longer.
    """

    emulator: str
    kind: str
    name: str
    fault: str
    asked_on: str
    arrange: Arrange
    scene: Scene = Scene.PLAIN
    args: Mapping[str, Any] = field(default_factory=dict)
    is_final: bool = False
    needs_hit: bool = True
    patience_s: float = PATIENCE_S

    @property
    def title(self) -> str:
        """How the table calls it."""
        details = ", ".join(f"{name}={value}" for name, value in self.args.items())
        scene = "" if self.scene in (Scene.PLAIN, Scene.RUNNING, Scene.STARTING) else f" [{self.scene}]"
        return f"{self.name}: {self.fault}{f' ({details})' if details else ''}{scene}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it.

    Attributes:
        seen: In words, what the person saw.
        lost: Neither a whole answer nor a sentence that tells why; or nothing more is answered afterwards.
        doubled: Something was shown twice without being marked, or asked twice.
        silent_s: The longest time without any change or sign of life, until the end.
        hit: The fault really happened.
        calls: What the bridge called, so that no call is forgotten in the table: ``service name``.
    """

    seen: str
    lost: bool
    doubled: bool
    silent_s: float
    hit: bool = True
    calls: tuple[str, ...] = ()
