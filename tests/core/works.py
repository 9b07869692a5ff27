"""Workflows in the world of ``life``: what was begun goes on alone, whoever dies. And how their turns must end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.errors import AgentError, AgentRejected
from bridge.model import (
    Interruption,
    NodeOutput,
    Outcome,
    RunAccepted,
    RunCompleted,
    RunEvent,
    RunInterrupted,
    TurnRecord,
    TurnState,
    Usage,
    WorkflowRun,
)
from bridge.routes import AgentBinding
from bridge.testing.fakes import ANNOUNCED, FakeMessage
from bridge.testing.workflows import FakeWorkflows
from bridge.texts import Say
from bridge.turns.announcing import is_unseen
from bridge.workflows.book import Flow, WorkflowBook
from bridge.workflows.settings import WorkflowSettings
from tests.core.mortal import Mortal

WEATHER, TRIP, REPORT = "weather", "trip", "report"
FLOWS = {
    name: WorkflowSettings.model_validate({"id": name, "run": run, "parameters": {"n": {}}})
    for name, run in ((WEATHER, "stream"), (TRIP, "stream"), (REPORT, "async"))
}
LOOKING, QUESTION = "Looking around. ", "Which day?"


def book_of(binding: AgentBinding) -> WorkflowBook:
    """What people can run: one that tells, one that asks back, one in the background."""
    return WorkflowBook({name: Flow(name, settings, binding) for name, settings in FLOWS.items()})


@dataclass
class Work:
    """One run at the service; ``answer`` is what it was told, once it was told something."""

    run: WorkflowRun
    number: int
    waits: bool = False
    answer: str = ""

    @property
    def result(self) -> str:
        """What it says in the end."""
        return f"Result {self.run.parameters['n']} {self.answer}".strip()


class Works(FakeWorkflows):
    """Keeps every run; the one that asks takes one answer. ``troubles`` befall the next runs, begun or not."""

    def __init__(self, mortal: Mortal) -> None:
        super().__init__()
        self._mortal = mortal
        self.begun: list[Work] = []
        self.troubles: list[tuple[bool, AgentError]] = []

    @asynccontextmanager
    async def run(self, run: WorkflowRun) -> AsyncIterator[AsyncIterator[RunEvent]]:
        self._mortal.step()
        arrives, trouble = self.troubles.pop(0) if self.troubles else (True, None)
        if arrives:
            self.begun.append(Work(run, len(self.begun), waits=run.workflow_id == TRIP))
        if trouble is not None:
            raise trouble
        yield self._tell(self.begun[-1])

    async def _tell(self, work: Work) -> AsyncIterator[RunEvent]:
        if work.run.workflow_id == REPORT:
            yield RunAccepted(f"{work.number}")
            self._mortal.step()
        else:
            yield NodeOutput("1", "Look", LOOKING, finished=True)
            self._mortal.step()
        if work.waits:
            yield RunInterrupted(Interruption(f"{work.number}", question=QUESTION))
            return
        yield NodeOutput("2", "End", work.result, finished=True)
        self._mortal.step()
        yield RunCompleted(Usage())

    @asynccontextmanager
    async def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        self._mortal.step()
        work = self.begun[int(asked.event_id)]
        if not work.waits:
            raise AgentRejected("not waited for", code=4315, said=Say.RUN_OVER)
        work.waits, work.answer = False, answer
        yield self._end(work)

    @asynccontextmanager
    async def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        self._mortal.step()
        yield self._end(self.begun[int(execute_id)])

    async def _end(self, work: Work) -> AsyncIterator[RunEvent]:
        self._mortal.step()
        yield NodeOutput("2", "End", work.result, finished=True)
        self._mortal.step()
        yield RunCompleted(Usage())

    # --- what must hold at the end ---

    def look_at(self, turn: TurnRecord, messages: list[FakeMessage]) -> None:
        """A run was begun once at most, stands below one line at most, and says what it said or why it did not."""
        begun = [work for work in self.begun if work.run.mark == turn.turn_id]
        lines = [message for message in messages if message.index == ANNOUNCED]
        parts = [message for message in messages if message.index not in (None, ANNOUNCED)]
        footers = [message.view.footer for message in parts if message.view.footer]
        shown = "".join("".join(message.view.text for message in parts).split())
        assert turn.state is TurnState.ENDED
        assert len(begun) <= 1, "begun twice"
        assert len(lines) <= 1, "announced twice"
        assert not is_unseen(turn) or not begun, "begun unseen"
        assert turn.answers is None or not begun, "an answer begins nothing"
        match turn.outcome:
            case Outcome.DELIVERED:
                assert shown in self._sayings(turn, begun), f"shown {shown}"
                assert len(footers) <= 1, footers
            case Outcome.FAILED | Outcome.STOPPED | Outcome.INTERRUPTED:
                assert any(saying.startswith(shown) for saying in self._sayings(turn, begun)), f"shown {shown}"
                never_began = not parts and not begun
                assert never_began or footers == [turn.footer], footers
            case Outcome.REFUSED:
                assert turn.answers is not None, "a run whose values are right is refused"
                assert footers == [turn.footer], footers
            case other:
                raise AssertionError(other)

    def _sayings(self, turn: TurnRecord, begun: list[Work]) -> set[str]:
        """Everything that a turn may show, squashed: of its own run, or of the one that it answered."""
        own = begun if turn.answers is None else [work for work in self.begun if work.run.mark == turn.answers]
        texts = {"", *(work.result for work in own)}
        if turn.answers is None:
            texts |= {f"{LOOKING}{work.result}" for work in own} | {f"{LOOKING}{QUESTION}"}
        return {"".join(text.split()) for text in texts}
