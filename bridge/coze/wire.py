"""Calls to Coze: the credential on every request, the envelope off every reply, retries where repeating is safe."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import httpx
import stamina
import structlog

from bridge.coze.auth import TokenSource, open_credentials
from bridge.coze.http import call_timeout, open_client, read_body, send, stream_timeout
from bridge.coze.protocol import Answer, read_answer
from bridge.coze.settings import CozeConnection
from bridge.errors import AgentRateLimited, AgentUnauthorized, AgentUnavailable
from bridge.ports import Clock

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a request is repeated where repeating is safe.

    Attributes:
        attempts: The first one included.
        total_s: After this long no further attempt begins; a longer ``Retry-After`` is left to the caller.
        first_s, max_s: The first pause, doubled each time with jitter, and the longest.
        rate_limited_first_s: The first pause after "too many requests" without ``Retry-After``.
    """

    attempts: int = 4
    total_s: float = 30.0
    first_s: float = 0.4
    max_s: float = 5.0
    rate_limited_first_s: float = 2.0


NO_RETRIES = Retries(attempts=1)


class Wire:
    """One agent's connection: a shared HTTP client and a credential. ``async with`` opens and closes it.

    Attributes:
        calls_made: Requests sent so far, token exchanges excepted.
    """

    def __init__(self, settings: CozeConnection, clock: Clock, *, retries: Retries | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._retries = retries or Retries()
        self._stack = AsyncExitStack()
        self._http: httpx.AsyncClient | None = None
        self._credentials: TokenSource | None = None
        self.calls_made = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._http = await stack.enter_async_context(await open_client(self._settings))
            self._credentials = await open_credentials(self._settings, self._http, self._clock)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def stream_silence_s(self) -> float:
        """The longest time an answer's stream may bring nothing."""
        return self._settings.idle_timeout_s

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        repeatable: bool = False,
        once: bool = False,
        silence_s: float | None = None,
    ) -> Answer:
        """Send a request and return its successful reply.

        Args:
            repeatable: Doing it twice does no harm; otherwise it is repeated only if it certainly was not received.
            once: Do not repeat it at all, except with a fresh token; the caller has a rhythm of its own.
            silence_s: The longest to wait for the reply; ``None`` means the setting's.

        Raises:
            AgentError: What the refusal or failure stands for.
        """

        async def exchange(token: str) -> Answer:
            http = self._client
            headers = {"Authorization": f"Bearer {token}"}
            if content is not None:
                headers["Content-Type"] = "application/json"
            timeout = call_timeout(self._settings, silence_s)
            request = http.build_request(
                method, path, params=params, json=json, content=content, files=files, headers=headers, timeout=timeout
            )
            self.calls_made += 1
            response = await send(http, request)
            where = f"{method} {path}"
            return read_answer(where, response.status_code, response.headers, await read_body(response, where))

        if once:
            return await self.authorised(exchange)
        async for attempt in self.attempts(repeatable=repeatable):
            with attempt:
                return await self.authorised(exchange)
        raise AssertionError("the last attempt returns or raises")

    async def post_stream(self, token: str, path: str, *, params: Mapping[str, str], content: bytes) -> httpx.Response:
        """Send one question with a token and return the response, body unread; close it. Not repeated here.

        Whoever reads the body minds its silence: at most ``stream_silence_s``.
        """
        http = self._client
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",  # compressors on the way hold words back
            "Cache-Control": "no-store",
            "Content-Type": "application/json",
        }
        timeout = stream_timeout(self._settings)
        request = http.build_request("POST", path, params=params, content=content, headers=headers, timeout=timeout)
        self.calls_made += 1
        return await send(http, request, self.stream_silence_s)

    async def authorised(self, attempt: Callable[[str], Awaitable[T]]) -> T:
        """Run an attempt with a token; when the token is refused and can be renewed, once more with a fresh one.

        A refused request was not acted upon, so this is safe for every request.
        """
        credentials = self._open_credentials
        token = await credentials.token()
        try:
            return await attempt(token)
        except AgentUnauthorized as exc:
            if not await credentials.renew(token):
                raise
            log.info("coze token renewed after a refusal", code=exc.code, logid=exc.log_id)
        return await attempt(await credentials.token())

    def attempts(self, *, repeatable: bool) -> AsyncIterator[stamina.Attempt]:
        """Iterate over bounded attempts, each a context manager."""
        retries = self._retries
        return aiter(
            stamina.retry_context(
                on=_Backoff(retries, self._clock, repeatable=repeatable),
                attempts=retries.attempts,
                timeout=retries.total_s,
                wait_initial=retries.first_s,
                wait_max=retries.max_s,
                wait_jitter=retries.first_s,
            )
        )

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            raise RuntimeError("use the connection inside 'async with'")
        return self._http

    @property
    def _open_credentials(self) -> TokenSource:
        if self._credentials is None:
            raise RuntimeError("use the connection inside 'async with'")
        return self._credentials


class _Backoff:
    """Decides whether, and after how many seconds, one request is repeated."""

    def __init__(self, retries: Retries, clock: Clock, *, repeatable: bool) -> None:
        self._retries = retries
        self._clock = clock
        self._deadline = clock.now() + retries.total_s
        self._repeatable = repeatable
        self._pause_s = retries.rate_limited_first_s

    def __call__(self, exc: Exception) -> bool | float:
        if isinstance(exc, AgentRateLimited):
            wait_s = exc.retry_after_s
            if wait_s is None:
                wait_s = self._pause_s * random.uniform(1.0, 1.25)
                self._pause_s *= 2
            return wait_s if self._clock.now() + wait_s <= self._deadline else False
        return isinstance(exc, AgentUnavailable) and (self._repeatable or not exc.outcome_unknown)
