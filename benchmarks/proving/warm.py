"""Bridges that start warm: forked from a process that has imported everything already, and killed like any other.

Importing two SDKs takes two seconds of a processor, most of what a bridge that lives for five seconds needs. What is
forked here is a process of its own, with its own memory, files, sockets and end; ``kill -9`` means to it what it means
to one that was started cold.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import BinaryIO

from bridge.cli import main
from sandbox.demo.process import BridgeProcess, Running, clean_environment, end_with_parent

PRELOADED = "benchmarks.proving.preloaded"


class WarmProcess:
    """A started bridge, as ``asyncio.subprocess.Process`` has it; it leads a process group of its own."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(process.sentinel, self._note_end)

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None  # it was started
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, negative by a signal; ``None`` while it runs."""
        return self._process.exitcode

    async def wait(self) -> int:
        """Wait for its end and return how it ended."""
        await self._ended.wait()
        self._process.join()
        code = self._process.exitcode
        assert code is not None  # it was waited for
        return code

    def send_signal(self, signal: int) -> None:
        """Send a signal to it."""
        os.kill(self.pid, signal)

    def _note_end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._ended.set()


class WarmBridge(BridgeProcess):
    """The demo's bridge, started warm."""

    def __init__(self, folder: Path) -> None:
        super().__init__((), folder)

    async def spawn(self, log: BinaryIO) -> Running:
        arguments = ("run", "--config", str(self.config))
        return fork(main, arguments, clean_environment(os.environ), log.fileno())


def fork(entry: Callable[[], None], arguments: Sequence[str], environment: Mapping[str, str], log: int) -> WarmProcess:
    """Start a bridge.

    Args:
        entry: What it is: a function that can be imported.
        arguments: Of its command line.
        log: A descriptor that takes what it writes; ours may be closed afterwards.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    with Connection(os.dup(log), readable=False) as output:
        process = context.Process(target=_be, args=(entry, tuple(arguments), dict(environment), output), daemon=True)
        process.start()
    return WarmProcess(process)


def _be(entry: Callable[[], None], arguments: Sequence[str], environment: dict[str, str], output: Connection) -> None:
    """Become a process as a shell would have started it."""
    os.setsid()
    if (tie := end_with_parent()) is not None:
        tie()
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    os.environ.clear()
    os.environ.update(environment)
    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    sys.argv = ["coze-bridge", *arguments]
    entry()
