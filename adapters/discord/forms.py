"""A form drawn as a modal, and what was sent in it read back (pure).

Source: docs.discord.com, "Modals": five inputs, labels of 45 characters, texts of 4 000.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.discord import limits
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.outbound import ELLIPSIS
from bridge.keys import join_key
from bridge.model import Field, Form, ValueKind

FORM_MARK = "coze-bridge:form"
LABEL, TEXT_INPUT = 18, 4
ONE_LINE, PARAGRAPH = 1, 2
LONG = frozenset({ValueKind.TEXT, ValueKind.JSON})


def form_id(interaction: str) -> str:
    """Name a modal by the interaction that opened it."""
    return f"{FORM_MARK}:{join_key(interaction)}"


def parse_form_id(custom_id: str) -> str:
    """Undo ``form_id``; empty for what is no modal of ours."""
    mark, _, interaction = custom_id.rpartition(":")
    return interaction if mark == FORM_MARK else ""


def shown_fields(form: Form) -> list[Field]:
    """Return the fields that a modal has room for: first those that must still be filled in."""
    return sorted(form.fields, key=lambda each: not (each.required and not each.value))[: limits.MODAL_FIELDS_MAX]


def kept_values(form: Form) -> dict[str, str]:
    """Return what was given already for which there is no room."""
    shown = {each.name for each in shown_fields(form)}
    return {each.name: each.value for each in form.fields if each.value and each.name not in shown}


def modal(form: Form, custom_id: str) -> dict[str, Any]:
    """Return the data of the answer that opens a modal."""
    return {
        "custom_id": custom_id,
        "title": _cut(form.title, limits.MODAL_LABEL_CHARS),
        "components": [
            {"type": LABEL, "label": _cut(each.label, limits.MODAL_LABEL_CHARS), "component": _input(each)}
            for each in shown_fields(form)
        ],
    }


def filled(data: Payload) -> dict[str, str]:
    """Return what somebody filled in, by field; what is empty is left out."""
    return {name: value for name, value in _inputs(data.get("components")) if value}


def _input(field: Field) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": TEXT_INPUT,
        "custom_id": field.name,
        "style": PARAGRAPH if field.kind in LONG else ONE_LINE,
        "required": field.required,
        "max_length": min(field.max_length or limits.INPUT_CHARS, limits.INPUT_CHARS),
    }
    if field.value:
        element["value"] = field.value[: element["max_length"]]
    if field.choices:
        element["placeholder"] = _cut(", ".join(field.choices), limits.PLACEHOLDER_CHARS)
    return element


def _inputs(components: Any) -> Iterator[tuple[str, str]]:
    for component in components if isinstance(components, list) else ():
        if isinstance(component, Mapping):
            if name := text_in(component, "custom_id"):
                yield name, text_in(component, "value")
            yield from _inputs(component.get("components"))
            yield from _inputs([mapping_in(component, "component")] if "component" in component else ())


def _cut(text: str, most_chars: int) -> str:
    return text if len(text) <= most_chars else text[: most_chars - 1] + ELLIPSIS
