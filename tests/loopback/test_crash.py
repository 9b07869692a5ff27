"""``kill -9`` in the middle of an answer: after the next start it stands there whole, once, asked for once."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.coze.answers import Answer
from sandbox.demo.process import BridgeProcess, demo_folder
from sandbox.demo.town import ANN, CHANNEL, Town, open_town
from sandbox.demo.words import WORDS
from sandbox.slack import VisibleMessage

TEXT = "Words that survive a crash. " * 12
CHAT = "POST /v3/chat"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """Emulators here, the bridge as a process of its own, not yet started."""
    with demo_folder() as folder, BridgeProcess((sys.executable, "-m", "bridge.cli"), folder) as bridge:
        async with open_town(WORDS["en"], bridge) as town:
            town.discord.switches.identify_interval_s = 0.0
            town.coze.script(Answer(text=TEXT.strip(), chars_per_second=150.0))
            yield town


def of_the_bot(town: Town, root: str) -> list[VisibleMessage]:
    """What the bot shows in the thread of a question."""
    channel = town.slack.find_channel(CHANNEL).id
    return [m for m in town.slack.messages(channel, thread_ts=root) if m.user == town.slack.bot_user_id]


async def until(town: Town, what: str, condition: Any) -> None:
    """Wait for a condition, looked at after every entry of the journal."""
    await town.journal.wait_until(condition, what=what, timeout_s=20.0)


@pytest.mark.parametrize("moment", ["asked", "first words", "later words"])
async def test_a_killed_bridge_finishes_its_answer_after_the_next_start(town: Town, moment: str) -> None:
    """Coze went on meanwhile; the bridge fetches what was said and brings the message up to date."""
    await town.start_bridge(WORDS["en"])
    root = town.slack.mention(ANN, CHANNEL, "What survives a crash?")
    if moment == "asked":
        await until(town, "the question", lambda: town.journal.select(kind="event", name="conversation.chat.created"))
    else:
        grown = 1 if moment == "first words" else 60
        await until(town, "words", lambda: any(len(m.text) > grown for m in of_the_bot(town, root)))
    town.bridge.kill()
    await town.bridge.stop(town.journal)
    await town.start_bridge(WORDS["en"])
    await until(town, "the whole text", lambda: [m.text for m in of_the_bot(town, root)] == [TEXT.strip()])
    assert len(town.journal.select(kind="request", name=CHAT)) == 1
