"""When each scenario begins, so that all fit into a few minutes without crowding the CPUs (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a scenario takes: answers growing at once, and for how long they grow."""

    streams: int
    seconds: float


def timetable(demands: Sequence[Demand]) -> list[float]:
    """Return when each begins, in seconds.

    None ends later than the longest, which begins at once; the larger ones are placed first, each where the fewest
    answers grow beside it.
    """
    horizon_s = max((demand.seconds for demand in demands), default=0.0)
    starts: dict[int, float] = {}
    for index in sorted(range(len(demands)), key=lambda index: -demands[index].streams * demands[index].seconds):
        latest = horizon_s - demands[index].seconds
        possible = [STEP_S * step for step in range(int(latest / STEP_S) + 1)]
        starts[index] = min(possible, key=lambda at: busiest(demands, starts, at, at + demands[index].seconds))
    return [starts[index] for index in range(len(demands))]


def busiest(demands: Sequence[Demand], starts: dict[int, float], begin: float, end: float) -> int:
    """Return how many answers grow at once at most between two instants, of those placed so far."""
    ends = {index: start + demands[index].seconds for index, start in starts.items()}
    instants = [begin, *(start for start in starts.values() if begin < start < end)]
    return max(
        sum(demands[index].streams for index, start in starts.items() if start <= instant < ends[index])
        for instant in instants
    )
