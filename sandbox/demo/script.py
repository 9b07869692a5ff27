"""``demo --script``: four scenes and a restart, a timeline while they happen, and a verdict."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sandbox.demo.process import BridgeProcess
from sandbox.demo.timeline import Timeline, short
from sandbox.demo.town import ANN, BEN, LI, DemoFailed, Town, open_town
from sandbox.demo.verdict import Expectation, Verdict, agent_text, judge
from sandbox.demo.words import Words
from sandbox.journal import Entry

ANSWER_TIMEOUT_S = 12.0
PLAIN_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody asks something somewhere.

    Attributes:
        after_restart: The bridge is restarted first.
    """

    title: str
    person: str
    question: str
    direct: bool = False
    in_thread: bool = False
    after_restart: bool = False


def scenes_of(words: Words) -> list[Scene]:
    """Return the scenes, in order; the first one begins the thread the others go on in."""
    return [
        Scene(words.mention_title, ANN, words.mention_question),
        Scene(words.follow_up_title, BEN, words.follow_up_question, in_thread=True),
        Scene(words.restart_title, ANN, words.after_restart_question, in_thread=True, after_restart=True),
        Scene(words.direct_title, LI, words.direct_question, direct=True),
    ]


async def play(words: Words, bridge: BridgeProcess, console: Console | None = None) -> bool:
    """Play everything and tell whether all of it held."""
    console = console or new_console()
    async with open_town(words, bridge) as town, asyncio.TaskGroup() as tasks:
        timeline = Timeline(town, words, console)
        show = _Show(town, words, console, timeline)
        try:
            await show.begin()
            printing = tasks.create_task(timeline.run())
            try:
                await show.run()
            finally:
                printing.cancel()
                timeline.catch_up()
            return show.finish()
        except DemoFailed as failure:
            show.lament([str(failure)])
            return False


