"""One scenario: a load under one limiter, every policy in a world of its own. A process of its own runs it.

Reads a ``Case`` as JSON from its input, says ``ready`` when every client is connected, waits for a line, runs, and
prints the ``Outcome`` as JSON. The emulators of all policies run in this process, the policies in others.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.lag.clients import Client, running_bridge
from benchmarks.lag.loads import Load, Platform, make_load
from benchmarks.lag.reading import Course, Point, Reader, figures_of, lateness_s, read_traffic
from benchmarks.lag.sites import Limiter, Site, address_of, open_site
from benchmarks.lag.strain import StrainGauge, verdict
from sandbox.journal import Entry

BRIDGE = "bridge"
WATCH_S = 65.0
"""How long an answer may take to become whole after the last one's end; later counts as never."""
QUIET_S = 1.0
"""A policy is left alone for so long after all its answers stand there whole."""
LEAD_S = 0.5
LOOK_S, READ_S = 0.25, 2.0
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
    clients = {policy: Client(policy, load) for policy in case.policies if policy != BRIDGE}
    outcome = asyncio.run(run(case, load, clients))
    print(json.dumps(asdict(outcome)), flush=True)


async def run(case: Case, load: Load, clients: Mapping[str, Client]) -> Outcome:
    """Open the worlds, connect everybody, wait for the word, measure."""
    async with AsyncExitStack() as stack:
        policies = []
        process_ids = {"emulators": os.getpid()} | {name: client.process_id for name, client in clients.items()}
        for name in case.policies:
            site = await stack.enter_async_context(
                open_site(load, case.limiter, heard=name == BRIDGE, burst_share=case.burst_share)
            )
            policies.append(Policy(name, load, site))
            if name == BRIDGE:
                process_ids[BRIDGE] = await stack.enter_async_context(running_bridge(site, kept(case, "log")))
            else:
                clients[name].tell(address_of(site, load))
        for client in clients.values():
            stack.callback(client.end)
            await client.expect("ready")
        gc.collect()
        gc.freeze()
        gc.disable()  # collecting a long journal would stop the emulators
        print("ready", flush=True)
        if not await asyncio.to_thread(sys.stdin.readline):
            raise RuntimeError("whoever started this is gone")
        outcome = await measure(load, policies, clients, StrainGauge(process_ids))
        for policy in policies:
            policy.keep(kept(case, f"{policy.name}.jsonl"))
        return outcome


def kept(case: Case, what: str) -> Path | None:
    """Return where something of a case is kept, if it is."""
    return Path(case.keep) / f"{case.platform}-{case.load}-{case.limiter}-{what}" if case.keep else None


async def measure(load: Load, policies: Sequence[Policy], clients: Mapping[str, Client], gauge: StrainGauge) -> Outcome:
    """Let it happen and read the journals."""
    begin = time.monotonic() + LEAD_S
    for policy in policies:
        policy.begin()
    for client in clients.values():
        client.tell(begin)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(gauge.run())
        asking = [tasks.create_task(_ask(load, policy.site, begin)) for policy in policies if policy.name == BRIDGE]
        ends = [tasks.create_task(_watch(load, policy, clients.get(policy.name), begin)) for policy in policies]
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
    return Outcome(measured, verdict(strain), strain.as_json() | {"blind": gauge.blind}, said)


async def _ask(load: Load, site: Site, begin: float) -> None:
    for question in sorted(load.questions, key=lambda question: question.at_s):
        await asyncio.sleep(max(0.0, begin + question.at_s - time.monotonic()))
        site.ask(question)


async def _watch(load: Load, policy: Policy, client: Client | None, begin: float) -> None:
    """Return when a policy has finished, or it is too late for it."""
    deadline = begin + load.ends_s + WATCH_S
    while (left_s := begin + load.ends_s - time.monotonic()) > 0:
        await asyncio.sleep(min(READ_S, left_s))
        policy.read()  # a little at a time: the whole at once would stop the emulators when the last answers end
    whole_since: float | None = None
    while (now := time.monotonic()) < deadline:
        if client is not None and client.has_spoken:
            break
        policy.read()
        whole_since = (whole_since or now) if policy.is_whole else None
        if client is None and whole_since is not None and now - whole_since > QUIET_S:
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


if __name__ == "__main__":
    main()
