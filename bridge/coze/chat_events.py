"""Server-sent events of one chat, folded into our events (pure).

Theory of operation. ``ChatEvents.feed`` takes the name and data of one event and returns what it means to us. It keeps
small things only: the run's ids (from the first event that carries them), the place of each answer message, which
messages were completed or showed reasoning, and how the stream ended. Texts are not kept, so a delta costs the same
at the end of a long answer as at its beginning. A failure is raised.

``over`` becomes true with the first terminal event: nothing after it matters. ``complete`` says that nothing is missing
either; a stream that ends without it was cut, and its answer has to be fetched.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bridge.coze.codes import Refusal, error_of
from bridge.coze.protocol import (
    mapping_of,
    normalise_code,
    read_calls,
    read_usage,
    readable_content,
    text_of,
)
from bridge.errors import AgentCancelled, AgentProtocolError
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
    Usage,
)

TOOL_TYPES = frozenset({"tool_response", "tool_output", "knowledge"})
SILENT_VERBOSE = frozenset({"", "generate_answer_finish"})
"""Verbose messages that say nothing about the agent's doings."""

Text = str | int | None
Data = str | bytes
"""An event's data; bytes are UTF-8, as far as the sender keeps its word."""


class Message(msgspec.Struct):
    """The fields of a message object that matter here; everything else is skipped by the decoder."""

    id: Text = None
    conversation_id: Text = None
    chat_id: Text = None
    section_id: Text = None
    type: str | None = None
    content: str | None = None
    content_type: str | None = None
    reasoning_content: str | None = None


_decode_message = msgspec.json.Decoder(Message).decode


def read_message(data: Data) -> Message:
    """Decode a message object, whatever types its fields have.

    Raises:
        AgentProtocolError: It is not a JSON object.
    """
    try:
        return _decode_message(data)
    except msgspec.ValidationError:
        odd = _read_object("message", data)
        return Message(**{name: text_of(odd.get(name)) for name in Message.__struct_fields__})
    except UnicodeDecodeError:
        return read_message(text_in(data))
    except msgspec.DecodeError as exc:
        raise AgentProtocolError(f"broken JSON in a message event ({len(data)} bytes)") from exc


def text_in(data: Data) -> str:
    """Return an event's data as text; what is no UTF-8 is replaced."""
    return data if isinstance(data, str) else data.decode("utf-8", "replace")


def _read_object(name: str, data: Data) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(text_in(data))
    except msgspec.DecodeError as exc:
        raise AgentProtocolError(f"broken JSON in the event {name} ({len(data)} bytes)") from exc
    if not isinstance(decoded, dict):
        raise AgentProtocolError(f"the event {name} carries no object ({len(data)} bytes)")
    return decoded


