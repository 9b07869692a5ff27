"""The ways a connection to the gateway ends, and that each is mended or said."""

import asyncio
from typing import Any

import pytest

from adapters.discord import gateway, limits
from adapters.discord.gateway import CLOSE_CODES, death_of, to_its_end
from bridge.clock import SystemClock
from bridge.errors import CredentialsError, PlatformUnavailable
from bridge.model import Control, ControlKind, TurnId, View
from bridge.observing import Connection
from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

CALLBACK = "POST /interactions/{interaction}/{token}/callback"


def frames(journal: Journal, name: str) -> int:
    """Count the client's frames of one kind."""
    return len(journal.select(kind="frame", name=name))


async def talk(discord: DiscordEmulator, intake: Any, text: str) -> None:
    """Say something and wait until it has arrived."""
    count = len(intake.accepted)
    discord.dm("ann", text)
    assert (await intake.texts(count + 1))[-1] == text


# --- what waiting does not mend ---


async def test_a_wrong_token_is_said(platform_for: Any, intake: Any, death: Any, journal: Journal) -> None:
    """With its mending, before any session is begun."""
    async with platform_for(token="nobody") as platform:
        error = await death(platform, intake)
    assert isinstance(error, CredentialsError)
    assert "does not know the token" in error.reason
    assert "Reset Token" in error.fix
    assert not frames(journal, "IDENTIFY")


async def test_an_intent_that_is_off_is_said(
    discord: DiscordEmulator, platform_for: Any, intake: Any, death: Any, journal: Journal
) -> None:
    """Asked for although it is not switched on: one session is lost, not a thousand."""
    discord.set_privileged_intents()
    async with platform_for(message_content="on") as platform:
        error = await death(platform, intake)
    assert isinstance(error, CredentialsError)
    assert "message content intent" in error.reason
    assert 'message_content = "off"' in error.fix
    assert frames(journal, "IDENTIFY") == 1


@pytest.mark.parametrize("code", sorted(CLOSE_CODES))
async def test_codes_that_close_for_good_are_said(
    discord: DiscordEmulator, platform: Any, intake: Any, death: Any, code: int
) -> None:
    """Each with its reason and what to do."""
    discord.gateway_faults.plan("IDENTIFY", "close", code=code)
    error = await death(platform, intake)
    assert isinstance(error, CredentialsError)
    assert str(code) in error.reason
    assert error.fix


async def test_a_token_that_dies_while_we_run_is_said(
    discord: DiscordEmulator, platform: Any, intake: Any, asked: Any, journal: Journal
) -> None:
    """The next request learns it, and the adapter rests at once: the gateway alone would notice only at its end."""
    connected = asyncio.Event()
    question = asked()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_outcome(platform, intake, connected))
        await connected.wait()
        discord.application.token = "another"
        await platform.reply(question, TurnId("t" * 16), "en").refresh()
        error = await task
    assert isinstance(error, CredentialsError)
    assert not connected.is_set()


async def _outcome(platform: Any, intake: Any, connected: asyncio.Event) -> Exception | None:
    async with asyncio.timeout(10):
        try:
            await platform.serve(intake, connected)
        except (CredentialsError, PlatformUnavailable) as error:
            return error
    return None


