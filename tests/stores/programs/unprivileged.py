"""Open a store as a user without special rights and tell what happened."""

import asyncio
import json
import os
import sys

from bridge.clock import SystemClock
from bridge.errors import StoreError
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore

NOBODY = 65534


async def main(path: str) -> dict[str, str]:
    try:
        async with SqliteStore(StoreSettings(path=path), SystemClock()):
            return {"said": "opened"}
    except StoreError as exc:
        return {"error": type(exc).__name__, "said": exc.reason}


if os.getuid() == 0:
    os.setgid(NOBODY)
    os.setuid(NOBODY)
sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1]))))
