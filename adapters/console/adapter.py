"""The terminal as a ``Platform``: lines typed are questions, the answers appear below them.

``serve`` returns when the input has ended and everything asked was answered: that is how ``coze-bridge chat`` ends.
"""

import asyncio
import getpass
import os
import secrets
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console

from adapters.console.display import Display, PlainDisplay, RichDisplay
from adapters.console.ids import LineRef, decode_part, encode_notice, encode_part
from adapters.console.inbound import parse_line, parse_locale
from adapters.console.keyboard import Keyboard
from adapters.console.limits import EDIT_INTERVAL_S, PLAIN_PART_CHARS, RICH_PART_CHARS, STATUS_REFRESH_S
from adapters.console.settings import ConsoleSettings
from bridge.errors import FileGone, PlatformRejected, StoreError
from bridge.extension import Services
from bridge.model import Attachment, Author, Capabilities, EarlierMessage, Envelope, PartRules, TurnId, View, Way
from bridge.ports import Intake, Platform, Reply
from bridge.texts.keys import Say


class Terminal:
    """One terminal with one person before it."""

    def __init__(
        self,
        name: str,
        settings: ConsoleSettings,
        services: Services,
        *,
        input_descriptor: int | None = None,
        output: TextIO | None = None,
    ) -> None:
        """Opens nothing; by default standard input and output are used."""
        self._name = name
        self._settings = settings
        self._services = services
        self._input_descriptor = input_descriptor
        self._output = output or sys.stdout
        self._drawn = settings.rendering == "rich" or (settings.rendering == "auto" and self._output.isatty())
        self._session = secrets.token_hex(4)
        self._lines = 0
        self._display: Display = (
            RichDisplay(Console(file=self._output, force_terminal=True if settings.rendering == "rich" else None))
            if self._drawn
            else PlainDisplay(self._output)
        )
        self._posted: set[tuple[TurnId, int]] = set()
        self._unanswered: set[str] = set()
        self._all_answered = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edit_interval_s=EDIT_INTERVAL_S, status_refresh_s=STATUS_REFRESH_S if self._drawn else None)

    @property
    def part_rules(self) -> PartRules:
        return PartRules(limit=RICH_PART_CHARS if self._drawn else PLAIN_PART_CHARS)

    async def __aenter__(self) -> Platform:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Leave the cursor on a line of its own, whatever was being shown."""
        with suppress(OSError):
            self._display.end()

    async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
        """Take lines until the input ends, then wait for the answers."""
        keyboard = Keyboard(sys.stdin.fileno() if self._input_descriptor is None else self._input_descriptor)
        connected.set()
        try:
            await self._take_lines(keyboard, intake)
        finally:
            connected.clear()
        if self._unanswered:
            await self._all_answered.wait()

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> Reply:
        return TerminalReply(
            self._display, envelope.delivery_key, turn_id, locale, self._services, self._posted, self._answered
        )

    async def resolve(self, envelope: Envelope) -> Envelope:
        """Everything is known already."""
        return envelope

    async def fetch(self, envelope: Envelope, attachment: Attachment, limit_bytes: int) -> bytes:
        """A terminal carries no files."""
        raise FileGone("a terminal carries no files")

    async def earlier_messages(self, envelope: Envelope, limit: int) -> Sequence[EarlierMessage]:
        """A terminal cannot be read back."""
        return ()

    def _author(self) -> Author:
        try:
            login = getpass.getuser()
        except (KeyError, OSError):  # a container's user may have no name
            login = str(os.getuid())
        locale = self._settings.language or parse_locale(os.environ)
        return Author(id=login, name=self._settings.user or login, locale=locale)

    async def _take_lines(self, keyboard: Keyboard, intake: Intake) -> None:
        author = self._author()
        self._prompt()
        while (line := await keyboard.read_line()) is not None:
            self._lines += 1
            ref = LineRef(self._name, self._session, self._lines)
            envelope = parse_line(line, ref, author, self._services.clock.wall())
            if envelope is None:
                self._prompt()
            else:
                await self._ask(intake, envelope)

    async def _ask(self, intake: Intake, envelope: Envelope) -> None:
        key = envelope.delivery_key
        self._unanswered.add(key)
        self._all_answered.clear()
        try:
            accepted = await intake.accept(envelope)
        except StoreError as error:
            self._display.remark(self._services.speech(error.said or Say.STORE_FAILED, envelope.author.locale))
            accepted = False
        if not accepted:
            self._answered(key)

    def _answered(self, key: str) -> None:
        self._unanswered.discard(key)
        if not self._unanswered:
            self._all_answered.set()
            self._prompt()

    def _prompt(self) -> None:
        with suppress(OSError):  # whoever asks next will notice
            self._display.prompt()


class TerminalReply:
    """The answer to one line. A terminal that was closed is ``PlatformRejected``."""

    def __init__(
        self,
        display: Display,
        key: str,
        turn_id: TurnId,
        locale: str,
        services: Services,
        posted: set[tuple[TurnId, int]],
        answered: Callable[[str], None],
    ) -> None:
        """``posted`` is what all replies of this terminal have printed; ``answered`` is told the key at the end."""
        self._display = display
        self._key = key
        self._turn_id = turn_id
        self._locale = locale
        self._services = services
        self._posted = posted
        self._answered = answered

    @property
    def ways(self) -> Sequence[Way]:
        return (Way(),)

    async def waiting(self, position: int) -> None:
        with closed_is_rejected():
            self._display.hint(self._services.speech(Say.WAITING, self._locale, position=position))

    async def open(self) -> str | None:
        with closed_is_rejected():
            self._display.begin(self._services.speech(Say.PLACEHOLDER, self._locale))
        return None

    async def refresh(self) -> None:
        with closed_is_rejected():
            self._display.tick()

    async def post(self, index: int, view: View, way: Way | None = None) -> str:
        with closed_is_rejected():
            self._display.show(index, view)
        self._posted.add((self._turn_id, index))
        return encode_part(self._key, index)

    async def edit(self, message_id: str, view: View) -> None:
        with closed_is_rejected():
            self._display.show(decode_part(message_id), view)

    async def end(self, message_id: str, view: View) -> None:
        """Nothing has to be ended here."""

    async def remove(self, message_id: str) -> None:
        """What was printed stays; only the newest part can still be taken back."""
        with closed_is_rejected():
            self._display.show(decode_part(message_id), View(""))

    async def find_posted(self, index: int, known: Mapping[int, str] | None = None) -> str | None:
        """What this program has printed is never in doubt; what an earlier run printed nobody knows."""
        return encode_part(self._key, index) if (self._turn_id, index) in self._posted else None

    async def find_doubles(self, indices: Collection[int], known: Mapping[int, str]) -> Sequence[str]:
        """Nothing is printed twice here."""
        return ()

    async def notice(self, text: str) -> str:
        with closed_is_rejected():
            self._display.remark(text)
        self._answered(self._key)
        return encode_notice(self._key)

    async def settle(self) -> None:
        try:
            with closed_is_rejected():
                self._display.end()
        finally:
            self._answered(self._key)


@contextmanager
def closed_is_rejected() -> Iterator[None]:
    """Translate what writing to a closed terminal or pipe raises."""
    try:
        yield
    except OSError as error:
        raise PlatformRejected(f"the terminal is closed: {error.strerror}") from error
