"""A running turn, as ``stop`` and ``status`` see it."""

import asyncio
from collections.abc import Callable

import structlog

from bridge.errors import AgentError
from bridge.model import ChatRef, TurnRecord
from bridge.routes import AgentBinding

log = structlog.get_logger(__name__)

STOP_CHAT_ID_PATIENCE_S = 10.0
"""A stop that comes before the agent named its run waits this long for the name; there is nothing to cancel before."""
CANCEL_TIMEOUT_S = 10.0


class Stopped(Exception):
    """Somebody stopped the turn; raised and caught inside it."""


class LiveTurn:
    """The handle of one running turn. The order of a stop: cancel at the agent, then close the stream."""

    def __init__(self, record: TurnRecord, binding: AgentBinding) -> None:
        self.record = record
        self.binding = binding
        self.stopping = False
        self.queued: Callable[[int], None] = lambda _: None
        """Called when the question waits for the agent's own limits, with how many wait before it."""
        self._chat: ChatRef | None = None
        self._scope: asyncio.Timeout | None = None

    def listening(self, scope: asyncio.Timeout) -> None:
        """Know the scope whose end ends the listening; raises ``Stopped`` when the stop came before it."""
        if self.stopping:
            raise Stopped
        self._scope = scope

    async def started(self, chat: ChatRef) -> None:
        """Learn the run's name; raises ``Stopped`` when a stop was waiting for it."""
        self._chat = chat
        if self.stopping:
            await self.cancel_run()
            raise Stopped

    async def stop(self) -> None:
        """Stop the run at the agent, then stop listening."""
        self.stopping = True
        await self.cancel_run()
        if self._scope is not None:
            patience_s = STOP_CHAT_ID_PATIENCE_S if self._chat is None else 0.0
            self._scope.reschedule(asyncio.get_running_loop().time() + patience_s)

    async def cancel_run(self) -> None:
        """Cancel the run at the agent, if it has one; a refusal is only logged."""
        if self._chat is None:
            return
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT_S):
                await self.binding.agent.cancel(self._chat)
        except (AgentError, TimeoutError) as error:
            log.warning("the agent's run could not be cancelled", chat=self._chat.chat_id, reason=str(error))
