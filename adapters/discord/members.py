"""Who somebody is on a server: messages that are read afterwards come without it."""

from collections import OrderedDict
from typing import Any

from adapters.discord.refusals import DiscordRefused
from adapters.discord.web import Web

MEMBERS_KEPT = 1_000
PATIENCE_S = 10.0


class Members:
    """Members of servers, asked for once."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._found: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    async def find(self, guild_id: str, user_id: str) -> dict[str, Any]:
        """Return what makes a person a member: roles, the name here. Empty for one who has left.

        Raises:
            PlatformError: It cannot be found out now.
        """
        key = (guild_id, user_id)
        if key not in self._found:
            try:
                member = await self._web.call("GET", f"/guilds/{guild_id}/members/{user_id}", patience_s=PATIENCE_S)
            except DiscordRefused:
                member = None
            self._found[key] = member if isinstance(member, dict) else {}
            if len(self._found) > MEMBERS_KEPT:
                self._found.popitem(last=False)
        return self._found[key]
