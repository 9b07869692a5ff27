"""Store files that cannot be used: every one is refused at opening with a sentence that says what to do."""

import json
import os
import pickle
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.errors import StoreUnavailable
from bridge.model import RECORD_VERSION
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore
from bridge.testing.samples import make_conversation, make_turn

MakeStore = Callable[..., SqliteStore]


async def fill(store: SqliteStore, turns: int = 100) -> None:
    async with store:
        for number in range(turns):
            await store.create_turn(make_turn(str(number)))
        await store.bind(make_conversation())
        await store.remember("fact", "known")


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def said_at_opening(store: SqliteStore) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        async with store:
            pass
    return caught.value.reason


@pytest.mark.parametrize("content", [b"Dear diary, " * 1000, b"\x00" * 8192, os.urandom(5000)], ids=["text", "0", "?"])
async def test_another_kind_of_file(path: Path, make_store: MakeStore, content: bytes) -> None:
    """A file that is no database is left as it is."""
    write(path, content)
    said = await said_at_opening(make_store())
    assert f"{path} is not a store" in said
    assert "aside" in said
    assert read(path) == content


async def test_damaged_pages(path: Path, make_store: MakeStore) -> None:
    """A database with overwritten pages is told at opening, not when a user's turn meets them."""
    await fill(make_store())
    content = read(path)
    write(path, content[:8192] + os.urandom(len(content) - 8192 - 4096) + content[-4096:])
    said = await said_at_opening(make_store())
    assert f"{path} is damaged" in said
    assert "aside" in said
    assert "restore a copy" in said


