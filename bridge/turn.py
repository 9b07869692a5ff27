"""One turn, from its envelope to the final message.

The states and what is durable before what::

    accepted -> opening   before the sign of life (which may be a post)
             -> opened    with the placeholder's id, if there is one
             -> asking    with the conversation id, before the question is sent
             -> asked     with the chat id: from here on the answer is fetched, never asked for again
             -> answered  with the final text
             -> delivering -> ended

Two things run side by side while the agent speaks: ``_listen`` folds its events into the draft and never waits for
the platform, ``Delivery.run`` shows the draft and never keeps the agent waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bridge.delivery import Delivery, Pace
from bridge.draft import Draft
from bridge.errors import (
    AgentBusy,
    AgentCancelled,
    AgentError,
    AgentUnavailable,
    ConversationGone,
    PlatformError,
    StoreError,
    StoreUnavailable,
)
from bridge.keys import agent_user_id
from bridge.lanes import HeldLease
from bridge.model import (
    AgentEvent,
    ChatRef,
    ChatStarted,
    ContextMessage,
    Conversation,
    Envelope,
    Outcome,
    PostedPart,
    Question,
    Scope,
    TurnRecord,
    TurnState,
)
from bridge.pacing import Pacer
from bridge.ports import Clock, Platform, Reply, Store
from bridge.routes import AgentBinding, Routes
from bridge.texts import Say, failure, language, say
from bridge.wording import extend_history, read_history, word_earlier, word_question, word_variables

log = structlog.get_logger(__name__)

STOP_CHAT_ID_PATIENCE_S = 10.0
STOP_CANCEL_TIMEOUT_S = 10.0
APOLOGY_TIMEOUT_S = 15.0
BUSY_RETRY_S = 2.0
REFERENCE_CHARS = 8
UNENDED = frozenset(TurnState) - {TurnState.ENDED}


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """What the operator decides about every turn."""

    scope: Scope = Scope.THREAD
    identity_secret: bytes | None = None
    default_language: str = "en"
    name_authors: bool = True
    earlier_messages: int = 30
    earlier_chars: int = 8000
    turn_timeout_s: float = 900.0
    busy_patience_s: float = 120.0
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the agent's part ended, and the sentence below the answer."""

    outcome: Outcome
    footer: str = ""
    reason: str = ""


class Stopped(Exception):
    """Somebody stopped the turn; internal to this module."""


