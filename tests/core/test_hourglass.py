"""The keeper of waiting marks: one per question, none too late, none left behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.delivery.hourglass import Hourglass, Marks
from bridge.errors import PlatformUnavailable
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock


class FakeMarks:
    """Marks on a board; ``refused``: nobody may put one; ``busy``: so many calls fail for now."""

    def __init__(self) -> None:
        self.board: set[str] = set()
        self.calls: list[str] = []
        self.refused = False
        self.busy = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def note_of(self, ref: str) -> str:
        return f"{ref}:hourglass"

    def are_possible(self, ref: str) -> bool:
        return not self.refused

    async def put(self, ref: str) -> bool:
        await self._call(f"put {ref}")
        if ref == "forbidden":
            self.refused = True
            return False
        self.board.add(ref)
        return True

    async def take(self, ref: str) -> None:
        await self._call(f"take {ref}")
        self.board.discard(ref)

    async def _call(self, name: str) -> None:
        self.calls.append(name)
        await self.gate.wait()
        if self.busy:
            self.busy -= 1
            raise PlatformUnavailable("busy", outcome_unknown=False)


_: Marks[str] = FakeMarks.__new__(FakeMarks)


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    async with MemoryStore(FakeClock()) as opened:
        yield opened


@pytest.fixture
def marks() -> FakeMarks:
    return FakeMarks()


async def test_a_question_is_marked_once_and_never_after_its_turn(marks: FakeMarks, store: MemoryStore) -> None:
    """By whichever reply object, and in whichever order these come to it."""
    hourglass = Hourglass(marks, store)
    assert await hourglass.put("q")
    assert await hourglass.put("q")
    await hourglass.lift("q")
    assert await hourglass.put("q")
    assert (marks.calls, marks.board) == (["put q", "take q"], set())


async def test_a_mark_on_its_way_is_taken_away_after_it_arrived(marks: FakeMarks, store: MemoryStore) -> None:
    """The turn comes while the mark is still being put."""
    hourglass = Hourglass(marks, store)
    marks.gate.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(hourglass.put("q"))
        await asyncio.sleep(0)
        group.create_task(hourglass.lift("q"))
        await asyncio.sleep(0)
        marks.gate.set()
    assert (marks.calls, marks.board) == (["put q", "take q"], set())


async def test_a_refusal_is_told_and_leaves_nothing_behind(marks: FakeMarks, store: MemoryStore) -> None:
    """The caller posts a sentence instead; nobody tries again."""
    hourglass = Hourglass(marks, store)
    assert not await hourglass.put("forbidden")
    assert not await hourglass.put("q")
    assert await store.note("forbidden:hourglass") is None
    assert marks.calls == ["put forbidden"]


async def test_what_cannot_be_taken_away_now_goes_with_a_later_one(marks: FakeMarks, store: MemoryStore) -> None:
    """And what an earlier process put is found by its note."""
    await Hourglass(marks, store).put("old")
    hourglass = Hourglass(marks, store)
    marks.busy = 1
    await hourglass.lift("old", thorough=True)
    assert marks.board == {"old"}
    await hourglass.lift("other", thorough=True)
    assert marks.board == set()
    assert await store.note("old:hourglass") is None
