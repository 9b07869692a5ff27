"""``conversations.*``: what channels there are, who is in them, what was said."""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from sandbox.slack import events
from sandbox.slack.model import Channel, ChannelKind, Json, Message
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Call
from sandbox.slack.wire import channel_body

Item = TypeVar("Item")
COMMERCIAL_PAGE = 15
KIND_BY_TYPE = {
    "public_channel": ChannelKind.PUBLIC,
    "private_channel": ChannelKind.PRIVATE,
    "im": ChannelKind.IM,
    "mpim": ChannelKind.MPIM,
}


def open_direct(call: Call) -> Json:
    """``conversations.open``: the direct conversation with one person, or a group one with several."""
    if "channel" in call.args:
        channel = call.known_channel()
    else:
        users = call.args.names("users")
        if not users:
            raise Refusal("users_list_not_supplied")
        if any(user not in call.workspace.users for user in users):
            raise Refusal("user_not_found")
        call.caller.require("im:write" if len(users) == 1 else "mpim:write")
        channel = call.service.direct_channel(call.workspace, {*users, call.bot.bot_user_id})
    full = call.args.flag("return_im")
    return {"channel": _body(call, channel) if full else {"id": channel.id}}


def join(call: Call) -> Json:
    """``conversations.join``: public channels only."""
    channel = call.known_channel()
    if channel.kind is not ChannelKind.PUBLIC:
        raise Refusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refusal("is_archived")
    bot = call.bot.bot_user_id
    if bot in channel.members:
        return {
            "channel": _body(call, channel),
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    channel.members.add(bot)
    event = events.member_joined(bot, channel, call.workspace.team.id, None, call.workspace.mint.ts())
    call.service.herald.tell_all(call.workspace, event, channel)
    return {"channel": _body(call, channel)}


def info(call: Call) -> Json:
    """``conversations.info``."""
    channel = call.known_channel()
    call.caller.require(f"{channel.kind.family}:read")
    body = _body(call, channel)
    if call.args.flag("include_num_members"):
        body["num_members"] = len(channel.members)
    if call.args.flag("include_locale"):
        body["locale"] = "en-US"
    return {"channel": body}


def list_channels(call: Call) -> Json:
    """``conversations.list``: channels of the wanted types that this bot may know of."""
    types = call.args.names("types") or ["public_channel"]
    if any(name not in KIND_BY_TYPE for name in types):
        raise Refusal("invalid_types")
    wanted = {KIND_BY_TYPE[name] for name in types}
    for kind in sorted(wanted):
        call.caller.require(f"{kind.family}:read")
    bot = call.bot.bot_user_id
    found = [
        channel
        for channel in call.workspace.channels.values()
        if channel.kind in wanted
        and (channel.kind is ChannelKind.PUBLIC or bot in channel.members)
        and not (channel.archived and call.args.flag("exclude_archived"))
    ]
    page, cursor = _page(call, found, default=100)
    return {"channels": [_body(call, c) for c in page], "response_metadata": {"next_cursor": cursor}}


def members(call: Call) -> Json:
    """``conversations.members``."""
    channel = call.known_channel()
    call.caller.require(f"{channel.kind.family}:read")
    page, cursor = _page(call, sorted(channel.members), default=100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def history(call: Call) -> Json:
    """``conversations.history``: root messages and broadcast replies, the newest first."""
    channel = call.readable_channel()
    shown = [
        message
        for message in call.workspace.messages(channel.id)
        if not message.deleted
        and message.ephemeral_for is None
        and (message.thread_ts is None or message.subtype == "thread_broadcast")
    ]
    newest_first = _between(call, shown)[::-1]
    page, cursor = _page(call, newest_first, default=100)
    return _messages(call, page, cursor) | {"pin_count": 0}


def replies(call: Call) -> Json:
    """``conversations.replies``: a thread, its root first, whatever bounds were given."""
    channel = call.readable_channel()
    root_ts = call.args.required("ts")
    named = call.workspace.message(channel.id, root_ts)
    if named is None or named.ephemeral_for is not None:
        raise Refusal("thread_not_found")
    thread = call.workspace.thread(channel.id, named.root_ts)
    if not thread:
        raise Refusal("thread_not_found")
    root = [message for message in thread if message.ts == named.root_ts]
    rest = _between(call, [message for message in thread if message.ts != named.root_ts])
    page, cursor = _page(call, rest, default=1000)
    return _messages(call, [*root, *page], cursor)


def _messages(call: Call, page: Sequence[Message], cursor: str) -> Json:
    metadata = call.args.flag("include_all_metadata")
    stage = call.service.stage
    answer: Json = {
        "messages": [stage.body(call.workspace, message, metadata=metadata) for message in page],
        "has_more": bool(cursor),
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.args.text("oldest"), call.args.text("latest")
    inclusive = call.args.flag("inclusive")
    try:
        low = float(oldest) if oldest else 0.0
        high = float(latest) if latest else float("inf")
    except ValueError:
        raise Refusal("invalid_ts_oldest" if oldest else "invalid_ts_latest") from None
    # A present-day second with six decimals has 16 digits: floats still tell neighbours apart.
    return [
        message
        for message in messages
        if low < float(message.ts) < high or (inclusive and message.ts in (oldest, latest))
    ]


def _page(call: Call, items: Sequence[Item], *, default: int) -> tuple[list[Item], str]:
    """Return one page and the cursor of the next, empty at the end."""
    limit = call.args.number("limit", default)
    if limit < 1 or limit > 1000:
        raise Refusal("invalid_limit")
    reading = call.method in ("conversations.history", "conversations.replies")
    if call.switches.commercial_history and reading:
        limit = min(limit, COMMERCIAL_PAGE)
    start = 0
    if cursor := call.args.text("cursor"):
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except ValueError:
            raise Refusal("invalid_cursor") from None
    end = start + limit
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), following


def _body(call: Call, channel: Channel) -> Json:
    return channel_body(channel, call.bot.bot_user_id)


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "conversations.history": history,
    "conversations.info": info,
    "conversations.join": join,
    "conversations.list": list_channels,
    "conversations.members": members,
    "conversations.open": open_direct,
    "conversations.replies": replies,
}
