"""What a person types in the live demo, put into effect: as somebody on one of the services."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from sandbox.demo.screen import Seat
from sandbox.demo.side import Side
from sandbox.demo.town import PEOPLE, DemoFailed, Town
from sandbox.demo.words import Words

NUMBERED = re.compile(r"(?:^|\s+)(\d+)=")
"""Which blank of a form is filled in."""


class Table:
    """Turns a typed line into something that happens on a service, or into a notice for who typed it."""

    def __init__(self, town: Town, words: Words) -> None:
        self.town = town
        self.words = words
        self.seat = Seat(town.sides[0])
        self._waits: dict[str, Callable[[str], Awaitable[None]]] = {"fill": self._fill_in, "press": self._press}
        self._commands: dict[str, Callable[[str], None]] = {
            "say": self._say,
            "dm": self._direct,
            "post": self._post,
            "both": self._ask_everywhere,
            "thread": self._enter_thread,
            "channel": lambda _: self._leave_thread(),
            "as": self._become,
            "slow": lambda _: self._slow(),
            "help": lambda _: self._tell(words.help.format(commands=self._typed_commands())),
            **{side.service: partial(self._go_to, side) for side in town.sides},
        }

    async def obey(self, line: str) -> bool:
        """Do what one line says; false when it says to leave.

        Returns within the few seconds in which a service waits for the bridge.
        """
        self.seat.notice = ""
        line = line.strip()
        name, _, rest = line.removeprefix("/").partition(" ")
        if not line:
            return True
        if not line.startswith("/"):
            self._ask(line)
        elif name in ("quit", "exit"):
            return False
        elif name in self._commands:
            self._commands[name](rest.strip())
        elif name in self._waits:
            await self._try(self._waits[name](rest.strip()))
        elif name in self.seat.side.commands():
            await self._try(self.seat.side.command(self.seat.person, line.removeprefix("/")))
        else:
            self._tell(self.words.no_command.format(command=f"/{name}"))
        return True

    async def _try(self, work: Awaitable[None]) -> None:
        """Tell whoever types what a service does not let her do."""
        try:
            await work
        except ValueError as error:
            self._tell(self.words.not_typed.format(reason=error))

    async def _fill_in(self, text: str) -> None:
        """Fill in the open form and send it: ``1=… 2=…``, or what belongs into the first blank."""
        side, person = self.seat.side, self.seat.person
        form = side.form(person)
        if form is None:
            self._tell(self.words.no_form)
            return
        _, *given = NUMBERED.split(text if NUMBERED.match(text) else f"1={text}")
        kept = {blank.id: blank.value for blank in form.blanks if blank.value}
        typed = {int(number): value.strip() for number, value in zip(given[::2], given[1::2], strict=True)}
        filled = {blank.id: typed[number] for number, blank in enumerate(form.blanks, start=1) if number in typed}
        await side.fill_in(person, kept | filled)

    async def _press(self, label: str) -> None:
        """Press the newest button with a label that the person sees; in a thread, one in there."""
        side, person, here = self.seat.side, self.seat.person, self.seat.thread
        seen = [thread for thread in side.threads() if side.may_read(person, thread)]
        threads = [thread for thread in seen if here is None or thread.spot == here.spot]
        shown = [(thread.spot, said) for thread in threads for said in thread.said if said.buttons]
        shown.sort(key=lambda each: each[1].order, reverse=True)
        for spot, said in shown:
            if label in said.buttons:
                await side.press(person, spot, said.id, label)
                return
        labels = dict.fromkeys(label for _, said in shown for label in said.buttons)
        self._tell(self.words.no_button.format(label=label or "?", labels=", ".join(labels) or "–"))

    def _typed_commands(self) -> str:
        return ", ".join(f"/{name}" for name in self.seat.side.commands())

    def check_bridge(self) -> None:
        """Notice that the bridge is gone.

        Raises:
            DemoFailed: It is.
        """
        if (code := self.town.bridge.exit_code) is not None:
            raise DemoFailed(self.words.bridge_died_later.format(code=code))

    def _go_to(self, side: Side, text: str) -> None:
        """Go to another service, and ask something there if there is a text."""
        self.seat.side = side
        if text:
            self._ask(text)

    def _ask(self, text: str) -> None:
        """Mention the bot in the channel; in a thread it listens anyway, and so does it in private."""
        if self.seat.thread is None:
            self.seat.side.mention(self.seat.person, text)
        else:
            self.seat.side.say(self.seat.person, text, self.seat.thread.spot)

    def _ask_everywhere(self, text: str) -> None:
        if self._is_something(text):
            for side in self.town.sides:
                side.mention(self.seat.person, text)

    def _say(self, text: str) -> None:
        if self._is_something(text):
            thread = self.seat.thread
            self.seat.side.say(self.seat.person, text, thread.spot if thread else None)

    def _direct(self, text: str) -> None:
        if self._is_something(text):
            self.seat.side.direct(self.seat.person, text)

    def _post(self, text: str) -> None:
        if self._is_something(text) and self.seat.side.post(self.seat.person, text) is None:
            self._tell(self.words.no_forum)

    def _enter_thread(self, number: str) -> None:
        side = self.seat.side
        found = [thread for thread in side.threads() if str(thread.number) == number]
        if found and side.may_read(self.seat.person, found[0]):
            self.seat.thread = found[0]
        else:
            self._tell(self.words.no_thread.format(service=side.name, number=number))

    def _leave_thread(self) -> None:
        self.seat.thread = None

    def _become(self, name: str) -> None:
        if name.lower() not in PEOPLE:
            self._tell(self.words.nobody.format(name=name or "?", people=", ".join(PEOPLE)))
            return
        self.seat.person = name.lower()
        for side in self.town.sides:
            thread = self.seat.thread_by_service.get(side.service)
            if thread is not None and not side.may_read(self.seat.person, thread):
                del self.seat.thread_by_service[side.service]

    def _slow(self) -> None:
        self.town.agent.slow = not self.town.agent.slow
        self._tell(self.words.slow_on if self.town.agent.slow else self.words.slow_off)

    def _is_something(self, text: str) -> bool:
        if not text:
            self._tell(self.words.nothing_to_send)
        return bool(text)

    def _tell(self, notice: str) -> None:
        self.seat.notice = notice
