"""Messages: create, edit, delete, history, reactions, typing, pins (reference 5 and 10.4)."""

from typing import Any
from urllib.parse import unquote

from sandbox.discord.composing import SETTABLE_ON_EDIT, apply_form, compose
from sandbox.discord.errors import invalid_form, refusal
from sandbox.discord.forms import MessageForm, check_not_empty, read_form
from sandbox.discord.ids import as_snowflake, made_at
from sandbox.discord.intents import without_foreign_content
from sandbox.discord.mentions import ALL_MENTIONS
from sandbox.discord.model import Channel, ChannelKind, Json, Message, MessageFlag, MessageKind
from sandbox.discord.permissions import Permission
from sandbox.discord.service import Call, Reply

MAX_PAGE = 100
DEFAULT_PAGE = 50
MAX_REACTIONS = 20
BULK = range(2, 101)
_COMMAND_KINDS = (MessageKind.CHAT_INPUT_COMMAND, MessageKind.CONTEXT_MENU_COMMAND)
BULK_MAX_AGE_S = 14 * 86_400.0
WRITABLE = frozenset(
    {ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT, ChannelKind.VOICE, ChannelKind.DM}
    | {kind for kind in ChannelKind if kind.is_thread}
)


def create(call: Call) -> Reply:
    """``POST /channels/{channel}/messages``."""
    service, channel = call.service, call.channel()
    check_writable(call, channel)
    form = read_form(call.fields, call.files, service.switches, default=ALL_MENTIONS)
    _check_parts(call, channel, form)
    check_not_empty(form, service.switches)
    if (earlier := _same_nonce(call, form)) is not None:
        return Reply(_shown(call, earlier))
    reference = _reference(call, channel, form.reference) if form.reference else None
    service.threads.wrote(channel, call.bot_id)
    message = compose(service, form, channel.id, reference=reference)
    if form.enforce_nonce:
        service.message_by_nonce[str(form.nonce)] = message
    service.stage.post(message, form.allowed)
    return Reply(_shown(call, message))


def check_writable(call: Call, channel: Channel) -> None:
    """Refuse a channel the bot cannot write in.

    Raises:
        ApiError: 40058 for forums, 50008 for channels without text, 50013, 160005 for locked threads, 50007.
    """
    if channel.kind.is_forum:
        raise refusal(40058)
    if channel.kind not in WRITABLE:
        raise refusal(50008)
    if channel.kind is ChannelKind.DM:
        check_reachable(call, channel.recipients[0])
        return
    in_thread = channel.thread is not None
    call.require(channel, Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES)
    if channel.thread and channel.thread.locked and not call.allowed(channel, Permission.MANAGE_THREADS):
        raise refusal(160005)


def check_reachable(call: Call, user_id: str) -> None:
    """Refuse a person the bot cannot write to.

    Raises:
        ApiError: 50007 when they accept no messages, 50278 without a guild in common.
    """
    if not call.world.users[user_id].accepts_dms:
        raise refusal(50007)
    if not any(True for _ in call.world.shared_guilds(user_id)):
        raise refusal(50278)


def _check_parts(call: Call, channel: Channel, form: MessageForm) -> None:
    if form.files:
        call.require(channel, Permission.ATTACH_FILES)
    if form.embeds:
        call.require(channel, Permission.EMBED_LINKS)


def _same_nonce(call: Call, form: MessageForm) -> Message | None:
    """Return the message an enforced nonce made before, wherever that was.

    Raises:
        ApiError: 10008: it was deleted meanwhile.
    """
    message = call.service.message_by_nonce.get(str(form.nonce)) if form.enforce_nonce else None
    if message is None or call.service.clock.now() - message.sent_at > call.service.switches.nonce_window_s:
        return None
    if message.deleted:
        raise refusal(10008)
    return message


