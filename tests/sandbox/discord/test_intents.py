"""Intents that really gate: which events come, and what may be read in them (reference 2.3)."""

from typing import Any

import pytest

from sandbox.discord import DiscordEmulator, FileUpload

GUILDS, MESSAGES, REACTIONS, TYPING, DMS, CONTENT = 1, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 15


@pytest.mark.parametrize(
    ("intents", "expected"),
    [
        (0, []),
        (MESSAGES, ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]),
        (REACTIONS, ["MESSAGE_REACTION_ADD"]),
        (TYPING, ["TYPING_START"]),
        (DMS, ["MESSAGE_CREATE"]),
        (GUILDS, ["GUILD_CREATE", "THREAD_CREATE"]),
    ],
)
async def test_events_need_their_intent(
    emulator: DiscordEmulator, dial: Any, intents: int, expected: list[str]
) -> None:
    """A connection gets what it asked for and nothing else."""
    async with dial() as raw:
        await raw.ready(intents)
        if intents != DMS:
            message = emulator.say("ann", "general", "one")
            emulator.edit("ann", "general", message, "two")
            emulator.react("bob", "general", message, "👍")
            emulator.start_typing("ann", "general")
            emulator.delete("ann", "general", message)
        else:
            emulator.say("ann", "general", "not this")
        emulator.dm("ann", "hi") if intents == DMS else emulator.start_thread("ann", "general", "aside")
        await raw.send(1, None)
        seen = []
        while (frame := await raw.receive())["op"] == 0:
            seen.append(frame["t"])
    wanted = [name for name in seen if name in expected]
    assert list(dict.fromkeys(wanted)) == expected
    assert set(seen) - set(expected) <= ({"THREAD_MEMBERS_UPDATE"} if intents & GUILDS else set())


async def test_content_is_blank_without_the_privileged_intent(emulator: DiscordEmulator, dial: Any) -> None:
    """Foreign words are hidden, also in the message that is answered; mentions, DMs and one's own are not."""
    emulator.set_privileged_intents()
    async with dial() as raw:
        await raw.ready(GUILDS | MESSAGES | DMS)
        said = emulator.say("ann", "general", "hidden", [FileUpload("a.txt", b"x")])
        hidden = await raw.until("MESSAGE_CREATE")
        assert (hidden["content"], hidden["attachments"], hidden["author"]["username"]) == ("", [], "ann")
        emulator.mention("bob", "general", "seen", reply_to=said, ping=False)
        mentioned = await raw.until("MESSAGE_CREATE")
        assert mentioned["content"].endswith("seen")
        assert mentioned["referenced_message"]["content"] == ""
        emulator.dm("ann", "privately")
        assert (await raw.until("MESSAGE_CREATE"))["content"] == "privately"


async def test_rest_hides_what_the_gateway_hides(emulator: DiscordEmulator, api: Any) -> None:
    """With the toggle off in the portal the history is blank too, but for mentions and one's own."""
    said = [emulator.say("ann", "general", "hidden"), emulator.mention("ann", "general", "seen")]
    await api.post("mine")
    path = f"/channels/{api.channel()}/messages"
    shown = [message["content"] for message in await api.call("GET", path)]
    assert shown == ["mine", f"<@{emulator.bot_user_id}> seen", "hidden"]
    emulator.set_privileged_intents()
    assert [message["content"] for message in await api.call("GET", path)][2] == ""
    assert (await api.call("GET", f"{path}/{said[0]}"))["content"] == ""
    flags = (await api.call("GET", "/oauth2/applications/@me"))["flags"]
    assert flags & (1 << 19 | 1 << 15 | 1 << 13) == 0


async def test_what_the_bot_cannot_see_does_not_come(emulator: DiscordEmulator, dial: Any) -> None:
    """No events of channels without VIEW_CHANNEL, nor of guilds the bot was thrown out of."""
    emulator.add_channel("staff")
    emulator.deny("staff", "coze", "VIEW_CHANNEL")
    async with dial() as raw:
        await raw.ready()
        emulator.say("ann", "staff", "secret")
        emulator.say("ann", "general", "public")
        assert (await raw.until("MESSAGE_CREATE"))["content"] == "public"
        emulator.remove_bot("Sandbox")
        assert (await raw.until("GUILD_DELETE"))["id"] == emulator.guild_id
        emulator.say("ann", "general", "among ourselves")
        emulator.add_bot("Sandbox")
        assert (await raw.receive())["t"] == "GUILD_CREATE"
        emulator.set_available("Sandbox", False)
        assert (await raw.until("GUILD_DELETE"))["unavailable"] is True
