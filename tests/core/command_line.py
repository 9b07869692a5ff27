"""``coze-bridge`` as a process of its own, far from real services; for tests of the command line."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proving.warm import PipedProcess
from bridge.cli import main
from sandbox.coze import CozeEmulator

DEADLINE_S = 60.0
TOKEN, BOT = "pat_of_the_command_line", "7498000011112222333"
ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("COZE_", "SLACK_", "DISCORD_")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The test's own environment without what would lead to real services."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) and not name.lower().endswith("_proxy")
    }
    ours = {"LANG": "en_US.UTF-8", "PYTHONWARNINGS": "default", "COZE_BRIDGE__HEALTH__PORT": "0"}
    return {**kept, **ours, **(extra or {})}


async def start(folder: Path, *arguments: str, extra: dict[str, str] | None = None) -> PipedProcess:
    """Start ``coze-bridge`` in a folder."""
    return await PipedProcess.begin(main, arguments, environment(extra), folder)


async def command(folder: Path, *arguments: str, typed: str = "", extra: dict[str, str] | None = None) -> Ended:
    """Run ``coze-bridge`` to its end; no command ever shows a traceback."""
    process = await start(folder, *arguments, extra=extra)
    try:
        async with asyncio.timeout(DEADLINE_S):
            out, err = await process.communicate(typed.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    ended = Ended(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in ended.out + ended.err, ended.err
    return ended


def agent_environment(coze: CozeEmulator, **other: str) -> dict[str, str]:
    """What configures an agent without a file."""
    return {"COZE_API_TOKEN": TOKEN, "COZE_BOT_ID": BOT, "COZE_API_BASE": coze.base_url, **other}
