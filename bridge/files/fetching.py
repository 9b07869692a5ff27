"""From where bytes may be fetched (pure): addresses come out of messages, and whoever writes one chooses them.

An address is taken if its host is one of those named, by https and at the usual port; and what the name leads to must
be a public address of the internet, so that no message can make us knock at a neighbour's or our own door. Origins that
the operator named in the configuration (an emulator, a gateway of the house) are believed as they are.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

HTTPS_PORT = 443
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Download:
    """What was read; ``media_type`` is what the server called it."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Origins:
    """Where bytes may come from.

    Attributes:
        domains: Names of hosts; those below a name that begins with a dot.
        named: Scheme, host and port of what the operator named, as ``origin_of`` writes them.
    """

    domains: frozenset[str]
    named: frozenset[str] = frozenset()

    def allows(self, url: str) -> bool:
        """Tell whether an address may be asked at all."""
        origin = origin_of(url)
        if not origin:
            return False
        if origin in self.named:
            return True
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        return parts.scheme == "https" and parts.port in (None, HTTPS_PORT) and self._knows(host)

    def believes(self, host: str) -> bool:
        """Tell whether a host may have a private address: the operator named it."""
        return any(urlsplit(origin).hostname == host.lower() for origin in self.named)

    def _knows(self, host: str) -> bool:
        return host in self.domains or any(name[:1] == "." and host.endswith(name) for name in self.domains)


class Fetcher(Protocol):
    """Reads files from where they may be read."""

    async def read(self, url: str, limit_bytes: int, headers: Mapping[str, str] | None = None) -> Download:
        """Read what an address leads to; see ``downloading.Downloads.read`` for what it raises."""
        ...


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address; empty for one that is none, or that carries a user or odd marks."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    # Parsers of addresses disagree about backslashes, blanks and control characters; none belongs into one.
    is_plain = url.isprintable() and " " not in url and "\\" not in url and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        return ""
    usual = HTTPS_PORT if parts.scheme == "https" else 80
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or usual}"


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet; those that hold another address are judged by it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def all_public(addresses: Iterable[str]) -> bool:
    """Tell whether every address a name leads to is public, and there is one."""
    found = list(addresses)
    return bool(found) and all(is_public(address) for address in found)
