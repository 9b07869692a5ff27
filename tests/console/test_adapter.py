"""The terminal as a platform: it asks, answers, waits for the answers, and ends."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters.console import ADAPTER
from adapters.console.adapter import Terminal
from adapters.console.settings import ConsoleSettings
from bridge.clock import SystemClock
from bridge.errors import PlatformRejected, StoreUnavailable
from bridge.extension import Services
from bridge.model import Envelope, Invocation, Invoked, Press, Pressed, TurnId, Typing, View
from bridge.ports import Intake, Platform
from bridge.stores import open_store
from bridge.stores.settings import MEMORY, StoreSettings
from bridge.texts import say

DEADLINE_S = 10.0


class FakeIntake:
    """Notes what comes in; ``answer`` decides what happens to it."""

    def __init__(self, *, accepts: bool = True, error: StoreUnavailable | None = None) -> None:
        self.accepts = accepts
        self.error = error
        self.asked: list[Envelope] = []
        self.news = asyncio.Event()

    async def accept(self, envelope: Envelope) -> bool:
        self.asked.append(envelope)
        self.news.set()
        if self.error is not None:
            raise self.error
        return self.accepts

    async def press(self, press: Press) -> Pressed:
        return Pressed(True)

    async def invoke(self, call: Invocation) -> Invoked:
        return Invoked()

    def suggest(self, typing: Typing) -> Sequence[str]:
        return ()

    async def withdraw(self, delivery_key: str) -> None:
        """Nothing is ever deleted in a terminal."""


def _fits(intake: FakeIntake) -> Intake:
    return intake


@asynccontextmanager
async def services() -> AsyncIterator[Services]:
    """What the bridge lends."""
    clock = SystemClock()
    async with open_store(StoreSettings(path=MEMORY), clock) as store:
        yield Services(clock, store, say)


@asynccontextmanager
async def terminal(typed: str, output: io.StringIO) -> AsyncIterator[Terminal]:
    """A terminal in which ``typed`` was typed, and then Ctrl-D."""
    reading, writing = os.pipe()
    os.write(writing, typed.encode())
    os.close(writing)
    settings = ConsoleSettings(user="Ada", language="en")
    try:
        async with services() as lent:
            one = Terminal("console", settings, lent, input_descriptor=reading, output=output)
            async with one:
                yield one
    finally:
        os.close(reading)


async def test_it_serves_until_everything_asked_is_answered() -> None:
    """The end of the input is not the end: running answers are still shown."""
    output, intake, connected = io.StringIO(), FakeIntake(), asyncio.Event()
    async with terminal("hello\n\n!help\n", output) as one, asyncio.timeout(DEADLINE_S):
        platform: Platform = one
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(platform.serve(intake, connected))
            await connected.wait()
            while len(intake.asked) < 2:
                intake.news.clear()
                await intake.news.wait()
            assert [envelope.text for envelope in intake.asked] == ["hello", "!help"]
            assert intake.asked[0].author.name == "Ada"
            question, command = (platform.reply(envelope, TurnId("t"), "en") for envelope in intake.asked)
            await command.notice("This is the help.")
            await question.open()
            message = await question.post(0, View("Hel", live=True))
            await question.edit(message, View("Hello", live=True))
            assert not serving.done()
            await question.settle()
        assert not connected.is_set()
    assert output.getvalue() == "This is the help.\nHello\n"


@pytest.mark.parametrize(
    ("intake_error", "shown"), [(None, ""), (StoreUnavailable("disk full"), "I cannot write anything down")]
)
async def test_what_was_not_taken_is_not_waited_for(intake_error: StoreUnavailable | None, shown: str) -> None:
    """A refused question has no answer to wait for; a store that fails is said."""
    output = io.StringIO()
    async with terminal("hello\n", output) as one, asyncio.timeout(DEADLINE_S):
        await one.serve(FakeIntake(accepts=False, error=intake_error), asyncio.Event())
    assert shown in output.getvalue()


async def test_nothing_to_ask_ends_at_once() -> None:
    """An empty input asks nothing."""
    async with terminal("", io.StringIO()) as one, asyncio.timeout(DEADLINE_S):
        await one.serve(FakeIntake(), asyncio.Event())


class ClosedOutput(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


async def test_a_closed_terminal_is_rejected() -> None:
    """Nobody reads any more: an error of our own, not the system's."""
    intake = FakeIntake(accepts=False)
    async with terminal("hello\n", ClosedOutput()) as one:
        await one.serve(intake, asyncio.Event())
        reply = one.reply(intake.asked[0], TurnId("t"), "en")
        with pytest.raises(PlatformRejected, match="the terminal is closed"):
            await reply.post(0, View("line\nnext"))


async def test_the_package_brings_what_the_bridge_needs() -> None:
    """Settings, a platform, a check that needs nothing; `run` leaves it out."""
    assert ADAPTER.in_run is False
    assert all(finding.ok for finding in await ADAPTER.check("console", ConsoleSettings()))
    async with services() as lent:
        platform = ADAPTER.build("console", ConsoleSettings(rendering="plain"), lent)
        assert platform.name == "console"
        assert platform.capabilities.status_refresh_s is None
        drawn = ADAPTER.build("desk", ConsoleSettings(rendering="rich"), lent)
        assert drawn.capabilities.status_refresh_s is not None
        assert drawn.part_rules.limit < platform.part_rules.limit
