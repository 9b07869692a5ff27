"""Slack's markup made readable for people and agents (pure).

Slack escapes ``& < >`` and writes people, channels and links in angle brackets. Source: docs.slack.dev, "Formatting
message text".
"""

import re
from collections.abc import Mapping

CONTROL = re.compile(r"<([^<>]*)>")
USER_NAME = re.compile(r"@([UW][A-Z0-9]+)\b")
"""How ``readable`` writes a person whose name it does not know; ``with_names`` replaces it."""

BROADCASTS = ("channel", "here", "everyone")


def unescape(text: str) -> str:
    """Undo Slack's escaping, once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def without_mention(text: str, user_id: str) -> str:
    """Remove every mention of one user, with the gap it leaves and a colon or comma that followed an opening one."""
    mention = re.compile(rf"[ \t]*<@{re.escape(user_id)}(?:\|[^<>]*)?>(?P<after>[ \t]*[:,：，]?[ \t]*)")

    def gap(found: re.Match[str]) -> str:
        opens = text[: found.start()].rpartition("\n")[2].strip() == ""
        if opens:
            return ""
        after = found.group("after").strip()
        closes = found.end() == len(text) or text[found.end()] in "\n.!?;)。！？；）"
        return f"{after} " if after else "" if closes else " "

    return mention.sub(gap, text).strip()


def mentions(text: str, user_id: str) -> bool:
    """Tell whether a text in Slack's markup mentions a user."""
    return f"<@{user_id}>" in text or f"<@{user_id}|" in text


def readable(text: str) -> str:
    """Turn Slack's markup into plain text: ``@name``, ``#channel``, ``label (address)``."""
    pieces: list[str] = []
    end = 0
    for found in CONTROL.finditer(text):
        pieces.append(unescape(text[end : found.start()]))
        pieces.append(_spoken(found.group(1)))
        end = found.end()
    return "".join([*pieces, unescape(text[end:])])


def _spoken(control: str) -> str:
    target, _, label = control.partition("|")
    target, label = unescape(target), unescape(label)
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return f"@{label or rest}"
    if kind == "#":
        return f"#{label or rest}"
    if kind == "!":
        return _special(rest, label)
    return _link(target, label)


def _special(command: str, label: str) -> str:
    name, _, value = command.partition("^")
    if name in BROADCASTS:
        return f"@{name}"
    if label:
        return label if label.startswith("@") or name == "date" else f"@{label}"
    return f"@{value or name}"


def _link(target: str, label: str) -> str:
    bare = re.sub(r"^(?:https?://|mailto:|tel:)", "", target)
    if not label or label in (target, bare):
        return target if target.startswith("http") else bare
    return f"{label} ({target})"


def mentioned_ids(text: str) -> list[str]:
    """Return the ids of people whose names a readable text still lacks, each once, in order."""
    return list(dict.fromkeys(USER_NAME.findall(text)))


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Put known names in the place of ids."""
    return USER_NAME.sub(lambda found: f"@{names.get(found.group(1)) or found.group(1)}", text)
