"""One bounded, ordered queue per conversation: a lane runs one turn at a time, different lanes side by side.

A place in a lane is taken by ``reserve``, which never awaits, so that messages keep the order in which they arrived
while each is being written down; the ticket is then filled with its turn, or dropped. A lane exists while it has
tickets; its worker owns the store's lease for it and renews it.

This module is one of the two firebreaks: an error that escapes a turn or an errand is reported and ends there.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import structlog

from bridge.errors import LeaseLost, StateConflict, StoreUnavailable
from bridge.model import ConversationKey, Lease, Outcome, TurnId, TurnRecord, TurnState
from bridge.ports import Clock, Store

T = TypeVar("T")

log = structlog.get_logger(__name__)

LEASE_TTL_S = 30.0
LEASE_RETRY_S = 1.0
MAX_ERRANDS = 200
UNENDED = frozenset(TurnState) - {TurnState.ENDED}


class LaneFull(Exception):
    """So many questions wait in this lane already that another one would wait too long."""


@dataclass(slots=True)
class HeldLease:
    """The lease of a lane as it now is; renewed behind the turn's back."""

    now: Lease


class Work(Protocol):
    """What lanes do with turns."""

    async def run(self, turn: TurnRecord, lease: HeldLease) -> None:
        """Take a turn to its end; one that was withdrawn says so by ``stopping``."""
        ...

    async def apologise(self, turn: TurnRecord, lease: HeldLease, error: Exception) -> None:
        """End a turn whose ``run`` raised something unforeseen."""
        ...


class Ticket:
    """A place in a lane; undecided until it is filled or dropped. ``withdrawn`` says how it ends without running."""

    def __init__(self, lane: "_Lane") -> None:
        self.lane = lane
        self.decided = asyncio.Event()
        self.turn: TurnRecord | None = None
        self.withdrawn: Outcome | None = None

    @property
    def waits(self) -> bool:
        """A turn that will run."""
        return self.turn is not None and self.withdrawn is None

    @property
    def position(self) -> int:
        """How many turns come before this one, the running one included."""
        return self.lane.position(self)

    def fill(self, turn: TurnRecord) -> None:
        """Hand over the turn, which is written down by now."""
        self.turn, self.withdrawn = turn, turn.stopping
        self.decided.set()
        self.lane.wake()

    def drop(self) -> None:
        """Give the place up: a repeat, or refused. Nothing happens when it was filled."""
        if not self.decided.is_set():
            self.decided.set()
            self.lane.forget(self)


@dataclass(slots=True)
class _Lane:
    key: ConversationKey
    wake: Callable[[], None]
    urgent: bool = False
    tickets: deque[Ticket] = field(default_factory=deque)
    running: TurnRecord | None = None
    at_work: bool = False
    held: HeldLease | None = None
    owned: asyncio.Event = field(default_factory=asyncio.Event)

    def position(self, ticket: Ticket) -> int:
        ahead = 1 if self.running else 0
        for other in self.tickets:
            if other is ticket:
                break
            ahead += not other.decided.is_set() or other.waits
        return ahead

    def forget(self, ticket: Ticket) -> None:
        if ticket in self.tickets:
            self.tickets.remove(ticket)
        self.wake()


def _named(turn: TurnRecord) -> dict[str, str]:
    """Return what a log line about a turn carries."""
    return {"turn": turn.turn_id, "conversation": turn.key, "platform": turn.envelope.place.instance}


