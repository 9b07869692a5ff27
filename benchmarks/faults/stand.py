"""Where one row is tried: emulators of its own and a bridge of its own, all in this process."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.row import IDLE_S, REBUILD_S, REQUEST_S, Row
from benchmarks.proving.crowd import Crowd
from benchmarks.proving.ground import Ground, open_ground, toml
from benchmarks.proving.judge import Judge
from benchmarks.proving.questions import Question
from bridge.app import Bridge, assemble
from bridge.config.load import load_config

LOOK_S = 0.05
SHORTENED = {
    "agents.default": {"connect_timeout_s": 1.0, "request_timeout_s": REQUEST_S, "idle_timeout_s": IDLE_S}
    | {"answer_timeout_s": 15.0},
    "adapters.slack": {"request_timeout_s": REQUEST_S, "ping_interval_s": 0.3, "rebuild_after_s": REBUILD_S},
    "adapters.discord": {"request_timeout_s": REQUEST_S, "rebuild_after_s": REBUILD_S, "identify_interval_s": 0.0},
    "bridge": {"turn_timeout_s": 20.0, "drain_s": 0.5},
}
HEARTBEAT_S = 1.0


@dataclass(slots=True)
class Stand:
    """Everything a row needs."""

    row: Row
    ground: Ground
    crowd: Crowd
    judge: Judge

    async def until(self, condition: Callable[[], object], timeout_s: float) -> bool:
        """Wait for something; tell whether it came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await self.ground.something_happens(LOOK_S)
                return True
        return bool(condition())

    @property
    def connected(self) -> bool:
        """The platform would deliver a question now."""
        if self.row.asked_on == "slack":
            return bool(self.ground.slack.sockets.connections)
        return self.ground.discord.gateway.connected() > 0

    def shown(self, question: Question) -> list[str]:
        """Return what the bot says in a question's place, other answers left out: texts, then small print."""
        others = [f"{q.token}-" for q in self.crowd.questions if q is not question]
        said = [m for m in self.crowd.shown(question) if not any(other in m.text for other in others)]
        return [message.text for message in said] + [message.small_print for message in said if message.small_print]

    @asynccontextmanager
    async def bridge(self) -> AsyncIterator[Bridge]:
        """Run the bridge for the platform that is asked."""
        ground = self.ground
        sections = {name: dict(values) for name, values in ground.settings.items()}
        del sections["adapters.discord" if self.row.asked_on == "slack" else "adapters.slack"]
        for name, values in SHORTENED.items():
            if name in sections:
                sections[name] |= values
        ground.config.write_text(toml(sections), encoding="utf-8")
        async with assemble(load_config(ground.config, {}), kinds=lambda _: True) as running:
            yield running


@asynccontextmanager
async def open_stand(row: Row, seed: int = 0) -> AsyncIterator[Stand]:
    """Set up what one row needs; the bridge does not run yet."""
    with tempfile.TemporaryDirectory(prefix="coze-bridge-fault-") as folder:
        async with open_ground(Path(folder), seed=seed) as ground:
            ground.agent.slowest_s, ground.agent.first_words_s = 1.2, 0.2
            ground.discord.switches.identify_interval_s = 0.0
            ground.discord.switches.heartbeat_interval_s = HEARTBEAT_S
            crowd = Crowd(ground, seed)
            yield Stand(row, ground, crowd, Judge(ground, crowd))
