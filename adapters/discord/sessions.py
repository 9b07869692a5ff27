"""The allowance of new sessions: 1 000 a day, and beyond it Discord takes the token away.

Whoever keeps failing must not use them up. While at least half of the day's sessions are left, one may be begun at any
time; below that, what is left is spread evenly over the rest of the day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.discord.web import Web
from bridge.errors import PlatformUnavailable
from bridge.ports import Clock

log = structlog.get_logger(__name__)

TOLD_FROM_S = 5.0


@dataclass(frozen=True, slots=True)
class SessionStarts:
    """What is left of the allowance, until when. Source: docs.discord.com, "Gateway", "Session Start Limit"."""

    total: int
    remaining: int
    reset_after_s: float

    @property
    def pause_s(self) -> float:
        """How long the next session should wait."""
        if self.remaining * 2 >= self.total:
            return 0.0
        return self.reset_after_s / self.remaining if self.remaining > 0 else self.reset_after_s


async def session_starts(web: Web) -> SessionStarts:
    """Ask how many sessions may still be begun.

    Raises:
        CredentialsError: The token is wrong.
        PlatformError: As ``Web.call``.
    """
    data = await web.ask("GET", "/gateway/bot", patience_s=30.0)
    limit = data.get("session_start_limit") if isinstance(data, dict) else None
    if not isinstance(limit, Mapping):
        raise PlatformUnavailable("GET /gateway/bot: no session start limit", outcome_unknown=False)
    return SessionStarts(_number(limit, "total"), _number(limit, "remaining"), _number(limit, "reset_after") / 1000)


async def wait_for_session(web: Web, clock: Clock) -> None:
    """Return when a session may be begun.

    Raises:
        CredentialsError: The token is wrong.
        PlatformError: As ``Web.call``.
    """
    starts = await session_starts(web)
    if starts.pause_s > TOLD_FROM_S:
        log.warning("few sessions are left for today, waiting", left=starts.remaining, wait_s=round(starts.pause_s))
    if starts.pause_s > 0:
        await clock.sleep(starts.pause_s)


def _number(source: Mapping[str, Any], key: str) -> int:
    value = source.get(key)
    return value if isinstance(value, int) else 0
