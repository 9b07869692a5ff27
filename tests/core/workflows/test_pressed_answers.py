"""What a run asks is answered by pressing: a choice, or a form; by the person who ran it, and once."""

from typing import Any

import pytest

from bridge.errors import AgentUnavailable
from bridge.intake.gate import AccessList, GateRules
from bridge.keys import control_key, turn_id
from bridge.model import (
    AskedField,
    AskKind,
    Author,
    Capabilities,
    Control,
    ControlKind,
    Interruption,
    Outcome,
    Press,
    Pressed,
    RunInterrupted,
    TurnRecord,
    TurnState,
    ValueKind,
)
from bridge.testing.core import Core, core_of
from bridge.testing.fake_agent import FakeAgent
from bridge.testing.fake_platform import FakePlatform
from bridge.testing.fakes import envelope
from bridge.testing.workflows import FakeWorkflows, Step, said
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions
from bridge.workflows.settings import WorkflowSettings

OPTIONS = TurnOptions(AskingOptions(identity_secret=b"secret of the tests"))
DAYS = ("Friday", "stop", "Friday  or\nlater")
FIELDS = (AskedField("day"), AskedField("hours", ValueKind.INTEGER, required=False, description="How long"))
LOST = AgentUnavailable("lost", outcome_unknown=True)


def asks(**more: Any) -> list[Step]:
    """A run that stops for a question."""
    return [RunInterrupted(Interruption("1/2", 2, question="Which day?", **more))]


def core(workflows: FakeWorkflows, gate: GateRules | None = None) -> Any:
    """A core on a platform with controls, with one workflow."""
    settings = WorkflowSettings.model_validate({"id": "42"})
    platform = FakePlatform(capabilities=Capabilities(controls=True))
    return core_of(
        FakeAgent(),
        options=OPTIONS,
        workflows=workflows,
        flows={"trip": settings},
        platform=platform,
        gate=gate or GateRules(),
    )


async def asked(core: Core, number: int = 1) -> TurnRecord:
    """Let a run begin, and wait until it waits for an answer."""
    question = envelope("!run trip", number=number)
    assert await core.intake.accept(question)
    await core.until(lambda: bool(offered(core)))
    await core.clock.run(1.0)
    record = await core.record(question)
    assert record.state is TurnState.WAITING
    return record


def offered(core: Core) -> tuple[Control, ...]:
    """What can be pressed below the newest message."""
    messages = [*core.platform.messages.values()]
    controls: tuple[Control, ...] = messages[-1].view.controls if messages else ()
    return tuple(control for control in controls if control.kind is ControlKind.ANSWER)


async def press(core: Core, record: TurnRecord, choice: int = 0, by: str = "U1", **more: Any) -> Pressed:
    """Press below what a turn asks, and let what this begins come to its end."""
    author = Author(by, name=f"name of {by}", locale="en")
    kind = ControlKind.ANSWER
    pressed = await core.intake.press(
        Press(kind, record.turn_id, record.envelope.place, author, "msg-1", choice, **more)
    )
    await core.clock.run(2.0)
    return pressed


async def ended(core: Core, record: TurnRecord, attempt: int = 0) -> TurnRecord:
    """Return the turn of an answer."""
    found = await core.store.turn(turn_id(control_key(record, ControlKind.ANSWER, attempt)))
    assert found is not None
    assert found.state is TurnState.ENDED
    return found


async def test_a_choice_is_pressed() -> None:
    """Also one that would be a command if it were written; then all are over, and the answer says who chose what."""
    workflows = FakeWorkflows(asks(choices=DAYS), said("Off we go."))
    async with core(workflows) as core_:
        record = await asked(core_)
        assert [control.label for control in offered(core_)] == ["Friday", "stop", "Friday or later"]
        assert await press(core_, record, 1) == Pressed(True)
        assert [answer for _, _, answer in workflows.resumed] == ["stop"]
        assert (await ended(core_, record)).outcome is Outcome.DELIVERED
        assert core_.platform.visible()[-1] == "> name of U1 answers: stop\n\nOff we go."
        over = Pressed(True, say(Say.RUN_ANSWERED, "en"))
        assert await press(core_, record, 0) == over
        assert await press(core_, record, 1) == over
        assert len(workflows.resumed) == 1


async def test_only_who_ran_it_answers() -> None:
    """Others read that, and the question stays open; who may not speak to us reads only that."""
    workflows = FakeWorkflows(asks(choices=DAYS), asks(choices=DAYS))
    async with core(workflows, GateRules(users=AccessList(deny=frozenset({"U3"})))) as core_:
        record = await asked(core_)
        assert await press(core_, record, by="U2") == Pressed(False, say(Say.NOT_YOURS, "en"))
        assert await press(core_, record, by="U3") == Pressed(False, say(Say.NOT_ALLOWED, "en"))
        assert not workflows.resumed


async def test_what_was_lost_on_the_way_is_pressed_again() -> None:
    """The run still waits."""
    workflows = FakeWorkflows(asks(choices=DAYS), [LOST], said("Off we go."))
    async with core(workflows) as core_:
        record = await asked(core_)
        await press(core_, record)
        assert (await ended(core_, record)).outcome is Outcome.FAILED
        await press(core_, record)
        assert (await ended(core_, record, 1)).outcome is Outcome.DELIVERED
        assert len(workflows.resumed) == 2


@pytest.mark.parametrize(
    ("question", "names", "filled", "answer"),
    [
        ({}, ["answer"], {"answer": "On Friday"}, "On Friday"),
        ({"choices": tuple(f"Day {day}" for day in range(11))}, ["answer"], {"answer": "day 3"}, "Day 3"),
        (
            {"kind": AskKind.INPUT, "fields": FIELDS},
            ["day", "hours"],
            {"day": 'a "b" hours=3', "hours": "4"},
            '{"day": "a \\"b\\" hours=3", "hours": 4}',
        ),
    ],
)
async def test_words_are_filled_in(
    question: dict[str, Any], names: list[str], filled: dict[str, str], answer: str
) -> None:
    """In a form that the one button opens; what is wrong in it is told, and it can be opened again."""
    workflows = FakeWorkflows(asks(**question), said("Off we go."))
    async with core(workflows) as core_:
        record = await asked(core_)
        assert [control.label for control in offered(core_)] == [say(Say.ANSWER_LABEL, "en")]
        opened = await press(core_, record)
        assert (opened.done, opened.sentence) == (False, "")
        assert opened.form is not None
        assert [field.name for field in opened.form.fields] == names
        assert not (await press(core_, record, filled={})).done
        if "hours" in filled:
            wrong = await press(core_, record, filled={"day": "x", "hours": "many"})
            assert wrong == Pressed(False, say(Say.VALUE_NOT_INTEGER, "en", name="hours", value="many"))
        assert await press(core_, record, filled=filled) == Pressed(True)
        assert [given for _, _, given in workflows.resumed] == [answer]


async def test_what_no_form_holds_is_answered_in_words() -> None:
    """More fields than every platform can show."""
    many = tuple(AskedField(f"f{number}") for number in range(6))
    async with core(FakeWorkflows(asks(kind=AskKind.INPUT, fields=many))) as core_:
        question = envelope("!run trip")
        await core_.intake.accept(question)
        await core_.clock.run(3.0)
        assert (await core_.record(question)).state is TurnState.WAITING
        assert not offered(core_)
