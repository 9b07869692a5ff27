"""Files that come with questions: which go along, and what is said of the others."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import AgentRejected, AgentUnavailable, PlatformRejected, PlatformUnavailable
from bridge.files.attachments import FileRules, full_name, kind_of
from bridge.model import AgentCapabilities, Attachment, Capabilities, Envelope, FileKind, OnBusy, Outcome, QuestionFile
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, envelope, spoken
from bridge.texts import Say, say
from bridge.turns.answering import TurnOptions
from bridge.turns.asking import AskingOptions

CAT = Attachment("F1", "cat.png", "image/png", 3)
PLAN = Attachment("F2", "plan.pdf", "application/pdf", 4)
SONG = Attachment("F3", "song.mp3", "audio/mpeg", 5)
BYTES = {"F1": b"cat", "F2": b"plan", "F3": b"songs"}


def with_files(text: str, *files: Attachment, number: int = 1) -> Envelope:
    """A question with files."""
    return replace(envelope(text, number=number), attachments=files)


def options(rules: FileRules) -> TurnOptions:
    """The usual options with these rules."""
    return TurnOptions(AskingOptions(identity_secret=b"secret of the tests"), files=rules)


def hosting(files: dict[str, bytes] | None = None) -> FakePlatform:
    """A platform that holds these files."""
    capabilities = Capabilities(edit_interval_s=1.0, status_refresh_s=90.0, controls=True)
    return FakePlatform(capabilities=capabilities, files=dict(BYTES if files is None else files))


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("cat.png", "image/png", FileKind.IMAGE),
        ("cat", "image/webp", FileKind.IMAGE),
        ("cat.heic", "application/octet-stream", FileKind.IMAGE),
        ("cat.jpg", "", FileKind.IMAGE),
        ("voice.ogg", "audio/ogg", FileKind.AUDIO),
        ("voice.m4a", "", FileKind.AUDIO),
        ("film.mp4", "video/mp4", FileKind.FILE),
        ("plan.pdf", "application/pdf", FileKind.FILE),
        ("nothing", "", FileKind.FILE),
    ],
)
def test_the_kind_of_a_file(name: str, media_type: str, kind: FileKind) -> None:
    """By its media type, or else by its name."""
    assert kind_of(Attachment("F", name, media_type)) is kind


def test_a_name_tells_the_type() -> None:
    """The agent's service goes by the suffix; a path is no name."""
    assert full_name(CAT) == "cat.png"
    assert full_name(Attachment("F", "screenshot", "image/png")) == "screenshot.png"
    assert full_name(Attachment("F", "../etc/cat.png", "image/png")) == ".._etc_cat.png"
    assert full_name(Attachment("F", "", "application/pdf")) == "file.pdf"


async def test_files_go_along_with_the_words() -> None:
    """Each is uploaded and stands in the question in order; nothing is said about them."""
    agent = FakeAgent(spoken("A cat."))
    async with core_of(agent, platform=hosting()) as core:
        assert await core.answered(with_files("What is this?", CAT, PLAN, SONG)) == ["A cat."]
    assert agent.uploads == {"cat.png": b"cat", "plan.pdf": b"plan", "song.mp3": b"songs"}
    assert agent.questions[0].text == "name of U1: What is this?"
    assert agent.questions[0].files == (
        QuestionFile(FileKind.IMAGE, "file-cat.png"),
        QuestionFile(FileKind.FILE, "file-plan.pdf"),
        QuestionFile(FileKind.AUDIO, "file-song.mp3"),
    )


async def test_files_without_words_are_a_question() -> None:
    """Its text is their names, for every question needs one."""
    agent = FakeAgent(spoken("A cat."))
    async with core_of(agent, platform=hosting()) as core:
        assert await core.answered(with_files("", CAT)) == ["A cat."]
    assert agent.questions[0].text == "name of U1: [cat.png]"
    assert len(agent.questions[0].files) == 1


BIG = Attachment("F4", "big.zip", "application/zip", 2_000_000)
LIAR = Attachment("F5", "liar.bin", "", 1)
EMPTY = Attachment("F6", "empty.pdf", "application/pdf")
GONE = Attachment("F7", "gone `@all`.pdf", "application/pdf")


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_what_is_left_out_is_said_in_one_line(locale: str) -> None:
    """The question goes on without it; each file with its reason, its name without marks."""
    rules = FileRules(frozenset({FileKind.IMAGE, FileKind.FILE}), max_bytes=1_000_000, max_count=5)
    files = BYTES | {"F5": b"x" * 1_000_001, "F6": b""}
    agent = FakeAgent(spoken("Well."))
    agent.uploads["plan.pdf"] = AgentRejected("refused", code=4303, said=Say.FILE_TYPE_REFUSED)
    async with core_of(agent, options=options(rules), platform=hosting(files)) as core:
        asked = with_files("Look", CAT, SONG, BIG, LIAR, EMPTY, GONE, PLAN, replace(CAT, name="sixth.png"))
        asked = replace(asked, author=replace(asked.author, locale=locale))
        (shown,) = await core.answered(asked)
    reasons = {
        "song.mp3": say(Say.FILE_KIND, locale),
        "big.zip": say(Say.FILE_TOO_LARGE, locale, max=1),
        "sixth.png": say(Say.FILE_ONE_TOO_MANY, locale, max=5),
        "liar.bin": say(Say.FILE_TOO_LARGE, locale, max=1),
        "empty.pdf": say(Say.FILE_EMPTY, locale),
        "gone all .pdf": say(Say.FILE_NOT_READ, locale),
        "plan.pdf": say(Say.FILE_TYPE_REFUSED, locale),
    }
    listed = ", ".join(f"{name} ({reason})" for name, reason in reasons.items())
    assert shown == "Well.\n\n" + say(Say.FILES_LEFT_OUT, locale, files=listed)
    assert [file.reference for file in agent.questions[0].files] == ["file-cat.png"]


