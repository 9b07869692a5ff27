"""A turn that needs a tool, or a person in its place, and brings a file: with a crash between any two steps."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bridge.errors import AgentBusy, AgentError, AgentRejected
from bridge.files.fetching import Download
from bridge.keys import turn_id
from bridge.model import (
    ActionRequired,
    AgentEvent,
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ChatStatus,
    Envelope,
    OnBusy,
    Outcome,
    Question,
    ToolCall,
    ToolOutput,
    TurnState,
    Usage,
)
from bridge.testing.fakes import envelope
from tests.core.life import LOST, Mortal, Run, Service
from tests.core.story import Story

CAT = "https://p3.byteimg.com/cat.png"
RAIN = ToolCall("call-1", "function", "rain", "{}")
END = AnswerCompleted("m2", f"Rain. ![cat]({CAT})")


class Needy(Service):
    """Stops each run for a tool. The first submission is lost: it arrives, and its answer does not."""

    def __init__(self, mortal: Mortal) -> None:
        super().__init__(mortal)
        self.taken: list[tuple[ToolOutput, ...]] = []
        self.trouble: AgentError | None = LOST

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self._mortal.step()
        if any(run.status is ChatStatus.REQUIRES_ACTION for run in self.runs):
            raise AgentBusy("occupied", code=4016)
        chat = ChatRef(question.conversation_id, f"chat-{len(self.runs)}")
        self.runs.append(Run(question, chat, status=ChatStatus.REQUIRES_ACTION))
        yield self._fetch(self.runs[-1])

    async def _fetch(self, run: Run) -> AsyncIterator[AgentEvent]:
        yield ChatStarted(run.chat)
        self._mortal.step()
        yield AnswerCompleted("m1", "Let me see.")
        if run.status is ChatStatus.REQUIRES_ACTION:
            yield ActionRequired(run.chat, (RAIN,))
            return
        yield END
        yield ChatCompleted(Usage())

    @asynccontextmanager
    async def submit(self, chat: ChatRef, outputs: Sequence[ToolOutput]) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self._mortal.step()
        run = self._run_of(chat)
        if run.status is not ChatStatus.REQUIRES_ACTION:
            raise AgentRejected("it does not wait", code=4000)
        run.status = ChatStatus.COMPLETED
        self.taken.append(tuple(outputs))
        trouble, self.trouble = self.trouble, None
        if trouble is not None:
            raise trouble
        yield self._rest(run)

    async def _rest(self, run: Run) -> AsyncIterator[AgentEvent]:
        yield ChatStarted(run.chat)
        self._mortal.step()
        yield AnswerDelta("m2", "Rain. ")
        self._mortal.step()
        yield END
        yield ChatCompleted(Usage())


class OneTool:
    """Says what it is asked, and counts."""

    def __init__(self, mortal: Mortal) -> None:
        self._mortal = mortal
        self.used = 0

    def knows(self, name: str) -> bool:
        return name == "rain"

    async def use(self, call: ToolCall, user_id: str) -> str:
        self._mortal.step()
        self.used += 1
        return "50 %"


class Images:
    """One image."""

    async def read(self, url: str, limit_bytes: int, headers: Mapping[str, str] | None = None) -> Download:
        assert url == CAT
        return Download(b"\x89PNG", "image/png")


def scene(*, tool: bool) -> tuple[Story, Needy, OneTool]:
    """A world with such an agent."""
    story = Story(on_busy=OnBusy.QUEUE)
    world = story.world
    world.service = needy = Needy(world.mortal)
    counter = OneTool(world.mortal)
    world.tools, world.fetcher = counter if tool else None, Images()
    return story, needy, counter


@pytest.mark.parametrize("tool", [True, False])
def test_a_crash_at_every_single_step(tool: bool) -> None:
    """The answer is whole and stands once, its file too; what the tool or the person said was taken once."""
    with capture_logs():
        asyncio.run(_die_everywhere(tool=tool))


async def _die_everywhere(*, tool: bool) -> None:
    steps, died = 0, True
    while died:
        story, agent, counter = scene(tool=tool)
        await story.world.restart()
        story.world.mortal.crash_in = steps
        try:
            await story.ask()
            await story.happen(seconds=20.0)
            answers = [story.questions[0]] if tool else [story.questions[0], await _answer(story)]
            await story.happen(seconds=20.0)
            died = story.world.lives > 1
            await story.come_to_an_end()
            _look(story, agent, answers)
            assert counter.used in ((1, 2) if tool and died else (1,) if tool else (0,))
        except AssertionError as error:
            raise AssertionError(f"died after {steps} steps: {error}") from error
        finally:
            await story.world.die()
        steps += 1
    assert steps >= 20


async def _answer(story: Story) -> Envelope:
    """The person says it, once she is asked."""
    for _ in range(20):
        if story.record(turn_id(story.questions[0].delivery_key)).state is TurnState.WAITING:
            break
        await story.happen(seconds=5.0)
    said = envelope("50 %", number=2, thread="root", inside_thread=True)
    story.questions.append(said)
    story.unacknowledged.append(said)
    await story.happen(story._offer(said))
    return said


def _look(story: Story, agent: Needy, answers: list[Envelope]) -> None:
    assert not story.world.book.turns.settled, "a turn has no end"
    assert agent.taken == [(ToolOutput("call-1", "50 %"),)], "not taken once"
    assert len(agent.runs) == 1, "asked twice"
    for asked in answers:
        assert story.record(turn_id(asked.delivery_key)).outcome is Outcome.DELIVERED
    last = turn_id(answers[-1].delivery_key)
    shown = "".join(message.view.text for message in story.world.stage.messages.values() if not message.deleted)
    assert shown.count("Let me see.") == 1, shown
    assert shown.count(f"Rain. ![cat]({CAT})") == 1, shown
    assert Counter(story.world.stage.showings) == {(last, 100): 1}, "a file is not there once"
