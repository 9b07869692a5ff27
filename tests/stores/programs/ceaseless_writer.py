"""Write turns from several tasks until killed; print every id once its write was acknowledged."""

import asyncio
import itertools
import sys

from bridge.clock import SystemClock
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore
from bridge.testing.samples import make_turn

TASKS = 5


async def main(path: str, prefix: str) -> None:
    async def write(task: int) -> None:
        for number in itertools.count():
            turn = make_turn(f"{prefix}.{task}.{number}")
            assert await store.create_turn(turn)
            sys.stdout.write(turn.turn_id + "\n")
            sys.stdout.flush()

    async with SqliteStore(StoreSettings(path=path), SystemClock()) as store, asyncio.TaskGroup() as tasks:
        for task in range(TASKS):
            tasks.create_task(write(task))


asyncio.run(main(sys.argv[1], sys.argv[2]))
