"""What a store may do, independent of where it keeps things (pure: the time is an argument).

The journal of a turn: it goes forward through its states and may skip some (a store that was full learns later what
happened meanwhile); one that waits for a person ends when she has answered, for her answer is a turn of its own. What
has been acted upon does not change any more: which agent, which conversation, which run, which text. Messages that were
posted are never forgotten. A turn that shall be stopped stays so. How it ends is known from *answered* on, and at the
end at the latest; what has ended is final.

Leases: a lane has at most one lease. Every grant has a larger token than all before it, so that somebody who lost
the lane without noticing is recognised by the old one. Renewing keeps the token. A lease is over the moment its time
is up, whether or not anybody else wants the lane.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from bridge.errors import LeaseLost, StateConflict
from bridge.model import TURN_FIELDS, ConversationKey, Lease, TurnId, TurnRecord, TurnState

FIXED_FIELDS = frozenset(
    {"turn_id", "key", "envelope", "answers", "follows", "replaces", "created_at_s", "updated_at_s", "v"}
)
"""Fields of a turn that ``advance`` does not take: its identity, its question, and what the store sets itself."""

ORDER = tuple(TurnState)
"""The states as a turn passes through them."""

FIXED_FROM: Mapping[str, TurnState] = {
    "agent": TurnState.OPENED,
    "also": TurnState.ASKING,
    "interrupts": TurnState.ASKING,
    "conversation_id": TurnState.ASKED,
    "chat_id": TurnState.ASKED,
    "reasoning": TurnState.ANSWERED,
    "answer": TurnState.ANSWERED,
    "answer_ids": TurnState.ANSWERED,
    "follow_ups": TurnState.ANSWERED,
    "footer": TurnState.ANSWERED,
    "run": TurnState.ANSWERED,
}
"""From when on a field keeps its value."""

EXPIRY_STEPS = 8
"""A note may stay for an eighth of its time longer."""


def check_changes(changes: dict[str, Any]) -> None:
    """Raise ``ValueError`` if ``advance`` may not change one of these fields."""
    if refused := sorted(changes.keys() - (TURN_FIELDS - FIXED_FIELDS)):
        raise ValueError(f"advance cannot change {', '.join(refused)}")


def check_step(before: TurnRecord, after: TurnRecord) -> None:
    """Raise ``ValueError`` if a turn may not become like this (that is a mistake of ours)."""
    if ORDER.index(after.state) < ORDER.index(before.state):
        raise ValueError(f"a turn does not go from {before.state} back to {after.state}")
    for name, since in FIXED_FROM.items():
        is_fixed = ORDER.index(before.state) >= ORDER.index(since)
        if is_fixed and getattr(before, name) != getattr(after, name):
            raise ValueError(f"{name} of a turn that is {before.state} does not change any more")
    if before.stopping is not None and after.stopping is None:
        raise ValueError("a turn that shall be stopped stays so")
    if before.root is not None and after.root != before.root:
        raise ValueError("a command that was announced stays where it is")
    _check_parts(before, after)
    check_turn(after)


def _check_parts(before: TurnRecord, after: TurnRecord) -> None:
    old, new = ({part.index: part for part in turn.parts} for turn in (before, after))
    if list(new) != sorted(new) or len(new) < len(after.parts):
        raise ValueError("the parts of a turn stand in their order, each once")
    if forgotten := sorted(old.keys() - new.keys()):
        raise ValueError(f"the parts {forgotten} of a turn were posted and cannot be forgotten")
    for index, part in old.items():
        if new[index].wordless and part.message_id == new[index].message_id and not part.wordless:
            raise ValueError(f"part {index} shows words of the agent, and they are not forgotten")


def check_turn(turn: TurnRecord) -> None:
    """Raise ``ValueError`` for a turn that contradicts itself."""
    is_known = ORDER.index(turn.state) >= ORDER.index(TurnState.ANSWERED)
    if turn.outcome is not None and not is_known:
        raise ValueError(f"how a turn ends is not known while it is {turn.state}")
    if turn.outcome is None and turn.state is TurnState.ENDED:
        raise ValueError("a turn that has ended says how")


def check_name(name: str) -> None:
    """Raise ``ValueError`` if a key cannot be written down exactly (it is ours, so this is a mistake of ours)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the key {name!r} is not valid text") from None


def check_ttl(ttl_s: float) -> None:
    """Raise ``ValueError`` for a lease that would be over at once."""
    if not ttl_s > 0:
        raise ValueError(f"a lease needs a positive duration, not {ttl_s}")


def expiry(ttl_s: float | None, now_s: float) -> float | None:
    """Return until when a note is kept (``None``: for ever): at least ``ttl_s``.

    It is a little longer, so that one that is renewed often is seldom written anew.
    """
    if ttl_s is None:
        return None
    if not ttl_s > 0:
        raise ValueError(f"a note needs a positive duration, not {ttl_s}")
    step_s = ttl_s / EXPIRY_STEPS
    return math.ceil((now_s + ttl_s) / step_s) * step_s


def changed_at_s(turn: TurnRecord) -> float:
    """When a turn was last changed; its creation counts."""
    return max(turn.created_at_s, turn.updated_at_s)


def advanced(
    turn_id: TurnId,
    turn: TurnRecord | None,
    from_states: frozenset[TurnState],
    changes: dict[str, Any],
    now_s: float,
) -> TurnRecord:
    """Return the turn with the changes applied.

    Raises:
        StateConflict: It does not exist, has ended, or is in another state.
    """
    if turn is None:
        raise StateConflict(f"turn {turn_id} does not exist")
    if turn.state is TurnState.ENDED:
        raise StateConflict(f"turn {turn_id} has ended")
    if turn.state not in from_states:
        expected = " or ".join(sorted(from_states)) or "no state at all"
        raise StateConflict(f"turn {turn_id} is {turn.state}, not {expected}")
    return dataclasses.replace(turn, **changes, updated_at_s=now_s)


def granted(
    current: Lease | None, lane: ConversationKey, holder: str, token: int, ttl_s: float, now_s: float
) -> Lease | None:
    """Return the lease that ``holder`` gets, or ``None`` while somebody else has the lane."""
    if current is not None and current.holder != holder and now_s < current.expires_at_s:
        return None
    return Lease(lane, holder, token, now_s + ttl_s)


def check_lease(current: Lease | None, lease: Lease, now_s: float) -> None:
    """Raise ``LeaseLost`` unless ``lease`` is the lane's newest and its time is not up.

    The time that counts is the store's: a lease may have been renewed since the caller got this copy.
    """
    if current is None or current.token != lease.token:
        owner = f"{current.holder} has it" if current else "nobody has it"
        raise LeaseLost(f"lane {lease.lane} is no longer held by {lease.holder}: {owner}")
    if now_s >= current.expires_at_s:
        raise LeaseLost(
            f"the lease of {lease.holder} on lane {lease.lane} expired {now_s - current.expires_at_s:.1f} s ago"
        )
