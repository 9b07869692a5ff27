"""What systemd hears, over a real socket of its kind."""

import asyncio
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.operations.systemd import READY, STOPPING, Systemd
from bridge.testing.clock import FakeClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd runs on Linux")


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """The receiving end, with nothing to hear yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.settimeout(5.0)
        yield ear


def test_ready_and_stopping_arrive(ear: socket.socket, tmp_path: Path) -> None:
    """Each is one datagram; a status line can travel with it."""
    path = str(tmp_path / "notify")
    ear.bind(path)
    systemd = Systemd({"NOTIFY_SOCKET": path})
    assert systemd.tell(READY, "STATUS=serving")
    assert systemd.tell(STOPPING)
    assert [ear.recv(200), ear.recv(200)] == [b"READY=1\nSTATUS=serving", b"STOPPING=1"]


def test_an_abstract_socket_is_meant_by_an_at(ear: socket.socket) -> None:
    """systemd itself uses such names in containers."""
    name = f"coze-bridge-test-{secrets.token_hex(8)}"
    ear.bind(f"\0{name}")
    assert Systemd({"NOTIFY_SOCKET": f"@{name}"}).tell(READY)
    assert ear.recv(200) == b"READY=1"


def test_nobody_listens(tmp_path: Path) -> None:
    """Without systemd nothing is sent; with a socket that is gone nothing breaks."""
    assert not Systemd({}).tell(READY)
    assert not Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell(READY)


async def test_the_watchdog_is_fed_twice_as_often_as_it_bites(ear: socket.socket, tmp_path: Path) -> None:
    """At once, then every half of its patience."""
    path = str(tmp_path / "notify")
    ear.bind(path)
    ear.setblocking(False)
    clock, systemd = FakeClock(), Systemd({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000000"})
    heard = []
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(systemd.feed_watchdog(clock))
        for _ in range(3):
            await clock.settle()
            heard.append(ear.recv(200))
            await clock.run(10.0)
        feeding.cancel()
    assert heard == [b"WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({}, None),
    ],
)
async def test_whose_watchdog_it_is(environ: dict[str, str], watchdog_s: float | None) -> None:
    """Only ours is fed; without one, feeding ends at once."""
    systemd = Systemd(environ, pid=7)
    assert systemd.watchdog_s == watchdog_s
    if watchdog_s is None:
        async with asyncio.timeout(10):
            await systemd.feed_watchdog(FakeClock())
