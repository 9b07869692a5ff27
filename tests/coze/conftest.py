"""Fixtures of the Coze client's tests: the emulator, and agents that talk to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.coze.client import CozeAgent
from bridge.coze.limits import WaitCallback
from bridge.coze.wire import Retries
from sandbox.clock import SandboxClock
from sandbox.coze import CozeEmulator
from sandbox.journal import Journal
from tests.coze.tools import BOT, TOKEN, HurriedClock, settings_for

try:
    import uvloop
except ImportError:  # does not exist everywhere
    LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

BYTES_AND_SOCKETS = ("test_http.py", "test_client_raw.py")
"""What depends on the event loop, because loops word the failures of connections differently."""

MakeAgent = Callable[..., Awaitable[CozeAgent]]

FAST_RETRIES = Retries(attempts=4, total_s=60.0, first_s=0.01, max_s=0.02, rate_limited_first_s=0.01)


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests of sockets on every loop that the bridge runs on."""
    return LOOPS if item.path.name in BYTES_AND_SOCKETS else {"asyncio": asyncio.new_event_loop}


@pytest.fixture(params=["aiohttp", "httpx"])
def transport(request: pytest.FixtureRequest) -> str:
    """Run a test on both transports."""
    return str(request.param)


@pytest.fixture
async def make_agent() -> AsyncIterator[MakeAgent]:
    """Open agents that are closed with the test."""
    async with AsyncExitStack() as stack:

        async def make(
            url: str, *, speed: float = 20.0, wall: Any = None, on_waiting: WaitCallback | None = None, **settings: Any
        ) -> CozeAgent:
            clock = HurriedClock(speed, wall)
            agent = CozeAgent(settings_for(url, **settings), clock, retries=FAST_RETRIES, on_waiting=on_waiting)
            return await stack.enter_async_context(agent)

        yield make


@pytest.fixture
def sandbox_clock() -> SandboxClock:
    """The emulator's time: real, and movable."""
    return SandboxClock()


@pytest.fixture
async def coze(sandbox_clock: SandboxClock) -> AsyncIterator[CozeEmulator]:
    """The cloud with one token and one bot."""
    async with CozeEmulator(sandbox_clock, Journal(sandbox_clock)) as emulator:
        yield prepared(emulator)


@pytest.fixture
async def studio(sandbox_clock: SandboxClock) -> AsyncIterator[CozeEmulator]:
    """A Studio with one token and one bot."""
    async with CozeEmulator(sandbox_clock, Journal(sandbox_clock), profile="studio") as emulator:
        yield prepared(emulator)


def prepared(emulator: CozeEmulator) -> CozeEmulator:
    """Give an emulator a token and a bot."""
    emulator.add_token(TOKEN)
    emulator.add_bot(BOT, name="News", prologue="Hello!", suggested_questions=["What is new?"])
    return emulator
