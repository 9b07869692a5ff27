"""Work that outlives the request that began it, with an owner: it ends when the emulator does."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager


class OwnedTasks:
    """The chats that go on after their client left, and the requests that are being answered.

    A ``TaskGroup`` would have to be opened and closed by one task; an emulator is started and stopped by
    whatever task a test's fixture runs in.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[object]] = set()
        self._errors: list[Exception] = []

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start work owned by the emulator; its unexpected error is raised by ``aclose``."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._errors.append(error)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Mark the calling task as answering a request, so that closing need not wait for it."""
        task: asyncio.Task[object] | None = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            yield
        finally:
            self._answering.discard(task)

    def hang_up(self) -> None:
        """End every request that is still being answered."""
        for task in tuple(self._answering):
            task.cancel()

    async def aclose(self) -> None:
        """End everything.

        Raises:
            ExceptionGroup: Some work failed in a way that nobody planned: a bug of the emulator.
        """
        self.hang_up()
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        errors, self._errors = self._errors, []
        if errors:
            raise ExceptionGroup("the emulator's own work failed", errors)
