"""The ``Workflows`` port, spoken to Coze.

Theory of operation. How a workflow is run was decided before (``WorkflowRun.mode``), for each way has its own endpoint
and nothing leads from one to another. A *streamed* run and a *synchronous* one have no id until they end: whatever
breaks them leaves the outcome unknown, and nothing here tries again. An *asynchronous* one has an id at once; it is
looked up until it ends, seldom where it takes long. A *chatflow* is a chat that a workflow answers: its events are an
agent's, and what it asks is answered by saying it in the same conversation.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import structlog

from bridge.coze.asking import Opened, finish_reading, open_question, open_stream
from bridge.coze.chat_events import ChatEvents
from bridge.coze.codes import for_run
from bridge.coze.hints import Hint, advise
from bridge.coze.limits import ChatLimits, WaitCallback
from bridge.coze.polling import POLL_INTERVAL_S, wait_until_over
from bridge.coze.protocol import Answer, mapping_of, text_of
from bridge.coze.settings import CozeConnection
from bridge.coze.wire import Wire
from bridge.coze.workflow_events import RunEvents
from bridge.coze.workflow_wire import (
    HistoryView,
    RunStatus,
    chatflow_body,
    history_failure,
    read_history,
    read_run_reply,
    resume_body,
    run_body,
    with_whole_outputs,
)
from bridge.errors import AgentError, AgentSilent, AgentUnavailable
from bridge.model import (
    ActionRequired,
    AgentEvent,
    ChatCompleted,
    Interruption,
    RunAccepted,
    RunEvent,
    RunInterrupted,
    RunMode,
    ToolActivity,
    WorkflowRun,
)
from bridge.ports import Clock, Workflows

log = structlog.get_logger(__name__)

CHATFLOW = "/v1/workflows/chat"
STREAM_RESUME = "/v1/workflow/stream_resume"
RESUME = "/v1/workflows/resume"
STUDIO_HISTORY = "/v1/workflow/get_run_history"

PLAIN_RUN_S = 100.0
"""The least silence to bear in a synchronous run: Coze itself ends it after 90 s. Source: its workflow run page."""

LONGEST_PAUSE_S = 15.0
PAUSE_SHARE = 0.05
"""Looks at an asynchronous run become seldom: a run of ten minutes may be seen to end half a minute late at most."""

UNREACHABLE_S = 900.0
"""An asynchronous run goes on without us; Coze may be out of reach for this long."""

QUOTE_CHARS = 12


class CozeWorkflows:
    """The workflows behind one credential; lives within the ``Wire`` that it is given.

    Args:
        slots: How many streams may be open at once, chats included.
    """

    def __init__(
        self,
        settings: CozeConnection,
        clock: Clock,
        wire: Wire,
        slots: ChatLimits,
        on_waiting: WaitCallback | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wire = wire
        self._slots = slots
        self._pace = ChatLimits(
            clock,
            chats_per_s=settings.runs_per_s,
            concurrent_chats=settings.concurrent_chats,
            on_waiting=on_waiting,
        )

    @asynccontextmanager
    async def run(self, run: WorkflowRun) -> AsyncIterator[AsyncIterator[RunEvent]]:
        """Run a workflow; see ``ports.Workflows.run``."""
        match run.mode:
            case RunMode.STREAM:
                events = self._streamed(run, self._settings.workflow_stream_path, run_body(run))
            case RunMode.CHAT:
                events = self._talked(run, run.text)
            case mode:
                body = run_body(run, background=mode is RunMode.ASYNC)
                events = self._plain(run, self._settings.workflow_run_path, body)
        async with self._held(run, events) as held:
            yield held

    @asynccontextmanager
    async def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        """Answer what a run asked; see ``ports.Workflows.resume``."""
        match run.mode:
            case RunMode.STREAM:
                events = self._streamed(run, STREAM_RESUME, resume_body(run, asked, answer))
            case RunMode.CHAT:
                events = self._talked(run, answer)
            case _:
                events = self._plain(run, RESUME, resume_body(run, asked, answer), answered=asked.event_id)
        async with self._held(run, events, answer) as held:
            yield held

    @asynccontextmanager
    async def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        """Yield the rest of an asynchronous run; see ``ports.Workflows.follow``."""
        async with self._held(run, self._followed(run, execute_id, answered)) as held:
            yield held

    @asynccontextmanager
    async def _held(
        self, run: WorkflowRun, events: AsyncGenerator[RunEvent], answer: str = ""
    ) -> AsyncIterator[AsyncIterator[RunEvent]]:
        """Hold a slot while a stream is open, and let every error speak of a run, not in the user's words."""
        async with AsyncExitStack() as stack:
            stack.enter_context(_of_run(_words_of(run, answer)))
            if run.mode is not RunMode.ASYNC:  # nothing is open while a run goes on by itself
                await stack.enter_async_context(self._slots.slot(run.mark))
            yield await stack.enter_async_context(aclosing(events))

    # --- streamed -----------------------------------------------------------------------------------------------------

    async def _streamed(self, run: WorkflowRun, path: str, body: bytes) -> AsyncGenerator[RunEvent]:
        """Yield a stream's events; one that breaks leaves the outcome unknown."""
        deadline = self._clock.now() + run.timeout_s
        opened: Opened[RunEvents, RunEvent] = await open_stream(
            self._wire,
            path,
            body,
            params={},
            admit=lambda: self._pace.start(run.mark),
            begin=RunEvents,
            not_streamed=_not_streamed,
        )
        async with aclosing(self._read(opened, f"POST {path}", deadline)) as events:
            async for event in events:
                yield event
        if opened.state.missing:
            log.warning(
                "pieces of a workflow's output are missing", workflow=run.workflow_id, count=opened.state.missing
            )

    async def _talked(self, run: WorkflowRun, text: str) -> AsyncGenerator[RunEvent]:
        """Yield a chatflow's events; a question of its own becomes an interruption."""
        deadline = self._clock.now() + run.timeout_s
        opened = await open_question(self._wire, self._pace, run.mark, chatflow_body(run, text), {}, CHATFLOW)
        asks = False
        async with aclosing(self._read(opened, f"POST {CHATFLOW}", deadline)) as events:
            async for event in events:
                asks = asks or _is_question(event)
                if not (asks and isinstance(event, ToolActivity | ActionRequired | ChatCompleted)):
                    yield event
        if asks:
            yield RunInterrupted(Interruption(""))

    async def _read(
        self, opened: Opened[RunEvents, RunEvent] | Opened[ChatEvents, AgentEvent], where: str, deadline: float
    ) -> AsyncGenerator[RunEvent]:
        state, stream = opened.state, opened.stream
        try:
            for first in opened.first:
                yield first
            while stream is not None and not state.over:
                if self._clock.now() > deadline:
                    raise AgentSilent(f"{where}: no end in time", outcome_unknown=True, hint=advise(Hint.RUN_LONGER))
                received = await stream.next()
                if received is None:
                    break
                for event in state.feed(received.event, received.data):
                    yield event
            if stream is not None and not state.over:
                raise AgentUnavailable(
                    f"{where}: the stream ended unfinished", outcome_unknown=True, hint=advise(Hint.CUT)
                )
        finally:
            if stream is not None:
                await finish_reading(stream, whole=state.over)

    # --- not streamed -------------------------------------------------------------------------------------------------

    async def _plain(self, run: WorkflowRun, path: str, body: bytes, *, answered: str = "") -> AsyncGenerator[RunEvent]:
        """Post once and yield the result, the question, or what the run that was begun comes to."""
        await self._pace.start(run.mark)
        silence_s = None if run.mode is RunMode.ASYNC else max(PLAIN_RUN_S, self._settings.idle_timeout_s)
        answer = await self._wire.call("POST", path, content=body, silence_s=silence_s)
        for event in read_run_reply(answer):
            yield event
            if isinstance(event, RunAccepted):
                async with aclosing(self._followed(run, event.execute_id, answered)) as events:
                    async for later in events:
                        yield later

    async def _followed(self, run: WorkflowRun, execute_id: str, answered: str) -> AsyncGenerator[RunEvent]:
        """Look an asynchronous run up until it ends or asks something."""
        view = await wait_until_over(
            lambda: self._look(run, execute_id, answered),
            self._clock,
            deadline=self._clock.now() + run.timeout_s,
            unreachable_s=UNREACHABLE_S,
            first_after_s=POLL_INTERVAL_S,
            pause_s=lambda asked_s: min(LONGEST_PAUSE_S, max(POLL_INTERVAL_S, PAUSE_SHARE * asked_s)),
        )
        if view.status is RunStatus.FAILED:
            raise history_failure(f"run {execute_id}", view)
        if view.trimmed:
            view = await self._whole(run, execute_id, view)
        for output in view.outputs:
            yield output
        yield view.completed() if view.interruption is None else RunInterrupted(view.interruption)

    async def _look(self, run: WorkflowRun, execute_id: str, answered: str) -> HistoryView:
        if self._settings.profile == "studio":
            params = {"workflow_id": run.workflow_id, "execute_id": execute_id}
            answer = await self._wire.call("GET", STUDIO_HISTORY, params=params, repeatable=True, once=True)
        else:
            answer = await self._wire.call("GET", _history_path(run, execute_id), repeatable=True, once=True)
        return read_history(answer.result(), answered)

    async def _whole(self, run: WorkflowRun, execute_id: str, view: HistoryView) -> HistoryView:
        """Fetch node by node what a history had no room for."""
        texts = []
        for title, uuid in view.nodes:
            path = f"{_history_path(run, execute_id)}/execute_nodes/{uuid}"
            answer = await self._wire.call("GET", path, repeatable=True)
            texts.append((title, text_of(mapping_of(answer.result()).get("node_output"))))
        return with_whole_outputs(view, texts)


