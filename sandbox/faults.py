"""Fault switches: what shall go wrong, at which call, how often."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Fault:
    """One planned misbehaviour of an emulator.

    Attributes:
        kind: What happens; each emulator lists the kinds it knows and refuses others.
        args: What the kind needs, for example ``{"status": 502}``.
        skip: How many matching calls pass unharmed first.
        times: How many calls it then hits; ``None`` means until cleared.
    """

    kind: str
    args: dict[str, Any] = field(default_factory=dict)
    skip: int = 0
    times: int | None = 1


class FaultSwitches:
    """Faults by the name of the call they hit; ``*`` hits every call."""

    def __init__(self, known_kinds: frozenset[str]) -> None:
        self.known_kinds = known_kinds
        self._by_name: dict[str, list[Fault]] = {}

    def plan(self, name: str, kind: str, *, skip: int = 0, times: int | None = 1, **args: Any) -> None:
        """Let the call ``name`` misbehave: after ``skip`` good calls, ``times`` times.

        Raises:
            ValueError: The emulator has no such kind of fault.
        """
        if kind not in self.known_kinds:
            raise ValueError(f"unknown fault {kind!r}; this emulator knows {', '.join(sorted(self.known_kinds))}")
        self._by_name.setdefault(name, []).append(Fault(kind, args, skip, times))

    def clear(self, name: str | None = None) -> None:
        """Forget the faults of one call, or all of them."""
        if name is None:
            self._by_name.clear()
        else:
            self._by_name.pop(name, None)

    def take(self, name: str) -> Fault | None:
        """Return the fault that hits this call, if any, and count it as used."""
        for key in (name, "*"):
            for fault in list(self._by_name.get(key, ())):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._by_name[key].remove(fault)
                return fault
        return None
