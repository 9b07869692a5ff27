"""Components of messages: their limits, their texts, their controls (reference 2.12 and 4)."""

import itertools
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from sandbox.discord.errors import FormErrors
from sandbox.discord.model import Json


class ComponentKind(IntEnum):
    """Kinds of component; the value is ``type`` on the wire."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19


SELECTS = frozenset(range(ComponentKind.USER_SELECT, ComponentKind.CHANNEL_SELECT + 1)) | {ComponentKind.STRING_SELECT}
LINK_STYLES = frozenset({5, 6})
"""Link and premium buttons have no ``custom_id`` and cause no interaction."""
MAX_ROWS = 5
MAX_BUTTONS_PER_ROW = 5
MAX_V2_COMPONENTS = 40
MAX_V2_CHARS = 4000
MAX_V2_BYTES = 10_170
BYTES_PER_TEXT_DISPLAY = 12
MAX_CUSTOM_ID_CHARS = 100
MAX_LABEL_CHARS = 80
MAX_OPTIONS = 25
MAX_OPTION_CHARS = 100
MAX_SELECT_PLACEHOLDER_CHARS = 150


def walk(components: Any) -> Iterator[Json]:
    """Yield every component of a tree, parents first."""
    for component in components if isinstance(components, list) else []:
        if not isinstance(component, dict):
            continue
        yield component
        yield from walk(component.get("components"))
        yield from walk([component[key] for key in ("accessory", "component") if key in component])


def text_of(components: list[Json]) -> str:
    """Return the text that is read in Components v2: all TextDisplays, joined by line ends."""
    shown = (c.get("content", "") for c in walk(components) if c.get("type") == ComponentKind.TEXT_DISPLAY)
    return "\n".join(str(text) for text in shown)


def controls(components: list[Json]) -> list[Json]:
    """Return what can be pressed or chosen."""
    return [component for component in walk(components) if component.get("custom_id")]


def find_control(components: list[Json], id_or_label: str) -> Json | None:
    """Return the control with this custom id or this label."""
    for component in controls(components):
        if id_or_label in (component.get("custom_id"), component.get("label")):
            return component
    return None


def numbered(components: list[Json]) -> list[Json]:
    """Return the components with an ``id`` each, as Discord hands them out."""
    numbers = itertools.count(1)
    for component in walk(components):
        component.setdefault("id", next(numbers))
    return components


def v2_bytes(components: list[Json]) -> int:
    """Return what counts against the ceiling of UTF-8 bytes (discord-api-docs#8554)."""
    texts = [c.get("content", "") for c in walk(components) if c.get("type") == ComponentKind.TEXT_DISPLAY]
    return sum(len(str(text).encode()) for text in texts) + BYTES_PER_TEXT_DISPLAY * len(texts)


def check_components(components: list[Json], errors: FormErrors, *, v2: bool) -> None:
    """Note what breaks a limit in the components of a message."""
    if v2:
        _check_v2(components, errors)
    else:
        errors.too_long("components", components, MAX_ROWS)
        for index, row in enumerate(components):
            if not isinstance(row, dict) or row.get("type") != ComponentKind.ACTION_ROW:
                errors.wrong_choice(f"components.{index}.type", (int(ComponentKind.ACTION_ROW),))
    seen: set[str] = set()
    for component in walk(components):
        _check_one(component, errors, seen)


def _check_v2(components: list[Json], errors: FormErrors) -> None:
    if len(list(walk(components))) > MAX_V2_COMPONENTS:
        errors.add("components", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_V2_COMPONENTS} or fewer in length.")
    texts = [c.get("content", "") for c in walk(components) if c.get("type") == ComponentKind.TEXT_DISPLAY]
    if sum(len(str(text)) for text in texts) > MAX_V2_CHARS:
        sentence = f"The total length of all text must be {MAX_V2_CHARS} or fewer."
        errors.add("components", "COMPONENT_MAX_TOTAL_CHARACTERS", sentence)


def _check_one(component: Json, errors: FormErrors, seen: set[str]) -> None:
    kind = component.get("type")
    path = "components"
    if kind == ComponentKind.ACTION_ROW:
        children = component.get("components") or []
        holds_select = any(child.get("type") in SELECTS for child in children)
        if not children or len(children) > (1 if holds_select else MAX_BUTTONS_PER_ROW):
            errors.bad_length(f"{path}.components", 1, MAX_BUTTONS_PER_ROW)
    if kind == ComponentKind.BUTTON:
        errors.too_long(f"{path}.label", component.get("label"), MAX_LABEL_CHARS)
        if component.get("style") in LINK_STYLES:
            return
    if kind == ComponentKind.BUTTON or kind in SELECTS:
        check_custom_id(component, path, errors, seen)
    if kind == ComponentKind.STRING_SELECT:
        check_select(component, path, errors)


def check_select(select: Json, path: str, errors: FormErrors) -> None:
    """Note what is wrong with what can be selected, and how much of it."""
    options = select.get("options") or []
    if not 1 <= len(options) <= MAX_OPTIONS:
        errors.bad_length(f"{path}.options", 1, MAX_OPTIONS)
    for option in options:
        for key in ("label", "value"):
            if not isinstance(option.get(key), str) or not 1 <= len(option[key]) <= MAX_OPTION_CHARS:
                errors.bad_length(f"{path}.options.{key}", 1, MAX_OPTION_CHARS)
        errors.too_long(f"{path}.options.description", option.get("description"), MAX_OPTION_CHARS)
    values = [option.get("value") for option in options]
    if len(set(values)) < len(values):
        errors.add(f"{path}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified value is already used")
    errors.too_long(f"{path}.placeholder", select.get("placeholder"), MAX_SELECT_PLACEHOLDER_CHARS)
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not 0 <= least <= most <= max(1, len(options)):
        errors.add(f"{path}.max_values", "NUMBER_TYPE_MAX", "More may be chosen than there is")
    if len([option for option in options if option.get("default")]) > most:
        sentence = "More options are chosen at first than may be"
        errors.add(f"{path}.options", "SELECT_COMPONENT_DEFAULT_VALUES_INVALID", sentence)


def check_custom_id(component: Json, path: str, errors: FormErrors, seen: set[str]) -> None:
    """Note a custom id that is missing, too long, or there already."""
    custom_id = component.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        errors.required(f"{path}.custom_id")
        return
    errors.too_long(f"{path}.custom_id", custom_id, MAX_CUSTOM_ID_CHARS)
    if custom_id in seen:
        errors.add(f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    seen.add(custom_id)
