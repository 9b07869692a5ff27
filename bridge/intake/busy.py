"""What becomes of a question that comes while another one of the same person runs or waits in its lane.

``interrupt`` is decided when the question is accepted, and is part of its first record: which turns it cuts, and so
which questions the agent has to be told again. ``merge`` is decided when a question's turn comes: what the same person
has waiting by then is answered with it. First the turn that carries the others is written down with all their
questions, then each of them is marked; after a crash in between they are marked again, because the carrier is taken up
first. Questions that interrupt and have to wait themselves are merged too.
"""

from collections.abc import Mapping

import structlog

from bridge.errors import PlatformError, StoreUnavailable
from bridge.keys import turn_id
from bridge.model import ConversationKey, Envelope, OnBusy, Outcome, TurnId, TurnRecord, TurnState
from bridge.ports import Platform, Store
from bridge.routes import Routes
from bridge.turns.lanes import HeldLease, Lanes
from bridge.turns.live import LiveTurn

log = structlog.get_logger(__name__)


class Busy:
    """Applies ``OnBusy`` as the routes say."""

    def __init__(
        self,
        lanes: Lanes,
        live: Mapping[str, LiveTurn],
        store: Store,
        routes: Routes,
        platforms: Mapping[str, Platform],
    ) -> None:
        self._lanes = lanes
        self._live = live
        self._store = store
        self._routes = routes
        self._platforms = platforms

    def interrupted_by(self, envelope: Envelope, key: ConversationKey) -> tuple[TurnId, ...]:
        """Return the turns that a new question cuts: her own running one, and what that one had cut."""
        if self._routes.on_busy(envelope.place) is not OnBusy.INTERRUPT or self._lanes.is_resting:
            return ()
        running = self._lanes.running(key)
        live = self._live.get(running.turn_id) if running else None
        if live is None or live.is_over or live.record.envelope.author.id != envelope.author.id:
            return ()
        return (*live.record.interrupts, live.record.turn_id)

    async def make_way(self, turn: TurnRecord) -> None:
        """Cut what a question interrupts; durable when this returns."""
        for turn_id_ in turn.interrupts:
            if (live := self._live.get(turn_id_)) is not None and await live.stop(Outcome.INTERRUPTED):
                log.info("interrupted", turn=turn_id_, by=turn.turn_id)

    async def gather(self, turn: TurnRecord, lease: HeldLease) -> TurnRecord:
        """Return the turn whose time has come, with what it is to answer besides; that is durable."""
        await self._mark(turn)  # by now only what a crash left unmarked
        can_grow = turn.state is TurnState.ACCEPTED and turn.stopping is None
        if can_grow and self._routes.on_busy(turn.envelope.place) is not OnBusy.QUEUE:
            turn = await self._with(turn, self._lanes.followers(turn), lease)
            await self._mark(turn)
        return turn

    async def _mark(self, carrier: TurnRecord) -> None:
        """Let what a turn carries end as merged instead of running."""
        for envelope in carrier.also:
            which = turn_id(envelope.delivery_key)
            if (waiting := self._lanes.find(which)) and await self._lanes.withdraw(which, Outcome.MERGED):
                self._lanes.errand(self._unmark(waiting), "waiting sign")

    async def _with(self, turn: TurnRecord, followers: list[TurnRecord], lease: HeldLease) -> TurnRecord:
        if not followers:
            return turn
        also, interrupts = list(turn.also), list(turn.interrupts)
        for follower in followers:
            also += [follower.envelope, *follower.also]
            interrupts += [cut for cut in follower.interrupts if cut not in interrupts]
        changes = {"also": tuple(also), "interrupts": tuple(interrupts)}
        try:
            turn = await self._store.advance(turn.turn_id, frozenset({TurnState.ACCEPTED}), changes, lease.now)
        except StoreUnavailable as error:
            log.error("questions not merged", turn=turn.turn_id, reason=error.reason)
            return turn
        log.info("questions merged", turn=turn.turn_id, merged=[follower.turn_id for follower in followers])
        return turn

    async def _unmark(self, turn: TurnRecord) -> None:
        """Take the waiting mark from a question whose answer begins."""
        platform = self._platforms[turn.envelope.place.instance]
        try:
            await platform.reply(turn.envelope, turn.turn_id, "").settle()
        except PlatformError as error:
            log.info("waiting sign not taken away", reason=error.reason)
