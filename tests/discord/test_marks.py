"""How far we have heard, over losses, restarts and several connections; pure but for a store in memory."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog.testing

from adapters.discord import limits
from adapters.discord.ids import heard_note, snowflake_at
from adapters.discord.marks import DIRECT, DIRECTS_MAX, THREADS_MAX, Marks
from bridge.clock import SystemClock
from bridge.errors import StoreUnavailable
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock

SLACK = int(limits.GATEWAY_DISORDER_S * 1000) << 22
HOUR = 3_600_000 << 22
GUILD, OTHER = "1300000000000000001", "1300000000000000002"


@pytest.fixture
def clock() -> FakeClock:
    """Time in the test's hands."""
    return FakeClock()


@pytest.fixture
def now(clock: FakeClock) -> int:
    """An id of now."""
    return snowflake_at(clock.wall())


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    """What outlives the marks."""
    async with MemoryStore(SystemClock()) as opened:
        yield opened


@pytest.fixture
def marks_for(store: MemoryStore, clock: FakeClock) -> Any:
    """Begin a life: marks as they were written."""

    async def load(*, sharded: bool = False) -> Marks:
        marks = Marks("work", store, clock, sharded=sharded)
        await marks.load()
        return marks

    return load


async def test_the_first_start_begins_now(marks_for: Any, now: int) -> None:
    """Nothing that was written before concerns us, on any connection, and in no later life."""
    marks = await marks_for()
    marks.began(0, 2, [GUILD])
    assert marks.behind(GUILD) == marks.behind(DIRECT) == now
    assert marks.behind(OTHER) is None
    marks.heard(now + 1)
    marks.began(1, 2, [OTHER])
    assert marks.behind(OTHER) == now
    await marks.save()
    again = await marks_for()
    again.began(0, 1, ["3"])
    assert again.behind("3") == now


@pytest.mark.parametrize("wrong", [-HOUR, HOUR])
async def test_our_clock_may_be_wrong(marks_for: Any, now: int, wrong: int) -> None:
    """The first message that is heard tells what time it is."""
    marks = await marks_for()
    marks.began(0, 1, [])
    first = now + wrong
    marks.heard(first)
    marks.heard(first + HOUR)
    marks.lost(0)
    marks.began(0, 1, [GUILD])
    assert marks.behind(GUILD) == first + HOUR - SLACK


async def test_a_new_session_continues_where_the_last_one_was_lost(marks_for: Any, now: int) -> None:
    """In one life and in the next, a little overlapping; a message out of order does not set it back."""
    marks = await marks_for()
    marks.began(0, 1, [])
    for number in (1, 3, 2):
        marks.heard(now + number * HOUR)
    marks.lost(0)
    marks.began(0, 1, [GUILD])
    assert marks.behind(GUILD) == now + 3 * HOUR - SLACK
    marks.caught_up(GUILD)
    await marks.save()
    again = await marks_for()
    again.began(0, 1, [GUILD])
    assert again.behind(GUILD) == now + 3 * HOUR - SLACK


async def test_who_was_not_caught_up_with_keeps_the_older_mark(marks_for: Any, now: int) -> None:
    """Over a restart, and over a session that ended too early."""
    marks = await marks_for()
    marks.began(0, 1, [GUILD, OTHER])
    marks.caught_up(OTHER)
    marks.heard(now + HOUR)
    marks.began(0, 1, [GUILD, OTHER])
    assert (marks.behind(GUILD), marks.behind(OTHER)) == (now, now + HOUR - SLACK)
    await marks.save()
    again = await marks_for()
    again.began(0, 1, [GUILD, OTHER])
    assert (again.behind(GUILD), again.behind(OTHER)) == (now, now + HOUR - SLACK)


