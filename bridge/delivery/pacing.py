"""Whose message is edited next, and when (pure: time is an argument).

Theory of operation. Limits belong to accounts, not to messages: replies that draw on the same named ``Budget`` share
it. What is minimised is *visible lag*: how long each character waits between its arrival and being seen, over all
replies together. An edit of a reply with ``u`` unseen characters, the oldest of which has waited for ``w`` seconds,
ends a wait of about ``u * w / 2`` character-seconds. If every edit is worth the same, replies that say ``c`` characters
a second are edited at a rate proportional to the root of ``c``, which is the division with the least lag. So each
budget has a *price*, and a reply is edited as soon as ``u * w`` reaches it. No reply need know of another; text that
stands still while the agent thinks becomes worth its edit in time.

What an edit costs is told in ``sharing``, what may be sent at all in ``allowances``.

First words and final texts pay no price and may use the last call; interim edits leave one for them, as nearly as
someone who can wait for ``FINAL_PATIENCE_S`` needs. A final text for which there is no edit in that time does not wait:
what is shown is frozen and the rest goes out as a post, which draws on another budget. Where edits are scarce, so that
live replies have fewer than ``SCARCE`` of them each in the time of a typical answer, final texts prefer posts
altogether and leave the edits to those who are still speaking. First words that have to wait go in the order in which
they were ready.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.delivery.sharing import Shared
from bridge.model import Budget, Way

TYPICAL_S = 15.0
"""How long answers are thought to take before any was seen: a few hundred words at the usual speed of generation."""
TYPICAL_LEAST_S, TYPICAL_MOST_S = 4.0, 120.0
LEARNING = 0.2
"""How much the newest answer counts in what is typical."""
SOON_ENDING_S = 8.0
"""Where edits are scarce and there may be no posts either, calls are kept for the answers that end within this time."""

SCARCE_PAUSE_S = 1.0
"""When to ask again for what is to spare."""

ENOUGH = 15.0
"""Edits in the time of a typical answer that nobody needs more of."""
SLOWEST_CPS, FASTEST_CPS = 5.0, 2_000.0
SOON_S = 0.01
"""Text comes in steps: who waited for the last hundredths of a price would look again and again."""
KEPT_LEAST = 100
"""So many budgets are remembered before those without a use are looked for: every thread may have its own."""


@dataclass(slots=True)
class _Live:
    """One reply that takes part.

    Attributes:
        began_at: When the agent began to speak; ``None`` while it thinks.
        pull: The root of how many characters a second it says.
        rested_at: Its next interim edit is not before this.
    """

    interval_s: float
    budgets: tuple[str, ...]
    posts: tuple[str, ...] = ()
    began_at: float | None = None
    pull: float = 0.0
    rested_at: float = 0.0


class Pacer:
    """Shares the budgets of all platforms among all live replies of this process."""

    def __init__(self) -> None:
        self._shared: dict[str, Shared] = {}
        self._live: dict[str, _Live] = {}
        self._typical_s = TYPICAL_S
        self._look_at = KEPT_LEAST

    # --- who takes part ---

    def join(self, reply: str, interval_s: float, budgets: tuple[Budget, ...]) -> None:
        """Let a reply take part; it grows by calls that draw on ``budgets``, ``interval_s`` apart at least."""
        self._live[reply] = _Live(interval_s, ())
        self.move(reply, budgets)

    def move(self, reply: str, budgets: tuple[Budget, ...], posts: tuple[Budget, ...] = ()) -> None:
        """Let a reply grow by calls that draw on other budgets from now on; costs nothing when they are the same.

        Args:
            posts: What its final text draws on if it is posted, for want of an edit.
        """
        live = self._live[reply]
        names, ends = tuple(budget.name for budget in budgets), tuple(budget.name for budget in posts)
        if names == live.budgets and ends == live.posts:
            return
        self._count(live, -1)
        for budget in (*budgets, *posts):
            self._allowance(budget)
        live.budgets, live.posts = names, ends
        self._count(live, 1)

    def heard(self, reply: str, chars: int, began_at: float, now: float) -> None:
        """Know how much the agent has said for this reply since ``began_at``; at every look, not at every word."""
        live = self._live[reply]
        self._count(live, -1)
        live.began_at = began_at
        live.pull = math.sqrt(min(FASTEST_CPS, max(SLOWEST_CPS, chars / max(0.5, now - began_at))))
        self._count(live, 1)
        for shared in self._named(live.budgets):
            if shared.live > 1:
                shared.crowded_at = now

    def leave(self, reply: str, now: float, *, ended_at: float | None = None) -> None:
        """End a reply's part.

        Args:
            ended_at: When its agent fell silent for good; ``None`` when the answer was cut.
        """
        live = self._live.pop(reply)
        self._count(live, -1)
        if live.began_at is not None and ended_at is not None:
            took_s = min(TYPICAL_MOST_S, max(TYPICAL_LEAST_S, ended_at - live.began_at))
            self._typical_s += LEARNING * (took_s - self._typical_s)
        self._forget(now)

    # --- when ---

    def interim_wait_s(self, reply: str, unseen: int, waited_s: float, now: float, *, early_s: float = 0.0) -> float:
        """Return how long the reply's next interim edit has to wait if its text grows as before; 0 means now.

        Args:
            unseen: Characters that are not shown; ``waited_s``: for how long the oldest of them has waited.
            early_s: How much sooner than it is worth it the edit may go, because words are expected only now and then.
        """
        live = self._live[reply]
        wait = live.rested_at - now
        for shared in self._named(live.budgets):
            dares = shared.dares(now, self._typical_s)
            kept = max(shared.kept(now, self._typical_s), self._kept_for_ends(shared, live.posts, now))
            kept += len(shared.asked_at)  # where first words draw on the same, they go before it
            wait = max(wait, shared.wait_s(now, kept, boldly=dares))
            price = shared.price(now, self._typical_s)
            worth_s = _until_worth(price, unseen, waited_s, live.pull) - early_s
            wait = max(wait, worth_s if worth_s > SOON_S else 0.0)
        return max(0.0, wait)

    def _kept_for_ends(self, shared: Shared, posts: tuple[str, ...], now: float) -> float:
        """Return how many scarce calls are left free for final texts that will come soon and find no post."""
        if not shared.is_scarce(now, self._typical_s):
            return 0.0
        soon = SOON_ENDING_S / self._typical_s
        lacking = (min(shared.live, post.enders) * soon - max(0.0, post.free(now)) for post in self._named(posts))
        return max(0.0, max(lacking, default=0.0))

    def wait_s(self, budgets: Sequence[Budget], now: float) -> float:
        """Return how long a call has to wait that may use the last there is: first words, final texts; 0 means now."""
        shared = (self._allowance(budget) for budget in budgets)
        return max((s.wait_s(now, boldly=s.dares(now, self._typical_s)) for s in shared), default=0.0)

    def turn_s(self, reply: str, budgets: Sequence[Budget], asked_at: float, now: float) -> float:
        """Return how long the reply's first words have to wait, behind those that asked earlier; 0 means now."""
        wait = 0.0
        for shared in map(self._allowance, budgets):
            shared.asked_at[reply] = asked_at
            ahead = sum(at < asked_at for at in shared.asked_at.values())
            wait = max(wait, shared.wait_s(now, ahead))
        return wait

    def served(self, reply: str, budgets: Sequence[Budget]) -> None:
        """Note that the reply waits for these no longer."""
        for budget in budgets:
            self._allowance(budget).asked_at.pop(reply, None)

    def spare_wait_s(self, budgets: Sequence[Budget], now: float) -> float:
        """Return how long a call has to wait that is only worth what nobody else needs; 0 means now."""
        wait = 0.0
        for shared in map(self._allowance, budgets):
            wait = max(wait, shared.wait_s(now, shared.kept(now, self._typical_s)))
            if shared.is_scarce(now, self._typical_s):
                wait = max(wait, SCARCE_PAUSE_S)
        return wait

    def is_scarce(self, budgets: Sequence[Budget], now: float) -> bool:
        """Tell whether live replies have so few of these calls that final texts should not take them."""
        return any(self._allowance(budget).is_scarce(now, self._typical_s) for budget in budgets)

    def share(self, budgets: Sequence[Budget], now: float) -> float:
        """Return how many calls one more reply would have for itself in the time of a typical answer."""
        shared = (self._allowance(budget) for budget in budgets)
        return min((s.supply(now, self._typical_s) / (s.live + 1) for s in shared), default=math.inf)

    def choose(self, ways: Sequence[Way], now: float) -> Way:
        """Return the way in which a part is begun now: the first that has enough calls to grow by, or the best stocked.

        A way that would have to wait is taken only if all would, and one with an end only if the end can be reserved.
        """
        *better, last = ways
        open_now = [way for way in better if self.wait_s(way.post, now) == 0 and self._can_end(way, now)]
        if not open_now:
            return last
        if self.wait_s(last.post, now) == 0:
            open_now.append(last)
        shares = [self.share(way.edit, now) for way in open_now]
        enough = [way for way, share in zip(open_now, shares, strict=True) if share >= ENOUGH]
        return enough[0] if enough else open_now[shares.index(max(shares))]

    def _can_end(self, way: Way, now: float) -> bool:
        return all(
            shared.supply(now, self._typical_s) - shared.reserved >= 1 for shared in map(self._allowance, way.end)
        )

    def reserve(self, way: Way) -> None:
        """Keep one call for the end of a part that was begun this way."""
        for budget in way.end:
            self._allowance(budget).reserved += 1

    def release(self, way: Way) -> None:
        """Give back what was reserved for an end: it has come, or there is none."""
        for budget in way.end:
            self._allowance(budget).reserved -= 1

    # --- what happened ---

    def spent(self, budgets: Sequence[Budget], now: float) -> None:
        """Note that a call leaves that draws on ``budgets``."""
        for budget in budgets:
            self._allowance(budget).spend(now)

    def returned(
        self, reply: str, budgets: Sequence[Budget], left_at: float, now: float, *, well: bool, sent: bool = True
    ) -> None:
        """Note that the reply's call which left at ``left_at`` has ended, ``well`` or not, or was never ``sent``.

        The call may be somebody's who takes no part: a line that stands for a command is a post like others.
        """
        for budget in budgets:
            allowance = self._allowance(budget)
            if not sent:
                allowance.kept_back(left_at)
                continue
            allowance.returned(left_at, now)
            if well:
                allowance.accepted()
        if (live := self._live.get(reply)) is not None:
            live.rested_at = now + live.interval_s

    def refused(
        self,
        budgets: Sequence[Budget],
        retry_after_s: float | None,
        now: float,
        *,
        exhausted: str = "",
        held_back: bool = False,
    ) -> None:
        """Note that a pause is wanted on ``budgets``.

        Args:
            retry_after_s: How long; ``None``: the service did not say.
            exhausted: The name of the one that is used up, if it is known and among them.
            held_back: The adapter knew it beforehand; the service refused nothing.
        """
        named = [budget for budget in budgets if budget.name == exhausted]
        for budget in named or budgets:
            allowance = self._allowance(budget)
            if held_back and retry_after_s is not None:
                allowance.close(now, retry_after_s)
            else:
                allowance.refused(now, retry_after_s)

    # --- the books ---

    @property
    def remembered(self) -> int:
        """How many budgets are known by what was spent of them."""
        return len(self._shared)

    def _allowance(self, budget: Budget) -> Shared:
        shared = self._shared.get(budget.name)
        if shared is None:
            shared = self._shared[budget.name] = Shared(budget)
        shared.declare(budget)
        return shared

    def _named(self, names: tuple[str, ...]) -> Iterator[Shared]:
        return map(self._shared.__getitem__, names)

    def _count(self, live: _Live, sign: int) -> None:
        for shared in self._named(live.posts):
            shared.enders += sign
        for shared in self._named(live.budgets):
            shared.live += sign
            if live.began_at is not None:
                shared.speaking += sign
                shared.began_sum += sign * live.began_at
                shared.pull_sum += sign * live.pull

    def _forget(self, now: float) -> None:
        """Drop budgets that nobody shares and that nothing burdens, each time they have become twice as many."""
        if len(self._shared) >= self._look_at:
            self._shared = {
                name: s
                for name, s in self._shared.items()
                if s.live or s.enders or s.reserved or s.asked_at or s.is_used(now)
            }
            self._look_at = max(KEPT_LEAST, 2 * len(self._shared))


def _until_worth(price: float, unseen: int, waited_s: float, pull: float) -> float:
    """Return when ``unseen * waited`` reaches the price, if the text grows by ``pull ** 2`` characters a second."""
    worth = unseen * waited_s
    if worth >= price or pull <= 0:
        return 0.0
    speed = pull * pull
    half = (unseen / speed + waited_s) / 2
    return math.sqrt(half * half + (price - worth) / speed) - half
