"""The contract of the Platform and Reply ports, on every platform that the bridge brings, and on the tests' fake."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.clock import SystemClock
from bridge.extension import Services
from bridge.stores.memory import MemoryStore
from bridge.testing.platform_contract import PlatformContract
from bridge.testing.platform_harness import PlatformHarness
from bridge.texts import say
from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from tests.contracts.console_harness import ConsoleHarness
from tests.contracts.discord_harness import DiscordHarness
from tests.contracts.fake_harness import FakeHarness
from tests.contracts.slack_harness import SlackHarness

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@pytest_asyncio.fixture
async def services() -> AsyncIterator[Services]:
    """What the bridge lends: the real clock, a store in memory, our sentences."""
    clock = SystemClock()
    async with MemoryStore(clock) as store:
        yield Services(clock, store, say)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulators are on this machine, whatever the environment says about the way out."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


class TestFakePlatform(PlatformContract):
    """What the tests of the core stand on."""

    @pytest_asyncio.fixture
    async def harness(self) -> AsyncIterator[PlatformHarness]:
        yield FakeHarness()


class TestConsole(PlatformContract):
    """The smallest platform."""

    @pytest_asyncio.fixture
    async def harness(self, services: Services) -> AsyncIterator[PlatformHarness]:
        harness = ConsoleHarness(services)
        yield harness
        harness.close()


class TestSlack(PlatformContract):
    """The real Bolt, on the emulator."""

    @pytest_asyncio.fixture
    async def harness(self, services: Services) -> AsyncIterator[PlatformHarness]:
        clock = SandboxClock()
        async with SlackEmulator(clock, Journal(clock)) as slack:
            yield SlackHarness(slack, services)


class TestDiscord(PlatformContract):
    """The real discord.py, on the emulator."""

    @pytest_asyncio.fixture
    async def harness(self, services: Services) -> AsyncIterator[PlatformHarness]:
        clock = SandboxClock()
        async with DiscordEmulator(clock, Journal(clock)) as discord:
            yield DiscordHarness(discord, services)
