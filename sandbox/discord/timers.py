"""What happens by itself after a while: unfurled links, interactions that run out, late events."""

import asyncio
from collections.abc import Callable

from sandbox.clock import SandboxClock


class Timers:
    """Callbacks at their time on the sandbox's clock, owned until ``aclose``."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []

    def after(self, delay_s: float, callback: Callable[[], None]) -> None:
        """Call back when ``delay_s`` seconds of the sandbox have passed."""
        task = asyncio.get_running_loop().create_task(self._wait(delay_s, callback))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Forget what has not come yet.

        Raises:
            ExceptionGroup: A callback failed: a bug of the emulator.
        """
        waiting = tuple(self._tasks)
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)
        errors, self._errors = self._errors, []
        if errors:
            raise ExceptionGroup("something timed failed", errors)

    async def _wait(self, delay_s: float, callback: Callable[[], None]) -> None:
        await self._clock.sleep(delay_s)
        try:
            callback()
        except Exception as error:
            self._errors.append(error)
