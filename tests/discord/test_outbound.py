"""What an agent says in Discord's markup: harmless, honest, never too long; ordinary text untouched."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.discord import limits, outbound
from adapters.discord.outbound import UNSEEN
from bridge.model import PartRules, View
from bridge.rendering import split
from tests.core.rendering.answers import documents, quiet_places

PIECES = (
    *("words and more ", "你好，世界。", "🎉👩‍👩‍👧", "\n", "\n\n", "> ", ">>> ", "- ", "1. ", "- [x] ", "    "),
    *("```", "```py\n", "````\n", "~~~\n", "`", "``", "`code`", "||", "|", "| a | b |\n| --- | --: |\n| 1 | 2 |\n"),
    *("@everyone", "@here", "<@123456789012345678>", "<@&1>", "<#1>", "-# small", "# head\n", "##### deep\n", "---\n"),
    *("![alt](https://a.example/x.png)", "![](https://b.example)", "[https://bank.example](https://evil.example)"),
    *("**", "*", "_", "~~", "[label](", "https://c.example/path", ")", "\\", "<br>", "x" * 300, "\r\n", "\u200b"),
)
markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=60).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        "Hello **world**, *this* is ~~not~~ `code` and\n\n# One\n## Two\n### Three\n\n- a\n- b\n  1. c\n\n> quoted",
        "```python\nprint('@everyone', '||', '![x](y)')\n```\nafter",
        "[the docs](https://docs.example/a_(b)) and https://plain.example/@here_it_is?x=1",
        "a | b and <#123> and <:smile:123> and <t:1700000000:R> and a < b && c > d",
        "你好，**重点：**说明\n\n1. 一\n2. 二",
        "  indented\n\n\ttabs\ttoo  ",
        "__init__ and snake_case_name",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """What both sides write alike is sent as it came."""
    assert outbound.render(text) == text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("hi @everyone and @here", f"hi @{UNSEEN}everyone and @{UNSEEN}here"),
        ("<@123> <@!123> <@&123>", f"<{UNSEEN}@123> <{UNSEEN}@!123> <{UNSEEN}@&123>"),
        ("`@everyone` stays", "`@everyone` stays"),
        ("![a cat](https://x.example/cat.png)", "[a cat](https://x.example/cat.png)"),
        ("![](https://x.example/cat.png)", "https://x.example/cat.png"),
        ("[https://bank.example](https://evil.example/x)", "https://bank.example (<https://evil.example/x>)"),
        ("[bank.example](https://evil.example)", "bank.example (<https://evil.example>)"),
        ("[https://a.example/](https://a.example)", "https://a.example"),
        ("#### Deep **heading** ##", "**Deep heading**"),
        ("above\n\n---\n\nbelow", f"above\n\n{outbound.RULE}\n\nbelow"),
        ("above\n---\nbelow", f"above\n{outbound.RULE}\nbelow"),
        ("- [ ] open\n- [x] done", "- ☐ open\n- ☑ done"),
        ("-# forged small print", "\\-# forged small print"),
        (">>> all that follows", "> all that follows"),
        ("true || false || none", f"true |{UNSEEN}| false |{UNSEEN}| none"),
        ("~~~js\nlet a\n~~~", "```js\nlet a\n```"),
        ("````md\n```py\nx\n```\n````", f"```md\n`{UNSEEN}`{UNSEEN}`py\nx\n`{UNSEEN}`{UNSEEN}`\n```"),
        ("```python title=x\n1\n```", "```python\n1\n```"),
        ("```{.r}\n1\n```", "```\n1\n```"),
        ("```py\nopen", "```py\nopen\n```"),
        ("- ```\n  code\nafter", "- ```\n  code\n```\nafter"),
        ("write ``` to begin", f"write `{UNSEEN}`{UNSEEN}` to begin"),
        ("```inline``` code", "`inline` code"),
    ],
)
def test_what_discord_reads_differently_is_put_into_its_terms(text: str, sent: str) -> None:
    """Calls, images, disguised links, deep headings, rules, tasks, marks of Discord's own, fences."""
    assert outbound.render(text) == sent


def test_a_table_becomes_a_code_block_that_lines_up() -> None:
    """Padded by what characters take on a screen; numbers to the right."""
    text = "Before:\n\n| Name | 数量 |\n|---|--:|\n| **苹果** | 3 |\n| `kiwi` | 12 |\n\nafter"
    assert outbound.render(text) == ("Before:\n\n```\nName  数量\n────  ────\n苹果     3\nkiwi    12\n```\n\nafter")


