"""What people do with the buttons below our messages, on its way to the intake, and the answers to it.

Discord waits three seconds for the one answer to an interaction; without it the presser reads that it failed. So a
press is obeyed first and answered at once; an answer that is too late or gets lost harms nothing, for the press counts.
"""

import asyncio
import json
from collections import OrderedDict
from typing import Any

import structlog

from adapters.discord import forms, limits
from adapters.discord.callers import Callers
from adapters.discord.chains import Chains
from adapters.discord.commands import envelope_of, is_command, parse_command
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.inbound import Channel, Identity, ancestors, in_chain
from adapters.discord.outbound import EPHEMERAL
from adapters.discord.presses import (
    ResponseKind,
    Ticket,
    answer_to,
    author_of,
    is_of_component,
    is_over,
    parse_press,
    parse_ticket,
    whispered,
    without_pressed,
)
from adapters.discord.web import Web
from bridge.errors import PlatformError, PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.keys import join_key
from bridge.model import ControlKind, Invocation, Invoked, Press, Pressed
from bridge.ports import Intake
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

INTERACTIONS_KEPT = 1_000
PATIENCE_S = 5.0
FORM_TTL_S = 86_400.0
"""How long an opened form may be filled in."""


class Interactions:
    """Hands presses to the intake and answers each of them, once."""

    def __init__(
        self,
        instance: str,
        us: Identity,
        *,
        web: Web,
        chains: Chains,
        callers: Callers,
        services: Services,
        intake: Intake,
    ) -> None:
        self._callers = callers
        self._instance = instance
        self._us = us
        self._web = web
        self._chains = chains
        self._services = services
        self._intake = intake
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def take(self, interaction: Payload, channel: Channel | None) -> None:
        """Obey an interaction and answer it; one that the gateway tells again is over.

        Args:
            channel: Where it happened; ``None`` in direct messages.
        """
        ticket = parse_ticket(interaction)
        if ticket is None or ticket.id in self._seen or not (is_of_component(interaction) or is_command(interaction)):
            return
        self._remember(ticket)
        answer_by = self._services.clock.now() + limits.ANSWER_PRESS_WITHIN_S
        if is_command(interaction):
            await self._take_command(ticket, interaction, channel, answer_by)
            return
        press = parse_press(interaction, channel, self._instance, self._us.application_id)
        pressed = None
        if press is None:
            log.info("a button that is not ours was pressed")
        else:
            pressed = await self._obey(await self._in_its_chain(press, interaction, channel))
        await self._answer(ticket, answer_to(press, pressed, interaction), answer_by)
        outlived = press is not None and press.kind is ControlKind.STOP and pressed is not None and pressed.done
        if press is not None and pressed is not None and pressed.sentence and (outlived or is_over(press, pressed)):
            await self._take_away(interaction, press.message_id)

    def _remember(self, ticket: Ticket) -> None:
        self._seen[ticket.id] = None
        if len(self._seen) > INTERACTIONS_KEPT:
            self._seen.popitem(last=False)

    async def _in_its_chain(self, press: Press, interaction: Payload, channel: Channel | None) -> Press:
        """Find the reply chain an answer in a channel belongs to, as far as that is remembered."""
        if channel is None or channel.is_thread:
            return press
        chain = (press.message_id, *ancestors(mapping_in(interaction, "message")))
        return in_chain(press, await self._chains.find(channel.id, chain) or chain[-1])

    async def _obey(self, press: Press) -> Pressed | None:
        try:
            return await self._intake.press(press)
        except StoreError as error:
            log.error("a press was not obeyed", kind=press.kind, reason=error.reason)
            locale = press.author.locale or self._services.default_locale
            return Pressed(False, self._services.speech(Say.STORE_FAILED, locale))

    async def _take_away(self, interaction: Payload, message_id: str) -> None:
        """Take a button away that nothing is left to obey of; the one answer was the sentence that says so."""
        try:
            path = f"/channels/{text_in(interaction, 'channel_id')}/messages/{message_id}"
            await self._web.call("PATCH", path, without_pressed(interaction), patience_s=PATIENCE_S)
        except PlatformError as error:
            log.info("buttons stay", reason=error.reason)

    async def _take_command(
        self, ticket: Ticket, interaction: Payload, channel: Channel | None, answer_by: float
    ) -> None:
        """Obey a command; the first answer is a form, a sentence for the caller, or that more follows."""
        call = await self._called(ticket, interaction, channel)
        if call is None:
            log.info("a command that is not ours was used")
            await self._answer(ticket, self._whisper(Say.FORM_FORGOTTEN, interaction), answer_by)
            return
        caller = self._callers.remember(call.envelope.delivery_key, self._us.application_id, ticket.token)
        try:
            invoked = await self._intake.invoke(call)
        except StoreError as error:
            log.error("a command was not obeyed", reason=error.reason)
            body = self._whisper(Say.STORE_FAILED, interaction)
        else:
            body = await self._first_answer(ticket, call, invoked)
        await self._answer(ticket, body, answer_by)
        caller.answered.set()

    async def _called(self, ticket: Ticket, interaction: Payload, channel: Channel | None) -> Invocation | None:
        """Return what was called; what a modal stands for was written down when it was opened."""
        now_s = self._services.clock.wall()
        if (opened := forms.parse_form_id(text_in(mapping_in(interaction, "data"), "custom_id"))) == "":
            return parse_command(interaction, channel, self._instance, self._services.offers, now_s)
        try:
            note = await self._services.store.note(self._form_note(opened))
        except StoreError:
            note = None
        if note is None:
            return None
        workflow, kept = json.loads(note)
        text = f"!run {workflow}"
        envelope = envelope_of(interaction, channel, self._instance, f"form.{opened}", text, now_s)
        if envelope is None:
            return None
        return Invocation(envelope, filled={**kept, **forms.filled(mapping_in(interaction, "data"))})

    async def _first_answer(self, ticket: Ticket, call: Invocation, invoked: Invoked) -> dict[str, Any]:
        if invoked.form is not None and invoked.form.fields and call.filled is None:
            form = invoked.form
            note = json.dumps([form.workflow, forms.kept_values(form)])
            try:
                await self._services.store.remember(self._form_note(ticket.id), note, ttl_s=FORM_TTL_S)
            except StoreError as error:
                log.info("form not written down", reason=error.reason)
            else:
                return {"type": int(ResponseKind.MODAL), "data": forms.modal(form, forms.form_id(ticket.id))}
        if invoked.accepted:
            return {"type": int(ResponseKind.DEFERRED_MESSAGE), "data": {"flags": EPHEMERAL}}
        given = [f"{name}: {value}" for name, value in (call.filled or {}).items()]
        sentences = [*invoked.errors.values(), *([invoked.sentence] if not invoked.errors else [])]
        return {"type": int(ResponseKind.MESSAGE), "data": whispered("\n".join([*sentences, *given]))}

    def _form_note(self, interaction: str) -> str:
        return join_key(self._instance, interaction, "form")

    def _whisper(self, sentence: Say, interaction: Payload) -> dict[str, Any]:
        locale = author_of(interaction).locale or self._services.default_locale
        data = whispered(self._services.speech(sentence, locale))
        return {"type": int(ResponseKind.MESSAGE), "data": data}

    async def _answer(self, ticket: Ticket, body: dict[str, Any], answer_by: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, answer_by - self._services.clock.now())):
                try:
                    await self._web.respond(ticket.id, ticket.token, body)
                except PlatformUnavailable:
                    await self._web.respond(ticket.id, ticket.token, body)  # answered twice, only the first counts
        except TimeoutError:
            log.info("a press was not acknowledged in time")
        except PlatformError as error:
            log.info("a press was not acknowledged", reason=error.reason)
