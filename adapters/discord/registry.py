"""The application commands that fit the configured workflows, and their registration (the first half is pure).

One command for each workflow, its options typed and described in both languages, ``/coze`` for the rest, and one in the
menu of every message. More choices than an option may hold are suggested while somebody types.
Source: docs.discord.com, "Application Commands": 100 commands, 25 options of 25 choices, 8 000 characters each.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.discord import limits
from adapters.discord.forms import LONG, can_choose
from adapters.discord.outbound import cut
from adapters.discord.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.keys import join_key
from bridge.model import Field, Offer, ValueKind
from bridge.ports import Speech, Store
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

OWN = "coze"
"""The command for everything; no workflow can have this name."""
SUBCOMMANDS: Mapping[str, tuple[Say, Say]] = {
    "new": (Say.NAME_NEW, Say.ABOUT_NEW),
    "stop": (Say.NAME_STOP, Say.ABOUT_STOP),
    "status": (Say.NAME_STATUS, Say.ABOUT_STATUS),
    "help": (Say.NAME_HELP, Say.ABOUT_HELP),
}
RUN, RUN_WORKFLOW, RUN_ARGUMENTS, RUN_FILE = "run", "workflow", "arguments", "file"
"""The subcommand that runs any workflow, and its options."""
CHAT_INPUT, MESSAGE_MENU = 1, 3
"""Kinds of commands. Source: there, "Application Command Types"."""
SUBCOMMAND, STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 1, 3, 4, 5, 10, 11
"""Kinds of options. Source: there, "Application Command Option Type"."""
OPTION_KINDS: Mapping[ValueKind, int] = {
    ValueKind.INTEGER: INTEGER,
    ValueKind.NUMBER: NUMBER,
    ValueKind.BOOLEAN: BOOLEAN,
    ValueKind.IMAGE: ATTACHMENT,
    ValueKind.FILE: ATTACHMENT,
}
IN_GUILDS, IN_DIRECT_MESSAGES = 0, 1
CHINESE = ("zh-CN", "zh-TW")
"""Discord's names for the languages in which our Chinese is read. Source: docs.discord.com, "Locales"."""


def command_list(offers: Sequence[Offer], speech: Speech) -> list[dict[str, Any]]:
    """Return all commands, as they are sent."""
    flows = [_of_workflow(offer) for offer in offers if offer.name != OWN]
    own = _own(speech, runs=bool(offers))
    return [own, *flows[: limits.COMMANDS_MAX - 1], *([_menu(speech)] if offers else [])]


def options_of(fields: Sequence[Field]) -> dict[str, Field]:
    """Return the options that stand for parameters, by their names; long names that begin alike are told apart."""
    named: dict[str, Field] = {}
    for number, field in enumerate(fields):
        name = field.name.lower()[: limits.COMMAND_NAME_CHARS]
        if name in named:
            mark = f"_{number}"
            name = name[: limits.COMMAND_NAME_CHARS - len(mark)] + mark
        named[name] = field
    return named


def choice_value(choice: str) -> str:
    """Return what a choice is called where it has to be short; ``meant_choice`` knows it again."""
    return choice[: limits.CHOICE_CHARS]


def meant_choice(field: Field, value: str) -> str:
    """Undo ``choice_value``; what is no shortened choice is meant as it is."""
    long = [choice for choice in field.choices if len(choice) > limits.CHOICE_CHARS and choice_value(choice) == value]
    return long[0] if long else value


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


def _own(speech: Speech, *, runs: bool) -> dict[str, Any]:
    own = _command(OWN, _told(speech, Say.ABOUT_COZE))
    own["options"] = [
        {"type": SUBCOMMAND, **_named(speech, name, called), **_told(speech, about)}
        for name, (called, about) in SUBCOMMANDS.items()
    ]
    if runs:
        own["options"].insert(0, _run(speech))
    return own


