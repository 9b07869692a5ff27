"""Several processes and one file: exactly one owns it, and killing that one loses nothing it acknowledged."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.errors import StoreOccupied
from bridge.model import ConversationKey
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore
from bridge.testing.samples import make_turn

MakeStore = Callable[..., SqliteStore]
StartProgram = Callable[..., "subprocess.Popen[str]"]
ACKNOWLEDGED = 200
ROUNDS = 3


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_whatever_was_acknowledged_survives_a_kill(
    path: Path, make_store: MakeStore, start_program: StartProgram
) -> None:
    """SIGKILL in the middle of writing, three times on one file: every acknowledged turn is there."""
    acknowledged: set[str] = set()
    for round_number in range(ROUNDS):
        with start_program("ceaseless_writer", path, round_number) as process:
            acknowledged |= {read_line(process) for _ in range(ACKNOWLEDGED)}
            process.send_signal(signal.SIGKILL)
            printed, _ = process.communicate(timeout=30)
            acknowledged |= {line for line in printed.splitlines() if len(line) == 16}
        async with make_store() as store:
            assert acknowledged <= {turn.turn_id for turn in await store.unfinished()}
    assert len(acknowledged) >= ROUNDS * ACKNOWLEDGED


async def test_a_second_process_is_refused_and_told_who_holds_it(
    path: Path, make_store: MakeStore, start_program: StartProgram
) -> None:
    """It waits as long as it was told to, then names process, host and time."""
    with start_program("occupant", path, 60) as occupant:
        assert read_line(occupant) == "open"
        started = time.monotonic()
        with pytest.raises(StoreOccupied) as caught:
            async with make_store(lock_wait_s=0.5):
                pass
        assert 0.5 <= time.monotonic() - started < 10
        assert f"process {occupant.pid} on {socket.gethostname()}, since 2" in caught.value.reason
        assert str(path) in caught.value.reason
        occupant.kill()


async def test_a_killed_process_holds_nothing(path: Path, make_store: MakeStore, start_program: StartProgram) -> None:
    """After kill -9 the next start has the file at once."""
    with start_program("occupant", path, 60) as occupant:
        assert read_line(occupant) == "open"
        occupant.kill()
        occupant.wait()
        async with make_store(lock_wait_s=0.0) as store:
            await store.check()


async def test_a_rolling_deploy_waits_for_the_old_process(
    path: Path, make_store: MakeStore, start_program: StartProgram
) -> None:
    """A start that overlaps the end of the process before it succeeds when that one lets go."""
    with start_program("occupant", path, 1) as occupant:
        assert read_line(occupant) == "open"
        async with make_store(lock_wait_s=30.0) as store:
            await store.check()


async def test_two_names_of_one_file_are_one_file(path: Path, make_store: MakeStore) -> None:
    """A symbolic link does not get round the lock, nor does a second store in the same process."""
    link = path.with_name("link.sqlite")
    link.symlink_to(path)
    async with make_store():
        other = SqliteStore(StoreSettings(path=str(link), lock_wait_s=0), SystemClock())
        with pytest.raises(StoreOccupied, match=f"process {os.getpid()}"):
            async with other:
                pass


async def test_a_lease_dies_with_its_process(path: Path, make_store: MakeStore) -> None:
    """Nobody else can hold the file, so what a dead process held is free at once, under a larger token."""
    lane = ConversationKey("lane")
    async with make_store() as store:
        await store.create_turn(make_turn("1", lane=lane))
        dead = await store.acquire(lane, "dead", 3600)
    async with make_store() as store:
        alive = await store.acquire(lane, "alive", 3600)
    assert dead is not None
    assert alive is not None
    assert alive.token > dead.token
