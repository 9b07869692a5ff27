"""The place where the demo happens: emulated services, the people in them, and the bridge between."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.coze import CozeEmulator
from sandbox.demo.agent import DemoAgent
from sandbox.demo.discord_side import DiscordSide
from sandbox.demo.process import BridgeProcess
from sandbox.demo.side import Side
from sandbox.demo.slack_side import SlackSide
from sandbox.demo.words import Words
from sandbox.demo.workflows import drawn, publish
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES

BOT_ID = "7498000011112222333"
CHANNEL, APART = "general", "workflows"
FORUM = "help"
PEOPLE = (ANN, BEN, LI) = ("ann", "ben", "li")
DRAIN_S = 1.0
"""How long answers may still run when the bridge is stopped: nobody wants to wait for a demo to end."""
CONNECT_TIMEOUT_S = 60.0
"""A machine with much else to do needs long to start a process; one that dies is noticed at once."""
LOOK_S = 0.25
"""How often the process is looked at: its end is the one thing that the journal does not tell."""


class DemoFailed(Exception):
    """Something did not go as it should; the message is a sentence for the person who watches."""


@dataclass(slots=True)
class Town:
    """Everything that runs.

    Attributes:
        sides: The chat services, as people use them.
        started_at: When the journal's time began, unix seconds of the sandbox.
    """

    clock: SandboxClock
    journal: Journal
    coze: CozeEmulator
    slack: SlackEmulator
    discord: DiscordEmulator
    sides: Sequence[Side]
    agent: DemoAgent
    bridge: BridgeProcess
    started_at: float

    async def start_bridge(self, words: Words) -> float:
        """Start the bridge, wait until it is connected everywhere, and return how many seconds that took.

        Raises:
            DemoFailed: It ended by itself, or was not connected in time.
        """
        began = self.clock.now()
        await self.bridge.start(self.journal)
        while not all(side.is_connected() for side in self.sides):
            if (code := self.bridge.exit_code) is not None:
                raise DemoFailed(words.bridge_died.format(code=code))
            if self.clock.now() - began > CONNECT_TIMEOUT_S:
                raise DemoFailed(words.not_connected.format(seconds=CONNECT_TIMEOUT_S))
            await self.something_happens()
        return self.clock.now() - began

    async def something_happens(self, timeout_s: float = LOOK_S) -> bool:
        """Return when there is a new entry in the journal, at the latest after ``timeout_s``; tell whether there is."""
        seen = len(self.journal)
        try:
            await self.journal.wait_until(lambda: len(self.journal) > seen, what="anything", timeout_s=timeout_s)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def open_town(words: Words, bridge: BridgeProcess) -> AsyncIterator[Town]:
    """Run the emulators on free ports of 127.0.0.1 and write the bridge's configuration; the bridge is not started.

    Leaving it stops the bridge, then the emulators.
    """
    clock = SandboxClock()
    journal = Journal(clock)
    agent = DemoAgent()
    async with (
        CozeEmulator(clock, journal) as coze,
        SlackEmulator(clock, journal) as slack,
        DiscordEmulator(clock, journal) as discord,
    ):
        token = f"pat_{secrets.token_hex(16)}"
        coze.add_token(token)
        coze.add_bot(BOT_ID, name="Demo")
        coze.answers.agent = agent
        publish(coze, words)
        settle(slack, words)
        settle_discord(discord, words)
        adapters = {"slack": slack_section(slack), "discord": discord_section(discord)}
        bridge.config.write_text(configuration(coze, token, adapters, words, bridge), encoding="utf-8")
        sides = (
            SlackSide(slack, words, channel=CHANNEL, apart=APART, people=PEOPLE),
            DiscordSide(discord, words, channel=CHANNEL, forum=FORUM, people=PEOPLE),
        )
        try:
            yield Town(clock, journal, coze, slack, discord, sides, agent, bridge, clock.now())
        finally:
            await bridge.stop(journal)


def settle(slack: SlackEmulator, words: Words) -> None:
    """Let the people move in, and install the app with what a manifest would ask for to know channels' names too."""
    commands = [slash for each in drawn(words) if (slash := each.options.get("slash"))]
    slack.add_app(scopes=(*MANIFEST_SCOPES, "channels:read", "groups:read", "im:write"), commands=["/coze", *commands])
    slack.add_user(ANN, words.locale, display_name="Ann")
    slack.add_user(BEN, words.locale, display_name="Ben")
    slack.add_user(LI, "zh-CN", display_name="李丽")
    for channel in (CHANNEL, APART):
        slack.add_channel(channel, members=(ANN, BEN, LI))


def settle_discord(discord: DiscordEmulator, words: Words) -> None:
    """Let people of the same names move in here too; they are others."""
    discord.default_guild.locale = words.locale
    discord.add_user(ANN, words.locale, display_name="Ann")
    discord.add_user(BEN, words.locale, display_name="Ben")
    discord.add_user(LI, "zh-CN", display_name="李丽")
    discord.add_channel(CHANNEL)
    discord.add_channel(FORUM, "forum")


def slack_section(slack: SlackEmulator) -> dict[str, Any]:
    """Return the bridge's settings for Slack."""
    return {"bot_token": slack.bot_token, "app_token": slack.app_token, "base_url": slack.api_url}


def discord_section(discord: DiscordEmulator) -> dict[str, Any]:
    """Return the bridge's settings for Discord."""
    return {
        "token": discord.bot_token,
        "forums": [discord.find_channel(FORUM).id],
        "api_url": discord.api_url,
        "gateway_url": discord.gateway_url,
    }


def configuration(
    coze: CozeEmulator, token: str, adapters: Mapping[str, dict[str, Any]], words: Words, bridge: BridgeProcess
) -> str:
    """Return the bridge's configuration as somebody would write it by hand."""
    sections: dict[str, dict[str, Any]] = {
        "bridge": {"identity_secret": secrets.token_urlsafe(32), "language": words.language, "drain_s": DRAIN_S},
        "agents.default": {"bot_id": BOT_ID, "token": token, "base_url": coze.base_url},
        **{f"adapters.{name}": section for name, section in adapters.items()},
        **{name: section for each in drawn(words) for name, section in each.sections().items()},
        "store": {"path": str(bridge.store)},
        "health": {"enabled": False},  # its port belongs to the bridge that a visitor runs in earnest
        "log": {"format": "console"},
    }
    lines: list[str] = []
    for name, values in sections.items():
        # What JSON writes for texts, numbers, truths and lists, TOML reads as the same.
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)
