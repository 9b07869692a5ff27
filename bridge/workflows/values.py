"""One value of a workflow's parameter, read from what a person wrote (pure).

Full-width digits and signs count as the plain ones. What cannot be read is a ``Problem``: a sentence that says what is
wrong and what would be right.
"""

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bridge.model import ValueKind
from bridge.texts import Say, say

Value: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any]

YES = frozenset({"true", "yes", "y", "on", "1", "是", "对", "真", "开", "好", "要"})
NO = frozenset({"false", "no", "n", "off", "0", "否", "不", "不是", "错", "假", "关", "不要"})
LIST_MARKS = re.compile(r"[,，、;；\n]+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
LINK = re.compile(r"https?://[^\s<>]+")
SHOWN_CHARS = 40
SHOWN_CHOICES = 12


@dataclass(frozen=True, slots=True)
class Rules:
    """What a value must keep to; the fields are those of ``ParameterSettings``."""

    name: str
    kind: ValueKind = ValueKind.STRING
    choices: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    many: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with what somebody wrote."""

    say: Say
    values: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, locale: str) -> str:
        """Put it into words."""
        return say(self.say, locale, **self.values)


def read_value(text: str, rules: Rules) -> Value | Problem:
    """Read a value, or say what is wrong with it."""
    if not rules.many:
        return _read_one(text, rules)
    items: list[Any] = []
    for item in _split(text):
        value = _read_one(item, rules)
        if isinstance(value, Problem):
            return value
        items.append(value)
    return items


def _split(text: str) -> list[str]:
    """Split a list: by commas of any script, by lines, or as a JSON array."""
    if text.lstrip().startswith("["):
        try:
            decoded = json.loads(text)
        except ValueError:
            pass
        else:
            return [item if isinstance(item, str) else json.dumps(item) for item in decoded]
    return [stripped for item in LIST_MARKS.split(text) if (stripped := item.strip())]


def _read_one(text: str, rules: Rules) -> Value | Problem:
    return READERS[rules.kind](text, rules)


def _read_text(text: str, rules: Rules) -> Value | Problem:
    if rules.max_length is not None and len(text) > rules.max_length:
        return Problem(Say.VALUE_TOO_LONG, {"name": rules.name, "max": rules.max_length, "length": len(text)})
    return text


def _read_integer(text: str, rules: Rules) -> Value | Problem:
    plain = _plain_number(text)
    try:
        return _in_range(int(plain), rules)
    except ValueError:
        return _wrong(Say.VALUE_NOT_INTEGER, text, rules)


def _read_number(text: str, rules: Rules) -> Value | Problem:
    try:
        number = float(_plain_number(text))
    except ValueError:
        return _wrong(Say.VALUE_NOT_NUMBER, text, rules)
    if not math.isfinite(number):
        return _wrong(Say.VALUE_NOT_NUMBER, text, rules)
    return _in_range(int(number) if number.is_integer() and abs(number) < 2**53 else number, rules)


def _plain_number(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip()
    return plain.replace(",", "") if THOUSANDS.fullmatch(plain) else plain.replace("_", " ")


def _in_range(number: int | float, rules: Rules) -> Value | Problem:
    if rules.min is not None and number < rules.min:
        return Problem(Say.VALUE_TOO_SMALL, {"name": rules.name, "min": f"{rules.min:g}", "value": number})
    if rules.max is not None and number > rules.max:
        return Problem(Say.VALUE_TOO_LARGE, {"name": rules.name, "max": f"{rules.max:g}", "value": number})
    return number


def _read_boolean(text: str, rules: Rules) -> Value | Problem:
    word = unicodedata.normalize("NFKC", text).strip().lower()
    if word in YES or word in NO:
        return word in YES
    return _wrong(Say.VALUE_NOT_BOOLEAN, text, rules)


def _read_choice(text: str, rules: Rules) -> Value | Problem:
    wanted = _folded(text)
    by_folded = {_folded(choice): choice for choice in rules.choices}
    if wanted in by_folded:
        return by_folded[wanted]
    near = difflib.get_close_matches(wanted, by_folded, n=1, cutoff=0.6)
    shown = [by_folded[near[0]], *rules.choices] if near else list(rules.choices)
    listed = ", ".join(dict.fromkeys(shown[:SHOWN_CHOICES])) + (", …" if len(shown) > SHOWN_CHOICES else "")
    return Problem(Say.VALUE_NOT_CHOICE, {"name": rules.name, "value": _shortened(text), "choices": listed})


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _read_link(text: str, rules: Rules) -> Value | Problem:
    link = text.strip().strip("<>")
    return link if LINK.fullmatch(link) else _wrong(Say.VALUE_NOT_LINK, text, rules)


def _read_json(text: str, rules: Rules) -> Value | Problem:
    try:
        decoded: Value = json.loads(text)
    except ValueError:
        return _wrong(Say.VALUE_NOT_JSON, text, rules)
    return decoded


def _wrong(sentence: Say, text: str, rules: Rules) -> Problem:
    return Problem(sentence, {"name": rules.name, "value": _shortened(text)})


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[:SHOWN_CHARS] + "…"


READERS: Mapping[ValueKind, Callable[[str, Rules], Value | Problem]] = {
    ValueKind.STRING: _read_text,
    ValueKind.TEXT: _read_text,
    ValueKind.INTEGER: _read_integer,
    ValueKind.NUMBER: _read_number,
    ValueKind.BOOLEAN: _read_boolean,
    ValueKind.CHOICE: _read_choice,
    ValueKind.IMAGE: _read_link,
    ValueKind.FILE: _read_link,
    ValueKind.JSON: _read_json,
}