class ChatEvents:
    """The state of one chat's stream.

    Attributes:
        chat: The run's ids, once an event carried them.
        answers: Ids of the answer messages, with their place in order of first appearance.
        follow_ups: Suggested questions seen so far.
        with_reasoning: Ids of the answer messages that showed their thinking.
    """

    def __init__(self, where: str = "POST /v3/chat", log_id: str = "") -> None:
        self.chat: ChatRef | None = None
        self.answers: dict[str, int] = {}
        self.follow_ups: list[str] = []
        self.over = False
        self.complete = False
        self._where = where
        self._log_id = log_id
        self._completed: set[str] = set()
        self._with_deltas: set[str] = set()
        self.with_reasoning: set[str] = set()
        self._handlers: dict[str, Callable[[Data], Sequence[AgentEvent]]] = {
            "conversation.message.delta": self._delta,
            "conversation.message.completed": self._message_completed,
            "conversation.chat.created": self._chat_seen,
            "conversation.chat.in_progress": self._chat_seen,
            "conversation.chat.completed": self._chat_completed,
            "conversation.chat.failed": self._chat_failed,
            "conversation.chat.requires_action": self._requires_action,
            "conversation.chat.required_action": self._requires_action,
            "conversation.chat.canceled": self._canceled,
            "conversation.chat.cancelled": self._canceled,
            "error": self._error,
            "done": self._done,
            "conversation.stream.done": self._done,
            "message": self._unnamed,
        }

    def feed(self, name: str, data: Data) -> Sequence[AgentEvent]:
        """Return what one event means; unknown events and everything after the end mean nothing.

        Raises:
            AgentError: The agent or the service failed.
            AgentProtocolError: A known event cannot be understood.
        """
        handler = self._handlers.get(name) or self._handlers.get(name.strip().lower())
        if handler is None or self.over:
            return ()
        return handler(data)

    # --- messages -----------------------------------------------------------------------------------------------------

    def _delta(self, data: Data) -> Sequence[AgentEvent]:
        message = read_message(data)
        events: list[AgentEvent] = [] if self.chat else self._start(message.conversation_id, message.chat_id, message)
        message_id = text_of(message.id)
        if message.type not in ("answer", "", None) or message_id in self._completed:
            return events
        if message.content_type not in ("text", "", None):
            return events  # pieces of cards, objects and sounds cannot be shown; the completed message can
        if message.reasoning_content:
            self.with_reasoning.add(message_id)
            events.append(ReasoningDelta(message_id, message.reasoning_content))
        if message.content:
            self._with_deltas.add(message_id)
            self.answers.setdefault(message_id, len(self.answers))
            events.append(AnswerDelta(message_id, message.content))
        return events

    def _message_completed(self, data: Data) -> Sequence[AgentEvent]:
        message = read_message(data)
        events: list[AgentEvent] = [] if self.chat else self._start(message.conversation_id, message.chat_id, message)
        content = message.content or ""
        match message.type or "answer":
            case "answer":
                events += self._answer_completed(message, content)
            case "follow_up" if content:
                self.follow_ups.append(content)
                events.append(FollowUp(content))
            case "function_call":
                events.append(ToolActivity("function_call", _name_in(content, "name")))
            case "verbose":
                if (kind := _name_in(content, "msg_type")) not in SILENT_VERBOSE:
                    events.append(ToolActivity("verbose", kind))
            case kind if kind in TOOL_TYPES:
                events.append(ToolActivity(kind, ""))
        return events

    def _answer_completed(self, message: Message, content: str) -> list[AgentEvent]:
        message_id = text_of(message.id)
        if message.content_type == "audio" or (not content and message_id in self._with_deltas):
            return []  # a completed message without its text replaces nothing
        self._completed.add(message_id)
        self.answers.setdefault(message_id, len(self.answers))
        events: list[AgentEvent] = []
        if message.reasoning_content and message_id not in self.with_reasoning:
            self.with_reasoning.add(message_id)
            events.append(ReasoningDelta(message_id, message.reasoning_content))
        events.append(AnswerCompleted(message_id, readable_content(content, message.content_type or "")))
        return events

    # --- the run ------------------------------------------------------------------------------------------------------

    def _start(self, conversation_id: object, chat_id: object, source: object) -> list[AgentEvent]:
        ref = ChatRef(text_of(conversation_id), text_of(chat_id))
        if not ref.chat_id or not ref.conversation_id:
            return []
        self.chat = ref
        section = source.section_id if isinstance(source, Message) else mapping_of(source).get("section_id")
        return [ChatStarted(ref, text_of(section))]

    def _see(self, chat: dict[str, Any]) -> list[AgentEvent]:
        return [] if self.chat else self._start(chat.get("conversation_id"), chat.get("id"), chat)

    def _chat_seen(self, data: Data) -> Sequence[AgentEvent]:
        return [] if self.chat else self._see(_read_object("chat", data))

    def _chat_completed(self, data: Data) -> Sequence[AgentEvent]:
        chat = _read_object("chat.completed", data)
        events = self._see(chat)
        if normalise_code(mapping_of(chat.get("last_error")).get("code")):
            self._fail(chat)
        return [*events, *self._finish(read_usage(chat.get("usage")))]

    def _finish(self, usage: Usage) -> list[AgentEvent]:
        self.over = self.complete = True
        return [ChatCompleted(usage)]

    def _chat_failed(self, data: Data) -> Sequence[AgentEvent]:
        self._fail(_read_object("chat.failed", data))
        return ()

    def _fail(self, chat: dict[str, Any]) -> None:
        """Raise for a chat object with ``last_error``, or for a bare code and message."""
        error = mapping_of(chat.get("last_error"))
        source = error if normalise_code(error.get("code")) or text_of(error.get("msg")) else chat
        raise error_of(
            Refusal(
                f"{self._where}: the run failed",
                normalise_code(source.get("code")),
                text_of(source.get("msg")),
                log_id=self._log_id,
                running=self.chat is not None or bool(chat.get("id")),
            )
        )

    def _requires_action(self, data: Data) -> Sequence[AgentEvent]:
        chat = _read_object("chat.requires_action", data)
        events = self._see(chat)
        if self.chat is None:
            raise AgentProtocolError("the agent waits for tool outputs but names no chat")
        self.over = self.complete = True
        return [*events, ActionRequired(self.chat, read_calls(chat.get("required_action")))]

    def _canceled(self, data: Data) -> Sequence[AgentEvent]:
        raise AgentCancelled(f"{self._where}: the run was cancelled", log_id=self._log_id)

    def _error(self, data: Data) -> Sequence[AgentEvent]:
        text = text_in(data)
        try:
            error = mapping_of(msgspec.json.decode(text))
        except msgspec.DecodeError:
            error = {"msg": text}
        code = normalise_code(error.get("code")) or normalise_code(error.get("error_code"))
        message = text_of(error.get("msg")) or text_of(error.get("error_message"))
        running = self.chat is not None
        raise error_of(Refusal(f"{self._where}: error event", code, message, log_id=self._log_id, running=running))

    def _done(self, data: Data) -> Sequence[AgentEvent]:
        """End the stream; the data has three forms and none matters.

        Without a completed chat before it the answer is whole only if its message was completed: so end runs of
        workflows that ask something back.
        """
        self.over = True
        return self._finish(Usage()) if self._completed else ()

    def _unnamed(self, data: Data) -> Sequence[AgentEvent]:
        """Recognise a refusal that came as data without an event name; skip keep-alives."""
        text = text_in(data)
        if '"code"' in text:
            try:
                refusal = mapping_of(msgspec.json.decode(text))
            except msgspec.DecodeError:
                return ()
            if normalise_code(refusal.get("code")):
                return self._error(data)
        return ()


def _name_in(content: str, key: str) -> str:
    """Return one text field of a message's JSON content; empty when there is none."""
    try:
        return text_of(mapping_of(msgspec.json.decode(content)).get(key))
    except msgspec.DecodeError:
        return ""
