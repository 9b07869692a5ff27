"""Was a run disturbed? Every process that took part must have had its CPU, the emulators must have kept their plan."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROC = Path("/proc")
SAMPLE_S = 0.1
SAMPLES_A_SECOND = 10
LOOP_SAMPLE_S = 0.02

AT_A_TIME_MAX_S = 0.15
"""A process may have waited so long for a CPU at a time: the strictest promise is about half a second."""
OF_A_SECOND_MAX_S = 0.6
"""Many short waits delay nothing by more than their length; beyond this they are a slower machine."""
LOOP_LAG_MAX_S = 0.15
"""The emulators' event loop may have been late by so much."""
LATENESS_MAX_S = 0.15
"""A delta may have left so much earlier or later than planned."""


@dataclass(slots=True)
class Strain:
    """The worst of one run, in seconds.

    Attributes:
        at_a_time_s: By process: how long it was ready and waited for a CPU at a time.
        of_a_second_s: By process: the same, summed over any second.
        loop_lag_s: How late the emulators' event loop was.
        lateness_s: How far a delta strayed from its plan.
    """

    at_a_time_s: dict[str, float] = field(default_factory=dict)
    of_a_second_s: dict[str, float] = field(default_factory=dict)
    loop_lag_s: float = 0.0
    lateness_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "at_a_time_s": {name: round(seconds, 3) for name, seconds in self.at_a_time_s.items()},
            "of_a_second_s": {name: round(seconds, 3) for name, seconds in self.of_a_second_s.items()},
            "loop_lag_s": round(self.loop_lag_s, 3),
            "lateness_s": round(self.lateness_s, 3),
        }


def verdict(strain: Strain) -> list[str]:
    """Return why a run is void; an empty list: it counts."""
    reasons = [
        f"{name} waited {seconds:.2f} s at a time for a CPU"
        for name, seconds in strain.at_a_time_s.items()
        if seconds > AT_A_TIME_MAX_S
    ]
    reasons += [
        f"{name} waited {seconds:.2f} s of a second for a CPU"
        for name, seconds in strain.of_a_second_s.items()
        if seconds > OF_A_SECOND_MAX_S
    ]
    if strain.loop_lag_s > LOOP_LAG_MAX_S:
        reasons.append(f"the emulators' event loop was {strain.loop_lag_s:.2f} s late")
    if strain.lateness_s > LATENESS_MAX_S:
        reasons.append(f"a delta left Coze {strain.lateness_s:.2f} s off its plan")
    return reasons


class StrainGauge:
    """Watches processes and the event loop it runs in; cancel ``run`` to end it.

    The kernel counts how long a process's main thread, where its event loop runs, was ready and did not run, and adds
    each wait when it is over (``/proc/PID/schedstat``, the second figure). So what is added between two looks, and is
    longer than the time between them, was waited at a time. Where there is no such file, ``blind`` says so.
    """

    def __init__(self, process_ids: Mapping[str, int]) -> None:
        self._process_ids = dict(process_ids)
        self.strain = Strain(dict.fromkeys(process_ids, 0.0), dict.fromkeys(process_ids, 0.0))
        self.blind = any(waited_s(process_id) is None for process_id in process_ids.values())

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_loop())
            for name, process_id in self._process_ids.items():
                tasks.create_task(self._watch(name, process_id))

    async def _watch_loop(self) -> None:
        while True:
            due = time.monotonic() + LOOP_SAMPLE_S
            await asyncio.sleep(LOOP_SAMPLE_S)
            self.strain.loop_lag_s = max(self.strain.loop_lag_s, time.monotonic() - due)

    async def _watch(self, name: str, process_id: int) -> None:
        before, looked_at = waited_s(process_id), time.monotonic()
        recent: deque[float] = deque(maxlen=SAMPLES_A_SECOND)
        while before is not None:
            await asyncio.sleep(SAMPLE_S)
            total, at = waited_s(process_id), time.monotonic()
            if total is None:
                return
            strain, added, late_s = self.strain, total - before, max(0.0, at - looked_at - SAMPLE_S)
            recent.append(added)
            strain.at_a_time_s[name] = max(strain.at_a_time_s[name], added - late_s)
            strain.of_a_second_s[name] = max(strain.of_a_second_s[name], sum(recent) / (1.0 + late_s))
            before, looked_at = total, at


def waited_s(process_id: int) -> float | None:
    """Return how long a process's main thread has waited for a CPU so far; ``None``: it is gone, or nobody counts."""
    with suppress(OSError, IndexError, ValueError):
        return int((PROC / str(process_id) / "schedstat").read_text().split()[1]) / 1e9
    return None
