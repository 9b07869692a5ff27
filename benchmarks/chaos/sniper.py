"""A process that watches the bridge's store file and kills the bridge at the very commit it waits for.

    python -m benchmarks.chaos.sniper PID STORE PLATFORM STATE TOKEN TIMEOUT_S

SQLite counts its commits in the file's ``-shm``; after each one the bridge is halted while the sniper reads what was
committed, so that a state of a millisecond is not missed. Exit code 0: killed in this state. 1: it never came.
"""

import mmap
import os
import signal
import sqlite3
import struct
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from benchmarks.proving.store_view import connect, read_unfinished

COMMITS_AT = 8
"""Where the counter is, 32 bits in the machine's order. Source: sqlite.org/walformat.html, iChange of the header."""
LOOK_S = 0.0001
HEADER_BYTES = 136


def main() -> int:
    """Wait, kill, tell."""
    pid, store, platform, state, token, timeout_s = sys.argv[1:]
    deadline = time.monotonic() + float(timeout_s)
    with suppress(ProcessLookupError):
        return 0 if strike(int(pid), Path(store), (platform, state, token), deadline) else 1
    return 1


def strike(pid: int, store: Path, wanted: tuple[str, str, str], deadline: float) -> bool:
    """Kill at the first commit that shows the wanted turn in the wanted state; ``False`` when none did in time."""
    shared = store.with_name(f"{store.name}-shm")
    while not shared.exists() or shared.stat().st_size < HEADER_BYTES:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    with shared.open("rb") as file, mmap.mmap(file.fileno(), HEADER_BYTES, prot=mmap.PROT_READ) as header:
        print("ready", flush=True)
        with closing(connect(store)) as connection:
            seen = -1
            while time.monotonic() < deadline:
                commits = struct.unpack_from("=I", header, COMMITS_AT)[0]
                if commits == seen:
                    time.sleep(LOOK_S)
                    continue
                seen = commits
                os.killpg(pid, signal.SIGSTOP)
                if is_there(connection, *wanted):
                    os.killpg(pid, signal.SIGKILL)
                    return True
                os.killpg(pid, signal.SIGCONT)
    return False


def is_there(connection: sqlite3.Connection, platform: str, state: str, token: str) -> bool:
    """Tell whether such a turn is in such a state; any turn of the platform where no token is named."""
    with suppress(sqlite3.OperationalError):
        turns = read_unfinished(connection)
        return any(t.platform == platform and t.state == state and token in t.text for t in turns)
    return False


if __name__ == "__main__":
    sys.exit(main())
