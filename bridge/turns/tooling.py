"""What an agent waits for in the middle of its answer: a tool at our side says it, or the person who asked does.

What a tool said is written down before it is handed over, so that a crash neither uses it again nor forgets it. Whether
something was handed over that was lost on the way is looked up: as long as the run waits for the same calls it was not.
For what no tool here can say the turn ends as *waiting*, and lets its lane go; the named person's next message is a
turn of its own (``submitting``) and shows the rest of the answer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from bridge.delivery.draft import Draft
from bridge.errors import AgentError, AgentRejected, AgentUnauthorized, AgentUnavailable, ToolFailed
from bridge.model import (
    AnswerCompleted,
    AskedField,
    AskKind,
    Envelope,
    Interruption,
    Outcome,
    ToolCall,
    ToolOutput,
    ToolTicket,
)
from bridge.ports import Clock
from bridge.routes import AgentBinding
from bridge.texts import Say, say
from bridge.turns.exchange import Ending
from bridge.turns.hearing import Hearing
from bridge.turns.ledger import Ledger
from bridge.turns.live import LiveTurn
from bridge.turns.talk import Talk
from bridge.turns.waits import Waits
from bridge.workflows.results import readable

log = structlog.get_logger(__name__)

SUBMIT_TRIES = 3
SUBMIT_PAUSE_S = 2.0
NAME_CHARS = 60
TO_PERSON = "reply_message"
"""The kind of a call that is a question to whoever asked. Source: Coze's guide to local plugins."""

FAILED_OUTPUT = '{"error":"this tool is not available right now"}'


