"""``demo``: a person types as somebody on one of the services and watches all; or lines come from standard input."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sandbox.demo.keyboard import Keyboard, LineEditor, key_by_key
from sandbox.demo.process import BridgeProcess
from sandbox.demo.screen import Screen, Seat
from sandbox.demo.script import lament, new_console, start_with_progress
from sandbox.demo.side import Said, Side, Thread
from sandbox.demo.timeline import Timeline
from sandbox.demo.town import PEOPLE, DemoFailed, Town, open_town
from sandbox.demo.words import Words

REDRAW_S = 0.05
CALM_S = 0.8
"""Nothing happened for so long and the agent is silent: the answer before is whole."""
CALM_TIMEOUT_S = 90.0


async def converse(words: Words, bridge: BridgeProcess, console: Console | None = None) -> bool:
    """Let somebody type until they leave; tell whether the bridge lived as long as they did."""
    console = console or new_console()
    descriptor = sys.stdin.fileno()
    async with open_town(words, bridge) as town:
        try:
            await start_with_progress(town, words, console)
            table = Table(town, words)
            if console.is_terminal and os.isatty(descriptor):
                await OnTerminal(table, console, descriptor).run()
            else:
                await OnLines(table, console, descriptor).run()
        except DemoFailed as failure:
            lament([str(failure)], bridge, words, console)
            return False
        console.print(Text(words.goodbye, style="dim"))
    return True


class Table:
    """Turns a typed line into something that happens on a service, or into a notice for who typed it."""

    def __init__(self, town: Town, words: Words) -> None:
        self.town = town
        self.words = words
        self.seat = Seat(town.sides[0])
        self._commands: dict[str, Callable[[str], None]] = {
            "say": self._say,
            "dm": self._direct,
            "post": self._post,
            "both": self._ask_everywhere,
            "thread": self._enter_thread,
            "channel": lambda _: self._leave_thread(),
            "as": self._become,
            "slow": lambda _: self._slow(),
            "help": lambda _: self._tell(words.help),
            **{side.service: partial(self._go_to, side) for side in town.sides},
        }

    def obey(self, line: str) -> bool:
        """Do what one line says; false when it says to leave."""
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
        else:
            self._tell(self.words.no_command.format(command=f"/{name}"))
        return True

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


class OnTerminal:
    """The whole terminal shows the services; keys arrive one by one."""

    def __init__(self, table: Table, console: Console, descriptor: int) -> None:
        self._table = table
        self._console = console
        self._descriptor = descriptor
        self._changed = asyncio.Event()
        self._leaving = asyncio.Event()

    async def run(self) -> None:
        """Return when the person leaves.

        Raises:
            DemoFailed: The bridge ended by itself.
        """
        screen = Screen(self._table.town, self._table.words, self._table.seat)
        with ExitStack() as stack:
            stack.enter_context(key_by_key(self._descriptor))
            live = stack.enter_context(Live(screen, console=self._console, screen=True, auto_refresh=False))
            async with asyncio.TaskGroup() as tasks:
                jobs = [tasks.create_task(job) for job in (self._draw(live), self._type(), self._watch())]
                try:
                    await self._leaving.wait()
                finally:
                    for job in jobs:
                        job.cancel()
        self._table.check_bridge()

    async def _draw(self, live: Live) -> None:
        while True:
            self._changed.clear()
            live.refresh()
            await asyncio.sleep(REDRAW_S)
            await self._changed.wait()

    async def _type(self) -> None:
        keyboard, editor = Keyboard(self._descriptor), LineEditor()
        while not editor.ended and (typed := await keyboard.read()) is not None:
            if not all(self._table.obey(line) for line in editor.feed(typed)):
                break
            self._table.seat.typing = editor.text
            self._changed.set()
        self._leaving.set()

    async def _watch(self) -> None:
        while self._table.town.bridge.exit_code is None:
            await self._table.town.something_happens()
            self._changed.set()
        self._leaving.set()


class OnLines:
    """Lines are read one after another, each when the answer to the one before is whole; a timeline is printed.

    The bridge's own commands (``!stop``) and ``/quit`` are not kept waiting.
    """

    def __init__(self, table: Table, console: Console, descriptor: int) -> None:
        self._table = table
        self._town = table.town
        self._console = console
        self._descriptor = descriptor
        self._timeline = Timeline(table.town, table.words, console)
        self._told: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Return at the end of the lines.

        Raises:
            DemoFailed: The bridge ended by itself.
        """
        keyboard, editor = Keyboard(self._descriptor), LineEditor()
        self._timeline.head()
        going_on = True
        while going_on and not editor.ended:
            typed = await self._beside_timeline(keyboard)
            for line in editor.finish() if typed is None else editor.feed(typed):
                going_on = going_on and await self._obey(line)
            if typed is None:
                break
        if going_on:
            await self._calm()

    async def _beside_timeline(self, keyboard: Keyboard) -> str | None:
        """Wait for input while the timeline goes on."""
        async with asyncio.TaskGroup() as tasks:
            printing = tasks.create_task(self._timeline.run())
            try:
                return await keyboard.read()
            finally:
                printing.cancel()

    async def _obey(self, line: str) -> bool:
        if not line.lstrip().startswith(("!", "！", "/quit", "/exit")):
            await self._calm()
        going_on = self._table.obey(line)
        if self._table.seat.notice:
            self._console.print(Text(self._table.seat.notice, style="yellow"), soft_wrap=True)
        return going_on

    async def _calm(self) -> None:
        """Return when all answers are whole and printed."""
        deadline = self._town.clock.now() + CALM_TIMEOUT_S
        quiet_since = self._town.clock.now()
        while self._town.clock.now() < deadline:
            self._table.check_bridge()
            speaking = any(chat.running for chat in self._town.coze.world.chats.values())
            if await self._town.something_happens() or speaking:
                quiet_since = self._town.clock.now()
            self._timeline.catch_up()
            if self._town.clock.now() - quiet_since >= CALM_S or not self._waited_for():
                break
        self._tell_answers()

    def _waited_for(self) -> bool:
        """Tell whether anybody has said anything yet that could be answered."""
        return any(side.threads() for side in self._town.sides)

    def _tell_answers(self) -> None:
        """Print every answer that was not printed yet, whole."""
        for side in self._town.sides:
            for thread in side.threads():
                for answer in thread.said:
                    if answer.of_bot and (side.service, answer.id) not in self._told:
                        self._told.add((side.service, answer.id))
                        self._print(side, thread, answer)

    def _print(self, side: Side, thread: Thread, answer: Said) -> None:
        where = self._table.words.answer_in.format(service=side.name, place=thread.place, number=thread.number)
        self._console.print(Text(f"\n{where}", style=f"bold {side.style}"))
        small_print = f"\n{answer.small_print}" if answer.small_print else ""
        self._console.print(Text(f"{answer.text}{small_print}\n"), soft_wrap=True)
