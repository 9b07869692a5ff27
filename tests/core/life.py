"""A world in which a process may die between any two steps: what it wrote, posted and asked before that stays.

``Mortal.step`` is called before every call of a port. A crash is armed for the n-th step from now; when it comes, that
call and every later one of the same process ends as cancelled, and nothing of it happens. A crash after an effect is
the one before the next step.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.core import Core, CoreOptions
from bridge.errors import AgentBusy, AgentCancelled, AgentError, AgentRejected, AgentUnavailable, StoreUnavailable
from bridge.files.fetching import Fetcher
from bridge.model import (
    AgentEvent,
    AnswerCompleted,
    AnswerDelta,
    Capabilities,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ChatStatus,
    FoundQuestion,
    OnBusy,
    PartRules,
    Question,
    Usage,
)
from bridge.ports import Agent, Tools
from bridge.routes import AgentBinding, Routes
from bridge.stores.book import Book
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.fakes import FakeAgent, FakePlatform
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions
from tests.core.mortal import Mortal
from tests.core.works import Works, book_of

T = TypeVar("T")

PART_CHARS = 90
"""Short, so that a few sentences need several messages."""


@dataclass
class Run:
    """One run of the agent; ``pieces`` is what it has said."""

    question: Question
    chat: ChatRef
    pieces: list[str] = field(default_factory=list)
    status: ChatStatus = ChatStatus.RUNNING
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def tell(self, piece: str = "", status: ChatStatus = ChatStatus.RUNNING) -> None:
        """Say some more, or end."""
        self.pieces += [piece] if piece else []
        self.status = status
        self.news.set()


class Service(FakeAgent):
    """An agent that keeps what it was asked and goes on alone; one run at a time in a conversation.

    ``troubles`` befall the next askings: the question arrives or not, and what comes back.
    """

    def __init__(self, mortal: Mortal) -> None:
        super().__init__()
        self._mortal = mortal
        self.runs: list[Run] = []
        self.troubles: list[tuple[bool, AgentError]] = []

    def running(self) -> list[Run]:
        """What the agent is working on."""
        return [run for run in self.runs if run.status is ChatStatus.RUNNING]

    def arrivals(self, mark: str) -> list[Run]:
        """The runs of one turn: how often it was asked."""
        return [run for run in self.runs if run.question.mark == mark]

    async def create_conversation(self, bot_id: str) -> str:
        self._mortal.step()
        return await super().create_conversation(bot_id)

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self._mortal.step()
        arrives, trouble = self.troubles.pop(0) if self.troubles else (True, None)
        if any(run.chat.conversation_id == question.conversation_id for run in self.running()):
            raise AgentBusy("occupied", code=4016)
        if arrives:
            self.runs.append(Run(question, ChatRef(question.conversation_id, f"chat-{len(self.runs)}")))
        if trouble is not None:
            raise trouble
        yield self._tell(self.runs[-1])

    async def _tell(self, run: Run) -> AsyncIterator[AgentEvent]:
        yield ChatStarted(run.chat)
        told = 0
        while run.status is ChatStatus.RUNNING or told < len(run.pieces):
            if told < len(run.pieces):
                told += 1
                yield AnswerDelta("m", run.pieces[told - 1])
            else:
                run.news.clear()
                await run.news.wait()
            self._mortal.step()
        yield _end_of(run)
        yield ChatCompleted(Usage())

    @asynccontextmanager
    async def follow(self, chat: ChatRef) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self._mortal.step()
        yield self._fetch(self._run_of(chat))

    async def _fetch(self, run: Run) -> AsyncIterator[AgentEvent]:
        yield ChatStarted(run.chat)
        while run.status is ChatStatus.RUNNING:
            run.news.clear()
            await run.news.wait()
            self._mortal.step()
        yield _end_of(run)
        yield ChatCompleted(Usage())

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        for _ in range(10):  # whoever asked for it has heard that it will be done
            await asyncio.sleep(0)
        self._mortal.step()
        run = self._run_of(chat)
        if run.status is ChatStatus.RUNNING:
            run.tell(status=ChatStatus.CANCELED)
        return run.status

    async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
        self._mortal.step()
        for run in self.arrivals(mark):
            if run.chat.conversation_id == conversation_id:
                return FoundQuestion("q", run.chat.chat_id)
        return None

    def _run_of(self, chat: ChatRef) -> Run:
        return next(run for run in self.runs if run.chat == chat)


def _end_of(run: Run) -> AgentEvent:
    if run.status is ChatStatus.CANCELED:
        raise AgentCancelled("cancelled")
    if run.status is ChatStatus.FAILED:
        raise AgentRejected("the run failed", code=5000)
    return AnswerCompleted("m", run.text)


@dataclass
class Stage(FakePlatform):
    """A platform that keeps its messages over the lives of the bridge."""

    mortal: Mortal = field(default_factory=Mortal)

    def fail(self, call: str) -> None:
        self.mortal.step()
        super().fail(call)


class Paper(MemoryStore):
    """A store whose contents outlive the process; leases do not."""

    def __init__(self, clock: FakeClock, book: Book, mortal: Mortal) -> None:
        super().__init__(clock)
        self._book = book
        self._mortal = mortal
        book.forget_leases(float("inf"))

    def _check_open(self) -> None:
        self._mortal.step()
        super()._check_open()

    def _write(self, decide: Callable[[], T]) -> T:
        if self._mortal.disk_is_full:
            self._check_open()
            raise StoreUnavailable("database or disk is full")
        return super()._write(decide)


class World:
    """Everything that outlives a process, and the process that lives now."""

    def __init__(self, *, on_busy: OnBusy, placeholder: bool) -> None:
        self.clock = FakeClock()
        self.mortal = Mortal()
        self.service = Service(self.mortal)
        self.tools: Tools | None = None
        self.fetcher: Fetcher | None = None
        self.works = Works(self.mortal)
        capabilities = Capabilities(edit_interval_s=1.0, status_refresh_s=90.0, controls=True)
        self.stage = Stage(
            capabilities=capabilities, part_rules=PartRules(PART_CHARS), placeholder=placeholder, mortal=self.mortal
        )
        self.book = Book(keeps_ended=True)
        self.on_busy = on_busy
        self.lives = 0
        self.core: Core | None = None
        self.tasks: asyncio.TaskGroup | None = None
        self._life: asyncio.Task[None] | None = None

    async def restart(self) -> None:
        """End the process as a kill does, and start the next one."""
        await self.die()
        self.mortal.dead, self.mortal.crash_in = False, None
        self._life = asyncio.get_running_loop().create_task(self._live())
        await self.settle()

    async def deploy(self) -> None:
        """End the process in order, without much patience, and start the next one."""
        if self.core is not None:
            self.core.rest()
            await self.clock.settle(40)
            await self.core.drain(0.0)
        await self.restart()

    async def die(self) -> None:
        """End the process: nothing of it happens any more."""
        self.mortal.dead = True
        if self.core is not None:
            self.core.rest()
        while self._life is not None and not self._life.done():
            self._life.cancel()
            await asyncio.wait([self._life], timeout=0.01)
        self.core = self.tasks = None

    async def settle(self, seconds: float = 0.0) -> None:
        """Let everybody act, and the time pass."""
        await self.clock.settle(40)
        await self.clock.run(seconds)

    async def _live(self) -> None:
        self.lives += 1
        options = CoreOptions(TurnOptions(AskingOptions(identity_secret=b"secret of the tests")), max_waiting=100)
        agent: Agent = self.service
        binding = AgentBinding("default", agent, "bot-1", tools=self.tools, workflows=self.works)
        routes = Routes({"default": binding}, "default", on_busy=self.on_busy)
        async with Paper(self.clock, self.book, self.mortal) as store, asyncio.TaskGroup() as tasks:
            platforms = {self.stage.name: self.stage}
            holder = f"life {self.lives}"
            core = Core(
                tasks,
                store,
                self.clock,
                routes,
                platforms,
                options,
                holder=holder,
                book=book_of(binding),
                fetcher=self.fetcher,
            )
            await core.take_up()
            self.core, self.tasks = core, tasks
            await asyncio.Event().wait()


LOST = AgentUnavailable("lost", outcome_unknown=True)
TROUBLES: dict[str, tuple[bool, AgentError]] = {
    "reply lost": (True, LOST),
    "lost on the way": (False, LOST),
    "not reached": (False, AgentUnavailable("refused", outcome_unknown=False)),
    "quota": (False, AgentRejected("quota", code=4028)),
}
