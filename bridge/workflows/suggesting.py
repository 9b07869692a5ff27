"""What fits what somebody is typing: of a workflow's choices, the best first (pure)."""

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from bridge.workflows.values import LIST_MARKS, Rules

NEAR = 0.6
"""How alike a mistyped word and what was meant are, of 1; as where a value is read."""


def suggest_value(rules: Rules, typed: str) -> tuple[str, ...]:
    """Return the choices of a parameter that fit; of a list the last item is completed, what is in it not repeated."""
    if not rules.many:
        return fitting(rules.choices, typed)
    *before, last = [item.strip() for item in LIST_MARKS.split(typed)]
    if folded(last) in map(folded, rules.choices):
        before, last = [*before, last], ""
    had = {folded(item) for item in before}
    left = [choice for choice in rules.choices if folded(choice) not in had]
    longer = tuple(", ".join([*before, choice]) for choice in fitting(left, last))
    return (", ".join(before), *longer) if before and not last else longer


def fitting(choices: Sequence[str], typed: str) -> tuple[str, ...]:
    """Return what begins as it was typed, then what has a word that does, what holds it, and else what is alike."""
    wanted = folded(typed)
    if not wanted:
        return tuple(choices)
    found = tuple(dict.fromkeys(_ranked(choices, wanted)))
    return found or tuple(_alike(choices, wanted))


def folded(text: str) -> str:
    """Return a text as it is compared: without capitals, blanks around it and full-width forms."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _ranked(choices: Sequence[str], wanted: str) -> Iterator[str]:
    yield from (choice for choice in choices if folded(choice).startswith(wanted))
    yield from (choice for choice in choices if any(word.startswith(wanted) for word in folded(choice).split()))
    yield from (choice for choice in choices if wanted in folded(choice))


def _alike(choices: Iterable[str], wanted: str) -> Iterator[str]:
    by_folded = {folded(choice): choice for choice in choices}
    yield from (by_folded[near] for near in difflib.get_close_matches(wanted, by_folded, n=5, cutoff=NEAR))
