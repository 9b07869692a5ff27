"""The mark on a question that waits: a reaction, taken away when its turn comes.

Waiting and answering are told by different replies, at nearly the same time, and reactions may be removed 20 times a
minute only. So the marks of one workspace have one keeper: it puts one at most once per question, never after that
question's turn has come, and remembers (also over a restart) what is still to be taken away.
"""

import asyncio
from collections import OrderedDict
from typing import Any

import structlog

from adapters.slack.ids import MessageRef, hourglass_note
from adapters.slack.refusals import MissingScope, SlackRefused
from adapters.slack.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.ports import Store

log = structlog.get_logger(__name__)

REACTION = "hourglass_flowing_sand"
REMEMBERED_MAX = 500
"""Of those lifted: the waiting and the answering reply to one question are seconds apart."""
KEPT_S = 30 * 86_400.0
"""Longer than any question waits, a bridge that was away in between included."""


class Hourglass:
    """Keeps the waiting marks of one adapter instance."""

    def __init__(self, web: Web, store: Store) -> None:
        self._web = web
        self._store = store
        self._marked: dict[MessageRef, asyncio.Lock] = {}
        self._overdue: OrderedDict[MessageRef, None] = OrderedDict()
        self._lifted: OrderedDict[MessageRef, None] = OrderedDict()
        self._scope_missing = False

    async def put(self, ref: MessageRef) -> bool:
        """Mark a waiting question; false when this workspace does not let us. Safe to repeat.

        Raises:
            PlatformError: It could not be put now.
        """
        if self._scope_missing:
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
            await self._web.call("reactions.add", _target(ref))
        except SlackRefused as error:
            if error.code == "already_reacted":
                return True
            await self._forget(ref)
            if isinstance(error, MissingScope):
                self._scope_missing = True
                log.warning("waiting questions get a message instead of a mark", reason=error.reason)
            return False
        return True

    async def _unreact(self, ref: MessageRef) -> None:
        self._overdue.pop(ref, None)
        try:
            await self._web.call("reactions.remove", _target(ref))
        except SlackRefused:
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


def _target(ref: MessageRef) -> dict[str, Any]:
    return {"channel": ref.channel, "timestamp": ref.ts, "name": REACTION}
