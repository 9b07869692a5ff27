"""Receiving from the gateway: the life of one client, and its events on their way to the intake.

Events are taken from the frames as they come, not from the SDK's objects: what its parsers stumble over has reached us
before. The SDK begins a task for each frame in the order of the frames, and a task takes its place in the lane before
it waits for anything; only where something about the place must be found out first (a channel the gateway has not told
of, the root of a reply chain) do the messages of that channel queue up behind each other.

Discord has no acknowledgement: what was not written down is lost, but for what a RESUME happens to replay.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.discord.chains import Chains
from adapters.discord.channels import Channels
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.gateway import ManySockets, OneSocket, live, make_client
from adapters.discord.hints import Hints
from adapters.discord.inbound import (
    Channel,
    Identity,
    InboundRules,
    Unheard,
    ancestors,
    in_chain,
    is_spoken,
    parse_deletion,
    parse_message,
)
from adapters.discord.interactions import Interactions
from adapters.discord.settings import DiscordSettings
from adapters.discord.web import Web
from bridge.errors import PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.model import Envelope
from bridge.ports import Intake

log = structlog.get_logger(__name__)

MESSAGES_KEPT = 10_000
LAST_EVENTS_S = 2.0
"""How long a stop waits for events that are being written down."""
CLOSE_S = 5.0
EVENTS = ("MESSAGE_CREATE", "MESSAGE_DELETE", "INTERACTION_CREATE")
"""What frames are looked into for; the second is the beginning of MESSAGE_DELETE_BULK too."""


@dataclass(slots=True)
class _Queue:
    """Messages of one channel, one behind the other."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Receiver:
    """Takes events from one client of the gateway and hands envelopes to the intake."""

    def __init__(
        self,
        settings: DiscordSettings,
        rules: InboundRules,
        us: Identity,
        *,
        web: Web,
        chains: Chains,
        hints: Hints,
        services: Services,
        intake: Intake,
        connected: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._us = us
        self._web = web
        self._chains = chains
        self._hints = hints
        self._intake = intake
        self._connected = connected
        self._client: OneSocket | ManySockets = make_client(
            self, settings, services.clock, reads_content=us.reads_content
        )
        self._channels = Channels(self._client, web)
        self._interactions = Interactions(rules.instance, us, web=web, chains=chains, services=services, intake=intake)
        self._up: set[int | None] = set()
        self._patience: asyncio.Timeout | None = None
        self._queues: dict[str, _Queue] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._taking: set[asyncio.Task[Any]] = set()

    # --- one client's life ---

    async def run(self) -> None:
        """Receive until the client dies, stays without a session for too long, or we are cancelled.

        Raises:
            CredentialsError: Waiting does not help.
            PlatformUnavailable: Begin anew after a while.
        """
        try:
            async with self._client, asyncio.timeout(self._settings.rebuild_after_s) as self._patience:
                self._web.when_refused(self._lose_patience)
                try:
                    await live(self._client, self._settings)
                finally:
                    self._web.when_refused(None)
                    self._connected.clear()
                    await self._finish_events()
                    await self._close()
        except TimeoutError as error:
            if self._web.refusal is not None:
                raise self._web.refusal from error
            lost_s = self._settings.rebuild_after_s
            raise PlatformUnavailable(f"no session with the gateway for {lost_s:g} s", outcome_unknown=False) from error

    def on_up(self, shard: int | None) -> None:
        """Messages can arrive over this connection."""
        self._up.add(shard)
        if len(self._up) >= (self._client.shard_count or 1) and not self._connected.is_set():
            self._connected.set()
            log.info("connected to Discord", shards=len(self._up))
            if self._patience is not None:
                self._patience.reschedule(None)

    def on_down(self, shard: int | None) -> None:
        """Messages cannot arrive over this connection."""
        self._up.discard(shard)
        if self._connected.is_set():
            self._connected.clear()
            log.warning("connection to Discord lost", shard=shard)
            if self._patience is not None:
                self._patience.reschedule(asyncio.get_running_loop().time() + self._settings.rebuild_after_s)

    def _lose_patience(self) -> None:
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def _finish_events(self) -> None:
        if self._taking:
            await asyncio.wait(set(self._taking), timeout=LAST_EVENTS_S)

    async def _close(self) -> None:
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_S):
                await self._client.close()

    # --- events ---

    async def on_frame(self, frame: str) -> None:
        """Look into one frame of the gateway. No ``await`` may come before the place in the lane is taken."""
        if not any(event in frame for event in EVENTS):
            return
        message = json.loads(frame)
        data = message.get("d")
        if not isinstance(data, Mapping):
            return
        task = asyncio.current_task()
        if task is not None:
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
        match message.get("t"):
            case "MESSAGE_CREATE":
                await self._take(data)
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                for key in parse_deletion(data, self._rules.instance):
                    await self._intake.withdraw(key)
            case "INTERACTION_CREATE":
                await self._interactions.take(data, self._place_of(data))

    def _place_of(self, interaction: Payload) -> Channel | None:
        """Return where an interaction happened, which it tells itself; ``None`` in direct messages."""
        guild_id = text_in(interaction, "guild_id")
        told = {"id": text_in(interaction, "channel_id"), **mapping_in(interaction, "channel")}
        return self._channels.told(told, guild_id) if guild_id else None

    async def _take(self, message: Mapping[str, Any]) -> None:
        if str(message.get("id")) in self._seen or not is_spoken(message, self._us):
            return
        channel_id, guild_id = str(message.get("channel_id") or ""), str(message.get("guild_id") or "")
        channel = self._channels.known(channel_id) if guild_id else None
        if channel is None and guild_id:
            await self._take_in_turn(message, channel_id, guild_id)
        elif (envelope := await self._parse(message, channel)) is not None:
            chain = self._chain(message, channel)
            root = self._chains.known(channel_id, chain)
            if channel_id in self._queues or (chain and not root):
                await self._take_in_turn(message, channel_id, guild_id)
            else:
                await self._accept(envelope, root)

    async def _take_in_turn(self, message: Mapping[str, Any], channel_id: str, guild_id: str) -> None:
        """Find out what is unknown about a message's place, while the later ones of its channel wait behind it."""
        queue = self._queues.setdefault(channel_id, _Queue())
        queue.length += 1
        try:
            async with queue.lock:
                channel = self._channels.known(channel_id) if guild_id else None
                if channel is None and guild_id:
                    channel = await self._channels.ask(channel_id, guild_id)
                envelope = await self._parse(message, channel)
                if envelope is not None:
                    await self._accept(envelope, await self._root(message, channel))
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[channel_id]

    async def _parse(self, message: Mapping[str, Any], channel: Channel | None) -> Envelope | None:
        """Return the question a message asks; waits for nothing unless its words are kept from us."""
        names = self._channels.names_in(str(message.get("guild_id") or ""))
        parsed = parse_message(message, channel, self._rules, self._us, names)
        if isinstance(parsed, Unheard):
            await self._hints.give(parsed.envelope)
            return None
        return parsed

    def _chain(self, message: Mapping[str, Any], channel: Channel | None) -> tuple[str, ...]:
        """Return what a message in a channel replies to; threads and direct messages are one conversation anyway."""
        return () if channel is None or channel.is_thread else ancestors(message)

    async def _root(self, message: Mapping[str, Any], channel: Channel | None) -> str:
        chain = self._chain(message, channel)
        if channel is None or not chain:
            return ""
        if self._settings.answer_in == "thread":  # a chain that is not ours begins a thread of its own
            return await self._chains.find(channel.id, chain)
        return await self._chains.follow(channel.id, chain)

    async def _accept(self, envelope: Envelope, root: str) -> None:
        envelope = in_chain(envelope, root)
        try:
            accepted = await self._intake.accept(envelope)
        except StoreError as error:
            log.error("question not written down", reason=error.reason)
            return
        self._remember(envelope.message_id)
        if accepted and root:
            await self._chains.remember(envelope.place.channel, envelope.message_id, root)

    def _remember(self, message_id: str) -> None:
        self._seen[message_id] = None
        if len(self._seen) > MESSAGES_KEPT:
            self._seen.popitem(last=False)
