"""Everything that a bridge imports, for ``warm``: nothing here starts anything."""

from importlib import import_module

MODULES = (
    "adapters.console.adapter",
    "adapters.discord.adapter",
    "adapters.slack.adapter",
    "bridge.app",
    "bridge.cli",
    "bridge.coze.client",
    "bridge.operations.http_server",
    "bridge.stores.sqlite",
)

for module in MODULES:
    import_module(module)
