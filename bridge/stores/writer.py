"""One thread that does the blocking work of a store, one job after the other, each answered on the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from bridge.errors import StoreUnavailable

T = TypeVar("T")
Done = Callable[[Any, BaseException | None], None]


class WriterThread:
    """A daemon thread with a bounded line of jobs. Belongs to the event loop it was made in.

    A thread cannot be interrupted: when a job hangs (a disk that does not answer), those behind it wait, their callers
    give up at their time limits, and jobs whose caller gave up are skipped once the thread comes back.
    """

    def __init__(self, *, max_jobs: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Done] | None] = SimpleQueue()
        self._max_jobs = max_jobs
        threading.Thread(target=self._work, name="coze-bridge store", daemon=True).start()

    def submit(self, job: Callable[[], Any], done: Done) -> None:
        """Queue a job; ``done(result, failure)`` is called on the event loop, in the order of the jobs."""
        self._jobs.put((job, done))

    async def run(self, job: Callable[[], T], *, limit_s: float) -> T:
        """Run a job and return its result. Cancelling skips it if it has not begun.

        Raises:
            StoreUnavailable: No result within ``limit_s``, or too many jobs wait; and what the job raises.
        """
        if self._jobs.qsize() >= self._max_jobs:
            raise StoreUnavailable(f"{self._max_jobs} calls wait for the disk already")
        answer: asyncio.Future[T] = self._loop.create_future()

        def unless_given_up() -> T | None:
            return None if answer.cancelled() else job()

        def done(result: T, failure: BaseException | None) -> None:
            if not answer.done():
                answer.set_result(result) if failure is None else answer.set_exception(failure)

        self.submit(unless_given_up, done)
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        except TimeoutError as exc:
            raise StoreUnavailable(f"the disk did not answer within {limit_s:g} s") from exc

    def stop(self) -> None:
        """Let the thread end after the jobs that are queued."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, done = item
            result, failure = None, None
            try:
                result = job()
            except BaseException as exc:  # it belongs to whoever asked for the job
                failure = exc
            with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                self._loop.call_soon_threadsafe(done, result, failure)
