"""A clock that stands still until a test moves it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

START_WALL_S = 1_760_000_000.0
"""October 2025: a plausible unix time, so that dates in records look like dates."""


class FakeClock:
    """The ``Clock`` port with time in the test's hands: nothing passes until ``advance`` or ``run``.

    ``now`` begins at 0, ``wall`` at ``start_wall_s``; both move together. Made for one event loop.
    """

    def __init__(self, *, start_wall_s: float = START_WALL_S) -> None:
        self._now_s = 0.0
        self._start_wall_s = start_wall_s
        self._alarms: dict[asyncio.Event, float] = {}
        self._limits: dict[asyncio.Timeout, float] = {}

    def now(self) -> float:
        return self._now_s

    def wall(self) -> float:
        return self._start_wall_s + self._now_s

    @property
    def sleepers(self) -> int:
        """How many tasks wait for time to pass (in ``sleep`` or ``wait``)."""
        return len(self._alarms)

    def advance(self, seconds: float) -> None:
        """Move the time in one jump and wake whoever slept until then; they run when the caller next awaits."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        self._now_s += seconds
        for alarm, deadline in list(self._alarms.items()):
            if deadline <= self._now_s:
                alarm.set()
        for limit, deadline in self._limits.items():
            if deadline <= self._now_s and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, seconds: float) -> None:
        """Move the time from alarm to alarm, letting everybody act at each, until ``seconds`` have passed.

        A loop that sleeps one second runs ten times in ``run(10)`` and once in ``advance(10)``.
        """
        end_s = self._now_s + seconds
        await self.settle()
        while self._moments() and (next_s := min(self._moments())) <= end_s:
            self.advance(max(0.0, next_s - self._now_s))
            await self.settle()
        self.advance(max(0.0, end_s - self._now_s))
        await self.settle()

    async def settle(self, rounds: int = 20) -> None:
        """Let the other tasks run until they wait again, as far as they need no real input or output."""
        for _ in range(rounds):
            await asyncio.sleep(0)

    async def sleep(self, seconds: float) -> None:
        """Return when the test has moved the time by ``seconds``; at once, after others had a turn, for 0 or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._alarm(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for ``event``, at most ``timeout_s`` of the test's time; tell whether it is set."""
        if event.is_set() or timeout_s <= 0:
            return event.is_set()
        alarm = asyncio.Event()

        async def pass_on() -> None:
            await event.wait()
            alarm.set()

        async with asyncio.TaskGroup() as tasks:
            watcher = tasks.create_task(pass_on())
            await self._alarm(alarm, timeout_s)
            watcher.cancel()
        return event.is_set()

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        """Cut what runs within it after ``seconds`` of the test's time with a ``TimeoutError``."""
        async with asyncio.timeout(None) as limit:
            self._limits[limit] = self._now_s + seconds
            try:
                yield limit
            finally:
                del self._limits[limit]

    def _moments(self) -> list[float]:
        """Return when something is to happen: nobody is cut twice, so who was is left out."""
        return [*self._alarms.values(), *(at for limit, at in self._limits.items() if not limit.expired())]

    async def _alarm(self, alarm: asyncio.Event, seconds: float) -> None:
        self._alarms[alarm] = self._now_s + seconds
        try:
            await alarm.wait()
        finally:
            del self._alarms[alarm]
