"""One Slack app in one workspace: implements ``bridge.ports.Platform`` on slack-bolt and slack-sdk."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Self

import structlog

from adapters.slack import limits, outbound
from adapters.slack.backlog import Backlog
from adapters.slack.callers import Callers
from adapters.slack.chores import Chores
from adapters.slack.commands import CommandWords
from adapters.slack.counter import Counter
from adapters.slack.desk import Desk
from adapters.slack.directory import Directory
from adapters.slack.files import Files
from adapters.slack.hourglass import WaitingMarks
from adapters.slack.inbound import Identity
from adapters.slack.readable import mentioned_ids, with_names
from adapters.slack.receiver import Receiver
from adapters.slack.reply import SlackReply
from adapters.slack.scopes import scope_needs
from adapters.slack.settings import SlackSettings
from adapters.slack.streams import StreamGate
from adapters.slack.threads import EarlierWords, read_pages
from adapters.slack.web import Web
from bridge.delivery.hourglass import Hourglass
from bridge.errors import CredentialsError, PlatformError, PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.model import Attachment, Capabilities, EarlierMessage, Envelope, PartRules, TurnId
from bridge.ports import Intake

log = structlog.get_logger(__name__)

CAPABILITIES = Capabilities(
    edit_interval_s=limits.EDIT_INTERVAL_S,
    status_refresh_s=limits.STATUS_REFRESH_S,
    controls=True,
    delivers_again=True,
)
PART_RULES = PartRules(limits.PART_CHARS, outbound.measure, outbound.amounts)

NAMES_TIMEOUT_S = 2.0
EARLIER_TIMEOUT_S = 8.0


class SlackPlatform:
    """Slack, with one installation's credentials."""

    def __init__(self, name: str, settings: SlackSettings, services: Services) -> None:
        self._name = name
        self._settings = settings
        self._services = services
        self._rules = settings.inbound_rules(name)
        self._web = Web(settings)
        self._files = Files(settings, self._web)
        self._hourglass = Hourglass(WaitingMarks(self._web), services.store)
        self._callers = Callers()
        self._directory = Directory(self._web, services.clock)
        self._gate = StreamGate(services.clock)
        self._us: Identity | None = None

    @property
    def name(self) -> str:
        """The instance's name in the config."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Edits as soon as the limits allow; a status is renewed every 90 s; buttons; events come again."""
        return CAPABILITIES

    @property
    def part_rules(self) -> PartRules:
        """What fits into one ``markdown`` block, counted as it is sent."""
        return PART_RULES

    async def __aenter__(self) -> Self:
        await self._web.__aenter__()
        await self._files.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._files.__aexit__(*exc)
        await self._web.__aexit__(*exc)

    async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
        """Receive over Socket Mode until cancelled; sockets beyond repair are replaced by new ones.

        Raises:
            CredentialsError: One of the tokens is refused, now or later.
            PlatformError: Slack cannot be reached; start again after a while.
        """
        connected.clear()
        self._us = None
        self._web.forget_refusal()  # the token may have been granted again since
        us = await self._identify()
        backlog = await self._remembering(us, intake)
        async with Chores.open(limits.PRESSES_AT_ONCE) as chores:
            chores.start(backlog.run(), "reading what was missed")
            desk = Desk(self._name, us, self._web, self._directory, self._services, chores, intake)
            counter = Counter(self._web, self._directory, self._services, self._callers, chores, intake)
            words = CommandWords.of(self._settings.command, self._services.offers)
            receiver = Receiver(
                self._settings, self._rules, us, self._web, desk, counter, words, backlog, self._services.clock
            )
            app = receiver.app(self._settings.bot_token.get_secret_value())
            while True:
                # Our own request, because with a wrong app token the SDK would try for ever.
                url = await self._web.open_connection()
                await receiver.run(app, url, connected)
                if self._web.refusal is not None:
                    raise self._web.refusal

    async def _remembering(self, us: Identity, intake: Intake) -> Backlog:
        """Make the backlog, which knows what the last life heard.

        Raises:
            PlatformUnavailable: The store does not tell it; to begin without would be to miss what was written.
        """
        backlog = Backlog(self._rules, us, self._web, self._services, intake)
        try:
            await backlog.load()
        except StoreError as error:
            raise PlatformUnavailable(f"nobody knows what was heard: {error.reason}", outcome_unknown=False) from error
        return backlog

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> SlackReply:
        """Make the reply to an envelope; no I/O."""
        return SlackReply(
            envelope,
            turn_id,
            locale,
            settings=self._settings,
            services=self._services,
            web=self._web,
            hourglass=self._hourglass,
            callers=self._callers,
            gate=self._gate,
            files=self._files,
            who_we_are=self._identify,
        )

    async def resolve(self, envelope: Envelope) -> Envelope:
        """Fill in the author's name and language, the channel's name and the names mentioned; within two seconds."""
        place, author = envelope.place, envelope.author
        people = [author.id, *mentioned_ids(envelope.text)]
        await self._directory.learn(people, () if place.private else (place.channel,), timeout_s=NAMES_TIMEOUT_S)
        person = self._directory.person(author.id)
        return replace(
            envelope,
            text=with_names(envelope.text, self._directory.names(people)),
            author=replace(author, name=person.name or author.name, locale=person.language or author.locale),
            place=replace(place, channel_name=self._directory.channel(place.channel) or place.channel_name),
        )

    async def fetch(self, envelope: Envelope, attachment: Attachment, limit_bytes: int) -> bytes:
        """Read a file with the bot's token, which goes to Slack's hosts alone."""
        return await self._files.read(attachment, limit_bytes)

    async def earlier_messages(self, envelope: Envelope, limit: int) -> Sequence[EarlierMessage]:
        """Read the thread before the question: its root and the newest messages. Empty if it cannot be read in time."""
        try:
            async with asyncio.timeout(EARLIER_TIMEOUT_S):
                return await self._earlier_messages(envelope, limit)
        except (PlatformError, CredentialsError) as error:
            log.info("earlier messages not readable", reason=error.reason)
        except TimeoutError:
            log.info("earlier messages not read in time")
        return ()

    async def _earlier_messages(self, envelope: Envelope, limit: int) -> list[EarlierMessage]:
        words = EarlierWords(envelope.message_id, limit, await self._identify())
        async with aclosing(read_pages(self._web, envelope.place, latest=envelope.message_id)) as messages:
            async for message in messages:
                words.add(message)
        kept = words.messages()
        texts = [words.text(message) for message in kept]
        authors = [str(message.get("user") or "") for message in kept]
        mentioned = [user_id for text in texts for user_id in mentioned_ids(text)]
        await self._directory.learn([*authors, *mentioned], timeout_s=NAMES_TIMEOUT_S)
        names = self._directory.names([*authors, *mentioned])
        return [
            EarlierMessage(
                author_name=names.get(author) or str(message.get("username") or author or message.get("bot_id") or ""),
                text=with_names(text, names),
                ours=words.is_ours(message),
            )
            for message, author, text in zip(kept, authors, texts, strict=True)
        ]

    async def _identify(self) -> Identity:
        if self._us is None:
            self._us, granted = await self._web.who_we_are()
            for need in scope_needs(self._settings, self._services.offers):
                if granted and need.name not in granted:
                    tell = log.info if need.without else log.warning
                    tell("missing scope", scope=need.name, needed_to=need.purpose, without=need.without)
        return self._us
