"""Where a turn's answer goes, before there is one: a command gets a line that stands for it, a run may have to move.

A workflow's section says where its result goes. What was typed in a thread leaves it for the channel, or for where its
author alone reads it; but what is wrong with a call is said where she made it. Where the answer cannot go nothing is
run, and she is told so.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from bridge.errors import PlatformError, StoreError
from bridge.keys import runs_note
from bridge.model import Envelope, Outcome, ResultPlace, Root, TurnRecord, TurnState
from bridge.observing import Observer
from bridge.ports import CommandReply, Platform, Store
from bridge.texts import Say, language, say
from bridge.turns.announcing import Announcer, as_it_stands, is_unseen
from bridge.turns.ledger import Ledger
from bridge.turns.run_order import RunOrder, Surroundings

log = structlog.get_logger(__name__)


class Placing:
    """Gives answers their places."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        runs: Surroundings,
        store: Store,
        observer: Observer,
        announcer: Announcer,
        *,
        default_language: str,
        keep_s: float,
    ) -> None:
        self._platforms = platforms
        self._runs = runs
        self._store = store
        self._observer = observer
        self._announcer = announcer
        self._default_language = default_language
        self._keep_s = keep_s

    async def place(self, ledger: Ledger) -> bool:
        """Let a turn's answer have its place; false where it cannot have one: that is told, and the turn has ended.

        Raises:
            StoreError: The intent could not be written down; nothing was posted.
        """
        record, where = ledger.record, self._goes_to(ledger.record)
        unseen = is_unseen(record)
        if not unseen and not _leaves(record, where):
            return True
        platform = self._platforms[record.envelope.place.instance]
        envelope = await platform.resolve(record.envelope)
        locale = language(envelope.author.locale, self._default_language)
        if not unseen and not await self._may_leave(ledger, platform, envelope, locale):
            return True
        if not unseen and where is ResultPlace.CHANNEL and envelope.place.thread == envelope.message_id:
            # It stands in the channel itself, and needs nothing that stands for it.
            await ledger.advance(ledger.state, root=Root(replace(envelope.place, thread=None), envelope.message_id))
            return True
        if not await self._announce(ledger, platform, envelope, locale, where):
            return False
        if not unseen:
            await self._say_where(platform, envelope, record, locale, where)
        await self._remember(ledger)
        return True

    async def give_up(self, ledger: Ledger, sentence: Say, reason: str) -> None:
        """End a turn whose answer has no place; whoever asked is told where she did."""
        record = ledger.record
        platform = self._platforms[record.envelope.place.instance]
        envelope = await platform.resolve(record.envelope)
        locale = language(envelope.author.locale, self._default_language)
        reply = platform.reply(envelope, record.turn_id, locale)
        with suppress(PlatformError):
            await reply.notice(say(sentence, locale))
        if not is_unseen(record):
            with suppress(PlatformError):
                await reply.settle()
        await ledger.advance_if_possible(TurnState.ENDED, outcome=Outcome.FAILED, reason=reason)
        self._observer.turn_ended(envelope.place.instance, Outcome.FAILED)

    def _goes_to(self, record: TurnRecord) -> ResultPlace:
        """Return where a turn's answer goes; the rest of a run goes where it asked."""
        call = self._runs.book.call(record.envelope.text) if record.answers is None else None
        flow = self._runs.book.flow(call.name) if call else None
        return flow.settings.result if flow is not None else ResultPlace.THREAD

    async def _may_leave(self, ledger: Ledger, platform: Platform, envelope: Envelope, locale: str) -> bool:
        """Tell whether a typed call is answered elsewhere: the platform can, and there is nothing wrong with it."""
        if not isinstance(platform.reply(envelope, ledger.record.turn_id, locale), CommandReply):
            return False
        order = RunOrder(envelope, locale, platform=platform, ledger=ledger, around=self._runs)
        return await order.refuses(may_move=True) is None

    async def _announce(
        self, ledger: Ledger, platform: Platform, envelope: Envelope, locale: str, where: ResultPlace
    ) -> bool:
        call = self._runs.book.call(envelope.text)
        line = self._runs.book.announcement(call, envelope.author, locale) if call else envelope.text
        try:
            await self._announcer.announce(ledger, platform, envelope, line, locale, where)
        except PlatformError as error:
            log.warning("an answer has no place", reason=error.reason, where=where)
            is_private = where is ResultPlace.ONLY_ME and not envelope.place.private
            await self.give_up(ledger, Say.RUN_NO_PRIVATE if is_private else Say.RUN_UNSEEN, error.reason)
            return False
        return True

    async def _say_where(
        self, platform: Platform, envelope: Envelope, record: TurnRecord, locale: str, where: ResultPlace
    ) -> None:
        """Say where a typed call is answered, if nobody sees it there, and take the waiting mark from it."""
        reply = platform.reply(envelope, record.turn_id, locale)
        try:
            if where is ResultPlace.ONLY_ME:
                await reply.notice(say(Say.RUN_GOES_PRIVATE, locale))
            await reply.settle()
        except PlatformError as error:
            log.info("nothing tells that the answer went elsewhere", reason=error.reason)

    async def _remember(self, ledger: Ledger) -> None:
        """Know that commands below the line need not name us."""
        place = as_it_stands(ledger.record).place
        if place.thread is not None:
            with suppress(StoreError):
                await self._store.remember(runs_note(place), "yes", ttl_s=self._keep_s)


def _leaves(record: TurnRecord, where: ResultPlace) -> bool:
    """Tell whether what was typed is to be answered elsewhere, and has not begun to be."""
    place = record.envelope.place
    if place.private or record.root is not None or record.stopping is not None:
        return False
    if record.state is not TurnState.ACCEPTED or record.envelope.command:
        return False
    return where is ResultPlace.ONLY_ME or (where is ResultPlace.CHANNEL and place.thread is not None)
