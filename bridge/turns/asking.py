"""The agent's side of a turn: its conversation, the question, and listening to the answer.

The question is sent once; again only where the agent certainly did not take it (the conversation is gone or occupied),
or where it may have and cannot be found there. A turn that was cut by a crash goes on from where it is written down.
The listening loop never waits for a platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bridge.delivery.draft import Draft
from bridge.errors import (
    AgentBusy,
    AgentError,
    AgentRateLimited,
    AgentUnavailable,
    ConversationGone,
)
from bridge.files.attachments import Carried, Carrier, LeftOut, Wanted, sort_out, word_left_out
from bridge.keys import agent_user_id
from bridge.model import (
    ChatRef,
    ContextMessage,
    Conversation,
    Envelope,
    Outcome,
    Question,
    QuestionFile,
    Scope,
    TurnState,
)
from bridge.ports import Clock, Platform, Store
from bridge.routes import AgentBinding
from bridge.texts import Say, say
from bridge.turns.exchange import EMPTY, Ending, Fault
from bridge.turns.hearing import Hearing
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.turns.talk import Talk
from bridge.turns.tooling import ToolWork
from bridge.turns.wording import word_earlier, word_question, word_variables

log = structlog.get_logger(__name__)

BUSY_RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class AskingOptions:
    """What the operator decides about questions.

    Attributes:
        busy_patience_s: How long a question waits where the agent does not take it now, or cannot be asked whether it
            did.
        keep_s: How long what belongs to a conversation is remembered after its last use.
    """

    scope: Scope = Scope.THREAD
    identity_secret: bytes | None = None
    name_authors: bool = True
    earlier_messages: int = 30
    earlier_chars: int = 8000
    busy_patience_s: float = 120.0
    keep_s: float = 180 * 86400.0


class Asking:
    """Asks one question; ``hearing`` folds the answer into ``draft``.

    Args:
        envelope: What is asked: all that ``messages`` say.
        messages: The messages it was asked with, whose files come along.
    """

    def __init__(
        self,
        envelope: Envelope,
        locale: str,
        *,
        messages: Sequence[Envelope],
        carrier: Carrier,
        draft: Draft,
        live: LiveTurn,
        hearing: Hearing,
        work: ToolWork,
        talk: Talk,
        binding: AgentBinding,
        ledger: Ledger,
        platform: Platform,
        store: Store,
        clock: Clock,
        options: AskingOptions,
        timeout_s: float,
    ) -> None:
        self._envelope = envelope
        self._messages = messages
        self._carrier = carrier
        self._carried: Carried | None = None
        self._timeout_s = timeout_s
        self._locale = locale
        self._draft = draft
        self._live = live
        self._binding = binding
        self._mark = ledger.record.turn_id
        self._patience_until = 0.0
        self._told_waiting = False
        self._ledger = ledger
        self._platform = platform
        self._store = store
        self._clock = clock
        self._options = options
        self._key = ledger.record.key
        self._talk = talk
        self._hearing = hearing
        self._work = work

    @property
    def timeout_s(self) -> float:
        return self._timeout_s

    async def refuses(self) -> Ending | None:
        """Refuse a message without words, and without a file that could stand for them."""
        if self._envelope.text.strip():
            return None
        if not self._envelope.attachments:
            return Ending(Outcome.REFUSED, say(Say.HELP, self._locale))
        wanted, left_out = self._sort_out()
        return None if wanted else Ending(Outcome.REFUSED, word_left_out(Say.FILES_ALONE, left_out, self._locale))

    async def run(self) -> None:
        """Ask, and listen until the answer has ended; see ``Exchange.run``."""
        await self._ask()
        try:
            await self._work.serve()
        except AgentError:
            await self._talk.leave_stuck(self._ledger.record.conversation_id)
            raise

    async def _ask(self) -> None:
        record = self._ledger.record
        if record.state is TurnState.ASKED:
            await self._hearing.follow(ChatRef(record.conversation_id, record.chat_id))
            return
        conversation, is_new = await self._talk.find()
        if record.replaces is not None and record.state is not TurnState.ASKING:
            await self._talk.forget(await self._store.turn(record.replaces), conversation)
        may_be_there = record.state is TurnState.ASKING
        self._patience_until = self._clock.now() + self._options.busy_patience_s
        while not (may_be_there and await self._follow_own(conversation)):
            self._live.check()
            question = await self._question(conversation, is_new)
            if self._asks_nothing:
                return
            await self._ledger.advance(TurnState.ASKING, conversation_id=conversation.conversation_id)
            try:
                async with self._binding.agent.ask(question) as events:
                    await self._hearing.listen(events)
            except ConversationGone:
                if is_new or self._draft.chat is not None:
                    raise
                conversation, is_new, may_be_there = await self._talk.begin_afresh(), True, False
            except AgentBusy as error:
                if await self._talk.is_stuck(conversation):
                    conversation, is_new, may_be_there = await self._talk.begin_afresh(), True, False
                else:
                    await self._wait_after(error)  # it may be our own question that runs: look again
            except AgentRateLimited as error:
                await self._wait_after(error, error.retry_after_s)
            except AgentUnavailable as error:
                if may_be_there or not error.outcome_unknown or self._draft.chat is not None:
                    raise
                may_be_there = True
            else:
                return

    async def call_off(self, *, patience_s: float = 0.0) -> None:
        """Cancel the run at the agent; see ``Exchange.call_off``."""
        await self._hearing.call_off(patience_s=patience_s)

    async def ending(self) -> Ending | Fault:
        """Tell an answer from an empty one, and from a run that waits for what it will not get."""
        if self._asks_nothing:
            left_out = self._left_out()
            outcome = Outcome.FAILED if any(file.passing for file in left_out) else Outcome.REFUSED
            return Ending(outcome, word_left_out(Say.FILES_ALONE, left_out, self._locale), "no file could be read")
        if self._draft.required:
            if (waits := await self._work.wait(self._envelope, self._locale)) is not None:
                return waits
            await self.call_off()
            await self._talk.leave_stuck(self._ledger.record.conversation_id)
            return Fault(Say.AGENT_NEEDS_ACTION, "requires_action")
        if self._draft.is_empty:
            return Ending(Outcome.DELIVERED, say(Say.EMPTY_ANSWER, self._locale), EMPTY)
        await self._talk.remember(self._question_text(), self._draft.text)
        notes = [say(Say.NEW_CONVERSATION_FORCED, self._locale)] if self._talk.began_afresh else []
        notes.append(self._work.word_failed(self._locale))
        notes.append(word_left_out(Say.FILES_LEFT_OUT, self._left_out(), self._locale))
        return Ending(Outcome.DELIVERED, "\n".join(filter(None, notes)))

    def explain(self, error: AgentError | None) -> Fault:
        """Name a failure by what the agent said of it."""
        if error is None:
            return Fault(Say.AGENT_SILENT, f"no end within {self.timeout_s:g} s")
        return Fault(error.said or Say.AGENT_FAILED, f"{type(error).__name__} {error.code}")

    def stopped(self, outcome: Outcome) -> Say:
        return Say.INTERRUPTED_BY_NEXT if outcome is Outcome.INTERRUPTED else Say.STOPPED

    async def _follow_own(self, conversation: Conversation) -> bool:
        """Look whether our question reached the agent; follow its run if it did.

        A service that does not tell the run of a question tells it with the answer: that is waited for.
        """
        while True:
            try:
                found = await self._binding.agent.find_question(conversation.conversation_id, self._mark)
            except (AgentUnavailable, AgentRateLimited) as error:
                await self._wait_after(error)
                continue
            if found is None:
                return False
            if found.chat_id:
                await self._hearing.follow(ChatRef(conversation.conversation_id, found.chat_id))
                return True
            await self._wait_after(AgentUnavailable("our question is there, but not its run", outcome_unknown=True))

    async def _wait_after(self, error: AgentError, wait_s: float | None = None) -> None:
        """Wait visibly before the next try; a stop ends the waiting. Raises the error when the patience is over."""
        wait_s = BUSY_RETRY_S if wait_s is None else wait_s
        if self._clock.now() + wait_s > self._patience_until or self._draft.chat is not None:
            raise error
        if not self._told_waiting:
            self._told_waiting = True
            self._live.queued(1)
        await self._clock.wait(self._live.stop_wanted, wait_s)
        self._live.check()

    # --- the question ---

    async def _question(self, conversation: Conversation, is_new: bool) -> Question:
        envelope, options = self._envelope, self._options
        cut = await self._cut_questions()
        files = await self._files(cut)
        return Question(
            bot_id=self._binding.bot_id,
            user_id=agent_user_id(self._key, envelope.place, envelope.author, options.scope, options.identity_secret),
            conversation_id=conversation.conversation_id,
            text=self._question_text(),
            mark=self._mark,
            context=await self._context(is_new, cut),
            variables=word_variables(self._binding.variables, envelope, self._locale),
            files=files,
        )

    async def _files(self, cut: Sequence[Envelope]) -> tuple[QuestionFile, ...]:
        """Bring the files to the agent, once; also those of the questions that were cut for this one."""
        if self._carried is None:
            wanted, left_out = self._sort_out(cut)
            carried = await self._carrier.carry(wanted, self._platform, self._binding.agent)
            self._carried = Carried(carried.files, (*left_out, *carried.left_out))
            # Where the agent is busy the waiting begins now, not when the files set out.
            self._patience_until = self._clock.now() + self._options.busy_patience_s
        return self._carried.files

    def _sort_out(self, cut: Sequence[Envelope] = ()) -> tuple[list[Wanted], list[LeftOut]]:
        kinds = self._binding.agent.capabilities.file_kinds
        return sort_out([*self._messages, *cut], self._carrier.rules, kinds)

    def _left_out(self) -> Sequence[LeftOut]:
        """Return the files the agent did not get; after a restart those of which it was known beforehand."""
        return self._sort_out()[1] if self._carried is None else self._carried.left_out

    @property
    def _asks_nothing(self) -> bool:
        """There are no words, and none of the files could be brought to the agent."""
        return self._carried is not None and not self._carried.files and not self._envelope.text.strip()

    async def _context(self, is_new: bool, cut: Sequence[Envelope]) -> tuple[ContextMessage, ...]:
        """What the agent shall know before the question and does not know by itself."""
        options = self._options
        if is_new and self._envelope.inside_thread and options.earlier_messages:
            earlier = await self._platform.earlier_messages(self._envelope, options.earlier_messages)
            return word_earlier(earlier, options.earlier_chars)
        before = tuple(ContextMessage("user", self._worded(envelope)) for envelope in cut)
        return before if is_new else (*await self._talk.history(), *before)

    async def _cut_questions(self) -> list[Envelope]:
        """What was asked before and cut for this question; of a cancelled run the agent remembers nothing."""
        records = [await self._store.turn(turn_id) for turn_id in self._ledger.record.interrupts]
        return [
            await self._platform.resolve(envelope)
            for record in records
            if record is not None and record.outcome is Outcome.INTERRUPTED
            for envelope in (record.envelope, *record.also)
        ]

    def _question_text(self) -> str:
        return self._worded(self._envelope)

    def _worded(self, envelope: Envelope) -> str:
        shared = self._options.name_authors and self._options.scope is not Scope.USER
        return word_question(envelope, name_author=shared)
