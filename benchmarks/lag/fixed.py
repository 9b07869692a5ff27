"""What bots do today: one timer per answer and the SDK's own care for limits. Each policy is a process of its own.

``fixed-T``: first words are posted with the first delta; then, ``T`` seconds after the last request began and when it
has been answered, the message is edited; the whole text is edited in at the end without waiting for the timer. A text
is chosen when its request begins: what the SDK sends again after a refusal is as old as the wait. Reading Coze goes on
meanwhile. Slack: slack_sdk's ``AsyncRateLimitErrorRetryHandler``, three retries; an interim edit refused four times is
skipped, a final one is lost. Discord: discord.py's own handling.

``chat-stream``: slack_sdk's ``chat_stream`` helper with the same handler, as its documentation shows it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeAlias

import aiohttp
import discord
from discord.http import Route
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.lag.loads import Load, Question
from benchmarks.lag.sites import Address, Spot

FIXED = {f"fixed-{interval_s}": interval_s for interval_s in (0.5, 1.0, 1.5, 3.0)}
CHAT_STREAM = "chat-stream"
RETRIES = 3
DELTA_EVENT = b"event:conversation.message.delta"
DATA = b"data:"
CONNECTIONS_MAX = 100

Edit: TypeAlias = Callable[[str], Awaitable[None]]


class Screen(Protocol):
    """Where texts are shown; both calls raise ``Refused`` when the SDK has given up."""

    async def post(self, spot: Spot, text: str) -> Edit:
        """Post a message and return what edits it."""
        ...


class Refused(Exception):
    """The SDK gave up."""


class Growth:
    """One answer as it comes from Coze."""

    def __init__(self) -> None:
        self.text = ""
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def read(self, http: aiohttp.ClientSession, address: Address, question: Question) -> None:
        """Ask and read to the end."""
        asked = {"role": "user", "type": "question", "content": question.asked, "content_type": "text"}
        body = {"bot_id": address.agent, "user_id": "u1", "stream": True, "additional_messages": [asked]}
        headers = {"Authorization": f"Bearer {address.coze_token}"}
        async with http.post(f"{address.coze_url}/v3/chat", json=body, headers=headers) as response:
            is_delta = False
            async for line in response.content:
                if line.startswith(DATA):
                    if is_delta:
                        self.text += json.loads(line.removeprefix(DATA))["content"]
                        self.begun.set()
                elif line.startswith(b"event:"):
                    is_delta = line.strip() == DELTA_EVENT
        self.begun.set()
        self.ended.set()


def run(pipe: Connection, policy: str, load: Load) -> None:
    """Be one policy: receive the address, say that it is ready, receive the beginning, answer everything, say so."""
    asyncio.run(_run(pipe, policy, load))


async def _run(pipe: Connection, policy: str, load: Load) -> None:
    address: Address = pipe.recv()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        screen_of = slack_screen if load.platform == "slack" else discord_screen
        async with screen_of(address) as screen:
            pipe.send("ready")
            begin: float = pipe.recv()
            async with asyncio.TaskGroup() as tasks:
                for question in load.questions:
                    tasks.create_task(_answer(http, screen, address, policy, question, begin))
    pipe.send("done")


async def _answer(
    http: aiohttp.ClientSession, screen: Screen, address: Address, policy: str, question: Question, begin: float
) -> None:
    loop, growth = asyncio.get_running_loop(), Growth()
    await asyncio.sleep(begin + question.at_s - loop.time())
    spot = address.spots[question.number]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(growth.read(http, address, question))
        if policy == CHAT_STREAM:
            assert isinstance(screen, SlackScreen)
            tasks.create_task(screen.stream(spot, growth))
        else:
            tasks.create_task(show(screen, spot, growth, FIXED[policy]))


async def show(screen: Screen, spot: Spot, growth: Growth, interval_s: float) -> None:
    """Show one answer as it grows."""
    loop = asyncio.get_running_loop()
    edit: Edit | None = None
    shown = ""
    await growth.begun.wait()
    while True:
        is_last, text, began = growth.ended.is_set(), growth.text, loop.time()
        try:
            if edit is None:
                edit = await screen.post(spot, text)
                shown = text
            elif text != shown:
                await edit(text)
                shown = text
        except Refused:
            pass  # the next edit shows more, if there is one
        if is_last:
            return
        try:
            async with asyncio.timeout_at(began + interval_s):
                await growth.ended.wait()
        except TimeoutError:
            pass


class SlackScreen:
    """Slack through slack_sdk."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, spot: Spot, text: str) -> Edit:
        try:
            posted = await self._client.chat_postMessage(channel=spot.channel, thread_ts=spot.thread, text=text)
        except SlackApiError as error:
            raise Refused from error

        async def edit(text: str) -> None:
            try:
                await self._client.chat_update(channel=spot.channel, ts=posted["ts"], text=text)
            except SlackApiError as error:
                raise Refused from error

        return edit

    async def stream(self, spot: Spot, growth: Growth) -> None:
        """Show one answer with the SDK's helper; whatever is refused for good ends it."""
        await growth.begun.wait()
        helper = await self._client.chat_stream(
            channel=spot.channel,
            thread_ts=spot.thread or "",
            recipient_user_id=spot.person,
            recipient_team_id=spot.team,
        )
        given = 0
        try:
            while not growth.ended.is_set() or given < len(growth.text):
                text = growth.text
                if len(text) > given:
                    await helper.append(markdown_text=text[given:])
                    given = len(text)
                else:
                    await asyncio.sleep(0.02)  # the helper buffers; how often it is called does not matter
            await helper.stop()
        except SlackApiError:
            return


class DiscordScreen:
    """Discord through discord.py."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def post(self, spot: Spot, text: str) -> Edit:
        try:
            message = await self._client.get_partial_messageable(int(spot.channel)).send(text)
        except discord.HTTPException as error:
            raise Refused from error

        async def edit(text: str) -> None:
            try:
                await message.edit(content=text)
            except discord.HTTPException as error:
                raise Refused from error

        return edit


@asynccontextmanager
async def slack_screen(address: Address) -> AsyncIterator[SlackScreen]:
    """Open Slack as an app without ears."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX)) as session:
        handler = AsyncRateLimitErrorRetryHandler(max_retry_count=RETRIES)
        client = AsyncWebClient(
            address.bot_token, base_url=address.api_url, session=session, retry_handlers=[handler], timeout=600
        )
        yield SlackScreen(client)


@asynccontextmanager
async def discord_screen(address: Address) -> AsyncIterator[DiscordScreen]:
    """Open Discord as a bot without a gateway."""
    Route.BASE = address.api_url
    options: dict[str, Any] = {"allowed_mentions": discord.AllowedMentions.none()}
    async with discord.Client(intents=discord.Intents.none(), **options) as client:
        await client.login(address.bot_token)
        yield DiscordScreen(client)
