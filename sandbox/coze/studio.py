"""Studio, the self-hosted server: where it differs from the cloud (reference, section 12)."""

from typing import ClassVar

from sandbox.coze.answers import Failure
from sandbox.coze.calls import Reply
from sandbox.coze.dialect import COMPLETED, CREATED, ERROR, IN_PROGRESS, CloudDialect
from sandbox.coze.errors import CozeError, WorkflowError
from sandbox.coze.feed import NO_DATA, StreamEvent
from sandbox.coze.ids import IdFactory
from sandbox.coze.jsons import Json, dump
from sandbox.coze.state import Chat, ChatStatus, Conversation, UploadedFile
from sandbox.coze.supported import Endpoint
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.workflow_words import StudioWorkflowWords

STREAM_DONE = "conversation.stream.done"

# The result travels under the name of a field of the server's own structs (12.3).
_RESULT_KEYS = {
    "POST /v3/chat/cancel": "ChatV3ChatDetail",
    "GET /v3/chat/message/list": "Messages",
    "GET /v1/conversation/retrieve": "ConversationData",
}
_STATUS_NAMES = {"canceled": "cancelled", "requires_action": "required_action"}
_BAD_REQUEST = frozenset({4000, 4003, 4004, 4007, 4015})
_WORKFLOW_CODES = {4200: 6031, 4314: 720702004, 4315: 720702004}
"""What workflow endpoints say instead; 4000, 6023 and 6039 stay (12.5)."""
_AUTH = frozenset({4100, 4101, 700012006})
_CODES = {
    4001: (103200003, "record not found"),
    4002: (103000002, "conversation not found"),
    4005: (103200001, "message not found"),
    4006: (103100002, "agent not found"),
    4104: (103200005, "cannot cancel"),
    4300: (104000000, "upload failed: no file"),
    4301: (104000001, "upload failed: one file only"),
    4302: (104000002, "upload failed: file too big"),
    4303: (104000003, "upload failed: file type"),
}


class StudioDialect(CloudDialect):
    """The words of coze-studio."""

    log_header = "X-Log-ID"
    stream_headers: ClassVar[dict[str, str]] = {
        "Content-Type": "text/event-stream",
        "X-Accel-Buffering": "no",
        "Cache-Control": "no-cache",
    }
    streams_by_default = True
    has_lock = False
    always_saves = True
    may_require_action = False
    numeric_ids = True
    workflow_info = "role"

    def __init__(self, switches: CozeSwitches) -> None:
        super().__init__(switches)
        self.workflows = StudioWorkflowWords(switches)

    def new_log_id(self, ids: IdFactory) -> str:
        """Return a UUID."""
        return ids.next_uuid()

    def chat(self, chat: Chat, *, status: ChatStatus | None = None) -> Json:
        """Return the whole chat: times that are not known yet are 0, usage is not told."""
        shown = super().chat(chat, status=status)
        shown["status"] = _STATUS_NAMES.get(shown["status"], shown["status"])
        del shown["usage"]
        return shown | {"completed_at": chat.completed_at or 0, "failed_at": chat.failed_at or 0}

    def conversation(self, conversation: Conversation) -> Json:
        """Return a conversation with the misspelt creator."""
        shown = super().conversation(conversation)
        shown["creator_d"] = shown.pop("creator_id")
        return shown

    def file(self, file: UploadedFile) -> Json:
        """Return an uploaded file with the addresses Studio adds."""
        uri = f"BIZ_BOT_ICON/{file.file_id}/{file.file_name}"
        return super().file(file) | {"uri": uri, "url": f"http://127.0.0.1:8889/opencoze/{uri}"}

    def finish_notice(self, *, interrupted: bool = False) -> str:
        """Return the verbose content in Studio's spelling."""
        data = dump({"finish_reason": int(interrupted), "fin_data": ""})
        return dump({"msg_type": "generate_answer_finish", "data": data, "from_unit": ""})

    def opening(self, chat: Chat) -> list[StreamEvent]:
        """Return the opening events: already the first one says in_progress."""
        shown = self.chat(chat, status="in_progress")
        return [StreamEvent(CREATED, shown), StreamEvent(IN_PROGRESS, shown)]

    def failure(self, chat: Chat, failure: Failure) -> list[StreamEvent]:
        """Return the failing end: an error alone or, for errors of the model, an error and the usual end."""
        code = failure.code if isinstance(failure.code, int) else 103100001
        error = StreamEvent(ERROR, {"code": code, "msg": failure.msg})
        if failure.shape == "error":
            return [error]
        return [error, StreamEvent(COMPLETED, self.chat(chat, status="completed")), self.done()]

    def refusal(self, error: CozeError) -> list[StreamEvent]:
        """Return the stream that only says no."""
        reply = self.error(error)
        return [StreamEvent(ERROR, {"code": reply.code, "msg": reply.msg})]

    def done(self) -> StreamEvent:
        """Return the last event: another name, and empty data."""
        return StreamEvent(STREAM_DONE, NO_DATA)

    def envelope(self, reply: Reply, *, endpoint: Endpoint | None, log_id: str) -> Json:
        """Return the JSON body: no detail, the odd result keys, a stray null."""
        body = super().envelope(reply, endpoint=endpoint, log_id=log_id)
        del body["detail"]
        odd_key = _RESULT_KEYS.get(endpoint.name) if endpoint is not None else None
        if odd_key is not None and reply.key in body:
            body[odd_key] = body.pop(reply.key)
            body["BaseResp"] = None
        return body

    def error(self, error: CozeError) -> Reply:
        """Return the refusal with Studio's codes: 400 for bad requests, 500 for the unknown."""
        if error.code in _AUTH:
            return Reply(code=700012006, msg=f"authentication failed: {error.msg}")
        if isinstance(error, WorkflowError):
            return Reply(code=_WORKFLOW_CODES.get(error.code, error.code), msg=error.msg)
        if error.code in _BAD_REQUEST:
            return Reply(code=400, msg=error.msg, status=400)
        if error.code in _CODES:
            code, msg = _CODES[error.code]
            return Reply(code=code, msg=msg)
        return Reply(code=500, msg="internal server error", status=500, headers=error.headers)

    def unknown_path(self) -> Reply | str:
        """Return the plain text of the router."""
        return "404 page not found"
