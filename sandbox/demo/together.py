"""An answer that took several messages, read as one: where edits are scarce the rest is posted below."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.demo.side import Step


@dataclass(frozen=True, slots=True)
class Read:
    """What the messages of one answer said together from an instant on, unix seconds of the sandbox."""

    at: float
    text: str


def joined(texts: Sequence[str], said: str) -> str:
    """Return the texts of consecutive messages as one, with the blanks of ``said`` where one message ends.

    Messages end where the blanks are, and platforms show none at the edges; everything else has to be there.
    """
    whole = ""
    for number, text in enumerate(texts):
        rest = said[len(whole) :] if number else ""
        whole += rest[: len(rest) - len(rest.lstrip())] + text
    return whole


def read_together(messages: Sequence[Sequence[Step]], said: str) -> list[Read]:
    """Return how an answer grew over its messages; each is given by its own steps, in order."""
    moments = sorted({step.at for steps in messages for step in steps})
    return [Read(at, joined([_text_at(steps, at) for steps in messages if steps[0].at <= at], said)) for at in moments]


def _text_at(steps: Sequence[Step], at: float) -> str:
    return [step.text for step in steps if step.at <= at][-1]
