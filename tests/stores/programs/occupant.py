"""Hold a store open for a given time; print ``open`` when it is held."""

import asyncio
import sys

from bridge.clock import SystemClock
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore


async def main(path: str, seconds: float) -> None:
    async with SqliteStore(StoreSettings(path=path), SystemClock()):
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await asyncio.sleep(seconds)


asyncio.run(main(sys.argv[1], float(sys.argv[2])))
