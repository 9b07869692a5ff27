"""Furnishing a sandbox: guilds, people, roles, channels, and what they are allowed."""

from collections.abc import Iterable, Sequence

from sandbox.discord.lookups import Lookups
from sandbox.discord.model import Channel, ChannelKind, Guild, Member, Overwrite, Role, Tag, User
from sandbox.discord.permissions import EVERYONE_DEFAULT, parse_permissions

BOT_TOKEN = "MTIwMDAwMDAwMDAwMDAwMDAwMQ.sandbox.discord-bot-token-of-the-sandbox"
BOT_NAME = "coze"
OWNER_NAME = "owner"
BOT_ROLE_NAME = "coze"
INVITE_PERMISSIONS = 309_237_763_136
"""What the invite link of reference 5 grants."""


class Setup(Lookups):
    """Adds what there is; ids may be given, names always work."""

    @property
    def default_guild(self) -> Guild:
        """The first guild."""
        return next(iter(self.service.world.guilds.values()))

    def add_guild(
        self,
        name: str,
        *,
        locale: str = "en-US",
        shard: tuple[int, int] | None = None,
        with_bot: bool = True,
        guild_id: str | None = None,
    ) -> str:
        """Add a server, owned by ``owner``, and return its id.

        Args:
            shard: ``(id, count)`` the guild's id shall fall on.
        """
        mint, world = self.service.mint, self.service.world
        new_id = guild_id or (mint.snowflake_on_shard(*shard) if shard else mint.snowflake())
        owner_id = world.application.owner_id
        guild = Guild(new_id, name, owner_id, locale)
        guild.roles[new_id] = Role(new_id, "@everyone", EVERYONE_DEFAULT)
        guild.members[owner_id] = Member(owner_id, self.service.clock.now())
        world.guilds[new_id] = guild
        if with_bot:
            self.add_bot(new_id)
        return new_id

    def add_bot(self, guild: str) -> None:
        """Invite the bot: it gets a role of its own and hears of the guild."""
        place, bot = self.find_guild(guild), self.service.bot
        role = Role(self.service.mint.snowflake(), BOT_ROLE_NAME, INVITE_PERMISSIONS, len(place.roles), bot_id=bot.id)
        place.roles[role.id] = role
        place.members[bot.id] = Member(bot.id, self.service.clock.now(), [role.id])
        self.service.herald.guild_joined(place)

    def remove_bot(self, guild: str) -> None:
        """Throw the bot out of a guild."""
        place = self.find_guild(guild)
        place.members.pop(self.service.bot.id, None)
        place.roles = {role.id: role for role in place.roles.values() if role.bot_id is None}
        self.service.herald.guild_left(place)

    def set_available(self, guild: str, available: bool) -> None:
        """Begin or end an outage of a guild."""
        place = self.find_guild(guild)
        place.available = available
        if available:
            self.service.herald.guild_joined(place)
        else:
            self.service.herald.guild_left(place, outage=True)

    def add_user(
        self,
        name: str,
        locale: str = "en-US",
        *,
        user_id: str | None = None,
        display_name: str = "",
        bot: bool = False,
        guilds: Iterable[str] | None = None,
        roles: Iterable[str] = (),
    ) -> str:
        """Add a person, or another bot, and return their id.

        Args:
            guilds: Where they are members; ``None`` means every guild there is now.
            roles: Names of roles in those guilds.
        """
        world = self.service.world
        user = User(user_id or self.service.mint.snowflake(), name, display_name or name.title(), bot, locale)
        world.users[user.id] = user
        for guild in [self.find_guild(g) for g in guilds] if guilds is not None else list(world.guilds.values()):
            self.join_guild(name, guild.id, roles)
        return user.id

    def join_guild(self, user: str, guild: str, roles: Iterable[str] = ()) -> None:
        """Make a person a member of a guild."""
        place, person = self.find_guild(guild), self.find_user(user)
        role_ids = [self.find_role(place, role).id for role in roles]
        member = place.members[person.id] = Member(person.id, self.service.clock.now(), role_ids)
        self.service.herald.member_joined(place, member)

    def leave_guild(self, user: str, guild: str) -> None:
        """End a membership."""
        self.find_guild(guild).members.pop(self.find_user(user).id, None)

    def accept_dms(self, user: str, accepts: bool) -> None:
        """Let a person accept direct messages from bots, or not (50007)."""
        self.find_user(user).accepts_dms = accepts

    def add_role(
        self, name: str, permissions: Sequence[str] = (), *, guild: str | None = None, mentionable: bool = False
    ) -> str:
        """Add a role and return its id; permissions by name, ``MANAGE_THREADS``."""
        place = self.find_guild(guild) if guild else self.default_guild
        bits = parse_permissions(permissions)
        role = Role(self.service.mint.snowflake(), name, bits, len(place.roles), mentionable)
        place.roles[role.id] = role
        self.service.herald.role_created(place, role.id)
        return role.id

    def give_role(self, user: str, role: str, *, guild: str | None = None) -> None:
        """Give somebody, or the bot, a role."""
        place = self.find_guild(guild) if guild else self.default_guild
        person = self.find_user(user)
        member = place.members[person.id]
        member.roles.append(self.find_role(place, role).id)
        if person.id == self.service.bot.id:
            self.service.herald.member_updated(place, member)

    def add_channel(
        self,
        name: str,
        kind: str = "text",
        *,
        guild: str | None = None,
        parent: str | None = None,
        topic: str | None = None,
        tags: Sequence[str] = (),
        requires_tag: bool = False,
        channel_id: str | None = None,
    ) -> str:
        """Add a channel everybody can see and return its id.

        Args:
            kind: ``text``, ``voice``, ``category``, ``announcement``, ``forum`` or ``media``.
            parent: A category.
            tags: Names of a forum's tags.
        """
        place = self.find_guild(guild) if guild else self.default_guild
        channel = Channel(
            channel_id or self.service.mint.snowflake(),
            ChannelKind[kind.upper()],
            name.removeprefix("#"),
            place.id,
            self.find_channel(parent).id if parent else None,
            position=len(self.service.world.channels_of(place)),
            topic=topic,
            tags=[Tag(self.service.mint.snowflake(), tag) for tag in tags],
            requires_tag=requires_tag,
        )
        self.service.world.channels[channel.id] = channel
        self.service.herald.channel("CHANNEL_CREATE", channel)
        return channel.id

    def deny(self, channel: str, target: str, *permissions: str) -> None:
        """Take permissions from a role or a member in one channel: ``deny("general", "coze", "SEND_MESSAGES")``."""
        self._overwrite(channel, target, denied=parse_permissions(permissions))

    def allow(self, channel: str, target: str, *permissions: str) -> None:
        """Grant permissions to a role or a member in one channel."""
        self._overwrite(channel, target, allowed=parse_permissions(permissions))

    def _overwrite(self, channel: str, target: str, *, allowed: int = 0, denied: int = 0) -> None:
        place = self.find_channel(channel)
        guild = self.service.world.guild_of(place)
        if guild is None:
            raise ValueError("direct conversations have no permissions")
        members = [user_id for user_id in guild.members if target in (user_id, self.service.world.users[user_id].name)]
        target_id = members[0] if members else self.find_role(guild, target).id
        overwrite = next((o for o in place.overwrites if o.target_id == target_id), None)
        if overwrite is None:
            overwrite = Overwrite(target_id, bool(members))
            place.overwrites.append(overwrite)
        overwrite.allow = overwrite.allow & ~denied | allowed
        overwrite.deny = overwrite.deny & ~allowed | denied
        self.service.herald.channel("CHANNEL_UPDATE", place)
