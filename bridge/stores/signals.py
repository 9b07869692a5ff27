"""Signals between tasks of one process.

A signal is a hint to act now ("stop", "look again"), not something to keep: it reaches those who watch at that moment
and is written down nowhere. Each watcher has room for ``ROOM`` payloads; one that does not keep up loses the
**oldest**, because the newest says more about what is wanted now. Sending never waits.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

ROOM = 256
"""Payloads one watcher may leave unread; a stop signal comes once per press, so this is ample."""


class Signals:
    """Topics and who watches them."""

    def __init__(self) -> None:
        self._watchers: dict[str, list[Watcher]] = {}
        self._closed = False

    def send(self, topic: str, payload: str) -> None:
        """Hand ``payload`` to everybody who watches ``topic`` now."""
        for watcher in self._watchers.get(topic, ()):
            watcher.receive(payload)

    @contextmanager
    def watch(self, topic: str) -> "Iterator[Watcher]":
        """Watch a topic within the block."""
        watcher = Watcher()
        if self._closed:
            watcher.close()
        self._watchers.setdefault(topic, []).append(watcher)
        try:
            yield watcher
        finally:
            watchers = self._watchers[topic]
            watchers.remove(watcher)
            if not watchers:
                del self._watchers[topic]

    def close(self) -> None:
        """End every watcher's iteration after what it has received."""
        self._closed = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.close()


class Watcher(AsyncIterator[str]):
    """The payloads of one topic, in order; ends when the store closes."""

    def __init__(self) -> None:
        self._unread: deque[str] = deque(maxlen=ROOM)
        self._news = asyncio.Event()
        self._closed = False

    def receive(self, payload: str) -> None:
        self._unread.append(payload)
        self._news.set()

    def close(self) -> None:
        self._closed = True
        self._news.set()

    async def __anext__(self) -> str:
        while not self._unread:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._unread.popleft()
