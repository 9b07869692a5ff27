"""Application commands: registered globally or per guild, checked, counted (reference 2.11 and 4)."""

from collections import deque
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.discord.errors import FormErrors, refusal
from sandbox.discord.ids import Mint
from sandbox.discord.model import Json
from sandbox.discord.options import check_description, check_name, check_options, check_title, counted_chars
from sandbox.discord.switches import DiscordSwitches

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
MOST_BY_KIND = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
MAX_COMMAND_CHARS = 8000
DAY_S = 86_400.0
GLOBAL = None
"""The scope of commands that work everywhere."""


class CommandBook:
    """The commands of one application; a scope is a guild's id or ``GLOBAL``."""

    def __init__(self, clock: SandboxClock, switches: DiscordSwitches, mint: Mint, application_id: str) -> None:
        self._clock = clock
        self._switches = switches
        self._mint = mint
        self._application_id = application_id
        self._by_scope: dict[str | None, dict[tuple[int, str], Json]] = {}
        self._created: dict[str | None, deque[float]] = {}

    def listed(self, scope: str | None) -> list[Json]:
        """Return the commands of a scope."""
        return list(self._by_scope.get(scope, {}).values())

    def get(self, scope: str | None, command_id: str) -> Json:
        """Return a command.

        Raises:
            ApiError: 10063.
        """
        for command in self.listed(scope):
            if command["id"] == command_id:
                return command
        raise refusal(10063)

    def named(self, name: str, guild_id: str | None, kind: int = CHAT_INPUT) -> Json | None:
        """Return the command people see under a name: the guild's own before the global one."""
        for scope in (guild_id, GLOBAL) if guild_id else (GLOBAL,):
            if command := self._by_scope.get(scope, {}).get((kind, name)):
                return command
        return None

    def overwrite(self, scope: str | None, wanted: Any) -> list[Json]:
        """Replace all commands of a scope; those already there keep their ids and count no creation.

        Raises:
            ApiError: 50035 for what is wrong with one of them, 30034 for too many creations a day.
        """
        commands = wanted if isinstance(wanted, list) else []
        errors = FormErrors()
        for index, command in enumerate(commands):
            check_command(command, errors, f"{index}")
        for kind, most in MOST_BY_KIND.items():
            if len([c for c in commands if c.get("type", CHAT_INPUT) == kind]) > most:
                errors.add("_", "APPLICATION_COMMANDS_MAX", f"Maximum number of application commands reached ({most})")
        errors.raise_if_any()
        known = self._by_scope.get(scope, {})
        fresh = [c for c in commands if (c.get("type", CHAT_INPUT), c["name"]) not in known]
        self._count(scope, len(fresh))
        self._by_scope[scope] = {(c.get("type", CHAT_INPUT), c["name"]): self._kept(scope, c) for c in commands}
        return self.listed(scope)

    def create(self, scope: str | None, wanted: Json) -> Json:
        """Add a command, or replace the one of its name.

        Raises:
            ApiError: 50035, 30034.
        """
        errors = FormErrors()
        check_command(wanted, errors, "command")
        errors.raise_if_any()
        key = (wanted.get("type", CHAT_INPUT), wanted["name"])
        if key not in self._by_scope.get(scope, {}):
            self._count(scope, 1)
        kept = self._kept(scope, wanted)
        self._by_scope.setdefault(scope, {})[key] = kept
        return kept

    def edit(self, scope: str | None, command_id: str, changes: Json) -> Json:
        """Change a command.

        Raises:
            ApiError: 10063, 50035.
        """
        command = self.get(scope, command_id)
        changed = command | changes
        errors = FormErrors()
        check_command(changed, errors, "command")
        errors.raise_if_any()
        del self._by_scope[scope][(command["type"], command["name"])]
        changed["version"] = self._mint.snowflake()
        self._by_scope[scope][(changed["type"], changed["name"])] = changed
        return changed

    def delete(self, scope: str | None, command_id: str) -> None:
        """Remove a command.

        Raises:
            ApiError: 10063.
        """
        command = self.get(scope, command_id)
        del self._by_scope[scope][(command["type"], command["name"])]

    def _count(self, scope: str | None, creations: int) -> None:
        made = self._created.setdefault(scope, deque())
        now = self._clock.now()
        while made and made[0] <= now - DAY_S:
            made.popleft()
        if len(made) + creations > self._switches.commands_per_day:
            raise refusal(30034)
        made.extend([now] * creations)

    def _kept(self, scope: str | None, wanted: Json) -> Json:
        kind = wanted.get("type", CHAT_INPUT)
        known = self._by_scope.get(scope, {}).get((kind, wanted["name"]))
        kept: Json = {
            "id": known["id"] if known else self._mint.snowflake(),
            "application_id": self._application_id,
            "version": self._mint.snowflake(),
            "type": kind,
            "name": wanted["name"],
            "name_localizations": wanted.get("name_localizations"),
            "description": wanted.get("description") or "",
            "description_localizations": wanted.get("description_localizations"),
            "default_member_permissions": wanted.get("default_member_permissions"),
            "dm_permission": wanted.get("dm_permission", True),
            "contexts": wanted.get("contexts"),
            "integration_types": wanted.get("integration_types") or [0],
            "nsfw": bool(wanted.get("nsfw")),
            "options": wanted.get("options") or [],
        }
        return kept | ({"guild_id": scope} if scope else {})


def check_command(command: Any, errors: FormErrors, path: str) -> None:
    """Note what is wrong with a command."""
    if not isinstance(command, dict):
        errors.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return
    if command.get("type", CHAT_INPUT) == CHAT_INPUT:
        check_name(command, errors, path)
        check_description(command, errors, path)
        check_options(command.get("options") or [], errors, path)
    else:
        check_title(command, errors, path)
        for key in ("description", "options"):
            if command.get(key):
                errors.too_long(f"{path}.{key}", command[key], 0)
    if counted_chars(command) > MAX_COMMAND_CHARS:
        sentence = f"Command exceeds maximum size ({MAX_COMMAND_CHARS})"
        errors.add(path, "APPLICATION_COMMAND_TOO_LARGE", sentence)
