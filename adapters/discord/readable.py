"""Discord's markup made readable for people and agents (pure).

People, channels, roles, emoji, times and commands stand in angle brackets. Source: docs.discord.com, "API Reference",
section "Message Formatting".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

_TOKEN = re.compile(
    r"""<(?: @!?(?P<user>\d+)
          | @&(?P<role>\d+)
          | \#(?P<channel>\d+)
          | a?:(?P<emoji>\w+):\d+
          | t:(?P<time>-?\d{1,13})(?::\w)?
          | /(?P<command>[^<>:\n]+):\d+ )>""",
    re.VERBOSE,
)


class Names(Protocol):
    """What the connection knows of a server's channels and roles; empty when it does not."""

    def channel(self, channel_id: str) -> str: ...

    def role(self, role_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names from a table, for tests and for messages read later."""

    channels: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def channel(self, channel_id: str) -> str:
        return self.channels.get(channel_id, "")

    def role(self, role_id: str) -> str:
        return self.roles.get(role_id, "")


def without_mention(text: str, user_id: str, role_id: str = "") -> str:
    """Remove every mention of us, with the gap it leaves and a colon or comma that followed an opening one.

    Args:
        role_id: The role that belongs to the bot; people often choose it in the bot's place.
    """
    ours = rf"@!?{re.escape(user_id)}" + (rf"|@&{re.escape(role_id)}" if role_id else "")
    mention = re.compile(rf"[ \t]*<(?:{ours})>(?P<after>[ \t]*[:,：，]?[ \t]*)")

    def gap(found: re.Match[str]) -> str:
        opens = text[: found.start()].rpartition("\n")[2].strip() == ""
        if opens:
            return ""
        after = found.group("after").strip()
        closes = found.end() == len(text) or text[found.end()] in "\n.!?;)。！？；）"
        return f"{after} " if after else "" if closes else " "

    return mention.sub(gap, text).strip()


def mentions(text: str, user_id: str) -> bool:
    """Tell whether a text in Discord's markup names a user."""
    return f"<@{user_id}>" in text or f"<@!{user_id}>" in text


def readable(text: str, people: Mapping[str, str], names: Names) -> str:
    """Turn Discord's markup into plain text: ``@name``, ``#channel``, ``:emoji:``, a time, ``/command``.

    Args:
        people: Names by user id, from the message itself.
    """

    def spoken(found: re.Match[str]) -> str:
        kind, value = str(found.lastgroup), str(found[str(found.lastgroup)])
        match kind:
            case "user":
                return f"@{people.get(value) or value}"
            case "role":
                return f"@{names.role(value) or value}"
            case "channel":
                return f"#{names.channel(value) or value}"
            case "emoji":
                return f":{value}:"
            case "time":
                return _time(int(value)) or found.group()
        return f"/{value}"

    return _TOKEN.sub(spoken, text)


def _time(unix_s: int) -> str:
    try:
        return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return ""
