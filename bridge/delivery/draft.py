"""The answer so far: folds the agent's events into text and state (pure).

An answer may consist of several messages, joined by a blank line in order of first appearance. A message's completed
text is the truth: where it differs from its deltas it replaces them. No step costs more than the text it adds, except
a replacement.
"""

from dataclasses import dataclass

from bridge.delivery.thinking import Quotation
from bridge.model import (
    ActionRequired,
    AgentEvent,
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    FollowUp,
    ReasoningDelta,
    ResultFile,
    ToolActivity,
    ToolCall,
    Usage,
)

MESSAGE_SEPARATOR = "\n\n"
JOINED = 64
"""So many pieces of a text become one: a short string takes ten times the memory of what it says."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became visible since the last ``take``: text to append, or the whole text that replaces the old one."""

    text: str
    replaces: bool = False


class _Text:
    """What one message of the agent's says, as it comes."""

    __slots__ = ("_chunks", "_pieces")

    def __init__(self, text: str = "") -> None:
        self._chunks = [text] if text else []
        self._pieces: list[str] = []

    def __str__(self) -> str:
        return "".join((*self._chunks, *self._pieces))

    def __bool__(self) -> bool:
        return bool(self._chunks or self._pieces)

    def add(self, piece: str) -> None:
        """Append a piece that is not empty."""
        self._pieces.append(piece)
        if len(self._pieces) == JOINED:
            self._chunks.append("".join(self._pieces))
            self._pieces.clear()

    @property
    def is_blank(self) -> bool:
        return not any(piece.strip() for piece in (*self._pieces, *self._chunks))


class Draft:
    """One growing answer.

    Attributes:
        answer_ids: The agent's ids of the messages it consists of, in order.
        results: What of it is too long for messages.
    """

    def __init__(self, head: str = "", *, quotes_reasoning: bool = False) -> None:
        """``head`` stands before the answer wherever it is shown, and is no part of it; so does quoted reasoning."""
        self._head = self._untold_head = head
        self.chat: ChatRef | None = None
        self.section_id = ""
        self.usage: Usage | None = None
        self.follow_ups: list[str] = []
        self.required: tuple[ToolCall, ...] = ()
        self.tools: list[str] = []
        self.reasoning_chars = 0
        self._quotation = Quotation() if quotes_reasoning else None
        self._quoted = ""
        self.results: list[ResultFile] = []
        self._texts: dict[str, _Text] = {}
        self._last_message = ""
        self._untaken: list[str] = []
        self._replaced = False

    @property
    def text(self) -> str:
        """The whole answer as far as it is known; joins everything, so ask for it rarely."""
        return MESSAGE_SEPARATOR.join(str(text) for text in self._texts.values() if text)

    @property
    def reasoning(self) -> str:
        """What stands above the answer of the agent's thinking; empty unless it is quoted."""
        return self._quoted + (self._quotation.text if self._quotation else "")

    def restore_reasoning(self, quoted: str) -> None:
        """Let what an earlier process quoted stand above the answer."""
        self._quoted = quoted
        self._replaced = True

    @property
    def answer_ids(self) -> tuple[str, ...]:
        return tuple(message_id for message_id, text in self._texts.items() if text)

    @property
    def is_empty(self) -> bool:
        """Nothing that a person could read has arrived."""
        return all(text.is_blank for text in self._texts.values())

    def apply(self, event: AgentEvent) -> bool:
        """Fold one event in; true when there is new text to show."""
        match event:
            case AnswerDelta(message_id, text):
                return self._append(message_id, text)
            case AnswerCompleted(message_id, text):
                return self._complete(message_id, text)
            case ReasoningDelta(_, text):
                self.reasoning_chars += len(text)
                return self._think(text)
            case ChatStarted(chat, section_id):
                self.chat, self.section_id = chat, section_id
            case FollowUp(text):
                self.follow_ups.append(text)
            case ToolActivity(_, name):
                self.tools.append(name)
            case ActionRequired(chat, calls):
                self.chat, self.required = chat, calls
            case ChatCompleted(usage):
                self.usage = usage
        return False

    def take(self, *, ended: bool = False) -> Change | None:
        """Return what changed since the last call, or ``None``; the head comes with the first words or at the end."""
        head, is_telling = self._untold_head, bool(self._untaken or self._replaced or ended)
        if is_telling:
            self._untold_head = ""
        if self._replaced:
            self._replaced = False
            self._untaken.clear()
            pieces = filter(None, (self.reasoning, self.text))
            return Change(self._head + MESSAGE_SEPARATOR.join(pieces), replaces=True)
        if not self._untaken and not (ended and head):
            return None
        change = Change("".join((head, *self._untaken)) if self._untaken else head.rstrip())
        self._untaken.clear()
        return change

    def _think(self, thought: str) -> bool:
        """Quote a piece of thinking; it stands above whatever was said already."""
        added = self._quotation.add(thought) if self._quotation else ""
        if not added:
            return False
        if self._has_text:
            self._replaced = True
        self._untaken.append(added)
        return True

    @property
    def _has_text(self) -> bool:
        return any(self._texts.values())

    def _append(self, message_id: str, text: str) -> bool:
        if not text:
            return False
        known = self._texts.get(message_id)
        if known is None:
            known = self._begin(message_id)
        elif message_id != self._last_message or not known:
            self._replaced = True  # it grows in the middle, or comes back from nothing, separator included
        known.add(text)
        self._untaken.append(text)
        return True

    def _begin(self, message_id: str) -> _Text:
        if self._has_text or self.reasoning:
            self._untaken.append(MESSAGE_SEPARATOR)
        begun = self._texts[message_id] = _Text()
        self._last_message = message_id
        return begun

    def _complete(self, message_id: str, text: str) -> bool:
        known = str(self._texts.get(message_id, ""))
        if text == known:
            return False
        is_last = message_id == self._last_message or message_id not in self._texts
        if is_last and text.startswith(known):
            return self._append(message_id, text[len(known) :])
        self._texts[message_id] = _Text(text)
        self._replaced = True
        return True
