"""Two emulated services with people in them, and the bridge between, on real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.app import Bridge
from sandbox.clock import SandboxClock
from sandbox.coze import Answer, CozeEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES
from tests.loopback.road import BOT, CHANNEL, TOKEN, Road

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
