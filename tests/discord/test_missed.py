"""What was written while we were away: read afterwards through the real discord.py, in order and once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog.testing

from adapters.discord import catching_up, limits, questions
from adapters.discord.adapter import DiscordPlatform
from adapters.discord.ids import heard_note
from bridge.clock import SystemClock
from bridge.errors import PlatformUnavailable, StoreUnavailable
from bridge.extension import Missed, Services
from bridge.model import Addressing, Envelope, TurnId, View
from bridge.stores.memory import MemoryStore
from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator, FileUpload
from sandbox.journal import Journal

TURN = TurnId("abcdefghijklmnop")
HISTORY = "GET /channels/{channel}/messages"
UNRESUMABLE = 4009


@pytest.fixture
def life(platform_for: Any, serve: Any) -> Any:
    """One life of the adapter: connected within, stopped afterwards; the next one finds its store."""

    @asynccontextmanager
    async def living(intake: Any, **changes: Any) -> AsyncIterator[DiscordPlatform]:
        async with platform_for(**changes) as platform, serve(platform, intake):
            yield platform

    return living


@pytest.fixture
async def away(life: Any, intake: Any, discord: DiscordEmulator) -> None:
    """We were there once, and heard a direct message of ann."""
    async with life(intake):
        discord.dm("ann", "before")
        await intake.texts(1)


def reads(journal: Journal, channel: str | None = None) -> int:
    """Count how often history was asked for."""
    asked = journal.select(kind="request", name=HISTORY)
    return len([entry for entry in asked if channel in (None, entry.detail["params"]["channel"])])


def said(logs: list[Any], part: str) -> list[Any]:
    """Return what an operator reads about something."""
    return [line for line in logs if part in line["event"]]


# --- what is found ---


async def test_a_missed_question_is_the_one_the_gateway_would_have_brought(
    discord: DiscordEmulator, platform_for: Any, life: Any, serve: Any, intake: Any, settings_for: Any
) -> None:
    """Word for word, with roles, names, files, chain and language; in channels never used before too."""
    discord.default_guild.locale = "zh-CN"
    discord.give_role("ann", discord.add_role("staff"))
    discord.service.world.guilds[discord.guild_id].members[discord.find_user("ann").id].nick = "Annie"
    help_, listener = discord.find_channel("help").id, type(intake)()
    async with life(intake, forums=(help_,)):
        discord.dm("ann", "before")
        await intake.texts(1)
    async with MemoryStore(SystemClock()) as store:
        services = Services(SystemClock(), store, say_nothing)
        attentive = DiscordPlatform("work", settings_for(forums=(help_,), commands=False), services)
        async with attentive, serve(attentive, listener):
            first = discord.mention("ann", "general", "hello", [FileUpload("cat.png", b"\x89PNG")])
            discord.reply("bob", "general", discord.mention("ann", "general", "a chain"), "@coze is not named here")
            discord.mention("bob", "general", "me too", reply_to=first)
            thread = discord.start_thread("bob", "general", "about it", message_id=first)
            discord.say("ann", thread, "and then?")
            discord.forum_post("ann", "help", "reset", "How do I reset it?")
            discord.dm("ann", "in private")
            await listener.texts(6)
            await discord.settled()
    async with life(intake, forums=(help_,)):
        await intake.texts(7)
    missed = {envelope.delivery_key: unsigned(envelope) for envelope in intake.accepted[1:]}
    assert missed == {envelope.delivery_key: replace(unsigned(envelope), late=True) for envelope in listener.accepted}
    assert missed[listener.accepted[0].delivery_key].author.name == "Annie"
    assert not discord.violations()


def unsigned(envelope: Envelope) -> Envelope:
    """Leave out the addresses of files: each time they are told they are signed anew."""
    return replace(envelope, attachments=tuple(replace(file, url="") for file in envelope.attachments))


def say_nothing(*_: Any, **__: Any) -> str:
    """No sentence of ours is expected."""
    raise AssertionError


@pytest.mark.usefixtures("away")
async def test_a_channel_comes_before_the_threads_that_hang_in_it(
    discord: DiscordEmulator, life: Any, intake: Any
) -> None:
    """Who asks in a channel and goes on in a thread of her question would otherwise be a stranger there."""
    question = discord.mention("ann", "general", "first")
    discord.say("ann", discord.start_thread("ann", "general", "more", message_id=question), "second")
    discord.faults.plan(HISTORY, "delay", delay_s=0.3, times=1)
    async with life(intake):
        assert await intake.texts(3) == ["before", "first", "second"]
    assert intake.accepted[1].place.thread == intake.accepted[2].place.thread == question


async def test_a_thread_that_was_put_away_meanwhile_is_looked_into(
    discord: DiscordEmulator, life: Any, intake: Any
) -> None:
    """If we were used in it: the gateway tells of active threads alone."""
    async with life(intake) as platform:
        thread = discord.mention("ann", "general", "first")
        await intake.texts(1)
        await platform.reply(intake.accepted[0], TURN, "en").post(0, View("So:"))
    discord.say("ann", thread, "and then?")
    discord.archive(thread)
    async with life(intake):
        assert await intake.texts(2) == ["first", "and then?"]
    assert (intake.accepted[1].place.thread, intake.accepted[1].addressing) == (thread, Addressing.FOLLOW_UP)


@pytest.mark.usefixtures("away")
async def test_a_stranger_s_first_words_are_found_with_her_next(
    discord: DiscordEmulator, life: Any, intake: Any, journal: Journal
) -> None:
    """No one tells that a new direct conversation was begun, in whichever absence; one look is enough."""
    for text in ("hello", "anybody there?"):
        discord.dm("bob", text)
        async with life(intake):
            await discord.settled()
    before = reads(journal, discord.open_dm("bob"))
    async with life(intake):
        discord.dm("bob", "hello??")
        discord.dm("bob", "well")
        assert (await intake.texts(5))[1:] == ["hello", "anybody there?", "hello??", "well"]
    assert [envelope.late for envelope in intake.accepted[1:]] == [True, True, False, False]
    assert (before, reads(journal, discord.open_dm("bob"))) == (0, 1)


@pytest.mark.usefixtures("away")
async def test_a_session_that_cannot_be_resumed_is_caught_up_with(
    discord: DiscordEmulator, life: Any, intake: Any
) -> None:
    """Within one life; what was heard before it is not heard again."""
    async with life(intake):
        discord.mention("ann", "general", "one")
        await intake.texts(2)
        discord.gateway.close(UNRESUMABLE, resumable=False)
        discord.mention("ann", "general", "two")
        discord.dm("ann", "three")
        await intake.texts(4)
        discord.mention("ann", "general", "four")
        await intake.texts(5)
    assert [envelope.text for envelope in intake.offered].count("one") == 1
    assert {envelope.text for envelope in intake.accepted if envelope.late} == {"two", "three"}


async def test_one_of_two_connections_misses_only_its_own(discord: DiscordEmulator, life: Any, intake: Any) -> None:
    """However much the other one hears meanwhile."""
    for shard in (0, 1):
        guild = discord.add_guild(f"Guild {shard}", shard=(shard, 2))
        discord.join_guild("ann", guild)
        discord.add_channel(f"place-{shard}", guild=guild)
    async with life(intake, shards=2):
        discord.mention("ann", "place-1", "before")
        await intake.texts(1)
        discord.gateway.close(UNRESUMABLE, shard_id=1, resumable=False)
        discord.mention("ann", "place-1", "missed")
        discord.mention("ann", "place-0", "heard")
        await intake.texts(3)
    assert {envelope.text: envelope.late for envelope in intake.accepted} == {
        "before": False,
        "heard": False,
        "missed": True,
    }


@pytest.mark.usefixtures("away")
async def test_a_server_that_was_out_of_order_is_caught_up_with(
    discord: DiscordEmulator, life: Any, intake: Any
) -> None:
    """Its channels are silent during an outage of Discord's."""
    async with life(intake):
        discord.set_available(discord.guild_id, False)
        discord.gateway_faults.plan("MESSAGE_CREATE", "lose")
        discord.mention("ann", "general", "during the outage")
        discord.set_available(discord.guild_id, True)
        assert await intake.texts(2) == ["before", "during the outage"]
    assert intake.accepted[1].late


