"""The four ways discord.py ends by itself, and its waits: what the reference measured, seen again (2.4, 2.6)."""

import time
from typing import Any

import aiohttp
import discord
import pytest

from sandbox.discord import DiscordEmulator, DiscordSwitches
from sandbox.journal import Journal

pytestmark = pytest.mark.usefixtures("one_wire")


async def test_an_unexpected_payload(emulator: DiscordEmulator, library: Any) -> None:
    """A parser's exception leaves start(): the emulator can send what the library does not expect."""
    bot: discord.Client = library.make_bot()

    @bot.event
    async def on_ready() -> None:
        emulator.gateway_faults.plan("MESSAGE_CREATE", "mangle", remove=["id"])
        emulator.say("ann", "general", "boo")

    with pytest.raises(KeyError):
        await library.run(bot, emulator.bot_token)


async def test_an_unreachable_gateway_at_the_first_connect(emulator: DiscordEmulator, library: Any) -> None:
    """2.7.1 dies of an AttributeError after one backoff (Rapptz/discord.py#10520)."""
    emulator.gateway_faults.plan("gateway", "status", status=503, times=None)
    with pytest.raises(AttributeError, match="sequence"):
        await library.run(library.make_bot(), emulator.bot_token)


async def test_rest_unreachable_at_login(emulator: DiscordEmulator, library: Any) -> None:
    """A reset at login leaves start(): aiohttp repeats a GET once, discord.py does not know this platform's errno."""
    emulator.faults.plan("GET /users/@me", "drop_before", times=2)
    with pytest.raises(aiohttp.ClientOSError, match="reset"):
        await library.run(library.make_bot(), emulator.bot_token)


async def test_every_close_code_does_what_the_reference_says(
    emulator: DiscordEmulator, library: Any, connect: Any
) -> None:
    """After these codes the library resumes; where the session is over it begins anew by itself."""
    bot = library.make_bot()
    async with connect(bot):
        for code in (1000, 1001, 4000, 4003, 4005, 4008):
            await closed_and_back(emulator, bot, code, "resumed")
        for code in (4007, 4009):
            await closed_and_back(emulator, bot, code, "ready")


async def closed_and_back(emulator: DiscordEmulator, bot: Any, code: int, event: str) -> None:
    """Close with a code and wait for the event that says that the bot is back."""
    before = len(bot.notes.of(event))
    emulator.gateway.close(code)
    await emulator.wait_until(lambda: len(bot.notes.of(event)) == before + 1, what=f"{event} after {code}")


@pytest.mark.parametrize("code", [4010, 4011, 4012, 4013])
async def test_fatal_close_codes(emulator: DiscordEmulator, library: Any, code: int) -> None:
    """These end start() with their code."""
    emulator.gateway_faults.plan("IDENTIFY", "close", code=code)
    with pytest.raises(discord.ConnectionClosed) as closed:
        await library.run(library.make_bot(), emulator.bot_token)
    assert closed.value.code == code


async def test_edits_wait_for_their_bucket(
    emulator: DiscordEmulator, library: Any, connect: Any, switches: DiscordSwitches, journal: Journal
) -> None:
    """Six quick edits against five a window: the fifth returns late, the sixth arrives in the next window, no 429."""
    switches.rate_limits = "discord"
    switches.rate_limit_scale = 0.4  # two in five seconds
    bot = library.make_bot()
    async with connect(bot):
        general = bot.get_channel(int(emulator.find_channel("general").id))
        message = await general.send("0")
        begun = time.monotonic()
        for number in (1, 2, 3):
            await message.edit(content=str(number))
        assert 4.5 < time.monotonic() - begun < 8
    assert [e.detail["status"] for e in journal.select(kind="reply") if e.name.startswith("PATCH")] == [200] * 3
