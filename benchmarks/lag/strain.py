"""Was a run disturbed? Every process that took part must have had its CPU, the emulators must have kept their plan."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROC = Path("/proc")
SAMPLE_S = 1.0
LOOP_SAMPLE_S = 0.02

WAITING_MAX_S = 0.25
"""Of any second, a process may have waited so long for a CPU."""
LOOP_LAG_MAX_S = 0.15
"""The emulators' event loop may have been late by so much."""
LATENESS_MAX_S = 0.15
"""A delta may have left so much earlier or later than planned."""


@dataclass(slots=True)
class Strain:
    """The worst of one run, in seconds.

    Attributes:
        waiting_s: By process: of any second, how long one of its threads was ready and waited for a CPU.
        loop_lag_s: How late the emulators' event loop was.
        lateness_s: How far a delta strayed from its plan.
    """

    waiting_s: dict[str, float] = field(default_factory=dict)
    loop_lag_s: float = 0.0
    lateness_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "waiting_s": {name: round(seconds, 3) for name, seconds in self.waiting_s.items()},
            "loop_lag_s": round(self.loop_lag_s, 3),
            "lateness_s": round(self.lateness_s, 3),
        }


def verdict(strain: Strain) -> list[str]:
    """Return why a run is void; an empty list: it counts."""
    reasons = [
        f"{name} waited {seconds:.2f} s of a second for a CPU"
        for name, seconds in strain.waiting_s.items()
        if seconds > WAITING_MAX_S
    ]
    if strain.loop_lag_s > LOOP_LAG_MAX_S:
        reasons.append(f"the emulators' event loop was {strain.loop_lag_s:.2f} s late")
    if strain.lateness_s > LATENESS_MAX_S:
        reasons.append(f"a delta left Coze {strain.lateness_s:.2f} s off its plan")
    return reasons


class StrainGauge:
    """Watches processes and the event loop it runs in; cancel ``run`` to end it.

    The kernel counts how long each thread was ready to run and did not (``/proc/PID/task/*/schedstat``, its second
    figure). Where there is no such file, nothing is known of the processes: ``blind`` says so.
    """

    def __init__(self, process_ids: Mapping[str, int]) -> None:
        self._process_ids = dict(process_ids)
        self.strain = Strain(waiting_s=dict.fromkeys(process_ids, 0.0))
        self.blind = not all(waited_s(process_id) for process_id in process_ids.values())

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_loop())
            tasks.create_task(self._watch_processes())

    async def _watch_loop(self) -> None:
        while True:
            due = time.monotonic() + LOOP_SAMPLE_S
            await asyncio.sleep(LOOP_SAMPLE_S)
            self.strain.loop_lag_s = max(self.strain.loop_lag_s, time.monotonic() - due)

    async def _watch_processes(self) -> None:
        before, looked_at = self._read(), time.monotonic()
        while True:
            await asyncio.sleep(SAMPLE_S)
            now, at = self._read(), time.monotonic()
            for name, threads in now.items():
                known = before[name]
                longest = max(
                    (total - known[thread] for thread, total in threads.items() if thread in known), default=0.0
                )
                share = longest / max(SAMPLE_S, at - looked_at)
                self.strain.waiting_s[name] = max(self.strain.waiting_s[name], share)
            before, looked_at = now, at

    def _read(self) -> dict[str, dict[str, float]]:
        return {name: waited_s(process_id) for name, process_id in self._process_ids.items()}


def waited_s(process_id: int) -> dict[str, float]:
    """Return how long each thread of a process has waited for a CPU so far; nothing: it is gone, or nobody counts."""
    found: dict[str, float] = {}
    with suppress(OSError, IndexError, ValueError):
        for thread in (PROC / str(process_id) / "task").iterdir():
            with suppress(FileNotFoundError):  # it ended meanwhile
                found[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
    return found
