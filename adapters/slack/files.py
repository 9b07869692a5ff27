"""The files that come with messages: read with the bot's token, from Slack's own hosts and from nowhere else.

Source: docs.slack.dev, "Working with files". Whoever may not read one gets the sign-in page, as a success.
"""

from typing import Self

from adapters.slack.inbound import MODES_WITHOUT_BYTES
from adapters.slack.limits import FILE_HOSTS
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from bridge.errors import FileGone, PlatformRejected
from bridge.files.downloading import Downloads
from bridge.files.fetching import Origins, origin_of
from bridge.model import Attachment

HTML = "text/html"


class Files:
    """Reads files with one bot's token. Opened and closed by ``async with``."""

    def __init__(self, settings: SlackSettings, web: Web) -> None:
        self._token = settings.bot_token
        self._web = web
        origins = Origins(FILE_HOSTS, frozenset({origin_of(settings.base_url)}))
        self._downloads = Downloads(origins, silence_s=settings.request_timeout_s, proxy=settings.proxy)

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

    async def _look_up(self, file_id: str) -> str:
        """Ask for the address of a file of which the message did not tell it: one from another company's workspace."""
        body = await self._web.call("files.info", {"file": file_id})
        found = body.get("file")
        details = found if isinstance(found, dict) else {}
        url = str(details.get("url_private_download") or details.get("url_private") or "")
        if not url or details.get("mode") in MODES_WITHOUT_BYTES:
            raise FileGone("a file: Slack holds no bytes of it")
        return url
