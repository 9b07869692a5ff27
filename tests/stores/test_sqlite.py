"""The embedded store as a whole; what it shares with other stores is in the contract suite."""

import asyncio
import dataclasses
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.clock import SystemClock
from bridge.errors import StoreUnavailable
from bridge.model import Outcome, TurnState
from bridge.ports import Store
from bridge.stores import MEMORY, StoreSettings, open_store
from bridge.stores.memory import MemoryStore
from bridge.stores.sqlite import PURGE_ROWS, SqliteStore
from bridge.testing.samples import make_conversation, make_turn

MakeStore = Callable[..., SqliteStore]

_: tuple[Store, Store] = (MemoryStore(SystemClock()), SqliteStore(StoreSettings(), SystemClock()))


async def test_writes_are_durable(make_store: MakeStore) -> None:
    """The connection that writes says so: FULL is 2."""
    async with make_store() as store:
        assert (await store.diagnostics())["synchronous"] == 2


async def test_a_slow_file_does_not_stop_the_bridge(path: Path, make_store: MakeStore) -> None:
    """While a write waits for a lock and fails, the event loop runs, reads answer, and later writes succeed."""
    async with make_store(timeout_s=6.0) as store:
        await store.bind(make_conversation("key"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.TaskGroup() as tasks:
                write = tasks.create_task(failure(store.create_turn(make_turn("1"))))
                ticks = 0
                while not write.done():
                    await asyncio.sleep(0.01)
                    assert await store.conversation(make_conversation("key").key) is not None
                    ticks += 1
            assert ticks >= 5
            assert "another program holds" in write.result()
            assert await store.unfinished() == []
            other.execute("ROLLBACK")
        assert await store.create_turn(make_turn("1"))


async def failure(call: Awaitable[object]) -> str:
    """Return what a failing write says."""
    with pytest.raises(StoreUnavailable) as caught:
        await call
    return caught.value.reason


async def test_a_dead_thread_hinders_neither_work_nor_closing(make_store: MakeStore) -> None:
    """sqlitedict's thread dies; the store goes on with a new one; it dies again, and closing returns."""
    async with make_store() as store:
        for number in range(2):
            rows = store._now.database._rows
            assert rows is not None
            rows.conn.close(force=True)
            rows.conn.join()
            if number == 0:
                await store.check()
                assert await store.create_turn(make_turn("1"))
        started = time.monotonic()
    assert time.monotonic() - started < 5
    async with make_store() as store:
        assert await store.unfinished() == [make_turn("1")]


async def test_closing_finishes_what_was_begun(make_store: MakeStore) -> None:
    """Writes that were called before the store closed are stored, and their callers hear of it."""
    store = make_store()
    async with asyncio.TaskGroup() as tasks:
        async with store:
            writes = [tasks.create_task(store.create_turn(make_turn(str(number)))) for number in range(10)]
            await asyncio.sleep(0)
    assert all(write.result() for write in writes)
    async with store:
        assert len(await store.unfinished()) == 10


async def test_opening_twice_is_our_mistake(make_store: MakeStore) -> None:
    """One object is one opening at a time."""
    async with make_store() as store:
        with pytest.raises(RuntimeError, match="open already"):
            await store.__aenter__()
        await store.check()


async def test_large_purges_go_in_several_batches(make_store: MakeStore) -> None:
    """All old turns go, however many, and the file has none of them left."""
    turns = [
        dataclasses.replace(make_turn(str(n)), state=TurnState.ENDED, outcome=Outcome.DELIVERED)
        for n in range(2 * PURGE_ROWS + 1)
    ]
    async with make_store() as store:
        async with asyncio.TaskGroup() as tasks:
            for turn in turns:
                tasks.create_task(store.create_turn(turn))
        assert await store.purge(turns_before_s=turns[0].created_at_s + 1) == len(turns)
    async with make_store() as store:
        assert await store.turn(turns[0].turn_id) is None
        assert await store.purge(turns_before_s=turns[0].created_at_s + 1) == 0


def test_the_path_chooses_the_store(path: Path) -> None:
    """``memory:`` is the memory store, anything else a file; nothing is opened yet."""
    assert isinstance(open_store(StoreSettings(path=MEMORY), SystemClock()), MemoryStore)
    assert isinstance(open_store(StoreSettings(path=str(path)), SystemClock()), SqliteStore)
    assert not path.exists()


def test_the_memory_store_needs_no_database() -> None:
    """Choosing a store imports only that one."""
    program = (
        "import sys; from bridge.clock import SystemClock; from bridge.stores import *;"
        "open_store(StoreSettings(path=MEMORY), SystemClock()); sys.exit('sqlitedict' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=root).returncode == 0


def test_duplicates_must_be_kept_long_enough() -> None:
    """A setting that would let repeats in is refused."""
    with pytest.raises(ValidationError, match="48"):
        StoreSettings(keep_turns_h=24)
