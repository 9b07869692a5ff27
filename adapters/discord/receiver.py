"""Receiving from the gateway: the life of one client, and its events on their way to whom they concern.

Events are taken from the frames as they come, not from the SDK's objects: what its parsers stumble over has reached us
before. The SDK begins a task for each frame in the order of the frames, and a task takes its place in the lane before
it waits for anything.

Discord has no acknowledgement: what was not written down is not told again, but for what a RESUME happens to replay.
What was missed between two sessions is read afterwards.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

import structlog

from adapters.discord import entrances
from adapters.discord.callers import Callers
from adapters.discord.catching_up import CatchUp
from adapters.discord.chains import Chains
from adapters.discord.channels import Channels
from adapters.discord.entrances import INTERACTION, TAKING_BACK
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.gateway import ManySockets, OneSocket, live, make_client
from adapters.discord.hints import Hints
from adapters.discord.inbound import Channel, Identity, InboundRules
from adapters.discord.interactions import Interactions
from adapters.discord.marks import Marks
from adapters.discord.members import Members
from adapters.discord.questions import Questions
from adapters.discord.settings import DiscordSettings
from adapters.discord.snapshots import Frame, parse_frame, parse_gone_guild, parse_guild, parse_ready
from adapters.discord.web import Web
from bridge.errors import BridgeError, PlatformUnavailable
from bridge.extension import Services
from bridge.ports import Intake

log = structlog.get_logger(__name__)

LAST_EVENTS_S = 2.0
"""How long a stop waits for events that are being written down, or wait for what was missed before them."""
CLOSE_S = 5.0
EVENTS = tuple(
    f'"{name}"' for name in (*entrances.EVENTS, *TAKING_BACK, INTERACTION, "READY", "GUILD_CREATE", "GUILD_DELETE")
)
"""What frames are looked into for: what people do, and where we are."""


class Receiver:
    """Takes events from one client of the gateway."""

    def __init__(
        self,
        settings: DiscordSettings,
        rules: InboundRules,
        us: Identity,
        *,
        web: Web,
        chains: Chains,
        callers: Callers,
        hints: Hints,
        marks: Marks,
        services: Services,
        intake: Intake,
        connected: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._web = web
        self._marks = marks
        self._connected = connected
        self._client: OneSocket | ManySockets = make_client(
            self, settings, services.clock, reads_content=us.reads_content
        )
        self._channels = Channels(self._client, web)
        self._catch_up = CatchUp(settings, web=web, channels=self._channels, marks=marks, services=services)
        self._questions = Questions(
            settings,
            rules,
            us,
            channels=self._channels,
            members=Members(web),
            chains=chains,
            hints=hints,
            catch_up=self._catch_up,
            intake=intake,
            clock=services.clock,
        )
        self._interactions = Interactions(
            rules.instance, us, web=web, chains=chains, callers=callers, services=services, intake=intake
        )
        self._up: set[int | None] = set()
        self._patience: asyncio.Timeout | None = None
        self._taking: set[asyncio.Task[Any]] = set()

    # --- one client's life ---

    async def run(self) -> None:
        """Receive until the client dies, stays without a session for too long, or we are cancelled.

        Raises:
            CredentialsError: Waiting does not help.
            PlatformUnavailable: Begin anew after a while.
        """
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._catch_up.run(self._questions.take_late))
            death = await self._live()
            reading.cancel()
        raise death

    async def _live(self) -> BridgeError:
        """Receive; return why it ended. Raised inside a group of tasks it would come out wrapped."""
        try:
            async with self._client, asyncio.timeout(self._settings.rebuild_after_s) as self._patience:
                self._web.when_refused(self._lose_patience)
                try:
                    return await live(self._client, self._settings)
                finally:
                    self._web.when_refused(None)
                    self._connected.clear()
                    await self._finish_events()
                    self._catch_up.abandon()
                    await self._close()
                    await self._marks.save()
        except TimeoutError:
            if self._web.refusal is not None:
                return self._web.refusal
            lost_s = self._settings.rebuild_after_s
            return PlatformUnavailable(f"no session with the gateway for {lost_s:g} s", outcome_unknown=False)

    def on_up(self, shard: int | None) -> None:
        """Messages can arrive over this connection."""
        self._marks.resumed(shard or 0)
        self._up.add(shard)
        if len(self._up) >= (self._client.shard_count or 1) and not self._connected.is_set():
            self._connected.set()
            log.info("connected to Discord", shards=len(self._up))
            if self._patience is not None:
                self._patience.reschedule(None)

    def on_down(self, shard: int | None) -> None:
        """Messages cannot arrive over this connection."""
        self._marks.lost(shard or 0)
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
        event = parse_frame(frame)
        if event is None:
            return
        match event.t:
            case "READY":
                if (session := parse_ready(event.d)) is not None:
                    self._catch_up.began(session)
            case "GUILD_CREATE":
                if (guild := parse_guild(event.d)) is not None:
                    self._catch_up.came(guild)
            case "GUILD_DELETE":
                if (gone := parse_gone_guild(event.d)) is not None:
                    self._catch_up.vanished(gone)
            case _:
                await self._take(event)

    async def _take(self, event: Frame) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
        data = json.loads(bytes(event.d))
        match event.t:
            case name if name in entrances.EVENTS:
                self._catch_up.heard(text_in(data, "channel_id"), text_in(data, "id"))
                await self._questions.take(data)
            case name if name in TAKING_BACK:
                await self._questions.withdraw(data)
            case name if name == INTERACTION:
                await self._interactions.take(data, self._place_of(data))

    def _place_of(self, interaction: Payload) -> Channel | None:
        """Return where an interaction happened, which it tells itself; ``None`` in direct messages."""
        guild_id = text_in(interaction, "guild_id")
        told = {"id": text_in(interaction, "channel_id"), **mapping_in(interaction, "channel")}
        return self._channels.told(told, guild_id) if guild_id else None
