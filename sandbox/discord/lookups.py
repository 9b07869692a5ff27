"""Finding people, channels and messages the way tests name them; a wrong name is the test's mistake."""

from sandbox.discord.model import Channel, ChannelKind, Guild, Message, Role, User
from sandbox.discord.service import Service


class Lookups:
    """Base of the emulator's faces towards its users; ids and names both work.

    Every finder raises ``ValueError`` that says what there is not.
    """

    service: Service

    def find_user(self, id_or_name: str) -> User:
        """Return a person or a bot."""
        users = self.service.world.users
        for user in users.values():
            if id_or_name in (user.id, user.name):
                return user
        raise ValueError(f"nobody here is called {id_or_name!r}")

    def find_guild(self, id_or_name: str) -> Guild:
        """Return a guild."""
        for guild in self.service.world.guilds.values():
            if id_or_name in (guild.id, guild.name):
                return guild
        raise ValueError(f"there is no guild {id_or_name!r}")

    def find_channel(self, id_or_name: str) -> Channel:
        """Return a channel or thread."""
        channels = self.service.world.channels
        if id_or_name in channels:
            return channels[id_or_name]
        name = id_or_name.removeprefix("#")
        for channel in channels.values():
            if channel.kind is not ChannelKind.DM and channel.name == name:
                return channel
        raise ValueError(f"there is no channel {id_or_name!r}")

    def find_message(self, channel: str, message_id: str) -> Message:
        """Return a message that has not been deleted."""
        message = self.service.world.message(self.find_channel(channel).id, message_id)
        if message is None:
            raise ValueError(f"there is no message {message_id} in {channel}")
        return message

    def find_role(self, guild: Guild, id_or_name: str) -> Role:
        """Return a role; ``@everyone`` is one too."""
        for role in guild.roles.values():
            if id_or_name in (role.id, role.name):
                return role
        raise ValueError(f"{guild.name} has no role {id_or_name!r}")
