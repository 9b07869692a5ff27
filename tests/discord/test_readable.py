"""Discord's markup as people read it."""

import pytest

from adapters.discord.readable import KnownNames, mentions, readable, without_mention

PEOPLE = {"1": "Ann", "2": ""}
NAMES = KnownNames({"3": "general"}, {"4": "Staff"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@1> and <@!1>", "@Ann and @Ann"),
        ("<@2> <@9>", "@2 @9"),
        ("<#3> <#9>", "#general #9"),
        ("<@&4> <@&9>", "@Staff @9"),
        ("<:a_b:12> <a:c:12>", ":a_b: :c:"),
        ("<t:0> <t:0:R> <t:99999999999999:F>", "1970-01-01 00:00 UTC 1970-01-01 00:00 UTC <t:99999999999999:F>"),
        ("<t:9999999999999>", "<t:9999999999999>"),
        ("</ask now:5>", "/ask now"),
        ("a < b > c <https://x.example> <@>", "a < b > c <https://x.example> <@>"),
    ],
)
def test_tokens_become_names(text: str, shown: str) -> None:
    """What nobody knows keeps its id; what is no token stays."""
    assert readable(text, PEOPLE, NAMES) == shown


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<@1> hello", "hello"),
        ("<@!1>: hello", "hello"),
        ("<@1>，你好", "你好"),
        ("hello <@1>", "hello"),
        ("hey <@1> you", "hey you"),
        ("hey <@1>, you", "hey, you"),
        ("is it <@1>?", "is it?"),
        ("<@&7> hello", "hello"),
        ("ask <@2>", "ask <@2>"),
        ("line\n<@1> next", "line\nnext"),
        ("<@1>", ""),
    ],
)
def test_our_mention_goes_with_its_gap(text: str, left: str) -> None:
    """At the beginning, in the middle, at the end; the bot's role too."""
    assert without_mention(text, "1", "7") == left


def test_a_mention_is_found_in_the_text() -> None:
    """In both spellings."""
    assert mentions("x <@1>", "1")
    assert mentions("x <@!1>", "1")
    assert not mentions("x <@11> <#1>", "1")
