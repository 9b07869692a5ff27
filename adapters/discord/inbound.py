"""A Discord event becomes an envelope, a withdrawal or nothing (pure).

The place of a message inside a thread is the channel the thread hangs in and the thread; in a channel it is the
channel and the message that begins its reply chain. A thread begun from a message has that message's id, so the place
of a question and of what follows in its thread are the same before the thread exists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.ids import MessageRef, delivery_key, sent_at_s
from adapters.discord.readable import Names, mentions, readable, without_mention
from bridge.model import Addressing, Attachment, Author, Envelope, Place, Press


class MessageType(IntEnum):
    """The types of messages that people write. Source: docs.discord.com, "Message", "Message Types"."""

    DEFAULT = 0
    REPLY = 19


class ChannelKind(IntEnum):
    """The kinds of channels that matter here. Source: docs.discord.com, "Channel", "Channel Types"."""

    TEXT = 0
    DIRECT = 1
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15
    MEDIA = 16


SPOKEN = tuple(MessageType)
THREADS = frozenset({ChannelKind.ANNOUNCEMENT_THREAD, ChannelKind.PUBLIC_THREAD, ChannelKind.PRIVATE_THREAD})
FORUMS = frozenset({ChannelKind.FORUM, ChannelKind.MEDIA})
REPLIED_TO = 0
FORWARDED = 1
"""``type`` of a message reference."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are; ``reads_content`` tells whether the message content intent is in force."""

    user_id: str
    application_id: str = ""
    reads_content: bool = True


@dataclass(frozen=True, slots=True)
class InboundRules:
    """What the settings say about which messages are questions.

    Attributes:
        follow_threads: Messages in threads are passed on without a mention; the core knows in which we take part.
        forums: Forum channels whose new posts are questions by themselves.
    """

    instance: str
    follow_threads: bool = True
    forums: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Channel:
    """What is known of a channel of a server.

    Attributes:
        kind: A ``ChannelKind``, or a number we do not know.
        parent: Of a thread, the channel it hangs in; ``parent_name`` and ``parent_kind`` are that channel's.
        joined: We are a member of this thread, so we have spoken in it.
        locale: The server's language, empty when it has chosen none.
        own_role: The role that belongs to us on this server, empty when there is none.
    """

    id: str
    kind: int
    name: str = ""
    parent: str = ""
    parent_name: str = ""
    parent_kind: int = ChannelKind.TEXT
    joined: bool = False
    locale: str = ""
    own_role: str = ""

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS


@dataclass(frozen=True, slots=True)
class Unheard:
    """A message that was perhaps meant for us, but whose words Discord keeps from us; ``envelope`` has no text."""

    envelope: Envelope


def is_spoken(message: Payload, us: Identity) -> bool:
    """Tell whether a person wrote this: no bot, no webhook, no system message, not we."""
    author = message.get("author")
    if not isinstance(author, Mapping) or author.get("bot") or author.get("system") or message.get("webhook_id"):
        return False
    return author.get("id") != us.user_id and message.get("type") in SPOKEN


def ancestors(message: Payload) -> tuple[str, ...]:
    """Return the ids of the messages this one replies to, as far as it tells: the nearest first, at most two."""
    found = [_replied_to(message)]
    parent = message.get("referenced_message")
    if found[0] and isinstance(parent, Mapping):
        found.append(_replied_to(parent))
    return tuple(filter(None, found))


def parse_message(
    message: Payload, channel: Channel | None, rules: InboundRules, us: Identity, names: Names
) -> Envelope | Unheard | None:
    """Turn a created message into ours; ``None`` for what is no business of ours.

    In a channel it begins a reply chain of its own; ``in_chain`` puts it into another.

    Args:
        channel: Where it stands; ``None`` in direct messages.
    """
    message_id, channel_id, guild = (text_in(message, key) for key in ("id", "channel_id", "guild_id"))
    if not message_id or not channel_id or not is_spoken(message, us) or (guild and channel is None):
        return None
    addressing = _addressing(message, channel, rules, us)
    if addressing is None:
        return None
    is_heard = not guild or us.reads_content or us.user_id in _mentioned(message)
    text = _words(message, channel, us, names) if is_heard else ""
    attachments = attachments_of(message)
    if is_heard and not text and not attachments and addressing is not Addressing.MENTION:
        return None
    envelope = Envelope(
        delivery_key=delivery_key(MessageRef(rules.instance, guild, channel_id, message_id)),
        place=place_of(rules.instance, guild, channel_id, message_id, channel),
        author=_author(message, channel),
        message_id=message_id,
        text=text,
        addressing=addressing,
        sent_at_s=sent_at_s(message_id),
        attachments=attachments,
        inside_thread=_inside_thread(message, channel),
    )
    if is_heard:
        return envelope
    concerns_us = addressing is Addressing.MENTION or (channel is not None and channel.joined)
    return Unheard(envelope) if concerns_us else None


Placed = TypeVar("Placed", Envelope, Press)


def in_chain(said: Placed, root: str) -> Placed:
    """Return a question or a press as part of the reply chain that ``root`` begins; as it is for an empty one."""
    return replace(said, place=replace(said.place, thread=root)) if root else said


def parse_deletion(data: Payload, instance: str) -> list[str]:
    """Return the delivery keys of the questions that one or many deleted messages may have been."""
    channel, guild = text_in(data, "channel_id"), text_in(data, "guild_id")
    ids = data.get("ids")
    gone = ids if isinstance(ids, list) else [data.get("id")]
    return [delivery_key(MessageRef(instance, guild, channel, str(message))) for message in gone if channel and message]


