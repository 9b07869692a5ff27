"""What may die between any two steps."""

import asyncio


class Mortal:
    """The process that lives now, and its disk. ``crash_in`` steps it dies; ``None``: it does not."""

    def __init__(self) -> None:
        self.dead = self.disk_is_full = False
        self.crash_in: int | None = None

    def step(self) -> None:
        """Die, or go on."""
        if self.crash_in is not None:
            self.crash_in -= 1
            self.dead = self.dead or self.crash_in < 0
        if self.dead:
            raise asyncio.CancelledError
