"""Asks tools over HTTP: each at the one address that the operator named for it, and nowhere else.

The request is ``{"tool": NAME, "arguments": {...}, "call_id": ID, "user_id": WHO}``; whatever text a 2xx answer has is
the tool's output. The same call may come twice after a crash: ``Idempotency-Key`` tells.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx
import msgspec

from bridge.errors import ToolFailed
from bridge.model import ToolCall
from bridge.ports import Tools
from bridge.tools.settings import ToolSettings

CONNECT_TIMEOUT_S = 5.0
KILOBYTE = 1000


class ToolEndpoints:
    """One agent's tools. Opened and closed by ``async with``.

    Args:
        proxy: URL of an HTTP proxy; empty: as the environment says.
    """

    def __init__(self, settings: Mapping[str, ToolSettings], *, proxy: str = "") -> None:
        self._settings = settings
        self._proxy = proxy
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(
            follow_redirects=False,
            proxy=self._proxy or None,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._http is not None:
            await self._http.aclose()

    def knows(self, name: str) -> bool:
        """Tell whether a tool is configured."""
        return name in self._settings

    async def use(self, call: ToolCall, user_id: str) -> str:
        """Ask the tool; see ``ports.Tools``."""
        settings = self._settings[call.name]
        try:
            async with asyncio.timeout(settings.timeout_s):
                output = await self._post(settings, call, user_id)
        except TimeoutError:
            raise ToolFailed(f"the tool {call.name} took longer than {settings.timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ToolFailed(f"the tool {call.name} was not reached ({type(error).__name__})") from error
        if not output.strip():
            raise ToolFailed(f"the tool {call.name} said nothing")
        return output

    async def _post(self, settings: ToolSettings, call: ToolCall, user_id: str) -> str:
        if self._http is None:
            raise RuntimeError("used before it was opened")
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "Idempotency-Key": call.id}
        if settings.secret is not None:
            headers["Authorization"] = f"Bearer {settings.secret.get_secret_value()}"
        body = {"tool": call.name, "arguments": _arguments(call.arguments), "call_id": call.id, "user_id": user_id}
        most_bytes = int(settings.max_kb * KILOBYTE)
        content = bytearray()
        async with self._http.stream("POST", settings.url, content=msgspec.json.encode(body), headers=headers) as found:
            if not 200 <= found.status_code < 300:
                raise ToolFailed(f"the tool {call.name} answered HTTP {found.status_code}")
            async for chunk in found.aiter_raw():
                content += chunk
                if len(content) > most_bytes:
                    raise ToolFailed(f"the tool {call.name} answered more than {most_bytes} bytes")
        return content.decode("utf-8", "replace")


def _arguments(text: str) -> Any:
    """Return what the agent gives: the object it wrote, or its text where that is no JSON."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


if TYPE_CHECKING:
    _: type[Tools] = ToolEndpoints