class LiveTurn:
    """A running turn, as ``!stop`` and ``!status`` see it."""

    def __init__(self, record: TurnRecord, binding: AgentBinding) -> None:
        self.record = record
        self.binding = binding
        self.stopping = False
        self._chat: ChatRef | None = None
        self._scope: asyncio.Timeout | None = None

    def listening(self, scope: asyncio.Timeout) -> None:
        """Know the scope whose end ends the listening; raises ``Stopped`` when the stop came before it."""
        if self.stopping:
            raise Stopped
        self._scope = scope

    async def stop(self) -> None:
        """Stop the run at the agent, then stop listening. Before the agent named the run, wait a while for its name."""
        self.stopping = True
        if self._chat is None:
            self._end_listening_in(STOP_CHAT_ID_PATIENCE_S)
            return
        await self._cancel(self._chat)
        self._end_listening_in(0)

    async def started(self, chat: ChatRef) -> None:
        """Learn the run's name; raises ``Stopped`` when a stop was waiting for it."""
        self._chat = chat
        if self.stopping:
            await self._cancel(chat)
            raise Stopped

    async def abandon(self) -> None:
        """Stop the run at the agent because nobody can read its answer any more."""
        if self._chat is not None:
            await self._cancel(self._chat)

    async def _cancel(self, chat: ChatRef) -> None:
        try:
            async with asyncio.timeout(STOP_CANCEL_TIMEOUT_S):
                await self.binding.agent.cancel(chat)
        except (AgentError, TimeoutError) as error:
            log.warning("the agent's run could not be cancelled", chat=chat.chat_id, reason=str(error))

    def _end_listening_in(self, seconds: float) -> None:
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time() + seconds)


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
    ) -> None:
        self._routes = routes
        self._store = store
        self._clock = clock
        self._pacer = pacer
        self._options = options
        self._platforms = platforms
        self.live: dict[str, LiveTurn] = {}

    async def run(self, record: TurnRecord, lease: HeldLease) -> None:
        """Take an accepted turn to its end. Whatever fails ends as a sentence in the conversation."""
        binding = self._routes.choose(record.envelope.place)
        live = self.live[record.turn_id] = LiveTurn(record, binding)
        platform = self._platforms[record.envelope.place.instance]
        log_context = {"turn": record.turn_id, "platform": platform.name, "agent": binding.name}
        try:
            with structlog.contextvars.bound_contextvars(**log_context):
                envelope = await platform.resolve(record.envelope)
                await _Run(self, platform, replace(record, envelope=envelope), lease, live).run()
        finally:
            del self.live[record.turn_id]

    async def close(self, record: TurnRecord, lease: HeldLease, outcome: Outcome) -> None:
        """End a turn that never ran: stopped or withdrawn while it waited."""
        envelope = record.envelope
        reply = self._platforms[envelope.place.instance].reply(envelope, record.turn_id, self.speaks(envelope))
        with suppress(PlatformError):
            await reply.settle()
        await self._store.advance(record.turn_id, UNENDED, {"state": TurnState.ENDED, "outcome": outcome}, lease.now)

    async def apologise(self, record: TurnRecord, lease: HeldLease, error: Exception) -> None:
        """Tell the author that her turn broke for a reason nobody foresaw, and close it."""
        envelope = record.envelope
        locale = self.speaks(envelope)
        sentence = Say.STORE_FAILED if _concerns_store(error) else Say.INTERNAL
        reply = self._platforms[envelope.place.instance].reply(envelope, record.turn_id, locale)
        with suppress(PlatformError, TimeoutError):
            async with asyncio.timeout(APOLOGY_TIMEOUT_S):
                await reply.notice(failure(sentence, locale, record.turn_id[:REFERENCE_CHARS]))
                await reply.settle()
        changes = {"state": TurnState.ENDED, "outcome": Outcome.FAILED, "reason": type(error).__name__}
        await self._store.advance(record.turn_id, UNENDED, changes, lease.now)

    def speaks(self, envelope: Envelope) -> str:
        """The language in which its author reads our sentences."""
        return language(envelope.author.locale, self._options.default_language)


