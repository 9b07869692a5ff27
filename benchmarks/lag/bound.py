"""The bound: the best schedule there is for somebody who knows all ends beforehand (pure).

First words go by post ``FIRST_WORDS_S`` after the first delta, the whole text with an edit at the answer's end; posts
and final edits that the limits do not allow at that moment go at the first moment they do, in order. What is left of
the shared edits is for growing.

Text comes evenly, so what people wait for between two requests ``g`` seconds apart is ``g * g / 2``. Edits are given
one after another to whoever gains most, each answer's edits being moved to equal distances as far as the limits allow;
then single edits are taken from one answer and given to another as long as that helps, and where few answers share,
some are taken away at random and placed anew. Under one allowance that all
share (up to twenty answers at once in a Slack workspace) that is the optimum, because an answer's waiting is convex in
the number of its edits. Over loads that outlast a window the schedule was compared with a relaxation in which edits
can be divided at will: it is 4 % above that for ``every4`` and 3 % for ``twice10``.

In direct messages as many of the longest answers as the limits allow are native streams (first words by
``startStream``, growing by ``appendStream``, the end by ``stopStream``), the others are posts and edits; which ones is
tried out. Ends are always edited in; who posts the rest of a text as a message of its own, as the bridge does when
edits are scarce, spends an edit less and can be better than this. Each call is applied half its duration after it was
sent, and a message has one call in flight.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from benchmarks.lag.loads import FIRST_DELTA_S, Load, Question
from benchmarks.lag.reading import Course, Point, figures_of, squeeze

FIRST_WORDS_S = 0.5
CALL_S = 0.15
SHARES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.25, 0.75, 0.15, 0.85)
"""Where in a pause a request is tried."""
RELAXATIONS = 12
SHAKEN_MAX, SHAKES = 45, 150
LEAST_MOVE_S, LEAST_GAIN, TINY = 0.02, 0.01, 1e-6


class Limit(Protocol):
    """What may be sent when.

    Attributes:
        period_s: One call so often is admitted for ever.
    """

    @property
    def period_s(self) -> float: ...

    def is_one(self, span_s: float) -> bool:
        """Tell whether all calls within such a span draw on one allowance, whenever they are made."""

    def allows(self, times: Sequence[float]) -> bool:
        """Tell whether calls at these times, in order, are all admitted."""

    def earliest(self, wanted: Sequence[float]) -> list[float]:
        """Return when calls wanted at these times, in order, are admitted at the earliest."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``calls`` in any ``window_s`` seconds."""

    calls: int
    window_s: float

    @property
    def period_s(self) -> float:
        return self.window_s / self.calls

    def is_one(self, span_s: float) -> bool:
        return span_s < self.window_s

    def allows(self, times: Sequence[float]) -> bool:
        later = times[self.calls :]
        return all(b - a >= self.window_s - 1e-9 for a, b in zip(times, later, strict=False))

    def earliest(self, wanted: Sequence[float]) -> list[float]:
        times: list[float] = []
        for at in wanted:
            free = times[-self.calls] + self.window_s if len(times) >= self.calls else at
            times.append(max(at, free, times[-1] if times else at))
        return times


@dataclass(frozen=True, slots=True)
class Bucket:
    """``burst`` at once, refilled at ``per_s`` a second; full at the beginning."""

    burst: float
    per_s: float

    @property
    def period_s(self) -> float:
        return 1 / self.per_s

    def is_one(self, span_s: float) -> bool:
        return False

    def allows(self, times: Sequence[float]) -> bool:
        tokens, before = self.burst, 0.0
        for at in times:
            tokens = min(self.burst, tokens + (at - before) * self.per_s) - 1
            before = at
            if tokens < -1e-9:
                return False
        return True

    def earliest(self, wanted: Sequence[float]) -> list[float]:
        times: list[float] = []
        tokens, before = self.burst, 0.0
        for at in wanted:
            at = max(at, before)
            tokens = min(self.burst, tokens + (at - before) * self.per_s)
            if tokens < 1:
                at += (1 - tokens) / self.per_s
                tokens = 1.0
            tokens, before = tokens - 1, at
            times.append(at)
        return times


@dataclass(slots=True)
class Plan:
    """One answer's requests: seconds after the load's beginning when they are sent.

    Attributes:
        first, last: The first words and the whole text.
        between: Those in between, in order.
    """

    question: Question
    first: float
    last: float
    between: list[float] = field(default_factory=list)

    @property
    def sent(self) -> list[float]:
        """All of them."""
        return [self.first, *self.between, self.last]

    @property
    def cost(self) -> float:
        """What waiting for the next request amounts to, in seconds squared."""
        return sum((b - a) ** 2 for a, b in pairwise(self.sent)) / 2

    def pauses(self) -> list[tuple[float, float]]:
        """Return the beginnings and the lengths of the pauses, the longest first."""
        return sorted(((a, b - a) for a, b in pairwise(self.sent)), key=lambda pause: -pause[1])

    def widest(self) -> tuple[float, float]:
        """Return the longest pause."""
        return max(((a, b - a) for a, b in pairwise(self.sent)), key=lambda pause: pause[1])


