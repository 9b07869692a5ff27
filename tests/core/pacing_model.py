"""A model of many replies that share a platform's limits: pure, in model time, with the real ``Pacer``.

What it leaves out: rendering, failures, and the machine's own slowness.
"""

import heapq
import random
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from bridge.delivery.pacing import Pacer
from bridge.delivery.sharing import FINAL_PATIENCE_S
from bridge.model import Budget

CALL_S = 0.15
JITTER_S = 0.03
FIRST_WORDS_S = 0.4
NEXT_WORDS_S = 0.25
LOOK_S = 0.5
DELTA_CHARS = 6
SLACK_EDITS = Budget("edits", 50, 60.0, burst=10)
DISCORD_EDITS = Budget("edits", 5, 5.0)


class Window:
    """So many calls in any span of ``window_s``."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._calls: deque[float] = deque()

    def admits(self, now: float) -> bool:
        while self._calls and self._calls[0] <= now - self._window_s:
            self._calls.popleft()
        if len(self._calls) >= self._limit:
            return False
        self._calls.append(now)
        return True


class Bucket:
    """A steady refill up to ``burst`` calls."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._level, self._at = burst, 0.0

    def admits(self, now: float) -> bool:
        self._level = min(self._burst, self._level + (now - self._at) * self._per_s)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class FixedWindow:
    """So many calls in spans that begin with a call and end ``window_s`` later."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit, self._window_s = limit, window_s
        self._ends_at, self._used = float("-inf"), 0

    def admits(self, now: float) -> bool:
        if self._ends_at <= now:
            self._ends_at, self._used = now + self._window_s, 0
        self._used += 1
        return self._used <= self._limit


Limiter = Window | Bucket | FixedWindow


@dataclass(slots=True)
class Answer:
    """One answer that arrives at an even speed, word by word."""

    begins_at: float
    lasts_s: float
    chars_per_s: float = 60.0
    arrivals: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        words = max(1, round(self.lasts_s * self.chars_per_s / DELTA_CHARS))
        self.arrivals = [self.begins_at + (n + 1) * DELTA_CHARS / self.chars_per_s for n in range(words)]

    def chars(self, now: float) -> int:
        return DELTA_CHARS * bisect_right(self.arrivals, now)

    @property
    def first_at(self) -> float:
        return self.arrivals[0]

    @property
    def ends_at(self) -> float:
        return self.arrivals[-1]

    @property
    def total(self) -> int:
        return DELTA_CHARS * len(self.arrivals)

    def arrival(self, char: int) -> float:
        """When the character with this index came."""
        return self.arrivals[char // DELTA_CHARS]


@dataclass(slots=True)
class Seen:
    """What became of one answer: when how many characters were visible."""

    shows: list[tuple[float, int]] = field(default_factory=list)
    split: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    mean_lag_s: float
    worst_lag_s: float
    first_words_s: float
    final_s: float
    refusals: int
    calls: int
    splits: int


class Model:
    """Runs answers against one limiter for edits; posts are never short here."""

    def __init__(self, limiter: Limiter, budget: Budget, *, interval_s: float = 0.25, seed: int = 0) -> None:
        self.pacer = Pacer()
        self._limiter = limiter
        self._budgets = (budget,)
        self._interval_s = interval_s
        self._random = random.Random(seed)
        self._now = 0.0
        self._queue: list[tuple[float, int, Generator[float]]] = []
        self._order = 0
        self._refusals = self._calls = 0

    def run(self, answers: Sequence[Answer]) -> Outcome:
        """Play all answers to their end."""
        seen = [Seen() for _ in answers]
        for index, answer in enumerate(answers):
            self._at(answer.first_at, self._reply(str(index), answer, seen[index]))
        while self._queue:
            self._now, _, process = heapq.heappop(self._queue)
            if (wait_s := next(process, None)) is not None:
                self._at(self._now + max(0.0, wait_s), process)
        lags = [lag for answer, s in zip(answers, seen, strict=True) for lag in _lags(answer, s)]
        return Outcome(
            sum(lags) / len(lags),
            max(lags),
            max(s.shows[0][0] - a.first_at for a, s in zip(answers, seen, strict=True)),
            max(s.shows[-1][0] - a.ends_at for a, s in zip(answers, seen, strict=True)),
            self._refusals,
            self._calls,
            sum(s.split for s in seen),
        )

    def _at(self, time: float, process: Generator[float]) -> None:
        self._order += 1
        heapq.heappush(self._queue, (time, self._order, process))

    def _reply(self, name: str, answer: Answer, seen: Seen) -> Generator[float]:
        """One reply as the delivery plays it."""
        pacer, budgets = self.pacer, self._budgets
        pacer.join(name, self._interval_s, budgets)
        yield FIRST_WORDS_S
        shown = yield from self._show(answer, seen)
        pacer.returned(name, (), self._now, self._now, well=True)
        while shown < answer.total:
            finished = self._now >= answer.ends_at
            pacer.heard(name, answer.chars(self._now), answer.first_at, self._now)
            if finished:
                wait = pacer.wait_s(budgets, self._now)
                if wait > FINAL_PATIENCE_S or pacer.is_scarce(budgets, self._now):
                    seen.split = True
                    shown = yield from self._show(answer, seen)
                    break
            elif (unseen := answer.chars(self._now) - shown) == 0:
                wait = self._next_word(answer)
            else:
                early_s = min(NEXT_WORDS_S, DELTA_CHARS / answer.chars_per_s) / 2
                wait = pacer.interim_wait_s(name, unseen, self._now - answer.arrival(shown), self._now, early_s=early_s)
                if wait <= 0 and self._now - answer.arrival(answer.chars(self._now) - 1) > 0.02:
                    next_word = self._next_word(answer)
                    yield min(next_word, NEXT_WORDS_S)
                    wait = pacer.interim_wait_s(
                        name, unseen, self._now - answer.arrival(shown), self._now, early_s=early_s
                    )
            if wait <= 0:
                shown = yield from self._edit(name, answer, seen, shown)
            elif finished:
                yield wait
            else:
                yield min(wait, LOOK_S, max(1e-6, answer.ends_at - self._now))
        pacer.leave(name, self._now, ended_at=answer.ends_at)

    def _next_word(self, answer: Answer) -> float:
        index = bisect_right(answer.arrivals, self._now)
        return answer.arrivals[index] - self._now if index < len(answer.arrivals) else 1e-6

    def _show(self, answer: Answer, seen: Seen) -> Generator[float, None, int]:
        chars = answer.chars(self._now)
        yield CALL_S / 2
        seen.shows.append((self._now, chars))
        yield CALL_S / 2
        return chars

    def _edit(self, name: str, answer: Answer, seen: Seen, shown: int) -> Generator[float, None, int]:
        left_at, chars = self._now, answer.chars(self._now)
        self.pacer.spent(self._budgets, left_at)
        self._calls += 1
        late_s = self._random.uniform(-JITTER_S, JITTER_S)
        yield CALL_S / 2 + late_s
        admitted = self._limiter.admits(self._now)
        if admitted:
            seen.shows.append((self._now, chars))
        yield CALL_S / 2 - late_s
        self.pacer.returned(name, self._budgets, left_at, self._now, well=admitted)
        if not admitted:
            self._refusals += 1
            self.pacer.refused(self._budgets, 1.0, self._now)
        return chars if admitted else shown


def _lags(answer: Answer, seen: Seen) -> list[float]:
    """Return how long each word waited."""
    lags: list[float] = []
    for at, chars in seen.shows:
        lags += [at - arrived for arrived in answer.arrivals[len(lags) : chars // DELTA_CHARS]]
    assert len(lags) == len(answer.arrivals)
    return lags


def together(count: int, seed: int) -> list[Answer]:
    """Answers of 9 to 21 seconds that begin within three seconds of each other."""
    chance = random.Random(seed)
    return [Answer(chance.uniform(0, 3) if count > 1 else 0.0, 15 * chance.uniform(0.6, 1.4)) for _ in range(count)]


def steady(every_s: float, for_s: float, seed: int) -> list[Answer]:
    """One answer after the other, at an even rate."""
    chance = random.Random(seed)
    return [Answer(every_s * n, 15 * chance.uniform(0.6, 1.4)) for n in range(int(for_s / every_s))]


LIMITERS: dict[str, Callable[[], Limiter]] = {
    "window": lambda: Window(50, 60.0),
    "bucket": lambda: Bucket(50 / 60, 10),
}


def bound(answers: Sequence[Answer], calls: int) -> float:
    """Return the least mean lag that ``calls`` edits allow to somebody who knows all ends beforehand.

    Every answer gets its final edit; the others go one by one to whom they help most, evenly over its time.
    """
    edits = [0] * len(answers)
    for _ in range(calls - len(answers)):
        gains = [a.lasts_s**2 / (n + 1) - a.lasts_s**2 / (n + 2) for a, n in zip(answers, edits, strict=True)]
        edits[gains.index(max(gains))] += 1
    lags = [a.lasts_s**2 / (n + 1) / 2 for a, n in zip(answers, edits, strict=True)]
    return sum(lags) / sum(a.lasts_s for a in answers) + CALL_S / 2
