"""Who asks what, when and where (pure): the same for every policy, from one seed."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from sandbox.coze.answers import Answer, Prompt, split_into_deltas

Platform = Literal["slack", "discord"]

CHARS_PER_S = 60.0
DELTA_WORDS = 2
ANSWER_S = 15.0
LENGTH_SPREAD = 0.4
"""Lengths are even between 60 and 140 % of ``ANSWER_S``."""
START_SPREAD_S = 3.0
FIRST_DELTA_S = 0.3
"""From the question's arrival at Coze to the first delta."""
SLACK_CHANNELS = 5
"""Questions go round so many channels of one workspace, each in a thread of its own: with twenty at once, four first
posts meet in a channel, which its burst of five allows."""
PARAGRAPH_SENTENCES = 4

WORDS = (
    "a bridge carries what people say and counts every word that crosses it because nobody on either side would know "
    "whom to ask about one that was lost between two banks where the water runs fast after rain and slow in summer "
    "someone always waits for news from across while others have stopped looking up from their work long ago"
).split()
NUMBER = re.compile(r"\bT(\d\d):")
"""How a question names itself and its answer begins: that tells later whose text a message shows."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what the agent will say to it.

    Attributes:
        number: Counts from 0.
        at_s: Seconds after the load's beginning.
        place: Number of the channel or of the direct conversation.
        text: The whole answer.
    """

    number: int
    at_s: float
    place: int
    text: str

    @property
    def asked(self) -> str:
        """What the person writes."""
        return f"T{self.number:02d}: what crosses a bridge?"

    @property
    def deltas(self) -> tuple[str, ...]:
        """The pieces in which the answer comes."""
        words = split_into_deltas(self.text)
        return tuple("".join(words[at : at + DELTA_WORDS]) for at in range(0, len(words), DELTA_WORDS))

    @property
    def planned_s(self) -> list[float]:
        """When each delta shall leave, in seconds after the first one."""
        return list(accumulate((len(delta) / CHARS_PER_S for delta in self.deltas[1:]), initial=0.0))


@dataclass(frozen=True, slots=True)
class Load:
    """All questions of one scenario.

    Attributes:
        direct: They are asked in direct messages, one person each.
        places: How many channels or direct conversations there are.
        words: What it is, for people.
    """

    platform: Platform
    name: str
    words: str
    direct: bool
    places: int
    questions: tuple[Question, ...]

    @property
    def ends_s(self) -> float:
        """When the last answer is whole, in seconds after the beginning, if Coze is asked at once."""
        return max(question.at_s + FIRST_DELTA_S + question.planned_s[-1] for question in self.questions)

    @property
    def busiest(self) -> int:
        """How many answers grow at once at most."""
        starts = [(question.at_s, question.at_s + question.planned_s[-1]) for question in self.questions]
        return max(sum(begin <= at < end for begin, end in starts) for at, _ in starts)

    def answer(self, prompt: Prompt) -> Answer:
        """Speak as the agent; the question's number decides."""
        found = NUMBER.search(prompt.question)
        if found is None:
            raise ValueError(f"no question of this load: {prompt.question!r}")
        deltas = self.questions[int(found[1])].deltas
        return Answer(deltas=deltas, chars_per_second=CHARS_PER_S, first_delta_delay_s=FIRST_DELTA_S)


@dataclass(frozen=True, slots=True)
class _Recipe:
    words: str
    starts: tuple[tuple[float, float], ...]
    """For each question: when, and by how much later at most."""
    places: int
    direct: bool = False


def _at_once(count: int) -> str:
    return "one answer" if count == 1 else f"{count} at once"


def _together(count: int, at_s: float = 0.0) -> tuple[tuple[float, float], ...]:
    return ((at_s, START_SPREAD_S),) * count


def _steady(every_s: float, for_s: float) -> tuple[tuple[float, float], ...]:
    return tuple((number * every_s, 0.0) for number in range(int(for_s / every_s)))


RECIPES: dict[Platform, dict[str, _Recipe]] = {
    "slack": {
        **{f"n{n}": _Recipe(_at_once(n), _together(n), SLACK_CHANNELS) for n in (1, 3, 5, 10, 20)},
        "every4": _Recipe("one every 4 s for 3 min", _steady(4.0, 180.0), SLACK_CHANNELS),
        "every2": _Recipe("one every 2 s for 3 min", _steady(2.0, 180.0), SLACK_CHANNELS),
        "twice10": _Recipe("10 at once, 10 more 25 s later", (*_together(10), *_together(10, 25.0)), SLACK_CHANNELS),
        **{f"dm{n}": _Recipe(f"{_at_once(n)}, direct", _together(n), n, direct=True) for n in (1, 10, 30)},
    },
    "discord": {
        **{f"n{n}": _Recipe(f"{_at_once(n)}, one channel", _together(n), 1) for n in (1, 4, 10)},
        "n10x10": _Recipe("10 at once, ten channels", _together(10), 10),
    },
}
DEFAULT: dict[Platform, tuple[str, ...]] = {
    "slack": ("n1", "n10", "every4", "twice10", "dm1", "dm10", "dm30"),
    "discord": ("n1", "n4", "n10x10"),
}


def make_load(platform: Platform, name: str, seed: int) -> Load:
    """Return a load; the same seed gives the same questions and answers.

    Raises:
        KeyError: There is no such load on this platform.
    """
    recipe = RECIPES[platform][name]
    dice = random.Random(f"{seed}/{platform}/{name}")
    questions = []
    for number, (at_s, spread_s) in enumerate(recipe.starts):
        chars = CHARS_PER_S * ANSWER_S * dice.uniform(1 - LENGTH_SPREAD, 1 + LENGTH_SPREAD)
        start_s = at_s + dice.uniform(0.0, spread_s)
        questions.append(Question(number, start_s, number % recipe.places, write(number, int(chars), dice)))
    return Load(platform, name, recipe.words, recipe.direct, recipe.places, tuple(questions))


def write(number: int, chars: int, dice: random.Random) -> str:
    """Return prose of about so many characters, without markup: what is measured is time, not rendering."""
    text = f"T{number:02d}:"
    for word in _endless(dice):
        if len(text) + len(word) >= chars:
            break
        text += word
    return f"{text.rstrip().rstrip('.')}."


def _endless(dice: random.Random) -> Iterator[str]:
    """Yield words with the blanks before them, in sentences and paragraphs."""
    sentences = 0
    while True:
        words = dice.choices(WORDS, k=dice.randint(6, 14))
        yield f"{_gap(sentences)}{words[0].capitalize()}"
        yield from (f" {word}" for word in words[1:-1])
        yield f" {words[-1]}."
        sentences += 1


def _gap(sentences: int) -> str:
    return "\n\n" if sentences and sentences % PARAGRAPH_SENTENCES == 0 else " "
