"""Block Kit validation, table by table, and what is read in blocks."""

from typing import Any

import pytest

from sandbox.slack.blocks import block_errors, check_message_blocks
from sandbox.slack.mentions import escape_typed, labels, links_in, pings_in, readable_text, small_print
from sandbox.slack.refusals import Refusal

Block = dict[str, Any]


def plain(text: str = "x") -> Block:
    """A plain text object."""
    return {"type": "plain_text", "text": text}


def option(value: str = "v", text: str = "x") -> Block:
    """An option of a select."""
    return {"text": plain(text), "value": value}


def button(**changes: Any) -> Block:
    """A button."""
    return {"type": "button", "action_id": "a", "text": plain()} | changes


def actions(*elements: Any) -> Block:
    """An actions block."""
    return {"type": "actions", "elements": list(elements)}


def select(**changes: Any) -> Block:
    """A static select."""
    return {"type": "static_select", "action_id": "s", "options": [option()]} | changes


def asks(element: Block) -> Block:
    """An input block."""
    return {"type": "input", "label": plain(), "element": element}


FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "f",
    "positive_button": {"text": plain("Good"), "value": "good"},
    "negative_button": {"text": plain("Bad"), "value": "bad"},
}
GOOD: list[Block] = [
    {"type": "divider"},
    {"type": "section", "text": plain("x" * 3000), "accessory": button()},
    {"type": "section", "fields": [plain()] * 10},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "context", "elements": [plain(), {"type": "image", "image_url": "https://x.example", "alt_text": "x"}]},
    {"type": "context_actions", "elements": [FEEDBACK, {"type": "icon_button", "icon": "trash", "text": plain()}]},
    {"type": "image", "image_url": "https://x.example", "alt_text": "x"},
    {"type": "input", "label": plain(), "hint": plain(), "element": {"type": "plain_text_input", "action_id": "i"}},
    {"type": "markdown", "text": "x"},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
    {"type": "task_card", "task_id": "t", "title": "x"},
    actions(button(style="danger", confirm={"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()})),
    actions(select(option_groups=[{"label": plain(), "options": [option()]}])),
    actions(*(button(action_id=str(number)) for number in range(25))),
]
BAD: list[tuple[Any, str]] = [
    ("text", ""),
    ({"type": "section", "text": "x"}, "/text"),
    ({"type": "section", "text": plain("")}, "/text"),
    ({"type": "section", "text": {"type": "html", "text": "x"}}, "/text/type"),
    ({"type": "section", "text": {"type": "plain_text", "text": 1}}, "/text/text"),
    ({"type": "section", "fields": [plain()] * 11}, "/fields"),
    ({"type": "section", "fields": [plain("x" * 2001)]}, "/fields/0/text"),
    ({"type": "section", "fields": "x"}, "/fields"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "/text/type"),
    ({"type": "context", "elements": []}, ""),
    ({"type": "context", "elements": [plain()] * 11}, "/elements"),
    ({"type": "context_actions", "elements": [FEEDBACK] * 6}, "/elements"),
    ({"type": "context_actions", "elements": [button()]}, "/elements/0"),
    ({"type": "context_actions", "elements": [FEEDBACK | {"positive_button": None}]}, "/elements/0/positive_button"),
    ({"type": "image", "image_url": "https://x.example"}, ""),
    ({"type": "image", "image_url": "x" * 3001, "alt_text": "x"}, "/image_url"),
    ({"type": "input", "label": plain("x" * 2001), "element": select()}, "/label/text"),
    ({"type": "input", "label": plain()}, "/element"),
    ({"type": "markdown", "text": ""}, ""),
    ({"type": "rich_text"}, ""),
    ({"type": "table", "rows": [[{}] * 21]}, "/rows/0"),
    ({"type": "divider", "block_id": "x" * 256}, "/block_id"),
    (actions(), ""),
    (actions(*(button(action_id=str(number)) for number in range(26))), "/elements"),
    (actions(button(), button()), "/elements"),
    (actions(button(value="x" * 2001)), "/elements/0/value"),
    (actions(button(url="x" * 3001)), "/elements/0/url"),
    (actions(button(action_id="x" * 256)), "/elements/0/action_id"),
    (actions(button(style="pink")), "/elements/0/style"),
    (actions(button(confirm={"title": plain("x" * 101), "text": plain()})), "/elements/0/confirm/title/text"),
    (actions(button(confirm="sure?")), "/elements/0/confirm"),
    (actions(select(options=[])), "/elements/0"),
    (actions(select(options=[option()] * 101)), "/elements/0/options"),
    (actions(select(options=[option(text="x" * 76)])), "/elements/0/options/0/text/text"),
    (actions(select(options=[option(value="x" * 151)])), "/elements/0/options/0/value"),
    (actions(select(options=["x"])), "/elements/0/options/0"),
    (actions(select(initial_option=option("other"))), "/elements/0"),
    (actions({"type": "plain_text_input"}), "/elements/0/type"),
    ({"type": "section", "text": plain(), "accessory": {"type": "file_input"}}, "/accessory/type"),
    (asks({"type": "file_input"}), "/element/type"),  # in modals only
    (asks({"type": "number_input"}), "/element"),
    (asks({"type": "plain_text_input", "max_length": 3001}), "/element/max_length"),
    (asks({"type": "plain_text_input", "max_length": 3, "initial_value": "four"}), "/element/initial_value"),
    (actions({"type": "lever"}), "/elements/0/type"),
    (actions("x"), "/elements/0"),
]


def test_good_blocks_have_no_errors() -> None:
    """Everything at its limit is still accepted."""
    assert block_errors(GOOD, "message") == []


@pytest.mark.parametrize(("block", "pointer"), BAD)
def test_bad_blocks_point_to_the_mistake(block: Any, pointer: str) -> None:
    """One error each, with its place."""
    (error,) = block_errors([block], "message")
    assert error.startswith("[ERROR] ")
    assert error.endswith(f"[json-pointer:/blocks/0{pointer}]")


def test_block_ids_are_unique_but_those_of_markdown_are_ignored() -> None:
    """A repeated block_id is refused, on a markdown block it means nothing."""
    assert block_errors([{"type": "divider", "block_id": "x"}] * 2, "message")
    assert block_errors([{"type": "markdown", "text": "x", "block_id": "x"}] * 2, "message") == []


def test_views_hold_a_hundred_blocks_and_no_markdown() -> None:
    """markdown and context_actions work in messages only."""
    assert block_errors([{"type": "divider"}] * 100, "modal") == []
    assert block_errors([{"type": "divider"}] * 101, "modal")
    assert block_errors([{"type": "markdown", "text": "x"}], "home")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"max_files": 0}, "/max_files"),
        ({"max_files": 11}, "/max_files"),
        ({"max_files": "1"}, "/max_files"),
        ({"filetypes": [".png"]}, "/filetypes/0"),
        ({"filetypes": "png"}, "/filetypes"),
    ],
)
def test_file_inputs(changes: Block, pointer: str) -> None:
    """One to ten files, types by their extensions."""
    assert block_errors([asks({"type": "file_input", "max_files": 10, "filetypes": ["png"]})], "modal") == []
    (error,) = block_errors([asks({"type": "file_input"} | changes)], "modal")
    assert error.endswith(f"/element{pointer}]")