@pytest.mark.usefixtures("away")
async def test_without_the_intent_what_may_be_read_is(
    discord: DiscordEmulator, life: Any, intake: Any, journal: Journal
) -> None:
    """Mentions and direct messages come with their words; for the rest it is too late for a hint."""
    discord.set_privileged_intents()
    question = discord.mention("ann", "general", "hello")
    thread = discord.start_thread("ann", "general", "more", message_id=question)
    discord.say("ann", thread, "unheard")
    discord.dm("ann", "in private")
    async with life(intake):
        assert sorted(await intake.texts(3)) == ["before", "hello", "in private"]
        await discord.settled()
    assert not discord.answers(thread)
    assert len(intake.accepted) == 3


# --- what is left alone ---


async def test_the_first_start_reads_nothing(
    discord: DiscordEmulator, life: Any, intake: Any, journal: Journal, services: Services
) -> None:
    """And leaves a mark at once, so that a crash right afterwards loses nothing."""
    discord.mention("ann", "general", "long before")
    async with life(intake):
        await discord.settled()
        crashed = await services.store.note(heard_note("work"))
        assert crashed
    assert not reads(journal)
    assert not intake.offered
    discord.mention("ann", "general", "missed")
    await services.store.remember(heard_note("work"), crashed)
    async with life(intake):
        assert await intake.texts(1) == ["missed"]


