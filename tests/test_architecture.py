"""The arrows of the house: who may import whom, what the pure core may touch, how long a module may grow."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("bridge", "adapters", "sandbox")
MAX_LINES = 600

PURE_CORE = (
    *("model", "ports", "observing", "errors", "settings", "keys", "routes", "core", "texts"),
    *("intake", "turns", "delivery", "rendering", "workflows"),
    *("files.attachments", "files.answer_files", "files.fetching", "operations.redaction"),
)
OUTSIDE_WORLD = frozenset(
    {
        *("httpx", "httpx_sse", "httpx_aiohttp", "aiohttp", "requests", "urllib3", "websockets", "socket", "ssl"),
        *("sqlitedict", "sqlite3", "redis", "valkey", "slack_bolt", "slack_sdk", "discord", "cozepy", "jwt"),
        *("time", "subprocess", "tempfile", "shutil", "multiprocessing", "threading", "uvloop", "typer", "rich"),
        "prometheus_client",
    }
)
"""What only shells may import: the network, storage, clocks, other processes."""

SDKS = frozenset({"slack_bolt", "slack_sdk", "discord", "aiohttp"})
PLATFORM_NAMES = re.compile(r"slack|discord", re.IGNORECASE)
SIX_FILES = ("ids", "inbound", "outbound", "limits", "settings", "adapter")


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module that does it, the function it stands in (empty at the top), what it imports."""

    importer: str
    inside: str
    target: str


def modules(room: str) -> dict[str, Path]:
    """Return every module of a room by its dotted name."""
    found = {}
    for path in sorted((ROOT / room).rglob("*.py")):
        steps = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(steps[:-1] if steps[-1] == "__init__" else steps)] = path
    return found


@cache
def imports(module: str, path: Path) -> tuple[Import, ...]:
    """Return the imports of one module; those for type checkers alone are left out."""
    return tuple(_walk(ast.parse(path.read_text(encoding="utf-8")), module, path.name == "__init__.py", ""))


