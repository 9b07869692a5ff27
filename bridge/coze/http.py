"""One request over httpx, and the truth about its failure.

Whether a request may be repeated depends on one fact: could the server have received it? Exception types do not tell.
httpx-aiohttp reports a server that read the request and hung up as ``ConnectTimeout``, the very name of a connection
that was never made, and lets some of aiohttp's errors through unmapped. So the fact is recorded where it happens: both
HTTP libraries announce the moment before they write a request's first byte, and ``Sending`` remembers it. Not
announced means certainly not received; everything after it means unknown.
"""

import asyncio
import socket
import ssl
import urllib.request
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bridge.coze.hints import Hint, advise
from bridge.coze.settings import CozeConnection
from bridge.errors import AgentSilent, AgentUnavailable

SPARE_CONNECTIONS = 32
"""Beside the streams: look-ups, cancels, uploads."""

KEEPALIVE_CONNECTIONS = 20
"""More makes every step of httpx's own pool quadratic (measured; encode/httpcore issue 1035)."""

KEEPALIVE_S = 15.0
"""Shorter than servers and gateways keep idle connections, so that we seldom write into one they just closed."""

WRITE_TIMEOUT_S = 30.0

TRANSPORT_ERRORS = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError)
"""Everything that both transports raise when a connection fails; ``OSError`` includes ``TimeoutError``."""

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class Stage(IntEnum):
    """How far a request came, in order."""

    WAITING = 0
    """For a free connection of the pool."""
    CONNECTING = 1
    SENT = 2
    """Its first byte may have left."""


@dataclass(slots=True)
class Sending:
    """The progress of one request; never goes back, whatever a transport repeats by itself.

    Attributes:
        on_sent: Called when the first byte leaves.
    """

    stage: Stage = Stage.WAITING
    on_sent: Callable[[], None] = lambda: None

    def reached(self, stage: Stage) -> None:
        if stage is Stage.SENT and self.stage is not Stage.SENT:
            self.on_sent()
        self.stage = max(self.stage, stage)

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow httpcore's announcements."""
        if event.endswith("send_request_headers.started"):
            self.reached(Stage.SENT)
        elif event.startswith("connection.connect"):
            self.reached(Stage.CONNECTING)


_sending: ContextVar[Sending | None] = ContextVar("coze_sending", default=None)


def _reached(stage: Stage) -> Any:
    """Make a listener for aiohttp's announcements, which cannot carry the request with them but run in its context."""

    async def listen(session: aiohttp.ClientSession, context: object, params: object) -> None:
        if (sending := _sending.get()) is not None:
            sending.reached(stage)

    return listen


async def send(client: httpx.AsyncClient, request: httpx.Request, silence_s: float | None = None) -> httpx.Response:
    """Send a request and return its response with the body unread; close it.

    Args:
        silence_s: The longest time from sending to the response's head, where the request has no read timeout.

    Raises:
        AgentUnavailable: No response; ``outcome_unknown`` tells whether the request may have been received.
        AgentSilent: It was sent, and nothing came for the request's read timeout or ``silence_s``.
    """
    sending = Sending()
    request.extensions = {**request.extensions, "trace": sending.trace}
    token = _sending.set(sending)
    try:
        async with asyncio.timeout(None) as limit:
            if silence_s is not None:
                loop, patience_s = asyncio.get_running_loop(), silence_s
                sending.on_sent = lambda: limit.reschedule(loop.time() + patience_s)
            return await client.send(request, stream=True)
    except TRANSPORT_ERRORS as exc:
        raise lost(exc, f"{request.method} {request.url.path}", sending.stage) from exc
    finally:
        _sending.reset(token)


async def read_body(response: httpx.Response, where: str, silence_s: float | None = None) -> bytes:
    """Read a whole body and close the response.

    Args:
        silence_s: The longest time without a byte, where the request has no read timeout.

    Raises:
        AgentUnavailable: It was cut; the outcome is unknown.
        AgentSilent: It stopped coming.
    """
    pieces = []
    try:
        async with asyncio.timeout(silence_s) as limit:
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                if silence_s is not None:
                    limit.reschedule(asyncio.get_running_loop().time() + silence_s)
        return b"".join(pieces)
    except TRANSPORT_ERRORS as exc:
        raise lost(exc, where, Stage.SENT) from exc
    finally:
        await response.aclose()