def _reference(call: Call, channel: Channel, given: Json) -> Json | None:
    """Return the reference to store; ``None`` when its message is gone and that was allowed.

    Raises:
        ApiError: 160002 without the right to read history, 50035 for an unknown message or another channel's.
    """
    if not call.allowed(channel, Permission.READ_MESSAGE_HISTORY):
        raise refusal(160002)
    elsewhere = as_snowflake(given.get("channel_id"))
    if elsewhere not in (None, channel.id):
        sentence = "Cannot reply to a message in a different channel"
        raise invalid_form("message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", sentence)
    message = call.world.message(channel.id, as_snowflake(given.get("message_id")) or "")
    if message is None or message.ephemeral_for is not None:
        if given.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None
    if message.kind not in (MessageKind.DEFAULT, MessageKind.REPLY, *_COMMAND_KINDS):
        sentence = "Cannot reply to a system message"
        raise invalid_form("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", sentence)
    reference: Json = {"message_id": message.id, "channel_id": channel.id}
    return reference | ({"guild_id": channel.guild_id} if channel.guild_id else {})


def edit(call: Call) -> Reply:
    """``PATCH /channels/{channel}/messages/{message}``: one's own; of others only the previews."""
    channel = call.channel()
    message = call.message(channel)
    if message.author_id != call.bot_id:
        return _suppress_foreign(call, channel, message)
    if channel.thread is not None and channel.thread.archived:
        raise refusal(50083)
    call.service.limiter.admit_edit(message)
    form = read_form(
        call.fields,
        call.files,
        call.service.switches,
        default=ALL_MENTIONS,
        flags_allowed=SETTABLE_ON_EDIT,
        v2_already=message.has(MessageFlag.COMPONENTS_V2),
    )
    apply_form(call.service, message, form)
    call.service.stage.change(message, form.allowed)
    return Reply(_shown(call, message))


def _suppress_foreign(call: Call, channel: Channel, message: Message) -> Reply:
    if set(call.fields) - {"flags"} or not call.allowed(channel, Permission.MANAGE_MESSAGES):
        raise refusal(50005)
    suppressed = int(call.fields.get("flags") or 0) & MessageFlag.SUPPRESS_EMBEDS
    message.flags = message.flags & ~MessageFlag.SUPPRESS_EMBEDS | suppressed
    call.service.stage.change(message, edited=False)
    return Reply(_shown(call, message))


def delete(call: Call) -> Reply:
    """``DELETE /channels/{channel}/messages/{message}``."""
    channel = call.channel()
    message = call.message(channel)
    if message.author_id != call.bot_id:
        call.require(channel, Permission.MANAGE_MESSAGES)
    if channel.thread is not None and channel.thread.archived:
        raise refusal(50083)
    call.service.stage.remove(message)
    return Reply()


def bulk_delete(call: Call) -> Reply:
    """``POST /channels/{channel}/messages/bulk-delete``: unknown ids are ignored."""
    channel = call.channel()
    call.require(channel, Permission.MANAGE_MESSAGES)
    ids = [as_snowflake(value) or "" for value in call.fields.get("messages") or []]
    if len(ids) not in BULK:
        raise refusal(50016)
    found = [message for message_id in ids if (message := call.world.message(channel.id, message_id))]
    if any(call.service.clock.now() - made_at(message.id) > BULK_MAX_AGE_S for message in found):
        raise refusal(50034)
    call.service.stage.remove_many(channel, found)
    return Reply()


def read_one(call: Call) -> Reply:
    """``GET /channels/{channel}/messages/{message}``."""
    channel = call.channel()
    if not call.allowed(channel, Permission.READ_MESSAGE_HISTORY):
        raise refusal(50001)
    return Reply(_shown(call, call.message(channel)))


def history(call: Call) -> Reply:
    """``GET /channels/{channel}/messages``: the newest first; nothing without the right to read history."""
    channel = call.channel()
    limit = _limit(call.query.get("limit"))
    if not call.allowed(channel, Permission.READ_MESSAGE_HISTORY):
        return Reply([])
    page = _page(call.world.visible_messages(channel.id), call.query, limit)
    return Reply([_shown(call, message) for message in reversed(page)])


