"""One request as the handlers see it, and what they may return."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from aiohttp import web

from sandbox.coze.auth import Token
from sandbox.coze.errors import bad_parameter
from sandbox.coze.feed import Feed
from sandbox.coze.framing import AS_DOCUMENTED, Framing
from sandbox.coze.jsons import Json
from sandbox.coze.state import Identity
from sandbox.coze.supported import Endpoint
from sandbox.faults import Fault


class _Absent:
    """Stands for a key that is not in the reply at all."""


ABSENT: Final = _Absent()


@dataclass(slots=True)
class Reply:
    """A JSON reply.

    Attributes:
        data: The result, or ``ABSENT``.
        key: The key it travels under.
        more: Further keys beside it.
        bare: Send ``data`` itself, without code, msg and detail.
        status: HTTP status.
        code: Coze's code; 0 is success.
        msg: The sentence of an error.
        headers: Further response headers.
    """

    data: Any = ABSENT
    key: str = "data"
    more: Json = field(default_factory=dict)
    bare: bool = False
    status: int = 200
    code: int | str = 0
    msg: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventStream:
    """A reply as server-sent events; the workflow endpoints frame theirs otherwise."""

    feed: Feed
    framing: Framing = AS_DOCUMENTED


@dataclass(frozen=True, slots=True)
class HangUp:
    """No reply: the connection ends, because the service lost its patience."""


@dataclass(slots=True)
class Call:
    """One request: read, matched to its endpoint and, unless the endpoint is open, authenticated."""

    request: web.Request
    endpoint: Endpoint
    log_id: str
    body: Json
    fault: Fault | None = None
    token: Token | None = None

    @property
    def owner(self) -> Identity:
        """Whose request it is."""
        assert self.token is not None, "only endpoints with a token ask this"
        return self.token.identity

    def fault_kind(self) -> str | None:
        """Return the planned misbehaviour's kind, if there is one."""
        return None if self.fault is None else self.fault.kind

    def needed(self, name: str) -> str:
        """Return a query parameter.

        Raises:
            CozeError: 4000, it is missing or empty.
        """
        value = self.request.query.get(name, "")
        if not value:
            raise bad_parameter(f"The field {name} is required in the query.")
        return value

    def number(self, name: str, default: int) -> int:
        """Return a positive whole number from the query.

        Raises:
            CozeError: 4000, it is none.
        """
        text = self.request.query.get(name, "") or str(default)
        if not text.isdecimal() or int(text) < 1:
            raise bad_parameter(f"The field {name} must be a positive number.")
        return int(text)

    def segment(self, name: str) -> str:
        """Return one placeholder of the path."""
        return self.request.match_info[name]


Handler: TypeAlias = Callable[[Call], Awaitable[Reply | EventStream | HangUp]]
Handlers: TypeAlias = dict[str, Handler]
