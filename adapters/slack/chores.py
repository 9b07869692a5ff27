"""Jobs beside receiving: each has an owner, their number a bound, and they end when receiving ends."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self

import structlog

from bridge.errors import BridgeError

log = structlog.get_logger(__name__)


class Chores:
    """Starts jobs in one task group; made by ``Chores.open``. A job handles its own errors: another one is a bug."""

    def __init__(self, group: asyncio.TaskGroup, at_once: int) -> None:
        self._group = group
        self._at_once = at_once
        self._running: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, at_once: int) -> AsyncIterator[Self]:
        """Own the jobs of the context and cancel them at its end; our errors leave it as they are, in no group."""
        failure: BridgeError | None = None
        async with asyncio.TaskGroup() as group:
            chores = cls(group, at_once)
            try:
                yield chores
            except BridgeError as error:
                failure = error
            finally:
                for task in chores._running:
                    task.cancel()
        if failure is not None:
            raise failure

    def start(self, job: Coroutine[Any, Any, None], what: str) -> None:
        """Run a job; one too many is dropped and logged."""
        if len(self._running) >= self._at_once:
            log.warning("too much at once, dropped", what=what)
            job.close()
            return
        task = self._group.create_task(job)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
