"""Discord's objects as JSON: users, members, guilds, channels, threads, messages (reference 10.2 and 10.3)."""

from typing import Any

from sandbox.discord.cdn import Cdn
from sandbox.discord.ids import iso
from sandbox.discord.model import (
    Application,
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    Json,
    Member,
    Message,
    MessageFlag,
    Role,
    User,
)
from sandbox.discord.world import World

NO_AVATAR: dict[str, Any] = {"discriminator": "0", "avatar": None}
EMPTY_GUILD_LISTS = (
    *("voice_states", "presences", "emojis", "stickers", "features", "stage_instances"),
    *("guild_scheduled_events", "soundboard_sounds"),
)
NULLS_OF_GUILDS = ("system_channel_id", "description", "icon", "banner", "splash")
CONTENT_FIELDS = {"content": "", "embeds": [], "attachments": [], "components": []}
"""What an application without the message content intent sees of foreign messages."""


class Wire:
    """Writes objects as one bot sees them."""

    def __init__(self, world: World, cdn: Cdn) -> None:
        self._world = world
        self._cdn = cdn

    def user(self, user: User) -> Json:
        """Return a user object."""
        shown: Json = {"id": user.id, "username": user.name, "global_name": user.display_name or None}
        return shown | NO_AVATAR | {"public_flags": 0} | ({"bot": True} if user.bot else {})

    def me(self) -> Json:
        """Return the bot's own user, as ``GET /users/@me`` has it."""
        own = {"flags": 0, "verified": True, "mfa_enabled": False, "locale": "en-US", "email": None}
        return self.user(self._world.bot) | own

    def application(self) -> Json:
        """Return the application, as ``GET /oauth2/applications/@me`` has it."""
        app: Application = self._world.application
        return {
            "id": app.id,
            "name": app.name,
            "icon": None,
            "description": "",
            "bot_public": app.public,
            "bot_require_code_grant": False,
            "verify_key": app.verify_key,
            "owner": self.user(self._world.users[app.owner_id]),
            "team": None,
            "flags": app.flags,
            "tags": [],
            "interactions_endpoint_url": app.interactions_endpoint_url,
            "approximate_guild_count": len(self._world.bot_guilds),
            "install_params": None,
            "bot": self.user(self._world.bot),
        }

    def member(self, member: Member, *, with_user: bool = True) -> Json:
        """Return a member; inside messages it comes without its user."""
        shown: Json = {
            "roles": list(member.roles),
            "joined_at": iso(member.joined_at),
            "nick": member.nick,
            "flags": 0,
            "mute": False,
            "deaf": False,
            "premium_since": None,
            "pending": False,
            "avatar": None,
        }
        return shown | ({"user": self.user(self._world.users[member.user_id])} if with_user else {})

    def role(self, role: Role) -> Json:
        """Return a role."""
        shown: Json = {
            "id": role.id,
            "name": role.name,
            "permissions": str(role.permissions),
            "position": role.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": role.bot_id is not None,
            "mentionable": role.mentionable,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        return shown | ({"tags": {"bot_id": role.bot_id}} if role.bot_id else {})

    def channel(self, channel: Channel) -> Json:
        """Return a channel of any kind."""
        if channel.kind is ChannelKind.DM:
            people = [self.user(self._world.users[user_id]) for user_id in channel.recipients]
            last = {"last_message_id": channel.last_message_id, "flags": 0}
            return {"id": channel.id, "type": int(channel.kind), "recipients": people} | last
        if channel.thread is not None:
            return self.thread(channel)
        shown: Json = {
            "id": channel.id,
            "type": int(channel.kind),
            "guild_id": channel.guild_id,
            "name": channel.name,
            "position": channel.position,
            "parent_id": channel.parent_id,
            "topic": channel.topic,
            "nsfw": False,
            "rate_limit_per_user": channel.rate_limit_per_user_s,
            "last_message_id": channel.last_message_id,
            "flags": 16 if channel.requires_tag else 0,
            "permission_overwrites": [
                {"id": o.target_id, "type": int(o.for_member), "allow": str(o.allow), "deny": str(o.deny)}
                for o in channel.overwrites
            ],
        }
        if channel.kind.is_forum:
            no_emoji = {"moderated": False, "emoji_id": None, "emoji_name": None}
            tags = [{"id": tag.id, "name": tag.name} | no_emoji for tag in channel.tags]
            shown |= {"available_tags": tags, "default_sort_order": None, "default_reaction_emoji": None}
            shown |= {"default_forum_layout": 0}
        return shown

    def thread(self, channel: Channel) -> Json:
        """Return a thread."""
        state = channel.thread
        assert state is not None
        shown: Json = {
            "id": channel.id,
            "type": int(channel.kind),
            "guild_id": channel.guild_id,
            "parent_id": channel.parent_id,
            "owner_id": state.owner_id,
            "name": channel.name,
            "last_message_id": channel.last_message_id,
            "message_count": state.messages,
            "total_message_sent": state.messages,
            "member_count": len(state.members),
            "rate_limit_per_user": channel.rate_limit_per_user_s,
            "flags": 0,
            "applied_tags": list(state.applied_tags),
            "thread_metadata": {
                "archived": state.archived,
                "auto_archive_duration": state.auto_archive_minutes,
                "archive_timestamp": iso(state.archive_changed_at),
                "create_timestamp": iso(state.created_at),
                "locked": state.locked,
            },
        }
        bot_id = self._world.bot.id
        return shown | ({"member": self.thread_member(channel, bot_id)} if bot_id in state.members else {})

    def thread_member(self, channel: Channel, user_id: str) -> Json:
        """Return somebody's membership of a thread."""
        assert channel.thread is not None
        joined_at = iso(channel.thread.members[user_id])
        return {"id": channel.id, "user_id": user_id, "join_timestamp": joined_at, "flags": 0}

    def guild(self, guild: Guild) -> Json:
        """Return a guild without its channels and members."""
        shown: Json = {
            "id": guild.id,
            "name": guild.name,
            "owner_id": guild.owner_id,
            "roles": [self.role(role) for role in guild.roles.values()],
            "preferred_locale": guild.locale,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "premium_tier": 0,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "features": [],
        }
        return shown | dict.fromkeys(NULLS_OF_GUILDS)

    def guild_create(self, guild: Guild) -> Json:
        """Return a guild as GUILD_CREATE has it; of its members only the bot."""
        own = guild.members[self._world.bot.id]
        return (
            {name: [] for name in EMPTY_GUILD_LISTS}
            | self.guild(guild)
            | {
                "joined_at": iso(own.joined_at),
                "large": len(guild.members) > 250,
                "unavailable": False,
                "member_count": len(guild.members),
                "channels": [self.channel(channel) for channel in self._world.channels_of(guild)],
                "members": [self.member(own)],
                "threads": [self.thread(thread) for thread in self._world.threads_of(guild)],
            }
        )

    def attachment(self, attachment: Attachment) -> Json:
        """Return a file with an address that works now."""
        url = self._cdn.url(attachment)
        shown: Json = {
            "id": attachment.id,
            "filename": attachment.name,
            "size": len(attachment.content),
            "url": url,
            "proxy_url": url,
            "content_type": attachment.content_type,
        }
        shown |= {"description": attachment.description} if attachment.description else {}
        return shown | ({"ephemeral": True} if attachment.ephemeral else {})

    def message(self, message: Message, *, gateway: bool = False, nested: bool = False) -> Json:
        """Return a message: the REST form, or with ``guild_id`` and members as the gateway sends it."""
        channel = self._world.channels[message.channel_id]
        author = self.user(self._world.users[message.author_id])
        shown: Json = {
            "id": message.id,
            "channel_id": message.channel_id,
            "type": int(message.kind),
            "content": message.content,
            "author": author,
            "timestamp": iso(message.sent_at),
            "edited_timestamp": iso(message.edited_at) if message.edited_at is not None else None,
            "tts": False,
            "mention_everyone": message.mention_everyone,
            "mentions": [self._mentioned(user_id, channel, gateway=gateway) for user_id in message.mentions],
            "mention_roles": list(message.mention_roles),
            "attachments": [self.attachment(attachment) for attachment in message.attachments],
            "embeds": list(message.embeds),
            "components": list(message.components),
            "pinned": message.pinned,
            "flags": int(message.flags),
        }
        shown |= {"nonce": message.nonce} if message.nonce is not None else {}
        shown |= self._origin(message)
        if message.reactions:
            shown["reactions"] = [self._reaction(name, users) for name, users in message.reactions.items()]
        if message.has(MessageFlag.HAS_THREAD) and message.thread_id in self._world.channels:
            shown["thread"] = self.thread(self._world.channels[message.thread_id])
        if message.reference is not None:
            shown["message_reference"] = {"type": 0} | message.reference
            if not nested and "message_id" in message.reference:
                referenced = self._world.referenced(message.reference)
                shown["referenced_message"] = self.message(referenced, nested=True) if referenced else None
        return shown | (self._gateway_extras(message, channel) if gateway else {})

    def _origin(self, message: Message) -> Json:
        origin: Json = {}
        if message.webhook_id is not None:
            own = message.webhook_id == self._world.application.id
            origin |= {"webhook_id": message.webhook_id, "application_id": message.webhook_id if own else None}
        if message.interaction_metadata is not None:
            origin["interaction_metadata"] = message.interaction_metadata
        return origin

    def _gateway_extras(self, message: Message, channel: Channel) -> Json:
        extras: Json = {"channel_type": int(channel.kind)}
        if channel.guild_id is None or message.ephemeral_for is not None:
            return extras
        extras["guild_id"] = channel.guild_id
        member = self._world.member(channel.guild_id, message.author_id)
        if member is not None and message.webhook_id is None:
            extras["member"] = self.member(member, with_user=False)
        return extras

    def _mentioned(self, user_id: str, channel: Channel, *, gateway: bool) -> Json:
        shown = self.user(self._world.users[user_id])
        member = self._world.member(channel.guild_id, user_id) if gateway else None
        return shown | ({"member": self.member(member, with_user=False)} if member else {})

    def _reaction(self, name: str, users: list[str]) -> Json:
        return {
            "emoji": emoji(name),
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "me": self._world.bot.id in users,
            "me_burst": False,
            "burst_colors": [],
        }


def emoji(name: str) -> Json:
    """Return an emoji: a character, or ``name:id`` for one of a guild's own."""
    label, _, emoji_id = name.partition(":")
    return {"id": emoji_id or None, "name": label}
