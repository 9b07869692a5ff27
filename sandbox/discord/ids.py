"""Snowflakes and times as Discord writes them, made from the sandbox's clock."""

import random
from datetime import UTC, datetime

from sandbox.clock import SandboxClock

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The first second of 2015, which snowflakes count from."""
MAX_SEQUENCE = 0xFFF
HEX = "0123456789abcdef"
TOKEN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint:
    """Makes ids and secrets: unique, strictly increasing, and the secrets the same again for the same seed."""

    def __init__(self, clock: SandboxClock, seed: int) -> None:
        self._clock = clock
        self.random = random.Random(seed)
        self._last_ms = 0
        self._sequence = 0

    def snowflake(self) -> str:
        """Return an id of now: milliseconds since 2015 above 22 bits, a sequence number in the lowest 12."""
        now_ms = int(self._clock.now() * 1000)
        if now_ms > self._last_ms:
            self._last_ms, self._sequence = now_ms, 0
        elif self._sequence < MAX_SEQUENCE:
            self._sequence += 1
        else:
            self._last_ms, self._sequence = self._last_ms + 1, 0
        return str(_compose(self._last_ms, self._sequence))

    def snowflake_on_shard(self, shard_id: int, shard_count: int) -> str:
        """Return an id whose guild belongs to this shard: ``(id >> 22) % shard_count``."""
        wanted_ms = max(int(self._clock.now() * 1000), self._last_ms + 1)
        wanted_ms += (shard_id - (wanted_ms - DISCORD_EPOCH_MS)) % shard_count
        self._last_ms, self._sequence = wanted_ms, 0
        return str(_compose(wanted_ms, 0))

    def hex(self, length: int = 32) -> str:
        """Return hexadecimal digits: keys, hashes, session ids, signatures of links."""
        return "".join(self.random.choices(HEX, k=length))

    def token(self, length: int = 60) -> str:
        """Return the letters of a secret."""
        return "".join(self.random.choices(TOKEN_LETTERS, k=length))


def _compose(unix_ms: int, sequence: int) -> int:
    return (unix_ms - DISCORD_EPOCH_MS) << 22 | 1 << 17 | sequence


def made_at(snowflake: str) -> float:
    """Return the instant in a snowflake, in unix seconds."""
    return ((int(snowflake) >> 22) + DISCORD_EPOCH_MS) / 1000


def shard_of(guild_id: str, shard_count: int) -> int:
    """Return the shard a guild belongs to (reference 7)."""
    return (int(guild_id) >> 22) % shard_count


def iso(at: float) -> str:
    """Return an instant as ``2026-11-22T11:00:00.123000+00:00``."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def as_snowflake(value: object) -> str | None:
    """Read an id that may come as a number or as a text; ``None`` when it is neither."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int | str) else ""
    return text if text.isdigit() and len(text) <= 20 else None
