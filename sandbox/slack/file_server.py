"""Where file bytes come and go: upload addresses without authorization, downloads with a bot token.

A download without the right answers an HTML sign-in page with status 200, as Slack does: never an error.
"""

from aiohttp import web

from sandbox.slack.auth import bearer_token
from sandbox.slack.model import FileRecord
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Service

SIGN_IN_PAGE = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to your workspace</body></html>"


class FileServer:
    """Serves ``/upload/v1/…``, ``/files-pri/…`` and the sign-in page."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add_routes(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_post("/upload/v1/{file_id}", self.receive)
        app.router.add_get("/files-pri/{owner}/{name}", self.send)
        app.router.add_get("/files-pri/{owner}/download/{name}", self.send)
        app.router.add_get("/signin", self.sign_in)

    async def receive(self, request: web.Request) -> web.Response:
        """Take the bytes of an announced file, raw or as a multipart form."""
        record = self._find(request.match_info["file_id"])
        if record is None or record.complete:
            return web.Response(status=404, text="no such upload")
        record.content = await _content(request)
        self._service.journal.record("slack", "upload", record.name, file=record.id, size_bytes=len(record.content))
        return web.Response(text=f"OK - {len(record.content)}")

    async def send(self, request: web.Request) -> web.Response:
        """Send a hosted file to a bot that may read it."""
        record = self._find(request.match_info["owner"].partition("-")[2])
        allowed = record is not None and self._may_read(request, record)
        self._service.journal.record("slack", "download", request.match_info["name"], allowed=allowed)
        if record is None or not allowed:
            if self._service.switches.file_sign_in_redirects:
                raise web.HTTPFound("/signin")
            return await self.sign_in(request)
        if record.mode != "hosted":
            return web.Response(status=404, text="this file has no bytes here")
        return web.Response(body=record.content, content_type=record.mimetype)

    async def sign_in(self, request: web.Request) -> web.Response:
        """The page a browser without a session sees."""
        return web.Response(text=SIGN_IN_PAGE, content_type="text/html")

    def _may_read(self, request: web.Request, record: FileRecord) -> bool:
        try:
            caller = self._service.registry.identify(bearer_token(request))
            caller.require("files:read")
            bot = caller.bot
        except Refusal:
            return False
        workspace = self._service.workspaces[bot.team_id]
        if record.id not in workspace.files:
            return False
        channels = [workspace.channels[channel] for channel, _, _ in record.shares]
        is_given = bot.bot_user_id in {record.user, *record.given_to}
        return is_given or any(bot.bot_user_id in channel.members for channel in channels)

    def _find(self, file_id: str) -> FileRecord | None:
        for workspace in self._service.workspaces.values():
            if file_id in workspace.files:
                return workspace.files[file_id]
        return None


async def _content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    for value in form.values():
        if isinstance(value, web.FileField):
            return value.file.read()
    return b""
