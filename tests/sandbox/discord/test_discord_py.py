"""The real discord.py over every transport, with one and with two shards: the checklist of reference 10.7."""

from collections.abc import Iterator
from typing import Any

import discord
import pytest

from sandbox.discord import DiscordEmulator, FileUpload


@pytest.fixture(autouse=True)
def _library(emulator: DiscordEmulator, compression: str, library: Any) -> Iterator[None]:
    """discord.py speaks to the emulator with each compression."""
    with library.pointed_at(emulator, compression):
        yield


async def test_a_message_is_answered_and_the_answer_grows(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """Log in, be ready, read a message, reply, edit ten times: every edit is a step people could read."""
    bot = library.make_bot(shards=shards)

    @bot.event
    async def on_message(message: discord.Message) -> None:
        if message.author == bot.user:
            return
        reply = await message.reply("0", mention_author=False)
        for number in range(1, 11):
            await reply.edit(content=str(number), suppress=True)

    async with connect(bot):
        asked = emulator.say("ann", "#general", "count")
        shown = await emulator.wait_for_text("general", "10")
    assert [step.text for step in emulator.steps("general", shown.id)] == [str(number) for number in range(11)]
    assert shown.reply_to == asked
    assert shown.edited
    assert not emulator.violations()
