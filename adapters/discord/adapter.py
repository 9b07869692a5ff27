"""One Discord bot: implements ``bridge.ports.Platform`` on discord.py's gateway and Discord's REST API."""

import asyncio
from collections.abc import Sequence
from typing import Self

import structlog

from adapters.discord import limits, outbound
from adapters.discord.callers import Callers
from adapters.discord.catching_up import wants
from adapters.discord.chains import Chains
from adapters.discord.files import Files
from adapters.discord.hints import Hints
from adapters.discord.history import chain_before, retold, thread_before
from adapters.discord.hourglass import WaitingMarks
from adapters.discord.ids import parse_delivery_key
from adapters.discord.inbound import Identity
from adapters.discord.marks import Marks
from adapters.discord.readable import KnownNames
from adapters.discord.receiver import Receiver
from adapters.discord.refusals import DiscordRefused
from adapters.discord.registry import command_list, register
from adapters.discord.reply import DiscordReply
from adapters.discord.sessions import wait_for_session
from adapters.discord.settings import DiscordSettings
from adapters.discord.web import Web
from adapters.discord.who import who_we_are
from bridge.delivery.hourglass import Hourglass
from bridge.errors import CredentialsError, PlatformError, PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.model import Attachment, Capabilities, EarlierMessage, Envelope, PartRules, TurnId
from bridge.ports import Intake

log = structlog.get_logger(__name__)

CAPABILITIES = Capabilities(
    edit_interval_s=limits.EDIT_INTERVAL_S, status_refresh_s=limits.TYPING_REFRESH_S, controls=True
)
PART_RULES = PartRules(limits.PART_CHARS, outbound.measure, outbound.amounts)

EARLIER_TIMEOUT_S = 8.0
REGISTER_TIMEOUT_S = 10.0


class DiscordPlatform:
    """Discord, with one bot's token."""

    def __init__(self, name: str, settings: DiscordSettings, services: Services) -> None:
        self._name = name
        self._settings = settings
        self._services = services
        self._web = Web(settings, services.clock)
        self._files = Files(settings, self._web)
        self._chains = Chains(name, self._web, services.store)
        self._callers = Callers(services.store)
        self._hourglass = Hourglass(WaitingMarks(self._web), services.store)
        self._hints = Hints(services, self.reply)
        self._marks = Marks(name, services.store, services.clock, sharded=settings.shards != 1)
        self._us: Identity | None = None

    @property
    def name(self) -> str:
        """The instance's name in the config."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Edits at most every 1.2 s; typing is renewed every 8 s; buttons below messages."""
        return CAPABILITIES

    @property
    def part_rules(self) -> PartRules:
        """What fits into one message, in code points as sent."""
        return PART_RULES

    async def __aenter__(self) -> Self:
        await self._web.__aenter__()
        await self._files.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._files.__aexit__(*exc)
        await self._web.__aexit__(*exc)

    async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
        """Receive over the gateway until cancelled or the client dies; each call makes a client of its own.

        Raises:
            CredentialsError: The token or an intent is refused, now or later.
            PlatformError: Discord cannot be reached; start again after a while.
        """
        connected.clear()
        self._us = None
        self._web.forget_refusal()  # the token may be known again since
        us = await self._identify()
        await wait_for_session(self._web, self._services.clock)
        if wants(self._services.missed):
            await self._load_marks()
        await self._register(us)
        receiver = Receiver(
            self._settings,
            self._settings.inbound_rules(self._name),
            us,
            web=self._web,
            chains=self._chains,
            callers=self._callers,
            hints=self._hints,
            marks=self._marks,
            services=self._services,
            intake=intake,
            connected=connected,
        )
        await receiver.run()

    async def _register(self, us: Identity) -> None:
        if not self._settings.commands:
            return
        commands = command_list(self._services.offers, self._services.speech)
        try:
            async with asyncio.timeout(REGISTER_TIMEOUT_S):
                await register(commands, us.application_id, self._web, self._services.store, self._name)
        except TimeoutError:
            log.warning("slash commands not registered in time, those of before stay")

    async def _load_marks(self) -> None:
        try:
            await self._marks.load()
        except StoreError as error:
            raise PlatformUnavailable(f"the marks are not readable ({error.reason})", outcome_unknown=False) from error

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> DiscordReply:
        """Make the reply to an envelope; no I/O."""
        return DiscordReply(
            envelope,
            turn_id,
            locale,
            settings=self._settings,
            services=self._services,
            web=self._web,
            hourglass=self._hourglass,
            chains=self._chains,
            callers=self._callers,
            our_id=self._our_user_id,
        )

    async def resolve(self, envelope: Envelope) -> Envelope:
        """Return it as it is: names and language came with the event."""
        return envelope

    async def fetch(self, envelope: Envelope, attachment: Attachment, limit_bytes: int) -> bytes:
        """Read a file from Discord's own hosts; where its address has expired, by a fresh one."""
        return await self._files.read(envelope, attachment, limit_bytes)

    async def earlier_messages(self, envelope: Envelope, limit: int) -> Sequence[EarlierMessage]:
        """Read the thread or the reply chain before the question. Empty if it cannot be read in time."""
        try:
            async with asyncio.timeout(EARLIER_TIMEOUT_S):
                return await self._earlier_messages(envelope, limit)
        except (PlatformError, CredentialsError) as error:
            log.info("earlier messages not readable", reason=error.reason)
        except TimeoutError:
            log.info("earlier messages not read in time")
        return ()

    async def _earlier_messages(self, envelope: Envelope, limit: int) -> list[EarlierMessage]:
        if limit <= 0 or not envelope.inside_thread:
            return []
        us = await self._identify()
        question = parse_delivery_key(envelope.delivery_key)
        if question.channel != envelope.place.channel:
            messages = await thread_before(self._web, question, limit, envelope.place.channel, us)
        else:
            messages = await chain_before(self._web, question, limit)
        return retold(messages, us, KnownNames())

    async def _identify(self) -> Identity:
        if self._us is None:
            me = await who_we_are(self._web)
            wanted, granted = self._settings.message_content, me.may_read_content
            self._us = Identity(me.user_id, me.application_id, wanted == "on" or (wanted == "auto" and granted))
            log.info("known to Discord", user=me.user_id, reads_content=self._us.reads_content)
        return self._us

    async def _our_user_id(self) -> str:
        try:
            return (await self._identify()).user_id
        except CredentialsError as error:
            raise DiscordRefused(error.reason, code=0) from error
