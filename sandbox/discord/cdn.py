"""The files of messages: signed addresses that expire, and the bytes behind them (reference 5, Attachments)."""

import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from sandbox.clock import SandboxClock
from sandbox.discord.model import Attachment
from sandbox.discord.switches import DiscordSwitches
from sandbox.journal import Journal

if TYPE_CHECKING:
    from sandbox.discord.world import World

GONE = "This content is no longer available."


class Cdn:
    """Signs addresses and serves what they name; no Authorization is needed or looked at."""

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        switches: DiscordSwitches,
        secret: str,
        base_url: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._switches = switches
        self._secret = secret.encode()
        self._base_url = base_url
        self._world: World | None = None

    def add_routes(self, app: web.Application, world: "World") -> None:
        """Register the route that serves the files of ``world``."""
        self._world = world
        app.router.add_get("/cdn/attachments/{channel}/{attachment}/{name}", self.serve)

    def url(self, attachment: Attachment) -> str:
        """Return a fresh address, good for the time in the switches."""
        issued = int(self._clock.now())
        expires = f"{issued + int(self._switches.cdn_link_lifetime_s):x}"
        path = f"{attachment.channel_id}/{attachment.id}/{quote(attachment.name)}"
        query = f"ex={expires}&is={issued:x}&hm={self._signature(attachment.id, expires)}"
        return f"{self._base_url()}/cdn/attachments/{path}?{query}"

    async def serve(self, request: web.Request) -> web.Response:
        """``GET /cdn/attachments/...``: the bytes, or 404 for a wrong or expired signature."""
        attachment_id, expires = request.match_info["attachment"], request.query.get("ex", "0")
        attachment = self._world.attachments.get(attachment_id) if self._world else None
        signed = hmac.compare_digest(request.query.get("hm", ""), self._signature(attachment_id, expires))
        if attachment is None or not signed or self._clock.now() > int(expires, 16):
            self._journal.record("discord", "download", attachment_id, status=404)
            return web.Response(text=GONE, status=404)
        self._journal.record("discord", "download", attachment_id, status=200, bytes=len(attachment.content))
        return web.Response(body=attachment.content, headers={"Content-Type": attachment.content_type})

    def _signature(self, attachment_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{attachment_id}:{expires}".encode(), hashlib.sha256).hexdigest()
