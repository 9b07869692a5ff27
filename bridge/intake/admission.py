"""Writes questions down and gives them their places, however they came to be asked."""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from bridge.errors import PlatformError
from bridge.intake.busy import Busy
from bridge.model import Envelope, TurnRecord
from bridge.ports import Platform, Store
from bridge.texts import language
from bridge.turns.lanes import Lanes, Ticket

log = structlog.get_logger(__name__)


class Admission:
    """What every question passes after the gate."""

    def __init__(
        self, lanes: Lanes, busy: Busy, store: Store, platforms: Mapping[str, Platform], default_language: str
    ) -> None:
        self._lanes = lanes
        self._busy = busy
        self._store = store
        self._platforms = platforms
        self._default_language = default_language

    async def queue(self, turn: TurnRecord) -> bool:
        """Admit a turn to its lane, where nothing has been reserved for it yet; false if it is a repeat.

        Raises:
            LaneFull: There is no room.
            StoreError: It was not written down.
        """
        ticket = self._lanes.reserve(turn.key)
        try:
            return await self.admit(turn, ticket)
        finally:
            ticket.drop()

    async def admit(self, turn: TurnRecord, ticket: Ticket) -> bool:
        """Write a turn down, then let it take its place; false if it is a repeat: the ticket is left undecided.

        Raises:
            StoreError: It was not written down.
        """
        if cut := self._busy.interrupted_by(turn.envelope, turn.key):
            turn = replace(turn, interrupts=cut)
        if not await self._store.create_turn(turn):
            log.debug("repeat ignored", turn=turn.turn_id)
            return False
        ticket.fill(turn)
        if ticket.position or self._lanes.is_resting:
            self._lanes.errand(self._show_waiting(turn, max(1, ticket.position)), "waiting sign")
        await self._busy.make_way(turn)
        return True

    def speaks(self, envelope: Envelope) -> str:
        """The language in which its author reads our sentences."""
        return language(envelope.author.locale, self._default_language)

    async def _show_waiting(self, turn: TurnRecord, position: int) -> None:
        platform = self._platforms[turn.envelope.place.instance]
        try:
            await platform.reply(turn.envelope, turn.turn_id, self.speaks(turn.envelope)).waiting(position)
        except PlatformError as error:
            log.info("waiting sign not shown", reason=error.reason)
