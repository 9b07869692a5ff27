"""Slack's markup as people and agents read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.outbound import escape
from adapters.slack.readable import mentioned_ids, mentions, readable, with_names, without_mention


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a &lt;b&gt; &amp; c &amp;lt;", "a <b> & c &lt;"),
        ("<@U2|ann> and <@W3>", "@ann and @W3"),
        ("<#C2|general> <#C3> <#C4|>", "#general #C3 #C4"),
        ("<https://x.example/a?b=1&amp;c=2>", "https://x.example/a?b=1&c=2"),
        ("<https://x.example|the page>", "the page (https://x.example)"),
        ("<http://x.example|x.example>", "http://x.example"),
        ("<mailto:a@x.example|a@x.example>", "a@x.example"),
        ("<tel:+491234|+491234>", "+491234"),
        ("<!channel> <!here|here> <!everyone>", "@channel @here @everyone"),
        ("<!subteam^S1|@ops> <!subteam^S2>", "@ops @S2"),
        ("<!date^1700000000^{date}|14 Nov>", "14 Nov"),
        ("1 &lt; 2 `x &amp;&amp; y`", "1 < 2 `x && y`"),
    ],
)
def test_markup_becomes_readable(markup: str, text: str) -> None:
    """Every form of Slack's angle brackets has its words."""
    assert readable(markup) == text


@given(st.text())
def test_what_a_person_typed_is_what_the_agent_reads(text: str) -> None:
    """Slack's escaping is undone exactly once."""
    assert readable(escape(text)) == text


@pytest.mark.parametrize(
    ("markup", "rest"),
    [
        ("<@U0BOT> hello", "hello"),
        ("<@U0BOT|coze>: hello", "hello"),
        ("<@U0BOT>，你好", "你好"),
        ("hello <@U0BOT>", "hello"),
        ("hello <@U0BOT>!", "hello!"),
        ("hey <@U0BOT>, what now", "hey, what now"),
        ("ask <@U0BOT> about <@U2>", "ask about <@U2>"),
        ("<@U0BOT> <@U0BOT> twice", "twice"),
        ("<@U0BOT>\n    code stays\n  indented", "code stays\n  indented"),
        ("first\n<@U0BOT> second", "first\nsecond"),
        ("<@U0BOT>", ""),
        ("<@U0BOTTLE> is somebody else", "<@U0BOTTLE> is somebody else"),
    ],
)
def test_our_mention_leaves_no_trace(markup: str, rest: str) -> None:
    """The mention goes wherever it stands, and nothing else does."""
    assert without_mention(markup, "U0BOT") == rest


def test_only_our_own_mention_counts() -> None:
    """An id that begins like ours is another one's."""
    assert mentions("hi <@U0BOT|coze>", "U0BOT")
    assert not mentions("hi <@U0BOTTLE>", "U0BOT")


def test_names_take_the_place_of_ids() -> None:
    """Known people are named, unknown ones keep their id."""
    text = readable("<@U2> met <@U3> and <@U2>")
    assert mentioned_ids(text) == ["U2", "U3"]
    assert with_names(text, {"U2": "Bob"}) == "@Bob met @U3 and @Bob"