async def test_a_private_conversation_is_remembered_with_its_first_question(
    discord: DiscordEmulator, life: Any, intake: Any, services: Services
) -> None:
    """Nothing else tells after a crash that it exists; what was said in it before is read in its own time."""
    channel = discord.open_dm("ann")
    async with life(intake):
        await discord.settled()
        discord.faults.plan(HISTORY, "delay", delay_s=60.0, times=None)
        discord.dm("ann", "hello")
        deadline = asyncio.get_running_loop().time() + 5.0
        while channel not in (await services.store.note(heard_note("work")) or ""):
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("away")
async def test_only_places_that_moved_are_read(
    discord: DiscordEmulator, life: Any, intake: Any, journal: Journal
) -> None:
    """And what we may not see is not asked for; direct conversations tell nothing, so each known one is read."""
    discord.add_channel("quiet")
    discord.add_channel("secret")
    discord.deny("secret", "@everyone", "VIEW_CHANNEL")
    discord.deny("secret", "coze", "VIEW_CHANNEL")
    discord.allow("secret", "ann", "VIEW_CHANNEL")
    discord.say("ann", "secret", "just us")
    discord.mention("ann", "general", "hello")
    before = reads(journal)
    async with life(intake):
        await intake.texts(2)
        await discord.settled()
    asked = [entry.detail["params"]["channel"] for entry in journal.select(kind="request", name=HISTORY)][before:]
    assert sorted(asked) == sorted([discord.find_channel("general").id, discord.open_dm("ann")])
    assert not [entry for entry in journal.select(kind="reply") if entry.detail["status"] in (401, 403, 429)]


@pytest.mark.usefixtures("away")
async def test_a_missing_permission_is_said_once(
    discord: DiscordEmulator, life: Any, intake: Any, journal: Journal
) -> None:
    """Per server, however many channels lack it; what is new is served as ever."""
    discord.add_channel("other")
    for channel in ("general", "other"):
        discord.deny(channel, "@everyone", "READ_MESSAGE_HISTORY")
        discord.deny(channel, "coze", "READ_MESSAGE_HISTORY")
        discord.mention("ann", channel, "missed")
    with structlog.testing.capture_logs() as logs:
        async with life(intake):
            discord.mention("ann", "general", "new")
            assert await intake.texts(2) == ["before", "new"]
    assert len(said(logs, "Read Message History")) == 1


