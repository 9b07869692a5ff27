"""A section ``[workflows.NAME]``: what it may say, and what is said about mistakes in it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.config.load import Purpose, load_config
from bridge.errors import ConfigError
from bridge.model import RunMode, ValueKind
from bridge.workflows.settings import ParameterSettings, WorkflowSettings

BASE = """
[agents.default]
bot_id = "73"
token = "pat_x"
"""
TRANSLATE = """
[workflows.translate]
id = "42"
description = "Translates"
description_zh = "翻译"

[workflows.translate.parameters.text]
type = "text"
max_length = 100

[workflows.translate.parameters.lang]
type = "choice"
choices = ["en", "fr"]
default = "en"

[workflows.translate.parameters.times]
type = "integer"
required = false
default = 3
min = 1
"""


def load(tmp_path: Path, text: str) -> Any:
    """Load a configuration with an agent."""
    path = tmp_path / "config.toml"
    path.write_text(BASE + text, encoding="utf-8")
    return load_config(path, {}, Purpose.CHECK)


def test_a_whole_section(tmp_path: Path) -> None:
    """Parameters in their order, defaults as they travel, descriptions in both languages."""
    flow = load(tmp_path, TRANSLATE).workflows["translate"]
    assert list(flow.parameters) == ["text", "lang", "times"]
    assert flow.mode is RunMode.STREAM
    assert (flow.about("zh-CN"), flow.about("de")) == ("翻译", "Translates")
    assert flow.lacking({}) == ("text",)
    assert flow.with_defaults({"text": "hi", "times": 5}) == {"text": "hi", "lang": "en", "times": 5}
    assert flow.with_defaults({}) == {"lang": "en", "times": 3}
    assert flow.rules()["text"].kind is ValueKind.TEXT


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[workflows.x]\nagent = "default"', "[workflows.x] id: is missing"),
        ('[workflows.x]\nid = "1"\nagent = "defalt"', '[workflows.x] agent = "defalt": there is no section'),
        ('[workflows.x]\nid = "1"\nrun = "later"', '[workflows.x] run = "later": must be one of stream, sync, async.'),
        ('[workflows.x]\nid = "1"\nrun = "async"\nas_chat = true', "[workflows.x]: as_chat always streams"),
        ('[workflows.x]\nid = "1"\nrun = "sync"\ntimeout_s = 30.0', '[workflows.x]: run = "sync" may take 90 s'),
        ('[workflows.x]\nid = "1"\napp_id = "1"\nbot_id = "2"', "[workflows.x]: belongs to an app or to a bot"),
        ('[workflows."X y"]\nid = "1"', "[workflows.X y]: people type this name"),
        (
            '[workflows.x]\nid = "1"\n[workflows.x.allow]\nuser = ["U"]',
            '[workflows.x.allow] user = ["U"]: there is no such key. Did you mean users?',
        ),
        (
            '[workflows.x]\nid = "1"\n[workflows.x.parameters.a]\ntyp = "text"',
            '[workflows.x.parameters.a] typ = "text": there is no such key. Did you mean type?',
        ),
        (
            '[workflows.x]\nid = "1"\n[workflows.x.parameters.a]\ntype = "choice"',
            "[workflows.x.parameters.a]: choices belong to type",
        ),
        (
            '[workflows.x]\nid = "1"\n[workflows.x.parameters.a]\ntype = "integer"\ndefault = "soon"',
            "[workflows.x.parameters.a]: the default does not fit",
        ),
        (
            '[workflows.x]\nid = "1"\n[workflows.x.parameters."a b"]\n',
            "is no parameter's name",
        ),
    ],
)
def test_mistakes_name_key_value_and_fix(tmp_path: Path, text: str, sentence: str) -> None:
    """Each is told where it stands."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert sentence in "\n".join(caught.value.mistakes)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "text", "many": True},
        {"type": "string", "min": 1},
        {"type": "integer", "min": 3, "max": 1},
        {"type": "integer", "max_length": 3},
        {"type": "string", "choices": ["a"]},
        {"type": "choice", "choices": ["a"], "default": "b"},
        {"type": "string", "max_length": 0},
    ],
)
def test_parameters_must_make_sense(fields: dict[str, Any]) -> None:
    """Limits belong to their types."""
    with pytest.raises(ValidationError):
        ParameterSettings.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"type": "boolean", "default": True}, True),
        ({"type": "number", "default": 0.5}, 0.5),
        ({"type": "string", "many": True, "default": ["a", "b"]}, ["a", "b"]),
        ({"type": "string"}, None),
    ],
)
def test_defaults_are_written_as_their_type(fields: dict[str, Any], value: object) -> None:
    """TOML's own types are taken, too."""
    assert ParameterSettings.model_validate(fields).default_value == value


def test_names_that_differ_in_capitals_only() -> None:
    """Nobody can tell them apart when typing."""
    with pytest.raises(ValidationError):
        WorkflowSettings.model_validate({"id": "1", "parameters": {"Text": {}, "text": {}}})
