"""The day's sessions are never used up."""

import pytest

from adapters.discord.sessions import SessionStarts


@pytest.mark.parametrize(
    ("remaining", "reset_after_s", "pause_s"),
    [(1000, 86_400, 0), (500, 40_000, 0), (400, 40_000, 100), (1, 500, 500), (0, 500, 500)],
)
def test_what_is_left_is_spread_over_the_day(remaining: int, reset_after_s: float, pause_s: float) -> None:
    """Free while half is left, then evenly, then not at all."""
    assert SessionStarts(1000, remaining, reset_after_s).pause_s == pause_s


def test_a_process_that_fails_all_day_does_not_use_them_up() -> None:
    """Beginning a session whenever allowed, at most once a second, leaves some at the end of the day."""
    left, now = 1000, 0.0
    while now < 86_400:
        pause_s = SessionStarts(1000, left, 86_400 - now).pause_s
        now += max(1.0, pause_s)
        left -= 1
    assert left >= 0
