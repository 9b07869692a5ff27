"""Answers that come after the acknowledgement: ``response_url`` posts, and what a command answers at once."""

from aiohttp import web

from sandbox.slack.calls import Arguments, read_arguments
from sandbox.slack.content import read_content
from sandbox.slack.model import Channel, Installation, Json, Message
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Service
from sandbox.slack.tickets import ResponseUrl

SPENT_ERRORS = frozenset({"invalid_url", "expired_url", "used_url"})


class ResponseUrlServer:
    """Serves ``POST /response/{key}``: no token, five uses, thirty minutes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add_routes(self, app: web.Application) -> None:
        """Register the route."""
        app.router.add_post("/response/{key}", self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Post, replace or delete; answer the text ``ok``."""
        service = self._service
        try:
            values = await read_arguments(request)
            service.journal.record("slack", "request", "response_url", args=values)
            known = service.response_urls.use(request.match_info["key"])
            self._apply(known, values)
        except Refusal as refusal:
            spent = refusal.error in SPENT_ERRORS
            status = service.switches.response_url_failure_status if spent else 400
            service.journal.record("slack", "reply", "response_url", ok=False, error=refusal.error, status=status)
            return web.Response(text=refusal.error, status=status)
        service.journal.record("slack", "reply", "response_url", ok=True, error=None, status=200)
        return web.Response(text="ok")

    def _apply(self, known: ResponseUrl, values: Json) -> None:
        service = self._service
        workspace = service.workspaces[known.team_id]
        installation = service.registry.installation(known.app_id, known.team_id)
        assert installation is not None
        original = workspace.message(known.channel, known.message_ts) if known.message_ts else None
        if original is None or original.deleted:
            original = None
        channel = workspace.channels[known.channel]
        args = Arguments(values)
        if args.flag("delete_original"):
            if original is None:
                raise Refusal("message_not_found")
            service.stage.remove(workspace, original)
        elif args.flag("replace_original") and original is not None:
            content = read_content(args, service.switches)
            service.stage.change(
                workspace, original, text=content.text, blocks=content.blocks, attachments=content.attachments
            )
        else:
            apply_answer(service, installation, channel, known.user, values)


def apply_answer(service: Service, installation: Installation, channel: Channel, user: str, values: Json) -> Message:
    """Show an app's answer: to the one user (``ephemeral``, the default), or to the channel (``in_channel``).

    Raises:
        Refusal: The content is not acceptable.
    """
    args = Arguments(values)
    content = read_content(args, service.switches)
    workspace = service.workspaces[installation.team_id]
    message = Message(
        channel=channel.id,
        ts=workspace.mint.ts(),
        user=installation.bot_user_id,
        text=content.text,
        blocks=content.blocks,
        attachments=content.attachments,
        thread_ts=args.optional("thread_ts"),
        author_app=installation.app.id,
        bot_id=installation.bot_id,
        metadata=content.metadata,
        ephemeral_for=None if args.text("response_type") == "in_channel" else user,
        unfurl=(args.flag("unfurl_links", True), args.flag("unfurl_media", True)),
    )
    return service.stage.post(workspace, message)
