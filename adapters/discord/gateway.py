"""The gateway: discord.py's client at our addresses, and what the ways in which it dies mean to us.

The SDK reads its addresses from class attributes, one for the whole process. Here each client has an HTTP client of its
own that puts the configured addresses in their place, so that two instances never meet. At the same spot three of the
SDK's habits are mended:

- a gateway that cannot be reached at the start kills the client with an ``AttributeError`` after a while: it is said
  at once what is wrong;
- after a loss it asks for ever at the address it was given for resuming, and at once when that one takes the socket
  and drops it: the usual address takes over, with growing pauses;
- a session that is refused is asked for anew every five seconds, and Discord counts: after the second refusal the
  client is given up, and whoever started it pauses.
"""

import asyncio
import json
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

import aiohttp
import structlog
from yarl import URL

import discord
from adapters.discord import limits
from adapters.discord.refusals import TOKEN_FIX
from adapters.discord.settings import DiscordSettings
from bridge.errors import BridgeError, CredentialsError, PlatformUnavailable
from bridge.ports import Clock
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

log = structlog.get_logger(__name__)

HANDSHAKE_TIMEOUT_S = 10.0
CANCEL_AGAIN_S = 1.0
CLOSE_TIMEOUT_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 20.0
"""The SDK gives one attempt to connect 60 s in all."""
RESUME_ATTEMPTS = 2
"""How often in vain the address for resuming is tried before the usual one."""
REFUSED_SESSIONS_MAX = 2
SHORT_FRAME_CHARS = 200
"""Frames that are no event are shorter."""

PORTAL = "the Developer Portal (your application, Bot)"
CLOSE_CODES: dict[int, tuple[str, str]] = {
    4004: ("the gateway refuses the token", TOKEN_FIX),
    4010: ("the gateway refuses this number of connections", 'Set shards = "auto".'),
    4011: ("the bot is on too many servers for one connection", 'Set shards = "auto".'),
    4012: ("the gateway does not speak our version of its protocol", "Update coze-bridge and discord.py."),
    4013: ("the gateway does not know the intents", "Update coze-bridge and discord.py."),
    4014: (
        "the message content intent is not switched on",
        f'Switch it on in {PORTAL}, or set message_content = "off".',
    ),
}
"""Why the gateway closes for good, and what to do. Source: docs.discord.com, "Gateway Close Event Codes"."""


