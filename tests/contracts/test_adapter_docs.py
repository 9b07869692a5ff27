"""docs/adapters.md is held to the suite it describes: every promise, every ability, and code that imports."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from adapters.console import ADAPTER
from bridge.testing.platform_contract import PlatformContract
from bridge.testing.platform_harness import Ability

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
OWN = "test_what_is_absent_is_declared_with_a_reason"
"""A rule for harnesses, no promise of a platform."""


def promises() -> dict[str, str]:
    """Every test of the suite: its name in words and its sentence."""
    tests = [
        (name, test)
        for part in reversed(PlatformContract.__mro__)
        for name, test in vars(part).items()
        if name.startswith("test_") and name != OWN
    ]
    return {name.removeprefix("test_").replace("_", " "): _sentence(test) for name, test in tests}


def _sentence(test: object) -> str:
    return re.sub(r"\s+", " ", inspect.getdoc(test) or "").replace("``", "`")


def test_every_promise_is_listed_in_its_own_words() -> None:
    """The list is complete, and says what the tests say."""
    assert dict(re.findall(r"^- \*\*([^*]+)\*\*: (.+)$", _section("The promises"), re.MULTILINE)) == promises()


def test_every_ability_is_explained() -> None:
    """Whoever declares one absent finds what it means."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert dict(rows) == {ability.name: ability.value for ability in Ability}


def test_snippets_import_what_there_is() -> None:
    """Python in the document parses, and what it imports of ours exists."""
    snippets = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(snippets) > 1
    for snippet in snippets:
        for node in ast.walk(ast.parse(snippet)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("bridge", "adapters")):
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, alias.name) for alias in node.names), node.module


def test_the_example_is_the_real_one() -> None:
    """The walk shows the terminal's own ``__init__.py``, without its docstring."""
    source = (ROOT / "adapters" / "console" / "__init__.py").read_text(encoding="utf-8")
    assert source.split('"""\n\n', 1)[1].strip() in DOCUMENT
    assert ADAPTER.in_run is False


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:adapters|bridge|tests)/[\w/.]+)`", DOCUMENT))))
def test_files_it_names_exist(path: str) -> None:
    """Nobody is sent to a file that has moved."""
    assert (ROOT / path).exists()


def _section(title: str) -> str:
    return DOCUMENT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
