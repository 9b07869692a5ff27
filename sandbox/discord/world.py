"""Everything that exists in one Discord, looked up and added to; no rules of the API, no wire."""

from collections.abc import Iterator

from sandbox.discord import permissions
from sandbox.discord.model import (
    Application,
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    Json,
    Member,
    Message,
    User,
)
from sandbox.discord.permissions import DIRECT_MESSAGES, Permission


class World:
    """The state of one emulator."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.users: dict[str, User] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.attachments: dict[str, Attachment] = {}
        self._messages: dict[str, dict[str, Message]] = {}

    @property
    def bot(self) -> User:
        """The application's bot user."""
        return self.users[self.application.bot_id]

    @property
    def bot_guilds(self) -> list[Guild]:
        """The guilds the bot is in."""
        return [guild for guild in self.guilds.values() if self.bot.id in guild.members]

    def guild_of(self, channel: Channel) -> Guild | None:
        """Return a channel's guild, ``None`` for direct conversations."""
        return self.guilds.get(channel.guild_id) if channel.guild_id else None

    def member(self, guild_id: str | None, user_id: str) -> Member | None:
        """Return a user as a member of a guild."""
        guild = self.guilds.get(guild_id) if guild_id else None
        return guild.members.get(user_id) if guild else None

    def permissions(self, user_id: str, channel: Channel) -> int:
        """Return what a user may do in a channel, 0 where they have no access; threads follow their parent."""
        guild = self.guild_of(channel)
        if guild is None:
            return int(DIRECT_MESSAGES) if user_id in (*channel.recipients, self.bot.id) else 0
        member = guild.members.get(user_id)
        if member is None:
            return 0
        place = self.channels[channel.parent_id] if channel.thread and channel.parent_id else channel
        bits = permissions.in_channel(guild, member, place)
        if channel.kind is ChannelKind.PRIVATE_THREAD and channel.thread and user_id not in channel.thread.members:
            return bits if bits & Permission.MANAGE_THREADS else 0
        return bits

    def may(self, user_id: str, channel: Channel, permission: Permission) -> bool:
        """Tell whether a user has one permission in a channel."""
        return bool(self.permissions(user_id, channel) & permission)

    def direct_channel(self, user_id: str) -> Channel | None:
        """Return the open direct conversation of the bot with a user."""
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DM and channel.recipients == [user_id]:
                return channel
        return None

    def threads_of(self, guild: Guild) -> list[Channel]:
        """Return the active threads of a guild the bot may see."""
        return [
            channel
            for channel in self.channels.values()
            if channel.guild_id == guild.id
            and channel.thread is not None
            and not channel.thread.archived
            and self.may(self.bot.id, channel, Permission.VIEW_CHANNEL)
        ]

    def channels_of(self, guild: Guild) -> list[Channel]:
        """Return the channels of a guild, threads left out."""
        return [c for c in self.channels.values() if c.guild_id == guild.id and c.thread is None]

    def add_message(self, message: Message) -> None:
        """Store a message; the newest one of a channel is its ``last_message_id``."""
        self._messages.setdefault(message.channel_id, {})[message.id] = message
        if message.ephemeral_for is None:
            self.channels[message.channel_id].last_message_id = message.id

    def message(self, channel_id: str, message_id: str) -> Message | None:
        """Return a message that has not been deleted."""
        message = self._messages.get(channel_id, {}).get(message_id)
        return None if message is None or message.deleted else message

    def any_message(self, channel_id: str, message_id: str) -> Message | None:
        """Return a message, deleted or not."""
        return self._messages.get(channel_id, {}).get(message_id)

    def messages(self, channel_id: str) -> list[Message]:
        """Return all messages of a channel, deleted ones too, the oldest first."""
        return sorted(self._messages.get(channel_id, {}).values(), key=lambda message: int(message.id))

    def visible_messages(self, channel_id: str) -> list[Message]:
        """Return what the history holds: neither deleted nor ephemeral."""
        return [m for m in self.messages(channel_id) if not m.deleted and m.ephemeral_for is None]

    def referenced(self, reference: Json | None) -> Message | None:
        """Return the message a reference names, if it is still there."""
        if reference is None or "message_id" not in reference:
            return None
        return self.message(str(reference["channel_id"]), str(reference["message_id"]))

    def shared_guilds(self, user_id: str) -> Iterator[Guild]:
        """Yield the guilds a user and the bot are both in."""
        return (guild for guild in self.bot_guilds if user_id in guild.members)
