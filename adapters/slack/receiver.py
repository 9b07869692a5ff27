"""Receiving by Socket Mode: slack-bolt's app and the life of one socket.

An event is acknowledged by Bolt when our middleware returns, and not at all when it raises: Slack then delivers again.
The SDK keeps the socket alive by itself, with three exceptions that this module mends: with a wrong app token it tries
for ever without a word, a refused handshake is repeated with the same used-up ticket for ever, and a task of its own
that has died leaves a socket that looks alive. So tickets are asked for here, and a socket that is lost or mute for too
long is thrown away with all its tasks.
"""

import asyncio
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from adapters.slack.backlog import Backlog
from adapters.slack.commands import CommandWords, parse_called
from adapters.slack.counter import Counter
from adapters.slack.desk import Desk
from adapters.slack.entrances import Entrance, entrance_of
from adapters.slack.inbound import Identity, InboundRules, Withdrawal, parse_event, text_of
from adapters.slack.presses import parse_stop
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web, sdk_logger
from bridge.errors import StoreError
from bridge.ports import Clock

log = structlog.get_logger(__name__)

EVENT_IDS_KEPT = 2_000
LAST_EVENTS_S = 2.0
"""How long a stop waits for events that are being written down and acknowledged."""
CLOSE_S = 5.0
WATCH_S = 0.25