def _limit(given: str | None) -> int:
    limit = int(given) if given is not None and given.isdigit() else DEFAULT_PAGE if given is None else 0
    if not 1 <= limit <= MAX_PAGE:
        code, sentence = "NUMBER_TYPE_MAX", f"int value should be between 1 and {MAX_PAGE}."
        raise invalid_form("limit", code, sentence)
    return limit


def _page(messages: list[Message], query: dict[str, str], limit: int) -> list[Message]:
    """Return one page, the oldest first; ``before``, ``after`` and ``around`` exclude each other."""
    if "before" in query:
        return [m for m in messages if int(m.id) < int(query["before"])][-limit:]
    if "after" in query:
        return [m for m in messages if int(m.id) > int(query["after"])][:limit]
    if "around" in query:
        middle = int(query["around"])
        older = [m for m in messages if int(m.id) < middle][-(limit // 2) :] if limit > 1 else []
        newer = [m for m in messages if int(m.id) >= middle][: limit - len(older)]
        return older + newer
    return messages[-limit:]


def typing(call: Call) -> Reply:
    """``POST /channels/{channel}/typing``."""
    channel = call.channel()
    check_writable(call, channel)
    call.service.stage.type(channel, call.bot_id)
    return Reply()


def react(call: Call) -> Reply:
    """``PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me``."""
    channel = call.channel()
    message, name = call.message(channel), _emoji(call)
    needed = (Permission.READ_MESSAGE_HISTORY,) if name in message.reactions else (Permission.ADD_REACTIONS,)
    call.require(channel, *needed)
    if name not in message.reactions and len(message.reactions) >= MAX_REACTIONS:
        raise refusal(30010)
    call.service.stage.react(message, call.bot_id, name)
    return Reply()


def unreact(call: Call) -> Reply:
    """``DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/@me``."""
    message = call.message(call.channel())
    call.service.stage.react(message, call.bot_id, _emoji(call), add=False)
    return Reply()


def _emoji(call: Call) -> str:
    name = unquote(call.params["emoji"])
    if name.isascii() and ":" not in name:
        raise refusal(10014)
    return name


def pin(call: Call) -> Reply:
    """``PUT /channels/{channel}/pins/{message}``."""
    return _pin(call, True)


def unpin(call: Call) -> Reply:
    """``DELETE /channels/{channel}/pins/{message}``."""
    return _pin(call, False)


def _pin(call: Call, pinned: bool) -> Reply:
    channel = call.channel()
    if channel.guild_id is not None:
        call.require(channel, Permission.PIN_MESSAGES)
    message = call.message(channel)
    message.pinned = pinned
    call.service.stage.change(message, edited=False)
    call.service.herald.pins_changed(channel)
    return Reply()


def _shown(call: Call, message: Message) -> Any:
    """Return the REST form; foreign content only with the privileged intent switched on."""
    shown = call.service.wire.message(message)
    if "message_content" in call.world.application.privileged:
        return shown
    direct = call.world.channels[message.channel_id].guild_id is None
    return without_foreign_content(shown, call.bot_id, direct=direct)


HANDLERS = {
    "POST /channels/{channel}/messages": create,
    "GET /channels/{channel}/messages": history,
    "POST /channels/{channel}/messages/bulk-delete": bulk_delete,
    "GET /channels/{channel}/messages/{message}": read_one,
    "PATCH /channels/{channel}/messages/{message}": edit,
    "DELETE /channels/{channel}/messages/{message}": delete,
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": react,
    "DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/@me": unreact,
    "POST /channels/{channel}/typing": typing,
    "PUT /channels/{channel}/pins/{message}": pin,
    "DELETE /channels/{channel}/pins/{message}": unpin,
    "PUT /channels/{channel}/messages/pins/{message}": pin,
    "DELETE /channels/{channel}/messages/pins/{message}": unpin,
}
