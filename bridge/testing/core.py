"""A whole core in one process: fake agent, fake platform, memory store, a clock in the test's hands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import bridge.core
from bridge.core import CoreOptions
from bridge.files.fetching import Fetcher
from bridge.intake.accepting import Intake
from bridge.intake.gate import GateRules
from bridge.keys import turn_id
from bridge.model import Envelope, OnBusy, Outcome, Reasoning, TurnRecord, TurnState
from bridge.observing import UNOBSERVED, Observer
from bridge.ports import Tools, Workflows
from bridge.routes import AgentBinding, Routes
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import FakeAgent, FakePlatform
from bridge.turns.asking import AskingOptions
from bridge.turns.lanes import Lanes
from bridge.turns.turn import TurnOptions, Turns
from bridge.workflows.book import Flow, WorkflowBook
from bridge.workflows.settings import WorkflowSettings

LONGEST_TURN_S = 600.0


@dataclass
class Core:
    """The pieces a test may look at."""

    agent: FakeAgent
    platform: FakePlatform
    store: MemoryStore
    clock: FakeClock
    whole: bridge.core.Core

    @property
    def lanes(self) -> Lanes:
        return self.whole.lanes

    @property
    def turns(self) -> Turns:
        return self.whole.turns

    @property
    def intake(self) -> Intake:
        return self.whole.intake

    async def record(self, envelope: Envelope) -> TurnRecord:
        """Return what is written down of a question."""
        record = await self.store.turn(turn_id(envelope.delivery_key))
        assert record is not None
        return record

    async def until(self, condition: Callable[[], bool], *, step_s: float = 0.05, limit_s: float = 3600.0) -> None:
        """Let the time run until ``condition`` holds, at most ``limit_s`` of it."""
        waited_s = 0.0
        while not condition():
            assert waited_s < limit_s, f"still waiting after {limit_s:g} s; calls: {self.platform.calls}"
            await self.clock.run(step_s)
            waited_s += step_s

    async def ended(self, *envelopes: Envelope) -> list[TurnRecord]:
        """Wait until all these turns have ended and return their records."""
        records: list[TurnRecord] = []
        for envelope in envelopes:
            step_s = 0.05
            while (record := await self.record(envelope)).state is not TurnState.ENDED:
                assert step_s < LONGEST_TURN_S, record
                await self.clock.run(step_s)
                step_s *= 1.1
            records.append(record)
        return records

    async def ask(self, envelope: Envelope) -> TurnRecord:
        """Accept a question and wait until its turn has ended."""
        assert await self.intake.accept(envelope)
        return (await self.ended(envelope))[0]

    async def answered(self, envelope: Envelope) -> list[str]:
        """Ask and return what stands on the platform for it."""
        record = await self.ask(envelope)
        assert record.outcome is Outcome.DELIVERED, record
        return self.platform.visible(record.turn_id)


@asynccontextmanager
async def core_of(
    agent: FakeAgent,
    *,
    options: TurnOptions | None = None,
    gate: GateRules | None = None,
    max_waiting: int = 5,
    platform: FakePlatform | None = None,
    clock: FakeClock | None = None,
    store: MemoryStore | None = None,
    observer: Observer = UNOBSERVED,
    on_busy: OnBusy = OnBusy.QUEUE,
    workflows: Workflows | None = None,
    flows: Mapping[str, WorkflowSettings] | None = None,
    tools: Tools | None = None,
    asks_people: bool = True,
    fetcher: Fetcher | None = None,
    reasoning: Reasoning = Reasoning.HIDDEN,
) -> AsyncIterator[Core]:
    """Assemble a core around ``agent``; a ``store`` of the test's own shares its ``clock``.

    ``flows`` are what ``workflows`` can run, by name.
    """
    clock = clock or FakeClock()
    platform = platform or FakePlatform()
    options = options or TurnOptions(AskingOptions(identity_secret=b"secret of the tests"))
    async with store or MemoryStore(clock) as opened, asyncio.TaskGroup() as tasks:
        variables = {"who": "{author_name}"}
        binding = AgentBinding("default", agent, "bot-1", variables, workflows, tools, asks_people, reasoning=reasoning)
        book = WorkflowBook({name: Flow(name, settings, binding) for name, settings in (flows or {}).items()})
        routes = Routes({"default": binding}, "default", on_busy=on_busy)
        decided = CoreOptions(options, gate or GateRules(), max_waiting)
        platforms = {platform.name: platform}
        whole = bridge.core.Core(
            tasks,
            opened,
            clock,
            routes,
            platforms,
            decided,
            holder="test",
            book=book,
            observer=observer,
            fetcher=fetcher,
        )
        core = Core(agent, platform, opened, clock, whole)
        try:
            yield core
        finally:
            drained = tasks.create_task(whole.drain(0.01))
            while not drained.done():
                await clock.run(1.0)
                await asyncio.sleep(0.001)
