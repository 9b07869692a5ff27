"""Whose message is edited next, and when."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Budget
from bridge.pacing import Pacer, Urgency

EDITS = Budget("edits", limit=10, window_s=60.0)


def test_edits_of_one_reply_keep_their_interval() -> None:
    """The next interim edit waits; a final text does not."""
    pacer = Pacer()
    pacer.join("r1", 1.0, ())
    assert pacer.wait_s("r1", (), Urgency.INTERIM, 0.0) == 0
    pacer.spent("r1", (), 0.0)
    assert pacer.wait_s("r1", (), Urgency.INTERIM, 0.4) == 0.6
    assert pacer.wait_s("r1", (), Urgency.FINAL, 0.4) == 0


def test_the_interval_stretches_with_the_number_of_replies_and_shrinks_again() -> None:
    """What one budget allows is divided among those who share it."""
    pacer = Pacer()
    pacer.join("r1", 1.0, (EDITS,))
    pacer.spent("r1", (EDITS,), 0.0)
    alone = pacer.wait_s("r1", (EDITS,), Urgency.INTERIM, 0.0)
    for name in ("r2", "r3", "r4"):
        pacer.join(name, 1.0, (EDITS,))
    together = pacer.wait_s("r1", (EDITS,), Urgency.INTERIM, 0.0)
    for name in ("r2", "r3", "r4"):
        pacer.leave(name)
    assert together > alone == pacer.wait_s("r1", (EDITS,), Urgency.INTERIM, 0.0)


def test_a_refusal_closes_the_budget_for_everybody() -> None:
    """What the server says holds, also for final texts and other replies."""
    pacer = Pacer()
    for name in ("r1", "r2"):
        pacer.join(name, 1.0, (EDITS,))
    pacer.refused((EDITS,), 7.0, 100.0)
    assert pacer.wait_s("r2", (EDITS,), Urgency.FINAL, 100.0) == 7.0
    assert pacer.wait_s("r2", (), Urgency.FINAL, 100.0) == 0


def test_a_refusal_that_names_its_budget_leaves_the_others_open() -> None:
    """One full channel holds nobody back elsewhere; a name nobody knows holds back all that was asked for."""
    pacer = Pacer()
    everything = Budget("everything", limit=50, window_s=1.0)
    pacer.join("r1", 1.0, (EDITS, everything))
    pacer.refused((EDITS, everything), 7.0, 100.0, exhausted="edits")
    assert pacer.wait_s("r1", (EDITS,), Urgency.FINAL, 100.0) == 7.0
    assert pacer.wait_s("r1", (everything,), Urgency.FINAL, 100.0) == 0
    pacer.refused((EDITS, everything), 9.0, 100.0, exhausted="another")
    assert pacer.wait_s("r1", (everything,), Urgency.FINAL, 100.0) == 9.0


@given(st.lists(st.tuples(st.sampled_from(["r1", "r2", "r3"]), st.sampled_from(Urgency), st.floats(0, 3)), max_size=80))
def test_no_window_ever_holds_more_calls_than_its_limit(wishes: list[tuple[str, Urgency, float]]) -> None:
    """However replies ask, a caller who waits as told never meets a refusal."""
    pacer = Pacer()
    for name in ("r1", "r2", "r3"):
        pacer.join(name, 0.5, (EDITS,))
    now, calls = 0.0, []
    for name, urgency, idle_s in wishes:
        now += idle_s + pacer.wait_s(name, (EDITS,), urgency, now + idle_s)
        pacer.spent(name, (EDITS,), now)
        calls.append(now)
    for start in calls:
        assert sum(start <= at < start + EDITS.window_s for at in calls) <= EDITS.limit


def test_a_reserve_is_left_for_final_texts() -> None:
    """Interim edits alone never use a budget up."""
    pacer = Pacer()
    pacer.join("r1", 0.0, (EDITS,))
    pacer.join("r2", 0.0, (EDITS,))
    now = 0.0
    for _ in range(8):
        now += pacer.wait_s("r1", (EDITS,), Urgency.INTERIM, now)
        pacer.spent("r1", (EDITS,), now)
    assert pacer.wait_s("r2", (EDITS,), Urgency.FINAL, now) == 0
