"""The agent's conversation that belongs to a lane: found or begun, and what we keep of it ourselves."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import structlog

from bridge.errors import AgentError, AgentRejected, StoreUnavailable
from bridge.keys import history_note, latest_note, participation_note, stuck_note
from bridge.model import ContextMessage, Conversation, Envelope, Scope, TurnRecord
from bridge.ports import Clock, Store
from bridge.routes import AgentBinding
from bridge.turns.ledger import insist
from bridge.turns.wording import extend_history, read_history, without_last

log = structlog.get_logger(__name__)

FORGET_TIMEOUT_S = 10.0
STUCK_S = 24 * 3600.0
"""No run waits longer for a tool's output."""


class Talk:
    """The conversation of one turn's lane.

    Attributes:
        began_afresh: The earlier conversation could not be continued; the user should read so.
    """

    def __init__(
        self,
        record: TurnRecord,
        envelope: Envelope,
        *,
        binding: AgentBinding,
        store: Store,
        clock: Clock,
        scope: Scope,
        history_chars: int,
        keep_s: float,
    ) -> None:
        """``history_chars`` of our own history go to an agent that saves none; ``keep_s`` is how long it is kept."""
        self._record = record
        self._place, self._author = envelope.place, envelope.author
        self._binding = binding
        self._store = store
        self._clock = clock
        self._scope = scope
        self._history_chars = history_chars
        self._keep_s = keep_s
        self.began_afresh = False

    async def find(self) -> tuple[Conversation, bool]:
        """Find the agent's conversation of this lane, or begin one; true when it is new."""
        record, now = self._record, self._clock.wall()
        binding = self._binding
        if record.conversation_id:  # chosen before a restart; whatever this lane has become since, we asked there
            chosen = Conversation(
                record.key, record.conversation_id, binding.name, binding.bot_id, record.created_at_s, now
            )
            return chosen, False
        known = await self._store.conversation(record.key)
        if known is not None and (known.agent, known.bot_id) == (binding.name, binding.bot_id):
            known = replace(known, last_used_at_s=now, last_turn=record.turn_id)
            await self._bind(known)
            return known, False
        self.began_afresh = known is not None
        return await self.begin(), True

    async def begin(self) -> Conversation:
        """Begin a new conversation, which the lane leads to from now on."""
        binding, now, record = self._binding, self._clock.wall(), self._record
        try:
            conversation_id = await binding.agent.create_conversation(binding.bot_id)
        except AgentError:
            if self._place.thread is not None:  # the thread is ours all the same, and no conversation tells so
                await self._note(participation_note(self._place), "yes", self._keep_s)
            raise
        conversation = Conversation(
            record.key, conversation_id, binding.name, binding.bot_id, now, now, last_turn=record.turn_id
        )
        await self._bind(conversation)
        if self._scope is Scope.THREAD:
            await self._note(latest_note(self._place, self._author), json.dumps(self._place.thread), self._keep_s)
        return conversation

    async def _bind(self, conversation: Conversation) -> None:
        """Let the lane lead there; without that its next question would be asked somewhere else."""
        await insist(self._clock, lambda: self._store.bind(conversation), what="conversation")

    async def _note(self, name: str, value: str | None, ttl_s: float | None = None) -> None:
        """Remember what the turn at hand can do without: that the store fails must not cost the answer."""
        try:
            await self._store.remember(name, value, ttl_s=ttl_s)
        except StoreUnavailable as error:
            log.warning("not written down, going on", what="note", reason=error.reason)

    async def begin_afresh(self) -> Conversation:
        """Begin a new conversation where the known one cannot be gone on with."""
        self.began_afresh = True
        return await self.begin()

    # --- a run that occupies it ---

    async def leave_stuck(self, conversation_id: str) -> None:
        """The run waits for something it will not get, and cannot be cancelled where it stands.

        Whether that keeps the conversation occupied is the service's choice; if it does, the next question begins a
        new one at once instead of waiting.
        """
        await self._note(stuck_note(conversation_id), "yes", STUCK_S)

    async def goes_on(self, conversation_id: str) -> None:
        """What it waited for has come."""
        await self._store.remember(stuck_note(conversation_id), None)

    async def is_stuck(self, conversation: Conversation) -> bool:
        """Tell, once, whether a conversation was left so."""
        note = stuck_note(conversation.conversation_id)
        if await self._store.note(note) is None:
            return False
        await self._note(note, None)
        return True

    # --- what was said in it ---

    async def history(self) -> tuple[ContextMessage, ...]:
        """Return what the agent's service does not know of what was said before: nothing, where it saves that."""
        if self._binding.agent.capabilities.saves_history:
            return ()
        return read_history(await self._store.note(history_note(self._record.key)))

    async def remember(self, question: str, answer: str) -> None:
        """Keep an exchange ourselves, where the agent's service saves no history."""
        if self._binding.agent.capabilities.saves_history:
            return
        note = history_note(self._record.key)
        history = extend_history(await self._store.note(note), question, answer, self._history_chars)
        await self._note(note, history, self._keep_s)

    async def forget(self, before: TurnRecord | None, conversation: Conversation) -> None:
        """Let the agent forget a question and its answer that take place anew, as far as it can; repeat freely."""
        agent = self._binding.agent
        if before is None or before.conversation_id != conversation.conversation_id:
            return
        if not agent.capabilities.saves_history:
            note = history_note(self._record.key)
            history = without_last(await self._store.note(note), before.answer)
            await self._note(note, history, self._keep_s)
        elif agent.capabilities.delete_messages:
            try:
                async with asyncio.timeout(FORGET_TIMEOUT_S):
                    question = await agent.find_question(before.conversation_id, before.turn_id)
                    for message_id in (*before.answer_ids, *([question.message_id] if question else [])):
                        with suppress(AgentRejected):  # gone already
                            await agent.delete_message(before.conversation_id, message_id)
            except (AgentError, TimeoutError) as error:
                log.warning("the agent still knows the old answer", reason=str(error))
