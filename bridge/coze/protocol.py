"""Coze's JSON in our words: envelopes, chats, messages, bots and request bodies (pure).

Tolerant as the service demands: codes are numbers, numeric strings, null or missing; ``data`` may be absent or have
another name; timestamps are numbers or strings; unknown fields do not matter. Only what cannot be understood at all
is an ``AgentProtocolError``.
"""

import email.utils
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge.coze.codes import Refusal, error_of
from bridge.coze.hints import Hint, advise
from bridge.errors import AgentError, AgentProtocolError, AgentRejected
from bridge.model import (
    AgentEvent,
    AgentProfile,
    AnswerCompleted,
    ChatRef,
    ChatStatus,
    FollowUp,
    Question,
    ReasoningDelta,
    ToolCall,
    ToolOutput,
    Usage,
)
from bridge.texts.keys import Say

MARK_KEY = "turn"
"""The key under which a question message carries its turn id. Limits: 16 pairs, key 1-64, value 1-512 characters."""

MAX_ADDITIONAL_MESSAGES = 100
"""Question included; more is refused with 4004."""

MAX_BODY_BYTES = 15 * 1024 * 1024
"""Of one request, files excepted. Source: Coze's API overview."""

NO_USAGE = Usage()

STATUSES: Mapping[str, ChatStatus] = {
    "created": ChatStatus.RUNNING,
    "in_progress": ChatStatus.RUNNING,
    "completed": ChatStatus.COMPLETED,
    "failed": ChatStatus.FAILED,
    "requires_action": ChatStatus.REQUIRES_ACTION,
    "required_action": ChatStatus.REQUIRES_ACTION,
    "canceled": ChatStatus.CANCELED,
    "cancelled": ChatStatus.CANCELED,
}
"""Both spellings occur: the cloud's and Coze Studio's."""


def normalise_code(value: object) -> int:
    """Read an error code; null, empty and unreadable ones are 0."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    try:
        return int(str(value).strip()) if value else 0
    except ValueError:
        return 0


def text_of(value: object) -> str:
    """Read an id or a text that may be missing or a number."""
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, bool | list | dict) else str(value)


def mapping_of(value: object) -> Mapping[str, Any]:
    """Read an object that may be missing or something else."""
    return value if isinstance(value, dict) else {}


def items_of(value: object) -> list[Mapping[str, Any]]:
    """Read an array of objects that may be missing or something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


# --- envelopes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful reply: its whole body and where to find it in Coze's logs."""

    where: str
    body: Mapping[str, Any]
    log_id: str = ""

    def result(self, *other_keys: str) -> Any:
        """Return ``data``, or what Coze Studio puts under one of ``other_keys``; ``None`` when there is neither."""
        for key in ("data", *other_keys):
            if self.body.get(key) is not None:
                return self.body[key]
        return None


