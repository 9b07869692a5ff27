"""``coze-bridge workflows`` against the emulator: what it lists, what it writes, what it says when it may not."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.config import Config
from bridge.config.load import Purpose, load_config
from bridge.operations.workflow_check import check_workflow
from bridge.operations.workflow_command import Printer, list_workflows, print_sections
from sandbox.clock import SandboxClock
from sandbox.coze import ALL_PERMISSIONS, CozeEmulator, Workflow
from sandbox.journal import Journal
from tests.core.command_line import TOKEN, agent_environment, command

FLOW = Workflow("7366", "Weather", "Tells the weather", parameters={"city": {"type": "string", "required": True}})


@pytest.fixture
async def coze() -> AsyncIterator[CozeEmulator]:
    """A Coze with a bot, a workflow and a chatflow."""
    clock = SandboxClock()
    async with CozeEmulator(clock, Journal(clock)) as emulator:
        emulator.add_token(TOKEN)
        emulator.add_bot("74")
        emulator.add_workflow(FLOW)
        emulator.add_workflow(Workflow("55", "Guide", mode="chatflow"))
        yield emulator


class Paper:
    """Keeps what is printed."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.notes: list[str] = []
        self.printer = Printer(self.out.append, self.notes.append)


def config_for(coze: CozeEmulator, tmp_path: Path, more: str = "") -> Config:
    """One agent, and perhaps more."""
    path = tmp_path / "config.toml"
    agent = f'[agents.default]\nbot_id = "74"\ntoken = "{TOKEN}"\nbase_url = "{coze.base_url}"\n'
    path.write_text(agent + more, encoding="utf-8")
    return load_config(path, {}, Purpose.CHECK)


async def test_what_the_token_sees(coze: CozeEmulator, tmp_path: Path) -> None:
    """By workspace, with what is configured already; then how to go on."""
    config = config_for(coze, tmp_path, '[workflows.weather]\nid = "7366"\n')
    paper = Paper()
    assert await list_workflows(config, ["default"], paper.printer)
    shown = "\n".join(paper.out)
    assert "7366  Weather  [configured as weather]  - Tells the weather" in shown
    assert "55  Guide  (chatflow)" in shown
    assert "coze-bridge workflows ID --name NAME >> config.toml" in shown
    assert paper.notes == ["Coze calls made: 3"]


async def test_nothing_to_see(coze: CozeEmulator, tmp_path: Path) -> None:
    """The permissions are named."""
    coze.workflows.workflows.clear()
    paper = Paper()
    assert await list_workflows(config_for(coze, tmp_path), ["default"], paper.printer)
    assert "listWorkflow" in paper.out[-1]


async def test_sections_that_load(coze: CozeEmulator, tmp_path: Path) -> None:
    """What is printed can be appended as it is; a name that is taken gets a number."""
    config = config_for(coze, tmp_path, '[workflows.weather]\nid = "1"\n')
    paper = Paper()
    assert await print_sections(config, "default", ["7366", "55"], paper.printer)
    written = tomllib.loads("\n".join(paper.out))["workflows"]
    assert written["weather-2"]["parameters"]["city"]["type"] == "string"
    assert any(note.startswith("People run it with: !run weather-2") for note in paper.notes)
    guide = {"id": "55", "description": "A workflow of the sandbox", "slash": "/guide", "as_chat": True}
    assert written["guide"] == guide


async def test_refusals_are_explained(coze: CozeEmulator, tmp_path: Path) -> None:
    """An unknown id, and a token without the permission: a sentence and what to do; the others go on."""
    config, paper = config_for(coze, tmp_path), Paper()
    assert not await print_sections(config, "default", ["404", "55"], paper.printer)
    assert "404" in paper.notes[0]
    assert any(line.startswith("[workflows.guide]") for line in paper.out)
    coze.add_token(TOKEN, ALL_PERMISSIONS - {"listWorkflow"})
    paper = Paper()
    assert not await list_workflows(config, ["default"], paper.printer)
    assert any("listWorkflow, getMetaData" in note for note in paper.notes)


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ('id = "7366"\n[workflows.x.parameters.city]', []),
        ('id = "7366"', ["it needs city, which is not configured"]),
        ('id = "7366"\n[workflows.x.parameters.City]', ["it needs city, which is not configured", "it takes no City"]),
        ('id = "55"', ["it is a chatflow, but as_chat = false"]),
        ('id = "55"\nas_chat = true', []),
    ],
)
async def test_check_compares(coze: CozeEmulator, tmp_path: Path, section: str, wrong: list[str]) -> None:
    """A section that does not fit its workflow is told before anybody runs it."""
    config = config_for(coze, tmp_path, f"[workflows.x]\n{section}\n")
    findings = await check_workflow("x", config.workflows["x"], config.agents["default"], SystemClock())
    assert [finding.subject for finding in findings if not finding.ok] == wrong
    assert all(finding.fix for finding in findings if not finding.ok)


async def test_check_and_an_unknown_workflow(coze: CozeEmulator, tmp_path: Path) -> None:
    """One sentence and what to do."""
    config = config_for(coze, tmp_path, '[workflows.x]\nid = "404"\n')
    [finding] = await check_workflow("x", config.workflows["x"], config.agents["default"], SystemClock())
    assert not finding.ok
    assert "workflow_id=" in finding.fix


async def test_the_command(coze: CozeEmulator, tmp_path: Path) -> None:
    """As a process: the section alone on standard output, the rest beside it."""
    ended = await command(
        tmp_path, "workflows", "7366", "--name", "Forecast", extra=agent_environment(coze, COZE_BOT_ID="74")
    )
    assert ended.code == 0, ended.err
    assert list(tomllib.loads(ended.out)["workflows"]) == ["forecast"]
    assert "!run forecast" in ended.err
