"""What the promises of ``platform_contract`` are tested on: one platform that serves, and somebody who asks it."""

import asyncio
import html
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bridge.keys import turn_id
from bridge.model import Addressing, Envelope, Offer, PartRules, TurnId, View
from bridge.ports import Intake, Platform, Reply
from bridge.testing.platform_harness import DEADLINE_S, Ability, PlatformHarness, RecordingIntake, Said, Speaker

LOOK_AGAIN_S = 0.02
LONGEST_TEST_S = 60.0
LONGEST_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: as it was written, and as the adapter handed it over."""

    said: Said
    envelope: Envelope

    @property
    def turn_id(self) -> TurnId:
        return turn_id(self.envelope.delivery_key)

    def reply_on(self, platform: Platform) -> Reply:
        """Make a reply to it."""
        return platform.reply(self.envelope, self.turn_id, "en")


@dataclass(frozen=True, slots=True)
class Scene:
    """A platform, opened and serving."""

    harness: PlatformHarness
    platform: Platform
    intake: RecordingIntake
    connected: asyncio.Event

    async def ask(
        self,
        text: str = "How are you?",
        addressing: Addressing | None = None,
        *,
        by: Speaker = Speaker.ANN,
        under: Asked | None = None,
        files: Sequence[str] = (),
    ) -> Asked:
        """Let somebody ask, in the usual way unless told otherwise, and wait for the envelope."""
        known = {envelope.delivery_key for envelope in self.intake.accepted}
        said = await self.harness.say(
            text, addressing or usual(self.harness), by=by, under=under.said if under else None, files=files
        )

        def found() -> list[Envelope]:
            new = [envelope for envelope in self.intake.accepted if envelope.delivery_key not in known]
            return [envelope for envelope in new if said.message_id in (None, envelope.message_id)]

        await self.intake.until(lambda: bool(found()), f"envelope of {text!r}")
        return Asked(said, found()[0])

    async def answer(self, text: str = "Well, thank you.", *, to: Asked | None = None) -> tuple[Asked, Reply, str]:
        """Let somebody ask and answer it with one message; return question, reply and message id."""
        asked = to or await self.ask()
        reply = asked.reply_on(self.platform)
        return asked, reply, await reply.post(0, View(text))

    async def seen(self, reply: Reply) -> None:
        """Bring everything before people's eyes: where that needs the answer's end, end it."""
        if Ability.PROMPT in self.harness.absent:
            await reply.settle()


@asynccontextmanager
async def serving(platform: Platform, intake: Intake) -> AsyncIterator[asyncio.Event]:
    """Let an opened platform receive for as long as the context lasts; gives its ``connected``, set.

    One failure, of the platform or of the test, is raised as it is, not in a group.
    """
    connected = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(platform.serve(intake, connected))
            try:
                await until_set(connected, "connection")
                yield connected
            finally:
                task.cancel()
    except BaseExceptionGroup as failures:
        if len(failures.exceptions) > 1:
            raise
        raise failures.exceptions[0] from None


@asynccontextmanager
async def on_stage(harness: PlatformHarness, offers: tuple[Offer, ...] = ()) -> AsyncIterator[Scene]:
    """Open a platform and let it receive; whatever hangs is cut off after ``LONGEST_TEST_S``."""
    intake = RecordingIntake()
    async with (
        asyncio.timeout(LONGEST_TEST_S),
        harness.make(offers=offers) as platform,
        serving(platform, intake) as connected,
    ):
        yield Scene(harness, platform, intake, connected)


def needs(harness: PlatformHarness, *abilities: Ability) -> None:
    """Skip the test where one of the abilities is declared absent, with the reason that the harness gives."""
    for ability in abilities:
        if ability in harness.absent:
            pytest.skip(f"no {ability.name}: {harness.absent[ability]}")


def usual(harness: PlatformHarness) -> Addressing:
    """Return how questions are asked where it does not matter: in the room, or in private where there is none."""
    return Addressing.DIRECT if Ability.ROOMS in harness.absent else Addressing.MENTION


def addressings(harness: PlatformHarness) -> list[Addressing]:
    """Return the ways to ask that an answer may depend on: in the room and in private, as far as there are both."""
    others = [] if Ability.PRIVATE in harness.absent else [Addressing.DIRECT]
    return list(dict.fromkeys([usual(harness), *others]))


async def until_set(event: asyncio.Event, what: str) -> None:
    """Wait for an event. Raises ``TimeoutError`` that says what is missing."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            await event.wait()
    except TimeoutError:
        raise TimeoutError(f"no {what} within {DEADLINE_S:g} s") from None


async def eventually(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for a condition that nobody announces. Raises ``TimeoutError`` that says what is missing."""
    try:
        async with asyncio.timeout(deadline_s):
            while not condition():  # noqa: ASYNC110 - it is about the service, whose doings nobody announces here
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        raise TimeoutError(f"{what}: not within {deadline_s:g} s") from None


def words(text: str) -> str:
    """Return what a text says in whatever markup: letters, digits and pictures in their order, nothing else.

    Platforms write tables, links, rules and entities in their own ways; none may lose, add or move a word by that.
    """
    return "".join(character for character in html.unescape(text) if _says_something(character))


def _says_something(character: str) -> bool:
    if character.isalnum():
        return True
    is_drawing = "\u2300" <= character <= "\u25ff"  # what rules and frames of tables are made of
    return character > "\x7f" and not is_drawing and unicodedata.category(character).startswith("S")


def longest(text_of: Callable[[int], str], rules: PartRules, *, at_most: int = LONGEST_CHARS) -> str:
    """Return the longest text of a kind, by its length, that the rules let pass, as far as halving finds it."""
    fits, too_long = 0, at_most + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        text = text_of(middle)
        if len(text) <= LONGEST_CHARS and rules.measure(text) <= rules.limit:
            fits = middle
        else:
            too_long = middle
    return text_of(fits)
