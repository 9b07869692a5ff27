"""One policy's own world: a Coze and a platform that limits, emulated here, with people who ask."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from benchmarks.lag.loads import Load, Question
from sandbox.clock import SandboxClock
from sandbox.coze import CozeEmulator
from sandbox.demo.town import BOT_ID, slack_section
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

Limiter = Literal["window", "bucket", "shared"]
"""``shared``: on Discord, creates and edits draw on one allowance."""

LATENCY_S = 0.15
"""Each call takes so long; half of it before it is applied."""
POSTING_BURST = 5
"""Slack: posts in a channel, one a second with so many at once."""
PEOPLE = 20
"""So many ask in turn: one person may ask 20 questions a minute."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an answer goes; ``person`` is whom a native stream is for."""

    channel: str
    thread: str | None = None
    person: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """What a client needs to take part."""

    coze_url: str
    coze_token: str
    agent: str
    api_url: str
    bot_token: str
    spots: tuple[Spot, ...]


class Site(Protocol):
    """A world as the benchmark uses it.

    Attributes:
        service: The platform's name in the journal.
        bot: The user whose messages are the answers.
    """

    service: str
    clock: SandboxClock
    journal: Journal
    coze: CozeEmulator
    coze_token: str

    @property
    def bot(self) -> str: ...

    @property
    def section(self) -> dict[str, Any]:
        """The bridge's settings for the platform."""
        ...

    def is_connected(self) -> bool:
        """Tell whether the bridge hears the platform."""
        ...

    def ask(self, question: Question) -> None:
        """Let a person ask."""
        ...

    def spots(self, load: Load) -> tuple[Spot, ...]:
        """Prepare where a policy without ears answers."""
        ...

    @property
    def api_url(self) -> str: ...

    @property
    def bot_token(self) -> str: ...


def address_of(site: Site, load: Load) -> Address:
    """Return what a client without ears needs."""
    return Address(site.coze.base_url, site.coze_token, BOT_ID, site.api_url, site.bot_token, site.spots(load))


@asynccontextmanager
async def open_site(load: Load, limiter: Limiter, *, heard: bool, burst_share: float) -> AsyncIterator[Site]:
    """Run the emulators of one policy.

    Args:
        heard: Somebody connects to hear what people say; otherwise the platform tells nobody.
        burst_share: The size of a token bucket as a share of the calls a minute.
    """
    clock = SandboxClock()
    journal = Journal(clock)
    async with CozeEmulator(clock, journal) as coze:
        token = f"pat_{secrets.token_hex(16)}"
        coze.add_token(token)
        coze.add_bot(BOT_ID)
        coze.answers.agent = load.answer
        if load.platform == "slack":
            async with SlackEmulator(clock, journal) as slack:
                slack.switches.latency_s = LATENCY_S
                slack.switches.rate_limits = "bucket" if limiter == "bucket" else "window"
                slack.switches.bucket_burst_share = burst_share
                slack.switches.posting_burst = POSTING_BURST
                yield SlackSite(clock, journal, coze, token, slack, load, heard=heard)
        else:
            async with DiscordEmulator(clock, journal) as discord:
                discord.switches.latency_s = LATENCY_S
                discord.switches.shared_send_edit_bucket = limiter == "shared"
                yield DiscordSite(clock, journal, coze, token, discord, load)


class SlackSite:
    """Implements ``Site``: channels with threads, or direct conversations."""

    service = "slack"

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        coze: CozeEmulator,
        coze_token: str,
        slack: SlackEmulator,
        load: Load,
        *,
        heard: bool,
    ) -> None:
        self.clock, self.journal, self.coze, self.coze_token = clock, journal, coze, coze_token
        self._slack = slack
        self._direct = load.direct
        if not heard:
            slack.add_app(events=())
        self._people = [slack.add_user(f"person{n}") for n in range(max(PEOPLE, load.places if load.direct else 0))]
        self._places = (
            [slack.open_dm(person) for person in self._people[: load.places]]
            if load.direct
            else [slack.add_channel(f"channel{n}") for n in range(load.places)]
        )

    @property
    def bot(self) -> str:
        return self._slack.bot_user_id

    @property
    def section(self) -> dict[str, Any]:
        return slack_section(self._slack)

    @property
    def api_url(self) -> str:
        return self._slack.api_url

    @property
    def bot_token(self) -> str:
        return self._slack.bot_token

    def is_connected(self) -> bool:
        return bool(self._slack.sockets.connections)

    def ask(self, question: Question) -> None:
        person, channel = self._who_and_where(question)
        if self._direct:
            self._slack.say(person, channel, question.asked)
        else:
            self._slack.mention(person, channel, question.asked)

    def spots(self, load: Load) -> tuple[Spot, ...]:
        return tuple(self._spot(question) for question in load.questions)

    def _spot(self, question: Question) -> Spot:
        person, channel = self._who_and_where(question)
        root = self._slack.say(person, channel, question.asked)
        return Spot(channel, root, person, self._slack.installation.team_id)

    def _who_and_where(self, question: Question) -> tuple[str, str]:
        person = question.place if self._direct else question.number
        return self._people[person % len(self._people)], self._places[question.place]


class DiscordSite:
    """Implements ``Site``: text channels, answered in the channel itself, where all answers share its limits."""

    service = "discord"

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        coze: CozeEmulator,
        coze_token: str,
        discord: DiscordEmulator,
        load: Load,
    ) -> None:
        self.clock, self.journal, self.coze, self.coze_token = clock, journal, coze, coze_token
        self._discord = discord
        self._people = [discord.add_user(f"person{number}") for number in range(PEOPLE)]
        self._places = [discord.add_channel(f"channel{number}") for number in range(load.places)]

    @property
    def bot(self) -> str:
        return self._discord.bot_user_id

    @property
    def section(self) -> dict[str, Any]:
        return {
            "token": self._discord.bot_token,
            "api_url": self._discord.api_url,
            "gateway_url": self._discord.gateway_url,
            "answer_in": "place",
        }

    @property
    def api_url(self) -> str:
        return self._discord.api_url

    @property
    def bot_token(self) -> str:
        return self._discord.bot_token

    def is_connected(self) -> bool:
        return self._discord.gateway.connected() > 0

    def ask(self, question: Question) -> None:
        person = self._people[question.number % PEOPLE]
        self._discord.mention(person, self._places[question.place], question.asked)

    def spots(self, load: Load) -> tuple[Spot, ...]:
        return tuple(Spot(self._places[question.place]) for question in load.questions)
