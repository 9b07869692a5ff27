"""``coze-bridge`` on a machine whose wall clock goes ahead: the emulators' clock is moved by hand, this follows it.

    python -m benchmarks.proving.later run --config config.toml

Only unix time moves (``AHEAD_VARIABLE``, seconds); what measures durations stays as it is.
"""

import os

from bridge.clock import SystemClock

AHEAD_VARIABLE = "BRIDGE_CLOCK_AHEAD_S"


def main() -> None:
    """Move the clock, then be the bridge."""
    ahead_s = float(os.environ.get(AHEAD_VARIABLE, "0"))
    wall = SystemClock.wall
    SystemClock.wall = lambda self: wall(self) + ahead_s  # type: ignore[method-assign]
    from bridge.cli import main as bridge

    bridge()


if __name__ == "__main__":
    main()
