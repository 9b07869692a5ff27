"""Group commit: who travels together, and what a failure takes with it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.errors import StateConflict, StoreUnavailable
from bridge.model import ConversationKey, Lease, Outcome, TurnState
from bridge.stores.batches import GroupCommit
from bridge.stores.book import Book
from bridge.stores.database import Database
from bridge.stores.layout import RowReader, Rows, open_book
from bridge.stores.writer import WriterThread
from bridge.testing.samples import make_conversation, make_turn

LIMIT_S = 10.0


class Disk:
    """Remembers the batches it was given; fails and stands still on demand."""

    def __init__(self) -> None:
        self.batches: list[Rows] = []
        self.failures: list[Exception] = []
        self.moves = threading.Event()
        self.moves.set()

    def write(self, rows: Rows) -> None:
        self.moves.wait(LIMIT_S)
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append(dict(rows))


@contextmanager
def group_commit(disk: Disk, *, limit_s: float = LIMIT_S, max_waiting: int = 100) -> Iterator[tuple[Book, GroupCommit]]:
    book, writer = Book(keeps_ended=False), WriterThread(max_jobs=10)
    yield book, GroupCommit(book, writer, disk.write, limit_s=limit_s, max_waiting=max_waiting)
    writer.stop()


def create(book: Book, name: str) -> Callable[[], bool]:
    return partial(book.create_turn, make_turn(name))


async def test_what_comes_together_travels_together() -> None:
    """Writes of one moment share a batch; those that come during a commit share the next."""
    disk = Disk()
    with group_commit(disk) as (book, commits):
        disk.moves.clear()
        async with asyncio.TaskGroup() as tasks:
            for name in "abc":
                tasks.create_task(commits.run(create(book, name)))
            await turn_of_the_loop()
            for name in "defg":
                tasks.create_task(commits.run(create(book, name)))
            await turn_of_the_loop()
            disk.moves.set()
        assert [len(batch) for batch in disk.batches] == [3, 4]


async def test_nothing_shows_before_it_is_durable() -> None:
    """Readers see a write when its batch is written; a repeat is told so only then, for the first may yet fail."""
    disk = Disk()
    with group_commit(disk) as (book, commits):
        disk.moves.clear()
        async with asyncio.TaskGroup() as tasks:
            first, repeat = (tasks.create_task(commits.run(create(book, "a"))) for _ in range(2))
            await turn_of_the_loop()
            assert book.unfinished(None) == []
            assert not repeat.done()
            disk.moves.set()
        assert (first.result(), repeat.result()) == (True, False)
        assert len(book.unfinished(None)) == 1


async def test_a_refusal_harms_nobody_else() -> None:
    """Decisions see those before them in the batch; one that is refused changes nothing."""
    disk = Disk()
    with group_commit(disk) as (book, commits):
        turn = make_turn("a")
        lease = book.acquire(turn.key, "me", 30, 0)
        assert lease is not None

        def advance(source: TurnState, target: TurnState) -> Callable[[], object]:
            return partial(book.advance, turn.turn_id, frozenset({source}), {"state": target}, lease, 1.0)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(commits.run(partial(book.create_turn, turn)))
            tasks.create_task(commits.run(advance(TurnState.ACCEPTED, TurnState.OPENING)))
            refused = tasks.create_task(refusal(commits.run(advance(TurnState.ACCEPTED, TurnState.ASKED))))
            tasks.create_task(commits.run(advance(TurnState.OPENING, TurnState.OPENED)))
        assert isinstance(refused.result(), StateConflict)
        assert len(disk.batches) == 1
        assert [turn.state for turn in book.unfinished(None)] == [TurnState.OPENED]


async def test_a_failed_batch_takes_all_of_it_along() -> None:
    """Every caller of the batch is told, refused ones too; nothing of it shows; the next batch is decided afresh."""
    disk = Disk()
    disk.failures = [StoreUnavailable("the disk is full")]
    with group_commit(disk) as (book, commits):
        disk.moves.clear()
        async with asyncio.TaskGroup() as tasks:
            lost = [tasks.create_task(refusal(commits.run(create(book, name)))) for name in "aab"]
            await turn_of_the_loop()
            later = tasks.create_task(commits.run(create(book, "a")))
            await turn_of_the_loop()
            disk.moves.set()
        assert [str(task.result()) for task in lost] == ["the disk is full"] * 3
        assert len({id(task.result()) for task in lost}) == 3
        assert later.result()
        assert [turn.turn_id for turn in book.unfinished(None)] == [make_turn("a").turn_id]


async def test_what_failed_is_cleared_up_by_the_next_batch() -> None:
    """A failed commit may have left its rows in the file after all: the next one writes what they really are."""
    disk = Disk()
    with group_commit(disk) as (book, commits):
        await commits.run(partial(book.remember, "fact", "old", None, 0.0))
        disk.failures = [OSError("who knows what happened")]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refusal(commits.run(partial(book.remember, "fact", "new", None, 0.0))))
            tasks.create_task(refusal(commits.run(create(book, "a"))))
        assert commits.failure == "OSError: who knows what happened"
        await commits.run(partial(book.bind, make_conversation("key")))
        assert disk.batches[1].keys() == {"note/fact", f"turn/{make_turn('a').turn_id}", "conversation/key"}
        assert disk.batches[1][f"turn/{make_turn('a').turn_id}"] is None
        assert disk.batches[1]["note/fact"] == disk.batches[0]["note/fact"]
        assert commits.failure is None
        await commits.run(partial(book.remember, "fact", None, None, 0.0))
        assert disk.batches[2] == {"note/fact": None}


async def test_a_disk_that_stands_still_keeps_nobody_waiting() -> None:
    """The batch and those behind it fail at the limit, new calls at once; when the disk moves again, all goes on."""
    disk = Disk()
    with group_commit(disk, limit_s=0.4) as (book, commits):
        disk.moves.clear()
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            flying = tasks.create_task(refusal(commits.run(create(book, "a"))))
            await turn_of_the_loop()
            waiting = tasks.create_task(refusal(commits.run(create(book, "b"))))
        assert "did not answer" in str(flying.result())
        assert "did not answer" in str(waiting.result())
        with pytest.raises(StoreUnavailable, match="did not answer"):
            await commits.run(create(book, "c"))
        await commits.drain()
        disk.moves.set()
        async with asyncio.timeout(LIMIT_S):
            # the thread has no event to tell that it moves again
            while await refusal(commits.run(create(book, "d"))):  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)
        assert [turn.turn_id for turn in book.unfinished(None)] == [make_turn("d").turn_id]
        assert disk.batches[1][f"turn/{make_turn('a').turn_id}"] is None


async def test_too_many_waiting_writes_are_refused() -> None:
    """The line is bounded; one more is told so at once."""
    disk = Disk()
    with group_commit(disk, max_waiting=3) as (book, commits):
        disk.moves.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(commits.run(create(book, "flying")))
            await turn_of_the_loop()
            for name in "abc":
                tasks.create_task(commits.run(create(book, name)))
            await turn_of_the_loop()
            with pytest.raises(StoreUnavailable, match="3 writes wait"):
                await commits.run(create(book, "d"))
            disk.moves.set()
        assert len(book.unfinished(None)) == 4


async def test_a_cancelled_write_is_taken_back_while_it_waits() -> None:
    """Until it is decided; what is already on its way stands, although nobody hears of it."""
    disk = Disk()
    with group_commit(disk) as (book, commits):
        disk.moves.clear()
        async with asyncio.TaskGroup() as tasks:
            on_its_way = tasks.create_task(commits.run(create(book, "a")))
            await turn_of_the_loop()
            waiting = tasks.create_task(commits.run(create(book, "b")))
            await turn_of_the_loop()
            on_its_way.cancel()
            waiting.cancel()
            await turn_of_the_loop()
            disk.moves.set()
            await commits.drain()
        assert [turn.turn_id for turn in book.unfinished(None)] == [make_turn("a").turn_id]
        assert len(disk.batches) == 1


EVENTS = ("create", "end", "change", "bind", "unbind", "remember", "forget", "purge")
events = st.tuples(st.sampled_from(EVENTS), st.integers(0, 3))
fates = st.sampled_from(["fine", "fine", "fails before", "fails after"])
histories = st.lists(st.tuples(st.lists(events, max_size=5), fates), max_size=15)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(history=histories)
@example([([("create", 0)], "fine"), ([("end", 0)], "fine"), ([("purge", 0)], "fails after")])
@example([([("create", 0)], "fine"), ([("end", 0)], "fine"), ([("change", 0)], "fails after")])
@example([([("create", 0)], "fine"), ([("end", 0)], "fails after")])
def test_the_file_says_what_memory_says(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[list[tuple[str, int]], str]]
) -> None:
    """Whatever failed, and whether or not a failed commit landed: after the next good one they agree."""
    path = tmp_path_factory.mktemp("agree") / "bridge.sqlite"
    life = Life(path)
    with asyncio.Runner() as runner:
        runner.run(life.live(history))
    again = open_book(life.database, path)
    for table, read in ((life.book.turns, again.turns), (life.book.conversations, again.conversations)):
        assert table.settled == read.settled
    assert life.book.notes.settled == again.notes.settled
    assert {id_: ended.changed_at_s for id_, ended in life.book.ended.settled.items()} == {
        id_: ended.changed_at_s for id_, ended in again.ended.settled.items()
    }
    for id_, ended in again.ended.settled.items():
        assert life.rows.ended_turn(id_, ended.changed_at_s) is not None
    life.database.close()


@pytest.mark.parametrize("fate", ["fails before", "fails after"])
async def test_taking_up_an_ended_turn_in_vain_does_not_lose_it(tmp_path: Path, fate: str) -> None:
    """Its only text was in the row that the failed batch replaced; it is written again."""
    life = Life(tmp_path / "bridge.sqlite")
    await life.live([([("create", 0)], "fine"), ([("end", 0)], "fine"), ([("change", 0)], fate)])
    book = open_book(life.database, tmp_path)
    ended = book.ended.settled[make_turn("0").turn_id]
    read = life.rows.ended_turn(make_turn("0").turn_id, ended.changed_at_s)
    assert read is not None
    assert read.state is TurnState.ENDED
    assert book.turns.settled == {}
    life.database.close()


class Life:
    """A book on a real file whose commits may fail before or after they land."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, limit_s=LIMIT_S)
        self.database.open()
        self.rows = RowReader(self.database, path)
        self.book = open_book(self.database, path)
        self.fate = "fine"
        self.now_s = 1.0

    def write(self, rows: Rows) -> None:
        if self.fate == "fails before":
            raise StoreUnavailable("before")
        self.database.write(rows)
        if self.fate == "fails after":
            raise StoreUnavailable("after")

    async def live(self, history: list[tuple[list[tuple[str, int]], str]]) -> None:
        writer = WriterThread(max_jobs=10)
        commits = GroupCommit(self.book, writer, self.write, limit_s=LIMIT_S, max_waiting=100)
        lease = self.book.acquire(make_turn("").key, "me", 1e9, 0.0)
        assert lease is not None
        for happening, fate in [*history, ([("remember", 9)], "fine")]:
            self.fate = fate
            self.now_s += 1
            decisions = [self.decision(event, number, lease) for event, number in happening]
            async with asyncio.TaskGroup() as tasks:
                for decide in decisions:
                    tasks.create_task(refusal(commits.run(decide)))
        writer.stop()

    def decision(self, event: str, number: int, lease: Lease) -> Callable[[], object]:
        book, key, turn_id = self.book, ConversationKey(f"key{number}"), make_turn(str(number)).turn_id
        match event:
            case "create":
                return create(book, str(number))
            case "end":
                changes = {"state": TurnState.ENDED, "outcome": Outcome.DELIVERED}
                return partial(book.advance, turn_id, frozenset({TurnState.ACCEPTED}), changes, lease, self.now_s)
            case "change":
                changes = {"state": TurnState.OPENING}
                return partial(book.advance, turn_id, frozenset(TurnState), changes, lease, self.now_s)
            case "bind":
                return partial(book.bind, make_conversation(key, conversation_id=str(self.now_s)))
            case "unbind":
                return partial(book.unbind, key)
            case "remember":
                return partial(book.remember, key, str(self.now_s), None, self.now_s)
            case "forget":
                return partial(book.remember, key, None, None, self.now_s)
            case _:
                return partial(book.forget_ended, book.ended_before(1e12), 1e12)


async def refusal(call: Awaitable[object]) -> Exception | None:
    """Return the error of a store's call instead of raising it."""
    try:
        await call
    except (StoreUnavailable, StateConflict) as exc:
        return exc
    return None


async def turn_of_the_loop() -> None:
    """Let every task go as far as it gets, and what they asked for be sent."""
    for _ in range(5):
        await asyncio.sleep(0)
