"""Two emulated services with people in them, and the bridge between, on real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.app import Bridge
from sandbox.clock import SandboxClock
from sandbox.coze import Answer, CozeEmulator
from sandbox.discord import DiscordEmulator, DiscordSwitches
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES
from tests.loopback.road import BOT, CHANNEL, TOKEN, Road
from tests.loopback.server import FORUM, GENERAL, Server

FOREIGN = ("COZE_", "SLACK_", "DISCORD_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and proxies of whoever runs the tests must play no part."""
    import os

    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """A Coze with one bot, a Slack with Ann and Ben (English) and Li (Chinese) in #general; no bridge yet."""
    clock = SandboxClock()
    journal = Journal(clock)
    async with CozeEmulator(clock, journal) as coze, SlackEmulator(clock, journal) as slack:
        coze.add_token(TOKEN)
        coze.add_bot(BOT)
        slack.switches.rate_limits = "off"
        slack.add_app(scopes=(*MANIFEST_SCOPES, "channels:read", "groups:read"))
        slack.add_user("ann", user_id="U1", display_name="Ann")
        slack.add_user("ben", user_id="U2", display_name="Ben")
        slack.add_user("li", locale="zh-CN", user_id="U3", display_name="李丽")
        slack.add_channel("general", channel_id=CHANNEL)
        road = Road(journal, coze, slack, tmp_path)
        yield road
        assert not [violation for violation in slack.violations() if violation.name not in road.forgiven]


@pytest.fixture
async def server(road: Road) -> AsyncIterator[Server]:
    """A Discord with people of the same names beside the Slack, added to the configuration; no bridge yet."""
    switches = DiscordSwitches(rate_limits="off", identify_interval_s=0.0)
    async with DiscordEmulator(road.slack.clock, road.journal, switches=switches) as discord:
        discord.add_user("ann", display_name="Ann")
        discord.add_user("ben", display_name="Ben")
        discord.add_user("li", "zh-CN", display_name="李丽")
        discord.add_channel(GENERAL)
        discord.add_channel(FORUM, "forum")
        road.add_discord(discord)
        yield Server(road, discord)
        assert not [violation for violation in discord.violations() if violation.name not in road.forgiven]


@pytest.fixture
async def alone(road: Road, server: Server) -> Server:
    """Discord alone: the bridge will not serve Slack."""
    del road.settings["adapters.slack"]
    return server


@pytest.fixture
def growing(road: Road) -> str:
    """The agent answers everything with this one text, which grows for half a second."""
    text = "A sentence that goes on for a while. " * 12
    road.coze.script(Answer(text=text, delta_interval_s=0.005), times=None)
    return text


@pytest.fixture
async def bridge(road: Road) -> AsyncIterator[Bridge]:
    """The bridge, connected, with the settings it has by itself except for its pace."""
    async with road.bridge() as running:
        yield running
