"""The demo from the outside: a process that is run, typed into, interrupted, and leaves nothing behind."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.texts import LANGUAGES, Say
from sandbox.clock import SandboxClock
from sandbox.coze.answers import ContextMessage, Prompt
from sandbox.demo.agent import compose, earlier_questions
from sandbox.demo.discord_controls import split_line
from sandbox.demo.keyboard import LineEditor
from sandbox.demo.layout import Layout, bar, excerpt
from sandbox.demo.options import parse_options
from sandbox.demo.process import clean_environment
from sandbox.demo.slack_side import SlackSide
from sandbox.demo.together import joined, read_together
from sandbox.demo.town import APART, CHANNEL, PEOPLE, settle
from sandbox.demo.verdict import Expectation, about, agent_text, judge
from sandbox.demo.words import EN, ZH, Words
from sandbox.journal import Entry, Journal
from sandbox.slack import SlackEmulator, Step

DEADLINE_S = 60.0
DEMO = (sys.executable, "-m", "bridge.cli", "demo")


def environment(folder: Path) -> dict[str, str]:
    """The demo's environment: temporary folders where the test can see them."""
    return {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}


@dataclass
class Performance:
    """One run of the demo, in a temporary folder of its own."""

    folder: Path
    process: "subprocess.Popen[str]"

    def ended(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and what it printed, once nothing of it is left."""
        printed, _ = self.process.communicate(timeout=DEADLINE_S)
        wait_until_gone(self.folder)
        return self.process.returncode, printed


def perform(folder: Path, *arguments: str, typed: str = "", command: Sequence[str] = DEMO) -> Performance:
    """Start the demo and hand over all of its standard input."""
    folder.mkdir()
    process = subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(folder),
        encoding="utf-8",
    )
    assert process.stdin is not None
    process.stdin.write(typed)
    process.stdin.close()
    process.stdin = None
    return Performance(folder, process)


@pytest.fixture(scope="module", autouse=True)
def performances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Performance]]:
    """The long ones, begun before everything else, because they mostly wait."""
    folder = tmp_path_factory.mktemp("demo")
    lines = ["/both Where do I begin?", "/thread 1", "And then?", "/as li", "!status", "/nonsense", "/as nobody"]
    lines += ["/post here?", "/as ben", "/discord", "/post A post?", "/thread 9", "/weather city=Rome days=many"]
    lines += ["/invitation", "/fill 1=A party 2=funny", "/press Nope", "/fill in"]
    running = {
        "en": perform(folder / "en", "--script", "--language", "en"),
        "zh": perform(folder / "zh", "--script", "--language", "zh"),
        "lines": perform(folder / "lines", "--language", "en", typed="\n".join(lines)),
    }
    yield running
    for performance in running.values():
        if performance.process.poll() is None:
            performance.process.kill()
            performance.process.communicate()


def processes_of(folder: Path) -> list[str]:
    """Return the numbers of processes that run on a configuration below a folder."""
    left: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                line = (entry / "cmdline").read_bytes()
                left += [entry.name] if str(folder).encode() in line else []
    return left


def wait_until_gone(folder: Path, *, folder_stays: bool = False) -> None:
    """Return when nothing of a demo is left: no process, no folder."""
    deadline = time.monotonic() + DEADLINE_S
    while left := [*processes_of(folder), *([] if folder_stays else folder.iterdir())]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_bridge_that_does_not_start_is_explained(tmp_path: Path) -> None:
    """The demo of a broken bridge ends at once, with a sentence and the bridge's last words."""
    program = (
        "import sys; from sandbox.demo import main;"
        "sys.exit(main(['--script', '--language', 'en'],"
        " command=[sys.executable, '-c', 'import sys; sys.exit(\"no wheels on this bus\")']))"
    )
    code, printed = perform(tmp_path / "demo", command=(sys.executable, "-c", program)).ended()
    assert code == 1
    assert EN.bridge_died.format(code=1) in printed
    assert "no wheels on this bus" in printed
    assert "Traceback" not in printed


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, "Terminal"]]:
    """Run the demo in a terminal of its own."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *DEMO,
        "--language",
        "en",
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(folder) | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        start_new_session=True,
    )
    os.close(theirs)
    screen = Terminal(ours)
    try:
        yield process, screen
    finally:
        screen.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


class Terminal:
    """Our end of a terminal: everything it was sent, and the keys."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = asyncio.Event()
        self.text = ""
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            content = os.read(self._descriptor, 65536)
        except OSError:  # the other end is gone
            content = b""
        if not content:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self.text += content.decode(errors="replace")
        self._changed.set()

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, keys.encode())

    async def shows(self, text: str) -> None:
        """Return when a text was drawn."""
        async with asyncio.timeout(DEADLINE_S):
            while text not in self.text:
                self._changed.clear()
                await self._changed.wait()

    def close(self) -> None:
        """Hang up."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)


async def leave(folder: Path, farewell: str | signal.Signals) -> None:
    """Type into the demo in a terminal, and leave it."""
    async with terminal(folder) as (process, screen):
        await screen.shows(EN.hints[:20])
        screen.press("Wherx\x7fe?\r")
        await screen.shows("Where?")
        await screen.shows("You ask:")
        screen.press("/discord Here?\r")
        await screen.shows("Ann on Discord")
        await screen.shows(EN.types)
        if isinstance(farewell, str):
            screen.press(farewell)
        else:
            process.send_signal(farewell)
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0
        assert "Traceback" not in screen.text
    await asyncio.to_thread(wait_until_gone, folder)


async def test_a_terminal_is_typed_into_and_left(tmp_path: Path) -> None:
    """A terminal shows both services while answers grow; ctrl-D, ctrl-C, a hang-up leave it in order."""
    farewells: tuple[str | signal.Signals, ...] = ("\x04", signal.SIGINT, signal.SIGHUP)
    folders = [tmp_path / f"{number}" for number in range(len(farewells))]
    for folder in folders:
        await asyncio.to_thread(folder.mkdir)
    async with asyncio.TaskGroup() as tasks:
        for folder, farewell in zip(folders, farewells, strict=True):
            tasks.create_task(leave(folder, farewell))


def begun(folder: Path) -> Performance:
    """Start the script; return when somebody has asked something."""
    performance = perform(folder, "--script")
    assert performance.process.stdout is not None
    while "@coze" not in performance.process.stdout.readline():
        assert performance.process.poll() is None
    return performance


def test_a_signal_ends_the_script(tmp_path: Path) -> None:
    """A script that is interrupted stops its bridge, removes its folder and says so by its exit code."""
    performances = {number: begun(tmp_path / number.name) for number in (signal.SIGTERM, signal.SIGINT)}
    for number, performance in performances.items():
        performance.process.send_signal(number)
    for performance in performances.values():
        code, rest = performance.ended()
        assert code == 130
        assert "Traceback" not in rest


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_demo_that_is_killed_leaves_no_bridge(tmp_path: Path) -> None:
    """Even a demo that cannot clean up takes its bridge along."""
    performance = begun(tmp_path / "demo")
    performance.process.kill()
    performance.process.communicate()
    wait_until_gone(tmp_path / "demo", folder_stays=True)


def test_what_is_kept_is_named(tmp_path: Path) -> None:
    """``--keep`` leaves configuration, store and log behind and says where."""
    performance = perform(tmp_path / "demo", "--keep", "--language", "en", typed="/quit\n")
    printed, _ = performance.process.communicate(timeout=DEADLINE_S)
    (kept,) = (tmp_path / "demo").iterdir()
    assert printed.endswith(EN.kept.format(folder=kept) + "\n")
    assert {"config.toml", "bridge.log", "bridge.sqlite"} <= {path.name for path in kept.iterdir()}


# --- small parts ------------------------------------------------------------------------------------------------------


def test_the_language_follows_the_environment() -> None:
    """Without ``--language`` the first locale variable that is set decides, as in the C library."""
    assert parse_options([], {"LANG": "zh_CN.UTF-8"}).words is ZH
    assert parse_options([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB"}).words is EN
    assert parse_options(["--language", "zh"], {"LANG": "de_DE"}).words is ZH


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_the_demo_knows_what_the_bridge_says(words: Words) -> None:
    """The script looks for buttons and sentences of the bridge, which the sandbox cannot import."""
    said = LANGUAGES[words.language]
    assert (words.stop, words.stopped) == (said[Say.STOP_LABEL], said[Say.STOPPED])
    assert (words.regenerate, words.good) == (said[Say.REGENERATE_LABEL], said[Say.GOOD_LABEL])
    assert (words.thanks, words.in_background) == (said[Say.FEEDBACK_SENT], said[Say.RUN_BACKGROUND])
    assert words.runs.startswith(said[Say.RUN_STARTED].format(who="`{who}`", name="`{name}`"))
    assert words.asks.removeprefix("> ").strip() == said[Say.ASKS]


def test_a_line_becomes_typed_options() -> None:
    """As in Discord's own client: by name, or in their order; what is no number is no number."""
    options = [{"name": "city", "type": 3}, {"name": "days", "type": 4}]
    known = {"weather": {"options": options}, "coze": {"options": [{"name": "stop", "type": 1}]}}
    assert split_line('weather "New York" days=2', known) == ("weather", {"city": "New York", "days": 2})
    assert split_line("coze stop", known) == ("coze stop", {})
    for line in ("weather days=many", "wether"):
        with pytest.raises(ValueError, match=r"many|wether"):
            split_line(line, known)


