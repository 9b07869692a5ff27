"""Workflows whose agent remembers how its last call went; see ``watched_agent``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.model import Interruption, RunEvent, WorkflowRun
from bridge.ports import Workflows
from bridge.watched_agent import WatchedAgent


class WatchedWorkflows:
    """``ports.Workflows`` by delegation: health and metrics count a run as a call of its agent."""

    def __init__(self, agent: WatchedAgent, workflows: Workflows) -> None:
        self._agent = agent
        self._workflows = workflows

    @asynccontextmanager
    async def run(self, run: WorkflowRun) -> AsyncIterator[AsyncIterator[RunEvent]]:
        with self._agent.watching():
            async with self._workflows.run(run) as events:
                yield self._heard(events)

    @asynccontextmanager
    async def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        with self._agent.watching():
            async with self._workflows.resume(run, asked, answer) as events:
                yield self._heard(events)

    @asynccontextmanager
    async def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        with self._agent.watching():
            async with self._workflows.follow(run, execute_id, answered) as events:
                yield self._heard(events)

    async def _heard(self, events: AsyncIterator[RunEvent]) -> AsyncIterator[RunEvent]:
        async for event in events:
            self._agent.heard_run(event)
            yield event
