"""Files in and out: read with the bot's token, from Slack's own hosts and from nowhere else; brought in three steps.

Source: docs.slack.dev, "Working with files". Whoever may not read one gets the sign-in page, as a success. A file is
seen only after the third step, which is never repeated without looking: by the id of the first Slack tells whether it
was done.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Self

import structlog

from adapters.slack.inbound import MODES_WITHOUT_BYTES
from adapters.slack.limits import FILE_HOSTS
from adapters.slack.refusals import SlackRefused
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from bridge.errors import FileGone, PlatformRejected
from bridge.files.downloading import Downloads
from bridge.files.fetching import Origins, origin_of
from bridge.model import AnswerFile, Attachment, Place

log = structlog.get_logger(__name__)

HTML = "text/html"
NO_SUCH_FILE = "file_not_found"
"""Also what Slack says to the last step when it was done already, and of a file before it."""


class Files:
    """Reads files with one bot's token. Opened and closed by ``async with``."""

    def __init__(self, settings: SlackSettings, web: Web) -> None:
        self._token = settings.bot_token
        self._web = web
        self._origins = Origins(FILE_HOSTS, frozenset({origin_of(settings.base_url)}))
        self._downloads = Downloads(self._origins, silence_s=settings.request_timeout_s, proxy=settings.proxy)

    async def __aenter__(self) -> Self:
        await self._downloads.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._downloads.__aexit__(*exc)

    async def read(self, file: Attachment, limit_bytes: int) -> bytes:
        """Read a file; errors as ``Platform.fetch``."""
        url = file.url or await self._look_up(file.id)
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        download = await self._downloads.read(url, limit_bytes, headers)
        is_page = download.media_type == HTML
        if is_page and (file.media_type != HTML or len(download.content) != file.size_bytes):
            raise PlatformRejected("a file: Slack answers its sign-in page; the scope files:read may be missing")
        return download.content

    async def share(self, place: Place, file: AnswerFile, noted: str, note: Callable[[str], Awaitable[None]]) -> None:
        """Show a file in a thread or channel; see ``ports.FilingReply.attach``."""
        if noted and await self._is_shared(noted):
            return
        file_id = noted or await self._bring(file)
        if not noted:
            await note(file_id)
        arguments = {"files": json.dumps([{"id": file_id, "title": file.name}]), "channel_id": place.channel}
        if place.thread is not None:
            arguments["thread_ts"] = place.thread
        try:
            await self._web.call("files.completeUploadExternal", arguments)
        except SlackRefused as error:
            if not (noted and error.code == NO_SUCH_FILE):
                raise
            log.info("a file was shared by an earlier try", file=file_id)

    async def delete(self, file_id: str) -> None:
        """Delete a file of ours, and with it what shows it; one that is gone is fine."""
        try:
            await self._web.call("files.delete", {"file": file_id})
        except SlackRefused as error:
            if error.code not in (NO_SUCH_FILE, "file_deleted"):
                raise

    async def _bring(self, file: AnswerFile) -> str:
        """Bring a file's bytes to Slack, where nobody sees them yet; return its id."""
        arguments = {"filename": file.name, "length": str(len(file.content))}
        body = await self._web.call("files.getUploadURLExternal", arguments)
        url, file_id = str(body.get("upload_url") or ""), str(body.get("file_id") or "")
        if not file_id or not self._origins.allows(url):
            raise PlatformRejected("a file: Slack names no address of its own to bring it to")
        await self._web.send_file(url, file.content)
        return file_id

    async def _is_shared(self, file_id: str) -> bool:
        """Tell whether the last step was done, as far as Slack tells."""
        try:
            body = await self._web.call("files.info", {"file": file_id})
        except SlackRefused as error:
            log.info("not told whether a file was shared", reason=error.reason)
            return False
        found = body.get("file")
        return isinstance(found, dict) and bool(found.get("shares"))

    async def _look_up(self, file_id: str) -> str:
        """Ask for the address of a file of which the message did not tell it: one from another company's workspace."""
        body = await self._web.call("files.info", {"file": file_id})
        found = body.get("file")
        details = found if isinstance(found, dict) else {}
        url = str(details.get("url_private_download") or details.get("url_private") or "")
        if not url or details.get("mode") in MODES_WITHOUT_BYTES:
            raise FileGone("a file: Slack holds no bytes of it")
        return url
