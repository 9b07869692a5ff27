"""``demo --script``: scenes on all services at once and a restart, a timeline while they happen, and a verdict."""

import asyncio
import hashlib
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sandbox.demo.acts import Act, Answered, Outcome, Stage, background_act, button_acts, workflow_acts
from sandbox.demo.layout import excerpt
from sandbox.demo.process import BridgeProcess
from sandbox.demo.side import Spot
from sandbox.demo.timeline import Timeline, short
from sandbox.demo.together import joined, read_together
from sandbox.demo.town import ANN, BEN, LI, DemoFailed, Town, open_town
from sandbox.demo.verdict import Expectation, Verdict, about, agent_text, judge
from sandbox.demo.words import Words
from sandbox.journal import Entry

ANSWER_TIMEOUT_S = 20.0
PLAIN_WIDTH = 120
ENDED_CELLS = 30
IMAGE_NAME = "dawn.png"
IMAGE_PIXELS = 64
SERVICES = (SLACK, DISCORD) = ("slack", "discord")


class Kind(Enum):
    """What somebody does."""

    MENTION = "mention"
    FOLLOW_UP = "follow_up"
    POST = "post"
    DIRECT = "direct"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody asks something somewhere.

    Attributes:
        service: As in the journal.
    """

    service: str
    kind: Kind
    title: str
    person: str
    question: str


@dataclass(frozen=True, slots=True)
class Round:
    """Scenes and acts that play at the same time; on each service the first mention begins the thread that goes on.

    Attributes:
        scenes: Somebody asks, the agent answers.
        acts: Everything else.
        after_restart: The bridge is restarted first.
    """

    scenes: tuple[Scene, ...] = ()
    acts: tuple[Act, ...] = ()
    after_restart: bool = False


def picture() -> bytes:
    """Return a small image, a dawn: a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = IMAGE_PIXELS
    rows = b"".join(b"\0" + bytes((255 - y, 120 + y, 60 + 3 * y)) * size for y in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def rounds_of(words: Words) -> list[Round]:
    """Return what is played, in order."""

    def both(kind: Kind, titles: tuple[str, str], person: str, questions: tuple[str, str]) -> tuple[Scene, ...]:
        return tuple(
            Scene(*scene) for scene in zip(SERVICES, (kind,) * 2, titles, (person,) * 2, questions, strict=True)
        )

    mentioned = (words.mention_title, words.discord_mention_title)
    asked = (words.mention_question, words.discord_mention_question)
    followed = (words.follow_up_question, words.discord_follow_up_question)
    after = (words.after_restart_question, words.discord_after_restart_question)
    direct = (words.direct_question, words.discord_direct_question)
    post = Scene(DISCORD, Kind.POST, words.post_title, BEN, words.post_question)
    shown = both(Kind.IMAGE, (words.image_title,) * 2, BEN, (words.image_question, words.discord_image_question))
    reports = tuple(background_act(words, service) for service in SERVICES)
    runs = tuple(act for service in SERVICES for act in workflow_acts(words, service))
    return [
        Round((*both(Kind.MENTION, mentioned, ANN, asked), *both(Kind.DIRECT, (words.direct_title,) * 2, LI, direct))),
        Round((*both(Kind.FOLLOW_UP, (words.follow_up_title,) * 2, BEN, followed), post, *shown)),
        Round(both(Kind.FOLLOW_UP, (words.restart_title,) * 2, ANN, after), reports, after_restart=True),
        Round(acts=runs),
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
        self._side_by_service = {side.service: side for side in town.sides}
        self._verdicts: list[Verdict] = []
        self._outcomes: list[Outcome] = []
        self._answered: dict[tuple[str, Kind], Answered] = {}
        self._thread_by_service: dict[str, Spot] = {}
        self._asked: list[Scene] = []

    async def begin(self) -> None:
        """Start the bridge."""
        await start_with_progress(self._town, self._words, self._console)
        self._console.print(Text(self._words.clock_note, style="dim"))
        self._timeline.head()

    async def run(self) -> None:
        """Play the scenes.

        Raises:
            DemoFailed: One did not come to its end.
        """
        for now in rounds_of(self._words):
            await self._play_round(now)
        await self._play_round(Round(acts=tuple(self._button_acts())))

    def _button_acts(self) -> Iterator[Act]:
        questions = (self._words.image_question, self._words.discord_image_question)
        for service, question in zip(SERVICES, questions, strict=True):
            answer, image = (self._answered[service, kind] for kind in (Kind.FOLLOW_UP, Kind.IMAGE))
            yield from button_acts(self._words, service, answer, image, question)

    async def _play_round(self, now: Round) -> None:
        played: tuple[Scene | Act, ...] = (*now.scenes, *now.acts)
        self._timeline.begin(*((self._side_by_service[each.service], each.title) for each in played))
        restarted = asyncio.Event()
        stages = [self._stage(act, restarted) for act in now.acts]
        failure: DemoFailed | None = None
        async with asyncio.TaskGroup() as tasks:
            playing = [tasks.create_task(_play_act(*each)) for each in zip(now.acts, stages, strict=True)]
            try:
                if now.after_restart:
                    for stage in stages:
                        await stage.ready.wait()
                    await self._restart()
                    restarted.set()
                await self._play(now.scenes)
            except DemoFailed as failed:  # raised out of a group it would come wrapped
                failure = failed
                for task in playing:
                    task.cancel()
        if failure is not None:
            raise failure
        self._outcomes += [task.result() for task in playing]

    def _stage(self, act: Act, restarted: asyncio.Event) -> Stage:
        side = self._side_by_service[act.service]
        return Stage(self._town, side, self._words, act.title, asyncio.Event(), restarted)

    async def _restart(self) -> None:
        code = await self._town.bridge.stop(self._town.journal)
        if code != 0:
            raise DemoFailed(self._words.restart_failed.format(code=code))
        await self._town.start_bridge(self._words)

    async def _play(self, scenes: Sequence[Scene]) -> None:
        """Let everybody ask, wait until all the answers are whole, and judge them."""
        began_at = len(self._town.journal)
        spots = [(scene, self._ask(scene)) for scene in scenes]
        answers = {scene: await self._whole_answer(scene, spot, began_at) for scene, spot in spots}
        before, self._asked = list(self._asked), [*self._asked, *scenes]
        used = frozenset(verdict.conversation_id for verdict in self._verdicts)
        for scene, spot in spots:
            side, ids = self._side_by_service[scene.service], answers[scene]
            uploads = {file.file_id: file.sha256 for file in self._town.coze.world.files.values()}
            expected, entries = self._expected(scene, before, used), self._entries(scene, began_at)
            steps = read_together([side.steps(spot, name) for name in ids], agent_text(entries) or "")
            verdict = judge(expected, entries, steps, uploads)
            self._verdicts.append(verdict)
            self._answered[scene.service, scene.kind] = Answered(spot, ids[-1], verdict.conversation_id)

    def _ask(self, scene: Scene) -> Spot:
        side = self._side_by_service[scene.service]
        match scene.kind:
            case Kind.MENTION:
                spot = self._thread_by_service[scene.service] = side.mention(scene.person, scene.question)
                return spot
            case Kind.FOLLOW_UP:
                return side.say(scene.person, scene.question, self._thread_by_service[scene.service])
            case Kind.DIRECT:
                return side.direct(scene.person, scene.question)
            case Kind.IMAGE:
                return side.show(scene.person, scene.question, IMAGE_NAME, picture())
            case Kind.POST:
                post = side.post(scene.person, scene.question)
                assert post is not None  # scenes with posts play where there is a forum
                return post

    async def _whole_answer(self, scene: Scene, spot: Spot, began_at: int) -> list[str]:
        """Wait until the whole answer is visible and return the ids of its messages."""
        town = self._town
        deadline = town.clock.now() + ANSWER_TIMEOUT_S
        while True:
            said = agent_text(self._entries(scene, began_at))
            shown = self._side_by_service[scene.service].answers(spot)
            if said is not None and shown and joined([message.text for message in shown], said) == said:
                return [message.id for message in shown]
            if (code := town.bridge.exit_code) is not None:
                raise DemoFailed(self._words.died_in_scene.format(scene=scene.title, code=code))
            if town.clock.now() > deadline:
                title = f"{self._side_by_service[scene.service].name}, {scene.title}"
                raise DemoFailed(self._words.not_answered.format(scene=title, seconds=ANSWER_TIMEOUT_S))
            await town.something_happens()

    def _entries(self, scene: Scene, began_at: int) -> list[Entry]:
        return about(scene.question, islice(self._town.journal, began_at, None))

    def _expected(self, scene: Scene, before: Sequence[Scene], used: frozenset[str]) -> Expectation:
        """Return what must hold: threads share a conversation and its memory, everything else has its own."""
        platform = self._side_by_service[scene.service].name
        thread = [other for other in before if _in_thread(other) and other.service == scene.service]
        here = thread if scene.kind is Kind.FOLLOW_UP else []
        elsewhere = tuple(other.question for other in self._asked if other not in (*here, scene))
        if not here:
            files = (hashlib.sha256(picture()).hexdigest(),) if scene.kind is Kind.IMAGE else ()
            return Expectation(scene.title, None, used, must_not_know=elsewhere, platform=platform, files=files)
        begun = next(v for v in self._verdicts if (v.platform, v.title) == (platform, here[0].title))
        recalls = tuple(other.question for other in here)
        return Expectation(
            scene.title, begun.conversation_id, used, recalls=recalls, must_not_know=elsewhere, platform=platform
        )

    # --- the end ---

    def finish(self) -> bool:
        """Print the verdict and tell whether everything held."""
        self._console.print(Rule(style="dim"))
        self._console.print(verdict_table(self._verdicts, self._words))
        self._console.print()
        self._console.print(outcome_table(self._outcomes, self._words))
        failures = [sentence for verdict in self._verdicts for sentence in verdict.failures(self._words)]
        failures += [sentence for outcome in self._outcomes for sentence in outcome.failures]
        failures += [
            self._words.violation.format(service=side.name, name=violation.name, detail=violation.detail)
            for side in self._town.sides
            for violation in side.violations()
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


async def _play_act(act: Act, stage: Stage) -> Outcome:
    """Play an act to its end, also when it fails: the others go on."""
    try:
        return await act.play(stage)
    except (DemoFailed, ValueError) as failure:
        return Outcome(stage.side.name, act.title, failures=(str(failure),))
    finally:
        stage.ready.set()


async def start_with_progress(town: Town, words: Words, console: Console) -> None:
    """Start the bridge and let the person who waits see that."""
    addresses = {"coze": town.coze.base_url, "slack": town.slack.base_url, "discord": town.discord.base_url}
    console.print(words.emulators_run.format(**addresses), soft_wrap=True)
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
    """Return the table at the end, one row per scene, service by service."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(words.platform)
    table.add_column(words.scene, overflow="fold")
    for heading in (words.steps, words.first_after, words.final_after):
        table.add_column(heading, justify="right")
    for heading in (words.exact, words.conversation, words.remembers):
        table.add_column(heading)
    platforms = list(dict.fromkeys(verdict.platform for verdict in verdicts))
    for verdict in sorted(verdicts, key=lambda verdict: platforms.index(verdict.platform)):
        place = words.fresh if verdict.is_new_conversation else words.same
        table.add_row(
            verdict.platform,
            verdict.title,
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


def outcome_table(outcomes: Sequence[Outcome], words: Words) -> Table:
    """Return the second table at the end, one row per act, service by service."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(words.platform)
    for heading in (words.acts, words.done):
        table.add_column(heading, overflow="fold")
    table.add_column(words.steps, justify="right")
    table.add_column(words.ended, no_wrap=True)
    table.add_column(words.as_wanted)
    platforms = list(dict.fromkeys(outcome.platform for outcome in outcomes))
    for outcome in sorted(outcomes, key=lambda outcome: platforms.index(outcome.platform)):
        table.add_row(
            outcome.platform,
            outcome.title,
            outcome.done,
            str(outcome.steps),
            excerpt(outcome.ended, ENDED_CELLS),
            _judged(words, not outcome.failures),
        )
    return table


def _in_thread(scene: Scene) -> bool:
    return scene.kind in (Kind.MENTION, Kind.FOLLOW_UP)


def _judged(words: Words, good: bool) -> Text:
    return Text(words.yes, style="green") if good else Text(words.no, style="bold red")
