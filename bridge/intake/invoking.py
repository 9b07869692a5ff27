"""What a command of a platform's own means: a form, a sentence, or a turn (pure but for the gate's memory).

It is decided before anything is awaited: a platform lets a form be shown only as the first answer, and at once.
"""

from collections.abc import Mapping
from dataclasses import replace

from bridge.files.attachments import FileRules
from bridge.intake.commands import Command, parse_command
from bridge.intake.gate import Gate
from bridge.model import Attachment, Envelope, Form, Invocation, Invoked, Typing
from bridge.texts import Say, language, say
from bridge.workflows.book import Flow, WorkflowBook
from bridge.workflows.files import filled_by, usable
from bridge.workflows.forms import SUBJECT, WORKFLOW, choosing, form_about, form_of, read_form
from bridge.workflows.suggesting import fitting, suggest_value
from bridge.workflows.values import Problem


class Invocations:
    """Decides about commands; every one passes the gate before anything is shown."""

    def __init__(self, gate: Gate, book: WorkflowBook, file_rules: FileRules, default_language: str) -> None:
        self._gate = gate
        self._file_rules = file_rules
        self._book = book
        self._default_language = default_language

    def decide(self, call: Invocation) -> Invoked | Envelope:
        """Return what the caller gets at once, or what is to be written down and obeyed."""
        envelope = call.envelope
        locale = language(envelope.author.locale, self._default_language)
        if refusal := self._gate.check_access(envelope.place, envelope.author):
            return Invoked(sentence=say(refusal.say, locale))
        if parse_command(envelope.text) is not None:
            return envelope
        run = self._book.call(envelope.text)
        if run is None:
            return replace(envelope, text=f"!{Command.HELP}")
        chosen = call.filled.get(WORKFLOW, "") if call.filled is not None and not run.name else ""
        if not run.name and not chosen:
            return self._choose(call, locale)
        named = replace(run, name=run.name or chosen)
        flow = self._book.flow(named.name)
        problem = self._book.refusal(named, envelope.place, envelope.author)
        if flow is None or problem is not None:
            refused = (problem or Problem(Say.RUN_UNKNOWN)).sentence(locale)
            return Invoked(sentence=refused, errors={WORKFLOW: refused} if chosen else {})
        if chosen:
            return self._about(replace(call, subject=(call.filled or {}).get(SUBJECT, "")), flow, locale)
        if call.filled is not None:
            return self._sent(call, call.filled, flow, locale)
        if call.given is not None:
            return self._given(envelope, flow, call.given, locale)
        if call.subject:
            return self._about(call, flow, locale)
        return self._typed(envelope, flow, run.arguments, locale)

    def suggest(self, typing: Typing) -> tuple[str, ...]:
        """Return what fits what somebody is typing: workflows she may run, or a parameter's choices."""
        if self._gate.check_access(typing.place, typing.author) is not None:
            return ()
        allowed = {flow.name: flow for flow in self._book.allowed(typing.place, typing.author)}
        if not typing.workflow:
            return fitting(list(allowed), typing.typed)
        flow = allowed.get(typing.workflow)
        rules = flow.rules().get(typing.field) if flow is not None else None
        return suggest_value(rules, typing.typed) if rules is not None else ()

    def _about(self, call: Invocation, flow: Flow, locale: str) -> Invoked | Envelope:
        """Ask for what a message does not say; one that says all that can be said is run on at once."""
        form = form_about(flow, locale, call.subject, self._usable(flow, call.envelope))
        if form.fields:
            return _asking(form, flow, locale)
        return self._given(call.envelope, flow, {}, locale)

    def _choose(self, call: Invocation, locale: str) -> Invoked | Envelope:
        envelope = call.envelope
        flows = list(self._book.allowed(envelope.place, envelope.author))
        if not flows:
            return Invoked(sentence=say(Say.RUN_NONE, locale))
        listed = self._book.listed(envelope.place, envelope.author, locale)
        if len(flows) == 1:
            return self._about(call, flows[0], locale)
        return Invoked(form=choosing(flows, locale, call.subject), sentence=listed)

    def _typed(self, envelope: Envelope, flow: Flow, arguments: str, locale: str) -> Invoked | Envelope:
        """Run what was typed if it is whole; otherwise ask for the rest, and keep what could be read."""
        files = self._usable(flow, envelope)
        read = flow.read(arguments, with_files=bool(envelope.attachments))
        sent = filled_by(flow.settings.parameters, read.values, files)
        missing = [name for name in flow.lacking(read) if name not in sent]
        if not read.problems and not missing:
            return envelope
        problems = [problem.sentence(locale) for problem in read.problems]
        form = form_of(flow, locale, read.values, problems, files)
        errors = {"": "\n".join(problems)} if problems else {}
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            problems.append(say(Say.VALUES_MISSING, locale, names=names))
        return replace(_asking(form, flow, locale, problems), errors=errors)

    def _given(self, envelope: Envelope, flow: Flow, given: Mapping[str, str], locale: str) -> Invoked | Envelope:
        files = envelope.attachments
        read = read_form(flow, given, files, self._file_rules)
        if not read.problems:
            return replace(envelope, text=read.line)
        wrong = {name: problem for name, problem in read.problems.items() if problem.say is not Say.FORM_MISSING}
        errors = {name: problem.sentence(locale) for name, problem in wrong.items()}
        form = form_of(flow, locale, dict(given), errors.values(), self._usable(flow, envelope))
        return replace(_asking(form, flow, locale, [*errors.values()]), errors=errors)

    def _sent(self, call: Invocation, filled: Mapping[str, str], flow: Flow, locale: str) -> Invoked | Envelope:
        files = call.envelope.attachments
        read = read_form(flow, filled, files, self._file_rules)
        errors = {name: problem.sentence(locale) for name, problem in read.problems.items()}
        if call.draft:
            form = form_of(flow, locale, dict(filled), files=self._usable(flow, call.envelope))
            return Invoked(form=form, errors=errors)
        return Invoked(errors=errors) if errors else replace(call.envelope, text=read.line)

    def _usable(self, flow: Flow, envelope: Envelope) -> tuple[Attachment, ...]:
        return usable(flow.settings.parameters, envelope.attachments, self._file_rules)


def _asking(form: Form, flow: Flow, locale: str, problems: list[str] | None = None) -> Invoked:
    usage = say(Say.RUN_USAGE, locale, usage=flow.usage())
    return Invoked(form=form, sentence="\n".join([*(problems or []), usage]))
