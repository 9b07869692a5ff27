"""What people do with the buttons below our messages, on its way to the intake, and the answers to it.

Discord waits three seconds for the one answer to an interaction; without it the presser reads that it failed. So a
press is obeyed first and answered at once; an answer that is too late or gets lost harms nothing, for the press counts.
"""

import asyncio
from collections import OrderedDict

import structlog

from adapters.discord import limits
from adapters.discord.chains import Chains
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.inbound import Channel, Identity, ancestors, in_chain
from adapters.discord.presses import NO_COMPONENTS, Ticket, answer_to, is_of_component, parse_press, parse_ticket
from adapters.discord.web import Web
from bridge.errors import PlatformError, PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.model import Press, Pressed
from bridge.ports import Intake
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

INTERACTIONS_KEPT = 1_000
PATIENCE_S = 5.0


class Interactions:
    """Hands presses to the intake and answers each of them, once."""

    def __init__(
        self, instance: str, us: Identity, *, web: Web, chains: Chains, services: Services, intake: Intake
    ) -> None:
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
        if ticket is None or ticket.id in self._seen or not is_of_component(interaction):
            return
        self._remember(ticket)
        answer_by = self._services.clock.now() + limits.ANSWER_PRESS_WITHIN_S
        press = parse_press(interaction, channel, self._instance, self._us.application_id)
        pressed = None
        if press is None:
            log.info("a button that is not ours was pressed")
        else:
            pressed = await self._obey(await self._in_its_chain(press, interaction, channel))
        await self._answer(ticket, press, pressed, answer_by)
        if press is not None and pressed is not None and pressed.done and pressed.sentence:
            await self._take_away(text_in(interaction, "channel_id"), press.message_id)

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

    async def _take_away(self, channel_id: str, message_id: str) -> None:
        """Take the buttons away where there is nothing left to press; the one answer was the sentence that says so."""
        try:
            path = f"/channels/{channel_id}/messages/{message_id}"
            await self._web.call("PATCH", path, NO_COMPONENTS, patience_s=PATIENCE_S)
        except PlatformError as error:
            log.info("buttons stay", reason=error.reason)

    async def _answer(self, ticket: Ticket, press: Press | None, pressed: Pressed | None, answer_by: float) -> None:
        body = answer_to(press, pressed)
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
