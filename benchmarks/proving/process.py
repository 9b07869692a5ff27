"""One process of the bridge, with its clock, its end and its disk in our hand."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from benchmarks.proving import later, warm
from benchmarks.proving.later import AHEAD_VARIABLE, WIDER_VARIABLE
from sandbox.demo.process import clean_environment, end_with_parent

COMMAND = (sys.executable, "-m", "benchmarks.proving.later", "run", "--config")


class Process:
    """A started bridge; it leads a process group of its own.

    What it writes comes through a pipe, so that a limit on the size of its files concerns its store alone.
    """

    def __init__(self, process: asyncio.subprocess.Process | warm.WarmProcess, log: threading.Thread) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; ``None`` while it runs."""
        return self._process.returncode

    async def ended(self, timeout_s: float) -> int:
        """Wait for its end and return its exit code.

        Raises:
            TimeoutError: It still runs.
        """
        async with asyncio.timeout(timeout_s):
            return await self._process.wait()

    def kill(self) -> None:
        """``kill -9``."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def fill_disk(self, full: bool) -> None:
        """Let every write to a file fail, or succeed again: the nearest to a full disk that needs no privilege."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0 if full else hard, hard))

    def _signal(self, number: signal.Signals) -> None:
        if self.exit_code is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


async def start(config: Path, *, ahead_s: float = 0.0, wider: float = 1.0, warmly: bool = False) -> Process:
    """Start the bridge on a configuration; its log is written beside it.

    Args:
        ahead_s, wider: See ``later``.
        warmly: See ``warm``.
    """
    changed = {AHEAD_VARIABLE: f"{ahead_s:.3f}", WIDER_VARIABLE: f"{wider:g}"}
    environment = clean_environment(os.environ) | changed
    reader, writer = os.pipe()
    try:
        process: asyncio.subprocess.Process | warm.WarmProcess
        if warmly:
            process = warm.fork(later.main, ("run", "--config", str(config)), environment, {1: writer, 2: writer})
        else:
            process = await _cold(config, environment, writer)
    finally:
        os.close(writer)
    thread = threading.Thread(target=_copy, args=(os.fdopen(reader, "rb"), config.with_name("bridge.log")), daemon=True)
    thread.start()
    return Process(process, thread)


async def _cold(config: Path, environment: Mapping[str, str], log: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        str(config),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        preexec_fn=end_with_parent(),
    )


def _copy(source: IO[bytes], target: Path) -> None:
    with source, target.open("ab", buffering=0) as file:
        while block := os.read(source.fileno(), 1 << 16):
            file.write(block)
