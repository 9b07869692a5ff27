"""The embedded store: one file, one process, durable when a call returns.

Decisions are made in memory (``book``), written in batches (``batches``) by one thread (``writer``) through
sqlitedict (``database``); ``layout`` says which row holds what. Unfinished turns, conversations and notes are in
memory; of ended turns only ids and times are, their records are read from the file when somebody asks.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bridge.errors import StoreUnavailable
from bridge.model import Conversation, ConversationKey, Lease, TurnId, TurnRecord, TurnState
from bridge.ports import Clock
from bridge.stores.opening import OpenFile, open_file
from bridge.stores.settings import StoreSettings
from bridge.stores.signals import Signals

PURGE_ROWS = 500
"""Turns deleted in one batch, so that a large purge does not keep messages from being acknowledged."""
PROBE_NOTE = "store.probe"


class SqliteStore:
    """The ``Store`` port on one file of a local disk. May be opened again after it was closed."""

    def __init__(self, settings: StoreSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._signals = Signals()
        self._file: OpenFile | None = None

    async def __aenter__(self) -> "SqliteStore":
        """Open the file.

        Raises:
            StoreOccupied: Another process still has it after ``lock_wait_s``.
            StoreUnavailable: It cannot be made, read or written, is damaged or not ours; the message says what to do.
        """
        if self._file is not None:
            raise RuntimeError("the store is open already")
        self._file = await open_file(self._settings, self._clock)
        self._signals = Signals()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Finish the writes that wait, within the time limit, and let go of the file; never raises."""
        file, self._file = self._file, None
        self._signals.close()
        if file is not None:
            await file.close()

    # --- turns ---

    async def create_turn(self, turn: TurnRecord) -> bool:
        file = self._now
        return await file.commits.run(partial(file.book.create_turn, turn))

    async def turn(self, turn_id: TurnId) -> TurnRecord | None:
        book = self._now.book
        if live := book.turns.settled.get(turn_id):
            return live.turn
        if (read := await self._read_ended(turn_id)) is not None:
            return read
        live = book.turns.settled.get(turn_id)  # it may have left the ended ones while we looked there
        return live.turn if live else None

    async def advance(
        self, turn_id: TurnId, from_states: frozenset[TurnState], changes: dict[str, Any], lease: Lease
    ) -> TurnRecord:
        book, commits = self._now.book, self._now.commits
        return await commits.run(lambda: book.advance(turn_id, from_states, changes, lease, self._clock.wall()))

    async def unfinished(self, lane: ConversationKey | None = None) -> list[TurnRecord]:
        return self._now.book.unfinished(lane)

    async def purge(self, *, turns_before_s: float, conversations_before_s: float = -math.inf) -> int:
        """Delete what is old; return how many turns. Goes in several batches."""
        book, now_s = self._now.book, self._clock.wall()
        book.forget_leases(now_s)
        await self._forget_unused(conversations_before_s, now_s)
        old = book.ended_before(turns_before_s)
        count = 0
        for start in range(0, len(old), PURGE_ROWS):
            some = old[start : start + PURGE_ROWS]
            count += await self._now.commits.run(partial(book.forget_ended, some, turns_before_s))
        return count

    async def _forget_unused(self, before_s: float, now_s: float) -> None:
        book = self._now.book
        keys, names = book.unused(before_s, now_s)
        for start in range(0, max(len(keys), len(names)), PURGE_ROWS):
            some = keys[start : start + PURGE_ROWS], names[start : start + PURGE_ROWS]
            await self._now.commits.run(partial(book.forget_unused, *some, before_s, now_s))

    async def _read_ended(self, turn_id: TurnId) -> TurnRecord | None:
        file = self._now
        ended = file.book.ended.settled.get(turn_id)
        if ended is None:
            return None
        read = partial(file.rows.ended_turn, turn_id, ended.changed_at_s)
        return await file.writer.run(read, limit_s=self._settings.timeout_s)

    # --- conversations and notes ---

    async def conversation(self, key: ConversationKey) -> Conversation | None:
        return self._now.book.conversations.settled.get(key)

    async def bind(self, conversation: Conversation) -> None:
        file = self._now
        await file.commits.run(partial(file.book.bind, conversation))

    async def unbind(self, key: ConversationKey) -> bool:
        file = self._now
        return await file.commits.run(partial(file.book.unbind, key))

    async def note(self, name: str) -> str | None:
        return self._now.book.note(name, self._clock.wall())

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        file = self._now
        await file.commits.run(partial(file.book.remember, name, value, ttl_s, self._clock.wall()))

    # --- leases and signals: of this process, in memory (see ``book`` for why) ---

    async def acquire(self, lane: ConversationKey, holder: str, ttl_s: float) -> Lease | None:
        return self._now.book.acquire(lane, holder, ttl_s, self._clock.wall())

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        return self._now.book.renew(lease, ttl_s, self._clock.wall())

    async def release(self, lease: Lease) -> None:
        self._now.book.release(lease)

    async def signal(self, topic: str, payload: str) -> None:
        _ = self._now
        self._signals.send(topic, payload)

    @asynccontextmanager
    async def watch(self, topic: str) -> AsyncIterator[AsyncIterator[str]]:
        _ = self._now
        with self._signals.watch(topic) as payloads:
            yield payloads

    # --- health ---

    async def check(self) -> None:
        """Return if the file answers; after a failed write, only if it can be written again."""
        file = self._now
        if file.commits.failure is not None:
            await file.commits.run(partial(file.book.remember, PROBE_NOTE, f"{self._clock.wall():.0f}", None, 0.0))
        await file.writer.run(file.database.check, limit_s=self._settings.timeout_s)

    async def diagnostics(self) -> dict[str, object]:
        """Return how the file is written, read back from the connection that writes: for checks and tests."""
        file = self._now

        def read() -> dict[str, object]:
            return {name: file.database.pragma(name) for name in ("synchronous", "journal_mode", "busy_timeout")}

        return {"path": str(file.path), **await file.writer.run(read, limit_s=self._settings.timeout_s)}

    @property
    def _now(self) -> OpenFile:
        if self._file is None:
            raise StoreUnavailable(f"the store {self._settings.path} is not open")
        return self._file
