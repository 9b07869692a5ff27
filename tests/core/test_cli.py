"""The command line as its users meet it: a process, its output, its exit code, and never a traceback."""

import asyncio
import os
import re
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import typer

from bridge import cli
from bridge.cli import for_chat
from bridge.clock import SystemClock
from bridge.config.load import Purpose, load_config
from bridge.errors import ConfigError, CredentialsError, StoreOccupied, StoreUnavailable
from bridge.operations.checkup import look_at_store
from bridge.stores import open_store
from bridge.stores.settings import MEMORY, StoreSettings
from sandbox.clock import SandboxClock
from sandbox.coze import Answer, CozeEmulator
from sandbox.journal import Journal
from tests.core.command_line import BOT, DEADLINE_S, ROOT, TOKEN, agent_environment, command, environment, start

CLOSED_PORT = "http://127.0.0.1:9"


@pytest.fixture
async def coze() -> AsyncIterator[CozeEmulator]:
    """A Coze that knows one token and one bot."""
    clock = SandboxClock()
    async with CozeEmulator(clock, Journal(clock)) as emulator:
        emulator.add_token(TOKEN)
        emulator.add_bot(BOT, name="Ada's helper")
        yield emulator


# --- help and small commands ------------------------------------------------------------------------------------------


async def test_help_tells_commands_and_exit_codes(tmp_path: Path) -> None:
    """In English with a Chinese line; every command in one line that is not cut."""
    ended = await command(tmp_path, "--help")
    assert ended.code == 0
    for word in (
        "run",
        "check",
        "chat",
        "workflows",
        "demo",
        "manifest",
        "secret",
        "version",
        "扣子",
        "Exit codes",
        "130",
    ):
        assert word in ended.out
    assert "..." not in ended.out.partition("Options:")[2]


