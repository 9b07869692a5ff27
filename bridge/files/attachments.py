"""Files that come with a question, on their way from the platform to the agent.

Which of them go along is decided first, by what the platform tells of them (``sort_out``). Whatever then goes wrong
with one of them is said below the answer, and the question goes on without it. Nothing of it is written down: an upload
whose question a crash cut is made again, and does no harm.
"""

import asyncio
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import structlog

from bridge.errors import AgentError, AgentRejected, AgentUnauthorized, FileTooLarge, PlatformError, PlatformRejected
from bridge.model import Attachment, Envelope, FileKind, QuestionFile
from bridge.ports import Agent, Platform
from bridge.texts import Say, say

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Files in memory at the same time, of all questions together: four of the largest fit into any machine."""

MEGABYTE = 1_000_000
NAME_CHARS = 60
TYPE_BY_SUFFIX = {".heic": "image/heic", ".heif": "image/heif", ".webp": "image/webp", ".m4a": "audio/mp4"}
"""What the platforms carry and ``mimetypes`` may not know."""

AGENT_REASONS = frozenset({Say.FILE_TYPE_REFUSED, Say.FILE_REFUSED})


@dataclass(frozen=True, slots=True)
class FileRules:
    """What the operator decides about files.

    Attributes:
        max_count: Of one question.
        timeout_s: The longest reading and uploading one may take.
    """

    kinds: frozenset[FileKind] = frozenset(FileKind)
    max_bytes: int = 20 * MEGABYTE
    max_count: int = 5
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file the agent does not get.

    Attributes:
        passing: It may work another time.
    """

    name: str
    why: Say
    values: Mapping[str, object] = field(default_factory=dict)
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that goes along, and the message it came with."""

    envelope: Envelope
    attachment: Attachment
    kind: FileKind


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a question's files."""

    files: tuple[QuestionFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def kind_of(attachment: Attachment) -> FileKind:
    """Tell how an agent takes a file in, by its media type or else by its name."""
    family = _media_type(attachment).partition("/")[0]
    return FileKind(family) if family in (FileKind.IMAGE, FileKind.AUDIO) else FileKind.FILE


def full_name(attachment: Attachment) -> str:
    """Return a file's name with a suffix: by it the agent's service tells the type."""
    name = attachment.name.replace("/", "_").strip() or "file"
    return name if PurePath(name).suffix else name + (mimetypes.guess_extension(attachment.media_type) or "")


def _media_type(attachment: Attachment) -> str:
    if attachment.media_type and attachment.media_type != "application/octet-stream":
        return attachment.media_type
    suffix = PurePath(attachment.name).suffix.lower()
    return TYPE_BY_SUFFIX.get(suffix) or mimetypes.guess_type(attachment.name)[0] or ""


def sort_out(
    envelopes: Sequence[Envelope], rules: FileRules, taken: frozenset[FileKind]
) -> tuple[list[Wanted], list[LeftOut]]:
    """Tell which files go along, in order, and which do not, by what is known without reading them.

    Args:
        taken: The kinds that the agent takes.
    """
    wanted: list[Wanted] = []
    left_out: list[LeftOut] = []
    for envelope in envelopes:
        for file in envelope.attachments:
            kind = kind_of(file)
            if kind not in rules.kinds or kind not in taken:
                left_out.append(LeftOut(file.name, Say.FILE_KIND))
            elif file.size_bytes > rules.max_bytes:
                left_out.append(_too_large(file, rules))
            elif len(wanted) >= rules.max_count:
                left_out.append(LeftOut(file.name, Say.FILE_ONE_TOO_MANY, {"max": rules.max_count}))
            else:
                wanted.append(Wanted(envelope, file, kind))
    return wanted, left_out


def word_left_out(key: Say, left_out: Sequence[LeftOut], locale: str) -> str:
    """Say in one line which files the agent did not get, and why; empty when there are none."""
    return say(key, locale, files=list_left_out(left_out, locale)) if left_out else ""


def list_left_out(left_out: Sequence[LeftOut], locale: str) -> str:
    """Name files, each with the reason why the agent did not get it."""
    return ", ".join(f"{readable_name(file.name)} ({say(file.why, locale, **file.values)})" for file in left_out)


def word_names(attachments: Sequence[Attachment]) -> str:
    """Return what the agent reads where somebody sent files without words."""
    return f"[{', '.join(readable_name(file.name) for file in attachments)}]" if attachments else ""


def readable_name(name: str) -> str:
    """Return a name as it may stand in a sentence: one line, not long, without marks that mean something there."""
    plain = "".join(mark if mark.isprintable() and mark not in "`*~|<>[]@" else " " for mark in name)
    shown = " ".join(plain.split()) or "?"
    return shown if len(shown) <= NAME_CHARS else f"{shown[: NAME_CHARS - 1]}…"


def _too_large(file: Attachment, rules: FileRules) -> LeftOut:
    return LeftOut(file.name, Say.FILE_TOO_LARGE, {"max": f"{rules.max_bytes / MEGABYTE:g}"})


class Carrier:
    """Carries files to agents, a few at a time for the whole process."""

    def __init__(self, rules: FileRules | None = None) -> None:
        self.rules = rules or FileRules()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def carry(self, wanted: Sequence[Wanted], platform: Platform, agent: Agent) -> Carried:
        """Read and upload files side by side; none can make the others fail. Cancelling leaves unused uploads."""
        async with asyncio.TaskGroup() as tasks:
            under_way = [tasks.create_task(self._carry(file, platform, agent)) for file in wanted]
        ended = [task.result() for task in under_way]
        return Carried(
            tuple(file for file in ended if isinstance(file, QuestionFile)),
            tuple(file for file in ended if isinstance(file, LeftOut)),
        )

    async def _carry(self, wanted: Wanted, platform: Platform, agent: Agent) -> QuestionFile | LeftOut:
        file = wanted.attachment
        try:
            async with self._room, asyncio.timeout(self.rules.timeout_s):
                content = await platform.fetch(wanted.envelope, file, self.rules.max_bytes)
                if not content:
                    return LeftOut(file.name, Say.FILE_EMPTY)
                reference = await agent.upload(full_name(file), _media_type(file), content)
                return QuestionFile(wanted.kind, reference)
        except FileTooLarge:
            return _too_large(file, self.rules)
        except PlatformError as error:
            log.warning("file not read", file=file.id, reason=error.reason)
            return LeftOut(file.name, Say.FILE_NOT_READ, passing=not isinstance(error, PlatformRejected))
        except AgentError as error:
            log.warning("file not uploaded", file=file.id, code=error.code, reason=error.reason, hint=error.hint)
            said = error.said if error.said in AGENT_REASONS else Say.FILE_NOT_TAKEN
            lasting = isinstance(error, AgentRejected) and not isinstance(error, AgentUnauthorized)
            return LeftOut(file.name, said, passing=not lasting)
        except TimeoutError:
            log.warning("file not carried in time", file=file.id, limit_s=self.rules.timeout_s)
            return LeftOut(file.name, Say.FILE_TOO_SLOW, passing=True)
