"""Reads files over HTTP from the hosts that ``fetching`` allows: each redirect is judged anew, each byte is counted.

Credentials go along only because every host allowed is the platform's own. With a proxy it is the proxy that looks
names up, so private addresses are its to refuse; the hosts are judged all the same.
"""

import socket
from collections.abc import Mapping
from typing import Self
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bridge.errors import FileGone, FileTooLarge, PlatformError, PlatformRejected, PlatformUnavailable
from bridge.files.fetching import Download, Origins, all_public, origin_of

CONNECT_TIMEOUT_S = 5.0
REDIRECTS_MAX = 4
CONNECTIONS_MAX = 16
CHUNK_BYTES = 1 << 16
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_THERE = frozenset({403, 404, 410})
"""An address that was signed for a time answers 403 or 404 afterwards."""


class PrivateAddress(OSError):
    """A name leads into a private network."""


class PublicResolver(AbstractResolver):
    """Looks names up and refuses those that lead to private addresses; what the operator named is believed."""

    def __init__(self, origins: Origins, inner: AbstractResolver) -> None:
        self._origins = origins
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return what connections may be made to; raises ``PrivateAddress``."""
        found = await self._inner.resolve(host, port, family)
        if not self._origins.believes(host) and not all_public(entry["host"] for entry in found):
            raise PrivateAddress(f"{host} leads to a private address")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Downloads:
    """A session of its own for files. Opened and closed by ``async with``.

    Args:
        silence_s: The longest the server may send nothing.
        resolver: Looks names up; ``None`` asks the system.
    """

    def __init__(
        self,
        origins: Origins,
        *,
        silence_s: float,
        proxy: str | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._origins = origins
        self._silence_s = silence_s
        self._proxy = proxy
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # With a proxy its own name is the one that is looked up, and it may well be in the house.
        inner = self._resolver or aiohttp.DefaultResolver()
        resolver = inner if self._proxy else PublicResolver(self._origins, inner)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, resolver=resolver),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._silence_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def read(self, url: str, limit_bytes: int, headers: Mapping[str, str] | None = None) -> Download:
        """Read what an address leads to, over redirects within the allowed hosts.

        Raises:
            FileTooLarge: It has more than ``limit_bytes``; no more were read.
            FileGone: It is not there, or not under this address any more.
            PlatformRejected: The address, or one it leads to, is none we go to.
            PlatformUnavailable: Try again. No error holds an address: some are signed.
        """
        try:
            for _ in range(REDIRECTS_MAX + 1):
                found = await self._one(url, limit_bytes, headers or {})
                if isinstance(found, Download):
                    return found
                url = _next(url, found)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress) or isinstance(error.__cause__, PrivateAddress):
                raise PlatformRejected("a file: its host leads to a private address") from None
            raise PlatformUnavailable(f"a file: not reached ({type(error).__name__})", outcome_unknown=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PlatformUnavailable(f"a file: cut off ({type(error).__name__})", outcome_unknown=False) from None
        raise PlatformRejected("a file: too many redirects")

    async def _one(self, url: str, limit_bytes: int, headers: Mapping[str, str]) -> Download | str:
        """Ask one address; returns the next one where it says so."""
        async with self._asked(url, headers) as response:
            if response.status in REDIRECTS:
                return response.headers.get("Location", "")
            if response.status != 200:
                raise _refusal(response.status)
            if (response.content_length or 0) > limit_bytes:
                raise FileTooLarge("a file: more bytes than allowed, by its head")
            content = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                content += chunk
                if len(content) > limit_bytes:
                    raise FileTooLarge("a file: more bytes than allowed")
            return Download(bytes(content), response.content_type)

    def _asked(self, url: str, headers: Mapping[str, str]) -> "aiohttp.client._RequestContextManager":
        if self._session is None:
            raise RuntimeError("used before it was opened")
        if not self._origins.allows(url):
            raise PlatformRejected("a file: its address, or one it leads to, is not at the platform's own hosts")
        target = URL(url, encoded=True)  # as it was signed
        if origin_of(str(target)) != origin_of(url):
            raise PlatformRejected("a file: its address can be read in two ways")
        return self._session.get(
            target,
            headers={**headers, "Accept-Encoding": "identity"},  # so that bytes counted are bytes sent
            allow_redirects=False,
            proxy=self._proxy,
        )


def _next(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise PlatformRejected("a file: a redirect to no address") from None


def _refusal(status: int) -> PlatformError:
    if status in NOT_THERE:
        return FileGone(f"a file: HTTP {status}")
    if status == 429 or status >= 500:
        return PlatformUnavailable(f"a file: HTTP {status}", outcome_unknown=False)
    return PlatformRejected(f"a file: HTTP {status}")
