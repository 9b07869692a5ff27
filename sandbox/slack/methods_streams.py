"""``chat.startStream``, ``chat.appendStream``, ``chat.stopStream``."""

from collections.abc import Callable

from sandbox.slack.calls import Arguments
from sandbox.slack.content import check_markdown_text, read_blocks, read_content
from sandbox.slack.model import ChannelKind, Json, Message
from sandbox.slack.refusals import Refusal, invalid_argument, missing_argument
from sandbox.slack.service import Call
from sandbox.slack.streams import Stream, StreamState, check_chunks

DISPLAY_MODES = ("timeline", "plan", "dense")
SESSION_STATUSES = ("active", "processing", "suspended", "closed")


def start(call: Call) -> Json:
    """``chat.startStream``: opens a streamed message in a thread, perhaps with its first text."""
    channel = call.writable_channel(people_too=True)
    thread_ts = call.thread_ts()
    if thread_ts is None and call.switches.stream_needs_thread:
        raise missing_argument("thread_ts")
    recipients = _recipients(call, demanded=channel.kind is not ChannelKind.IM)
    if call.switches.stream_recipients_checked_at == "start":
        _check_recipients(call, recipients)
    mode = call.args.text("task_display_mode", "timeline")
    if mode not in DISPLAY_MODES:
        raise invalid_argument("task_display_mode", f"must be one of: {', '.join(DISPLAY_MODES)}")
    text, chunks = _addition(call)
    message = call.new_message(channel, thread_ts=thread_ts)
    message.streamed = True
    stream = Stream(
        channel=channel.id,
        ts=message.ts,
        thread_ts=thread_ts or message.ts,
        app_id=call.bot.app.id,
        expires_at=call.service.clock.now() + call.switches.stream_lifetime_s,
        cap_chars=call.switches.stream_cap_chars,
        display_mode=mode,
        recipients=recipients,
    )
    stream.extend(text, chunks)
    message.text, message.blocks = stream.text, stream.blocks()
    call.service.streams.add(stream)
    call.service.stage.post(call.workspace, message, announce=call.switches.stream_start_echoes)
    _note_company(call, stream)
    return {"channel": channel.id, "ts": message.ts}


def append(call: Call) -> Json:
    """``chat.appendStream``: adds text or chunks; either will do."""
    message, stream = _own_stream(call)
    text, chunks = _addition(call)
    if not text and not chunks:
        raise Refusal("no_text")
    stream.extend(text, chunks)
    _show(call, message, stream, announce=False)
    return {"channel": stream.channel, "ts": stream.ts}


def stop(call: Call) -> Json:
    """``chat.stopStream``: settles text and final blocks."""
    message, stream = _own_stream(call)
    if call.switches.stream_recipients_checked_at == "stop":
        _check_recipients(call, stream.recipients)
    status = call.args.text("session_status", "active")
    if status not in SESSION_STATUSES:
        raise Refusal("invalid_status")
    text, chunks = _addition(call)
    blocks = read_blocks(call.args, call.switches)
    metadata = _metadata(call)
    stream.extend(text, chunks)
    stream.final_blocks = blocks
    stream.end(StreamState.STOPPED)
    if metadata is not None:
        message.metadata = metadata
    call.service.stage.clear_status(stream.channel, stream.thread_ts, stream.app_id)
    _show(call, message, stream, announce=call.switches.stream_stop_echoes)
    body = call.service.stage.body(call.workspace, message) | {"subtype": "bot_message"}
    return {"channel": stream.channel, "ts": stream.ts, "message": body}


def _own_stream(call: Call) -> tuple[Message, Stream]:
    channel = call.known_channel()
    message = call.own_message(channel, foreign="message_not_owned_by_app")
    stream = call.service.streams.get(channel.id, message.ts)
    if stream is None:
        raise Refusal("message_not_in_streaming_state")
    stream.check_open(call.service.clock.now())
    return message, stream


def _addition(call: Call) -> tuple[str, list[Json]]:
    text = check_markdown_text(call.args, call.switches)
    chunks = check_chunks(
        call.args.array("chunks", "invalid_chunks"), markdown_total_chars=call.switches.markdown_total_chars
    )
    return text, chunks


def _recipients(call: Call, *, demanded: bool) -> tuple[str, str] | None:
    user, team = call.args.text("recipient_user_id"), call.args.text("recipient_team_id")
    if demanded or call.switches.stream_needs_recipients_in_dm:
        if not user:
            raise Refusal("missing_recipient_user_id")
        if not team:
            raise Refusal("missing_recipient_team_id")
    return (user, team) if user else None


def _check_recipients(call: Call, recipients: tuple[str, str] | None) -> None:
    """The team must be the user's own one, also for people of another organisation."""
    if recipients is None:
        return
    user = call.workspace.users.get(recipients[0])
    if user is None or (recipients[1] and user.team_id != recipients[1]):
        raise Refusal("user_not_found")


def _metadata(call: Call) -> Json | None:
    if "metadata" not in call.args:
        return None
    return read_content(Arguments({"text": "-", "metadata": call.args.values["metadata"]}), call.switches).metadata


def _show(call: Call, message: Message, stream: Stream, *, announce: bool) -> None:
    call.service.stage.change(call.workspace, message, announce=announce, text=stream.text, blocks=stream.blocks())


def _note_company(call: Call, stream: Stream) -> None:
    company = call.service.streams.open_in(stream.channel, stream.thread_ts, call.service.clock.now())
    if len(company) > 1:
        call.service.inspector.note(
            "several_streams_in_thread", channel=stream.channel, thread_ts=stream.thread_ts, ts=stream.ts
        )


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "chat.appendStream": append,
    "chat.startStream": start,
    "chat.stopStream": stop,
}
