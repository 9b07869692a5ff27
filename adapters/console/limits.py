"""What a terminal can take. All numbers are ours: a terminal has no rate limit, only eyes."""

EDIT_INTERVAL_S = 0.1
"""Ten pictures a second look continuous and cost little."""

STATUS_REFRESH_S = 0.1
"""One step of the spinner."""

RICH_PART_CHARS = 4000
"""A finished part scrolls away; only the last one is drawn anew with each picture."""

PLAIN_PART_CHARS = 10_000_000
"""Plain text is never drawn anew, so that there is nothing to split it for."""

READ_BYTES = 65_536
LINE_MAX_CHARS = 100_000
"""Longer input without a line end is taken as one line."""