class Lanes:
    """All lanes of this process."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        store: Store,
        clock: Clock,
        *,
        holder: str,
        max_waiting: int,
    ) -> None:
        self._tasks = tasks
        self._work: Work | None = None
        self._store = store
        self._clock = clock
        self._holder = holder
        self._max_waiting = max_waiting
        self._lanes: dict[ConversationKey, _Lane] = {}
        self._at_work: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()
        self.is_resting = False

    def employ(self, work: Work) -> None:
        """Name who runs the turns; once, before the first ticket is filled."""
        self._work = work

    def reserve(self, key: ConversationKey, *, bounded: bool = True, urgent: bool = False) -> Ticket:
        """Take the next place in a lane; never awaits. An ``urgent`` lane works also while the others rest.

        Raises:
            LaneFull: ``max_waiting`` tickets wait behind a running turn already (not raised for turns that were
                accepted before a restart).
        """
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(key, wake=lambda: self._wake(key), urgent=urgent)
        places = self._max_waiting + (lane.running is None)  # the first one will not wait
        if bounded and len(lane.tickets) >= places:
            raise LaneFull(key)
        ticket = Ticket(lane)
        lane.tickets.append(ticket)
        return ticket

    @property
    def active(self) -> int:
        """How many lanes have something to do."""
        return len(self._lanes)

    def is_active(self, key: ConversationKey) -> bool:
        """Tell whether a turn of this lane runs or waits."""
        lane = self._lanes.get(key)
        return lane is not None and (lane.running is not None or any(ticket.turn for ticket in lane.tickets))

    def waiting(self) -> list[TurnRecord]:
        """Return the turns that wait, of all lanes."""
        tickets = (ticket for lane in self._lanes.values() for ticket in lane.tickets)
        return [ticket.turn for ticket in tickets if ticket.turn is not None and ticket.waits]

    def running(self, key: ConversationKey) -> TurnRecord | None:
        """Return the turn that runs in a lane, as it was when it began, or ``None``."""
        lane = self._lanes.get(key)
        return lane.running if lane else None

    def followers(self, turn: TurnRecord) -> list[TurnRecord]:
        """Return what the author of a turn has waiting in the same lane, in order."""
        lane = self._lanes.get(turn.key)
        waiting = [ticket.turn for ticket in lane.tickets if ticket.turn and ticket.waits] if lane else []
        return [other for other in waiting if other.envelope.author.id == turn.envelope.author.id]

    def find(self, turn_id: TurnId) -> TurnRecord | None:
        """Return a turn that waits, or ``None``."""
        return next((turn for turn in self.waiting() if turn.turn_id == turn_id), None)

    async def withdraw(self, turn_id: TurnId, outcome: Outcome) -> bool:
        """Let a waiting turn end without running; false if it does not wait any more.

        From the call on it does not run; when this returns that is durable, if the store answers. Its lane closes it.
        """
        for lane in self._lanes.values():
            for ticket in lane.tickets:
                if ticket.turn is not None and ticket.turn.turn_id == turn_id and ticket.waits:
                    ticket.withdrawn = outcome
                    await self._write_withdrawal(lane, turn_id, outcome)
                    return True
        return False

    async def _write_withdrawal(self, lane: _Lane, turn_id: TurnId, outcome: Outcome) -> None:
        try:
            async with self._holding(lane) as held:
                await self._store.advance(turn_id, UNENDED, {"stopping": outcome}, held.now)
        except StateConflict:
            return  # closed meanwhile
        except StoreUnavailable as error:
            log.error("withdrawal not written down, going on", turn=turn_id, reason=error.reason)

    @asynccontextmanager
    async def _holding(self, lane: _Lane) -> AsyncIterator[HeldLease]:
        """Write in a lane beside its worker, or, in a lane that rests, alone."""
        if lane.at_work:
            await self._clock.wait(lane.owned, LEASE_RETRY_S)
            if lane.held is None:
                raise StoreUnavailable("the lane has no lease yet")
            yield lane.held
            return
        lease = await self._store.acquire(lane.key, self._holder, LEASE_TTL_S)
        if lease is None:
            raise StoreUnavailable("another process has the lane")
        try:
            yield HeldLease(lease)
        finally:
            await self._store.release(lease)

    def errand(self, errand: Coroutine[Any, Any, None], what: str) -> None:
        """Run something short beside the lanes (a reaction, a notice); too many at once are dropped and logged."""
        if len(self._errands) >= MAX_ERRANDS:
            log.warning("errand dropped", what=what)
            errand.close()
            return
        task = self._tasks.create_task(self._guard(errand, what))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def beside(self, work: Coroutine[Any, Any, T]) -> "asyncio.Future[T]":
        """Run something that shall come to its end whoever stops waiting for it; the future tells how it ended."""
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        result.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask

        async def settle() -> None:
            try:
                value = await work
            except Exception as error:
                if not result.done():
                    result.set_exception(error)
            else:
                if not result.done():
                    result.set_result(value)

        task = self._tasks.create_task(settle())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        task.add_done_callback(lambda _: (result.cancel(), work.close()))
        return result

    def rest(self) -> None:
        """Begin no more questions: what comes from now on is written down and waits for the next start.

        What runs goes on, and commands are still obeyed.
        """
        self.is_resting = True

    async def drain(self, deadline_s: float) -> int:
        """Let running turns finish for at most ``deadline_s``, then cancel them; returns how many were cut.

        Waiting turns stay where they are written down: the next start takes them up.
        """
        self.rest()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while (pending := self._at_work | self._errands) and (left_s := deadline - loop.time()) > 0:
            await asyncio.wait(pending, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
        return len(pending)

    def _wake(self, key: ConversationKey) -> None:
        lane = self._lanes.get(key)
        if lane is None or lane.at_work:
            return
        if self.is_resting and not lane.urgent:
            return
        if not lane.tickets:
            del self._lanes[key]
        elif any(ticket.turn for ticket in lane.tickets):
            lane.at_work = True
            task = self._tasks.create_task(self._guard(self._serve(lane), "lane"))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
            task.add_done_callback(lambda _: self._rest(lane))

    def _rest(self, lane: _Lane) -> None:
        lane.at_work, lane.running, lane.held = False, None, None
        lane.owned.clear()
        self._wake(lane.key)

    async def _serve(self, lane: _Lane) -> None:
        held = lane.held = HeldLease(await self._acquire(lane.key))
        lane.owned.set()
        async with asyncio.TaskGroup() as tasks:
            renewal = tasks.create_task(self._renew(held))
            try:
                while lane.tickets and (lane.urgent or not self.is_resting):
                    await self._serve_next(lane, held)
            finally:
                renewal.cancel()
        await self._store.release(held.now)

    async def _serve_next(self, lane: _Lane, held: HeldLease) -> None:
        ticket = lane.tickets[0]
        await ticket.decided.wait()  # bounded: whoever reserves decides within the store's time limit
        if not lane.tickets or lane.tickets[0] is not ticket:
            return
        lane.tickets.popleft()
        if ticket.turn is None:
            return
        lane.running = ticket.turn if ticket.waits else None
        try:
            await self._guard(self._attend(ticket, ticket.turn, held), "turn", **_named(ticket.turn))
        finally:
            lane.running = None

    async def _attend(self, ticket: Ticket, turn: TurnRecord, held: HeldLease) -> None:
        if self._work is None:
            raise RuntimeError("lanes without work: call employ() first")
        try:
            await self._work.run(turn if ticket.waits else replace(turn, stopping=ticket.withdrawn), held)
        except* LeaseLost:
            raise
        except* Exception as group:  # told to its author here, reported by the guard
            await self._work.apologise(turn, held, group)
            raise

    async def _acquire(self, key: ConversationKey) -> Lease:
        while True:
            with suppress(StoreUnavailable):  # the turn is written down; it waits until the store answers again
                lease = await self._store.acquire(key, self._holder, LEASE_TTL_S)
                if lease is not None:
                    return lease
            await self._clock.sleep(LEASE_RETRY_S)

    async def _renew(self, held: HeldLease) -> None:
        while True:
            await self._clock.sleep(LEASE_TTL_S / 3)
            with suppress(StoreUnavailable):  # two more tries before the lease expires
                held.now = await self._store.renew(held.now, LEASE_TTL_S)

    async def _guard(self, work: Awaitable[None], what: str, **context: str) -> None:
        try:
            await work
        except* LeaseLost:
            log.warning("lane lost to another process", what=what, **context)
        except* Exception:  # the firebreak: one turn's fault stays its own
            log.exception("unexpected error", what=what, **context)
