"""``coze-bridge run`` as an operator sees it: what it logs, how it stops, with everything configured by environment."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.proving.warm import PipedProcess
from sandbox.clock import SandboxClock
from sandbox.coze import Answer, CozeEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES
from tests.core.command_line import BOT, DEADLINE_S, TOKEN, agent_environment, command, start

SECRET = "an-identity-secret-nobody-should-read"
CHANNEL = "C1"


@dataclass(frozen=True, slots=True)
class World:
    """The emulated services, and the environment that leads to them."""

    journal: Journal
    coze: CozeEmulator
    slack: SlackEmulator

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        await self.journal.wait_until(condition, what=what, timeout_s=DEADLINE_S)

    def environment(self) -> dict[str, str]:
        """Everything ``run`` needs, without a file."""
        return agent_environment(
            self.coze,
            SLACK_BOT_TOKEN=self.slack.bot_token,
            SLACK_APP_TOKEN=self.slack.app_token,
            COZE_BRIDGE_IDENTITY_SECRET=SECRET,
            COZE_BRIDGE__ADAPTERS__SLACK__BASE_URL=self.slack.api_url,
        )

    def secrets(self) -> tuple[str, ...]:
        """What no log may hold."""
        return (TOKEN, SECRET, self.slack.bot_token, self.slack.app_token)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """One bot, one workspace with Ann in #general."""
    clock = SandboxClock()
    journal = Journal(clock)
    async with CozeEmulator(clock, journal) as coze, SlackEmulator(clock, journal) as slack:
        coze.add_token(TOKEN)
        coze.add_bot(BOT)
        slack.add_app(scopes=(*MANIFEST_SCOPES, "channels:read", "groups:read"))
        slack.add_user("ann", user_id="U1", display_name="Ann")
        slack.add_channel("general", channel_id=CHANNEL)
        yield World(journal, coze, slack)


async def read_until(process: PipedProcess, event: str) -> list[dict[str, Any]]:
    """Read log lines up to the one that tells of ``event``."""
    assert process.stderr is not None
    lines = []
    async with asyncio.timeout(DEADLINE_S):
        while line := await process.stderr.readline():
            lines.append(json.loads(line))
            if lines[-1]["event"] == event:
                return lines
    raise AssertionError(f"no {event!r} in {lines}")


async def end(process: PipedProcess) -> list[dict[str, Any]]:
    """Wait for the end; return what was still logged, every line of it JSON."""
    async with asyncio.timeout(DEADLINE_S):
        _, err = await process.communicate()
    return [json.loads(line) for line in err.decode().splitlines()]


async def test_run_connects_and_stops_when_told(tmp_path: Path, world: World) -> None:
    """SIGTERM ends it with 0; its log is JSON in a pipe and holds no secret, on debug neither."""
    extra = {**world.environment(), "COZE_BRIDGE__LOG__LEVEL": "debug"}
    process = await start(tmp_path, "run", extra=extra)
    try:
        logged = await read_until(process, "ready")
        process.send_signal(signal.SIGTERM)
        logged += await end(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert {"connected", "ready", "stopped"} <= {line["event"] for line in logged}
    text = json.dumps(logged, ensure_ascii=False)
    assert all(secret not in text for secret in world.secrets())
    assert (tmp_path / "coze-bridge.sqlite").stat().st_mode & 0o077 == 0


async def test_a_second_signal_does_not_wait(tmp_path: Path, world: World) -> None:
    """While an answer is still running the first signal waits for it; the second ends the process with 130."""
    world.coze.answers.script(Answer(deltas=("one ", "two ", "three"), delta_interval_s=60.0))
    process = await start(tmp_path, "run", extra={**world.environment(), "COZE_BRIDGE__BRIDGE__DRAIN_S": "300"})
    try:
        await read_until(process, "ready")
        ts = world.slack.mention("ann", CHANNEL, "hello")
        await world.until(lambda: bool(world.slack.answers(CHANNEL, ts)), "the first words")
        process.send_signal(signal.SIGINT)
        await world.until(lambda: bool(world.journal.select(name="socket.closed")), "the end of receiving")
        assert process.returncode is None
        process.send_signal(signal.SIGINT)
        await end(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 130


async def test_run_ends_when_no_platform_is_left(tmp_path: Path, world: World) -> None:
    """Tokens that were refused for good: the log says what to mend, the exit code is 1."""
    extra = {**world.environment(), "SLACK_BOT_TOKEN": "xoxb-refused", "SLACK_APP_TOKEN": "xapp-refused"}
    ended = await command(tmp_path, "run", extra=extra)
    assert ended.code == 1
    resting = next(line for line in map(json.loads, ended.err.splitlines()) if "credentials" in line["event"])
    assert resting["fix"]


async def test_check_is_content(tmp_path: Path, world: World) -> None:
    """With everything in place it exits with 0, having found nothing to mend."""
    ended = await command(tmp_path, "check", extra=world.environment())
    assert "✗" not in ended.out
    assert (ended.code, ended.err) == (0, "")
    assert all(secret not in ended.out for secret in world.secrets())
