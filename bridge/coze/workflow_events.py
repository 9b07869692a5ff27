"""Server-sent events of one workflow run, folded into our events (pure).

Theory of operation. Names are compared without case: Coze Studio wrote them small once, and still does for errors of
its transport, whose data is plain text. A node's messages carry its title, a number that begins at 0, and its
execution's id where the service tells it; where it does not, a new output begins when the title changes, the number
falls back to 0 or the one before was finished. Numbers that do not follow each other mean lost events: they are
counted, for the log.

``over`` becomes true with ``Done``, ``Interrupt`` or an error. A stream that ends without it was cut, and what became
of the run cannot be known.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bridge.coze.codes import Refusal, error_of
from bridge.coze.protocol import mapping_of, normalise_code, read_usage, text_of
from bridge.coze.workflow_wire import read_interruption, read_result
from bridge.errors import AgentProtocolError
from bridge.model import NodeOutput, RunCompleted, RunEvent, RunInterrupted, Usage


class RunEvents:
    """The state of one run's stream.

    Attributes:
        missing: How many pieces of outputs seem to be lost.
    """

    def __init__(self, where: str, log_id: str = "") -> None:
        self.over = False
        self.missing = 0
        self._where = where
        self._log_id = log_id
        self._usage = Usage()
        self._begun = False
        self._outputs = 0
        self._node = ""
        self._finished = True
        self._next_number: int | None = 0
        self._handlers: dict[str, Callable[[str], Sequence[RunEvent]]] = {
            "message": self._message,
            "interrupt": self._interrupt,
            "error": self._error,
            "done": self._done,
        }

    def feed(self, name: str, data: str) -> Sequence[RunEvent]:
        """Return what one event means; heartbeats, unknown events and everything after the end mean nothing.

        Raises:
            AgentError: The run failed, or was refused.
            AgentProtocolError: A known event cannot be understood.
        """
        handler = self._handlers.get(name.strip().lower())
        if handler is None or self.over:
            return ()
        return handler(data)

    def _message(self, data: str) -> Sequence[RunEvent]:
        if data.lstrip()[:1] != "{":
            return ()  # some keep-alive
        message = _object("Message", data)
        if "content" not in message:
            # An unnamed event arrives under this name: it may be a refusal.
            code = normalise_code(message.get("code")) or normalise_code(message.get("error_code"))
            return self._error(data) if code else ()
        text, finished = text_of(message["content"]), message.get("node_is_finish") is True
        number = _number(message.get("node_seq_id"))
        is_first = self._begins(message, number)
        self._count(number, is_first=is_first)
        if message.get("usage"):
            self._usage = read_usage(message["usage"])
        self._begun, self._finished = True, finished
        if is_first and finished:
            text = read_result(text)
        return [NodeOutput(str(self._outputs), text_of(message.get("node_title")), text, finished)]

    def _begins(self, message: dict[str, Any], number: int | None) -> bool:
        """Tell whether a message begins a new output, and count it."""
        node = text_of(message.get("node_execute_uuid")) or text_of(message.get("node_title"))
        is_first = self._outputs == 0 or node != self._node or self._finished or number == 0
        self._outputs += is_first
        self._node = node
        return is_first

    def _count(self, number: int | None, *, is_first: bool) -> None:
        expected = 0 if is_first else self._next_number
        if number is not None and expected is not None and number > expected:
            self.missing += number - expected
        self._next_number = None if number is None else number + 1

    def _interrupt(self, data: str) -> Sequence[RunEvent]:
        event = _object("Interrupt", data)
        # Newer servers nest it, older ones do not.
        interruption = read_interruption(event.get("interrupt_data") or event, text_of(event.get("node_title")))
        if interruption is None:
            raise AgentProtocolError(f"{self._where}: the run waits but names no event", log_id=self._log_id)
        self.over = True
        return [RunInterrupted(interruption)]

    def _error(self, data: str) -> Sequence[RunEvent]:
        try:
            error = mapping_of(msgspec.json.decode(data)) or {"error_message": data}
        except msgspec.DecodeError:
            error = {"error_message": data}
        code = normalise_code(error.get("error_code")) or normalise_code(error.get("code"))
        message = text_of(error.get("error_message")) or text_of(error.get("msg"))
        raise error_of(
            Refusal(f"{self._where}: the run failed", code, message, log_id=self._log_id, running=self._begun)
        )

    def _done(self, data: str) -> Sequence[RunEvent]:
        self.over = True
        try:
            debug_url = text_of(mapping_of(msgspec.json.decode(data)).get("debug_url"))
        except msgspec.DecodeError:
            debug_url = ""
        return [RunCompleted(self._usage, debug_url)]


def _number(value: object) -> int | None:
    text = text_of(value)
    return int(text) if text.isdecimal() else None


def _object(name: str, data: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(data)
    except msgspec.DecodeError as exc:
        raise AgentProtocolError(f"broken JSON in the event {name} ({len(data)} characters)") from exc
    if not isinstance(decoded, dict):
        raise AgentProtocolError(f"the event {name} carries no object ({len(data)} characters)")
    return decoded