def _history_path(run: WorkflowRun, execute_id: str) -> str:
    return f"/v1/workflows/{run.workflow_id}/run_histories/{execute_id}"


def _not_streamed(answer: Answer) -> Opened[RunEvents, RunEvent]:
    """Take a plain reply to a run that was to be streamed for its result."""
    state = RunEvents(answer.where, answer.log_id)
    state.over = True
    return Opened(None, state, read_run_reply(answer))


def _is_question(event: RunEvent) -> bool:
    """Tell whether a chatflow waits for somebody: its table promises the one event, its samples show the other."""
    return isinstance(event, ActionRequired) or event == ToolActivity("verbose", "interrupt")


def _words_of(run: WorkflowRun, answer: str) -> list[str]:
    """Return the beginnings of what the user wrote, as an error might quote them."""
    written = [*run.parameters.values(), run.text, answer]
    openings = (" ".join(text.split())[:QUOTE_CHARS] for text in written if isinstance(text, str))
    return [opening for opening in openings if len(opening) == QUOTE_CHARS]


@contextmanager
def _of_run(quotable: list[str]) -> Iterator[None]:
    """Let errors speak of a workflow; cut their reason where it begins to quote the user."""
    try:
        yield
    except AgentError as exc:
        for opening in quotable:
            if opening in exc.reason:
                exc.reason = exc.reason.partition(opening)[0] + "…"
                exc.args = (exc.reason,)
        for_run(exc)
        raise


if TYPE_CHECKING:
    _: type[Workflows] = CozeWorkflows
