"""The surroundings of the terminal: a pipe for a keyboard, a string for a screen."""

import getpass
import io
import os
from collections.abc import Mapping, Sequence

from adapters.console.adapter import Terminal
from adapters.console.ids import CHANNEL
from adapters.console.settings import ConsoleSettings
from bridge.extension import Missed, Services
from bridge.model import Addressing, Offer
from bridge.ports import Platform
from bridge.testing.platform_harness import Ability, Call, Disturbance, PlatformHarness, Said, Speaker

ALONE = "one person sits before a terminal"
NO_SERVICE = "a terminal is no service"
PRINTED = "what is printed stays, in one column"


class ConsoleHarness:
    """One terminal that prints plain text."""

    absent: Mapping[Ability, str] = {
        Ability.ROOMS: ALONE,
        Ability.FOLLOW_UPS: ALONE,
        Ability.OTHER_BOTS: ALONE,
        Ability.PEOPLE: ALONE,
        Ability.NAMES: "the person's name is in the settings",
        Ability.LINES: "each line is a question of its own",
        Ability.FILES: "nothing but text can be typed",
        Ability.ANSWER_FILES: "a terminal shows links, which can be opened",
        Ability.WITHDRAWAL: "what was typed cannot be taken back",
        Ability.REPEATS: "a line is read once",
        Ability.ACKNOWLEDGEMENT: "nobody waits for the line to be taken",
        Ability.CONNECTION: NO_SERVICE,
        Ability.NETWORK: NO_SERVICE,
        Ability.CREDENTIALS: NO_SERVICE,
        Ability.REFUSALS: NO_SERVICE,
        Ability.LOST_CALLS: NO_SERVICE,
        Ability.HISTORY: "a terminal cannot be read back",
        Ability.SIGNS: "in plain text nothing moves",
        Ability.SIGNS_END: "in plain text nothing moves",
        Ability.WAITING: "plain text is for pipes and files: nobody watches",
        Ability.PROMPT: "only what cannot change any more is printed",
        Ability.MESSAGES: PRINTED,
        Ability.MARKS: PRINTED,
        Ability.RESTART: PRINTED,
        Ability.PINGS: "text on a terminal is only text",
        Ability.CONTROLS: "there is nothing to press but keys",
        Ability.COMMANDS: "what begins with a mark is a line like any other",
        Ability.FORMS: "a terminal asks in lines",
        Ability.MISSED: "nothing can be typed while it is closed",
    }
    retry_after_s = 0.0
    baits: Sequence[str] = ()

    def __init__(self, services: Services) -> None:
        self._services = services
        self._screen = io.StringIO()
        self._keyboard, self._fingers = os.pipe()

    def close(self) -> None:
        """Put the keyboard away."""
        os.close(self._keyboard)
        os.close(self._fingers)

    def make(self, *, missed: Missed | None = None, offers: tuple[Offer, ...] = ()) -> Platform:
        settings = ConsoleSettings(user="Ann", language="en", rendering="plain")
        return Terminal("my terminal", settings, self._services, input_descriptor=self._keyboard, output=self._screen)

    async def say(
        self,
        text: str,
        addressing: Addressing | None,
        *,
        by: Speaker = Speaker.ANN,
        under: Said | None = None,
        files: Sequence[str] = (),
    ) -> Said:
        os.write(self._fingers, f"{text}\n".encode())
        return Said(message_id=None, team="", channel=CHANNEL, author_id=getpass.getuser(), author_name="Ann")

    def visible(self, said: Said) -> Sequence[str]:
        """Everything printed is one piece, whichever question it answers."""
        return [self._screen.getvalue().removesuffix("\n")] if self._screen.getvalue() else []

    def files(self, said: Said) -> Sequence[tuple[str, bytes]]:
        raise NotImplementedError

    def shown(self, message_id: str) -> str | None:
        return self._screen.getvalue().removesuffix("\n")

    def traffic(self) -> int:
        return len(self._screen.getvalue())

    def waiting_marks(self, said: Said) -> Sequence[str]:
        return []

    def make_unauthorized(self) -> Sequence[Platform]:
        raise NotImplementedError

    def make_unreachable(self) -> Platform:
        raise NotImplementedError

    def mention_of(self, speaker: Speaker) -> str:
        raise NotImplementedError

    async def unsay(self, said: Said) -> None:
        raise NotImplementedError

    def acknowledged(self, said: Said) -> bool:
        raise NotImplementedError

    async def delete(self, message_id: str) -> None:
        raise NotImplementedError

    def controls(self, message_id: str) -> Sequence[str]:
        raise NotImplementedError

    async def press(self, message_id: str, label: str, *, by: Speaker = Speaker.ANN) -> bool:
        raise NotImplementedError

    async def command(
        self, workflow: str, values: Mapping[str, str], *, by: Speaker = Speaker.ANN, private: bool = False
    ) -> tuple[Said, bool]:
        raise NotImplementedError

    def form(self, to: Speaker) -> Sequence[str] | None:
        raise NotImplementedError

    async def fill_in(self, values: Mapping[str, str], *, by: Speaker = Speaker.ANN) -> bool:
        raise NotImplementedError

    def form_mistakes(self, to: Speaker) -> Sequence[str]:
        raise NotImplementedError

    async def say_below(self, message_id: str, text: str, *, by: Speaker = Speaker.ANN) -> None:
        raise NotImplementedError

    def whispers(self, to: Speaker) -> Sequence[str]:
        raise NotImplementedError

    def signs(self, said: Said) -> Sequence[str]:
        raise NotImplementedError

    def pings(self) -> Sequence[str]:
        raise NotImplementedError

    async def disturb(self, disturbance: Disturbance, call: Call = Call.POST) -> None:
        raise NotImplementedError

    async def mend(self) -> None:
        raise NotImplementedError


def _fits(harness: ConsoleHarness) -> PlatformHarness:
    return harness
