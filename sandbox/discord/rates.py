"""Rate limits: a bucket per route and major parameter, the global limit, old edits, Cloudflare's ban (reference 3).

A bucket is a window that begins with its first call and is full again when it ends.
"""

import hashlib
import math
from collections import deque
from dataclasses import dataclass, field

from sandbox.clock import SandboxClock
from sandbox.discord.errors import ApiError
from sandbox.discord.ids import made_at
from sandbox.discord.model import Message
from sandbox.discord.switches import DiscordSwitches

INVALID_WINDOW_S = 600.0
GLOBAL_WINDOW_S = 1.0
OLD_EDIT_CODE = 30046


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many calls in so many seconds."""

    calls: int
    window_s: float


OBSERVED: dict[str, Allowance] = {
    "message.create": Allowance(5, 5.0),
    "message.edit": Allowance(5, 5.0),
    "message.delete": Allowance(5, 1.0),
    "typing": Allowance(5, 5.0),
    "reaction": Allowance(1, 0.25),
    "webhook": Allowance(5, 2.0),
    "channel.edit": Allowance(2, 600.0),
}
"""What people saw per bucket (reference 3.2 and 10.4); all other routes have ``OTHERS``."""
OTHERS = Allowance(50, 1.0)
GENEROUS = Allowance(1000, 1.0)


@dataclass(slots=True)
class _Window:
    ends_at: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a call may do, and what its headers say.

    Attributes:
        retry_after_s: ``None`` when admitted.
        scope: ``user`` for a bucket of the bot's own, ``global``.
    """

    headers: dict[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None
    scope: str = "user"


class RateLimiter:
    """Counts calls; the profile and the scale are read from the switches at every call."""

    def __init__(self, clock: SandboxClock, switches: DiscordSwitches) -> None:
        self._clock = clock
        self._switches = switches
        self._windows: dict[tuple[str, str], _Window] = {}
        self._recent: deque[float] = deque()
        self._invalid: deque[float] = deque()
        self._old_edits: dict[str, deque[float]] = {}

    def admit(self, bucket: str, major: str, *, globally: bool) -> Verdict:
        """Count one call against its bucket and, if it counts there, the global limit."""
        if self._switches.rate_limits == "off":
            return Verdict()
        now = self._clock.now()
        if globally and (wait_s := self._global_wait_s(now)) > 0:
            return Verdict({}, wait_s, "global")
        if bucket == "message.edit" and self._switches.shared_send_edit_bucket:
            bucket = "message.create"
        allowance = self._allowance(bucket)
        window = self._windows.get((bucket, major))
        if window is None or window.ends_at <= now:
            window = self._windows[bucket, major] = _Window(now + allowance.window_s)
        if window.used >= allowance.calls:
            return Verdict(_headers(bucket, allowance, 0, window, now), window.ends_at - now)
        window.used += 1
        if globally:
            self._recent.append(now)
        return Verdict(_headers(bucket, allowance, allowance.calls - window.used, window, now))

    def admit_edit(self, message: Message) -> None:
        """Count the edit of an old message.

        Raises:
            ApiError: 429 with code 30046, which no header has announced.
        """
        now = self._clock.now()
        if self._switches.rate_limits != "discord" or now - made_at(message.id) < self._switches.old_message_age_s:
            return
        edits = self._old_edits.setdefault(message.channel_id, deque())
        while edits and edits[0] <= now - self._switches.old_message_window_s:
            edits.popleft()
        if len(edits) >= self._switches.old_message_edits:
            wait_s = round(edits[0] + self._switches.old_message_window_s - now, 3)
            sentence = "Maximum number of edits to messages older than 1 hour reached. Try again later"
            body = {"message": sentence, "code": OLD_EDIT_CODE, "retry_after": wait_s, "global": False}
            raise ApiError(429, body)
        edits.append(now)

    def count_invalid(self, status: int, scope: str | None) -> None:
        """Count an answer that Cloudflare holds against the caller: 401, 403, and 429 unless it was shared."""
        if status in (401, 403) or (status == 429 and scope != "shared"):
            self._invalid.append(self._clock.now())

    @property
    def invalid_requests(self) -> int:
        """How many invalid requests there were in the last ten minutes."""
        while self._invalid and self._invalid[0] <= self._clock.now() - INVALID_WINDOW_S:
            self._invalid.popleft()
        return len(self._invalid)

    @property
    def banned(self) -> bool:
        """Cloudflare answers instead of Discord."""
        return self.invalid_requests >= self._switches.invalid_request_limit

    def _global_wait_s(self, now: float) -> float:
        while self._recent and self._recent[0] <= now - GLOBAL_WINDOW_S:
            self._recent.popleft()
        if len(self._recent) < self._switches.global_per_s:
            return 0.0
        return self._recent[0] + GLOBAL_WINDOW_S - now

    def _allowance(self, bucket: str) -> Allowance:
        if self._switches.rate_limits == "generous":
            return GENEROUS
        observed = OBSERVED.get(bucket, OTHERS)
        return Allowance(max(1, int(observed.calls * self._switches.rate_limit_scale)), observed.window_s)


def _headers(bucket: str, allowance: Allowance, remaining: int, window: _Window, now: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(allowance.calls),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{window.ends_at:.3f}",
        "X-RateLimit-Reset-After": f"{math.ceil((window.ends_at - now) * 1000) / 1000:.3f}",
        "X-RateLimit-Bucket": hashlib.md5(bucket.encode(), usedforsecurity=False).hexdigest(),
    }
