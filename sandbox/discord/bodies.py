"""Reading a request: JSON, or ``multipart/form-data`` with ``payload_json`` and ``files[n]``."""

import json
import mimetypes
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.discord.errors import http_error, refusal
from sandbox.discord.ids import Mint, as_snowflake
from sandbox.discord.model import Attachment


async def read_body(request: web.Request, mint: Mint, *, limit_bytes: int) -> tuple[Any, list[Attachment]]:
    """Return the JSON of a request and its files.

    Raises:
        ApiError: 40005 too large; 50109 no JSON; 400 for another content type.
    """
    if (request.content_length or 0) > limit_bytes:
        raise refusal(40005)
    if request.content_type.startswith("multipart/"):
        return await _read_parts(request, mint)
    raw = await request.read()
    if len(raw) > limit_bytes:
        raise refusal(40005)
    if not raw.strip():
        return None, []
    if request.content_type != "application/json":
        raise http_error(400, 'Expected "Content-Type" header to be one of application/json, multipart/form-data')
    return _parse(raw), []


async def _read_parts(request: web.Request, mint: Mint) -> tuple[Any, list[Attachment]]:
    body: Any = None
    contents: dict[str, tuple[str, bytes, str | None]] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        name = part.name or ""
        content = bytes(await part.read())
        if name == "payload_json":
            body = _parse(content)
        elif name.startswith("files["):
            contents[name[len("files[") : -1]] = (part.filename or "unknown", content, part.headers.get("Content-Type"))
    return body, [_file(number, *given, body=body, mint=mint) for number, given in contents.items()]


def _file(number: str, name: str, content: bytes, given_type: str | None, *, body: Any, mint: Mint) -> Attachment:
    listed = body.get("attachments") if isinstance(body, dict) else None
    entries = [entry for entry in listed or [] if as_snowflake(entry.get("id")) == number]
    described = entries[0] if entries else {}
    guessed = mimetypes.guess_type(name)[0]
    known_type = given_type if given_type and given_type != "application/octet-stream" else guessed
    return Attachment(
        id=mint.snowflake(),
        name=str(described.get("filename") or name),
        content=content,
        content_type=known_type or "application/octet-stream",
        channel_id="",
        description=described.get("description"),
    )


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise refusal(50109) from None
