"""An answer to what an agent asked a person in the middle of its own answer, as a turn's exchange.

The turn shows the rest of the agent's answer, and ends the one that waits as soon as the service has taken what the
person said; until then she may answer again.
"""

import json

from bridge.delivery.draft import Draft
from bridge.errors import AgentError, AgentRejected, AgentUnauthorized, AgentUnavailable
from bridge.model import ChatRef, Envelope, Outcome, ToolOutput, ToolTicket, TurnRecord, TurnState
from bridge.texts import Say, say
from bridge.turns.announcing import as_it_stands
from bridge.turns.exchange import EMPTY, Ending, Fault
from bridge.turns.hearing import Hearing
from bridge.turns.ledger import Ledger
from bridge.turns.talk import Talk
from bridge.turns.tooling import ToolWork, field_names
from bridge.turns.waits import Waits
from bridge.workflows.answers import read_answer

UNBEGUN = frozenset({TurnState.ACCEPTED, TurnState.OPENING, TurnState.OPENED})


class Submitting:
    """Hands over what a person said in a tool's place.

    Args:
        asked: The turn that waits for it, or did.
    """

    def __init__(
        self,
        envelope: Envelope,
        locale: str,
        *,
        asked: TurnRecord,
        draft: Draft,
        hearing: Hearing,
        work: ToolWork,
        ledger: Ledger,
        talk: Talk,
        waits: Waits,
        timeout_s: float,
    ) -> None:
        self._envelope = envelope
        self._locale = locale
        self._asked = asked
        self._draft = draft
        self._hearing = hearing
        self._work = work
        self._ledger = ledger
        self._talk = talk
        self._waits = waits
        self._timeout_s = timeout_s
        self._outputs: tuple[ToolOutput, ...] = ()
        self._is_taken = False
        work.taken = self.taken

    @property
    def timeout_s(self) -> float:
        return self._timeout_s

    async def refuses(self) -> Ending | None:
        """Look whether it is still waited for, and whether it can be an answer."""
        if self._ledger.state not in UNBEGUN:
            return None
        ticket = self._asked.tools
        if ticket is None or ticket.asked is None or self._asked.state is not TurnState.WAITING:
            return Ending(Outcome.REFUSED, say(Say.RUN_ANSWERED, self._locale))
        answer = read_answer(ticket.asked, self._envelope.text)
        if isinstance(answer, list) or not answer.strip():
            problems = [problem.sentence(self._locale) for problem in answer] if isinstance(answer, list) else []
            return Ending(Outcome.REFUSED, "\n".join([*problems, say(Say.TOOL_STILL_WAITS, self._locale)]))
        self._outputs = _outputs(ticket, answer)
        return None

    async def run(self) -> None:
        """Hand it over and listen on; see ``Exchange.run``."""
        record, asked = self._ledger.record, self._asked
        chat = ChatRef(asked.conversation_id, asked.chat_id)
        if record.state in UNBEGUN and asked.tools is not None:
            before = asked.tools
            ticket = ToolTicket(before.calls, (*before.outputs, *self._outputs), before.said)
            ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
            await self._ledger.advance(TurnState.ASKING, tools=ticket, **ids)
            self._draft.chat, self._draft.required = chat, before.calls
        else:
            await self._hearing.follow(chat)
            if record.tools is not None and not {call.id for call in record.tools.calls} & {
                call.id for call in self._draft.required
            }:
                await self.taken()
        try:
            await self._work.serve()
        except AgentRejected as error:
            if not isinstance(error, AgentUnauthorized):
                await self.taken(Outcome.FAILED)
            raise

    async def taken(self, outcome: Outcome = Outcome.DELIVERED) -> None:
        """The service goes on with what was said, or never will: the turn that asked is over."""
        if self._is_taken:
            return
        self._is_taken = True
        await self._ledger.close(self._asked.turn_id, outcome)
        await self._waits.remove(as_it_stands(self._asked), self._asked.turn_id)
        if outcome is Outcome.DELIVERED:
            await self._talk.goes_on(self._asked.conversation_id)

    async def call_off(self, *, patience_s: float = 0.0) -> None:
        await self._hearing.call_off(patience_s=patience_s)

    async def ending(self) -> Ending | Fault:
        """Tell the rest of the answer, or ask once more."""
        if self._draft.required:
            waits = await self._work.wait(self._envelope, self._locale)
            return waits or Fault(Say.AGENT_NEEDS_ACTION, "requires_action")
        if self._draft.is_empty:
            return Ending(Outcome.DELIVERED, say(Say.EMPTY_ANSWER, self._locale), EMPTY)
        return Ending(Outcome.DELIVERED, self._work.word_failed(self._locale))

    def explain(self, error: AgentError | None) -> Fault:
        """Tell whether she has to answer again."""
        if error is None:
            return Fault(Say.AGENT_SILENT, f"no end within {self.timeout_s:g} s")
        reason = f"{type(error).__name__} {error.code}"
        if not self._is_taken and isinstance(error, AgentUnavailable):
            return Fault(Say.RUN_ANSWER_MAYBE, reason)
        if isinstance(error, AgentRejected) and error.said is Say.AGENT_FAILED:
            return Fault(Say.TOOL_OVER, reason)
        return Fault(error.said or Say.AGENT_FAILED, reason)

    def stopped(self, outcome: Outcome) -> Say:
        return Say.INTERRUPTED_BY_NEXT if outcome is Outcome.INTERRUPTED else Say.STOPPED


def _outputs(ticket: ToolTicket, answer: str) -> tuple[ToolOutput, ...]:
    """Give each call what was said for it."""
    calls = ticket.open
    if len(calls) == 1:
        return (ToolOutput(calls[0].id, answer),)
    values = json.loads(answer)
    return tuple(
        ToolOutput(call.id, str(values.get(name) or "-")) for call, name in zip(calls, field_names(calls), strict=True)
    )
