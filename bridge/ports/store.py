"""What keeps things written down: turns, conversations, small facts, leases, signals."""

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from bridge.model import (
    Conversation,
    ConversationKey,
    Lease,
    TurnId,
    TurnRecord,
    TurnState,
)


class Store(Protocol):
    """What is written down. Every verb is atomic, and durable when it returns.

    All verbs raise ``StoreUnavailable`` when nothing could be stored or read; none hangs. Opened and closed by
    ``async with``; opening may raise ``StoreOccupied``.
    """

    async def __aenter__(self) -> "Store": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def create_turn(self, turn: TurnRecord) -> bool:
        """Write a turn unless its id exists; false means it is a repeat and nothing was changed."""
        ...

    async def turn(self, turn_id: TurnId) -> TurnRecord | None: ...

    async def advance(
        self, turn_id: TurnId, from_states: frozenset[TurnState], changes: dict[str, Any], lease: Lease
    ) -> TurnRecord:
        """Change fields of a turn (names of ``TurnRecord``) and return it as it now is.

        ``updated_at_s`` is set by the store. Safe to repeat with the same values, until it has ended.

        Raises:
            LeaseLost: ``lease`` is not the lane's newest, or has expired; looked at first.
            StateConflict: The turn does not exist, is in none of ``from_states``, or has ended: that is final.
            ValueError: Our mistake: unknown or fixed fields, values of a wrong type, a lease of another lane, a step
                that no turn takes (``stores.rules`` says which it takes).
        """
        ...

    async def unfinished(self, lane: ConversationKey | None = None) -> list[TurnRecord]:
        """Return all turns that have not ended, oldest first; of one lane or of all."""
        ...

    async def conversation(self, key: ConversationKey) -> Conversation | None: ...

    async def bind(self, conversation: Conversation) -> None:
        """Let ``conversation.key`` lead to this agent conversation from now on."""
        ...

    async def unbind(self, key: ConversationKey) -> bool:
        """Forget the conversation of a key; false when there was none."""
        ...

    async def note(self, name: str) -> str | None:
        """Return a small remembered fact, for example that a team refuses status lines."""
        ...

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        """Remember a small fact for at least ``ttl_s`` (``None``: for ever), or forget it with ``None``."""
        ...

    async def acquire(self, lane: ConversationKey, holder: str, ttl_s: float) -> Lease | None:
        """Grant the lane to ``holder`` with a new, larger token; ``None`` while somebody else holds it.

        A store that serves one process may forget leases when it closes: their holders are gone by then.
        """
        ...

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Extend a lease. Raises ``LeaseLost`` when it is not the newest or has expired."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lane back; nothing happens when it is lost already."""
        ...

    async def signal(self, topic: str, payload: str) -> None:
        """Tell every watcher of ``topic``, in whichever process."""
        ...

    def watch(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Receive the payloads signalled to ``topic`` from the moment of entering; ends when the store closes.

        Signals are hints, kept nowhere: a watcher that does not keep up loses the oldest.
        """
        ...

    async def purge(self, *, turns_before_s: float, conversations_before_s: float = -math.inf) -> int:
        """Delete ended turns last changed before a unix time; return how many.

        Conversations that were last used before theirs go too, and facts whose time is over. A purge that fails may be
        half done.
        """
        ...

    async def check(self) -> None:
        """Return if the store answers. Raises ``StoreUnavailable`` otherwise."""
        ...
