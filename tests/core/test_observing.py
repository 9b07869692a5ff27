"""What the core tells while it works: connections that know since when, requests and their ends."""

import asyncio

import pytest

from bridge.errors import (
    BridgeError,
    MessageGone,
    PartTooLong,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
    StoreUnavailable,
)
from bridge.model import Budget
from bridge.observing import Connection, ReplyWatch
from bridge.testing.clock import FakeClock
from bridge.testing.observing import Notes

BUDGETS = (Budget("chat:T1:edit", 5, 5.0), Budget("chat:requests", 50, 1.0))


def test_a_connection_knows_since_when_and_how_often() -> None:
    """Only changes count, not what an adapter repeats; a supervisor's clearing of what was never set is none."""
    clock, notes = FakeClock(), Notes()
    clock.advance(1.0)
    connection = Connection("chat", clock, notes)
    connection.clear()
    assert (connection.changed_at, notes.told) == (1.0, [])
    clock.advance(2.0)
    connection.set()
    clock.advance(2.0)
    connection.set()
    assert (connection.is_set(), connection.changed_at, connection.connects) == (True, 3.0, 1)
    connection.clear()
    connection.clear()
    assert (connection.is_set(), connection.changed_at) == (False, 5.0)
    connection.set()
    assert connection.connects == 2
    assert notes.of("adapter_connected") == [("chat", True), ("chat", False), ("chat", True)]


async def test_a_connection_can_be_waited_for() -> None:
    """It is an event like any other to whoever waits."""
    connection = Connection("chat", FakeClock())
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.wait())
        await asyncio.sleep(0)
        connection.set()


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "ok"),
        (PlatformRateLimited("slow down", retry_after_s=1.0), "refused"),
        (PlatformUnavailable("down", outcome_unknown=True), "failed"),
        (MessageGone("deleted"), "gone"),
        (PlatformRejected("archived"), "rejected"),
        (PartTooLong("too long"), "rejected"),
    ],
)
def test_a_request_ends_once_and_by_name(error: BridgeError | None, result: str) -> None:
    """Every end of a request is told with one word, and its error goes on to whoever handles it."""
    notes = Notes()
    watch = ReplyWatch(notes, FakeClock(), "chat", 0.0)
    raised = None
    try:
        with watch.request("edit", BUDGETS):
            if error is not None:
                raise error
    except BridgeError as caught:
        raised = caught
    assert raised is error
    assert notes.of("request_ended") == [("chat", "edit", result)]


def test_what_is_ours_is_no_end_of_a_request() -> None:
    """A store that fails under a post, or a cancellation, says nothing about the platform."""
    notes = Notes()
    watch = ReplyWatch(notes, FakeClock(), "chat", 0.0)
    for error in (StoreUnavailable("disk full"), asyncio.CancelledError()):
        with pytest.raises(type(error)), watch.request("post", BUDGETS):
            raise error
    assert notes.told == []


def test_a_refusal_names_the_allowance() -> None:
    """The one the platform names, else the nearest one of the request."""
    notes = Notes()
    watch = ReplyWatch(notes, FakeClock(), "chat", 0.0)
    for budget in ("chat:requests", ""):
        with pytest.raises(PlatformRateLimited), watch.request("edit", BUDGETS):
            raise PlatformRateLimited("slow down", retry_after_s=1.0, budget=budget)
    with pytest.raises(PlatformRateLimited), watch.request("edit", ()):
        raise PlatformRateLimited("slow down", retry_after_s=1.0)
    assert notes.of("request_refused") == [("chat", "chat:requests"), ("chat", "chat:T1:edit"), ("chat", "")]


def test_first_words_and_the_whole_answer() -> None:
    """Measured from the question and from the agent; our own sentences alone are no answer."""
    clock, notes = FakeClock(), Notes()
    watch = ReplyWatch(notes, clock, "chat", clock.wall() - 5.0)
    watch.shown("", None)
    watch.shown("  ", 0.0)
    watch.all_shown(0.0)
    assert notes.told == []
    clock.advance(2.0)
    watch.shown("Hello", 1.5)
    watch.shown("Hello, you", 1.5)
    clock.advance(2.0)
    watch.all_shown(3.75)
    assert notes.of("first_words_shown") == [("chat", 7.0, 0.5)]
    assert notes.of("answer_shown") == [("chat", 9.0, 0.25)]


def test_words_that_an_earlier_process_showed() -> None:
    """When they came to be seen is not known and not told; the whole answer is."""
    notes = Notes()
    watch = ReplyWatch(notes, FakeClock(), "chat", 0.0)
    watch.words_stand()
    watch.shown("Hello", 0.0)
    watch.all_shown(0.0)
    assert [note[0] for note in notes.told] == ["answer_shown"]


def test_a_wall_clock_that_was_set_back_makes_no_negative_time() -> None:
    """The question's time comes from another clock reading, perhaps of another day."""
    clock, notes = FakeClock(), Notes()
    ReplyWatch(notes, clock, "chat", clock.wall() + 60.0).shown("Hello", 0.0)
    assert notes.of("first_words_shown") == [("chat", 0.0, 0.0)]
