"""What an agent says does no harm and stays what it is."""

import html
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.slack import limits
from adapters.slack.outbound import WORD_JOINER, amounts, excerpt, harmless, measure, message, pieces, plain_message
from bridge.model import Control, ControlKind, TurnId, View
from sandbox.slack.blocks import check_message_blocks
from sandbox.slack.mentions import pings_in
from tests.core.rendering.answers import documents, quiet_places

CONTROL = re.compile(r"<(?:@[UWBS][A-Z0-9]+|!(?:channel|here|everyone|subteam\^|date\^)|#[CDG][A-Z0-9]+)")
PIECES = st.sampled_from(
    [
        *("<", ">", "!", "@", "#", "&lt;", "&#60;", "&#x3C;", "&#33;", "&excl;", "\\", "&"),
        *("channel", "here", "everyone", "subteam^S1", "U1", "W2", "C1"),
        *("`", "```\n", "\n", "\n\n", " ", "![", "](", ")", "[", "]", "x", "你好", "🎉"),
    ]
)
MARKDOWN = st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join)


@given(MARKDOWN)
@example("<!channel> <@U1> <!subteam^S1|@ops> <#C1>")
@example("`<!here>` and\n```\n<!everyone>\n```")
@example("&lt;!channel&gt; &#60;!channel> <&#33;channel> <\\!channel> \\<!channel>")
@example("![a](<!channel>)")
def test_no_control_sequence_survives_in_any_field(text: str) -> None:
    """Neither as written nor once entities and backslashes are resolved; in markdown, footer, excerpt, plain text."""
    view = View(text or "x", footer=text)
    for built in (message(view), plain_message(view)):
        assert not pings_in(built["text"], built.get("blocks", []), [])
        assert not CONTROL.search(built["text"])
    for block in message(view)["blocks"]:
        shown = block["text"] if block["type"] == "markdown" else block["elements"][0]["text"]
        assert not CONTROL.search(shown)
        if block["type"] == "markdown":
            assert not CONTROL.search(html.unescape(shown))
            assert not CONTROL.search(html.unescape(shown).replace("\\", ""))


@given(MARKDOWN)
def test_making_harmless_twice_changes_nothing_more(text: str) -> None:
    """What is harmless stays as it is."""
    once = harmless(text)
    assert harmless(once) == once


@given(st.text(alphabet=st.characters(exclude_characters="<&!*~")))
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    """Only control sequences and images are touched, and what may be emphasis beside Chinese."""
    assert harmless(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><!-- a comment --><b>x</b>",
        "a < b && c > d, x <- y, List<String>, <#include>",
        "`<T>` and <user@example.org> and <https://example.org>",
        "`![not an image](x)` in code",
        "```\n![not an image](x)\n```",
        "great![1] and a list![",
        "<@user> in a template",
    ],
)
def test_text_that_only_looks_dangerous_is_left_as_it_is(text: str) -> None:
    """Code must stay copyable and readable."""
    assert harmless(text) == text


def test_a_control_sequence_still_reads_well() -> None:
    """Only an invisible character comes in, inside code too."""
    assert harmless("`<!channel>` <@U1>") == f"`<{WORD_JOINER}!channel>` <{WORD_JOINER}@U1>"


@pytest.mark.parametrize(
    ("image", "link"),
    [
        ("![a cat](https://x.example/cat.png)", "[a cat](https://x.example/cat.png)"),
        ("![](https://x.example/cat.png)", "[image](https://x.example/cat.png)"),
        ("![a [nested] b](x)", "[a [nested] b](x)"),
        ("![two\nlines](x)", "[two\nlines](x)"),
        ("![a][ref]\n\n[ref]: x", "[a][ref]\n\n[ref]: x"),
        ("![ref]\n\n[ref]: x", "[ref]\n\n[ref]: x"),
        ("[![badge](x)](y)", "[[badge](x)](y)"),
        ("` ![a](x)", "` [a](x)"),
        ("\\` ![a](x) `", "\\` [a](x) `"),
        ("```\ncode\n```\n![a](x)", "```\ncode\n```\n[a](x)"),
        ("~~~\n![code](x)\n```\n![code](x)\n~~~\n![a](x)", "~~~\n![code](x)\n```\n![code](x)\n~~~\n[a](x)"),
    ],
)
def test_an_image_becomes_a_link(image: str, link: str) -> None:
    """Nothing is fetched from a foreign host because an agent said so."""
    assert harmless(image) == link


@given(MARKDOWN)
def test_the_measure_covers_what_is_sent(text: str) -> None:
    """A part within our limit is within Slack's, in characters however counted and in blocks."""
    assert measure(text) >= len(harmless(text))
    assert measure(text) >= len(harmless(text).encode("utf-16-le", "surrogatepass")) // 2


@given(MARKDOWN | documents())
@example("# <\n\n!channel> ![\n\n](x)\n---\nb\n```\na\n```\n```\nb\n```\n")
@example("[**alpha**](x)\n\n数据")
def test_what_a_text_takes_adds_up(text: str) -> None:
    """Where no block is open a text can be measured in pieces."""
    for at in quiet_places(text):
        sums = tuple(a + b for a, b in zip(amounts(text[:at]), amounts(text[at:]), strict=True))
        assert sums == amounts(text)