@dataclass(frozen=True, slots=True)
class Ways:
    """One way of showing answers: what its first words, its growing and its ends draw on.

    Attributes:
        ends: ``None``: the ends draw on the same allowance as the growing.
        first_is_by_place: Each channel has its own allowance for first words.
        rest_is_by_place: Each channel has its own allowance for growing and ends.
    """

    first: Limit
    growing: Limit
    ends: Limit | None = None
    first_is_by_place: bool = True
    rest_is_by_place: bool = False


def best_plans(questions: Iterable[Question], ways: Ways, *, thoroughly: bool = True) -> list[Plan]:
    """Return the best schedule for these answers alone; less thoroughly it takes a tenth of the time."""
    plans = _first_words(questions, ways)
    groups: dict[int, list[Plan]] = {}
    for plan in sorted(plans, key=lambda plan: plan.last):
        groups.setdefault(plan.question.place if ways.rest_is_by_place else 0, []).append(plan)
    for group in groups.values():
        _Schedule(group, ways).improve(thoroughly=thoroughly)
    return plans


def _first_words(questions: Iterable[Question], ways: Ways) -> list[Plan]:
    by_place: dict[int, list[Plan]] = {}
    for question in sorted(questions, key=lambda question: question.at_s):
        starts = question.at_s + FIRST_DELTA_S
        place = question.place if ways.first_is_by_place else 0
        plan = Plan(question, starts + FIRST_WORDS_S, starts + question.planned_s[-1] + TINY)
        by_place.setdefault(place, []).append(plan)
    for plans in by_place.values():
        for plan, first in zip(plans, ways.first.earliest([plan.first for plan in plans]), strict=True):
            plan.first = first
            plan.last = max(plan.last, first + CALL_S)
    return [plan for plans in by_place.values() for plan in plans]


class _Schedule:
    """Answers that share one allowance; ``plans`` are in the order of their ends."""

    def __init__(self, plans: list[Plan], ways: Ways) -> None:
        self._plans = plans
        self._limit = ways.growing
        ends = (ways.ends or ways.growing).earliest([plan.last for plan in plans])
        for plan, last in zip(plans, ends, strict=True):
            plan.last = last
        self._ends = [] if ways.ends else ends

    def improve(self, *, thoroughly: bool) -> None:
        """Place as many requests as help, as well as they can be placed, from two beginnings: the better one stays.

        Beginning with nothing suits allowances that may be spent at any time; beginning with a steady beat, each of
        its requests for whoever has waited longest, suits tight ones.
        """
        self._polish()
        kept = self._taken()
        for plan in self._plans:
            plan.between = []
        self._beat()
        self._polish()
        self._keep_better(kept)
        if thoroughly and self._is_worth_shaking():
            self._shake()

    def _is_worth_shaking(self) -> bool:
        span_s = max(plan.last for plan in self._plans) - min(plan.first for plan in self._plans)
        edits = sum(len(plan.between) for plan in self._plans)
        return len(self._plans) > 1 and edits <= SHAKEN_MAX and not self._limit.is_one(span_s)

    def _taken(self) -> tuple[float, list[list[float]]]:
        return sum(plan.cost for plan in self._plans), [plan.between for plan in self._plans]

    def _keep_better(self, kept: tuple[float, list[list[float]]]) -> None:
        cost, times = kept
        if sum(plan.cost for plan in self._plans) > cost:
            for plan, between in zip(self._plans, times, strict=True):
                plan.between = between

    def _polish(self) -> None:
        self._fill()
        while self._exchange():
            self._fill()

    def _beat(self) -> None:
        at = min((plan.first for plan in self._plans), default=0.0)
        end = max((plan.last for plan in self._plans), default=0.0)
        while (at := at + self._limit.period_s) < end:
            growing = [p for p in self._plans if p.sent[-2] + CALL_S <= at <= p.last - CALL_S]
            for plan in sorted(growing, key=lambda plan: plan.sent[-2]):
                if self._try(plan, [*plan.between, at]):
                    break

    def _shake(self) -> None:
        """Take a few requests away at random and place anew, again and again; what is better stays."""
        dice = random.Random(0)
        for _ in range(SHAKES):
            kept = self._taken()
            for _ in range(dice.randint(1, 3)):
                plan = dice.choice(self._plans)
                if plan.between:
                    index = dice.randrange(len(plan.between))
                    plan.between = [at for place, at in enumerate(plan.between) if place != index]
            for plan in dice.sample(self._plans, len(self._plans)):
                self._relax(plan)
            self._fill(dice)
            self._keep_better(kept)

    def _fill(self, dice: random.Random | None = None) -> None:
        while any(self._insert(plan, dice) for plan in sorted(self._plans, key=lambda plan: -plan.widest()[1])):
            pass

    def _insert(self, plan: Plan, dice: random.Random | None = None) -> bool:
        """Divide one of an answer's pauses, a long one before a short one, in its middle or near it."""
        shares = SHARES if dice is None else (*SHARES, dice.random(), dice.random())
        for start, pause_s in plan.pauses():
            for share in shares:
                at = start + share * pause_s
                if min(at - start, start + pause_s - at) >= CALL_S and self._try(plan, sorted([*plan.between, at])):
                    self._relax(plan)
                    return True
        return False

    def _relax(self, plan: Plan) -> None:
        """Move an answer's requests towards equal distances."""
        for _ in range(RELAXATIONS):
            moved = False
            for index, at in enumerate(plan.between):
                before, _, after = plan.sent[index : index + 3]
                target = (before + after) / 2
                for share in (1.0, 0.5, 0.25):
                    there = at + share * (target - at)
                    if abs(there - at) > LEAST_MOVE_S and self._try(plan, _with(plan.between, index, there)):
                        moved = True
                        break
            if not moved:
                return

    def _exchange(self) -> bool:
        """Take one request from an answer and give it to another; tell whether that helped anywhere."""
        for taker in sorted(self._plans, key=lambda plan: -plan.widest()[1]):
            gain = taker.widest()[1] ** 2 / 4
            for giver in sorted(self._plans, key=_least_loss):
                if _least_loss(giver) >= gain:
                    break
                if giver is not taker and self._give(giver, taker):
                    return True
        return False

    def _give(self, giver: Plan, taker: Plan) -> bool:
        before, kept = giver.cost + taker.cost, (giver.between, taker.between)
        index = min(range(len(giver.between)), key=lambda index: _loss(giver, index))
        giver.between = [at for place, at in enumerate(giver.between) if place != index]
        self._relax(giver)
        if self._insert(taker) and giver.cost + taker.cost < before - LEAST_GAIN:
            return True
        giver.between, taker.between = kept
        return False

    def _try(self, plan: Plan, between: list[float]) -> bool:
        """Give an answer these times if the limits admit them."""
        kept, plan.between = plan.between, between
        if self._limit.allows(sorted([*self._ends, *(at for other in self._plans for at in other.between)])):
            return True
        plan.between = kept
        return False


