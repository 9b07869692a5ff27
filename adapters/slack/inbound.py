"""A Slack event becomes an envelope, a withdrawal or nothing (pure).

The same message may arrive twice, as ``app_mention`` and as ``message``, in either order; both become one envelope.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.slack.ids import MessageRef, delivery_key, ts_seconds
from adapters.slack.readable import mentions, readable, without_mention
from bridge.model import Addressing, Attachment, Author, Envelope, Place

ANSWERED_SUBTYPES = frozenset({"", "file_share", "thread_broadcast", "me_message"})
"""All other subtypes (edits, joins, topics ...) are not questions. Source: docs.slack.dev, event ``message``."""

SYSTEM_USERS = frozenset({"USLACK", "USLACKBOT"})
MODES_WITHOUT_BYTES = frozenset({"external", "tombstone", "hidden_by_limit"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in a workspace: answers of ``auth.test``."""

    team_id: str
    user_id: str
    bot_id: str

    def wrote(self, message: Mapping[str, Any]) -> bool:
        """Tell whether a message is ours."""
        return message.get("bot_id") == self.bot_id or message.get("user") == self.user_id


@dataclass(frozen=True, slots=True)
class InboundRules:
    """What the settings say about which messages are questions.

    Attributes:
        follow_threads: Replies in threads are passed on without a mention; the core knows in which we take part.
        answer_bots: Other bots are answered when they mention us or write to us, never as follow-ups.
        thread_private: Each message at the top of a direct message channel begins a thread of its own.
    """

    instance: str
    follow_threads: bool = True
    answer_bots: bool = False
    thread_private: bool = True


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A question was deleted by its author."""

    delivery_key: str


def parse_event(body: Mapping[str, Any], rules: InboundRules, us: Identity) -> Envelope | Withdrawal | None:
    """Turn the body of one Events API delivery into ours; ``None`` for what is no business of ours."""
    event = body.get("event")
    if body.get("type") != "event_callback" or not isinstance(event, Mapping):
        return None
    match event.get("type"):
        case "app_mention":
            return _question(event, team_of(body, us), rules, us)
        case "message":
            gone = _deleted_ts(event)
            if gone is not None:
                ref = MessageRef(rules.instance, team_of(body, us), text_of(event, "channel"), gone)
                return Withdrawal(delivery_key(ref)) if ref.channel and gone else None
            return _question(event, team_of(body, us), rules, us)
    return None


def parse_message(message: Mapping[str, Any], channel: str, rules: InboundRules, us: Identity) -> Envelope | None:
    """Turn a message read from a channel's history into the envelope its event would have become."""
    return _question({**message, "channel": channel}, us.team_id, rules, us)


def _question(event: Mapping[str, Any], team: str, rules: InboundRules, us: Identity) -> Envelope | None:
    channel, ts = text_of(event, "channel"), text_of(event, "ts")
    if not channel or not ts or event.get("hidden") or not _answerable(event, rules, us):
        return None
    private = text_of(event, "channel_type") == "im" or channel.startswith("D")
    addressing = _addressing(event, private, rules, us)
    if addressing is None:
        return None
    root = text_of(event, "thread_ts")
    text = readable(without_mention(text_of(event, "text"), us.user_id)).strip()
    attachments = attachments_of(event.get("files"))
    if not text and not attachments and addressing is not Addressing.MENTION:
        return None
    return Envelope(
        delivery_key=delivery_key(MessageRef(rules.instance, team, channel, ts)),
        place=Place(
            instance=rules.instance,
            team=team,
            channel=channel,
            thread=root or (ts if rules.thread_private or not private else None),
            private=private,
        ),
        author=_author(event),
        message_id=ts,
        text=text,
        addressing=addressing,
        sent_at_s=ts_seconds(ts),
        attachments=attachments,
        inside_thread=bool(root) and root != ts,
    )


def _answerable(event: Mapping[str, Any], rules: InboundRules, us: Identity) -> bool:
    user, bot = text_of(event, "user"), text_of(event, "bot_id")
    if user == us.user_id or (bot and bot == us.bot_id) or user in SYSTEM_USERS:
        return False
    subtype = text_of(event, "subtype")
    if bot or subtype == "bot_message":
        return rules.answer_bots and bool(user or bot) and subtype in ANSWERED_SUBTYPES | {"bot_message"}
    return bool(user) and subtype in ANSWERED_SUBTYPES


def _addressing(event: Mapping[str, Any], private: bool, rules: InboundRules, us: Identity) -> Addressing | None:
    if private:
        return Addressing.DIRECT
    if event.get("type") == "app_mention" or mentions(text_of(event, "text"), us.user_id):
        return Addressing.MENTION
    in_thread = text_of(event, "thread_ts") not in ("", text_of(event, "ts"))
    # Two bots that follow each other's threads would never stop.
    if in_thread and rules.follow_threads and not text_of(event, "bot_id"):
        return Addressing.FOLLOW_UP
    return None


def _author(event: Mapping[str, Any]) -> Author:
    user, bot = text_of(event, "user"), text_of(event, "bot_id")
    profile = event.get("bot_profile")
    name = text_of(event, "username") or (text_of(profile, "name") if isinstance(profile, Mapping) else "")
    return Author(id=user or bot, name=name if bot else "")


def attachments_of(files: object, given_for: str = "") -> tuple[Attachment, ...]:
    """Return the files of a message, or of a form's field; those that were deleted are left out."""
    if not isinstance(files, list):
        return ()
    there = [file for file in files if isinstance(file, Mapping) and file.get("mode") != "tombstone"]
    return tuple(_attachment(file, given_for) for file in there)


def _attachment(file: Mapping[str, Any], given_for: str) -> Attachment:
    size = file.get("size")
    has_bytes = file.get("mode") not in MODES_WITHOUT_BYTES
    return Attachment(
        id=text_of(file, "id"),
        name=text_of(file, "name") or text_of(file, "title"),
        media_type=text_of(file, "mimetype"),
        size_bytes=size if isinstance(size, int) else 0,
        url=(text_of(file, "url_private_download") or text_of(file, "url_private")) if has_bytes else "",
        given_for=given_for,
    )


def _deleted_ts(event: Mapping[str, Any]) -> str | None:
    """Return the ``ts`` of the message a deletion is about; a deleted root with replies becomes a tombstone."""
    if event.get("subtype") == "message_deleted":
        return text_of(event, "deleted_ts")
    inner = event.get("message")
    if event.get("subtype") == "message_changed" and isinstance(inner, Mapping) and inner.get("subtype") == "tombstone":
        return text_of(inner, "ts")
    return None


def team_of(body: Mapping[str, Any], us: Identity) -> str:
    """Return the workspace of the installation; on channels shared with others the outer id may be the other side's."""
    authorizations = body.get("authorizations")
    if isinstance(authorizations, list) and authorizations and isinstance(authorizations[0], Mapping):
        if team := text_of(authorizations[0], "team_id"):
            return team
    return us.team_id or text_of(body, "team_id")


def text_of(source: Mapping[str, Any], key: str) -> str:
    """Return a field of a payload, empty when it is absent or no text."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


LANGUAGE = re.compile(r"^([A-Za-z]{2,3})(?:[-_]|$)")


def language_of(locale: str) -> str:
    """Shorten Slack's locale to its language: ``en-US`` to ``en``, ``zh-CN`` and ``zh-TW`` to ``zh``."""
    found = LANGUAGE.match(locale)
    return found.group(1).lower() if found else ""
