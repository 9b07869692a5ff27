"""The real discord.py when things go wrong, over every transport (checklist of reference 10.7)."""

import time
from typing import Any

import discord
import pytest

from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

pytestmark = pytest.mark.usefixtures("every_wire")
CREATE = "POST /channels/{channel}/messages"
EDIT = "PATCH /channels/{channel}/messages/{message}"


async def test_limits_and_storms(emulator: DiscordEmulator, library: Any, connect: Any, shards: int) -> None:
    """A 429 of Discord and a 502 are waited out, one of Cloudflare is an exception; a global one stops everything."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        general = bot.get_channel(int(emulator.find_channel("general").id))
        begun = time.monotonic()
        emulator.rate_limit_next(CREATE, 0.3)
        message = await general.send("waited")
        assert time.monotonic() - begun >= 0.3
        emulator.rate_limit_next(CREATE, 30, via=False)
        with pytest.raises(discord.HTTPException) as banned:
            await general.send("never")
        assert banned.value.status == 429
        emulator.rate_limit_next(EDIT, 0.3, scope="global")
        begun = time.monotonic()
        await message.edit(content="everything waited")
        assert time.monotonic() - begun >= 0.3
        emulator.faults.plan(CREATE, "status", status=502)
        await general.send("after the storm")
        emulator.faults.plan(CREATE, "status", status=503)
        with pytest.raises(discord.DiscordServerError):
            await general.send("503 is not repeated by the library")
    assert [m.text for m in emulator.answers("general")] == ["everything waited", "after the storm"]


@pytest.mark.parametrize("disturbance", ["op7", "op9-resumable", "close-4000", "reset"])
async def test_a_lost_connection_is_resumed(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int, disturbance: str
) -> None:
    """RECONNECT, a resumable INVALID_SESSION, a close and a reset: what was said meanwhile is replayed."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        emulator.gateway.pause()
        emulator.say("ann", "general", "meanwhile")
        disturb(emulator, disturbance)
        emulator.gateway.unpause()
        # Every shard: one that is closed while it resumes leaves its keep-alive thread behind, with a dead loop.
        await emulator.wait_until(lambda: len(bot.notes.of("resumed")) >= shards, what="every shard's RESUMED")
        emulator.say("ann", "general", "afterwards")
        await emulator.wait_until(lambda: said(bot)[-1:] == ["afterwards"], what="the next message")
    assert said(bot) == ["meanwhile", "afterwards"]
    assert len(bot.notes.of("ready")) == 1


def disturb(emulator: DiscordEmulator, how: str) -> None:
    """Do one thing to the connections."""
    match how:
        case "op7":
            emulator.gateway.reconnect()
        case "op9-resumable":
            emulator.gateway.invalidate(resumable=True)
        case "close-4000":
            emulator.gateway.close(4000)
        case "reset":
            emulator.gateway.drop()


def said(bot: Any) -> list[str]:
    """Return what people said, as the bot saw it."""
    return [message.content for message in bot.notes.of("message")]


async def test_an_invalid_session_is_begun_anew(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int, journal: Journal
) -> None:
    """INVALID_SESSION without resuming: a new IDENTIFY, on_ready again, and messages come."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        emulator.gateway.invalidate()
        await emulator.wait_until(lambda: len(bot.notes.of("ready")) == 2, what="on_ready again")
        assert len(journal.select(name="READY")) == 2 * shards
        emulator.say("ann", "general", "hello again")
        await emulator.wait_until(lambda: said(bot) == ["hello again"], what="the message")


async def test_a_wrong_token_and_wrong_intents_end_it(emulator: DiscordEmulator, library: Any, shards: int) -> None:
    """401 is LoginFailure, 4004 ConnectionClosed, 4014 PrivilegedIntentsRequired: all leave start()."""
    with pytest.raises(discord.LoginFailure):
        await library.run(library.make_bot(shards=shards), "wrong")
    emulator.gateway_faults.plan("IDENTIFY", "close", code=4004)
    with pytest.raises(discord.ConnectionClosed) as closed:
        await library.run(library.make_bot(shards=shards), emulator.bot_token)
    assert closed.value.code == 4004
    emulator.set_privileged_intents("members")
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await library.run(library.make_bot(shards=shards), emulator.bot_token)


async def test_a_dead_resume_host(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int, journal: Journal
) -> None:
    """With a dead resume host a plain client tries it again and again, a sharded one begins anew elsewhere."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        emulator.gateway_faults.plan("resume", "status", status=503, times=None)
        emulator.gateway.drop()
        if shards == 1:
            await emulator.wait_until(
                lambda: len(journal.select(kind="handshake", name="resume")) >= 2, what="another try", timeout_s=15
            )
            assert len(journal.select(kind="handshake", name="gateway")) == 1
            # A client that is closed while it tries again stumbles over its own remains.
            emulator.gateway_faults.clear("resume")
            await emulator.wait_until(lambda: emulator.gateway.connected() == 1, what="the session", timeout_s=30)
        else:
            await emulator.wait_until(lambda: emulator.gateway.connected() == shards, what="new sessions", timeout_s=15)
