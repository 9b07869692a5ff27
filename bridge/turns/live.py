"""A running turn, as those see it who want to stop it or know why it waits."""

import asyncio
from collections.abc import Callable

from bridge.model import Outcome, TurnRecord
from bridge.turns.ledger import Ledger


class Stopped(Exception):
    """Somebody stopped the turn; raised and caught inside it."""


class LiveTurn:
    """The handle of one running turn.

    Attributes:
        queued: Called when the question waits at the agent, with how many wait before it.
        is_over: The agent's part has ended.
        stopping: How somebody wants it to end before its end; ``stop_wanted`` is set with it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.is_over = False
        self.queued: Callable[[int], None] = lambda _: None
        self.stop_wanted = asyncio.Event()
        self.stopping: Outcome | None = None

    @property
    def record(self) -> TurnRecord:
        """The turn as it now is."""
        return self._ledger.record

    async def stop(self, outcome: Outcome) -> bool:
        """Let the turn end now; durable when this returns, and carried out behind it. Repeat freely.

        Returns false when there is nothing left to stop: the agent has said all, or the turn has ended.
        """
        if self.is_over or not await self._ledger.stop(outcome) or self.is_over:
            return False
        self.stopping = self.stopping or outcome
        self.stop_wanted.set()
        return True

    def over(self) -> None:
        """Know that the agent's part has ended."""
        self.is_over = True

    def check(self) -> None:
        """Raise ``Stopped`` if the turn was stopped."""
        if self.stopping is not None:
            raise Stopped
