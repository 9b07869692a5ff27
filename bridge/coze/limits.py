"""Coze's own limits on chats, as budgets: how many start in a second, how many run at once.

Whoever finds them used up waits in order, and visibly: ``waiting`` counts the waiters and a callback tells each.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.ports import Clock

WINDOW_S = 1.05
"""A little more than the second that Coze counts, because requests travel at uneven speed."""

WaitCallback = Callable[[str, int], None]
"""Called with the question's mark and how many wait before it, once per wait; must not block."""


class ChatLimits:
    """The budgets of one credential.

    Args:
        chats_per_s: At most this many chats start in any second (below 1: one per ``1 / chats_per_s`` seconds).
        concurrent_chats: At most this many are open at once.
    """

    def __init__(
        self, clock: Clock, *, chats_per_s: float, concurrent_chats: int, on_waiting: WaitCallback | None = None
    ) -> None:
        self._clock = clock
        self._burst = max(1, int(chats_per_s))
        self._window_s = WINDOW_S * max(1.0, self._burst / chats_per_s)
        self._starts: deque[float] = deque(maxlen=self._burst)
        self._slots = asyncio.Semaphore(concurrent_chats)
        self._turnstile = asyncio.Lock()
        self._on_waiting = on_waiting
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def slot(self, mark: str) -> AsyncIterator[None]:
        """Hold one of the concurrent chats; first come, first served."""
        if self._slots.locked():
            self._tell(mark)
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._slots.release()

    async def start(self, mark: str) -> None:
        """Return when one more chat may start; every attempt counts, refused ones too."""
        if self._turnstile.locked() or self._delay_s() > 0:
            self._tell(mark)
        self.waiting += 1
        try:
            async with self._turnstile:
                while (delay_s := self._delay_s()) > 0:
                    await self._clock.sleep(delay_s)
                self._starts.append(self._clock.now())
        finally:
            self.waiting -= 1

    def _delay_s(self) -> float:
        if len(self._starts) < self._burst:
            return 0.0
        return self._starts[0] + self._window_s - self._clock.now()

    def _tell(self, mark: str) -> None:
        if self._on_waiting is not None:
            self._on_waiting(mark, self.waiting)
