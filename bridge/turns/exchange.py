"""What a turn has with the agent's service: a question and its answer, or a workflow's run.

``answering`` shows a draft and keeps the turn's states; an exchange fills the draft and knows what its end means.
"""

from dataclasses import dataclass
from typing import Protocol

from bridge.errors import AgentError
from bridge.model import Outcome, RunTicket, ToolTicket
from bridge.texts import Say

EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ends, and our sentence below the answer.

    Attributes:
        waits: It does not end but waits for somebody's answer, as written here.
    """

    outcome: Outcome
    footer: str = ""
    reason: str = ""
    waits: RunTicket | ToolTicket | None = None

    @property
    def can_be_retried(self) -> bool:
        """Nobody was answered, and nothing else takes the answer's place."""
        return self.outcome in (Outcome.FAILED, Outcome.STOPPED) or self.reason == EMPTY


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no good end: what the user reads, and the reason for operators."""

    said: Say
    reason: str


class Exchange(Protocol):
    """The agent's side of one turn. It never waits for a platform."""

    @property
    def timeout_s(self) -> float:
        """The longest ``run`` may take."""
        ...

    async def refuses(self) -> Ending | None:
        """Return how a turn ends in which there is nothing to ask."""
        ...

    async def run(self) -> None:
        """Ask, and listen to the end; a turn that was cut in between goes on from its state.

        Raises:
            AgentError: The agent failed; the draft holds what it said before.
            Stopped: Somebody stopped the turn.
            StoreError: An intent could not be written down; nothing was asked.
        """
        ...

    async def call_off(self, *, patience_s: float = 0.0) -> None:
        """Cancel what runs at the service, as far as that can be done; what does not work is only logged."""
        ...

    async def ending(self) -> Ending | Fault:
        """Return what the end of ``run`` means."""
        ...

    def explain(self, error: AgentError | None) -> Fault:
        """Return what a failure of ``run`` means; ``None``: it took longer than ``timeout_s``."""
        ...

    def stopped(self, outcome: Outcome) -> Say:
        """Return what the user reads when somebody did not want the rest."""
        ...
