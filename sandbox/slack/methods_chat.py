"""``chat.*`` without streams: posting, editing, deleting."""

from collections.abc import Callable

from sandbox.slack import limits
from sandbox.slack.content import Content, read_content
from sandbox.slack.model import Json, Message
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Call
from sandbox.slack.streams import StreamState


def post_message(call: Call) -> Json:
    """``chat.postMessage``."""
    channel = call.writable_channel(people_too=True)
    thread_ts = call.thread_ts()
    content = read_content(call.args, call.switches)
    message = call.new_message(channel, thread_ts=thread_ts)
    if thread_ts and call.args.flag("reply_broadcast"):
        message.subtype = "thread_broadcast"
    _fill(message, content, call)
    _note_parsed_names(call, message)
    call.service.stage.post(call.workspace, message)
    return _posted(call, message, content)


def post_ephemeral(call: Call) -> Json:
    """``chat.postEphemeral``: seen by one person only, not part of the history."""
    channel = call.writable_channel()
    user = call.person("user")
    if user.id not in channel.members:
        raise Refusal("user_not_in_channel")
    thread_ts = call.thread_ts()
    content = read_content(call.args, call.switches)
    message = call.new_message(channel, thread_ts=thread_ts)
    message.ephemeral_for = user.id
    _fill(message, content, call)
    _note_parsed_names(call, message)
    call.service.stage.post(call.workspace, message)
    return {"message_ts": message.ts} | _warned(content)


def update(call: Call) -> Json:
    """``chat.update``: replaces the text and the blocks; metadata stays unless given."""
    channel = call.known_channel()
    if channel.archived:
        raise Refusal("is_archived")
    message = call.own_message(channel, foreign="cant_update_message")
    stream = call.service.streams.get(channel.id, message.ts)
    if stream is not None and stream.state(call.service.clock.now()) is StreamState.STREAMING:
        raise Refusal("streaming_state_conflict")
    content = read_content(call.args, call.switches, text_max_chars=limits.UPDATE_TEXT_MAX_CHARS)
    if _is_rich(message.blocks) and not _is_rich(content.blocks):
        raise Refusal("block_mismatch")
    fields: Json = {"text": content.text, "blocks": content.blocks}
    if "attachments" in call.args.values:
        fields["attachments"] = content.attachments
    if content.metadata is not None:
        fields["metadata"] = content.metadata
    if not content.blocks:  # only edits of plain text are marked "(edited)"
        fields["edited"] = {"user": call.bot.bot_user_id, "ts": call.workspace.mint.ts()}
    call.service.stage.change(call.workspace, message, **fields)
    if stream is not None and stream.state(call.service.clock.now()) is StreamState.EXPIRED:
        stream.end(StreamState.STOPPED)  # what was left standing is an ordinary message now
    body = call.service.stage.body(call.workspace, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body} | _warned(content)


def delete(call: Call) -> Json:
    """``chat.delete``."""
    channel = call.known_channel()
    message = call.own_message(channel, foreign="cant_delete_message")
    call.service.stage.remove(call.workspace, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    """``chat.getPermalink``."""
    channel = call.known_channel()
    message = call.message(channel, call.args.required("message_ts"))
    domain = call.workspace.team.domain
    link = f"https://{domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _fill(message: Message, content: Content, call: Call) -> None:
    message.text = content.text
    message.blocks = content.blocks
    message.attachments = content.attachments
    message.metadata = content.metadata
    message.unfurl = (call.args.flag("unfurl_links", True), call.args.flag("unfurl_media", True))


def _note_parsed_names(call: Call, message: Message) -> None:
    if call.args.flag("link_names") or call.args.text("parse") == "full":
        call.service.inspector.note("parsed_names", channel=message.channel, ts=message.ts)


def _posted(call: Call, message: Message, content: Content) -> Json:
    body = call.service.stage.body(call.workspace, message, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "message": body} | _warned(content)


def _warned(content: Content) -> Json:
    return {"response_metadata": {"warnings": content.warnings}} if content.warnings else {}


def _is_rich(blocks: list[Json]) -> bool:
    return any(block.get("type") == "rich_text" for block in blocks)


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
}
