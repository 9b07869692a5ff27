"""What is written down of one turn while it runs: its states in order, and the ids of its messages.

A store that fails for a while is waited for where the next request must not be made without the intent (``advance``);
where an answer is on its way already it must not cost the user that answer (``advance_if_possible``): what could not be
written is owed, and written with the next step that can be.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from bridge.errors import StateConflict, StoreUnavailable
from bridge.model import Outcome, PostedPart, TurnId, TurnRecord, TurnState
from bridge.ports import Clock, Store
from bridge.turns.lanes import UNENDED, HeldLease

log = structlog.get_logger(__name__)

STORE_PATIENCE_S = 120.0
"""So long a turn waits for a store that writes nothing, a full disk for example."""
STORE_RETRY_S = 2.0
TELL_EVERY_S = 60.0


async def insist(
    clock: Clock, write: Callable[[], Awaitable[None]], *, what: str, patience_s: float = STORE_PATIENCE_S
) -> None:
    """Write until it is written; a store that is down is waited for.

    Raises:
        StoreUnavailable: It still is, after ``patience_s``.
    """
    since = told_at = clock.now()
    while True:
        try:
            await write()
            return
        except StoreUnavailable as error:
            now = clock.now()
            if now - since >= patience_s:
                raise
            if now == since or now - told_at >= TELL_EVERY_S:
                told_at = now
                log.warning("not written down, trying again", what=what, reason=error.reason)
            await clock.sleep(STORE_RETRY_S)


class Ledger:
    """One turn's record. ``advance`` belongs to the turn's main flow; ``posted`` and ``stop`` may run beside it."""

    def __init__(self, store: Store, clock: Clock, record: TurnRecord, lease: HeldLease) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease
        self._parts = {part.index: part for part in record.parts}
        self._states = {record.state}  # what the store may hold
        self._owed: dict[str, Any] = {}
        self.record = record

    @property
    def state(self) -> TurnState:
        """Where the turn stands."""
        return self.record.state

    @property
    def parts(self) -> tuple[PostedPart, ...]:
        """The messages that were posted, in order."""
        return tuple(self._parts[index] for index in sorted(self._parts))

    async def advance(self, state: TurnState, **changes: Any) -> None:
        """Write the next state down; a store that is down is waited for.

        Raises:
            StoreUnavailable: The intent is not durable; do not act on it.
            LeaseLost, StateConflict: Somebody else works on this turn.
        """
        await self._insist(state, changes, STORE_PATIENCE_S)

    async def finish(self, state: TurnState, **changes: Any) -> None:
        """Write down that nothing is left to do; a store that is down is waited for as long as the process lives.

        Until then its lane takes no other turn, as it could not have the lease for it either.

        Raises:
            LeaseLost, StateConflict: Somebody else works on this turn.
        """
        await self._insist(state, changes, math.inf)

    async def _insist(self, state: TurnState, changes: dict[str, Any], patience_s: float) -> None:
        await insist(self._clock, lambda: self._advance(state, changes), what=state, patience_s=patience_s)

    async def advance_if_possible(self, state: TurnState, **changes: Any) -> None:
        """Like ``advance``, but goes on at once when the store fails."""
        try:
            await self._advance(state, changes)
        except StoreUnavailable as error:
            log.error("turn not written down, going on", state=state, reason=error.reason)
            self._owed |= {"state": state, **changes}
            self.record = replace(self.record, state=state, **changes)

    async def posted(self, part: PostedPart) -> None:
        """Write down a message id; touches no state."""
        self._parts[part.index] = part
        await self._note("parts", self.parts)

    async def stop(self, outcome: Outcome) -> bool:
        """Write down how the turn shall end; false when it has ended already. Touches no state."""
        try:
            await self._note("stopping", outcome)
        except StateConflict:
            return False
        return True

    async def close(self, turn_id: TurnId, outcome: Outcome) -> None:
        """End another turn of the same lane that waits; one that does not wait any more stays as it is."""
        changes = {"state": TurnState.ENDED, "outcome": outcome}
        try:
            await self._store.advance(turn_id, frozenset({TurnState.WAITING}), changes, self._lease.now)
        except StateConflict:
            log.info("the turn does not wait any more", closing=turn_id)
        except StoreUnavailable as error:
            log.error("waiting turn not closed", closing=turn_id, reason=error.reason)

    async def _advance(self, state: TurnState, changes: dict[str, Any]) -> None:
        owed = {**self._owed, **changes, "state": state}
        from_states = frozenset(self._states)
        self._states.add(state)  # who knows, when it fails
        self.record = await self._store.advance(self.record.turn_id, from_states, owed, self._lease.now)
        self._states = {state}
        self._owed = {name: value for name, value in self._owed.items() if owed[name] is not value}

    async def _note(self, name: str, value: object) -> None:
        try:
            await self._store.advance(self.record.turn_id, UNENDED, {name: value}, self._lease.now)
        except StoreUnavailable as error:
            log.error("not written down, going on", what=name, reason=error.reason)
            self._owed[name] = value
        else:
            self._owed.pop(name, None)
