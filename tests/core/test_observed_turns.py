"""What the core tells of itself on the road of a message, with a fake agent and a fake platform."""

import asyncio

import pytest

from bridge.errors import AgentRejected, MessageGone, PlatformRateLimited, PlatformRejected, PlatformUnavailable
from bridge.model import AnswerDelta, ChatRef, ChatStarted, Outcome
from bridge.testing.core import core_of
from bridge.testing.fakes import FakeAgent, Step, envelope, spoken
from bridge.testing.observing import Notes


async def test_an_ordinary_answer() -> None:
    """One post, the first words, the whole answer, one turn."""
    notes = Notes()
    async with core_of(FakeAgent(spoken("Hello, ", "Ann", "!")), observer=notes) as core:
        await core.answered(envelope("hi"))
    assert notes.count() == {
        ("request_ended", "fake", "post", "ok"): 1,
        ("first_words_shown", "fake"): 1,
        ("answer_shown", "fake"): 1,
        ("turn_ended", "fake", "delivered"): 1,
    }


async def test_delays_are_told_from_the_question_and_from_the_agent() -> None:
    """An agent that thinks for 3 s and speaks for 5 s: what of it was ours is small."""
    notes, thinks, speaks = Notes(), asyncio.Event(), asyncio.Event()
    script: list[Step] = [ChatStarted(ChatRef("", "chat-1")), thinks, AnswerDelta("m1", "first"), speaks]
    async with core_of(FakeAgent([*script, *spoken("first words")[2:]]), observer=notes) as core:
        assert await core.intake.accept(envelope("hi"))
        await core.clock.run(3.0)
        thinks.set()
        await core.clock.run(5.0)
        speaks.set()
        await core.ended(envelope("hi"))
    ((_, since_question_s, since_agent_s),) = notes.of("first_words_shown")
    assert since_question_s == pytest.approx(3.0 + since_agent_s)
    assert 0.0 < since_agent_s <= 0.5
    ((_, since_question_s, since_agent_s),) = notes.of("answer_shown")
    assert since_question_s == pytest.approx(8.0, abs=0.2)
    assert 0.0 <= since_agent_s <= 0.2


async def test_a_platform_that_refuses_fails_and_loses_a_message() -> None:
    """Each end of a request by its name; a refusal also by its allowance. The answer arrives all the same."""
    notes = Notes()
    async with core_of(FakeAgent(spoken("Hello")), observer=notes) as core:
        core.platform.placeholder = True
        core.platform.errors["edit"] = [
            PlatformRateLimited("slow down", retry_after_s=2.0),
            PlatformUnavailable("down", outcome_unknown=False),
            MessageGone("deleted"),
        ]
        await core.answered(envelope("hi"))
    assert notes.of("request_ended") == [
        ("fake", "edit", "refused"),
        ("fake", "edit", "failed"),
        ("fake", "edit", "gone"),
        ("fake", "post", "ok"),
    ]
    assert notes.of("request_refused") == [("fake", "fake:edit")]


async def test_a_turn_that_fails() -> None:
    """It has an end, but no answer was shown; the sentence below is ours."""
    notes = Notes()
    async with core_of(FakeAgent([AgentRejected("no", code=4000)]), observer=notes) as core:
        assert (await core.ask(envelope("hi"))).outcome is Outcome.FAILED
    assert notes.of("turn_ended") == [("fake", "failed")]
    assert notes.of("first_words_shown") == notes.of("answer_shown") == []


async def test_a_platform_that_shows_nothing() -> None:
    """Refused for good: told as such, and the turn has failed."""
    notes = Notes()
    async with core_of(FakeAgent(spoken("Hello")), observer=notes) as core:
        core.platform.errors["post"] = [PlatformRejected("archived")]
        await core.ask(envelope("hi"))
    assert notes.count() == {("request_ended", "fake", "post", "rejected"): 1, ("turn_ended", "fake", "failed"): 1}


async def test_a_turn_that_never_ran_and_one_that_broke() -> None:
    """Withdrawn while it waited; broken by something nobody foresaw: each ends once, and only once."""
    notes, gate = Notes(), asyncio.Event()
    broken: list[Step] = [gate, RuntimeError("a bug")]
    first, second = envelope("one", number=1), envelope("two", number=2)
    async with core_of(FakeAgent(broken), observer=notes) as core:
        assert await core.intake.accept(first)
        assert await core.intake.accept(second)
        await core.clock.settle()
        assert (core.lanes.active, len(core.lanes.waiting())) == (1, 1)
        await core.intake.withdraw(second.delivery_key)
        gate.set()
        await core.ended(first, second)
        await core.clock.settle()
        assert core.lanes.active == 0
    assert notes.of("turn_ended") == [("fake", "failed"), ("fake", "withdrawn")]
