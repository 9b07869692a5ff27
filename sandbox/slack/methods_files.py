"""``files.*`` methods: the three steps of an upload, and what a file is."""

import mimetypes
from collections.abc import Callable
from typing import Any

from sandbox.slack import events
from sandbox.slack.model import Channel, FileRecord, Json, Message
from sandbox.slack.refusals import Refusal, invalid_argument, missing_argument
from sandbox.slack.service import Call, Service
from sandbox.slack.wire import file_body
from sandbox.slack.workspace import Workspace


def get_upload_url(call: Call) -> Json:
    """``files.getUploadURLExternal``: a place to send the bytes to."""
    name = call.args.required("filename")
    size_bytes = call.args.number("length", 0)
    if size_bytes <= 0:
        raise missing_argument("length")
    record = FileRecord(
        id=call.service.mint.id("F"),
        name=name,
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
        user=call.bot.bot_user_id,
        team_id=call.workspace.team.id,
        created=int(call.service.clock.now()),
        size_bytes=size_bytes,
        complete=False,
    )
    call.workspace.files[record.id] = record
    return {"upload_url": f"{call.service.base_url()}/upload/v1/{record.id}", "file_id": record.id}


def complete_upload(call: Call) -> Json:
    """``files.completeUploadExternal``: names the files and shares them; the message appears a little later."""
    items: list[Any] = call.args.array("files") or []
    if not items:
        raise missing_argument("files")
    records = [_uploaded(call, item) for item in items]
    channel = None
    if "channel_id" in call.args:
        channel = call.known_channel("channel_id", error="invalid_channel")
        if call.bot.bot_user_id not in channel.members:
            raise Refusal("not_in_channel")
    for record, item in zip(records, items, strict=True):
        record.complete = True
        record.title = str(item.get("title") or record.name)
    if channel is not None:
        _share_later(call, channel, records)
    return {"files": [_body(call, record) for record in records]}


def files_info(call: Call) -> Json:
    """``files.info``: with ``shares`` once the file was shared."""
    record = call.workspace.files.get(call.args.required("file"))
    if record is None or not record.complete:
        raise Refusal("file_not_found")
    shares: Json = {}
    for channel_id, ts, thread_ts in record.shares:
        share = {"ts": ts} | ({"thread_ts": thread_ts} if thread_ts else {})
        shares.setdefault("private", {}).setdefault(channel_id, []).append(share)
    return {"file": _body(call, record) | {"shares": shares}, "comments": []}


def delete_file(call: Call) -> Json:
    """``files.delete``: one's own; a message that has nothing else goes with it."""
    record = call.workspace.files.get(call.args.required("file"))
    if record is None or not record.complete:
        raise Refusal("file_not_found")
    if record.user != call.bot.bot_user_id:
        raise Refusal("cant_delete_file")
    for channel_id, ts, _ in record.shares:
        message = call.workspace.message(channel_id, ts)
        if message is not None and not message.deleted:
            message.file_ids = [file_id for file_id in message.file_ids if file_id != record.id]
            if not message.file_ids and not message.text:
                call.service.stage.remove(call.workspace, message)
    del call.workspace.files[record.id]
    return {}


def share_files(service: Service, workspace: Workspace, message: Message, records: list[FileRecord]) -> None:
    """Post a message that carries files and announce it."""
    message.file_ids = [record.id for record in records]
    message.subtype = message.subtype or "file_share"
    for record in records:
        record.shares.append((message.channel, message.ts, message.thread_ts))
    service.stage.post(workspace, message)
    channel = workspace.channels[message.channel]
    for record in records:
        shared = events.file_shared(record.id, message.user, channel.id, workspace.mint.ts())
        service.herald.tell_all(workspace, shared, channel)


def _uploaded(call: Call, item: Any) -> FileRecord:
    if not isinstance(item, dict) or not item.get("id"):
        raise invalid_argument("files", "must be a list of objects with id")
    record = call.workspace.files.get(str(item["id"]))
    if record is None or record.complete:
        raise Refusal("file_not_found")
    if len(record.content) != record.size_bytes:
        raise Refusal("file_update_failed")
    return record


def _share_later(call: Call, channel: Channel, records: list[FileRecord]) -> None:
    service, workspace = call.service, call.workspace
    message = call.new_message(channel, thread_ts=call.thread_ts())
    message.text = call.args.text("initial_comment")

    async def share() -> None:
        await service.clock.sleep(call.switches.file_share_delay_s)
        message.ts = workspace.mint.ts()
        share_files(service, workspace, message, records)

    service.background.spawn(share())


def _body(call: Call, record: FileRecord) -> Json:
    return file_body(record, call.service.base_url(), call.workspace.team.domain)


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "files.completeUploadExternal": complete_upload,
    "files.delete": delete_file,
    "files.getUploadURLExternal": get_upload_url,
    "files.info": files_info,
}
