"""The file routes (reference, section 7). Contents are counted and digested, not kept."""

import hashlib
from pathlib import PurePath

from aiohttp import BodyPartReader, MultipartReader

from sandbox.coze.calls import Call, Handlers, Reply
from sandbox.coze.errors import CozeError
from sandbox.coze.services import Services
from sandbox.coze.state import UploadedFile

_CHUNK_BYTES = 1 << 16
DOCUMENTED_SUFFIXES = frozenset(  # and jpeg, which is jpg by its full name
    (
        "doc docx xls xlsx ppt pptx pdf numbers csv cpp py java c jpg jpg2 jpeg png gif webp heic heif bmp pcd tiff "
        "wav mp3 flac m4a aac ogg wma midi mp4 avi mov 3gp 3gpp flv webm wmv rmvb m4v mkv rar zip 7z gz gzip bz2"
    ).split()
)


class FileRoutes:
    """Uploads, visible to the uploading account only."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {"POST /v1/files/upload": self._upload, "GET /v1/files/retrieve": self._retrieve}

    async def _upload(self, call: Call) -> Reply:
        if call.request.content_type != "multipart/form-data" or "boundary" not in (
            call.request.headers.get("Content-Type", "")
        ):
            raise CozeError(4300)  # what a hand-written Content-Type without its boundary comes to
        found: list[tuple[str, int, str]] = []
        try:
            reader = await call.request.multipart()
            while (part := await reader.next()) is not None:
                found.extend(await self._read_part(part))
        except ValueError as error:
            raise CozeError(4304) from error
        if len(found) > 1:
            raise CozeError(4301)
        if not found or found[0][1] == 0:
            raise CozeError(4300)
        return Reply(self._services.dialect.file(self._store(call, *found[0])))

    async def _read_part(self, part: MultipartReader | BodyPartReader) -> list[tuple[str, int, str]]:
        if not isinstance(part, BodyPartReader) or part.name != "file" or not part.filename:
            return []
        documented = PurePath(part.filename).suffix.lower().lstrip(".") in DOCUMENTED_SUFFIXES
        if not documented and self._services.switches.undocumented_file_types == "refused":
            raise CozeError(4303)
        size_bytes, digest = 0, hashlib.sha256()
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            size_bytes += len(chunk)
            digest.update(chunk)
            if size_bytes > self._services.switches.max_file_bytes:
                raise CozeError(4302)
        return [(part.filename, size_bytes, digest.hexdigest())]

    def _store(self, call: Call, file_name: str, size_bytes: int, sha256: str) -> UploadedFile:
        services = self._services
        file = UploadedFile(services.ids.next_id(), call.owner, file_name, size_bytes, sha256, services.now())
        self._services.world.files[file.file_id] = file
        return file

    async def _retrieve(self, call: Call) -> Reply:
        file = self._services.world.file(call.needed("file_id"), call.owner)
        return Reply(self._services.dialect.file(file))
