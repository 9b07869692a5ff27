"""What may be said of an application command and its options, in which languages (reference 4 and 6.2)."""

import re
from typing import Any

from sandbox.discord.errors import FormErrors
from sandbox.discord.model import Json

SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
CHOOSABLE = frozenset({STRING, INTEGER, NUMBER})
"""Kinds of options that may have choices, or complete themselves."""
MAX_NAME_CHARS = 32
MAX_DESCRIPTION_CHARS = 100
MAX_OPTIONS = 25
MAX_CHOICES = 25
MAX_CHOICE_CHARS = 100
LOCALES = frozenset(
    (
        "id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th "
        "zh-CN ja zh-TW ko"
    ).split()
)
_NAME = re.compile(r"^[-_'\w]{1,32}$")


def check_name(node: Json, errors: FormErrors, path: str) -> None:
    """Note a name that cannot be typed after a slash, in any language."""
    for here, name in _in_languages(node, "name", errors, path):
        if not isinstance(name, str) or not _NAME.match(name) or name != name.lower():
            errors.add(here, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def check_title(node: Json, errors: FormErrors, path: str) -> None:
    """Note a name that cannot stand in a context menu, which may be any text."""
    for here, name in _in_languages(node, "name", errors, path):
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARS:
            errors.bad_length(here, 1, MAX_NAME_CHARS)


def check_description(node: Json, errors: FormErrors, path: str) -> None:
    """Note a description that is missing or too long, in any language."""
    for here, text in _in_languages(node, "description", errors, path):
        if not isinstance(text, str) or not 1 <= len(text) <= MAX_DESCRIPTION_CHARS:
            errors.bad_length(here, 1, MAX_DESCRIPTION_CHARS)


def _in_languages(node: Json, key: str, errors: FormErrors, path: str) -> list[tuple[str, Any]]:
    found = [(f"{path}.{key}", node.get(key))]
    for locale, text in (node.get(f"{key}_localizations") or {}).items():
        here = f"{path}.{key}_localizations.{locale}"
        if locale in LOCALES:
            found.append((here, text))
        else:
            errors.wrong_choice(here, tuple(sorted(LOCALES)))
    return found


def check_options(options: list[Json], errors: FormErrors, path: str) -> None:
    """Note what is wrong with options: their names, kinds, order and choices."""
    errors.too_long(f"{path}.options", options, MAX_OPTIONS)
    names = [option.get("name") for option in options]
    may_be_required = True
    for index, option in enumerate(options):
        here = f"{path}.options.{index}"
        check_name(option, errors, here)
        check_description(option, errors, here)
        if option.get("type") not in range(SUBCOMMAND, ATTACHMENT + 1):
            errors.wrong_choice(f"{here}.type", tuple(range(SUBCOMMAND, ATTACHMENT + 1)))
        if names.index(option.get("name")) != index:
            errors.add(f"{here}.name", "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", "Option names must be unique")
        if option.get("required") and not may_be_required:
            sentence = "Required options must be placed before non-required options"
            errors.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", sentence)
        may_be_required = bool(option.get("required"))
        _check_choices(option, errors, here)
        check_options(option.get("options") or [], errors, here)


def _check_choices(option: Json, errors: FormErrors, path: str) -> None:
    choices = option.get("choices") or []
    if (choices or option.get("autocomplete")) and option.get("type") not in CHOOSABLE:
        errors.wrong_choice(f"{path}.type", tuple(sorted(CHOOSABLE)))
    if choices and option.get("autocomplete"):
        sentence = "Autocomplete options cannot have choices"
        errors.add(f"{path}.autocomplete", "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", sentence)
    check_choices(choices, option.get("type", STRING), errors, f"{path}.choices")


def check_choices(choices: list[Json], kind: int, errors: FormErrors, path: str) -> None:
    """Note what is wrong with what can be chosen, declared or proposed: at most 25, each with a name and a value."""
    errors.too_long(path, choices, MAX_CHOICES)
    for index, choice in enumerate(choices):
        name, value = choice.get("name"), choice.get("value")
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_CHOICE_CHARS:
            errors.bad_length(f"{path}.{index}.name", 1, MAX_CHOICE_CHARS)
        errors.too_long(f"{path}.{index}.value", value, MAX_CHOICE_CHARS)
        if isinstance(value, str) != (kind == STRING) or value is None:
            wanted = "STRING_TYPE_CONVERT" if kind == STRING else "NUMBER_TYPE_COERCE"
            errors.add(f"{path}.{index}.value", wanted, f"Value {value!r} is not of the option's type")


def counted_chars(node: Json) -> int:
    """Count names, descriptions and values, each in its longest language."""
    own = sum(
        max(len(str(text or "")) for text in (node.get(key), *(node.get(f"{key}_localizations") or {}).values()))
        for key in ("name", "description")
    )
    choices = sum(len(str(c.get("name"))) + len(str(c.get("value"))) for c in node.get("choices") or [])
    return own + choices + sum(counted_chars(option) for option in node.get("options") or [])
