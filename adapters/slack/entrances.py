"""Every way in: what people do in Slack that reaches the intake (pure).

The receiver lets nothing else through, and a test shows of each that it is closed to whoever may not use us.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from adapters.slack import forms
from adapters.slack.commands import SHORTCUT
from adapters.slack.inbound import text_of


class Entrance(StrEnum):
    """One way in."""

    MENTION = "app_mention"
    MESSAGE = "message"
    """In private, in a thread of ours, with a command in words; also that one was deleted."""
    OWN_STOP = "agent_session_stopped"
    """Slack's own Stop."""
    SLASH = "slash_command"
    SHORTCUT = "message_shortcut"
    BUTTON = "button"
    """Below an answer."""
    FORM = "form"
    """A modal, a workflow's or the one in which a workflow is chosen."""
    REASONS = "reasons"
    """The modal that a button opened."""


EVENTS: Mapping[str, Entrance] = {
    entrance: entrance for entrance in (Entrance.MENTION, Entrance.MESSAGE, Entrance.OWN_STOP)
}
FORMS: Mapping[str, Entrance] = {forms.FORM: Entrance.FORM, forms.REASONS: Entrance.REASONS}


def entrance_of(body: Mapping[str, Any]) -> Entrance | None:
    """Return by which way a payload comes in; ``None`` for what is no business of ours."""
    match body.get("type"):
        case "event_callback":
            return EVENTS.get(text_of(_object(body, "event"), "type"))
        case "block_actions":
            return Entrance.BUTTON
        case "message_action":
            return Entrance.SHORTCUT if text_of(body, "callback_id") == SHORTCUT else None
        case "view_submission":
            return FORMS.get(text_of(_object(body, "view"), "callback_id"))
    return Entrance.SLASH if text_of(body, "command") else None


def _object(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}
