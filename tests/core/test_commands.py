"""Which messages are commands."""

import pytest

from bridge.intake.commands import Command, parse_command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("!new", Command.NEW),
        ("！new", Command.NEW),
        ("  !STOP ", Command.STOP),
        ("! help", Command.HELP),
        ("stop", Command.STOP),
        ("Stop", Command.STOP),
        ("新对话", Command.NEW),
        ("！新对话", Command.NEW),
        ("停止", Command.STOP),
        ("!停止", Command.STOP),
        ("状态", Command.STATUS),
        ("帮助", Command.HELP),
        ("!status", Command.STATUS),
    ],
)
def test_command_words(text: str, command: Command) -> None:
    """Both marks, both languages, any case and spacing."""
    assert parse_command(text) is command


@pytest.mark.parametrize(
    "text", ["", "!", "!unknown", "new", "help", "stop it", "请停止", "what is !new?", "!new york"]
)
def test_everything_else_is_a_question(text: str) -> None:
    """An unknown word, a word in a sentence and an ordinary word are for the agent."""
    assert parse_command(text) is None
