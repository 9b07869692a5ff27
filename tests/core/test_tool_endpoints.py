"""Tools at addresses of the operator's: what is sent there, and what is not taken from there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from bridge.errors import ToolFailed
from bridge.model import ToolCall
from bridge.tools.endpoints import ToolEndpoints
from bridge.tools.settings import ToolSettings

CALL = ToolCall("call-1", "function", "rain", '{"city":"Oslo"}')
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def tool(serve: Serve, **settings: Any) -> AsyncIterator[ToolEndpoints]:
    """A tool on this machine."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    section = ToolSettings(**({"url": f"http://127.0.0.1:{port}/rain", "timeout_s": 5.0} | settings))
    try:
        async with ToolEndpoints({"rain": section}) as endpoints:
            yield endpoints
    finally:
        await runner.cleanup()


async def test_what_is_asked_and_answered() -> None:
    """The call as JSON, with the operator's secret; the text that comes back is the output."""
    seen: list[Any] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, await request.json(), request.headers))
        return web.Response(text='{"probability":0.5}')

    async with tool(serve, secret="s3cret") as endpoints:
        assert endpoints.knows("rain")
        assert not endpoints.knows("wind")
        assert await endpoints.use(CALL, "u-1") == '{"probability":0.5}'
        assert await endpoints.use(ToolCall("call-2", "function", "rain", "no JSON"), "u-1")
    [(method, path, body, headers), second] = seen
    assert (method, path) == ("POST", "/rain")
    assert body == {"tool": "rain", "arguments": {"city": "Oslo"}, "call_id": "call-1", "user_id": "u-1"}
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer s3cret", "call-1")
    assert second[2]["arguments"] == "no JSON"


async def _large(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(10):
        await response.write(b"x" * 1000)
    return response


async def _slow(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("nothing sets it")


async def _elsewhere(request: web.Request) -> web.Response:
    if request.path != "/rain":
        raise AssertionError("a redirect was followed")
    raise web.HTTPFound("/other")


async def _broken(request: web.Request) -> web.Response:
    return web.Response(status=500, text="secret trace")


async def _empty(request: web.Request) -> web.Response:
    return web.Response(text=" ")


@pytest.mark.parametrize(
    ("serve", "settings", "reason"),
    [
        (_large, {"max_kb": 5.0}, "more than 5000 bytes"),
        (_slow, {"timeout_s": 0.1}, "longer than 0.1 s"),
        (_elsewhere, {}, "HTTP 302"),
        (_broken, {}, "HTTP 500"),
        (_empty, {}, "said nothing"),
        (_empty, {"url": "http://127.0.0.1:9/"}, "not reached"),
    ],
)
async def test_what_is_not_taken(serve: Serve, settings: dict[str, Any], reason: str) -> None:
    """Too much, too late, from elsewhere, an error, nothing: the reason names the tool, and quotes nothing."""
    async with tool(serve, **settings) as endpoints:
        with pytest.raises(ToolFailed, match=reason) as caught:
            await endpoints.use(CALL, "u-1")
        assert "secret" not in caught.value.reason


@pytest.mark.parametrize("url", ["ftp://x/", "rain", "https://user:pw@x.io/", "https://x.io/#a", ""])
def test_addresses_that_are_none(url: str) -> None:
    """Told at the start."""
    with pytest.raises(ValidationError):
        ToolSettings(url=url)
