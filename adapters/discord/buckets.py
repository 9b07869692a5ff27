"""What Discord's headers say of its allowances, so that they are not overdrawn (pure: time is an argument).

Each answer names the bucket its route belongs to, and how much is left of it until when; buckets are counted apart for
every channel. Whether two routes share one bucket shows in their headers and nowhere else. Source: docs.discord.com,
"Rate Limits".
"""

from collections.abc import Mapping
from dataclasses import dataclass

KEPT_LEAST = 100
"""So many buckets are remembered before those that are full again are looked for; every thread has its own."""


@dataclass(slots=True)
class _Bucket:
    remaining: int
    reset_at: float


class Buckets:
    """The allowances of one bot as far as they are known. What is unknown is not held back."""

    def __init__(self) -> None:
        self._bucket_by_route: dict[str, str] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._closed_until = 0.0
        self._look_at = KEPT_LEAST

    @property
    def remembered(self) -> int:
        """How many buckets are known."""
        return len(self._buckets)

    def is_known(self, route: str) -> bool:
        """Tell whether an answer has named the bucket of a route."""
        return route in self._bucket_by_route

    def are_one(self, route: str, other: str) -> bool:
        """Tell whether two routes are known to draw on the same bucket."""
        return self.is_known(route) and self._bucket_by_route[route] == self._bucket_by_route.get(other)

    def wait_for_all_s(self, now: float) -> float:
        """Return how long every request would have to wait; 0 when nothing is about all of them."""
        return max(0.0, self._closed_until - now)

    def wait_s(self, route: str, scope: str, now: float) -> float:
        """Return how long a request would have to wait; 0 when it may be sent.

        Args:
            route: Method and path with places for ids.
            scope: The channel, or empty.
        """
        wait = self.wait_for_all_s(now)
        bucket = self._find(route, scope)
        if bucket is not None and bucket.remaining <= 0 and now < bucket.reset_at:
            wait = max(wait, bucket.reset_at - now)
        return wait

    def sent(self, route: str, scope: str, now: float) -> None:
        """Note that a request is on its way."""
        bucket = self._find(route, scope)
        if bucket is not None and now < bucket.reset_at:
            bucket.remaining -= 1

    def learn(self, route: str, scope: str, headers: Mapping[str, str], now: float) -> None:
        """Take in the headers of an answer; those of a 429 too."""
        name = headers.get("X-RateLimit-Bucket")
        try:
            remaining = int(headers["X-RateLimit-Remaining"])
            reset_at = now + float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        if name is None:
            return
        self._bucket_by_route[route] = name
        known = self._buckets.get((name, scope))
        if known is not None and now < known.reset_at:
            # Answers may overtake each other, and requests be on their way: within one window the smaller number holds.
            remaining = min(known.remaining, remaining)
            reset_at = max(known.reset_at, reset_at)
        self._buckets[name, scope] = _Bucket(remaining, reset_at)
        self._forget(now)

    def refused(self, route: str, scope: str, retry_after_s: float, now: float, *, all_requests: bool = False) -> None:
        """Note a 429: nothing more of this kind, or nothing at all, before it is over."""
        if all_requests:
            self._closed_until = max(self._closed_until, now + retry_after_s)
            return
        bucket = self._find(route, scope)
        if bucket is None:
            name = self._bucket_by_route.setdefault(route, route)
            bucket = self._buckets[name, scope] = _Bucket(0, now)
        bucket.remaining = 0
        bucket.reset_at = max(bucket.reset_at, now + retry_after_s)

    def _find(self, route: str, scope: str) -> _Bucket | None:
        name = self._bucket_by_route.get(route)
        return self._buckets.get((name, scope)) if name is not None else None

    def _forget(self, now: float) -> None:
        if len(self._buckets) >= self._look_at:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if now < bucket.reset_at}
            self._look_at = max(KEPT_LEAST, 2 * len(self._buckets))
