"""Channels, threads, forum posts, direct conversations (reference 5)."""

from typing import Any

from sandbox.discord.composing import compose
from sandbox.discord.errors import FormErrors, invalid_form, refusal
from sandbox.discord.forms import check_not_empty, read_form
from sandbox.discord.ids import as_snowflake
from sandbox.discord.mentions import ALL_MENTIONS
from sandbox.discord.model import Channel, ChannelKind, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.routes_messages import check_reachable
from sandbox.discord.service import Call, Reply
from sandbox.discord.threads import ARCHIVE_MINUTES

MAX_NAME_CHARS = 100
MAX_SLOWMODE_S = 21_600
THREADED = frozenset({ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT})


def read(call: Call) -> Reply:
    """``GET /channels/{channel}``."""
    return Reply(call.service.wire.channel(call.channel()))


def edit(call: Call) -> Reply:
    """``PATCH /channels/{channel}``: of threads name, archived, locked, duration; of others name and topic."""
    channel = call.channel()
    if channel.thread is None:
        return _edit_channel(call, channel)
    fields, state = call.fields, channel.thread
    may_manage = call.allowed(channel, Permission.MANAGE_THREADS)
    if not may_manage and (state.owner_id != call.bot_id or "locked" in fields):
        raise refusal(50013)
    if state.archived and fields.get("archived", True) and not state.locked:
        raise refusal(50083)
    errors = FormErrors()
    name, minutes = _thread_fields(fields, errors, default_name=channel.name)
    errors.raise_if_any()
    channel.name = name
    state.auto_archive_minutes = minutes if "auto_archive_duration" in fields else state.auto_archive_minutes
    if isinstance(tags := fields.get("applied_tags"), list):
        state.applied_tags = [str(tag) for tag in tags]
    locked = bool(fields["locked"]) if "locked" in fields else None
    archived = bool(fields.get("archived", state.archived))
    if archived == state.archived and locked in (None, state.locked):
        call.service.herald.thread_updated(channel)
    else:
        call.service.threads.set_archived(channel, archived, locked=locked)
    return Reply(call.service.wire.thread(channel))


def _edit_channel(call: Call, channel: Channel) -> Reply:
    call.require(channel, Permission.MANAGE_CHANNELS)
    errors = FormErrors()
    name = call.fields.get("name", channel.name)
    _check_name(name, errors)
    errors.raise_if_any()
    channel.name, channel.topic = str(name), call.fields.get("topic", channel.topic)
    call.service.herald.channel("CHANNEL_UPDATE", channel)
    return Reply(call.service.wire.channel(channel))


def delete(call: Call) -> Reply:
    """``DELETE /channels/{channel}``: a direct conversation is closed, not lost."""
    channel = call.channel()
    shown = call.service.wire.channel(channel)
    if channel.kind is not ChannelKind.DM:
        needed = Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
        call.require(channel, needed)
        call.service.herald.channel("CHANNEL_DELETE", channel)
        del call.world.channels[channel.id]
    return Reply(shown)


def thread_from_message(call: Call) -> Reply:
    """``POST /channels/{channel}/messages/{message}/threads``: its id is the message's."""
    channel = call.channel()
    message = call.message(channel)
    if channel.kind not in THREADED:
        raise refusal(50024)
    call.require(channel, Permission.CREATE_PUBLIC_THREADS)
    if message.has(MessageFlag.HAS_THREAD) or message.id in call.world.channels:
        raise refusal(160004)
    errors = FormErrors()
    name, minutes = _thread_fields(call.fields, errors)
    errors.raise_if_any()
    thread = call.service.threads.open_from(message, call.bot_id, name, auto_archive_minutes=minutes)
    return Reply(call.service.wire.thread(thread), 201)


def thread(call: Call) -> Reply:
    """``POST /channels/{channel}/threads``: a thread of no message, private unless told; in a forum a post."""
    channel = call.channel()
    if channel.kind.is_forum:
        return _post(call, channel)
    if channel.kind not in THREADED:
        raise refusal(50024)
    private = call.fields.get("type", ChannelKind.PRIVATE_THREAD) == ChannelKind.PRIVATE_THREAD
    call.require(channel, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)
    errors = FormErrors()
    name, minutes = _thread_fields(call.fields, errors)
    errors.raise_if_any()
    opened = call.service.threads.open_bare(channel, call.bot_id, name, private=private, auto_archive_minutes=minutes)
    return Reply(call.service.wire.thread(opened), 201)


