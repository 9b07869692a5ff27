"""The events of one chat, kept in order, for whoever reads them and at whatever speed."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final


class _NoData:
    """Stands for an event whose data is empty, which is not the JSON string ``""``."""


NO_DATA: Final = _NoData()


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event: its name and the JSON value of its data, or ``NO_DATA``."""

    name: str
    data: Any


class Feed:
    """An append-only list of events with an end; writing never waits for a reader."""

    def __init__(self, *events: StreamEvent, closed: bool = False) -> None:
        self._events = list(events)
        self._closed = closed
        self._changed = asyncio.Event()

    @classmethod
    def of(cls, *events: StreamEvent) -> "Feed":
        """Return a feed that is complete already."""
        return cls(*events, closed=True)

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """What was published so far."""
        return tuple(self._events)

    def publish(self, event: StreamEvent) -> None:
        """Append one event; after ``close`` it is dropped."""
        if not self._closed:
            self._events.append(event)
            self._wake()

    def close(self) -> None:
        """End the feed; safe to repeat."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until_closed(self) -> None:
        """Return when the feed has its end."""
        while not self._closed:
            await self._changed.wait()

    async def read(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield every event from the first on, waiting for those to come, until the feed is closed.

        Whoever leaves early closes the generator: ``async with aclosing(feed.read()) as events``.
        """
        position = 0
        while True:
            while position < len(self._events):
                yield self._events[position]
                position += 1
            if self._closed:
                return
            await self._changed.wait()
