"""The store file: a ``SqliteDict`` of names and JSON texts, made durable, atomic and unable to hang.

Blocking; every method is called on the store's one writer thread. What sqlitedict 2.1 does by itself, and what is done
about it here:

* It turns ``synchronous`` OFF on every connection. We set FULL afterwards, on the connection that writes.
* Its values are pickles, which run code when read. We store JSON texts and refuse every value that is no text.
* It runs SQLite on a thread of its own and waits for answers without limit; a failed ``commit()`` kills that thread,
  and then everybody waits for ever. We never call ``commit()``, and every wait of ours ends when the thread does, or
  when the time is up. COMMIT is sent as plain SQL, whose errors come back.
* A queued write that fails is reported to whatever call comes next. So a read goes between the last write and COMMIT:
  it brings to light what failed before, and then nothing is committed.
* It cannot tell whether a ROLLBACK took place. If ours is not confirmed, the connection is thrown away, which rolls
  back too, and the next call opens a new one.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import msgspec
from sqlitedict import SqliteDict

from bridge.errors import StoreUnavailable
from bridge.stores import failures

TABLE = "bridge"
PAGE_ROWS = 500
CLOSE_LIMIT_S = 5.0
LIVENESS_S = 0.05
"""How often a wait looks whether sqlitedict's thread still lives."""
SYNCHRONOUS_FULL = 2
CACHE_KIB = 512
"""SQLite keeps so much of the file in memory, a quarter of its usual: rows are written once and hardly read."""

_READ_PAGE = f"""
    SELECT json_group_array(json_array(key, CASE typeof(value) WHEN 'text' THEN value END))
    FROM (SELECT key, value FROM {TABLE} WHERE key > ? AND key < ? ORDER BY key LIMIT {PAGE_ROWS})
"""
"""One row whatever it finds: an error then comes before the first row, where sqlitedict's thread survives it."""

_READ_NAMES = f"""
    SELECT json_group_array(key) FROM (SELECT key FROM {TABLE} WHERE key > ? AND key < ? ORDER BY key LIMIT {PAGE_ROWS})
"""

logging.getLogger("sqlitedict").addHandler(logging.NullHandler())
logging.getLogger("sqlitedict").propagate = False  # its errors reach us as exceptions; the log would say them again


