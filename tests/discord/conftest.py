"""The Discord adapter under test: a running emulator, the adapter on the real SDK, an intake that only remembers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.discord.adapter import DiscordPlatform
from adapters.discord.settings import DiscordSettings
from bridge.clock import SystemClock
from bridge.errors import BridgeError
from bridge.extension import Services
from bridge.model import Addressing, Author, Envelope, Invocation, Invoked, Place, Press, Pressed, Typing
from bridge.ports import Intake
from bridge.stores.memory import MemoryStore
from bridge.texts import say
from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

PAYLOADS = Path(__file__).parent.parent / "payloads" / "discord"
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
DEADLINE_S = 10.0


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the machine have no business here."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def payload() -> Callable[[str], dict[str, Any]]:
    """Read the data of one recorded event by its name."""

    def read(name: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())["data"]
        return data

    return read


class FakeIntake:
    """Remembers what it is given; new in order, repeats told apart by their delivery key.

    Attributes:
        failures: Raised by the next calls of ``accept``, one each.
        gate: While cleared, ``accept`` does not return.
    """

    def __init__(self) -> None:
        self.offered: list[Envelope] = []
        self.accepted: list[Envelope] = []
        self.withdrawn: list[str] = []
        self.presses: list[Press] = []
        self.pressed = Pressed(True)
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Event()

    async def accept(self, envelope: Envelope) -> bool:
        """Take the place in the order before the first ``await``, as the port demands."""
        self.offered.append(envelope)
        is_new = all(known.delivery_key != envelope.delivery_key for known in self.accepted)
        failure = self.failures.pop(0) if self.failures else None
        if is_new and failure is None:
            self.accepted.append(envelope)
        self._tell()
        await self.gate.wait()
        if failure is not None:
            raise failure
        return is_new

    async def press(self, press: Press) -> Pressed:
        self.presses.append(press)
        return self.pressed

    async def invoke(self, call: Invocation) -> Invoked:
        return Invoked()

    def suggest(self, typing: Typing) -> Sequence[str]:
        return ()

    async def withdraw(self, delivery_key: str) -> None:
        self.withdrawn.append(delivery_key)
        self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as the condition holds."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self._changed.wait()

    async def texts(self, count: int) -> list[str]:
        """Wait for so many new messages and return what they say, in order."""
        await self.until(lambda: len(self.accepted) >= count)
        return [envelope.text for envelope in self.accepted]

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


_: Intake = FakeIntake.__new__(FakeIntake)


@pytest.fixture
def sandbox_clock() -> SandboxClock:
    """The emulator's time: runs, and can be moved forward."""
    return SandboxClock()


@pytest.fixture
def journal(sandbox_clock: SandboxClock) -> Journal:
    """Everything that went over the wire."""
    return Journal(sandbox_clock)


@pytest.fixture
async def discord(sandbox_clock: SandboxClock, journal: Journal) -> AsyncIterator[DiscordEmulator]:
    """A running emulator with ann and bob in #general and the forum help, the content intent switched on."""
    async with DiscordEmulator(sandbox_clock, journal) as emulator:
        emulator.switches.identify_interval_s = 0.0
        emulator.set_privileged_intents("message_content")
        emulator.add_user("ann", display_name="Ann")
        emulator.add_user("bob", display_name="波波")
        emulator.add_channel("general")
        emulator.add_channel("help", "forum")
        yield emulator


SettingsFor = Callable[..., DiscordSettings]


@pytest.fixture
def settings_for(discord: DiscordEmulator) -> SettingsFor:
    """Make settings that point at the emulator, quick to begin anew."""

    def make(**changes: Any) -> DiscordSettings:
        values: dict[str, Any] = {
            "token": SecretStr(discord.bot_token),
            "api_url": discord.api_url,
            "gateway_url": discord.gateway_url,
            "identify_interval_s": 0.05,
            "rebuild_after_s": 5.0,
        }
        return DiscordSettings(**{**values, **changes})

    return make


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """What the bridge lends: the real clock, a store in memory, our sentences."""
    clock = SystemClock()
    async with MemoryStore(clock) as store:
        yield Services(clock, store, say)


PlatformFor = Callable[..., AbstractAsyncContextManager[DiscordPlatform]]


@pytest.fixture
def platform_for(settings_for: SettingsFor, services: Services) -> PlatformFor:
    """Open the adapter, by changed settings if wanted."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[DiscordPlatform]:
        async with DiscordPlatform("work", settings_for(**changes), services) as platform:
            yield platform

    return opened


@pytest.fixture
async def platform(platform_for: PlatformFor) -> AsyncIterator[DiscordPlatform]:
    """The adapter, opened, not receiving."""
    async with platform_for() as opened:
        yield opened


Serve = Callable[..., AbstractAsyncContextManager[asyncio.Event]]


@pytest.fixture
def serve() -> Serve:
    """Let a platform receive for as long as the context lasts; gives the ``connected`` event, set."""

    @asynccontextmanager
    async def receiving(platform: DiscordPlatform, intake: FakeIntake) -> AsyncIterator[asyncio.Event]:
        connected = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(platform.serve(intake, connected))
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await connected.wait()
                yield connected
            finally:
                task.cancel()

    return receiving


@pytest.fixture
def death() -> Callable[..., Any]:
    """Let a platform receive until it gives up by itself, and return why."""

    async def until(platform: DiscordPlatform, intake: FakeIntake) -> BridgeError:
        async with asyncio.timeout(DEADLINE_S):
            try:
                await platform.serve(intake, asyncio.Event())
            except BridgeError as error:
                return error
        raise AssertionError("it ended without a reason")

    return until


@pytest.fixture
def intake() -> FakeIntake:
    """Where the adapter hands its messages."""
    return FakeIntake()


@pytest.fixture
def asked(discord: DiscordEmulator) -> Callable[..., Envelope]:
    """Let somebody ask in the emulator and return the envelope the adapter would have made of it."""

    def ask(text: str = "hello", user: str = "ann", channel: str = "general", root: str | None = None) -> Envelope:
        place = discord.find_channel(channel)
        private = place.guild_id is None
        message_id = (discord.say if private else discord.mention)(user, place.id, text)
        guild = place.guild_id or ""
        in_thread = place.thread is not None
        where = Place(
            "work",
            guild,
            (place.parent_id or "") if in_thread else place.id,
            None if private else place.id if in_thread else root or message_id,
            private=private,
        )
        return Envelope(
            delivery_key=f"work:{guild}:{place.id}:{message_id}",
            place=where,
            author=Author(discord.find_user(user).id, "Ann"),
            message_id=message_id,
            text=text,
            addressing=Addressing.DIRECT if private else Addressing.MENTION,
            sent_at_s=0.0,
            inside_thread=in_thread or root is not None,
        )

    return ask
