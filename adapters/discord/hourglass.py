"""The mark on a question that waits, in Discord: a reaction."""

import structlog

from adapters.discord.ids import MessageRef, hourglass_note
from adapters.discord.refusals import DiscordRefused
from adapters.discord.web import Web
from bridge.errors import MessageGone

log = structlog.get_logger(__name__)

REACTION = "%E2%8F%B3"
"""⏳, as it stands in a path."""

FORBIDDEN_MAX = 500
PATIENCE_S = 5.0
"""Reactions are limited to about one in a quarter of a second."""


class WaitingMarks:
    """Implements ``bridge.delivery.hourglass.Marks`` for one bot."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._forbidden: set[str] = set()

    def note_of(self, ref: MessageRef) -> str:
        return hourglass_note(ref)

    def are_possible(self, ref: MessageRef) -> bool:
        return ref.channel not in self._forbidden

    async def put(self, ref: MessageRef) -> bool:
        try:
            await self._web.call("PUT", _path(ref), patience_s=PATIENCE_S)
        except DiscordRefused as error:
            if len(self._forbidden) < FORBIDDEN_MAX:
                self._forbidden.add(ref.channel)
            log.warning("waiting questions get a message instead of a mark", channel=ref.channel, reason=error.reason)
            return False
        return True

    async def take(self, ref: MessageRef) -> None:
        try:
            await self._web.call("DELETE", _path(ref), patience_s=PATIENCE_S)
        except (DiscordRefused, MessageGone):
            pass  # no such reaction, message or channel any more


def _path(ref: MessageRef) -> str:
    return f"/channels/{ref.channel}/messages/{ref.message}/reactions/{REACTION}/@me"
