"""Files that people bring along: with a message, or in a form."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.slack import limits
from sandbox.slack.model import FileRecord, Installation, Json, User
from sandbox.slack.service import Service
from sandbox.slack.wire import file_body
from sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file somebody attaches.

    Attributes:
        mimetype: Guessed from the name when ``None``.
        mode: ``hosted``, or a mode without bytes: ``external``, ``tombstone``, ``hidden_by_limit``.
    """

    name: str
    content: bytes = b""
    mimetype: str | None = None
    mode: str = "hosted"


def keep(service: Service, workspace: Workspace, author: User, file: FileUpload) -> FileRecord:
    """Store a file that somebody brought."""
    record = FileRecord(
        id=workspace.mint.id("F"),
        name=file.name,
        mimetype=file.mimetype or mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        user=author.id,
        team_id=workspace.team.id,
        created=int(service.clock.now()),
        content=file.content,
        size_bytes=len(file.content),
        mode=file.mode,
    )
    workspace.files[record.id] = record
    return record


def put_in(
    service: Service, installation: Installation, author: User, element: Json, files: Sequence[FileUpload]
) -> list[Json]:
    """Put files into a ``file_input``; return what its state then holds.

    Raises:
        ValueError: Slack's own window would not let anybody do it: too many, too large, of a type that is not listed.
    """
    if len(files) > element.get("max_files", limits.FILE_INPUT_FILES_MAX):
        raise ValueError(f"{len(files)} files are too many for this input")
    types = [str(known).lower() for known in element.get("filetypes", ())]
    for file in files:
        if types and file.name.rpartition(".")[2].lower() not in types:
            raise ValueError(f"{file.name} is none of {', '.join(types)}")
        if len(file.content) > limits.FILE_INPUT_MAX_BYTES:
            raise ValueError(f"{file.name} is larger than 10 MB")
    workspace = service.workspaces[installation.team_id]
    records = [keep(service, workspace, author, file) for file in files]
    for record in records:
        record.given_to.add(installation.bot_user_id)
    return [file_body(record, service.base_url(), workspace.team.domain) for record in records]
