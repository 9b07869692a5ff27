"""The composition root: adapters start, fail, come back and stop without harming each other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from bridge.app import Bridge, assemble, gate_rules
from bridge.config import AdapterConfig, AgentConfig, Config
from bridge.errors import CredentialsError, PlatformUnavailable
from bridge.extension import Adapter, AdapterSettings, Services
from bridge.intake.gate import AccessList
from bridge.model import TurnState
from bridge.ports import Intake
from bridge.settings import BridgeSettings, GateSettings, LogSettings, PaceSettings
from bridge.stores.settings import StoreSettings
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import FakePlatform, envelope
from bridge.testing.samples import make_turn


@dataclass
class Scripted(FakePlatform):
    """A platform whose ``serve`` raises what it is told, then serves; notes how often it was started."""

    troubles: list[Exception] = field(default_factory=list)
    starts: int = 0
    serving: bool = False

    async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
        self.starts += 1
        if self.troubles:
            raise self.troubles.pop(0)
        self.serving = True
        try:
            await super().serve(intake, connected)
        finally:
            self.serving = False


def config_of(*platforms: Scripted) -> Config:
    """A configuration whose adapters are these platforms; the agent is never reached."""

    def adapter(platform: Scripted) -> Adapter[AdapterSettings]:
        def build(name: str, settings: AdapterSettings, services: Services) -> Scripted:
            return platform

        async def check(name: str, settings: AdapterSettings) -> list[object]:
            return []

        return Adapter(AdapterSettings, build, check)  # type: ignore[arg-type] # nothing is checked here

    agent = AgentConfig.model_validate({"bot_id": "1", "token": "pat_test", "base_url": "http://127.0.0.1:9"})
    return Config(
        BridgeSettings(user_id="plain", drain_s=0.0),
        GateSettings(),
        PaceSettings(),
        StoreSettings.model_validate({"path": "memory:"}),
        LogSettings(),
        {"default": agent},
        "default",
        (),
        {p.name: AdapterConfig(p.name, "scripted", adapter(p), AdapterSettings()) for p in platforms},
    )


@asynccontextmanager
async def running(*platforms: Scripted) -> AsyncIterator[tuple[Bridge, FakeClock]]:
    """A bridge with these platforms and a clock in the test's hands."""
    clock = FakeClock()
    async with assemble(config_of(*platforms), kinds=lambda _: True, clock=clock) as bridge:
        yield bridge, clock


async def until(condition: Callable[[], bool], clock: FakeClock) -> None:
    """Let the time run until ``condition`` holds."""
    async with asyncio.timeout(10):
        while not condition():
            await clock.run(0.5)


async def test_a_failing_adapter_comes_back_and_harms_nobody() -> None:
    """Outages and bugs: started again after growing pauses, while the other one serves on."""
    shaky = Scripted("shaky", troubles=[PlatformUnavailable("down", outcome_unknown=False), RuntimeError("a bug")])
    steady = Scripted("steady")
    async with running(shaky, steady) as (bridge, clock):
        await until(lambda: shaky.serving, clock)
        assert (shaky.starts, steady.starts) == (3, 1)
        assert steady.serving
        assert bridge.connected["shaky"].is_set()
    assert not shaky.serving
    assert not steady.serving


async def test_wrong_credentials_rest_until_the_operator_acts() -> None:
    """Waiting does not help: started once, the other one serves on."""
    wrong = Scripted("wrong", troubles=[CredentialsError("invalid_auth", fix="renew the token")])
    steady = Scripted("steady")
    async with running(wrong, steady) as (bridge, clock):
        await clock.run(3600.0)
        assert (wrong.starts, steady.serving) == (1, True)
        assert not bridge.connected["wrong"].is_set()


async def test_an_adapter_that_swallows_its_cancellation_is_cancelled_again() -> None:
    """A library took it for an error of its own: the stop insists."""

    class Stubborn(Scripted):
        async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await super().serve(intake, connected)

    stubborn = Stubborn("stubborn")
    async with asyncio.timeout(20), running(stubborn) as (_, clock):
        await clock.run(1.0)
    assert not stubborn.serving


async def test_the_bridge_ends_when_no_adapter_is_left() -> None:
    """All of them rest: there is nothing to wait for."""
    wrong = Scripted("wrong", troubles=[CredentialsError("invalid_auth", fix="renew the token")])
    async with running(wrong) as (bridge, _), asyncio.timeout(10):
        await bridge.all_rest()


async def test_what_was_accepted_before_a_stop_is_taken_up() -> None:
    """A turn that was written down and not begun runs after the next start; its agent is down here, which is said."""
    platform = Scripted("fake")
    async with running(platform) as (bridge, clock):
        turn = make_turn("fake:T1:C1:1")
        await bridge._store.create_turn(turn.__class__(turn.turn_id, turn.key, envelope(), created_at_s=1.0))
        await bridge.take_up()
        async with asyncio.timeout(20):
            while (found := await bridge._store.turn(turn.turn_id)) is not None and found.state is not TurnState.ENDED:
                await clock.run(1.0)
                await asyncio.sleep(0.01)
        assert len(platform.visible()) == 1


def test_an_empty_list_in_the_config_means_nobody() -> None:
    """Absent is everybody; both reach the gate as such."""
    rules = gate_rules(GateSettings.model_validate({"allow": {"users": []}, "deny": {"channels": ["C1"]}}))
    assert rules.users == AccessList(allow=frozenset())
    assert rules.channels == AccessList(deny=frozenset({"C1"}))
    assert rules.teams == AccessList()
