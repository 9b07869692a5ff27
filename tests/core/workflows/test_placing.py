"""Where a workflow's result goes: its thread, the channel, its caller alone; and what becomes of it where it cannot."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import AgentRejected, PlatformRejected
from bridge.keys import control_key, turn_id
from bridge.model import (
    Addressing,
    ControlKind,
    Envelope,
    Outcome,
    Press,
    TurnId,
    TurnState,
)
from bridge.ports import Reply
from bridge.testing.core import Core
from bridge.testing.fakes import FakePlatform, FakeReply, command
from bridge.testing.workflows import said
from bridge.texts import Say, say
from tests.core.workflows.test_running import asks, core, run_of, waits, workflows

LINE = "▶️ `name of U1` runs `translate`  `text=good morning`"


def standing(world: Core) -> list[tuple[str, str | None, str]]:
    """Everything that stands, with its channel and thread."""
    return [(m.place.channel, m.place.thread, m.shown) for m in world.platform.messages.values() if not m.deleted]


@pytest.fixture(params=["typed", "command"])
def asked(request: pytest.FixtureRequest) -> Envelope:
    """Both ways to call it: in a thread, and by a command of the platform's own."""
    text = "!run translate good morning"
    return run_of(text) if request.param == "typed" else command(text)


async def test_a_result_for_the_channel_stands_in_the_channel(asked: Envelope) -> None:
    """Behind a line that says what it is."""
    async with core(said("Guten Morgen"), result="channel") as world:
        assert (await world.ask(asked)).outcome is Outcome.DELIVERED
        assert standing(world) == [("C1", None, LINE), ("C1", None, "Guten Morgen")]
        assert not world.platform.waiting


async def test_what_was_asked_in_the_channel_itself_needs_no_line() -> None:
    """The message that began the thread stands there."""
    async with core(said("Guten Morgen"), result="channel") as world:
        await world.ask(run_of(thread="1"))
        assert standing(world) == [("C1", None, "Guten Morgen")]


async def test_a_result_for_its_caller_alone_leaves_the_channel_with_a_word() -> None:
    """It says nothing of the result."""
    async with core(said("secret"), result="only_me") as world:
        assert (await world.ask(run_of())).outcome is Outcome.DELIVERED
        word = say(Say.RUN_GOES_PRIVATE, "en")
        assert standing(world) == [("D-U1", None, LINE), ("C1", "root", word), ("D-U1", "msg-1", "secret")]


@pytest.mark.parametrize("result", ["channel", "only_me"])
async def test_in_private_all_of_it_stays(result: str) -> None:
    """There is no other place for it."""
    async with core(said("secret"), result=result) as world:
        await world.ask(run_of(private=True))
        assert standing(world) == [("C1", "root", "secret")]


async def test_where_its_caller_takes_no_direct_messages_nothing_runs(asked: Envelope) -> None:
    """She reads why, where she asked."""
    async with core(result="only_me") as world:
        world.platform.errors["announce"] = [PlatformRejected("she takes none")]
        assert (await world.ask(asked)).outcome is Outcome.FAILED
        sentence = say(Say.RUN_NO_PRIVATE, "en")
        if asked.command:
            assert world.platform.whispers == [("U1", sentence)]
        else:
            assert standing(world) == [("C1", "root", sentence)]
        assert not workflows(world).runs


@pytest.mark.parametrize("result", ["channel", "only_me"])
@pytest.mark.parametrize(
    ("text", "said_there"),
    [("!run translate", "Missing"), ("!run translat x", "There is no workflow"), ("!run", "You can run")],
)
async def test_what_is_wrong_is_said_where_it_was_asked(result: str, text: str, said_there: str) -> None:
    """Nothing goes anywhere for it."""
    async with core(result=result) as world:
        await world.ask(run_of(text))
        [(channel, thread, shown)] = standing(world)
        assert (channel, thread) == ("C1", "root")
        assert said_there in shown


async def test_who_may_not_run_it_gets_no_direct_message() -> None:
    """She reads it where she asked."""
    async with core(result="only_me", allow={"users": ["U9"]}) as world:
        await world.ask(run_of())
        assert standing(world) == [("C1", "root", say(Say.RUN_NOT_ALLOWED, "en", name="translate"))]


class RootedReply(FakeReply):
    announce = None  # type: ignore[assignment]


class Rooted(FakePlatform):
    """A platform whose answers cannot move."""

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> Reply:
        return RootedReply(self, envelope, turn_id)


async def test_where_answers_cannot_move_a_private_one_is_refused() -> None:
    """One for the channel stays where it was asked."""
    async with core(result="only_me", platform=Rooted()) as world:
        await world.ask(run_of())
        assert standing(world) == [("C1", "root", say(Say.RUN_PRIVATE, "en", name="translate"))]
    async with core(said("Guten Morgen"), result="channel", platform=Rooted()) as world:
        await world.ask(run_of())
        assert standing(world) == [("C1", "root", "Guten Morgen")]


async def test_what_is_asked_in_the_channel_is_answered_below_and_goes_on_in_the_channel() -> None:
    """The next message in the channel may be anything, so it is no answer."""
    async with core([asks()], said("Paris it is"), result="channel") as world:
        run = run_of()
        await waits(world, run)
        *_, (_, _, question) = standing(world)
        assert question.endswith(say(Say.RUN_ASKS_BELOW, "en", name="name of U1"))
        await world.ask(run_of("!run translate", number=7, thread="7"))
        assert (await world.record(run)).state is TurnState.WAITING
        answer = replace(run_of("Paris", number=8, thread="msg-2"), addressing=Addressing.FOLLOW_UP)
        await world.ask(answer)
        assert standing(world)[-1] == ("C1", None, "Paris it is")
        assert (await world.ended(run))[0].outcome is Outcome.DELIVERED


async def test_stop_finds_what_has_moved() -> None:
    """Where it was asked, and where it is answered."""
    gate = asyncio.Event()
    async with core([gate], [gate], result="only_me") as world:
        for number, thread in ((1, "root"), (2, "other")):
            assert await world.intake.accept(run_of(number=number, thread=thread))
            await world.until(lambda number=number: len(workflows(world).runs) == number)  # type: ignore[misc]
        await world.ask(run_of("!stop", number=3))
        assert (await world.ended(run_of()))[0].outcome is Outcome.STOPPED
        root = (await world.record(run_of(number=2))).root
        assert root is not None
        await world.ask(replace(run_of("!stop", number=4, private=True), place=root.place))
        assert (await world.ended(run_of(number=2)))[0].outcome is Outcome.STOPPED


async def test_a_run_that_failed_is_tried_again_where_it_went() -> None:
    """The word in the channel is not said again."""
    async with core([AgentRejected("no")], said("secret"), result="only_me") as world:
        record = await world.ask(run_of())
        assert record.root is not None
        press = Press(ControlKind.RETRY, record.turn_id, record.root.place, run_of().author)
        assert (await world.intake.press(press)).done
        again = replace(run_of(), delivery_key=control_key(record, ControlKind.RETRY))
        await world.ended(again)
        assert standing(world)[-1][0] == "D-U1"
        assert [channel for channel, _, _ in standing(world)].count("C1") == 1
        assert turn_id(again.delivery_key) != record.turn_id
