"""The two clocks: the system's and the test's."""

import asyncio

import pytest

from bridge.clock import SystemClock
from bridge.ports import Clock
from bridge.testing.clock import START_WALL_S, FakeClock

_: tuple[Clock, Clock] = (SystemClock(), FakeClock())


async def test_the_system_clock_tells_both_times() -> None:
    """Monotonic time grows across a sleep and wall time is a plausible unix time."""
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() > before
    assert clock.wall() > START_WALL_S


async def test_the_system_clock_waits_for_an_event_or_gives_up() -> None:
    """A set event is told at once; one that never comes ends the wait with false."""
    event = asyncio.Event()
    assert not await SystemClock().wait(event, 0.01)
    event.set()
    assert await SystemClock().wait(event, 60)


async def test_a_sleeper_wakes_when_the_test_moves_the_time() -> None:
    """Nothing wakes before its time, and both times move together."""
    clock = FakeClock()
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(clock.sleep(5))
        await clock.settle()
        clock.advance(4.9)
        await clock.settle()
        assert not sleeper.done()
        assert clock.sleepers == 1
        clock.advance(0.2)
    assert clock.sleepers == 0
    assert clock.now() == pytest.approx(5.1)
    assert clock.wall() == START_WALL_S + clock.now()


async def test_running_the_time_visits_every_alarm() -> None:
    """A loop that sleeps a second ticks at every second of the way."""
    clock = FakeClock()
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.now())

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        await clock.run(3.5)
        ticking.cancel()
    assert ticks == [1, 2, 3]
    assert clock.now() == 3.5


async def test_waiting_ends_with_the_event_or_the_time() -> None:
    """An event set in time is true, time that runs out is false, and no helper task stays behind."""
    clock = FakeClock()
    event = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        late = tasks.create_task(clock.wait(event, 2))
        await clock.run(2)
        assert not await late
        early = tasks.create_task(clock.wait(event, 2))
        await clock.settle()
        event.set()
        assert await early
    assert clock.sleepers == 0
