"""A running Discord of one's own, a raw client for it, and the real discord.py connected to it."""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands, utils
from discord.gateway import DiscordWebSocket
from discord.http import Route

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator, DiscordSwitches
from sandbox.journal import Journal

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
USER_AGENT = "DiscordBot (https://example.org, 1.0)"
ALL_INTENTS = 1 << 0 | 0b111111 << 9 | 1 << 15
"""Guilds, messages, reactions and typing of guilds and direct conversations, message content."""
COMPRESSIONS = ("plain", "zlib", "zstd")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients read proxies from the environment; tests must not."""
    for name in PROXIES:
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
def switches() -> DiscordSwitches:
    """Everyday behaviour, with limits that only tests of limits meet, and identifies as often as one likes."""
    return DiscordSwitches(rate_limits="generous", global_per_s=1000, identify_interval_s=0.0)


@pytest.fixture
async def emulator(clock: SandboxClock, journal: Journal, switches: DiscordSwitches) -> AsyncIterator[DiscordEmulator]:
    """A running emulator with ann and bob in #general and a forum #help."""
    async with DiscordEmulator(clock, journal, switches=switches) as running:
        running.add_user("ann")
        running.add_user("bob", "zh-CN")
        running.add_channel("general")
        running.add_channel("help", "forum", tags=("bug",))
        yield running