def test_markdown_that_expands_into_too_many_blocks() -> None:
    """By switch each paragraph counts; fifty are the most."""
    long = [{"type": "markdown", "text": "\n\n".join(["p"] * 51)}]
    check_message_blocks(long, markdown_total_chars=12_000)
    with pytest.raises(Refusal, match="invalid_blocks"):
        check_message_blocks(long, markdown_total_chars=12_000, expand_markdown=True)


def test_what_is_read_in_blocks() -> None:
    """Text-bearing blocks in order; contexts are small print, buttons are labels; without any the text itself."""
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "user", "user_id": "U1"},
                    {"type": "text", "text": " & "},
                    {"type": "link", "url": "https://x.example"},
                    {"type": "emoji", "name": "eyes"},
                    {"type": "broadcast", "range": "here"},
                ],
            }
        ],
    }
    blocks: list[Block] = [
        {"type": "markdown", "text": "**a** &lt;"},
        {"type": "section", "text": plain("b"), "fields": [plain("c")], "accessory": button(text=plain("Press"))},
        {"type": "header", "text": plain("d")},
        rich,
        {"type": "table", "rows": [[{"type": "raw_text", "text": "1"}, rich]]},
        {"type": "context", "elements": [plain("ref"), {"type": "mrkdwn", "text": "_x_"}]},
        {"type": "context_actions", "elements": [FEEDBACK]},
    ]
    spoken = "<@U1> & https://x.example:eyes:<!here>"
    assert readable_text("ignored", blocks) == f"**a** <\nb\nc\nd\n{spoken}\n1 | {spoken}"
    assert readable_text("a &amp; b", [{"type": "divider"}]) == "a & b"
    assert small_print(blocks) == "ref _x_"
    assert labels(blocks) == ["Press", "Good", "Bad"]
    assert pings_in("", blocks, []) == {"@U1", "!here"}
    assert links_in("", blocks, []) == {"https://x.example"}


def test_attachments_count_too() -> None:
    """Legacy attachments ping and unfurl as well."""
    attachments = [{"text": "<!channel>", "pretext": "https://x.example"}]
    assert pings_in("", [], attachments) == {"!channel"}
    assert links_in("", [], attachments) == {"https://x.example"}


def test_typed_words() -> None:
    """Only what Slack's composer makes of mentions and links survives unescaped."""
    typed = "<@U1> <#C1|general> <!here> <b> a&b https://x.example/<y>"
    assert escape_typed(typed) == "<@U1> <#C1|general> <!here> &lt;b&gt; a&amp;b <https://x.example/>&lt;y&gt;"
