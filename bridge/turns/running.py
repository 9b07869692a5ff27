"""A workflow's run as a turn's exchange: started once, followed where it can be, resumed when it was asked something.

A run has no key against repeats, so what matters is written down before the request: *asking* means that it may run.
Cut there, it is not started again by itself (unless its section says that this does no harm); only an asynchronous run
has an id, and is followed by it from *asked* on.

A run that asks something leaves its turn *waiting*, with a note that leads the named person's next message here to it.
That message is a turn of its own in the run's lane, shows the rest of the run as its answer, and ends the waiting turn
as soon as the service has taken the answer; until then the person may answer again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import structlog

from bridge.delivery.draft import Draft
from bridge.errors import AgentError, AgentRejected, AgentSilent, AgentUnavailable, ConversationGone
from bridge.files.attachments import Carrier, Wanted, list_left_out, sort_out
from bridge.keys import agent_user_id, conversation_key, join_key
from bridge.model import (
    ChatRef,
    ChatStarted,
    Conversation,
    Envelope,
    FileKind,
    Interruption,
    Outcome,
    RunAccepted,
    RunEvent,
    RunMode,
    RunTicket,
    Scope,
    TurnId,
    TurnRecord,
    TurnState,
    WorkflowRun,
)
from bridge.ports import Clock, Platform, Store, Workflows
from bridge.texts import Say, say
from bridge.turns.announcing import as_it_stands
from bridge.turns.asking import AskingOptions
from bridge.turns.exchange import EMPTY, Ending, Fault
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.workflows.answers import ANSWERABLE, read_answer
from bridge.workflows.book import SAID, Flow, WorkflowBook
from bridge.workflows.files import assign, file_names, file_value
from bridge.workflows.results import Telling
from bridge.workflows.values import Problem

log = structlog.get_logger(__name__)

UNBEGUN = frozenset({TurnState.ACCEPTED, TurnState.OPENING, TurnState.OPENED})
ASKED_SOMETHING = frozenset({TurnState.ANSWERED, TurnState.DELIVERING, TurnState.WAITING})
"""In these states a turn may wait, or be about to."""

NOTE_TTL_S = 32 * 86400.0
"""Longer than any run may wait."""

MAX_WAITING_HERE = 8
"""Questions of runs that one person may have open in one place; the oldest give way."""


class Waits:
    """Which runs wait for whose answer: a note per person and place, newest last."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(self, envelope: Envelope) -> TurnRecord | None:
        """Return the turn whose run waits for what its author writes here next."""
        for turn_id in reversed(await self._listed(_note(envelope))):
            turn = await self._store.turn(turn_id)
            if turn is not None and is_waiting(turn, self._clock.wall()):
                return turn
        return None

    async def add(self, envelope: Envelope, turn_id: TurnId) -> None:
        """Let a person's next message here lead to a turn."""
        listed = [known for known in await self._listed(_note(envelope)) if known != turn_id]
        await self._write(_note(envelope), [*listed, turn_id][-MAX_WAITING_HERE:])

    async def remove(self, envelope: Envelope, turn_id: TurnId) -> None:
        """Forget a turn that waits no more."""
        listed = await self._listed(_note(envelope))
        if turn_id in listed:
            await self._write(_note(envelope), [known for known in listed if known != turn_id])

    async def _listed(self, note: str) -> list[TurnId]:
        found: list[TurnId] = json.loads(await self._store.note(note) or "[]")
        return found

    async def _write(self, note: str, listed: list[TurnId]) -> None:
        await self._store.remember(note, json.dumps(listed) if listed else None, ttl_s=NOTE_TTL_S)


def _note(envelope: Envelope) -> str:
    here = conversation_key(envelope.place, envelope.author, Scope.THREAD)
    return f"waits:{join_key(here, envelope.author.id)}"