def _with(times: list[float], index: int, at: float) -> list[float]:
    return [*times[:index], at, *times[index + 1 :]]


def _loss(plan: Plan, index: int) -> float:
    """Return what it costs to leave one request out."""
    before, at, after = plan.sent[index : index + 3]
    return (at - before) * (after - at)


def _least_loss(plan: Plan) -> float:
    return min((_loss(plan, index) for index in range(len(plan.between))), default=float("inf"))


def bound(load: Load, edits: Ways, streams: Ways | None, streams_max: int) -> list[Plan]:
    """Return the best schedule for a load.

    Args:
        streams: The other way; ``None`` where there is none.
        streams_max: How many answers can go that way.
    """
    if streams is None:
        return best_plans(load.questions, edits)
    longest = sorted(load.questions, key=lambda question: -len(question.text))
    most = min(streams_max, len(longest))
    splits: list[tuple[float, int, int]] = []
    for count in sorted({most * quarters // 4 for quarters in range(5)}):
        left_over = len(longest) - count
        for skipped in sorted({0, left_over // 2, left_over}):
            plans = _both(longest, skipped, count, edits, streams, thoroughly=False)
            splits.append((figures_of(courses_of(plans), float("inf")).mean_lag_s, skipped, count))
    _, skipped, count = min(splits)
    return _both(longest, skipped, count, edits, streams, thoroughly=True)


def _both(
    questions: Sequence[Question], skipped: int, count: int, edits: Ways, streams: Ways, *, thoroughly: bool
) -> list[Plan]:
    """Let ``count`` answers go by stream, leaving out the first ones, the others by edits."""
    chosen = questions[skipped : skipped + count]
    others = [*questions[:skipped], *questions[skipped + count :]]
    return best_plans(chosen, streams, thoroughly=thoroughly) + best_plans(others, edits, thoroughly=thoroughly)


def courses_of(plans: Sequence[Plan]) -> list[Course]:
    """Return what people would have seen, in the form in which the measured runs are read."""
    return [_course(plan) for plan in sorted(plans, key=lambda plan: plan.question.number)]


def _course(plan: Plan) -> Course:
    question = plan.question
    starts = question.at_s + FIRST_DELTA_S
    course = Course(len(squeeze(question.text)))
    gone = 0
    for piece, offset in zip(question.deltas, question.planned_s, strict=True):
        gone += len(squeeze(piece))
        course.left.append(Point(starts + offset, gone))
    for sent in plan.sent:
        chars = max((point.chars for point in course.left if point.at <= sent), default=0)
        course.seen.append(Point(sent + CALL_S / 2, chars))
    return course


def calls_of(plans: Iterable[Plan]) -> int:
    """Return how many requests a schedule makes."""
    return sum(len(plan.sent) for plan in plans)