class ToolWork:
    """Serves one turn's run.

    Attributes:
        taken: Awaited once the service goes on with what it was handed.
    """

    def __init__(
        self,
        draft: Draft,
        changed: Callable[[], None],
        *,
        hearing: Hearing,
        live: LiveTurn,
        ledger: Ledger,
        binding: AgentBinding,
        talk: Talk,
        waits: Waits,
        clock: Clock,
        user_id: str,
    ) -> None:
        self._draft = draft
        self._changed = changed
        self._hearing = hearing
        self._live = live
        self._ledger = ledger
        self._binding = binding
        self._talk = talk
        self._waits = waits
        self._clock = clock
        self._user_id = user_id
        self.taken: Callable[[], Awaitable[None]] | None = None
        self._failed: list[str] = []
        self._went_on = False

    async def serve(self) -> None:
        """Hand over what tools say as often as the agent waits for it; returns when a person has to be asked.

        Raises:
            AgentError: It could not be handed over, or the run failed afterwards.
            StoreUnavailable: What was said could not be written down.
        """
        while self._draft.required and self._binding.agent.capabilities.tool_outputs:
            ticket = await self._ticket()
            if ticket.open:
                return
            await self._hand_over(ticket)

    async def _ticket(self) -> ToolTicket:
        """Use the tools there are, side by side; what they say is written down."""
        before, calls = self._ledger.record.tools, self._draft.required
        known = {output.call_id: output for output in before.outputs} if before else {}
        ticket = ToolTicket(
            calls, tuple(known[call.id] for call in calls if call.id in known), before.said if before else ()
        )
        tools = self._binding.tools
        wanted = [call for call in ticket.open if tools and call.kind != TO_PERSON and tools.knows(call.name)]
        if not wanted:
            return ticket
        async with asyncio.TaskGroup() as tasks:
            using = [tasks.create_task(self._use(call)) for call in wanted]
        ticket = replace(ticket, outputs=(*ticket.outputs, *(task.result() for task in using)))
        await self._ledger.advance(self._ledger.state, tools=ticket)
        return ticket

    async def _use(self, call: ToolCall) -> ToolOutput:
        assert self._binding.tools is not None
        try:
            output = await self._binding.tools.use(call, self._user_id)
        except ToolFailed as error:
            log.warning("a tool gave nothing", tool=call.name, reason=error.reason)
            self._failed.append(call.name)
            return ToolOutput(call.id, FAILED_OUTPUT)
        log.info("a tool was used", tool=call.name, chars=len(output))
        return ToolOutput(call.id, output)

    async def _hand_over(self, ticket: ToolTicket) -> None:
        """Hand over, and listen on; what was lost is looked up before it is handed over again."""
        chat = self._draft.chat
        assert chat is not None, "only a run that is known waits for tools"
        tries_left = SUBMIT_TRIES
        while True:
            self._live.check()
            tries_left -= 1
            self._draft.required, self._went_on = (), False
            try:
                async with self._binding.agent.submit(chat, ticket.outputs) as events:
                    await self._hearing.listen(events, self._goes_on)
                return
            except AgentUnauthorized:
                raise
            except (AgentUnavailable, AgentRejected) as error:
                if self._went_on:
                    raise
                lost: AgentError = error
            log.info("looking whether a tool's output was taken", reason=lost.reason)
            await self._hearing.follow(chat)
            if _ids(self._draft) != {call.id for call in ticket.calls}:
                await self._goes_on()
                return
            if isinstance(lost, AgentRejected) or not tries_left:
                raise lost
            await self._clock.wait(self._live.stop_wanted, SUBMIT_PAUSE_S)

    async def _goes_on(self) -> None:
        self._went_on = True
        if self.taken is not None:
            await self.taken()

    def word_failed(self, locale: str) -> str:
        """Say which tools gave nothing; empty when none failed."""
        names = ", ".join(f"`{_readable_name(name)}`" for name in dict.fromkeys(self._failed))
        return say(Say.TOOLS_FAILED, locale, names=names) if names else ""

    # --- a person is asked ---

    async def wait(self, envelope: Envelope, locale: str) -> Ending | None:
        """Ask the person; ``None`` where that cannot be."""
        can_be = self._binding.asks_people and self._binding.agent.capabilities.tool_outputs
        if not can_be or self._draft.chat is None:
            return None
        record, ticket = self._ledger.record, await self._ticket()
        open_calls = ticket.open
        fields = _fields(open_calls)
        text = "\n\n".join(word_call(call, locale) for call in open_calls)
        if not self._draft.text.rstrip().endswith(text.strip()):
            self._draft.apply(AnswerCompleted(f"ask:{open_calls[0].id}", text))
            self._changed()
        asked = Interruption(open_calls[0].id, kind=AskKind.INPUT if fields else AskKind.QUESTION, fields=fields)
        await self._waits.add(envelope, record.turn_id)
        await self._talk.leave_stuck(self._draft.chat.conversation_id)
        until_s = self._clock.wall() + self._binding.waiting_s
        said = (*ticket.said, *self._draft.answer_ids)
        footer = say(
            Say.RUN_ASKS_FORM if fields else Say.RUN_ASKS_YOU, locale, name=envelope.author.name or envelope.author.id
        )
        return Ending(Outcome.DELIVERED, footer, waits=replace(ticket, said=said, asked=asked, until_s=until_s))


def _ids(draft: Draft) -> set[str]:
    """Return the calls that the agent waits for now."""
    return {call.id for call in draft.required}


def _fields(calls: Sequence[ToolCall]) -> tuple[AskedField, ...]:
    """Return what is asked for by name, where it is more than one thing."""
    return tuple(AskedField(name) for name in field_names(calls)) if len(calls) > 1 else ()


def field_names(calls: Sequence[ToolCall]) -> tuple[str, ...]:
    """Name calls as a person can type them, each once."""
    names: list[str] = []
    for call in calls:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", call.name).strip("_")[:NAME_CHARS] or "answer"
        same = sum(name == plain or name.startswith(f"{plain}_") for name in names)
        names.append(f"{plain}_{same + 1}" if same else plain)
    return tuple(names)


def word_call(call: ToolCall, locale: str) -> str:
    """Write what a person is asked for: the question itself, or the tool's name and what the agent gives it."""
    given = readable(call.arguments).strip()
    if call.kind == TO_PERSON and given:
        return given
    line = say(Say.TOOL_WANTED, locale, name=_readable_name(call.name))
    return f"{line}\n\n{given}" if given else line


def _readable_name(name: str) -> str:
    return " ".join(name.replace("`", "'").split())[:NAME_CHARS]
