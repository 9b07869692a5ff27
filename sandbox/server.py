"""One emulator's HTTP server: an aiohttp application on 127.0.0.1, on a free port unless told otherwise."""

from types import TracebackType
from typing import Self

from aiohttp import web

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 64 * 1024 * 1024


class EmulatorServer:
    """Base of every emulator; subclasses add their routes to ``self.app`` in their constructor.

    ``async with`` starts and stops it. The constructor opens nothing.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.app = web.Application(client_max_size=MAX_BODY_BYTES)
        self._wanted_port = port
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:PORT``, without a trailing slash; valid while running."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: The wanted port is taken.
        """
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self._wanted_port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._wanted_port = self.port  # a restart comes back at the same address, as a service does

    async def aclose(self) -> None:
        """Stop serving and drop every connection; ``start`` may be called again on a new application only."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
