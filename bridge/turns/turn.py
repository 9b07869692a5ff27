"""The turns of this process: how each begins, is taken up after a restart, and ends; see ``answering`` for the rest."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from bridge.delivery.pacing import Pacer
from bridge.errors import StoreError
from bridge.model import Envelope, Outcome, TurnRecord, TurnState
from bridge.observing import UNOBSERVED, Observer
from bridge.ports import Clock, Platform, Store
from bridge.routes import AgentBinding, Routes
from bridge.texts import Say, language, say
from bridge.turns.announcing import Announcer, as_it_stands, is_unseen
from bridge.turns.answering import KNOWN_ANSWER, Answering, TurnOptions
from bridge.turns.exchange import Ending
from bridge.turns.exchanges import Exchanges, Scene
from bridge.turns.filing import Filings
from bridge.turns.lanes import HeldLease
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.turns.opening import settle
from bridge.turns.placing import Placing
from bridge.turns.run_order import Surroundings
from bridge.turns.waits import is_waiting
from bridge.turns.wording import together

__all__ = ["TurnOptions", "Turns"]

log = structlog.get_logger(__name__)

APOLOGY_TIMEOUT_S = 60.0


class Turns:
    """Runs turns; knows those that are running."""

    def __init__(
        self,
        routes: Routes,
        store: Store,
        clock: Clock,
        pacer: Pacer,
        options: TurnOptions,
        platforms: Mapping[str, Platform],
        runs: Surroundings,
        filings: Filings,
        live: dict[str, LiveTurn] | None = None,
        observer: Observer = UNOBSERVED,
    ) -> None:
        """``live`` may be shared with whoever has to find a running turn by its id."""
        self._routes = routes
        self._runs = runs
        self._filings = filings
        self._exchanges = Exchanges(store, clock, options, runs)
        self._store = store
        self._clock = clock
        self._pacer = pacer
        self._options = options
        self._platforms = platforms
        self._observer = observer
        self.live = {} if live is None else live
        self._placing = Placing(
            platforms,
            runs,
            store,
            observer,
            Announcer(pacer, clock),
            default_language=options.default_language,
            keep_s=options.asking.keep_s,
        )

    async def run(self, record: TurnRecord, lease: HeldLease) -> None:
        """Take a turn to its end, from whatever state a crash left it in. Failures end as sentences."""
        if record.state is TurnState.WAITING:
            await self._stop_waiting(record, lease)
            return
        if record.stopping is not None and record.state is TurnState.ACCEPTED:
            await self.close(record, lease, record.stopping)
            return
        ledger = Ledger(self._store, self._clock, record, lease)
        live = self.live[record.turn_id] = LiveTurn(ledger)
        try:
            with structlog.contextvars.bound_contextvars(**self._named(record)):
                await self._take_to_its_end(ledger, live)
        finally:
            del self.live[record.turn_id]

    async def close(self, record: TurnRecord, lease: HeldLease, outcome: Outcome) -> None:
        """End a turn that never ran: stopped or withdrawn while it waited."""
        envelope = as_it_stands(record)
        reply = self._platforms[envelope.place.instance].reply(envelope, record.turn_id, self.speaks(envelope))
        await settle(reply, self._clock)
        await Ledger(self._store, self._clock, record, lease).finish(TurnState.ENDED, outcome=outcome)
        self._observer.turn_ended(envelope.place.instance, outcome)
        log.info("turn ended", outcome=outcome, **self._named(record))

    async def _stop_waiting(self, record: TurnRecord, lease: HeldLease) -> None:
        """End a turn that waits for an answer: somebody stopped it, or its time is over."""
        now = await self._store.turn(record.turn_id)
        if now is None or now.state is not TurnState.WAITING:
            return  # it was answered meanwhile
        if record.stopping is None and is_waiting(now, self._clock.wall()):
            return
        await self._runs.waits.remove(as_it_stands(now), now.turn_id)
        ledger = Ledger(self._store, self._clock, now, lease)
        await ledger.close(now.turn_id, record.stopping or Outcome.WITHDRAWN)
        log.info("nobody answers a run", **self._named(now))

    async def apologise(self, record: TurnRecord, lease: HeldLease, error: Exception) -> None:
        """Tell the author that her turn broke for a reason nobody foresaw, and close it."""
        with suppress(StoreError):
            record = await self._store.turn(record.turn_id) or record
        if record.state is TurnState.ENDED:
            return
        sentence = Say.STORE_FAILED if _concerns_store(error) else Say.INTERNAL
        reason = type(error).__name__
        ledger = Ledger(self._store, self._clock, record, lease)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(APOLOGY_TIMEOUT_S):
                    if is_unseen(record):
                        await self._placing.give_up(ledger, sentence, reason)
                        return
                    answering = await self._answering(ledger, LiveTurn(ledger))
                    await answering.conclude(answering.failed(sentence, reason))
        finally:
            if ledger.state is not TurnState.ENDED:
                # With patience: a turn that ends unwritten, and whose author asks again, is answered after a start.
                await ledger.finish(TurnState.ENDED, outcome=Outcome.FAILED, reason=reason)
                self._observer.turn_ended(record.envelope.place.instance, Outcome.FAILED)

    def speaks(self, envelope: Envelope) -> str:
        """The language in which its author reads our sentences."""
        return language(envelope.author.locale, self._options.default_language)

    async def _take_to_its_end(self, ledger: Ledger, live: LiveTurn) -> None:
        if not await self._placing.place(ledger):
            return
        record = ledger.record
        answering = await self._answering(ledger, live)
        if record.state in KNOWN_ANSWER:
            await answering.run()
        elif record.stopping is not None:
            await answering.conclude(answering.stopped(record.stopping))
        elif self._clock.wall() - record.created_at_s > self._take_up_within_s(record):
            log.warning("turn too old to be taken up", state=record.state)
            late = say(Say.TOO_LATE, self.speaks(record.envelope))
            await answering.conclude(Ending(Outcome.FAILED, late, "too late"))
        else:
            await answering.run()

    def _take_up_within_s(self, record: TurnRecord) -> float:
        """Return how old a turn may be to be gone on with; a run in the background may be as old as it may take."""
        flow = self._runs.book.flow(record.run.workflow) if record.run and record.run.execute_id else None
        return max(self._options.take_up_within_s, flow.settings.timeout_s if flow else 0.0)

    async def _answering(self, ledger: Ledger, live: LiveTurn) -> Answering:
        record = ledger.record
        platform = self._platforms[record.envelope.place.instance]
        messages = [await platform.resolve(envelope) for envelope in (as_it_stands(record), *record.also)]
        envelope = together(messages)
        locale, binding = self.speaks(envelope), self._binding(record)
        answered = await self._store.turn(record.answers) if record.answers else None
        scene = Scene(ledger, live, platform, binding, messages, envelope, locale, answered)
        exchange, offers = self._exchanges.of(scene)
        return Answering(
            envelope,
            locale,
            ledger=ledger,
            live=live,
            agent=binding.name,
            exchange=exchange,
            platform=platform,
            clock=self._clock,
            pacer=self._pacer,
            options=self._options,
            observer=self._observer,
            offers=offers,
            filings=self._filings,
            reasoning=binding.reasoning,
            before=await self._store.turn(record.replaces) if record.replaces else None,
        )

    def _binding(self, record: TurnRecord) -> AgentBinding:
        """Return the agent of a turn: as written down, of the workflow, or as its place is routed."""
        call = self._runs.book.call(record.envelope.text)
        flow = self._runs.book.flow(call.name) if call else None
        if flow is not None:
            return flow.binding
        return self._routes.binding(record.agent) or self._routes.choose(record.envelope.place)

    def _named(self, record: TurnRecord) -> dict[str, str]:
        """Return what a log line about a turn carries."""
        return {
            "turn": record.turn_id,
            "conversation": record.key,
            "platform": record.envelope.place.instance,
            "agent": self._binding(record).name,
        }


def _concerns_store(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_concerns_store(inner) for inner in error.exceptions)
    return isinstance(error, StoreError)
