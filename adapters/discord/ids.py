"""Keys, references and marks of Discord messages: each with its way back (pure).

Ids are snowflakes: decimal numbers in strings, unique all over Discord, whose upper bits are the time. A thread is a
channel, and one that was begun from a message has the message's id. Source: docs.discord.com, "API Reference".
"""

import re
import zlib
from dataclasses import dataclass
from urllib.parse import unquote

from bridge.keys import join_key
from bridge.model import Control, ControlKind, TurnId

CONTROL_MARK = "coze-bridge"
"""Begins the ids of our buttons, for the application may have made others before."""

ABOUT = "on."
"""Begins what tells commands about the same message apart."""

FILES_FROM = 1000
"""The index in the names of messages that carry files; no answer has so many parts."""

ANNOUNCED = -1
"""The index in the name of the message that stands for a command."""

_CHOICE = re.compile(r"[0-9]{1,2}")

EPOCH_MS = 1_420_070_400_000
"""The first second of 2015, from which snowflakes count."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One message, as one adapter instance sees it; ``guild`` is empty in direct messages.

    Attributes:
        channel: Where the message really stands: inside a thread, the thread itself.
    """

    instance: str
    guild: str
    channel: str
    message: str


def delivery_key(ref: MessageRef) -> str:
    """Name the question a message asks."""
    return join_key(ref.instance, ref.guild, ref.channel, ref.message)


def parse_delivery_key(key: str) -> MessageRef:
    """Undo ``delivery_key``; the key of a question that is asked again names the same message.

    Raises:
        ValueError: The key is not one of ours.
    """
    components = [unquote(component) for component in key.split(":")]
    if len(components) < 4:
        raise ValueError("a delivery key has at least four components")
    return MessageRef(*components[:4])


def command_key(instance: str, guild: str, channel: str, what: str, about: str = "") -> str:
    """Name a command; of one about a message, the key names that message too.

    Args:
        what: Tells this command from all others.
        about: The message's id.
    """
    if not about:
        return delivery_key(MessageRef(instance, guild, channel, what))
    return join_key(instance, guild, channel, about, ABOUT + what)


def message_about(key: str) -> MessageRef | None:
    """Return the message that a command is about; ``None`` where there is none."""
    components = [unquote(component) for component in key.split(":")]
    return MessageRef(*components[:4]) if len(components) > 4 and components[4].startswith(ABOUT) else None


def part_nonce(turn_id: TurnId, index: int, edition: int = 0) -> str:
    """Name one part of an answer, so that its repeated creation creates nothing.

    Args:
        edition: How many messages for this part came before it and are gone: their names are used up.
    """
    return f"{turn_id}.{index}" + (f".{edition}" if edition else "")


def is_name_of(nonce: object, turn_id: TurnId, index: int) -> bool:
    """Tell whether a nonce names this part, in any edition."""
    return isinstance(nonce, str) and (nonce + ".").startswith(f"{turn_id}.{index}.")


def notice_nonce(turn_id: TurnId, text: str) -> str:
    """Name a sentence of ours; the same sentence to the same question has the same name."""
    return f"{turn_id}.{zlib.crc32(text.encode()):08x}"


def control_id(control: Control) -> str:
    """Name a button after what it does and the turn it stands for; well below the 100 characters of a custom id."""
    choice = [str(control.choice)] if control.choice else []
    return join_key(CONTROL_MARK, control.kind, control.turn_id, *choice)


def parse_control_id(custom_id: str) -> tuple[ControlKind, TurnId, int] | None:
    """Undo ``control_id``: kind, turn, choice; ``None`` for what is not ours, or of a later version's kinds."""
    mark, *rest = [unquote(component) for component in custom_id.split(":")]
    kind, turn, choice = (*rest, "0")[:3] if len(rest) in (2, 3) else ("", "", "")
    if mark != CONTROL_MARK or kind not in set(ControlKind) or not turn or not _CHOICE.fullmatch(choice):
        return None
    return ControlKind(kind), TurnId(turn), int(choice)


def sent_at_s(snowflake: str) -> float:
    """Return the unix seconds an id was given at; 0 for what is no snowflake."""
    try:
        return ((int(snowflake) >> 22) + EPOCH_MS) / 1000
    except ValueError:
        return 0.0


def snowflake_at(unix_s: float) -> int:
    """Return the smallest id that can be given at an instant."""
    return max(0, int(unix_s * 1000) - EPOCH_MS) << 22


def heard_note(instance: str) -> str:
    """Name the remembered facts about how far an instance has heard what was written."""
    return join_key(instance, "heard")


def root_note(instance: str, channel: str, message: str) -> str:
    """Name the remembered fact which message begins the reply chain a message belongs to."""
    return join_key(instance, channel, message, "root")


def hourglass_note(ref: MessageRef) -> str:
    """Name the remembered fact that a question carries our waiting mark."""
    return join_key(ref.instance, ref.guild, ref.channel, ref.message, "hourglass")


def hint_note(instance: str, channel: str, thread: str) -> str:
    """Name the remembered fact that a thread was told that we read only what mentions us."""
    return join_key(instance, channel, thread, "mention-hint")
