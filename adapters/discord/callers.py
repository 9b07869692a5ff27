"""Where those who gave a command can be answered alone, for fifteen minutes.

What answers a command later edits what was answered first, so it waits for that. A restart must not leave "is thinking"
behind, so the way back is written down too: before the answer that may say so, for no longer than it leads anywhere. It
holds a token, and goes into no log.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from adapters.discord.limits import INTERACTION_S
from bridge.errors import StoreError
from bridge.ports import Store

log = structlog.get_logger(__name__)

REMEMBERED_MAX = 1_000


@dataclass(slots=True)
class Caller:
    """Somebody who gave a command.

    Attributes:
        key: The command's delivery key.
        path: Of the interaction's webhook; holds its token.
        answered: The interaction was answered, so that the answer can be changed.
    """

    key: str
    path: str = field(repr=False)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Callers:
    """The newest callers, by delivery key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_key: OrderedDict[str, Caller] = OrderedDict()

    async def remember(self, delivery_key: str, application_id: str, token: str) -> Caller:
        """Keep a caller, also over a restart: before the answer that may promise something. The oldest makes room."""
        caller = self._by_key[delivery_key] = Caller(delivery_key, f"/webhooks/{application_id}/{token}")
        self._by_key.move_to_end(delivery_key)
        if len(self._by_key) > REMEMBERED_MAX:
            self._by_key.popitem(last=False)
        await self._note(delivery_key, caller.path)
        return caller

    async def find(self, delivery_key: str) -> Caller | None:
        """Return who gave a command, if that is still known."""
        if (caller := self._by_key.get(delivery_key)) is not None:
            return caller
        try:
            path = await self._store.note(_name(delivery_key))
        except StoreError as error:
            log.info("who gave a command is not readable", reason=error.reason)
            return None
        if path is None:
            return None
        caller = self._by_key[delivery_key] = Caller(delivery_key, path)
        caller.answered.set()
        return caller

    async def forget(self, caller: Caller) -> None:
        """Nothing more is to be told there."""
        self._by_key.pop(caller.key, None)
        await self._note(caller.key, None)

    async def _note(self, delivery_key: str, path: str | None) -> None:
        try:
            await self._store.remember(_name(delivery_key), path, ttl_s=INTERACTION_S)
        except StoreError as error:
            log.info("who gave a command is not written down", reason=error.reason)


def _name(delivery_key: str) -> str:
    return f"{delivery_key}:caller"
