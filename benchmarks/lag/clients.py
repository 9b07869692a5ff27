"""The processes beside a station: the real bridge, and one for each policy that is not the bridge."""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.lag import fixed
from benchmarks.lag.loads import Load
from benchmarks.lag.sites import Site
from sandbox.demo.process import BridgeProcess, demo_folder
from sandbox.demo.town import configuration
from sandbox.demo.words import WORDS

COMMAND = (sys.executable, "-m", "bridge.cli")
CONNECT_TIMEOUT_S = 60.0
LOOK_S = 0.25
LOG_LINES = 10_000


class Client:
    """A policy's own process and the pipe to it. Made before there is an event loop: it is forked, which is cheap."""

    def __init__(self, policy: str, load: Load) -> None:
        context = multiprocessing.get_context("fork")
        self._policy = policy
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=fixed.run, args=(theirs, policy, load), daemon=True)
        self._process.start()

    @property
    def process_id(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def has_spoken(self) -> bool:
        """It has said something, or is gone."""
        return self._pipe.poll()

    def tell(self, what: Any) -> None:
        """Send it something."""
        self._pipe.send(what)

    async def expect(self, word: str) -> None:
        """Wait until it says a word.

        Raises:
            RuntimeError: It did not, or something else.
        """
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        while not self.has_spoken:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._policy} is not ready after {CONNECT_TIMEOUT_S:g} s")
            await asyncio.sleep(LOOK_S)
        if self._pipe.recv() != word:
            raise RuntimeError(f"{self._policy} said something else than {word!r}")

    def end(self) -> None:
        """End it, whatever it still waits for."""
        self._process.terminate()
        self._process.join()


@asynccontextmanager
async def running_bridge(site: Site, log: Path | None) -> AsyncIterator[int]:
    """Run the real bridge as it is shipped, connected to a world; yield its process id. ``log`` gets what it wrote."""
    with demo_folder() as folder, BridgeProcess(COMMAND, folder) as bridge:
        adapters = {site.service: site.section}
        text = configuration(site.coze, site.coze_token, adapters, WORDS["en"], bridge)
        await asyncio.to_thread(bridge.config.write_text, text, encoding="utf-8")
        await bridge.start(site.journal)
        try:
            await _connected(site, bridge)
            assert bridge.process_id is not None
            yield bridge.process_id
        except BaseException:
            print("\n".join(bridge.log_tail()), file=sys.stderr)
            raise
        finally:
            await bridge.stop(site.journal)
            if log is not None:
                await asyncio.to_thread(log.write_text, "\n".join(bridge.log_tail(LOG_LINES)), encoding="utf-8")


async def _connected(site: Site, bridge: BridgeProcess) -> None:
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while not site.is_connected():
        if bridge.exit_code is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the bridge did not connect (exit code {bridge.exit_code})")
        await asyncio.sleep(LOOK_S)
