"""From a TOML file and the environment to a ``Config``, or to all of its mistakes at once."""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bridge.config.environment import (
    Origins,
    Tree,
    customary_variables,
    fill_customary,
    overlay,
    required_are_set,
    required_variables,
)
from bridge.config.file import read_file
from bridge.config.mistakes import ABSENT, Mistake, Path, mistakes_of, nearest
from bridge.config.models import DEFAULT_AGENT, AdapterConfig, AgentConfig, Config, without_secrets
from bridge.coze.settings import CozeConnection
from bridge.errors import ConfigError
from bridge.extension import Adapter, AdapterSettings, installed_kinds, load_adapter, working_adapters
from bridge.settings import (
    BridgeSettings,
    ControlSettings,
    FilesSettings,
    GateSettings,
    HealthSettings,
    LogSettings,
    PaceSettings,
    RouteSettings,
)
from bridge.stores.settings import StoreSettings
from bridge.workflows.settings import WORKFLOW_NAME, WorkflowSettings

TERMINAL_KIND = "console"
SECTIONS = (
    "bridge",
    "gate",
    "files",
    "pace",
    "controls",
    "store",
    "health",
    "log",
    "agents",
    "routes",
    "workflows",
    "adapters",
)

M = TypeVar("M", bound=BaseModel)


class Purpose(StrEnum):
    """What the configuration is for; decides what must be there."""

    RUN = "run"
    """Agents, at least one platform, and the identity secret."""
    CHECK = "check"
    """What is written must be right; what ``run`` would miss is for the check to say."""
    CHAT = "chat"
    """Agents; of the platforms only the terminal."""


def load_config(path: FilePath | None, environ: Mapping[str, str], purpose: Purpose = Purpose.RUN) -> Config:
    """Read and validate everything.

    Args:
        path: The file; ``None`` means ``$COZE_BRIDGE_CONFIG``, else ``config.toml`` here if it exists, else no file.

    Raises:
        ConfigError: With every mistake that was found.
    """
    tree, source = read_file(path, environ)
    return _Loading(tree, environ, purpose).config(source)


def load_section(path: FilePath | None, environ: Mapping[str, str], name: str) -> AdapterConfig:
    """Read one ``[adapters.NAME]`` for a command that prints something; missing secrets do not matter to it.

    Without such a section, ``name`` is taken as an adapter's kind with default settings.

    Raises:
        ConfigError: The section has mistakes, or nothing installed provides it.
    """
    tree, _ = read_file(path, environ)
    loading = _Loading(tree, environ, Purpose.RUN)
    found = loading.adapter(name, loading.sections("adapters").get(name, {}), secrets_needed=False)
    loading.raise_mistakes()
    assert found is not None  # otherwise a mistake was raised
    return found


def load_workflows(path: FilePath | None, environ: Mapping[str, str]) -> dict[str, WorkflowSettings]:
    """Read the sections ``[workflows.NAME]`` alone, for a command that prints something.

    Raises:
        ConfigError: They have mistakes.
    """
    tree, _ = read_file(path, environ)
    loading = _Loading(tree, environ, Purpose.RUN)
    workflows = loading.workflows()
    loading.raise_mistakes()
    return workflows


def fresh_secret() -> str:
    """Make a new identity secret: 256 random bits."""
    return secrets.token_urlsafe(32)


def secret_advice(secret: str) -> str:
    """Tell how to put a fresh identity secret into the configuration."""
    return f'put this fresh one into [bridge] and keep it for good:\n    identity_secret = "{secret}"'


