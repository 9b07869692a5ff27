"""The owner of everything an emulator does between requests: deliveries, redeliveries, delayed shares."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sandbox.clock import SandboxClock

Result = TypeVar("Result")
Job = Coroutine[Any, Any, None]


class Background:
    """One TaskGroup that lives in a task of its own.

    An emulator may be started by one task and closed by another (a test's fixtures are), which a TaskGroup
    entered in ``start`` would not survive. A job that raises is a bug of the emulator: ``aclose`` raises it.
    Jobs spawned before ``start`` wait for it.
    """

    def __init__(self) -> None:
        self._waiting: list[Job] = []
        self._group: asyncio.TaskGroup | None = None
        self._closing: asyncio.Event | None = None
        self._root: asyncio.Task[None] | None = None

    def spawn(self, job: Job) -> None:
        """Run a job beside everything else; it starts in the order of the calls."""
        if self._group is None:
            self._waiting.append(job)
        else:
            self._group.create_task(job)

    async def start(self) -> None:
        """Begin running jobs."""
        self._closing = asyncio.Event()
        opened = asyncio.Event()
        self._root = asyncio.get_running_loop().create_task(self._own(opened, self._closing))
        await opened.wait()

    async def aclose(self) -> None:
        """Cancel what still runs.

        Raises:
            ExceptionGroup: A job had failed.
        """
        root, self._root = self._root, None
        if root is not None and self._closing is not None:
            self._closing.set()
            await root
        for job in self._waiting:
            job.close()
        self._waiting.clear()

    async def _own(self, opened: asyncio.Event, closing: asyncio.Event) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                waiting, self._waiting = self._waiting, []
                for job in waiting:
                    group.create_task(job)
                opened.set()
                await closing.wait()
                raise _Closed
        except* _Closed:
            pass
        finally:
            self._group = None


class _Closed(Exception):
    """Ends the group: a TaskGroup cancels its tasks only when its body raises."""


async def within(clock: SandboxClock, timeout_s: float, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Return what ``work`` returns if it ends within ``timeout_s`` seconds of the sandbox's time.

    Raises:
        TimeoutError: It did not; it was cancelled.
    """
    worker: asyncio.Task[Result]
    async with asyncio.TaskGroup() as group:
        worker = group.create_task(work())
        alarm = group.create_task(clock.sleep(timeout_s))
        await asyncio.wait({worker, alarm}, return_when=asyncio.FIRST_COMPLETED)
        alarm.cancel()
        if not worker.done():
            worker.cancel()
    if worker.cancelled():
        raise TimeoutError(f"not done within {timeout_s:g} s")
    return worker.result()
