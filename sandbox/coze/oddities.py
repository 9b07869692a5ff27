"""Odd but legal values that replies and events may carry (reference 0.2, 3.3, 3.4)."""

from collections.abc import Callable
from typing import Any, TypeAlias

Oddity: TypeAlias = Callable[[Any], Any]

_TIMES = frozenset({"created_at", "updated_at", "completed_at", "failed_at", "create_time", "update_time"})


def _in_every_object(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Oddity:
    """Return an oddity that changes every object of a value, the inner ones first."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return change({key: walk(item) for key, item in value.items()})
        return [walk(item) for item in value] if isinstance(value, list) else value

    return walk


def _is_chat(value: dict[str, Any]) -> bool:
    return "status" in value and "conversation_id" in value


def _on_chats(**changes: Any) -> Oddity:
    return _in_every_object(lambda value: value | changes if _is_chat(value) else value)


def _string_times(value: dict[str, Any]) -> dict[str, Any]:
    return {key: str(item) if key in _TIMES and isinstance(item, int) else item for key, item in value.items()}


ODDITIES: dict[str, Oddity] = {
    "string_timestamps": _in_every_object(_string_times),
    "shuffled_keys": _in_every_object(lambda value: dict(reversed(value.items()))),
    "empty_usage": _on_chats(usage={}),
    "null_last_error": _on_chats(last_error=None),
    "null_error_code": _on_chats(last_error={"code": None, "msg": ""}),
    "empty_required_action": _on_chats(required_action={"type": "", "submit_tool_outputs": {"tool_calls": []}}),
    "empty_tool_call": _on_chats(
        required_action={
            "type": "submit_tool_outputs",
            "submit_tool_outputs": {
                "tool_calls": [{"id": "", "type": "", "function": {"name": "", "arguments": ""}, "require_info": None}]
            },
        }
    ),
    "null_times": _in_every_object(lambda value: {key: None if key in _TIMES else item for key, item in value.items()}),
}