def is_waiting(turn: TurnRecord, now_s: float) -> bool:
    """Tell whether a turn's run can still be answered."""
    run = turn.run
    return run is not None and run.asked is not None and turn.state in ASKED_SOMETHING and now_s < run.until_s


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs need of the core."""

    book: WorkflowBook
    waits: Waits
    store: Store
    clock: Clock
    options: AskingOptions
    carrier: Carrier


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
        self._platform = platform
        self._ledger = ledger
        self._around = around
        self._telling = Telling(draft)
        self._draft = draft
        self._flow: Flow | None = None
        self._said = ""
        self._values: dict[str, object] = {}
        self._files: dict[str, list[Wanted]] = {}
        self._not_run: Ending | None = None
        self._answered: TurnRecord | None = None
        self._noted = ""
        self._heard = False
        self._named = asyncio.Event()

    # --- before it begins ---------------------------------------------------------------------------------------------

    @property
    def timeout_s(self) -> float:
        record = self._ledger.record
        if self._flow is None:
            return self._around.options.busy_patience_s
        limit_s = self._flow.settings.timeout_s
        passed_s = self._around.clock.wall() - record.created_at_s if record.state is TurnState.ASKED else 0.0
        return max(1.0, limit_s - passed_s)

    async def refuses(self) -> Ending | None:
        """Find out what is to be run; what is wrong with it is said at once, all of it."""
        record = self._ledger.record
        if record.answers is not None:
            return await self._refuses_answer(record.answers)
        call = self._around.book.call(self._envelope.text)
        if call is None or not call.name:
            listed = self._around.book.listed(self._envelope.place, self._envelope.author, self._locale)
            return Ending(Outcome.REFUSED, listed)
        flow = self._flow = self._around.book.flow(call.name)
        problem = self._around.book.refusal(call, self._envelope.place, self._envelope.author)
        if flow is None or (problem and record.state in UNBEGUN):
            return self._refused([problem] if problem else [])
        arguments = flow.read(call.arguments, with_files=bool(self._envelope.attachments))
        problems = list(arguments.problems)
        wanted, left_out = sort_out([self._envelope], self._around.carrier.rules, frozenset(FileKind))
        self._files = assign(flow.settings.parameters, arguments.values, wanted)
        if missing := [name for name in flow.lacking(arguments) if name not in self._files]:
            names = ", ".join(f"`{name}`" for name in missing)
            problems.append(Problem(Say.VALUES_MISSING, {"names": names}))
        if problems and record.state in UNBEGUN:
            if left_out and file_names(flow.settings.parameters):
                problems.append(Problem(Say.RUN_FILES_LACKING, {"files": list_left_out(left_out, self._locale)}))
            problems.append(Problem(Say.RUN_USAGE, {"usage": flow.usage()}))
            return self._refused(problems)
        self._values = dict(arguments.values)
        self._said = str(self._values.pop(SAID, ""))
        return None

    async def _refuses_answer(self, turn_id: TurnId) -> Ending | None:
        """Look at what is answered, and whether it still can be."""
        asked = await self._around.store.turn(turn_id)
        if asked is None or asked.run is None or asked.run.asked is None:
            return self._refused([Problem(Say.RUN_ANSWERED)])
        self._answered = asked
        self._flow = self._around.book.flow(asked.run.workflow)
        if self._flow is None:
            return self._refused([Problem(Say.RUN_UNKNOWN, {"name": asked.run.workflow, "names": "-"})])
        if self._ledger.state not in UNBEGUN:
            return None
        if asked.state is not TurnState.WAITING:
            return self._refused([Problem(Say.RUN_ANSWERED)])
        answer = read_answer(asked.run.asked, self._envelope.text)
        if isinstance(answer, list):
            return self._refused([*answer, Problem(Say.RUN_STILL_WAITS)])
        self._said = answer
        return None

    def _refused(self, problems: list[Problem]) -> Ending:
        return Ending(Outcome.REFUSED, "\n".join(problem.sentence(self._locale) for problem in problems))

    # --- running ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run or resume, and listen to the end; see ``Exchange.run``."""
        record = self._ledger.record
        if record.state is TurnState.ASKED and record.chat_id:
            await self._follow_chat(ChatRef(record.conversation_id, record.chat_id))
        elif record.state is TurnState.ASKED and record.run is not None:
            await self._follow(record.run.execute_id)
        elif record.state is TurnState.ASKING and not self._is_repeatable:
            raise AgentUnavailable("the run was cut before it told anything", outcome_unknown=True)
        else:
            await self._begin()

    async def _begin(self) -> None:
        """Start the run; again only where its section says that this does no harm, and once."""
        if not await self._bring_files():
            return
        run = await self._wire_run()
        may_repeat = self._is_repeatable
        while True:
            self._live.check()
            ticket = RunTicket(self._named_flow.name)
            await self._ledger.advance(TurnState.ASKING, run=ticket, conversation_id=run.conversation_id)
            self._tell_begun()
            try:
                if self._asked is None:
                    events = self._workflows.run(run)
                else:
                    events = self._workflows.resume(run, self._asked, self._said)
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

    async def _bring_files(self) -> bool:
        """Upload the files that parameters take; false if one cannot be: a run without it would be another one."""
        for name, wanted in self._files.items():
            carried = await self._around.carrier.carry(wanted, self._platform, self._named_flow.binding.agent)
            if carried.left_out:
                passing = any(file.passing for file in carried.left_out)
                listed = list_left_out(carried.left_out, self._locale)
                self._not_run = Ending(
                    Outcome.FAILED if passing else Outcome.REFUSED,
                    say(Say.RUN_FILES_LACKING, self._locale, files=listed),
                    "a file could not be passed on",
                )
                return False
            values = [file_value(file) for file in carried.files]
            self._values[name] = values if self._named_flow.settings.parameters[name].many else values[0]
        return True

    async def _follow(self, execute_id: str) -> None:
        """Follow an asynchronous run that an earlier process began."""
        asked = self._asked
        run = await self._wire_run()
        self._telling.execute_id = execute_id
        self._tell_begun()
        async with self._workflows.follow(run, execute_id, asked.event_id if asked else "") as heard:
            await self._listen(heard)

    async def _follow_chat(self, chat: ChatRef) -> None:
        """Fetch what a chatflow said; whether its chats can be fetched is the service's choice."""
        try:
            async with self._named_flow.binding.agent.follow(chat) as heard:
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
        run = self._ledger.record.run or RunTicket(self._named_flow.name)
        if run.execute_id != event.execute_id:
            await self._ledger.advance_if_possible(TurnState.ASKED, run=replace(run, execute_id=event.execute_id))

    async def _chat_started(self, event: ChatStarted) -> None:
        """Remember a chatflow's conversation, in which it goes on."""
        self._named.set()
        record, now_s = self._ledger.record, self._around.clock.wall()
        conversation_id, binding = event.chat.conversation_id, self._named_flow.binding
        if record.state is not TurnState.ASKED:
            await self._ledger.advance_if_possible(
                TurnState.ASKED, conversation_id=conversation_id, chat_id=event.chat.chat_id
            )
        bot_id = self._named_flow.settings.id
        await self._around.store.bind(Conversation(record.key, conversation_id, binding.name, bot_id, now_s, now_s))

    async def _answer_taken(self, outcome: Outcome = Outcome.DELIVERED) -> None:
        """The service goes on with what was answered, or never will: the turn that asked is over."""
        answered = self._answered
        if answered is None:
            return
        await self._ledger.close(answered.turn_id, outcome)
        await self._around.waits.remove(as_it_stands(answered), answered.turn_id)

    def _tell_begun(self) -> None:
        if self._named_flow.settings.mode is RunMode.ASYNC:
            self._note(say(Say.RUN_BACKGROUND, self._locale, name=self._named_flow.name))

    def _tell_node(self) -> None:
        node = self._telling.node
        if node and node != self._noted and self._named_flow.settings.mode is RunMode.STREAM:
            self._noted = node
            self._note(say(Say.RUN_NODE, self._locale, node=node))

    # --- its end ------------------------------------------------------------------------------------------------------

    async def call_off(self, *, patience_s: float = 0.0) -> None:
        """Cancel a chatflow's chat; a run cannot be cancelled."""
        if self._flow is None or self._flow.settings.mode is not RunMode.CHAT:
            return
        if self._ledger.state is TurnState.ASKING:
            await self._around.clock.wait(self._named, patience_s)
        if self._draft.chat is None:
            return
        try:
            await self._flow.binding.agent.cancel(self._draft.chat)
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
            log.info("run completed", workflow=self._named_flow.name, debug_url=completed.debug_url)
        asked = self._telling.interruption
        if asked is None:
            if self._draft.is_empty:
                return Ending(Outcome.DELIVERED, say(Say.RUN_EMPTY, self._locale), EMPTY)
            taken = sum(len(files) for files in self._files.values())
            all_taken = taken == len(self._envelope.attachments)
            unused = "" if all_taken else say(Say.RUN_WITHOUT_FILES, self._locale)
            return Ending(Outcome.DELIVERED, unused)
        if asked.kind not in ANSWERABLE:
            return Fault(Say.RUN_NEEDS_MORE, f"the run waits for {asked.kind}")
        return await self._wait(asked)

    async def _wait(self, asked: Interruption) -> Ending:
        settings = self._named_flow.settings
        until_s = self._around.clock.wall() + settings.waiting_hours * 3600.0
        run = self._ledger.record.run or RunTicket(self._named_flow.name)
        await self._around.waits.add(self._envelope, self._ledger.record.turn_id)
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
        if self._answered is not None and not self._heard:
            return Fault(Say.RUN_ANSWER_MAYBE, reason)
        is_sync = self._flow is not None and self._flow.settings.mode is RunMode.SYNC
        return Fault(Say.RUN_MAYBE_SYNC if is_sync else Say.RUN_MAYBE, reason)

    def stopped(self, outcome: Outcome) -> Say:
        if self._flow is None or self._flow.settings.mode is RunMode.CHAT or self._ledger.record.run is None:
            return Say.STOPPED
        return Say.RUN_STOPPED

    # --- small pieces -------------------------------------------------------------------------------------------------

    async def _wire_run(self) -> WorkflowRun:
        flow, envelope, options = self._named_flow, self._envelope, self._around.options
        settings = flow.settings
        key = conversation_key(envelope.place, envelope.author, options.scope)
        bot_id = settings.bot_id
        if settings.as_chat and not settings.app_id:
            bot_id = bot_id or flow.binding.bot_id
        return WorkflowRun(
            workflow_id=settings.id,
            parameters=settings.with_defaults(self._values),
            mode=settings.mode,
            mark=self._ledger.record.turn_id,
            user_id=agent_user_id(key, envelope.place, envelope.author, options.scope, options.identity_secret),
            bot_id=bot_id,
            app_id=settings.app_id,
            timeout_s=self.timeout_s,
            text=self._said,
            conversation_id=await self._conversation_id(),
        )

    async def _conversation_id(self) -> str:
        """Return the conversation in which a chatflow goes on; a new one begins by itself."""
        if self._named_flow.settings.mode is not RunMode.CHAT:
            return ""
        if self._answered is not None and self._answered.conversation_id:
            return self._answered.conversation_id
        known = await self._around.store.conversation(self._ledger.record.key)
        return known.conversation_id if known is not None and known.bot_id == self._named_flow.settings.id else ""

    @property
    def _asked(self) -> Interruption | None:
        run = self._answered.run if self._answered is not None else None
        return run.asked if run is not None else None

    @property
    def _named_flow(self) -> Flow:
        if self._flow is None:
            raise RuntimeError("refuses() was not asked")
        return self._flow

    @property
    def _workflows(self) -> Workflows:
        workflows = self._named_flow.binding.workflows
        if workflows is None:
            raise RuntimeError(f"the agent {self._named_flow.binding.name} runs no workflows")
        return workflows

    @property
    def _is_repeatable(self) -> bool:
        return self._named_flow.settings.repeatable and self._answered is None
