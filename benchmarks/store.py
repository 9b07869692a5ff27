"""How many durable writes a second the embedded store takes, one caller after the other and many at once.

    python -m benchmarks.store [--seconds 2] [--rounds 3] [--path FILE] [--json]

The two are run in turns (A B A B ...) and the median is told, because a shared disk is not the same from one second to
the next. A write is one ``create_turn`` of a turn that has ended already (so that memory does not fill with unfinished
ones); it returns when the batch it travelled in is on the disk. Compare ratios, not
figures, between machines. ``--path`` should be on the disk in question; the default is the folder for temporary files.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bridge.clock import SystemClock
from bridge.model import Outcome, TurnState
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore
from bridge.testing.samples import make_turn

CALLERS = (1, 50)


async def writes_per_s(store: SqliteStore, callers: int, seconds: float, names: "itertools.count[int]") -> float:
    """Let so many callers write for so long; each waits for its write before the next."""
    started = time.perf_counter()
    written = 0

    async def write() -> None:
        nonlocal written
        while time.perf_counter() - started < seconds:
            await store.create_turn(
                replace(make_turn(str(next(names))), state=TurnState.ENDED, outcome=Outcome.DELIVERED)
            )
            written += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(write())
    return written / (time.perf_counter() - started)


async def longest_stall_ms(store: SqliteStore, seconds: float, names: "itertools.count[int]") -> float:
    """Return the longest time the event loop was kept from running while fifty callers wrote."""
    longest, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        await writes_per_s(store, CALLERS[-1], seconds, names)
        done.set()
    return longest * 1000


async def measure(path: Path, seconds: float, rounds: int) -> dict[str, float]:
    """Return the medians, and the time to open the file that was filled."""
    names = itertools.count()
    figures: dict[int, list[float]] = {callers: [] for callers in CALLERS}
    settings = StoreSettings(path=str(path))
    async with SqliteStore(settings, SystemClock()) as store:
        for _ in range(rounds):
            for callers in CALLERS:
                figures[callers].append(await writes_per_s(store, callers, seconds, names))
        stall_ms = await longest_stall_ms(store, seconds, names)
    started = time.perf_counter()
    async with SqliteStore(settings, SystemClock()) as store:
        opening_s = time.perf_counter() - started
    found = {f"writes_per_s_{callers}": round(statistics.median(each)) for callers, each in figures.items()}
    gain = found[f"writes_per_s_{CALLERS[-1]}"] / found[f"writes_per_s_{CALLERS[0]}"]
    return {**found, "gain": round(gain, 1), "loop_stall_ms": round(stall_ms, 1)} | {
        "opening_s": round(opening_s, 3),
        "turns_in_file": next(names),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="per run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--path", type=Path, help="a store file to be made; must not exist")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(asked.path or Path(folder) / "bridge.sqlite", asked.seconds, asked.rounds))
    if asked.json:
        print(json.dumps(found))
    else:
        for name, figure in found.items():
            print(f"{name:24} {figure:>12,}")


if __name__ == "__main__":
    main()
