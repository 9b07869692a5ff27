"""What the headers say is believed, and no longer than they say."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.buckets import KEPT_LEAST, Buckets

POST, EDIT = "POST /channels/{}/messages", "PATCH /channels/{}/messages/{}"


def headers(remaining: int, reset_after_s: float, bucket: str = "b") -> dict[str, str]:
    """Return the headers of an answer."""
    return {
        "X-RateLimit-Bucket": bucket,
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": f"{reset_after_s:.3f}",
    }


def test_an_empty_bucket_holds_back_until_it_is_full_again() -> None:
    """In its channel only."""
    buckets = Buckets()
    assert buckets.wait_s(POST, "1", 0.0) == 0
    buckets.learn(POST, "1", headers(0, 4.0), 10.0)
    assert buckets.wait_s(POST, "1", 11.0) == 3.0
    assert buckets.wait_s(POST, "2", 11.0) == 0
    assert buckets.wait_s(POST, "1", 14.0) == 0


def test_requests_on_their_way_count() -> None:
    """The answer that tells of them has not come yet."""
    buckets = Buckets()
    buckets.learn(POST, "1", headers(2, 5.0), 0.0)
    buckets.sent(POST, "1", 1.0)
    buckets.sent(POST, "1", 1.0)
    assert buckets.wait_s(POST, "1", 1.0) == 4.0
    buckets.learn(POST, "1", headers(1, 4.0), 1.5)  # the first answer does not know of the second request
    assert buckets.wait_s(POST, "1", 1.5) > 0


def test_routes_share_a_bucket_if_their_headers_say_so() -> None:
    """Creating and editing may be one allowance or two; nobody knows beforehand."""
    shared, apart = Buckets(), Buckets()
    shared.learn(EDIT, "1", headers(5, 5.0, "x"), 0.0)
    apart.learn(EDIT, "1", headers(5, 5.0, "y"), 0.0)
    for buckets in (shared, apart):
        buckets.learn(POST, "1", headers(0, 5.0, "x"), 0.0)
    assert shared.wait_s(EDIT, "1", 1.0) == 4.0
    assert apart.wait_s(EDIT, "1", 1.0) == 0


def test_a_refusal_closes_its_bucket_or_everything() -> None:
    """A 429 tells how long; a global one is about all requests."""
    buckets = Buckets()
    buckets.refused(POST, "1", 2.0, 0.0)
    assert (buckets.wait_s(POST, "1", 1.0), buckets.wait_s(EDIT, "1", 1.0)) == (1.0, 0)
    buckets.refused(POST, "1", 3.0, 0.0, all_requests=True)
    assert buckets.wait_s(EDIT, "9", 1.0) == 2.0
    assert buckets.wait_s(POST, "1", 3.0) == 0


def test_buckets_that_are_full_again_are_forgotten() -> None:
    """Every thread has its own: what is remembered of them does not grow for ever."""
    buckets = Buckets()
    for number in range(5 * KEPT_LEAST):
        buckets.learn(POST, f"thread {number}", headers(4, 1.0), 10.0 * number)
        assert buckets.remembered <= KEPT_LEAST


def test_answers_without_headers_teach_nothing() -> None:
    """A proxy's page, a route without limits, numbers that are none."""
    buckets = Buckets()
    broken = [{}, headers(0, 1.0) | {"X-RateLimit-Remaining": "many"}, {"X-RateLimit-Remaining": "0"}]
    for answer in broken:
        buckets.learn(POST, "1", answer, 0.0)
    assert buckets.wait_s(POST, "1", 0.5) == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.floats(0, 10)), max_size=30))
def test_nothing_is_held_back_longer_than_was_said(steps: list[tuple[bool, int, float]]) -> None:
    """Whatever comes in whatever order."""
    buckets = Buckets()
    now = latest = 0.0
    for is_refusal, remaining, seconds in steps:
        latest = max(latest, now + seconds)
        if is_refusal:
            buckets.refused(POST, "1", seconds, now)
        else:
            buckets.sent(POST, "1", now)
            buckets.learn(POST, "1", headers(remaining, seconds), now)
        now += seconds / 3
        assert now + buckets.wait_s(POST, "1", now) <= max(latest, now) + 0.01