class RawApi:
    """Calls REST routes with plain aiohttp."""

    def __init__(self, emulator: DiscordEmulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.session = session

    def channel(self, name: str = "general") -> str:
        """Return the id of a channel."""
        return self.emulator.find_channel(name).id

    @asynccontextmanager
    async def send(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send JSON with the bot's token."""
        headers = {"User-Agent": USER_AGENT, "Authorization": f"Bot {token or self.emulator.bot_token}"}
        url = f"{self.emulator.api_url}{path}"
        async with self.session.request(method, url, json=body, headers=headers, **more) as response:
            yield response

    async def call(self, method: str, path: str, body: Any = None, *, status: int | None = None, **more: Any) -> Any:
        """Return the JSON of an answer that must succeed, or have this status."""
        async with self.send(method, path, body, **more) as response:
            text = await response.text()
            assert response.status == status if status else response.status < 300, f"{response.status} {text}"
            return await response.json() if text else None

    async def refusal(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, int]:
        """Return status and code of a call that must be refused."""
        async with self.send(method, path, body, **more) as response:
            assert response.status >= 400, await response.text()
            return response.status, (await response.json())["code"]

    async def post(self, content: str = "hi", channel: str = "general", **fields: Any) -> dict[str, Any]:
        """Post a message that must be accepted and return it."""
        path = f"/channels/{self.channel(channel)}/messages"
        made: dict[str, Any] = await self.call("POST", path, {"content": content, **fields})
        return made

    async def edit(self, message: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Edit a message."""
        path = f"/channels/{message['channel_id']}/messages/{message['id']}"
        made: dict[str, Any] = await self.call("PATCH", path, fields)
        return made


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def api(emulator: DiscordEmulator, session: aiohttp.ClientSession) -> RawApi:
    """The REST API by hand."""
    return RawApi(emulator, session)


class RawGateway:
    """One gateway connection by hand, with plain frames."""

    def __init__(self, emulator: DiscordEmulator, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.emulator = emulator
        self.socket = socket
        self.sequence = 0
        self.session_id = ""

    async def send(self, op: int, data: Any = None) -> None:
        """Send one frame."""
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> dict[str, Any]:
        """Return the next frame; a close becomes ``{"closed": code}``."""
        message = await self.socket.receive(timeout=5)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return {"closed": self.socket.close_code}
        frame: dict[str, Any] = message.json()
        self.sequence = frame["s"] or self.sequence
        return frame

    async def until(self, name: str) -> Any:
        """Return the data of the next event of a name."""
        while (frame := await self.receive()).get("t") != name:
            assert "closed" not in frame, frame
        return frame["d"]

    async def identify(self, intents: int = ALL_INTENTS, **fields: Any) -> None:
        """Send an IDENTIFY."""
        token = {"token": self.emulator.bot_token, "properties": {"os": "x", "browser": "x", "device": "x"}}
        await self.send(2, token | {"intents": intents} | fields)

    async def ready(self, intents: int = ALL_INTENTS, **fields: Any) -> dict[str, Any]:
        """Identify and return READY."""
        await self.identify(intents, **fields)
        data: dict[str, Any] = await self.until("READY")
        self.session_id = data["session_id"]
        return data

    async def resume(self, session_id: str, sequence: int, **fields: Any) -> None:
        """Send a RESUME."""
        known = {"token": self.emulator.bot_token, "session_id": session_id, "seq": sequence}
        await self.send(6, known | fields)


Dial = Callable[..., AbstractAsyncContextManager[RawGateway]]


@pytest.fixture
def dial(emulator: DiscordEmulator, session: aiohttp.ClientSession) -> Dial:
    """Open a gateway connection; HELLO has been read when the context is entered."""

    @asynccontextmanager
    async def dialled(query: str = "?v=10&encoding=json", path: str = "/gateway") -> AsyncIterator[RawGateway]:
        async with session.ws_connect(f"{emulator.base_url}{path}{query}", autoclose=True) as socket:
            raw = RawGateway(emulator, socket)
            hello = await raw.receive()
            assert hello["op"] == 10
            yield raw

    return dialled


def zlib_decompression() -> Any:
    """Return the library's own zlib reader, which it only defines where no zstd package is installed."""
    hidden = {name: sys.modules.get(name) for name in ("zstandard", "compression.zstd")}
    spec = importlib.util.find_spec("discord.utils")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        spec.loader.exec_module(module)
    finally:
        for name, known in hidden.items():
            if known is None:
                del sys.modules[name]
            else:
                sys.modules[name] = known
    return module._ActiveDecompressionContext


@contextmanager
def pointed_at(emulator: DiscordEmulator, compression: str = "zlib") -> Iterator[None]:
    """Let discord.py speak to the emulator: the two class attributes of reference 2.5, and its decompression."""
    known: Any = utils
    saved = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, known._ActiveDecompressionContext
    Route.BASE = emulator.api_url
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(emulator.gateway_url)
    emulator.switches.compression = "never" if compression == "plain" else "asked"
    if compression == "zlib":
        known._ActiveDecompressionContext = zlib_decompression()
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, known._ActiveDecompressionContext = saved


class Notes:
    """What a bot saw, by event name, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def of(self, name: str) -> list[Any]:
        """Return what came with each event of this name."""
        return [value for seen, value in self.seen if seen == name]

    def add(self, name: str, value: Any = None) -> None:
        """Note an event."""
        self.seen.append((name, value))


class Bot(discord.Client):
    """A discord.py client that notes what it sees and identifies without the library's five seconds."""

    notes: Notes
    tree: app_commands.CommandTree[Any]

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait: the emulator is told to allow it."""

    async def on_ready(self) -> None:
        """Note it."""
        self.notes.add("ready")

    async def on_resumed(self) -> None:
        """Note it."""
        self.notes.add("resumed")

    async def on_disconnect(self) -> None:
        """Note it."""
        self.notes.add("disconnect")

    async def on_message(self, message: discord.Message) -> None:
        """Note it."""
        self.notes.add("message", message)

    async def on_thread_create(self, thread: discord.Thread) -> None:
        """Note it."""
        self.notes.add("thread_create", thread)


class ShardedBot(discord.AutoShardedClient, Bot):
    """The same over several shards."""


def make_bot(*, shards: int = 1, intents: int = ALL_INTENTS, **options: Any) -> Bot:
    """Return a bot of the real library, not yet started."""
    wanted = discord.Intents()
    wanted.value = intents
    defaults = {"guild_ready_timeout": 0.05, "allowed_mentions": discord.AllowedMentions.none()}
    options = {**defaults, "intents": wanted, **options}
    bot = Bot(**options) if shards == 1 else ShardedBot(shard_count=shards, **options)
    bot.notes = Notes()
    bot.tree = app_commands.CommandTree(bot)
    return bot


Connect = Callable[[Bot], AbstractAsyncContextManager[Bot]]


@pytest.fixture(params=COMPRESSIONS)
def compression(request: pytest.FixtureRequest) -> str:
    """Each kind of transport compression."""
    kind: str = request.param
    return kind


@pytest.fixture
def every_wire(emulator: DiscordEmulator, compression: str) -> Iterator[None]:
    """discord.py speaks to the emulator, once with each compression."""
    with pointed_at(emulator, compression):
        yield


@pytest.fixture
def one_wire(emulator: DiscordEmulator) -> Iterator[None]:
    """discord.py speaks to the emulator."""
    with pointed_at(emulator):
        yield


@pytest.fixture(params=(1, 2), ids=("one-shard", "two-shards"))
def shards(request: pytest.FixtureRequest, switches: DiscordSwitches) -> int:
    """Without sharding, and with two shards that may identify at once."""
    count: int = request.param
    switches.max_concurrency = count
    return count


@pytest.fixture
def connect(emulator: DiscordEmulator) -> Connect:
    """Run a bot for as long as the context lasts; enters when it is ready."""

    @asynccontextmanager
    async def connected(bot: Bot) -> AsyncIterator[Bot]:
        async with asyncio.TaskGroup() as group:
            group.create_task(bot.start(emulator.bot_token))
            try:
                await emulator.wait_until(lambda: bool(bot.notes.of("ready")), what="the bot to be ready")
                yield bot
            finally:
                await bot.close()
        await library_at_rest()

    return connected


async def run(bot: discord.Client, token: str) -> None:
    """Run a bot until it ends by itself."""
    async with bot:
        await bot.start(token)


async def library_at_rest() -> None:
    """Return when no task of the library runs any more: nobody owns its handlers, closing does not wait for them."""
    own = f"{Path(discord.__file__).parent}"
    async with asyncio.timeout(5):
        while running := [task for task in asyncio.all_tasks() if _file_of(task).startswith(own)]:
            await asyncio.wait(running)


def _file_of(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    return code.co_filename if code is not None else ""


@pytest.fixture
def library() -> Any:
    """The helpers of this file that test modules need: ``pointed_at`` and ``make_bot``."""
    return sys.modules[__name__]