def test_nothing_points_at_real_services() -> None:
    """Tokens, addresses and proxies of the environment do not reach the demo's bridge."""
    environ = {"COZE_API_TOKEN": "x", "SLACK_BOT_TOKEN": "x", "https_proxy": "x", "HTTP_PROXY": "x", "HOME": "/root"}
    assert clean_environment(environ) == {"HOME": "/root"}


def test_the_agent_recalls_what_was_answered() -> None:
    """The demo's agent lists earlier questions of its context, and only those that were answered."""
    context = [
        ContextMessage("user", "first?"),
        ContextMessage("assistant", "yes"),
        ContextMessage("user", "aside"),
        ContextMessage("user", "second?"),
    ]
    prompt = Prompt("1", "u", "c", tuple(context))
    assert earlier_questions(prompt) == ["first?"]
    assert "- first?" in compose(prompt)
    assert compose(prompt) == compose(prompt) != compose(prompt, asked_before=1)
    assert "second?" in compose(prompt)


def test_a_line_is_edited_as_in_a_terminal() -> None:
    """Backspace, line and word clearing work; arrow keys do nothing; the end counts on an empty line only."""
    editor = LineEditor()
    assert editor.feed("helo\x7flo\rone two\x17three\r") == ["hello", "onethree"] or editor.text == ""
    assert editor.feed("\x1b[A\x1b[1;5Cgone\x15kept\n") == ["kept"]
    assert editor.feed("你好\x7f") == []
    assert editor.text == "你"
    editor.feed("\x04")
    assert not editor.ended
    editor.feed("\x15\x04")
    assert editor.ended


