"""An answer of ours read back from its blocks, whichever form Slack keeps them in."""

from typing import Any

import pytest

from adapters.slack.outbound import WORD_JOINER
from adapters.slack.threads import spoken_text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "an excerpt &amp; more"}, "an excerpt & more"),
        ({"text": "ex…", "blocks": [{"type": "markdown", "text": "the **whole** answer"}]}, "the **whole** answer"),
        ({"text": "x", "blocks": [{"type": "markdown", "text": f"<{WORD_JOINER}!here>"}]}, "<!here>"),
        (
            {
                "text": "ex…",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Head"}},
                    {"type": "section", "text": {"type": "mrkdwn", "text": "a &lt; b"}},
                    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small print"}]},
                ],
            },
            "Head\n\na < b",
        ),
        (
            {
                "text": "ex…",
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [
                                    {"type": "text", "text": "see "},
                                    {"type": "link", "url": "https://x.example", "text": "the page"},
                                    {"type": "emoji", "name": "tada"},
                                ],
                            },
                            {
                                "type": "rich_text_list",
                                "elements": [
                                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
                                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "two"}]},
                                ],
                            },
                        ],
                    }
                ],
            },
            "see the page:tada:\none\ntwo",
        ),
    ],
)
def test_an_answer_is_read_from_its_blocks(message: dict[str, Any], text: str) -> None:
    """Its text field is an excerpt for notifications."""
    assert spoken_text(message) == text