async def test_an_intent_switched_off_while_we_run_is_done_without(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Found out by itself, so given up by itself: the next session does not ask for it."""
    connected = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_outcome(platform, intake, connected))
        await connected.wait()
        discord.set_privileged_intents()
        discord.gateway.invalidate()
        error = await task
    assert isinstance(error, PlatformUnavailable)
    assert "switched off" in error.reason
    async with serve(platform, intake):
        await talk(discord, intake, "hello")
    intents = [entry.detail["d"]["intents"] for entry in journal.select(kind="frame", name="IDENTIFY")]
    assert [bool(asked_for & 1 << 15) for asked_for in intents] == [True, True, False]


# --- what a new attempt mends ---


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4003, 4005, 4008])
async def test_a_lost_connection_is_resumed(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal, code: int
) -> None:
    """And brings what was missed, once."""
    async with serve(platform, intake) as connected:
        await talk(discord, intake, "before")
        discord.gateway.close(code, resumable=True)
        discord.dm("ann", "meanwhile")
        await intake.texts(2)
        await talk(discord, intake, "after")
        assert connected.is_set()
    assert [envelope.text for envelope in intake.offered] == ["before", "meanwhile", "after"]
    assert (frames(journal, "IDENTIFY"), frames(journal, "RESUME")) == (1, 1)


async def test_what_a_resume_brings_again_has_one_effect(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, asked: Any, journal: Journal
) -> None:
    """Questions, deletions and presses that we have had already; a message that was too late is new."""
    discord.switches.replay_overlap = 100
    async with serve(platform, intake):
        question = asked()
        stop = Control(ControlKind.STOP, TurnId("t" * 16), "Stop")
        answer = await platform.reply(question, stop.turn_id, "en").post(0, View("So:", controls=(stop,)))
        assert (await discord.click("ann", question.message_id, answer, "Stop")).accepted
        await talk(discord, intake, "before")
        discord.gateway.drop()
        discord.dm("ann", "meanwhile")
        await intake.texts(3)
        await talk(discord, intake, "after")
        await discord.settled()
    assert [envelope.text for envelope in intake.offered] == ["hello", "before", "meanwhile", "after"]
    assert len(intake.presses) == len(journal.select(kind="request", name=CALLBACK)) == 1
    assert frames(journal, "IDENTIFY") == 1


async def test_a_deaf_connection_is_found_out_and_counted(
    discord: DiscordEmulator, platform: Any, intake: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open, but without a frame for longer than the heartbeat allows: taken up again, and nothing is missed."""
    monkeypatch.setattr(limits, "QUIET_GATEWAY_S", 0.6)
    discord.switches.heartbeat_interval_s = 0.2
    discord.switches.heartbeats_enforced = False  # else it would hang up first, and end the session
    connected = Connection("work", SystemClock())
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(platform.serve(intake, connected))
        await discord.wait_until(connected.is_set, what="a session")
        await talk(discord, intake, "before")
        discord.gateway.pause()
        discord.dm("ann", "into deaf ears")
        await discord.wait_until(lambda: not connected.is_set(), what="the loss to be noticed")
        assert await intake.texts(2) == ["before", "into deaf ears"]
        await discord.wait_until(connected.is_set, what="a session again")
        serving.cancel()
    assert connected.connects == 2
    assert (frames(journal, "IDENTIFY"), frames(journal, "RESUME")) == (1, 1)


async def test_a_killed_socket_is_resumed(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Reset without a word."""
    async with serve(platform, intake):
        await talk(discord, intake, "before")
        discord.gateway.drop()
        await discord.wait_until(lambda: frames(journal, "RESUME") == 1, what="a RESUME")
        await talk(discord, intake, "after")
    assert frames(journal, "IDENTIFY") == 1


async def test_a_request_to_reconnect_is_followed(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Op 7."""
    async with serve(platform, intake):
        discord.gateway.reconnect()
        await discord.wait_until(lambda: frames(journal, "RESUME") == 1, what="a RESUME")
        await talk(discord, intake, "after")


@pytest.mark.parametrize("resumable", [True, False])
async def test_an_invalid_session_begins_anew(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal, resumable: bool
) -> None:
    """Op 9, true or false."""
    async with serve(platform, intake) as connected:
        discord.gateway.invalidate(resumable=resumable)
        name = "RESUME" if resumable else "IDENTIFY"
        await discord.wait_until(lambda: frames(journal, name) == 2 - resumable, what="a new beginning")
        await discord.wait_until(connected.is_set, what="a session")
        await talk(discord, intake, "after")


@pytest.mark.parametrize(
    ("fault", "details"),
    [("status", {"status": 503}), ("cut", {}), ("close", {"code": 4000}), ("close", {"code": 1001})],
)
async def test_a_dead_address_for_resuming_is_left(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, journal: Journal, fault: str, details: Any
) -> None:
    """The usual address takes over, with the same session: nothing is missed and none is used up."""
    discord.gateway_faults.plan("resume", fault, times=None, **details)
    async with serve(platform, intake) as connected:
        await talk(discord, intake, "before")
        discord.gateway.drop()
        await discord.wait_until(lambda: not connected.is_set(), what="the loss to be noticed")
        discord.dm("ann", "meanwhile")
        await intake.texts(2)
        assert frames(journal, "IDENTIFY") == 1
        assert len(journal.select(kind="handshake", name="resume")) <= 3


async def test_a_gateway_that_is_not_there_at_the_start_is_said_at_once(
    platform_for: Any, intake: Any, death: Any, journal: Journal
) -> None:
    """Not after the SDK has stumbled over it; no session is used up."""
    async with platform_for(gateway_url="ws://127.0.0.1:9/") as platform:
        error = await death(platform, intake)
    assert isinstance(error, PlatformUnavailable)
    assert "gateway is not reached" in error.reason
    assert not frames(journal, "IDENTIFY")


async def test_an_api_that_is_not_there_is_said(platform_for: Any, intake: Any, death: Any) -> None:
    """The supervisor tries again."""
    async with platform_for(api_url="http://127.0.0.1:9/api") as platform:
        error = await death(platform, intake)
    assert isinstance(error, PlatformUnavailable)


async def test_a_refused_session_is_asked_for_twice_only(
    discord: DiscordEmulator, platform: Any, intake: Any, death: Any, serve: Any, journal: Journal
) -> None:
    """The SDK would go on every five seconds until the day's sessions are used up; afterwards all is well."""
    discord.gateway_faults.plan("IDENTIFY", "invalid_session", times=2)
    error = await death(platform, intake)
    assert isinstance(error, PlatformUnavailable)
    assert "refuses to begin a session" in error.reason
    assert frames(journal, "IDENTIFY") == 2
    async with serve(platform, intake):
        await talk(discord, intake, "at last")


async def test_a_gateway_that_stays_silent_is_given_up(
    discord: DiscordEmulator, platform_for: Any, intake: Any, death: Any
) -> None:
    """No session within the time set."""
    discord.gateway_faults.plan("gateway", "silent", times=None)
    async with platform_for(rebuild_after_s=0.5) as platform:
        error = await death(platform, intake)
    assert isinstance(error, PlatformUnavailable)
    assert "no session" in error.reason


async def test_a_connection_lost_for_good_is_given_up(
    discord: DiscordEmulator, platform_for: Any, intake: Any, journal: Journal
) -> None:
    """A new client begins afresh: the supervisor starts one."""
    connected = asyncio.Event()
    async with platform_for(rebuild_after_s=0.6) as platform, asyncio.TaskGroup() as group:
        task = group.create_task(_outcome(platform, intake, connected))
        await connected.wait()
        for place in ("gateway", "resume"):
            discord.gateway_faults.plan(place, "status", times=None)
        discord.gateway.drop()
        error = await task
    assert isinstance(error, PlatformUnavailable)
    assert "0.6 s" in error.reason


async def test_a_payload_the_sdk_cannot_read_ends_its_client_and_nothing_else(
    discord: DiscordEmulator, platform: Any, intake: Any, journal: Journal
) -> None:
    """A partial MESSAGE_UPDATE kills every parser; the supervisor starts anew."""
    connected = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_outcome(platform, intake, connected))
        await connected.wait()
        discord.gateway_faults.plan("MESSAGE_UPDATE", "mangle", remove=["content", "author"])
        message = discord.dm("ann", "odd")
        discord.edit("ann", discord.open_dm("ann"), message, "odder")
        error = await task
    assert isinstance(error, PlatformUnavailable)
    assert "discord.py broke down (KeyError)" in error.reason
    assert [envelope.text for envelope in intake.accepted] == ["odd"]


async def test_few_sessions_left_are_spread_over_the_day(
    discord: DiscordEmulator, platform: Any, intake: Any, journal: Journal, sandbox_clock: SandboxClock
) -> None:
    """Below half of them the next one waits; nothing is identified meanwhile."""
    discord.switches.identifies_per_day = 2
    for _ in range(2):
        discord.gateway.budget.count_today()
        discord.gateway.budget.admit(0)
    task_done = asyncio.Event()

    async def serving() -> None:
        try:
            await platform.serve(intake, asyncio.Event())
        finally:
            task_done.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(serving())
        await discord.wait_until(
            lambda: bool(journal.select(kind="reply", name="GET /gateway/bot")), what="the question for sessions"
        )
        await discord.settled()
        assert not task_done.is_set()
        assert not frames(journal, "IDENTIFY")
        task.cancel()


# --- shards, and the rest ---


async def test_two_connections_share_the_servers(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """Connected when both are; direct messages come over the first; a lost one is resumed."""
    for shard in (0, 1):
        guild = discord.add_guild(f"Guild {shard}", shard=(shard, 2))
        discord.join_guild("ann", guild)
        discord.add_channel(f"place-{shard}", guild=guild)
    async with platform_for(shards=2) as platform, serve(platform, intake) as connected:
        for shard in (0, 1):
            discord.mention("ann", f"place-{shard}", f"{shard}")
        discord.dm("ann", "private")
        assert sorted(await intake.texts(3)) == ["0", "1", "private"]
        discord.gateway.drop(shard_id=1)
        await discord.wait_until(lambda: not connected.is_set(), what="the loss to be noticed")
        await discord.wait_until(connected.is_set, what="both connections")
        discord.mention("ann", "place-1", "again")
        assert (await intake.texts(4))[-1] == "again"
    shards = [entry.detail["d"]["shard"] for entry in journal.select(kind="frame", name="IDENTIFY")]
    assert shards[:2] == [[0, 2], [1, 2]]


async def test_discord_may_choose_the_number_of_connections(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """What it recommends."""
    discord.switches.recommended_shards = 2
    async with platform_for(shards="auto") as platform, serve(platform, intake):
        await talk(discord, intake, "hi")
    assert frames(journal, "IDENTIFY") == 2


@pytest.mark.parametrize("compression", ["asked", "never"])
async def test_compressed_or_not(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, compression: Any
) -> None:
    """The SDK asks for compression and takes what it gets; frames reach us readable."""
    discord.switches.compression = compression
    async with serve(platform, intake):
        await talk(discord, intake, "你好")


async def test_answers_can_be_sent_while_the_gateway_is_lost(
    discord: DiscordEmulator, platform: Any, asked: Any, intake: Any
) -> None:
    """Replies need no socket."""
    question = asked()
    await platform.reply(question, TurnId("t" * 16), "en").post(0, View("hello"))
    assert [shown.text for shown in discord.answers(question.message_id)] == ["hello"]


@pytest.mark.parametrize("error", [KeyError("x"), TypeError(), AttributeError(), ValueError(), RuntimeError()])
def test_whatever_the_sdk_stumbles_over_can_be_tried_again(error: Exception) -> None:
    """Its parsers let every exception out."""
    assert isinstance(error, gateway.DEATHS)
    assert isinstance(death_of(error), PlatformUnavailable)


async def test_a_cancellation_the_sdk_swallows_is_repeated() -> None:
    """A stop that meets a failing attempt to connect ends the SDK all the same."""
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.sleep(3600)

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(to_its_end(stubborn()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    assert swallowed.is_set()
    assert waiting.cancelled()
