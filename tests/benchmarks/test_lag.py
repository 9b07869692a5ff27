"""The arithmetic of the lag benchmark: what a journal says, what would be best, which runs do not count."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise, product
from pathlib import Path

import pytest

from benchmarks.lag.bound import (
    CALL_S,
    FIRST_WORDS_S,
    Bucket,
    Limit,
    Plan,
    Ways,
    Window,
    best_plans,
    courses_of,
)
from benchmarks.lag.loads import CHARS_PER_S, FIRST_DELTA_S, RECIPES, Platform, Question, make_load
from benchmarks.lag.reading import Course, Figures, Reader, figures_of, lateness_s, read_traffic
from benchmarks.lag.report import missed
from benchmarks.lag.strain import Strain, StrainGauge, verdict
from benchmarks.lag.timetable import Demand, timetable
from sandbox.journal import Entry

TEXTS = {0: "T00: one two three.", 1: "T01: four five six seven eight."}
NEVER = 100.0


def delta(at: float, content: str, chat: str = "c0") -> Entry:
    return Entry(at, "coze", "event", "conversation.message.delta", {"chat_id": chat, "content": content})


def shown(at: float, message: str, text: str, user: str = "bot") -> Entry:
    return Entry(at, "slack", "shown", "C1", {"ts": message, "user": user, "text": text})


def read(*entries: Entry) -> list[Course]:
    reader = Reader(TEXTS, "slack", "bot")
    reader.read(entries)
    return list(reader.courses.values())


def first_of(*entries: Entry) -> Figures:
    return figures_of(read(*entries)[:1], NEVER)


SPOKEN = (delta(0.0, "T00:"), delta(1.0, " one two"), delta(2.0, " three."))


def test_lag_is_from_departure_to_sight_weighted_by_characters() -> None:
    """Four characters wait 0.5 s, six wait 2 s, six wait 1 s."""
    figures = first_of(*SPOKEN, shown(0.5, "1", "T00:"), shown(3.0, "1", "T00: one two three."))
    assert figures.mean_lag_s == pytest.approx((4 * 0.5 + 6 * 2.0 + 6 * 1.0) / 16)
    assert figures.worst_lag_s == 2.0
    assert (figures.first_words_s_max, figures.final_s_max, figures.incomplete) == (0.5, 1.0, 0)


def test_parts_add_up_and_what_is_beside_them_does_not_count() -> None:
    """A text in two messages is whole; a placeholder, a footer and other people's messages are none of it."""
    entries = (
        *SPOKEN,
        shown(0.2, "1", "T…"),
        shown(0.4, "1", "T00: one"),
        shown(0.5, "9", "T00: one two three.", user="ann"),
        shown(2.1, "1", "T00: one two"),
        shown(2.5, "2", "three.\nA footer"),
    )
    figures = first_of(*entries)
    assert (figures.first_words_s_max, figures.final_s_max) == (0.4, 0.5)
    assert figures.surplus_chars == len("Afooter")


def test_what_stands_there_twice_is_told() -> None:
    """A text posted again is surplus; a whole text taken back is not whole any more."""
    whole = "T00: one two three."
    assert first_of(*SPOKEN, shown(2.5, "1", whole), shown(3.0, "2", whole)).surplus_chars == 16
    gone = first_of(*SPOKEN, shown(2.5, "1", whole), shown(3.0, "1", "T00: one"))
    assert (gone.final_s_max, gone.incomplete) == (None, 1)


def test_what_never_came_counts_until_the_watch_ended() -> None:
    """An answer without its end is incomplete, and says so rather than giving a number."""
    figures = first_of(*SPOKEN, shown(0.5, "1", "T00:"))
    assert (figures.final_s_max, figures.incomplete, figures.unseen_chars) == (None, 1, 12)
    assert figures.worst_lag_s == NEVER - 1.0
    assert figures_of(read(*SPOKEN), NEVER).first_words_s_max is None


def test_two_answers_are_told_apart_by_what_they_say() -> None:
    """Messages of two answers in one channel, each in parts, belong to their own; a second chat is not heard."""
    courses = read(
        *SPOKEN,
        delta(0.1, "T01: four five six seven eight.", "c1"),
        delta(0.2, "T00:", "c2"),
        shown(1.0, "1", "T01: four five"),
        shown(1.1, "2", "T00: one"),
        shown(1.2, "3", "six seven eight."),
        shown(2.5, "2", "T00: one two three."),
    )
    assert [(c.seen[-1].at, c.seen[-1].chars == c.chars, len(c.left)) for c in courses] == [
        (2.5, True, 3),
        (1.2, True, 1),
    ]
    assert lateness_s(courses[:1], {0: [0.0, 1.0, 1.6]}) == pytest.approx(0.4)


