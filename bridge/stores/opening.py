"""Taking possession of a store file, and letting go of it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import StoreOccupied
from bridge.ports import Clock
from bridge.stores.batches import GroupCommit
from bridge.stores.book import Book
from bridge.stores.database import CLOSE_LIMIT_S, Database
from bridge.stores.file_lock import FileLock, Holder
from bridge.stores.layout import RowReader, open_book
from bridge.stores.settings import StoreSettings
from bridge.stores.writer import WriterThread

LOCK_POLL_S = 0.2


class OpenFile:
    """A store file that this process owns: the thread that touches it, what it holds, and what is being written."""

    def __init__(
        self, path: Path, database: Database, lock: FileLock, writer: WriterThread, book: Book, commits: GroupCommit
    ) -> None:
        self.path = path
        self.database = database
        self.rows = RowReader(database, path)
        self.writer = writer
        self.book = book
        self.commits = commits
        self._lock = lock

    async def close(self) -> None:
        """Finish the writes that wait, then let go of the file. Never raises; bounded by the time limits."""
        try:
            await self.commits.drain()
        finally:
            await let_go(self.writer, self.database, self._lock)


async def open_file(settings: StoreSettings, clock: Clock) -> OpenFile:
    """Lock the file, make or check it, and read what must be in memory.

    Raises:
        StoreOccupied: Another process still has it after ``lock_wait_s``.
        StoreUnavailable: It cannot be made, read or written, is damaged or not ours; the message says what to do.
    """
    writer = WriterThread(max_jobs=settings.max_waiting)
    try:
        path = await writer.run(lambda: _real_path(settings.path), limit_s=settings.timeout_s)
    except BaseException:
        writer.stop()
        raise
    database = Database(path, limit_s=settings.timeout_s / 2)
    lock = FileLock(path.with_name(path.name + ".lock"))

    def read() -> Book:
        database.open()
        return open_book(database, path)

    try:
        await _take(lock, path, writer, settings, clock)
        book = await writer.run(read, limit_s=settings.open_timeout_s)
    except BaseException:
        await let_go(writer, database, lock)
        raise
    commits = GroupCommit(book, writer, database.write, limit_s=settings.timeout_s, max_waiting=settings.max_waiting)
    return OpenFile(path, database, lock, writer, book, commits)


async def let_go(writer: WriterThread, database: Database, lock: FileLock) -> None:
    """Close the file, then free the lock: never the other way round. If the disk hangs, both wait for it, not we."""

    def close() -> None:
        database.close()
        lock.release()

    closed = asyncio.Event()
    writer.submit(close, lambda _, __: closed.set())
    writer.stop()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_LIMIT_S + 1):
            await closed.wait()


async def _take(lock: FileLock, path: Path, writer: WriterThread, settings: StoreSettings, clock: Clock) -> None:
    deadline = clock.now() + settings.lock_wait_s
    while not await writer.run(lambda: lock.take(now_s=clock.wall()), limit_s=settings.timeout_s):
        if clock.now() >= deadline:
            raise StoreOccupied(
                f"{path} is in use by {_who(lock.holder())}; it was not freed within {settings.lock_wait_s:g} s."
                " Stop that process, or give this one another path"
            )
        await clock.sleep(LOCK_POLL_S)


def _real_path(path: str) -> Path:
    return Path(path).expanduser().resolve()  # two names of one file must meet at one lock


def _who(holder: Holder) -> str:
    if not holder.pid:
        return "another process"
    since = datetime.fromtimestamp(holder.since_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"process {holder.pid} on {holder.host}, since {since}"
