"""What stands on the platform before an answer's first words, and what is taken away at its end: signs of life."""

import structlog

from bridge.delivery.delivering import Delivery
from bridge.errors import PlatformError, PlatformRejected, PlatformUnavailable
from bridge.model import PostedPart, TurnRecord, TurnState
from bridge.ports import Clock, FilingReply, Reply
from bridge.texts import Say, say
from bridge.turns.ledger import Ledger

log = structlog.get_logger(__name__)

SETTLE_PAUSES_S = (0.5, 1.0, 2.0)


class Opening:
    """How one turn begins on the platform; ``before`` is the turn whose place it takes."""

    def __init__(
        self, reply: Reply, delivery: Delivery, ledger: Ledger, locale: str, before: TurnRecord | None
    ) -> None:
        self._reply = reply
        self._delivery = delivery
        self._ledger = ledger
        self._locale = locale
        self._before = before
        self._sign_lost = False

    async def take_over(self) -> None:
        """Continue with what an earlier process posted."""
        if self._ledger.state is TurnState.OPENING and not self._ledger.parts:
            self._sign_lost = True
            if found := await self._find():
                await self._ledger.posted(PostedPart(0, found, wordless=True, twice=True))
            else:
                self._delivery.missed(looked_for=True)
        parts = self._ledger.parts
        if parts or self._ledger.state not in (TurnState.ACCEPTED, TurnState.OPENING, TurnState.OPENED):
            self._delivery.take_over(parts)
        if self._before is not None:
            self._delivery.note(say(Say.REGENERATING, self._locale), before_words=True)

    async def _find(self) -> str | None:
        """Look for a placeholder whose id was not written down."""
        try:
            return await self._reply.find_posted(0)
        except PlatformError as error:
            log.info("cannot look for a placeholder", reason=error.reason)
            return None

    async def show_sign(self) -> None:
        """Show a sign of life."""
        if self._before is not None:
            await self._clear_away(self._before)
        if not self._ledger.parts:
            try:
                placeholder = await self._reply.open()
            except PlatformError as error:
                log.info("no sign of life", reason=error.reason)
                placeholder = None
                if isinstance(error, PlatformUnavailable) and error.outcome_unknown:
                    self._delivery.missed(looked_for=False)
            if placeholder:
                self._delivery.adopt(placeholder)
                await self._ledger.posted(PostedPart(0, placeholder, wordless=True, twice=self._sign_lost))

    async def _clear_away(self, before: TurnRecord) -> None:
        """Take away what an answer had beyond its first message, which the new one grows in: further parts, files."""
        for part in before.parts[1:]:
            try:
                await self._reply.remove(part.message_id)
            except PlatformError as error:
                log.info("a message of the old answer stays", reason=error.reason)
        for note in before.files:
            if note.handle and isinstance(self._reply, FilingReply):
                try:
                    await self._reply.detach(note.handle)
                except PlatformError as error:
                    log.info("a file of the old answer stays", reason=error.reason)


async def settle(reply: Reply, clock: Clock) -> None:
    """Take away every sign that a question is worked on, so that none is left standing; not for any price."""
    for pause_s in (*SETTLE_PAUSES_S, None):
        try:
            await reply.settle()
        except PlatformError as error:
            if pause_s is None or isinstance(error, PlatformRejected):
                log.warning("sign of life not taken away", reason=error.reason)
                return
            await clock.sleep(pause_s)
        else:
            return
