"""``coze-bridge`` on a machine whose wall clock goes ahead: the emulators' clock is moved by hand, this follows it.

    python -m benchmarks.proving.later run --config config.toml

Only unix time moves (``AHEAD_VARIABLE``, seconds); what measures durations stays as it is. Where the emulators allow
more requests than in life (``WIDER_VARIABLE``, a factor), the one pace that is no setting goes along: reading what was
missed.
"""

import os

from adapters.slack import limits
from bridge.clock import SystemClock

AHEAD_VARIABLE, WIDER_VARIABLE = "BRIDGE_CLOCK_AHEAD_S", "BRIDGE_LIMITS_WIDER"


def main() -> None:
    """Move the clock, then be the bridge."""
    ahead_s = float(os.environ.get(AHEAD_VARIABLE, "0"))
    limits.MISSED_READS_PER_MINUTE *= float(os.environ.get(WIDER_VARIABLE, "1"))  # type: ignore[assignment]
    wall = SystemClock.wall
    SystemClock.wall = lambda self: wall(self) + ahead_s  # type: ignore[method-assign]
    from bridge.cli import main as bridge

    bridge()


if __name__ == "__main__":
    main()
