"""What a person answers to a run's question, as the run takes it (pure)."""

import json

from bridge.model import AskKind, Field, Form, Interruption, ValueKind
from bridge.texts import Say, say
from bridge.workflows.arguments import parse_arguments
from bridge.workflows.values import Problem, Rules

ANSWERABLE = frozenset({AskKind.QUESTION, AskKind.INPUT})
"""The others wait for a tool or a sign-in, which nobody can write."""


ANSWER = "answer"
"""The one field of the form in which a question is answered."""
CHOICES_PRESSED_MAX = 10
FIELDS_MAX = 5
"""What can be pressed, and what a form of every platform holds; the rest is answered in words."""
IN_WORDS = (ValueKind.IMAGE, ValueKind.FILE)
"""A form below an answer brings no files: these are given by their links."""


def pressed_choices(asked: Interruption) -> tuple[str, ...]:
    """Return the choices that are few enough to be pressed."""
    choices = asked.choices if asked.kind is AskKind.QUESTION else ()
    return choices if len(choices) <= CHOICES_PRESSED_MAX else ()


def can_be_filled_in(asked: Interruption) -> bool:
    """Tell whether a form can hold the answer."""
    return asked.kind in ANSWERABLE and len(asked.fields) <= FIELDS_MAX


def answer_form(asked: Interruption, locale: str) -> Form:
    """Make the form in which a question is answered."""
    if asked.kind is AskKind.INPUT and asked.fields:
        fields = tuple(
            Field(
                each.name,
                ValueKind.STRING if each.kind in IN_WORDS else each.kind,
                each.description or each.name,
                required=each.required,
                many=each.many,
            )
            for each in asked.fields
        )
    else:
        kind = ValueKind.CHOICE if asked.choices else ValueKind.TEXT
        fields = (Field(ANSWER, kind, say(Say.FORM_ANSWER, locale), choices=asked.choices),)
    title = asked.node or say(Say.ANSWER_LABEL, locale)
    return Form("", title, fields, asked.question, say(Say.FORM_SEND, locale))


def read_answer(asked: Interruption, text: str) -> str | list[Problem]:
    """Return the answer to hand back, or everything that is wrong with it.

    A choice may be named by its number. A form takes ``name=value``, or just the value if it has one field; it travels
    as JSON text.
    """
    if asked.kind is not AskKind.INPUT:
        return _choice(asked.choices, text.strip())
    if not asked.fields:
        return text.strip()
    rules = {field.name: Rules(field.name, field.kind, many=field.many) for field in asked.fields}
    required = [field.name for field in asked.fields if field.required]
    found = parse_arguments(text, rules, required)
    problems = list(found.problems)
    if missing := [name for name in required if name not in found.values and not problems]:
        problems.append(Problem(Say.VALUES_MISSING, {"names": ", ".join(f"`{name}`" for name in missing)}))
    return problems or json.dumps(dict(found.values), ensure_ascii=False)


def is_choice(asked: Interruption, text: str) -> bool:
    """Tell whether a text is one of the answers that a question offers."""
    return bool(text.strip()) and _choice(asked.choices, text.strip()) in asked.choices


def _choice(choices: tuple[str, ...], text: str) -> str:
    """Return the choice that is meant; any other words go as they are, the workflow knows what to make of them."""
    number = text.rstrip(".。）)")
    if number.isdecimal() and number not in choices and 1 <= int(number) <= len(choices):
        return choices[int(number) - 1]
    return next((choice for choice in choices if choice.casefold() == text.casefold()), text)
