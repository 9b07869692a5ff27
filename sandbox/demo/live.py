"""``demo``: a person types as somebody on one of the services and watches all; or lines come from standard input."""

import asyncio
import os
import sys
from contextlib import ExitStack

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sandbox.demo.keyboard import Keyboard, LineEditor, key_by_key
from sandbox.demo.process import BridgeProcess
from sandbox.demo.screen import Screen, buttons_line, form_notice
from sandbox.demo.script import lament, new_console, start_with_progress
from sandbox.demo.side import Form, Said, Side, Thread
from sandbox.demo.table import Table
from sandbox.demo.timeline import Timeline
from sandbox.demo.town import DemoFailed, open_town
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
            table.seat.notice = words.welcome
            if console.is_terminal and os.isatty(descriptor):
                await OnTerminal(table, console, descriptor).run()
            else:
                await OnLines(table, console, descriptor).run()
        except DemoFailed as failure:
            lament([str(failure)], bridge, words, console)
            return False
        console.print(Text(words.goodbye, style="dim"))
    return True


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
            if not all([await self._table.obey(line) for line in editor.feed(typed)]):
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
        self._formed: Form | None = None

    async def run(self) -> None:
        """Return at the end of the lines.

        Raises:
            DemoFailed: The bridge ended by itself.
        """
        keyboard, editor = Keyboard(self._descriptor), LineEditor()
        self._console.print(Text(self._table.seat.notice, style="yellow"), soft_wrap=True)
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
        going_on = await self._table.obey(line)
        if self._table.seat.notice:
            self._console.print(Text(self._table.seat.notice, style="yellow"), soft_wrap=True)
        return going_on

    async def _calm(self) -> None:
        """Return when all answers are whole and printed."""
        deadline = self._town.clock.now() + CALM_TIMEOUT_S
        quiet_since = self._town.clock.now()
        while self._town.clock.now() < deadline:
            self._table.check_bridge()
            if await self._town.something_happens() or self._agent_works():
                quiet_since = self._town.clock.now()
            self._timeline.catch_up()
            if self._town.clock.now() - quiet_since >= CALM_S or not self._waited_for():
                break
        self._tell_answers()

    def _agent_works(self) -> bool:
        """Tell whether Coze is at something that ends by itself."""
        coze = self._town.coze
        runs = any(not run.over and run.pending is None for run in coze.workflows.runs.values())
        return runs or any(chat.running for chat in coze.world.chats.values())

    def _waited_for(self) -> bool:
        """Tell whether anybody has said anything yet that could be answered."""
        return any(side.threads() for side in self._town.sides)

    def _tell_answers(self) -> None:
        """Print every answer that was not printed yet, whole, and the form that is open."""
        for side in self._town.sides:
            for thread in side.threads():
                for answer in thread.said:
                    if answer.of_bot and (side.service, answer.id) not in self._told:
                        self._told.add((side.service, answer.id))
                        self._print(side, thread, answer)
        seat = self._table.seat
        form, before = seat.side.form(seat.person), self._formed
        self._formed = form
        if form is not None and form != before:
            self._console.print(Text(form_notice(self._table.words, form), style="yellow"), soft_wrap=True)

    def _print(self, side: Side, thread: Thread, answer: Said) -> None:
        where = self._table.words.answer_in.format(service=side.name, place=thread.place, number=thread.number)
        self._console.print(Text(f"\n{where}", style=f"bold {side.style}"))
        below = [line for line in (answer.small_print, buttons_line(answer)) if line]
        self._console.print(Text("\n".join([answer.text, *below, ""])), soft_wrap=True)