class _Run:
    """One turn in its making."""

    def __init__(self, turns: Turns, platform: Platform, record: TurnRecord, lease: HeldLease, live: LiveTurn) -> None:
        self._store = turns._store
        self._clock = turns._clock
        self._pacer = turns._pacer
        self._options = turns._options
        self._platform = platform
        self._record = record
        self._envelope = record.envelope
        self._lease = lease
        self._live = live
        self._binding = live.binding
        self._locale = turns.speaks(record.envelope)
        self._draft = Draft()
        self._parts: dict[int, PostedPart] = {}
        self._fresh_notice = ""

    async def run(self) -> None:
        started_at = self._clock.now()
        reply = self._platform.reply(self._envelope, self._record.turn_id, self._locale)
        try:
            ending = await self._answer(reply)
        except* PlatformError as group:
            error = _first(group)
            log.warning("the answer cannot be shown", reason=str(error))
            await self._live.abandon()
            ending = _Ending(Outcome.FAILED, reason=str(error))
        await self._settle(reply)
        await self._advance_if_possible(TurnState.ENDED, outcome=ending.outcome, reason=ending.reason)
        log.info(
            "turn ended", outcome=ending.outcome, reason=ending.reason, took_s=round(self._clock.now() - started_at, 3)
        )

    async def _answer(self, reply: Reply) -> _Ending:
        placeholder = await self._open(reply)
        delivery = Delivery(
            self._record.turn_id,
            reply,
            self._draft,
            rules=self._platform.part_rules,
            capabilities=self._platform.capabilities,
            pacer=self._pacer,
            pace=self._options.pace,
            clock=self._clock,
            posted=self._posted,
            doubt=say(Say.MAYBE_DUPLICATE, self._locale),
            placeholder=placeholder,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(delivery.run())
            ending = await self._converse(delivery)
            if self._record.state is TurnState.ASKED:
                await self._advance_if_possible(TurnState.ANSWERED, answer=self._draft.text)
                await self._advance_if_possible(TurnState.DELIVERING)
            delivery.finish(ending.footer)
        return ending

    async def _open(self, reply: Reply) -> str | None:
        await self._advance(TurnState.OPENING, agent=self._binding.name)
        try:
            placeholder = await reply.open()
        except PlatformError as error:
            log.info("no sign of life", reason=error.reason)
            placeholder = None
        if placeholder:
            self._parts[0] = PostedPart(0, placeholder)
        await self._advance(TurnState.OPENED, parts=tuple(self._parts.values()))
        return placeholder

    # --- the agent's side ---

    async def _converse(self, delivery: Delivery) -> _Ending:
        """Ask and listen; every failure of the agent becomes an ending."""
        try:
            if not self._envelope.text.strip():
                return _Ending(Outcome.REFUSED, say(Say.ATTACHMENT_ONLY, self._locale))
            async with asyncio.timeout(self._options.turn_timeout_s) as scope:
                self._live.listening(scope)
                await self._ask_until_answered(delivery)
        except (Stopped, AgentCancelled):
            return _Ending(Outcome.STOPPED, say(Say.STOPPED, self._locale))
        except TimeoutError:
            if self._live.stopping:
                return _Ending(Outcome.STOPPED, say(Say.STOPPED, self._locale))
            await self._live.abandon()
            return self._failed(Say.AGENT_SILENT, f"no end within {self._options.turn_timeout_s:g} s")
        except AgentError as error:
            log.warning(
                "agent failed",
                kind=type(error).__name__,
                code=error.code,
                logid=error.log_id,
                reason=error.reason,
                hint=error.hint,
            )
            return self._failed(error.said or Say.AGENT_FAILED, f"{type(error).__name__} {error.code}".strip())
        return await self._answered()

    async def _answered(self) -> _Ending:
        if self._draft.required:
            await self._live.abandon()
            return self._failed(Say.AGENT_NEEDS_ACTION, "requires_action")
        if self._draft.is_empty:
            return _Ending(Outcome.DELIVERED, say(Say.EMPTY_ANSWER, self._locale), reason="empty")
        await self._remember_history()
        notes = [self._fresh_notice]
        if self._envelope.attachments:
            notes.append(say(Say.ATTACHMENTS_IGNORED, self._locale))
        return _Ending(Outcome.DELIVERED, "\n".join(note for note in notes if note))

    def _failed(self, sentence: Say, reason: str) -> _Ending:
        footer = failure(sentence, self._locale, self._record.turn_id[:REFERENCE_CHARS])
        if not self._draft.is_empty:
            footer = f"{say(Say.INTERRUPTED, self._locale)}\n{footer}"
        return _Ending(Outcome.FAILED, footer, reason)

    async def _ask_until_answered(self, delivery: Delivery) -> None:
        """Ask once; again only where the agent certainly did not take the question."""
        conversation, is_new = await self._conversation()
        patience_until = self._clock.now() + self._options.busy_patience_s
        while True:
            question = await self._question(conversation, is_new)
            await self._advance(TurnState.ASKING, conversation_id=conversation.conversation_id)
            try:
                async with self._binding.agent.ask(question) as events:
                    await self._listen(events, delivery)
            except ConversationGone:
                if is_new or self._draft.chat is not None:
                    raise
                conversation, is_new = await self._new_conversation(), True
                self._fresh_notice = say(Say.NEW_CONVERSATION_FORCED, self._locale)
            except AgentBusy:
                if self._clock.now() > patience_until:
                    raise
                await self._clock.sleep(BUSY_RETRY_S)
            except AgentUnavailable as error:
                if not error.outcome_unknown or self._draft.chat is not None:
                    raise
                await self._find_lost_question(conversation, error, delivery)
                return
            else:
                return

    async def _find_lost_question(
        self, conversation: Conversation, error: AgentUnavailable, delivery: Delivery
    ) -> None:
        """The question may or may not be at the agent: follow its run if it is, otherwise say that it failed."""
        found = await self._binding.agent.find_question(conversation.conversation_id, self._record.turn_id)
        if found is None or not found.chat_id:
            raise error
        chat = ChatRef(conversation.conversation_id, found.chat_id)
        async with self._binding.agent.follow(chat) as events:
            await self._listen(events, delivery)

    async def _listen(self, events: AsyncIterator[AgentEvent], delivery: Delivery) -> None:
        async for event in events:
            if self._draft.apply(event):
                delivery.changed()
            if isinstance(event, ChatStarted) and self._record.state is not TurnState.ASKED:
                await self._advance_if_possible(TurnState.ASKED, chat_id=event.chat.chat_id)
                await self._live.started(event.chat)

    # --- the conversation ---

    async def _conversation(self) -> tuple[Conversation, bool]:
        """Find the agent's conversation of this lane, or create one; true when it is new."""
        known = await self._store.conversation(self._record.key)
        if known is not None and (known.agent, known.bot_id) == (self._binding.name, self._binding.bot_id):
            known = replace(known, last_used_at_s=self._clock.wall())
            await self._store.bind(known)
            return known, False
        if known is not None:
            self._fresh_notice = say(Say.NEW_CONVERSATION_FORCED, self._locale)
        return await self._new_conversation(), True

    async def _new_conversation(self) -> Conversation:
        conversation_id = await self._binding.agent.create_conversation(self._binding.bot_id)
        now = self._clock.wall()
        conversation = Conversation(
            self._record.key,
            conversation_id,
            self._binding.name,
            self._binding.bot_id,
            created_at_s=now,
            last_used_at_s=now,
        )
        await self._store.bind(conversation)
        return conversation

    async def _question(self, conversation: Conversation, is_new: bool) -> Question:
        options, envelope = self._options, self._envelope
        context: tuple[ContextMessage, ...] = ()
        if is_new and envelope.inside_thread and options.earlier_messages:
            earlier = await self._platform.earlier_messages(envelope, options.earlier_messages)
            context = word_earlier(earlier, options.earlier_chars)
        elif not is_new and not self._binding.agent.capabilities.saves_history:
            context = read_history(await self._store.note(self._history_note))
        return Question(
            bot_id=self._binding.bot_id,
            user_id=agent_user_id(
                self._record.key, envelope.place, envelope.author, options.scope, options.identity_secret
            ),
            conversation_id=conversation.conversation_id,
            text=self._question_text(),
            mark=self._record.turn_id,
            context=context,
            variables=word_variables(self._binding.variables, envelope, self._locale),
        )

    def _question_text(self) -> str:
        shared = self._options.name_authors and self._options.scope is not Scope.USER
        return word_question(self._envelope, name_author=shared)

    @property
    def _history_note(self) -> str:
        return f"history:{self._record.key}"

    async def _remember_history(self) -> None:
        if self._binding.agent.capabilities.saves_history:
            return
        old = await self._store.note(self._history_note)
        new = extend_history(old, self._question_text(), self._draft.text, self._options.earlier_chars)
        await self._store.remember(self._history_note, new)

    # --- the record and the platform ---

    async def _advance(self, state: TurnState, **changes: Any) -> None:
        """Write the next state down; only the turn's main flow does this, so that states follow each other."""
        from_states = frozenset({self._record.state})
        self._record = await self._store.advance(
            self._record.turn_id, from_states, {"state": state, **changes}, self._lease.now
        )

    async def _advance_if_possible(self, state: TurnState, **changes: Any) -> None:
        """Like ``_advance``, but a store that fails now must not cost the user an answer that is on its way."""
        try:
            await self._advance(state, **changes)
        except StoreUnavailable as error:
            log.error("turn not written down, going on", state=state, reason=error.reason)
            self._record = replace(self._record, state=state, **changes)

    async def _posted(self, part: PostedPart) -> None:
        """Write down a message id; runs beside the main flow, so it touches no state."""
        self._parts[part.index] = part
        parts = tuple(self._parts[index] for index in sorted(self._parts))
        try:
            await self._store.advance(self._record.turn_id, UNENDED, {"parts": parts}, self._lease.now)
        except StoreUnavailable as error:
            log.error("message id not written down, going on", reason=error.reason)

    async def _settle(self, reply: Reply) -> None:
        try:
            await reply.settle()
        except PlatformError as error:
            log.info("sign of life not taken away", reason=error.reason)


def _concerns_store(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_concerns_store(inner) for inner in error.exceptions)
    return isinstance(error, StoreError)


def _first(group: BaseExceptionGroup[PlatformError]) -> PlatformError:
    """Return one leaf of a group: they arrive wrapped, once per nesting."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, PlatformError)
    return error
