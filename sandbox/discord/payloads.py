"""INTERACTION_CREATE: what the application is told when somebody uses its controls (reference 6.2)."""

from typing import Any

from sandbox.discord.components import SELECTS
from sandbox.discord.model import Attachment, Channel, Json, Message, User
from sandbox.discord.options import (
    ATTACHMENT,
    CHANNEL,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    STRING,
    SUBCOMMAND,
    SUBCOMMAND_GROUP,
    USER,
)
from sandbox.discord.service import Service
from sandbox.discord.tickets import Interaction

MAX_TEXT_CHARS = 6000
IN_GUILD, IN_BOT_DM, IN_PRIVATE_CHANNEL = 0, 1, 2


def interaction_create(service: Service, interaction: Interaction, data: Json, person: User, place: Channel) -> Json:
    """Return the event's data."""
    world, wire = service.world, service.wire
    payload: Json = {
        "id": interaction.id,
        "application_id": world.application.id,
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "channel_id": place.id,
        "channel": wire.channel(place) | {"permissions": str(world.permissions(person.id, place))},
        "app_permissions": str(world.permissions(world.bot.id, place)),
        "locale": person.locale,
        "entitlements": [],
        "attachment_size_limit": service.switches.attachment_limit_bytes,
        "data": data,
        **_installation(interaction),
    }
    guild = world.guild_of(place)
    if guild is None:
        return payload | {"user": wire.user(person)}
    member = wire.member(guild.members[person.id]) | {"permissions": str(world.permissions(person.id, place))}
    payload |= {"guild_id": guild.id, "member": member, "guild_locale": guild.locale}
    return payload | {"guild": {"id": guild.id, "features": [], "locale": guild.locale}}


def _installation(interaction: Interaction) -> Json:
    if interaction.user_install_only:
        return {"authorizing_integration_owners": {"1": interaction.user_id}, "context": IN_PRIVATE_CHANNEL}
    owner = interaction.guild_id or "0"
    return {
        "authorizing_integration_owners": {"0": owner},
        "context": IN_GUILD if interaction.guild_id else IN_BOT_DM,
    }


def find_subcommand(command: Json, path: list[str]) -> list[Json]:
    """Return the options a person fills in for ``/command path...``.

    Raises:
        ValueError: There is no such subcommand, or the command needs one.
    """
    options: list[Json] = command["options"]
    for step in path:
        found = [o for o in options if o["name"] == step and o["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP)]
        if not found:
            raise ValueError(f"/{command['name']} has no subcommand {step!r}")
        options = found[0].get("options") or []
    if any(option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP) for option in options):
        raise ValueError(f"/{command['name']} needs a subcommand")
    return options


def command_data(
    service: Service, command: Json, path: list[str], values: dict[str, Any], *, focused: str | None = None
) -> Json:
    """Return ``data`` of a command that is used, or typed as far as ``focused``.

    Raises:
        ValueError: An option is unknown, missing, or not one of its choices.
    """
    declared = {option["name"]: option for option in find_subcommand(command, path)}
    if unknown := sorted(set(values) - set(declared)):
        raise ValueError(f"/{command['name']} has no option {', '.join(unknown)}")
    if focused is None:
        missing = [name for name, option in declared.items() if option.get("required") and name not in values]
        if missing:
            raise ValueError(f"/{command['name']} needs {', '.join(missing)}")
    resolved: Json = {}
    options = [
        {"name": name, "type": declared[name]["type"], "value": value, "focused": True}
        if name == focused
        else _option(service, declared[name], value, resolved)
        for name, value in values.items()
    ]
    for depth, step in enumerate(reversed(path)):
        options = [{"name": step, "type": SUBCOMMAND if depth == 0 else SUBCOMMAND_GROUP, "options": options}]
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"], "options": options}
    data |= {"guild_id": command["guild_id"]} if command.get("guild_id") else {}
    return data | ({"resolved": resolved} if resolved else {})


def _option(service: Service, option: Json, value: Any, resolved: Json) -> Json:
    kind, wire, world = option["type"], service.wire, service.world
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise ValueError(f"{option['name']} must be one of {', '.join(map(str, choices))}")
    _check_bounds(option, value)
    if kind == ATTACHMENT:
        assert isinstance(value, Attachment)
        resolved.setdefault("attachments", {})[value.id] = wire.attachment(value)
        value = value.id
    elif kind in (USER, MENTIONABLE) and value in world.users:
        resolved.setdefault("users", {})[value] = wire.user(world.users[value])
    elif kind == CHANNEL and value in world.channels:
        resolved.setdefault("channels", {})[value] = wire.channel(world.channels[value])
    return {"name": option["name"], "type": kind, "value": value}


def _check_bounds(option: Json, value: Any) -> None:
    """Refuse what the client does not let people type."""
    kind, name = option["type"], option["name"]
    if kind in (INTEGER, NUMBER):
        least, most = option.get("min_value", value), option.get("max_value", value)
        if not isinstance(value, int if kind == INTEGER else int | float) or not least <= value <= most:
            raise ValueError(f"{name} takes a number from {least:g} to {most:g}")
    if kind == STRING and not option.get("min_length", 0) <= len(value) <= option.get("max_length", MAX_TEXT_CHARS):
        raise ValueError(f"{name} takes up to {option.get('max_length', MAX_TEXT_CHARS)} characters")


def target_data(service: Service, command: Json, target: Message | User) -> Json:
    """Return ``data`` of a command from the context menu of a message or a person."""
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"], "target_id": target.id}
    if isinstance(target, User):
        return data | {"resolved": {"users": {target.id: service.wire.user(target)}}}
    return data | {"resolved": {"messages": {target.id: service.wire.message(target)}}}


def control_data(control: Json, values: list[str]) -> Json:
    """Return ``data`` of a pressed button or a changed selection."""
    data = {"custom_id": control["custom_id"], "component_type": control["type"], "id": control["id"]}
    return data | ({"values": values} if control["type"] in SELECTS else {})
