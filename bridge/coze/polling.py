"""Waiting for a run to end by asking, at most once a second."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from bridge.coze.hints import Hint, advise
from bridge.errors import AgentError, AgentRateLimited, AgentSilent, AgentUnavailable
from bridge.ports import Clock

POLL_INTERVAL_S = 1.0
"""Between two looks at one chat. Source: Coze's chat retrieve page, "at most once per second"."""


class View(Protocol):
    """One look at a run; ``over`` when nothing more comes by itself."""

    @property
    def over(self) -> bool: ...


V = TypeVar("V", bound=View)


async def wait_until_over(
    retrieve: Callable[[], Awaitable[V]],
    clock: Clock,
    *,
    deadline: float,
    unreachable_s: float,
    first_after_s: float = 0.0,
    pause_s: Callable[[float], float] = lambda asked_for_s: POLL_INTERVAL_S,
) -> V:
    """Ask until the run is completed, failed, cancelled or waits for an action.

    A look that fails in passing (not reachable, too many requests) is repeated, but not for longer than
    ``unreachable_s`` in a row.

    Args:
        deadline: On the clock's ``now``.
        pause_s: How long to wait between two looks, given how long we have been asking.

    Raises:
        AgentSilent: It still runs at the deadline.
        AgentUnavailable: Coze could not be asked for ``unreachable_s``.
    """
    await clock.sleep(min(first_after_s, max(0.0, deadline - clock.now())))
    began_at = answered_at = clock.now()
    while True:
        try:
            view = await retrieve()
        except (AgentUnavailable, AgentRateLimited) as exc:
            if clock.now() - answered_at >= unreachable_s:
                raise _unreachable(exc) from exc
            wait_s = max(POLL_INTERVAL_S, getattr(exc, "retry_after_s", None) or 0.0)
        else:
            if view.over:
                return view
            answered_at = clock.now()
            wait_s = pause_s(answered_at - began_at)
        left_s = deadline - clock.now()
        if left_s <= 0:
            raise AgentSilent("the run did not end in time", outcome_unknown=True, hint=advise(Hint.IDLE))
        await clock.sleep(min(wait_s, max(left_s, POLL_INTERVAL_S)))


def _unreachable(exc: AgentError) -> AgentUnavailable:
    return AgentUnavailable(exc.reason, outcome_unknown=True, code=exc.code, log_id=exc.log_id, hint=exc.hint)
