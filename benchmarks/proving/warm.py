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
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import BinaryIO, Self

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


class PipedProcess(WarmProcess):
    """One whose input, output and errors are read and written here."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    @classmethod
    async def begin(
        cls, entry: Callable[[], None], arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> Self:
        """Start it."""
        (typed, keys), (printed, screen), (heard, errors) = os.pipe(), os.pipe(), os.pipe()
        try:
            process = cls(_fork(entry, arguments, environment, {0: typed, 1: screen, 2: errors}, folder))
        finally:
            for descriptor in (typed, screen, errors):
                os.close(descriptor)
        process.stdout, process.stderr = await _reader(printed), await _reader(heard)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(keys, "wb"))
        process.stdin = asyncio.StreamWriter(transport, protocol, None, loop)
        return process

    async def communicate(self, typed: bytes = b"") -> tuple[bytes, bytes]:
        """Type everything, and return what was printed, and what went wrong, at the end."""
        self.stdin.write(typed)
        self.stdin.close()
        async with asyncio.TaskGroup() as tasks:
            printed, errors = tasks.create_task(self.stdout.read()), tasks.create_task(self.stderr.read())
        await self.wait()
        return printed.result(), errors.result()

    def kill(self) -> None:
        """``kill -9``."""
        self.send_signal(signal.SIGKILL)

    def _note_end(self) -> None:
        super()._note_end()
        self.stdin.close()


async def _reader(descriptor: int) -> asyncio.StreamReader:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb"))
    return reader


class WarmBridge(BridgeProcess):
    """The demo's bridge, started warm."""

    def __init__(self, folder: Path) -> None:
        super().__init__((), folder)

    async def spawn(self, log: BinaryIO) -> Running:
        arguments = ("run", "--config", str(self.config))
        return fork(main, arguments, clean_environment(os.environ), {1: log.fileno(), 2: log.fileno()})


def fork(
    entry: Callable[[], None],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    descriptors: Mapping[int, int],
    folder: Path | None = None,
) -> WarmProcess:
    """Start a bridge.

    Args:
        entry: What it is: a function that can be imported.
        arguments: Of its command line.
        descriptors: What stands for its standard input (0), output (1) and errors (2), by these numbers; ours may be
            closed afterwards. An input that is left out is empty.
        folder: Where it runs.
    """
    return WarmProcess(_fork(entry, arguments, environment, descriptors, folder))


def _fork(
    entry: Callable[[], None],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    descriptors: Mapping[int, int],
    folder: Path | None,
) -> ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    with ExitStack() as ours:
        lent = {number: ours.enter_context(Connection(os.dup(fd))) for number, fd in descriptors.items()}
        given = (entry, tuple(arguments), dict(environment), lent, folder)
        process = context.Process(target=_be, args=given, daemon=True)
        process.start()
    return process


def _be(
    entry: Callable[[], None],
    arguments: Sequence[str],
    environment: dict[str, str],
    lent: dict[int, Connection],
    folder: Path | None,
) -> None:
    """Become a process as a shell would have started it."""
    os.setsid()
    if (tie := end_with_parent()) is not None:
        tie()
    for number, connection in lent.items():
        os.dup2(connection.fileno(), number)
        connection.close()
    if 0 in lent:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if folder is not None:
        os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    warnings.simplefilter("default")
    sys.argv = ["coze-bridge", *arguments]
    entry()
