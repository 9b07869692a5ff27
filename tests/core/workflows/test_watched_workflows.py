"""Health and metrics count a run as a call of its agent."""

import pytest

from bridge.errors import AgentUnavailable
from bridge.model import Interruption, RunAccepted, Usage, WorkflowRun
from bridge.observing import Unobserved
from bridge.operations.watched_agent import WatchedAgent
from bridge.operations.watched_workflows import WatchedWorkflows
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import FakeAgent
from bridge.testing.workflows import FakeWorkflows, said


class Counting(Unobserved):
    """Keeps the tokens it is told of."""

    def __init__(self) -> None:
        self.tokens: list[tuple[str, int]] = []

    def tokens_used(self, agent: str, usage: Usage) -> None:
        self.tokens.append((agent, usage.total_tokens))


async def test_every_way_to_run_is_watched() -> None:
    """A good end, a failure, and what it cost."""
    counting = Counting()
    agent = WatchedAgent("default", FakeAgent(), FakeClock(), counting)
    lost = AgentUnavailable("lost", outcome_unknown=True, code=5000)
    scripts = [[RunAccepted("1"), *said("a")], [lost], said("b")]
    watched = WatchedWorkflows(agent, FakeWorkflows(*scripts))
    run = WorkflowRun("42")
    async with watched.run(run) as events:
        assert len([event async for event in events]) == 3
    assert agent.last_call is not None
    assert agent.last_call.good
    with pytest.raises(AgentUnavailable):
        async with watched.resume(run, Interruption("1/2"), "yes") as events:
            [event async for event in events]
    assert agent.last_call.trouble == "AgentUnavailable 5000"
    async with watched.follow(run, "1") as events:
        assert len([event async for event in events]) == 2
    assert agent.last_call.good
    assert counting.tokens == [("default", 3), ("default", 3)]
