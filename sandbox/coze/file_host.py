"""A host for what agents and workflows make: images and files at addresses that answers link to.

Coze keeps them elsewhere than its API, needs no credential for them and shortens some addresses by redirects.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import web

from sandbox.journal import Journal

PREFIX = "/hosted"


@dataclass(slots=True)
class FileHost:
    """What is hosted, by path."""

    journal: Journal
    contents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)

    def add_to(self, app: web.Application) -> None:
        """Add the route to an application."""
        app.router.add_get(PREFIX + "/{name:.*}", self._serve)

    def host(self, name: str, content: bytes, media_type: str) -> str:
        """Host a file; return its path."""
        self.contents[name] = (content, media_type)
        return f"{PREFIX}/{quote(name)}"

    def redirect(self, name: str, target: str) -> str:
        """Lead a short address elsewhere; return its path."""
        self.redirects[name] = target
        return f"{PREFIX}/{quote(name)}"

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        authorised = "Authorization" in request.headers
        self.journal.record("coze", "download", name, authorised=authorised)
        if name in self.redirects:
            raise web.HTTPFound(self.redirects[name])
        if name not in self.contents:
            return web.Response(status=404)
        content, media_type = self.contents[name]
        return web.Response(body=content, content_type=media_type)
