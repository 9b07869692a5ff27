"""A workflow's run as a turn's exchange: started once, followed where it can be, resumed when it was asked something.

A run has no key against repeats, so what matters is written down before the request: *asking* means that it may run.
Cut there, it is not started again by itself (unless its section says that this does no harm); only an asynchronous run
has an id, and is followed by it from *asked* on.

A run that asks something leaves its turn *waiting*; ``waits`` leads the named person's next message here to it. That
message is a turn of its own in the run's lane, shows the rest of the run as its answer, and ends the waiting turn
as soon as the service has taken the answer; until then the person may answer again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import structlog

from bridge.delivery.draft import Draft
from bridge.errors import AgentError, AgentRejected, AgentSilent, AgentUnavailable, ConversationGone
from bridge.model import (
    ChatRef,
    ChatStarted,
    Conversation,
    Envelope,
    Interruption,
    Outcome,
    RunAccepted,
    RunEvent,
    RunMode,
    RunTicket,
    TurnState,
)
from bridge.ports import Platform
from bridge.texts import Say, say
from bridge.turns.announcing import as_it_stands
from bridge.turns.exchange import EMPTY, Ending, Fault
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.turns.run_order import RunOrder, Surroundings
from bridge.workflows.answers import ANSWERABLE
from bridge.workflows.results import Telling

log = structlog.get_logger(__name__)


class Running:
    """One run, or one answer to an earlier one."""

    def __init__(
        self,
        envelope: Envelope,
        locale: str,
        *,
        draft: Draft,
        changed: Callable[[], None],
        note: Callable[[str], None],
        live: LiveTurn,
        platform: Platform,
        ledger: Ledger,
        around: Surroundings,
    ) -> None:
        """``note`` shows a sentence below what is there while the run goes on."""
        self._envelope = envelope
        self._locale = locale
        self._changed = changed
        self._note = note
        self._live = live
        self._ledger = ledger
        self._around = around
        self._telling = Telling(draft, around.result_chars, self._word_file)
        self._draft = draft
        self._order = RunOrder(envelope, locale, platform=platform, ledger=ledger, around=around)
        self._not_run: Ending | None = None
        self._noted = ""
        self._heard = False
        self._named = asyncio.Event()

    # --- before it begins ---------------------------------------------------------------------------------------------

    @property
    def timeout_s(self) -> float:
        record = self._ledger.record
        if self._order.mode is None:
            return self._around.options.busy_patience_s
        limit_s = self._order.flow.settings.timeout_s
        passed_s = self._around.clock.wall() - record.created_at_s if record.state is TurnState.ASKED else 0.0
        return max(1.0, limit_s - passed_s)

    async def refuses(self) -> Ending | None:
        """Find out what is to be run; what is wrong with it is said at once, all of it."""
        return await self._order.refuses()

    # --- running ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run or resume, and listen to the end; see ``Exchange.run``."""
        record = self._ledger.record
        if record.state is TurnState.ASKED and record.chat_id:
            await self._follow_chat(ChatRef(record.conversation_id, record.chat_id))
        elif record.state is TurnState.ASKED and record.run is not None:
            await self._follow(record.run.execute_id)
        elif record.state is TurnState.ASKING and not self._order.is_repeatable:
            raise AgentUnavailable("the run was cut before it told anything", outcome_unknown=True)
        else:
            await self._begin()

    async def _begin(self) -> None:
        """Start the run; again only where its section says that this does no harm, and once."""
        self._not_run = await self._order.bring_files()
        if self._not_run is not None:
            return
        run = await self._order.request(self.timeout_s)
        may_repeat = self._order.is_repeatable
        while True:
            self._live.check()
            ticket = RunTicket(self._order.flow.name)
            await self._ledger.advance(TurnState.ASKING, run=ticket, conversation_id=run.conversation_id)
            self._tell_begun()
            try:
                if self._order.asked is None:
                    events = self._order.workflows.run(run)
                else:
                    events = self._order.workflows.resume(run, self._order.asked, self._order.said)
                async with events as heard:
                    await self._listen(heard)
            except AgentUnavailable as error:
                if not (error.outcome_unknown and may_repeat) or self._heard:
                    raise
                may_repeat = False
                log.info("run lost on the way, starting it again", reason=error.reason)
            except ConversationGone:
                if not run.conversation_id or self._heard:
                    raise
                await self._around.store.unbind(self._ledger.record.key)
                run = replace(run, conversation_id="")
            except AgentRejected as error:
                if error.said is Say.RUN_OVER:
                    await self._answer_taken(Outcome.FAILED)
                raise
            else:
                return

    async def _follow(self, execute_id: str) -> None:
        """Follow an asynchronous run that an earlier process began."""
        asked = self._order.asked
        run = await self._order.request(self.timeout_s)
        self._telling.execute_id = execute_id
        self._tell_begun()
        async with self._order.workflows.follow(run, execute_id, asked.event_id if asked else "") as heard:
            await self._listen(heard)

    async def _follow_chat(self, chat: ChatRef) -> None:
        """Fetch what a chatflow said; whether its chats can be fetched is the service's choice."""
        try:
            async with self._order.flow.binding.agent.follow(chat) as heard:
                await self._listen(heard)
        except AgentRejected as error:
            raise AgentUnavailable(error.reason, outcome_unknown=True, code=error.code) from error

    async def _listen(self, events: AsyncIterator[RunEvent]) -> None:
        async for event in events:
            if not self._heard:
                self._heard = True
                await self._answer_taken()
            if isinstance(event, RunAccepted):
                await self._accepted(event)
            if self._live.stopping is not None and not isinstance(event, ChatStarted):
                continue  # what stands there stays as it is
            if self._telling.apply(event):
                self._changed()
            if isinstance(event, ChatStarted):
                await self._chat_started(event)
            self._tell_node()

    async def _accepted(self, event: RunAccepted) -> None:
        run = self._ledger.record.run or RunTicket(self._order.flow.name)
        if run.execute_id != event.execute_id:
            await self._ledger.advance_if_possible(TurnState.ASKED, run=replace(run, execute_id=event.execute_id))

    async def _chat_started(self, event: ChatStarted) -> None:
        """Remember a chatflow's conversation, in which it goes on."""
        self._named.set()
        record, now_s = self._ledger.record, self._around.clock.wall()
        conversation_id, binding = event.chat.conversation_id, self._order.flow.binding
        if record.state is not TurnState.ASKED:
            await self._ledger.advance_if_possible(
                TurnState.ASKED, conversation_id=conversation_id, chat_id=event.chat.chat_id
            )
        bot_id = self._order.flow.settings.id
        await self._around.store.bind(Conversation(record.key, conversation_id, binding.name, bot_id, now_s, now_s))

    async def _answer_taken(self, outcome: Outcome = Outcome.DELIVERED) -> None:
        """The service goes on with what was answered, or never will: the turn that asked is over."""
        answered = self._order.answered
        if answered is None:
            return
        await self._ledger.close(answered.turn_id, outcome)
        await self._around.waits.remove(as_it_stands(answered), answered.turn_id)

    def _word_file(self, name: str, size_bytes: int) -> str:
        return say(Say.RESULT_FILE, self._locale, name=name, size=f"{max(1, round(size_bytes / 1000))}")

    def _tell_begun(self) -> None:
        if self._order.flow.settings.mode is RunMode.ASYNC:
            self._note(say(Say.RUN_BACKGROUND, self._locale, name=self._order.flow.name))

    def _tell_node(self) -> None:
        node = self._telling.node
        if node and node != self._noted and self._order.flow.settings.mode is RunMode.STREAM:
            self._noted = node
            self._note(say(Say.RUN_NODE, self._locale, node=node))

    # --- its end ------------------------------------------------------------------------------------------------------

    async def call_off(self, *, patience_s: float = 0.0) -> None:
        """Cancel a chatflow's chat; a run cannot be cancelled."""
        if self._order.mode is not RunMode.CHAT:
            return
        if self._ledger.state is TurnState.ASKING:
            await self._around.clock.wait(self._named, patience_s)
        if self._draft.chat is None:
            return
        try:
            await self._order.flow.binding.agent.cancel(self._draft.chat)
        except AgentError as error:
            log.warning("the chatflow could not be cancelled", reason=error.reason)

    async def ending(self) -> Ending | Fault:
        """Tell the result, or wait for an answer."""
        if self._not_run is not None:
            return self._not_run
        if self._telling.flush():
            self._changed()
        completed = self._telling.completed
        if completed is not None:
            log.info("run completed", workflow=self._order.flow.name, debug_url=completed.debug_url)
        asked = self._telling.interruption
        if asked is None:
            if self._draft.is_empty:
                return Ending(Outcome.DELIVERED, say(Say.RUN_EMPTY, self._locale), EMPTY)
            unused = say(Say.RUN_WITHOUT_FILES, self._locale) if self._order.leaves_files else ""
            return Ending(Outcome.DELIVERED, unused)
        if asked.kind not in ANSWERABLE:
            return Fault(Say.RUN_NEEDS_MORE, f"the run waits for {asked.kind}")
        return await self._wait(asked)

    async def _wait(self, asked: Interruption) -> Ending:
        settings = self._order.flow.settings
        until_s = self._around.clock.wall() + settings.waiting_hours * 3600.0
        run = self._ledger.record.run or RunTicket(self._order.flow.name)
        await self._around.waits.add(self._envelope, self._ledger.record.turn_id)
        place = self._envelope.place
        if place.thread is None and not place.private:
            sentence = Say.RUN_ASKS_FORM_BELOW if asked.fields else Say.RUN_ASKS_BELOW
        else:
            sentence = Say.RUN_ASKS_FORM if asked.fields else Say.RUN_ASKS_YOU
        footer = say(sentence, self._locale, name=self._envelope.author.name or self._envelope.author.id)
        return Ending(Outcome.DELIVERED, footer, waits=replace(run, asked=asked, until_s=until_s))

    def explain(self, error: AgentError | None) -> Fault:
        """Tell the two apart: it failed, or nobody knows."""
        if self._telling.flush():
            self._changed()
        if error is None:
            return Fault(Say.RUN_TOO_LONG, f"no end within {self.timeout_s:g} s")
        reason = f"{type(error).__name__} {error.code}"
        if isinstance(error, AgentSilent) and self._telling.execute_id:
            return Fault(Say.RUN_TOO_LONG, reason)
        if not isinstance(error, AgentUnavailable) or not error.outcome_unknown:
            return Fault(error.said or Say.RUN_FAILED, reason)
        if self._order.answered is not None and not self._heard:
            return Fault(Say.RUN_ANSWER_MAYBE, reason)
        return Fault(Say.RUN_MAYBE_SYNC if self._order.mode is RunMode.SYNC else Say.RUN_MAYBE, reason)

    def stopped(self, outcome: Outcome) -> Say:
        if self._order.mode in (None, RunMode.CHAT) or self._ledger.record.run is None:
            return Say.STOPPED
        return Say.RUN_STOPPED
