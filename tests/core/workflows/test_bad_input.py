"""Bad input, in both languages: each with a clear sentence, and nothing lost."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.errors import AgentRejected, AgentUnavailable
from bridge.files.attachments import FileRules
from bridge.model import Attachment, Author, Capabilities, Interruption, Outcome, RunInterrupted, TurnState
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, envelope
from bridge.testing.workflows import FakeWorkflows, Step, said
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions
from bridge.workflows.settings import WorkflowSettings

PARAMETERS = {
    "city": {},
    "days": {"type": "integer", "min": 1, "max": 7, "required": False},
    "kind": {"type": "choice", "choices": ["short", "long"], "required": False},
    "photo": {"type": "image", "required": False},
}
FLOWS = {
    "weather": {"id": "1", "parameters": PARAMETERS},
    "look": {"id": "2", "parameters": {"photo": {"type": "image"}}},
    "slow": {"id": "3", "run": "sync"},
}
OPTIONS = TurnOptions(AskingOptions(identity_secret=b"secret of the tests"), FileRules(max_bytes=1_000_000))
PDF, LARGE = Attachment("F1", "plan.pdf", "application/pdf", 9), Attachment("F2", "cat.png", "image/png", 2_000_000)
MAYBE = AgentUnavailable("lost", outcome_unknown=True)


def core(*scripts: list[Step]) -> Any:
    """A core with workflows that play these scripts."""
    flows = {name: WorkflowSettings.model_validate(fields) for name, fields in FLOWS.items()}
    platform = FakePlatform(capabilities=Capabilities(edit_interval_s=1.0, controls=True))
    return core_of(FakeAgent(), options=OPTIONS, workflows=FakeWorkflows(*scripts), flows=flows, platform=platform)


def ran(world: Core) -> int:
    """How many runs there were."""
    found = world.whole.turns._runs.book.flows["weather"].binding.workflows
    assert isinstance(found, FakeWorkflows)
    return len(found.runs)


def calls(text: str, locale: str, *files: Attachment, number: int = 1) -> Any:
    """Somebody calls a workflow, in her language."""
    called = envelope(text, number=number)
    return replace(called, author=replace(called.author, locale=locale), attachments=files)


WRONG: dict[str, tuple[str, tuple[Attachment, ...], Say, dict[str, object]]] = {
    "unknown workflow": (
        "!run wether Rome",
        (),
        Say.RUN_UNKNOWN,
        {"name": "wether", "names": "`weather`, `look`, `slow`"},
    ),
    "missing argument": ("!run weather", (), Say.VALUES_MISSING, {"names": "`city`"}),
    "mistyped name": ("!run weather cty=Rome", (), Say.ARGUMENT_UNKNOWN, {"name": "cty", "names": "city"}),
    "mistyped value": ("!run weather Rome days=some", (), Say.VALUE_NOT_INTEGER, {"name": "days", "value": "some"}),
    "no such choice": (
        "!run weather Rome kind=longer",
        (),
        Say.VALUE_NOT_CHOICE,
        {"name": "kind", "value": "longer", "choices": "long, short"},
    ),
    "too large": ("!run weather Rome days=9", (), Say.VALUE_TOO_LARGE, {"name": "days", "max": 7, "value": 9}),
    "too small": ("!run weather Rome days=0", (), Say.VALUE_TOO_SMALL, {"name": "days", "min": 1, "value": 0}),
    "wrong type of file": ("!run look", (PDF,), Say.VALUE_NOT_IMAGE, {"name": "photo", "value": "plan.pdf"}),
}


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_before_anything_runs(what: str, locale: str) -> None:
    """It is said at once, with how it is written, and nothing runs."""
    text, files, key, values = WRONG[what]
    async with core() as world:
        assert (await world.ask(calls(text, locale, *files))).outcome is Outcome.REFUSED
        [shown] = world.platform.visible()
        assert say(key, locale, **values) in shown
        assert what == "unknown workflow" or "`!run " in shown
        assert not ran(world)


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_a_file_that_is_too_large(locale: str) -> None:
    """Its name and the limit are said."""
    async with core() as world:
        await world.ask(calls("!run look", locale, LARGE))
        why = f"cat.png ({say(Say.FILE_TOO_LARGE, locale, max='1')})"
        assert say(Say.RUN_FILES_LACKING, locale, files=why) in world.platform.visible()[0]
        assert not ran(world)


FAILING: dict[str, tuple[str, list[Step], Say]] = {
    "unpublished (4200)": (
        "weather Rome",
        [AgentRejected("no", code=4200, said=Say.RUN_NOT_PUBLISHED)],
        Say.RUN_NOT_PUBLISHED,
    ),
    "parameter error (4000)": (
        "weather Rome",
        [AgentRejected("no", code=4000, said=Say.RUN_BAD_PARAMETERS)],
        Say.RUN_BAD_PARAMETERS,
    ),
    "no end within 90 s": ("slow", [MAYBE], Say.RUN_MAYBE_SYNC),
}


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("what", FAILING)
async def test_what_the_service_refuses(what: str, locale: str) -> None:
    """What was called is called again by one press."""
    text, script, key = FAILING[what]
    async with core(script) as world:
        assert (await world.ask(calls(f"!run {text}", locale))).outcome is Outcome.FAILED
        [shown] = world.platform.visible()
        assert say(key, locale) in shown
        assert ("async" in shown) is (key is Say.RUN_MAYBE_SYNC)
        [message] = world.platform.messages.values()
        assert [control.label for control in message.view.controls] == [say(Say.RETRY_LABEL, locale)]


@pytest.mark.parametrize("result", ['{"half": ', "[1, 2", "plain words", '"'])
async def test_a_result_that_is_not_json_is_shown_as_it_is(result: str) -> None:
    """Whatever it looks like."""
    async with core(said(result)) as world:
        await world.ask(calls("!run weather Rome", "en"))
        assert world.platform.visible() == [result]


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_answers_that_do_not_count(locale: str) -> None:
    """Somebody else's, a second one, one after the end of the run (4314, 4315): the question stays until it is over."""
    asking: list[Step] = [RunInterrupted(Interruption("1/2", 2, question="Which day?", choices=("Friday", "Sunday")))]
    over: list[Step] = [AgentRejected("gone", code=4315, said=Say.RUN_OVER)]
    gate = asyncio.Event()
    async with core(asking, [gate, *said("Sunny on Friday")], asking, over) as world:
        run = calls("!run weather Rome", locale)
        assert await world.intake.accept(run)
        await world.clock.run(1.0)
        other = calls("Sunday", locale, number=2)
        assert not await world.intake.accept(replace(other, author=Author("U2", "Ben", locale)))
        await world.clock.run(1.0)
        assert world.platform.visible()[-1] == say(Say.RUN_NOT_YOURS, locale, name="name of U1")
        assert (await world.record(run)).state is TurnState.WAITING

        first, second = calls("Friday", locale, number=3), calls("Sunday", locale, number=4)
        for answer in (first, second):
            assert await world.intake.accept(answer)
        gate.set()
        await world.ended(first, second)
        assert world.platform.visible()[-2:] == ["Sunny on Friday", say(Say.RUN_ANSWERED, locale)]

        assert await world.intake.accept(calls("!run weather Rome", locale, number=5))
        await world.clock.run(1.0)
        await world.ask(calls("Friday", locale, number=6))
        question, sentence = world.platform.visible()[-2:]
        assert "Which day?" in question
        assert say(Say.RUN_OVER, locale) in sentence
