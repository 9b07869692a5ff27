"""Brings the files of one answer to the platform: what it links to, and results that are too long for messages.

What a platform needs to find out whether a file stands there is written down before it may, so that a crash neither
loses one nor shows it twice. What cannot be brought stays what it is in the text, a link, and a sentence says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog

from bridge.errors import (
    FileTooLarge,
    PlatformError,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
    StoreError,
)
from bridge.files.answer_files import PAGES, AnswerFileRules, files_in, name_of, type_of
from bridge.files.attachments import LeftOut, word_left_out
from bridge.files.fetching import Download, Fetcher
from bridge.model import AnswerFile, FileNote, ResultFile
from bridge.ports import Clock, FilingReply, Reply
from bridge.texts import Say
from bridge.turns.ledger import Ledger

T = TypeVar("T")

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Files of answers in memory at the same time, of the whole process."""
TRIES = 3
PAUSE_S = 1.0
PAUSE_MAX_S = 15.0
LINKS_FROM = 100
"""What an answer links to is numbered from here on; before stand its results, which come first."""
TEXT = "text/plain"
JSON = "application/json"


class Filings:
    """What the files of all answers share.

    Args:
        fetcher: Reads what answers link to; ``None``: links stay links.
    """

    def __init__(self, clock: Clock, rules: AnswerFileRules | None = None, fetcher: Fetcher | None = None) -> None:
        self.clock = clock
        self.rules = rules or AnswerFileRules()
        self.fetcher = fetcher
        self.room = asyncio.Semaphore(AT_ONCE)

    def of(self, reply: Reply, ledger: Ledger, locale: str) -> "Filing":
        """Return what brings the files of one answer."""
        return Filing(self, reply, ledger, locale)


class Filing:
    """The files of one answer. ``results`` and ``links`` may each be called again after a crash."""

    def __init__(self, shared: Filings, reply: Reply, ledger: Ledger, locale: str) -> None:
        self._shared = shared
        self._reply = reply
        self._ledger = ledger
        self._locale = locale

    async def results(self, results: Sequence[ResultFile]) -> tuple[ResultFile, ...]:
        """Bring what is too long for messages; returns what has to be shown as text instead."""
        as_text = []
        for number, result in enumerate(results):
            note = self._noted(result.name, number)
            if note.over:
                continue
            kind = JSON if result.name.endswith(".json") else TEXT
            file = AnswerFile(number, result.name, kind, result.text.encode("utf-8", "replace"))
            try:
                await self._attach(file, note)
            except (PlatformError, StoreError, TimeoutError) as error:
                log.warning("a result cannot be a file, showing it as text", reason=str(error) or type(error).__name__)
                as_text.append(result)
            else:
                await self._over(note)
        return tuple(as_text)

    async def links(self, text: str) -> str:
        """Bring the files that an answer links to; returns a sentence about those that stay links."""
        rules, fetcher = self._shared.rules, self._shared.fetcher
        if fetcher is None or not isinstance(self._reply, FilingReply):
            return ""
        found = files_in(text, rules.origins)
        notes = [self._noted(address, LINKS_FROM + number) for number, address in enumerate(found[: rules.max_count])]
        left_out = [
            LeftOut(name_of(address, ""), Say.FILE_ONE_TOO_MANY, {"max": rules.max_count})
            for address in found[rules.max_count :]
        ]
        not_shown = [await self._bring(fetcher, note) for note in notes if not note.over]
        left_out += filter(None, not_shown)
        return word_left_out(Say.FILES_LINKED, left_out, self._locale)

    async def _bring(self, fetcher: Fetcher, note: FileNote) -> LeftOut | None:
        """Fetch one file and show it; returns why it stays a link. A page is no file, and nothing is said of it."""
        rules, name = self._shared.rules, name_of(note.source, "")
        why: Say | None = None
        try:
            async with self._shared.room, asyncio.timeout(rules.timeout_s):
                download = await self._fetched(fetcher, note.source)
                if download is None:
                    why = Say.FILE_NOT_READ
                elif download.media_type not in PAGES:
                    name = name_of(note.source, download.media_type)
                    kind = type_of(name, download.media_type)
                    await self._attach(AnswerFile(note.number, name, kind, download.content), note)
        except FileTooLarge:
            why = Say.FILE_TOO_LARGE_HERE
        except TimeoutError:
            why = Say.FILE_TOO_SLOW
        except (PlatformError, StoreError) as error:
            log.warning("a file of an answer is not shown", reason=error.reason)
            why = Say.FILE_NOT_SHOWN
        await self._over(note)
        return LeftOut(name, why) if why else None

    async def _fetched(self, fetcher: Fetcher, address: str) -> Download | None:
        try:
            return await self._patiently(lambda: fetcher.read(address, self._shared.rules.max_bytes))
        except FileTooLarge:
            raise
        except PlatformError as error:
            log.info("a file of an answer was not read", reason=error.reason)
            return None

    async def _attach(self, file: AnswerFile, note: FileNote) -> None:
        reply = self._reply
        if not isinstance(reply, FilingReply):
            raise PlatformRejected("this platform takes no files")

        async def noted(handle: str) -> None:
            await self._ledger.advance(self._ledger.state, files=self._with(replace(note, handle=handle)))

        await self._patiently(lambda: reply.attach(file, self._noted(note.source, note.number).handle, noted))

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may be made again, until it is answered or has failed often."""
        tries_left, pause_s = TRIES, PAUSE_S
        while True:
            tries_left -= 1
            try:
                return await call()
            except (PlatformUnavailable, PlatformRateLimited) as error:
                if not tries_left:
                    raise
                wait_s = max(pause_s, getattr(error, "retry_after_s", None) or 0.0)
                if wait_s > PAUSE_MAX_S:
                    raise
            await self._shared.clock.sleep(wait_s)
            pause_s *= 2

    # --- what is written down ---

    def _noted(self, source: str, number: int) -> FileNote:
        known = (note for note in self._ledger.record.files if (note.source, note.number) == (source, number))
        return next(known, FileNote(source, number))

    def _with(self, note: FileNote) -> tuple[FileNote, ...]:
        others = (other for other in self._ledger.record.files if other.number != note.number)
        return tuple(sorted((*others, note), key=lambda each: each.number))

    async def _over(self, note: FileNote) -> None:
        over = replace(self._noted(note.source, note.number), over=True)
        await self._ledger.advance_if_possible(self._ledger.state, files=self._with(over))
