"""What somebody pressed becomes a press, or nothing (pure): our buttons, the form one opened, and Slack's own Stop.

Whatever is not certainly ours (another integration's buttons under the same app, a payload of a strange shape) is
nothing. Sources: docs.slack.dev, "block_actions payload", event ``agent_session_stopped``, "Handling user
interaction" (``response_url``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.slack import forms
from adapters.slack.ids import parse_action_id, parse_turn_id
from adapters.slack.inbound import Identity, team_of, text_of
from bridge.model import Author, ControlKind, Place, Press


@dataclass(frozen=True, slots=True)
class Pressing:
    """A press of one of our buttons.

    Attributes:
        message: The message as it was when it was pressed.
        response_url: Where that message can be changed, five times within half an hour; empty when Slack gave none.
        trigger_id: Opens one modal, within three seconds.
    """

    press: Press
    message: Mapping[str, Any]
    response_url: str
    trigger_id: str = ""

    @property
    def context(self) -> dict[str, str]:
        """What a modal has to carry so that its sending finds back here."""
        press = self.press
        return {
            "kind": press.kind,
            "turn": press.turn_id or "",
            "channel": press.place.channel,
            "thread": press.place.thread or "",
            "message": press.message_id,
            "choice": str(press.choice),
        }


def parse_press(body: Mapping[str, Any], instance: str, us: Identity) -> Pressing | None:
    """Turn an interactive payload into a press of ours; ``None`` for everything else."""
    container, message, user = (_object(body, name) for name in ("container", "message", "user"))
    pressed = _pressed(body.get("actions"))
    if body.get("type") != "block_actions" or pressed is None or text_of(message, "bot_id") not in ("", us.bot_id):
        return None
    (kind, choice), value = pressed
    turn_id = parse_turn_id(value)
    channel = text_of(container, "channel_id") or text_of(_object(body, "channel"), "id")
    ts = text_of(container, "message_ts") or text_of(message, "ts")
    author = text_of(user, "id")
    if turn_id is None or not (channel and ts and author):
        return None
    root = text_of(container, "thread_ts") or text_of(message, "thread_ts")
    place = Place(
        instance=instance,
        team=us.team_id or text_of(_object(body, "team"), "id"),
        channel=channel,
        thread=root if root not in ("", ts) else None,  # the root of other messages stands at the top itself
        private=channel.startswith("D"),
    )
    press = Press(kind, turn_id, place, Author(author), ts, choice)
    return Pressing(press, message, text_of(body, "response_url"), text_of(body, "trigger_id"))


def parse_reasons(body: Mapping[str, Any], instance: str, us: Identity) -> Press | None:
    """Turn the form that a press opened, when it is sent, into that press again; ``None`` for everything else."""
    view, author = _object(body, "view"), text_of(_object(body, "user"), "id")
    is_ours = body.get("type") == "view_submission" and text_of(view, "callback_id") == forms.REASONS
    context = forms.context_of(view) if is_ours else {}
    channel, turn_id = context.get("channel", ""), parse_turn_id(context.get("turn", ""))
    if not (channel and author and turn_id) or context.get("kind") not in [*ControlKind]:
        return None
    return Press(
        ControlKind(context["kind"]),
        turn_id,
        Place(instance, us.team_id, channel, context.get("thread") or None, private=channel.startswith("D")),
        Author(author),
        context.get("message", ""),
        int(choice) if (choice := context.get("choice", "")).isdecimal() else 0,
        filled=forms.filled(view),
    )


def parse_stop(body: Mapping[str, Any], instance: str, us: Identity) -> Press | None:
    """Turn the event of Slack's own Stop into a press: it names the thread, not the answer."""
    event = _object(body, "event")
    if body.get("type") != "event_callback" or event.get("type") != "agent_session_stopped":
        return None
    channel, author = text_of(event, "channel"), text_of(event, "user")
    if not channel or not author:
        return None
    place = Place(
        instance=instance,
        team=team_of(body, us),
        channel=channel,
        thread=text_of(event, "thread_ts") or None,
        private=channel.startswith("D"),
    )
    return Press(ControlKind.STOP, None, place, Author(author))


def without_control(pressing: Pressing) -> dict[str, Any] | None:
    """Return what replaces the pressed message: itself without that button. ``None`` when nothing would be left."""
    blocks = pressing.message.get("blocks")
    kept = [_without(block, pressing.press) for block in blocks] if isinstance(blocks, list) else []
    left = [block for block in kept if block]
    if not left:
        return None
    return {
        "replace_original": True,
        "text": text_of(pressing.message, "text"),
        "blocks": left,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _without(block: Any, press: Press) -> Any:
    """Return a block without the pressed button and those that are over with it, ``None`` when that was all it held."""
    elements = block.get("elements") if isinstance(block, Mapping) and block.get("type") == "actions" else None
    if not isinstance(elements, list):
        return block
    others = [element for element in elements if not _is_over(_pressed([element]), press)]
    return {**block, "elements": others} if others else None


def _is_over(button: tuple[tuple[ControlKind, int], str] | None, press: Press) -> bool:
    if button is None or (button[0][0], button[1]) != (press.kind, press.turn_id):
        return False
    return press.kind.ends_its_kind or button[0][1] == press.choice


def _pressed(actions: Any) -> tuple[tuple[ControlKind, int], str] | None:
    """Return what the first button of ours among the elements of a payload or a block does, and its value."""
    for action in actions if isinstance(actions, list) else ():
        if isinstance(action, Mapping) and (meant := parse_action_id(text_of(action, "action_id"))):
            return meant, text_of(action, "value")
    return None


def _object(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}
