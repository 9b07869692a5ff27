"""The mark on a question that waits: a reaction, taken away when its turn comes.

Waiting and answering are told by different replies, at nearly the same time. So the marks of one instance have one
keeper: it puts one at most once per question, never after that question's turn has come, and remembers (also over a
restart) what is still to be taken away.
"""

import asyncio
from collections import OrderedDict

import structlog

from adapters.discord.ids import MessageRef, hourglass_note
from adapters.discord.refusals import DiscordRefused
from adapters.discord.web import Web
from bridge.errors import MessageGone, PlatformError, StoreError
from bridge.ports import Store

log = structlog.get_logger(__name__)

REACTION = "%E2%8F%B3"
"""⏳, as it stands in a path."""

REMEMBERED_MAX = 500
"""Of those lifted: the waiting and the answering reply to one question are seconds apart."""
KEPT_S = 30 * 86_400.0
"""Longer than any question waits, a bridge that was away in between included."""
PATIENCE_S = 5.0
"""Reactions are limited to about one in a quarter of a second."""


class Hourglass:
    """Keeps the waiting marks of one adapter instance."""

    def __init__(self, web: Web, store: Store) -> None:
        self._web = web
        self._store = store
        self._marked: dict[MessageRef, asyncio.Lock] = {}
        self._overdue: OrderedDict[MessageRef, None] = OrderedDict()
        self._lifted: OrderedDict[MessageRef, None] = OrderedDict()
        self._forbidden: set[str] = set()

    async def put(self, ref: MessageRef) -> bool:
        """Mark a waiting question; false when this channel does not let us. Safe to repeat.

        Raises:
            PlatformError: It could not be put now.
        """
        if ref.channel in self._forbidden:
            return False
        if ref in self._marked or ref in self._lifted:
            return True
        lock = self._marked[ref] = asyncio.Lock()
        async with lock:
            await self._remember(ref, "1")
            return await self._react(ref)

    async def lift(self, ref: MessageRef, *, thorough: bool = False) -> None:
        """Take the mark away, if there is one; what fails now is done at a later call. Safe to repeat.

        Args:
            thorough: The mark may date from before a restart: look in the store.
        """
        self._lifted[ref] = None
        if len(self._lifted) > REMEMBERED_MAX:
            self._lifted.popitem(last=False)
        if lock := self._marked.get(ref):
            async with lock:
                await self._unreact(ref)
        elif thorough and await self._is_noted(ref):
            await self._unreact(ref)
        if thorough and (overdue := next((other for other in self._overdue if other != ref), None)):
            await self._unreact(overdue)

    async def _react(self, ref: MessageRef) -> bool:
        try:
            await self._web.call("PUT", _path(ref), patience_s=PATIENCE_S)
        except DiscordRefused as error:
            await self._forget(ref)
            if len(self._forbidden) < REMEMBERED_MAX:
                self._forbidden.add(ref.channel)
            log.warning("waiting questions get a message instead of a mark", channel=ref.channel, reason=error.reason)
            return False
        return True

    async def _unreact(self, ref: MessageRef) -> None:
        self._overdue.pop(ref, None)
        try:
            await self._web.call("DELETE", _path(ref), patience_s=PATIENCE_S)
        except (DiscordRefused, MessageGone):
            pass  # no such reaction, message or channel any more
        except PlatformError as error:
            log.info("waiting mark stays for now", reason=error.reason)
            self._overdue[ref] = None
            if len(self._overdue) > REMEMBERED_MAX:
                self._overdue.popitem(last=False)
            return
        await self._forget(ref)

    async def _forget(self, ref: MessageRef) -> None:
        self._marked.pop(ref, None)
        await self._remember(ref, None)

    async def _remember(self, ref: MessageRef, value: str | None) -> None:
        try:
            await self._store.remember(hourglass_note(ref), value, ttl_s=KEPT_S)
        except StoreError as error:
            log.info("waiting mark not written down", reason=error.reason)

    async def _is_noted(self, ref: MessageRef) -> bool:
        try:
            return await self._store.note(hourglass_note(ref)) is not None
        except StoreError:
            return False


def _path(ref: MessageRef) -> str:
    return f"/channels/{ref.channel}/messages/{ref.message}/reactions/{REACTION}/@me"
