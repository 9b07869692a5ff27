"""Forms: what may stand in one, and what is told of one that was sent (reference 2.12, 4 and 6.2).

Inputs stand in labels, texts in the older layout also in action rows. Source: docs.discord.com, "Modal", "Label",
"File Upload" (0 to 10 files, modals only).
"""

from typing import Any

from sandbox.discord.components import SELECTS, ComponentKind, check_custom_id, check_select, walk
from sandbox.discord.errors import FormErrors
from sandbox.discord.model import Attachment, Json
from sandbox.discord.service import Service

MAX_COMPONENTS = 5
MAX_TITLE_CHARS = 45
MAX_LABEL_CHARS = 45
MAX_DESCRIPTION_CHARS = 100
MAX_CUSTOM_ID_CHARS = 100
MAX_INPUT_CHARS = 4000
MAX_PLACEHOLDER_CHARS = 100
MAX_FILES = 10
ON_TOP = (ComponentKind.ACTION_ROW, ComponentKind.TEXT_DISPLAY, ComponentKind.LABEL)
INPUTS = SELECTS | {ComponentKind.TEXT_INPUT, ComponentKind.FILE_UPLOAD}


def check_modal(data: Json, errors: FormErrors) -> None:
    """Note what breaks a limit in a modal."""
    title, custom_id, components = data.get("title"), data.get("custom_id"), data.get("components")
    if not isinstance(title, str) or not 1 <= len(title) <= MAX_TITLE_CHARS:
        errors.bad_length("data.title", 1, MAX_TITLE_CHARS)
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= MAX_CUSTOM_ID_CHARS:
        errors.bad_length("data.custom_id", 1, MAX_CUSTOM_ID_CHARS)
    if not isinstance(components, list) or not 1 <= len(components) <= MAX_COMPONENTS:
        errors.bad_length("data.components", 1, MAX_COMPONENTS)
        return
    seen: set[str] = set()
    for index, component in enumerate(components):
        path = f"data.components.{index}"
        kind = component.get("type")
        if kind not in ON_TOP:
            errors.wrong_choice(f"{path}.type", tuple(int(kind) for kind in ON_TOP))
        elif kind == ComponentKind.LABEL:
            _check_label(component, f"{path}", errors, seen)
        elif kind == ComponentKind.ACTION_ROW:
            for child in component.get("components") or []:
                if child.get("type") != ComponentKind.TEXT_INPUT:
                    errors.wrong_choice(f"{path}.components.type", (int(ComponentKind.TEXT_INPUT),))
                errors.too_long(f"{path}.components.label", child.get("label"), MAX_LABEL_CHARS)
                _check_input(child, f"{path}.components", errors, seen)


def _check_label(label: Json, path: str, errors: FormErrors, seen: set[str]) -> None:
    if not isinstance(label.get("label"), str) or not 1 <= len(label["label"]) <= MAX_LABEL_CHARS:
        errors.bad_length(f"{path}.label", 1, MAX_LABEL_CHARS)
    errors.too_long(f"{path}.description", label.get("description"), MAX_DESCRIPTION_CHARS)
    child = label.get("component")
    if not isinstance(child, dict) or child.get("type") not in INPUTS:
        errors.wrong_choice(f"{path}.component.type", tuple(sorted(int(kind) for kind in INPUTS)))
    else:
        _check_input(child, f"{path}.component", errors, seen)


def _check_input(given: Json, path: str, errors: FormErrors, seen: set[str]) -> None:
    check_custom_id(given, path, errors, seen)
    match given.get("type"):
        case ComponentKind.TEXT_INPUT:
            most = given.get("max_length", MAX_INPUT_CHARS)
            if not 1 <= most <= MAX_INPUT_CHARS:
                errors.add(f"{path}.max_length", "NUMBER_TYPE_MAX", f"int value should be 1 to {MAX_INPUT_CHARS}.")
            errors.too_long(f"{path}.value", given.get("value"), min(most, MAX_INPUT_CHARS))
            errors.too_long(f"{path}.placeholder", given.get("placeholder"), MAX_PLACEHOLDER_CHARS)
            if given.get("style") not in (1, 2):
                errors.wrong_choice(f"{path}.style", (1, 2))
        case ComponentKind.STRING_SELECT:
            check_select(given, path, errors)
            if given.get("required", True) and given.get("min_values", 1) == 0:
                sentence = "min_values must be 1 or more where something is required"
                errors.add(f"{path}.min_values", "BASE_TYPE_MIN_VALUE", sentence)
        case ComponentKind.FILE_UPLOAD:
            if not 0 <= given.get("min_values", 1) <= given.get("max_values", 1) <= MAX_FILES:
                errors.add(f"{path}.max_values", "NUMBER_TYPE_MAX", f"int value should be at most {MAX_FILES}.")


def modal_data(service: Service, modal: Json, values: dict[str, Any]) -> Json:
    """Return ``data`` of a submitted modal.

    Args:
        values: By custom id: a text, a list of chosen values, or attachments; what is left out stays as it was shown.

    Raises:
        ValueError: An input is unknown, a required one is empty, or a value is not to be had.
    """
    known = {control["custom_id"] for control in walk(modal["components"]) if control.get("custom_id")}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"the modal has no input {', '.join(unknown)}")
    resolved: Json = {}
    components = [_submitted(service, component, values, resolved) for component in modal["components"]]
    data = {"custom_id": modal["custom_id"], "components": components}
    return data | ({"resolved": {"attachments": resolved}} if resolved else {})


def _submitted(service: Service, component: Json, values: dict[str, Any], resolved: Json) -> Json:
    shown: Json = {"type": component["type"], "id": component["id"]}
    if "components" in component:
        children = [_submitted(service, child, values, resolved) for child in component["components"]]
        return shown | {"components": children}
    if "component" in component:
        return shown | {"component": _submitted(service, component["component"], values, resolved)}
    if "custom_id" not in component:
        return shown
    name = component["custom_id"]
    given = values.get(name, _at_first(component))
    if component.get("required", True) and not given:
        raise ValueError(f"{name} must be filled in")
    if component["type"] == ComponentKind.TEXT_INPUT:
        if len(given or "") > component.get("max_length", MAX_INPUT_CHARS):
            raise ValueError(f"{name} takes up to {component['max_length']} characters")
        return shown | {"custom_id": name, "value": given or ""}
    chosen = given if isinstance(given, list) else [given] if given else []
    if component["type"] == ComponentKind.FILE_UPLOAD:
        files = [file for file in chosen if isinstance(file, Attachment)]
        resolved.update({file.id: service.wire.attachment(file) for file in files})
        chosen = [file.id for file in files]
    elif component["type"] == ComponentKind.STRING_SELECT:
        if missing := set(chosen) - {option["value"] for option in component["options"]}:
            raise ValueError(f"{name} does not offer {', '.join(sorted(missing))}")
    if len(chosen) > component.get("max_values", 1):
        raise ValueError(f"{name} takes {component.get('max_values', 1)} at most")
    return shown | {"custom_id": name, "values": chosen}


def _at_first(component: Json) -> Any:
    if component["type"] == ComponentKind.STRING_SELECT:
        return [option["value"] for option in component["options"] if option.get("default")]
    return component.get("value")
