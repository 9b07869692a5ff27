"""One hint per thread that we read only what mentions us, where the message content intent is off."""

from collections.abc import Callable

import structlog

from adapters.discord.ids import hint_note
from bridge.errors import PlatformError, StoreError
from bridge.extension import Services
from bridge.keys import turn_id
from bridge.model import Envelope, TurnId
from bridge.ports import Reply
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

REMEMBERED_MAX = 10_000
KEPT_S = 180 * 86_400.0


class Hints:
    """Gives the hint, and remembers where (also over a restart)."""

    def __init__(self, services: Services, reply: Callable[[Envelope, TurnId, str], Reply]) -> None:
        self._services = services
        self._reply = reply
        self._given: set[str] = set()

    async def give(self, envelope: Envelope) -> None:
        """Tell the author of a message we could not read how to be heard; once per thread."""
        place = envelope.place
        note = hint_note(place.instance, place.channel, place.thread or place.channel)
        if note in self._given:
            return
        if len(self._given) >= REMEMBERED_MAX:
            self._given.clear()
        self._given.add(note)
        try:
            if await self._services.store.note(note) is not None:
                return
            await self._services.store.remember(note, "given", ttl_s=KEPT_S)
            locale = envelope.author.locale or self._services.default_locale
            sentence = self._services.speech(Say.MENTION_NEEDED, locale)
            await self._reply(envelope, turn_id(envelope.delivery_key), locale).notice(sentence)
        except (PlatformError, StoreError) as error:
            log.info("hint not given", reason=error.reason)