class Receiver:
    """Takes events from Slack and hands envelopes to the intake."""

    def __init__(
        self,
        settings: SlackSettings,
        rules: InboundRules,
        us: Identity,
        web: Web,
        desk: Desk,
        counter: Counter,
        words: CommandWords,
        backlog: Backlog,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._us = us
        self._web = web
        self._desk = desk
        self._counter = counter
        self._words = words
        self._backlog = backlog
        self._clock = clock
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._taking: set[asyncio.Task[Any]] = set()

    # --- one socket ---

    async def run(self, app: AsyncApp, url: str, connected: asyncio.Event) -> None:
        """Receive over one socket, and those the SDK replaces it with, until it is beyond repair or we are cancelled.

        Args:
            url: A fresh ticket.
        """
        handler = AsyncSocketModeHandler(
            app,
            self._settings.app_token.get_secret_value(),
            logger=_socket_logger(),
            web_client=self._web.client(None),
            ping_interval=self._settings.ping_interval_s,
        )
        handler.client.proxy = self._settings.proxy
        handler.client.wss_uri = url
        try:
            await self._watch(handler, connected)
        finally:
            connected.clear()
            await self._close(handler)

    async def _watch(self, handler: AsyncSocketModeHandler, connected: asyncio.Event) -> None:
        client = handler.client
        greeted: set[int] = set()

        async def greet(message: WSMessage) -> None:
            if id(client.current_session) in greeted or not _is_hello(message.data):
                self._backlog.frame()
                return
            greeted.clear()
            greeted.add(id(client.current_session))
            self._backlog.greeted()
            connected.clear()  # the SDK may have replaced a socket before anybody looked
            connected.set()
            log.info("connected to Slack")

        client.on_message_listeners.append(greet)
        try:
            async with asyncio.timeout(self._settings.rebuild_after_s):
                await handler.connect_async()  # type: ignore[no-untyped-call]  # the SDK leaves it bare
        except TimeoutError:
            log.warning("no connection to Slack's socket, starting afresh")
            return
        alive_at, pong_at = self._clock.now(), client.last_ping_pong_time
        while not await self._clock.wait(self._web.refused, WATCH_S):
            if await self._is_alive(handler) and id(client.current_session) in greeted:
                alive_at = self._clock.now()
                connected.set()
                if client.last_ping_pong_time != pong_at:
                    pong_at = client.last_ping_pong_time
                    self._backlog.frame()
                continue
            if connected.is_set():
                connected.clear()
                log.warning("connection to Slack lost")
            lost_s = self._clock.now() - alive_at
            if lost_s >= self._settings.rebuild_after_s:
                log.warning("the socket stays lost or mute, starting afresh", after_s=round(lost_s, 1))
                return

    async def _is_alive(self, handler: AsyncSocketModeHandler) -> bool:
        alive = all(task is not None and not task.done() for task in _tasks(handler))
        return alive and await handler.client.is_connected()

    async def _close(self, handler: AsyncSocketModeHandler) -> None:
        """Let events in hand be acknowledged, then close: a ghost connection counts against Slack's ten."""
        try:
            await self._backlog.let_all_pass()
            if self._taking:
                await asyncio.wait(set(self._taking), timeout=LAST_EVENTS_S)
        finally:
            try:
                with suppress(TimeoutError, OSError):
                    async with asyncio.timeout(CLOSE_S):
                        await handler.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it bare
            finally:
                await self._drop(handler)

    async def _drop(self, handler: AsyncSocketModeHandler) -> None:
        """End what is left of a socket: a mute server keeps the SDK waiting for its farewell, and the rest open."""
        left = [task for task in _tasks(handler) if task is not None]
        for task in left:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await handler.client.aiohttp_client_session.close()
                if left:
                    await asyncio.wait(left)

    # --- events ---

    def app(self, bot_token: str) -> AsyncApp:
        """Make the Bolt app: our middleware, and a listener that acknowledges every event the middleware lets pass."""
        result = AuthorizeResult(
            enterprise_id=None,
            team_id=self._us.team_id,
            bot_user_id=self._us.user_id,
            bot_id=self._us.bot_id,
            bot_token=bot_token,
        )

        async def authorize() -> AuthorizeResult:
            return result  # Bolt itself would call auth.test first and so let events overtake each other

        app = AsyncApp(
            client=self._web.client(None),
            authorize=authorize,
            logger=_socket_logger(),
            name="coze-bridge",
            signing_secret="",
            request_verification_enabled=False,  # these four belong to HTTP mode and to functions
            ssl_check_enabled=False,
            url_verification_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )

        async def take(body: dict[str, Any], ack: AsyncAck, next_: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
            self._remember_task()
            match entrance_of(body):
                case Entrance.SLASH | Entrance.SHORTCUT | Entrance.FORM:
                    called = parse_called(body, self._words, self._rules, self._us, self._clock.wall())
                    return await ack(**await self._counter.take(called)) if called is not None else await ack()
                case Entrance.BUTTON | Entrance.REASONS:
                    return await ack(**await self._desk.take(body))
                case Entrance.MENTION | Entrance.MESSAGE | Entrance.OWN_STOP:
                    await self._take(body)
                case None if body.get("type") != "event_callback":
                    return await ack()
            await next_()  # to where events are acknowledged
            return None

        async def rest() -> None:
            return None

        app.middleware(take)
        app.event(re.compile(".*"))(rest)
        return app

    def _remember_task(self) -> None:
        task = asyncio.current_task()
        if task is not None:  # the SDK keeps no hold of its tasks
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _take(self, body: Mapping[str, Any]) -> None:
        """Write one event's question down. No ``await`` may come before ``accept``: it takes the place in the lane."""
        event_id = str(body.get("event_id") or "")
        if event_id in self._seen:
            return
        self._notice(body.get("event"))
        parsed = parse_event(body, self._rules, self._us)
        if stop := parse_stop(body, self._rules.instance, self._us):
            await self._desk.obey(stop)
        elif isinstance(parsed, Withdrawal):
            await self._backlog.withdraw(parsed.delivery_key)
        elif parsed is not None:
            try:
                await self._backlog.accept(parsed)
            except StoreError as error:
                log.error("question not written down, Slack will deliver it again", reason=error.reason)
                raise
        self._remember(event_id)

    def _notice(self, event: object) -> None:
        """Tell the backlog where people talk; whatever is no message stands in no history."""
        if isinstance(event, Mapping) and event.get("type") in ("message", "app_mention"):
            if channel := text_of(event, "channel"):
                self._backlog.saw(channel, text_of(event, "ts"))

    def _remember(self, event_id: str) -> None:
        """Remember an event that is dealt with; one that failed must be taken when it comes again."""
        if event_id:
            self._seen[event_id] = None
        if len(self._seen) > EVENT_IDS_KEPT:
            self._seen.popitem(last=False)


def _tasks(handler: AsyncSocketModeHandler) -> tuple[asyncio.Future[Any] | None, ...]:
    """Return what the SDK runs for a socket; without any one of these it is deaf."""
    client = handler.client
    return client.message_receiver, client.message_processor, client.current_session_monitor


def _is_hello(data: object) -> bool:
    if not isinstance(data, str) or '"hello"' not in data:
        return False
    try:
        return bool(json.loads(data).get("type") == "hello")
    except (ValueError, AttributeError):
        return False


class _OneLine(logging.Filter):
    """Keeps the SDK's complaints to one line: it repeats them with a traceback every few seconds."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


def _socket_logger() -> logging.Logger:
    logger = sdk_logger()
    if not logger.filters:
        logger.addFilter(_OneLine())
    return logger
