"""A Discord server at one end of the road: what people do there, and what they see."""

from dataclasses import dataclass

from bridge.texts import LANGUAGES, Say
from sandbox.discord import DiscordEmulator
from sandbox.discord.audience import VisibleMessage
from sandbox.journal import Entry
from tests.loopback.road import DEADLINE_S, Road

GENERAL, FORUM = "general", "help"
CREATE = "POST /channels/{channel}/messages"
EDIT = "PATCH /channels/{channel}/messages/{message}"
THREAD = "POST /channels/{channel}/messages/{message}/threads"


@dataclass
class Server:
    """The guild with Ann, Ben and Li in #general and the forum #help; channels by id or name."""

    road: Road
    emulator: DiscordEmulator

    # --- people ---

    def ask(self, text: str, channel: str = GENERAL, *, user: str = "ann") -> str:
        """Mention the bot; a thread for the answer will have the id of the question."""
        return self.emulator.mention(user, channel, text)

    def reply(self, text: str, thread: str, *, user: str = "ann") -> str:
        """Say something in a thread without naming anybody."""
        return self.emulator.say(user, thread, text)

    def write(self, text: str, *, user: str = "ann") -> str:
        """Write a direct message; return the channel."""
        self.emulator.dm(user, text)
        return self.emulator.open_dm(user)

    # --- what they see ---

    def answers(self, channel: str) -> list[VisibleMessage]:
        """Return what the bot posted in a channel, or in a thread that may not be there yet."""
        return self.emulator.answers(channel) if self.has(channel) else []

    def has(self, channel: str) -> bool:
        """Tell whether there is such a channel or thread."""
        world = self.emulator.service.world
        return channel in world.channels or channel in {c.name for c in world.channels.values()}

    def texts(self, channel: str) -> list[str]:
        """Return the texts the bot posted."""
        return [message.text for message in self.answers(channel)]

    async def answer(self, text: str, channel: str) -> VisibleMessage:
        """Return the bot's message once it shows exactly this text."""
        await self.road.until(lambda: text in self.texts(channel), f"the text {text[:80]!r}")
        return next(message for message in reversed(self.answers(channel)) if message.text == text)

    async def once(self, text: str, channel: str) -> None:
        """Expect exactly one message with exactly this text, asked for exactly once."""
        await self.answer(text, channel)
        await self.quiet()
        assert self.texts(channel) == [text]
        assert len(self.road.chats()) == 1

    async def whole(self, text: str, channel: str) -> None:
        """Expect exactly this text, in as many messages as it took, asked for exactly once."""

        def words() -> list[str]:
            return " ".join(self.texts(channel)).split()

        await self.road.until(lambda: words() == text.split(), f"the text {text[:80]!r}")
        await self.quiet()
        assert words() == text.split()
        assert len(self.road.chats()) == 1

    async def sentence(self, say: Say, locale: str, channel: str) -> VisibleMessage:
        """Return the bot's message that holds one of our sentences."""
        wanted = LANGUAGES[locale][say].partition("{")[0].strip()
        await self.road.until(
            lambda: any(wanted in text for text in self.texts(channel)), f"the sentence {wanted!r} in {channel}"
        )
        return next(message for message in self.answers(channel) if wanted in message.text)

    async def quiet(self) -> None:
        """Return when all that was under way is over."""
        await self.emulator.settled(quiet_s=0.3, timeout_s=DEADLINE_S)

    def steps(self, message: VisibleMessage) -> list[str]:
        """Return the texts a message has shown."""
        return [step.text for step in self.emulator.steps(message.channel, message.id)]

    def calls(self, route: str) -> list[Entry]:
        """Return every request for one route of the REST API."""
        return self.road.journal.select(service="discord", kind="request", name=route)

    def handshakes(self, name: str | None = None) -> int:
        """Return how often a connection to the gateway was tried."""
        return len(self.road.journal.select(service="discord", kind="handshake", name=name))