def _walk(node: ast.AST, module: str, is_package: bool, inside: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(module, inside, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = module.split(".") if is_package else module.split(".")[:-1]
            base = ".".join(package[: len(package) - child.level + 1]) if child.level else ""
            source = ".".join(filter(None, (base, child.module)))
            # `from a import b` may import the module a.b: both are looked at.
            yield Import(module, inside, source)
            yield from (Import(module, inside, f"{source}.{alias.name}") for alias in child.names)
        name = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else inside
        yield from _walk(child, module, is_package, name)


def all_imports(room: str) -> list[Import]:
    """Return every import of a room."""
    return [found for module, path in modules(room).items() for found in imports(module, path)]


def is_pure(module: str) -> bool:
    """Say whether a module of the bridge, or the room it stands in, belongs to the pure core."""
    steps = module.split(".")[1:]
    return any(".".join(steps[:end]) in PURE_CORE for end in range(1, len(steps) + 1))


def room_of(target: str) -> str:
    """Return the top-level package of a dotted name."""
    return target.partition(".")[0]


def test_the_walk_sees_imports() -> None:
    """The rules below would hold of nothing: the walk finds known imports, at the top and inside functions."""
    found = {(entry.importer, room_of(entry.target)) for entry in all_imports("bridge")}
    assert ("bridge.cli", "typer") in found
    assert ("bridge.cli", "sandbox") in found
    assert any(entry.target == "bridge.app" and entry.inside == "run" for entry in all_imports("bridge"))


def test_bridge_imports_no_adapter() -> None:
    """Platforms are found by entry point, never imported by the bridge."""
    assert [entry for entry in all_imports("bridge") if room_of(entry.target) == "adapters"] == []


def test_only_the_demo_command_imports_the_sandbox() -> None:
    """The emulators are no part of the bridge; one command starts them."""
    offenders = [entry for entry in all_imports("bridge") if room_of(entry.target) == "sandbox"]
    assert {(entry.importer, entry.inside) for entry in offenders} <= {("bridge.cli", "demo")}


def test_the_sandbox_knows_only_the_wire() -> None:
    """Emulators import neither the bridge nor an adapter, so they cannot know what the bridge expects."""
    assert [entry for entry in all_imports("sandbox") if room_of(entry.target) in ("bridge", "adapters")] == []


def test_adapters_do_not_know_each_other() -> None:
    """Nothing in one platform's folder imports another's, or the sandbox."""
    for entry in all_imports("adapters"):
        own = entry.importer.split(".")[1]
        steps = entry.target.split(".")
        if steps[0] == "adapters" and len(steps) > 1:
            assert steps[1] == own, entry
        assert steps[0] != "sandbox", entry


def test_the_core_reaches_nothing_outside() -> None:
    """The pure core, and all that it imports of the bridge in turn, imports no network, storage, clock or SDK."""
    known = modules("bridge")
    wanted = [name for name in known if is_pure(name)]
    seen: dict[str, str] = {}
    while wanted:
        module = wanted.pop()
        if module in seen or module not in known:
            continue
        seen[module] = module
        for entry in imports(module, known[module]):
            assert room_of(entry.target) not in OUTSIDE_WORLD, entry
            parents = [".".join(entry.target.split(".")[:end]) for end in range(1, entry.target.count(".") + 2)]
            wanted += [name for name in parents if name in known]
    assert len(seen) > len(PURE_CORE) - 3


def test_the_core_opens_nothing_and_reads_no_clock() -> None:
    """No module of the pure core calls open, reads the environment or asks the system for the time."""
    forbidden = {"open", "input", "print", "exec", "eval"}
    for module, path in modules("bridge").items():
        if is_pure(module):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    assert called not in forbidden, f"{module} calls {called}"
                    assert not called.endswith(("datetime.now", "date.today", "read_text")), f"{module}: {called}"
                if isinstance(node, ast.Attribute):
                    assert ast.unparse(node) not in ("os.environ", "os.getenv"), module


def test_no_platform_is_named_in_the_bridge() -> None:
    """Where the core would need a platform's name it needs a capability: not even a docstring names one."""
    for path in modules("bridge").values():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not PLATFORM_NAMES.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "adapters").iterdir() if (p / "__init__.py").exists()))
def test_every_adapter_has_the_same_rooms(name: str) -> None:
    """Whoever knows one platform's folder finds her way in the next; the pure files import no SDK."""
    found = {module: path for module, path in modules("adapters").items() if module.split(".")[1] == name}
    for file in SIX_FILES:
        assert f"adapters.{name}.{file}" in found
    for file in ("__init__", *SIX_FILES[:-1]):
        module = f"adapters.{name}" if file == "__init__" else f"adapters.{name}.{file}"
        for entry in imports(module, found[module]):
            assert room_of(entry.target) not in SDKS, entry


def test_an_entry_point_costs_no_sdk() -> None:
    """Importing an adapter's package loads no SDK at the top of its modules: help, config and manifest stay quick."""
    known = modules("adapters")
    for package in (name for name in known if name.count(".") == 1):
        wanted, seen = [package], set[str]()
        while wanted:
            module = wanted.pop()
            if module in seen or module not in known:
                continue
            seen.add(module)
            for entry in imports(module, known[module]):
                if entry.inside == "":
                    assert room_of(entry.target) not in SDKS, entry
                    wanted += [entry.target, entry.target.rpartition(".")[0]]


@pytest.mark.parametrize("room", ROOMS)
def test_modules_stay_readable(room: str) -> None:
    """No module outgrows one sitting, and every one says what it is for."""
    for module, path in modules(room).items():
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MAX_LINES, module
        assert ast.get_docstring(ast.parse(text)), f"{module} has no docstring"


def test_help_imports_no_heavy_library() -> None:
    """What a command needs is imported inside it: at its top, cli.py imports typer and the standard library."""
    allowed = {"collections", "contextlib", "os", "pathlib", "sys", "typing", "typer"}
    top = [entry for entry in imports("bridge.cli", ROOT / "bridge" / "cli.py") if entry.inside == ""]
    assert {room_of(entry.target) for entry in top} <= allowed
