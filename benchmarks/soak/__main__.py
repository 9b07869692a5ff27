"""Let the bridge work for a while, with random faults, and see whether anything is lost, and whether anything grows.

    python -m benchmarks.soak [--minutes 20] [--rate 20] [--seed 0] [--json] [--plot FILE.png]

The bridge is a process of its own between the emulators, with the limits of a real workspace. People ask ``rate``
questions a minute on both platforms, and every few seconds one of the faults of ``benchmarks.faults`` happens. Every
five seconds its memory, files and tasks are read from /proc and from its metrics page. When all is answered it must
have as few tasks, lanes and sockets as before the first question, the line through the second half of its memory must
be flat, and nothing lost or doubled. Exit code 0: it was so.
"""

import argparse
import asyncio
import json
import random
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.faults import coze_rows, discord_rows, slack_rows
from benchmarks.faults.row import Row, Scene
from benchmarks.faults.stand import Stand
from benchmarks.proving.crowd import Crowd
from benchmarks.proving.ground import Ground, open_ground
from benchmarks.proving.judge import Judge, Verdict
from benchmarks.proving.process import Process
from benchmarks.soak.curve import growth, sparkline
from benchmarks.soak.gauges import Sample, take_sample

SAMPLE_EVERY_S = 5.0
FAULT_EVERY_S = 7.0
SETTLE_S = 180.0
IDLE_S = 20.0
"""So long after the last answer connections that were kept open for the next one are closed."""
MEMORY_MB = 1.0
"""The line may rise by so much over the second half: the ids that duplicate checks remember, and noise."""
TASKS_MORE, SOCKETS_MORE = 3, 4
GAUGES = ("rss_mb", "files", "sockets", "tasks", "lanes_active")
LEFT_OUT = frozenset({"silence", "silence_after", "stall"})
"""Faults that would keep a conversation waiting for the minutes that are configured."""


@dataclass(slots=True)
class Soak:
    """What was measured."""

    before: Sample
    after: Sample
    samples: list[Sample]
    verdict: Verdict
    faults: Counter[str] = field(default_factory=Counter)
    died: str = ""

    @property
    def growth_mb(self) -> float:
        """How much memory the fitted line gained over the second half."""
        return growth(self.samples)

    def complaints(self) -> list[str]:
        """Say what is wrong; empty when nothing is."""
        wrong = [f"{count} {name}" for name, count in self.verdict.counts().items() if name != "questions" and count]
        if self.died:
            wrong.append(self.died)
        if self.growth_mb > MEMORY_MB:
            wrong.append(f"memory grew by {self.growth_mb:.1f} MB in the second half, allowed are {MEMORY_MB:.1f}")
        for name, more in (("tasks", TASKS_MORE), ("sockets", SOCKETS_MORE), ("files", SOCKETS_MORE)):
            if getattr(self.after, name) > getattr(self.before, name) + more:
                wrong.append(f"{name}: {getattr(self.before, name)} before, {getattr(self.after, name)} after")
        left = {name: getattr(self.after, name) for name in ("lanes_active", "turns_running", "turns_waiting")}
        return wrong + [f"{name}: {count} when everything was answered" for name, count in left.items() if count]