def test_a_bar_is_always_equally_wide() -> None:
    """Growth is drawn in eighths, from the first character to more than fits."""
    assert {len(bar(chars)) for chars in range(0, 2000, 7)} == {len(bar(0))}
    assert bar(0).strip() == ""
    assert bar(1).strip() != ""


@pytest.mark.parametrize(("width", "is_wide"), [(60, False), (99, False), (100, True), (200, True)])
def test_an_excerpt_fits_its_line(width: int, is_wide: bool) -> None:
    """Services stand side by side where there is room; what grows is cut to what its column holds."""
    clock = SandboxClock()
    slack = SlackEmulator(clock, Journal(clock))
    settle(slack, EN)
    side = SlackSide(slack, EN, channel=CHANNEL, apart=APART, people=PEOPLE)
    layout = Layout(width, (side, side))
    assert layout.is_wide is is_wide
    assert 8 <= layout.excerpt_cells <= 56


def test_an_excerpt_shows_the_end() -> None:
    """A long text is shown from where it grows, by width on the screen."""
    assert excerpt("a short\ntext") == "“a short text”"
    assert excerpt("x" * 100 + " the end").endswith("the end”")
    assert len(excerpt("好" * 100)) < 40


def told(at: float, kind: str, name: str, **detail: object) -> Entry:
    """One entry of Coze's journal."""
    return Entry(at, "coze", kind, name, dict(detail))


STORY = (
    told(1.0, "request", "POST /v3/chat", query={"conversation_id": "c1"}),
    told(1.5, "event", "conversation.message.delta", type="answer", content="It is"),
    told(2.0, "event", "conversation.message.completed", type="answer", content="It is a Tuesday."),
)


def asked(at: float, conversation_id: str, content: str) -> Entry:
    """Coze being asked something."""
    body = {"additional_messages": [{"content": content}]}
    return told(at, "request", "POST /v3/chat", query={"conversation_id": conversation_id}, body=body)


def test_what_goes_on_at_the_same_time_is_told_apart() -> None:
    """Of two questions at once each gets its own request and what happened in its conversation."""
    mine = (asked(1.0, "c1", "Ann: Which day is it?"), told(1.2, "event", "x", conversation_id="c1"))
    other = (asked(1.1, "c2", "Ann: Which year?"), told(1.3, "event", "x", conversation_id="c2"))
    entries = sorted((*mine, *other), key=lambda entry: entry.at)
    assert about("Which day is it?", entries) == list(mine)
    assert about("Which year?", entries) == list(other)


STEPS = (Step(1.1, "… thinking"), Step(1.6, "It is a"), Step(1.8, "It is a Tues"), Step(2.1, "It is a Tuesday."))


def test_a_good_scene_is_judged_well() -> None:
    """Steps, times, text and conversation are read from the journal; a placeholder is no step."""
    expected = Expectation("scene", None, frozenset(), recalls=("Tuesday",), must_not_know=("Monday",))
    verdict = judge(expected, STORY, STEPS)
    assert (verdict.steps, verdict.exact, verdict.conversation_id) == (3, True, "c1")
    assert verdict.first_words_ms == pytest.approx(100.0)
    assert verdict.final_ms == pytest.approx(100.0)
    assert verdict.failures(EN) == []


