"""Whose message is edited next, and when (pure: time is an argument).

Limits belong to accounts, not to messages: replies that draw on the same named ``Budget`` share it. A reserve is kept
for every live reply's final text; what is left is divided among the live replies, so that the interval stretches by
itself when more of them run. First words and final texts may use the reserve; interim edits may not.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from bridge.model import Budget

MAX_RESERVE_SHARE = 0.5
MARGIN_S = 0.005
"""Windows are kept a little longer than their length: the server's clock is not ours."""


class Urgency(Enum):
    """What a request is for."""

    INTERIM = "interim"
    FIRST = "first"
    FINAL = "final"


@dataclass(slots=True)
class _Allowance:
    """One budget's use in its window, and until when the server told us to wait."""

    budget: Budget
    spent_at: deque[float] = field(default_factory=deque)
    closed_until: float = 0.0
    sharers: int = 0

    def forget(self, now: float) -> None:
        while self.spent_at and self.spent_at[0] + self.budget.window_s + MARGIN_S <= now:
            self.spent_at.popleft()

    def usable(self, urgency: Urgency) -> int:
        if urgency is not Urgency.INTERIM:
            return self.budget.limit
        reserve = min(self.sharers, int(self.budget.limit * MAX_RESERVE_SHARE))
        return max(1, self.budget.limit - reserve)

    def wait_s(self, urgency: Urgency, now: float) -> float:
        self.forget(now)
        wait = max(0.0, self.closed_until - now)
        surplus = len(self.spent_at) - self.usable(urgency)
        if surplus >= 0:
            wait = max(wait, self.spent_at[surplus] + self.budget.window_s + MARGIN_S - now)
        return wait

    def fair_interval_s(self) -> float:
        return self.sharers * self.budget.window_s / self.usable(Urgency.INTERIM)


@dataclass(slots=True)
class _Live:
    edit_interval_s: float
    budgets: tuple[str, ...]
    last_sent_at: float = float("-inf")


class Pacer:
    """Shares the budgets of all platforms among all live replies of this process."""

    def __init__(self) -> None:
        self._allowances: dict[str, _Allowance] = {}
        self._live: dict[str, _Live] = {}

    def join(self, reply: str, edit_interval_s: float, budgets: tuple[Budget, ...]) -> None:
        """Let a reply take part; it draws on ``budgets`` with its edits."""
        for budget in budgets:
            self._allowance(budget).sharers += 1
        self._live[reply] = _Live(edit_interval_s, tuple(budget.name for budget in budgets))

    def leave(self, reply: str) -> None:
        """End a reply's part; budgets nobody shares and nothing burdens are forgotten with the next one."""
        for name in self._live.pop(reply).budgets:
            self._allowances[name].sharers -= 1

    def wait_s(self, reply: str, budgets: tuple[Budget, ...], urgency: Urgency, now: float) -> float:
        """Return how long the reply's next request, drawing on ``budgets``, has to wait; 0 means now."""
        wait = max((self._allowance(budget).wait_s(urgency, now) for budget in budgets), default=0.0)
        if urgency is Urgency.INTERIM:
            live = self._live[reply]
            shares = (self._allowances[name].fair_interval_s() for name in live.budgets)
            wait = max(wait, live.last_sent_at + max(live.edit_interval_s, *shares, 0.0) - now)
        return max(0.0, wait)

    def spent(self, reply: str, budgets: tuple[Budget, ...], now: float) -> None:
        """Note that the reply made a request drawing on ``budgets``."""
        for budget in budgets:
            self._allowance(budget).spent_at.append(now)
        self._live[reply].last_sent_at = now

    def refused(self, budgets: tuple[Budget, ...], retry_after_s: float, now: float, *, exhausted: str = "") -> None:
        """Note that the server wants a pause on ``budgets``; if it named the exhausted one of them, on that alone."""
        named = tuple(budget for budget in budgets if budget.name == exhausted)
        for budget in named or budgets:
            allowance = self._allowance(budget)
            allowance.closed_until = max(allowance.closed_until, now + retry_after_s)

    def _allowance(self, budget: Budget) -> _Allowance:
        if budget.name not in self._allowances:
            self._allowances = {name: a for name, a in self._allowances.items() if a.sharers or a.spent_at}
        return self._allowances.setdefault(budget.name, _Allowance(budget))