class Database:
    """Rows of ``name -> JSON text`` in one file.

    Every method raises ``StoreUnavailable`` with a sentence for the operator when it fails, and returns within
    ``limit_s`` or soon after. After a failure the next call tries afresh.
    """

    def __init__(self, path: Path, *, limit_s: float) -> None:
        self._path = path
        self._limit_s = limit_s
        self._rows: SqliteDict | None = None

    def open(self) -> None:
        """Make the file if there is none, look at its structure, and connect."""
        self._make_file()
        self._look(thoroughly=True)
        self._connect()

    def close(self) -> None:
        """Disconnect; what was not committed is rolled back. Waits a few seconds at most."""
        rows, self._rows = self._rows, None
        if rows is not None:
            thread = rows.conn
            rows.close(force=True)  # only queues the request: waiting for the answer could last for ever
            thread.join(CLOSE_LIMIT_S)

    def read(self, name: str) -> str | None:
        """Return the text of one row."""
        self._connected()
        found = self._first(f"SELECT typeof(value), value FROM {TABLE} WHERE key = ?", (name,))
        if found is None:
            return None
        return self._text(name, found[1] if found[0] == "text" else None)

    def read_all(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield names and texts of all rows whose name begins with ``prefix``, in order of their names."""
        for name, text in self._pages(_READ_PAGE, prefix):
            yield name, self._text(name, text)

    def read_names(self, prefix: str) -> Iterator[str]:
        """Yield the names of all rows that begin with ``prefix``; the texts are not touched."""
        yield from self._pages(_READ_NAMES, prefix)

    def write(self, changes: Mapping[str, str | None]) -> None:
        """Put rows, or delete them where the text is ``None``: all of them, durably, or none."""
        rows = self._connected()
        try:
            for name, text in changes.items():
                if text is None:
                    rows.conn.execute(f"DELETE FROM {TABLE} WHERE key = ?", (name,))
                else:
                    rows[name] = text
            self._first("SELECT 1")
            self._first("COMMIT")
        except BaseException as exc:
            self._roll_back()
            if isinstance(exc, sqlite3.Error):
                raise failures.database_failure(exc, self._path) from exc
            raise

    def pragma(self, name: str) -> Any:
        """Return a setting of the connection that writes."""
        self._connected()
        return self._pragma(name)

    def check(self) -> None:
        """Return if the database answers."""
        self._connected()
        self._first("SELECT 1")

    def _pragma(self, name: str) -> Any:
        found = self._first(f"PRAGMA {name}")
        return found[0] if found else None

    # --- opening ---

    def _make_file(self) -> None:
        try:
            make_folder(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as exc:
            raise failures.file_failure(exc, self._path) from exc

    def _look(self, *, thoroughly: bool) -> None:
        """Do once with the plain library what sqlitedict does on opening: there a failure would kill a thread."""
        try:
            with closing(sqlite3.connect(self._path, timeout=self._limit_s / 4)) as plain:
                if thoroughly:
                    finding = plain.execute("PRAGMA quick_check(1)").fetchone()[0]
                    if finding != "ok":
                        raise failures.damaged(self._path, finding)
                plain.execute("PRAGMA journal_mode = WAL")
                plain.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (key TEXT PRIMARY KEY, value BLOB)")
                plain.execute(f"SELECT key, value FROM {TABLE} LIMIT 1").fetchone()
        except sqlite3.Error as exc:
            raise failures.database_failure(exc, self._path) from exc

    def _connect(self) -> SqliteDict:
        try:
            self._rows = SqliteDict(
                str(self._path), tablename=TABLE, journal_mode="WAL", encode=str, decode=str, outer_stack=False
            )
            self._first(f"PRAGMA busy_timeout = {int(self._limit_s * 250)}")
            self._first(f"PRAGMA cache_size = -{CACHE_KIB}")
            self._first("PRAGMA synchronous = FULL")
            if self._pragma("synchronous") != SYNCHRONOUS_FULL:
                raise StoreUnavailable(f"SQLite refuses to write {self._path} through to the disk (synchronous = FULL)")
        except (sqlite3.Error, StoreUnavailable, RuntimeError) as exc:
            self.close()
            if isinstance(exc, sqlite3.Error):
                raise failures.database_failure(exc, self._path) from exc
            raise StoreUnavailable(str(exc)) from exc
        return self._rows

    def _connected(self) -> SqliteDict:
        if self._rows is not None and self._rows.conn.is_alive():
            return self._rows
        self.close()
        self._look(thoroughly=False)
        return self._connect()

    # --- statements ---

    def _first(self, sql: str, values: tuple[object, ...] = ()) -> tuple[Any, ...] | None:
        """Run one statement and return its first row: sqlitedict's ``select_one``, but with an end to the waiting."""
        if self._rows is None:  # never "if not": a SqliteDict answers that with a query
            raise StoreUnavailable(f"the connection to {self._path} is closed")
        thread = self._rows.conn
        deadline = time.monotonic() + self._limit_s
        answers: Queue[Any] = Queue()
        first: tuple[Any, ...] | None = None
        try:
            thread.execute(sql, values, answers)
            while True:
                answer = self._await_answer(thread, answers, deadline)
                thread.check_raise_error()
                if not isinstance(answer, tuple):  # sqlitedict's mark for the end
                    return first
                first = first or answer
        except sqlite3.Error as exc:
            raise failures.database_failure(exc, self._path) from exc

    def _await_answer(self, thread: Any, answers: "Queue[Any]", deadline: float) -> Any:
        while True:
            with suppress(Empty):
                return answers.get(timeout=LIVENESS_S)
            if not thread.is_alive() and answers.empty():
                self.close()
                raise StoreUnavailable(f"the connection to {self._path} broke; it is opened again at the next call")
            if time.monotonic() > deadline:
                self.close()
                raise StoreUnavailable(f"the disk of {self._path} did not answer within {self._limit_s:g} s")

    def _roll_back(self) -> None:
        for _ in range(3):  # errors of queued writes may still be waiting to be raised
            if self._rows is None:
                return
            try:
                self._first("ROLLBACK")
            except StoreUnavailable as exc:
                if isinstance(exc.__cause__, sqlite3.OperationalError) and "no transaction" in str(exc.__cause__):
                    return
            else:
                return
        self.close()

    def _pages(self, sql: str, prefix: str) -> Iterator[Any]:
        after, end = prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)
        self._connected()
        while True:
            found = self._first(sql, (after, end))
            page: list[Any] = msgspec.json.decode(found[0]) if found else []
            yield from page
            if len(page) < PAGE_ROWS:
                return
            after = page[-1] if isinstance(page[-1], str) else page[-1][0]

    def _text(self, name: str, text: str | None) -> str:
        if text is None:
            raise failures.unreadable_row(self._path, name, "it is not text, and other things are never unpacked")
        return text


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, for this user only."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
