"""A look into the bridge's store file from outside, while it runs or after it was killed; nothing is changed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

PREFIX, END = "turn/", "turn0"
"""Names of the rows of unfinished turns lie between these. Source: ``bridge.stores.layout``."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A turn that has not ended: where it came from, where it stands, what was asked."""

    turn_id: str
    platform: str
    state: str
    text: str


def connect(store: Path) -> sqlite3.Connection:
    """Open the file for reading only.

    Raises:
        sqlite3.Error: It is not there yet.
    """
    return sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=1.0, isolation_level=None)


def read_unfinished(connection: sqlite3.Connection) -> list[Unfinished]:
    """Return the unfinished turns as the last commit left them."""
    rows = connection.execute("SELECT value FROM bridge WHERE key > ? AND key < ?", (PREFIX, END)).fetchall()
    turns = [json.loads(value)["turn"] for (value,) in rows]
    return [
        Unfinished(turn["turn_id"], turn["envelope"]["place"]["instance"], turn["state"], turn["envelope"]["text"])
        for turn in turns
    ]


def unfinished(store: Path) -> list[Unfinished]:
    """Open, read, close; empty while there is no store."""
    try:
        with closing(connect(store)) as connection:
            return read_unfinished(connection)
    except sqlite3.Error:
        return []


def is_written_down(store: Path, token: str) -> bool:
    """Tell whether a question was accepted, whatever became of it since."""
    query = f"SELECT 1 FROM bridge WHERE ({_between('turn')} OR {_between('ended')}) AND value LIKE ? LIMIT 1"
    try:
        with closing(connect(store)) as connection:
            return connection.execute(query, (f"%{token}:%",)).fetchone() is not None
    except sqlite3.Error:
        return False


def _between(kind: str) -> str:
    return f"(key > '{kind}/' AND key < '{kind}0')"
