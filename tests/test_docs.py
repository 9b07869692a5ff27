"""The example configuration is held to the settings: every key, true defaults. READMEs are held to what exists."""

import enum
import re
import tomllib
from pathlib import Path
from typing import Any, get_origin

import pytest
from pydantic import BaseModel

from bridge import cli
from bridge.config.load import SECTIONS, Purpose, load_config
from bridge.config.mistakes import env_names, is_secret, model_in
from bridge.config.models import AgentConfig
from bridge.errors import ConfigError
from bridge.extension import installed_kinds, load_adapter
from bridge.settings import (
    BridgeSettings,
    FilesSettings,
    GateSettings,
    HealthSettings,
    LogSettings,
    PaceSettings,
    RouteSettings,
)
from bridge.stores.settings import StoreSettings
from bridge.tools.settings import ToolSettings
from bridge.workflows.settings import ParameterSettings, WorkflowSettings

EXAMPLE = Path(__file__).resolve().parent.parent / "config.example.toml"
COMMENTED_OUT = re.compile(r"^#(?=\[|[a-z_]+ = )", re.MULTILINE)
"""``#key = value`` and ``#[section]`` can be switched on; prose has a blank behind its #."""

MODELS: dict[str, type[BaseModel]] = {
    "bridge": BridgeSettings,
    "gate": GateSettings,
    "files": FilesSettings,
    "pace": PaceSettings,
    "store": StoreSettings,
    "health": HealthSettings,
    "log": LogSettings,
    "agents.default": AgentConfig,
    "agents.default.tools.get_rain_probability": ToolSettings,
    "workflows.translate": WorkflowSettings,
    "workflows.translate.parameters.lang": ParameterSettings,
    **{f"adapters.{kind}": load_adapter(kind).settings for kind in installed_kinds()},
}
EXTRA_KEYS = {"kind"}


def example() -> str:
    """The file as it is."""
    return EXAMPLE.read_text(encoding="utf-8")


def everything() -> dict[str, Any]:
    """The file with every key switched on."""
    return tomllib.loads(COMMENTED_OUT.sub("", example()))


def section(name: str) -> dict[str, Any]:
    """One section of the file with every key switched on."""
    found: Any = everything()
    for step in name.split("."):
        found = found[step]
    return dict(found)


def all_models() -> list[tuple[str, type[BaseModel]]]:
    """Every section's model, the sections within sections included."""
    found = list(MODELS.items())
    for name, model in found:
        for key, info in model.model_fields.items():
            if (inner := model_in(info.annotation)) is not None and get_origin(info.annotation) is not dict:
                found.append((f"{name}.{key}", inner))
    return found


