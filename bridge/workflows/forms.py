"""Forms made from a workflow's parameters, and what is sent in them read again (pure).

What a form brings becomes the command line that it stands for, so that a run that was begun by a form is written down,
taken up and asked again like one that was typed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bridge.files.attachments import FileRules
from bridge.model import Attachment, Field, Form, Offer, ResultPlace, ValueKind
from bridge.texts import LANGUAGES, Say, say
from bridge.workflows.book import SAID, Flow
from bridge.workflows.files import filled_by, misfits, usable
from bridge.workflows.settings import ParameterSettings, WorkflowSettings
from bridge.workflows.values import Problem, Value, read_value

WORKFLOW = "workflow"
"""The field of the form in which a workflow is chosen."""
SUBJECT = "subject"
"""Beside it: the text of the message that it shall run on."""

LANGUAGE_KINDS = (ValueKind.TEXT, ValueKind.STRING)


def form_of(
    flow: Flow,
    locale: str,
    values: Mapping[str, Value] | None = None,
    problems: Iterable[str] = (),
    files: Sequence[Attachment] = (),
) -> Form:
    """Make the form of a workflow.

    Args:
        values: What was given already.
        problems: What was wrong with it.
        files: What came along; the parameters that take it are not asked for.
    """
    given = {name: written(value) for name, value in (values or {}).items()}
    form = _form(flow.name, flow.settings, locale, given, problems)
    filled = filled_by(flow.settings.parameters, given, files)
    return replace(form, fields=tuple(each for each in form.fields if each.name not in filled))


def _form(
    name: str,
    settings: WorkflowSettings,
    locale: str,
    given: Mapping[str, str] | None = None,
    problems: Iterable[str] = (),
) -> Form:
    given = given or {}
    fields = [
        _field(parameter, each, locale, given.get(parameter, each.default))
        for parameter, each in settings.parameters.items()
    ]
    if settings.as_chat:
        fields.append(Field(SAID, ValueKind.TEXT, say(Say.FORM_MESSAGE, locale), value=given.get(SAID, "")))
    about = "\n".join(text for text in (settings.about(locale), *problems) if text)
    return Form(name, name, tuple(fields), about, say(Say.FORM_RUN, locale))


def form_about(flow: Flow, locale: str, subject: str, files: Sequence[Attachment] = ()) -> Form:
    """Make the form of a workflow that shall run on a message: the first free field that takes a text holds its."""
    form = form_of(flow, locale, files=files)
    takers = [each for each in form.fields if each.kind in LANGUAGE_KINDS and not each.value]
    taker = min(takers, key=lambda each: (not each.required, each.kind is not ValueKind.TEXT), default=None)
    if taker is None or not subject:
        return form
    return replace(form, fields=tuple(replace(f, value=subject) if f is taker else f for f in form.fields))


def choosing(flows: Iterable[Flow], locale: str, subject: str = "") -> Form:
    """Make the form in which a workflow is chosen."""
    names = tuple(flow.name for flow in flows)
    chosen = Field(WORKFLOW, ValueKind.CHOICE, say(Say.FORM_WORKFLOW, locale), choices=names)
    fields = [chosen]
    if subject:
        label = say(Say.FORM_SUBJECT, locale)
        fields.append(Field(SUBJECT, ValueKind.TEXT, label, required=False, value=subject))
    return Form("", say(Say.FORM_TITLE, locale), tuple(fields), submit=say(Say.FORM_NEXT, locale))


def offers(workflows: Mapping[str, WorkflowSettings]) -> tuple[Offer, ...]:
    """Return the configured workflows as adapters announce them."""
    return tuple(
        Offer(
            name,
            settings.slash,
            settings.result is ResultPlace.ONLY_ME,
            {language: _form(name, settings, language) for language in LANGUAGES},
        )
        for name, settings in workflows.items()
    )


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was read: the command line it stands for, or what is wrong, by field."""

    line: str
    problems: Mapping[str, Problem] = field(default_factory=dict)


def read_form(
    flow: Flow, filled: Mapping[str, str], files: Sequence[Attachment] = (), file_rules: FileRules | None = None
) -> Filled:
    """Read what somebody sent in a workflow's form; fields that the workflow does not have are left out.

    Args:
        files: What came along, and need not be filled in.
    """
    rules = flow.rules()
    problems: dict[str, Problem] = {}
    given = {name: filled[name] for name in rules if filled.get(name, "").strip()}
    for name, text in given.items():
        if isinstance(problem := read_value(text, rules[name]), Problem):
            problems[name] = problem
    file_rules = file_rules or FileRules()
    sent = filled_by(flow.settings.parameters, given, usable(flow.settings.parameters, files, file_rules))
    for name in flow.settings.lacking(dict(given)):
        if name not in sent:
            problems[name] = Problem(Say.FORM_MISSING)
    problems |= misfits(flow.settings.parameters, files, file_rules)
    if flow.settings.as_chat and SAID not in given:
        problems[SAID] = Problem(Say.FORM_MISSING)
    words = [f"{name}={quoted(text)}" for name, text in given.items()]
    return Filled(" ".join(["!run", flow.name, *words]), problems)


def quoted(text: str) -> str:
    """Write a value so that it is read again exactly, whatever stands in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(value: Value) -> str:
    """Write a value as it would be typed."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        plain = all(isinstance(item, str | int | float) for item in value)
        return ", ".join(written(item) for item in value) if plain else json.dumps(value, ensure_ascii=False)
    return str(value)


def _field(name: str, parameter: ParameterSettings, locale: str, value: str) -> Field:
    return Field(
        name,
        parameter.type,
        parameter.about(locale) or name,
        required=parameter.required,
        value=value,
        choices=parameter.choices,
        min=parameter.min,
        max=parameter.max,
        max_length=parameter.max_length,
        many=parameter.many,
    )
