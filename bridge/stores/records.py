"""Records as JSON text and back (pure).

The rule about versions: every record carries ``v``. One written by a newer bridge is refused, because guessing at its
meaning could ask an agent twice. Fields we do not know are ignored on reading and lost on the next writing: that lets
the previous release run again on a file that the present one has touched.

The rule about text: JSON is UTF-8, which has no lone surrogates. Platforms do send them now and then (half an emoji),
and a message must not be refused for that, so they become U+FFFD before anything is stored.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from bridge.model import RECORD_VERSION, TurnRecord

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Note:
    """A small remembered fact; ``expires_at_s`` (unix time) of ``None`` is never."""

    name: str
    value: str
    expires_at_s: float | None = None
    v: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class LiveTurn:
    """A turn that has not ended. ``number`` tells which of two turns of the same instant was accepted first."""

    number: int
    turn: TurnRecord
    v: int = RECORD_VERSION


class UnreadableRecord(Exception):
    """A stored text is no record of ours; the message says what it is instead."""


class _Version(msgspec.Struct):
    v: int


_version = msgspec.json.Decoder(_Version)


def encode(record: object) -> str:
    """Return a record as JSON text."""
    return msgspec.json.encode(record).decode()


def decode(text: str, kind: type[R]) -> R:
    """Return the record that a JSON text holds.

    Raises:
        UnreadableRecord: Not JSON, without a version, of a newer version, or not of this kind.
    """
    try:
        version = _version.decode(text).v
    except msgspec.DecodeError as exc:
        raise UnreadableRecord(f"it is not a record of this bridge ({exc})") from exc
    if version > RECORD_VERSION:
        raise UnreadableRecord(
            f"a newer bridge wrote it (version {version}, this one reads up to {RECORD_VERSION}): run that one again"
        )
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as exc:
        raise UnreadableRecord(f"it is not a {kind.__name__} ({exc})") from exc


def storable(record: R) -> R:
    """Return the record as it will be read back: checked against its types, tuples for lists, no lone surrogates.

    Raises:
        ValueError: A field has the wrong type, or the record is of another version than ours.
    """
    kind = type(record)
    try:
        text = msgspec.json.encode(record)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_clean(msgspec.to_builtins(record)))
    except TypeError as exc:
        raise ValueError(f"this {kind.__name__} cannot be stored: {exc}") from exc
    try:
        checked = msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as exc:
        raise ValueError(f"this {kind.__name__} cannot be stored: {exc}") from exc
    version = _version.decode(text).v
    if version != RECORD_VERSION:
        raise ValueError(f"this {kind.__name__} has version {version}; the bridge writes {RECORD_VERSION}")
    return checked


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(name): _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
