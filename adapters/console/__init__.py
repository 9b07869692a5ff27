"""A terminal as a platform: talk to your agent without any chat service.

The smallest adapter there is, and so the example to begin a new one with. Nothing heavy is imported before it is used.
"""

from adapters.console.settings import ConsoleSettings
from bridge.extension import Adapter, Finding, Services
from bridge.ports import Platform


def _build(name: str, settings: ConsoleSettings, services: Services) -> Platform:
    from adapters.console.adapter import Terminal

    return Terminal(name, settings, services)


async def _check(name: str, settings: ConsoleSettings) -> list[Finding]:
    return [Finding(True, f"{name}: a terminal needs no account; `coze-bridge chat` uses it")]


ADAPTER = Adapter(settings=ConsoleSettings, build=_build, check=_check, in_run=False)