def test_a_rest_that_begins_as_another_answer_goes_on_belongs_to_the_one_it_agrees_with_longer() -> None:
    """Answers are made of the same words."""
    texts = {0: "T00: nobody looks up from the water.", 1: "T01: someone looks up from the work."}
    reader = Reader(texts, "slack", "bot")
    reader.read(
        [shown(0.1, "1", "T00: nobody"), shown(0.2, "2", "T01: someone"), shown(0.3, "3", "looks up from the work.")]
    )
    assert [course.seen[-1].chars == course.chars for course in reader.courses.values()] == [False, True]


def test_calls_and_refusals_are_counted_by_name() -> None:
    """Refusals are 429 whatever the body, and the error whatever the status."""
    entries = [
        Entry(0.0, "slack", "request", "chat.update", {}),
        Entry(0.0, "slack", "reply", "chat.update", {"status": 429, "error": "ratelimited"}),
        Entry(0.0, "slack", "request", "chat.update", {}),
        Entry(0.0, "slack", "reply", "chat.update", {"status": 200, "error": "ratelimited"}),
        Entry(0.0, "slack", "reply", "chat.update", {"status": 200, "error": None}),
        Entry(0.0, "coze", "request", "POST /v3/chat", {}),
    ]
    traffic = read_traffic(entries, "slack")
    assert (traffic.calls, traffic.refused) == ({"chat.update": 2}, {"chat.update": 2})


# --- the bound ---


def question(number: int, at_s: float, seconds: float) -> Question:
    text = f"T{number:02d}:" + " abcde" * int(seconds * CHARS_PER_S / 6)
    return Question(number, at_s, number, text)


def alternatives(plans: Sequence[Plan], limit: Limit, step_s: float) -> Iterator[float]:
    """Yield the cost of every admitted way to spend up to two requests per answer on a grid."""
    choices = [list(_times(plan, step_s)) for plan in plans]
    for chosen in product(*choices):
        if limit.allows(sorted([*(plan.last for plan in plans), *(at for times in chosen for at in times)])):
            yield sum(
                sum((b - a) ** 2 for a, b in pairwise([plan.first, *times, plan.last])) / 2
                for plan, times in zip(plans, chosen, strict=True)
            )


def _times(plan: Plan, step_s: float) -> Iterable[tuple[float, ...]]:
    grid = [plan.first + step_s * n for n in range(1, int((plan.last - plan.first) / step_s))]
    return [times for count in range(3) for times in combinations(grid, count)]


@pytest.mark.parametrize("limit", [Window(4, 10.0), Window(3, 2.0), Bucket(2, 0.7), Window(5, 4.0)])
def test_no_schedule_on_a_grid_is_better_than_the_bound(limit: Limit) -> None:
    """All ways of growing two answers, tried out: the bound is admitted and waits no longer than the best."""
    ways = Ways(first=Window(100, 1.0), growing=limit)
    plans = best_plans([question(0, 0.0, 4.0), question(1, 1.0, 2.5)], ways)
    assert limit.allows(sorted(at for plan in plans for at in (*plan.between, plan.last)))
    assert sum(plan.cost for plan in plans) <= 1.001 * min(alternatives(plans, limit, 0.3))


def test_under_one_allowance_edits_are_equally_spaced_and_shared_by_length() -> None:
    """Six edits, two of them ends, for answers of 6 and 3 seconds: pauses of 1.5 s in both."""
    ways = Ways(first=Window(100, 1.0), growing=Window(6, 60.0))
    long, short = sorted(
        best_plans([question(0, 0.0, 6.5), question(1, 0.0, 3.5)], ways), key=lambda plan: plan.question.number
    )
    assert (len(long.between), len(short.between)) == (3, 1)
    for plan in (long, short):
        gaps = [b - a for a, b in pairwise(plan.sent)]
        assert max(gaps) - min(gaps) < 0.1


