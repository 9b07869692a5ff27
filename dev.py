#!/usr/bin/env python3
"""Set up and run coze-bridge from a fresh clone; needs only Python 3.11+ and git.

    python3 dev.py demo [ARGS]   see it work: Coze and Slack emulated on this machine, no accounts
    python3 dev.py test [ARGS]   run the test suite (ARGS go to pytest)
    python3 dev.py lint          formatting, lint rules, types
    python3 dev.py check         lint, then the tests with branch coverage: before every commit
    python3 dev.py setup         only make .venv and install
    python3 dev.py pins          work out constraints.txt anew

Everything is installed into .venv beside this file; nothing else on the machine changes. This file
uses the standard library alone, because it runs before anything is installed.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed.sha256"
MINIMUM = (3, 11)
PARALLEL = ("-n", "3", "--dist", "loadfile")
"""Three for two cores: tests against the emulators wait half of their time."""


def main(arguments: list[str]) -> int:
    """Run one verb and return its exit code."""
    if sys.version_info < MINIMUM:
        print(f"coze-bridge needs Python {'.'.join(map(str, MINIMUM))} or newer; this is {sys.version.split()[0]}.")
        return 1
    verbs = {"demo": demo, "test": test, "lint": lint, "check": check, "setup": lambda _: 0, "pins": pins}
    if not arguments or arguments[0] not in verbs:
        print(__doc__)
        return 0 if not arguments or arguments[0] in ("-h", "--help", "help") else 2
    if not set_up():
        return 1
    return verbs[arguments[0]](arguments[1:])


def set_up() -> bool:
    """Make .venv and install, unless that was done for exactly these pins."""
    wanted = fingerprint()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return True
    if not PYTHON.exists():
        print("1/2  making .venv", flush=True)
        venv.create(VENV, with_pip=True)
    print("2/2  installing what coze-bridge needs (about 20 s, once)", flush=True)
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.call([*install, "-c", "constraints.txt", "-e", ".[dev]"], cwd=ROOT) != 0:
        print("The installation failed; the lines above say why. Is the package index reachable?")
        return False
    STAMP.write_text(wanted)
    return True


def fingerprint() -> str:
    """Name what would be installed: the pins, the project file and the interpreter."""
    content = (ROOT / "constraints.txt").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(content + sys.version.encode()).hexdigest()


def run(*command: str) -> int:
    return subprocess.call([str(PYTHON), "-m", *command], cwd=ROOT)


def demo(arguments: list[str]) -> int:
    return run("bridge.cli", "demo", *arguments)


def test(arguments: list[str]) -> int:
    return run("pytest", *PARALLEL, *arguments)


def lint(_: list[str]) -> int:
    return first_failure(("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",))


def check(_: list[str]) -> int:
    return lint([]) or run("pytest", *PARALLEL, "--cov", "--cov-report=term")


def first_failure(*steps: tuple[str, ...]) -> int:
    """Run the steps until one fails; return its exit code, or 0."""
    return next((code for step in steps if (code := run(*step)) != 0), 0)


def pins(_: list[str]) -> int:
    """Resolve the newest versions for every supported Python; the file names no host."""
    if (code := run("pip", "install", "--quiet", "uv")) != 0:
        return code
    extras = ("--extra", "dev", "--extra", "plot")
    options = ("--universal", "--no-header", "--no-annotate", *extras, "--upgrade", "--quiet")
    return run("uv", "pip", "compile", *options, "pyproject.toml", "-o", "constraints.txt")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
