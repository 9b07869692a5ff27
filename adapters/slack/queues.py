"""New messages that wait until what was missed before them in the same channel has been handed over."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from bridge.errors import StoreError, StoreUnavailable
from bridge.model import Envelope
from bridge.ports import Clock, Intake

log = structlog.get_logger(__name__)

WAIT_S = 2.0
"""How long a new message waits for its channel to be read: Slack wants its acknowledgement within three seconds."""

WAITING_MAX = 200
"""More messages than this do not wait: they are not acknowledged, and Slack delivers them again."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A new message that waits, and what became of it."""

    envelope: Envelope
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: bool = False
    error: StoreError | None = None

    def settle(self, accepted: bool = False, error: StoreError | None = None) -> None:
        self.accepted, self.error = accepted, error
        self.settled.set()


@dataclass(slots=True, eq=False)
class _Queue:
    """What waits in one channel; ``moving``: what was missed, or the queue itself, is being handed over."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    moving: bool = False


class Queues:
    """The queues of one adapter instance: one for each channel whose new messages wait."""

    def __init__(self, intake: Intake, clock: Clock) -> None:
        self._intake = intake
        self._clock = clock
        self._queues: dict[str, _Queue] = {}

    def open(self, channel: str) -> None:
        """Let new messages of a channel wait from now on, until ``let_pass``, or until their patience ends."""
        self._queues.setdefault(channel, _Queue())

    def is_awaited(self, channel: str) -> bool:
        """Tell whether a message waits there."""
        queue = self._queues.get(channel)
        return queue is not None and bool(queue.waiting)

    async def accept(self, envelope: Envelope) -> bool:
        """Hand a new message on, when it is its turn; the rest is as in ``Intake.accept``."""
        channel = envelope.place.channel
        queue = self._queues.get(channel)
        if queue is None:
            return await self._intake.accept(envelope)
        if sum(len(other.waiting) for other in self._queues.values()) >= WAITING_MAX:
            raise StoreUnavailable("too many messages wait for what was missed before them")
        waiting = _Waiting(envelope)
        queue.waiting.append(waiting)
        if not await self._clock.wait(waiting.settled, WAIT_S):
            if not queue.moving:
                log.info("what was missed takes too long to read, newer messages go first")
                await self._let_pass(channel, queue)
            await waiting.settled.wait()
        if waiting.error is not None:
            raise waiting.error
        return waiting.accepted

    def withdraw(self, delivery_key: str) -> None:
        """Drop a question that its author deleted while it waits."""
        for queue in self._queues.values():
            for waiting in [w for w in queue.waiting if w.envelope.delivery_key == delivery_key]:
                queue.waiting.remove(waiting)
                waiting.settle()

    def hold(self, channel: str) -> bool:
        """Keep a queue as it is while what was missed is handed over; false where nothing needs to wait any more."""
        queue = self._queues.get(channel)
        if queue is None or queue.moving:  # somebody's patience has ended just now
            return False
        queue.moving = True
        return True

    async def let_go(self, channel: str, *, on: bool) -> None:
        """End ``hold``: hand on what waits and let the rest go straight, or let all of it wait further."""
        queue = self._queues[channel]
        if on:
            await self._let_pass(channel, queue)
        else:
            queue.moving = False

    async def let_all_pass(self) -> None:
        """Hand on whatever waits: there is no more time."""
        for channel, queue in [(channel, queue) for channel, queue in self._queues.items() if not queue.moving]:
            await self._let_pass(channel, queue)

    def give_up(self) -> None:
        """Tell whoever still waits that nothing was written down."""
        for queue in self._queues.values():
            _give_up(queue.waiting)

    async def _let_pass(self, channel: str, queue: _Queue) -> None:
        """Hand on what waits in a channel, in order, and let the rest go straight on from then on."""
        queue.moving = True
        waiting: _Waiting | None = None
        try:
            while queue.waiting:
                waiting = queue.waiting.popleft()
                try:
                    waiting.settle(await self._intake.accept(waiting.envelope))
                except StoreError as error:
                    waiting.settle(error=error)
        finally:
            _give_up([waiting, *queue.waiting])
            if self._queues.get(channel) is queue:
                del self._queues[channel]


def _give_up(left: Iterable[_Waiting | None]) -> None:
    for waiting in left:
        if waiting is not None and not waiting.settled.is_set():
            waiting.settle(error=StoreUnavailable("stopping"))
