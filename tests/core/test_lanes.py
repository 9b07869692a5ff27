"""Lanes: order, bounds, the firebreak, leases and draining."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.errors import LeaseLost, StoreUnavailable
from bridge.keys import turn_id
from bridge.model import ConversationKey, Lease, Outcome, TurnRecord
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import envelope
from bridge.turns.lanes import LEASE_TTL_S, HeldLease, Lanes


@dataclass
class Worker:
    """Notes what it is given; fails or waits where a test says so."""

    ran: list[str] = field(default_factory=list)
    closed: list[tuple[str, Outcome]] = field(default_factory=list)
    apologies: list[str] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    failing: frozenset[str] = frozenset()
    gate: asyncio.Event | None = None

    async def run(self, turn: TurnRecord, lease: HeldLease) -> None:
        if turn.stopping is not None:
            self.closed.append((turn.envelope.text, turn.stopping))
            return
        self.ran.append(turn.envelope.text)
        self.tokens.append(lease.now.token)
        if turn.envelope.text in self.failing:
            raise RuntimeError(turn.envelope.text)
        if self.gate is not None:
            await self.gate.wait()

    async def apologise(self, turn: TurnRecord, lease: HeldLease, error: Exception) -> None:
        self.apologies.append(turn.envelope.text)


class ShakyStore(MemoryStore):
    """A memory store whose leases fail on demand."""

    acquire_errors = 0
    renew_lost = False

    async def acquire(self, lane: ConversationKey, holder: str, ttl_s: float) -> Lease | None:
        if self.acquire_errors:
            self.acquire_errors -= 1
            raise StoreUnavailable("disk full")
        return await super().acquire(lane, holder, ttl_s)

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        if self.renew_lost:
            raise LeaseLost("taken")
        return await super().renew(lease, ttl_s)


@dataclass
class Scene:
    """Lanes with everything round them."""

    lanes: Lanes
    worker: Worker
    clock: FakeClock
    store: ShakyStore

    def put(self, text: str, key: str = "lane") -> None:
        """Queue one turn."""
        self.lanes.reserve(ConversationKey(key)).fill(turn(text, key))


def turn(text: str, key: str = "lane") -> TurnRecord:
    """A turn that was just accepted."""
    return TurnRecord(turn_id(text), ConversationKey(key), envelope(text), created_at_s=0.0)


@asynccontextmanager
async def scene(worker: Worker | None = None) -> AsyncIterator[Scene]:
    """Lanes on a memory store and a standing clock; drained at the end."""
    clock, worker = FakeClock(), worker or Worker()
    async with ShakyStore(clock) as store, asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks, store, clock, holder="test", max_waiting=5)
        lanes.employ(worker)
        yield Scene(lanes, worker, clock, store)  # type: ignore[arg-type] # __aenter__ returns the base class
        await lanes.drain(0.0)


async def test_the_place_is_taken_when_it_is_reserved() -> None:
    """A ticket that is filled later still comes first; a dropped one holds nobody up."""
    async with scene() as at:
        first, dropped, third = (at.lanes.reserve(ConversationKey("lane")) for _ in range(3))
        third.fill(turn("third"))
        await at.clock.settle()
        assert at.worker.ran == []
        dropped.drop()
        first.fill(turn("first"))
        await at.clock.settle()
        assert at.worker.ran == ["first", "third"]


async def test_one_turns_fault_stays_its_own() -> None:
    """An error is told to its author and reported; the next turn and other lanes go on."""
    async with scene(Worker(failing=frozenset({"bad"}))) as at:
        for text, key in (("bad", "lane"), ("good", "lane"), ("other", "elsewhere")):
            at.put(text, key)
        await at.clock.settle()
        assert sorted(at.worker.ran) == ["bad", "good", "other"]
        assert at.worker.apologies == ["bad"]


async def test_a_store_that_is_down_delays_a_lane() -> None:
    """The lease cannot be written: the turn waits and runs when the store answers again."""
    async with scene() as at:
        at.store.acquire_errors = 3
        at.put("patient")
        await at.clock.settle()
        assert at.worker.ran == []
        await at.clock.run(5.0)
        assert at.worker.ran == ["patient"]


async def test_a_lane_keeps_its_lease_while_it_works() -> None:
    """Renewed long before it expires, given back at the end; the next owner gets a larger token."""
    gate = asyncio.Event()
    async with scene(Worker(gate=gate)) as at:
        at.put("long")
        await at.clock.run(LEASE_TTL_S * 3)
        assert await at.store.acquire(ConversationKey("lane"), "somebody else", 1.0) is None
        gate.set()
        await at.clock.settle()
        lease = await at.store.acquire(ConversationKey("lane"), "somebody else", 1.0)
        assert lease is not None
        assert lease.token > at.worker.tokens[0]


async def test_losing_the_lease_ends_the_work_at_once() -> None:
    """Somebody else owns the lane: the running turn is cut, without an apology."""
    async with scene(Worker(gate=asyncio.Event())) as at:
        at.put("cut")
        await at.clock.settle()
        at.store.renew_lost = True
        await at.clock.run(LEASE_TTL_S)
        assert at.worker.apologies == []
        assert not at.lanes.is_active(ConversationKey("lane"))


async def test_a_withdrawn_turn_is_closed_not_run() -> None:
    """What is taken out of the queue ends in its turn's place."""
    gate = asyncio.Event()
    async with scene(Worker(gate=gate)) as at:
        for text in ("running", "withdrawn"):
            at.put(text)
            await at.clock.settle()
        assert await at.lanes.withdraw(turn_id("withdrawn"), Outcome.STOPPED)
        assert not await at.lanes.withdraw(turn_id("withdrawn"), Outcome.STOPPED)
        assert not await at.lanes.withdraw(turn_id("running"), Outcome.STOPPED)
        gate.set()
        await at.clock.settle()
        assert (at.worker.ran, at.worker.closed) == (["running"], [("withdrawn", Outcome.STOPPED)])


async def test_draining_lets_what_runs_finish_and_leaves_what_waits() -> None:
    """A running turn that ends in time is not cut; one that does not, is; waiting ones are not begun."""
    gate = asyncio.Event()
    async with scene(Worker(gate=gate)) as at:
        for text in ("running", "waiting"):
            at.put(text)
            await at.clock.settle()
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(at.lanes.drain(30.0))
            await at.clock.settle()
            gate.set()
        assert draining.result() == 0
        assert at.worker.ran == ["running"]
    async with scene(Worker(gate=asyncio.Event())) as at:
        at.put("endless")
        await at.clock.settle()
        assert await at.lanes.drain(0.01) == 1


async def test_lanes_vanish_when_they_are_empty() -> None:
    """Ten thousand conversations leave nothing behind."""
    async with scene() as at:
        for number in range(100):
            at.put(str(number), f"lane {number}")
            at.lanes.reserve(ConversationKey(f"dropped {number}")).drop()
        await at.clock.settle(200)
        assert len(at.worker.ran) == 100
        assert not at.lanes._lanes
