"""Reply chains: which message began one, remembered over restarts.

In a channel without threads a conversation is a chain of replies. A reply tells what it replies to and, one step
further, what that replied to; all beyond has to be remembered, or asked for step by step.
"""

from collections import OrderedDict
from collections.abc import Sequence

import structlog

from adapters.discord import limits
from adapters.discord.ids import root_note
from adapters.discord.inbound import ancestors
from adapters.discord.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.ports import Store

log = structlog.get_logger(__name__)

REMEMBERED_MAX = 10_000
KEPT_S = 180 * 86_400.0
"""Who replies to something older has its chain followed by requests, or begins anew."""


class Chains:
    """The roots of the reply chains we take part in, of one adapter instance."""

    def __init__(self, instance: str, web: Web, store: Store) -> None:
        self._instance = instance
        self._web = web
        self._store = store
        self._roots: OrderedDict[tuple[str, str], str] = OrderedDict()

    def known(self, channel: str, messages: Sequence[str]) -> str:
        """Return the root one of these messages is known to belong to, without any waiting; empty when unknown."""
        return next((root for message in messages if (root := self._roots.get((channel, message)))), "")

    async def find(self, channel: str, messages: Sequence[str]) -> str:
        """Return the root one of these messages was written down with; empty when there is none."""
        for message in messages:
            if root := self._roots.get((channel, message)) or await self._noted(channel, message):
                self._keep(channel, message, root)
                return root
        return ""

    async def follow(self, channel: str, messages: Sequence[str]) -> str:
        """Return the root of a chain of which these are the nearest messages, asking Discord for those beyond."""
        chain = list(messages)
        for _ in range(limits.CHAIN_STEPS_MAX):
            if root := await self.find(channel, chain):
                return root
            further = await self._beyond(channel, chain[-1])
            if not further:
                break
            chain = list(further)
        return chain[-1]

    async def remember(self, channel: str, message: str, root: str) -> None:
        """Write down what a message belongs to."""
        self._keep(channel, message, root)
        try:
            await self._store.remember(root_note(self._instance, channel, message), root, ttl_s=KEPT_S)
        except StoreError as error:
            log.info("reply chain not written down", reason=error.reason)

    async def _noted(self, channel: str, message: str) -> str | None:
        try:
            return await self._store.note(root_note(self._instance, channel, message))
        except StoreError as error:
            log.info("reply chain not read", reason=error.reason)
            return None

    async def _beyond(self, channel: str, message: str) -> tuple[str, ...]:
        try:
            data = await self._web.call("GET", f"/channels/{channel}/messages/{message}")
        except PlatformError as error:
            log.info("reply chain not followed further", reason=error.reason)
            return ()
        return ancestors(data) if isinstance(data, dict) else ()

    def _keep(self, channel: str, message: str, root: str) -> None:
        self._roots[channel, message] = root
        self._roots.move_to_end((channel, message))
        if len(self._roots) > REMEMBERED_MAX:
            self._roots.popitem(last=False)