def test_a_wide_table_becomes_lists() -> None:
    """Every cell stays readable, with the name of its column."""
    long = "many words " * 8
    text = f"| Key | Meaning | Note |\n|---|---|---|\n| a | {long} | x |\n| b | short | |"
    assert outbound.render(text) == (f"- a\n  - Meaning: {long.strip()}\n  - Note: x\n- b\n  - Meaning: short")


def test_a_table_cannot_end_its_own_block() -> None:
    """Backticks in a cell are broken, a pipe behind a backslash is text."""
    sent = outbound.render("| a |\n|---|\n| ``` x |\n| y \\| z |")
    assert sent.count("```") == 2
    assert "y | z" in sent


def test_a_table_in_a_quote_stays_as_it_is() -> None:
    """A code block inside a quote would lose its marks."""
    text = "> | a | b |\n> |---|---|\n> | 1 | 2 |"
    assert outbound.render(text) == text


@given(markdown)
@example("||||")
@example("- ~~~\n\nx")
def test_sent_text_is_whole_and_calls_nobody(text: str) -> None:
    """Fences come in pairs, each at the beginning of a line; no call is left outside code."""
    sent = outbound.render(text)
    assert sent.count("```") % 2 == 0
    assert len(re.findall(r"^[ \t>*+\-\d.)]*```", sent, re.MULTILINE)) == sent.count("```")
    inside = False
    for line in sent.split("\n"):
        fence = "```" in line
        if not fence and not inside and "`" not in line:
            assert not re.search(r"(?<!/)@(everyone|here)|<@[!&]?\d+>", line)
            assert "||" not in line
        inside ^= fence


@given(markdown | documents())
@example("| a |\n| - |\n| b |\n\n| c |\n- ```\n\nx\n")
def test_what_a_text_takes_adds_up(text: str) -> None:
    """Where no block is open a text can be measured, and rendered, in pieces."""
    for at in quiet_places(text):
        assert outbound.render(text[:at]) + outbound.render(text[at:]) == outbound.render(text)


@given(markdown, st.text(max_size=3000), st.integers(200, limits.PART_CHARS))
def test_no_message_is_too_long(text: str, footer: str, limit: int) -> None:
    """Whatever measure accepts fits with any footer; small print is cut before the answer is."""
    for part in split(text, PartRules(limit, outbound.measure)):
        assert outbound.measure(part.text) <= limit or len(part.body) <= 1
        if not part.text.strip():
            continue
        sent = outbound.content(View(part.text, footer=footer))
        assert len(sent) <= limits.MESSAGE_CHARS
        assert sent.startswith(outbound.render(part.text))


def test_a_footer_is_small_print() -> None:
    """Each of its lines; alone too; and an empty view is a mistake of ours."""
    assert outbound.content(View("text", footer="⚠️ cut\n@here")) == f"text\n-# ⚠️ cut\n-# @{UNSEEN}here"
    assert outbound.content(View("", footer="only")) == "-# only"
    assert outbound.spoken_text(outbound.content(View("a @here", footer="f"))) == "a @here"
    with pytest.raises(ValueError, match="needs"):
        outbound.content(View(" "))


def test_bodies_call_nobody_and_unfurl_nothing() -> None:
    """On create and on edit, where an absent field means Discord's default: everybody."""
    created = outbound.create_body("x", "abc.0", "42")
    assert created["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert created["flags"] & 4
    assert (created["nonce"], created["enforce_nonce"]) == ("abc.0", True)
    assert created["message_reference"] == {"message_id": "42", "fail_if_not_exists": False}
    assert "message_reference" not in outbound.create_body("x", "abc.0")
    edited = outbound.edit_body("x")
    assert edited["allowed_mentions"] == {"parse": []}
    assert edited["flags"] & 4


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("How do I **install** it?\nMore", "How do I install it?"),
        ("```py\nx\n```", "py"),
        ("", "Ann"),
        ("  \n> quoted", "quoted"),
        ("w" * 300, "w" * 79 + "…"),
        ("word " * 60, ("word " * 15).strip() + "…"),
    ],
)
def test_threads_are_named_after_the_question(question: str, name: str) -> None:
    """The first words, without marks, within the limit."""
    assert outbound.thread_name(question, "Ann") == name


@given(st.text(max_size=400), st.text(min_size=1, max_size=200))
def test_a_thread_always_has_a_name(question: str, fallback: str) -> None:
    """Discord refuses empty and long ones."""
    assert 1 <= len(outbound.thread_name(question, fallback)) <= limits.THREAD_NAME_CHARS
