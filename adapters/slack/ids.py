"""Keys, references and marks of Slack messages: each with its way back (pure).

A message is named by team, channel and its ``ts``, a string with six decimals that is unique within its channel and
sorts as a number. Source: Slack's reference page of ``chat.postMessage``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from zlib import crc32

from bridge.keys import join_key
from bridge.model import ControlKind, TurnId

ACTION_PREFIX = "coze_bridge."
"""Begins the action ids of our buttons: an app's other integrations may draw buttons too."""

TURN_ID = re.compile(r"[a-z2-7]{16}")

ANNOUNCED = -1
"""The part index of the message that stands for a command."""

METADATA_EVENT = "coze_turn"
METADATA_NOTICE = "coze_notice"
"""The ``event_type`` of the metadata on every part of an answer, and on every sentence of ours."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One message of a workspace, as one adapter instance sees it."""

    instance: str
    team: str
    channel: str
    ts: str


def delivery_key(ref: MessageRef) -> str:
    """Name the question a message asks; the same for every event about it, ``app_mention`` and ``message`` alike."""
    return join_key(ref.instance, ref.team, ref.channel, ref.ts)


def parse_delivery_key(key: str) -> MessageRef:
    """Undo ``delivery_key``.

    Raises:
        ValueError: The key is not one of ours.
    """
    components = [unquote(component) for component in key.split(":")]
    if len(components) != 4:
        raise ValueError("a delivery key has four components")
    return MessageRef(*components)


def command_key(instance: str, team: str, channel: str, what: str) -> str:
    """Name a command, which has no message: by the trigger or the modal that brought it."""
    return join_key(instance, team, channel, what)


def part_metadata(turn_id: TurnId, index: int) -> dict[str, object]:
    """Build the metadata that lets a part be found again after a lost response."""
    return {"event_type": METADATA_EVENT, "event_payload": {"turn": turn_id, "part": index}}


def notice_metadata(turn_id: TurnId, text: str) -> dict[str, object]:
    """Build the metadata of a sentence of ours, which tells it from the parts of an answer."""
    return {"event_type": METADATA_NOTICE, "event_payload": {"turn": turn_id, "sentence": crc32(text.encode())}}


def is_marked(message: Mapping[str, object]) -> bool:
    """Tell whether a message carries any mark of ours."""
    metadata = message.get("metadata")
    return isinstance(metadata, Mapping) and metadata.get("event_type") in (METADATA_EVENT, METADATA_NOTICE)


def marked_part(message: Mapping[str, object]) -> tuple[str, int] | None:
    """Return the turn id and part index in a message's metadata; ``None`` for any other message."""
    metadata = message.get("metadata")
    if not isinstance(metadata, Mapping) or metadata.get("event_type") != METADATA_EVENT:
        return None
    payload = metadata.get("event_payload")
    if not isinstance(payload, Mapping):
        return None
    turn, part = payload.get("turn"), payload.get("part")
    if not isinstance(turn, str) or not isinstance(part, int):
        return None
    return turn, part


def action_id(kind: ControlKind, choice: int = 0) -> str:
    """Name a button by what it does; unique within the block of one turn."""
    return f"{ACTION_PREFIX}{kind}" + (f".{choice}" if choice else "")


def action_block_id(turn_id: TurnId, row: str = "") -> str:
    """Name a row of buttons of one turn; unique within a message."""
    return f"{ACTION_PREFIX}{turn_id}" + (f".{row}" if row else "")


_ACTION = re.compile(rf"{re.escape(ACTION_PREFIX)}(?P<kind>{'|'.join(ControlKind)})(?:\.(?P<choice>[1-9][0-9]?))?")


def parse_action_id(name: str) -> tuple[ControlKind, int] | None:
    """Undo ``action_id``; ``None`` for a button that is not ours, or of a kind we do not know."""
    found = _ACTION.fullmatch(name)
    return (ControlKind(found["kind"]), int(found["choice"] or 0)) if found else None


def parse_turn_id(value: str) -> TurnId | None:
    """Return the turn id a button carries; ``None`` for what cannot be one."""
    return TurnId(value) if TURN_ID.fullmatch(value) else None


def ts_seconds(ts: str) -> float:
    """Return the unix seconds a message was written at; 0 for what is no ``ts``."""
    try:
        return float(ts)
    except ValueError:
        return 0.0


def status_refused_note(instance: str, team: str) -> str:
    """Name the remembered fact that a team refuses status lines; its value is the unix time of the refusal."""
    return join_key(instance, team, "status-refused")


def hourglass_note(ref: MessageRef) -> str:
    """Name the remembered fact that a question carries our waiting mark."""
    return join_key(ref.instance, ref.team, ref.channel, ref.ts, "hourglass")


def heard_note(instance: str, team: str) -> str:
    """Name the remembered fact until when everything was heard."""
    return join_key(instance, team, "heard")


def places_note(instance: str, team: str) -> str:
    """Name the remembered list of channels in which we hear people."""
    return join_key(instance, team, "places")


def threads_note(instance: str, team: str, channel: str) -> str:
    """Name the remembered list of a channel's older threads that go on with us."""
    return join_key(instance, team, channel, "threads")
