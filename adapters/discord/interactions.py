"""What people do with the buttons below our messages, on its way to the intake, and the answers to it.

Discord waits three seconds for the one answer to an interaction; without it the presser reads that it failed. So a
press is obeyed first and answered at once; an answer that is too late or gets lost harms nothing, for the press counts.
"""

import asyncio
from collections import OrderedDict
from typing import Any

import structlog

from adapters.discord import limits
from adapters.discord.callers import Callers
from adapters.discord.chains import Chains
from adapters.discord.counter import Counter
from adapters.discord.entrances import Entrance, entrance_of
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.inbound import Channel, Identity, ancestors, in_chain
from adapters.discord.presses import (
    Ticket,
    answer_to,
    is_over,
    parse_press,
    parse_ticket,
    without_pressed,
)
from adapters.discord.web import Web
from bridge.errors import PlatformError, PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.model import ControlKind, Press, Pressed
from bridge.ports import Intake
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

INTERACTIONS_KEPT = 1_000
PATIENCE_S = 5.0
PRESSES = (Entrance.BUTTON, Entrance.REASONS)


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
        self._counter = Counter(instance, us, callers, services, intake)
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
        entrance = entrance_of(interaction)
        if ticket is None or ticket.id in self._seen or entrance is None:
            return
        self._remember(ticket)
        answer_by = self._services.clock.now() + limits.ANSWER_PRESS_WITHIN_S
        if entrance not in PRESSES:
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
        """Obey a command; what it brings later changes the first answer, so it waits for that."""
        reaction = await self._counter.take(ticket, interaction, channel)
        await self._answer(ticket, reaction.body, answer_by)
        if reaction.caller is not None:
            reaction.caller.answered.set()

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
