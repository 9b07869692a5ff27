"""What people see, and when they saw it: every visible change of a message passes here.

A change is stored, its mentions are computed, it is remembered as a step with its time, inspected, and announced.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.clock import SandboxClock
from sandbox.discord.components import text_of
from sandbox.discord.herald import Herald
from sandbox.discord.inspector import Inspector
from sandbox.discord.mentions import ALL_MENTIONS, Allowed, links_in, mentions_in
from sandbox.discord.model import Channel, Json, Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.switches import DiscordSwitches
from sandbox.discord.timers import Timers
from sandbox.discord.world import World
from sandbox.journal import Journal

UNFURLED = "link"
"""The type of embeds Discord made from links, as opposed to those an application wrote (``rich``)."""
TYPING_S = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """The text of a message as people could read it from ``at`` on (unix seconds of the sandbox)."""

    at: float
    text: str


class Stage:
    """Posts, changes and removes messages."""

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        switches: DiscordSwitches,
        timers: Timers,
        world: World,
        herald: Herald,
        inspector: Inspector,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._switches = switches
        self._timers = timers
        self._world = world
        self._herald = herald
        self._inspector = inspector
        self._steps: dict[str, list[Step]] = {}
        self._typing_until: dict[tuple[str, str], float] = {}

    def steps(self, message_id: str) -> list[Step]:
        """Return how a message's visible text came about; a deletion ends it with an empty text."""
        return list(self._steps.get(message_id, ()))

    def post(self, message: Message, allowed: Allowed = ALL_MENTIONS) -> Message:
        """Show a new message and tell the application.

        Args:
            allowed: Which of its mentions count.
        """
        self._world.add_message(message)
        self._typing_until.pop((message.channel_id, message.author_id), None)
        self._mention(message, allowed, edit=False)
        self._look(message, fresh=True)
        self._herald.message_created(message)
        self._unfurl_later(message)
        return message

    def change(self, message: Message, allowed: Allowed = ALL_MENTIONS, *, edited: bool = True) -> None:
        """Show a message whose fields were changed and tell the application.

        Args:
            allowed: Which of its mentions count now; computed afresh at every edit.
            edited: It is marked as edited.
        """
        if edited:
            message.edited_at = self._clock.now()
            self._mention(message, allowed, edit=True)
        links = links_in(message.content)
        hidden = message.has(MessageFlag.SUPPRESS_EMBEDS)
        message.embeds = [
            e for e in message.embeds if not hidden and (e.get("type") != UNFURLED or e.get("url") in links)
        ]
        self._look(message, fresh=False)
        self._herald.message_updated(message)
        self._unfurl_later(message)

    def fill(self, message: Message, allowed: Allowed) -> None:
        """Show what a loading message was waiting for: it is updated, but counts as new, not as edited."""
        self._mention(message, allowed, edit=False)
        self._look(message, fresh=True)
        self._herald.message_updated(message)
        self._unfurl_later(message)

    def remove(self, message: Message, *, announce: bool = True) -> None:
        """Take a message away and tell the application."""
        message.deleted = True
        self._remember(message)
        if announce:
            self._herald.message_deleted(message)

    def remove_many(self, channel: Channel, messages: list[Message]) -> None:
        """Take several messages away at once."""
        for message in messages:
            self.remove(message, announce=False)
        self._herald.messages_deleted(channel, [message.id for message in messages])

    def react(self, message: Message, user_id: str, name: str, *, add: bool = True) -> bool:
        """Add or take back a reaction; ``False`` when nothing changed."""
        users = message.reactions.setdefault(name, [])
        changed = (user_id in users) is not add
        if changed and add:
            users.append(user_id)
        elif changed:
            users.remove(user_id)
        if not users:
            del message.reactions[name]
        if changed:
            self._note("reaction", name, channel=message.channel_id, id=message.id, user=user_id, added=add)
            self._herald.reaction(message, user_id, name, added=add)
        return changed

    def type(self, channel: Channel, user_id: str) -> None:
        """Show that somebody types, for ten seconds or until they post."""
        self._typing_until[channel.id, user_id] = self._clock.now() + TYPING_S
        self._note("typing", channel.id, user=user_id)
        self._herald.typing(channel, user_id)

    def typing_in(self, channel_id: str) -> list[str]:
        """Return who is shown as typing now."""
        now = self._clock.now()
        return [user for (channel, user), until in self._typing_until.items() if channel == channel_id and until > now]

    def _mention(self, message: Message, allowed: Allowed, *, edit: bool) -> None:
        channel = self._world.channels[message.channel_id]
        guild = self._world.guild_of(channel)
        found = mentions_in(readable(message.content, message.components))
        may_everyone = self._world.may(message.author_id, channel, Permission.MENTION_EVERYONE)
        message.mentions = [u for u in found.users if u in self._world.users and allowed.allows_user(u)]
        roles = guild.roles if guild else {}
        message.mention_roles = [
            role_id
            for role_id in found.roles
            if role_id in roles and allowed.allows_role(role_id) and (roles[role_id].mentionable or may_everyone)
        ]
        message.mention_everyone = bool(guild and found.everyone and allowed.everyone and may_everyone)
        replied = self._world.referenced(message.reference) if message.reference else None
        replied_id = replied.author_id if replied and allowed.replied_user else None
        if replied_id is not None and replied_id not in message.mentions:
            message.mentions.append(replied_id)
        if message.author_id == self._world.bot.id:
            self._inspector.pinged(
                message, self._targets(message), replied=f"@{replied_id}" if replied_id else None, edit=edit
            )

    def _targets(self, message: Message) -> list[str]:
        people = [f"@{user_id}" for user_id in message.mentions if not self._world.users[user_id].bot]
        roles = [f"@&{role_id}" for role_id in message.mention_roles]
        return [*people, *roles, *(["@everyone"] if message.mention_everyone else [])]

    def _look(self, message: Message, *, fresh: bool) -> None:
        self._remember(message)
        if message.author_id == self._world.bot.id:
            shown = readable(message.content, message.components, message.embeds)
            self._inspector.look_at(message, shown, self._world.application.token, fresh=fresh)

    def _unfurl_later(self, message: Message) -> None:
        delay_s = self._switches.unfurl_delay_s
        channel = self._world.channels[message.channel_id]
        known = {embed.get("url") for embed in message.embeds}
        links = [link for link in links_in(message.content) if link not in known]
        if not links or delay_s is None or message.has(MessageFlag.SUPPRESS_EMBEDS) or message.ephemeral_for:
            return
        if not self._world.may(message.author_id, channel, Permission.EMBED_LINKS):
            return
        if message.author_id == self._world.bot.id:
            self._inspector.unfurled(message, links)
        self._timers.after(delay_s, lambda: self._unfurl(message, links))

    def _unfurl(self, message: Message, links: list[str]) -> None:
        known = {embed.get("url") for embed in message.embeds}
        still = links_in(message.content)
        fresh = [link for link in links if link in still and link not in known]
        if fresh and not message.deleted and not message.has(MessageFlag.SUPPRESS_EMBEDS):
            message.embeds = [*message.embeds, *(_preview(link) for link in fresh)]
            self._herald.message_updated(message)

    def _remember(self, message: Message) -> None:
        text = "" if message.deleted else readable(message.content, message.components, message.embeds)
        steps = self._steps.setdefault(message.id, [])
        if steps and steps[-1].text == text:
            return
        entry = self._journal.record(
            "discord",
            "shown",
            message.channel_id,
            id=message.id,
            user=message.author_id,
            text=text,
            deleted=message.deleted,
            ephemeral_for=message.ephemeral_for,
            loading=message.has(MessageFlag.LOADING),
        )
        steps.append(Step(entry.at, text))

    def _note(self, kind: str, name: str, **detail: object) -> None:
        self._journal.record("discord", kind, name, **detail)


def readable(content: str, components: list[Json], embeds: list[Json] | None = None) -> str:
    """Return what is read in a message: its content, the texts of its components, its own embeds' descriptions."""
    written = [str(e.get("description") or "") for e in embeds or [] if e.get("type") != UNFURLED]
    return "\n".join(filter(None, (content, text_of(components), *written)))


def _preview(link: str) -> Json:
    return {"type": UNFURLED, "url": link, "title": urlsplit(link).hostname, "description": "A page on the web."}
