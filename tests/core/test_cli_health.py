"""``coze-bridge run`` as a prober, Prometheus and systemd see it."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.proving.warm import PipedProcess
from sandbox.clock import SandboxClock
from sandbox.coze import CozeEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES
from tests.core.command_line import BOT, DEADLINE_S, TOKEN, agent_environment, start

CHANNEL = "C1"


class World:
    """The emulated services and one bridge between them, as a process of its own."""

    def __init__(self, journal: Journal, coze: CozeEmulator, slack: SlackEmulator) -> None:
        self.journal, self.coze, self.slack = journal, coze, slack

    def environment(self, **other: str) -> dict[str, str]:
        """Everything ``run`` needs."""
        return agent_environment(
            self.coze,
            SLACK_BOT_TOKEN=self.slack.bot_token,
            SLACK_APP_TOKEN=self.slack.app_token,
            COZE_BRIDGE_IDENTITY_SECRET="k" * 32,
            COZE_BRIDGE__ADAPTERS__SLACK__BASE_URL=self.slack.api_url,
            **other,
        )


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


async def logged(process: PipedProcess, event: str) -> dict[str, Any]:
    """Read log lines up to the one that tells of ``event``."""
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := await process.stderr.readline():
            found: dict[str, Any] = json.loads(line)
            if found["event"] == event:
                return found
    raise AssertionError(f"no {event!r} in the log")


async def ended(process: PipedProcess) -> int:
    """Ask it to stop and return its exit code."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_S):
        await process.communicate()
    assert process.returncode is not None
    return process.returncode


async def samples(client: aiohttp.ClientSession) -> dict[tuple[str, ...], float]:
    """What ``/metrics`` says, by name and the labels' values."""
    async with client.get("/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


async def test_a_question_shows_in_the_metrics_and_calls_are_remembered(tmp_path: Path, world: World) -> None:
    """Ready without any call; after a question the agent's last call is good, after its token died it is bad."""
    process = await start(tmp_path, "run", extra=world.environment())
    try:
        url = (await logged(process, "health page"))["url"]
        await logged(process, "ready")
        async with aiohttp.ClientSession(url) as client:
            async with client.get("/readyz") as answer:
                facts = await answer.json()
                assert (answer.status, facts["agents"]) == (200, {"default": {"ready": True, "last_call": "none"}})
                assert facts["adapters"]["slack"]["connected"] is True
            assert world.journal.select(service="coze") == []

            world.slack.mention("ann", CHANNEL, "hello")
            await logged(process, "turn ended")
            found = await samples(client)
            for sample, value in (
                (("coze_bridge_turns_total", "slack", "delivered"), 1),
                (("coze_bridge_first_words_seconds_count", "slack"), 1),
                (("coze_bridge_final_lag_seconds_count", "slack"), 1),
                (("coze_bridge_adapter_connected", "slack"), 1),
                (("coze_bridge_turns_running",), 0),
                (("coze_bridge_turns_waiting",), 0),
            ):
                assert found[sample] == value, sample
            assert found["coze_bridge_agent_tokens_total", "default", "output"] > 0
            assert found["coze_bridge_platform_requests_total", "slack", "post", "ok"] >= 1
            async with client.get("/readyz") as answer:
                assert (answer.status, (await answer.json())["agents"]["default"]["last_call"]) == (200, "good")

            world.coze.revoke(TOKEN)
            world.slack.mention("ann", CHANNEL, "hello again")
            await logged(process, "turn ended")
            async with client.get("/readyz") as answer:
                facts = await answer.json()
                assert (answer.status, facts["agents"]["default"]["last_call"]) == (503, "bad")
            assert (await samples(client))["coze_bridge_turns_total", "slack", "failed"] == 1
            async with asyncio.timeout(DEADLINE_S):
                while (await samples(client))["coze_bridge_event_loop_lag_seconds_count",] < 1:
                    pass  # each look is a request
        assert await ended(process) == 0
    finally:
        if process.returncode is None:
            process.kill()


async def test_a_taken_port_costs_only_the_page(tmp_path: Path, world: World) -> None:
    """The second bridge on a machine says so once and serves."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        extra = world.environment(COZE_BRIDGE__HEALTH__PORT=str(taken.getsockname()[1]))
        process = await start(tmp_path, "run", extra=extra)
        try:
            line = await logged(process, "no health page: the port cannot be had; the bridge runs without it")
            assert line["level"] == "warning"
            await logged(process, "ready")
            assert await ended(process) == 0
        finally:
            if process.returncode is None:
                process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd runs on Linux")
async def test_systemd_hears_ready_alive_and_stopping(tmp_path: Path, world: World) -> None:
    """In this order; the watchdog is fed while it runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.setblocking(False)
        extra = world.environment(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        process = await start(tmp_path, "run", extra=extra)
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(DEADLINE_S):
                heard = [await loop.sock_recv(ear, 200) for _ in range(4)]
                assert await ended(process) == 0
                while heard[-1] != b"STOPPING=1":
                    heard.append(await loop.sock_recv(ear, 200))
        finally:
            if process.returncode is None:
                process.kill()
    assert (heard[0], set(heard[1:-1])) == (b"READY=1", {b"WATCHDOG=1"})
