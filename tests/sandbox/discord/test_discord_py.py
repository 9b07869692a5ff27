"""The real discord.py over every transport, with one and with two shards: messages (checklist of reference 10.7)."""

from typing import Any

import discord
import pytest

from sandbox.discord import DiscordEmulator, FileUpload
from sandbox.journal import Journal

pytestmark = pytest.mark.usefixtures("every_wire")


async def test_a_message_is_answered_and_the_answer_grows(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """Log in, be ready, read a message, reply, edit ten times: every edit is a step people could read."""
    bot: discord.Client = library.make_bot(shards=shards)

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


async def test_the_transport_is_what_was_asked_for(
    emulator: DiscordEmulator, library: Any, connect: Any, compression: str, journal: Journal
) -> None:
    """The library asks for the compression it can read; plain frames are read whatever it asked for."""
    async with connect(library.make_bot()):
        (handshake,) = journal.select(kind="handshake")
    asked = handshake.detail["query"]["compress"]
    assert asked in (("zlib-stream", "zstd-stream") if compression == "plain" else (f"{compression}-stream",))


async def test_every_kind_of_conversation_is_read(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """Mention, direct message, thread from a message, forum post: where it came from and what it says."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        asked = emulator.mention("ann", "general", "one")
        emulator.dm("ann", "two")
        thread = emulator.start_thread("ann", "general", "aside", asked, "three")
        post = emulator.forum_post("bob", "help", "It is broken", "four", tags=("bug",))
        await emulator.wait_until(lambda: len(bot.notes.of("message")) == 5, what="five messages")
        messages = {message.content: message for message in bot.notes.of("message")}
        mentioned, direct = messages[f"<@{bot.user.id}> one"], messages["two"]
        assert bot.user in mentioned.mentions
        assert (direct.guild, direct.channel.type) == (None, discord.ChannelType.private)
        assert messages["three"].channel.id == int(thread) == int(asked)
        assert messages["three"].channel.parent == mentioned.channel
        assert messages["four"].id == messages["four"].channel.id == int(post)
        assert isinstance(messages["four"].channel.parent, discord.ForumChannel)
        assert messages[""].type is discord.MessageType.thread_starter_message
        assert [made.id for made in bot.notes.of("thread_create")] == [int(thread), int(post)]


async def test_the_bot_opens_threads_posts_and_conversations(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """A thread from a message, a forum post, a direct message, a reaction, a file, typing: all from the bot."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        asked = emulator.say("ann", "general", "hello")
        general = bot.get_channel(int(emulator.find_channel("general").id))
        message = await general.fetch_message(int(asked))
        thread = await message.create_thread(name="answers", auto_archive_duration=60)
        await thread.send("in the thread")
        forum = bot.get_channel(int(emulator.find_channel("help").id))
        post = await forum.create_thread(name="news", content="a post")
        ann = await bot.fetch_user(int(emulator.find_user("ann").id))
        direct = await ann.send("privately")
        await message.add_reaction("👀")
        await message.remove_reaction("👀", bot.user)
        async with general.typing():
            assert emulator.typing_in("general") == ["coze"]
        sent = await general.send("a file", file=discord.File(__file__, filename="a.py"))
    assert [m.text for m in emulator.answers(str(thread.id))] == ["in the thread"]
    assert emulator.shown_text(str(post.thread.id), str(post.message.id)) == "a post"
    assert emulator.shown_text(emulator.open_dm("ann"), str(direct.id)) == "privately"
    assert emulator.shown("general", str(sent.id)).files == ["a.py"]
    assert not emulator.violations()


async def test_a_file_is_downloaded_without_authorization(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """The address in the event carries its signature; the bytes are what was attached."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        emulator.say("ann", "general", "look", [FileUpload("cat.png", b"\x89PNG cat")])
        await emulator.wait_until(lambda: bool(bot.notes.of("message")), what="the message")
        (message,) = bot.notes.of("message")
        assert await message.attachments[0].read() == b"\x89PNG cat"
        assert message.attachments[0].content_type == "image/png"


async def test_what_is_too_long_or_gone_is_refused(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """2 001 characters are 50035, an edit of a deleted message is 10008: with the library's own exceptions."""
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        general = bot.get_channel(int(emulator.find_channel("general").id))
        with pytest.raises(discord.HTTPException) as too_long:
            await general.send("x" * 2001)
        message = await general.send("👍" * 2000)
        emulator.delete("owner", "general", str(message.id))
        with pytest.raises(discord.NotFound) as gone:
            await message.edit(content="more")
    assert (too_long.value.code, too_long.value.status) == (50035, 400)
    assert "Must be 2000 or fewer in length." in too_long.value.text
    assert gone.value.code == 10008


async def test_a_repeated_event_and_all_members(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """The same MESSAGE_CREATE can come twice; with the members intent every member is known when ready."""
    bot = library.make_bot(shards=shards, intents=library.ALL_INTENTS | 1 << 1)
    async with connect(bot):
        emulator.gateway_faults.plan("MESSAGE_CREATE", "duplicate")
        said = emulator.say("ann", "general", "once")
        await emulator.wait_until(lambda: len(bot.notes.of("message")) == 2, what="the same message twice")
        assert {message.id for message in bot.notes.of("message")} == {int(said)}
        names = {member.name for member in bot.get_guild(int(emulator.guild_id)).members}
    assert names == {"coze", "owner", "ann", "bob"}


async def test_no_message_of_the_bot_pings_anybody(
    emulator: DiscordEmulator, library: Any, connect: Any, shards: int
) -> None:
    """``@everyone``, a role and a user in the text ping nobody: in create, in edit, and in the edit of a LayoutView."""
    role = emulator.add_role("staff", mentionable=True)
    text = f"@everyone <@&{role}> <@{emulator.find_user('ann').id}>"
    bot = library.make_bot(shards=shards)
    async with connect(bot):
        general = bot.get_channel(int(emulator.find_channel("general").id))
        message = await general.send(text)
        await message.edit(content=f"{text}!")
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.TextDisplay(text))
        laid_out = await general.send(view=view)
        await laid_out.edit(view=view, allowed_mentions=discord.AllowedMentions.none())
        assert not emulator.violations()
        await laid_out.edit(view=view)
    assert {entry.detail["target"] for entry in emulator.violations("ping")} == {
        "@everyone",
        f"@&{role}",
        f"@{emulator.find_user('ann').id}",
    }, "the library sends no allowed_mentions with this edit, and the emulator sees it"


async def test_two_shards_share_the_guilds(emulator: DiscordEmulator, library: Any, connect: Any) -> None:
    """Each shard is given its own guilds, and events come by the shard of their guild; private ones by shard 0."""
    emulator.switches.max_concurrency = 2
    guilds = [emulator.add_guild(f"g{shard}", shard=(shard, 2)) for shard in (0, 1)]
    emulator.join_guild("ann", "g0")
    emulator.join_guild("ann", "g1")
    for number in (0, 1):
        emulator.add_channel(f"room{number}", guild=f"g{number}")
    bot = library.make_bot(shards=2)
    async with connect(bot):
        assert [bot.get_guild(int(guild)).shard_id for guild in guilds] == [0, 1]
        for number in (0, 1):
            emulator.say("ann", f"room{number}", f"to {number}")
        emulator.dm("ann", "to nobody else")
        await emulator.wait_until(lambda: len(bot.notes.of("message")) == 3, what="a message by each way")
