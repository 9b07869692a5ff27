"""The mark on a question that waits, taken away when its turn comes; for platforms that put one on a message.

Waiting and answering are told by different replies, at nearly the same time, and marks may be taken away seldom only.
So the marks of one adapter instance have one keeper: it puts one at most once per question, never after that question's
turn has come, and remembers (also over a restart) what is still to be taken away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

import structlog

from bridge.errors import PlatformError, StoreError
from bridge.ports import Store

log = structlog.get_logger(__name__)

REMEMBERED_MAX = 500
"""Of those lifted: the waiting and the answering reply to one question are seconds apart."""
KEPT_S = 30 * 86_400.0
"""Longer than any question waits, a bridge that was away in between included."""

Ref = TypeVar("Ref", bound=Hashable)
RefIn = TypeVar("RefIn", contravariant=True)


class Marks(Protocol[RefIn]):
    """What an adapter does to marks, by its own references to messages."""

    def note_of(self, ref: RefIn) -> str:
        """Name the remembered fact that a question carries our mark."""
        ...

    def are_possible(self, ref: RefIn) -> bool:
        """Tell whether a mark can be tried there; false once it is known to be forbidden."""
        ...

    async def put(self, ref: RefIn) -> bool:
        """Put the mark; true when it stands, false when it is refused. Other ``PlatformError``: not now."""
        ...

    async def take(self, ref: RefIn) -> None:
        """Take the mark away; returns also where nothing is left to take. ``PlatformError``: not now."""
        ...


class Hourglass(Generic[Ref]):
    """Keeps the waiting marks of one adapter instance."""

    def __init__(self, marks: Marks[Ref], store: Store) -> None:
        self._marks = marks
        self._store = store
        self._marked: dict[Ref, asyncio.Lock] = {}
        self._overdue: OrderedDict[Ref, None] = OrderedDict()
        self._lifted: OrderedDict[Ref, None] = OrderedDict()

    async def put(self, ref: Ref) -> bool:
        """Mark a waiting question; false when the platform does not let us. Safe to repeat.

        Raises:
            PlatformError: It could not be put now.
        """
        if not self._marks.are_possible(ref):
            return False
        if ref in self._marked or ref in self._lifted:
            return True
        lock = self._marked[ref] = asyncio.Lock()
        async with lock:
            await self._remember(ref, "1")
            if await self._marks.put(ref):
                return True
            await self._forget(ref)
            return False

    async def lift(self, ref: Ref, *, thorough: bool = False) -> None:
        """Take the mark away, if there is one; what fails now is done at a later call. Safe to repeat.

        Args:
            thorough: The mark may date from before a restart: look in the store.
        """
        _keep(self._lifted, ref)
        if lock := self._marked.get(ref):
            async with lock:
                await self._take(ref)
        elif thorough and await self._is_noted(ref):
            await self._take(ref)
        if thorough and (overdue := next((other for other in self._overdue if other != ref), None)):
            await self._take(overdue)

    async def _take(self, ref: Ref) -> None:
        self._overdue.pop(ref, None)
        try:
            await self._marks.take(ref)
        except PlatformError as error:
            log.info("waiting mark stays for now", reason=error.reason)
            _keep(self._overdue, ref)
            return
        await self._forget(ref)

    async def _forget(self, ref: Ref) -> None:
        self._marked.pop(ref, None)
        await self._remember(ref, None)

    async def _remember(self, ref: Ref, value: str | None) -> None:
        try:
            await self._store.remember(self._marks.note_of(ref), value, ttl_s=KEPT_S)
        except StoreError as error:
            log.info("waiting mark not written down", reason=error.reason)

    async def _is_noted(self, ref: Ref) -> bool:
        try:
            return await self._store.note(self._marks.note_of(ref)) is not None
        except StoreError:
            return False


def _keep(refs: "OrderedDict[Ref, None]", ref: Ref) -> None:
    refs[ref] = None
    if len(refs) > REMEMBERED_MAX:
        refs.popitem(last=False)
