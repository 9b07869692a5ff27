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
        self._counted: list[int] = []
        self._sums: list[tuple[int, ...]] = []

    def mark(self, at: int) -> None:
        """Know a place in the body, behind all known ones: a line ends before it, and behind that no block is open."""
        if self._rules.amounts is not None:
            self._marks.append(at)

    def measure(self, body: str, end: int, more: str = "", begin: int = 0) -> int:
        """Return what is measured of ``body[begin:end]`` followed by ``more``; blank lines alone stand before that."""
        amounts = self._rules.amounts
        known = bisect_right(self._marks, end)
        if amounts is None or not known or self._marks[known - 1] < begin:
            return self._rules.measure(self._head + body[begin:end] + more)
        mark = self._marks[known - 1]
        sums = _plus(self._sum_at(body, mark), amounts(body[mark:end] + more))
        if begin:
            sums = tuple(a - b for a, b in zip(sums, amounts(body[:begin]), strict=True))
        return max(sums)

    def _sum_at(self, body: str, mark: int) -> tuple[int, ...]:
        """Return the amounts of all that stands before a mark, counted from the nearest one that was asked for."""
        assert self._rules.amounts is not None
        index = bisect_right(self._counted, mark) - 1
        if index < 0:
            sums = tuple(self._rules.amounts(self._head + body[:mark]))
        elif self._counted[index] == mark:
            return self._sums[index]
        else:
            sums = _plus(self._sums[index], self._rules.amounts(body[self._counted[index] : mark]))
        self._counted.insert(index + 1, mark)
        self._sums.insert(index + 1, sums)
        return sums


def _plus(some: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(some, more, strict=True))
