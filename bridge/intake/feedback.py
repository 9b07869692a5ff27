"""Passes on what people think of an answer, to the agent's own feedback on messages."""

import asyncio

import structlog

from bridge.errors import AgentError
from bridge.model import TurnId
from bridge.ports import Store
from bridge.routes import Routes
from bridge.texts import Say

log = structlog.get_logger(__name__)

FEEDBACK_S = 1.6
"""The presser waits for it, and platforms wait three seconds for us."""


class Feedback:
    """One opinion for each answer, the newest; whoever can read an answer may have one."""

    def __init__(self, store: Store, routes: Routes) -> None:
        self._store = store
        self._routes = routes

    async def give(self, turn_id: TurnId | None, *, good: bool) -> Say:
        """Pass an opinion on; repeat freely. Returns what the presser reads.

        Raises:
            StoreError: The answer could not be looked up.
        """
        turn = await self._store.turn(turn_id) if turn_id else None
        binding = self._routes.binding(turn.agent) if turn else None
        if turn is None or binding is None or not turn.answer_ids or not binding.agent.capabilities.feedback:
            return Say.ANSWER_TOO_OLD
        try:
            async with asyncio.timeout(FEEDBACK_S):
                await binding.agent.rate(turn.conversation_id, turn.answer_ids[-1], good=good)
        except (AgentError, TimeoutError) as error:
            log.warning("feedback not passed on", turn=turn_id, reason=str(error))
            return Say.FEEDBACK_FAILED
        return Say.FEEDBACK_SENT
