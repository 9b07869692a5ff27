"""Visible lag: how long what an agent has said stays unseen, for the bridge, for fixed intervals and at best.

    python -m benchmarks.lag [--json] [--all] [--load n10 ...] [--policy bridge ...] [--plot] [--seed N]

Every scenario (a load under one limiter) is a process with the emulators; the bridge and each other policy are
processes of their own beside it, each with a workspace to itself. Scenarios run side by side as far as two cores allow;
one in which a process was kept from its CPU, or the emulators fell behind, is void and says so. All figures are read
from the emulators' journals.

Exit code 0: everything counted and the bridge kept what it promises (``report.missed``); 1: not so.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.lag.fixed import CHAT_STREAM, FIXED
from benchmarks.lag.loads import DEFAULT, RECIPES, Load, Platform, make_load
from benchmarks.lag.report import BOUND, Row, assumptions, bound_row, in_words, markdown, missed, rows_of
from benchmarks.lag.sites import Limiter
from benchmarks.lag.station import BRIDGE, Case, Measured, Outcome
from benchmarks.lag.timetable import Demand, timetable

STARTING_AT_ONCE = 2
STOP_TIMEOUT_S = 15.0
RESULT_MAX_BYTES = 64 * 1024 * 1024
BURST_SHARE = 0.2
POLICIES = (BRIDGE, *FIXED, CHAT_STREAM)
PLOT = Path(__file__).parents[2] / "docs" / "lag.png"
PLOTTED = ("slack", "n10", "window")
LIMITERS: dict[Platform, tuple[Limiter, ...]] = {"slack": ("window", "bucket"), "discord": ("window", "shared")}


def main() -> int:
    """Measure, print, draw."""
    options = parse()
    cases = chosen(options)
    loads = [make_load(case.platform, case.load, case.seed) for case in cases]
    began = time.monotonic()
    outcomes, best = asyncio.run(run_all(cases, loads))
    together = zip(cases, outcomes, best, strict=True)
    rows = [row for case, outcome, bound in together for row in rows_of(case, outcome, bound)]
    result = {
        "results": rows,
        "void": {case.name: outcome.void for case, outcome in zip(cases, outcomes, strict=True) if outcome.void},
        "missed": missed(rows),
        "strain": {case.name: outcome.strain for case, outcome in zip(cases, outcomes, strict=True)},
        "curves": curves(cases, outcomes),
        "assumptions": assumptions(options.burst_share),
        "seed": options.seed,
        "took_s": round(time.monotonic() - began, 1),
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(tell(result, loads, as_markdown=options.markdown))
    if options.plot and result["void"]:
        progress("not drawn: what is void shows nothing")
    elif options.plot:
        from benchmarks.lag.plot import draw

        draw(result, PLOT)
        progress(f"drawn: {PLOT}")
    return 1 if result["void"] or result["missed"] else 0


def parse() -> argparse.Namespace:
    """Read the arguments."""
    names = sorted({name for recipes in RECIPES.values() for name in recipes})
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--markdown", action="store_true", help="print one table for docs/measurements.md")
    parser.add_argument("--all", action="store_true", help="every load, all limiters everywhere; longer")
    parser.add_argument("--load", nargs="+", choices=names, help="these loads alone")
    parser.add_argument("--platform", nargs="+", choices=sorted(RECIPES), default=sorted(RECIPES, reverse=True))
    parser.add_argument("--limiter", nargs="+", choices=("window", "bucket", "shared"), default=("window", "bucket"))
    parser.add_argument("--policy", nargs="+", choices=POLICIES, help="these alone; the bound is always there")
    parser.add_argument(
        "--plot", action="store_true", help=f"draw {PLOT.relative_to(PLOT.parents[1])} (needs the extra plot)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of questions and answers")
    parser.add_argument("--burst-share", type=float, default=BURST_SHARE, help="a bucket's size, of a minute's calls")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="leave the journals and the bridge's logs there")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Case]:
    """Return the cases to run."""
    return [
        Case(
            platform,
            name,
            limiter,
            policies_for(options, platform, name),
            options.seed,
            options.burst_share,
            options.keep,
        )
        for platform in options.platform
        for name in RECIPES[platform]
        if name in (options.load or (RECIPES if options.all else DEFAULT)[platform])
        for limiter in LIMITERS[platform]
        if limiter in (*options.limiter, *(["shared"] if options.all else ()))
        and (limiter == "window" or options.all or not RECIPES[platform][name].direct)
    ]


def policies_for(options: argparse.Namespace, platform: Platform, name: str) -> tuple[str, ...]:
    """Return the policies of one case; ``chat_stream`` makes sense in direct messages."""
    wanted = options.policy or POLICIES
    return tuple(p for p in wanted if p != CHAT_STREAM or RECIPES[platform][name].direct)


async def run_all(cases: Sequence[Case], loads: Sequence[Load]) -> tuple[list[Outcome], list[Row]]:
    """Start all stations and work out the bounds, then let each begin when the timetable says so."""
    stations = [Station(case) for case in cases]
    gate = asyncio.Semaphore(STARTING_AT_ONCE)
    demands = [Demand(load.busiest * len(case.policies), load.ends_s) for case, load in zip(cases, loads, strict=True)]
    starts = timetable(demands)
    try:
        async with asyncio.TaskGroup() as tasks:
            best = tasks.create_task(asyncio.to_thread(bounds, cases, loads))
            for station in stations:
                tasks.create_task(station.start(gate))
        progress(f"{len(stations)} scenarios are connected; the last one begins after {max(starts):.0f} s")
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(s.run(at)) for s, at in zip(stations, starts, strict=True)]
        return [task.result() for task in running], best.result()
    finally:
        for station in stations:
            await station.aclose()


def bounds(cases: Sequence[Case], loads: Sequence[Load]) -> list[Row]:
    """Return what is best in each case; takes some seconds."""
    return [bound_row(case, load) for case, load in zip(cases, loads, strict=True)]


class Station:
    """One scenario's process, seen from outside."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._failure = ""
        self._has_told = False
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, gate: asyncio.Semaphore) -> None:
        """Start it and return when all its clients are connected; one that fails is void, and the others go on."""
        async with gate:
            pipe = asyncio.subprocess.PIPE
            command = (sys.executable, "-m", "benchmarks.lag.station")
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, limit=RESULT_MAX_BYTES
            )
            await self._write(json.dumps(asdict(self.case)))
            if await self._read() != "ready":
                self._failure = "could not be set up, its output says why"

    async def run(self, at_s: float) -> Outcome:
        """Let it begin after a while, and return what came of it."""
        outcome: dict[str, Any] | None = None
        if not self._failure:
            await asyncio.sleep(at_s)
            await self._write("go")
            outcome = json.loads(await self._read() or "null")
        if outcome is None:
            progress(f"{self.case.name}: failed")
            return Outcome([], [self._failure or "ended without a result, its output says why"], {"blind": False}, [])
        self._has_told = True
        progress(f"{self.case.name}: {'void' if outcome['void'] else 'done'}")
        measured = [Measured(**one) for one in outcome["measured"]]
        return Outcome(**outcome | {"measured": measured})

    async def aclose(self) -> None:
        """Wait until it has cleared up; one that still runs is told to, one that does not listen is killed."""
        process = self._process
        if process is None:
            return
        if not self._has_told:
            with suppress(ProcessLookupError):
                process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _write(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(ConnectionError):  # it is gone: what it says next, nothing, tells
            self._process.stdin.write(f"{line}\n".encode())
            await self._process.stdin.drain()

    async def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


def curves(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how text became visible in the scenario that is drawn: by policy, pairs of seconds and characters."""
    for case, outcome in zip(cases, outcomes, strict=True):
        if (case.platform, case.load, case.limiter) == PLOTTED:
            return {"said": outcome.said, **{one.policy: one.curve for one in outcome.measured}}
    return {}


def tell(result: dict[str, Any], loads: Sequence[Load], *, as_markdown: bool) -> str:
    """Return the result for people."""
    rows: list[Row] = result["results"]
    words = {(str(load.platform), load.name): load.words for load in loads}
    void = [f"  {name}: {'; '.join(reasons)}" for name, reasons in result["void"].items()]
    blind = any(strain["blind"] for strain in result["strain"].values())
    ends = [
        *(["", "Nothing tells here whether processes had their CPU (no /proc/PID/schedstat)."] if blind else []),
        *(["", "VOID, these do not count:", *void] if void else []),
        "",
        *judgement(rows, result["missed"]),
        f"(seed {result['seed']}, {result['took_s']:.0f} s; {BOUND}: see benchmarks/lag/bound.py)",
    ]
    table = markdown(rows, words) if as_markdown else in_words(rows, words)
    return "\n".join([result["assumptions"], table, *ends])


def judgement(rows: Sequence[Row], what: Sequence[str]) -> list[str]:
    """Return lines that say whether promises were kept, as far as anything counts."""
    if not any(row["policy"] == BRIDGE and not row["void"] for row in rows):
        return ["Nothing can be said of the bridge."]
    return ["Missed:", *(f"  {one}" for one in what)] if what else ["What counts kept everything promised."]


def progress(what: str) -> None:
    """Tell whoever waits."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