async def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """The measure behind its speed: no SDK, no HTTP client, no settings are imported."""
    script = (
        "import sys\n"
        "from bridge.cli import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    heavy = {'pydantic', 'httpx', 'aiohttp', 'slack_bolt', 'structlog', 'rich', 'asyncio'}\n"
        "    print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await process.communicate()
    assert out.decode().rstrip().endswith("HEAVY []")


async def test_secret_prints_a_line_to_paste(tmp_path: Path) -> None:
    """Another one each time, valid TOML, long enough."""
    first, second = [await command(tmp_path, "secret") for _ in range(2)]
    assert first.code == 0
    assert first.out != second.out
    assert len(tomllib.loads(first.out)["identity_secret"]) >= 32


async def test_version(tmp_path: Path) -> None:
    """A number."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", (await command(tmp_path, "version")).out)


async def test_an_unknown_command_suggests_the_nearest(tmp_path: Path) -> None:
    """A slip costs one glance."""
    ended = await command(tmp_path, "chek")
    assert ended.code == 2
    assert "Did you mean 'check'?" in ended.err


async def test_an_invitation_takes_the_application_from_the_token(tmp_path: Path) -> None:
    """With a token in the environment the link is ready; without one it says where the number is to be found."""
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4OQ.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"
    ready = await command(tmp_path, "invite", "discord", extra={"DISCORD_BOT_TOKEN": token})
    assert (ready.code, "client_id=1234567890123456789" in ready.out, ready.err) == (0, True, "")
    assert "GabcdE" not in ready.out
    without = await command(tmp_path, "invite", "discord")
    assert (without.code, "Developer Portal" in without.out) == (0, True)


async def test_manifest_needs_no_tokens(tmp_path: Path) -> None:
    """It is the first thing one needs, before there is any token; other verbs are the adapter's to know."""
    ended = await command(tmp_path, "manifest", "slack")
    assert ended.code == 0
    assert "socket_mode_enabled" in ended.out
    ended = await command(tmp_path, "invite", "slack")
    assert ended.code == 2
    assert "the adapter slack cannot print that; it offers manifest" in ended.err
    ended = await command(tmp_path, "manifest", "slak")
    assert ended.code == 2
    assert "Did you mean slack?" in ended.err


# --- bad configuration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["run", "check", "chat"])
async def test_a_missing_file_is_a_sentence(tmp_path: Path, verb: str) -> None:
    """Exit code 2 and what to do."""
    ended = await command(tmp_path, verb, "-c", "nope.toml")
    assert ended.code == 2
    assert ended.err.startswith("✗ nope.toml: there is no such file; copy config.example.toml")


@pytest.mark.parametrize("verb", ["run", "check", "chat"])
async def test_mistakes_are_listed(tmp_path: Path, verb: str) -> None:
    """All of them, on standard error, with exit code 2; config.toml is found by itself."""
    (tmp_path / "config.toml").write_text('[bridge]\nlangage = "zh"\n[agents.default]\nbot_id = 7\n', encoding="utf-8")
    ended = await command(tmp_path, verb)
    assert ended.code == 2
    assert ended.out == ""
    assert "Did you mean language?" in ended.err
    assert "[agents.default] bot_id = 7: must be text: put it in quotes." in ended.err


async def test_run_without_the_identity_secret_prints_a_fresh_one(tmp_path: Path) -> None:
    """It refuses, and what it prints can be pasted."""
    tokens = {
        "COZE_API_TOKEN": TOKEN,
        "COZE_BOT_ID": BOT,
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
    }
    ended = await command(tmp_path, "run", extra=tokens)
    assert ended.code == 2
    assert ended.err.count("✗") == 1
    assert "identity_secret" in tomllib.loads(ended.err.strip().rpartition("\n")[2])


@pytest.mark.parametrize("place", ["/proc/nowhere/bridge.sqlite", "."])
async def test_run_with_an_impossible_store_is_a_sentence(tmp_path: Path, place: str) -> None:
    """Exit code 4: the configuration is well-formed, the disk is not as it says."""
    ended = await command(
        tmp_path,
        "run",
        extra={
            "COZE_API_TOKEN": TOKEN,
            "COZE_BOT_ID": BOT,
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_APP_TOKEN": "xapp-1",
            "COZE_BRIDGE_IDENTITY_SECRET": "k" * 32,
            "COZE_BRIDGE__STORE__PATH": place,
            "COZE_BRIDGE__ADAPTERS__SLACK__BASE_URL": CLOSED_PORT,
        },
    )
    assert ended.code == 4
    assert ended.err.startswith("✗ ")


# --- check ------------------------------------------------------------------------------------------------------------


async def test_check_finds_nothing_wrong(tmp_path: Path, coze: CozeEmulator) -> None:
    """Agent, store and configuration are fine; only that no platform is configured is told."""
    ended = await command(tmp_path, "check", extra=agent_environment(coze, COZE_BRIDGE_IDENTITY_SECRET="k" * 32))
    assert ended.code == 1
    assert ended.out.count("✗") == 1
    assert "✗ no platform is configured" in ended.out
    assert "Ada's helper" in ended.out
    assert "Coze calls made by this check: 2" in ended.out
    assert os.listdir(tmp_path) == []  # a check creates nothing


async def test_check_says_what_is_wrong_with_the_agent(tmp_path: Path, coze: CozeEmulator) -> None:
    """A refused token, an unpublished bot, an address where nobody is: each with its fix, and no token shown."""
    coze.add_bot("9", published=False)
    wrong_token = agent_environment(coze, COZE_API_TOKEN="pat_of_another_region")
    cases = [
        (wrong_token, "Renew the token"),
        (agent_environment(coze, COZE_BOT_ID="9"), "Publish the bot"),
        (agent_environment(coze, COZE_API_BASE=CLOSED_PORT), "Nothing accepts connections there"),
    ]
    for extra, expected in cases:
        ended = await command(tmp_path, "check", extra=extra)
        assert ended.code == 1
        assert expected in ended.out
        assert extra["COZE_API_TOKEN"] not in ended.out + ended.err


async def test_check_looks_at_everything_side_by_side(tmp_path: Path, coze: CozeEmulator) -> None:
    """Two agents and a platform that is not there, in the file's order; an empty allow list is noticed."""
    (tmp_path / "config.toml").write_text(
        f"""
        [agents.default]
        bot_id = "{BOT}"
        token = "{TOKEN}"
        base_url = "{coze.base_url}"
        [agents.other]
        bot_id = "404"
        token = "{TOKEN}"
        base_url = "{coze.base_url}"
        [adapters.slack]
        bot_token = "xoxb-1"
        app_token = "xapp-1"
        base_url = "{CLOSED_PORT}/"
        [bridge]
        user_id = "plain"
        [gate.allow]
        users = []
        """,
        encoding="utf-8",
    )
    ended = await command(tmp_path, "check")
    assert ended.code == 1
    titles = [line for line in ended.out.splitlines() if line and not line.startswith(" ")]
    assert [title.split()[0] for title in titles[:-1]] == ["configuration", "store", "agent", "agent", "adapter"]
    assert "✗ [gate.allow] users is an empty list: nobody may ask" in ended.out
    assert "✗ slack:" in ended.out


async def test_the_store_is_looked_at_without_making_one(tmp_path: Path) -> None:
    """Absent, unwritable, in use, damaged: each is told apart."""
    path = tmp_path / "bridge.sqlite"
    assert [finding.ok for finding in await look_at_store(StoreSettings(path=MEMORY))] == [True]
    assert "will create it" in (await look_at_store(StoreSettings(path=str(path))))[0].subject
    assert not path.exists()
    assert (await look_at_store(StoreSettings(path=str(tmp_path / "none" / "x.sqlite"))))[0].ok
    (impossible,) = await look_at_store(StoreSettings(path="/proc/none/x.sqlite"))
    assert not impossible.ok
    assert "cannot be created in /proc" in impossible.subject
    async with open_store(StoreSettings(path=str(path)), SystemClock()):
        (used,) = await look_at_store(StoreSettings(path=str(path)))
        assert used.ok
        assert "in use" in used.subject
    assert (await look_at_store(StoreSettings(path=str(path))))[0].ok
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    (damaged,) = await look_at_store(StoreSettings(path=str(path)))
    assert not damaged.ok


# --- chat -------------------------------------------------------------------------------------------------------------


async def test_chat_answers_in_a_pipe(tmp_path: Path, coze: CozeEmulator) -> None:
    """Question in, exactly the agent's text out, then the end; nothing is written to the disk."""
    text = "# Title\n\nSome **bold** text, 中文,\n\n```py\nprint(1)\n```\n"
    coze.answers.script(Answer(text=text, delta_interval_s=0.005))
    ended = await command(tmp_path, "chat", typed="hello\n", extra=agent_environment(coze))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == text + "\n"
    assert os.listdir(tmp_path) == []


async def test_chat_keeps_the_conversation_and_obeys_commands(tmp_path: Path, coze: CozeEmulator) -> None:
    """A second question sees the first; !help is answered by the bridge."""
    coze.answers.script(Answer(echo=True), times=None)
    ended = await command(
        tmp_path, "chat", typed="first question\nsecond question\n!help\n", extra=agent_environment(coze)
    )
    assert ended.code == 0
    assert ended.out.count("first question") == 2
    assert "`!new`" in ended.out


async def test_chat_says_what_fails(tmp_path: Path, coze: CozeEmulator) -> None:
    """A refused token is a sentence where the answer would be."""
    ended = await command(
        tmp_path, "chat", typed="hello\n", extra=agent_environment(coze, COZE_API_TOKEN="pat_of_another_region")
    )
    assert "The agent refuses my credentials" in ended.out
    assert "pat_of_another_region" not in ended.out + ended.err


async def test_chat_can_be_interrupted(tmp_path: Path, coze: CozeEmulator) -> None:
    """Ctrl-C ends it with 130, in the middle of an answer too."""
    coze.answers.script(Answer(deltas=("one\n", "two\n", "three\n"), delta_interval_s=30.0))
    process = await start(tmp_path, "chat", extra=agent_environment(coze))
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        process.stdin.write(b"hello\n")
        assert await process.stdout.readline() == b"one\n"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err.decode()


async def test_chat_chooses_an_agent(tmp_path: Path, coze: CozeEmulator) -> None:
    """--agent names one; routes do not matter then, and an unknown name is a sentence."""
    path = tmp_path / "config.toml"
    path.write_text('[agents.default]\nbot_id = "1"\n[agents.sales]\nbot_id = "2"\n', encoding="utf-8")
    config = load_config(path, agent_environment(coze), Purpose.CHAT)
    chosen = for_chat(config, "sales")
    assert (chosen.default_agent, chosen.store.path) == ("sales", MEMORY)
    assert chosen.bridge.identity_key
    with pytest.raises(ConfigError, match="Did you mean sales"):
        for_chat(config, "sale")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(["[agents.default] bot_id: is missing"]), 2),
        (CredentialsError("the key cannot be read", fix="write it anew"), 1),
        (StoreOccupied("held by another process"), 3),
        (StoreUnavailable("not writable"), 4),
    ],
)
def test_exit_codes_say_why(error: Exception, code: int) -> None:
    """As the operations page has it."""
    with pytest.raises(typer.Exit) as caught, cli._sentences():
        raise error
    assert caught.value.exit_code == code
