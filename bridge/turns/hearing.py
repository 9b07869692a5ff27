"""Listening to an agent's run for one turn, and calling it off."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from bridge.delivery.draft import Draft
from bridge.delivery.thinking import last_words
from bridge.errors import AgentError, StoreUnavailable
from bridge.model import (
    AgentEvent,
    AnswerCompleted,
    AnswerDelta,
    ChatRef,
    ChatStarted,
    ChatStatus,
    ReasoningDelta,
    TurnState,
)
from bridge.ports import Agent, Clock
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.turns.talk import Talk

log = structlog.get_logger(__name__)

CANCEL_TIMEOUT_S = 10.0
THOUGHT_EVERY_S = 3.0
THOUGHT_CHARS = 400


class Hearing:
    """Folds what the agent says into ``draft``; ``changed`` is called whenever there is new text.

    Args:
        told: Ids of messages of the run that earlier turns have shown.
        think: Called with the last words of the agent's thinking, now and then, while it has said nothing.
    """

    def __init__(
        self,
        draft: Draft,
        changed: Callable[[], None],
        *,
        live: LiveTurn,
        ledger: Ledger,
        agent: Agent,
        talk: Talk,
        clock: Clock,
        told: frozenset[str] = frozenset(),
        think: Callable[[str], None] | None = None,
    ) -> None:
        self._draft = draft
        self._changed = changed
        self._live = live
        self._ledger = ledger
        self._agent = agent
        self._talk = talk
        self._clock = clock
        self._told = told
        self._think = think
        self._thoughts = ""
        self._thought_at = -math.inf
        self._named = asyncio.Event()
        self._called_off: ChatRef | None = None

    async def listen(
        self, events: AsyncIterator[AgentEvent], begun: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Listen to the end; ``begun`` is awaited with the first event."""
        async for event in events:
            if begun is not None:
                await begun()
                begun = None
            if self._live.stopping is not None and not isinstance(event, ChatStarted):
                continue  # what stands there stays as it is; the run is being cancelled
            if isinstance(event, AnswerDelta | AnswerCompleted | ReasoningDelta) and event.message_id in self._told:
                continue
            if self._draft.apply(event):
                self._changed()
            if isinstance(event, ReasoningDelta) and self._think is not None and self._draft.is_empty:
                self._show_thought(event.text)
            if isinstance(event, ChatStarted):
                if self._ledger.state is not TurnState.ASKED:
                    await self._ledger.advance_if_possible(TurnState.ASKED, chat_id=event.chat.chat_id)
                self._named.set()

    def _show_thought(self, thought: str) -> None:
        """Tell what it thinks now, not more often than somebody could read it."""
        self._thoughts = (self._thoughts + thought)[-THOUGHT_CHARS:]
        now, words = self._clock.now(), last_words(self._thoughts)
        if self._think is not None and words and now >= self._thought_at + THOUGHT_EVERY_S:
            self._thought_at = now
            self._think(words)

    async def follow(self, chat: ChatRef) -> None:
        """Listen to a run by fetching it."""
        async with self._agent.follow(chat) as events:
            await self.listen(events)

    async def call_off(self, *, patience_s: float = 0.0) -> None:
        """Cancel the run at the agent, as far as there is one; what does not work is only logged.

        Args:
            patience_s: How long a run that has no name yet is given to tell it; there is nothing to cancel before.
        """
        if self._ledger.state is TurnState.ASKING and not self._ledger.record.chat_id:
            await self._clock.wait(self._named, patience_s)
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT_S):
                chat = await self._run()
                if chat is None or chat == self._called_off:
                    return
                if await self._agent.cancel(chat) is ChatStatus.REQUIRES_ACTION:
                    await self._talk.leave_stuck(chat.conversation_id)
                self._called_off = chat
        except (AgentError, StoreUnavailable, TimeoutError) as error:
            log.warning("the agent's run could not be cancelled", reason=str(error))

    async def _run(self) -> ChatRef | None:
        """Return the agent's run for this turn, if there is one."""
        record = self._ledger.record
        if self._draft.chat is not None:
            return self._draft.chat
        if record.state in (TurnState.ASKING, TurnState.ASKED) and record.chat_id:
            return ChatRef(record.conversation_id, record.chat_id)
        if record.state is not TurnState.ASKING:
            return None
        found = await self._agent.find_question(record.conversation_id, record.turn_id)
        return ChatRef(record.conversation_id, found.chat_id) if found and found.chat_id else None
