"""What the gateway tells when a session begins: which servers there are, and how far their channels have come (pure).

READY names the servers; a GUILD_CREATE describes each, with the newest message of every channel and active thread. It
may be megabytes long, so only what is needed is read out of it. Source: docs.discord.com, "Gateway Events".
"""

from dataclasses import dataclass

import msgspec

from adapters.discord.inbound import FORUMS


class Frame(msgspec.Struct):
    """One frame, its data not looked into; ``t`` names the event."""

    t: str | None = None
    d: msgspec.Raw = msgspec.Raw()


class _Id(msgspec.Struct):
    id: str


class _Ready(msgspec.Struct):
    guilds: list[_Id] = []
    shard: tuple[int, int] = (0, 1)


class _Channel(msgspec.Struct):
    id: str
    type: int = 0
    last_message_id: str | None = None
    parent_id: str | None = None


class _Guild(msgspec.Struct):
    id: str
    unavailable: bool = False
    channels: list[_Channel] = []
    threads: list[_Channel] = []


@dataclass(frozen=True, slots=True)
class Session:
    """What READY tells."""

    shard: int
    shards: int
    guilds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest message of a channel or thread; ``parent`` is the channel a thread hangs in, else empty."""

    channel: str
    message: int
    parent: str = ""


@dataclass(frozen=True, slots=True)
class GuildSnapshot:
    """A server as it is when we come (back) to it; channels before threads."""

    id: str
    newest: tuple[Newest, ...]
    threads: frozenset[str]


@dataclass(frozen=True, slots=True)
class GoneGuild:
    """A server that is out of order, or that we were removed from."""

    id: str
    comes_back: bool


def parse_frame(frame: str) -> Frame | None:
    """Return a frame with its event; ``None`` for what cannot be read, which the SDK complains about."""
    try:
        return msgspec.json.decode(frame, type=Frame)
    except msgspec.DecodeError:
        return None


def parse_ready(data: bytes) -> Session | None:
    """Read a READY."""
    try:
        ready = msgspec.json.decode(data, type=_Ready)
    except msgspec.DecodeError:
        return None
    return Session(*ready.shard, tuple(guild.id for guild in ready.guilds))


def parse_guild(data: bytes) -> GuildSnapshot | None:
    """Read a GUILD_CREATE; ``None`` for a server that is out of order.

    The newest message of a forum is its newest post, a thread of its own, so forums are left out.
    """
    try:
        guild = msgspec.json.decode(data, type=_Guild)
    except msgspec.DecodeError:
        return None
    if guild.unavailable:
        return None
    newest = [
        *(_newest(channel, "") for channel in guild.channels if channel.type not in FORUMS),
        *(_newest(thread, thread.parent_id or "") for thread in guild.threads),
    ]
    return GuildSnapshot(
        guild.id, tuple(found for found in newest if found.message), frozenset(thread.id for thread in guild.threads)
    )


def parse_gone_guild(data: bytes) -> GoneGuild | None:
    """Read a GUILD_DELETE."""
    try:
        guild = msgspec.json.decode(data, type=_Guild)
    except msgspec.DecodeError:
        return None
    return GoneGuild(guild.id, guild.unavailable)


def _newest(channel: _Channel, parent: str) -> Newest:
    last = channel.last_message_id or ""
    return Newest(channel.id, int(last) if last.isdecimal() else 0, parent)
