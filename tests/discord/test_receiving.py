"""The real discord.py over a real gateway: what people write reaches the intake, once and in order."""

import asyncio
from typing import Any

import pytest

from adapters.discord.ids import hint_note, root_note
from bridge.errors import StoreUnavailable
from bridge.extension import Services
from bridge.model import Addressing, TurnId, View
from sandbox.discord import DiscordEmulator, FileUpload
from sandbox.journal import Journal

TURN = TurnId("abcdefghijklmnop")


def calls(journal: Journal, route: str) -> list[Any]:
    """Return the requests of one route."""
    return journal.select(kind="request", name=route)


async def test_a_mention_arrives_once(discord: DiscordEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """With place, author, words and key."""
    general = discord.find_channel("general").id
    async with serve(platform, intake):
        message = discord.mention("ann", "general", "what's up?")
        await intake.texts(1)
        await discord.settled()
    (envelope,) = intake.offered
    assert envelope.text == "what's up?"
    assert envelope.delivery_key == f"work:{discord.guild_id}:{general}:{message}"
    assert (envelope.place.channel, envelope.place.thread) == (general, message)
    assert (envelope.place.channel_name, envelope.author.name) == ("general", "Ann")
    assert (envelope.author.id, envelope.addressing) == (discord.find_user("ann").id, Addressing.MENTION)
    assert not discord.violations()


async def test_direct_messages_and_files_arrive(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """The channel is the conversation."""
    async with serve(platform, intake):
        discord.dm("bob", "你好", [FileUpload("cat.png", b"\x89PNG")])
        await intake.texts(1)
    (envelope,) = intake.accepted
    assert (envelope.addressing, envelope.text, envelope.author.name) == (Addressing.DIRECT, "你好", "波波")
    assert (envelope.place.team, envelope.place.thread, envelope.place.private) == ("", None, True)
    assert [(file.name, file.media_type, file.size_bytes) for file in envelope.attachments] == [
        ("cat.png", "image/png", 4)
    ]


async def test_a_thread_is_the_place_of_the_question_it_began_from(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """Follow-ups without a mention, also those the thread's opener writes."""
    async with serve(platform, intake):
        question = discord.mention("ann", "general", "first")
        thread = discord.start_thread("bob", "general", "about it", message_id=question)
        discord.say("bob", thread, "and then?")
        await intake.texts(2)
    first, then = intake.accepted
    assert (first.place.channel, first.place.thread) == (then.place.channel, then.place.thread)
    assert (then.addressing, then.inside_thread, then.place.channel_name) == (Addressing.FOLLOW_UP, True, "general")


async def test_forum_posts_are_answered_where_configured(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any
) -> None:
    """The first message by itself, the others as in any thread."""
    forum = discord.find_channel("help").id
    discord.add_channel("ideas", "forum")
    async with platform_for(forums=(forum,)) as platform, serve(platform, intake):
        post = discord.forum_post("ann", "help", "reset", "How do I reset it?")
        discord.say("bob", post, "me too")
        discord.forum_post("ann", "ideas", "idea", "Could we?")
        await intake.texts(3)
    asked, later, elsewhere = intake.accepted
    assert (asked.addressing, asked.inside_thread) == (Addressing.MENTION, False)
    assert (asked.place.channel, asked.place.thread) == (forum, post)
    assert later.addressing is Addressing.FOLLOW_UP
    assert elsewhere.addressing is Addressing.FOLLOW_UP


async def test_questions_keep_their_order(discord: DiscordEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """A burst takes its places in the order it was sent, replies whose chain must be looked up included."""
    async with serve(platform, intake):
        dm = discord.open_dm("ann")
        for number in range(60):
            discord.say("ann", dm, f"{number}")
        assert await intake.texts(60) == [f"{number}" for number in range(60)]


async def test_replies_wait_behind_each_other_while_their_chain_is_looked_up(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Only in their channel; a chain of people is followed to its beginning."""
    discord.add_channel("other")
    async with platform_for(answer_in="reply") as platform, serve(platform, intake):
        chain = [discord.say("bob", "general", "zero")]
        for number in range(4):
            chain.append(discord.reply("bob", "general", chain[-1], f"step {number}"))
        discord.switches.latency_s = 0.1
        for number in range(3):
            discord.mention("ann", "general", f"{number}", reply_to=chain[-1])
        discord.mention("ann", "other", "elsewhere")
        discord.mention("ann", "general", "three")
        texts = await intake.texts(5)
    assert texts[0] == "elsewhere"
    assert texts[1:] == ["0", "1", "2", "three"]
    roots = [envelope.place.thread for envelope in intake.accepted]
    assert roots[1:4] == [chain[0]] * 3
    assert roots[4] == intake.accepted[4].message_id


async def test_a_reply_chain_is_remembered_over_a_restart(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, services: Services
) -> None:
    """A reply to our answer belongs to the question's conversation, a bare mention begins a new one."""
    async with platform_for(answer_in="place") as platform, serve(platform, intake):
        question = discord.mention("ann", "general", "first")
        await intake.texts(1)
        answer = await platform.reply(intake.accepted[0], TURN, "en").post(0, View("answer"))
        then = discord.reply("bob", "general", answer, "and then?", ping=False)
        await intake.texts(2)
        further = await platform.reply(intake.accepted[1], TurnId("q" * 16), "en").post(0, View("further"))
    async with platform_for(answer_in="place") as platform, serve(platform, intake):
        discord.reply("ann", "general", further, "go on")
        discord.mention("ann", "general", "something else")
        await intake.texts(4)
    roots = [envelope.place.thread for envelope in intake.accepted]
    assert roots[:3] == [question] * 3
    assert roots[3] == intake.accepted[3].message_id
    general = discord.find_channel("general").id
    assert await services.store.note(root_note("work", general, then)) == question


async def test_an_event_replayed_after_a_loss_is_not_asked_twice(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """RESUME and the gateway itself may bring the same message again; the intake sees it once."""
    discord.gateway_faults.plan("MESSAGE_CREATE", "duplicate")
    async with serve(platform, intake):
        discord.dm("ann", "once")
        await intake.texts(1)
        await discord.settled()
    assert [envelope.text for envelope in intake.offered] == ["once"]


async def test_what_could_not_be_written_down_is_not_remembered_as_done(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """Should it come again, it is taken then."""
    intake.failures.append(StoreUnavailable("disk full"))
    discord.gateway_faults.plan("MESSAGE_CREATE", "duplicate")
    async with serve(platform, intake):
        discord.dm("ann", "important")
        assert await intake.texts(1) == ["important"]
    assert len(intake.offered) == 2


async def test_everything_else_is_ignored(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Chatter, edits, reactions, other bots, our own messages; and nothing is asked of Discord for it."""
    discord.add_user("robot", bot=True)
    async with serve(platform, intake):
        requests = len(journal.select(kind="request"))
        lunch = discord.say("ann", "general", "lunch?")
        discord.edit("ann", "general", lunch, f"<@{discord.bot_user_id}> dinner?")
        discord.react("bob", "general", lunch, "👍")
        discord.reply("bob", "general", lunch, "yes")
        discord.mention("robot", "general", "beep")
        discord.say("bob", "general", "@everyone lunch")
        await discord.settled()
        assert len(journal.select(kind="request")) == requests
    assert not intake.offered


async def test_our_own_messages_do_not_come_back(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """The echo of a notice is no question."""
    async with serve(platform, intake):
        envelope = asked()
        await intake.texts(1)
        await platform.reply(envelope, TURN, "en").notice("a word of ours")
        await discord.settled()
    assert len(intake.offered) == 1


async def test_a_deleted_question_is_withdrawn(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """The intake learns the key of the question."""
    async with serve(platform, intake):
        message = discord.mention("ann", "general", "never mind")
        await intake.texts(1)
        discord.delete("ann", "general", message)
        await intake.until(lambda: bool(intake.withdrawn))
    assert intake.withdrawn == [intake.accepted[0].delivery_key]


async def test_roles_and_our_own_role(discord: DiscordEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """The gate sees the author's roles; a mention of the bot's role is one of the bot."""
    role = discord.add_role("staff")
    discord.give_role("ann", "staff")
    own = next(role.id for role in discord.default_guild.roles.values() if role.bot_id)
    async with serve(platform, intake):
        discord.say("ann", "general", f"<@&{own}> hello <@&{role}>")
        assert await intake.texts(1) == ["hello @staff"]
    assert intake.accepted[0].author.roles == (role,)


@pytest.mark.parametrize(("locale", "language"), [("zh-CN", "zh"), ("en-US", ""), ("de", "de")])
async def test_the_server_s_language_is_the_author_s(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, locale: str, language: str
) -> None:
    """Discord's default says nothing: the config decides then."""
    guild = discord.add_guild("Elsewhere", locale=locale)
    discord.join_guild("ann", guild)
    discord.add_channel("there", guild=guild)
    async with serve(platform, intake):
        discord.mention("ann", "there", "hi")
        await intake.texts(1)
    assert intake.accepted[0].author.locale == language


async def test_a_channel_the_gateway_did_not_tell_of_is_asked_for(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Once; the messages of that channel keep their order meanwhile."""
    async with serve(platform, intake):
        discord.gateway_faults.plan("CHANNEL_CREATE", "lose")
        discord.add_channel("secret")
        discord.switches.latency_s = 0.1
        for number in range(3):
            discord.mention("ann", "secret", f"{number}")
        assert await intake.texts(3) == ["0", "1", "2"]
    assert len(calls(journal, "GET /channels/{channel}")) == 1


@pytest.mark.parametrize("fault", ["status", "wrong_json", "drop_after"])
async def test_a_channel_that_is_not_told_at_once_is_asked_for_again(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, fault: str
) -> None:
    """Nobody brings the message again: trouble of the service does not lose it."""
    async with serve(platform, intake):
        discord.gateway_faults.plan("CHANNEL_CREATE", "lose")
        discord.add_channel("secret")
        discord.faults.plan("GET /channels/{channel}", fault)
        discord.mention("ann", "secret", "hi")
        assert await intake.texts(1) == ["hi"]


# --- without the privileged intent ---


async def test_without_the_intent_mentions_and_direct_messages_work(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """The adapter finds out by itself and does not ask for what it may not have."""
    discord.set_privileged_intents()
    async with serve(platform, intake):
        discord.mention("ann", "general", "hello")
        discord.dm("ann", "hi")
        assert sorted(await intake.texts(2)) == ["hello", "hi"]
    identify = journal.select(kind="frame", name="IDENTIFY")[0].detail["d"]
    assert identify["intents"] == 1 << 0 | 1 << 9 | 1 << 12


async def test_without_the_intent_a_thread_is_told_once(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, asked: Any, services: Services
) -> None:
    """Where we take part; the message itself ends in inbound. Remembered over a restart."""
    discord.set_privileged_intents()
    async with platform_for() as platform, serve(platform, intake):
        envelope = asked()
        await intake.texts(1)
        thread = envelope.message_id
        await platform.reply(envelope, TURN, "en").post(0, View("answer"))
        for _ in range(3):
            discord.say("ann", thread, "and then?")
        await discord.wait_for_text(thread, "ℹ️ I can only read what mentions me here. Mention me to go on.")
        unrelated = discord.start_thread("bob", "general", "private talk", text="just us")
        await discord.settled()
    async with platform_for() as platform, serve(platform, intake):
        discord.say("ann", thread, "hello?")
        await discord.settled()
    assert len(discord.answers(thread)) == 2
    assert not discord.answers(unrelated)
    assert len(intake.accepted) == 1
    assert await services.store.note(hint_note("work", envelope.place.channel, thread)) is not None


async def test_a_stop_lets_what_is_in_hand_be_written_down(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """And the socket is closed."""
    finished = asyncio.Event()
    async with serve(platform, intake) as connected:
        intake.gate.clear()
        discord.dm("ann", "last words")
        await intake.texts(1)
        asyncio.get_running_loop().call_later(0.2, intake.gate.set)
        asyncio.get_running_loop().call_later(0.2, finished.set)
        assert connected.is_set()
    assert finished.is_set()
    assert not connected.is_set()
    await discord.wait_until(lambda: not discord.gateway.connected(), what="a closed socket")


async def test_two_instances_meet_neither_each_other_nor_discord(
    discord: DiscordEmulator, settings_for: Any, services: Services, serve: Any, intake: Any, journal: Journal
) -> None:
    """Each has addresses of its own in one process; the SDK's class attributes stay as they are."""
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

    from adapters.discord.adapter import DiscordPlatform
    from sandbox.clock import SandboxClock

    clock = SandboxClock()
    async with DiscordEmulator(clock, Journal(clock), seed=7) as other:
        other.add_user("zoe")
        there = settings_for(api_url=other.api_url, gateway_url=other.gateway_url)
        here_intake, there_intake = intake, type(intake)()
        async with (
            DiscordPlatform("here", settings_for(), services) as here,
            DiscordPlatform("there", there, services) as elsewhere,
            serve(here, here_intake),
            serve(elsewhere, there_intake),
        ):
            discord.dm("ann", "for here")
            other.dm("zoe", "for there")
            assert await here_intake.texts(1) == ["for here"]
            assert await there_intake.texts(1) == ["for there"]
    assert Route.BASE == "https://discord.com/api/v10"
    assert DiscordWebSocket.DEFAULT_GATEWAY.host == "gateway.discord.gg"
