"""One turn in its making: what is durable before what, and how it ends.

The states::

    accepted -> opening   before the sign of life (which may be a post, and whose id is written down by itself)
             -> asking    with the conversation id, before the question is sent; the sign may still be on its way
             -> asked     with the chat id: from here on the answer is fetched, never asked for again
             -> answered  with the final text, how it ends, and our sentence below it
             -> delivering -> ended | waiting, for somebody's answer to what a workflow's run asked

A turn that a crash or a stop cut is run again from where it is written down: what was posted is taken over, what was
asked is followed, what may have been asked or posted is looked for before it is repeated. A failure is an ending like
any other: from *answered* on it is not undone, and nothing is asked again.

*Opened*, with the sign of life, is what earlier versions wrote in between.

Three things run side by side while the agent speaks: the exchange (a question to an agent, or a workflow's run) folds
what it hears into the draft and never waits for the platform; ``Delivery`` shows the draft and never keeps the agent
waiting; and a stop, when there is one, calls the run off before it ends the listening.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import structlog

from bridge.delivery.delivering import Delivery, Pace
from bridge.delivery.draft import Draft
from bridge.delivery.pacing import Pacer
from bridge.errors import AgentCancelled, AgentError, PlatformError
from bridge.files.answer_files import AnswerFileRules
from bridge.files.attachments import FileRules
from bridge.model import (
    AnswerCompleted,
    Control,
    ControlKind,
    Envelope,
    Outcome,
    Reasoning,
    RunTicket,
    ToolTicket,
    TurnRecord,
    TurnState,
)
from bridge.observing import Observer, ReplyWatch
from bridge.ports import Clock, Platform, Reply
from bridge.texts import Say, failure, say
from bridge.turns.asking import AskingOptions
from bridge.turns.exchange import Ending, Exchange, Fault
from bridge.turns.filing import Filings
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn, Stopped
from bridge.turns.offers import Offers, answer_controls, controls_below, head_of, suggested
from bridge.turns.opening import Opening, settle

log = structlog.get_logger(__name__)

NAME_PATIENCE_S = 10.0
"""A stop that comes before the agent named its run waits this long for the name; there is nothing to cancel before."""
REFERENCE_CHARS = 8
KNOWN_ANSWER = frozenset({TurnState.ANSWERED, TurnState.DELIVERING})


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """What the operator decides about every turn.

    Attributes:
        result_chars: A workflow's result that is longer goes into a file; ``None``: none does.
    """

    asking: AskingOptions = field(default_factory=AskingOptions)
    files: FileRules = field(default_factory=FileRules)
    answer_files: AnswerFileRules = field(default_factory=AnswerFileRules)
    result_chars: int | None = None
    pace: Pace = field(default_factory=Pace)
    default_language: str = "en"
    offers: Offers = field(default_factory=Offers)
    turn_timeout_s: float = 900.0
    take_up_within_s: float = 24 * 3600.0


MakeExchange = Callable[[Draft, Delivery], Exchange]
"""Makes a turn's exchange, which fills the draft and tells the delivery."""


