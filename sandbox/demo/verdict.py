"""What a scene must show, measured in the journal alone (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.coze.dialect import DELTA, MESSAGE_COMPLETED
from sandbox.coze.errors import CozeError
from sandbox.coze.validation import object_string_items
from sandbox.demo.side import Step
from sandbox.demo.words import Words
from sandbox.journal import Entry

STEPS_WANTED = 3
CHAT = "POST /v3/chat"
RECOGNISED_CHARS = 8
"""So much of the answer's beginning tells it from a placeholder."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one scene is for.

    Attributes:
        conversation_id: Where the question must go; ``None``: to a conversation not used before.
        recalls: Earlier questions the agent must have seen.
        must_not_know: Questions from elsewhere that it must not have seen.
        platform: Where the scene plays.
        files: Digests of what must have come along, as Coze received it.
    """

    title: str
    conversation_id: str | None
    used_before: frozenset[str]
    recalls: tuple[str, ...] = ()
    must_not_know: tuple[str, ...] = ()
    platform: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scene showed.

    Attributes:
        steps: How many growing texts the answer showed, the whole one included.
        first_words_ms: From the first delta leaving Coze to the first words being visible.
        final_ms: From the completed answer leaving Coze to the whole of it being visible.
        exact: What is shown is the agent's text, character by character.
        asked: How many times Coze was asked.
    """

    title: str
    steps: int
    first_words_ms: float
    final_ms: float
    exact: bool
    conversation_id: str
    is_new_conversation: bool
    right_conversation: bool
    remembers: bool
    asked: int
    platform: str = ""
    files_arrived: bool = True

    def failures(self, words: Words) -> list[str]:
        """Return a sentence for everything that did not hold."""
        failed: list[str] = []
        scene = f"{self.platform}, {self.title}" if self.platform else self.title
        if self.steps < STEPS_WANTED:
            failed.append(words.too_few_steps.format(scene=scene, steps=self.steps, wanted=STEPS_WANTED))
        if not self.exact:
            failed.append(words.not_exact.format(scene=scene))
        if not self.right_conversation:
            failed.append(words.wrong_conversation.format(scene=scene))
        if not self.remembers:
            failed.append(words.forgot.format(scene=scene))
        if not self.files_arrived:
            failed.append(words.image_lost.format(scene=scene))
        if self.asked != 1:
            failed.append(words.asked_often.format(scene=scene, times=self.asked))
        return failed


def is_question(entry: Entry) -> bool:
    """Tell whether an entry is Coze being asked something."""
    return (entry.service, entry.kind, entry.name) == ("coze", "request", CHAT)


def question_of(entry: Entry) -> str:
    """Return what Coze was asked; a name may stand before what was said."""
    return words_in(str(entry.detail["body"]["additional_messages"][-1]["content"]))


def words_in(content: str) -> str:
    """Return the words of a message's content, where they stand among files too."""
    return next((str(item.get("text")) for item in items_in(content) if item.get("type") == "text"), content)


def items_in(content: str) -> list[dict[str, Any]]:
    """Return the items of a content that holds files; none of one that is plain text."""
    try:
        return object_string_items(content)
    except CozeError:
        return []


def about(question: str, entries: Iterable[Entry]) -> list[Entry]:
    """Return what happened at Coze because of one question, of all that goes on there at the same time.

    Args:
        entries: From the question on, and before the next one in the same conversation.
    """
    found: list[Entry] = []
    conversations: set[str] = set()
    for entry in entries:
        if is_question(entry) and question_of(entry).endswith(question):
            conversations.add(str(entry.detail["query"].get("conversation_id", "")))
            found.append(entry)
        elif entry.kind == "event" and entry.detail.get("conversation_id") in conversations:
            found.append(entry)
    return found


def agent_text(entries: Sequence[Entry]) -> str | None:
    """Return the whole text the agent said; ``None`` while it is speaking."""
    texts = [
        entry.detail["content"]
        for entry in entries
        if entry.name == MESSAGE_COMPLETED and entry.detail.get("type") == "answer"
    ]
    return "\n\n".join(texts) if texts else None


def judge(
    expected: Expectation, entries: Sequence[Entry], steps: Sequence[Step], uploads: Mapping[str, str] | None = None
) -> Verdict:
    """Measure one scene.

    Args:
        entries: The journal of the scene, from the question on.
        steps: What the answer's message showed, and when.
        uploads: Digests of what was uploaded, by id.

    Raises:
        ValueError: The answer is not whole yet.
    """
    said = agent_text(entries)
    if said is None:
        raise ValueError("the agent is still speaking")
    grown = [step for step in steps if step.text and said.startswith(step.text[:RECOGNISED_CHARS])]
    whole = [step for step in grown if step.text == said]
    asked = [entry for entry in entries if is_question(entry)]
    conversation_id = str(asked[-1].detail["query"].get("conversation_id", "")) if asked else ""
    is_new = conversation_id not in expected.used_before
    return Verdict(
        title=expected.title,
        steps=len(grown),
        first_words_ms=_ms(_first(entries, DELTA), grown[0].at) if grown else float("nan"),
        final_ms=_ms(_first(entries, MESSAGE_COMPLETED), whole[0].at) if whole else float("nan"),
        exact=bool(steps) and steps[-1].text == said,
        conversation_id=conversation_id,
        is_new_conversation=is_new,
        right_conversation=is_new if expected.conversation_id is None else conversation_id == expected.conversation_id,
        remembers=all(question in said for question in expected.recalls)
        and not any(question in said for question in expected.must_not_know),
        asked=len(asked),
        platform=expected.platform,
        files_arrived=expected.files == _digests(asked, uploads or {}),
    )


def _digests(asked: Sequence[Entry], uploads: Mapping[str, str]) -> tuple[str, ...]:
    """Return the digests of the files that a question named, in order."""
    contents = [
        str(entry.detail["body"]["additional_messages"][-1]["content"]) for entry in asked if "body" in entry.detail
    ]
    items = items_in(contents[-1]) if contents else []
    return tuple(uploads.get(str(item["file_id"]), "") for item in items if "file_id" in item)


def _first(entries: Sequence[Entry], name: str) -> float:
    return next(entry.at for entry in entries if entry.name == name and entry.detail.get("type") == "answer")


def _ms(start: float, end: float) -> float:
    return (end - start) * 1000
