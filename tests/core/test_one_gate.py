"""One gate: each way into the core is closed to whoever may not use us; a new one without a row here fails."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bridge.intake.accepting import Intake as RealIntake
from bridge.intake.gate import AccessList, GateRules
from bridge.model import (
    Addressing,
    ControlKind,
    Invocation,
    Invoked,
    Outcome,
    Press,
    Pressed,
    TurnRecord,
    TurnState,
    Typing,
)
from bridge.ports import Intake
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, command, envelope, spoken
from bridge.testing.workflows import FakeWorkflows
from bridge.texts import Say, say
from bridge.workflows.settings import WorkflowSettings

GATE = GateRules(users=AccessList(deny=frozenset({"U9"})))
FLOWS = {
    "weather": WorkflowSettings.model_validate({"id": "1", "parameters": {"city": {}}}),
    "poem": WorkflowSettings.model_validate({"id": "2", "result": "only_me"}),
}
REFUSED = say(Say.NOT_ALLOWED, "en")
TAKES_BACK = {"withdraw"}
"""It only takes back what its author asked: whoever may not ask has nothing to take back."""


async def accept(core: Core, first: TurnRecord) -> None:
    """However a message is addressed, and whatever it says."""
    texts = ["Hello", "!new", "!stop", "stop", "!status", "帮助", "!run weather Rome", "运行 poem", "!run", "Friday"]
    for number, text in enumerate(texts, 10):
        for addressing in Addressing:
            message = envelope(text, number=number, author="U9", private=addressing is Addressing.DIRECT)
            message = replace(message, addressing=addressing, delivery_key=f"{message.delivery_key}:{addressing}")
            assert not await core.intake.accept(message), text
    await core.clock.run(1.0)
    told = [m for m in core.platform.messages.values() if REFUSED in m.shown]
    assert told
    assert all(m.shown == REFUSED for m in core.platform.messages.values() if m.turn not in ("", first.turn_id))


async def press(core: Core, first: TurnRecord) -> None:
    """Every control there is, and the form behind it."""
    for kind in ControlKind:
        for filled in (None, {"comment": "no", "reasons": "[]"}):
            pressed = Press(kind, first.turn_id, envelope().place, envelope(author="U9").author, "msg-1", filled=filled)
            assert await core.intake.press(pressed) == Pressed(False, REFUSED), kind
    stop = Press(ControlKind.STOP, None, envelope().place, envelope(author="U9").author)
    assert await core.intake.press(stop) == Pressed(False, REFUSED)


async def invoke(core: Core, _: TurnRecord) -> None:
    """Commands, forms, and what they are about."""
    for text in (
        "!help",
        "!new",
        "!stop",
        "!status",
        "!run",
        "!run weather",
        "!run weather Rome",
        "!run poem",
        "what?",
    ):
        given = command(text, author="U9")
        for filled in (None, {}, {"workflow": "weather"}, {"city": "Rome"}):
            for call in (Invocation(given, filled), Invocation(given, filled, "roses", draft=True)):
                assert await core.intake.invoke(call) == Invoked(sentence=REFUSED), call
        assert await core.intake.invoke(Invocation(given, given={"city": "Rome"})) == Invoked(sentence=REFUSED)


async def suggest(core: Core, _: TurnRecord) -> None:
    """Nothing is told of what there is."""
    typing = Typing(envelope().place, envelope(author="U9").author)
    assert core.intake.suggest(typing) == ()
    assert core.intake.suggest(replace(typing, author=envelope().author)) == ("weather", "poem")


ROWS: dict[str, Callable[[Core, TurnRecord], Awaitable[None]]] = {
    "accept": accept,
    "press": press,
    "invoke": invoke,
    "suggest": suggest,
}


def verbs(kind: type) -> set[str]:
    """The public methods of a class."""
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_every_way_in_has_a_row() -> None:
    """The port's verbs and those of what stands behind it are the same, and each is here."""
    assert verbs(Intake) == verbs(RealIntake) == {*ROWS, *TAKES_BACK}


@pytest.mark.parametrize("way", ROWS)
async def test_whoever_may_not_gets_nothing(way: str) -> None:
    """No turn, no run, no opinion, no form, no list of what there is; others go on as if nothing had been."""
    agent, workflows = FakeAgent(spoken("Hello."), spoken("Again.")), FakeWorkflows()
    async with core_of(agent, gate=GATE, workflows=workflows, flows=FLOWS) as core:
        first = await core.ask(envelope())
        await ROWS[way](core, first)
        await core.clock.run(5.0)
        assert len(agent.questions) == 1
        assert not workflows.runs
        assert not agent.rated
        assert not agent.deleted
        assert not await core.store.unfinished()
        turn = await core.record(envelope())
        assert (turn.state, turn.outcome) == (TurnState.ENDED, Outcome.DELIVERED)
        assert (await core.ask(envelope(number=2))).outcome is Outcome.DELIVERED
