"""Tells the application what happened: each event with the object it carries and the place it belongs to."""

from typing import Any

from sandbox.clock import SandboxClock
from sandbox.discord.gateway import Gateway
from sandbox.discord.ids import iso
from sandbox.discord.intents import Announcement
from sandbox.discord.model import Channel, Guild, Json, Member, Message
from sandbox.discord.permissions import Permission
from sandbox.discord.wire import Wire, emoji
from sandbox.discord.world import World


class Herald:
    """Announces events for what the bot may see."""

    def __init__(self, clock: SandboxClock, world: World, wire: Wire, gateway: Gateway) -> None:
        self._clock = clock
        self._world = world
        self._wire = wire
        self._gateway = gateway

    def message_created(self, message: Message) -> None:
        """MESSAGE_CREATE."""
        self._message("MESSAGE_CREATE", message)

    def message_updated(self, message: Message) -> None:
        """MESSAGE_UPDATE, with the whole message."""
        self._message("MESSAGE_UPDATE", message)

    def message_deleted(self, message: Message) -> None:
        """MESSAGE_DELETE."""
        channel = self._world.channels[message.channel_id]
        data = {"id": message.id, "channel_id": channel.id} | _guild_id(channel, message)
        self._in_channel("MESSAGE_DELETE", channel, data, direct=message.ephemeral_for is not None)

    def messages_deleted(self, channel: Channel, ids: list[str]) -> None:
        """MESSAGE_DELETE_BULK."""
        data = {"ids": ids, "channel_id": channel.id} | _guild_id(channel)
        self._in_channel("MESSAGE_DELETE_BULK", channel, data)

    def reaction(self, message: Message, user_id: str, name: str, *, added: bool) -> None:
        """MESSAGE_REACTION_ADD or _REMOVE."""
        channel = self._world.channels[message.channel_id]
        data: Json = {
            "user_id": user_id,
            "channel_id": channel.id,
            "message_id": message.id,
            "emoji": emoji(name),
            "burst": False,
            "type": 0,
        } | _guild_id(channel)
        if added:
            data["message_author_id"] = message.author_id
            if member := self._world.member(channel.guild_id, user_id):
                data["member"] = self._wire.member(member)
        self._in_channel("MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE", channel, data)

    def typing(self, channel: Channel, user_id: str) -> None:
        """TYPING_START."""
        data: Json = {"channel_id": channel.id, "user_id": user_id, "timestamp": int(self._clock.now())}
        data |= _guild_id(channel)
        if member := self._world.member(channel.guild_id, user_id):
            data["member"] = self._wire.member(member)
        self._in_channel("TYPING_START", channel, data)

    def thread_created(self, thread: Channel) -> None:
        """THREAD_CREATE of a new thread."""
        self._in_channel("THREAD_CREATE", thread, self._wire.thread(thread) | {"newly_created": True})

    def thread_updated(self, thread: Channel) -> None:
        """THREAD_UPDATE."""
        self._in_channel("THREAD_UPDATE", thread, self._wire.thread(thread))

    def thread_members(self, thread: Channel, *, added: str | None = None, removed: str | None = None) -> None:
        """THREAD_MEMBERS_UPDATE: without the members intent only the bot's own coming and going."""
        assert thread.thread is not None
        data: Json = {"id": thread.id, "guild_id": thread.guild_id, "member_count": len(thread.thread.members)}
        if added is not None:
            member = self._world.member(thread.guild_id, added)
            joined = self._wire.thread_member(thread, added)
            data["added_members"] = [joined | ({"member": self._wire.member(member)} if member else {})]
        if removed is not None:
            data["removed_member_ids"] = [removed]
        self._in_channel("THREAD_MEMBERS_UPDATE", thread, data)

    def channel(self, name: str, channel: Channel) -> None:
        """CHANNEL_CREATE, CHANNEL_UPDATE or CHANNEL_DELETE; THREAD_DELETE for threads."""
        if channel.thread is not None:
            data: Json = {"id": channel.id, "guild_id": channel.guild_id}
            data |= {"parent_id": channel.parent_id, "type": int(channel.kind)}
            self._in_channel("THREAD_DELETE", channel, data)
        elif channel.guild_id is not None:
            self._tell(name, self._wire.channel(channel), guild_id=channel.guild_id)

    def pins_changed(self, channel: Channel) -> None:
        """CHANNEL_PINS_UPDATE."""
        data = {"channel_id": channel.id, "last_pin_timestamp": iso(self._clock.now())} | _guild_id(channel)
        self._in_channel("CHANNEL_PINS_UPDATE", channel, data)

    def guild_joined(self, guild: Guild) -> None:
        """GUILD_CREATE: the bot was added, or an outage ended."""
        self._tell("GUILD_CREATE", self._wire.guild_create(guild), guild_id=guild.id)

    def guild_left(self, guild: Guild, *, outage: bool = False) -> None:
        """GUILD_DELETE: the bot was removed, or the guild is unavailable."""
        data: Json = {"id": guild.id} | ({"unavailable": True} if outage else {})
        self._tell("GUILD_DELETE", data, guild_id=guild.id)

    def role_created(self, guild: Guild, role_id: str) -> None:
        """GUILD_ROLE_CREATE."""
        data = {"guild_id": guild.id, "role": self._wire.role(guild.roles[role_id])}
        self._tell("GUILD_ROLE_CREATE", data, guild_id=guild.id)

    def member_joined(self, guild: Guild, member: Member) -> None:
        """GUILD_MEMBER_ADD."""
        self._tell("GUILD_MEMBER_ADD", self._wire.member(member) | {"guild_id": guild.id}, guild_id=guild.id)

    def member_updated(self, guild: Guild, member: Member) -> None:
        """GUILD_MEMBER_UPDATE of the bot itself, which needs no intent."""
        self._tell("GUILD_MEMBER_UPDATE", self._wire.member(member) | {"guild_id": guild.id}, guild_id=guild.id)

    def interaction(self, data: Json, guild_id: str | None) -> None:
        """INTERACTION_CREATE; a guild the bot is not in belongs to shard 0."""
        known = guild_id is not None and self._world.member(guild_id, self._world.bot.id) is not None
        self._tell("INTERACTION_CREATE", data, guild_id=guild_id if known else None)

    def _message(self, name: str, message: Message) -> None:
        channel = self._world.channels[message.channel_id]
        data = self._wire.message(message, gateway=True)
        self._in_channel(name, channel, data, message=message, direct=message.ephemeral_for is not None)

    def _in_channel(
        self, name: str, channel: Channel, data: Json, *, message: Message | None = None, direct: bool = False
    ) -> None:
        if self._world.may(self._world.bot.id, channel, Permission.VIEW_CHANNEL):
            self._tell(
                name, data, guild_id=channel.guild_id, direct=direct or channel.guild_id is None, message=message
            )

    def _tell(self, name: str, data: Json, **where: Any) -> None:
        self._gateway.announce(Announcement(name, data, **where))


def _guild_id(channel: Channel, message: Message | None = None) -> Json:
    hidden = message is not None and message.ephemeral_for is not None
    return {"guild_id": channel.guild_id} if channel.guild_id and not hidden else {}
