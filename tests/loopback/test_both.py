"""Slack and Discord in one process: both at once, and neither harmed by the other."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from adapters.discord.adapter import DiscordPlatform
from bridge.app import assemble
from bridge.config.load import load_config
from sandbox.coze import Answer, echo_agent
from tests.loopback.road import Road, toml
from tests.loopback.server import GENERAL, Server

TEXT = " ".join(["A sentence that goes on for a while."] * 20)
FIRST, SECOND = "Questions in this context: 1\n1. ", "Questions in this context: 2\n1. "


async def both_answer(road: Road, server: Server, text: str = TEXT) -> None:
    """Expect a question on each to be answered in full."""
    on_slack, on_discord = road.ask("Are you there?"), server.ask("Are you there?")
    await road.answer(text, on_slack)
    await server.answer(text, on_discord)


@pytest.fixture
def agent(road: Road) -> None:
    """The agent answers everything with this one text."""
    road.coze.script(Answer(text=TEXT, delta_interval_s=0.005), times=None)


@pytest.mark.usefixtures("agent")
async def test_both_at_once(road: Road, server: Server) -> None:
    """Two answers grow at the same time, one here and one there, each whole."""
    async with road.bridge() as bridge:
        assert set(bridge.connected) == {"slack", "discord"}
        on_slack, on_discord = road.ask("Hello Slack"), server.ask("Hello Discord")
        slack_answer = await road.answer(TEXT, on_slack)
        discord_answer = await server.answer(TEXT, on_discord)
    slack_steps = road.slack.steps("C1", slack_answer.ts)
    discord_steps = server.emulator.steps(on_discord, discord_answer.id)
    assert len(slack_steps) >= 3
    assert len(discord_steps) >= 3
    assert slack_steps[0].at < discord_steps[-1].at
    assert discord_steps[0].at < slack_steps[-1].at


async def test_people_of_one_name_share_nothing(road: Road, server: Server) -> None:
    """Ann on Slack and Ann on Discord are two people with two conversations, in channels and in private."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        on_slack, on_discord = road.ask("one"), server.ask("two")
        await road.answer(f"{FIRST}Ann: one", on_slack)
        await server.answer(f"{FIRST}Ann: two", on_discord)
        (channel, direct), discord_channel = road.write("three"), server.write("four")
        await road.answer(f"{FIRST}three", direct, channel)
        await server.answer(f"{FIRST}four", discord_channel)
    assert len(set(road.conversations())) == 4
    assert len({entry.detail["body"]["user_id"] for entry in road.chats()}) == 4


