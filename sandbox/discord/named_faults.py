"""Fault switches that refuse a name nothing would ever hit."""

from collections.abc import Mapping
from typing import Any

from sandbox.faults import FaultSwitches


class NamedFaults(FaultSwitches):
    """Faults by name, where each name knows its own kinds; ``*`` hits every call."""

    def __init__(self, kinds_by_name: Mapping[str, frozenset[str]], others: frozenset[str] = frozenset()) -> None:
        """Know the kinds of each name.

        Args:
            others: The kinds of every name that is not listed; empty refuses such names.
        """
        super().__init__(frozenset().union(others, *kinds_by_name.values()))
        self._kinds_by_name = kinds_by_name
        self._others = others

    def plan(self, name: str, kind: str, *, skip: int = 0, times: int | None = 1, **args: Any) -> None:
        """Let the call ``name`` misbehave: after ``skip`` good calls, ``times`` times.

        Raises:
            ValueError: There is no such call, or it has no such kind of fault.
        """
        kinds = self.known_kinds if name == "*" else self._kinds_by_name.get(name, self._others)
        if not kinds:
            raise ValueError(f"nothing is called {name!r}; there are {', '.join(sorted(self._kinds_by_name))}")
        if kind not in kinds:
            raise ValueError(f"{name} has no fault {kind!r}; it knows {', '.join(sorted(kinds))}")
        super().plan(name, kind, skip=skip, times=times, **args)