async def test_what_is_too_old_is_left_alone(
    services: Services, settings_for: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """By Discord's time; our own clock is two hours ahead of it here."""
    clock = SandboxClock(start_s=services.clock.wall() - 7200)
    async with DiscordEmulator(clock, Journal(clock)) as discord:
        discord.switches.identify_interval_s = 0.0
        discord.add_user("ann")
        settings = settings_for(api_url=discord.api_url, gateway_url=discord.gateway_url)
        for age_h, text in ((3, "one"), (1, "two"), (3, "three")):
            bounded = replace(services, missed=Missed(age_h * 3600.0))
            async with DiscordPlatform("work", settings, bounded) as platform, serve(platform, intake):
                discord.dm("ann", text)
                await intake.until(lambda: any(envelope.text == text for envelope in intake.accepted))  # noqa: B023
            clock.advance(60)  # beyond what two lives have in common
            discord.dm("ann", f"behind {text}")
            clock.advance(60)
    assert [envelope.text for envelope in intake.accepted] == ["one", "two", "behind two", "three"]


@pytest.mark.usefixtures("away")
async def test_a_server_we_came_to_meanwhile_is_new(discord: DiscordEmulator, life: Any, intake: Any) -> None:
    """While connected; what people said there before we came is not for us."""
    async with life(intake):
        guild = discord.add_guild("Elsewhere", with_bot=False)
        discord.join_guild("ann", guild)
        discord.add_channel("there", guild=guild)
        discord.say("ann", "there", f"<@{discord.bot_user_id}> will not hear this")
        discord.add_bot(guild)
        discord.mention("ann", "there", "hello")
        assert await intake.texts(2) == ["before", "hello"]


@pytest.mark.usefixtures("away")
async def test_more_than_one_page_is_read_backwards(
    discord: DiscordEmulator, services: Services, settings_for: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """The newest so many, oldest first."""
    for number in range(250):
        discord.say("ann", "general", f"chatter {number}" if number % 50 else f"<@{discord.bot_user_id}> {number}")
    missed = replace(services, missed=Missed(messages=220))
    async with DiscordPlatform("work", settings_for(), missed) as platform, serve(platform, intake):
        assert (await intake.texts(5))[1:] == ["50", "100", "150", "200"]
    assert reads(journal, discord.find_channel("general").id) == 3


# --- trouble ---


@pytest.mark.usefixtures("away")
async def test_what_cannot_be_read_now_is_tried_again(
    discord: DiscordEmulator, life: Any, intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is new in its place waits for it, in order."""
    monkeypatch.setattr(catching_up, "RETRY_FIRST_S", 0.05)
    discord.mention("ann", "general", "missed")
    discord.faults.plan(HISTORY, "status", status=502, times=4)
    intake.failures = [StoreUnavailable("disk full")]
    async with life(intake):
        discord.mention("ann", "general", "new")
        discord.mention("ann", "general", "newer")
        assert (await intake.texts(4))[1:] == ["missed", "new", "newer"]
    assert [envelope.late for envelope in intake.accepted] == [False, True, False, False]


@pytest.mark.parametrize("limit", ["time", "number"])
@pytest.mark.usefixtures("away")
async def test_nothing_new_waits_for_ever(
    discord: DiscordEmulator, life: Any, intake: Any, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Not too long, and not too much of it; what was missed comes when it can be read, and elsewhere nobody waits."""
    monkeypatch.setattr(catching_up, "RETRY_FIRST_S", 0.3)
    monkeypatch.setattr(catching_up, "HOLD_S", 0.3 if limit == "time" else 60.0)
    monkeypatch.setattr(questions, "HELD_MAX", 100 if limit == "time" else 1)
    discord.add_channel("other")
    discord.mention("ann", "general", "missed")
    discord.faults.plan(HISTORY, "status", status=502, times=5)
    with structlog.testing.capture_logs() as logs:
        async with life(intake):
            for text in ("new", "newer"):
                discord.mention("ann", "general", text)
            discord.mention("ann", "other", "elsewhere")
            assert (await intake.texts(4))[1:] == ["elsewhere", "new", "newer"]
            assert (await intake.texts(5))[4] == "missed"
    assert len(said(logs, "go ahead")) == 1


@pytest.mark.usefixtures("away")
async def test_what_waits_when_we_stop_is_left_to_the_next_start(
    discord: DiscordEmulator, life: Any, intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order then, and nothing stays behind in this life."""
    monkeypatch.setattr("adapters.discord.receiver.LAST_EVENTS_S", 0.1)
    discord.mention("ann", "general", "missed")
    discord.faults.plan(HISTORY, "status", status=502, times=None)
    async with life(intake):
        discord.mention("ann", "general", "new")
        await discord.settled()
    assert len(intake.accepted) == 1
    discord.faults.clear()
    async with life(intake):
        assert (await intake.texts(3))[1:] == ["missed", "new"]


@pytest.mark.usefixtures("away")
async def test_a_question_deleted_while_it_waits_is_not_asked(discord: DiscordEmulator, life: Any, intake: Any) -> None:
    """Its author has thought better of it."""
    discord.mention("ann", "general", "missed")
    discord.faults.plan(HISTORY, "delay", delay_s=0.5)
    async with life(intake):
        message = discord.mention("ann", "general", "never mind")
        discord.mention("ann", "general", "rather this")
        discord.delete("ann", "general", message)
        assert (await intake.texts(3))[1:] == ["missed", "rather this"]


async def test_many_places_are_read_few_at_a_time(
    discord: DiscordEmulator, life: Any, intake: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a part of the bot's requests, and first where somebody waits."""
    places = []
    for number in range(12):
        guild = discord.add_guild(f"Guild {number}")
        discord.join_guild("ann", guild)
        places.append(discord.add_channel(f"place-{number}", guild=guild))
    async with life(intake):
        discord.dm("ann", "before")
        await intake.texts(1)
    for place in places:
        discord.mention("ann", place, f"in {place}")
    discord.switches.latency_s = 0.02
    async with life(intake, requests_per_s=300):  # 60 of them, so one in 50 ms for each of the three readers
        discord.mention("ann", places[-1], "urgent")
        await intake.until(lambda: intake.accepted[-1].text == "urgent")
        assert len(intake.accepted) < 1 + len(places)
        await intake.texts(2 + len(places))
    began = [entry.at for entry in journal.select(kind="request", name=HISTORY)]
    running = 0
    for entry in journal:
        running += (entry.name == HISTORY) * ((entry.kind == "request") - (entry.kind == "reply"))
        assert running <= catching_up.READERS
    assert max(began) - min(began) > (len(began) / catching_up.READERS - 2) * 0.05


async def test_marks_that_cannot_be_read_keep_us_away(
    platform_for: Any, intake: Any, death: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while: with a store that fails nothing could be taken anyway."""

    async def fail(_: str) -> str | None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(services.store, "note", fail)
    async with platform_for() as platform:
        error = await death(platform, intake)
    assert isinstance(error, PlatformUnavailable)
    assert "disk full" in error.reason


@pytest.mark.usefixtures("away")
async def test_questions_cost_no_second_write(
    discord: DiscordEmulator, life: Any, intake: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How far we have heard is written at the start, at the end, and now and then between."""
    written: list[str] = []
    remember = services.store.remember

    async def watched(name: str, value: str | None, **more: Any) -> None:
        written.append(name)
        await remember(name, value, **more)

    monkeypatch.setattr(services.store, "remember", watched)
    async with life(intake):
        await asyncio.sleep(0)
        for number in range(50):
            discord.dm("ann", f"{number}")
        await intake.texts(51)
    assert written.count(heard_note("work")) <= 3
    assert limits.QUIET_GATEWAY_S > catching_up.SAVE_EVERY_S