class _Loading:
    """One validation: collects mistakes from every section before anything is raised."""

    def __init__(self, tree: Tree, environ: Mapping[str, str], purpose: Purpose) -> None:
        self._environ = environ
        self._purpose = purpose
        self._origins: Origins = {}
        self._tree = overlay(tree, environ, self._origins)
        self._mistakes: list[Mistake] = []

    def config(self, source: str) -> Config:
        self._check_names()
        bridge = self._section("bridge", BridgeSettings)
        gate = self._section("gate", GateSettings)
        files = self._section("files", FilesSettings)
        pace = self._section("pace", PaceSettings)
        controls = self._section("controls", ControlSettings)
        store = self._section("store", StoreSettings)
        health = self._section("health", HealthSettings)
        log = self._section("log", LogSettings)
        agents = self._agents()
        default_agent = self._default_agent()
        adapters = self._adapters()
        routes = self._routes()
        workflows = self.workflows()
        if self._purpose is Purpose.RUN:
            self._check_identity()
        self.raise_mistakes()
        return Config(
            bridge,
            gate,
            pace,
            store,
            log,
            agents,
            default_agent,
            routes,
            adapters,
            source,
            health,
            workflows,
            files,
            controls,
        )

    def raise_mistakes(self) -> None:
        if self._mistakes:
            raise ConfigError([mistake.sentence() for mistake in self._mistakes])

    def sections(self, name: str) -> dict[str, Tree]:
        """Return the named sections below ``[name.*]``; anything else there is a mistake."""
        found = self._tree.get(name, {})
        if not isinstance(found, dict):
            self._blame((name,), f"must be sections [{name}.NAME].", found)
            return {}
        for key, value in found.items():
            if not isinstance(value, dict):
                self._blame((name, key), f"must be a section [{name}.{key}].", value)
        return {key: value for key, value in found.items() if isinstance(value, dict)}

    def adapter(self, name: str, section: Tree, *, secrets_needed: bool = True) -> AdapterConfig | None:
        """Validate one ``[adapters.NAME]`` by the model of its kind."""
        at: Path = ("adapters", name)
        kind = section.get("kind", name)
        try:
            adapter = load_adapter(str(kind))
        except LookupError:
            known = installed_kinds()
            fix = f"kind must be one of those installed: {', '.join(known)}.{nearest(str(kind), known)}"
            self._blame(at if "kind" not in section else (*at, "kind"), fix, section.get("kind", ABSENT))
            return None
        except (ImportError, AttributeError) as error:
            self._blame(at, f"the adapter {kind} is installed but broken ({error}); install it anew.")
            return None
        model = adapter.settings if secrets_needed else without_secrets(adapter.settings)
        given = {key: value for key, value in section.items() if key != "kind"}
        if self._only_one_of(str(kind)):
            given = fill_customary(given, model, self._environ, at, self._origins)
        settings = self._validated(given, model, at)
        return None if settings is None else AdapterConfig(name, str(kind), adapter, settings)

    # --- sections -----------------------------------------------------------------------------------------------------

    def _check_names(self) -> None:
        for name, value in self._tree.items():
            if name not in SECTIONS:
                there_are = f"There are {', '.join(SECTIONS)}."
                self._blame((name,), f"there is no such section.{nearest(name, SECTIONS) or ' ' + there_are}", value)

    def _section(self, name: str, model: type[M]) -> M:
        """Validate one section whose keys all have defaults; those stand in for it when it has mistakes."""
        found = self._tree.get(name, {})
        if not isinstance(found, dict):
            self._blame((name,), "must be a section of keys and values.", found)
            return model()
        given = fill_customary(found, model, self._environ, (name,), self._origins)
        return self._validated(given, model, (name,)) or model()

    def _agents(self) -> dict[str, AgentConfig]:
        named = self._named_agents()
        if not named and not self._mistakes_at("agents"):
            self._blame(
                ("agents",),
                "no agent is configured; write a section [agents.default] with bot_id and token, "
                "or set COZE_BOT_ID and COZE_API_TOKEN in the environment.",
            )
        default = self._default_agent()
        agents = {}
        for name, section in named.items():
            # One bot id cannot be meant for several agents; a token may well serve them all.
            # And a token in the environment does not dispute an OAuth application that is written down.
            unfit = ({"COZE_BOT_ID"} if name != default else set()) | (
                {"COZE_API_TOKEN"} if "oauth" in section else set()
            )
            environ = {variable: value for variable, value in self._environ.items() if variable not in unfit}
            given = fill_customary(section, AgentConfig, environ, ("agents", name), self._origins)
            agent = self._validated(given, AgentConfig, ("agents", name))
            if agent is None:
                self._look_at_connection(given, ("agents", name))
            else:
                agents[name] = agent
        return agents

    def _look_at_connection(self, given: Tree, at: Path) -> None:
        """Report what is wrong between the connection's keys also when a key outside it was wrong first."""
        wrong = {mistake.path[len(at)] for mistake in self._mistakes if mistake.path[: len(at)] == at != mistake.path}
        if wrong and wrong.isdisjoint(CozeConnection.model_fields):
            self._validated({k: v for k, v in given.items() if k in CozeConnection.model_fields}, CozeConnection, at)

    def _named_agents(self) -> dict[str, Tree]:
        named = self.sections("agents")
        if not named and "agents" not in self._tree and self._any_set(AgentConfig):
            return {DEFAULT_AGENT: {}}
        return named

    def _default_agent(self) -> str:
        named = self._named_agents_quietly()
        if DEFAULT_AGENT in named or not named:
            return DEFAULT_AGENT
        if len(named) > 1 and not self._mistakes_at("agents"):
            names = ", ".join(named)
            fix = "rename the one that answers where no route fits to [agents.default]."
            self._blame(("agents",), f"there are several agents ({names}) but none is the default; {fix}")
        return next(iter(named))

    def _named_agents_quietly(self) -> dict[str, Tree]:
        before = len(self._mistakes)
        named = self._named_agents()
        del self._mistakes[before:]
        return named

    def _routes(self) -> tuple[RouteSettings, ...]:
        listed = self._tree.get("routes", [])
        if not isinstance(listed, list):
            self._blame(("routes",), "each route is a section with double brackets: [[routes]].")
            return ()
        agents, adapters = list(self._named_agents_quietly()), list(self._tree.get("adapters", {}))
        routes = []
        for number, section in enumerate(listed):
            route = self._validated(section, RouteSettings, ("routes", number))
            if route is None:
                continue
            routes.append(route)
            self._check_name("agent", route.agent, agents, number)
            if adapters:
                self._check_name("adapter", route.adapter, adapters, number)
        return tuple(routes)

    def workflows(self) -> dict[str, WorkflowSettings]:
        """Read what can be run, by name."""
        known, workflows = list(self._named_agents_quietly()), {}
        for name, section in self.sections("workflows").items():
            at: Path = ("workflows", name)
            if WORKFLOW_NAME.fullmatch(name) is None or name != name.lower():
                self._blame(at, "people type this name: use small letters, digits, - and _, 32 at most.")
            workflow = self._validated(section, WorkflowSettings, at)
            if workflow is None:
                continue
            workflows[name] = workflow
            agent = workflow.agent
            if agent and known and agent not in known:
                there_are = nearest(agent, known) or f" There are {', '.join(known)}."
                self._blame((*at, "agent"), f"there is no section [agents.{agent}].{there_are}", agent)
        return workflows

    def _check_name(self, key: str, name: str | None, known: list[str], number: int) -> None:
        if name is not None and name not in known:
            there_are = nearest(name, known) or f" There are {', '.join(known) or 'none'}."
            self._blame(("routes", number, key), f"there is no section [{key}s.{name}].{there_are}", name)

    def _adapters(self) -> dict[str, AdapterConfig]:
        if self._purpose is Purpose.CHAT:
            listed = {n: s for n, s in self.sections("adapters").items() if s.get("kind", n) == TERMINAL_KIND}
            listed = listed or {TERMINAL_KIND: {}}
        elif "adapters" in self._tree:
            listed = self.sections("adapters")
        else:
            listed = {kind: {} for kind, adapter in working_adapters().items() if self._is_in_environment(adapter)}
        found = {name: self.adapter(name, section) for name, section in listed.items()}
        adapters = {name: adapter for name, adapter in found.items() if adapter is not None}
        runnable = any(adapter is None or adapter.adapter.in_run for adapter in found.values())
        if self._purpose is Purpose.RUN and not runnable and not self._mistakes_at("adapters"):
            self._blame_no_platform()
        return adapters

    def _is_in_environment(self, adapter: Adapter[Any]) -> bool:
        settings: type[AdapterSettings] = adapter.settings
        return adapter.in_run and required_are_set(settings, self._environ)

    def _blame_no_platform(self) -> None:
        ways = [
            f"[adapters.{kind}] (or {' and '.join(required_variables(adapter.settings))} in the environment)"
            for kind, adapter in working_adapters().items()
            if adapter.in_run
        ]
        self._blame(
            ("adapters",), f"no platform is configured; write a section {' or '.join(ways) or '[adapters.NAME]'}."
        )

    def _only_one_of(self, kind: str) -> bool:
        kinds = [str(section.get("kind", name)) for name, section in self._raw_adapters().items()]
        return kinds.count(kind) <= 1

    def _raw_adapters(self) -> dict[str, Tree]:
        found = self._tree.get("adapters", {})
        return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}

    def _any_set(self, model: type[BaseModel]) -> bool:
        return any(self._environ.get(variable) for variable in customary_variables(model))

    def _check_identity(self) -> None:
        """Demand the secret; asks what was written, because ``BridgeSettings`` may have failed for another reason."""
        written = self._tree.get("bridge", {})
        if not isinstance(written, dict):
            return
        given = fill_customary(written, BridgeSettings, self._environ, ("bridge",), self._origins)
        if given.get("user_id", "auto") == "auto" and not given.get("identity_secret"):
            problem = (
                "is missing; it keeps the ids of your users from the agent's service, and their conversations apart. "
                f'Write user_id = "plain" to do without, or {secret_advice(fresh_secret())}'
            )
            self._blame(("bridge", "identity_secret"), problem)

    # --- mistakes -----------------------------------------------------------------------------------------------------

    def _validated(self, section: Any, model: type[M], at: Path) -> M | None:
        try:
            return model.model_validate(section)
        except ValidationError as error:
            self._mistakes += mistakes_of(error, model, at, self._origins)
            return None

    def _blame(self, path: Path, problem: str, value: object = ABSENT) -> None:
        shown = ABSENT if isinstance(value, dict | list) else value
        self._mistakes.append(Mistake(path, problem, shown, origin=self._origins.get(path, "")))

    def _mistakes_at(self, section: str) -> bool:
        return any(mistake.path[:1] == (section,) for mistake in self._mistakes)
