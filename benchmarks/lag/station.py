"""One scenario: a load under one limiter, every policy in a world of its own. A process of its own runs it.

Reads a ``Case`` as JSON from its input, says ``ready`` when every client is connected, waits for a line, runs, and
prints the ``Outcome`` as JSON. The emulators of all policies run in this process, the policies in others.
"""

import asyncio
import gc
import json
import multiprocessing
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.lag import fixed
from benchmarks.lag.loads import Load, Platform, make_load
from benchmarks.lag.reading import Course, Point, Reader, figures_of, lateness_s, read_traffic
from benchmarks.lag.sites import Limiter, Site, address_of, open_site
from benchmarks.lag.strain import StrainGauge, verdict
from sandbox.demo.process import BridgeProcess, demo_folder
from sandbox.demo.town import configuration
from sandbox.demo.words import WORDS
from sandbox.journal import Entry

BRIDGE = "bridge"
COMMAND = (sys.executable, "-m", "bridge.cli")
CONNECT_TIMEOUT_S = 60.0
WATCH_S = 65.0
"""How long an answer may take to become whole after the last one's end; later counts as never."""
QUIET_S = 1.0
"""A policy is left alone for so long after all its answers stand there whole."""
LEAD_S = 0.5
LOOK_S = 0.25
LOG_LINES = 10_000
CURVE_S = 0.25


@dataclass(frozen=True, slots=True)
class Case:
    """What to run.

    Attributes:
        keep: A folder for the journals and the bridge's log; empty: they are not kept.
    """

    platform: Platform
    load: str
    limiter: Limiter
    policies: tuple[str, ...]
    seed: int
    burst_share: float
    keep: str = ""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.platform} {self.load} {self.limiter}"


@dataclass(slots=True)
class Measured:
    """What one policy did: figures as in ``reading.Figures``, its calls, and how text became visible over time."""

    policy: str
    figures: dict[str, Any]
    calls: dict[str, int]
    refused: dict[str, int]
    curve: list[tuple[float, int]] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What came of a case; ``void`` says why it does not count."""

    measured: list[Measured]
    void: list[str]
    strain: dict[str, Any]
    said: list[tuple[float, int]]


class Policy:
    """One policy at work: its world, and what its journal says of it."""

    def __init__(self, name: str, load: Load, site: Site) -> None:
        self.name = name
        self.site = site
        self.watched_until = 0.0
        self._reader = Reader({q.number: q.text for q in load.questions}, site.service, site.bot)
        self._entries: list[Entry] = []
        self._skipped = 0

    def begin(self) -> None:
        """Forget how it came to be connected."""
        self._skipped = len(self.site.journal)

    def read(self) -> Sequence[Course]:
        """Return the answers' courses so far."""
        fresh = self.site.journal.since(self._skipped + len(self._entries))
        self._entries += fresh
        self._reader.read(fresh)
        return list(self._reader.courses.values())

    @property
    def is_whole(self) -> bool:
        """All answers stand there whole, as far as was read."""
        return self._reader.is_whole

    def keep(self, path: Path | None) -> None:
        """Write its journal down, an entry a line."""
        if path is not None:
            lines = (json.dumps([e.at, e.service, e.kind, e.name, e.detail], default=str) for e in self._entries)
            path.write_text("\n".join(lines), encoding="utf-8")

    def measured(self, began: float) -> Measured:
        """Return what is told of it; ``began`` is on its world's clock."""
        courses, traffic = self.read(), read_traffic(self._entries, self.site.service)
        figures = figures_of(courses, self.watched_until)
        curve = curve_of([course.seen for course in courses], began)
        return Measured(self.name, asdict(figures), traffic.calls, traffic.refused, curve)


def main() -> None:
    """Run the case that the input names."""
    asked = json.loads(sys.stdin.readline())
    case = Case(**asked | {"policies": tuple(asked["policies"])})
    load = make_load(case.platform, case.load, case.seed)
    # Forked before there is an event loop: cheap to start, and nothing but memory is shared.
    context = multiprocessing.get_context("fork")
    pipes: dict[str, Connection] = {}
    process_ids = {}
    for policy in case.policies:
        if policy != BRIDGE:
            ours, theirs = context.Pipe()
            process = context.Process(target=fixed.run, args=(theirs, policy, load), daemon=True)
            process.start()
            assert process.pid is not None
            pipes[policy], process_ids[policy] = ours, process.pid
    outcome = asyncio.run(run(case, load, pipes, process_ids))
    print(json.dumps(asdict(outcome)), flush=True)


async def run(case: Case, load: Load, pipes: Mapping[str, Connection], process_ids: Mapping[str, int]) -> Outcome:
    """Open the worlds, connect everybody, wait for the word, measure."""
    async with AsyncExitStack() as stack:
        policies = []
        process_ids = {"emulators": os.getpid(), **process_ids}
        for name in case.policies:
            heard = name == BRIDGE
            site = await stack.enter_async_context(
                open_site(load, case.limiter, heard=heard, burst_share=case.burst_share)
            )
            policies.append(Policy(name, load, site))
            if heard:
                process_ids[BRIDGE] = await stack.enter_async_context(_bridge(site, kept(case, "log")))
            else:
                pipes[name].send(address_of(site, load))
        for name, pipe in pipes.items():
            await _expect(pipe, "ready", name)
        gc.collect()
        gc.freeze()
        gc.disable()  # collecting a long journal would stop the emulators
        print("ready", flush=True)
        if not await asyncio.to_thread(sys.stdin.readline):
            raise RuntimeError("whoever started this is gone")
        outcome = await measure(load, policies, pipes, StrainGauge(process_ids))
        for policy in policies:
            policy.keep(kept(case, f"{policy.name}.jsonl"))
        return outcome