def read_answer(where: str, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Understand a whole reply body.

    Args:
        headers: With lower-case names.

    Raises:
        AgentError: What a refusal stands for; ``AgentProtocolError`` for anything but a JSON object.
    """
    log_id = log_id_of(headers)
    try:
        decoded = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = None
    if not isinstance(decoded, dict):
        decoded = _refusal_in_events(body)
    if decoded is None:
        raise _not_json(where, status, headers, body)
    log_id = log_id or text_of(mapping_of(decoded.get("detail")).get("logid"))
    code = normalise_code(decoded.get("code"))
    if code or status >= 400:
        message = text_of(decoded.get("msg")) or text_of(decoded.get("message"))
        wait_s = retry_after_s(headers)
        raise error_of(Refusal(where, code, message, status, log_id, wait_s))
    if status >= 300:
        raise _redirect(where, status, log_id)
    return Answer(where, decoded, log_id)


def log_id_of(headers: Mapping[str, str]) -> str:
    """Return the id under which the service logged the request; the second name is Coze Studio's."""
    return headers.get("x-tt-logid") or headers.get("x-log-id") or ""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``: seconds, or a date that is compared with the reply's own."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until, now = (email.utils.parsedate_to_datetime(date) for date in (value, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _refusal_in_events(body: bytes) -> dict[str, Any] | None:
    """Find the refusal in a stream of events that came where a plain reply was expected."""
    for line in body.splitlines():
        if line.startswith(b"data:") and b'"code"' in line:
            try:
                data = msgspec.json.decode(line.removeprefix(b"data:"))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if isinstance(data, dict) and normalise_code(data.get("code")):
                return data
    return None


def _not_json(where: str, status: int, headers: Mapping[str, str], body: bytes) -> AgentError:
    log_id = log_id_of(headers)
    if 300 <= status < 400:
        return _redirect(where, status, log_id)
    if status >= 400:
        return error_of(Refusal(where, 0, "", status, log_id, retry_after_s(headers)))
    is_page = body.lstrip()[:1] == b"<"
    what = "a web page" if is_page else "something that is not JSON"
    reason = f"{where}: HTTP {status} with {what} ({len(body)} bytes, {headers.get('content-type', 'no type')})"
    return AgentProtocolError(reason, log_id=log_id, hint=advise(Hint.HTML))


def _redirect(where: str, status: int, log_id: str) -> AgentError:
    return AgentProtocolError(f"{where}: HTTP {status} redirect", log_id=log_id, hint=advise(Hint.REDIRECT))


# --- chats and messages -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChatView:
    """A chat object: where the run stands."""

    chat: ChatRef
    status: ChatStatus
    section_id: str = ""
    usage: Usage = NO_USAGE
    calls: tuple[ToolCall, ...] = ()
    code: int = 0
    message: str = ""

    @property
    def over(self) -> bool:
        """Nothing more comes by itself."""
        return self.status is not ChatStatus.RUNNING


def read_chat(where: str, value: object, fallback: ChatRef | None = None) -> ChatView:
    """Read a chat object; ids it lacks are taken from ``fallback``.

    Raises:
        AgentProtocolError: It has no ids or no known status.
    """
    chat = mapping_of(value)
    ref = ChatRef(text_of(chat.get("conversation_id")), text_of(chat.get("id")))
    if fallback is not None:
        ref = ChatRef(ref.conversation_id or fallback.conversation_id, ref.chat_id or fallback.chat_id)
    status = STATUSES.get(text_of(chat.get("status")).lower())
    if not ref.chat_id or not ref.conversation_id or status is None:
        raise AgentProtocolError(f"{where}: no chat in the reply")
    error = mapping_of(chat.get("last_error"))
    return ChatView(
        ref,
        status,
        text_of(chat.get("section_id")),
        read_usage(chat.get("usage")),
        read_calls(chat.get("required_action")),
        normalise_code(error.get("code")),
        text_of(error.get("msg")),
    )


def read_usage(value: object) -> Usage:
    """Read a token count; missing numbers are 0."""
    usage = mapping_of(value)
    counts = (normalise_code(usage.get(key)) for key in ("input_count", "output_count", "token_count"))
    return Usage(*counts)


def read_calls(value: object) -> tuple[ToolCall, ...]:
    """Read what the agent waits for; calls without an id are the service's empty form and are left out."""
    outputs = mapping_of(mapping_of(value).get("submit_tool_outputs"))
    calls = []
    for call in items_of(outputs.get("tool_calls")):
        function = mapping_of(call.get("function"))
        if call_id := text_of(call.get("id")):
            arguments = text_of(function.get("arguments"))
            calls.append(ToolCall(call_id, text_of(call.get("type")), text_of(function.get("name")), arguments))
    return tuple(calls)


def failure_of(where: str, view: ChatView, log_id: str = "") -> AgentError:
    """Build the error for a run that failed."""
    return error_of(Refusal(where, view.code, view.message, log_id=log_id, running=True))


def readable_content(content: str, content_type: str) -> str:
    """Turn a message's content into Markdown: objects become their texts and links, everything else stays."""
    if content_type != "object_string":
        return content
    try:
        items = items_of(msgspec.json.decode(content))
    except msgspec.DecodeError:
        return content
    pieces = (text_of(item.get("text")) or text_of(item.get("file_url")) for item in items)
    return "\n\n".join(piece for piece in pieces if piece) or content


def read_fetched(
    messages: object,
    known_order: Mapping[str, int],
    seen_follow_ups: Iterable[str],
    seen_reasoning: Container[str] = frozenset(),
) -> list[AgentEvent]:
    """Turn a chat's fetched messages into events: every answer completed, follow-ups not seen before.

    Args:
        known_order: Ids of answers that the stream showed, with their place; the others follow by creation time.
        seen_reasoning: Ids of answers whose thinking the stream showed.
    """
    answers = [m for m in items_of(messages) if text_of(m.get("type")) == "answer"]
    answers.sort(key=lambda m: (known_order.get(text_of(m.get("id")), len(known_order)), _created_at(m)))
    seen = set(seen_follow_ups)
    events: list[AgentEvent] = [
        ReasoningDelta(text_of(m.get("id")), thought)
        for m in answers
        if (thought := text_of(m.get("reasoning_content"))) and text_of(m.get("id")) not in seen_reasoning
    ]
    events += [
        AnswerCompleted(
            text_of(m.get("id")), readable_content(text_of(m.get("content")), text_of(m.get("content_type")))
        )
        for m in answers
        if text_of(m.get("content_type")) != "audio"
    ]
    for message in items_of(messages):
        content = text_of(message.get("content"))
        if text_of(message.get("type")) == "follow_up" and content and content not in seen:
            seen.add(content)
            events.append(FollowUp(content))
    return events


def _created_at(message: Mapping[str, Any]) -> int:
    return normalise_code(message.get("created_at"))


# --- bots -------------------------------------------------------------------------------------------------------------


def read_profile(bot_id: str, value: object) -> AgentProfile:
    """Read what a bot says of itself; both spellings of the onboarding keys occur."""
    bot = mapping_of(value)
    onboarding = mapping_of(bot.get("onboarding_info"))
    questions = onboarding.get("suggested_questions") or onboarding.get("SuggestedQuestions")
    return AgentProfile(
        text_of(bot.get("bot_id")) or text_of(bot.get("id")) or bot_id,
        text_of(bot.get("name")),
        text_of(bot.get("description")),
        text_of(onboarding.get("prologue") or onboarding.get("Prologue")),
        tuple(q for q in questions if isinstance(q, str) and q) if isinstance(questions, list) else (),
    )


# --- requests ---------------------------------------------------------------------------------------------------------


def chat_body(question: Question, *, stream: bool, save: bool | None) -> bytes:
    """Write the body of ``POST /v3/chat``.

    The question carries its mark in ``meta_data``; of too much context the newest is kept.

    Args:
        save: ``None`` leaves ``auto_save_history`` out, for servers that do not know it.

    Raises:
        AgentRejected: Larger than Coze accepts.
    """
    context = question.context[-(MAX_ADDITIONAL_MESSAGES - 1) :]
    messages: list[dict[str, Any]] = [
        {
            "role": message.role,
            "type": "answer" if message.role == "assistant" else "question",
            "content": message.text,
            "content_type": "text",
        }
        for message in context
        if message.text
    ]
    content, content_type = _content(question)
    asked: dict[str, Any] = {"role": "user", "type": "question", "content": content, "content_type": content_type}
    if question.mark:
        asked["meta_data"] = {MARK_KEY: question.mark}
    body: dict[str, Any] = {
        "bot_id": question.bot_id,
        "user_id": question.user_id,
        "stream": stream,
        "additional_messages": [*messages, asked],
    }
    if save is not None:
        body["auto_save_history"] = save
    if question.variables:
        body["custom_variables"] = dict(question.variables)
    encoded = msgspec.json.encode(body)
    if len(encoded) > MAX_BODY_BYTES:
        reason = f"the question with its context has {len(encoded)} bytes, Coze accepts {MAX_BODY_BYTES}"
        raise AgentRejected(reason, hint=advise(Hint.SHORTER), said=Say.AGENT_TOO_LONG)
    return encoded


def outputs_body(outputs: Sequence[ToolOutput], *, stream: bool) -> bytes:
    """Write the body of ``POST /v3/chat/submit_tool_outputs``."""
    written = [{"tool_call_id": output.call_id, "output": output.text} for output in outputs]
    return msgspec.json.encode({"stream": stream, "tool_outputs": written})


def _content(question: Question) -> tuple[str, str]:
    """Write a question's content and its type: plain text, or with files a JSON text of its items.

    The one text stands among the items, so that a message of files alone needs no neighbour.
    """
    if not question.files:
        return question.text, "text"
    items: list[dict[str, str]] = [{"type": "text", "text": question.text}]
    for file in question.files:
        named_by = "file_url" if "://" in file.reference else "file_id"
        items.append({"type": file.kind, named_by: file.reference})
    return msgspec.json.encode(items).decode(), "object_string"


def has_mark(message: Mapping[str, Any], mark: str) -> bool:
    """Tell whether a listed message is the question that carries ``mark``."""
    return text_of(mapping_of(message.get("meta_data")).get(MARK_KEY)) == mark
