"""What a store may do, independent of where it keeps things (pure: the time is an argument).

Leases: a lane has at most one lease. Every grant has a larger token than all before it, so that somebody who lost
the lane without noticing is recognised by the old one. Renewing keeps the token. A lease is over the moment its time
is up, whether or not anybody else wants the lane.
"""

import dataclasses
from typing import Any

from bridge.errors import LeaseLost, StateConflict
from bridge.model import TURN_FIELDS, ConversationKey, Lease, TurnId, TurnRecord, TurnState

FIXED_FIELDS = frozenset({"turn_id", "key", "created_at_s", "updated_at_s", "v"})
"""Fields of a turn that ``advance`` does not take: its identity, and what the store sets itself."""


def check_changes(changes: dict[str, Any]) -> None:
    """Raise ``ValueError`` if ``advance`` may not change one of these fields."""
    if refused := sorted(changes.keys() - (TURN_FIELDS - FIXED_FIELDS)):
        raise ValueError(f"advance cannot change {', '.join(refused)}")


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
        StateConflict: It does not exist or is in another state.
    """
    if turn is None:
        raise StateConflict(f"turn {turn_id} does not exist")
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
