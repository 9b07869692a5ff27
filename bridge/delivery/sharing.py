"""What the live replies that share one allowance pay for an edit (pure: time is an argument).

The price follows from what there is to divide. Nobody knows when an answer will end, but answers of one installation
resemble each other: a *horizon* is what is left of a typical one (learned by whoever asks). The calls that can be made
within it, less a share for the final texts to come, are the supply; the price is the one at which the demand of all
live replies uses up the supply in that time. It is recomputed at every look, so that intervals stretch when more
replies run, shrink when they end, and whatever a pause left over is spent. Beside this slow estimate works a quick
correction: a full stock lowers the price, for what comes back into a full stock is lost.

An answer that is longer than usual, and alone, *dares*: it calls boldly (see ``allowances``), for a refusal would cost
nobody else anything. How long it will go on is anybody's guess then, so its pauses grow with its age.
"""

import math

from bridge.delivery.allowances import Allowance
from bridge.model import Budget

LATE_SHARE = 0.2
"""An answer that has lasted for long is expected to go on for this part of a typical one."""
SLOWING = 0.5
"""How strongly a lone answer that is longer than usual leaves calls to its later words (``Shared.slowing_s``)."""

FINAL_SHARE = 0.25
"""Final texts are left at most this part of what comes back; more of them at once go out as posts."""
FINAL_PATIENCE_S = 0.3
"""How long a final text waits for an edit, so that the answer stays one message."""

SCARCE = 2.0
"""One edit to grow and one to end."""

PROMPTNESS = 0.7
"""Edits come a little later than they are due, for the next words and for the answer to the one before; so the price is
put a little lower than the one that would just use up the supply."""
RELIEF = 0.25
"""How strongly a full stock lowers the price: for most of its range hardly at all."""
LEAST_SUPPLY = 0.25
"""Where nothing is left over, the price is still finite."""


class Shared(Allowance):
    """An allowance and what the live replies that draw on it ask of it, as sums.

    Attributes:
        live: How many grow by it; ``speaking`` of them have an agent that has begun.
        enders: How many post their final text by it where there is no edit.
        reserved: How many ends it has been promised to.
        crowded_at: When several grew by it last.
        asked_at: Since when each reply waits for its first words.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.live = 0
        self.enders = 0
        self.reserved = 0
        self.speaking = 0
        self.began_sum = 0.0
        self.pull_sum = 0.0
        self.crowded_at = -math.inf
        self.asked_at: dict[str, float] = {}

    def age_s(self, now: float) -> float:
        """Return for how long the agents have been speaking, on the average."""
        return now - self.began_sum / self.speaking if self.speaking else 0.0

    def dares(self, now: float, typical_s: float) -> bool:
        """Tell whether a call may be bold because nobody else could suffer.

        It is so for an answer that is longer than usual and has had this to itself all its time.
        """
        is_alone = self.live == 1 == self.speaking and self.began_sum > self.crowded_at
        return is_alone and self.age_s(now) > typical_s and self.may_be_bold(now)

    def slowing_s(self, now: float, typical_s: float) -> float:
        """Return for how long the calls at hand are to last where nobody knows how much longer an answer goes on.

        If the pauses grow with its age, calls last until the first ones count no more, and the lag never jumps.
        """
        age_s = max(1.0, self.age_s(now))
        slowing = min(1.0, SLOWING * age_s / typical_s)
        return max(1.0, slowing * age_s * math.log1p(self.first_back_s(now) / age_s))

    def horizon_s(self, now: float, typical_s: float) -> float:
        return max(typical_s - self.age_s(now), typical_s * LATE_SHARE)

    def is_scarce(self, now: float, typical_s: float) -> bool:
        return self.supply(now, typical_s) < SCARCE * self.live

    def kept(self, now: float, typical_s: float) -> float:
        """How many calls interim edits leave free."""
        if not self.live or self.is_scarce(now, typical_s):
            return 0.0
        return max(0.0, 1.0 - self.per_s * FINAL_PATIENCE_S)

    def price(self, now: float, typical_s: float) -> float:
        """What ``u * w`` must reach."""
        horizon_s = self.horizon_s(now, typical_s)
        if self.dares(now, typical_s):
            horizon_s = self.slowing_s(now, typical_s)
            return self._price(now, typical_s, horizon_s, self.supply(now, horizon_s, boldly=True))
        return self._price(now, typical_s, horizon_s, self.supply(now, horizon_s))

    def _price(self, now: float, typical_s: float, horizon_s: float, supply: float) -> float:
        finals = 0.0
        if not self.is_scarce(now, typical_s):
            finals = min(self.live, FINAL_SHARE * self.per_s * horizon_s)
        calls = max(LEAST_SUPPLY, supply - finals)
        kept = self.kept(now, typical_s)
        room = self.at_once(now) - kept
        stock = min(1.0, max(0.0, (self.free(now) - kept) / room)) if room > 0 else 0.0
        return float(PROMPTNESS * (1.0 - stock) ** RELIEF * (self.pull_sum * horizon_s / calls) ** 2)