def words_of(message: Payload, us: Identity, names: Names) -> str:
    """Return what a person said in a message, readable, without mentions of us."""
    return _words(message, None, us, names)


def author_name(message: Payload) -> str:
    """Return the name under which people see an author: on the server, else everywhere, else the account's."""
    author, member = mapping_in(message, "author"), mapping_in(message, "member")
    return text_in(member, "nick") or text_in(author, "global_name") or text_in(author, "username")


# --- who is addressed ---


def _addressing(message: Payload, channel: Channel | None, rules: InboundRules, us: Identity) -> Addressing | None:
    if channel is None:
        return Addressing.DIRECT
    if _names_us(message, channel, us) or _replies_to_us(message, us):
        return Addressing.MENTION
    if not channel.is_thread:
        return None
    if channel.parent in rules.forums and text_in(message, "id") == channel.id:
        return Addressing.MENTION
    return Addressing.FOLLOW_UP if rules.follow_threads else None


def _names_us(message: Payload, channel: Channel, us: Identity) -> bool:
    roles = message.get("mention_roles")
    by_role = bool(channel.own_role) and isinstance(roles, list) and channel.own_role in roles
    return by_role or us.user_id in _mentioned(message) or mentions(text_in(message, "content"), us.user_id)


def _replies_to_us(message: Payload, us: Identity) -> bool:
    """A reply to us names us, whether or not its author left the ping switched on."""
    return (
        bool(_replied_to(message))
        and mapping_in(mapping_in(message, "referenced_message"), "author").get("id") == us.user_id
    )


def _mentioned(message: Payload) -> set[str]:
    found = message.get("mentions")
    return {text_in(user, "id") for user in found if isinstance(user, Mapping)} if isinstance(found, list) else set()


def _replied_to(message: Payload) -> str:
    reference = mapping_in(message, "message_reference")
    if reference.get("type", REPLIED_TO) != REPLIED_TO:
        return ""
    same_channel = text_in(reference, "channel_id") in ("", text_in(message, "channel_id"))
    return text_in(reference, "message_id") if same_channel else ""


# --- where it stands ---


def place_of(instance: str, guild: str, channel_id: str, message_id: str, channel: Channel | None) -> Place:
    """Return where a message stands; in a channel it begins a reply chain of its own.

    Args:
        channel: What is known of ``channel_id``; ``None`` in direct messages.
    """
    if channel is None:
        return Place(instance, "", channel_id, private=True)
    if channel.is_thread:
        return Place(instance, guild, channel.parent or channel_id, channel_id, channel_name=channel.parent_name)
    return Place(instance, guild, channel_id, message_id, channel_name=channel.name)


def _inside_thread(message: Payload, channel: Channel | None) -> bool:
    if channel is None:
        return False
    if channel.is_thread:
        return text_in(message, "id") != channel.id
    return bool(_replied_to(message))


# --- what was said, and by whom ---


def _words(message: Payload, channel: Channel | None, us: Identity, names: Names) -> str:
    people = _people(message)
    own_role = channel.own_role if channel is not None else ""
    said = readable(without_mention(text_in(message, "content"), us.user_id, own_role), people, names)
    return "\n\n".join(filter(None, (said.strip(), *_forwarded(message, people, names))))


def _forwarded(message: Payload, people: Mapping[str, str], names: Names) -> list[str]:
    snapshots = message.get("message_snapshots")
    if not isinstance(snapshots, list):
        return []
    texts = [
        text_in(mapping_in(snapshot, "message"), "content") for snapshot in snapshots if isinstance(snapshot, Mapping)
    ]
    return [readable(text, people, names).strip() for text in texts]


def _people(message: Payload) -> dict[str, str]:
    found = message.get("mentions")
    users = [user for user in found if isinstance(user, Mapping)] if isinstance(found, list) else []
    return {
        text_in(user, "id"): text_in(mapping_in(user, "member"), "nick")
        or text_in(user, "global_name")
        or text_in(user, "username")
        for user in users
    }


def _author(message: Payload, channel: Channel | None) -> Author:
    roles = mapping_in(message, "member").get("roles")
    return Author(
        id=text_in(mapping_in(message, "author"), "id"),
        name=author_name(message),
        locale=language_of(channel.locale) if channel is not None else "",
        roles=tuple(str(role) for role in roles) if isinstance(roles, list) else (),
    )


def attachments_of(message: Payload) -> tuple[Attachment, ...]:
    """Return the files of a message."""
    files = message.get("attachments")
    if not isinstance(files, list):
        return ()
    return tuple(attachment_of(file) for file in files if isinstance(file, Mapping))


def attachment_of(file: Payload, given_for: str = "") -> Attachment:
    """Return one file as Discord tells of it."""
    size = file.get("size")
    return Attachment(
        id=text_in(file, "id"),
        name=text_in(file, "filename"),
        media_type=text_in(file, "content_type").partition(";")[0],
        size_bytes=size if isinstance(size, int) else 0,
        url=text_in(file, "url"),
        given_for=given_for,
    )


LANGUAGE = re.compile(r"^([A-Za-z]{2,3})(?:[-_]|$)")


def language_of(locale: str) -> str:
    """Shorten Discord's locale to its language: ``en-US`` to ``en``, ``zh-CN`` and ``zh-TW`` to ``zh``."""
    found = LANGUAGE.match(locale)
    return found.group(1).lower() if found else ""
