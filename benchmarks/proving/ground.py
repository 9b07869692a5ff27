"""Emulators with people in them, and the configuration of the bridge between."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.proving import process
from benchmarks.proving.process import Process
from benchmarks.proving.questions import PARAMETER, RUN_SENTENCES, WORKFLOW, TokenAgent, answer_pieces
from sandbox.clock import SandboxClock
from sandbox.coze import CozeEmulator, RunScript, Step, Workflow
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES

WORKFLOW_ID = "7366468917055100000"
SLASH = f"/{WORKFLOW}"
RUN = RunScript(
    steps=(
        Step(
            deltas=tuple(piece for piece in answer_pieces("{{" + PARAMETER + "}}", RUN_SENTENCES)),
            pause_s=0.3,
            interval_s=0.2,
        ),
    ),
    result={"output": ""},
)
BOT_ID = "7498000011112222333"
CHANNELS = tuple(f"room{number}" for number in range(6))
PEOPLE = tuple(f"person{number}" for number in range(10))
WIDER = 20.0
"""So many times more requests than a real workspace allows are allowed here: the crowd of an hour asks in minutes."""
IDENTIFY_INTERVAL_S = 1.0
CONNECT_TIMEOUT_S = 30.0
STEP_S = 20.0
"""The clock is moved in steps, so that what waits for one moment before the next (a redelivery) happens in between."""
LOOK_S = 0.25


class BridgeDied(Exception):
    """The bridge ended, or did not connect, though nobody asked it to."""


@dataclass(slots=True)
class Ground:
    """Everything that runs in this process, and the bridge's own.

    Attributes:
        wider: So many times more requests are allowed than in life.
        ahead_s: How far the emulators' clock was moved ahead of the real one.
        warmly: How bridges are started: see ``warm``.
    """

    clock: SandboxClock
    journal: Journal
    coze: CozeEmulator
    slack: SlackEmulator
    discord: DiscordEmulator
    agent: TokenAgent
    folder: Path
    settings: dict[str, dict[str, Any]]
    wider: float = 1.0
    ahead_s: float = 0.0
    warmly: bool = False
    processes: list[Process] = field(default_factory=list)

    @property
    def store(self) -> Path:
        """The bridge's store file."""
        return self.folder / "bridge.sqlite"

    @property
    def config(self) -> Path:
        """The bridge's configuration."""
        return self.folder / "config.toml"

    @property
    def bridge(self) -> Process:
        """The process that was started last."""
        return self.processes[-1]

    @property
    def connected(self) -> bool:
        """The bridge would hear somebody now, on both platforms."""
        return bool(self.slack.sockets.connections) and self.discord.gateway.connected() > 0

    async def start_bridge(self) -> Process:
        """Start one more process of the bridge; it connects by itself."""
        self.config.write_text(toml(self.settings), encoding="utf-8")
        started = await process.start(self.config, ahead_s=self.ahead_s, wider=self.wider, warmly=self.warmly)
        self.processes.append(started)
        self.journal.record("bridge", "process", "started", pid=started.pid)
        return started

    async def until_connected(self) -> None:
        """Return when the bridge is connected everywhere.

        Raises:
            BridgeDied: It will not be.
        """
        began = self.clock.now()
        while not self.connected:
            if (code := self.bridge.exit_code) is not None:
                raise BridgeDied(f"the bridge ended by itself with exit code {code}")
            if self.clock.now() - began > CONNECT_TIMEOUT_S:
                raise BridgeDied(f"the bridge did not connect within {CONNECT_TIMEOUT_S:g} s")
            await self.something_happens()

    async def disconnected(self) -> None:
        """Return when the emulators have noticed that the bridge is gone."""
        while self.slack.sockets.connections or self.discord.gateway.connected():
            await self.something_happens()

    async def something_happens(self, timeout_s: float = LOOK_S) -> None:
        """Return when the journal has a new entry, at the latest after ``timeout_s``."""
        seen = len(self.journal)
        with suppress(TimeoutError):
            await self.journal.wait_until(lambda: len(self.journal) > seen, what="anything", timeout_s=timeout_s)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for the emulators, at once."""
        left_s = seconds
        while left_s > 0:
            step_s = min(STEP_S, left_s)
            self.clock.advance(step_s)
            self.ahead_s += step_s
            left_s -= step_s
            await self.something_happens(0.002)


@asynccontextmanager
async def open_ground(
    folder: Path, *, seed: int = 0, wider: float = WIDER, warmly: bool = False
) -> AsyncIterator[Ground]:
    """Run the emulators on free ports of 127.0.0.1; the bridge is not started. Leaving kills what runs of it.

    Args:
        wider: So many times more requests than in life are allowed.
        warmly: How bridges are started: see ``warm``.
    """
    clock = SandboxClock()
    journal = Journal(clock)
    agent = TokenAgent(seed)
    async with (
        CozeEmulator(clock, journal, seed=seed) as coze,
        SlackEmulator(clock, journal, seed=seed) as slack,
        DiscordEmulator(clock, journal, seed=seed) as discord,
    ):
        token = f"pat_{secrets.token_hex(16)}"
        coze.add_token(token)
        coze.add_bot(BOT_ID)
        coze.answers.agent = agent
        slack.switches.rate_limit_scale = wider
        discord.switches.identify_interval_s = IDENTIFY_INTERVAL_S
        discord.switches.global_per_s = int(50 * max(1.0, wider))
        slack.add_app(scopes=(*MANIFEST_SCOPES, "channels:read", "groups:read", "im:write"), commands=("/coze", SLASH))
        for person in PEOPLE:
            slack.add_user(person)
            discord.add_user(person)
        for channel in CHANNELS:
            slack.add_channel(channel)
            discord.add_channel(channel)
        coze.add_workflow(Workflow(WORKFLOW_ID, WORKFLOW, parameters={PARAMETER: {"type": "string", "required": True}}))
        coze.script_run(RUN, times=None)
        ground = Ground(clock, journal, coze, slack, discord, agent, folder, {}, wider, warmly=warmly)
        ground.settings = configuration(ground, token, wider)
        try:
            yield ground
        finally:
            for started in ground.processes:
                started.kill()


def configuration(ground: Ground, token: str, wider: float) -> dict[str, dict[str, Any]]:
    """Return the bridge's settings: its own, but for addresses, the wider limits, and people who ask very often."""
    return {
        "bridge": {"identity_secret": secrets.token_urlsafe(32), "drain_s": 3.0},
        "agents.default": {"bot_id": BOT_ID, "token": token, "base_url": ground.coze.base_url},
        "adapters.slack": {
            "bot_token": ground.slack.bot_token,
            "app_token": ground.slack.app_token,
            "base_url": ground.slack.api_url,
            "updates_per_minute": int(50 * wider),
            "posts_per_minute": int(200 * wider),
        },
        "adapters.discord": {
            "token": ground.discord.bot_token,
            "api_url": ground.discord.api_url,
            "gateway_url": ground.discord.gateway_url,
            "identify_interval_s": IDENTIFY_INTERVAL_S,
        },
        f"workflows.{WORKFLOW}": {"id": WORKFLOW_ID, "slash": SLASH},
        f"workflows.{WORKFLOW}.parameters.{PARAMETER}": {"description": "What it is asked"},
        "gate": {"user_questions": 0},
        "store": {"path": str(ground.store), "lock_wait_s": 20.0},
        "health": {"enabled": False},
        "log": {"format": "json"},
    }


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Write sections as TOML; what JSON writes for texts, numbers, truths and lists, TOML reads as the same."""

    def lines() -> Iterator[str]:
        for name, values in sections.items():
            yield f"[{name}]"
            yield from (f"{key} = {json.dumps(value)}" for key, value in values.items())

    return "\n".join(lines())
