"""The store file behind sqlitedict: durable, atomic, and nothing in it can hang."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlitedict import SqliteDict

from bridge.errors import StoreUnavailable
from bridge.stores.database import PAGE_ROWS, SYNCHRONOUS_FULL, TABLE, Database

LIMIT_S = 4.0


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """An open database on this test's file."""
    database = Database(path, limit_s=LIMIT_S)
    database.open()
    yield database
    database.close()


def connection(database: Database) -> SqliteDict:
    """What holds the writing connection; tests break it as disks and bugs would."""
    assert database._rows is not None
    return database._rows


def test_what_was_written_is_read(database: Database) -> None:
    """Texts come back, deleted rows do not."""
    database.write({"a/1": '{"x": "早"}', "a/2": "{}", "b/1": "{}"})
    database.write({"a/2": None, "nothing": None})
    assert database.read("a/1") == '{"x": "早"}'
    assert database.read("a/2") is None
    assert list(database.read_all("a/")) == [("a/1", '{"x": "早"}')]


def test_long_lists_come_whole(database: Database) -> None:
    """More rows than one page has are read in order, none twice, and none of other prefixes."""
    names = [f"a/{number:05}" for number in range(2 * PAGE_ROWS + 1)]
    database.write({**dict.fromkeys(names, "{}"), "A/": "{}", "a": "{}", "a0": "{}", "b/": "{}"})
    assert list(database.read_names("a/")) == names
    assert list(database.read_all("a/")) == [(name, "{}") for name in names]
    database.write({names[-1]: None})
    assert list(database.read_names("a/")) == names[:-1]


def test_commits_reach_the_disk(database: Database, path: Path) -> None:
    """The connection that writes says FULL, where sqlitedict had set OFF; the journal is a write-ahead log."""
    assert database.pragma("synchronous") == SYNCHRONOUS_FULL
    assert connection(database).conn.select_one("PRAGMA synchronous") == (SYNCHRONOUS_FULL,)
    assert database.pragma("journal_mode") == "wal"
    database.write({"a": "{}"})
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def test_a_new_connection_is_as_durable_as_the_first(database: Database) -> None:
    """What is opened again after a failure is FULL too."""
    connection(database).conn.close()
    database.write({"a": "{}"})
    assert database.pragma("synchronous") == SYNCHRONOUS_FULL


@pytest.mark.parametrize("how", ["ABORT", "FAIL", "ROLLBACK"])
@pytest.mark.parametrize("where", [0, 3, 5])
def test_a_batch_that_breaks_is_not_there_at_all(path: Path, how: str, where: int) -> None:
    """Whichever row fails, and whatever SQLite does about it by itself, no row of the batch is stored.

    With ROLLBACK the rows after the broken one would begin a transaction of their own.
    """
    database = Database(path, limit_s=LIMIT_S)
    database.open()
    database.write({"row 1": '"old"'})
    database.close()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute(
            f"CREATE TRIGGER breaks BEFORE INSERT ON {TABLE} WHEN NEW.value = 'poison'"
            f" BEGIN SELECT RAISE({how}, 'broken in the middle'); END"
        )
    database.open()
    batch: dict[str, str | None] = {f"row {number}": '"new"' for number in range(6)}
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="broken in the middle"):
            database.write(batch | {f"row {where}": "poison"})
        assert list(database.read_all("row ")) == [("row 1", '"old"')]
    database.write(batch)
    database.close()
    with closing(sqlite3.connect(path)) as plain:
        rows = plain.execute(f"SELECT key, value FROM {TABLE} ORDER BY key").fetchall()
    assert rows == list(batch.items())


def test_a_failed_delete_breaks_its_batch_too(path: Path) -> None:
    """Deletions are part of the batch like everything else."""
    database = Database(path, limit_s=LIMIT_S)
    database.open()
    database.write({"row 1": "{}"})
    connection(database).conn.select_one(
        f"CREATE TRIGGER breaks BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(FAIL, 'no'); END"
    )
    with pytest.raises(StoreUnavailable):
        database.write({"row 0": "{}", "row 1": None, "row 2": "{}"})
    assert list(database.read_names("row ")) == ["row 1"]
    database.close()


def test_a_locked_file_is_told_in_time(database: Database, path: Path) -> None:
    """While another program holds the write lock, writing fails within the limit; afterwards it works."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="another program holds"):
            database.write({"a": "{}"})
        assert time.monotonic() - started < LIMIT_S + 1
        other.execute("ROLLBACK")
    database.write({"a": "{}"})
    assert database.read("a") == "{}"


def test_a_dead_thread_is_replaced(database: Database) -> None:
    """sqlitedict's thread may die between two calls; the next call opens a new connection."""
    thread = connection(database).conn
    thread.close(force=True)
    thread.join()
    database.check()
    database.write({"a": "{}"})
    assert database.read("a") == "{}"


def test_a_thread_that_dies_under_a_call_ends_the_call(database: Database) -> None:
    """A call that waits for a thread that will never answer raises as soon as the thread is gone."""
    connection(database).conn.close(force=True)  # only queued: the write is sent before the thread ends
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="it is opened again at the next call"):
        database._first("SELECT 1")
    assert time.monotonic() - started < LIMIT_S
    database.write({"a": "{}"})
    assert database.read("a") == "{}"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_failure_that_hangs_sqlitedict_does_not_hang_us(database: Database) -> None:
    """An error after the first row kills sqlitedict's thread; its own ``select`` would then wait for ever."""
    database.write({"a": "1", "b": "-9223372036854775808"})
    with pytest.raises(StoreUnavailable):
        database._first(f"SELECT abs(CAST(value AS INTEGER)) FROM {TABLE} ORDER BY key")
    assert database.read("a") == "1"


def test_a_statement_that_takes_too_long_is_given_up(path: Path) -> None:
    """The connection is left to itself and replaced; closing does not wait for it without end."""
    database = Database(path, limit_s=0.3)
    database.open()
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3000000) SELECT max(x) FROM n"
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.3 s"):
        database._first(endless)
    database.write({"a": "{}"})
    assert database.read("a") == "{}"
    database.close()


def test_closing_a_dead_connection_returns(path: Path) -> None:
    """However the thread died, and however often it is closed."""
    database = Database(path, limit_s=LIMIT_S)
    database.open()
    thread = connection(database).conn
    thread.close(force=True)
    thread.join()
    started = time.monotonic()
    database.close()
    database.close()
    assert time.monotonic() - started < LIMIT_S
