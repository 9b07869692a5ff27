"""A form drawn as a modal, and what was sent in it read back (pure).

A modal carries along what its sending has to find back to: place, workflow or answer, and the files of the message that
it is about, without their addresses, which are looked up by their ids.

Sources: docs.slack.dev, "Views" (100 blocks, title of 24 characters, private metadata of 3 000), "Input block",
"Number input element", "Select menu element" (100 options of 75 characters), "File input element".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.slack import limits
from adapters.slack.inbound import attachments_of, text_of
from adapters.slack.outbound import ELLIPSIS, escape
from bridge.model import Attachment, Field, Form, ValueKind
from bridge.ports import Speech
from bridge.texts.keys import Say

FORM = "coze_bridge.form"
REASONS = "coze_bridge.reasons"
"""The callback ids of our modals: a workflow's, and the one below an answer."""
FILES = "files"
"""Under this name files stand in what a modal carries along."""
FILE_NAME_CHARS = 60
IMAGE_TYPES = ("png", "jpg", "jpeg", "gif", "webp", "bmp", "heic")
INPUT = "coze_bridge.input"
"""The action id of every input in them; its block names the field."""
BLOCK_PREFIX = "field."
YES, NO = "true", "false"
LINKS = (ValueKind.IMAGE, ValueKind.FILE)
LONG = (ValueKind.TEXT, ValueKind.JSON)
NUMBERS = (ValueKind.INTEGER, ValueKind.NUMBER)


def modal(
    form: Form,
    context: Mapping[str, str],
    speech: Speech,
    locale: str,
    *,
    files: Sequence[Attachment] = (),
    callback: str = FORM,
) -> dict[str, Any]:
    """Return the view that asks for what a form asks for.

    Args:
        context: Comes back with what is sent, and so do ``files`` as far as there is room (some twenty).
    """
    blocks = [_input(field, speech, locale) for field in form.fields[: limits.MODAL_FIELDS_MAX]]
    if form.about:
        about = {"type": "mrkdwn", "text": _cut(escape(form.about), limits.MODAL_ABOUT_CHARS)}
        blocks.insert(0, {"type": "section", "block_id": "about", "text": about})
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": _metadata({**context, "workflow": form.workflow}, files),
        "title": _plain(form.title, limits.MODAL_TITLE_CHARS),
        "submit": _plain(form.submit, limits.MODAL_TITLE_CHARS),
        "close": _plain(speech(Say.FORM_CANCEL, locale), limits.MODAL_TITLE_CHARS),
        "blocks": blocks,
    }


def block_id(field: str) -> str:
    """Name the block of a field."""
    return f"{BLOCK_PREFIX}{field}"


