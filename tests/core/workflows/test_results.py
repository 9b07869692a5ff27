"""What a run says, as people read it."""

import json

import pytest

from bridge.delivery.draft import Draft
from bridge.model import (
    AskedField,
    AskKind,
    Interruption,
    NodeOutput,
    RunAccepted,
    RunCompleted,
    RunEvent,
    RunInterrupted,
    Usage,
)
from bridge.workflows.results import Telling, readable


def tell(*events: RunEvent) -> tuple[Draft, Telling]:
    """Fold events."""
    draft = Draft()
    telling = Telling(draft)
    for event in events:
        telling.apply(event)
    return draft, telling


def whole(key: str, text: str, title: str = "Node") -> NodeOutput:
    """An output that comes at once."""
    return NodeOutput(key, title, text, finished=True)


def piece(key: str, text: str) -> NodeOutput:
    """A piece of one that does not."""
    return NodeOutput(key, "Node", text, finished=False)


@pytest.mark.parametrize(
    ("output", "markdown"),
    [
        ("**hi**", "**hi**"),
        ('{"output":"**hi**"}', "**hi**"),
        ('{"output":{"text":"hi"}}', "hi"),
        ('{"output":"{\\"text\\":\\"hi\\"}"}', "hi"),
        ('{"n":3}', "3"),
        ('{"ok":true}', "true"),
        ('{"nothing":null}', ""),
        ("{}", ""),
        ("[link](https://x.io)", "[link](https://x.io)"),
        ("{broken", "{broken"),
        ('{"a":1,"b":"二"}', '```json\n{\n  "a": 1,\n  "b": "二"\n}\n```'),
        ("[1,2]", "```json\n[\n  1,\n  2\n]\n```"),
        ('{"a":"```","b":1}', '````json\n{\n  "a": "```",\n  "b": 1\n}\n````'),
    ],
)
def test_an_output(output: str, markdown: str) -> None:
    """One value is its text; more of them are JSON to look at."""
    assert readable(output) == markdown


def test_a_huge_result_is_whole_or_a_file() -> None:
    """Its block is closed; with a limit a sentence stands for it, and the file has all of it."""
    output = json.dumps({"a": "x" * 200_000, "b": 1})
    assert len(readable(output)) > 200_000
    draft = Draft()
    Telling(draft, 4000).apply(whole("1", output))
    [file] = draft.results
    assert draft.text == f"result.json ({len(file.text)})"
    assert json.loads(file.text) == json.loads(output)
    assert file.shown == readable(output)


def test_texts_grow_and_nodes_are_apart() -> None:
    """Each node's output is a paragraph of its own."""
    draft, telling = tell(piece("1", "Good "), piece("1", "mor"), NodeOutput("1", "Node", "ning", finished=True))
    assert draft.text == "Good morning"
    telling.apply(whole("2", "Bye", "End"))
    telling.apply(RunCompleted(Usage(1, 2, 3), "https://debug"))
    assert (draft.text, telling.node) == ("Good morning\n\nBye", "End")
    assert telling.completed == RunCompleted(Usage(1, 2, 3), "https://debug")


def test_json_is_held_until_it_is_whole() -> None:
    """Nobody watches braces grow."""
    draft, telling = tell(piece("1", '{"out'), piece("1", 'put":"done'))
    assert draft.text == ""
    telling.apply(NodeOutput("1", "Node", '"}', finished=True))
    assert draft.text == "done"


def test_what_was_held_is_not_lost() -> None:
    """A run that breaks shows what it had."""
    draft, telling = tell(piece("1", '{"output":"half'))
    assert telling.flush()
    assert draft.text == '{"output":"half'
    assert not telling.flush()


def test_an_end_that_repeats_is_not_shown_again() -> None:
    """The end node often returns what the output node said."""
    draft, _ = tell(
        piece("1", "Hello"), NodeOutput("1", "Node", " world", finished=True), whole("2", '{"output":"Hello world"}')
    )
    assert draft.text == "Hello world"


def test_blank_beginnings_are_waited_out() -> None:
    """Whether it is JSON shows with the first visible sign."""
    draft, telling = tell(piece("1", "\n "))
    assert draft.text == ""
    telling.apply(piece("1", "text"))
    assert draft.text == "\n text"


def test_a_question_is_shown_once_with_its_choices() -> None:
    """Said by its node or only by the interruption."""
    asked = Interruption("1/2", 2, AskKind.QUESTION, "Tea?", ("yes", "no"))
    draft, telling = tell(RunAccepted("7"), whole("1", "Tea?"), RunInterrupted(asked))
    assert draft.text == "Tea?\n\n1. yes\n2. no"
    assert (telling.execute_id, telling.interruption) == ("7", asked)
    draft, _ = tell(RunInterrupted(asked))
    assert draft.text == "Tea?\n1. yes\n2. no"


def test_a_form_lists_its_fields() -> None:
    """By name, with what they mean."""
    fields = (AskedField("img", description="A photo"), AskedField("note"))
    draft, _ = tell(RunInterrupted(Interruption("1/2", 5, AskKind.INPUT, fields=fields)))
    assert draft.text == "- `img`: A photo\n- `note`"
