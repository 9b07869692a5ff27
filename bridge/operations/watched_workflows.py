"""Workflows whose agent remembers how its last call went; see ``watched_agent``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.model import Interruption, RunEvent, WorkflowRun
from bridge.operations.watched_agent import WatchedAgent
from bridge.ports import Workflows


class WatchedWorkflows:
    """``ports.Workflows`` by delegation: health and metrics count a run as a call of its agent."""

    def __init__(self, agent: WatchedAgent, workflows: Workflows) -> None:
        self._agent = agent
        self._workflows = workflows

    @asynccontextmanager
    async def run(self, run: WorkflowRun) -> AsyncIterator[AsyncIterator[RunEvent]]:
        with self._agent.watching():
            async with self._workflows.run(run) as events:
                yield _Heard(events, self._agent)

    @asynccontextmanager
    async def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        with self._agent.watching():
            async with self._workflows.resume(run, asked, answer) as events:
                yield _Heard(events, self._agent)

    @asynccontextmanager
    async def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        with self._agent.watching():
            async with self._workflows.follow(run, execute_id, answered) as events:
                yield _Heard(events, self._agent)


class _Heard:
    """A run's events, noticed in passing."""

    def __init__(self, events: AsyncIterator[RunEvent], agent: WatchedAgent) -> None:
        self._events = events
        self._agent = agent

    def __aiter__(self) -> "_Heard":
        return self

    async def __anext__(self) -> RunEvent:
        event = await anext(self._events)
        self._agent.heard_run(event)
        return event
