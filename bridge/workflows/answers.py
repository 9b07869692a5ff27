"""What a person answers to a run's question, as the run takes it (pure)."""

import json

from bridge.model import AskKind, Interruption
from bridge.texts import Say
from bridge.workflows.arguments import parse_arguments
from bridge.workflows.values import Problem, Rules

ANSWERABLE = frozenset({AskKind.QUESTION, AskKind.INPUT})
"""The others wait for a tool or a sign-in, which nobody can write."""


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
