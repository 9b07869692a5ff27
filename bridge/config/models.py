"""The whole configuration as one immutable value, for the composition root and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, SecretStr, create_model

from bridge.config.mistakes import is_secret
from bridge.coze.settings import CozeConnection
from bridge.extension import Adapter, AdapterSettings
from bridge.settings import (
    AgentSettings,
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
from bridge.tools.settings import ToolSettings
from bridge.workflows.settings import WorkflowSettings

DEFAULT_AGENT = "default"


class AgentConfig(AgentSettings, CozeConnection):
    """A section ``[agents.NAME]``: which bot, how to reach it, and what it may use at our side."""

    tools: dict[str, ToolSettings] = Field(
        default_factory=dict, description="Tools of yours that the agent may use, by the names it has for them."
    )


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """A section ``[adapters.NAME]``: what runs under this name, and its own validated settings."""

    name: str
    kind: str
    adapter: Adapter[Any]
    settings: AdapterSettings


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that was configured, validated as a whole.

    Attributes:
        agents: By name; never empty.
        default_agent: Answers where no route fits; a key of ``agents``.
        routes: Their agents and adapters exist.
        adapters: By instance name.
        workflows: By the name people type; their agents exist.
        source: Where it came from, for people to read.
    """

    bridge: BridgeSettings
    gate: GateSettings
    pace: PaceSettings
    store: StoreSettings
    log: LogSettings
    agents: Mapping[str, AgentConfig]
    default_agent: str
    routes: tuple[RouteSettings, ...] = ()
    adapters: Mapping[str, AdapterConfig] = field(default_factory=dict)
    source: str = ""
    health: HealthSettings = field(default_factory=HealthSettings)
    workflows: Mapping[str, WorkflowSettings] = field(default_factory=dict)
    files: FilesSettings = field(default_factory=FilesSettings)
    controls: ControlSettings = field(default_factory=ControlSettings)


def without_secrets(model: type[AdapterSettings]) -> type[AdapterSettings]:
    """Derive a model in which required secrets may be absent; they are empty then."""
    optional: dict[str, Any] = {
        name: (info.annotation, Field(SecretStr(""), json_schema_extra=info.json_schema_extra))
        for name, info in model.model_fields.items()
        if info.is_required() and is_secret(info)
    }
    return create_model(model.__name__, __base__=model, **optional)
