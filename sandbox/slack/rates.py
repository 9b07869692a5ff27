"""Rate limits per (app, team, method), for posting also per channel, as a sliding window or a token bucket."""

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from sandbox.clock import SandboxClock
from sandbox.slack.switches import SlackSwitches


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many calls in so many seconds.

    Attributes:
        burst: A bucket of this size whatever the switches say; ``None`` leaves the kind of limiter to them.
    """

    calls: float
    window_s: float = 60.0
    burst: float | None = None


TIERS: dict[int, Allowance] = {1: Allowance(1), 2: Allowance(20), 3: Allowance(50), 4: Allowance(100)}
POSTING_PER_CHANNEL = Allowance(10, 10.0)
"""About one a second with bursts tolerated (reference 4.1)."""
POSTING_PER_TEAM = Allowance(300)
"""``Several hundred a minute per workspace``."""
STATUS_PER_TEAM = Allowance(600)
COMMERCIAL_HISTORY = Allowance(1)


@dataclass(slots=True)
class _Usage:
    calls: deque[float] = field(default_factory=deque)
    tokens: float = 0.0
    refilled_at: float | None = None


class RateLimiter:
    """Counts calls; the mode and the scale are read from the switches at every call."""

    def __init__(self, clock: SandboxClock, switches: SlackSwitches) -> None:
        self._clock = clock
        self._switches = switches
        self._usage_by_key: dict[Hashable, _Usage] = {}

    def admit(self, wanted: dict[Hashable, Allowance]) -> int | None:
        """Count one call against every given allowance, or against none of them if one is used up.

        Returns:
            ``None`` when admitted, else ``Retry-After`` in whole seconds, at least 1.
        """
        if self._switches.rate_limits == "off":
            return None
        scale = self._switches.rate_limit_scale
        scaled = {key: _scaled(allowance, scale) for key, allowance in wanted.items()}
        waits_s = [self._wait_s(key, allowance) for key, allowance in scaled.items()]
        longest_s = max(waits_s, default=0.0)
        if longest_s > 0:
            return max(1, math.ceil(longest_s))
        for key in scaled:
            usage = self._usage_by_key[key]
            usage.calls.append(self._clock.now())
            usage.tokens -= 1
        return None

    def _wait_s(self, key: Hashable, allowance: Allowance) -> float:
        usage = self._usage_by_key.setdefault(key, _Usage())
        if allowance.burst is not None or self._switches.rate_limits == "bucket":
            return self._bucket_wait_s(usage, allowance)
        return self._window_wait_s(usage, allowance)

    def _window_wait_s(self, usage: _Usage, allowance: Allowance) -> float:
        now = self._clock.now()
        while usage.calls and usage.calls[0] <= now - allowance.window_s:
            usage.calls.popleft()
        if len(usage.calls) < int(allowance.calls):
            return 0.0
        return usage.calls[-int(allowance.calls)] + allowance.window_s - now

    def _bucket_wait_s(self, usage: _Usage, allowance: Allowance) -> float:
        now = self._clock.now()
        share = allowance.calls * self._switches.bucket_burst_share
        capacity = max(1.0, share if allowance.burst is None else allowance.burst)
        refill_per_s = allowance.calls / allowance.window_s
        if usage.refilled_at is None:
            usage.tokens = capacity
        else:
            usage.tokens = min(capacity, usage.tokens + (now - usage.refilled_at) * refill_per_s)
        usage.refilled_at = now
        usage.calls.clear()
        return 0.0 if usage.tokens >= 1 else (1 - usage.tokens) / refill_per_s


def _scaled(allowance: Allowance, scale: float) -> Allowance:
    burst = None if allowance.burst is None else allowance.burst * scale
    return Allowance(max(1.0, allowance.calls * scale), allowance.window_s, burst)