@pytest.mark.parametrize(
    ("expected", "entries", "steps", "sentence"),
    [
        (Expectation("s", None, frozenset()), STORY, STEPS[-1:], EN.too_few_steps),
        (Expectation("s", None, frozenset()), STORY, STEPS[:-1], EN.not_exact),
        (Expectation("s", "c2", frozenset({"c2"})), STORY, STEPS, EN.wrong_conversation),
        (Expectation("s", None, frozenset({"c1"})), STORY, STEPS, EN.wrong_conversation),
        (Expectation("s", None, frozenset(), recalls=("Monday",)), STORY, STEPS, EN.forgot),
        (Expectation("s", None, frozenset(), must_not_know=("Tuesday",)), STORY, STEPS, EN.forgot),
        (Expectation("s", None, frozenset()), (STORY[0], *STORY), STEPS, EN.asked_often),
        (Expectation("s", None, frozenset(), files=("digest",)), STORY, STEPS, EN.image_lost),
    ],
)
def test_whatever_does_not_hold_is_said(
    expected: Expectation, entries: Sequence[Entry], steps: Sequence[Step], sentence: str
) -> None:
    """Every check has its sentence, in words."""
    failures = judge(expected, entries, steps).failures(EN)
    assert failures
    assert any(sentence.split("{scene}")[1].partition("{")[0].strip("”: ") in failure for failure in failures)


def test_an_answer_over_two_messages_is_read_as_one() -> None:
    """Only the blanks between them may be missing: a word that is lost, doubled or changed is seen."""
    first, second = (Step(1.0, "It is"), Step(2.0, "It is a")), (Step(3.0, "Tuesday."),)
    grown = read_together([first, second], "It is a Tuesday.")
    assert [(read.at, read.text) for read in grown] == [(1.0, "It is"), (2.0, "It is a"), (3.0, "It is a Tuesday.")]
    for texts in (["It is", "Tuesday."], ["It is a", "a Tuesday."], ["It is a", "Tuesday"], ["It is a"]):
        assert joined(texts, "It is a Tuesday.") != "It is a Tuesday."


def test_a_scene_that_is_not_over_is_not_judged() -> None:
    """While the agent speaks there is no text to compare with."""
    assert agent_text(STORY[:2]) is None
    with pytest.raises(ValueError, match="still speaking"):
        judge(Expectation("s", None, frozenset()), STORY[:2], STEPS)


# --- the long ones, which have gone on since the beginning ------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_script_holds_what_it_promises(performances: dict[str, Performance], language: str) -> None:
    """Eleven scenes and sixteen acts on both services, over a restart: every one ends exactly as it should."""
    words = {"en": EN, "zh": ZH}[language]
    code, printed = performances[language].ended()
    assert code == 0, printed
    assert words.all_well.partition("{")[0] in printed
    assert words.no not in printed.split(words.remembers)[-1]
    verdict, _, acts = printed.rpartition(words.remembers)[2].partition(words.acts)
    assert (verdict.count("\nSlack "), verdict.count("\nDiscord ")) == (5, 6)
    assert (acts.count("\nSlack "), acts.count("\nDiscord ")) == (8, 8)
    for title in (words.weather_title, words.trip_title, words.report_title, words.stop_title, words.feedback_title):
        assert acts.count(title[:14]) == 2
    for title in (
        words.mention_title,
        words.discord_mention_title,
        words.post_title,
        words.direct_title,
        words.image_title,
    ):
        assert title[:20] in verdict
    assert printed.count(words.process_started.partition("{")[0]) == 2
    assert printed.count(words.answer_complete.partition("{")[0]) == 11 + 4
    assert "Traceback" not in printed


def test_lines_are_typed_as_people(performances: dict[str, Performance]) -> None:
    """Without a terminal, lines of standard input become mentions, follow-ups and commands."""
    code, printed = performances["lines"].ended()
    assert code == 0, printed
    assert "- Ann: Where do I begin?" in printed
    assert "智能体：default" in printed
    assert printed.count("You ask: *Ann: Where do I begin?*") == 2
    assert "You ask: *Ben: A post?*" in printed
    assert "Discord, #help, thread 2:" in printed
    assert EN.welcome in printed
    assert "  2 In which tone * (warm, formal, funny): warm" in printed
    assert "**You are invited!**\n\nA party\n" in printed
    assert EN.no_button.partition("{")[0] + "Nope" in printed
    assert EN.no_form in printed
    assert EN.not_typed.partition("{")[0] in printed
    assert EN.no_forum in printed
    assert EN.no_thread.format(service="Discord", number=9) in printed
    assert EN.no_command.format(command="/nonsense") in printed
    assert EN.nobody.format(name="nobody", people="ann, ben, li") in printed
    assert "Traceback" not in printed
