"""The application commands that fit the configured workflows, and their registration (the first half is pure).

One command for each workflow, its options typed and described in both languages, and ``/coze`` for the rest.
Source: docs.discord.com, "Application Commands": 100 commands, 25 options of 25 choices, 8 000 characters each.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from adapters.discord import limits
from adapters.discord.outbound import ELLIPSIS
from adapters.discord.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.keys import join_key
from bridge.model import Field, Offer, ValueKind
from bridge.ports import Speech, Store
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

OWN = "coze"
"""The command for everything; no workflow can have this name."""
SUBCOMMANDS: Mapping[str, Say] = {
    "new": Say.ABOUT_NEW,
    "stop": Say.ABOUT_STOP,
    "status": Say.ABOUT_STATUS,
    "help": Say.ABOUT_HELP,
}
SUBCOMMAND, STRING, INTEGER, BOOLEAN, NUMBER = 1, 3, 4, 5, 10
"""Kinds of options. Source: there, "Application Command Option Type"."""
OPTION_KINDS: Mapping[ValueKind, int] = {
    ValueKind.INTEGER: INTEGER,
    ValueKind.NUMBER: NUMBER,
    ValueKind.BOOLEAN: BOOLEAN,
}
LONG = frozenset({ValueKind.TEXT, ValueKind.JSON})
"""What is better written in a form: never required as an option, and asked for there."""
IN_GUILDS, IN_DIRECT_MESSAGES = 0, 1


def command_list(offers: Iterable[Offer], speech: Speech) -> list[dict[str, Any]]:
    """Return all commands, as they are sent."""
    own = _command(OWN, _told(speech, Say.ABOUT_COZE))
    own["options"] = [{"type": SUBCOMMAND, "name": name, **_told(speech, say)} for name, say in SUBCOMMANDS.items()]
    flows = [_of_workflow(offer) for offer in offers if offer.name != OWN]
    return [own, *flows[: limits.COMMANDS_MAX - 1]]


async def register(commands: list[dict[str, Any]], application_id: str, web: Web, store: Store, instance: str) -> None:
    """Let people have these commands; asks Discord only if they are others than the last time."""
    note = join_key(instance, application_id, "commands")
    digest = hashlib.sha256(json.dumps(commands, sort_keys=True).encode()).hexdigest()
    try:
        if await store.note(note) == digest:
            return
        await web.call("PUT", f"/applications/{application_id}/commands", commands)
        await store.remember(note, digest)
    except PlatformError as error:
        log.warning("slash commands not registered, those of before stay", reason=error.reason)
    except StoreError as error:
        log.info("not written down which slash commands are registered", reason=error.reason)
    else:
        log.info("slash commands registered", commands=[command["name"] for command in commands])


def _of_workflow(offer: Offer) -> dict[str, Any]:
    english, chinese = offer.forms["en"], offer.forms["zh"]
    about = _described(english.about or offer.name, chinese.about or english.about or offer.name)
    command = _command(offer.name, about)
    pairs = sorted(zip(english.fields, chinese.fields, strict=True), key=lambda pair: not _is_required(pair[0]))
    command["options"] = [_option(field, told.label) for field, told in pairs[: limits.OPTIONS_MAX]]
    if _chars(command) > limits.COMMAND_CHARS:
        for option in command["options"]:
            option.pop("choices", None)
    return command


def _command(name: str, about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": 1,
        "name": name,
        **about,
        "contexts": [IN_GUILDS, IN_DIRECT_MESSAGES],
        "integration_types": [0],
        "options": [],
    }


def _option(field: Field, chinese: str) -> dict[str, Any]:
    kind = STRING if field.many else OPTION_KINDS.get(field.kind, STRING)
    option: dict[str, Any] = {
        "type": kind,
        "name": field.name.lower()[: limits.COMMAND_NAME_CHARS],
        **_described(field.label, chinese),
        "required": _is_required(field),
    }
    if 0 < len(field.choices) <= limits.CHOICES_MAX and not field.many:
        if all(len(choice) <= limits.CHOICE_CHARS for choice in field.choices):
            option["choices"] = [{"name": choice, "value": choice} for choice in field.choices]
    if kind in (INTEGER, NUMBER):
        bounds = {"min_value": field.min, "max_value": field.max}
        option |= {name: bound for name, bound in bounds.items() if bound is not None}
    if kind == STRING and field.max_length is not None and "choices" not in option:
        option["max_length"] = min(field.max_length, limits.OPTION_TEXT_CHARS)
    return option


def _is_required(field: Field) -> bool:
    return field.required and not field.value and field.kind not in LONG


def _told(speech: Speech, say: Say) -> dict[str, Any]:
    return _described(speech(say, "en"), speech(say, "zh"))


def _described(english: str, chinese: str) -> dict[str, Any]:
    return {"description": _line(english), "description_localizations": {"zh-CN": _line(chinese)}}


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limits.DESCRIPTION_CHARS else line[: limits.DESCRIPTION_CHARS - 1] + ELLIPSIS


def _chars(node: Mapping[str, Any]) -> int:
    """Count a command as Discord does: names, descriptions (the longest of their languages) and values."""
    told = [str(node.get("description") or ""), *(node.get("description_localizations") or {}).values()]
    own = len(str(node.get("name") or "")) + max(len(text) for text in told) + len(str(node.get("value") or ""))
    return own + sum(_chars(child) for key in ("options", "choices") for child in node.get(key) or ())
