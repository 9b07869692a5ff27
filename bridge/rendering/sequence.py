"""The parts of an answer that is still growing.

All parts but the last are *frozen*: while the answer only grows they never change again. Each look reads only what
came since the last look, and repairs and measures only what stands behind the last place where no block is open
(``_quiet``), so that the whole costs a time linear in the answer's length.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge.model import Part, PartRules
from bridge.rendering.blocks import START
from bridge.rendering.gauge import Gauge
from bridge.rendering.lines import NOTHING, Carry, Reader
from bridge.rendering.repair import repair, settled
from bridge.rendering.split import (
    Piece,
    check_rules,
    compose,
    open_fence_line,
    room_for_repair,
    take,
    take_block,
    take_less,
    take_shown,
)


class PartSequence:
    """One answer as parts, from its first character to its last.

    Raises:
        ValueError: ``rules.limit`` is below ``split.LEAST_LIMIT``.
    """

    def __init__(self, rules: PartRules) -> None:
        check_rules(rules)
        self._rules = rules
        self._frozen: list[Part] = []
        self._begins = [0]
        self._carries: list[Carry] = []
        self._pending: list[str] = []
        self._tail = ""
        self._carry = NOTHING
        self._reader = Reader(NOTHING)
        self._gauge = Gauge(rules)
        self._read = self._quiet = self._pinned = 0
        self._roomy = False
        self._last: Part | None = None
        self._preview: str | None = None

    @property
    def rules(self) -> PartRules:
        """The rules that hold for parts not yet frozen."""
        return self._rules

    def append(self, delta: str) -> None:
        """Add text at the end; costs nothing until somebody looks."""
        if delta:
            self._pending.append(delta)

    def replace(self, text: str) -> None:
        """Put another text in the place of all so far: the completed text where it differs from its deltas.

        Parts up to the first difference stay as they are; those behind are made anew, and may be fewer.
        """
        at = kept = 0
        for part in self._frozen:
            if not text.startswith(part.body, at):
                break
            at += len(part.body)
            kept += 1
        if kept == len(self._frozen):
            self._join()
            if text.startswith(self._tail, at):
                self.append(text[at + len(self._tail) :])
                return
        self._thaw(kept, text[at:])

    def shrink(self, limit: int, from_index: int | None = None) -> None:
        """Lower the limit, because the platform measures longer than we do, for the last part and all to come.

        Args:
            from_index: The first part that is split anew, frozen or not: the one that was refused.

        Raises:
            ValueError: ``limit`` is below ``split.LEAST_LIMIT``; the parts are unchanged.
        """
        rules = replace(self._rules, limit=limit)
        check_rules(rules)
        self.parts()
        self._rules = rules
        kept = len(self._frozen) if from_index is None else min(from_index, len(self._frozen))
        self._thaw(kept, "".join(part.body for part in self._frozen[kept:]) + self._tail)

    def end_part(self, index: int, shown: str) -> bool:
        """End a part at what is shown of its body; the rest becomes the next part.

        Where that would break a word or a link, it ends a little before. False, and nothing is changed, when it cannot
        be ended there: the body begins differently by now, nothing is behind, or there is no place for a cut shortly
        before.
        """
        parts = self.parts()
        text = "".join(part.body for part in parts[index:])
        if not shown or not text.startswith(shown):
            return False
        carry = self._carries[index] if index < len(self._carries) else self._carry
        piece = take_shown(text, len(shown), carry, self._rules)
        if piece is None:
            return False
        self._thaw(index, text)
        self._freeze(piece, 0)
        self._restart(text[piece.stop :], piece.carry)
        return True

    def pin(self, chars: int) -> None:
        """Know that so many characters of the last part's body cannot be taken back: the part will not end before."""
        self._pinned = max(self._pinned, min(chars, len(self._tail)))

    def end_block(self) -> bool:
        """End the last part between two blocks, behind what is pinned, if there is such a place."""
        self.parts()
        piece = take_block(self._tail, max(1, self._pinned), self._carry, self._rules)
        if piece is None:
            return False
        self._freeze(piece, 0)
        self._restart(self._tail[piece.stop :], piece.carry)
        return True

    def settled(self) -> tuple[str, str]:
        """Return what to show of the last part where nothing shown can be taken back, and its piece of the body.

        It is the beginning of the part's text, whatever comes; unfinished marks and what hangs on them are left out.
        """
        if self._settle() is None:
            return "", ""
        text = compose(self._tail, self._carry, self._rules, live_closing=self._closing_line(), has_room=self._roomy)
        fresh = self._tail[self._quiet :]
        if self._quiet and text.endswith(fresh):
            at = len(text) - len(fresh) + settled(fresh)
        else:
            at = settled(text)
        at = max(at, len(text) - (len(self._tail) - self._pinned))
        held = text[at:]
        if not self._tail.endswith(held):
            return "", ""
        return text[:at], self._tail[: len(self._tail) - len(held)]

    def parts(self) -> Sequence[Part]:
        """Return all parts. The last one's text is complete as it is: what to show at the answer's end."""
        last = self._settle()
        return (*self._frozen, last) if last is not None else tuple(self._frozen)

    def __len__(self) -> int:
        """Return how many parts there are."""
        return len(self._frozen) + (self._settle() is not None)

    def parts_from(self, index: int) -> list[Part]:
        """Return the parts from one on; costs nothing for those before it."""
        last = self._settle()
        return [*self._frozen[index:], *([last] if last is not None and index <= len(self._frozen) else [])]

    def begins_at(self, index: int) -> int:
        """Return how many characters stand before a part."""
        self._settle()
        return self._begins[min(index, len(self._frozen))]

    def preview(self) -> str:
        """Return what to show of the last part while the answer grows: repaired, and within the limit.

        It may be empty when what has come cannot be shown yet (only the opening line of a fence).
        """
        last = self._settle()
        if last is None:
            return self._frozen[-1].text if self._frozen else ""
        if self._preview is None:
            repaired = self._repaired()
            self._preview = last.text if repaired is None else repaired
        return self._preview

    def _settle(self) -> Part | None:
        """Freeze whatever no longer fits into one part; return the part behind."""
        self._join()
        while self._last is None and self._tail:
            self._roomy = self._has_room()
            if not self._roomy:
                self._freeze_full()
            text = compose(self._tail, self._carry, self._rules, self._closing_line(), has_room=self._roomy)
            if self._roomy or self._rules.measure(text) <= self._rules.limit or len(self._tail) == 1:
                self._last = Part(len(self._frozen), self._tail, text)
            else:
                piece = take_less(self._tail, 0, self._carry, self._rules, self._pinned)
                self._freeze(piece, 0)
                self._restart(self._tail[piece.stop :], piece.carry)
        return self._last

    def _repaired(self) -> str | None:
        """Return the last part's text repaired, or ``None`` if that does not fit."""
        text = compose(self._tail, self._carry, self._rules, live_closing=self._closing_line(), has_room=self._roomy)
        fresh = self._tail[self._quiet :]
        if not self._quiet or not text.endswith(fresh):
            repaired = repair(text)
            return repaired if self._rules.measure(repaired) <= self._rules.limit else None
        rest = repair(fresh)  # before it nothing is open, and need not be read again
        repaired = text[: len(text) - len(fresh)] + rest
        if self._roomy and self._gauge.measure(self._tail, self._quiet, rest) <= self._rules.limit:
            return repaired
        return repaired if self._rules.measure(repaired) <= self._rules.limit else None

    def _has_room(self) -> bool:
        """Tell whether all of the last part fits as it is, with a fence closed or a repair; false: perhaps not."""
        if self._carry.dedent or len(self._tail) > self._rules.limit:
            return False
        closing = self._closing_line()
        more = "\n" + closing if closing else ""
        room = max(len(more), room_for_repair(self._tail, self._carry))
        return self._gauge.measure(self._tail, len(self._tail), more) + room <= self._rules.limit

    def _freeze_full(self) -> None:
        self._closing_line()
        at = 0
        gauge = None if self._carry.dedent else self._gauge
        while (piece := take(self._tail, at, self._carry, self._rules, gauge, 0 if at else self._pinned)) is not None:
            self._freeze(piece, at)
            at, gauge = piece.stop, None
        if at:
            self._restart(self._tail[at:], self._carry)

    def _freeze(self, piece: Piece, at: int) -> None:
        self._frozen.append(Part(len(self._frozen), self._tail[at : piece.stop], piece.text))
        self._begins.append(self._begins[-1] + piece.stop - at)
        self._carries.append(self._carry)
        self._carry = piece.carry

    def _join(self) -> None:
        if self._pending:
            self._tail += "".join(self._pending)
            self._pending.clear()
            self._last = self._preview = None

    def _closing_line(self) -> str:
        """Read the lines that came since the last look and return what closes an open fence."""
        while (stop := self._tail.find("\n", self._read)) >= 0:
            self._reader.read(self._tail[self._read : stop])
            self._read = stop + 1
            if self._reader.state == START:
                self._quiet = self._read
                self._gauge.mark(self._quiet)
        return open_fence_line(self._reader, self._tail[self._read :])

    def _thaw(self, kept: int, text: str) -> None:
        """Keep the first parts and begin anew behind them."""
        carry = self._carries[kept] if kept < len(self._carries) else self._carry
        del self._frozen[kept:], self._carries[kept:], self._begins[kept + 1 :]
        self._pending.clear()
        self._restart(text, carry)

    def _restart(self, tail: str, carry: Carry) -> None:
        """Begin to read ``tail`` as a part of its own."""
        self._tail = tail
        self._carry = carry
        self._reader = Reader(carry)
        self._gauge = Gauge(self._rules, carry.head)
        self._read = self._quiet = self._pinned = 0
        self._last = self._preview = None
