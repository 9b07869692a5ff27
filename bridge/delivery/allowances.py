"""What one budget allows, now and soon (pure: time is an argument).

Nobody outside knows how a service counts: some look back over a sliding window, others refill a bucket steadily, and
what is documented is one number a minute. A budget with a ``burst`` is kept by both rules at once: whoever stays
within it is refused by neither. What the service says is believed more than what is declared: a refusal closes the
budget for as long as it names, and makes it smaller for a while; but once that time is over one call may come, for so
the service said, whatever our books make of it.

The ``burst`` is a guess on the safe side, and only trying shows how much may come at once. Whoever calls *boldly* keeps
the window alone. What is admitted beyond the guess makes it larger; the first refusal there tells that the service does
refill steadily, and how much it holds: from then on nobody is bold and no window is kept, for an hour.
"""

import math
from collections import deque

from bridge.model import Budget

LATE_S = 0.25
"""A bucket is thought emptier by what it refills in this time: calls reach the service later than they leave us, and
not all equally late. Windows need no such margin, they count from the moment the answer came."""

TINY_S = 1e-4
"""Waits shorter than this are none."""

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 30.0
"""A refusal that names no wait: as long as one call takes to come back, doubled each time; 30 s is the longest that
clients of such services use."""

SHRINK = 0.7
SMALLEST_SHARE = 0.25
RECOVERY_S = 600.0
"""After a refusal we allow ourselves less; what was declared comes back at the rate of all of it in ten minutes."""


BOLD_AGAIN_S = 3_600.0
"""How long it is remembered that the service refills steadily; then it may be tried anew, at the price of a refusal."""
STEADY_S = 1.0
"""A service that refills steadily asks for a pause in which one call comes back, in whole seconds."""


