"""The faults and switches of the Coze emulator as rows."""

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

from benchmarks.faults.row import REQUEST_S, Arrange, Row, Scene
from benchmarks.faults.stand import Stand
from sandbox.coze.faults import ANSWER_FAULTS, BODY_FAULTS, KNOWN_FAULTS, REQUEST_FAULTS
from sandbox.coze.oddities import ODDITIES

PLATFORMS = ("slack", "discord")
CHAT = "POST /v3/chat"
CALLS: Mapping[str, Scene] = {
    "POST /v1/conversation/create": Scene.PLAIN,
    CHAT: Scene.PLAIN,
    "GET /v3/chat/retrieve": Scene.BROKEN_STREAM,
    "GET /v3/chat/message/list": Scene.BROKEN_STREAM,
    "POST /v1/conversation/message/list": Scene.LOST_QUESTION,
    "POST /v3/chat/cancel": Scene.STOPPING,
}
"""What the bridge calls, and the scene in which it does."""
ON_ANY_CALL = (*(kind for kind in REQUEST_FAULTS if kind != "error_event_first"), *BODY_FAULTS, *ODDITIES)
ON_CHATS = (*REQUEST_FAULTS, "without_content_type", *sorted(KNOWN_FAULTS - {*REQUEST_FAULTS, *BODY_FAULTS}))
SILENT_S = 3 * REQUEST_S
ARGUMENTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "silence": ({"seconds": SILENT_S},),
    "silence_after": ({"seconds": SILENT_S},),
    "delay": ({"seconds": 1.0},),
    "html": ({"status": 502}, {"status": 503}, {"status": 403}),
    "throttled": ({}, {"status": 200}, {"retry_after_s": 1}),
    "json_error": ({}, {"code": 4013}, {"code": 4016}, {"code": 5000, "status": 500}),
    "cut": (
        {"after_events": 1},
        {"after_events": 6},
        {"after_events": 6, "clean": True},
        {"after_events": 6, "reset": True},
    ),
    "stall": ({"after_events": 1, "seconds": SILENT_S}, {"after_events": 6, "seconds": SILENT_S}),
    "chat_failed": ({}, {"after_deltas": 4}),
    "bare_chat_failed": ({"after_deltas": 4},),
    "error_event": ({}, {"after_deltas": 4}),
}
"""With what a kind of fault is tried, if not with its defaults alone."""

SWITCHES: Mapping[str, tuple[Any, Scene, Mapping[str, Any]]] = {
    "done_after_failure": (True, Scene.PLAIN, {CHAT: ("chat_failed", {"after_deltas": 4})}),
    "question_listed_while_running": (False, Scene.LOST_QUESTION, {}),
    "question_has_chat_id": (False, Scene.LOST_QUESTION, {}),
    "lock_exists": (False, Scene.LOST_QUESTION, {}),
    "occupied_stream_shape": ("json", Scene.LOST_QUESTION, {"POST /v1/conversation/message/list": ("html", {})}),
    "stream_after_cancel": ("ends", Scene.STOPPING, {}),
    "keep_alive_s": (0.3, Scene.PLAIN, {}),
    "reasoning_on_completed": (False, Scene.PLAIN, {}),
    "inserted_additional_messages": (True, Scene.PLAIN, {}),
    "empty_list_omits_data": (True, Scene.BROKEN_STREAM, {}),
    "oversized_page": ("refused", Scene.LOST_QUESTION, {}),
    "throttle_http_status": (200, Scene.PLAIN, {CHAT: ("throttled", {})}),
    "throttle_code": (4013, Scene.PLAIN, {CHAT: ("throttled", {})}),
    "throttle_retry_after_s": (1.0, Scene.PLAIN, {CHAT: ("throttled", {})}),
    "chat_qps": (1, Scene.WAITING, {}),
    "max_concurrent_chats": (1, Scene.WAITING, {}),
}
"""Switches with another value than their default, the scene in which that matters, and a fault that belongs to it."""
ELSEWHERE: Mapping[str, str] = {
    "done_after_requires_action": "an agent that asks for a tool is no fault",
    "lock_for_unsaved": "only without saved history",
    "lock_in_requires_action": "an agent that asks for a tool is no fault",
    "occupied_json_shape": "only without streams",
    "context_isolated_by_user": "says what the agent knows, not whether it answers",
    "unsaved_chat_cancellable": "only without saved history",
    "first_status_without_stream": "only without streams",
    "bot_keys": "only for `check`",
    "unknown_bot_code": "a wrong configuration, for `check`",
    "unknown_bot_code_on_create": "a wrong configuration, for `check`",
    "invalid_token_code": "a wrong configuration, for `check`",
    "auth_error_http_status": "a wrong configuration, for `check`",
    "permission_error_http_status": "a wrong configuration, for `check`",
    "oauth_error_http_status": "a wrong configuration, for `check`",
    "oversized_body_http_status": "questions are not that long",
    "upload_qps": "nothing is uploaded",
    "max_file_bytes": "nothing is uploaded",
    "undocumented_file_types": "nothing is uploaded",
    **dict.fromkeys(
        (
            *("done_after_interrupt", "done_after_error", "done_has_debug_url", "question_in_interrupt_data"),
            *("chatflow_interruption", "async_runs", "plain_run_timeout_s", "interruption_lifetime_s"),
            *("max_output_bytes", "run_qps"),
        ),
        "only for workflows",
    ),
}
"""Switches that cannot concern whoever asks a question, and why."""


def rows() -> Iterator[Row]:
    """Yield all rows, asked on the platforms in turns."""
    platforms = cycle(PLATFORMS)
    for call, scene in CALLS.items():
        for kind in ON_CHATS if call == CHAT else ON_ANY_CALL:
            for arguments in ARGUMENTS.get(kind, ({},)):
                if call != CHAT and kind in ANSWER_FAULTS:
                    continue
                yield Row(
                    "coze", "fault", call, kind, next(platforms), planned(call, kind, arguments), scene, arguments
                )
    for name, (value, scene, faults) in SWITCHES.items():
        yield Row(
            "coze", "switch", name, repr(value), next(platforms), _switched(name, value, faults), scene, needs_hit=False
        )


def planned(call: str, kind: str, arguments: Mapping[str, Any]) -> Arrange:
    """Return what plans a fault; on the first question it lets one stream break and hits the next call."""

    def arrange(stand: Stand) -> None:
        stand.ground.coze.faults.plan(call, kind, **arguments)

    return arrange


def _switched(name: str, value: Any, faults: Mapping[str, Any]) -> Arrange:
    def arrange(stand: Stand) -> None:
        setattr(stand.ground.coze.switches, name, value)
        for call, (kind, arguments) in faults.items():
            stand.ground.coze.faults.plan(call, kind, **arguments)

    return arrange
