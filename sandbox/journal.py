"""The journal: everything that went over the wire, in order, with the emulators' own timestamps."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import SandboxClock


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: a request, a reply, an event sent, a fault applied.

    Attributes:
        at: Unix seconds on the sandbox clock.
        service: ``coze``, ``slack`` or ``discord``.
        kind: ``request``, ``reply``, ``event``, ``ack``, ``fault``, ``violation`` ...
        name: What, in the service's own words: ``chat.update``, ``POST /v3/chat``, ``app_mention``.
        detail: The merged arguments or the body; never headers, which hold tokens.
    """

    at: float
    service: str
    kind: str
    name: str
    detail: dict[str, Any] = field(default_factory=dict)


class Journal:
    """An append-only list of entries that can be waited on."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[Entry], None]] = []

    def record(self, service: str, kind: str, name: str, **detail: Any) -> Entry:
        """Append one entry, stamped with the sandbox's time, and wake whoever waits."""
        entry = Entry(self._clock.now(), service, kind, name, detail)
        self._entries.append(entry)
        for listener in tuple(self._listeners):
            listener(entry)
        self._changed.set()
        self._changed = asyncio.Event()
        return entry

    @contextmanager
    def listening(self, listener: Callable[[Entry], None]) -> Iterator[None]:
        """Call ``listener`` with each new entry before anything else happens: a request has no effect yet by then."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def since(self, number: int) -> list[Entry]:
        """Return the entries after the first ``number``."""
        return self._entries[number:]

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def select(self, *, service: str | None = None, kind: str | None = None, name: str | None = None) -> list[Entry]:
        """Return the entries that match everything given."""
        return [
            entry
            for entry in self._entries
            if (service is None or entry.service == service)
            and (kind is None or entry.kind == kind)
            and (name is None or entry.name == name)
        ]

    async def wait_until(self, condition: Callable[[], bool], *, what: str, timeout_s: float = 10.0) -> None:
        """Return as soon as ``condition`` holds; it is looked at after every new entry.

        Raises:
            TimeoutError: It did not hold within ``timeout_s`` real seconds; names ``what`` and the last entries.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            tail = "\n".join(f"  {e.at:.3f} {e.service} {e.kind} {e.name} {e.detail}" for e in self._entries[-15:])
            raise TimeoutError(f"waited {timeout_s:g} s for {what}; the journal ends with\n{tail}") from None
