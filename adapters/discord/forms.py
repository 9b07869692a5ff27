"""A form drawn as a modal, and what was sent in it read back (pure).

Source: docs.discord.com, "Modals", "Label", "String Select", "File Upload": five components, labels of 45 characters
with 100 below them, texts of 4 000, 25 options, ten files.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from adapters.discord import limits
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.inbound import attachment_of
from adapters.discord.outbound import cut, render
from bridge.model import Attachment, Field, Form, ValueKind

LONG = frozenset({ValueKind.TEXT, ValueKind.JSON})
FILES = frozenset({ValueKind.IMAGE, ValueKind.FILE})
YES, NO = "true", "false"
SEVERAL = "[]"
"""Behind the name of an input of which several may be chosen; no parameter's name holds it."""


class Part(IntEnum):
    """What a modal consists of. Source: docs.discord.com, "Component Reference"."""

    STRING_SELECT = 3
    TEXT_INPUT = 4
    TEXT_DISPLAY = 10
    LABEL = 18
    FILE_UPLOAD = 19


ONE_LINE, PARAGRAPH = 1, 2


def next_fields(form: Form, errors: Mapping[str, str], seen: Sequence[str] = ()) -> list[Field]:
    """Return the fields that a modal asks for next, as many as it has room for.

    First those with mistakes, then what must still be filled in, then what nobody has seen; everything when there is
    nothing of these. Where a mistake belongs to no field, its sentence takes the room of one.
    """
    ranked = [(_rank(field, errors, seen), field) for field in form.fields]
    wanted = [entry for entry in ranked if entry[0] < _SEEN] or ranked
    room = limits.MODAL_FIELDS_MAX - bool(errors.get(""))
    return [field for _, field in sorted(wanted, key=lambda entry: entry[0])[:room]]


_SEEN = 3


def _rank(field: Field, errors: Mapping[str, str], seen: Sequence[str]) -> int:
    if field.name in errors and field.name in seen:
        return 0
    if field.name in errors or (field.required and not field.value):
        return 1
    return _SEEN if field.name in seen else 2


def modal(
    form: Form, fields: Sequence[Field], custom_id: str, yes_no: tuple[str, str], errors: Mapping[str, str]
) -> dict[str, Any]:
    """Return the data of the answer that opens a modal.

    Args:
        fields: Those of the form that are asked for now.
        yes_no: The words for both.
        errors: What is wrong, by field; it stands below the field's name.
    """
    parts = [_labelled(field, yes_no, errors.get(field.name, "")) for field in fields]
    about = errors.get("") or form.about
    if about and len(parts) < limits.MODAL_FIELDS_MAX:
        parts.insert(0, {"type": int(Part.TEXT_DISPLAY), "content": cut(render(about), limits.MODAL_ABOUT_CHARS)})
    return {"custom_id": custom_id, "title": cut(form.title, limits.MODAL_LABEL_CHARS), "components": parts}


def _labelled(field: Field, yes_no: tuple[str, str], error: str) -> dict[str, Any]:
    label = {"type": int(Part.LABEL), "label": cut(field.label, limits.MODAL_LABEL_CHARS)}
    below = error or (field.label if len(field.label) > limits.MODAL_LABEL_CHARS else "")
    if below:
        label["description"] = cut(below.replace("`", ""), limits.DESCRIPTION_CHARS)
    return {**label, "component": _input(field, yes_no)}


def _input(field: Field, yes_no: tuple[str, str]) -> dict[str, Any]:
    if field.kind is ValueKind.BOOLEAN:
        return _select(field, dict(zip((YES, NO), yes_no, strict=True)))
    if can_choose(field):
        return _select(field, dict(zip(field.choices, field.labels or field.choices, strict=True)))
    if field.kind in FILES and not field.value:
        most = limits.MODAL_FILES_MAX if field.many else 1
        least = 1 if field.required else 0
        bounds = {"min_values": least, "max_values": most, "required": field.required}
        return {"type": int(Part.FILE_UPLOAD), "custom_id": field.name, **bounds}
    return _text_input(field)


def can_choose(field: Field) -> bool:
    """Tell whether a field's choices fit into a selection."""
    choices = field.choices
    fits = all(0 < len(choice) <= limits.CHOICE_CHARS for choice in choices)
    return 0 < len(choices) <= limits.CHOICES_MAX and fits and len(set(choices)) == len(choices)


def _select(field: Field, labels: Mapping[str, str]) -> dict[str, Any]:
    chosen = _chosen(field)
    return {
        "type": int(Part.STRING_SELECT),
        "custom_id": field.name + (SEVERAL if field.many else ""),
        "options": [
            {"label": cut(label, limits.CHOICE_CHARS), "value": value, "default": value in chosen}
            for value, label in labels.items()
        ],
        "required": field.required,
        "min_values": 1 if field.required else 0,
        "max_values": len(labels) if field.many else 1,
    }


def _chosen(field: Field) -> list[str]:
    if not field.many:
        return [field.value]
    try:
        listed = json.loads(field.value)
    except ValueError:
        listed = field.value.split(",")
    return [str(item).strip() for item in listed] if isinstance(listed, list) else []


def _text_input(field: Field) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": int(Part.TEXT_INPUT),
        "custom_id": field.name,
        "style": PARAGRAPH if field.kind in LONG else ONE_LINE,
        "required": field.required,
        "max_length": min(field.max_length or limits.INPUT_CHARS, limits.INPUT_CHARS),
    }
    if field.value:
        element["value"] = field.value[: element["max_length"]]
    if field.choices:
        element["placeholder"] = cut(", ".join(field.choices), limits.PLACEHOLDER_CHARS)
    return element


# --- what was sent ---


def filled(data: Payload) -> dict[str, str]:
    """Return what somebody filled in, by field, as it would be typed; what is empty is left out."""
    return {name: value for name, value in ((_name(part), _value(part)) for part in _inputs(data)) if value}


def asked_for(data: Payload) -> tuple[str, ...]:
    """Return the names of the fields that a sent modal had."""
    return tuple(_name(part) for part in _inputs(data))


def uploads(data: Payload) -> tuple[Attachment, ...]:
    """Return the files that came with a modal, each for its field."""
    files = [part for part in _inputs(data) if part.get("type") == Part.FILE_UPLOAD]
    return tuple(file for part in files for file in attached(data, part.get("values"), _name(part)))


def attached(data: Payload, ids: Any, given_for: str) -> Iterator[Attachment]:
    """Yield the files of an interaction that have these ids."""
    known = mapping_in(mapping_in(data, "resolved"), "attachments")
    for id_ in ids if isinstance(ids, list) else [ids]:
        if file := mapping_in(known, str(id_)):
            yield attachment_of(file, given_for)


def _inputs(data: Payload) -> list[Payload]:
    return [part for part in _walk(data.get("components")) if text_in(part, "custom_id")]


def _walk(parts: Any) -> Iterator[Payload]:
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping):
            yield part
            yield from _walk(part.get("components"))
            yield from _walk([part["component"]] if "component" in part else None)


def _name(part: Payload) -> str:
    return text_in(part, "custom_id").removesuffix(SEVERAL)


def _value(part: Payload) -> str:
    values = part.get("values")
    if not isinstance(values, list) or part.get("type") == Part.FILE_UPLOAD:
        return text_in(part, "value")
    if text_in(part, "custom_id").endswith(SEVERAL):
        return json.dumps(values, ensure_ascii=False) if values else ""
    return str(values[0]) if values else ""
