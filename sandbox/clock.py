"""Time as the emulators see it: it runs like real time and can be moved forward by hand."""

import asyncio
import heapq
import time


class SandboxClock:
    """Unix seconds for one sandbox, shared by its emulators.

    Runs with real time, or stands still with ``frozen=True``. ``advance`` moves it forward at once and wakes
    every sleeper whose time has come, so that a test of five minutes needs no five minutes.
    """

    def __init__(self, *, frozen: bool = False, start_s: float | None = None) -> None:
        self._frozen = frozen
        started = time.time() if start_s is None else start_s  # noqa: TID251 - this is the clock
        self._offset_s = started if frozen else started - time.monotonic()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = 0

    def now(self) -> float:
        """Return the present instant in unix seconds."""
        return self._offset_s if self._frozen else self._offset_s + time.monotonic()

    @property
    def sleepers(self) -> int:
        """How many sleep now: whoever moves the time may want to wait until somebody does."""
        return len(self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move the time forward and wake whoever slept until then."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        self._offset_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self.now():
            heapq.heappop(self._sleepers)[2].set()

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed on this clock, by themselves or by ``advance``."""
        deadline = self.now() + seconds
        woken = asyncio.Event()
        self._order += 1
        heapq.heappush(self._sleepers, (deadline, self._order, woken))
        try:
            while (left := deadline - self.now()) > 0:
                if self._frozen:
                    await woken.wait()
                    continue
                try:
                    async with asyncio.timeout(left):
                        await woken.wait()
                except TimeoutError:
                    continue
        finally:
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[2] is not woken]
            heapq.heapify(self._sleepers)
