"""What is written down of one turn while it runs: its states in order, and the ids of its messages."""

from dataclasses import replace
from typing import Any

import structlog

from bridge.errors import StoreUnavailable
from bridge.lanes import HeldLease
from bridge.model import PostedPart, TurnRecord, TurnState
from bridge.ports import Store

log = structlog.get_logger(__name__)

UNENDED = frozenset(TurnState) - {TurnState.ENDED}


class Ledger:
    """One turn's record. ``advance`` belongs to the turn's main flow, ``posted`` may run beside it."""

    def __init__(self, store: Store, record: TurnRecord, lease: HeldLease) -> None:
        self._store = store
        self._lease = lease
        self._parts = {part.index: part for part in record.parts}
        self.record = record

    @property
    def state(self) -> TurnState:
        """Where the turn stands."""
        return self.record.state

    async def advance(self, state: TurnState, **changes: Any) -> None:
        """Write the next state down.

        Raises:
            StoreUnavailable: The intent is not durable; do not act on it.
            LeaseLost, StateConflict: Somebody else works on this turn.
        """
        from_states = frozenset({self.state})
        changed = {"state": state, **changes}
        self.record = await self._store.advance(self.record.turn_id, from_states, changed, self._lease.now)

    async def advance_if_possible(self, state: TurnState, **changes: Any) -> None:
        """Like ``advance``, but a store that fails now must not cost the user an answer that is on its way."""
        try:
            await self.advance(state, **changes)
        except StoreUnavailable as error:
            log.error("turn not written down, going on", state=state, reason=error.reason)
            self.record = replace(self.record, state=state, **changes)

    async def posted(self, part: PostedPart) -> None:
        """Write down a message id; touches no state."""
        self._parts[part.index] = part
        parts = tuple(self._parts[index] for index in sorted(self._parts))
        try:
            await self._store.advance(self.record.turn_id, UNENDED, {"parts": parts}, self._lease.now)
        except StoreUnavailable as error:
            log.error("message id not written down, going on", reason=error.reason)
