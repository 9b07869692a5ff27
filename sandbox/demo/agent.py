"""The agent of the demo: says something sensible, in the language of the question, and recalls what it was asked.

What it recalls comes from the context the Coze emulator shows it, so what it says proves what that context holds.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from sandbox.coze import Answer, Prompt
from sandbox.coze.agents import is_chinese
from sandbox.demo.verdict import items_in, words_in

DURATION_S = 3.6
"""How long an answer takes to be said; long enough for Slack's pace of one edit in 1.2 s to show it growing."""
FIRST_WORDS_S = 0.4
SLOWNESS = 4.0
RECALLED_MAX = 3

ENGLISH = (
    "**Start small.** Take the smallest piece that somebody can see working, put it in front of them, and listen.",
    "Write down what must hold *before* you change anything: the next change is only safe when you can tell that "
    "nothing else moved.",
    "A change that can be taken back in a minute needs no courage:\n\n```sh\ndeploy --canary 5%\nwatch errors\n"
    "deploy --undo\n```",
    "Three things are easily forgotten:\n\n- who reads the alarm\n- what it tells them to do\n"
    "- when somebody last tried that",
    "Measure twice: once when all is well, so that you know what *well* looks like.",
    "And sleep on it; most clever ideas look different in the morning.",
)
CHINESE = (
    "**从小处开始。** 先做出别人能看到效果的最小一步，放到他们面前，听听他们怎么说。",
    "在改动任何东西*之前*，先写下必须保持不变的部分：只有知道别处没有动，下一步才是安全的。",
    "一分钟之内能撤回的改动，不需要勇气：\n\n```sh\ndeploy --canary 5%\nwatch errors\ndeploy --undo\n```",
    "有三件事很容易忘记：\n\n- 谁会看到警报\n- 警报告诉他们该做什么\n- 上一次有人真正试过是什么时候",
    "测量两次：第一次在一切正常的时候，这样你才知道*正常*是什么样子。",
    "每天写一点，每天读一点，坚持三个月再看；多数聪明的主意，睡一觉之后会变个样子。",
)
OPENINGS = {True: "你问的是「{question}」。", False: "You ask: *{question}*"}
SEEING = {True: "随问题收到的文件：{count} 个。", False: "Files that came with it: {count}."}
RECALLING = {True: "之前你们问过我：\n\n{list}", False: "Earlier in this conversation I was asked:\n\n{list}"}


@dataclass(slots=True)
class DemoAgent:
    """Answers every prompt; ``slow`` makes it take four times as long from the next answer on."""

    duration_s: float = DURATION_S
    slow: bool = False
    _asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, prompt: Prompt) -> Answer:
        """Return one answer, spoken evenly over its duration; whoever asks the same again hears something else."""
        question = words_in(prompt.question)
        text = compose(prompt, self._asked[question])
        self._asked[question] += 1
        duration_s = self.duration_s * (SLOWNESS if self.slow else 1.0)
        return Answer(
            text=text,
            follow_ups=("能举个例子吗？",) if is_chinese(prompt.question) else ("Can you give an example?",),
            first_delta_delay_s=FIRST_WORDS_S,
            chars_per_second=len(text) / duration_s,
        )


def compose(prompt: Prompt, asked_before: int = 0) -> str:
    """Return what there is to say; the same prompt is answered alike, unless it was asked before."""
    question = words_in(prompt.question)
    chinese = is_chinese(question)
    dice = random.Random(f"{question}{asked_before or ''}")
    paragraphs = [OPENINGS[chinese].format(question=question)]
    if files := [item for item in items_in(prompt.question) if item.get("type") != "text"]:
        paragraphs.append(SEEING[chinese].format(count=len(files)))
    if earlier := earlier_questions(prompt):
        paragraphs.append(RECALLING[chinese].format(list="\n".join(f"- {asked}" for asked in earlier)))
    return "\n\n".join([*paragraphs, *dice.sample(CHINESE if chinese else ENGLISH, 3)])


def earlier_questions(prompt: Prompt) -> list[str]:
    """Return the last few questions that were answered before this one."""
    asked = [
        words_in(now.content)
        for now, after in pairwise(prompt.context)
        if (now.role, after.role) == ("user", "assistant")
    ]
    return asked[-RECALLED_MAX:]
