"""What people do and see, beyond what other tests already need."""

import asyncio
from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.discord.ids import Mint, as_snowflake, shard_of
from sandbox.discord.timers import Timers
from sandbox.journal import Journal


async def test_who_writes(emulator: DiscordEmulator, dial: Any) -> None:
    """Other bots and webhooks are told from people; a new member is announced to who asked for members."""
    emulator.add_user("helper", bot=True)
    async with dial() as raw:
        await raw.ready(1 << 0 | 1 << 1 | 1 << 9 | 1 << 15)
        emulator.say("helper", "general", "beep")
        assert (await raw.until("MESSAGE_CREATE"))["author"]["bot"] is True
        emulator.say("helper", "general", "news", webhook_id="1234567890123456789")
        by_webhook = await raw.until("MESSAGE_CREATE")
        assert (by_webhook["webhook_id"], by_webhook["application_id"]) == ("1234567890123456789", None)
        assert "member" not in by_webhook
        emulator.add_user("eve", roles=("coze",))
        joined = await raw.until("GUILD_MEMBER_ADD")
        assert (joined["user"]["username"], len(joined["roles"])) == ("eve", 1)


async def test_replies_mention_unless_switched_off(emulator: DiscordEmulator, api: Any, dial: Any) -> None:
    """A reply to the bot mentions it without its name in the text; the ping can be switched off."""
    message = await api.post("answer")
    async with dial() as raw:
        await raw.ready()
        emulator.reply("ann", "general", message["id"], "and?")
        reply = await raw.until("MESSAGE_CREATE")
        assert [user["id"] for user in reply["mentions"]] == [emulator.bot_user_id]
        assert (reply["content"], reply["type"]) == ("and?", 19)
        assert reply["referenced_message"]["content"] == "answer"
        emulator.reply("ann", "general", message["id"], "quietly", ping=False)
        assert (await raw.until("MESSAGE_CREATE"))["mentions"] == []


async def test_ephemeral_messages_are_told_apart(emulator: DiscordEmulator, api: Any, dial: Any) -> None:
    """Their events have no guild and belong to the intent of direct messages."""
    command = {"name": "ask", "description": "Ask"}
    await api.call("POST", f"/applications/{emulator.application_id}/commands", command, status=201)
    async with dial() as raw, asyncio.TaskGroup() as group:
        await raw.ready(1 << 12)
        group.create_task(emulator.slash("ann", "general", "ask"))
        event = await raw.until("INTERACTION_CREATE")
        body = {"type": 4, "data": {"content": "psst", "flags": 64}}
        await api.call("POST", f"/interactions/{event['id']}/{event['token']}/callback", body, status=204)
        message = await raw.until("MESSAGE_CREATE")
    assert (message["content"], message["flags"]) == ("psst", 64)
    assert "guild_id" not in message
    events = emulator.journal.select(kind="event", name="INTERACTION_CREATE")
    assert "token" not in events[0].detail["d"], "tokens never reach the journal"


async def test_slow_networks_reorder(emulator: DiscordEmulator, api: Any) -> None:
    """With jitter concurrent messages overtake each other."""
    emulator.switches.jitter_s = 0.2
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(api.post(str(number)))
    shown = [int(message.text) for message in emulator.messages("general")]
    assert sorted(shown) == list(range(8))
    assert shown != sorted(shown)


async def test_a_moderator_hides_previews_of_others(emulator: DiscordEmulator, api: Any) -> None:
    """The bot may hide the previews of another's message when it manages messages, nothing else."""
    said = emulator.say("ann", "general", "https://a.example")
    path = f"/channels/{api.channel()}/messages/{said}"
    assert await api.refusal("PATCH", path, {"flags": 4}) == (403, 50005)
    emulator.allow("general", "coze", "MANAGE_MESSAGES")
    assert (await api.call("PATCH", path, {"flags": 4}))["flags"] == 4
    assert await api.refusal("PATCH", path, {"flags": 4, "content": "x"}) == (403, 50005)


