"""Questions and their answers, told apart by tokens (pure), and the agent that gives the answers.

A question reads ``Q0017 … 12 sentences``. The sentences of its answer begin with ``Q0017-000``, ``Q0017-001`` and so
on, so that each can be looked for in what people see. They are plain words: no Markdown that a platform would change.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sandbox.coze.answers import Answer, Prompt
from sandbox.demo.side import Spot

WORDS = (
    *("a", "the", "one", "every", "small", "quiet", "early", "honest", "plain", "heavy", "river", "bridge", "letter"),
    *("window", "morning", "answer", "carries", "keeps", "waits", "grows", "crosses", "counts", "slowly", "at", "once"),
)
SENTENCE_WORDS = 12
WORKFLOW, PARAMETER, RUN_SENTENCES = "bridges", "q", 5
"""What may be run by a command: its name, its only parameter (the token), and how much it says."""
PARAGRAPH_SENTENCES = 4
ASKED = re.compile(r"(Q\d{4,})\b[^Q]*?(\d+) sentences")
UNSEEN = re.compile(r"[\s\u200b\u2060]+")
"""What platforms change at will: white space, and the marks that keep links from being made."""
SPOKEN = re.compile(r"Q\d{4,}-\d{3} ")
"""Begins every sentence of an answer."""


def token_of(number: int) -> str:
    """Name a question."""
    return f"Q{number:04d}"


def question_text(token: str, sentences: int) -> str:
    """Word a question."""
    return f"{token}: tell me about bridges in {sentences} sentences"


def command_text(token: str) -> str:
    """Word a command that runs the workflow: it says ``RUN_SENTENCES`` sentences."""
    return f"!run {WORKFLOW} {PARAMETER}={token}"


def sentence(token: str, number: int) -> str:
    """Return one sentence of an answer; always the same, and but for its token the same in every answer."""
    dice = random.Random(number)
    return f"{token}-{number:03d} {' '.join(dice.choices(WORDS, k=SENTENCE_WORDS))}."


def answer_pieces(token: str, sentences: int) -> Iterator[str]:
    """Yield the answer in the pieces in which it is said."""
    for number in range(sentences):
        pause = "" if number == 0 else "\n\n" if number % PARAGRAPH_SENTENCES == 0 else " "
        yield pause + sentence(token, number)


def squashed(text: str) -> str:
    """Return a text without what platforms change at will."""
    return UNSEEN.sub("", text)


@dataclass(slots=True, eq=False)
class Question:
    """One question that somebody asked.

    Attributes:
        platform: ``slack`` or ``discord``.
        conversation: What it belongs to; answers keep the order of the questions there.
        asked_at: On the sandbox's clock.
        command: It runs the workflow. Of a run that may have taken place the bridge says so, and does not repeat it.
        unheard: A command whose platform told that the bridge did not answer: it may run all the same.
        stop_pressed, retry_pressed: Somebody pressed Stop, or Try again below what was stopped; ``_acknowledged``: and
            the bridge told that it heard.
        retry_presses: How often the bridge told that it heard Try again.
        stopped: A sentence in its place tells that it was stopped.
        refused: The sentence with which the bridge told why there is no whole answer, where such an end counts.
    """

    token: str
    platform: str
    conversation: str
    spot: Spot
    sentences: int
    asked_at: float
    command: bool = False
    unheard: bool = False
    answered: bool = False
    refused: str = ""
    stop_pressed: bool = False
    stop_acknowledged: bool = False
    stopped: bool = False
    retry_pressed: bool = False
    retry_presses: int = 0
    retry_acknowledged: bool = False

    @property
    def is_over(self) -> bool:
        """Nothing more is to be expected."""
        is_told = bool(self.refused) or self.unheard
        return self.answered or is_told or (self.stopped and not self.retry_acknowledged)


@dataclass(frozen=True, slots=True)
class Sighting:
    """How much of an answer people see: sentences seen at all, more than once, and whether they are in order."""

    seen: int
    doubled: int
    in_order: bool


def look_for(question: Question, shown: Sequence[str]) -> Sighting:
    """Look for the sentences of an answer in the messages of its place, which may hold others too."""
    text = squashed("".join(shown))
    counts, positions = [], []
    for number in range(question.sentences):
        wanted = squashed(sentence(question.token, number))
        counts.append(text.count(wanted))
        positions.append(text.find(wanted))
    found = [position for position in positions if position >= 0]
    return Sighting(sum(count > 0 for count in counts), sum(count > 1 for count in counts), found == sorted(found))


@dataclass(slots=True)
class TokenAgent:
    """Answers what it is asked, at a pace that differs from question to question.

    Attributes:
        slowest_s: The longest time from the first to the last word.
        slow: Tokens of questions whose answers take the longest time there is.
    """

    seed: int = 0
    slowest_s: float = 2.5
    first_words_s: float = 0.4
    slow: set[str] = field(default_factory=set)

    def __call__(self, prompt: Prompt) -> Answer:
        """Return the answer to what was said last; several questions in one get one answer after another."""
        pieces: list[str] = []
        asked = ASKED.findall(prompt.question)
        for token, count in asked:
            pieces += [
                ("\n\n" if pieces and not at else "") + p for at, p in enumerate(answer_pieces(token, int(count)))
            ]
        dice = random.Random(f"{self.seed}/{prompt.question}")
        is_slow = any(token in self.slow for token, _ in asked)
        pause_s = (self.slowest_s if is_slow else dice.uniform(0.1, self.slowest_s)) / max(1, len(pieces))
        return Answer(
            deltas=tuple(pieces) or ("What do you mean?",),
            first_delta_delay_s=dice.uniform(0.0, self.first_words_s),
            delta_interval_s=pause_s,
        )
