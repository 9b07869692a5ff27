"""How a method says no: ``{"ok": false, "error": ...}`` with HTTP status 200."""

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """Raised by whatever finds a request unacceptable; the Web API turns it into the answer.

    Attributes:
        error: Slack's error code, for example ``channel_not_found``.
        messages: Details for ``response_metadata.messages``.
        extra: Further top-level keys, for example ``needed`` and ``provided``.
    """

    def __init__(self, error: str, *, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.messages = list(messages)
        self.extra = extra

    @property
    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        answer: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            answer["errors"] = [message.removeprefix("[ERROR] ") for message in self.messages]
            answer["response_metadata"] = {"messages": self.messages}
        return answer


def missing_argument(name: str) -> Refusal:
    """The refusal for a required argument that is not there."""
    return Refusal("invalid_arguments", messages=[f"[ERROR] missing required field: {name}"])


def invalid_argument(name: str, problem: str) -> Refusal:
    """The refusal for an argument whose value cannot be used."""
    return Refusal("invalid_arguments", messages=[f"[ERROR] {problem} [json-pointer:/{name}]"])
