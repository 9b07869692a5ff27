"""Workflows that say what a test scripts, typed as the port."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bridge.model import Interruption, NodeOutput, RunCompleted, RunEvent, Usage, WorkflowRun
from bridge.ports import Workflows

Step = RunEvent | Exception | asyncio.Event


def said(*texts: str, title: str = "Node") -> list[Step]:
    """Script a run whose nodes say these texts, each at once."""
    outputs: list[Step] = [NodeOutput(str(number), title, text, finished=True) for number, text in enumerate(texts)]
    return [*outputs, RunCompleted(Usage(1, 2, 3), "https://debug.example")]


class FakeWorkflows:
    """Plays each run, answer or look-up with the next script: events, errors to raise, gates to wait at.

    Attributes:
        runs, resumed, followed: What was asked of it, in order.
    """

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self.scripts = list(scripts)
        self.runs: list[WorkflowRun] = []
        self.resumed: list[tuple[WorkflowRun, Interruption, str]] = []
        self.followed: list[tuple[str, str]] = []

    @asynccontextmanager
    async def run(self, run: WorkflowRun) -> AsyncIterator[AsyncIterator[RunEvent]]:
        self.runs.append(run)
        yield self._play()

    @asynccontextmanager
    async def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        self.resumed.append((run, asked, answer))
        yield self._play()

    @asynccontextmanager
    async def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        self.followed.append((execute_id, answered))
        yield self._play()

    async def _play(self) -> AsyncIterator[RunEvent]:
        for step in self.scripts.pop(0):
            await asyncio.sleep(0)
            match step:
                case Exception():
                    raise step
                case asyncio.Event():
                    await step.wait()
                case _:
                    yield step


if TYPE_CHECKING:
    _: type[Workflows] = FakeWorkflows
