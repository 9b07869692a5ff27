"""Who a text mentions, and whom of those ``allowed_mentions`` lets be pinged (reference 5)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.discord.errors import FormErrors
from sandbox.discord.ids import as_snowflake

_USER = re.compile(r"<@!?(\d{15,20})>")
_ROLE = re.compile(r"<@&(\d{15,20})>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]+`", re.DOTALL)
_ESCAPED = re.compile(r"\\[<@]")
_BARE_LINK = re.compile(r"(?<![<\w])https?://[^\s<>)\]]+")
PARSE_KINDS = ("users", "roles", "everyone")
MAX_IDS = 100


@dataclass(frozen=True, slots=True)
class Mentions:
    """Users, roles and ``@everyone``/``@here`` in a text, in the order of their appearance."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which mentions may ping: all of a kind (``None`` for ids) or those listed."""

    users: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    everyone: bool = True
    replied_user: bool = True

    def allows_user(self, user_id: str) -> bool:
        """Tell whether a user may be pinged."""
        return self.users is None or user_id in self.users

    def allows_role(self, role_id: str) -> bool:
        """Tell whether a role may be pinged."""
        return self.roles is None or role_id in self.roles


ALL_MENTIONS = Allowed()
"""The default for the bot's messages."""
USERS_ONLY = Allowed(roles=frozenset(), everyone=False)
"""The default for interactions and webhooks."""


def mentions_in(text: str) -> Mentions:
    """Find the mentions of a text; what stands in code, or is escaped, is none."""
    visible = _ESCAPED.sub("", _CODE.sub("", text))
    return Mentions(
        users=tuple(dict.fromkeys(_USER.findall(visible))),
        roles=tuple(dict.fromkeys(_ROLE.findall(visible))),
        everyone=_EVERYONE.search(visible) is not None,
    )


def links_in(text: str) -> list[str]:
    """Find the links a text would unfurl: those neither in ``<...>`` nor in code."""
    return list(dict.fromkeys(_BARE_LINK.findall(_CODE.sub("", text))))


def parse_allowed(value: Any, default: Allowed, errors: FormErrors) -> Allowed:
    """Read ``allowed_mentions``; ``None`` gives the default.

    In an explicit object whatever is not named is not allowed, ``replied_user`` included. ``parse`` and a list of
    ids exclude each other per kind.
    """
    if value is None:
        return default
    if not isinstance(value, dict):
        errors.add("allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return default
    parse = value.get("parse") or []
    for kind in parse:
        if kind not in PARSE_KINDS:
            errors.wrong_choice("allowed_mentions.parse", PARSE_KINDS)
    ids_by_kind = {kind: _ids(value.get(kind)) for kind in ("users", "roles")}
    for kind, ids in ids_by_kind.items():
        errors.too_long(f"allowed_mentions.{kind}", ids, MAX_IDS)
        if ids and kind in parse:
            sentence = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            errors.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", sentence)
    return Allowed(
        users=None if "users" in parse else frozenset(ids_by_kind["users"]),
        roles=None if "roles" in parse else frozenset(ids_by_kind["roles"]),
        everyone="everyone" in parse,
        replied_user=bool(value.get("replied_user", False)),
    )


def _ids(values: Any) -> list[str]:
    if not isinstance(values, Iterable) or isinstance(values, str):
        return []
    return [snowflake for value in values if (snowflake := as_snowflake(value))]
