"""Files that an answer links to: which of its addresses may be fetched, and what the files are called (pure)."""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import parse_qs, unquote, urlsplit

from bridge.files.fetching import Origins, origin_of

COZE_HOSTS = (
    "s.coze.cn",
    "lf-bot-studio-plugin-resource.coze.cn",
    ".byteimg.com",
    ".ibyteimg.com",
)
"""Where Coze keeps what agents and workflows make: short links, what plugins make, signed images and files. Seen in
answers and published projects; Coze documents no list."""

ADDRESS = re.compile(r"""https?://[^\s<>"'`()\[\]{}|\\^，。；：！？、（）【】《》「」“”]+""")
TAIL = ".,;:!?*_~&"
NAME_PARAMETER = "x-wf-file_name"
"""Coze's own parameter for the name of a file. Seen in published projects."""

NAME_CHARS = 80
SUFFIX_MAX = 6
PAGES = frozenset({"text/html", "application/xhtml+xml"})
"""What is a page rather than a file stays a link."""

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class AnswerFileRules:
    """What the operator decides about files in answers.

    Attributes:
        origins: From where they are fetched.
        max_count: Of one answer.
        timeout_s: The longest fetching and showing one may take.
    """

    origins: Origins = field(default_factory=lambda: Origins(frozenset(COZE_HOSTS)))
    max_bytes: int = 20_000_000
    max_count: int = 5
    timeout_s: float = 60.0


def read_origins(hosts: Iterable[str]) -> Origins:
    """Read what the operator lists: hosts, ``.domain`` for all below one, or whole origins that are believed.

    Raises:
        ValueError: One is neither.
    """
    domains, named = set(), set()
    for host in hosts:
        if "://" in host:
            origin = origin_of(host)
            if not origin or urlsplit(host).path not in ("", "/"):
                raise ValueError(f"{host!r} is no origin such as https://files.example.com")
            named.add(origin)
        elif re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", host.lower()):
            domains.add(host.lower())
        else:
            raise ValueError(f"{host!r} is no host such as files.example.com or .example.com")
    return Origins(frozenset(domains), frozenset(named))


def files_in(text: str, origins: Origins) -> list[str]:
    """Return the addresses in an answer that may be fetched, in order, each once."""
    found = (address.rstrip(TAIL) for address in ADDRESS.findall(text))
    return list(dict.fromkeys(address for address in found if origins.allows(address)))


def name_of(address: str, media_type: str) -> str:
    """Return what a file is called: as its address tells, with a suffix that fits its type."""
    parts = urlsplit(address)
    told = parse_qs(parts.query).get(NAME_PARAMETER, [""])[0]
    last = told or unquote(parts.path.rstrip("/").rpartition("/")[2]).partition("~")[0]
    plain = "".join(mark if mark.isprintable() and mark not in '/\\:*?"<>|`@#&' else "_" for mark in last).strip(". ")
    name = PurePath(plain or "file")
    known = name.suffix and len(name.suffix) <= SUFFIX_MAX
    suffix = name.suffix if known else _suffix(media_type)
    stem = name.stem if known else name.name
    return f"{stem[: NAME_CHARS - len(suffix)]}{suffix}"


def _suffix(media_type: str) -> str:
    return "" if media_type == UNKNOWN_TYPE else (mimetypes.guess_extension(media_type) or "")


def type_of(name: str, media_type: str) -> str:
    """Return a file's media type: as its server calls it, or by its name."""
    if media_type and media_type != UNKNOWN_TYPE:
        return media_type
    return mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
