"""One run of a workflow at work: it plays its script, whether anybody listens or not.

running -> success | fail; running -> interrupted -> running again with the answer. The run keeps what its nodes said,
for the run history; its feed holds the events of the request that is listening now, and is a fresh one after a resume,
so that ``id`` and ``node_seq_id`` start again at 0 (reference 6.4).
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.clock import SandboxClock
from sandbox.coze.feed import Feed, StreamEvent
from sandbox.coze.ids import IdFactory
from sandbox.coze.jsons import Json
from sandbox.coze.running import Schedule
from sandbox.coze.state import Identity
from sandbox.coze.workflow_script import Ask, RunFailure, RunScript, Step, Workflow, pieces_of
from sandbox.coze.workflow_words import WorkflowWords

RunMode: TypeAlias = Literal["sync", "stream", "async"]
RunStatus: TypeAlias = Literal["Running", "Success", "Fail"]

MAX_ANSWERS = 3
"""After the third answer that does not satisfy a question the run fails."""


@dataclass(slots=True)
class Said:
    """What one node put out: a row of the run history."""

    title: str
    text: str
    node_id: str
    uuid: str
    updated_at: int


@dataclass(slots=True)
class Pending:
    """An interruption that waits for its answer."""

    event_id: str
    ask: Ask
    title: str
    since: float
    answers: int = 0


@dataclass(slots=True)
class Run:
    """One run. ``feed`` is what the newest request sees of it."""

    execute_id: str
    workflow: Workflow
    owner: Identity
    mode: RunMode
    parameters: Json
    log_id: str
    created_at: int
    updated_at: int
    bot_id: str = "0"
    user_id: str = ""
    feed: Feed = field(default_factory=Feed)
    status: RunStatus = "Running"
    said: list[Said] = field(default_factory=list)
    result: str | None = None
    error_code: int | str = ""
    error_message: str = ""
    pending: Pending | None = None
    usage: Json = field(default_factory=lambda: {"input_count": 0, "token_count": 0, "output_count": 0})

    @property
    def over(self) -> bool:
        """It ended, well or not."""
        return self.status != "Running"

    @property
    def debug_url(self) -> str:
        """The page that shows every node of the run."""
        ids = f"execute_id={self.execute_id}&space_id={self.workflow.workspace_id}"
        mode = {"sync": 0, "stream": 1, "async": 2}[self.mode]
        return f"https://www.coze.cn/work_flow?{ids}&workflow_id={self.workflow.workflow_id}&execute_mode={mode}"


class RunPlayer:
    """Plays one script into the feed of its run."""

    def __init__(
        self, run: Run, script: RunScript, *, clock: SandboxClock, ids: IdFactory, words: WorkflowWords
    ) -> None:
        self.run = run
        self._script = script
        self._clock = clock
        self._ids = ids
        self._words = words
        self._position = 0
        self._values = {name: str(value) for name, value in run.parameters.items()}

    async def begin(self) -> None:
        """Play from the start to the end or to the first interruption."""
        await self._play(Schedule(self._clock))

    async def resume(self, answer: str) -> None:
        """Go on with an answer, in the feed that the resuming request opened."""
        pending = self.run.pending
        assert pending is not None, "only an interrupted run is resumed"
        self.run.pending = None
        self._values["answer"] = answer
        wanted = pending.ask.satisfied_by
        if wanted is None or wanted in answer:
            self._position += 1
            await self._play(Schedule(self._clock))
            return
        answers = pending.answers + 1
        if answers >= MAX_ANSWERS:
            self._fail(RunFailure(720701013, "the question was not answered as expected"))
        else:
            self._interrupt(pending.ask, pending.title, answers)
        self.run.feed.close()

    async def _play(self, schedule: Schedule) -> None:
        try:
            steps, failure = self._script.steps, self._script.failure
            while True:
                if failure is not None and self._position >= failure.after_steps:
                    self._fail(failure)
                    return
                if self._position >= len(steps):
                    break
                step = steps[self._position]
                for _ in range(step.pings):
                    self._publish(self._words.ping())
                await schedule.pause(step.pause_s)
                if step.ask is not None:
                    self._interrupt(step.ask, step.title)
                    return
                await self._say(step, schedule)
                self._position += 1
            await self._finish(schedule)
        finally:
            self.run.feed.close()

    async def _say(self, step: Step, schedule: Schedule) -> None:
        node = self._new_said(step.title)
        pieces = pieces_of(step, self._values)
        for number, piece in enumerate(pieces):
            if number:
                await schedule.pause(step.interval_s)
            node.text += piece
            last = number == len(pieces) - 1
            self._publish_piece(node, piece, number, last=last)
        await schedule.pause(0)

    def _interrupt(self, ask: Ask, title: str, answers: int = 0) -> None:
        event_id = f"{self.run.execute_id}/{self._ids.next_id()}"
        self.run.pending = Pending(event_id, ask, title, self._clock.now(), answers)
        self._touch()
        if ask.question:
            node = self._new_said(title)
            node.text = ask.question
            self._publish_piece(node, ask.question, 0, last=True)
        self._publish(*self._words.interruption(self._words.interrupt_data(ask, event_id), title))

    async def _finish(self, schedule: Schedule) -> None:
        script = self._script
        await schedule.pause(script.pause_s)
        text = script.result_text(self._values, self.run.parameters)
        pieces = script.result_deltas or (text,)
        usage = self._words.usage(script.usage)
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            self._publish(
                self._words.message(piece, script.end_title, number, last=last, end_usage=usage if last else None)
            )
            await schedule.pause(0)
        self.run.result, self.run.usage, self.run.status = text, usage, "Success"
        self._touch()
        self._publish(self._words.done(self.run.debug_url))

    def _fail(self, failure: RunFailure) -> None:
        self.run.status = "Fail"
        self.run.error_code, self.run.error_message = failure.code, failure.msg
        self._touch()
        self._publish(*self._words.failure(failure, self.run.debug_url))

    def _new_said(self, title: str) -> Said:
        said = Said(title, "", str(100000 + self._position), self._ids.next_id(), int(self._clock.now()))
        self.run.said.append(said)
        return said

    def _publish_piece(self, node: Said, piece: str, number: int, *, last: bool) -> None:
        self._publish(self._words.message(piece, node.title, number, last=last, node_id=node.node_id, uuid=node.uuid))

    def _touch(self) -> None:
        self.run.updated_at = int(self._clock.now())

    def _publish(self, *events: StreamEvent) -> None:
        for event in events:
            self.run.feed.publish(event)


def reopen(run: Run) -> None:
    """Give an interrupted run a fresh feed for the rest of it."""
    run.feed = Feed()