def _run(speech: Speech) -> dict[str, Any]:
    workflow = _named(speech, RUN_WORKFLOW, Say.NAME_WORKFLOW) | _told(speech, Say.FORM_WORKFLOW)
    arguments = _named(speech, RUN_ARGUMENTS, Say.NAME_ARGUMENTS) | _told(speech, Say.ABOUT_ARGUMENTS)
    file = _named(speech, RUN_FILE, Say.NAME_FILE) | _told(speech, Say.ABOUT_FILE)
    return {
        "type": SUBCOMMAND,
        **_named(speech, RUN, Say.NAME_RUN),
        **_told(speech, Say.FORM_TITLE),
        "options": [
            {"type": STRING, **workflow, "required": True, "autocomplete": True},
            {"type": STRING, **arguments, "required": False},
            {"type": ATTACHMENT, **file, "required": False},
        ],
    }


def _menu(speech: Speech) -> dict[str, Any]:
    """Return the command in the menu of a message; its name is what people read."""
    english, chinese = (cut(speech(Say.MENU_RUN, locale), limits.COMMAND_NAME_CHARS) for locale in ("en", "zh"))
    names = {"name": english, "name_localizations": dict.fromkeys(CHINESE, chinese)}
    return {"type": MESSAGE_MENU, **names, **PLACES}


def _of_workflow(offer: Offer) -> dict[str, Any]:
    english, chinese = offer.forms["en"], offer.forms["zh"]
    about = _described(english.about or offer.name, chinese.about or english.about or offer.name)
    command = _command(offer.name, about)
    told = {field.name: field.label for field in chinese.fields}
    named = sorted(options_of(english.fields).items(), key=lambda pair: not _is_required(pair[1]))
    command["options"] = [_option(name, field, told[field.name]) for name, field in named[: limits.OPTIONS_MAX]]
    if _chars(command) > limits.COMMAND_CHARS:
        for option in command["options"]:
            if option.pop("choices", None):
                option["autocomplete"] = True
    return command


PLACES: Mapping[str, Any] = {"contexts": [IN_GUILDS, IN_DIRECT_MESSAGES], "integration_types": [0]}


def _command(name: str, about: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": CHAT_INPUT, "name": name, **about, **PLACES, "options": []}


def _option(name: str, field: Field, chinese: str) -> dict[str, Any]:
    kind = OPTION_KINDS.get(field.kind, STRING)
    if field.many and kind != ATTACHMENT:
        kind = STRING
    option: dict[str, Any] = {
        "type": kind,
        "name": name,
        **_described(field.label, chinese),
        "required": _is_required(field),
    }
    if field.choices and not field.many and can_choose(field):
        option["choices"] = [{"name": choice, "value": choice} for choice in field.choices]
    elif field.choices:
        option["autocomplete"] = True
    if kind in (INTEGER, NUMBER):
        bounds = {"min_value": field.min, "max_value": field.max}
        option |= {name: bound for name, bound in bounds.items() if bound is not None}
    if kind == STRING and field.max_length is not None and not field.choices:
        option["max_length"] = min(field.max_length, limits.OPTION_TEXT_CHARS)
    return option


def _is_required(field: Field) -> bool:
    return field.required and not field.value and field.kind not in LONG


def _named(speech: Speech, name: str, say: Say) -> dict[str, Any]:
    return {"name": name, "name_localizations": dict.fromkeys(CHINESE, speech(say, "zh"))}


def _told(speech: Speech, say: Say) -> dict[str, Any]:
    return _described(speech(say, "en"), speech(say, "zh"))


def _described(english: str, chinese: str) -> dict[str, Any]:
    return {
        "description": _line(english),
        "description_localizations": dict.fromkeys(CHINESE, _line(chinese)),
    }


def _line(text: str) -> str:
    return cut(" ".join(text.split()), limits.DESCRIPTION_CHARS)


def _chars(node: Mapping[str, Any]) -> int:
    """Count a command as Discord does: names and descriptions (the longest of their languages), and values."""
    own = sum(
        max(len(text or "") for text in (node.get(key), *(node.get(f"{key}_localizations") or {}).values()))
        for key in ("name", "description")
    )
    own += len(str(node.get("value") or ""))
    return own + sum(_chars(child) for key in ("options", "choices") for child in node.get(key) or ())
