"""One turn, from its envelope to the final message.

The states and what is durable before what::

    accepted -> opening   before the sign of life (which may be a post)
             -> opened    with the placeholder's id, if there is one
             -> asking    with the conversation id, before the question is sent
             -> asked     with the chat id: from here on the answer is fetched, never asked for again
             -> answered  with the final text
             -> delivering -> ended

A turn that a crash or a stop cut is run again from where it is written down: what was posted is taken over, what was
asked is followed, what may have been asked or posted is looked for before it is repeated.

Two things run side by side while the agent speaks: ``Asking`` folds its events into the draft and never waits for the
platform; ``Delivery`` shows the draft and never keeps the agent waiting.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from bridge.asking import Asking, AskingOptions
from bridge.delivery import Delivery, Pace
from bridge.draft import Draft
from bridge.errors import AgentCancelled, AgentError, PlatformError, StoreError
from bridge.lanes import HeldLease
from bridge.ledger import UNENDED, Ledger
from bridge.live import LiveTurn, Stopped
from bridge.model import AnswerCompleted, Envelope, Outcome, PostedPart, TurnRecord, TurnState
from bridge.observing import UNOBSERVED, Observer, ReplyWatch
from bridge.pacing import Pacer
from bridge.ports import Clock, Platform, Reply, Store
from bridge.routes import Routes
from bridge.texts import Say, failure, language, say

log = structlog.get_logger(__name__)

APOLOGY_TIMEOUT_S = 15.0
REFERENCE_CHARS = 8
KNOWN_ANSWER = frozenset({TurnState.ANSWERED, TurnState.DELIVERING})


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """What the operator decides about every turn."""

    asking: AskingOptions = field(default_factory=AskingOptions)
    pace: Pace = field(default_factory=Pace)
    default_language: str = "en"
    turn_timeout_s: float = 900.0
    take_up_within_s: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the agent's part ended, and the sentence below the answer."""

    outcome: Outcome
    footer: str = ""
    reason: str = ""


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
        live: dict[str, LiveTurn] | None = None,
        observer: Observer = UNOBSERVED,
    ) -> None:
        """``live`` may be shared with whoever has to find a running turn by its id."""
        self.store = store
        self.clock = clock
        self.pacer = pacer
        self.options = options
        self.observer = observer
        self._routes = routes
        self._platforms = platforms
        self.live = {} if live is None else live

    async def run(self, record: TurnRecord, lease: HeldLease) -> None:
        """Take a turn to its end, from whatever state a crash left it in. Failures end as sentences."""
        binding = self._routes.binding(record.agent) or self._routes.choose(record.envelope.place)
        live = self.live[record.turn_id] = LiveTurn(record, binding)
        platform = self._platforms[record.envelope.place.instance]
        try:
            with structlog.contextvars.bound_contextvars(
                turn=record.turn_id, conversation=record.key, platform=platform.name, agent=binding.name
            ):
                if self.clock.wall() - record.created_at_s > self.options.take_up_within_s:
                    await self._give_up(record, lease)
                    return
                envelope = await platform.resolve(record.envelope)
                await _Run(self, platform, envelope, Ledger(self.store, record, lease), live).run()
        finally:
            del self.live[record.turn_id]

    async def close(self, record: TurnRecord, lease: HeldLease, outcome: Outcome) -> None:
        """End a turn that never ran: stopped or withdrawn while it waited."""
        envelope = record.envelope
        reply = self._platforms[envelope.place.instance].reply(envelope, record.turn_id, self.speaks(envelope))
        with suppress(PlatformError):
            await reply.settle()
        await self.store.advance(record.turn_id, UNENDED, {"state": TurnState.ENDED, "outcome": outcome}, lease.now)
        self.observer.turn_ended(envelope.place.instance, outcome)

    async def _give_up(self, record: TurnRecord, lease: HeldLease) -> None:
        """Close a turn that was cut so long ago that its answer would surprise."""
        log.warning("turn too old to be taken up", state=record.state)
        await self._tell_end(record, lease, say(Say.TOO_LATE, self.speaks(record.envelope)), "too late")

    async def apologise(self, record: TurnRecord, lease: HeldLease, error: Exception) -> None:
        """Tell the author that her turn broke for a reason nobody foresaw, and close it."""
        sentence = Say.STORE_FAILED if _concerns_store(error) else Say.INTERNAL
        reference = record.turn_id[:REFERENCE_CHARS]
        await self._tell_end(
            record, lease, failure(sentence, self.speaks(record.envelope), reference), type(error).__name__
        )

    async def _tell_end(self, record: TurnRecord, lease: HeldLease, sentence: str, reason: str) -> None:
        envelope = record.envelope
        reply = self._platforms[envelope.place.instance].reply(envelope, record.turn_id, self.speaks(envelope))
        with suppress(PlatformError, TimeoutError):
            async with asyncio.timeout(APOLOGY_TIMEOUT_S):
                await reply.notice(sentence)
                await reply.settle()
        changes = {"state": TurnState.ENDED, "outcome": Outcome.FAILED, "reason": reason}
        await self.store.advance(record.turn_id, UNENDED, changes, lease.now)
        self.observer.turn_ended(envelope.place.instance, Outcome.FAILED)

    def speaks(self, envelope: Envelope) -> str:
        """The language in which its author reads our sentences."""
        return language(envelope.author.locale, self.options.default_language)


