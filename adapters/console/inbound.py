"""A line that was typed becomes an envelope, or nothing (pure)."""

from collections.abc import Mapping

from adapters.console.ids import CHANNEL, LineRef, encode_line
from bridge.model import Addressing, Author, Envelope, Place

LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def parse_line(line: str, ref: LineRef, author: Author, sent_at_s: float) -> Envelope | None:
    """Turn one line into a question; an empty one is none."""
    text = line.strip()
    if not text:
        return None
    key = encode_line(ref)
    return Envelope(
        delivery_key=key,
        place=Place(instance=ref.instance, team="", channel=CHANNEL, private=True, channel_name=CHANNEL),
        author=author,
        message_id=key,
        text=text,
        addressing=Addressing.DIRECT,
        sent_at_s=sent_at_s,
    )


def parse_locale(environ: Mapping[str, str]) -> str:
    """Return the system's language such as ``zh-CN``; empty when it names none (``C``, ``POSIX``)."""
    chosen = next((environ[name] for name in LOCALE_VARIABLES if environ.get(name)), "")
    language = chosen.partition(".")[0].partition("@")[0]
    return "" if language in ("C", "POSIX") else language.replace("_", "-")
