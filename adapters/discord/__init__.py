"""Discord as a platform of the bridge: the gateway, threads and forums, answers that grow by edits.

Importing this costs neither the SDK nor a connection: both come with ``build`` and ``check``.
"""

from adapters.discord.settings import DiscordSettings
from bridge.extension import Adapter, Finding, Services
from bridge.model import Offer
from bridge.ports import Platform

__all__ = ["ADAPTER", "DiscordSettings"]


def _build(name: str, settings: DiscordSettings, services: Services) -> Platform:
    from adapters.discord.adapter import DiscordPlatform

    return DiscordPlatform(name, settings, services)


async def _check(name: str, settings: DiscordSettings) -> list[Finding]:
    from adapters.discord.check import check

    return await check(name, settings)


def _invite(settings: DiscordSettings, offers: tuple[Offer, ...]) -> str:
    from adapters.discord.permissions import invite

    return invite(settings)


ADAPTER = Adapter(settings=DiscordSettings, build=_build, check=_check, commands={"invite": _invite})