class Allowance:
    """One budget's use. Calls are noted when they leave (``spend``) and again when they are back (``returned``)."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._calls: deque[float] = deque()
        self._away = 0
        self._level = float(budget.burst or 0)
        self._level_at = 0.0
        self._proven = 0.0
        self._steady_until = -math.inf
        self._closed_until = 0.0
        self._promised = False
        self._pauses = 0
        self._share = 1.0
        self._share_at = 0.0

    def declare(self, budget: Budget) -> None:
        """Take over what the adapter says of the budget now; it may have learned."""
        self._budget = budget

    @property
    def per_s(self) -> float:
        """Calls a second in the long run."""
        return self._limit / self._budget.window_s

    def may_be_bold(self, now: float) -> bool:
        """Tell whether nobody knows yet what may come at once."""
        return self._budget.burst > 0 and now >= self._steady_until

    def is_bold(self, now: float) -> bool:
        """Tell whether everybody may call boldly."""
        return self._budget.bold and self.may_be_bold(now)

    def at_once(self, now: float) -> float:
        """Return how many calls may be made at once after a long rest."""
        return min(self._limit, self._burst) if self._burst and not self.is_bold(now) else self._limit

    def is_used(self, now: float) -> bool:
        """Tell whether something of the past still matters."""
        self._forget(now)
        is_taught = self._proven > 0 or now < self._steady_until
        is_full = self._level >= self._burst and self._share >= 1.0
        return bool(self._calls) or is_taught or not is_full or now < self._closed_until

    def free(self, now: float) -> float:
        """Return how many calls may be made now; may be a fraction, negative when the budget has shrunk."""
        self._forget(now)
        if now < self._closed_until:
            return 0.0
        in_window, in_bucket = self._limit - len(self._calls), self._level - self._margin
        if self._is_steady(now):
            return in_bucket
        return min(in_window, in_bucket) if self._burst and not self.is_bold(now) else in_window

    def supply(self, now: float, horizon_s: float, *, boldly: bool = False) -> float:
        """Return how many calls can be made from now until ``horizon_s`` from now."""
        self._forget(now)
        boldly = boldly or self.is_bold(now)
        open_s = max(0.0, horizon_s - max(0.0, self._closed_until - now))
        free = self._limit - len(self._calls)
        if free < self._limit / 2:  # else what comes back makes no difference, and there may be much of it
            until = now + min(horizon_s, self._budget.window_s)
            free += sum(at + self._budget.window_s <= until for at in self._calls)
        supply = free + max(0.0, open_s - self._budget.window_s) * self.per_s
        if self._is_steady(now):
            supply = self._level + open_s * self.per_s
        elif self._burst and not boldly:
            supply = min(supply, self._level + open_s * self.per_s)
        return max(0.0, min(supply, open_s * self.per_s + (self._limit if boldly else self.at_once(now))))

    def wait_s(self, now: float, keep: float = 0.0, *, boldly: bool = False) -> float:
        """Return how long to wait until one more call leaves ``keep`` calls free; 0 means now.

        A fraction: the last of them may take as long to come back as a bucket needs for what is missing of it.
        """
        self._forget(now)
        wait = max(0.0, self._closed_until - now)
        if self._promised and keep <= 0:
            return wait
        if self._burst and not (boldly or self.is_bold(now)):
            lacking = min(1.0 + keep, self._burst - self._margin) - (self._level - self._margin)
            wait = max(wait, lacking / self.per_s)
        if not self._is_steady(now):
            patience_s = (math.ceil(keep) - keep) / self.per_s
            wait = max(
                wait, self._back_s(1.0 + math.floor(keep), now), self._back_s(1.0 + math.ceil(keep), now) - patience_s
            )
        return wait if wait > TINY_S else 0.0

    def _back_s(self, wanted: float, now: float) -> float:
        """Return when so many calls are free, by the window alone."""
        surplus = math.ceil(len(self._calls) + min(wanted, self._limit) - self._limit)
        return self._calls[min(surplus, len(self._calls)) - 1] + self._budget.window_s - now if surplus > 0 else 0.0

    def first_back_s(self, now: float) -> float:
        """Return when the oldest call of the window does not count any more."""
        self._forget(now)
        return self._calls[0] + self._budget.window_s - now if self._calls else 0.0

    def spend(self, now: float) -> None:
        """Note a call that leaves now."""
        self._forget(now)
        self._promised = False
        self._calls.append(now)
        self._away += 1
        if self._burst:
            self._level -= 1.0

    def returned(self, left_at: float, now: float) -> None:
        """Note that the call which left at ``left_at`` is back: the service counted it at some time until now."""
        self._away = max(0, self._away - 1)
        for index in range(len(self._calls) - 1, -1, -1):
            if self._calls[index] == left_at:
                self._calls[index] = now
                return

    def kept_back(self, left_at: float) -> None:
        """Note that the call which left at ``left_at`` was not sent after all: the service knows nothing of it."""
        self._away = max(0, self._away - 1)
        if left_at in self._calls:
            self._calls.remove(left_at)
        self._level += 1.0

    def refused(self, now: float, retry_after_s: float | None) -> None:
        """Note that the service wants a pause, of its own length or, with ``None``, of ours."""
        self._forget(now)
        is_overdrawn = self._burst > 0 and self._level < self._margin
        is_short = retry_after_s is None or retry_after_s <= 1 / self.per_s + STEADY_S
        if is_overdrawn and is_short:
            self._steady_until, self._level = now + BOLD_AGAIN_S, 0.0
        elif now >= self._closed_until:  # else it is one of several that were on their way
            self._share = max(SMALLEST_SHARE, self._share_now(now) * SHRINK)
            self._share_at = now
            self._pauses += 1
            self._steady_until = self._steady_until if is_short else -math.inf
        self._promised = retry_after_s is not None
        if retry_after_s is None:
            retry_after_s = min(
                PAUSE_MAX_S,
                max(PAUSE_FIRST_S, self._budget.window_s / self._budget.limit) * 2 ** max(0, self._pauses - 1),
            )
        self.close(now, retry_after_s)

    def close(self, now: float, for_s: float) -> None:
        """Let nothing out for a while; nobody was refused."""
        self._closed_until = max(self._closed_until, now + for_s)

    def accepted(self) -> None:
        """Note that a call was not refused."""
        self._pauses = 0
        overdrawn = -(self._level + self._away)  # what is still on its way may be refused
        if self._burst and overdrawn > 0:
            self._proven += overdrawn
            self._level += overdrawn

    @property
    def _limit(self) -> float:
        return max(1.0, self._budget.limit * self._share)

    @property
    def _burst(self) -> float:
        return max(1.0, (self._budget.burst + self._proven) * self._share) if self._budget.burst else 0.0

    @property
    def _margin(self) -> float:
        return min(self.per_s * LATE_S, self._burst - 1.0)

    def _is_steady(self, now: float) -> bool:
        """Tell whether the service is known to refill steadily, and to count no windows."""
        return now < self._steady_until

    def _share_now(self, now: float) -> float:
        return min(1.0, self._share + (now - self._share_at) / RECOVERY_S)

    def _forget(self, now: float) -> None:
        """Let the past go as far as it does not matter any more."""
        self._share, self._share_at = self._share_now(now), now
        while self._calls and self._calls[0] + self._budget.window_s <= now:
            self._calls.popleft()
        if self._burst:
            self._level = min(self._burst, self._level + (now - self._level_at) * self.per_s)
            self._level_at = now