def lost(exc: BaseException, where: str, stage: Stage) -> AgentUnavailable:
    """Tell what a transport's error means, given how far the request came."""
    chain = _chain(exc)
    kind = type(chain[-1]).__name__
    if stage is Stage.SENT:
        if _is_timeout(chain):
            return silent(where)
        return AgentUnavailable(f"{where}: connection lost ({kind})", outcome_unknown=True, hint=advise(Hint.CUT))
    if any(isinstance(link, ssl.SSLError | ssl.CertificateError | aiohttp.ClientSSLError) for link in chain):
        what, hint = "no secure connection", Hint.TLS
    elif any(isinstance(link, socket.gaierror) for link in chain):
        what, hint = "unknown host name", Hint.HOST_NAME
    elif stage is Stage.WAITING and _is_timeout(chain):
        what, hint = "no free connection", Hint.POOL
    elif _is_timeout(chain):
        what, hint = "no connection in time", Hint.CONNECT_TIMEOUT
    else:
        what, hint = "no connection", Hint.REFUSED
    return AgentUnavailable(f"{where}: {what} ({kind})", outcome_unknown=False, hint=advise(hint))


def silent(where: str) -> AgentSilent:
    """Tell that nothing came for longer than the limit."""
    return AgentSilent(f"{where}: no byte within the limit", outcome_unknown=True, hint=advise(Hint.IDLE))


def _chain(exc: BaseException) -> list[BaseException]:
    """Return the exception and what it came from, the origin last."""
    chain: list[BaseException] = []
    link: BaseException | None = exc
    while link is not None and link not in chain:
        chain.append(link)
        inner = getattr(link, "os_error", None)
        link = link.__cause__ or (inner if isinstance(inner, BaseException) else None) or link.__context__
    return chain


def _is_timeout(chain: list[BaseException]) -> bool:
    """Judge by the origin: outer links may wear a wrong name."""
    if any(isinstance(link, aiohttp.ClientError) for link in chain):
        return any(isinstance(link, aiohttp.ServerTimeoutError) for link in chain)
    return any(isinstance(link, httpx.TimeoutException | TimeoutError) for link in chain)


# --- making the client ------------------------------------------------------------------------------------------------


async def open_client(settings: CozeConnection) -> httpx.AsyncClient:
    """Make the one client of an agent: its pool, its timeouts, its TLS context."""
    secure = settings.base_url.startswith("https:")
    # Loading the certificates takes some 20 ms; not in the loop.
    verify: ssl.SSLContext | bool = await asyncio.to_thread(httpx.create_ssl_context) if secure else False
    limits = httpx.Limits(
        max_connections=settings.concurrent_chats + SPARE_CONNECTIONS,
        max_keepalive_connections=KEEPALIVE_CONNECTIONS,
        keepalive_expiry=KEEPALIVE_S,
    )
    url = settings.proxy or environment_proxy(settings.base_url)
    proxy = httpx.Proxy(url) if url else None
    transport: httpx.AsyncBaseTransport
    if settings.transport == "httpx":
        transport = httpx.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy, trust_env=False)
    else:
        transport = AiohttpTransport(
            verify=verify, limits=limits, proxy=proxy, client=lambda: _aiohttp_session(verify, limits)
        )
    return httpx.AsyncClient(
        base_url=settings.base_url,
        transport=transport,
        timeout=call_timeout(settings),
        headers={"User-Agent": f"coze-bridge/{version('coze-bridge')}"},
        follow_redirects=False,
        trust_env=False,
    )


def call_timeout(settings: CozeConnection, silence_s: float | None = None) -> httpx.Timeout:
    """Timeouts of everything but an answer's stream; ``silence_s`` where the reply may take longer than others."""
    return _timeout(settings, settings.request_timeout_s if silence_s is None else silence_s)


def stream_timeout(settings: CozeConnection) -> httpx.Timeout:
    """Timeouts of an answer's stream; how long it may be silent is not for the transport: see ``patience``."""
    return _timeout(settings, None)


def _timeout(settings: CozeConnection, read_s: float | None) -> httpx.Timeout:
    # aiohttp counts waiting for the pool and connecting together, so the pool's share must exceed the connection's.
    connect_s = settings.connect_timeout_s
    return httpx.Timeout(connect=connect_s, read=read_s, write=WRITE_TIMEOUT_S, pool=2 * connect_s)


def _aiohttp_session(verify: ssl.SSLContext | bool, limits: httpx.Limits) -> aiohttp.ClientSession:
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_start.append(_reached(Stage.CONNECTING))
    tracing.on_request_headers_sent.append(_reached(Stage.SENT))
    connector = aiohttp.TCPConnector(
        limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry, ssl=verify
    )
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[tracing], trust_env=False
    )


def environment_proxy(base_url: str) -> str:
    """Return the proxy that the customary environment variables name for this address; empty for none."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in LOOPBACK_HOSTS or urllib.request.proxy_bypass(host):
        return ""
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all") or ""
