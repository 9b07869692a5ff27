"""Messages on their way to the intake: each takes its place in the order before it waits for anything.

Only where something must be found out first (a channel the gateway has not told of, the root of a reply chain), or
where what was missed in the same place has not been handed over yet, do messages queue up behind each other, in their
channel alone.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from adapters.discord.catching_up import CatchUp
from adapters.discord.chains import Chains
from adapters.discord.channels import Channels
from adapters.discord.fields import text_in
from adapters.discord.hints import Hints
from adapters.discord.ids import parse_delivery_key
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
from adapters.discord.marks import DIRECT
from adapters.discord.members import Members
from adapters.discord.settings import DiscordSettings
from bridge.errors import PlatformError, StoreError
from bridge.model import Envelope
from bridge.ports import Clock, Intake

log = structlog.get_logger(__name__)

MESSAGES_KEPT = 2_000
ASK_PAUSES_S = (0.5, 2.0, 5.0)
HELD_MAX = 100
"""So many messages of one place wait for what was missed there; more do not wait any longer."""


@dataclass(slots=True)
class _Queue:
    """Messages of one channel, one behind the other."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Questions:
    """Turns messages into envelopes and hands them to the intake."""

    def __init__(
        self,
        settings: DiscordSettings,
        rules: InboundRules,
        us: Identity,
        *,
        channels: Channels,
        members: Members,
        chains: Chains,
        hints: Hints,
        catch_up: CatchUp,
        intake: Intake,
        clock: Clock,
    ) -> None:
        self._threaded = settings.answer_in == "thread"
        self._rules = rules
        self._us = us
        self._channels = channels
        self._members = members
        self._chains = chains
        self._hints = hints
        self._catch_up = catch_up
        self._intake = intake
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def take(self, message: Mapping[str, Any]) -> None:
        """Take a message that the gateway brings. No ``await`` comes before its place in the lane is taken."""
        channel_id, guild_id = text_in(message, "channel_id"), text_in(message, "guild_id")
        if not is_spoken(message, self._us) or text_in(message, "id") in self._seen:
            return
        channel = self._channels.known(channel_id) if guild_id else None
        if not guild_id:
            self._catch_up.meet(channel_id, text_in(message, "id"))
        if channel is None and guild_id:
            await self._take_in_turn(message, channel_id, guild_id)
        elif (envelope := await self._parse(message, channel)) is not None:
            chain = self._chain(message, channel)
            root = self._chains.known(channel_id, chain)
            waits = channel_id in self._queues or self._catch_up.is_behind(channel_id, _parent(channel))
            if waits or (chain and not root):
                await self._take_in_turn(message, channel_id, guild_id)
            else:
                await self._accept_or_complain(envelope, root)

    async def take_late(self, message: Mapping[str, Any], guild_id: str) -> None:
        """Take a message that was read afterwards, in the form of the REST API: without its server and its member.

        Raises:
            PlatformError: Something about it cannot be found out now.
            StoreError: It was not written down.
        """
        if not is_spoken(message, self._us) or text_in(message, "id") in self._seen:
            return
        message, channel = {**message, "guild_id": guild_id}, None
        if guild_id:
            channel_id = text_in(message, "channel_id")
            channel = self._channels.known(channel_id) or await self._channels.ask(channel_id, guild_id)
        if not isinstance(parsed := self._parsed(message, channel), Envelope):
            return
        if guild_id:
            message |= {"member": await self._members.find(guild_id, parsed.author.id)}
            parsed = self._parsed(message, channel)
        if isinstance(parsed, Envelope):
            if await self._accept(replace(parsed, late=True), await self._root(message, channel)):
                log.info("missed message taken", channel=parsed.place.channel)

    async def withdraw(self, deletion: Mapping[str, Any]) -> None:
        """Somebody deleted messages: drop the questions that wait, here or in the core."""
        for key in parse_deletion(deletion, self._rules.instance):
            self._remember(parse_delivery_key(key).message)
            await self._intake.withdraw(key)

    async def _take_in_turn(self, message: Mapping[str, Any], channel_id: str, guild_id: str) -> None:
        """Find out what is unknown about a message's place, while the later ones of its channel wait behind it."""
        queue = self._queues.setdefault(channel_id, _Queue())
        queue.length += 1
        if queue.length > HELD_MAX:
            self._catch_up.release(channel_id)
        try:
            async with queue.lock:
                channel = self._channels.known(channel_id) if guild_id else None
                if channel is None and guild_id:
                    channel = await self._insist(channel_id, guild_id)
                if not await self._catch_up.wait(channel_id, _parent(channel)):
                    return
                envelope = await self._parse(message, channel)
                if envelope is not None and envelope.message_id not in self._seen:
                    await self._accept_or_complain(envelope, await self._root(message, channel))
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[channel_id]

    async def _insist(self, channel_id: str, guild_id: str) -> Channel | None:
        """Find out about a place, for a message that nobody brings again."""
        for pause_s in ASK_PAUSES_S:
            try:
                return await self._channels.ask(channel_id, guild_id)
            except PlatformError as error:
                log.info("channel not told, asking again", reason=error.reason)
                await self._clock.sleep(pause_s)
        try:
            return await self._channels.ask(channel_id, guild_id)
        except PlatformError as error:
            log.error("a message is left alone: where it stands is not told", channel=channel_id, reason=error.reason)
            return None

    def _parsed(self, message: Mapping[str, Any], channel: Channel | None) -> Envelope | Unheard | None:
        names = self._channels.names_in(text_in(message, "guild_id"))
        return parse_message(message, channel, self._rules, self._us, names)

    async def _parse(self, message: Mapping[str, Any], channel: Channel | None) -> Envelope | None:
        """Return the question a message asks; waits for nothing unless its words are kept from us."""
        parsed = self._parsed(message, channel)
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
        if self._threaded:  # a chain that is not ours begins a thread of its own
            return await self._chains.find(channel.id, chain)
        return await self._chains.follow(channel.id, chain)

    async def _accept_or_complain(self, envelope: Envelope, root: str) -> None:
        """Hand over what nobody delivers again, whatever becomes of it."""
        try:
            await self._accept(envelope, root)
        except StoreError as error:
            log.error("question not written down", reason=error.reason)

    async def _accept(self, envelope: Envelope, root: str) -> bool:
        envelope = in_chain(envelope, root)
        accepted = await self._intake.accept(envelope)
        self._remember(envelope.message_id)
        if accepted:
            self._note_place(envelope)
        if accepted and root:
            await self._chains.remember(envelope.place.channel, envelope.message_id, root)
        return accepted

    def _note_place(self, envelope: Envelope) -> None:
        """Remember where people talk to us, as far as Discord will not tell: in private, and in threads put away."""
        place = envelope.place
        if place.private:
            self._catch_up.used(place.channel, DIRECT)
        elif place.thread is not None and (self._threaded or place.thread != envelope.message_id):
            self._catch_up.used(place.thread, place.team)

    def _remember(self, message_id: str) -> None:
        self._seen[message_id] = None
        if len(self._seen) > MESSAGES_KEPT:
            self._seen.popitem(last=False)


def _parent(channel: Channel | None) -> str:
    return channel.parent if channel is not None else ""
