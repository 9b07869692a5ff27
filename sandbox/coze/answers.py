"""What an agent will say and how fast: the script of one chat."""

import re
from dataclasses import dataclass, field
from typing import Literal

_WORDS = re.compile(r"\s*[\u3000-\u9fff\uff00-\uffef]{1,2}|\s*[^\s\u3000-\u9fff\uff00-\uffef]+|\s+")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that runs inside Coze: a ``function_call`` and, ``duration_s`` later, its ``tool_response``.

    ``arguments`` is JSON text.
    """

    name: str
    arguments: str = "{}"
    result: str = "{}"
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the caller must run: ``function`` (client plugin) or ``reply_message`` (a question to the user).

    ``arguments`` is JSON text, or the question.
    """

    name: str
    arguments: str = "{}"
    type: Literal["function", "reply_message"] = "function"


@dataclass(frozen=True, slots=True)
class RequiredAction:
    """The chat stops and waits for tool outputs.

    Attributes:
        then: What the agent says afterwards; without it, it repeats the outputs.
        before: What it says before, as a whole message.
    """

    calls: tuple[ToolCall, ...]
    then: "Answer | None" = None
    before: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The chat fails.

    Attributes:
        code: An integer, or a string as some captures have it.
        msg: The sentence with it.
        after_deltas: How many deltas come before.
        shape: ``chat``: ``conversation.chat.failed`` with the whole chat; ``bare``: the same event with code and
            msg alone; ``error``: an ``error`` event.
    """

    code: int | str = 5000
    msg: str = "event interval error"
    after_deltas: int = 0
    shape: Literal["chat", "bare", "error"] = "chat"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens counted for the chat; without one they are estimated from the texts."""

    input_count: int
    output_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One chat as the agent plays it.

    Attributes:
        text: The answer; cut into deltas of a word or two unless ``deltas`` says how.
        deltas: The pieces as they are streamed.
        completed_text: The text of the completed message where it shall differ from the deltas.
        further_texts: More answer messages, one after another.
        without_answer: No answer message at all, not even an empty one.
        echo: Say which questions the agent sees in its context instead of ``text``.
        reasoning: Pieces of thinking, streamed before the answer.
        tools: Tools used before the answer.
        verbose: ``msg_type`` of verbose messages sent before the answer, such as ``knowledge_recall``.
        follow_ups: Suggested questions, one message each.
        audio: Base64 pieces, streamed as ``conversation.audio.delta`` after the text.
        requires_action: Stop for tool outputs before the answer; ``text`` and ``deltas`` are then not used.
        failure: Where and how the chat fails.
        usage: Token counts to report.
        content_type: ``text`` or ``card``.
        first_delta_delay_s: Seconds before the first word.
        delta_interval_s: Seconds between deltas.
        chars_per_second: Instead: as long as each delta's characters take.
    """

    text: str = ""
    deltas: tuple[str, ...] = ()
    completed_text: str | None = None
    further_texts: tuple[str, ...] = ()
    without_answer: bool = False
    echo: bool = False
    reasoning: tuple[str, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    verbose: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    requires_action: RequiredAction | None = None
    failure: Failure | None = None
    usage: Usage | None = None
    content_type: Literal["text", "card"] = "text"
    first_delta_delay_s: float = 0.0
    delta_interval_s: float = 0.0
    chars_per_second: float | None = None

    def pieces(self) -> tuple[str, ...]:
        """Return the deltas of the first answer message."""
        return self.deltas or split_into_deltas(self.text)

    def final_text(self) -> str:
        """Return what the completed message says."""
        return "".join(self.pieces()) if self.completed_text is None else self.completed_text

    def pause_before_s(self, delta: str) -> float:
        """Return the seconds between the delta before and this one."""
        if self.chars_per_second is not None:
            return len(delta) / self.chars_per_second
        return self.delta_interval_s


@dataclass(frozen=True, slots=True)
class ContextMessage:
    """One message the agent sees."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """All an agent sees when it answers: ``context`` is oldest first, its last user message is the question."""

    bot_id: str
    user_id: str
    conversation_id: str
    context: tuple[ContextMessage, ...]
    custom_variables: dict[str, str] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What the user said last."""
        return self.questions[-1] if self.questions else ""

    @property
    def questions(self) -> tuple[str, ...]:
        """All that the user said, the question included."""
        return tuple(message.content for message in self.context if message.role == "user")


def split_into_deltas(text: str) -> tuple[str, ...]:
    """Cut a text into the small pieces a model streams: words, or two Chinese characters; nothing is lost."""
    return tuple(_WORDS.findall(text))
