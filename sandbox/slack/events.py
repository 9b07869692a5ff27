"""Event payloads, exactly as Slack builds them (reference 6.1 and 6.4); pure."""

import re

from sandbox.slack.model import Channel, ChannelKind, Installation, Json, Message

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_ROOT_ONLY = ("reply_count", "reply_users_count", "reply_users", "latest_reply", "reactions")


def envelope(installation: Installation, event: Json, *, event_id: str, event_time: int, shared: bool) -> Json:
    """The outer object of every event.

    Args:
        shared: The event comes from a Slack Connect channel.
    """
    return {
        "token": installation.app.verification_token,
        "team_id": installation.team_id,
        "api_app_id": installation.app.id,
        "type": "event_callback",
        "event": event,
        "event_id": event_id,
        "event_time": event_time,
        "event_context": f"4-{event_id}",
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": installation.team_id,
                "user_id": installation.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "context_team_id": installation.team_id,
        "context_enterprise_id": None,
    }


def rich_text(text: str, block_id: str) -> Json:
    """The block that Slack adds to what a person typed; ``text`` is escaped already."""
    elements: list[Json] = []
    end = 0
    for found in _MENTION.finditer(text):
        if found.start() > end:
            elements.append({"type": "text", "text": text[end : found.start()]})
        elements.append({"type": "user", "user_id": found.group(1)})
        end = found.end()
    if end < len(text):
        elements.append({"type": "text", "text": text[end:]})
    return {
        "type": "rich_text",
        "block_id": block_id,
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def message_posted(body: Json, channel: Channel, *, thread_token: str | None = None) -> Json:
    """``message``: somebody posted; ``body`` is the message as stored.

    Args:
        thread_token: The ``action_token`` of an assistant thread, for apps that have them.
    """
    event = {name: value for name, value in body.items() if name not in _ROOT_ONLY}
    if event.get("thread_ts") == event["ts"]:
        del event["thread_ts"]
    if thread_token is not None and "thread_ts" in event:
        event |= {"user_team": event["team"], "source_team": event["team"]}
        event["assistant_thread"] = {"action_token": thread_token}
    return event | {"channel": channel.id, "event_ts": body["ts"], "channel_type": channel.kind.value}


def app_mention(body: Json, channel: Channel) -> Json:
    """``app_mention``: the same author, text and ts as the message, without ``channel_type`` and subtype."""
    event = message_posted(body, channel)
    for name in ("channel_type", "subtype", "upload", "display_as_bot"):
        event.pop(name, None)
    return event | {"type": "app_mention"}


def message_changed(body: Json, previous: Json, channel: Channel, ts: str) -> Json:
    """``message_changed``: an edit, an unfurl, a reply count; ``ts`` is the event's own."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.kind.value,
        "ts": ts,
        "event_ts": ts,
        "message": body,
        "previous_message": previous,
    }


def message_deleted(previous: Json, channel: Channel, ts: str) -> Json:
    """``message_deleted``."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.kind.value,
        "ts": ts,
        "deleted_ts": previous["ts"],
        "event_ts": ts,
        "previous_message": previous,
    }


def tombstone(previous: Json) -> Json:
    """What is left of the root of a thread that still has replies."""
    return {
        "type": "message",
        "subtype": "tombstone",
        "hidden": True,
        "text": "This message was deleted.",
        "user": "USLACKBOT",
        "ts": previous["ts"],
        "thread_ts": previous["ts"],
    }


def reaction(kind: str, user: str, name: str, message: Message, ts: str) -> Json:
    """``reaction_added`` or ``reaction_removed``."""
    return {
        "type": kind,
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "item_user": message.user,
        "event_ts": ts,
    }


def member_joined(user: str, channel: Channel, team_id: str, inviter: str | None, ts: str) -> Json:
    """``member_joined_channel``."""
    event: Json = {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "C" if channel.kind is ChannelKind.PUBLIC else "G",
        "team": team_id,
        "event_ts": ts,
    }
    return event | ({"inviter": inviter} if inviter else {})


def file_shared(file_id: str, user: str, channel: str, ts: str) -> Json:
    """``file_shared``."""
    return {
        "type": "file_shared",
        "file_id": file_id,
        "user_id": user,
        "file": {"id": file_id},
        "channel_id": channel,
        "event_ts": ts,
    }


def home_opened(user: str, channel: str, tab: str, ts: str) -> Json:
    """``app_home_opened``: in agent view, the user opened the app's messages."""
    return {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab, "event_ts": ts}


def context_changed(user: str, channel: str, looking_at: str, team_id: str, ts: str) -> Json:
    """``app_context_changed``: in agent view, the user looks at another channel."""
    entity = {"type": "slack#/types/channel_id", "value": looking_at, "team_id": team_id}
    return {
        "type": "app_context_changed",
        "channel": channel,
        "user": user,
        "context": {"entities": [entity]},
        "event_ts": ts,
    }


def assistant_thread(kind: str, user: str, channel: str, thread_ts: str, context: Json, ts: str) -> Json:
    """``assistant_thread_started`` or ``assistant_thread_context_changed`` of the older assistant view."""
    thread = {"user_id": user, "context": context, "channel_id": channel, "thread_ts": thread_ts}
    return {"type": kind, "assistant_thread": thread, "event_ts": ts}


def session_stopped(user: str, channel: str, thread_ts: str, streams: list[str], ts: str) -> Json:
    """``agent_session_stopped``: the user pressed Stop."""
    return {
        "type": "agent_session_stopped",
        "channel": channel,
        "user": user,
        "thread_ts": thread_ts,
        "streaming_message_ts": streams,
        "event_ts": ts,
    }


def title_changed(user: str, channel: str, thread_ts: str, title: str, previous: str, team_id: str) -> Json:
    """``agent_session_title_changed``."""
    return {
        "type": "agent_session_title_changed",
        "channel": channel,
        "user": user,
        "thread_ts": thread_ts,
        "title": title,
        "previous_title": previous,
        "team_id": team_id,
    }
