"""An agent that remembers how its last call went, and changes nothing of what it does."""

import pytest

from bridge.errors import (
    AgentBusy,
    AgentCancelled,
    AgentError,
    AgentProtocolError,
    AgentRateLimited,
    AgentRejected,
    AgentUnauthorized,
    AgentUnavailable,
    ConversationGone,
)
from bridge.model import AgentEvent, ChatRef, ChatStarted, Question
from bridge.operations.watched_agent import LastCall, WatchedAgent
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import FakeAgent, Step, spoken
from bridge.testing.observing import Notes

QUESTION = Question("bot-1", "user", "conversation-1", "hello", "mark")
CHAT = ChatRef("conversation-1", "chat-1")


def watched(*scripts: list[Step]) -> tuple[WatchedAgent, FakeAgent, FakeClock, Notes]:
    """A fake agent under watch."""
    agent, clock, notes = FakeAgent(*scripts), FakeClock(), Notes()
    return WatchedAgent("default", agent, clock, notes), agent, clock, notes


async def listen(agent: WatchedAgent) -> list[AgentEvent]:
    """Ask and hear the answer to its end."""
    async with agent.ask(QUESTION) as events:
        return [event async for event in events]


async def test_a_good_answer_is_remembered_with_its_cost() -> None:
    """The events pass unchanged; good is told when it has ended, and known from its beginning."""
    agent, _, clock, notes = watched(spoken("Hel", "lo"))
    assert agent.last_call is None
    async with agent.ask(QUESTION) as events:
        first = await anext(events)
        assert isinstance(first, ChatStarted)
        assert agent.last_call == LastCall(0.0, good=True)
        assert notes.told == []
        clock.advance(3.0)
        rest = [event async for event in events]
    assert [first, *rest] == [ChatStarted(CHAT), *spoken("Hel", "lo")[1:]]
    assert agent.last_call == LastCall(3.0, good=True)
    assert notes.told == [("tokens_used", "default", 3), ("agent_answered", "default")]


@pytest.mark.parametrize(
    ("error", "good"),
    [
        (AgentUnavailable("down", outcome_unknown=True), False),
        (AgentUnauthorized("expired", code=4100), False),
        (AgentRateLimited("quota", retry_after_s=None, code=4028), False),
        (AgentProtocolError("HTML"), False),
        (AgentBusy("occupied", code=4016), True),
        (AgentRejected("bad question", code=4000), True),
        (ConversationGone("gone", code=4002), True),
    ],
)
async def test_what_a_failure_says_about_the_service(error: AgentError, good: bool) -> None:
    """A refusal of one question comes from a service that is well; each failure is told once and goes on."""
    agent, _, _, notes = watched([ChatStarted(CHAT), error])
    with pytest.raises(type(error)) as caught:
        await listen(agent)
    assert caught.value is error
    code = f" {error.code}" if error.code else ""
    assert agent.last_call == LastCall(0.0, good, "" if good else f"{type(error).__name__}{code}")
    assert notes.told == [("agent_failed", "default", type(error).__name__)]


async def test_a_run_that_was_cancelled_is_no_failure() -> None:
    """Somebody asked for it, and the service complied."""
    agent, _, _, notes = watched([ChatStarted(CHAT), AgentCancelled("cancelled")])
    with pytest.raises(AgentCancelled):
        await listen(agent)
    assert agent.last_call == LastCall(0.0, good=True)
    assert notes.told == [("agent_answered", "default")]


async def test_a_good_call_makes_up_for_a_bad_one() -> None:
    """Only the last one counts; fetching an answer is a call too."""
    agent, _, clock, _ = watched([AgentUnavailable("down", outcome_unknown=False)], spoken("Hello"))
    with pytest.raises(AgentUnavailable):
        await listen(agent)
    clock.advance(1.0)
    async with agent.follow(CHAT) as events:
        async for _ in events:
            pass
    assert agent.last_call == LastCall(1.0, good=True)


async def test_leaving_early_says_nothing_about_the_agent() -> None:
    """A stop, a platform or a store that fails while we listen is not the agent's doing."""
    agent, _, _, notes = watched(spoken("Hello"))
    with pytest.raises(RuntimeError):
        async with agent.ask(QUESTION):
            raise RuntimeError("ours")
    assert (agent.last_call, notes.told) == (None, [])


async def test_every_other_call_is_passed_on_and_counted() -> None:
    """The agent behind it is asked what we were asked, and its answers come back."""
    agent, inner, _, notes = watched()
    assert agent.capabilities is inner.capabilities
    assert await agent.create_conversation("bot-1") == "conversation-1"
    assert await agent.status(CHAT) == "completed"
    assert await agent.cancel(CHAT) == "canceled"
    assert inner.cancelled == [CHAT]
    assert await agent.clear("c") == "c-cleared"
    assert await agent.find_question("c", "mark") is None
    assert await agent.upload("a.txt", "text/plain", b"a") == "file-a.txt"
    await agent.rate("c", "m", good=True, comment="fine")
    assert (await agent.profile("bot-1")).name == "fake"
    assert notes.of("agent_answered") == [("default",)] * 8
