"""Slack as a platform of the bridge: Socket Mode, threads, answers that grow by ``chat.update``.

Importing this costs neither the SDK nor a connection: both come with ``build``, ``check`` and ``manifest``.
"""

from adapters.slack.settings import SlackSettings
from bridge.extension import Adapter, Finding, Services
from bridge.model import Offer
from bridge.ports import Platform

__all__ = ["ADAPTER", "SlackSettings"]


def _build(name: str, settings: SlackSettings, services: Services) -> Platform:
    from adapters.slack.adapter import SlackPlatform

    return SlackPlatform(name, settings, services)


async def _check(name: str, settings: SlackSettings) -> list[Finding]:
    from adapters.slack.check import check

    return await check(name, settings)


def _manifest(settings: SlackSettings, offers: tuple[Offer, ...]) -> str:
    from adapters.slack.manifest import manifest

    return manifest(settings, offers)


ADAPTER = Adapter(settings=SlackSettings, build=_build, check=_check, commands={"manifest": _manifest})
