"""A form that takes several steps: what was filled in so far, and what leads on from one modal to the next (pure).

Discord shows five fields at a time, and no modal can answer another. So between two of them stands a message for the
caller alone, with what is wrong or missing and buttons that go on. What was filled in is remembered under the id of
the interaction with which the form began, which all its buttons and modals carry.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from adapters.discord import forms, limits
from adapters.discord.fields import Payload
from adapters.discord.ids import CONTROL_MARK, message_about
from adapters.discord.outbound import ButtonStyle, ComponentKind, cut
from adapters.discord.presses import whispered
from bridge.keys import join_key
from bridge.model import Attachment, Envelope, Form
from bridge.ports import Speech
from bridge.texts.keys import Say

SHOWN_CHARS = 80
VALUES_SHOWN = 10
"""What the message between two modals shows of what was filled in."""


class Step(StrEnum):
    """What somebody does on the way through a form."""

    SENT = "form"
    """She sent a modal."""
    MORE = "more"
    """She wants the next modal."""
    RUN = "run"
    """She wants to run the workflow without filling in more."""
    CHOSEN = "pick"
    """She chose the workflow."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A form that was begun.

    Attributes:
        workflow: Empty while it is still to be chosen.
        values: What was filled in, by field, as it would be typed.
        seen: The fields that she was asked for, or gave by herself.
        files: What came along, or was put into the form.
        about: The message that the workflow shall run on.
    """

    workflow: str
    values: Mapping[str, str]
    seen: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    about: str = ""

    @classmethod
    def begun(cls, form: Form, given: Iterable[str], called: Envelope) -> "Pending":
        """Begin a form with what it holds already."""
        message = message_about(called.delivery_key)
        values = {field.name: field.value for field in form.fields if field.value}
        return cls(form.workflow, values, (*given,), called.attachments, message.message if message else "")

    def sent(self, data: Payload) -> "Pending":
        """Take over what a modal brought: it replaces what its fields held before."""
        names = forms.asked_for(data)
        return replace(
            self,
            values={name: value for name, value in self.values.items() if name not in names} | forms.filled(data),
            seen=tuple(dict.fromkeys((*self.seen, *names))),
            files=(*(file for file in self.files if file.given_for not in names), *forms.uploads(data)),
        )

    def write(self) -> str:
        """Return it as it is remembered."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, written: str) -> "Pending":
        """Undo ``write``."""
        found = json.loads(written)
        files = tuple(Attachment(**file) for file in found["files"])
        return cls(found["workflow"], found["values"], tuple(found["seen"]), files, found["about"])


def step_id(step: Step, begun_by: str, *more: str) -> str:
    """Name a modal or a control by the interaction with which its form began."""
    return join_key(CONTROL_MARK, step, begun_by, *more)


def parse_step(custom_id: str) -> tuple[Step, str] | None:
    """Undo ``step_id``; ``None`` for what belongs to no form of ours."""
    mark, *rest = custom_id.split(":")
    if mark != CONTROL_MARK or len(rest) < 2 or rest[0] not in set(Step):
        return None
    return Step(rest[0]), rest[1]


def is_whole(form: Form, errors: Mapping[str, str], pending: Pending) -> bool:
    """Tell whether nothing is wrong, and nothing is left that she has not seen."""
    return not errors and all(field.name in pending.seen for field in form.fields)


def between(
    form: Form, errors: Mapping[str, str], pending: Pending, begun_by: str, speech: Speech, locale: str
) -> dict[str, Any]:
    """Return the message between two modals: what is wrong, what is there, what is missing, and how to go on."""
    names = {field.name for field in form.fields}
    lacking = [name for name in errors if name not in pending.values and name in names and not _has(pending, name)]
    wrong = [sentence for name, sentence in errors.items() if name not in lacking]
    possible = [field.name for field in form.fields if field.name not in (*pending.seen, *errors)]
    there = [f"{_code(name)} {_code(value)}" for name, value in pending.values.items() if name not in errors]
    lines = [*wrong, *there[:VALUES_SHOWN]]
    if lacking:
        lines.append(speech(Say.FORM_LACKS, locale, names=", ".join(map(_code, lacking))))
    if not errors:
        lines.append(speech(Say.FORM_WHOLE, locale))
    if possible:
        lines.append(speech(Say.FORM_MORE_POSSIBLE, locale, names=", ".join(map(_code, possible))))
    run = [_button(Step.RUN, begun_by, speech(Say.FORM_RUN, locale), ButtonStyle.SUCCESS)] if not errors else []
    on = _button(Step.MORE, begun_by, speech(Say.FORM_CORRECT if wrong else Say.FORM_MORE, locale))
    return {**whispered("\n".join(lines)), "components": [_row([*run, on])]}


def _has(pending: Pending, name: str) -> bool:
    return any(file.given_for == name for file in pending.files)


def choosing(form: Form, abouts: Mapping[str, str], begun_by: str) -> dict[str, Any]:
    """Return the message in which a workflow is chosen.

    Args:
        abouts: What each workflow does.
    """
    choices, label = form.fields[0].choices, form.fields[0].label
    rows = [choices[at : at + limits.CHOICES_MAX] for at in range(0, len(choices), limits.CHOICES_MAX)]
    selects = [
        _row([_select(row, abouts, step_id(Step.CHOSEN, begun_by, str(number)), label)])
        for number, row in enumerate(rows[: limits.ROWS_MAX])
    ]
    return {**whispered(form.title), "components": selects}


def _select(names: Iterable[str], abouts: Mapping[str, str], custom_id: str, label: str) -> dict[str, Any]:
    options = [{"label": name, "value": name, **_described(abouts.get(name, ""))} for name in names]
    kind = int(ComponentKind.STRING_SELECT)
    return {"type": kind, "custom_id": custom_id, "options": options, "placeholder": label}


def _described(about: str) -> dict[str, str]:
    line = " ".join(about.split())
    return {"description": cut(line, limits.DESCRIPTION_CHARS)} if line else {}


def _row(components: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": int(ComponentKind.ACTION_ROW), "components": components}


def _button(step: Step, begun_by: str, label: str, style: ButtonStyle = ButtonStyle.SECONDARY) -> dict[str, Any]:
    kind = int(ComponentKind.BUTTON)
    return {"type": kind, "style": int(style), "label": label, "custom_id": step_id(step, begun_by)}


def _code(text: str) -> str:
    """Show a text as it is, in one line, with nothing in it that means anything."""
    return f"`{cut(' '.join(text.replace('`', chr(39)).split()), SHOWN_CHARS)}`"
