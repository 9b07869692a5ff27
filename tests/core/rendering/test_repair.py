"""What is shown of an answer whose end has not come yet."""

import pytest
from hypothesis import example, given, settings

from bridge.rendering import REPAIR_CHARS, repair
from tests.core.rendering.answers import MARKS, documents, leaves_fence_open, soups, visible
from tests.core.rendering.real import REAL

UNFINISHED = {
    "open bold is closed": ("Some **bold te", "Some **bold te**"),
    "bold in Chinese": ("**重点：", "**重点：**"),
    "bold inside Chinese": ("说明**重点", "说明**重点**"),
    "half of the closing marks": ("**bold*", "**bold**"),
    "the space stays outside": ("**bold ", "**bold** "),
    "three marks": ("***both", "***both***"),
    "nested": ("**a *b `c", "**a *b `c`***"),
    "marks right behind marks": ("a **~~*", "a "),
    "strike": ("~~gone", "~~gone~~"),
    "half of the closing strike": ("~~gone~", "~~gone~~"),
    "code": ("use `pip ins", "use `pip ins`"),
    "code with two backticks": ("``a`b", "``a`b``"),
    "marks inside code are text": ("`**x", "`**x`"),
    "a mark with nothing behind it": ("text **", "text "),
    "a mark that closes nothing": ("text*", "text"),
    "a lone backtick": ("text `", "text "),
    "a lone tilde, half a mark": ("text ~", "text "),
    "an underscore inside a word": ("snake_", "snake_"),
    "a link's label": ("see [the doc", "see the doc"),
    "a link without its address": ("see [the doc]", "see the doc"),
    "half an address": ("see [the doc](https://exa", "see the doc"),
    "half a title": ('see [d](https://a.b "ti', "see d"),
    "bold in half a link": ("[**the", "**the**"),
    "half an image": ("![alt](https://i", "alt"),
    "half an address in angles": ("<https://exa", "https://exa"),
    "half an entity": ("a &am", "a "),
    "half a number entity": ("a &#12", "a "),
    "no entity": ("AT&T", "AT&T"),
    "half an escape": ("a \\", "a "),
    "an open fence": ("```py\nx = 1", "```py\nx = 1\n```"),
    "an open fence after a line break": ("```py\nx = 1\n", "```py\nx = 1\n```"),
    "half the closing fence": ("```py\nx = 1\n``", "```py\nx = 1\n```"),
    "a fence with nothing in it": ("text\n```pyt", "text\n"),
    "a fence of tildes": ("~~~~\nx", "~~~~\nx\n~~~~"),
    "a fence in a quote": ("> ```\n> x", "> ```\n> x\n> ```"),
    "a fence in a list item": ("- ```\n  x", "- ```\n  x\n  ```"),
    "half a table header": ("text\n\n| a | b", "text\n\n"),
    "a table header": ("text\n\n| a | b |\n", "text\n\n"),
    "half a table rule": ("| a | b |\n| --", ""),
    "half a table rule, no outer pipes": ("t\n\na | b\n---", "t\n\n"),
    "bold in a cell": ("| a | b |\n|---|---|\n| **x | **y", "| a | b |\n|---|---|\n| **x | **y**"),
    "an underline that is a list": ("Intro:\n-", "Intro:\n"),
    "a heading's mark": ("text\n\n##", "text\n\n"),
    "bold in a heading": ("# A **b", "# A **b**"),
    "a bare list mark": ("- a\n- ", "- a\n"),
    "half a task": ("- [", ""),
    "the same marks twice": ("**a (**b", "a (**b**"),
    "marks with nothing left between them": ("a ~~[~~", "a "),
    "a line's end that would escape the repair": ("~~a _b\\\n", "~~a _b_~~\n"),
    "a line's end that escapes nothing": ("a\\\n", "a\\\n"),
    "bold beside a bracket in Chinese": ("重要**（必读", "重要**（必读**"),
    "only the last paragraph": ("a **b\n\nc **d", "a **b\n\nc **d**"),
}


@pytest.mark.parametrize(("text", "shown"), UNFINISHED.values(), ids=UNFINISHED.keys())
def test_unfinished_text_is_mended(text: str, shown: str) -> None:
    """What is open is closed, what cannot be understood yet is hidden."""
    assert repair(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "Plain words.",
        "**bold** and *it* and `code`",
        "[a](https://b.c/d_e) and <https://f.g>",
        "```py\nx = '**'\n```",
        "```py\nx\n```\nafter",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "# Title\n\ntext\n\n---",
        "2 * 3 = 6 and snake_case",
        "**重点：**说明，**“引用”**的部分",
        "- [x] done\n- [ ] open",
        "5 < 6 && 7 > 2",
        "AT&T &amp; more",
        "- a\n- b\n",
    ],
)
def test_a_complete_text_is_left_alone(text: str) -> None:
    """Nothing open, nothing changed."""
    assert repair(text) == text


@given(documents())
@settings(max_examples=40, deadline=None)
@example("**数据** ~~**[分析结果](https://a.example/x(y))**~~ `ok`")
def test_no_mark_is_seen_that_the_whole_would_not_show(text: str) -> None:
    """At every single character of its growth the answer shows no mark but those of words like snake_case."""
    assert repair(text) == text
    assert set(visible(text)) & MARKS <= {"_"}
    step = max(1, len(text) // 60)
    for end in range(0, len(text), step):
        shown = repair(text[:end])
        assert set(visible(shown)) & MARKS <= {"_"}, (text[:end], shown)


@pytest.mark.parametrize("text", REAL.values(), ids=REAL.keys())
def test_a_real_answer_grows_without_raw_marks(text: str) -> None:
    """Whatever stage it is at, it shows no mark that the whole does not show at this place."""
    whole = [character for character in visible(text) if character in MARKS]
    for end in range(1, len(text), 3):
        seen = [character for character in visible(repair(text[:end])) if character in MARKS]
        assert seen == whole[: len(seen)], text[:end]


@given(soups(60))
@settings(max_examples=200, deadline=None)
def test_a_repair_is_stable_small_and_closes_every_fence(text: str) -> None:
    """Repairing twice changes nothing more; little is added; nothing after it is swallowed."""
    shown = repair(text)
    assert repair(shown) == shown
    longest_line = max(map(len, text.split("\n")))
    assert len(shown) <= len(text) + REPAIR_CHARS + 1 + longest_line
    if not leaves_fence_open(text):
        assert len(shown) <= len(text) + REPAIR_CHARS + 1 + longest_line * ("```" in text or "~~~" in text)
    assert not leaves_fence_open(shown)


def test_too_many_open_marks_are_hidden_rather_than_closed() -> None:
    """What is added has a bound, whatever an agent writes."""
    shown = repair("*a **b " * 30)
    assert len(shown) <= 210 + REPAIR_CHARS


def test_a_very_long_code_mark_is_hidden() -> None:
    """Closing it would add more than the bound."""
    assert repair("a " + "`" * 9 + "b") == "a b"