async def test_a_lost_connection_is_not_carried_along_by_the_others(marks_for: Any, now: int) -> None:
    """Its servers are caught up with from its own loss; a crash meanwhile forgets nothing; a RESUME misses nothing."""
    slack = SLACK + (int(limits.QUIET_GATEWAY_S * 1000) << 22)
    marks = await marks_for(sharded=True)
    for shard in (0, 1):
        marks.began(shard, 2, [])
    marks.heard(now + HOUR)
    marks.lost(1)
    marks.heard(now + 2 * HOUR)
    await marks.save()
    crashed = await marks_for(sharded=True)
    crashed.began(0, 2, [GUILD])
    crashed.heard(now + 3 * HOUR)
    crashed.began(1, 2, [OTHER])
    assert crashed.behind(GUILD) == crashed.behind(OTHER) == now + HOUR - slack
    marks.began(1, 2, [OTHER])
    assert marks.behind(OTHER) == now + HOUR - slack
    marks.lost(0)
    marks.heard(now + 3 * HOUR)
    marks.resumed(0)
    marks.began(0, 2, [GUILD])
    assert marks.behind(GUILD) == now + 3 * HOUR - slack


async def test_a_server_out_of_order_is_caught_up_with(marks_for: Any, now: int) -> None:
    """From when it vanished."""
    marks = await marks_for()
    marks.began(0, 1, [])
    marks.heard(now + HOUR)
    marks.vanished(GUILD)
    marks.heard(now + 2 * HOUR)
    assert marks.behind(GUILD) == now + HOUR - SLACK


async def test_places_are_remembered_and_few(marks_for: Any) -> None:
    """The most recently used ones."""
    marks = await marks_for()
    for number in range(DIRECTS_MAX + 1):
        marks.used(str(number), "")
    for number in range(THREADS_MAX + 1):
        marks.used(f"t{number}", GUILD)
    marks.used("1", "")
    marks.used("t1", GUILD)
    marks.used("elsewhere", OTHER)
    marks.forget("2")
    await marks.save()
    again = await marks_for()
    assert again.directs[0] == "1"
    assert len(again.directs) == DIRECTS_MAX - 1
    assert not again.knows_direct("0")
    assert not again.knows_direct("2")
    assert again.threads_of(GUILD)[:2] == ("t1", f"t{THREADS_MAX}")
    assert len(again.threads_of(GUILD)) == THREADS_MAX - 1
    assert again.threads_of(OTHER) == ("elsewhere",)


async def test_only_changes_are_written_and_failures_come_again(
    marks_for: Any, store: MemoryStore, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a store that fails did not take is written the next time."""
    written: list[str | None] = []
    remember = store.remember

    async def watched(name: str, value: str | None, **more: Any) -> None:
        if len(written) == 1:
            written.append("failed")
            raise StoreUnavailable("disk full")
        written.append(value)
        await remember(name, value, **more)

    monkeypatch.setattr(store, "remember", watched)
    marks = await marks_for()
    assert len(written) == 1, "the first start is written down at once"
    await marks.save()
    assert len(written) == 1
    marks.heard(now + 1)
    for _ in range(3):
        await marks.save()
    assert len(written) == 3
    await marks_for()
    assert len(written) == 3
    assert str(now + 1) in (await store.note(heard_note("work")) or "")


async def test_an_unreadable_note_begins_anew(marks_for: Any, store: MemoryStore, now: int) -> None:
    """Rather than keeping us away."""
    await store.remember(heard_note("work"), "{")
    with structlog.testing.capture_logs() as logs:
        marks = await marks_for()
    assert [line["log_level"] for line in logs] == ["warning"]
    marks.began(0, 1, [GUILD])
    assert marks.behind(GUILD) == now


async def test_places_that_were_read_are_not_read_again_by_the_next_start(marks_for: Any, now: int) -> None:
    """While their server is not caught up with; what was written since is, and nothing stays of it afterwards."""
    marks = await marks_for()
    marks.heard(now)
    marks.began(0, 1, [GUILD])
    behind = marks.behind(GUILD)
    assert marks.place_behind("C1", GUILD) == marks.place_behind("C2", GUILD) == behind
    marks.was_read("C1", GUILD, now + HOUR)
    marks.was_read("C1", OTHER, now + HOUR)
    await marks.save()
    again = await marks_for()
    again.began(0, 1, [GUILD, OTHER])
    assert (again.place_behind("C1", GUILD), again.place_behind("C2", GUILD)) == (now + HOUR, behind)
    assert again.place_behind("C1", OTHER) == again.behind(OTHER)
    again.caught_up(GUILD)
    assert again.place_behind("C1", GUILD) is None
    again.vanished(GUILD)
    assert again.place_behind("C1", GUILD) == again.behind(GUILD)