@given(MARKDOWN, st.text(max_size=5))
def test_the_measure_of_plain_text_grows_with_it(text: str, more: str) -> None:
    """Longer text never measures less, as far as it has no markup that the rest completes."""
    plain = re.sub(r"[^\w \n]", "", text)
    assert measure(plain + "x" * len(more)) >= measure(plain)


def test_many_short_paragraphs_fill_a_part_by_their_number() -> None:
    """Slack expands markdown into blocks and takes fifty of them."""
    paragraphs = "\n\n".join(["short"] * 46)
    assert pieces(paragraphs) == 46
    assert measure(paragraphs) > limits.PART_CHARS
    assert measure("\n\n".join(["short"] * 44)) < limits.PART_CHARS


@pytest.mark.parametrize(
    ("markdown", "count"),
    [
        ("", 0),
        ("a\nb\nc", 1),
        ("a\n\nb", 2),
        ("# head\ntext\n## head\ntext", 4),
        ("a\n```\nx\n\n\ny\n```\nb", 3),
        ("- a\n- b\n- c\n", 1),
        ("a\n\n---\nb", 3),
        ("a\n---\nb", 2),
        ("- ```\n  x\n  ```\n\nb\n\nc", 3),
    ],
)
def test_pieces_are_what_slack_may_make_blocks_of(markdown: str, count: int) -> None:
    """Paragraphs, headings and code blocks."""
    assert pieces(markdown) == count


def test_a_message_has_the_answer_as_markdown_and_the_rest_as_small_print() -> None:
    """The footer is a block of its own, so it is no part of the answer."""
    assert message(View("**Hi** <you>", footer="⚠️ cut <here>")) == {
        "text": "**Hi** &lt;you&gt;",
        "blocks": [
            {"type": "markdown", "text": "**Hi** <you>"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "⚠️ cut &lt;here&gt;"}]},
        ],
    }


def test_a_footer_can_stand_alone() -> None:
    """An answer that failed before its first word."""
    built = message(View("", footer="sorry"))
    assert built["text"] == "sorry"
    assert [block["type"] for block in built["blocks"]] == ["context"]


def test_nothing_cannot_be_shown() -> None:
    """Slack refuses a message without text: a mistake of the caller."""
    with pytest.raises(ValueError, match="needs text or footer"):
        message(View(" \n"))


@given(st.text())
def test_the_excerpt_is_short_and_never_empty(text: str) -> None:
    """What notifications show."""
    shown = excerpt(text)
    assert 0 < len(html.unescape(shown)) <= limits.EXCERPT_CHARS or "&" in text
    assert "\n" not in shown


def test_the_excerpt_ends_at_a_word() -> None:
    """And says that there is more."""
    shown = excerpt("word " * 100)
    assert shown.endswith("word…")
    assert len(shown) <= limits.EXCERPT_CHARS


def test_harmless_is_quick_on_hostile_text() -> None:
    """Thousands of opening brackets cost no more than a moment: nothing here is quadratic."""
    started = time.monotonic()
    for hostile in ("![" * 6000, "<&" * 6000, "`" * 12_000, "[" * 12_000 + "]: x"):
        harmless(hostile)
    assert time.monotonic() - started < 10


TURN = TurnId("abcdefghijklmnop")


def test_controls_become_buttons() -> None:
    """A row below the words: named by kind, carrying the turn, Stop in the colour of danger; labels cut to size."""
    controls = (Control(ControlKind.STOP, TURN, "Stop"), Control(ControlKind.RETRY, TURN, "again " * 20))
    blocks = message(View("words", footer="small", controls=controls))["blocks"]
    assert [block["type"] for block in blocks] == ["markdown", "context", "actions"]
    stop, retry = blocks[-1]["elements"]
    assert stop == {
        "type": "button",
        "action_id": "coze_bridge.stop",
        "text": {"type": "plain_text", "text": "Stop", "emoji": True},
        "value": TURN,
        "style": "danger",
    }
    assert "style" not in retry
    assert len(retry["text"]["text"]) == limits.BUTTON_CHARS


@given(
    st.lists(
        st.builds(
            Control, st.sampled_from(ControlKind), st.sampled_from(["a" * 16, "b" * 16, "c" * 16]), st.text(min_size=1)
        )
    )
)
def test_any_buttons_are_blocks_that_slack_takes(controls: list[Control]) -> None:
    """However many, below as many pieces of markdown as a part may have."""
    text = "\n\n".join(["x"] * limits.PART_PIECES)
    view = View(text, footer="small", controls=tuple(dict.fromkeys(controls)))
    check_message_blocks(message(view)["blocks"], markdown_total_chars=12_000, expand_markdown=True)


def test_buttons_alone_are_no_message() -> None:
    """There is nothing to read in a notification."""
    with pytest.raises(ValueError, match="text or footer"):
        message(View("", controls=(Control(ControlKind.STOP, TURN, "Stop"),)))
