"""The files that come with messages: read from Discord's own hosts, without a token.

Their addresses are signed and expire, so one that has is asked for anew, with its message. Source: docs.discord.com,
"API Reference", signed attachment addresses.
"""

from typing import Self

import structlog

from adapters.discord.ids import parse_delivery_key
from adapters.discord.inbound import attachments_of
from adapters.discord.limits import FILE_HOSTS
from adapters.discord.settings import DiscordSettings
from adapters.discord.web import Web
from bridge.errors import FileGone
from bridge.files.downloading import Downloads
from bridge.files.fetching import Origins, origin_of
from bridge.model import Attachment, Envelope

log = structlog.get_logger(__name__)

PATIENCE_S = 5.0
"""How long a full bucket may delay the question for a fresh address."""


class Files:
    """Reads attachments. Opened and closed by ``async with``."""

    def __init__(self, settings: DiscordSettings, web: Web) -> None:
        self._web = web
        origins = Origins(FILE_HOSTS, frozenset({origin_of(settings.api_url)}))
        self._downloads = Downloads(origins, silence_s=settings.request_timeout_s, proxy=settings.proxy)

    async def __aenter__(self) -> Self:
        await self._downloads.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._downloads.__aexit__(*exc)

    async def read(self, envelope: Envelope, file: Attachment, limit_bytes: int) -> bytes:
        """Read a file; errors as ``Platform.fetch``."""
        try:
            return (await self._downloads.read(file.url, limit_bytes)).content
        except FileGone:
            log.info("an attachment's address has expired", file=file.id)
        return (await self._downloads.read(await self._fresh_url(envelope, file), limit_bytes)).content

    async def _fresh_url(self, envelope: Envelope, file: Attachment) -> str:
        question = parse_delivery_key(envelope.delivery_key)
        path = f"/channels/{question.channel}/messages/{question.message}"
        message = await self._web.call("GET", path, patience_s=PATIENCE_S)
        found = attachments_of(message) if isinstance(message, dict) else ()
        url = next((known.url for known in found if known.id == file.id), "")
        if not url:
            raise FileGone("a file: its message does not have it any more")
        return url
