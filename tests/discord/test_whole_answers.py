"""The core and the adapter together, in bad weather: the whole answer is visible once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

import bridge.core
from bridge.clock import SystemClock
from bridge.core import CoreOptions
from bridge.delivery.delivering import Pace
from bridge.extension import Services
from bridge.keys import turn_id
from bridge.model import Outcome, TurnState
from bridge.ports import Platform
from bridge.routes import AgentBinding, Routes
from bridge.testing.fakes import FakeAgent, Step, spoken
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

CREATE, EDIT = "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}"
DEADLINE_S = 20.0
Answering = Callable[..., AbstractAsyncContextManager["Core"]]


class Core:
    """A running core with one platform."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def ended(self, key: str) -> Outcome | None:
        """Wait until a question's turn has ended."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                record = await self.services.store.turn(turn_id(key))
                if record is not None and record.state is TurnState.ENDED:
                    return record.outcome
                await asyncio.sleep(0.02)


@pytest.fixture
def answering(platform_for: Any, services: Services) -> Answering:
    """Let an agent answer whoever asks in the emulator."""

    @asynccontextmanager
    async def running(*scripts: list[Step], **settings: Any) -> AsyncIterator[Core]:
        async with platform_for(**settings) as platform, core_of(platform, *scripts) as core:
            yield core

    @asynccontextmanager
    async def core_of(platform: Platform, *scripts: list[Step]) -> AsyncIterator[Core]:
        clock, store, platforms = SystemClock(), services.store, {platform.name: platform}
        options = TurnOptions(AskingOptions(identity_secret=b"secret of the tests"), pace=Pace(edit_interval_s=0.05))
        async with asyncio.TaskGroup() as tasks:
            routes = Routes({"default": AgentBinding("default", FakeAgent(*scripts), "bot-1", {})}, "default")
            whole = bridge.core.Core(tasks, store, clock, routes, platforms, CoreOptions(options), holder="test")
            connected = asyncio.Event()
            serving = tasks.create_task(platform.serve(whole.intake, connected))
            async with asyncio.timeout(DEADLINE_S):
                await connected.wait()
            try:
                yield Core(services)
            finally:
                serving.cancel()
                await whole.drain(1.0)

    return running


def question_key(discord: DiscordEmulator, channel: str, message: str) -> str:
    """Return the delivery key of a question."""
    place = discord.find_channel(channel)
    return f"work:{place.guild_id or ''}:{place.id}:{message}"


def shown(discord: DiscordEmulator, channel: str) -> list[str]:
    """Return what the bot's messages say."""
    is_there = channel in discord.service.world.channels
    return [message.text.strip() for message in discord.answers(channel)] if is_there else []


async def test_a_mention_grows_in_its_thread(answering: Answering, discord: DiscordEmulator, journal: Journal) -> None:
    """In several steps, and its follow-up goes to the same conversation."""
    gates = [asyncio.Event() for _ in range(3)]
    words = ["Hello, this is the beginning. ", "And the middle. ", "And the end."]
    begin, *deltas, end = spoken(*words)
    script: list[Step] = [begin, *(step for pair in zip(deltas, gates, strict=True) for step in pair), end]
    async with answering(script, spoken("Again, and at some length.")) as core:
        question = discord.mention("ann", "general", "Tell me")
        for count, gate in enumerate(gates, 1):
            await discord.wait_until(
                lambda n=count: shown(discord, question) == ["".join(words[:n]).strip()], what="text"
            )
            gate.set()
        assert await core.ended(question_key(discord, "general", question)) is Outcome.DELIVERED
        then = discord.say("ann", question, "more?")
        assert await core.ended(question_key(discord, question, then)) is Outcome.DELIVERED
    assert shown(discord, question) == ["".join(words), "Again, and at some length."]
    assert not discord.violations()


async def test_thirty_thousand_characters_arrive_whole(answering: Answering, discord: DiscordEmulator) -> None:
    """As parts that fit, in order, with code and tables in them."""
    discord.switches.rate_limits = "off"
    text = "".join(f"Paragraph {n}: " + "word " * 40 + "\n\n```py\n" + f"x = {n}\n" * 30 + "```\n\n" for n in range(70))
    async with answering(spoken(text), channel_creates=1000, channel_edits=1000) as core:
        message = discord.dm("ann", "Tell me everything")
        dm = discord.open_dm("ann")
        assert await core.ended(question_key(discord, dm, message)) is Outcome.DELIVERED
    parts = shown(discord, dm)
    assert len(text) > 30_000
    assert len(parts) > len(text) // 2000
    whole = "\n".join(parts)
    assert [n for n in range(70) if f"Paragraph {n}:" in whole and whole.count(f"x = {n}\n") == 30] == list(range(70))
    assert all(part.count("```") % 2 == 0 for part in parts)
    assert not discord.violations()