DEATHS = (
    *(discord.DiscordException, aiohttp.ClientError, OSError),
    *(ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
)
"""What leaves the SDK's ``start``: its own errors, the network's, and whatever its parsers stumble over."""


class Ear(Protocol):
    """Who is told what the gateway says; every call is a task of its own, begun in the order of the frames."""

    async def on_frame(self, frame: str) -> None: ...

    def on_up(self, shard: int | None) -> None:
        """Messages can arrive."""
        ...

    def on_down(self, shard: int | None) -> None: ...


class GatewayHttp(HTTPClient):
    """The SDK's requests and sockets, at the configured addresses."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: DiscordSettings, clock: Clock) -> None:
        super().__init__(loop, proxy=settings.proxy)
        self._settings = settings
        self._clock = clock
        self.ever_up = False
        self._vain = 0
        self._refused = 0
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    def up(self) -> None:
        """A session has begun or goes on: forget what was in vain."""
        self.ever_up = True
        self._vain = self._refused = 0

    def refused(self) -> None:
        """The gateway refused to begin a session, or to go on with one."""
        self._refused += 1

    async def request(self, route: Route, **kwargs: Any) -> Any:
        """Send one of the SDK's own requests (login, number of shards)."""
        route.url = self._settings.api_url + route.url.removeprefix(Route.BASE)
        return await super().request(route, **kwargs)

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Open a socket to the gateway."""
        if self._refused >= REFUSED_SESSIONS_MAX:
            raise PlatformUnavailable("the gateway refuses to begin a session", outcome_unknown=False)
        wanted = URL(url)
        usual = URL(self._settings.gateway_url).with_query(wanted.query)
        vain, self._vain = self._vain, self._vain + 1
        if vain:
            await self._clock.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (vain - 1)))
        if wanted.host == DiscordWebSocket.DEFAULT_GATEWAY.host or vain >= RESUME_ATTEMPTS:
            return await self._connect_usual(usual, compress)
        try:
            return await self._connect(wanted, compress)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("the address for resuming does not answer, trying the usual one", reason=type(error).__name__)
        return await self._connect_usual(usual, compress)

    async def close(self) -> None:
        """Close what is open, also a socket whose handshake the SDK had not finished and would leave to itself."""
        for socket in self._sockets:
            if not socket.closed:
                with suppress(TimeoutError, aiohttp.ClientError, OSError):
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await socket.close(code=1000)
        await super().close()

    async def _connect(self, address: URL, compress: int) -> aiohttp.ClientWebSocketResponse:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            socket = await super().ws_connect(str(address), compress=compress)
        self._sockets = [known for known in self._sockets if not known.closed] + [socket]
        return socket

    async def _connect_usual(self, usual: URL, compress: int) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._connect(usual, compress)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self.ever_up:
                raise  # the SDK tries again, with growing pauses
            raise PlatformUnavailable(
                f"the gateway is not reached ({type(error).__name__}); is gateway_url right?", outcome_unknown=False
            ) from error


class _Listening:
    """What both of the SDK's clients have in common here."""

    http: HTTPClient
    loop: asyncio.AbstractEventLoop

    def __init__(self, ear: Ear, settings: DiscordSettings, clock: Clock, **options: Any) -> None:
        self._ear = ear
        self._settings = settings
        self._clock = clock
        super().__init__(**options)

    def _get_state(self, **options: Any) -> Any:
        """Put our HTTP client in the place of the SDK's, before anything else takes hold of it."""
        self.http = self.wire = GatewayHttp(self.loop, self._settings, self._clock)
        return super()._get_state(**options)  # type: ignore[misc]  # the SDK's

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await self._clock.sleep(self._settings.identify_interval_s)

    async def on_socket_raw_receive(self, frame: str) -> None:
        if len(frame) < SHORT_FRAME_CHARS and _is_invalid_session(frame):
            self.wire.refused()
        await self._ear.on_frame(frame)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.exception("unexpected error in an event", event=event_method)


class OneSocket(_Listening, discord.Client):
    """One connection to the gateway."""

    async def on_connect(self) -> None:
        self._up()

    async def on_resumed(self) -> None:
        self._up()

    async def on_disconnect(self) -> None:
        self._ear.on_down(None)

    def _up(self) -> None:
        self.wire.up()
        self._ear.on_up(None)


class ManySockets(_Listening, discord.AutoShardedClient):
    """Several connections, each with its share of the servers."""

    async def on_shard_connect(self, shard_id: int) -> None:
        self._up(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._up(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._ear.on_down(shard_id)

    def _up(self, shard_id: int) -> None:
        self.wire.up()
        self._ear.on_up(shard_id)


def make_client(ear: Ear, settings: DiscordSettings, clock: Clock, *, reads_content: bool) -> OneSocket | ManySockets:
    """Make a client; it can be started once."""
    _quiet_sdk()
    intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=reads_content)
    options: dict[str, Any] = {
        "intents": intents,
        "max_messages": None,
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "chunk_guilds_at_startup": False,
        "allowed_mentions": discord.AllowedMentions.none(),
        "heartbeat_timeout": limits.QUIET_GATEWAY_S,
        "enable_debug_events": True,  # frames as they came: the public way to them
    }
    if settings.shards == 1:
        return OneSocket(ear, settings, clock, **options)
    count = None if settings.shards == "auto" else settings.shards
    return ManySockets(ear, settings, clock, shard_count=count, **options)


async def to_its_end(running: Coroutine[Any, Any, None]) -> None:
    """Wait for the SDK; cancelled, cancel it until it ends.

    Its loop takes a cancellation that meets a failing attempt to connect for that failure (``asyncio.wait_for`` of
    Python 3.11 tells the one in the place of the other) and tries again for ever.
    """
    task = asyncio.get_running_loop().create_task(running)
    try:
        await asyncio.wait({task})
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
        if not task.cancelled():
            task.exception()  # seen, even if we are leaving for another reason
    await task


async def live(client: OneSocket | ManySockets, settings: DiscordSettings) -> BridgeError:
    """Log in and receive until the client dies or is closed; return why.

    ``CredentialsError``: waiting does not help. ``PlatformUnavailable``: make a new client after a while.
    """
    try:
        await to_its_end(client.start(settings.token.get_secret_value()))
    except discord.PrivilegedIntentsRequired as error:
        if client.wire.ever_up and settings.message_content == "auto":
            reason = "the message content intent was switched off while we ran"
            return PlatformUnavailable(reason, outcome_unknown=False)
        return death_of(error)
    except BridgeError as error:
        return error  # said by our own HTTP client, in the middle of the SDK
    except DEATHS as error:
        return death_of(error)
    return PlatformUnavailable("the connection to the gateway was closed", outcome_unknown=False)


def _is_invalid_session(frame: str) -> bool:
    data = json.loads(frame)
    return bool(data.get("op") == DiscordWebSocket.INVALIDATE_SESSION and data.get("d") is not True)


def death_of(error: Exception) -> BridgeError:
    """Return what an exception that left the SDK's ``start`` means."""
    if isinstance(error, discord.LoginFailure):
        return CredentialsError("Discord does not know the token", fix=TOKEN_FIX)
    code = 4014 if isinstance(error, discord.PrivilegedIntentsRequired) else getattr(error, "code", 0)
    if isinstance(error, discord.PrivilegedIntentsRequired | discord.ConnectionClosed) and code in CLOSE_CODES:
        reason, fix = CLOSE_CODES[code]
        return CredentialsError(f"{reason} ({code})", fix=fix)
    if isinstance(error, aiohttp.ClientError | OSError | discord.DiscordException):
        return PlatformUnavailable(f"the gateway is lost ({_in_short(error)})", outcome_unknown=False)
    log.error("the SDK could not read what Discord sent", exc_info=error)
    return PlatformUnavailable(f"discord.py broke down ({type(error).__name__})", outcome_unknown=False)


def _in_short(error: Exception) -> str:
    status = getattr(error, "status", None) or getattr(error, "code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__


class _OneLine(logging.Filter):
    """Keeps the SDK's complaints to one line, and those about voice to itself.

    It repeats the former with a traceback at every attempt.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return "voice will NOT be supported" not in record.getMessage()


_ONE_LINE = _OneLine()


def _quiet_sdk() -> None:
    """Let the SDK speak from warnings on: its debug lines hold what people say, its info lines session ids."""
    logging.getLogger("discord").setLevel(logging.WARNING)
    for name in ("discord.client", "discord.shard", "discord.gateway"):
        logging.getLogger(name).addFilter(_ONE_LINE)  # adding it twice changes nothing
