"""A running Slack of one's own, a raw client for it, and the real Bolt connected to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
SLACK_VARIABLES = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reads proxies and tokens from the environment; tests must not."""
    for name in (*PROXIES, *SLACK_VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> SandboxClock:
    """Running time that can be advanced."""
    return SandboxClock()


@pytest.fixture
def journal(clock: SandboxClock) -> Journal:
    """The journal of everything."""
    return Journal(clock)


@pytest.fixture
async def slack(clock: SandboxClock, journal: Journal) -> AsyncIterator[SlackEmulator]:
    """A running emulator with ann and bob in #general, and the bot with them."""
    async with SlackEmulator(clock, journal) as emulator:
        emulator.add_user("ann", user_id="U1")
        emulator.add_user("bob", locale="zh-CN", user_id="U2")
        emulator.add_channel("general", channel_id="C1")
        yield emulator


class RawApi:
    """Calls Web API methods with plain aiohttp."""

    def __init__(self, slack: SlackEmulator, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.session = session

    async def call(self, method: str, *, token: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Send the arguments as JSON with the bot's token and return the JSON answer."""
        headers = {"Authorization": f"Bearer {self.slack.bot_token if token is None else token}"}
        url = f"{self.slack.api_url}{method}"
        async with self.session.post(url, json=arguments, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def refusal(self, method: str, **arguments: Any) -> str:
        """Return the error code of a call that must be refused."""
        answer = await self.call(method, **arguments)
        assert answer["ok"] is False, answer
        return str(answer["error"])

    async def post(self, text: str = "hi", channel: str = "C1", **arguments: Any) -> str:
        """Post a message that must be accepted and return its ts."""
        answer = await self.call("chat.postMessage", channel=channel, text=text, **arguments)
        assert answer["ok"], answer
        return str(answer["ts"])


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def api(slack: SlackEmulator, session: aiohttp.ClientSession) -> RawApi:
    """The Web API by hand."""
    return RawApi(slack, session)


@pytest.fixture
async def client(slack: SlackEmulator, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The real SDK's client with the bot's token and without retries."""
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[], proxy="")


@pytest.fixture
def bolt(client: AsyncWebClient, slack: SlackEmulator) -> AsyncApp:
    """The real Bolt, not yet connected."""
    return AsyncApp(client=client, signing_secret=slack.signing_secret)


Connect = Callable[[AsyncApp], AbstractAsyncContextManager[AsyncSocketModeHandler]]


@pytest.fixture
def connect(slack: SlackEmulator) -> Connect:
    """Connect a Bolt app by Socket Mode for as long as the context lasts."""

    @asynccontextmanager
    async def connected(app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
        handler: Any = AsyncSocketModeHandler(app, slack.app_token, ping_interval=1)
        await handler.connect_async()
        try:
            yield handler
        finally:
            await handler.close_async()

    return connected