@pytest.mark.parametrize(("name", "model"), all_models(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_key_is_shown_and_no_other(name: str, model: type[BaseModel]) -> None:
    """A new setting comes with its explanation, a removed one goes from the example."""
    assert set(section(name)) - EXTRA_KEYS == set(model.model_fields)


@pytest.mark.parametrize(("name", "model"), all_models(), ids=lambda value: value if isinstance(value, str) else "")
def test_shown_defaults_are_true(name: str, model: type[BaseModel]) -> None:
    """What stands behind # is the model's default; keys without one show an example."""
    for key, info in model.model_fields.items():
        if info.is_required() or model_in(info.annotation) is not None:
            continue
        default = info.get_default(call_default_factory=True)
        if default in (None, {}) or is_secret(info):
            continue
        shown = section(name)[key]
        expected = default.value if isinstance(default, enum.Enum) else default
        assert shown == (list(expected) if isinstance(expected, tuple) else expected), f"[{name}] {key}"
        assert type(shown) is type(expected) or isinstance(expected, tuple), f"[{name}] {key} is of another type"


def test_routes_are_shown() -> None:
    """A route has all its keys, and the file no other sections."""
    shown = everything()
    assert set(shown) == set(SECTIONS)
    assert set(shown["routes"][0]) == set(RouteSettings.model_fields)
    assert RouteSettings.model_validate(shown["routes"][0])


@pytest.mark.parametrize(("name", "model"), all_models(), ids=lambda value: value if isinstance(value, str) else "")
def test_customary_variables_are_named(name: str, model: type[BaseModel]) -> None:
    """Whoever configures by environment finds the names in the file."""
    for info in model.model_fields.values():
        for variable in env_names(info):
            assert variable in example()


def test_every_key_is_explained() -> None:
    """Above each key, or each group of keys, stands a comment."""
    before = ""
    for line in example().splitlines():
        if re.match(r"#?[a-z_]+ = ", line):
            assert re.match(r"#(?!\[)", before), f"{line} has no explanation"
        before = line


def test_the_untouched_example_asks_for_what_is_missing(tmp_path: Path) -> None:
    """Copied and not filled in, it leads to a list of exactly what is to be filled in."""
    with pytest.raises(ConfigError) as caught:
        load_config(EXAMPLE, {})
    keys = [sentence.partition(":")[0] for sentence in caught.value.mistakes]
    assert keys == [
        "[agents.default] bot_id",
        "[agents.default]",
        "[adapters.slack] bot_token",
        "[adapters.slack] app_token",
        "[bridge] identity_secret",
    ]


def test_the_filled_in_example_works(tmp_path: Path) -> None:
    """With its five values, from the file or the environment, it is a whole configuration."""
    values = {
        "bot_id": "73",
        "token": "pat_x",
        "bot_token": "xoxb-1",
        "app_token": "xapp-1",
        "identity_secret": "k" * 32,
    }
    text = example()
    for key, value in values.items():
        text = text.replace(f'\n{key} = ""', f'\n{key} = "{value}"')
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    config = load_config(path, {})
    environ = {
        "COZE_BOT_ID": "73",
        "COZE_API_TOKEN": "pat_x",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "COZE_BRIDGE_IDENTITY_SECRET": "k" * 32,
    }
    from_environment = load_config(EXAMPLE, environ)
    assert config.agents == from_environment.agents
    assert config.bridge == from_environment.bridge


def test_everything_switched_on_is_valid(tmp_path: Path) -> None:
    """Every shown value is one that its key accepts; only token and oauth, and text and number, exclude each other."""
    text = COMMENTED_OUT.sub("", example()).replace('\nprivate_key = "-----BEGIN PRIVATE KEY-----..."', "")
    text = text.replace("\nmin = 1", "").replace("\nmax = 10", "")
    for key in ("bot_id", "bot_token", "app_token"):
        text = text.replace(f'\n{key} = ""', f'\n{key} = "x"')
    text = text.replace('\nidentity_secret = ""', f'\nidentity_secret = "{"k" * 32}"')
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    config = load_config(path, {}, Purpose.RUN)
    assert config.agents["default"].oauth is not None
    assert sorted(config.adapters) == installed_kinds()


# --- the README -------------------------------------------------------------------------------------------------------

ROOT = EXAMPLE.parent
READMES = sorted(path.name for path in ROOT.glob("README*.md"))


def read(name: str) -> str:
    """One README."""
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
def test_commands_in_the_readme_exist(name: str) -> None:
    """Whatever it tells to type is a command of ours, or a verb of dev.py."""
    commands = {command.name or getattr(command.callback, "__name__", "") for command in cli.app.registered_commands}
    commands |= {verb for kind in installed_kinds() for verb in load_adapter(kind).commands}
    typed = set(re.findall(r"`?(?:^|[`/ ])coze-bridge ([a-z]+)", read(name), re.MULTILINE))
    assert typed
    assert typed <= commands
    verbs = set(
        re.findall(r"^    python3 dev\.py ([a-z]+)", (ROOT / "dev.py").read_text(encoding="utf-8"), re.MULTILINE)
    )
    told = set(re.findall(r"python3 dev\.py ([a-z]+)", read(name)))
    assert {"demo", "test"} <= told
    assert told <= verbs


@pytest.mark.parametrize("name", READMES)
def test_variables_in_the_readme_exist(name: str) -> None:
    """Every environment variable it names is one that some setting reads."""
    known = {
        variable for _, model in all_models() for info in model.model_fields.values() for variable in env_names(info)
    }
    assert set(re.findall(r"`((?:COZE|SLACK)_[A-Z_]+)`", read(name))) <= known


@pytest.mark.parametrize("name", READMES)
def test_links_in_the_readme_lead_somewhere(name: str) -> None:
    """Files it points to are there."""
    for target in re.findall(r"\]\(([^)#:]+)\)", read(name)):
        assert (ROOT / target).exists(), target