@pytest.mark.parametrize(
    ("file", "trouble", "outcome", "reason"),
    [
        (BIG, None, Outcome.REFUSED, Say.FILE_TOO_LARGE),
        (CAT, PlatformRejected("no scope"), Outcome.REFUSED, Say.FILE_NOT_READ),
        (CAT, PlatformUnavailable("away", outcome_unknown=False), Outcome.FAILED, Say.FILE_NOT_READ),
        (CAT, AgentUnavailable("away", outcome_unknown=True), Outcome.FAILED, Say.FILE_NOT_TAKEN),
    ],
)
async def test_nothing_to_ask_is_said(
    file: Attachment, trouble: Exception | None, outcome: Outcome, reason: Say
) -> None:
    """Files alone of which none can be brought along: the agent is not asked; what may pass can be tried again."""
    agent, platform = FakeAgent(), hosting()
    if isinstance(trouble, AgentUnavailable):
        agent.uploads[file.name] = trouble
    elif isinstance(trouble, PlatformRejected | PlatformUnavailable):
        platform.errors["fetch"] = [trouble]
    async with core_of(agent, options=options(FileRules(max_bytes=1_000_000)), platform=platform) as core:
        record = await core.ask(with_files("", file))
        assert record.outcome is outcome
        (message,) = platform.messages.values()
        listed = f"{file.name} ({say(reason, 'en', max=1)})"
        assert message.shown == say(Say.FILES_ALONE, "en", files=listed)
        assert bool(message.view.controls) is (outcome is Outcome.FAILED)
    assert not agent.questions


async def test_what_the_agent_cannot_take_is_left_out() -> None:
    """A server that passes over audio in silence is not sent any."""
    agent = FakeAgent(spoken("Well."))
    agent.capabilities = AgentCapabilities(file_kinds=frozenset({FileKind.IMAGE}))
    async with core_of(agent, platform=hosting()) as core:
        (shown,) = await core.answered(with_files("Look", CAT, SONG))
    assert f"song.mp3 ({say(Say.FILE_KIND, 'en')})" in shown
    assert list(agent.uploads) == ["cat.png"]


@pytest.mark.parametrize("on_busy", [OnBusy.MERGE, OnBusy.INTERRUPT])
async def test_files_of_merged_and_of_cut_questions_come_along(on_busy: OnBusy) -> None:
    """An image is sent, and the question about it right behind, while another question or itself is being answered."""
    hold = asyncio.Event()
    started, *said = spoken("x")
    agent = FakeAgent([started, hold, *said], spoken("A cat."))
    is_merged = on_busy is OnBusy.MERGE
    first = envelope("first") if is_merged else with_files("", CAT)
    others = [with_files("", CAT, number=2), with_files("And?", PLAN, number=3)]
    others = others if is_merged else [with_files("And?", PLAN, number=2)]
    async with core_of(agent, platform=hosting(), on_busy=on_busy) as core:
        assert await core.intake.accept(first)
        await core.until(lambda: len(agent.questions) == 1)
        for other in others:
            assert await core.intake.accept(other)
        await core.clock.run(0.1)
        hold.set()
        await core.until(lambda: len(agent.questions) == 2)
        await core.ended(first, others[0])
    assert sorted(file.reference for file in agent.questions[1].files) == ["file-cat.png", "file-plan.pdf"]


class Slow(FakePlatform):
    """Never gets a file read."""

    async def fetch(self, envelope: Envelope, attachment: Attachment, limit_bytes: int) -> bytes:
        self.fail("fetch")
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_slow_file_does_not_hold_the_question_up() -> None:
    """Its time is limited; the words are answered without it."""
    async with core_of(FakeAgent(spoken("Well.")), options=options(FileRules(timeout_s=0.0)), platform=Slow()) as core:
        (shown,) = await core.answered(with_files("Look", CAT))
    assert f"cat.png ({say(Say.FILE_TOO_SLOW, 'en')})" in shown


async def test_a_stop_does_not_wait_for_files() -> None:
    """While they are being read nothing runs at the agent yet: the turn ends at once, and nothing is asked."""
    agent = FakeAgent()
    async with core_of(agent, platform=Slow()) as core:
        asked = with_files("Look", CAT)
        assert await core.intake.accept(asked)
        await core.until(lambda: "fetch" in core.platform.calls)
        began_at = core.clock.now()
        assert await core.intake.accept(envelope("!stop", number=2))
        (record,) = await core.ended(asked)
        assert record.outcome is Outcome.STOPPED
        assert core.clock.now() - began_at < 5.0
    assert not agent.questions


async def test_files_are_uploaded_again_after_a_crash() -> None:
    """The bridge died before the question went out: nothing of the uploads was written down, and nothing is missed."""
    asked = with_files("Look", CAT)
    hold = asyncio.Event()
    agent, platform, clock = FakeAgent(spoken("A cat.")), hosting(), FakeClock()
    store = MemoryStore(clock)

    class Dying(FakeAgent):
        async def upload(self, name: str, media_type: str, content: bytes) -> str:
            hold.set()
            await asyncio.Event().wait()
            raise AssertionError

    async with core_of(Dying(), platform=platform, clock=clock, store=store) as core:
        assert await core.intake.accept(asked)
        await core.until(hold.is_set)
    async with core_of(agent, platform=platform, clock=clock, store=store) as core:
        await core.whole.take_up()
        await core.ended(asked)
        assert core.platform.visible() == ["A cat."]
    assert len(agent.questions[0].files) == 1