def kept(case: Case, what: str) -> Path | None:
    """Return where something of a case is kept, if it is."""
    return Path(case.keep) / f"{case.platform}-{case.load}-{case.limiter}-{what}" if case.keep else None


async def measure(
    load: Load, policies: Sequence[Policy], pipes: Mapping[str, Connection], gauge: StrainGauge
) -> Outcome:
    """Let it happen and read the journals."""
    begin = time.monotonic() + LEAD_S
    for policy in policies:
        policy.begin()
    for pipe in pipes.values():
        pipe.send(begin)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(gauge.run())
        asking = [tasks.create_task(_ask(load, policy.site, begin)) for policy in policies if policy.name == BRIDGE]
        ends = [tasks.create_task(_watch(load, policy, pipes.get(policy.name), begin)) for policy in policies]
        await asyncio.wait([*asking, *ends])
        watching.cancel()
    measured, strain = [], gauge.strain
    said: list[tuple[float, int]] = []
    planned = {question.number: question.planned_s for question in load.questions}
    for policy in policies:
        courses = policy.read()
        began = policy.site.clock.now() - (time.monotonic() - begin)
        measured.append(policy.measured(began))
        strain.lateness_s = max(strain.lateness_s, lateness_s(courses, planned))
        said = said or curve_of([course.left for course in courses], began)
    blind = ["nothing tells here whether processes had their CPU (no schedstat)"] if gauge.blind else []
    return Outcome(measured, verdict(strain) + blind, strain.as_json(), said)


async def _ask(load: Load, site: Site, begin: float) -> None:
    for question in sorted(load.questions, key=lambda question: question.at_s):
        await asyncio.sleep(max(0.0, begin + question.at_s - time.monotonic()))
        site.ask(question)


async def _watch(load: Load, policy: Policy, pipe: Connection | None, begin: float) -> None:
    """Return when a policy has finished, or it is too late for it."""
    deadline = begin + load.ends_s + WATCH_S
    await asyncio.sleep(max(0.0, begin + load.ends_s - time.monotonic()))
    whole_since: float | None = None
    while (now := time.monotonic()) < deadline:
        if pipe is not None and pipe.poll():
            break
        policy.read()
        whole_since = (whole_since or now) if policy.is_whole else None
        if pipe is None and whole_since is not None and now - whole_since > QUIET_S:
            break
        await asyncio.sleep(LOOK_S)
    policy.watched_until = policy.site.clock.now()


def curve_of(answers: Iterable[Sequence[Point]], began: float) -> list[tuple[float, int]]:
    """Return how many characters of all answers together there were over time: seconds after ``began``, the sum."""
    steps: list[tuple[float, int]] = []
    for points in answers:
        before = 0
        for point in points:
            steps.append((point.at - began, point.chars - before))
            before = point.chars
    total, curve = 0, [(0.0, 0)]
    for at, added in sorted(steps):
        total += added
        if at - curve[-1][0] < CURVE_S and len(curve) > 1:
            curve[-1] = (curve[-1][0], total)
        else:
            curve.append((round(at, 2), total))
    return curve


async def _expect(pipe: Connection, word: str, who: str) -> None:
    """Wait until a process says a word."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while not pipe.poll():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{who} is not ready after {CONNECT_TIMEOUT_S:g} s")
        await asyncio.sleep(LOOK_S)
    if pipe.recv() != word:
        raise RuntimeError(f"{who} said something else than {word!r}")


@asynccontextmanager
async def _bridge(site: Site, log: Path | None) -> AsyncIterator[int]:
    """Run the real bridge as it is shipped, connected to a world; yield its process id. ``log`` gets what it wrote."""
    with demo_folder() as folder, BridgeProcess(COMMAND, folder) as bridge:
        adapters = {site.service: site.section}
        text = configuration(site.coze, site.coze_token, adapters, WORDS["en"], bridge)
        await asyncio.to_thread(bridge.config.write_text, text, encoding="utf-8")
        await bridge.start(site.journal)
        try:
            await _connected(site, bridge)
            assert bridge.process_id is not None
            yield bridge.process_id
        except BaseException:
            print("\n".join(bridge.log_tail()), file=sys.stderr)
            raise
        finally:
            await bridge.stop(site.journal)
            if log is not None:
                await asyncio.to_thread(log.write_text, "\n".join(bridge.log_tail(LOG_LINES)), encoding="utf-8")


async def _connected(site: Site, bridge: BridgeProcess) -> None:
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while not site.is_connected():
        if bridge.exit_code is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the bridge did not connect (exit code {bridge.exit_code})")
        await asyncio.sleep(LOOK_S)


if __name__ == "__main__":
    main()
