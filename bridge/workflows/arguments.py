"""What somebody wrote after a workflow's name, read as its parameters (pure).

``city=Paris days=3 note="two words"``. Signs and quotes of Chinese keyboards count as the plain ones. A word is a key
only if it names a parameter of this workflow, so texts may hold equals signs and colons. An unquoted value is one word;
what follows goes to the one required parameter that has no key, or else belongs to the value before it: both
``lang=fr Good morning`` and ``text=Good morning lang=fr`` mean what they seem to mean.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.model import ValueKind
from bridge.texts import Say
from bridge.workflows.values import SHOWN_CHARS, Problem, Rules, Value, read_value

QUOTES: Mapping[str, str] = {
    '"': '"',
    "'": "'",
    "“": "”",
    "”": "”",
    "‘": "’",
    "「": "」",
    "『": "』",
    "《": "》",
    "＂": "＂",
    "`": "`",
}
ESCAPING = frozenset({'"', "'"})
LENIENT = frozenset({"'", "‘", "`", "”", "《"})
"""Without a partner these are ordinary signs: an apostrophe is no quotation."""

BLANKS = " \t\r\n\u3000"
BETWEEN = BLANKS + ",，;；、"
KEY = re.compile(r"([^\W\d][\w-]*)[ \t\u3000]*([=＝:：])[ \t\u3000]*")
SINGLE_WORDS = frozenset({ValueKind.INTEGER, ValueKind.NUMBER, ValueKind.BOOLEAN})


@dataclass(frozen=True, slots=True)
class Arguments:
    """What could be read.

    Attributes:
        values: By parameter, converted.
        problems: What could not, in the order of the text.
    """

    values: Mapping[str, Value]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pair:
    name: str
    value: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    """Text without a key."""

    text: str


_Piece = _Pair | _Words | Problem


def parse_arguments(text: str, rules: Mapping[str, Rules], required: Iterable[str]) -> Arguments:
    """Read a command line.

    Args:
        rules: What each parameter takes.
        required: Those that must be given here, for want of a default.
    """
    pieces = _Scanner(text, rules).pieces()
    problems = [piece for piece in pieces if isinstance(piece, Problem)]
    given: dict[str, str] = {}
    for piece in pieces:
        if isinstance(piece, _Pair) and piece.name in given:
            problems.append(Problem(Say.ARGUMENT_TWICE, {"name": piece.name}))
        elif isinstance(piece, _Pair):
            given[piece.name] = piece.value
    problems += _place_words(pieces, given, rules, required)
    values: dict[str, Value] = {}
    for name, written in given.items():
        if not written.strip():
            continue  # an empty value is none
        value = read_value(written, rules[name])
        if isinstance(value, Problem):
            problems.append(value)
        else:
            values[name] = value
    return Arguments(values, tuple(problems))


def _place_words(
    pieces: Sequence[_Piece], given: dict[str, str], rules: Mapping[str, Rules], required: Iterable[str]
) -> list[Problem]:
    """Give words without a key to the parameter they must be meant for.

    Words that stand alone go first; only without any do words behind a value stand for the missing parameter.
    """
    positional = _positional(given, rules, required)
    bare = [piece.text for piece in pieces if isinstance(piece, _Words)]
    behind = [piece for piece in pieces if isinstance(piece, _Pair) and piece.rest.strip(BETWEEN)]
    if positional is None:
        problems = [_nowhere(words.strip(BETWEEN), rules) for words in bare]
    else:
        problems = []
        if loose := bare or [_unquoted(piece.rest.strip(BLANKS)) for piece in behind]:
            given[positional] = " ".join(loose)
            behind = behind if bare else []
    for piece in behind:
        if rules[piece.name].kind in SINGLE_WORDS:
            problems.append(_nowhere(piece.rest.strip(BETWEEN), rules))
        else:
            given[piece.name] += piece.rest  # as it was written, blanks and all
    return problems


def _unquoted(text: str) -> str:
    """Take the quotes off words that stand in them as a whole."""
    quoted = _Scanner(text, {}).quoted(0)
    return quoted[0] if isinstance(quoted, tuple) and quoted[1] == len(text) else text


def _positional(given: Mapping[str, str], rules: Mapping[str, Rules], required: Iterable[str]) -> str | None:
    """Return the one parameter that needs no key here."""
    open_ones = [name for name in required if name not in given]
    if len(open_ones) == 1:
        return open_ones[0]
    left = [name for name in rules if name not in given]
    return left[0] if not open_ones and len(left) == 1 and not given else None


def _nowhere(words: str, rules: Mapping[str, Rules]) -> Problem:
    shown = words if len(words) <= SHOWN_CHARS else words[:SHOWN_CHARS] + "…"
    if not rules:
        return Problem(Say.ARGUMENT_NONE, {"value": shown})
    return Problem(Say.ARGUMENT_NOWHERE, {"value": shown, "names": ", ".join(rules)})


class _Scanner:
    """Goes through a command line once."""

    def __init__(self, text: str, rules: Mapping[str, Rules]) -> None:
        self._text = text
        self._rules = rules
        self._names = {name.lower(): name for name in rules}

    def pieces(self) -> list[_Piece]:
        found: list[_Piece] = []
        place, text = 0, self._text
        while True:
            while place < len(text) and text[place] in BETWEEN:
                place += 1
            if place >= len(text):
                return found
            key = KEY.match(text, place)
            if key is not None and key[1].lower() in self._names:
                piece, place = self._pair(self._names[key[1].lower()], key.end())
            elif key is not None and (mistyped := self._mistyped(key)) is not None:
                piece, place = mistyped, self._next_key(key.end())
            else:
                piece, place = self._words(place)
            found.append(piece)

    def _pair(self, name: str, start: int) -> tuple[_Piece, int]:
        quoted = self.quoted(start)
        if isinstance(quoted, Problem):
            return quoted, len(self._text)
        if quoted is not None:
            return _Pair(name, quoted[0]), quoted[1]
        end = self._next_key(start)
        raw = self._text[start:end]
        if end < len(self._text):  # the comma before the next key is no part of this value
            raw = raw.rstrip(BETWEEN)
        raw = raw.rstrip(BLANKS)
        word = re.match(r"[^ \t\r\n\u3000]*", raw)
        value = word[0] if word else ""
        if self._rules[name].many or self._rules[name].kind is ValueKind.JSON:
            value = raw
        return _Pair(name, value, raw[len(value) :]), end

    def _words(self, start: int) -> tuple[_Piece, int]:
        quoted = self.quoted(start)
        if isinstance(quoted, Problem):
            return quoted, len(self._text)
        if quoted is not None and not self._text[quoted[1] : self._next_key(quoted[1])].strip(BETWEEN):
            return _Words(quoted[0]), quoted[1]
        end = self._next_key(start)
        return _Words(self._text[start:end].strip(BLANKS)), end

    def quoted(self, start: int) -> tuple[str, int] | Problem | None:
        """Return what stands in quotes at a place, and where it ends; ``None`` when nothing does."""
        opening = self._text[start : start + 1]
        if opening not in QUOTES or not opening:
            return None
        closing, place, content = QUOTES[opening], start + 1, []
        while place < len(self._text):
            sign = self._text[place]
            if sign == "\\" and opening in ESCAPING and self._text[place + 1 : place + 2] in (closing, "\\"):
                content.append(self._text[place + 1])
                place += 2
            elif sign == closing and self._ends_word(place + 1):
                return "".join(content), place + 1
            else:
                content.append(sign)
                place += 1
        return None if opening in LENIENT else Problem(Say.ARGUMENT_UNCLOSED, {"quote": opening})

    def _ends_word(self, place: int) -> bool:
        return place >= len(self._text) or self._text[place] in BETWEEN

    def _next_key(self, start: int) -> int:
        """Return where the next parameter's name begins, mistyped or not, or the end of the text."""
        for key in KEY.finditer(self._text, start):
            begins = key.start() == start or self._text[key.start() - 1] in BETWEEN
            if begins and (key[1].lower() in self._names or self._mistyped(key) is not None):
                return key.start()
        return len(self._text)

    def _mistyped(self, key: re.Match[str]) -> Problem | None:
        """Tell whether a word before an equals sign was meant to name a parameter."""
        if key[2] not in "=＝":
            return None
        near = difflib.get_close_matches(key[1].lower(), self._names, n=1, cutoff=0.6)
        if not near and any(rule.kind in (ValueKind.STRING, ValueKind.TEXT) for rule in self._rules.values()):
            return None  # an equation in a text
        known = ", ".join([self._names[near[0]]] if near else self._rules)
        return Problem(Say.ARGUMENT_UNKNOWN, {"name": key[1], "names": known or "-"})