def _post(call: Call, forum: Channel) -> Reply:
    call.require(forum, Permission.SEND_MESSAGES)
    service, wanted = call.service, call.fields.get("message")
    errors = FormErrors()
    name, minutes = _thread_fields(call.fields, errors)
    if not isinstance(wanted, dict):
        errors.required("message")
    errors.raise_if_any()
    assert isinstance(wanted, dict)
    tags = [str(tag) for tag in call.fields.get("applied_tags") or []]
    if forum.requires_tag and not tags:
        raise refusal(40067)
    form = read_form(wanted, call.files, service.switches, default=ALL_MENTIONS)
    check_not_empty(form, service.switches)
    message = compose(service, form, forum.id)
    opened = service.threads.open_post(forum, message, name, form.allowed, tags=tags, auto_archive_minutes=minutes)
    return Reply(service.wire.thread(opened) | {"message": service.wire.message(message)}, 201)


def _thread_fields(fields: dict[str, Any], errors: FormErrors, default_name: str | None = None) -> tuple[str, int]:
    name, minutes = fields.get("name", default_name), fields.get("auto_archive_duration") or 1440
    if name is None:
        errors.required("name")
    else:
        _check_name(name, errors)
    if minutes not in ARCHIVE_MINUTES:
        errors.wrong_choice("auto_archive_duration", ARCHIVE_MINUTES)
    pause_s = fields.get("rate_limit_per_user") or 0
    if not isinstance(pause_s, int) or not 0 <= pause_s <= MAX_SLOWMODE_S:
        sentence = f"int value should be less than or equal to {MAX_SLOWMODE_S}."
        errors.add("rate_limit_per_user", "NUMBER_TYPE_MAX", sentence)
    return str(name), minutes if isinstance(minutes, int) else 1440


def _check_name(name: Any, errors: FormErrors) -> None:
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME_CHARS:
        errors.bad_length("name", 1, MAX_NAME_CHARS)


def join(call: Call) -> Reply:
    """``PUT /channels/{channel}/thread-members/{user}``."""
    channel = _open_thread(call)
    call.service.threads.join(channel, _member(call))
    return Reply()


def leave(call: Call) -> Reply:
    """``DELETE /channels/{channel}/thread-members/{user}``."""
    channel, user_id = _open_thread(call), _member(call)
    if user_id != call.bot_id:
        call.require(channel, Permission.MANAGE_THREADS)
    call.service.threads.leave(channel, user_id)
    return Reply()


def _open_thread(call: Call) -> Channel:
    channel = call.channel()
    if channel.thread is None:
        raise refusal(50024)
    if channel.thread.archived:
        raise refusal(50083)
    return channel


def _member(call: Call) -> str:
    user_id = call.bot_id if call.params["user"] == "@me" else call.params["user"]
    if user_id not in call.world.users:
        raise refusal(10013)
    return user_id


def open_dm(call: Call) -> Reply:
    """``POST /users/@me/channels``: the same channel for the same person every time."""
    user_id = as_snowflake(call.fields.get("recipient_id"))
    if user_id is None or user_id not in call.world.users:
        raise invalid_form("recipient_id", "NUMBER_TYPE_COERCE", "Unknown User")
    if user_id == call.bot_id or call.world.users[user_id].bot:
        raise refusal(50007)
    check_reachable_guild(call, user_id)
    return Reply(call.service.wire.channel(call.service.direct_channel(user_id)))


def check_reachable_guild(call: Call, user_id: str) -> None:
    """Refuse to open a conversation with somebody the bot shares no guild with; other reasons come at sending.

    Raises:
        ApiError: 50278.
    """
    if call.world.users[user_id].accepts_dms:
        check_reachable(call, user_id)


HANDLERS = {
    "GET /channels/{channel}": read,
    "PATCH /channels/{channel}": edit,
    "DELETE /channels/{channel}": delete,
    "POST /channels/{channel}/threads": thread,
    "POST /channels/{channel}/messages/{message}/threads": thread_from_message,
    "PUT /channels/{channel}/thread-members/{user}": join,
    "DELETE /channels/{channel}/thread-members/{user}": leave,
    "POST /users/@me/channels": open_dm,
}
