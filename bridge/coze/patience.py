"""How long an answer's stream may bring nothing.

A timer that is set anew with each read, as the HTTP libraries do it, costs a tenth of what reading a delta costs. Here
a stream has one timer: when it fires, it looks how long the newest wait has lasted, and is set for when that one's time
would be up.
"""

import asyncio


class Patience:
    """Ends one task's wait that lasts longer than ``limit_s``, by cancelling it; ``None``: never.

    The task calls ``begin`` and ``end`` round each wait; cancelled in between, it asks ``ran_out`` whether it was us.
    """

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Task[object] | None = None
        self._since = 0.0
        self._cancelled: tuple[asyncio.Task[object], int] | None = None

    def begin(self) -> None:
        """Know that the current task waits from now on."""
        self._waiter = asyncio.current_task()
        self._since = self._loop.time()
        if self._timer is None and self._limit_s is not None:
            self._timer = self._loop.call_at(self._since + self._limit_s, self._look)

    def end(self) -> None:
        """Know that the wait is over, however it ended."""
        self._waiter = None

    def ran_out(self) -> bool:
        """Tell a task that is being cancelled whether that is our doing alone; its cancellation is taken back then."""
        if self._cancelled is None:
            return False
        (task, cancelling), self._cancelled = self._cancelled, None
        return task.uncancel() <= cancelling

    def stop(self) -> None:
        """End it; safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        assert self._limit_s is not None
        self._timer = None
        if self._waiter is None:
            return  # the next wait sets the timer
        ends_at = self._since + self._limit_s
        if self._loop.time() < ends_at:
            self._timer = self._loop.call_at(ends_at, self._look)
        else:
            self._cancelled = self._waiter, self._waiter.cancelling()
            self._waiter.cancel()
