"""What is written down; every record must survive a round trip through JSON."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from bridge.model.agent import ToolCall, ToolOutput
from bridge.model.commands import Root
from bridge.model.files import FileNote, ResultFile
from bridge.model.inbound import Envelope
from bridge.model.names import RECORD_VERSION, ConversationKey, TurnId
from bridge.model.workflow import Interruption


class TurnState(StrEnum):
    """Where a turn stands. The intent is durable before each request that must not repeat."""

    ACCEPTED = "accepted"
    OPENING = "opening"
    OPENED = "opened"
    ASKING = "asking"
    ASKED = "asked"
    ANSWERED = "answered"
    DELIVERING = "delivering"
    WAITING = "waiting"
    """Everything it said is shown, a question last, and somebody's answer is waited for."""
    ENDED = "ended"


class Outcome(StrEnum):
    """How a turn ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    STOPPED = "stopped"
    """Somebody did not want the answer, or not the rest of it."""
    INTERRUPTED = "interrupted"
    """The same person asked something else before it had ended."""
    MERGED = "merged"
    """Another turn answers this question too."""
    REFUSED = "refused"
    """There was nothing to ask in it."""
    WITHDRAWN = "withdrawn"
    """The author deleted the question before its turn came."""


@dataclass(frozen=True, slots=True)
class PostedPart:
    """One part of the answer that the platform has: its index and the platform's id of the message.

    ``wordless``: as far as we know it shows a sign of life or a sentence of ours, no word of the agent: so it may be
    overwritten. ``twice``: an earlier attempt to post it, whose outcome nobody knew, may stand too, or come late.
    """

    index: int
    message_id: str
    wordless: bool = False
    twice: bool = False


@dataclass(frozen=True, slots=True)
class RunTicket:
    """What is written down of a workflow's run.

    Attributes:
        workflow: Its name in the configuration.
        execute_id: Of an asynchronous run, once it is known: from then on it is followed, never started again.
        asked: What it waits for, once it does.
        until_s: When that is over, unix seconds.
    """

    workflow: str
    execute_id: str = ""
    asked: Interruption | None = None
    until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolTicket:
    """What is written down of the tools that an agent waits for.

    Attributes:
        calls: All it waits for.
        outputs: What is known of them; known before it is handed over, so that no tool is used twice for one call.
        said: Ids of the messages that the run had said before, in the turns that this one goes on from.
        asked: What a person is asked for the others, once she is.
        until_s: When that is over, unix seconds.
    """

    calls: tuple[ToolCall, ...]
    outputs: tuple[ToolOutput, ...] = ()
    said: tuple[str, ...] = ()
    asked: Interruption | None = None
    until_s: float = 0.0

    @property
    def open(self) -> tuple[ToolCall, ...]:
        """The calls without an output."""
        known = {output.call_id for output in self.outputs}
        return tuple(call for call in self.calls if call.id not in known)


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One question and its whole answer as the store keeps it; its key makes it the duplicate check too.

    Attributes:
        key: The conversation, and so the lane, it belongs to.
        also: Later questions of the same person that this turn answers too; their own turns end as merged.
        interrupts: Turns that were cut for this one, oldest first. What they asked is told again: the agent forgets it.
        agent: The configured agent's name; empty until it is routed.
        conversation_id, chat_id: Known from *asking* and *asked* on.
        parts: Messages that were posted, in order; written as each is posted.
        stopping: How it shall end, decided before its end: what a crash cuts after that is not answered any more.
        announcing: Of a command: the message that stands for it may have been posted.
        root: That message, once it is known; it does not change any more.
        answers: The turn whose run, or whose agent, asked what this message answers.
        run: For a workflow's run, from *asking* on.
        tools: Once the agent waits for tools.
        follows: The turn whose suggestion this question is: nobody wrote it, so the answer tells it.
        replaces: The turn whose answer this one takes the place of; ``parts`` begins with the first message of that.
        reasoning: What stands above the answer of the agent's thinking, from *answered* on.
        answer, footer, outcome: The final text, our sentence below it, and how it ends, from *answered* on.
        answer_ids: The agent's own ids of the messages the answer consists of, in order, from *answered* on.
        follow_ups: The questions offered below it, from *answered* on.
        results: What of it goes into files, from *answered* on; from *delivering* on what has to be text all the same.
        files: What became of its files.
        reason: For *failed*: the error's kind or code, for operators.
    """

    turn_id: TurnId
    key: ConversationKey
    envelope: Envelope
    created_at_s: float
    state: TurnState = TurnState.ACCEPTED
    updated_at_s: float = 0.0
    also: tuple[Envelope, ...] = ()
    interrupts: tuple[TurnId, ...] = ()
    agent: str = ""
    conversation_id: str = ""
    chat_id: str = ""
    parts: tuple[PostedPart, ...] = ()
    stopping: Outcome | None = None
    announcing: bool = False
    root: Root | None = None
    answers: TurnId | None = None
    run: RunTicket | None = None
    tools: ToolTicket | None = None
    follows: TurnId | None = None
    replaces: TurnId | None = None
    reasoning: str = ""
    answer: str = ""
    answer_ids: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()
    results: tuple[ResultFile, ...] = ()
    files: tuple[FileNote, ...] = ()
    footer: str = ""
    outcome: Outcome | None = None
    reason: str = ""
    v: int = RECORD_VERSION


TURN_FIELDS: frozenset[str] = frozenset(f.name for f in dataclasses.fields(TurnRecord))


@dataclass(frozen=True, slots=True)
class Conversation:
    """The agent's conversation that belongs to one of our keys; ``last_turn`` was the last to ask in it."""

    key: ConversationKey
    conversation_id: str
    agent: str
    bot_id: str
    created_at_s: float
    last_used_at_s: float
    section_id: str = ""
    last_turn: str = ""
    v: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class Lease:
    """Time-limited ownership of a lane. ``token`` grows with every grant, so that a late writer is recognised."""

    lane: str
    holder: str
    token: int
    expires_at_s: float