async def test_threads_of_both_go_on_after_a_restart(road: Road, server: Server) -> None:
    """Which thread belongs to which conversation is known after a restart, here and there."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        on_slack, on_discord, private = road.ask("one"), server.ask("two"), server.write("three")
        await road.answer(f"{FIRST}Ann: one", on_slack)
        await server.answer(f"{FIRST}Ann: two", on_discord)
        await server.answer(f"{FIRST}three", private)
    async with road.bridge():
        road.reply("again", on_slack, user="ben")
        server.reply("again", on_discord, user="ben")
        server.write("again")
        await road.answer(f"{SECOND}Ann: one\n2. Ben: again", on_slack)
        await server.answer(f"{SECOND}Ann: two\n2. Ben: again", on_discord)
        await server.answer(f"{SECOND}three\n2. again", private)
    assert len(set(road.conversations())) == 3


@pytest.mark.usefixtures("agent")
async def test_an_unreachable_discord_harms_nobody_and_is_served_when_it_is_back(road: Road, server: Server) -> None:
    """With Discord down at the start Slack is served; when it comes back its supervisor notices."""
    server.emulator.faults.plan("*", "drop_before", times=None)
    with structlog.testing.capture_logs() as logs:
        async with road.bridge(connected=False) as bridge:
            await road.until(lambda: bridge.connected["slack"].is_set(), "Slack")
            await road.answer(TEXT, road.ask("Are you there?"))
            await road.until(lambda: any(line["event"] == "adapter failed" for line in logs), "the failure in the log")
            server.emulator.faults.clear()
            await road.until(lambda: bridge.connected["discord"].is_set(), "Discord")
            await both_answer(road, server)
    assert {line["adapter"] for line in logs if line["event"] == "adapter failed"} == {"discord"}


@pytest.mark.usefixtures("agent")
async def test_an_unreachable_slack_harms_nobody(road: Road, server: Server) -> None:
    """The other way round."""
    road.slack.faults.plan("*", "drop_before", times=None)
    async with road.bridge(connected=False) as bridge:
        await road.until(lambda: bridge.connected["discord"].is_set(), "Discord")
        await server.answer(TEXT, server.ask("Are you there?"))
        road.slack.faults.clear()
        await road.until(lambda: bridge.connected["slack"].is_set(), "Slack")
        await both_answer(road, server)


@pytest.mark.usefixtures("agent")
async def test_an_outage_of_discord_in_the_middle(road: Road, server: Server) -> None:
    """While every request to Discord fails Slack's answer grows on; Discord's is there afterwards, whole."""
    async with road.bridge():
        on_discord = server.ask("Hello Discord")
        await road.until(lambda: server.answers(on_discord), "the first words")
        server.emulator.faults.plan("*", "status", status=503, times=3)
        on_slack = road.ask("Hello Slack")
        await road.answer(TEXT, on_slack)
        await server.answer(TEXT, on_discord)
        await server.quiet()
    assert server.texts(on_discord) == [TEXT]


class Stumbling(DiscordPlatform):
    """An adapter with a fault: serving it fails in an unforeseen way, the first time."""

    stumbles = 1

    async def serve(self, intake: Any, connected: Any) -> None:
        """Serve from the second time on."""
        if Stumbling.stumbles:
            Stumbling.stumbles -= 1
            raise ZeroDivisionError("a fault nobody thought of")
        await super().serve(intake, connected)


@pytest.fixture
def stumbling() -> Iterator[None]:
    """The adapter stumbles once in this test."""
    Stumbling.stumbles = 1
    yield
    Stumbling.stumbles = 1


@pytest.mark.usefixtures("agent", "stumbling")
async def test_a_fault_in_an_adapter_stays_there(road: Road, server: Server, tmp_path: Path) -> None:
    """An exception nobody foresaw is logged for that adapter alone, which is started again."""
    file = tmp_path / "stumbling.toml"
    file.write_text(toml(road.settings), encoding="utf-8")
    config = load_config(file, {})
    entry = config.adapters["discord"]
    adapter = dataclasses.replace(entry.adapter, build=Stumbling)
    adapters = {**config.adapters, "discord": dataclasses.replace(entry, adapter=adapter)}
    with structlog.testing.capture_logs() as logs:
        async with assemble(dataclasses.replace(config, adapters=adapters), kinds=lambda _: True) as bridge:
            await road.until(lambda: bridge.connected["slack"].is_set(), "Slack")
            await road.answer(TEXT, road.ask("Are you there?"))
            await road.until(lambda: bridge.connected["discord"].is_set(), "Discord")
            await both_answer(road, server)
    failed = [line["adapter"] for line in logs if line["event"] == "adapter failed unexpectedly"]
    assert failed == ["discord"]


@pytest.mark.usefixtures("agent")
async def test_routes_by_guild_and_channel(road: Road, server: Server) -> None:
    """A channel of one platform can be given to another agent."""
    other = "7498000011112222444"
    road.coze.add_bot(other)
    agent = road.settings["agents.default"]
    road.configure("agents.other", **{**agent, "bot_id": other})
    channel = server.emulator.find_channel(GENERAL).id
    file = road.folder / "routes.toml"
    route = f'[[routes]]\nagent = "other"\nadapter = "discord"\nteam = "{server.emulator.guild_id}"\n'
    file.write_text(f'{toml(road.settings)}\n{route}channel = "{channel}"\n', encoding="utf-8")
    async with assemble(load_config(file, {}), kinds=lambda _: True) as bridge:
        for name in ("slack", "discord"):
            await road.until(bridge.connected[name].is_set, name)
        await both_answer(road, server)
        await server.answer(TEXT, server.write("In private?"))
    assert sorted(entry.detail["body"]["bot_id"] for entry in road.chats()) == sorted(
        [agent["bot_id"], other, agent["bot_id"]]
    )
