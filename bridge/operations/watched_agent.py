"""An agent that remembers how its last call went: health judges real calls and never makes one of its own.

Wraps any ``ports.Agent`` and changes nothing of what it does. Retries inside the agent are the agent's own affair: what
counts is how a call ended for us.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from bridge.errors import (
    AgentCancelled,
    AgentError,
    AgentProtocolError,
    AgentRateLimited,
    AgentUnauthorized,
    AgentUnavailable,
)
from bridge.model import (
    AgentCapabilities,
    AgentEvent,
    AgentProfile,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ChatStatus,
    FoundQuestion,
    Question,
    RunCompleted,
    RunEvent,
    ToolOutput,
)
from bridge.observing import UNOBSERVED, Observer
from bridge.ports import Agent, Clock

UNWELL = (AgentUnavailable, AgentUnauthorized, AgentRateLimited, AgentProtocolError)
"""Failures that say something about the service or our access to it; others are about one question."""


@dataclass(frozen=True, slots=True)
class LastCall:
    """How the last call went.

    Attributes:
        at: When it ended (``Clock.now``).
        good: The service answers us. An answer that refuses one question is good, too.
        trouble: Kind and code of what went wrong; empty when good.
    """

    at: float
    good: bool
    trouble: str = ""


class WatchedAgent:
    """``ports.Agent`` by delegation; ``last_call`` is ``None`` until there was one."""

    def __init__(self, name: str, agent: Agent, clock: Clock, observer: Observer = UNOBSERVED) -> None:
        self._name = name
        self._agent = agent
        self._clock = clock
        self._observer = observer
        self.last_call: LastCall | None = None

    @property
    def capabilities(self) -> AgentCapabilities:
        return self._agent.capabilities

    async def create_conversation(self, bot_id: str) -> str:
        with self.watching():
            return await self._agent.create_conversation(bot_id)

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        with self.watching():
            async with self._agent.ask(question) as events:
                yield _Listening(events, self)

    @asynccontextmanager
    async def follow(self, chat: ChatRef) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        with self.watching():
            async with self._agent.follow(chat) as events:
                yield _Listening(events, self)

    @asynccontextmanager
    async def submit(self, chat: ChatRef, outputs: Sequence[ToolOutput]) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        with self.watching():
            async with self._agent.submit(chat, outputs) as events:
                yield _Listening(events, self)

    async def status(self, chat: ChatRef) -> ChatStatus:
        with self.watching():
            return await self._agent.status(chat)

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        with self.watching():
            return await self._agent.cancel(chat)

    async def clear(self, conversation_id: str) -> str:
        with self.watching():
            return await self._agent.clear(conversation_id)

    async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
        with self.watching():
            return await self._agent.find_question(conversation_id, mark)

    async def upload(self, name: str, media_type: str, content: bytes) -> str:
        with self.watching():
            return await self._agent.upload(name, media_type, content)

    async def rate(
        self, conversation_id: str, message_id: str, *, good: bool, comment: str = "", reasons: Sequence[str] = ()
    ) -> None:
        with self.watching():
            await self._agent.rate(conversation_id, message_id, good=good, comment=comment, reasons=reasons)

    async def delete_message(self, conversation_id: str, message_id: str) -> None:
        with self.watching():
            await self._agent.delete_message(conversation_id, message_id)

    async def profile(self, bot_id: str) -> AgentProfile:
        with self.watching():
            return await self._agent.profile(bot_id)

    def heard(self, event: AgentEvent) -> None:
        """Learn from what the agent says: that it answers at all, and what the answer cost."""
        if isinstance(event, ChatStarted):
            self.last_call = LastCall(self._clock.now(), good=True)
        elif isinstance(event, ChatCompleted):
            self._observer.tokens_used(self._name, event.usage)

    def heard_run(self, event: RunEvent) -> None:
        """Learn the same from a workflow's run, whose every event is a sign of life."""
        if isinstance(event, RunCompleted):
            self._observer.tokens_used(self._name, event.usage)
        elif not isinstance(event, ChatStarted | ChatCompleted):
            self.last_call = LastCall(self._clock.now(), good=True)
        else:
            self.heard(event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Judge a call by how it ends."""
        try:
            yield
        except AgentCancelled:  # what somebody asked for
            self._answered()
            raise
        except AgentError as error:
            good = not isinstance(error, UNWELL)
            trouble = "" if good else f"{type(error).__name__} {error.code or ''}".strip()
            self.last_call = LastCall(self._clock.now(), good, trouble)
            self._observer.agent_failed(self._name, error)
            raise
        # Whatever else leaves a call (a stop, a store that fails) says nothing about the agent.
        self._answered()

    def _answered(self) -> None:
        self.last_call = LastCall(self._clock.now(), good=True)
        self._observer.agent_answered(self._name)


class _Listening:
    """The agent's events, noticed in passing."""

    def __init__(self, events: AsyncIterator[AgentEvent], watched: WatchedAgent) -> None:
        self._events = events
        self._watched = watched

    def __aiter__(self) -> "_Listening":
        return self

    async def __anext__(self) -> AgentEvent:
        event = await anext(self._events)
        if isinstance(event, ChatStarted | ChatCompleted):
            self._watched.heard(event)
        return event
