"""Waiting for a run by asking: never more often than once a second, never for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from bridge.coze.polling import wait_until_over
from bridge.coze.protocol import ChatView
from bridge.errors import AgentRateLimited, AgentRejected, AgentSilent, AgentUnavailable
from bridge.model import ChatRef, ChatStatus
from bridge.testing.clock import FakeClock

REF = ChatRef("1", "2")
RUNNING = ChatView(REF, ChatStatus.RUNNING)
LOST = AgentUnavailable("lost", outcome_unknown=True)


def looks(
    clock: FakeClock, script: Iterable[ChatView | Exception]
) -> tuple[Callable[[], Awaitable[ChatView]], list[float]]:
    """Return a retrieve that plays a script, its last step for ever, and the times at which it was called."""
    steps, times = list(script), []

    async def retrieve() -> ChatView:
        times.append(clock.now())
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, Exception):
            raise step
        return step

    return retrieve, times


async def wait(clock: FakeClock, retrieve: Callable[[], Awaitable[ChatView]], first_after_s: float = 0.0) -> ChatView:
    """Wait with a deadline of 60 s and 10 s of patience without an answer, in the test's time."""
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(
            wait_until_over(retrieve, clock, deadline=60.0, unreachable_s=10.0, first_after_s=first_after_s)
        )
        await clock.run(100)
    return waiting.result()


@pytest.mark.parametrize("status", [s for s in ChatStatus if s is not ChatStatus.RUNNING])
async def test_every_terminal_state_ends_it(status: ChatStatus) -> None:
    """Completed, failed, cancelled and waiting for an action all end the polling, a second apart."""
    clock = FakeClock()
    retrieve, times = looks(clock, [RUNNING, RUNNING, ChatView(REF, status)])
    assert (await wait(clock, retrieve, first_after_s=1.0)).status is status
    assert times == [1.0, 2.0, 3.0]


async def test_failures_in_passing_are_survived() -> None:
    """An outage shorter than the patience does not matter; ``Retry-After`` is honoured."""
    clock = FakeClock()
    limited = AgentRateLimited("slow", retry_after_s=4.0)
    retrieve, times = looks(clock, [LOST, RUNNING, LOST, limited, RUNNING, ChatView(REF, ChatStatus.COMPLETED)])
    assert (await wait(clock, retrieve)).over
    assert times == [0.0, 1.0, 2.0, 3.0, 7.0, 8.0]


async def failure(script: Iterable[ChatView | Exception]) -> tuple[BaseException, list[float]]:
    clock = FakeClock()
    retrieve, times = looks(clock, script)
    with pytest.raises(ExceptionGroup) as caught:
        await wait(clock, retrieve)
    return caught.value.exceptions[0], times


async def test_a_long_outage_ends_it() -> None:
    """Ten seconds without any answer are enough."""
    error, times = await failure([RUNNING, LOST])
    assert type(error) is AgentUnavailable
    assert error.outcome_unknown
    assert times[-1] == 10.0


async def test_the_deadline_ends_it() -> None:
    """A run that never ends is silence, after the deadline's last look."""
    error, times = await failure([RUNNING])
    assert isinstance(error, AgentSilent)
    assert times[-1] == 60.0
    assert len(times) == 61


async def test_a_refusal_ends_it_at_once() -> None:
    """What waiting cannot cure is not waited for."""
    error, times = await failure([AgentRejected("no")])
    assert isinstance(error, AgentRejected)
    assert times == [0.0]
