"""What is wrong with a configuration, one sentence per mistake: key, value, problem, fix (pure)."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bridge.operations.redaction import SECRET_NAME, Redactor, mask

Path = tuple[str | int, ...]
"""Where a value stands: ``("agents", "default", "bot_id")``."""

MAX_SHOWN_CHARS = 60
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. ``origin`` is the environment variable that brought the value, empty for the file."""

    path: Path
    problem: str
    value: object = ABSENT
    secret: bool = False
    origin: str = ""

    def sentence(self) -> str:
        """Say it in one line that a person can act on."""
        shown = "" if self.value is ABSENT else f" = {show(self.value, secret=self.secret)}"
        origin = f" (from the environment: {self.origin})" if self.origin else ""
        return f"{show_key(self.path)}{shown}{origin}: {self.problem}"


def show_key(path: Path) -> str:
    """Write a path as its reader finds it in the file: ``[agents.default] bot_id``."""
    if path[:1] == ("routes",) and len(path) > 1 and isinstance(path[1], int):
        rest = ".".join(str(step) for step in path[2:])
        return f"[[routes]] number {path[1] + 1}" + (f", {rest}" if rest else "")
    names = [str(step) for step in path if not isinstance(step, int)]
    if len(names) < 2 or path[0] == "routes" or (len(names) == 2 and path[0] in ("agents", "adapters", "workflows")):
        return f"[{'.'.join(names)}]" if names else "the file"
    if len(names) == 4 and path[0] == "workflows" and path[2] == "parameters":
        return f"[{'.'.join(names)}]"
    return f"[{'.'.join(names[:-1])}] {names[-1]}"


def show(value: object, *, secret: bool = False) -> str:
    """Write a value as TOML would, shortened, without secrets."""
    if isinstance(value, SecretStr):
        value, secret = value.get_secret_value(), True
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = mask(value) if secret and value else Redactor().text(value)
        text = text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…"
        return f'"{text}"' + (f" ({len(value)} characters)" if secret and value else "")
    if isinstance(value, Mapping):
        return "{…}" if value else "{}"
    if isinstance(value, list | tuple):
        inner = ", ".join(show(item, secret=secret) for item in value)
        return f"[{inner}]" if len(inner) <= MAX_SHOWN_CHARS else "[…]"
    return mask(str(value)) if secret else str(value)


def nearest(wrong: str, known: Iterable[str]) -> str:
    """Return `` Did you mean …?`` with the likeliest of the known names, or nothing."""
    found = difflib.get_close_matches(wrong.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""


def mistakes_of(
    error: ValidationError, model: type[BaseModel], at: Path, origins: Mapping[Path, str] | None = None
) -> list[Mistake]:
    """Turn pydantic's findings about one section into mistakes."""
    return [_mistake(details, model, at, origins or {}) for details in error.errors(include_url=False)]


def _mistake(details: ErrorDetails, model: type[BaseModel], at: Path, origins: Mapping[Path, str]) -> Mistake:
    inside: Path = tuple(details["loc"])
    path = at + inside
    owner, info = find_field(model, inside)
    kind = details["type"]
    if kind == "missing" or (details["input"] == "" and env_names(info)):
        return Mistake(path, _missing(info))
    if kind == "extra_forbidden":
        known = list(owner.model_fields) if owner else []
        suggestion = nearest(str(inside[-1]), known) or (f" There are {', '.join(known)}." if known else "")
        value = details["input"]
        hidden = isinstance(value, str) and (len(value) > 2 * MAX_SHOWN_CHARS or _suspicious(str(inside[-1]), value))
        return Mistake(path, f"there is no such key.{suggestion}", value, secret=hidden, origin=_origin(path, origins))
    # A model's own validator speaks of the section as a whole: there is no single value to show.
    speaks_of_section = isinstance(details["input"], BaseModel | dict) and kind == "value_error"
    value = ABSENT if speaks_of_section or (not inside and at) else details["input"]
    secret = is_secret(info) or bool(inside and SECRET_NAME.search(str(inside[-1])))
    return Mistake(path, _problem(kind, details), value, secret=secret, origin=_origin(path, origins))


def _suspicious(name: str, value: str) -> bool:
    return bool(SECRET_NAME.search(name)) or Redactor().text(value) != value or (" " not in value and len(value) > 19)


def _origin(path: Path, origins: Mapping[Path, str]) -> str:
    return next((origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in origins), "")


def find_field(model: type[BaseModel], inside: Path) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Follow a path into nested models; return the model that owns its last step, and the field if there is one."""
    owner: type[BaseModel] | None = model
    info: FieldInfo | None = None
    is_own_name = False
    for step in inside:
        if is_own_name:  # below a mapping stands a name that somebody chose, and below that the mapping's model
            is_own_name = False
            continue
        if info is not None:
            owner = model_in(info.annotation)
        if owner is None:
            return None, info
        info = owner.model_fields.get(str(step))
        if info is None:
            return owner, None
        is_own_name = get_origin(info.annotation) is dict
    return owner, info


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as ``OAuthApp | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := model_in(part))), None)


def is_secret(info: FieldInfo | None) -> bool:
    """Tell whether a field holds a secret."""
    return info is not None and "SecretStr" in repr(info.annotation)


def env_names(info: FieldInfo | None) -> tuple[str, ...]:
    """Return the customary environment variables of a field, the preferred one first."""
    extra = info.json_schema_extra if info is not None else None
    names: Any = extra.get("env") if isinstance(extra, dict) else None
    return (names,) if isinstance(names, str) else tuple(names or ())


def _missing(info: FieldInfo | None) -> str:
    names = env_names(info)
    meaning = f" {info.description}" if info is not None and info.description else ""
    where = f"; write it here or set {names[0]} in the environment." if names else "; write it here."
    return f"is missing{where}{meaning}"


def _problem(kind: str, details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    value = details["input"]
    match kind:
        case "literal_error" | "enum":
            expected = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
            known = [item.strip() for item in expected.split(",")]
            return f"must be one of {', '.join(known)}.{nearest(str(value), known)}"
        case "string_type":
            return "must be text: put it in quotes."
        case "string_too_short" | "too_short":
            return "must not be empty."
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number, without quotes."
        case "float_type" | "float_parsing":
            return "must be a number, without quotes."
        case "bool_type" | "bool_parsing":
            return "must be true or false, without quotes."
        case "tuple_type" | "list_type" | "set_type" | "frozen_set_type":
            return 'must be a list, such as ["A", "B"].'
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be a section of keys and values."
        case "string_pattern_mismatch":
            return f"must have the form {context['pattern']}."
        case "greater_than":
            return f"must be more than {context['gt']:g}."
        case "greater_than_equal":
            return f"must be {context['ge']:g} or more."
        case "less_than":
            return f"must be less than {context['lt']:g}."
        case "less_than_equal":
            return f"must be {context['le']:g} or less."
        case "value_error":
            return _full_stop(str(context.get("error", details["msg"])))
        case _:
            return _full_stop(details["msg"])


def _full_stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?", "!", ")")) else sentence + "."
