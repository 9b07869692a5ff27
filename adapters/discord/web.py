"""Calls of Discord's REST API: one shared session, no repetition of anything, one error mapping.

The SDK's own client is made for code that waits: a request that empties its bucket returns only when the bucket is
full again, a 429 sleeps inside the call with a text that grows old meanwhile, some failures of the server are repeated
for 25 seconds and others not at all. Here each call is sent once and fails as one of ours, at once; what the headers
say of the allowances is believed beforehand, so that the newest text goes out when its turn comes.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp

from adapters.discord import limits
from adapters.discord.buckets import Buckets
from adapters.discord.refusals import DiscordRefused, Refusal, classify, is_global
from adapters.discord.settings import DiscordSettings
from bridge import __version__
from bridge.errors import BridgeError, CredentialsError, PlatformRateLimited, PlatformUnavailable
from bridge.model import AnswerFile
from bridge.ports import Clock

CONNECT_TIMEOUT_S = 5.0
CONNECTIONS_MAX = 50
FILE_TIMEOUT_S = 60.0
USER_AGENT = f"DiscordBot (coze-bridge, {__version__})"
"""Discord's proxy turns everybody away whose name does not begin like this."""

CREATE_ROUTE, EDIT_ROUTE = "POST /channels/{}/messages", "PATCH /channels/{}/messages/{}"
FIRST_EDIT_S = 0.3
"""The first edit of all asks whether edits and creates share a bucket; so long others wait for its answer."""
_IDS = re.compile(r"/\d{15,}")
_CHANNEL = re.compile(r"^/channels/(\d+)")
_EMPTY: dict[str, Any] = {}
Body = Mapping[str, Any] | list[Any]


