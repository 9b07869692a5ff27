"""What a scene must show, measured in the journal alone (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.coze.dialect import DELTA, MESSAGE_COMPLETED
from sandbox.demo.words import Words
from sandbox.journal import Entry
from sandbox.slack import Step

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
    """

    title: str
    conversation_id: str | None
    used_before: frozenset[str]
    recalls: tuple[str, ...] = ()
    must_not_know: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scene showed.

    Attributes:
        steps: How many growing texts the answer showed, the whole one included.
        first_words_ms: From the first delta leaving Coze to the first words in Slack.
        final_ms: From the completed answer leaving Coze to the whole of it in Slack.
        exact: Slack shows the agent's text, character by character.
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

    def failures(self, words: Words) -> list[str]:
        """Return a sentence for everything that did not hold."""
        failed: list[str] = []
        if self.steps < STEPS_WANTED:
            failed.append(words.too_few_steps.format(scene=self.title, steps=self.steps, wanted=STEPS_WANTED))
        if not self.exact:
            failed.append(words.not_exact.format(scene=self.title))
        if not self.right_conversation:
            failed.append(words.wrong_conversation.format(scene=self.title))
        if not self.remembers:
            failed.append(words.forgot.format(scene=self.title))
        if self.asked != 1:
            failed.append(words.asked_often.format(scene=self.title, times=self.asked))
        return failed


def agent_text(entries: Sequence[Entry]) -> str | None:
    """Return the whole text the agent said; ``None`` while it is speaking."""
    texts = [
        entry.detail["content"]
        for entry in entries
        if entry.name == MESSAGE_COMPLETED and entry.detail.get("type") == "answer"
    ]
    return "\n\n".join(texts) if texts else None


def judge(expected: Expectation, entries: Sequence[Entry], steps: Sequence[Step]) -> Verdict:
    """Measure one scene.

    Args:
        entries: The journal of the scene, from the question on.
        steps: What the answer's message showed, and when.

    Raises:
        ValueError: The answer is not whole yet.
    """
    said = agent_text(entries)
    if said is None:
        raise ValueError("the agent is still speaking")
    grown = [step for step in steps if step.text and said.startswith(step.text[:RECOGNISED_CHARS])]
    whole = [step for step in grown if step.text == said]
    asked = [entry for entry in entries if (entry.kind, entry.name) == ("request", CHAT)]
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
    )


def _first(entries: Sequence[Entry], name: str) -> float:
    return next(entry.at for entry in entries if entry.name == name and entry.detail.get("type") == "answer")


def _ms(start: float, end: float) -> float:
    return (end - start) * 1000
