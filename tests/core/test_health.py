"""Readiness: told from what is known, bounded by the store's patience, never by a call of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bridge.errors import AgentUnavailable, StoreUnavailable
from bridge.observing import Connection
from bridge.operations.health import BAD_CALL_COUNTS_S, Health
from bridge.operations.watched_agent import LastCall, WatchedAgent
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import FakeAgent


class Shaky(MemoryStore):
    """A store whose check fails or hangs when it is told to."""

    trouble: StoreUnavailable | None = None
    hangs = False

    async def check(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        await super().check()


@dataclass
class Scene:
    """A bridge's facts, in the test's hands."""

    clock: FakeClock
    store: Shaky
    connections: dict[str, Connection]
    agents: dict[str, WatchedAgent]
    health: Health


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """One connected adapter, one agent that was never called, a store that answers."""
    clock = FakeClock()
    connections = {"chat": Connection("chat", clock)}
    agents = {"default": WatchedAgent("default", FakeAgent(), clock)}
    store = Shaky(clock)
    async with store:
        connections["chat"].set()
        yield Scene(clock, store, connections, agents, Health(store, clock, connections, agents, store_limit_s=0.2))


async def test_ready_and_what_it_rests_on() -> None:
    """All is well; an agent nobody has asked yet is taken to be well, because finding out would cost a call."""
    async with scene() as here:
        here.clock.advance(12.34)
        found = await here.health.readiness()
    assert found.ready
    assert found.facts == {
        "ready": True,
        "stopping": False,
        "adapters": {"chat": {"ready": True, "connected": True, "changed_ago_s": 12.3, "reconnects": 0}},
        "store": {"ready": True, "took_s": 0.0},
        "agents": {"default": {"ready": True, "last_call": "none"}},
    }


async def test_an_adapter_that_is_away_is_told_with_the_time() -> None:
    """One of two is enough to be unready; its return is counted."""
    async with scene() as here:
        here.connections["other"] = Connection("other", here.clock)
        assert not (await here.health.readiness()).ready
        here.connections["other"].set()
        assert (await here.health.readiness()).ready
        here.connections["other"].clear()
        here.clock.advance(3.0)
        found = await here.health.readiness()
        assert not found.ready
        assert found.facts["adapters"]["other"] == {
            "ready": False,
            "connected": False,
            "changed_ago_s": 3.0,
            "reconnects": 0,
        }
        here.connections["other"].set()
        assert (await here.health.readiness()).facts["adapters"]["other"]["reconnects"] == 1


async def test_a_bridge_without_adapters_hears_nothing() -> None:
    """Before the first adapter is there, nothing could be received."""
    async with scene() as here:
        here.connections.clear()
        assert not (await here.health.readiness()).ready


async def test_a_store_that_fails_or_hangs() -> None:
    """Its own words, or that it did not answer in time; the page itself answers in either case."""
    async with scene() as here:
        here.store.trouble = StoreUnavailable("disk full")
        found = await here.health.readiness()
        assert not found.ready
        assert found.facts["store"]["trouble"] == "disk full"
        here.store.hangs = True
        async with asyncio.timeout(10):
            found = await here.health.readiness()
        assert not found.ready
        assert found.facts["store"]["trouble"] == "no answer within 0.2 s"


async def test_the_last_real_call_decides_for_a_while() -> None:
    """A bad one makes unready, a later good one ready again; an old bad one decides nothing."""
    async with scene() as here:
        agent = here.agents["default"]
        here.clock.advance(10.0)
        agent.last_call = LastCall(4.0, good=False, trouble="AgentUnauthorized 4100")
        found = await here.health.readiness()
        assert not found.ready
        assert found.facts["agents"]["default"] == {
            "ready": False,
            "last_call": "bad",
            "ago_s": 6.0,
            "trouble": "AgentUnauthorized 4100",
        }
        agent.last_call = LastCall(9.0, good=True)
        found = await here.health.readiness()
        assert found.ready
        assert found.facts["agents"]["default"] == {"ready": True, "last_call": "good", "ago_s": 1.0}
        agent.last_call = LastCall(10.0, good=False, trouble="AgentUnavailable")
        here.clock.advance(BAD_CALL_COUNTS_S + 1)
        found = await here.health.readiness()
        assert found.ready
        assert found.facts["agents"]["default"]["last_call"] == "bad"


async def test_judging_calls_no_agent() -> None:
    """Whatever is asked of the page, the agent hears nothing of it."""

    class Untouchable(FakeAgent):
        def __getattribute__(self, name: str) -> object:
            if not name.startswith("__"):
                raise AssertionError(f"{name} was used")
            return super().__getattribute__(name)

    async with scene() as here:
        here.agents["other"] = WatchedAgent("other", Untouchable.__new__(Untouchable), here.clock)
        assert (await here.health.readiness()).ready


async def test_what_stops_is_not_ready() -> None:
    """It still finishes answers, but takes no new question."""
    async with scene() as here:
        here.health.stopping = True
        found = await here.health.readiness()
    assert (found.ready, found.facts["stopping"]) == (False, True)


async def test_a_call_that_fails_for_real_reaches_the_page() -> None:
    """From the agent's error to the judgement, with nothing in between."""
    async with scene() as here:
        agent = WatchedAgent("default", Failing(), here.clock)
        here.agents["default"] = agent
        with pytest.raises(AgentUnavailable):
            await agent.create_conversation("bot-1")
        found = await here.health.readiness()
    assert found.facts["agents"]["default"]["trouble"] == "AgentUnavailable 5000"


class Failing(FakeAgent):
    """An agent whose service is down."""

    async def create_conversation(self, bot_id: str) -> str:
        raise AgentUnavailable("down", outcome_unknown=False, code=5000)
