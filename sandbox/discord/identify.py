"""Who may open a session: the checks of IDENTIFY, and how many identifies are allowed (reference 3.1, 7, 10.3)."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.discord.ids import shard_of
from sandbox.discord.intents import KNOWN_BITS, PRIVILEGED
from sandbox.discord.model import Json
from sandbox.discord.switches import DiscordSwitches
from sandbox.discord.world import World

DAY_S = 86_400.0


class CloseCode:
    """Why the gateway hangs up."""

    UNKNOWN_OP = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


CLOSE_CODES = frozenset({1000, 1001, 4000, *range(4001, 4006), *range(4007, 4015)})
"""Every code the documentation lists."""
ENDING_CODES = frozenset({4004, 4007, 4009, *range(4010, 4015)})
"""After these a session cannot be resumed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An accepted IDENTIFY."""

    intents: int
    shard: tuple[int, int] | None


class HangUp(Exception):
    """The connection is to be closed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def check_identify(payload: Any, world: World, switches: DiscordSwitches) -> Identity:
    """Read an IDENTIFY.

    Raises:
        HangUp: 4002, 4004, 4010, 4011, 4013 or 4014.
    """
    if not isinstance(payload, dict) or not isinstance(payload.get("properties"), dict):
        raise HangUp(CloseCode.DECODE_ERROR)
    if payload.get("token") != world.application.token:
        raise HangUp(CloseCode.AUTHENTICATION_FAILED)
    shard = _shard(payload)
    owned = [g for g in world.bot_guilds if shard is None or shard_of(g.id, shard[1]) == shard[0]]
    if len(owned) > switches.guilds_per_shard:
        raise HangUp(CloseCode.SHARDING_REQUIRED)
    intents = payload.get("intents")
    if not isinstance(intents, int) or isinstance(intents, bool) or intents & ~KNOWN_BITS or intents < 0:
        raise HangUp(CloseCode.INVALID_INTENTS)
    for name, bit in PRIVILEGED.items():
        if intents & bit and name not in world.application.privileged:
            raise HangUp(CloseCode.DISALLOWED_INTENTS)
    return Identity(intents, shard)


def _shard(payload: Json) -> tuple[int, int] | None:
    shard = payload.get("shard")
    if shard is None:
        return None
    match shard:
        case [int(shard_id), int(count)] if 0 <= shard_id < count:
            return shard_id, count
    raise HangUp(CloseCode.INVALID_SHARD)


class IdentifyBudget:
    """Counts identifies: a few per five seconds, a thousand a day."""

    def __init__(self, clock: SandboxClock, switches: DiscordSwitches) -> None:
        self._clock = clock
        self._switches = switches
        self._last_by_bucket: dict[int, float] = {}
        self._of_today: deque[float] = deque()

    def admit(self, shard_id: int) -> bool:
        """Count one identify; ``False`` when its bucket had one within the interval."""
        now = self._clock.now()
        bucket = shard_id % self._switches.max_concurrency
        last = self._last_by_bucket.get(bucket)
        if last is not None and now - last < self._switches.identify_interval_s:
            return False
        self._last_by_bucket[bucket] = now
        return True

    def count_today(self) -> int:
        """Count one session start and return how many there were in 24 hours."""
        self._of_today.append(self._clock.now())
        return self._used()

    def limits(self) -> Json:
        """Return ``session_start_limit`` of ``GET /gateway/bot``."""
        used = self._used()
        oldest = self._of_today[0] if self._of_today else self._clock.now()
        total = self._switches.identifies_per_day
        return {
            "total": total,
            "remaining": max(0, total - used),
            "reset_after": int((oldest + DAY_S - self._clock.now()) * 1000),
            "max_concurrency": self._switches.max_concurrency,
        }

    def _used(self) -> int:
        while self._of_today and self._of_today[0] <= self._clock.now() - DAY_S:
            self._of_today.popleft()
        return len(self._of_today)
