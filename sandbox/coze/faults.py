"""Every kind of misbehaviour this emulator can be asked for, in one table."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sandbox.coze.answers import Failure
from sandbox.coze.stream_faults import STREAM_FAULTS

AnswerFault: TypeAlias = Callable[[dict[str, Any]], Failure]

REQUEST_FAULTS: dict[str, str] = {
    "hang_up": "The connection ends before the request has any effect.",
    "hang_up_after": "The request takes effect (a chat is created), the connection ends without a reply.",
    "silence": "No reply for `seconds`, or ever; then, with no effect, the connection ends.",
    "silence_after": "The request takes effect; no reply for `seconds`, or ever, then the connection ends.",
    "delay": "The request takes effect and is answered `seconds` later than it would be.",
    "html": "An HTML page with the HTTP `status` (502 unless told otherwise), without effect.",
    "throttled": "Refused like a call above the limit; `status`, `code` and `retry_after_s` override the switches.",
    "json_error": "A JSON body with `code` (5000), `msg` and the HTTP `status` (200), without effect.",
    "error_event_first": "On a stream: one `error` event with `code` (5000) and `msg`, without effect.",
}
BODY_FAULTS: dict[str, str] = {
    "without_data": "A successful reply without `data`.",
    "null_data": "A successful reply with `data: null`.",
    "without_code": "A successful reply without `code`.",
    "string_code": "The `code` as a string.",
    "invalid_json": "A JSON body that ends in its middle.",
    "empty_body": "Nothing, under the same status.",
    "without_content_type": "No Content-Type header; streams too.",
}
ANSWER_FAULTS: dict[str, AnswerFault] = {
    "chat_failed": lambda args: _failure("chat", args),
    "bare_chat_failed": lambda args: _failure("bare", {"code": 701231, "msg": "error"} | args),
    "error_event": lambda args: _failure("error", args),
}

KNOWN_FAULTS: frozenset[str] = frozenset((*REQUEST_FAULTS, *BODY_FAULTS, *ANSWER_FAULTS, *STREAM_FAULTS))


def _failure(shape: Any, args: dict[str, Any]) -> Failure:
    plain = Failure()
    return Failure(
        code=args.get("code", plain.code),
        msg=args.get("msg", plain.msg),
        after_deltas=args.get("after_deltas", plain.after_deltas),
        shape=shape,
    )