def context_of(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what a modal was given along, with the workflow's name; empty when it was not ours."""
    try:
        given = json.loads(text_of(view, "private_metadata") or "{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _metadata(context: Mapping[str, str], files: Sequence[Attachment]) -> str:
    carried = [[f.id, f.name[-FILE_NAME_CHARS:], f.media_type, str(f.size_bytes)] for f in files]
    while True:
        named = {**context, FILES: json.dumps(carried, ensure_ascii=False)} if carried else context
        written = json.dumps(named, ensure_ascii=False)
        if len(written) <= limits.METADATA_CHARS or not carried:
            return written
        carried.pop()


def attached(view: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Return the files that a modal carried along, and those that somebody put into it."""
    return (*_carried(view), *(file for name, entry in _entries(view) for file in _put_in(name, entry)))


def _carried(view: Mapping[str, Any]) -> list[Attachment]:
    try:
        listed = json.loads(context_of(view).get(FILES, "[]"))
        return [Attachment(file_id, name, kind, int(size)) for file_id, name, kind, size in listed]
    except (ValueError, TypeError):
        return []


def _put_in(name: str, entry: Mapping[str, Any]) -> tuple[Attachment, ...]:
    return attachments_of(entry.get("files"), given_for=name)


def field_blocks(view: Mapping[str, Any]) -> list[str]:
    """Return the blocks of a modal that hold fields, in order."""
    blocks = view.get("blocks")
    found = blocks if isinstance(blocks, list) else []
    ids = [text_of(block, "block_id") for block in found if isinstance(block, Mapping)]
    return [each for each in ids if each.startswith(BLOCK_PREFIX)]


def filled(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what somebody filled in, by field, as it would be typed; what is empty is left out."""
    return {name: text for name, entry in _entries(view) if (text := text_of(entry, "value") or _picked(entry))}


def _entries(view: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the inputs of a modal by the field they stand for, with what is in them."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    for block, inputs in values.items() if isinstance(values, Mapping) else ():
        entry = inputs.get(INPUT) if isinstance(inputs, Mapping) else None
        if block.startswith(BLOCK_PREFIX) and isinstance(entry, Mapping):
            yield block.removeprefix(BLOCK_PREFIX), entry


def _picked(entry: Mapping[str, Any]) -> str:
    """Return what was chosen; several as JSON, for a choice may hold a comma."""
    options = entry.get("selected_options")
    if isinstance(options, list):
        values = [text_of(option, "value") for option in options if isinstance(option, Mapping)]
        return json.dumps(values, ensure_ascii=False) if values else ""
    option = entry.get("selected_option")
    return text_of(option, "value") if isinstance(option, Mapping) else ""


def _input(field: Field, speech: Speech, locale: str) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id(field.name),
        "label": _plain(field.label, limits.LABEL_CHARS),
        "optional": not field.required,
        "element": {"action_id": INPUT, **_element(field, speech, locale)},
    }


def _element(field: Field, speech: Speech, locale: str) -> dict[str, Any]:
    if field.kind is ValueKind.BOOLEAN:
        options = [_option(speech(Say.FORM_YES, locale), YES), _option(speech(Say.FORM_NO, locale), NO)]
        return {"type": "radio_buttons", "options": options, **_initial(options, [field.value], many=False)}
    if field.kind is ValueKind.CHOICE and _can_select(field.choices):
        labels = field.labels or field.choices
        options = [_option(label, choice) for label, choice in zip(labels, field.choices, strict=True)]
        values = [value.strip() for value in field.value.split(",")] if field.many else [field.value]
        kind = "multi_static_select" if field.many else "static_select"
        return {"type": kind, "options": options, **_initial(options, values, many=field.many)}
    if field.kind in NUMBERS and not field.many:
        return _number(field)
    if field.kind in LINKS and not field.value:
        types = {"filetypes": [*IMAGE_TYPES]} if field.kind is ValueKind.IMAGE else {}
        return {"type": "file_input", "max_files": limits.FILES_MAX if field.many else 1, **types}
    if field.kind in LINKS and not field.many:  # what was typed is kept
        return {"type": "url_text_input", "initial_value": field.value}
    text: dict[str, Any] = {"type": "plain_text_input", "multiline": field.kind in LONG}
    if field.max_length is not None:
        text["max_length"] = min(field.max_length, limits.INPUT_CHARS)
    if field.value:
        text["initial_value"] = field.value[: text.get("max_length", limits.INPUT_CHARS)]
    return text


def _number(field: Field) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "number_input", "is_decimal_allowed": field.kind is ValueKind.NUMBER}
    bounds = {"min_value": field.min, "max_value": field.max}
    element |= {name: f"{bound:.15g}" for name, bound in bounds.items() if bound is not None}
    return element | ({"initial_value": field.value} if field.value else {})


def _can_select(choices: tuple[str, ...]) -> bool:
    return 0 < len(choices) <= limits.OPTIONS_MAX and all(len(choice) <= limits.OPTION_CHARS for choice in choices)


def _initial(options: list[dict[str, Any]], values: list[str], *, many: bool) -> dict[str, Any]:
    """Return what is chosen at first: options exactly as they are offered."""
    chosen = [option for option in options if option["value"] in values]
    if not chosen:
        return {}
    return {"initial_options": chosen} if many else {"initial_option": chosen[0]}


def _option(text: str, value: str) -> dict[str, Any]:
    return {"text": _plain(text, limits.OPTION_CHARS), "value": value}


def _plain(text: str, most_chars: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _cut(text, most_chars), "emoji": True}


def _cut(text: str, most_chars: int) -> str:
    return text if len(text) <= most_chars else text[: most_chars - 1] + ELLIPSIS
