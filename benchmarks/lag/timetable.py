"""When each scenario begins, so that all fit into a few minutes without crowding the CPUs (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

STREAMS_MAX = 200
"""So many answers may grow at once over all scenarios and policies."""
STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a scenario takes: answers growing at once, and for how long they grow."""

    streams: int
    seconds: float


def timetable(demands: Sequence[Demand], streams_max: int = STREAMS_MAX) -> list[float]:
    """Return when each begins, in seconds: the longest first, each as soon as there is room.

    One that is larger than the room begins alone.
    """
    starts = [0.0] * len(demands)
    placed: list[int] = []
    for index in sorted(range(len(demands)), key=lambda index: -demands[index].seconds):
        at = 0.0
        while not _has_room(demands, starts, placed, index, at, streams_max):
            at += STEP_S
        starts[index] = at
        placed.append(index)
    return starts


def _has_room(
    demands: Sequence[Demand], starts: Sequence[float], placed: Sequence[int], index: int, at: float, streams_max: int
) -> bool:
    wanted = demands[index]
    others = [i for i in placed if starts[i] < at + wanted.seconds and at < starts[i] + demands[i].seconds]
    instants = [at, *(starts[i] for i in others if starts[i] > at)]
    busiest = max(
        sum(demands[i].streams for i in others if starts[i] <= instant < starts[i] + demands[i].seconds)
        for instant in instants
    )
    return not busiest or busiest + wanted.streams <= streams_max
