"""The Slack adapter under test: a running emulator, the adapter on the real SDK, an intake that only remembers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.slack.adapter import SlackPlatform
from adapters.slack.settings import SlackSettings
from bridge.clock import SystemClock
from bridge.extension import Services
from bridge.model import Addressing, Author, Envelope, Invocation, Invoked, Place, Press, Pressed, Typing
from bridge.ports import Intake
from bridge.stores.memory import MemoryStore
from bridge.texts import say
from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

PAYLOADS = Path(__file__).parent.parent / "payloads" / "slack"
ENVIRONMENT = (
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
    *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"),
)
DEADLINE_S = 10.0


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reads proxies and tokens from the environment; tests must not."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def payload() -> Callable[[str], dict[str, Any]]:
    """Read the body of one recorded event by its name."""

    def read(name: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())["body"]
        return body

    return read


class FakeIntake:
    """Remembers what it is given; new in order, repeats told apart by their delivery key.

    Attributes:
        failures: Raised by the next calls of ``accept``, one each; ``press_failures`` by those of ``press``
            and ``invoke``.
        gate: While cleared, neither ``accept`` nor ``press`` returns.
    """

    def __init__(self) -> None:
        self.offered: list[Envelope] = []
        self.accepted: list[Envelope] = []
        self.withdrawn: list[str] = []
        self.presses: list[Press] = []
        self.pressed = Pressed(True)
        self.invocations: list[Invocation] = []
        self.invoked = Invoked(accepted=True)
        self.failures: list[Exception] = []
        self.press_failures: list[Exception] = []
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
        self._tell()
        await self.gate.wait()
        if self.press_failures:
            raise self.press_failures.pop(0)
        return self.pressed

    async def invoke(self, call: Invocation) -> Invoked:
        self.invocations.append(call)
        self._tell()
        if self.press_failures:
            raise self.press_failures.pop(0)
        return self.invoked

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
async def slack(sandbox_clock: SandboxClock, journal: Journal) -> AsyncIterator[SlackEmulator]:
    """A running emulator with ann and bob in #general, and the bot with them."""
    async with SlackEmulator(sandbox_clock, journal) as emulator:
        emulator.add_user("ann", user_id="U1", display_name="Ann")
        emulator.add_user("bob", locale="zh-CN", user_id="U2", display_name="波波")
        emulator.add_channel("general", channel_id="C1")
        yield emulator


SettingsFor = Callable[..., SlackSettings]


@pytest.fixture
def settings_for(slack: SlackEmulator) -> SettingsFor:
    """Make settings that point at the emulator; a busy machine's pause is not taken for a lost socket."""

    def make(**changes: Any) -> SlackSettings:
        values: dict[str, Any] = {
            "bot_token": SecretStr(slack.bot_token),
            "app_token": SecretStr(slack.app_token),
            "base_url": slack.api_url,
            "ping_interval_s": 2.0,
            "rebuild_after_s": 10.0,
        }
        return SlackSettings(**{**values, **changes})

    return make


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """What the bridge lends: the real clock, a store in memory, our sentences."""
    clock = SystemClock()
    async with MemoryStore(clock) as store:
        yield Services(clock, store, say)


PlatformFor = Callable[..., AbstractAsyncContextManager[SlackPlatform]]


@pytest.fixture
def platform_for(settings_for: SettingsFor, services: Services) -> PlatformFor:
    """Open the adapter, by changed settings if wanted."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[SlackPlatform]:
        async with SlackPlatform("work", settings_for(**changes), services) as platform:
            yield platform

    return opened


@pytest.fixture
async def platform(platform_for: PlatformFor) -> AsyncIterator[SlackPlatform]:
    """The adapter, opened, not receiving."""
    async with platform_for() as opened:
        yield opened


Serve = Callable[..., AbstractAsyncContextManager[asyncio.Event]]


@pytest.fixture
def serve() -> Serve:
    """Let a platform receive for as long as the context lasts; gives the ``connected`` event, set."""

    @asynccontextmanager
    async def receiving(platform: SlackPlatform, intake: FakeIntake) -> AsyncIterator[asyncio.Event]:
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
def intake() -> FakeIntake:
    """Where the adapter hands its messages."""
    return FakeIntake()


@pytest.fixture
def asked(slack: SlackEmulator) -> Callable[..., Envelope]:
    """Let somebody ask in the emulator and return the envelope the adapter would have made of it."""

    def ask(
        text: str = "hello", user: str = "U1", channel: str = "C1", thread_ts: str | None = None, threaded: bool = True
    ) -> Envelope:
        private = channel.startswith("D")
        ts = (slack.say if private else slack.mention)(user, channel, text, thread_ts)
        return Envelope(
            delivery_key=f"work:T1:{channel}:{ts}",
            place=Place("work", "T1", channel, (thread_ts or ts) if threaded else None, private=private),
            author=Author(user),
            message_id=ts,
            text=text,
            addressing=Addressing.DIRECT if private else Addressing.MENTION,
            sent_at_s=float(ts),
            inside_thread=thread_ts is not None,
        )

    return ask