class _Run:
    """One turn in its making."""

    def __init__(self, turns: Turns, platform: Platform, envelope: Envelope, ledger: Ledger, live: LiveTurn) -> None:
        self._clock = turns.clock
        self._options = turns.options
        self._envelope = envelope
        self._locale = turns.speaks(envelope)
        self._ledger = ledger
        self._live = live
        self._turn_id = ledger.record.turn_id
        self._reply: Reply = platform.reply(envelope, self._turn_id, self._locale)
        self._draft = Draft()
        self._observer, self._adapter = turns.observer, platform.name
        self._watch = ReplyWatch(turns.observer, turns.clock, platform.name, ledger.record.created_at_s)
        self._delivery = Delivery(
            self._turn_id,
            self._reply,
            self._draft,
            rules=platform.part_rules,
            capabilities=platform.capabilities,
            pacer=turns.pacer,
            pace=turns.options.pace,
            clock=turns.clock,
            posted=ledger.posted,
            doubt=say(Say.MAYBE_DUPLICATE, self._locale),
            watch=self._watch,
        )
        live.queued = self._delivery.queued
        self._asking = Asking(
            envelope,
            self._locale,
            draft=self._draft,
            changed=self._delivery.changed,
            live=live,
            ledger=ledger,
            platform=platform,
            store=turns.store,
            clock=turns.clock,
            options=turns.options.asking,
        )

    async def run(self) -> None:
        started_at = self._clock.now()
        try:
            ending = await self._answer()
        except* PlatformError as group:
            reason = _leaf(group).reason
            log.warning("the answer cannot be shown", reason=reason)
            await self._live.cancel_run()
            ending = _Ending(Outcome.FAILED, reason=reason)
        try:
            await self._reply.settle()
        except PlatformError as error:
            log.info("sign of life not taken away", reason=error.reason)
        await self._ledger.advance_if_possible(TurnState.ENDED, outcome=ending.outcome, reason=ending.reason)
        self._observer.turn_ended(self._adapter, ending.outcome)
        took_s = round(self._clock.now() - started_at, 3)
        log.info("turn ended", outcome=ending.outcome, reason=ending.reason, took_s=took_s)

    async def _answer(self) -> _Ending:
        await self._begin()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._delivery.run())
            ending = await self._restored() if self._ledger.state in KNOWN_ANSWER else await self._converse()
            agent_ended_at = self._clock.now()
            if self._ledger.state is TurnState.ASKED:
                await self._ledger.advance_if_possible(TurnState.ANSWERED, answer=self._draft.text)
            if self._ledger.state is TurnState.ANSWERED:
                await self._ledger.advance_if_possible(TurnState.DELIVERING)
            self._delivery.finish(ending.footer)
        if ending.outcome is Outcome.DELIVERED:
            self._watch.all_shown(agent_ended_at)
        return ending

    async def _begin(self) -> None:
        """Show a sign of life; a turn that was cut takes over what stands on the platform already."""
        state = self._ledger.state
        if state in (TurnState.ACCEPTED, TurnState.OPENING):
            await self._ledger.advance(TurnState.OPENING, agent=self._live.binding.name)
            placeholder = await self._find_placeholder() if state is TurnState.OPENING else None
            await self._open(placeholder)
        elif state is TurnState.OPENED and self._ledger.record.parts:
            self._delivery.adopt(self._ledger.record.parts[0].message_id)
        elif state is not TurnState.OPENED:
            self._delivery.take_over([part.message_id for part in self._ledger.record.parts])

    async def _open(self, placeholder: str | None) -> None:
        try:
            placeholder = placeholder or await self._reply.open()
        except PlatformError as error:
            log.info("no sign of life", reason=error.reason)
        if placeholder:
            self._delivery.adopt(placeholder)
            await self._ledger.posted(PostedPart(0, placeholder))
        await self._ledger.advance(TurnState.OPENED)

    async def _find_placeholder(self) -> str | None:
        try:
            return await self._reply.find_posted(0)
        except PlatformError as error:
            log.info("cannot look for a placeholder", reason=error.reason)
            return None

    async def _restored(self) -> _Ending:
        """The answer was known before the turn was cut: only its delivery is left."""
        self._draft.apply(AnswerCompleted(self._turn_id, self._ledger.record.answer))
        self._delivery.changed()
        return await self._answered()

    async def _converse(self) -> _Ending:
        """Ask and listen; every failure of the agent becomes an ending."""
        if not self._envelope.text.strip():
            sentence = Say.ATTACHMENT_ONLY if self._envelope.attachments else Say.HELP
            return _Ending(Outcome.REFUSED, say(sentence, self._locale))
        stopped = _Ending(Outcome.STOPPED, say(Say.STOPPED, self._locale))
        try:
            async with asyncio.timeout(self._options.turn_timeout_s) as scope:
                self._live.listening(scope)
                await self._asking.run()
        except (Stopped, AgentCancelled):
            return stopped
        except TimeoutError:
            if self._live.stopping:
                return stopped
            await self._live.cancel_run()
            return self._failed(Say.AGENT_SILENT, f"no end within {self._options.turn_timeout_s:g} s")
        except AgentError as error:
            facts = {"code": error.code, "logid": error.log_id, "reason": error.reason, "hint": error.hint}
            log.warning("agent failed", kind=type(error).__name__, **facts)
            return self._failed(error.said or Say.AGENT_FAILED, f"{type(error).__name__} {error.code}")
        return await self._answered()

    async def _answered(self) -> _Ending:
        if self._draft.required:
            await self._live.cancel_run()
            await self._asking.leave_stuck()
            return self._failed(Say.AGENT_NEEDS_ACTION, "requires_action")
        if self._draft.is_empty:
            return _Ending(Outcome.DELIVERED, say(Say.EMPTY_ANSWER, self._locale), reason="empty")
        await self._asking.remember()
        notes = []
        if self._asking.began_afresh:
            notes.append(say(Say.NEW_CONVERSATION_FORCED, self._locale))
        if self._envelope.attachments:
            notes.append(say(Say.ATTACHMENTS_IGNORED, self._locale))
        return _Ending(Outcome.DELIVERED, "\n".join(notes))

    def _failed(self, sentence: Say, reason: str) -> _Ending:
        footer = failure(sentence, self._locale, self._turn_id[:REFERENCE_CHARS])
        if not self._draft.is_empty:
            footer = f"{say(Say.INTERRUPTED, self._locale)}\n{footer}"
        return _Ending(Outcome.FAILED, footer, reason)


def _concerns_store(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_concerns_store(inner) for inner in error.exceptions)
    return isinstance(error, StoreError)


def _leaf(group: BaseExceptionGroup[PlatformError]) -> PlatformError:
    """Return one error of a group: they arrive wrapped, once per nesting."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, PlatformError)
    return error
