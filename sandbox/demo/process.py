"""The bridge as a process of its own, with a temporary folder for its configuration, store and log."""

import asyncio
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from sandbox.journal import Journal

SERVICE = "bridge"
STOP_TIMEOUT_S = 8.0
LOG_TAIL_LINES = 15
CONFIG_NAME, LOG_NAME, STORE_NAME = "config.toml", "bridge.log", "bridge.sqlite"
PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""
FOREIGN_VARIABLES = ("COZE_", "SLACK_", "DISCORD_")
"""Beginnings of environment variables that would lead the bridge to real services."""


class Running(Protocol):
    """A process, as ``asyncio.subprocess.Process`` has it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, signal: int) -> None: ...


class BridgeProcess:
    """Starts and stops the bridge; it leads a process group of its own, so that nothing of it is left behind.

    Leaving the (synchronous) context kills whatever still runs: the last resort when the event loop is gone.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self.config = folder / CONFIG_NAME
        self.store = folder / STORE_NAME
        self._command = [*command, "run", "--config", str(self.config)]
        self._log = folder / LOG_NAME
        self._process: Running | None = None

    @property
    def exit_code(self) -> int | None:
        """How the process ended; ``None`` while it runs or has not been started."""
        return None if self._process is None else self._process.returncode

    @property
    def process_id(self) -> int | None:
        """The process's number; that of the last one after its end."""
        return None if self._process is None else self._process.pid

    async def start(self, journal: Journal) -> None:
        """Start it; it connects by itself.

        Raises:
            OSError: The command cannot be run.
        """
        with self._open_log() as log:
            self._process = await self.spawn(log)
        journal.record(SERVICE, "process", "started", process_id=self._process.pid)

    async def spawn(self, log: BinaryIO) -> Running:
        """Start the process, which writes into ``log`` and leads a group of its own.

        Raises:
            OSError: The command cannot be run.
        """
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=clean_environment(os.environ),
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )

    async def stop(self, journal: Journal) -> int:
        """Ask it to stop and return its exit code; one that does not end in time is killed."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            self._signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                self.kill()
                await process.wait()
        code = process.returncode
        assert code is not None  # it was waited for
        journal.record(SERVICE, "process", "stopped", exit_code=code)
        return code

    def kill(self) -> None:
        """End everything of it at once."""
        if self.exit_code is None:
            self._signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> list[str]:
        """Return the last lines the bridge has written."""
        with suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _open_log(self) -> BinaryIO:
        return self._log.open("ab")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.send_signal(number)
            else:
                os.killpg(self._process.pid, number)


def end_with_parent() -> Callable[[], None] | None:
    """Return what makes a child of ours end with us however we end, killed included; only Linux can do that."""
    if sys.platform != "linux":
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what points at real services or proxies; nothing here leaves the machine."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(FOREIGN_VARIABLES) and not name.lower().endswith("_proxy")
    }


@contextmanager
def demo_folder(*, keep: bool = False) -> Iterator[Path]:
    """Make a folder for one demo and remove it afterwards, unless it shall be kept."""
    folder = Path(tempfile.mkdtemp(prefix="coze-bridge-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
