"""Intents: which events a connection asked for, and what it may read in them (reference 2.3 and 10.3)."""

from dataclasses import dataclass
from enum import IntFlag

from sandbox.discord.model import Json, Message
from sandbox.discord.wire import CONTENT_FIELDS


class Intent(IntFlag):
    """The bits of IDENTIFY's ``intents`` this emulator acts on."""

    GUILDS = 1 << 0
    MEMBERS = 1 << 1
    PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    GUILD_TYPING = 1 << 11
    DM_MESSAGES = 1 << 12
    DM_REACTIONS = 1 << 13
    DM_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


KNOWN_BITS = (1 << 26) - 1
"""Every bit Discord has given a meaning to lies below 1 << 26."""
PRIVILEGED = {"members": Intent.MEMBERS, "presences": Intent.PRESENCES, "message_content": Intent.MESSAGE_CONTENT}
_OF_MESSAGES = (Intent.GUILD_MESSAGES, Intent.DM_MESSAGES)
_OF_REACTIONS = (Intent.GUILD_REACTIONS, Intent.DM_REACTIONS)
_OF_GUILDS = (Intent.GUILDS, Intent.GUILDS)
NEEDED_INTENTS: dict[str, tuple[Intent, Intent]] = {
    "MESSAGE_CREATE": _OF_MESSAGES,
    "MESSAGE_UPDATE": _OF_MESSAGES,
    "MESSAGE_DELETE": _OF_MESSAGES,
    "MESSAGE_DELETE_BULK": _OF_MESSAGES,
    "MESSAGE_REACTION_ADD": _OF_REACTIONS,
    "MESSAGE_REACTION_REMOVE": _OF_REACTIONS,
    "TYPING_START": (Intent.GUILD_TYPING, Intent.DM_TYPING),
    "GUILD_MEMBER_ADD": (Intent.MEMBERS, Intent.MEMBERS),
    "GUILD_MEMBER_REMOVE": (Intent.MEMBERS, Intent.MEMBERS),
    "GUILD_CREATE": _OF_GUILDS,
    "GUILD_DELETE": _OF_GUILDS,
    "GUILD_ROLE_CREATE": _OF_GUILDS,
    "CHANNEL_CREATE": _OF_GUILDS,
    "CHANNEL_UPDATE": _OF_GUILDS,
    "CHANNEL_DELETE": _OF_GUILDS,
    "CHANNEL_PINS_UPDATE": _OF_GUILDS,
    "THREAD_CREATE": _OF_GUILDS,
    "THREAD_UPDATE": _OF_GUILDS,
    "THREAD_DELETE": _OF_GUILDS,
    "THREAD_MEMBERS_UPDATE": _OF_GUILDS,
}
"""Per event the intent it needs in guilds and in direct conversations; events that are not listed need none."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event before it is gated.

    Attributes:
        guild_id: Whose shard gets it; ``None`` is shard 0.
        direct: It counts as an event of direct conversations.
        message: The message whose content it carries.
    """

    name: str
    data: Json
    guild_id: str | None = None
    direct: bool = False
    message: Message | None = None


def as_seen(announcement: Announcement, intents: int, bot_id: str) -> Json | None:
    """Return an event's data as a connection with these intents sees it; ``None`` when it does not."""
    in_guilds, in_dms = NEEDED_INTENTS.get(announcement.name, (Intent(0), Intent(0)))
    needed = in_dms if announcement.direct else in_guilds
    if intents & needed != needed:
        return None
    if announcement.message is None or intents & Intent.MESSAGE_CONTENT:
        return announcement.data
    return without_foreign_content(announcement.data, bot_id, direct=announcement.direct)


def without_foreign_content(data: Json, bot_id: str, *, direct: bool) -> Json:
    """Blank a message object's content unless the bot may read it: its own, direct, or mentioning it.

    The message it answers to is looked at by itself.
    """
    shown = dict(data)
    own = data["author"]["id"] == bot_id
    if not (own or direct or any(user["id"] == bot_id for user in data["mentions"])):
        shown |= {name: value for name, value in CONTENT_FIELDS.items() if name in shown}
    if isinstance(answered := shown.get("referenced_message"), dict):
        shown["referenced_message"] = without_foreign_content(answered, bot_id, direct=direct)
    return shown