@pytest.mark.parametrize(
    "weather",
    [
        [(CREATE, "drop_after", {})],
        [(CREATE, "drop_before", {}), (EDIT, "drop_after", {})],
        [(CREATE, "status", {"status": 502, "times": 2}), (EDIT, "status", {"status": 503, "times": 2})],
        [(CREATE, "status", {"status": 502, "applied": True}), (CREATE, "rate_limited", {"retry_after_s": 0.2})],
        [(EDIT, "rate_limited", {"retry_after_s": 0.2, "scope": "global"})],
        [(CREATE, "wrong_json", {}), (EDIT, "wrong_json", {})],
    ],
)
async def test_bad_weather_ends_with_the_whole_answer_once(
    answering: Answering, discord: DiscordEmulator, weather: Any
) -> None:
    """Resets, storms, refusals, in any order."""
    gate = asyncio.Event()
    begin, first, second, end = spoken("The first words of the answer. ", "The rest of it.")
    for route, kind, details in weather:
        discord.faults.plan(route, kind, **details)
    async with answering([begin, first, gate, second, end]) as core:
        question = discord.mention("ann", "general", "Tell me")
        await discord.wait_until(lambda: bool(shown(discord, question)), what="the first words")
        gate.set()
        assert await core.ended(question_key(discord, "general", question)) is Outcome.DELIVERED
    assert shown(discord, question) == ["The first words of the answer. The rest of it."]
    assert not discord.violations()


async def test_a_message_deleted_in_the_middle_comes_again(answering: Answering, discord: DiscordEmulator) -> None:
    """The whole answer stands in a new one."""
    gate = asyncio.Event()
    begin, first, second, end = spoken("The first words of the answer. ", "The rest of it.")
    async with answering([begin, first, gate, second, end]) as core:
        question = discord.mention("ann", "general", "Tell me")
        await discord.wait_until(lambda: bool(shown(discord, question)), what="the first words")
        discord.delete("owner", question, discord.answers(question)[0].id)
        gate.set()
        assert await core.ended(question_key(discord, "general", question)) is Outcome.DELIVERED
    assert shown(discord, question) == ["The first words of the answer. The rest of it."]
    assert not discord.violations()


async def test_a_gateway_killed_in_the_middle_disturbs_no_answer(
    answering: Answering, discord: DiscordEmulator
) -> None:
    """Answers need no socket; the next question comes after the resume."""
    gate = asyncio.Event()
    begin, first, second, end = spoken("The first words of the answer. ", "The rest of it.")
    async with answering([begin, first, gate, second, end], spoken("Still here, as you see.")) as core:
        question = discord.mention("ann", "general", "Tell me")
        await discord.wait_until(lambda: bool(shown(discord, question)), what="the first words")
        discord.gateway.drop()
        gate.set()
        then = discord.say("ann", question, "and?")
        assert await core.ended(question_key(discord, question, then)) is Outcome.DELIVERED
    assert shown(discord, question) == ["The first words of the answer. The rest of it.", "Still here, as you see."]


async def test_a_channel_where_we_may_not_speak_fails_in_the_log_alone(
    answering: Answering, discord: DiscordEmulator
) -> None:
    """The turn ends; the next one elsewhere is answered."""
    role = discord.add_role("member")
    discord.give_role("ann", role)
    discord.allow("general", role, "SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS")
    for target in ("@everyone", "coze"):
        discord.deny("general", target, "SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS", "CREATE_PUBLIC_THREADS")
    async with answering(spoken("never seen"), spoken("Seen, and well.")) as core:
        question = discord.mention("ann", "general", "Tell me")
        assert await core.ended(question_key(discord, "general", question)) is Outcome.FAILED
        message = discord.dm("ann", "Tell me here")
        dm = discord.open_dm("ann")
        assert await core.ended(question_key(discord, dm, message)) is Outcome.DELIVERED
    assert shown(discord, dm) == ["Seen, and well."]
