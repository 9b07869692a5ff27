"""Files over HTTP, from a server of the test's own: what is read, and where nobody goes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bridge.errors import FileGone, FileTooLarge, PlatformRejected, PlatformUnavailable
from bridge.files.downloading import Downloads
from bridge.files.fetching import Origins

CONTENT = bytes(range(256)) * 300
HEADERS = {"Authorization": "Bearer secret"}


class Server:
    """Answers on this machine; keeps what it was asked, and the headers of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.target = ""
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Do what the path says."""
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        match request.path.split("/")[1]:
            case "file":
                return web.Response(body=CONTENT, content_type="image/png")
            case "endless":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(1000):
                    await response.write(CONTENT)
                return response
            case "there":
                return web.Response(status=302, headers={"Location": self.target})
            case "round":
                return web.Response(status=307, headers={"Location": "/round"})
            case "silent":
                await asyncio.sleep(5)
                return web.Response()
            case status:
                return web.Response(status=int(status))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A running server."""
    served = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    served.url = f"http://127.0.0.1:{port}"
    yield served
    await runner.cleanup()


class Names(AbstractResolver):
    """Leads every name to one address."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.looked_up: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer without a network."""
        self.looked_up.append(host)
        found = ResolveResult(hostname=host, host=self._address, port=port, family=socket.AF_INET, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def downloads(server: Server, resolver: AbstractResolver | None = None) -> AsyncIterator[Downloads]:
    """A session for the server and for files.example."""
    origins = Origins(frozenset({"files.example"}), frozenset({server.url}))
    async with Downloads(origins, silence_s=0.5, resolver=resolver) as opened:
        yield opened


async def test_a_file_is_read_whole(server: Server) -> None:
    """Directly and over a redirect within the hosts; the credentials go along."""
    async with downloads(server) as files:
        for path in ("/file", "/there"):
            server.target = "/file"
            read = await files.read(server.url + path, len(CONTENT), HEADERS)
            assert (read.content, read.media_type) == (CONTENT, "image/png")
    assert server.asked == ["/file", "/there", "/file"]
    assert all(headers["Authorization"] == "Bearer secret" for headers in server.headers)


@pytest.mark.parametrize("path", ["/file", "/endless"])
async def test_no_more_is_read_than_allowed(server: Server, path: str) -> None:
    """Whether the server tells the size beforehand or not."""
    async with downloads(server) as files:
        with pytest.raises(FileTooLarge):
            await files.read(server.url + path, len(CONTENT) - 1)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/file",
        "http://localhost/file",
        "http://[::1]/file",
        "https://elsewhere.example/file",
        "//elsewhere.example/file",
        "http://files.example/file",
        "file:///etc/passwd",
        "http://[",
    ],
)
async def test_a_redirect_is_judged_like_any_address(server: Server, target: str) -> None:
    """Link-local, loopback, foreign hosts, unencrypted: nobody goes there, and no credentials."""
    server.target = target
    async with downloads(server, Names("127.0.0.1")) as files:
        for url in (server.url + "/there", target):
            with pytest.raises(PlatformRejected):
                await files.read(url, len(CONTENT), HEADERS)
    assert server.asked == ["/there"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1"])
async def test_a_name_that_leads_into_a_private_network_is_refused(server: Server, address: str) -> None:
    """The host is one of those allowed; where it leads is not."""
    names = Names(address)
    async with downloads(server, names) as files:
        with pytest.raises(PlatformRejected, match="private"):
            await files.read("https://files.example/cat.png", len(CONTENT), HEADERS)
    assert names.looked_up == ["files.example"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/403", FileGone),
        ("/404", FileGone),
        ("/400", PlatformRejected),
        ("/429", PlatformUnavailable),
        ("/503", PlatformUnavailable),
        ("/round", PlatformRejected),
        ("/silent", PlatformUnavailable),
    ],
)
async def test_each_failure_tells_whether_to_try_again(server: Server, path: str, error: type[Exception]) -> None:
    """And no error shows the address, which may be signed."""
    async with downloads(server) as files:
        with pytest.raises(error) as caught:
            await files.read(f"{server.url}{path}?signature=abc", len(CONTENT))
    assert "signature" not in str(caught.value)
