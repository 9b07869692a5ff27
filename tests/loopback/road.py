"""The whole road in one process: the real bridge with its real adapters and store, between emulated services."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.app import Bridge, assemble
from bridge.config.load import load_config
from bridge.texts import LANGUAGES, Say
from sandbox.coze import CozeEmulator
from sandbox.discord import DiscordEmulator
from sandbox.journal import Entry, Journal
from sandbox.slack import SlackEmulator, VisibleMessage

TOKEN = "pat_sandbox_of_the_tests"
BOT = "7498000011112222333"
CHANNEL = "C1"
CHAT = "POST /v3/chat"
DEADLINE_S = 20.0
LINE_CHARS = 240
"""So much of a journal entry is enough to see what went wrong."""
LATE_S = 600.0
"""Far beyond anything a test waits for: a setting that shall not play a part."""


@dataclass
class Road:
    """Both ends and the configuration of the bridge between; ``async with road.bridge()`` runs it.

    Attributes:
        settings: Sections of the configuration; change them before the bridge starts.
        forgiven: Violations that the test means to cause.
    """

    journal: Journal
    coze: CozeEmulator
    slack: SlackEmulator
    folder: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    forgiven: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.settings = {
            "bridge": {"identity_secret": "a secret of sixteen", "drain_s": 1.0},
            "agents.default": {"bot_id": BOT, "token": TOKEN, "base_url": self.coze.base_url, "chats_per_s": 100.0},
            "adapters.slack": {
                "bot_token": self.slack.bot_token,
                "app_token": self.slack.app_token,
                "base_url": self.slack.api_url,
                "updates_per_minute": 100_000,
                "posts_per_minute": 100_000,
                "streams_per_minute": 100_000,
                "appends_per_minute": 100_000,
            },
            "pace": {"edit_interval_s": 0.05, "first_words_wait_s": 0.02},
            "store": {"path": str(self.folder / "bridge.sqlite")},
        }

    def add_discord(self, discord: DiscordEmulator) -> None:
        """Let the bridge serve a Discord too."""
        self.settings["adapters.discord"] = {
            "token": discord.bot_token,
            "api_url": discord.api_url,
            "gateway_url": discord.gateway_url,
            "identify_interval_s": 0.0,
            "channel_creates": 10_000,
            "channel_edits": 10_000,
            "requests_per_s": 10_000,
        }

    def configure(self, section: str, **values: Any) -> None:
        """Change or add keys of one section."""
        self.settings.setdefault(section, {}).update(values)

    @asynccontextmanager
    async def bridge(self, *, connected: bool = True) -> AsyncIterator[Bridge]:
        """Run the bridge as configured now; entered when it is connected everywhere, or at once."""
        file = self.folder / "config.toml"
        file.write_text(toml(self.settings), encoding="utf-8")
        async with assemble(load_config(file, {}), kinds=lambda _: True) as bridge:
            if connected:
                async with asyncio.timeout(DEADLINE_S):
                    for adapter in bridge.connected.values():
                        await adapter.wait()
            yield bridge

    # --- people ---

    def ask(self, text: str, thread_ts: str | None = None, *, user: str = "ann") -> str:
        """Mention the bot in #general."""
        return self.slack.mention(user, CHANNEL, text, thread_ts)

    def reply(self, text: str, thread_ts: str, *, user: str = "ann") -> str:
        """Say something in a thread of #general without naming anybody."""
        return self.slack.say(user, CHANNEL, text, thread_ts)

    def write(self, text: str, thread_ts: str | None = None, *, user: str = "ann") -> tuple[str, str]:
        """Write a direct message; return the channel and the message."""
        channel = self.slack.open_dm(user)
        return channel, self.slack.say(user, channel, text, thread_ts)

    # --- what they see ---

    def answers(self, thread_ts: str, channel: str = CHANNEL) -> list[VisibleMessage]:
        """Return what the bot posted in a thread."""
        return self.slack.answers(channel, thread_ts)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Return as soon as something holds."""
        try:
            await self.slack.wait_until(lambda: bool(condition()), what=what, timeout_s=DEADLINE_S)
        except TimeoutError as error:
            raise TimeoutError("\n".join(line[:LINE_CHARS] for line in str(error).splitlines())) from None

    async def answer(self, text: str, thread_ts: str, channel: str = CHANNEL) -> VisibleMessage:
        """Return the bot's message in a thread once it shows exactly this text."""

        def found() -> list[VisibleMessage]:
            return [message for message in self.answers(thread_ts, channel) if message.text == text]

        await self.until(found, f"the text {text[:80]!r}")
        return found()[-1]

    async def once(self, text: str, thread_ts: str) -> None:
        """Expect exactly one message with exactly this text, asked for exactly once."""
        await self.answer(text, thread_ts)
        await self.quiet()
        assert [message.text for message in self.answers(thread_ts)] == [text]
        assert len(self.chats()) == 1

    async def whole(self, text: str, thread_ts: str) -> None:
        """Expect exactly this text, in as many messages as it took, asked for exactly once."""

        def words() -> list[str]:
            return " ".join(message.text for message in self.answers(thread_ts)).split()

        await self.until(lambda: words() == text.split(), f"the text {text[:80]!r}")
        await self.quiet()
        assert words() == text.split()
        assert len(self.chats()) == 1

    async def sentence(self, say: Say, locale: str, thread_ts: str, channel: str = CHANNEL) -> VisibleMessage:
        """Return the bot's message in a thread that holds one of our sentences, as text or as small print."""
        wanted = LANGUAGES[locale][say].partition("{")[0].strip()

        def found() -> list[VisibleMessage]:
            return [m for m in self.answers(thread_ts, channel) if wanted in f"{m.text}\n{m.small_print}"]

        await self.until(found, f"the sentence {wanted!r}")
        return found()[-1]

    async def form(self, user: str, act: Callable[[], Awaitable[object]]) -> None:
        """Let somebody act until a form is open: on a busy machine the three seconds for it pass quickly."""

        def words() -> int:
            return sum(message.ephemeral_for is not None for message in self.slack.messages(CHANNEL))

        while not self.slack.views_of(user):
            before = words()
            await act()
            await self.until(lambda before=before: self.slack.views_of(user) or words() > before, "a form, or a word")  # type: ignore[misc]

    async def waiting_sign(self, ts: str, channel: str = CHANNEL) -> None:
        """Return when a question wears the hourglass."""
        await self.until(lambda: self.slack.shown(channel, ts).reactions, f"a waiting sign on {ts}")

    # --- what the agent's side saw ---

    def chats(self) -> list[Entry]:
        """Return every request that asked the agent something."""
        return self.journal.select(service="coze", kind="request", name=CHAT)

    def conversations(self) -> list[str]:
        """Return the conversation of every question, in order."""
        return [str(entry.detail["query"].get("conversation_id", "")) for entry in self.chats()]

    def questions(self) -> list[str]:
        """Return every question as the agent got it, in order."""
        return [entry.detail["body"]["additional_messages"][-1]["content"] for entry in self.chats()]

    async def first_delta(self, count: int = 1) -> None:
        """Return when the agent has said the first word of ``count`` answers."""

        def spoken() -> int:
            events = self.journal.select(service="coze", kind="event", name="conversation.message.delta")
            return len({entry.detail["chat_id"] for entry in events if entry.detail["content"]})

        await self.until(lambda: spoken() >= count, "the agent's first words")

    async def quiet(self) -> None:
        """Return when all that was under way is over."""
        await self.slack.settled(quiet_s=0.3, timeout_s=DEADLINE_S)

    def calls(self, method: str) -> list[Entry]:
        """Return every request for one method of the Web API."""
        return self.journal.select(service="slack", kind="request", name=method)


def toml(sections: dict[str, dict[str, Any]]) -> str:
    """Write sections as TOML; what JSON writes for texts, numbers, truths and lists, TOML reads as the same."""

    def lines() -> Iterator[str]:
        for name, values in sections.items():
            yield f"[{name}]"
            yield from (f"{key} = {json.dumps(value)}" for key, value in values.items())

    return "\n".join(lines())
