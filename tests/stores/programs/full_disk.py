"""Let a store meet the file size limit, which is a full disk without privileges, and recover from it."""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from bridge.clock import SystemClock
from bridge.errors import StoreUnavailable
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore
from bridge.testing.samples import make_turn


async def main(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    stored: list[str] = []

    async def create(name: str) -> None:
        turn = make_turn(name, text="x" * 3000)
        assert await store.create_turn(turn)
        stored.append(turn.turn_id)

    async with SqliteStore(StoreSettings(path=str(path)), SystemClock()) as store:
        for number in range(5):
            await create(f"before {number}")
        limit(path.with_name(path.name + "-wal").stat().st_size + 20_000)
        started = time.monotonic()
        try:
            for number in range(100):
                await create(f"until full {number}")
        except StoreUnavailable as exc:
            found["said"] = exc.reason
        found["failed_after_s"] = time.monotonic() - started
        found["memory_is_unchanged"] = [turn.turn_id for turn in await store.unfinished()] == stored
        try:
            await store.check()
        except StoreUnavailable as exc:
            found["check_said"] = exc.reason
        limit(resource.RLIM_INFINITY)
        await create("with space again")
        await store.check()
    async with SqliteStore(StoreSettings(path=str(path)), SystemClock()) as store:
        found["file_is_right"] = [turn.turn_id for turn in await store.unfinished()] == stored
    return found


def limit(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


sys.stdout.write(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
