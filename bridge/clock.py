"""The real clock. Everything else asks the ``Clock`` port, so that tests can move the time."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager


class SystemClock:
    """Time as the operating system tells it."""

    def now(self) -> float:
        """Return monotonic seconds, for deadlines and paces."""
        return time.monotonic()

    def wall(self) -> float:
        """Return unix seconds, for records."""
        return time.time()  # noqa: TID251 - this is the clock that everybody else asks

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for ``event``, at most ``timeout_s``; tell whether it is set."""
        try:
            async with asyncio.timeout(timeout_s):
                return await event.wait()
        except TimeoutError:
            return event.is_set()

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Cut what runs within it after ``seconds`` with a ``TimeoutError``; it may be told to do so sooner."""
        return asyncio.timeout(seconds)