class Answering:
    """One turn on its way to its end. Made for one ``run`` or one ``conclude``."""

    def __init__(
        self,
        envelope: Envelope,
        locale: str,
        *,
        ledger: Ledger,
        live: LiveTurn,
        agent: str,
        exchange: MakeExchange,
        platform: Platform,
        clock: Clock,
        pacer: Pacer,
        options: TurnOptions,
        observer: Observer,
        offers: Offers,
        filings: Filings,
        reasoning: Reasoning,
        before: TurnRecord | None = None,
    ) -> None:
        """``offers`` stand below its answer when it was delivered; ``before`` is the turn whose place it takes."""
        self._clock = clock
        self._options = options
        self._envelope = envelope
        self._locale = locale
        self._ledger = ledger
        self._live = live
        self._agent = agent
        self._turn_id = ledger.record.turn_id
        self._reply: Reply = platform.reply(envelope, self._turn_id, locale)
        self._filing = filings.of(self._reply, ledger, locale)
        self._offers = offers
        self._before = before
        self._draft = Draft(
            head_of(ledger.record, envelope.author.name or envelope.author.id, locale),
            quotes_reasoning=reasoning is Reasoning.QUOTE,
        )
        self._observer, self._adapter = observer, platform.name
        self._watch = ReplyWatch(observer, clock, platform.name, ledger.record.created_at_s)
        self._delivery = Delivery(
            self._turn_id,
            self._reply,
            self._draft,
            rules=platform.part_rules,
            capabilities=platform.capabilities,
            pacer=pacer,
            pace=options.pace,
            clock=clock,
            posted=ledger.posted,
            doubt=say(Say.MAYBE_DUPLICATE, locale),
            watch=self._watch,
            controls=self._control(ControlKind.STOP, Say.STOP_LABEL),
        )
        self._opening = Opening(self._reply, self._delivery, ledger, locale, before)
        self._scope: asyncio.Timeout | None = None
        live.queued = self._delivery.queued
        self._exchange = exchange(self._draft, self._delivery)

    async def run(self) -> None:
        """Take the turn to its end, from wherever it stands."""
        await self._end_with(self._answer)

    async def conclude(self, ending: Ending) -> None:
        """End the turn without asking anything: what stands already is brought to an end with the sentence below it."""

        async def told() -> Ending:
            self._live.over()
            await self._opening.take_over()
            if ending.outcome in (Outcome.STOPPED, Outcome.INTERRUPTED):
                await self._exchange.call_off()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._delivery.run())
                await self._show_end(ending)
            return ending

        await self._end_with(told)

    # --- the main flow ---

    async def _end_with(self, work: Callable[[], Awaitable[Ending]]) -> None:
        started_at = self._clock.now()
        try:
            ending = await work()
        except* PlatformError as group:
            reason = _leaf(group).reason
            log.warning("the answer cannot be shown", reason=reason)
            self._live.over()
            await self._exchange.call_off()
            await self._delivery.remove_doubles()
            ending = Ending(Outcome.FAILED, reason=reason)
        await settle(self._reply, self._clock)
        state = TurnState.ENDED if ending.waits is None else TurnState.WAITING
        done = {"results": ()} if self._ledger.record.results else {}
        await self._ledger.finish(state, outcome=ending.outcome, reason=ending.reason, **done)
        self._observer.turn_ended(self._adapter, ending.outcome)
        took_s = round(self._clock.now() - started_at, 3)
        log.info(f"turn {state}", outcome=ending.outcome, reason=ending.reason, took_s=took_s)

    async def _answer(self) -> Ending:
        await self._opening.take_over()
        begins = self._ledger.state in (TurnState.ACCEPTED, TurnState.OPENING)
        if begins:
            await self._ledger.advance(TurnState.OPENING, agent=self._agent)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._show(with_sign=begins))
            obeying = tasks.create_task(self._obey_stop())
            ending = self._restored() if self._ledger.state in KNOWN_ANSWER else await self._converse()
            obeying.cancel()
            agent_ended_at = self._clock.now()
            await self._show_end(ending)
        if ending.outcome is Outcome.DELIVERED:
            self._watch.all_shown(agent_ended_at, self._delivery.visible_at)
            await self._bring_files()
        return ending

    async def _bring_results(self) -> None:
        """Show what is too long for messages as files; what cannot be one becomes text, and that is written down."""
        results = self._ledger.record.results
        if self._ledger.state is TurnState.ANSWERED:
            results = await self._filing.results(results)
            shown = {"results": results} if self._ledger.record.results else {}
            await self._ledger.advance_if_possible(TurnState.DELIVERING, **shown)
        for result in results:
            self._draft.apply(AnswerCompleted(result.name, result.shown))
            self._delivery.changed()

    async def _bring_files(self) -> None:
        """Show the files that the answer links to below it; where that fails, they are links and nothing more."""
        if sentence := await self._filing.links(self._draft.text):
            try:
                await self._reply.notice(sentence)
            except PlatformError as error:
                log.info("not told which files stay links", reason=error.reason)

    async def _show_end(self, ending: Ending) -> None:
        """Write down how the turn ends, then let it be shown."""
        self._live.over()
        if self._draft.is_empty and self._before is not None:  # better the old answer than none
            self._draft.apply(AnswerCompleted(self._before.turn_id, self._before.answer))
            self._delivery.changed()
        if self._ledger.state not in KNOWN_ANSWER:
            await self._ledger.advance_if_possible(
                TurnState.ANSWERED,
                reasoning=self._draft.reasoning,
                answer=self._draft.text,
                answer_ids=self._draft.answer_ids,
                follow_ups=suggested(self._draft.follow_ups, self._offers.follow_ups),
                results=tuple(self._draft.results),
                footer=ending.footer,
                outcome=ending.outcome,
                reason=ending.reason,
                **_ticket(ending.waits),
            )
        await self._bring_results()
        self._delivery.finish(ending.footer, self._below(ending))

    def _below(self, ending: Ending) -> tuple[Control, ...]:
        if ending.can_be_retried:
            return self._control(ControlKind.RETRY, Say.RETRY_LABEL)
        if ending.outcome is not Outcome.DELIVERED:
            return ()
        if ending.waits is None:
            return controls_below(self._ledger.record, self._offers, self._locale)
        asked = ending.waits.asked
        return answer_controls(self._turn_id, asked, self._locale) if asked is not None else ()

    def _control(self, kind: ControlKind, label: Say) -> tuple[Control, ...]:
        return (Control(kind, self._turn_id, say(label, self._locale)),)

    # --- what stands on the platform ---

    async def _show(self, *, with_sign: bool) -> None:
        """Show the answer, after a sign of life if it begins only now: the question is on its way meanwhile."""
        if with_sign:
            await self._opening.show_sign()
        await self._delivery.run()

    def _restored(self) -> Ending:
        """How the turn ends was known before it was cut: only the showing is left."""
        record = self._ledger.record
        if record.reasoning:
            self._draft.restore_reasoning(record.reasoning)
            self._delivery.changed()
        if record.answer:
            self._draft.apply(AnswerCompleted(self._turn_id, record.answer))
            self._delivery.changed()
        waits = next((ticket for ticket in (record.run, record.tools) if ticket and ticket.asked is not None), None)
        return Ending(record.outcome or Outcome.DELIVERED, record.footer, record.reason, waits)

    # --- the agent ---

    async def _converse(self) -> Ending:
        """Ask and listen; every failure of the agent becomes an ending, and so does a stop."""
        if (refusal := await self._exchange.refuses()) is not None:
            return refusal
        try:
            await self._listen()
        except AgentCancelled:
            return self.stopped(self._live.stopping or Outcome.STOPPED)
        except (Stopped, TimeoutError, AgentError) as error:
            if self._live.stopping is None:
                return await self._broken(error)
        if self._live.stopping is not None:
            await self._exchange.call_off()
            return self.stopped(self._live.stopping)
        return await self._answered()

    async def _listen(self) -> None:
        """Let the agent answer until it has ended, somebody stops it, or it takes too long."""
        self._live.check()
        async with self._clock.timeout(self._exchange.timeout_s) as scope:
            self._scope = scope
            try:
                await self._exchange.run()
            finally:
                self._scope = None

    async def _obey_stop(self) -> None:
        """Wait for a stop, call the run off, then end the listening."""
        await self._live.stop_wanted.wait()
        await self._exchange.call_off(patience_s=NAME_PATIENCE_S)
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def _broken(self, error: Exception) -> Ending:
        if not isinstance(error, AgentError):
            await self._exchange.call_off()
            return self._fault(self._exchange.explain(None))
        facts = {"code": error.code, "logid": error.log_id, "reason": error.reason, "hint": error.hint}
        log.warning("agent failed", kind=type(error).__name__, **facts)
        return self._fault(self._exchange.explain(error))

    async def _answered(self) -> Ending:
        ending = await self._exchange.ending()
        if isinstance(ending, Fault):
            return self._fault(ending)
        if ending.reason:
            return ending
        notes = [say(Say.LATE, self._locale)] if self._envelope.late else []
        notes += [ending.footer] if ending.footer else []
        return replace(ending, footer="\n".join(notes))

    def _fault(self, fault: Fault) -> Ending:
        return self.failed(fault.said, fault.reason)

    # --- endings ---

    def failed(self, sentence: Say, reason: str) -> Ending:
        """The turn broke: say so, with a reference for the operator."""
        footer = failure(sentence, self._locale, self._turn_id[:REFERENCE_CHARS])
        if not self._draft.is_empty:
            footer = f"{say(Say.INTERRUPTED, self._locale)}\n{footer}"
        return Ending(Outcome.FAILED, footer, reason)

    def stopped(self, outcome: Outcome) -> Ending:
        """Somebody did not want the rest."""
        return Ending(outcome, say(self._exchange.stopped(outcome), self._locale))


def _ticket(waits: RunTicket | ToolTicket | None) -> dict[str, RunTicket | ToolTicket]:
    """Return what is written down of what a turn waits for; what stood there before stays where it is nothing."""
    return {"tools" if isinstance(waits, ToolTicket) else "run": waits} if waits else {}


def _leaf(group: BaseExceptionGroup[PlatformError]) -> PlatformError:
    """Return one error of a group: they arrive wrapped, once per nesting."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, PlatformError)
    return error
