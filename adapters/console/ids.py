"""Names in a terminal: sessions, lines, parts (pure)."""

from typing import NamedTuple
from urllib.parse import unquote

from bridge.keys import join_key

CHANNEL = "terminal"


class LineRef(NamedTuple):
    """One line that was typed: the adapter instance, the run of the program, the line's number."""

    instance: str
    session: str
    number: int


def encode_line(ref: LineRef) -> str:
    """Name a line; unique per question, as a delivery key must be."""
    return join_key(ref.instance, ref.session, str(ref.number))


def decode_line(key: str) -> LineRef:
    """Read back what ``encode_line`` wrote.

    Raises:
        ValueError: It is no such key.
    """
    instance, session, number = key.rsplit(":", 2)
    return LineRef(unquote(instance), session, int(number))


def encode_part(key: str, index: int) -> str:
    """Name one part of the answer to a line."""
    return f"{key}/{index}"


def encode_notice(key: str) -> str:
    """Name a sentence of the bridge's own that answers a line; no part has this name."""
    return f"{key}/notice"


def decode_part(name: str) -> int:
    """Return the index of a part that ``encode_part`` named.

    Raises:
        ValueError: It is no such name.
    """
    return int(name.rpartition("/")[2])