async def test_a_file_cut_short(path: Path, make_store: MakeStore) -> None:
    """Half a database is damaged as well."""
    await fill(make_store())
    content = read(path)
    write(path, content[: len(content) // 2])
    assert f"{path} is damaged" in await said_at_opening(make_store())


async def test_an_empty_file_is_a_new_store(path: Path, make_store: MakeStore) -> None:
    """Somebody made the file beforehand, to give it an owner."""
    write(path, b"")
    await fill(make_store(), turns=1)


async def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    """The path of a folder is refused by name."""
    said = await said_at_opening(SqliteStore(StoreSettings(path=str(tmp_path)), SystemClock()))
    assert f"{tmp_path} cannot be opened for writing" in said


async def test_a_folder_that_cannot_be_made() -> None:
    """A missing folder that nobody may make is told."""
    said = await said_at_opening(SqliteStore(StoreSettings(path="/proc/bridge/store.sqlite"), SystemClock()))
    assert "cannot be opened for writing" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
async def test_a_device_instead_of_a_file() -> None:
    """Nor is a device a store."""
    with pytest.raises(StoreUnavailable):
        async with SqliteStore(StoreSettings(path="/dev/full"), SystemClock()):
            pass


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_a_file_of_somebody_else(shared_folder: Path, run_program: Callable[..., dict[str, Any]]) -> None:
    """A store that this user may only read is refused with the right to ask for."""
    path = shared_folder / "bridge.sqlite"
    await fill(SqliteStore(StoreSettings(path=str(path)), SystemClock()))
    path.chmod(0o444)
    path.with_name("bridge.sqlite.lock").chmod(0o666)
    found = run_program("unprivileged", path)
    assert found["error"] == "StoreUnavailable"
    assert f"{path} cannot be opened for writing: Permission denied. Give this user the right" in found["said"]


def test_a_read_only_folder(shared_folder: Path, run_program: Callable[..., dict[str, Any]]) -> None:
    """Nothing can be made in it, and that is said."""
    closed = shared_folder / "closed"
    closed.mkdir(mode=0o555)
    found = run_program("unprivileged", closed / "bridge.sqlite")
    assert found["error"] == "StoreUnavailable"
    assert "Permission denied. Give this user the right" in found["said"]


async def test_a_file_that_becomes_read_only(path: Path, make_store: MakeStore) -> None:
    """SQLite's own refusal to write is translated as well."""
    async with make_store() as store:
        await store._now.writer.run(lambda: store._now.database.pragma("query_only = ON"), limit_s=5)
        with pytest.raises(StoreUnavailable, match=r"is read-only\. Give this user the right"):
            await store.create_turn(make_turn("1"))
        assert await store.unfinished() == []


async def test_folders_and_files_are_private(tmp_path: Path) -> None:
    """Missing folders are made for this user alone, and so are the files in them, whatever the umask says."""
    path = tmp_path / "new" / "folder" / "bridge.sqlite"
    umask = os.umask(0)
    try:
        async with SqliteStore(StoreSettings(path=str(path)), SystemClock()) as store:
            await store.create_turn(make_turn("1"))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(umask)
    assert modes == dict.fromkeys(
        ("bridge.sqlite", "bridge.sqlite-wal", "bridge.sqlite-shm", "bridge.sqlite.lock"), 0o600
    )
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


# --- rows that are none of ours ---


def change_row(path: Path, name: str, value: object) -> None:
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("REPLACE INTO bridge (key, value) VALUES (?, ?)", (name, value))


async def test_no_value_is_a_pickle(path: Path, make_store: MakeStore) -> None:
    """Every value is a text and JSON; the opcodes that begin a pickle occur nowhere in the file."""
    await fill(make_store())
    with closing(sqlite3.connect(path)) as plain:
        rows = plain.execute("SELECT typeof(value), value FROM bridge").fetchall()
    assert len(rows) > 100
    assert {kind for kind, _ in rows} == {"text"}
    assert all(isinstance(json.loads(value), dict) for _, value in rows)
    content = read(path)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.dumps({}, protocol)[:3] not in content


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("name", ["note/fact", "turn/AAAAAAAAAAAAAAAA", "conversation/x", "meta/epoch"])
async def test_a_pickle_in_the_file_is_refused_unread(path: Path, make_store: MakeStore, name: str) -> None:
    """Its code does not run; the sentence names the row."""
    await fill(make_store())
    marker = path.with_name("exploded")
    change_row(path, name, pickle.dumps(Bomb(marker)))
    said = await said_at_opening(make_store())
    assert repr(name) in said
    assert "never unpacked" in said
    assert not marker.exists()


async def test_a_pickle_among_the_ended_turns_is_refused_when_read(path: Path, make_store: MakeStore) -> None:
    """Ended turns are read on demand, and then refused alike."""
    await fill(make_store())
    marker = path.with_name("exploded")
    turn = make_turn("ended")
    change_row(path, f"ended/{turn.turn_id}/1.5", pickle.dumps(Bomb(marker)))
    async with make_store() as store:
        assert not await store.create_turn(turn)
        with pytest.raises(StoreUnavailable, match="never unpacked"):
            await store.turn(turn.turn_id)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no JSON", "it is not a record of this bridge"),
        ("{}", "it is not a record of this bridge"),
        (json.dumps({"v": RECORD_VERSION + 1, "name": "fact"}), "a newer bridge wrote it"),
        (json.dumps({"v": RECORD_VERSION, "name": 5}), "it is not a Note"),
    ],
)
async def test_rows_that_cannot_be_understood(path: Path, make_store: MakeStore, text: str, expected: str) -> None:
    """Records that are broken or of a newer bridge are refused by name."""
    await fill(make_store())
    change_row(path, "note/fact", text)
    said = await said_at_opening(make_store())
    assert "'note/fact'" in said
    assert expected in said


async def test_unknown_fields_are_ignored(path: Path, make_store: MakeStore) -> None:
    """A later release of the same record version may add fields: this one still reads the file."""
    await fill(make_store())
    change_row(path, "note/fact", json.dumps({"v": 1, "name": "fact", "value": "known", "colour": "red"}))
    async with make_store() as store:
        assert await store.note("fact") == "known"