async def test_channels_come_change_and_go(emulator: DiscordEmulator, api: Any, dial: Any) -> None:
    """A new channel, its new name, its end; a second guild with a role, a locale, a member who leaves."""
    async with dial() as raw:
        await raw.ready()
        emulator.add_channel("lab")
        assert (await raw.until("CHANNEL_CREATE"))["name"] == "lab"
        emulator.allow("lab", "coze", "MANAGE_CHANNELS")
        await raw.until("CHANNEL_UPDATE")
        assert (await api.call("PATCH", f"/channels/{api.channel('lab')}", {"name": "attic"}))["name"] == "attic"
        assert (await raw.until("CHANNEL_UPDATE"))["name"] == "attic"
        thread = emulator.start_thread("ann", "attic", "aside")
        emulator.delete_channel(thread)
        assert (await raw.until("THREAD_DELETE"))["id"] == thread
        emulator.delete_channel("attic")
        assert (await raw.until("CHANNEL_DELETE"))["name"] == "attic"
        emulator.add_guild("second", locale="zh-CN")
        assert (await raw.until("GUILD_CREATE"))["preferred_locale"] == "zh-CN"
    emulator.leave_guild("ann", "Sandbox")
    with pytest.raises(ValueError, match="ann lacks"):
        emulator.say("ann", "general", "gone")


async def test_waiting_says_what_was_waited_for(emulator: DiscordEmulator, api: Any) -> None:
    """A text that never comes is named, with the journal's end."""
    await api.post("this")
    with pytest.raises(TimeoutError, match="the text 'that'"):
        await emulator.wait_for_text("general", "that", timeout_s=0.1)
    await emulator.settled(quiet_s=0.05)


async def test_wrong_names_are_sentences(emulator: DiscordEmulator) -> None:
    """Each finder says what there is not."""
    for call, words in (
        (lambda: emulator.find_guild("x"), "no guild"),
        (lambda: emulator.find_message("general", "1"), "no message"),
        (lambda: emulator.find_role(emulator.default_guild, "x"), "no role"),
        (lambda: emulator.archive("general"), "no thread"),
        (lambda: emulator.forum_post("ann", "general", "x", "y"), "no forum"),
        (lambda: emulator.set_privileged_intents("all"), "no privileged intent"),
        (lambda: emulator.deny(emulator.open_dm("ann"), "coze", "SEND_MESSAGES"), "no permissions"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_ids_are_snowflakes() -> None:
    """Strictly increasing even within a millisecond, on the shard that was wanted, read as number or text."""
    mint = Mint(SandboxClock(frozen=True, start_s=1_795_000_000), 0)
    made = [int(mint.snowflake()) for _ in range(5000)]
    assert made == sorted(set(made))
    assert all(15 <= len(str(number)) <= 20 for number in made)
    for shard in range(3):
        assert shard_of(mint.snowflake_on_shard(shard, 3), 3) == shard
    assert [as_snowflake(value) for value in (12, "12", True, None, "x", 1.5)] == ["12", "12", None, None, None, None]


async def test_what_is_timed_reports_its_own_mistakes() -> None:
    """A callback that fails is a bug of the emulator and is raised when it closes."""
    clock = SandboxClock(frozen=True)
    timers = Timers(clock)

    def fail() -> None:
        raise RuntimeError("a bug")

    timers.after(1, fail)
    timers.after(100, fail)
    await asyncio.sleep(0)
    clock.advance(1)
    await asyncio.sleep(0.01)
    with pytest.raises(ExceptionGroup, match="something timed failed"):
        await timers.aclose()


async def test_two_emulators_from_one_seed_are_alike() -> None:
    """Secrets are the same for the same seed, so that a run can be repeated."""
    clock = SandboxClock()
    keys = [DiscordEmulator(clock, Journal(clock), seed=7).application.verify_key for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 64
