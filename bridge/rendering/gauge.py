"""How much beginnings of one growing part measure, without measuring from the part's beginning every time."""

from bisect import bisect_right

from bridge.model import PartRules


class Gauge:
    """Adds up the amounts (``PartRules.amounts``) of the pieces of one part, cut where no block is open.

    Args:
        head: What is shown before the part's body.
    """

    def __init__(self, rules: PartRules, head: str = "") -> None:
        self._rules = rules
        self._head = head
        self._marks: list[int] = []
        self._sums: list[tuple[int, ...]] = []

    def mark(self, at: int) -> None:
        """Know a place in the body, behind all known ones: a line ends before it, and behind that no block is open."""
        if self._rules.amounts is not None:
            self._marks.append(at)

    def measure(self, body: str, end: int) -> int:
        """Return what is measured of ``body[:end]``."""
        return self.measure_with(body, end, "")

    def measure_with(self, body: str, end: int, more: str) -> int:
        """Return what is measured of ``body[:end]`` followed by ``more``."""
        amounts = self._rules.amounts
        known = bisect_right(self._marks, end)
        if amounts is None or not known:
            return self._rules.measure(self._head + body[:end] + more)
        while len(self._sums) < known:
            self._add(body)
        return max(_plus(self._sums[known - 1], amounts(body[self._marks[known - 1] : end] + more)))

    def _add(self, body: str) -> None:
        assert self._rules.amounts is not None
        count = len(self._sums)
        if count:
            piece = body[self._marks[count - 1] : self._marks[count]]
            self._sums.append(_plus(self._sums[-1], self._rules.amounts(piece)))
        else:
            self._sums.append(tuple(self._rules.amounts(self._head + body[: self._marks[0]])))


def _plus(some: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(some, more, strict=True))
