"""A dict whose changes become visible in two steps: staged while they are decided, settled when they are durable."""

from collections.abc import Iterable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """Settled entries, and the changes staged on top of them; a staged ``None`` is a deletion."""

    def __init__(self) -> None:
        self.settled: dict[K, V] = {}
        self.staged: dict[K, V | None] = {}

    def load(self, entries: Iterable[tuple[K, V]]) -> None:
        """Begin with these entries, as settled."""
        self.settled = dict(entries)

    def latest(self, key: K) -> V | None:
        """Return what the next decision must see: the staged entry, else the settled one."""
        return self.staged[key] if key in self.staged else self.settled.get(key)

    def stage(self, key: K, value: V | None) -> None:
        """Change an entry for the decisions that follow."""
        self.staged[key] = value

    def settle(self) -> None:
        """Make the staged changes visible to readers."""
        for key, value in self.staged.items():
            if value is None:
                self.settled.pop(key, None)
            else:
                self.settled[key] = value
        self.staged.clear()

    def drop(self) -> None:
        """Forget the staged changes: nothing has happened."""
        self.staged.clear()
