"""Ids as Coze makes them: decimal strings that grow with time, and log ids that begin with it."""

import base64
import random
from datetime import UTC, datetime, timedelta, timezone

from sandbox.clock import SandboxClock

_BEIJING = timezone(timedelta(hours=8))
_SEQUENCE_BITS = 22  # milliseconds shifted by 22 bits give the 19 digits seen in the captures


class IdFactory:
    """Unique, increasing ids; the same seed and the same frozen clock give the same ids."""

    def __init__(self, clock: SandboxClock, seed: int = 0) -> None:
        self._clock = clock
        self._last = 0
        self._random = random.Random(seed)

    def next_id(self) -> str:
        """Return an id greater than every one before it, as a decimal string of at most 19 digits."""
        self._last = max(self._last + 1, int(self._clock.now() * 1000) << _SEQUENCE_BITS)
        return str(self._last)

    def next_log_id(self) -> str:
        """Return 14 digits of date and time and 20 upper-case hexadecimal digits."""
        now = datetime.fromtimestamp(self._clock.now(), UTC).astimezone(_BEIJING)
        return f"{now:%Y%m%d%H%M%S}{self._random.getrandbits(80):020X}"

    def next_tool_call_id(self) -> str:
        """Return an opaque string that looks like base64, as tool call ids do."""
        return base64.b64encode(self._random.randbytes(41)).decode("ascii")

    def next_uuid(self) -> str:
        """Return a random UUID, the form of Studio's log ids."""
        digits = f"{self._random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def next_token(self, prefix: str) -> str:
        """Return a credential such as ``czs_...``."""
        return f"{prefix}{self._random.getrandbits(256):064x}"
