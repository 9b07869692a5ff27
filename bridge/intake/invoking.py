"""What a command of a platform's own means: a form, a sentence, or a turn (pure but for the gate's memory).

It is decided before anything is awaited: a platform lets a form be shown only as the first answer, and at once.
"""

from collections.abc import Mapping
from dataclasses import replace

from bridge.intake.commands import Command, parse_command
from bridge.intake.gate import Gate
from bridge.model import Envelope, Form, Invocation, Invoked
from bridge.texts import Say, language, say
from bridge.workflows.book import Flow, WorkflowBook
from bridge.workflows.forms import SUBJECT, WORKFLOW, choosing, form_about, form_of, read_form
from bridge.workflows.values import Problem


class Invocations:
    """Decides about commands; every one passes the gate before anything is shown."""

    def __init__(self, gate: Gate, book: WorkflowBook, default_language: str) -> None:
        self._gate = gate
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
        problem = self._book.refusal(named, envelope.place, envelope.author, may_move=True)
        if flow is None or problem is not None:
            refused = (problem or Problem(Say.RUN_UNKNOWN)).sentence(locale)
            return Invoked(sentence=refused, errors={WORKFLOW: refused} if chosen else {})
        if chosen:
            subject = call.filled.get(SUBJECT, "") if call.filled is not None else ""
            return _asking(form_about(flow, locale, subject), flow, locale)
        if call.filled is not None:
            return self._sent(call, flow, locale)
        if call.given is not None:
            return self._given(envelope, flow, call.given, locale)
        if call.subject:
            return _asking(form_about(flow, locale, call.subject), flow, locale)
        return self._typed(envelope, flow, run.arguments, locale)

    def _choose(self, call: Invocation, locale: str) -> Invoked:
        envelope = call.envelope
        flows = list(self._book.allowed(envelope.place, envelope.author))
        if not flows:
            return Invoked(sentence=say(Say.RUN_NONE, locale))
        listed = self._book.listed(envelope.place, envelope.author, locale)
        if len(flows) == 1:
            return _asking(form_about(flows[0], locale, call.subject), flows[0], locale)
        return Invoked(form=choosing(flows, locale, call.subject), sentence=listed)

    def _typed(self, envelope: Envelope, flow: Flow, arguments: str, locale: str) -> Invoked | Envelope:
        """Run what was typed if it is whole; otherwise ask for the rest, and keep what could be read."""
        read = flow.read(arguments)
        if not read.problems and not flow.lacking(read):
            return envelope
        problems = [problem.sentence(locale) for problem in read.problems]
        form = form_of(flow, locale, read.values, problems)
        if missing := flow.lacking(read):
            names = ", ".join(f"`{name}`" for name in missing)
            problems.append(say(Say.VALUES_MISSING, locale, names=names))
        return _asking(form, flow, locale, problems)

    def _given(self, envelope: Envelope, flow: Flow, given: Mapping[str, str], locale: str) -> Invoked | Envelope:
        read = read_form(flow, given)
        if not read.problems:
            return replace(envelope, text=read.line)
        wrong = [problem for name, problem in read.problems.items() if given.get(name, "").strip()]
        sentences = [problem.sentence(locale) for problem in wrong]
        return _asking(form_of(flow, locale, dict(given), sentences), flow, locale, sentences)

    def _sent(self, call: Invocation, flow: Flow, locale: str) -> Invoked | Envelope:
        filled = read_form(flow, call.filled or {})
        if filled.problems:
            return Invoked(errors={name: problem.sentence(locale) for name, problem in filled.problems.items()})
        return replace(call.envelope, text=filled.line)


def _asking(form: Form, flow: Flow, locale: str, problems: list[str] | None = None) -> Invoked:
    usage = say(Say.RUN_USAGE, locale, usage=flow.usage())
    return Invoked(form=form, sentence="\n".join([*(problems or []), usage]))
