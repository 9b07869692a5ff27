"""What the suite for stores needs from whoever makes one, and what its tests share; part of ``store_contract``."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.model import ConversationKey, Lease, Outcome, TurnRecord, TurnState
from bridge.ports import Store
from bridge.testing.clock import FakeClock
from bridge.testing.samples import make_turn

LANE = ConversationKey("here:T1:C1:1")
ACCEPTED = frozenset({TurnState.ACCEPTED})
ENDED = frozenset({TurnState.ENDED})
ANY = frozenset(TurnState)
TTL_S = 30.0
DEADLINE_S = 10.0
ENDING: dict[str, Any] = {"state": TurnState.ENDED, "outcome": Outcome.DELIVERED, "answer": "Good morning!"}


@dataclass(frozen=True)
class StoreHarness:
    """One set of data and the time its stores live by.

    Attributes:
        make: Returns a store on these data, not yet opened; called again after the one before was closed.
        durable: What was stored is there again in the next store that ``make`` returns.
    """

    clock: FakeClock
    make: Callable[[], Store]
    durable: bool


async def begin(store: Store, message: str = "1") -> tuple[TurnRecord, Lease]:
    """Create a turn and hold its lane."""
    turn = make_turn(message, lane=LANE)
    assert await store.create_turn(turn)
    return turn, await hold(store)


async def hold(store: Store, lane: ConversationKey = LANE, *, holder: str = "one") -> Lease:
    """Take a lane that is free."""
    lease = await store.acquire(lane, holder, TTL_S)
    assert lease is not None
    return lease


async def together(calls: list[Any]) -> list[Any]:
    """Make calls at the same time and return what they returned."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(call) for call in calls]
    return [task.result() for task in running]
