"""Where commands are taken: handed to the intake, then answered with a modal, a message for the caller, or suggestions.

Discord wants the one answer within three seconds, and a modal must be that answer; so which it is to be is decided
first. Nothing but what a form holds is written down before it, and nothing is drawn that the intake has not allowed.
"""

from dataclasses import dataclass, replace
from typing import Any

import structlog

from adapters.discord import forms, steps
from adapters.discord.callers import Caller, Callers
from adapters.discord.commands import choices, envelope_of, parse_command, parse_typing
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.inbound import Channel, Identity
from adapters.discord.outbound import EPHEMERAL, SUPPRESS_EMBEDS
from adapters.discord.presses import AUTOCOMPLETE, ResponseKind, Ticket, author_of, whispered
from adapters.discord.steps import Pending, Step
from bridge.errors import StoreError
from bridge.extension import Services
from bridge.keys import join_key
from bridge.model import Author, Form, Invocation, Invoked
from bridge.ports import Intake
from bridge.texts import language
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

FORM_TTL_S = 86_400.0
"""How long an opened form may be filled in."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """The one answer to a command, and who waits for what follows it; ``None`` when nothing does."""

    body: dict[str, Any]
    caller: Caller | None = None


class Counter:
    """Takes the commands and forms of one adapter instance."""

    def __init__(self, instance: str, us: Identity, callers: Callers, services: Services, intake: Intake) -> None:
        self._instance = instance
        self._us = us
        self._callers = callers
        self._services = services
        self._intake = intake

    async def take(self, ticket: Ticket, interaction: Payload, channel: Channel | None) -> Reaction:
        """Obey a command, or a step in a form; return what to answer."""
        if interaction.get("type") == AUTOCOMPLETE:
            return self._suggest(interaction, channel)
        step = steps.parse_step(text_in(mapping_in(interaction, "data"), "custom_id"))
        try:
            if step is not None:
                return await self._go_on(step[0], step[1], ticket, interaction, channel)
            return await self._begin(ticket, interaction, channel)
        except StoreError as error:
            log.error("a command was not obeyed", reason=error.reason)
            return Reaction(self._whisper(Say.STORE_FAILED, author_of(interaction)))

    def _suggest(self, interaction: Payload, channel: Channel | None) -> Reaction:
        typing = parse_typing(interaction, channel, self._instance, self._services.offers)
        suggested = self._intake.suggest(typing) if typing is not None else ()
        return Reaction({"type": int(ResponseKind.CHOICES), "data": {"choices": choices(suggested)}})

    # --- a command ---

    async def _begin(self, ticket: Ticket, interaction: Payload, channel: Channel | None) -> Reaction:
        now_s, offers = self._services.clock.wall(), self._services.offers
        call = parse_command(interaction, channel, self._instance, self._us, offers, now_s)
        if call is None:
            log.info("a command that is not ours was used")
            return Reaction(self._whisper(Say.FORM_FORGOTTEN, author_of(interaction)))
        caller = await self._caller(call, ticket)
        invoked = await self._intake.invoke(call)
        if invoked.form is not None and not invoked.form.workflow:
            return Reaction(await self._choose(invoked.form, call, ticket))
        if invoked.form is not None and invoked.form.fields:
            return Reaction(await self._open(invoked.form, invoked, call, ticket))
        return self._told(invoked, caller, interaction)

    async def _choose(self, form: Form, call: Invocation, ticket: Ticket) -> dict[str, Any]:
        chooser = form.fields[0].name
        pending = Pending.begun(form, (chooser,), call.envelope)
        await self._remember(ticket.id, pending)
        spoken = language(self._locale(call.envelope.author))
        abouts = {offer.name: offer.forms[spoken].about for offer in self._services.offers}
        return {"type": int(ResponseKind.MESSAGE), "data": steps.choosing(form, abouts, ticket.id)}

    async def _open(self, form: Form, invoked: Invoked, call: Invocation, ticket: Ticket) -> dict[str, Any]:
        """Open the first modal of a form; its id is that of the interaction which asked for it."""
        pending = Pending.begun(form, call.given or (), call.envelope)
        await self._remember(ticket.id, pending)
        return self._modal(form, invoked.errors, pending, ticket.id, call.envelope.author)

    # --- steps in a form ---

    async def _go_on(
        self, step: Step, begun_by: str, ticket: Ticket, interaction: Payload, channel: Channel | None
    ) -> Reaction:
        author = author_of(interaction)
        written = await self._services.store.note(self._note(begun_by))
        if written is None:
            return Reaction(self._whisper(Say.FORM_FORGOTTEN, author))
        pending = Pending.read(written)
        if step is Step.SENT:
            pending = pending.sent(mapping_in(interaction, "data"))
            await self._remember(begun_by, pending)
        call = self._call(pending, begun_by, interaction, channel)
        if call is None:
            return Reaction(self._whisper(Say.FORM_FORGOTTEN, author))
        if step is Step.CHOSEN:
            return await self._chosen(pending, call, ticket, interaction)
        draft = await self._intake.invoke(replace(call, draft=True))
        if draft.form is None:
            return self._told(draft, None, interaction)
        if step is Step.MORE:
            return Reaction(self._modal(draft.form, draft.errors, pending, begun_by, author))
        if draft.errors or (step is Step.SENT and not steps.is_whole(draft.form, draft.errors, pending)):
            locale = self._locale(author)
            data = steps.between(draft.form, draft.errors, pending, begun_by, self._services.speech, locale)
            return Reaction(_answering(data, interaction))
        caller = await self._caller(call, ticket)
        return self._told(await self._intake.invoke(call), caller, interaction)

    def _call(
        self, pending: Pending, begun_by: str, interaction: Payload, channel: Channel | None
    ) -> Invocation | None:
        """Return what a form calls; its key is the form's, so that one that is sent twice runs once."""
        text = f"!run {pending.workflow}".rstrip()
        now_s = self._services.clock.wall()
        what = f"form.{begun_by}"
        envelope = envelope_of(interaction, channel, self._instance, what, text, now_s, pending.about)
        if envelope is None:
            return None
        return Invocation(replace(envelope, attachments=pending.files), filled=pending.values)

    async def _chosen(self, pending: Pending, call: Invocation, ticket: Ticket, interaction: Payload) -> Reaction:
        """Open the form of the workflow that was chosen, or run it where nothing else is to be said."""
        values = mapping_in(interaction, "data").get("values")
        name = str(values[0]) if isinstance(values, list) and values else ""
        call = replace(call, filled={**pending.values, pending.seen[0]: name})
        caller = await self._caller(call, ticket)
        invoked = await self._intake.invoke(call)
        if invoked.form is not None and invoked.form.fields:
            return Reaction(await self._open(invoked.form, invoked, call, ticket))
        return self._told(invoked, caller, interaction)

    # --- answers ---

    def _told(self, invoked: Invoked, caller: Caller | None, interaction: Payload) -> Reaction:
        """Tell that it is taken, or what is wrong."""
        if not invoked.accepted:
            sentences = [*invoked.errors.values()] or [invoked.sentence]
            return Reaction({"type": int(ResponseKind.MESSAGE), "data": whispered("\n".join(sentences))})
        if not mapping_in(interaction, "message"):
            return Reaction({"type": int(ResponseKind.DEFERRED_MESSAGE), "data": {"flags": EPHEMERAL}}, caller)
        taken = self._services.speech(Say.FORM_TAKEN, self._locale(author_of(interaction)))
        return Reaction(_answering({**whispered(taken), "components": []}, interaction), caller)

    def _modal(self, form: Form, errors: Any, pending: Pending, begun_by: str, author: Author) -> dict[str, Any]:
        fields = forms.next_fields(form, errors, pending.seen)
        speech, locale = self._services.speech, self._locale(author)
        yes_no = (speech(Say.FORM_YES, locale), speech(Say.FORM_NO, locale))
        data = forms.modal(form, fields, steps.step_id(Step.SENT, begun_by), yes_no, errors)
        return {"type": int(ResponseKind.MODAL), "data": data}

    def _whisper(self, sentence: Say, author: Author) -> dict[str, Any]:
        data = whispered(self._services.speech(sentence, self._locale(author)))
        return {"type": int(ResponseKind.MESSAGE), "data": data}

    # --- what is remembered ---

    async def _caller(self, call: Invocation, ticket: Ticket) -> Caller:
        return await self._callers.remember(call.envelope.delivery_key, self._us.application_id, ticket.token)

    async def _remember(self, begun_by: str, pending: Pending) -> None:
        await self._services.store.remember(self._note(begun_by), pending.write(), ttl_s=FORM_TTL_S)

    def _note(self, begun_by: str) -> str:
        return join_key(self._instance, begun_by, "form")

    def _locale(self, author: Author) -> str:
        return author.locale or self._services.default_locale


def _answering(data: dict[str, Any], interaction: Payload) -> dict[str, Any]:
    """Return the message as an answer: in the place of the one whose button was pressed, if there is one."""
    if not mapping_in(interaction, "message"):
        return {"type": int(ResponseKind.MESSAGE), "data": data}
    return {"type": int(ResponseKind.UPDATE_MESSAGE), "data": {**data, "flags": SUPPRESS_EMBEDS}}