class Web:
    """Discord's REST API with one bot token. Opened and closed by ``async with``.

    Attributes:
        refusal: Set once Discord does not know the token any more; nothing is sent then, for too many refusals ban.
    """

    def __init__(self, settings: DiscordSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._buckets = Buckets()
        self._asked_at = -FIRST_EDIT_S
        self._bans = 0
        self._when_refused: Callable[[], None] | None = None
        self.refusal: CredentialsError | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": USER_AGENT},
            timeout=aiohttp.ClientTimeout(total=self._settings.request_timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def edits_are_creates(self) -> bool:
        """The headers have told that creating and editing messages draw on one bucket."""
        return self._buckets.are_one(CREATE_ROUTE, EDIT_ROUTE)

    def forget_refusal(self) -> None:
        """Begin anew: an earlier refusal of the token may not hold any more."""
        self.refusal = None

    def when_refused(self, callback: Callable[[], None] | None) -> None:
        """Let somebody know at once when the token is refused."""
        self._when_refused = callback

    async def call(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        query: Mapping[str, str] | None = None,
        budget: str = "",
        patience_s: float = 0.0,
        file: AnswerFile | None = None,
    ) -> Any:
        """Send a request, once, and return what its JSON says; ``None`` for an answer without a body.

        Args:
            path: Below ``api_url``, with its ids.
            budget: The name of our allowance it draws on.
            patience_s: How long a full bucket may delay it; for what does not grow old. 0: raise at once.
            file: Goes along, as the message's one attachment.

        Raises:
            PlatformError: See ``bridge.ports.Reply``; which one tells ``refusals``. A dead token is one too here.
        """
        try:
            return await self.ask(method, path, body, query=query, budget=budget, patience_s=patience_s, file=file)
        except CredentialsError as error:
            self.refusal = error
            if self._when_refused is not None:
                self._when_refused()
            raise DiscordRefused(error.reason, code=0) from error

    async def ask(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        query: Mapping[str, str] | None = None,
        budget: str = "",
        patience_s: float = 0.0,
        file: AnswerFile | None = None,
    ) -> Any:
        """Do the same, with a dead token as ``CredentialsError``."""
        deadline = self._clock.now() + patience_s
        while True:
            try:
                return await self._send(method, path, body, query, budget, file)
            except PlatformRateLimited as error:
                wait_s = limits.RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
                if self._clock.now() + wait_s > deadline:
                    raise
                await self._clock.sleep(wait_s)

    async def respond(self, interaction: str, token: str, body: Mapping[str, Any]) -> None:
        """Give an interaction its one answer. Its token authorizes it, and no allowance of the bot pays for it.

        Raises:
            DiscordRefused: It came too late, or after another one.
            PlatformError: As ``call``. No error holds the token.
        """
        await self._with_token("POST", f"/interactions/{interaction}/{token}/callback", body, "interaction callback")

    async def answer_again(self, method: str, webhook: str, body: Mapping[str, Any] | None) -> None:
        """Change or delete what an interaction was first answered with, within fifteen minutes.

        Args:
            webhook: The path of the interaction's webhook; it authorizes.

        Raises:
            DiscordRefused: There is nothing to change, or no right to any more.
            PlatformError: As ``call``. No error holds the token.
        """
        await self._with_token(method, f"{webhook}/messages/@original", body, "webhook of an interaction")

    async def _with_token(self, method: str, path: str, body: Mapping[str, Any] | None, what: str) -> None:
        if self._session is None:
            raise RuntimeError("used before it was opened")
        call = f"{method} {what}"
        address = f"{self._settings.api_url}{path}"
        try:
            async with self._session.request(
                method, address, json=body, proxy=self._settings.proxy, allow_redirects=False
            ) as response:
                answer = _parse(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(call, error) from None
        if not 200 <= response.status < 300:
            answer = answer if isinstance(answer, dict) else _EMPTY
            refusal = classify(Refusal(call, response.status, answer, response.headers.get("Retry-After", "")))
            raise DiscordRefused(refusal.reason, code=0) if isinstance(refusal, CredentialsError) else refusal

    async def _send(
        self,
        method: str,
        path: str,
        body: Body | None,
        query: Mapping[str, str] | None,
        budget: str,
        file: AnswerFile | None,
    ) -> Any:
        if self._session is None:
            raise RuntimeError("used before it was opened")
        if self.refusal is not None:
            raise self.refusal
        call, route, scope = f"{method} {path}", f"{method} {_IDS.sub('/{}', path)}", _scope(path)
        self._hold_back(call, route, scope, budget)
        self._buckets.sent(route, scope, self._clock.now())
        if route == EDIT_ROUTE:
            self._asked_at = self._clock.now()
        try:
            async with self._session.request(
                method,
                self._settings.api_url + path,
                params=query,
                **_content(body, file),
                headers={"Authorization": f"Bot {self._settings.token.get_secret_value()}"},
                proxy=self._settings.proxy,
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(call, error) from error
        self._buckets.learn(route, scope, response.headers, self._clock.now())
        if route == EDIT_ROUTE:
            self._asked_at = -FIRST_EDIT_S
        answer = _parse(content)
        if 200 <= response.status < 300:
            self._bans = 0
            if content and answer is None:
                raise PlatformUnavailable(f"{call}: an answer that is no JSON", outcome_unknown=True)
            return answer
        raise self._refusal(route, scope, response, answer if isinstance(answer, dict) else _EMPTY, call, budget)

    def _hold_back(self, call: str, route: str, scope: str, budget: str) -> None:
        """Refuse ourselves what Discord would refuse; without a budget's name it is about all requests."""
        now = self._clock.now()
        if (wait_s := self._buckets.wait_for_all_s(now)) > 0:
            raise PlatformRateLimited(f"{call}: all is held back", retry_after_s=wait_s, held_back=True)
        wait_s = self._buckets.wait_s(route, scope, now)
        if route == EDIT_ROUTE and not self._buckets.is_known(route):
            wait_s = max(wait_s, self._asked_at + FIRST_EDIT_S - now)
        if wait_s > 0:
            raise PlatformRateLimited(f"{call}: held back", retry_after_s=wait_s, budget=budget, held_back=True)

    def _refusal(
        self,
        route: str,
        scope: str,
        response: aiohttp.ClientResponse,
        body: Mapping[str, Any],
        call: str,
        budget: str,
    ) -> BridgeError:
        retry_after = response.headers.get("Retry-After", "")
        # A 429 without a JSON body comes from the proxy before Discord and is about everything.
        about_all = is_global(body) or not body
        budget = "" if about_all else budget
        refusal = classify(Refusal(call, response.status, body, retry_after, budget=budget, bans=self._bans))
        self._bans = self._bans + 1 if response.status == 429 and not body else 0
        if isinstance(refusal, PlatformRateLimited):
            now = self._clock.now()
            wait_s = limits.RETRY_AFTER_S if refusal.retry_after_s is None else refusal.retry_after_s
            self._buckets.refused(route, scope, wait_s, now, all_requests=about_all)
        return refusal


def _content(body: Body | None, file: AnswerFile | None) -> dict[str, Any]:
    """Return what carries a body: JSON, or with a file a form of both."""
    if file is None:
        return {"json": body}
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    form.add_field("files[0]", file.content, filename=file.name, content_type=file.media_type)
    return {"data": form, "timeout": aiohttp.ClientTimeout(total=FILE_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)}


def _scope(path: str) -> str:
    found = _CHANNEL.match(path)
    return found[1] if found else ""


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def lost(call: str, error: Exception) -> BridgeError:
    """Return our error for a request that got no answer: was it certainly not sent?"""
    never_sent = isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError
    )
    kind = "not reached" if never_sent else "no answer"
    return PlatformUnavailable(f"{call}: {kind} ({type(error).__name__})", outcome_unknown=not never_sent)
