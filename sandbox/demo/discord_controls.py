"""What is typed and pressed in Discord, as its payloads tell it: commands with typed options, forms, buttons (pure)."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.demo.side import Blank, Form
from sandbox.discord.components import ComponentKind, walk

COMMAND, COMPONENT, MODAL = 2, 3, 5
"""Kinds of interactions. Source: docs.discord.com, "Interaction Type"."""
SUBCOMMANDS = (1, 2)
INTEGER, BOOLEAN, NUMBER = 4, 5, 10
"""Types of options. Source: "Application Command Option Type"."""


def split_line(line: str, commands: Mapping[str, Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Read a typed line as Discord would fill in a command: its name, with its subcommand, and the options.

    Raises:
        ValueError: There is no such command, or what follows does not fit.
    """
    name, *words = shlex.split(line)
    if name not in commands:
        raise ValueError(f"/{name}?")
    declared = {option["name"]: option for option in commands[name].get("options") or ()}
    if any(option["type"] in SUBCOMMANDS for option in declared.values()):
        return " ".join([name, *words]), {}
    values: dict[str, Any] = {}
    left = [each for each in declared if not any(word.startswith(f"{each}=") for word in words)]
    for word in words:
        option, equals, text = word.partition("=")
        if not equals:
            option, text = left.pop(0) if left else word, word
        values[option] = _typed(declared[option], text) if option in declared else text
    return name, values


def _typed(option: Mapping[str, Any], text: str) -> Any:
    """Return a value as Discord's client would send it.

    Raises:
        ValueError: It would not take it.
    """
    match option["type"]:
        case kind if kind == INTEGER:
            return int(text)
        case kind if kind == NUMBER:
            return float(text)
        case kind if kind == BOOLEAN:
            return text.lower() in ("true", "yes")
        case _:
            return text


def form_of(modal: Mapping[str, Any]) -> Form:
    """Return a modal as somebody sees it."""
    about = "\n".join(
        each["content"] for each in walk(modal["components"]) if each.get("type") == ComponentKind.TEXT_DISPLAY
    )
    return Form(modal["title"], tuple(_blanks(modal["components"])), about)


def _blanks(components: list[dict[str, Any]]) -> Iterator[Blank]:
    for component in components:
        for inner in walk([component]):
            if "custom_id" in inner:
                options = ", ".join(option["value"] for option in inner.get("options") or ())
                chosen = next((o["value"] for o in inner.get("options") or () if o.get("default")), "")
                yield Blank(
                    id=inner["custom_id"],
                    label=component.get("label") or inner.get("label") or inner["custom_id"],
                    required=inner.get("required", True),
                    value=inner.get("value") or chosen,
                    hint=inner.get("placeholder") or options,
                )


def typed_line(data: Mapping[str, Any]) -> str:
    """Return a command as it was typed."""
    options = data.get("options") or ()
    words = (f"{each['name']}={each['value']}" if "value" in each else each["name"] for each in options)
    return " ".join([f"/{data['name']}", *words])


def sent_values(data: Mapping[str, Any]) -> list[str]:
    """Return what stands in the inputs of a modal that was sent."""
    found: list[str] = []
    for component in walk(data["components"]):
        values = component.get("values") or [component.get("value")]
        found += [str(value) for value in values if value and "custom_id" in component]
    return found
