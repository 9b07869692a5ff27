"""A disk without space: refused writes raise, nothing hangs, and the store goes on when there is space again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.errors import StoreUnavailable
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore
from bridge.testing.samples import make_turn

TMPFS_BYTES = 1_000_000


def test_the_file_size_limit_is_survived(path: Path, run_program: Callable[..., dict[str, Any]]) -> None:
    """The write that meets it raises soon, memory and file show only what was acknowledged, and later writes go on."""
    found = run_program("full_disk", path)
    assert str(path) in found["said"]
    assert str(path) in found["check_said"]
    assert found["failed_after_s"] < 9
    assert found["memory_is_unchanged"]
    assert found["file_is_right"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this user cannot mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_really_full_disk_is_survived(small_disk: Path) -> None:
    """As above, with the operating system saying that no space is left; also when opening afresh."""
    settings = StoreSettings(path=str(small_disk / "bridge.sqlite"))
    filler = small_disk / "filler"
    async with SqliteStore(settings, SystemClock()) as store:
        await store.create_turn(make_turn("before"))
        fill(filler)
        with pytest.raises(StoreUnavailable, match=r"is full\. Free some space"):
            await create_many(store)
        kept = await store.unfinished()
        filler.unlink()
        assert await store.create_turn(make_turn("after"))
        await store.check()
    fill(filler)
    with pytest.raises(StoreUnavailable, match="is full"):
        async with SqliteStore(settings, SystemClock()):
            pass
    filler.unlink()
    async with SqliteStore(settings, SystemClock()) as store:
        assert await store.unfinished() == [*kept, make_turn("after")]


async def create_many(store: SqliteStore) -> None:
    for number in range(1000):
        await store.create_turn(make_turn(str(number), text="x" * 3000))


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return