def test_the_bound_is_read_like_a_run() -> None:
    """First words half a call after their post, the end half a call after the edit, everything whole."""
    load = make_load("slack", "n3", 1)
    plans = best_plans(load.questions, Ways(Bucket(5, 1.0), Window(50, 60.0)))
    figures = figures_of(courses_of(plans), NEVER)
    assert figures.first_words_s_max == pytest.approx(FIRST_WORDS_S + CALL_S / 2)
    assert figures.final_s_max == pytest.approx(CALL_S / 2, abs=0.001)
    assert figures.incomplete == 0


def test_limits_admit_what_they_say() -> None:
    """The earliest moments are admitted, and nothing earlier is."""
    assert Window(2, 5.0).earliest([0.0, 1.0, 1.5, 9.0]) == [0.0, 1.0, 5.0, 9.0]
    assert Bucket(2, 0.5).earliest([0.0, 0.0, 1.0]) == [0.0, 0.0, 2.0]
    for limit in (Window(2, 5.0), Bucket(2, 0.5)):
        assert limit.allows(limit.earliest([0.0, 0.1, 0.2, 0.3]))
        assert not limit.allows([0.0, 0.1, 0.2])


# --- loads, verdicts, the timetable ---


@pytest.mark.parametrize(("platform", "name"), [(p, name) for p in RECIPES for name in RECIPES[p]])
def test_a_load_is_what_the_seed_says(platform: Platform, name: str) -> None:
    """The same seed gives the same questions; answers last 15 s +-40 % and begin with their numbers."""
    load = make_load(platform, name, 7)
    assert load == make_load(platform, name, 7)
    for asked in load.questions:
        assert 8.5 < asked.planned_s[-1] < 21.1
        assert asked.text.startswith(asked.asked[:4])
    assert load.ends_s == max(q.at_s + FIRST_DELTA_S + q.planned_s[-1] for q in load.questions)


def test_a_starved_run_is_void_and_says_who_starved() -> None:
    """Each of the four signs makes a run void; a calm one counts."""
    assert verdict(Strain({"bridge": 0.1}, {"bridge": 0.3}, 0.05, 0.05)) == []
    reasons = verdict(Strain({"bridge": 0.4, "fixed-1.0": 0.0}, {"fixed-1.0": 0.7, "bridge": 0.1}, 0.3, 0.2))
    assert [reason.split(" waited")[0].split(" 0.")[0] for reason in reasons] == [
        "bridge",
        "fixed-1.0",
        "the emulators' event loop was",
        "a delta left Coze",
    ]


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="nothing counts waiting here")
async def test_a_process_kept_from_its_cpu_is_noticed() -> None:
    """The event loop held up for a while is late by that; our own process has a figure."""
    gauge = StrainGauge({"us": os.getpid()})
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(gauge.run())
        await asyncio.sleep(0.15)
        time.sleep(0.3)  # noqa: ASYNC251 - this is the disturbance
        await asyncio.sleep(0.15)
        watching.cancel()
    assert gauge.strain.loop_lag_s > 0.15
    assert not gauge.blind


def test_the_timetable_leaves_room() -> None:
    """The longest begins at once, nothing ends after it, and two large ones do not meet."""
    demands = [Demand(50, 20.0), Demand(30, 180.0), Demand(150, 20.0), Demand(90, 20.0)]
    starts = timetable(demands)
    assert starts[1] == 0.0
    spans = [(start, start + demand.seconds) for start, demand in zip(starts, demands, strict=True)]
    assert all(end <= 180.0 for _, end in spans)
    others = sorted(spans[:1] + spans[2:])
    assert all(end <= begin for (_, end), (begin, _) in pairwise(others))


def test_what_was_promised_and_missed_is_told() -> None:
    """Void rows are not judged; a refusal, a late end and too much lag are three sentences."""
    row = {"platform": "slack", "load": "n10", "limiter": "window", "incomplete": 0, "void": []}
    good = {"mean_lag_s": 2.0, "first_words_s_max": 0.5, "final_s_max": 0.2, "refusals": 0}
    others = [
        row | good | {"policy": "bound", "mean_lag_s": 1.5},
        row | good | {"policy": "fixed-3.0", "mean_lag_s": 5.0},
    ]
    assert missed([row | good | {"policy": "bridge"}, *others]) == []
    bad = row | {"policy": "bridge", "mean_lag_s": 3.1, "first_words_s_max": 0.5, "final_s_max": 0.7, "refusals": 1}
    assert len(missed([bad, *others])) == 3
    assert missed([bad | {"void": ["starved"]}, *others]) == []
