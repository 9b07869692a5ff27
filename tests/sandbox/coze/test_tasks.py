"""Work that outlives its request still has an owner."""

import asyncio

import pytest

from sandbox.coze.tasks import OwnedTasks


async def test_closing_ends_all_work() -> None:
    """Whatever still runs is cancelled, and over, when closing returns."""
    tasks = OwnedTasks()
    task = tasks.spawn(asyncio.Event().wait())  # type: ignore[arg-type] # its result does not matter
    await tasks.aclose()
    assert task.cancelled()


async def test_an_unplanned_error_is_raised_at_the_end() -> None:
    """A bug in the emulator's own work is not lost in a task."""

    async def fail() -> None:
        raise ZeroDivisionError

    tasks = OwnedTasks()
    await asyncio.wait([tasks.spawn(fail())])
    with pytest.raises(ExceptionGroup) as raised:
        await tasks.aclose()
    assert isinstance(raised.value.exceptions[0], ZeroDivisionError)
    await tasks.aclose()


async def test_hanging_up_ends_answers_but_not_work() -> None:
    """An outage cancels the requests being answered; spawned work goes on."""
    tasks = OwnedTasks()
    answering = asyncio.Event()

    async def answer() -> None:
        with tasks.answering():
            answering.set()
            await asyncio.Event().wait()

    work = tasks.spawn(asyncio.sleep(3600))
    async with asyncio.TaskGroup() as group:
        request = group.create_task(answer())
        await answering.wait()
        tasks.hang_up()
    assert request.cancelled()
    assert not work.done()
    await tasks.aclose()
