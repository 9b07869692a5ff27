"""Did a measured process get the CPU it asked for? Where not, a figure says nothing about the program.

Linux counts for every thread how long it ran and how long it stood ready and waited for a CPU that others had
(``/proc/PID/task/*/schedstat``). Being woken takes some microseconds of that each time, whoever else runs, and is no
want of CPU: that much is taken off. Elsewhere ``usage_of`` raises ``OSError``: measure on Linux.
"""

import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

STARVED_SHARE = 0.05
"""Of a run's time spent waiting for a CPU: above this the run is void."""
WAKING_S = 20e-6
"""What being woken may take on a virtual machine with nothing else to do (14 to 19 microseconds were measured on an
idle one). Whoever waits for another program waits much longer: a time slice is some milliseconds."""


class Usage(NamedTuple):
    """What a process has used so far, all threads together.

    Attributes:
        at: Monotonic seconds.
        cpu_s: Time on a CPU.
        waited_s: Time ready to run, without a CPU.
        turns: How often it was given one.
    """

    at: float
    cpu_s: float
    waited_s: float
    turns: int


class Spent(NamedTuple):
    """What a process used between two moments."""

    wall_s: float
    cpu_s: float
    waited_s: float
    turns: int

    @property
    def core_share(self) -> float:
        """How much of one core it used."""
        return self.cpu_s / self.wall_s

    @property
    def starved(self) -> bool:
        """Whether it had to wait for a CPU so long that the figures are void."""
        return self.waited_s - self.turns * WAKING_S > STARVED_SHARE * self.wall_s


def usage_of(process_id: int | None = None) -> Usage:
    """Read what a process (this one by default) has used; threads that have ended do not count.

    Raises:
        OSError: There is no such process, or the system does not tell.
    """
    on_cpu = waited = turns = 0
    for task in Path(f"/proc/{process_id or os.getpid()}/task").iterdir():
        try:
            ran_ns, waited_ns, given = (task / "schedstat").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended while we looked
        on_cpu += int(ran_ns)
        waited += int(waited_ns)
        turns += int(given)
    return Usage(time.monotonic(), on_cpu / 1e9, waited / 1e9, turns)


def spent(before: Usage, after: Usage) -> Spent:
    """Return the difference of two readings of one process."""
    return Spent(
        wall_s=after.at - before.at,
        cpu_s=after.cpu_s - before.cpu_s,
        waited_s=after.waited_s - before.waited_s,
        turns=after.turns - before.turns,
    )


def resident_kb(process_id: int) -> float:
    """Return the memory a process holds (``VmRSS``)."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def machine() -> str:
    """Say in a few words what the figures were taken on."""
    name = next(
        (line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "unknown processor"
    )
    return f"{os.cpu_count()} CPUs ({name}), Python {'.'.join(map(str, sys.version_info[:3]))}"


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
