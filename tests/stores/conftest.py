"""What the tests of the stores share."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.stores.settings import StoreSettings
from bridge.stores.sqlite import SqliteStore

PROGRAMS = Path(__file__).with_name("programs")
ROOT = Path(__file__).parents[2]
PROGRAM_LIMIT_S = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store file of this test will be."""
    return tmp_path / "bridge.sqlite"


@pytest.fixture
def make_store(path: Path) -> Callable[..., SqliteStore]:
    """Make a store on this test's file, in real time; settings may be given."""

    def make(**settings: Any) -> SqliteStore:
        return SqliteStore(StoreSettings(path=str(path), **settings), SystemClock())

    return make


@pytest.fixture
def start_program() -> Callable[..., "subprocess.Popen[str]"]:
    """Start one of the programs beside the tests in a process of its own."""

    def start(name: str, *arguments: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    return start


@pytest.fixture
def run_program(start_program: Callable[..., "subprocess.Popen[str]"]) -> Callable[..., dict[str, Any]]:
    """Run one of the programs and return the JSON it prints last."""

    def run(name: str, *arguments: object) -> dict[str, Any]:
        with start_program(name, *arguments) as process:
            printed, _ = process.communicate(timeout=PROGRAM_LIMIT_S)
        assert process.returncode == 0, printed
        found: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return found

    return run
