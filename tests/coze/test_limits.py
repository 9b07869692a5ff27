"""Coze's own limits as budgets: starts per second, chats at once, and waiting that can be seen."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.coze.limits import WINDOW_S, ChatLimits
from bridge.testing.clock import FakeClock
from sandbox.coze import Answer, CozeEmulator
from tests.coze.conftest import MakeAgent
from tests.coze.tools import collect, question, text_in


async def starts(clock: FakeClock, limits: ChatLimits, count: int, run_s: float) -> list[float]:
    """Start ``count`` chats at once and return when each was let through."""
    times: list[float] = []

    async def start(mark: str) -> None:
        await limits.start(mark)
        times.append(clock.now())

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(start(str(number)))
        await clock.run(run_s)
    return times


async def test_starts_per_second() -> None:
    """Five a second: the rest waits for the window to slide."""
    clock = FakeClock()
    limits = ChatLimits(clock, chats_per_s=5, concurrent_chats=100)
    assert await starts(clock, limits, 12, 10) == [0.0] * 5 + [WINDOW_S] * 5 + [2 * WINDOW_S] * 2


async def test_less_than_one_a_second() -> None:
    """Half a chat a second is one every two."""
    clock = FakeClock()
    limits = ChatLimits(clock, chats_per_s=0.5, concurrent_chats=100)
    assert await starts(clock, limits, 3, 10) == [0.0, 2 * WINDOW_S, 4 * WINDOW_S]


@given(st.floats(0.2, 50), st.integers(1, 60))
def test_no_second_holds_more_than_allowed(chats_per_s: float, count: int) -> None:
    """In any window there are never more starts than the budget says."""

    async def check() -> None:
        clock = FakeClock()
        limits = ChatLimits(clock, chats_per_s=chats_per_s, concurrent_chats=100)
        times = await starts(clock, limits, count, 400)
        assert len(times) == count
        burst = max(1, int(chats_per_s))
        window_s = max(1.0, burst / chats_per_s)
        for first, later in zip(times, times[burst:], strict=False):
            assert later - first >= window_s - 1e-6

    asyncio.run(check())


async def test_slots_are_given_in_order_and_seen() -> None:
    """The third of two waits, is told its place, and comes next."""
    told: list[tuple[str, int]] = []
    limits = ChatLimits(
        FakeClock(), chats_per_s=100, concurrent_chats=1, on_waiting=lambda mark, before: told.append((mark, before))
    )
    order: list[str] = []
    leave = asyncio.Event()

    async def chat(mark: str) -> None:
        async with limits.slot(mark):
            order.append(mark)
            await leave.wait()

    async with asyncio.TaskGroup() as tasks:
        for mark in "abc":
            tasks.create_task(chat(mark))
            await asyncio.sleep(0)
        assert (order, limits.running, limits.waiting) == (["a"], 1, 2)
        leave.set()
    assert order == ["a", "b", "c"]
    assert told == [("b", 0), ("c", 1)]
    assert (limits.running, limits.waiting) == (0, 0)


async def test_a_waiter_that_goes_away_is_not_counted() -> None:
    """Cancelled waiting leaves no trace and no gap."""
    limits = ChatLimits(FakeClock(), chats_per_s=100, concurrent_chats=1)
    async with limits.slot("a"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), limits.slot("b"):
                pass
        assert limits.waiting == 0
    async with limits.slot("c"):
        assert limits.running == 1


async def test_overflow_waits_instead_of_being_refused(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Configured below Coze's limits, twelve questions at once are never throttled."""
    coze.switches.chat_qps = 8
    coze.switches.max_concurrent_chats = 6
    coze.script(Answer(deltas=("a", "b"), delta_interval_s=0.02), times=None)
    agent = await make_agent(coze.base_url, speed=1.0, chats_per_s=5, concurrent_chats=6)
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(collect(agent.ask(question(mark=f"M{n}")))) for n in range(12)]
    assert [text_in(task.result()) for task in asked] == ["ab"] * 12
    assert len(coze.journal.select(kind="request", name="POST /v3/chat")) == 12
