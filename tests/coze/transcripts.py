"""Streams as Coze sends them, and what they mean to us: the examples of the wire reference and its odd cases.

Ids and texts are invented; shapes and framing follow the captures in the official clients and reference pages.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import AgentBusy, AgentError, AgentProtocolError, AgentRejected, AgentUnavailable
from bridge.model import (
    ActionRequired,
    AgentEvent,
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    FollowUp,
    ReasoningDelta,
    ToolActivity,
    ToolCall,
    Usage,
)

CONVERSATION = "7502113344556677889"
CHAT_ID = "7502113350011223344"
SECTION = "7502113344556677889"
REF = ChatRef(CONVERSATION, CHAT_ID)
STARTED = ChatStarted(REF, SECTION)
ANSWER = "7502113360000000003"
CALL = "BUJJS0JKQ0dHR0VeFkNCQF5HEEZBXhJFEUJeEhFCRkESSktDREISSUI="
NO_USAGE = Usage()
NO_DATA = object()


@dataclass(frozen=True)
class Transcript:
    """Bytes of a stream, the events they mean, how they end, and the error they raise at the end."""

    raw: bytes
    events: list[AgentEvent] = field(default_factory=list)
    complete: bool = True
    error: type[AgentError] | None = None
    code: int = 0


def sse(*events: tuple[str, Any], space: bool = False, numbered: bool = False) -> bytes:
    """Frame events as the service does: no space after the colon on chats, a space (and ids) on workflows."""
    blank = " " if space else ""
    lines = []
    for number, (name, data) in enumerate(events):
        text = "" if data is NO_DATA else data if isinstance(data, str) else dump(data)
        head = f"id:{blank}{number}\n" if numbered else ""
        lines.append(f"{head}event:{blank}{name}\ndata:{blank}{text}\n\n")
    return "".join(lines).encode()


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def chat(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": CHAT_ID,
        "conversation_id": CONVERSATION,
        "bot_id": "7498000011112222333",
        "created_at": 1746700001,
        "last_error": {"code": 0, "msg": ""},
        "status": status,
        "usage": {"token_count": 0, "output_count": 0, "input_count": 0},
        "section_id": SECTION,
    } | more


def message(kind: str, content: Any, message_id: Any = ANSWER, **more: Any) -> dict[str, Any]:
    return {
        "id": message_id,
        "conversation_id": CONVERSATION,
        "bot_id": "7498000011112222333",
        "role": "assistant",
        "type": kind,
        "content": content,
        "content_type": "text",
        "chat_id": CHAT_ID,
        "section_id": SECTION,
    } | more


def delta(content: str, message_id: Any = ANSWER, **more: Any) -> tuple[str, Any]:
    return "conversation.message.delta", message("answer", content, message_id, **more)


def completed(content: Any, message_id: Any = ANSWER, kind: str = "answer", **more: Any) -> tuple[str, Any]:
    return "conversation.message.completed", message(kind, content, message_id, **more)


FINISH_NOTICE = dump(
    {
        "msg_type": "generate_answer_finish",
        "data": '{"finish_reason":0,"FinData":""}',
        "from_module": None,
        "from_unit": None,
    }
)
CREATED = ("conversation.chat.created", chat("created"))
IN_PROGRESS = ("conversation.chat.in_progress", chat("in_progress"))
USAGE = {"token_count": 633, "output_count": 19, "input_count": 614}
ENDED = ("conversation.chat.completed", chat("completed", completed_at=1746700006, usage=USAGE))
ENDED_EVENT = ChatCompleted(Usage(614, 19, 633))
DONE = ("done", '"[DONE]"')
OPENING = (CREATED, IN_PROGRESS)

TOOL_CALL = dump(
    {
        "name": "calendar-weekday",
        "arguments": {"date": "2024-10-01"},
        "plugin_id": 7300000000000000001,
        "api_id": 7300000000000000002,
        "plugin_type": 1,
    }
)

FULL = (
    *OPENING,
    completed(TOOL_CALL, "7502113360000000001", "function_call"),
    completed('{"weekday":"Tuesday"}', "7502113360000000002", "tool_response"),
    delta("", reasoning_content="The tool says "),
    delta("", reasoning_content="Tuesday."),
    delta("It is "),
    delta("a Tuesday"),
    delta(".", created_at=1746700005),
    completed("It is a Tuesday.", created_at=1746700005, reasoning_content="The tool says Tuesday."),
    completed(FINISH_NOTICE, "7502113360000000004", "verbose"),
    completed("Which day is 2 October 2024?", "7502113360000000005", "follow_up"),
    completed("Is it a public holiday?", "7502113360000000006", "follow_up"),
    ENDED,
    DONE,
)
FULL_EVENTS: list[AgentEvent] = [
    STARTED,
    ToolActivity("function_call", "calendar-weekday"),
    ToolActivity("tool_response", ""),
    ReasoningDelta(ANSWER, "The tool says "),
    ReasoningDelta(ANSWER, "Tuesday."),
    AnswerDelta(ANSWER, "It is "),
    AnswerDelta(ANSWER, "a Tuesday"),
    AnswerDelta(ANSWER, "."),
    AnswerCompleted(ANSWER, "It is a Tuesday."),
    FollowUp("Which day is 2 October 2024?"),
    FollowUp("Is it a public holiday?"),
    ENDED_EVENT,
]

NEEDED = {
    "type": "submit_tool_outputs",
    "submit_tool_outputs": {
        "tool_calls": [
            {
                "id": CALL,
                "type": "function",
                "function": {"name": "get_rain_probability", "arguments": '{"location":"Beijing"}'},
                "require_info": None,
            }
        ]
    },
}
REQUIRES_ACTION = (
    "conversation.chat.requires_action",
    chat("requires_action", completed_at=1746700004, required_action=NEEDED),
)
ACTION = ActionRequired(REF, (ToolCall(CALL, "function", "get_rain_probability", '{"location":"Beijing"}'),))
EMPTY_ACTION = {"type": "", "submit_tool_outputs": {"tool_calls": []}}
EMPTY_CALL = {"type": "x", "submit_tool_outputs": {"tool_calls": [{"id": "", "function": {"name": ""}}]}}

HI: list[AgentEvent] = [STARTED, AnswerDelta(ANSWER, "Hi"), AnswerCompleted(ANSWER, "Hi")]
OCCUPIED = "Conversation occupied: Another chat is currently active. Please wait for the ongoing chat to complete."
SEPARATORS = "a\u2028b\u2029c\u0085d\x0be"


def _without_bot_id(events: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (name, {key: value for key, value in data.items() if key != "bot_id"} if isinstance(data, dict) else data)
        for name, data in events
    )


def _hi(*between: tuple[str, Any], end: tuple[tuple[str, Any], ...] = (ENDED, DONE)) -> bytes:
    return sse(*OPENING, delta("Hi"), completed("Hi"), *between, *end)


TRANSCRIPTS: dict[str, Transcript] = {
    "full": Transcript(sse(*FULL), FULL_EVENTS),
    "done as object": Transcript(
        _hi(end=(ENDED, ("done", {"debug_url": "https://www.coze.cn/work_flow?a=1\\u0026b=2"}))), [*HI, ENDED_EVENT]
    ),
    "done without data": Transcript(_hi(end=(ENDED, ("done", NO_DATA))), [*HI, ENDED_EVENT]),
    "no done": Transcript(_hi(end=(ENDED,)), [*HI, ENDED_EVENT]),
    "done without its blank line": Transcript(_hi()[:-1], [*HI, ENDED_EVENT]),
    "completed without its blank line": Transcript(_hi(end=(ENDED,))[:-1], list(HI), complete=False),
    "cut in mid-line": Transcript(_hi()[:-300], list(HI), complete=False),
    "only the opening": Transcript(sse(*OPENING), [STARTED], complete=False),
    "nothing": Transcript(b"", [], complete=False),
    "done after the opening": Transcript(sse(*OPENING, DONE), [STARTED], complete=False),
    "requires action": Transcript(sse(*OPENING, REQUIRES_ACTION, DONE), [STARTED, ACTION]),
    "requires action, no done": Transcript(sse(*OPENING, REQUIRES_ACTION), [STARTED, ACTION]),
    "continuation after tool outputs": Transcript(
        sse(
            ("conversation.chat.in_progress", chat("in_progress", completed_at=1746700004)),
            completed('{"probability":0.5}', "7502113360000000002", "tool_response"),
            delta("Hi"),
            completed("Hi"),
            ENDED,
            DONE,
        ),
        [STARTED, ToolActivity("tool_response", ""), *HI[1:], ENDED_EVENT],
    ),
    "empty required_action on ordinary events": Transcript(
        sse(
            ("conversation.chat.created", chat("created", required_action=EMPTY_ACTION)),
            ("conversation.chat.in_progress", chat("in_progress", required_action=EMPTY_CALL)),
            delta("Hi"),
            completed("Hi"),
            ("conversation.chat.completed", chat("completed", usage=USAGE, required_action=EMPTY_CALL)),
            DONE,
        ),
        [*HI, ENDED_EVENT],
    ),
    "failed": Transcript(
        sse(
            *OPENING,
            delta("Hi"),
            (
                "conversation.chat.failed",
                chat("failed", failed_at=1, last_error={"code": 5000, "msg": "event interval error"}),
            ),
        ),
        HI[:2],
        error=AgentError,
        code=5000,
    ),
    "failed, bare": Transcript(
        sse(*OPENING, ("conversation.chat.failed", {"code": 701231, "msg": "error"})),
        [STARTED],
        error=AgentError,
        code=701231,
    ),
    "failed, string code": Transcript(
        sse(*OPENING, ("conversation.chat.failed", {"code": "720702204", "msg": "no such conversation name"}), DONE),
        [STARTED],
        error=AgentRejected,
        code=720702204,
    ),
    "failed, nothing said": Transcript(
        sse(*OPENING, ("conversation.chat.failed", chat("failed", last_error=None))), [STARTED], error=AgentError
    ),
    "completed with an error": Transcript(
        _hi(end=(("conversation.chat.completed", chat("completed", last_error={"code": "4011", "msg": "no credit"})),)),
        list(HI),
        error=AgentRejected,
        code=4011,
    ),
    "occupied": Transcript(sse(("error", {"code": 4016, "msg": OCCUPIED})), [], error=AgentBusy, code=4016),
    "error, string code": Transcript(
        sse(("error", {"code": "4000", "msg": "Invalid request parameters"})), [], error=AgentRejected, code=4000
    ),
    "error, empty": Transcript(sse(("error", {})), [], error=AgentError),
    "error, plain text": Transcript(sse(("error", "stream broke")), [], error=AgentError),
    "error in mid-stream": Transcript(
        sse(*OPENING, delta("Hi"), ("error", {"code": 4014, "msg": "refused"}), DONE),
        HI[:2],
        error=AgentRejected,
        code=4014,
    ),
    "internal error before the start": Transcript(
        sse(("error", {"code": 5000, "msg": "server issues"})), [], error=AgentUnavailable, code=5000
    ),
    "refusal without an event name": Transcript(
        b'data:{"code":4101,"msg":"The token you entered is incorrect."}\n\n', [], error=AgentRejected, code=4101
    ),
    "error after the end is history": Transcript(
        _hi(end=(ENDED, ("error", {"code": 5000, "msg": "late"}))), [*HI, ENDED_EVENT]
    ),
    "broken JSON": Transcript(
        sse(*OPENING) + b'event:conversation.message.delta\ndata:{"id":"1","content":"tru\n\n',
        [STARTED],
        error=AgentProtocolError,
    ),
    "not an object": Transcript(
        sse(*OPENING, ("conversation.message.delta", "[1]")), [STARTED], error=AgentProtocolError
    ),
    "broken JSON in an unknown event": Transcript(_hi(("PING", "{no")), [*HI, ENDED_EVENT]),
    "unknown events": Transcript(
        _hi(("conversation.chat.thinking", {"content": "x"}), ("PING", {"content": "{}"})), [*HI, ENDED_EVENT]
    ),
    "names in capitals": Transcript(
        sse(*((name.upper(), data) for name, data in (*OPENING, delta("Hi"), completed("Hi"), ENDED, DONE))),
        [*HI, ENDED_EVENT],
    ),
    "chatflow framing": Transcript(
        sse(*_without_bot_id(FULL[:-1]), ("done", {"debug_url": "https://x"}), space=True), FULL_EVENTS
    ),
    "id lines": Transcript(sse(*FULL, space=True, numbered=True), FULL_EVENTS),
    "chatflow interruption": Transcript(
        sse(
            *OPENING,
            completed("Which city?"),
            completed('{"msg_type":"interrupt","data":""}', "5", "verbose"),
            completed('{"msg_type":"generate_answer_finish","data":"{\\"finish_reason\\":1}"}', "6", "verbose"),
            ("done", {"debug_url": "https://x"}),
            space=True,
        ),
        [
            STARTED,
            AnswerCompleted(ANSWER, "Which city?"),
            ToolActivity("verbose", "interrupt"),
            ChatCompleted(NO_USAGE),
        ],
    ),
    "studio": Transcript(
        sse(
            ("conversation.chat.created", chat("in_progress", completed_at=0, failed_at=0)),
            delta("Hi"),
            completed("Hi"),
            completed(
                '{"msg_type":"generate_answer_finish","data":"{\\"finish_reason\\":0,\\"fin_data\\":\\"\\"}","from_unit":""}',
                "5",
                "verbose",
            ),
            ("conversation.chat.completed", {key: v for key, v in chat("completed").items() if key != "usage"}),
            ("conversation.stream.done", NO_DATA),
        ),
        [*HI, ChatCompleted(NO_USAGE)],
    ),
    "studio model error": Transcript(
        sse(
            ("conversation.chat.created", chat("in_progress")),
            ("error", {"code": 103100001, "msg": "agent run error"}),
            ("conversation.chat.completed", chat("completed")),
            ("conversation.stream.done", NO_DATA),
        ),
        [STARTED],
        error=AgentError,
        code=103100001,
    ),
    "first event carries a message only": Transcript(
        sse(delta("Hi"), completed("Hi"), ENDED, DONE), [STARTED, *HI[1:], ENDED_EVENT]
    ),
    "two answers": Transcript(
        sse(
            *OPENING,
            delta("One", "11"),
            completed("One", "11"),
            delta("Two", "12"),
            completed("Two", "12"),
            ENDED,
            DONE,
        ),
        [
            STARTED,
            AnswerDelta("11", "One"),
            AnswerCompleted("11", "One"),
            AnswerDelta("12", "Two"),
            AnswerCompleted("12", "Two"),
            ENDED_EVENT,
        ],
    ),
    "completed differs from its deltas": Transcript(
        sse(*OPENING, delta("Hi"), completed("Hi!"), ENDED, DONE),
        [*HI[:2], AnswerCompleted(ANSWER, "Hi!"), ENDED_EVENT],
    ),
    "completed without text replaces nothing": Transcript(
        sse(*OPENING, delta("Hi"), completed(None), ENDED, DONE), [*HI[:2], ENDED_EVENT]
    ),
    "no deltas": Transcript(sse(*OPENING, completed("Hi"), ENDED, DONE), [STARTED, HI[2], ENDED_EVENT]),
    "delta after completed": Transcript(_hi(delta("i")), [*HI, ENDED_EVENT]),
    "completed twice": Transcript(_hi(completed("Hi")), [*HI, HI[2], ENDED_EVENT]),
    "audio": Transcript(
        sse(
            *OPENING,
            delta("Hi"),
            ("conversation.audio.delta", message("answer", "AAAA", "9", content_type="audio")),
            completed("Hi"),
            completed("AAAA", "9", content_type="audio"),
            ENDED,
            ("conversation.audio.delta", message("answer", "AAAA", "9", content_type="audio")),
            DONE,
        ),
        [*HI, ENDED_EVENT],
    ),
    "verbose, knowledge, tools": Transcript(
        sse(
            *OPENING,
            completed('{"msg_type":"knowledge_recall","data":"{}"}', "5", "verbose"),
            completed("not json", "6", "verbose"),
            completed("...", "7", "knowledge"),
            completed("not json", "8", "function_call"),
            completed("anything", "9", "tool_output"),
            completed("echo", "10", "question"),
            completed("?", "11", "brand_new_type"),
            completed("", "12", "follow_up"),
            completed("Hi"),
            ENDED,
            DONE,
        ),
        [
            STARTED,
            ToolActivity("verbose", "knowledge_recall"),
            ToolActivity("knowledge", ""),
            ToolActivity("function_call", ""),
            ToolActivity("tool_output", ""),
            HI[2],
            ENDED_EVENT,
        ],
    ),
    "object_string answer": Transcript(
        sse(
            *OPENING,
            delta('[{"type', content_type="object_string"),
            completed(
                dump([{"type": "text", "text": "Look"}, {"type": "image", "file_url": "https://x/y.png"}]),
                content_type="object_string",
            ),
            ENDED,
            DONE,
        ),
        [STARTED, AnswerCompleted(ANSWER, "Look\n\nhttps://x/y.png"), ENDED_EVENT],
    ),
    "odd types everywhere": Transcript(
        sse(
            ("conversation.chat.created", chat("created", last_error=None, usage=None, created_at="1746700001")),
            ("conversation.message.delta", message("answer", "Hi", 42, created_at="17", meta_data=None)),
            ("conversation.message.completed", message("answer", "Hi", 42, content_type=None, chat_id=7)),
            ("conversation.message.completed", message("verbose", {"msg_type": "x"}, "5")),
            (
                "conversation.chat.completed",
                chat("completed", last_error={"code": None}, usage={}, completed_at=None),
            ),
            DONE,
        ),
        [STARTED, AnswerDelta("42", "Hi"), AnswerCompleted("42", "Hi"), ChatCompleted(NO_USAGE)],
    ),
    "string usage": Transcript(
        _hi(end=(("conversation.chat.completed", chat("completed", usage={"token_count": "7"})),)),
        [*HI, ChatCompleted(Usage(0, 0, 7))],
    ),
    "reasoning on the completed message only": Transcript(
        sse(*OPENING, completed("Hi", reasoning_content="Hm."), ENDED, DONE),
        [STARTED, ReasoningDelta(ANSWER, "Hm."), HI[2], ENDED_EVENT],
    ),
    "separators that other clients split lines at": Transcript(
        sse(*OPENING, delta(SEPARATORS), completed(SEPARATORS), ENDED, DONE),
        [STARTED, AnswerDelta(ANSWER, SEPARATORS), AnswerCompleted(ANSWER, SEPARATORS), ENDED_EVENT],
    ),
    "characters of many bytes": Transcript(
        sse(*OPENING, delta("扣子🙂é"), completed("扣子🙂é"), ENDED, DONE),
        [STARTED, AnswerDelta(ANSWER, "扣子🙂é"), AnswerCompleted(ANSWER, "扣子🙂é"), ENDED_EVENT],
    ),
    "CRLF": Transcript(sse(*FULL).replace(b"\n", b"\r\n"), FULL_EVENTS),
    "CR": Transcript(sse(*FULL).replace(b"\n", b"\r"), FULL_EVENTS),
    "comments": Transcript(sse(*FULL).replace(b"event:", b": keep-alive\n\nevent:"), FULL_EVENTS),
    "comments inside events": Transcript(sse(*FULL).replace(b"\ndata:", b"\n: ping\ndata:"), FULL_EVENTS),
    "retry lines": Transcript(sse(*FULL).replace(b"event:", b"retry: 3000\nevent:"), FULL_EVENTS),
    "extra blank lines": Transcript(sse(*FULL, numbered=True).replace(b"\n\n", b"\n\n\n\n"), FULL_EVENTS),
    "several data lines": Transcript(
        sse(*FULL).replace(b',"conversation_id"', b'\ndata:,"conversation_id"'), FULL_EVENTS
    ),
    "byte order mark": Transcript(b"\xef\xbb\xbf" + sse(*FULL), FULL_EVENTS),
    "data before event": Transcript(
        b"".join(f"data:{d if isinstance(d, str) else dump(d)}\nevent:{n}\n\n".encode() for n, d in FULL), FULL_EVENTS
    ),
    "shuffled keys": Transcript(
        sse(*((n, dict(reversed(d.items())) if isinstance(d, dict) else d) for n, d in FULL)), FULL_EVENTS
    ),
}
"""Every stream of the reference's sections 3 and 11, and the odd cases of 13.2 that are a matter of bytes."""
