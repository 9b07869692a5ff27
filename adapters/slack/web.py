"""Calls of Slack's Web API: one shared session, no repetition of anything, one error mapping.

The SDK's own retries re-send posts whose response was lost, and its errors come in five shapes (with and without data,
aiohttp's, ``TimeoutError``, ``AttributeError`` for a text instead of JSON). Here each call is sent once and fails as
one of ours.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any, Self

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.inbound import Identity
from adapters.slack.refusals import WRONG_KIND, Refusal, SlackRefused, classify, credentials_fix
from adapters.slack.settings import SlackSettings
from bridge.errors import BridgeError, CredentialsError, PlatformUnavailable

CONNECT_TIMEOUT_S = 5.0
CONNECTIONS_MAX = 50
FILE_TIMEOUT_S = 60.0

GET_METHODS = frozenset({"conversations.replies", "conversations.history", "conversations.info", "users.info"})
JSON_METHODS = frozenset(
    {
        *("chat.postMessage", "chat.postEphemeral", "chat.update", "assistant.threads.setStatus"),
        "views.open",
        *("chat.startStream", "chat.appendStream", "chat.stopStream"),
    }
)
"""The others carry their arguments in the query of a POST, as the SDK's own methods send them."""


def sdk_logger() -> logging.Logger:
    """Return the logger the SDK writes to; never at debug, where it would write what people say."""
    logger = logging.getLogger("adapters.slack.sdk")
    logger.setLevel(logging.WARNING)
    return logger


class Web:
    """Slack's Web API with one bot token and one app token. Opened and closed by ``async with``.

    Attributes:
        refused: Set once Slack refuses the bot token; ``refusal`` is the error. Waiting does not help then.
    """

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._bot: AsyncWebClient | None = None
        self.refused = asyncio.Event()
        self.refusal: CredentialsError | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # The client's own timeout does not apply to a shared session.
            timeout=aiohttp.ClientTimeout(total=self._settings.request_timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        )
        self._bot = self.client(self._settings.bot_token.get_secret_value())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    def forget_refusal(self) -> None:
        """Begin anew: an earlier refusal of the bot token may not hold any more."""
        self.refusal = None
        self.refused.clear()

    def client(self, token: str | None) -> AsyncWebClient:
        """Make an SDK client on the shared session; without a token for Bolt, which adds one per request."""
        client = AsyncWebClient(
            token=token,
            base_url=self._settings.base_url,
            timeout=int(self._settings.request_timeout_s) or 1,
            session=self._session,
            retry_handlers=[],
            logger=sdk_logger(),
        )
        client.proxy = self._settings.proxy  # the constructor would take one from the environment, ignoring NO_PROXY
        return client

    async def call(
        self, method: str, arguments: Mapping[str, Any] | None = None, *, budget: str = ""
    ) -> dict[str, Any]:
        """Call a method with the bot token, once.

        Raises:
            PlatformError: See ``bridge.ports.Reply``; which one tells ``refusals``. A dead token is one too here, and
                sets ``refused``.
        """
        try:
            body, _ = await self._send(self._client(), method, dict(arguments or {}), budget)
        except CredentialsError as error:
            self.refusal = error
            self.refused.set()
            raise SlackRefused(error.reason, code="credentials") from error
        return body

    async def respond(self, url: str, body: Mapping[str, Any]) -> None:
        """Post to the ``response_url`` of an interaction, once; the address is the right to do so, no token goes along.

        Raises:
            PlatformError: It is used up or expired, or Slack does not take the message.
        """
        if self._session is None:
            raise RuntimeError("used before it was opened")
        try:
            async with self._session.post(url, json=dict(body), proxy=self._settings.proxy) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost("response_url", error) from error
        if status != 200:
            raise SlackRefused(f"response_url: HTTP {status}", code=f"http_{status}")

    async def send_file(self, url: str, content: bytes) -> None:
        """Bring a file's bytes to where ``files.getUploadURLExternal`` said, once; no token goes along.

        Raises:
            PlatformError: They were not taken; nobody sees a file before it is complete, so begin anew.
        """
        if self._session is None:
            raise RuntimeError("used before it was opened")
        try:
            timeout = aiohttp.ClientTimeout(total=FILE_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
            async with self._session.post(
                url, data=content, proxy=self._settings.proxy, allow_redirects=False, timeout=timeout
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost("file upload", error) from error
        if status != 200:
            raise SlackRefused(f"file upload: HTTP {status}", code=f"http_{status}")

    async def who_we_are(self) -> tuple[Identity, frozenset[str]]:
        """Ask who the bot token belongs to and which scopes it has.

        Raises:
            CredentialsError: The token is wrong.
            PlatformError: As ``call``.
        """
        body, headers = await self._send(self._client(), "auth.test", {}, "")
        if not body.get("bot_id"):
            raise CredentialsError("auth.test: this token is no bot's", fix=credentials_fix("auth.test", WRONG_KIND))
        us = Identity(str(body.get("team_id", "")), str(body.get("user_id", "")), str(body["bot_id"]))
        return us, frozenset(filter(None, re.split(r"[,\s]+", headers.get("x-oauth-scopes", ""))))

    async def open_connection(self) -> str:
        """Ask for a Socket Mode address with the app token; it can be used once, soon.

        Raises:
            CredentialsError: The app token is wrong, or Socket Mode is off.
            PlatformError: As ``call``.
        """
        client = self.client(self._settings.app_token.get_secret_value())
        try:
            body, _ = await self._send(client, "apps.connections.open", {}, "")
        except SlackRefused as error:
            raise CredentialsError(
                error.reason,
                fix="Give the app-level token the scope connections:write, and switch Socket Mode on for the app.",
            ) from error
        return str(body.get("url", ""))

    def _client(self) -> AsyncWebClient:
        if self._bot is None:
            raise RuntimeError("used before it was opened")
        return self._bot

    async def _send(
        self, client: AsyncWebClient, method: str, arguments: dict[str, Any], budget: str
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        try:
            if method in GET_METHODS:
                response = await client.api_call(method, http_verb="GET", params=arguments)
            elif method in JSON_METHODS:
                response = await client.api_call(method, json=arguments)
            else:
                response = await client.api_call(method, params=arguments)
        except SlackApiError as error:
            raise classify(_refusal(error, method, budget)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(method, error) from error
        except (SlackRequestError, AttributeError, ValueError) as error:
            # The SDK looks into an answer that is no JSON object as if it were one.
            raise PlatformUnavailable(f"{method}: an answer that is no JSON object", outcome_unknown=True) from error
        if not isinstance(response.data, dict):
            raise PlatformUnavailable(f"{method}: an answer that is no JSON object", outcome_unknown=True)
        return response.data, {name.lower(): value for name, value in response.headers.items()}


def lost(method: str, error: Exception) -> BridgeError:
    """Return our error for a request that got no answer: was it certainly not sent?"""
    never_sent = isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError
    )
    kind = "not reached" if never_sent else "no answer"
    return PlatformUnavailable(f"{method}: {kind} ({type(error).__name__})", outcome_unknown=not never_sent)


def _refusal(error: SlackApiError, method: str, budget: str) -> Refusal:
    response: Any = error.response
    # The SDK's own response has status_code and data; aiohttp's, for JSON that is none, has status alone.
    status = getattr(response, "status_code", getattr(response, "status", 0))
    data = getattr(response, "data", None)
    headers = getattr(response, "headers", None) or {}
    retry_after = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    return Refusal(method, status, data if isinstance(data, dict) else {}, retry_after, budget)
