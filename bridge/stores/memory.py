"""The store that forgets: the reference for what a store does, for tests and for trying things out."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from bridge.errors import StoreUnavailable
from bridge.model import Conversation, ConversationKey, Lease, TurnId, TurnRecord, TurnState
from bridge.ports import Clock
from bridge.stores.book import Book
from bridge.stores.signals import Signals

T = TypeVar("T")


class MemoryStore:
    """The ``Store`` port with nothing behind it; everything is gone when it closes. Can be opened once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._book = Book(keeps_ended=True)
        self._signals = Signals()
        self._open = False

    async def __aenter__(self) -> "MemoryStore":
        self._open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._open = False
        self._signals.close()

    async def create_turn(self, turn: TurnRecord) -> bool:
        return self._write(lambda: self._book.create_turn(turn))

    async def turn(self, turn_id: TurnId) -> TurnRecord | None:
        self._check_open()
        if live := self._book.turns.settled.get(turn_id):
            return live.turn
        ended = self._book.ended.settled.get(turn_id)
        return ended.turn if ended else None

    async def advance(
        self, turn_id: TurnId, from_states: frozenset[TurnState], changes: dict[str, Any], lease: Lease
    ) -> TurnRecord:
        return self._write(lambda: self._book.advance(turn_id, from_states, changes, lease, self._clock.wall()))

    async def unfinished(self, lane: ConversationKey | None = None) -> list[TurnRecord]:
        self._check_open()
        return self._book.unfinished(lane)

    async def conversation(self, key: ConversationKey) -> Conversation | None:
        self._check_open()
        return self._book.conversations.settled.get(key)

    async def bind(self, conversation: Conversation) -> None:
        self._write(lambda: self._book.bind(conversation))

    async def unbind(self, key: ConversationKey) -> bool:
        return self._write(lambda: self._book.unbind(key))

    async def note(self, name: str) -> str | None:
        self._check_open()
        return self._book.note(name, self._clock.wall())

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        self._write(lambda: self._book.remember(name, value, ttl_s, self._clock.wall()))

    async def acquire(self, lane: ConversationKey, holder: str, ttl_s: float) -> Lease | None:
        self._check_open()
        return self._book.acquire(lane, holder, ttl_s, self._clock.wall())

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        self._check_open()
        return self._book.renew(lease, ttl_s, self._clock.wall())

    async def release(self, lease: Lease) -> None:
        self._check_open()
        self._book.release(lease)

    async def signal(self, topic: str, payload: str) -> None:
        self._check_open()
        self._signals.send(topic, payload)

    @asynccontextmanager
    async def watch(self, topic: str) -> AsyncIterator[AsyncIterator[str]]:
        self._check_open()
        with self._signals.watch(topic) as payloads:
            yield payloads

    async def purge(self, *, turns_before_s: float, conversations_before_s: float = -math.inf) -> int:
        self._check_open()
        now_s = self._clock.wall()
        self._book.forget_leases(now_s)
        unused = self._book.unused(conversations_before_s, now_s)
        self._write(lambda: self._book.forget_unused(*unused, conversations_before_s, now_s))
        old = self._book.ended_before(turns_before_s)
        return self._write(lambda: self._book.forget_ended(old, turns_before_s))

    async def check(self) -> None:
        self._check_open()

    def _write(self, decide: Callable[[], T]) -> T:
        self._check_open()
        try:
            result = decide()
        except BaseException:
            self._book.drop()
            raise
        self._book.settle()
        return result

    def _check_open(self) -> None:
        if not self._open:
            raise StoreUnavailable("the store is not open")
