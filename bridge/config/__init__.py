"""The configuration: what it consists of (``models``), where it comes from (``load``, ``environment``), what is wrong
with it (``mistakes``)."""

from bridge.config.models import AdapterConfig, AgentConfig, Config

__all__ = ["AdapterConfig", "AgentConfig", "Config"]
