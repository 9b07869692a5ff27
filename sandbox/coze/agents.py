"""Who answers: scripted answers first, then an agent that makes its own."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from sandbox.coze.answers import Answer, Prompt

Agent: TypeAlias = Callable[[Prompt], Answer]

_FIRST_DELTA_DELAY_S = 0.05
_DELTA_INTERVAL_S = 0.01

_ENGLISH = (
    "You asked about *{topic}*.",
    "Here is what matters most.",
    "Start with the smallest piece that can be seen to work, then let it grow.",
    "Measure before you change anything, and write down what you measured.",
    "Two things are easily forgotten:\n\n- who will read it\n- what happens when it fails",
    "A short example:\n\n```python\nprint('hello')\n```",
    "If that does not help, tell me what you have tried so far.",
    "**In short**: keep it simple and keep it honest.",
)
_CHINESE = (
    "你问的是「{topic}」。",
    "先说最重要的一点。",
    "从能看到效果的最小一步开始，再慢慢扩展。",
    "改动之前先测量，并把结果记下来。",
    "有两件事容易忘记：\n\n- 谁会读它\n- 出错时会怎样",
    "一个小例子：\n\n```python\nprint('你好')\n```",
    "如果还不行，请告诉我你试过什么。",
    "**总之**：保持简单，保持诚实。",
)


def is_chinese(text: str) -> bool:
    """Tell whether a text holds Chinese characters."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def echo_text(prompt: Prompt) -> str:
    """Return a text that lists the questions in the agent's context, which proves what it shares."""
    lines = [f"Questions in this context: {len(prompt.questions)}"]
    lines += [f"{number}. {question}" for number, question in enumerate(prompt.questions, start=1)]
    return "\n".join(lines)


def echo_agent(prompt: Prompt) -> Answer:
    """Answer every question with ``echo_text``."""
    return Answer(text=echo_text(prompt))


@dataclass(slots=True)
class GeneratingAgent:
    """Makes plausible Markdown in the language of the question; the same seed and context say the same.

    Attributes:
        seed: Changes what is said.
        sentences: How many, chosen from the stock.
        first_delta_delay_s: Seconds before the first word.
        delta_interval_s: Seconds between deltas.
    """

    seed: int = 0
    sentences: int = 4
    first_delta_delay_s: float = _FIRST_DELTA_DELAY_S
    delta_interval_s: float = _DELTA_INTERVAL_S

    def __call__(self, prompt: Prompt) -> Answer:
        """Return an answer to one prompt."""
        chinese = is_chinese(prompt.question)
        stock = _CHINESE if chinese else _ENGLISH
        turn = len(prompt.questions)
        dice = random.Random(f"{self.seed}/{turn}/{prompt.question}")
        chosen = [stock[0].format(topic=prompt.question[:40].strip()), *dice.sample(stock[1:], self.sentences - 1)]
        if turn > 1:
            chosen.append(f"（这是我们的第 {turn} 个问题。）" if chinese else f"(This is question {turn} of ours.)")
        return Answer(
            text="\n\n".join(chosen),
            follow_ups=("能举个例子吗？",) if chinese else ("Can you give an example?",),
            first_delta_delay_s=self.first_delta_delay_s,
            delta_interval_s=self.delta_interval_s,
        )


@dataclass(slots=True)
class _Script:
    answer: Answer
    bot_id: str | None
    matching: str | None
    times: int | None

    def fits(self, prompt: Prompt) -> bool:
        return (self.bot_id is None or self.bot_id == prompt.bot_id) and (
            self.matching is None or self.matching in prompt.question
        )


@dataclass(slots=True)
class AnswerBook:
    """The scripted answers, and the agent that speaks when none fits."""

    agent: Agent = field(default_factory=GeneratingAgent)
    _scripts: list[_Script] = field(default_factory=list)

    def script(
        self, answer: Answer, *, bot_id: str | None = None, matching: str | None = None, times: int | None = 1
    ) -> None:
        """Queue an answer.

        Args:
            answer: What the agent will say.
            bot_id: Only this bot says it.
            matching: Only a question that contains this text gets it.
            times: How many questions it serves; ``None`` means all from now on.
        """
        self._scripts.append(_Script(answer, bot_id, matching, times))

    def clear(self) -> None:
        """Forget the scripted answers."""
        self._scripts.clear()

    def answer(self, prompt: Prompt) -> Answer:
        """Return the first scripted answer that fits, or the agent's own."""
        answer = self._take(prompt) or self.agent(prompt)
        return replace(answer, text=echo_text(prompt), deltas=()) if answer.echo else answer

    def _take(self, prompt: Prompt) -> Answer | None:
        for script in self._scripts:
            if not script.fits(prompt):
                continue
            if script.times is not None:
                script.times -= 1
                if script.times <= 0:
                    self._scripts.remove(script)
            return script.answer
        return None
