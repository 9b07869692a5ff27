"""Whose message is edited next, and when."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.allowances import PAUSE_MAX_S, Allowance
from bridge.delivery.pacing import KEPT_LEAST, Pacer
from bridge.model import Budget
from tests.core.pacing_model import (
    DISCORD_EDITS,
    LIMITERS,
    SLACK_EDITS,
    Answer,
    Bucket,
    FixedWindow,
    Limiter,
    Model,
    Outcome,
    Window,
    bound,
    steady,
    together,
)

EDITS = Budget("edits", limit=10, window_s=60.0)
POSTS = Budget("posts", limit=5, window_s=5.0)
CHATTY = 6_000
"""So much unseen text is worth any edit."""


def speaking(pacer: Pacer, *names: str, budgets: tuple[Budget, ...] = (EDITS,), interval_s: float = 0.0) -> None:
    """Let replies take part whose agents have spoken for a second."""
    for name in names:
        pacer.join(name, interval_s, budgets)
        pacer.heard(name, 60, -1.0, 0.0)


def test_edits_of_one_reply_keep_their_interval() -> None:
    """It begins when the answer to the last one came; a final text does not keep it."""
    pacer = Pacer()
    speaking(pacer, "r1", budgets=(), interval_s=1.0)
    assert pacer.interim_wait_s("r1", 60, 1.0, 0.0) == 0
    pacer.returned("r1", (), 0.0, 0.1, well=True)
    assert pacer.interim_wait_s("r1", 60, 1.0, 0.5) == pytest.approx(0.6)
    assert pacer.wait_s((), 0.5) == 0


def test_the_interval_stretches_with_the_number_of_replies_and_shrinks_again() -> None:
    """What one budget allows is divided among those who share it."""
    pacer = Pacer()
    speaking(pacer, "r1", budgets=(SLACK_EDITS,))
    for _ in range(5):
        pacer.spent((SLACK_EDITS,), 0.0)
    alone = pacer.interim_wait_s("r1", 1, 0.0, 0.0)
    speaking(pacer, "r2", "r3", "r4", budgets=(SLACK_EDITS,))
    together = pacer.interim_wait_s("r1", 1, 0.0, 0.0)
    for name in ("r2", "r3", "r4"):
        pacer.leave(name, 0.0)
    assert together > 2 * alone
    assert pacer.interim_wait_s("r1", 1, 0.0, 0.0) == pytest.approx(alone)


def test_who_has_more_to_show_for_longer_goes_first() -> None:
    """A fast agent's reply is edited more often than a slow one's, and text that stands still has its turn in time."""
    pacer = Pacer()
    speaking(pacer, "slow", "fast", budgets=(SLACK_EDITS,))
    pacer.heard("fast", 600, -1.0, 0.0)
    for _ in range(6):
        pacer.spent((SLACK_EDITS,), 0.0)
    waits = {name: pacer.interim_wait_s(name, 1, 0.1, 0.0) for name in ("slow", "fast")}
    assert 0 < waits["fast"] < waits["slow"]
    assert pacer.interim_wait_s("slow", 5, 600.0, 0.0) == 0


def test_a_refusal_closes_the_budget_for_everybody_and_no_other() -> None:
    """What the server says holds, also for final texts and other replies."""
    pacer = Pacer()
    speaking(pacer, "r1", "r2")
    pacer.refused((EDITS,), 7.0, 100.0)
    assert pacer.wait_s((EDITS,), 100.0) == 7.0
    assert pacer.wait_s((POSTS,), 100.0) == 0


def test_once_a_named_pause_is_over_one_call_may_come() -> None:
    """So the service said, whatever our books make of it; the next one asks them again."""
    pacer = Pacer()
    for _ in range(5):
        pacer.spent((POSTS,), 0.0)
    pacer.refused((POSTS,), 1.0, 0.0)
    assert pacer.wait_s((POSTS,), 0.5) == 0.5
    assert pacer.wait_s((POSTS,), 1.0) == 0
    pacer.spent((POSTS,), 1.0)
    assert pacer.wait_s((POSTS,), 1.0) > 3.0


def test_where_first_words_draw_on_the_same_edits_wait_for_them() -> None:
    """However much they are worth: who is waited for has nothing to read at all."""
    pacer = Pacer()
    speaking(pacer, "old", budgets=(POSTS,))
    for _ in range(3):
        pacer.spent((POSTS,), 0.0)
    pacer.join("new", 0.0, ())
    assert pacer.interim_wait_s("old", 500, 60.0, 2.0) == pytest.approx(0.0)
    assert pacer.turn_s("new", (POSTS,), 2.0, 2.0) == 0
    assert pacer.interim_wait_s("old", 500, 60.0, 2.0) == pytest.approx(2.7)
    pacer.served("new", (POSTS,))
    assert pacer.interim_wait_s("old", 500, 60.0, 2.0) == pytest.approx(0.0)


def test_a_refusal_that_names_its_budget_leaves_the_others_open() -> None:
    """One full channel holds nobody back elsewhere; a name nobody knows holds back all that was asked for."""
    pacer = Pacer()
    pacer.refused((EDITS, POSTS), 7.0, 100.0, exhausted="edits")
    assert pacer.wait_s((EDITS,), 100.0) == 7.0
    assert pacer.wait_s((POSTS,), 100.0) == 0
    pacer.refused((EDITS, POSTS), 9.0, 100.0, exhausted="another")
    assert pacer.wait_s((POSTS,), 100.0) == 9.0


def test_a_refusal_without_a_length_pauses_briefly_and_longer_each_time() -> None:
    """As long as one call takes to come back, then twice that; a call that went well ends the doubling."""
    allowance = Allowance(SLACK_EDITS)
    waits, now = [], 0.0
    for _ in range(8):
        allowance.refused(now, None)
        waits.append(allowance.wait_s(now))
        now += waits[-1]
    assert waits[:3] == pytest.approx([1.2, 2.4, 4.8])
    assert waits[-1] == PAUSE_MAX_S
    allowance.accepted()
    allowance.refused(now, None)
    assert allowance.wait_s(now) < 6.0


def test_a_refusal_teaches_to_ask_for_less_and_time_to_trust_again() -> None:
    """Several that were on their way count once."""
    allowance = Allowance(SLACK_EDITS)
    whole = allowance.supply(0.0, 60.0)
    for _ in range(3):
        allowance.refused(0.0, 1.0)
    assert allowance.supply(1.0, 60.0) == pytest.approx(0.7 * whole, rel=0.05)
    assert allowance.supply(300.0, 60.0) == pytest.approx(whole)


def test_what_is_held_back_is_no_refusal() -> None:
    """The adapter knew it from the headers: nothing is learned from it but the time."""
    pacer = Pacer()
    pacer.refused((POSTS,), 2.0, 0.0, held_back=True)
    assert pacer.wait_s((POSTS,), 0.0) == 2.0
    for _ in range(5):
        assert pacer.wait_s((POSTS,), 2.0) == 0
        pacer.spent((POSTS,), 2.0)


def test_a_budget_declared_anew_is_the_same_budget() -> None:
    """An adapter that has learned a limit declares it under the old name."""
    pacer = Pacer()
    for _ in range(4):
        pacer.spent((POSTS,), 0.0)
    assert pacer.wait_s((POSTS,), 0.0) == 0
    assert pacer.wait_s((Budget("posts", 4, 5.0),), 0.0) == 5.0


def test_what_was_never_sent_counts_for_nothing() -> None:
    """The adapter held it back: the service knows nothing of it."""
    pacer = Pacer()
    pacer.join("r1", 0.0, ())
    for _ in range(9):
        pacer.spent((POSTS,), 0.0)
        pacer.returned("r1", (POSTS,), 0.0, 0.1, well=False, sent=False)
    assert pacer.wait_s((POSTS,), 0.1) == 0


def test_first_words_go_in_the_order_in_which_they_were_ready() -> None:
    """Whoever asks first is served first, however often others ask; who is served or gone holds up nobody."""
    pacer = Pacer()
    for _ in range(4):
        pacer.spent((POSTS,), 0.0)
    for name in ("r1", "r2"):
        pacer.join(name, 0.0, ())
    assert pacer.turn_s("r1", (POSTS,), 1.0, 1.5) == 0
    assert pacer.turn_s("r2", (POSTS,), 1.1, 1.5) == pytest.approx(3.5)
    pacer.served("r1", (POSTS,))
    assert pacer.turn_s("r2", (POSTS,), 1.1, 1.6) == 0


BOLD = Budget("starts", limit=20, window_s=60.0, burst=4, bold=True)


def call(allowance: Allowance, server: Limiter, now: float) -> bool:
    """Let one call leave and come back."""
    allowance.spend(now)
    allowance.returned(now, now)
    if admitted := server.admits(now):
        allowance.accepted()
    else:
        allowance.refused(now, 3.0)
    return admitted


def test_where_a_refusal_costs_nothing_more_than_is_safe_is_tried() -> None:
    """A window is used up at once; whatever is admitted has proven that it is safe."""
    allowance, server = Allowance(BOLD), Window(20, 60.0)
    assert all(allowance.wait_s(0.0) == 0 and call(allowance, server, 0.0) for _ in range(20))
    assert allowance.wait_s(0.0) == 60.0
    assert allowance.at_once(0.0) == 20


def test_the_first_refusal_beyond_what_is_safe_tells_that_a_service_refills_steadily() -> None:
    """From then on it is used as it refills, without another refusal and without a window."""
    allowance, server = Allowance(BOLD), Bucket(20 / 60, 6)
    admitted = [call(allowance, server, 0.0) for _ in range(7)]
    assert admitted == [True] * 6 + [False]
    now = calls = 0.0
    while now < 600.0:
        if (wait := allowance.wait_s(now)) > 0:
            now += wait
        else:
            assert call(allowance, server, now)
            calls += 1
    assert calls > 195
    assert allowance.at_once(now) == pytest.approx(6, abs=1.0)


CALLS = st.lists(st.tuples(st.sampled_from(["interim", "final"]), st.floats(0, 3), st.floats(0.0, 0.4)), max_size=120)


@given(CALLS)
def test_no_window_and_no_bucket_is_ever_overdrawn(calls: list[tuple[str, float, float]]) -> None:
    """However replies ask, and whenever a call is counted on its way: who waits as told is not refused."""
    pacer = Pacer()
    speaking(pacer, "r1", "r2", budgets=(SLACK_EDITS,))
    servers = [make() for make in LIMITERS.values()]
    now = 0.0
    for kind, idle_s, counted_after_s in calls:
        now += idle_s
        while (wait := _wait(pacer, kind, now)) > 0:
            now += wait
        pacer.spent((SLACK_EDITS,), now)
        assert all(server.admits(now + counted_after_s * 0.5) for server in servers)
        pacer.returned("r1", (SLACK_EDITS,), now, now + 0.4, well=True)
        now += 0.4


def _wait(pacer: Pacer, kind: str, now: float) -> float:
    return pacer.wait_s((SLACK_EDITS,), now) if kind == "final" else pacer.interim_wait_s("r1", CHATTY, 60.0, now)


@pytest.mark.parametrize("burst", [0, 3])
def test_budgets_of_places_nobody_writes_in_are_forgotten(burst: int) -> None:
    """Every thread may have its own: what is remembered of them does not grow for ever."""
    pacer = Pacer()
    for number in range(5 * KEPT_LEAST):
        budget, now = Budget(f"thread {number}", limit=5, window_s=5.0, burst=burst), 10.0 * number
        speaking(pacer, "r", budgets=(budget,))
        pacer.spent((budget,), now)
        pacer.returned("r", (budget,), now, now + 0.1, well=True)
        pacer.leave("r", now + 1.0)
    assert pacer.remembered <= KEPT_LEAST


def test_one_edit_is_left_for_final_texts() -> None:
    """Interim edits alone never use a budget up, as long as it is not scarce."""
    pacer = Pacer()
    speaking(pacer, "r1", budgets=(POSTS,))
    while pacer.interim_wait_s("r1", CHATTY, 60.0, 0.0) == 0:
        pacer.spent((POSTS,), 0.0)
    assert pacer.wait_s((POSTS,), 0.0) == 0


# --- many replies, seen from above (see ``pacing_model``) ---


def play(answers: Sequence[Answer], limiter: str, *, seed: int = 0) -> Outcome:
    """Let the pacer of today pace these answers against one kind of server."""
    return Model(LIMITERS[limiter](), SLACK_EDITS, seed=seed).run(answers)


def keeps_its_promises(outcome: Outcome, *, refusals: int = 0) -> bool:
    return outcome.refusals <= refusals and outcome.final_s <= 0.5 and outcome.first_words_s <= 0.8


@pytest.mark.parametrize("limiter", list(LIMITERS))
@pytest.mark.parametrize("count", [1, 3, 10, 20])
def test_many_at_once(count: int, limiter: str) -> None:
    """No refusal by either kind of server; first words and ends in time; the rest within reach of the possible.

    One answer alone that is longer than usual tries whether more is allowed, once.
    """
    loads = [together(count, seed) for seed in range(4)]
    outcomes = [play(answers, limiter, seed=seed) for seed, answers in enumerate(loads)]
    may_try = count == 1 and limiter == "bucket"
    assert all(
        keeps_its_promises(outcome, refusals=int(may_try and answers[0].lasts_s > 15.0))
        for outcome, answers in zip(outcomes, loads, strict=True)
    )
    assert sum(o.mean_lag_s for o in outcomes) <= 2 * sum(bound(answers, 50) for answers in loads)


@pytest.mark.parametrize("limiter", list(LIMITERS))
def test_a_steady_load_for_three_minutes(limiter: str) -> None:
    """One question each four seconds: most answers end as they began, in one message."""
    outcome = play(steady(4.0, 180.0, seed=1), limiter)
    assert keeps_its_promises(outcome)
    assert outcome.mean_lag_s < 3.2
    assert outcome.splits <= 15


@pytest.mark.parametrize("limiter", list(LIMITERS))
def test_a_second_wave(limiter: str) -> None:
    """Ten, and ten more before the minute is over: what the first left has to do."""
    second = [Answer(answer.begins_at + 25, answer.lasts_s) for answer in together(10, seed=2)]
    outcome = play([*together(10, seed=1), *second], limiter)
    assert keeps_its_promises(outcome)


def test_one_answer_alone_stays_one_message() -> None:
    """Whatever its length, and its text is never long behind."""
    for lasts_s in (3.0, 9.0, 15.0, 30.0):
        for limiter in LIMITERS:
            outcome = play([Answer(0.0, lasts_s)], limiter)
            assert keeps_its_promises(outcome, refusals=int(lasts_s > 15.0 and limiter == "bucket"))
            assert outcome.splits == 0
            assert outcome.mean_lag_s < 0.6


@pytest.mark.parametrize("limiter", list(LIMITERS))
def test_a_long_answer_alone_is_never_left_without_an_edit(limiter: str) -> None:
    """Longer than a window: its pauses grow with its age, where nothing is known; a steady service is used steadily."""
    outcome = play([Answer(0.0, 90.0)], limiter)
    assert keeps_its_promises(outcome, refusals=1)
    assert outcome.worst_lag_s < 5.0
    assert outcome.mean_lag_s < 0.9


@pytest.mark.parametrize(("count", "lag_s"), [(1, 0.8), (4, 2.9), (10, 6.0)])
def test_a_channel_with_few_edits(count: int, lag_s: float) -> None:
    """Five in five seconds, counted in fixed windows."""
    outcome = Model(FixedWindow(5, 5.0), DISCORD_EDITS, interval_s=0.35, seed=3).run(together(count, seed=4))
    assert keeps_its_promises(outcome)
    assert outcome.mean_lag_s < lag_s


def test_what_is_typical_is_learned() -> None:
    """Where answers are short, less is saved for later."""
    pacer = Pacer()
    shares = []
    for round_ in range(30):
        speaking(pacer, "r1", budgets=(SLACK_EDITS,))
        shares.append(pacer.share((SLACK_EDITS,), 100.0 * round_))
        pacer.leave("r1", 100.0 * round_ + 5, ended_at=4.0)
    assert shares[-1] < shares[0]