def new_console() -> Console:
    """Return where to print: as wide as the terminal, or wide enough for a file."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an odd encoding costs a character, not the demo
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


class _Show:
    """One performance."""

    def __init__(self, town: Town, words: Words, console: Console, timeline: Timeline) -> None:
        self._town = town
        self._words = words
        self._console = console
        self._timeline = timeline
        self._verdicts: list[Verdict] = []
        self._thread_ts = ""

    async def begin(self) -> None:
        """Start the bridge."""
        await start_with_progress(self._town, self._words, self._console)
        self._console.print(Text(self._words.clock_note, style="dim"))

    async def run(self) -> None:
        """Play the scenes.

        Raises:
            DemoFailed: One did not come to its end.
        """
        for number, scene in enumerate(scenes_of(self._words), start=1):
            self._timeline.catch_up()
            self._console.print(Rule(f"{number}  {scene.title}", align="left", style="dim"))
            if scene.after_restart:
                await self._restart()
            await self._play(scene)

    async def _restart(self) -> None:
        code = await self._town.bridge.stop(self._town.journal)
        if code != 0:
            raise DemoFailed(self._words.restart_failed.format(code=code))
        await self._town.start_bridge(self._words)

    async def _play(self, scene: Scene) -> None:
        town = self._town
        began_at = len(town.journal)
        channel = town.channel_of(scene.person, direct=scene.direct)
        if scene.direct:
            asked_ts = root_ts = town.slack.say(scene.person, channel, scene.question)
        elif scene.in_thread:
            root_ts = self._thread_ts
            asked_ts = town.slack.say(scene.person, channel, scene.question, root_ts)
        else:
            asked_ts = root_ts = self._thread_ts = town.slack.mention(scene.person, channel, scene.question)
        answer_ts = await self._whole_answer(scene, channel, root_ts, asked_ts, began_at)
        entries = self._entries(began_at)
        verdict = judge(self._expected(scene), entries, town.slack.steps(channel, answer_ts))
        self._verdicts.append(verdict)

    async def _whole_answer(self, scene: Scene, channel: str, root_ts: str, asked_ts: str, began_at: int) -> str:
        """Wait until the whole answer is visible and return the ``ts`` of its message."""
        town = self._town
        deadline = town.clock.now() + ANSWER_TIMEOUT_S
        while True:
            said = agent_text(self._entries(began_at))
            shown = [a for a in town.slack.answers(channel, root_ts) if float(a.ts) > float(asked_ts)]
            if said is not None and shown and shown[-1].text == said:
                return shown[-1].ts
            if (code := town.bridge.exit_code) is not None:
                raise DemoFailed(self._words.died_in_scene.format(scene=scene.title, code=code))
            if town.clock.now() > deadline:
                raise DemoFailed(self._words.not_answered.format(scene=scene.title, seconds=ANSWER_TIMEOUT_S))
            await town.something_happens()

    def _entries(self, began_at: int) -> list[Entry]:
        return list(islice(self._town.journal, began_at, None))

    def _expected(self, scene: Scene) -> Expectation:
        """Return what must hold: threads share a conversation and its memory, a direct message has its own."""
        used = frozenset(verdict.conversation_id for verdict in self._verdicts)
        others = scenes_of(self._words)[: len(self._verdicts)]
        questions = tuple(other.question for other in others)
        if scene.in_thread:
            return Expectation(scene.title, self._verdicts[0].conversation_id, used, recalls=questions)
        return Expectation(scene.title, None, used, must_not_know=questions)

    # --- the end ---

    def finish(self) -> bool:
        """Print the verdict and tell whether everything held."""
        self._console.print(Rule(style="dim"))
        self._console.print(verdict_table(self._verdicts, self._words))
        failures = [sentence for verdict in self._verdicts for sentence in verdict.failures(self._words)]
        failures += [
            self._words.violation.format(name=violation.name, detail=violation.detail)
            for violation in self._town.slack.violations()
        ]
        if failures:
            self.lament(failures)
            return False
        took_s = self._town.clock.now() - self._town.started_at
        self._console.print(Text(self._words.all_well.format(seconds=took_s), style="bold green"))
        return True

    def lament(self, failures: Sequence[str]) -> None:
        """Say what failed, and show what the bridge wrote last."""
        lament(failures, self._town.bridge, self._words, self._console)


async def start_with_progress(town: Town, words: Words, console: Console) -> None:
    """Start the bridge and let the person who waits see that."""
    console.print(words.emulators_run.format(coze=town.coze.base_url, slack=town.slack.base_url), soft_wrap=True)
    if console.is_terminal:
        with console.status(words.starting_bridge):
            took_s = await town.start_bridge(words)
    else:
        console.print(words.starting_bridge)
        took_s = await town.start_bridge(words)
    console.print(words.bridge_ready.format(seconds=took_s))


def lament(failures: Sequence[str], bridge: BridgeProcess, words: Words, console: Console) -> None:
    """Say what failed, and show what the bridge wrote last."""
    for sentence in failures:
        console.print(Text(f"✗ {sentence}", style="bold red"), soft_wrap=True)
    if lines := bridge.log_tail():
        console.print(words.log_follows)
        for line in lines:
            console.print(Text(f"  {line}", style="dim"), soft_wrap=True)


def verdict_table(verdicts: Sequence[Verdict], words: Words) -> Table:
    """Return the table at the end, one row per scene."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(words.scene, overflow="fold")
    for heading in (words.steps, words.first_after, words.final_after):
        table.add_column(heading, justify="right")
    for heading in (words.exact, words.conversation, words.remembers):
        table.add_column(heading)
    for number, verdict in enumerate(verdicts, start=1):
        place = words.fresh if verdict.is_new_conversation else words.same
        table.add_row(
            f"{number}  {verdict.title}",
            str(verdict.steps),
            f"{verdict.first_words_ms:.0f} ms",
            f"{verdict.final_ms:.0f} ms",
            _judged(words, verdict.exact),
            Text(
                place.format(id=short(verdict.conversation_id)), style="green" if verdict.right_conversation else "red"
            ),
            _judged(words, verdict.remembers),
        )
    return table


def _judged(words: Words, good: bool) -> Text:
    return Text(words.yes, style="green") if good else Text(words.no, style="bold red")
