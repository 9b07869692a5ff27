"""A turn's life with crashes between any two steps: at the end the promises hold, whatever happened."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from bridge.model import ChatStatus, OnBusy
from tests.core.life import TROUBLES
from tests.core.story import AUTHORS, BAD_WEATHER, THREADS, Story
from tests.core.works import FLOWS, REPORT, TRIP, WEATHER

T = TypeVar("T")

EXAMPLES = int(os.environ.get("LIFE_EXAMPLES", "0"))
"""So many other lives than the usual ones, for whoever looks for trouble: ``LIFE_EXAMPLES=5000 pytest ...``."""
USUAL_EXAMPLES, STEPS = 30, 25
LINE = "Some more words of it. "

picks = st.integers(0, 1000)
deaths = st.none() | st.integers(0, 30)


async def an_answer(story: Story) -> None:
    """Asked, told in several messages, ended."""
    await story.ask()
    for count in (1, 5, 12):
        await story.tell(LINE * count)
        await story.happen(seconds=3.0)
    await story.tell("The end.", ChatStatus.COMPLETED)


async def a_failure_asked_again(story: Story) -> None:
    """Broken in the middle, asked again twice at once, answered."""
    await story.ask()
    await story.tell(LINE)
    await story.happen(seconds=3.0)
    await story.tell("", ChatStatus.FAILED)
    for _ in range(2):
        await story.retry()
    await story.tell("The end.", ChatStatus.COMPLETED)


async def a_stop(story: Story) -> None:
    """Stopped in the middle, and what waits behind it; the next one is answered."""
    for _ in range(3):
        await story.ask()
    await story.tell(LINE)
    await story.happen(seconds=3.0)
    await story.stop(1)
    await story.stop(0)
    await story.tell("The end.", ChatStatus.COMPLETED)


async def a_lost_reply(story: Story) -> None:
    """The question arrived and its reply did not; so with a post."""
    story.trouble_the_agent("reply lost")
    story.trouble_the_platform("post!")
    await story.ask()
    await story.tell(LINE)
    await story.happen(seconds=3.0)
    await story.tell("The end.", ChatStatus.COMPLETED)


async def three_at_once(story: Story) -> None:
    """The same person asks on while she is answered, and somebody else."""
    await story.ask()
    await story.tell(LINE)
    await story.happen(seconds=3.0)
    for author in ("U1", "U2", "U1"):
        await story.ask(author)
    await story.tell("The end.", ChatStatus.COMPLETED)


async def a_command(story: Story) -> None:
    """Typed, announced, run; and one in the background; the response of a line is lost."""
    story.trouble_the_platform("announce!")
    await story.run(WEATHER)
    await story.run(REPORT)
    await story.happen(seconds=3.0)


async def a_question_of_a_run(story: Story) -> None:
    """Asked back in its thread, answered, and gone on with."""
    await story.run(TRIP)
    await story.happen(seconds=3.0)
    await story.answer()
    await story.happen(seconds=3.0)


async def a_run_whose_reply_is_lost(story: Story) -> None:
    """It may have begun, so it is not begun again; the next one is."""
    story.trouble_the_service("reply lost")
    await story.run(WEATHER)
    story.trouble_the_service("not reached")
    await story.run(TRIP, "U2")
    await story.happen(seconds=3.0)
    await story.run(WEATHER)


Tale = Callable[[Story], Awaitable[None]]
TALES: list[tuple[Tale, OnBusy, bool]] = [
    *((an_answer, OnBusy.QUEUE, placeholder) for placeholder in (False, True)),
    *((tale, OnBusy.QUEUE, False) for tale in (a_failure_asked_again, a_stop, a_lost_reply, three_at_once)),
    *((tale, OnBusy.QUEUE, False) for tale in (a_command, a_question_of_a_run, a_run_whose_reply_is_lost)),
    *((three_at_once, on_busy, False) for on_busy in (OnBusy.INTERRUPT, OnBusy.MERGE)),
]


@pytest.mark.parametrize(("tale", "on_busy", "placeholder"), TALES, ids=lambda value: getattr(value, "__name__", value))
def test_a_crash_at_every_single_step(tale: Tale, on_busy: OnBusy, placeholder: bool) -> None:
    """The same story again and again, and each time the bridge dies one step later."""
    with capture_logs():  # thousands of lines; and a loop that is not in debug mode, which costs ten times as much
        asyncio.run(_die_everywhere(tale, on_busy, placeholder))


async def _die_everywhere(tale: Tale, on_busy: OnBusy, placeholder: bool) -> None:
    steps, died = 0, True
    while died:
        story = Story(on_busy=on_busy, placeholder=placeholder)
        await story.world.restart()
        story.world.mortal.crash_in = steps
        try:
            await tale(story)
            died = story.world.lives > 1
            await story.come_to_an_end()
            story.look()
        except AssertionError as error:
            raise AssertionError(f"died after {steps} steps: {error}") from error
        finally:
            await story.world.die()
        steps += 1
    assert steps >= 20


@pytest.mark.parametrize("lines", [1, 5, 12])
async def test_a_stop_before_the_text_is_known_again(lines: int) -> None:
    """The process before showed it in several messages; they stay as they are, and one below says that it ended."""
    story = Story()
    await story.world.restart()
    try:
        await story.ask()
        await story.tell(LINE * lines)
        await story.happen(seconds=3.0)
        shown = len(story.world.stage.messages)
        await story.deploy()
        await story.stop()
        await story.come_to_an_end()
        story.look()
        assert shown <= len(story.world.stage.messages) <= shown + 1
    finally:
        await story.world.die()


class Life(RuleBasedStateMachine):
    """Anything in any order, and after any of it the bridge may die, some steps later."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @initialize(on_busy=st.sampled_from(OnBusy), placeholder=st.booleans(), dies=deaths)
    def begin(self, on_busy: OnBusy, placeholder: bool, dies: int | None) -> None:
        async def first() -> None:
            self.story = Story(on_busy=on_busy, placeholder=placeholder)
            await self.story.world.restart()
            await self.story.ask(dies=dies)

        self.do(first())

    def teardown(self) -> None:
        try:
            self.do(self.story.come_to_an_end())
            self.story.look()
        finally:
            self.do(self.story.world.die())
            self.runner.close()

    @rule(author=st.sampled_from(AUTHORS), thread=st.sampled_from(THREADS), dies=deaths)
    def ask(self, author: str, thread: str, dies: int | None) -> None:
        self.do(self.story.ask(author, thread, dies=dies))

    @rule(pick=picks)
    def deliver_again(self, pick: int) -> None:
        self.do(self.story.deliver_again(pick))

    @rule(pick=picks, lines=st.sampled_from([1, 5, 12]), dies=deaths)
    def speak(self, pick: int, lines: int, dies: int | None) -> None:
        self.do(self.story.tell(LINE * lines, pick=pick, dies=dies))

    @rule(pick=picks, dies=deaths)
    def finish(self, pick: int, dies: int | None) -> None:
        self.do(self.story.tell("The end.", ChatStatus.COMPLETED, pick, dies=dies))

    @rule(pick=picks, dies=deaths)
    def break_off(self, pick: int, dies: int | None) -> None:
        self.do(self.story.tell("", ChatStatus.FAILED, pick, dies=dies))

    @rule(pick=picks, dies=deaths)
    def stop(self, pick: int, dies: int | None) -> None:
        self.do(self.story.stop(pick, dies=dies))

    @rule(pick=picks, dies=deaths)
    def retry(self, pick: int, dies: int | None) -> None:
        self.do(self.story.retry(pick, dies=dies))

    @rule(name=st.sampled_from(sorted(FLOWS)), author=st.sampled_from(AUTHORS), dies=deaths)
    def run_a_workflow(self, name: str, author: str, dies: int | None) -> None:
        self.do(self.story.run(name, author, dies=dies))

    @rule(pick=picks, dies=deaths)
    def answer_a_run(self, pick: int, dies: int | None) -> None:
        self.do(self.story.answer(pick, dies=dies))

    @rule(kind=st.sampled_from(sorted(TROUBLES)))
    def trouble_the_service(self, kind: str) -> None:
        self.story.trouble_the_service(kind)

    @rule(seconds=st.sampled_from([0.3, 3.0, 40.0]), dies=deaths)
    def pass_time(self, seconds: float, dies: int | None) -> None:
        self.do(self.story.happen(seconds=seconds, dies=dies))

    @rule()
    def deploy(self) -> None:
        self.do(self.story.deploy())

    @rule(is_full=st.booleans())
    def fill_the_disk(self, is_full: bool) -> None:
        self.do(self.story.fill_the_disk(is_full))

    @rule(kind=st.sampled_from(sorted(TROUBLES)))
    def trouble_the_agent(self, kind: str) -> None:
        self.story.trouble_the_agent(kind)

    @rule(call=st.sampled_from(sorted(BAD_WEATHER)))
    def trouble_the_platform(self, call: str) -> None:
        self.story.trouble_the_platform(call)


def test_anything_in_any_order() -> None:
    """Every question is answered once or ended with a sentence; asked once; nothing is left standing; in order."""
    profile = settings(
        max_examples=EXAMPLES or USUAL_EXAMPLES,
        derandomize=not EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with capture_logs():
        run_state_machine_as_test(Life, settings=profile)
