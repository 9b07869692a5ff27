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
        self._recent: dict[str, deque[tuple[float, float]]] = {
            name: deque(maxlen=SAMPLES_A_SECOND + 1) for name in process_ids
        }
        self.strain = Strain(dict.fromkeys(process_ids, 0.0), dict.fromkeys(process_ids, 0.0))
        self.blind = any(waited_s(process_id) is None for process_id in process_ids.values())

    async def run(self) -> None:
        """Watch until cancelled."""
        self._look()
        while True:
            due = time.monotonic() + SAMPLE_S
            await asyncio.sleep(SAMPLE_S)
            self.strain.loop_lag_s = max(self.strain.loop_lag_s, time.monotonic() - due)
            self._look()

    def _look(self) -> None:
        at = time.monotonic()
        for name, process_id in self._process_ids.items():
            total = waited_s(process_id)
            if total is not None:
                self._note(name, at, total)

    def _note(self, name: str, at: float, total: float) -> None:
        """Compare with the look before, and with the one a second ago."""
        recent, strain = self._recent[name], self.strain
        if recent:
            late_s = max(0.0, at - recent[-1][0] - SAMPLE_S)
            strain.at_a_time_s[name] = max(strain.at_a_time_s[name], total - recent[-1][1] - late_s)
        recent.append((at, total))
        if len(recent) > SAMPLES_A_SECOND:
            share = (total - recent[0][1]) / max(1.0, at - recent[0][0])
            strain.of_a_second_s[name] = max(strain.of_a_second_s[name], share)


def waited_s(process_id: int) -> float | None:
    """Return how long a process's main thread has waited for a CPU so far; ``None``: it is gone, or nobody counts."""
    with suppress(OSError, IndexError, ValueError):
        return int((PROC / str(process_id) / "schedstat").read_text().split()[1]) / 1e9
    return None