def main() -> int:
    """Run, print, tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=20.0, help="questions a minute")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="keep log and store in this folder")
    parser.add_argument("--plot", type=Path, help="draw the curve into this file (needs matplotlib)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="coze-bridge-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        measured = asyncio.run(soak(folder, options.minutes * 60.0, options.rate, options.seed))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report_of(measured), ensure_ascii=False) if options.json else in_words(measured))
    if options.plot:
        from benchmarks.soak.plot import draw

        draw(measured.samples, options.plot)
    return 1 if measured.complaints() else 0


async def soak(folder: Path, seconds: float, rate: float, seed: int) -> Soak:
    """Run everything and return what was measured."""
    async with open_ground(folder, seed=seed, wider=1.0) as ground:
        port = free_port()
        ground.settings["health"] = {"enabled": True, "port": port}
        process = await ground.start_bridge()
        await ground.until_connected()
        crowd = Crowd(ground, seed)
        judge = Judge(ground, crowd, apologies_count=True)
        dice, began = random.Random(seed), time.monotonic()
        await ask_some(ground, crowd, judge)  # what is made once, at the first question, is no leak
        await asyncio.sleep(IDLE_S)
        before = await take_sample(process.pid, port, 0.0)
        faults: Counter[str] = Counter()
        samples: list[Sample] = []
        async with asyncio.TaskGroup() as tasks:
            chores = (
                tasks.create_task(ask_on(crowd, dice, rate)),
                tasks.create_task(disturb(ground, crowd, judge, dice, faults)),
                tasks.create_task(look_on(process, port, began, samples, judge)),
            )
            await asyncio.wait(chores, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            died = "" if process.exit_code is None else f"the bridge ended with exit code {process.exit_code}"
            for chore in chores:
                chore.cancel()
        clear(ground)
        await judge.settled(SETTLE_S)
        await asyncio.sleep(IDLE_S)
        after = samples[-1] if died else await take_sample(process.pid, port, time.monotonic() - began)
        return Soak(before, after, samples, judge.verdict(), faults, died)


async def ask_some(ground: Ground, crowd: Crowd, judge: Judge) -> None:
    """Warm up: a few questions on each platform, answered."""
    for platform in ("slack", "discord"):
        crowd.ask_anew(platform, long=True)
        crowd.ask_directly(platform)
    await judge.settled(60.0)


async def ask_on(crowd: Crowd, dice: random.Random, rate: float) -> None:
    """Ask, at random moments, so many questions a minute."""
    while True:
        await asyncio.sleep(dice.expovariate(rate / 60.0))
        crowd.ask()


async def disturb(ground: Ground, crowd: Crowd, judge: Judge, dice: random.Random, faults: Counter[str]) -> None:
    """Let something happen every few seconds; a fault that met nobody is taken back before the next."""
    rows = survivable()
    while True:
        await asyncio.sleep(dice.expovariate(1 / FAULT_EVERY_S))
        clear(ground)
        row = dice.choice(rows)
        arranged = row.arrange(Stand(row, ground, crowd, judge))
        if arranged is not None:
            await arranged
        faults[f"{row.emulator} {row.kind}"] += 1


def survivable() -> Sequence[Row]:
    """Return the faults of the table that pass by themselves."""
    every = [*coze_rows.rows(), *slack_rows.rows(), *discord_rows.rows()]
    return [
        row
        for row in every
        if row.kind != "switch" and not row.is_final and row.fault not in LEFT_OUT and row.scene is not Scene.STARTING
    ]


def clear(ground: Ground) -> None:
    """Take back what was planned and not yet met."""
    for faults in (ground.coze.faults, ground.slack.faults, ground.slack.delivery_faults):
        faults.clear()
    ground.discord.faults.clear()
    ground.discord.gateway_faults.clear()


async def look_on(process: Process, port: int, began: float, samples: list[Sample], judge: Judge) -> None:
    """Take a sample every few seconds, and tell about it; ends with the process."""
    while process.exit_code is None:
        await asyncio.sleep(SAMPLE_EVERY_S)
        with suppress(OSError, aiohttp.ClientError, TimeoutError):
            sample = await take_sample(process.pid, port, time.monotonic() - began)
            samples.append(sample)
            if len(samples) % 12 == 0:
                line = f"{sample.rss_mb:.1f} MB, {sample.sockets} sockets, {sample.tasks} tasks"
                print(f"[{sample.at_s:6.0f} s] {line}, open questions {judge.look()}", file=sys.stderr, flush=True)


def free_port() -> int:
    """Return a port nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def report_of(measured: Soak) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {
        **measured.verdict.counts(),
        "apologies": len(measured.verdict.apologies),
        "faults": dict(measured.faults),
        "growth_mb": round(measured.growth_mb, 2),
        "before": measured.before.as_json(),
        "after": measured.after.as_json(),
        "complaints": measured.complaints(),
        "details": measured.verdict.unanswered + measured.verdict.answered_twice + measured.verdict.chats_twice,
        "curve": [sample.as_json() for sample in measured.samples],
    }


def in_words(measured: Soak) -> str:
    """The report as lines for people."""
    counts = measured.verdict.counts()
    complaints = measured.complaints()
    details = measured.verdict.unanswered + measured.verdict.answered_twice + measured.verdict.chats_twice
    lines = [
        f"{counts['questions']} questions, {sum(measured.faults.values())} faults, "
        f"{len(measured.verdict.apologies)} answers ended with a sentence of the bridge",
        *(f"  {name:<13} {sparkline(measured.samples, name)}" for name in GAUGES),
        f"  memory, line through the second half: {measured.growth_mb:+.2f} MB",
        *(
            f"  {name:<13} {getattr(measured.before, name)} before, {getattr(measured.after, name)} after"
            for name in GAUGES
        ),
        *(f"  {line}" for line in details),
        "Nothing lost, nothing grows." if not complaints else f"WRONG: {'; '.join(complaints)}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
