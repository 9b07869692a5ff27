"""What is known of channels, threads and servers: the SDK's memory of what the gateway told, else a request."""

from collections import OrderedDict
from enum import Enum, auto
from typing import Any

import structlog

import discord
from adapters.discord.inbound import Channel, ChannelKind
from adapters.discord.web import Web
from bridge.errors import MessageGone, PlatformRejected, PlatformUnavailable

log = structlog.get_logger(__name__)

ASKED_FOR_MAX = 1_000
PATIENCE_S = 10.0
"""How long the question may wait that is asked there."""
NO_CHOICE = "en-US"
"""A server's language when nobody chose one; only community servers choose."""


class Sight(Enum):
    """What we may see of a channel."""

    READABLE = auto()
    NO_HISTORY = auto()
    """What is written while we are there, and nothing else."""
    HIDDEN = auto()


class Channels:
    """The channels of all servers, as one client sees them."""

    def __init__(self, client: discord.Client, web: Web) -> None:
        self._client = client
        self._web = web
        self._asked_for: OrderedDict[str, Channel] = OrderedDict()

    def known(self, channel_id: str) -> Channel | None:
        """Return a channel from memory."""
        found = self._client.get_channel(int(channel_id))
        if found is None or isinstance(found, discord.abc.PrivateChannel):
            return self._asked_for.get(channel_id)
        return _described(found, self._client.user)

    async def ask(self, channel_id: str, guild_id: str) -> Channel | None:
        """Ask Discord for a channel the gateway has not told of; ``None`` if it does not tell.

        Raises:
            PlatformError: It cannot be found out now.
        """
        try:
            data = await self._web.call("GET", f"/channels/{channel_id}", patience_s=PATIENCE_S)
        except (PlatformRejected, MessageGone) as error:
            log.info("channel unknown", reason=error.reason)
            return None
        if not isinstance(data, dict):
            raise PlatformUnavailable("GET /channels: an answer that is no channel", outcome_unknown=False)
        channel = self._from_data(data, guild_id)
        self._asked_for[channel_id] = channel
        if len(self._asked_for) > ASKED_FOR_MAX:
            self._asked_for.popitem(last=False)
        return channel

    def told(self, data: dict[str, Any], guild_id: str) -> Channel:
        """Return a channel from memory, or from what an event says of it."""
        return self.known(str(data.get("id", "0"))) or self._from_data(data, guild_id)

    def sight_of(self, channel_id: str, guild_id: str) -> Sight:
        """Return what we may see of a channel on a server; all of it where that is not known."""
        guild = self._client.get_guild(int(guild_id))
        channel = guild.get_channel_or_thread(int(channel_id)) if guild is not None else None
        if guild is None or channel is None or guild.me is None:  # not yet told of, and nothing forbids to try
            return Sight.READABLE
        if isinstance(channel, discord.Thread) and channel.parent is None:
            return Sight.READABLE
        granted = channel.permissions_for(guild.me)
        if not granted.view_channel:
            return Sight.HIDDEN
        return Sight.READABLE if granted.read_message_history else Sight.NO_HISTORY

    def names_in(self, guild_id: str) -> "GuildNames":
        """Return the names of channels and roles on a server."""
        return GuildNames(self._client.get_guild(int(guild_id)) if guild_id else None)

    def _from_data(self, data: dict[str, Any], guild_id: str) -> Channel:
        guild = self._client.get_guild(int(guild_id)) if guild_id else None
        parent_id = str(data.get("parent_id") or "")
        parent = self._client.get_channel(int(parent_id)) if parent_id else None
        kind = data.get("type")
        return Channel(
            id=str(data.get("id", "")),
            kind=kind if isinstance(kind, int) else ChannelKind.TEXT,
            name=str(data.get("name") or ""),
            parent=parent_id,
            parent_name=getattr(parent, "name", "") or "",
            parent_kind=_kind(parent),
            joined=isinstance(data.get("member"), dict),
            locale=_locale(guild),
            own_role=_own_role(guild),
        )


class GuildNames:
    """Names on one server; implements ``readable.Names``."""

    def __init__(self, guild: discord.Guild | None) -> None:
        self._guild = guild

    def channel(self, channel_id: str) -> str:
        found = self._guild.get_channel_or_thread(int(channel_id)) if self._guild is not None else None
        return found.name if found is not None else ""

    def role(self, role_id: str) -> str:
        found = self._guild.get_role(int(role_id)) if self._guild is not None else None
        return found.name.removeprefix("@") if found is not None else ""


def _described(channel: discord.abc.GuildChannel | discord.Thread, us: discord.ClientUser | None) -> Channel:
    parent = channel.parent if isinstance(channel, discord.Thread) else None
    return Channel(
        id=str(channel.id),
        kind=_kind(channel),
        name=channel.name,
        parent=str(channel.parent_id) if isinstance(channel, discord.Thread) else "",
        parent_name=parent.name if parent is not None else "",
        parent_kind=_kind(parent),
        joined=isinstance(channel, discord.Thread) and _is_joined(channel, us),
        locale=_locale(channel.guild),
        own_role=_own_role(channel.guild),
    )


def _is_joined(thread: discord.Thread, us: discord.ClientUser | None) -> bool:
    return thread.me is not None or (us is not None and thread.owner_id == us.id)


def _kind(channel: object) -> int:
    kind = getattr(channel, "type", ChannelKind.TEXT)
    return int(kind.value) if isinstance(kind, discord.ChannelType) else int(kind)


def _locale(guild: discord.Guild | None) -> str:
    if guild is None:
        return ""
    locale = str(guild.preferred_locale)
    return locale if locale != NO_CHOICE or "COMMUNITY" in guild.features else ""


def _own_role(guild: discord.Guild | None) -> str:
    role = guild.self_role if guild is not None else None
    return str(role.id) if role is not None else ""
