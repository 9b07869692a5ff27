"""Files of answers: which addresses are fetched, what they are called, and how they come to stand below an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bridge.errors import FileGone, FileTooLarge, PlatformError, PlatformRejected, PlatformUnavailable
from bridge.files.answer_files import COZE_HOSTS, AnswerFileRules, files_in, name_of, read_origins
from bridge.files.fetching import Download, Origins
from bridge.model import Author, Capabilities, ControlKind, FileNote, Outcome, Press, TurnState
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, envelope, spoken
from bridge.testing.workflows import FakeWorkflows, said
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.offers import Offers
from bridge.turns.turn import TurnOptions
from bridge.workflows.settings import WorkflowSettings

HOSTS = Origins(frozenset({".byteimg.com", "s.coze.cn"}))
CAT = "https://p3-sign.byteimg.com/tos/cat.png~tplv-image.image?rk3s=1&x-signature=a%2Bb%3D"
PNG = b"\x89PNG bytes"
OPTIONS = TurnOptions(AskingOptions(identity_secret=b"secret of the tests"), result_chars=200)


# --- which, and how they are called -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"![a cat]({CAT})", [CAT]),
        (f"[the file]({CAT}) and again {CAT}.", [CAT]),
        (f"看这里：{CAT}。", [CAT]),
        (f'```json\n{{\n  "img": "{CAT}"\n}}\n```', [CAT]),
        ("https://s.coze.cn/t/abc_1/", ["https://s.coze.cn/t/abc_1/"]),
        ("https://evil.example/cat.png https://byteimg.com.evil.example/x", []),
        ("http://p3-sign.byteimg.com/x https://p3.byteimg.com:8443/x https://u:p@p3.byteimg.com/x", []),
        ("https://169.254.169.254/latest https://127.0.0.1/x https://[::1]/x https://localhost/x", []),
        ("https://p3.byteimg.com\\@127.0.0.1/x", ["https://p3.byteimg.com"]),
        ("no links at all", []),
    ],
)
def test_which_addresses_are_files(text: str, found: list[str]) -> None:
    """Those at the named hosts, by https, each once, however they stand there."""
    assert files_in(text, HOSTS) == found


@pytest.mark.parametrize(
    ("address", "media_type", "name"),
    [
        (CAT, "image/png", "cat.png"),
        ("https://s.coze.cn/t/abc/", "image/png", "abc.png"),
        ("https://x.byteimg.com/a~b.image?x-wf-file_name=%E5%8F%8C%20cat.jpg", "image/jpeg", "双 cat.jpg"),
        ("https://x.byteimg.com/", "application/octet-stream", "file"),
        ("https://x.byteimg.com/..%2F..%2Fetc%2Fpasswd", "text/plain", "_.._etc_passwd.txt"),
        ("https://x.byteimg.com/%3C@everyone%3E.png", "image/png", "__everyone_.png"),
        (f"https://x.byteimg.com/{'a' * 300}.png", "image/png", f"{'a' * 76}.png"),
    ],
)
def test_what_a_file_is_called(address: str, media_type: str, name: str) -> None:
    """As its address tells, with a suffix that fits, and nothing in it that means anything to anybody."""
    assert name_of(address, media_type) == name


def test_what_the_operator_lists() -> None:
    """Hosts, domains, whole origins; anything else is a mistake."""
    origins = read_origins([*COZE_HOSTS, "http://minio.local:9000"])
    assert origins.allows("https://p9-bot-workflow-sign.byteimg.com/x.png")
    assert origins.allows("http://minio.local:9000/x.png")
    assert not origins.allows("http://minio.local/x.png")
    for wrong in ("com", "https://", "a b.com", "https://files.example.com/path", "*.example.com"):
        with pytest.raises(ValueError, match="is no"):
            read_origins([wrong])


# --- below an answer --------------------------------------------------------------------------------------------------


@dataclass
class Files:
    """What is hosted; an error is raised."""

    hosted: dict[str, Download | PlatformError] = field(default_factory=dict)
    read_urls: list[str] = field(default_factory=list)

    async def read(self, url: str, limit_bytes: int, headers: Mapping[str, str] | None = None) -> Download:
        self.read_urls.append(url)
        assert headers is None
        found = self.hosted.get(url, FileGone("HTTP 404"))
        if isinstance(found, PlatformError):
            raise found
        return found


def cat() -> Files:
    """One image."""
    return Files({CAT: Download(PNG, "image/png")})


def linked(*addresses: str) -> FakeAgent:
    """An agent that answers with images."""
    return FakeAgent(spoken("Here: ", " ".join(f"![it]({address})" for address in addresses)))


async def test_an_image_comes_below_the_answer() -> None:
    """As a file with its name; the text stays as it is, and the journal knows."""
    async with core_of(linked(CAT), fetcher=cat()) as core:
        assert await core.answered(envelope()) == [f"Here: ![it]({CAT})"]
        [file] = core.platform.attached.values()
        assert (file.name, file.media_type, file.content) == ("cat.png", "image/png", PNG)
        assert (await core.record(envelope())).files == (FileNote(CAT, 100, "file 100", over=True),)


@pytest.mark.parametrize(
    ("found", "platform_error", "why"),
    [
        (FileGone("HTTP 404"), None, Say.FILE_NOT_READ),
        (PlatformRejected("its host leads to a private address"), None, Say.FILE_NOT_READ),
        (FileTooLarge("more"), None, Say.FILE_TOO_LARGE_HERE),
        (Download(PNG, "image/png"), PlatformRejected("missing_scope"), Say.FILE_NOT_SHOWN),
        (Download(PNG, "image/png"), FileTooLarge("10 MiB"), Say.FILE_TOO_LARGE_HERE),
    ],
)
async def test_what_stays_a_link_is_said(found: Any, platform_error: PlatformError | None, why: Say) -> None:
    """Why, in one sentence below; the answer itself is as good as ever."""
    platform = FakePlatform(errors={"attach": [platform_error]} if platform_error else {})
    async with core_of(linked(CAT), fetcher=Files({CAT: found}), platform=platform) as core:
        record = await core.ask(envelope())
        assert record.outcome is Outcome.DELIVERED
        assert platform.visible()[-1].startswith(say(Say.FILES_LINKED, "en", files="").rstrip(". "))
        assert say(why, "en") in platform.visible()[-1]
        assert not platform.attached


async def test_pages_and_foreign_hosts_are_left_alone() -> None:
    """Nothing is said about what is no file; nothing is asked of hosts that nobody named."""
    files = Files({CAT: Download(b"<html>", "text/html")})
    async with core_of(linked(CAT, "https://evil.example/x.png"), fetcher=files) as core:
        assert len(await core.answered(envelope())) == 1
        assert files.read_urls == [CAT]
        assert not core.platform.attached


async def test_so_many_and_no_more() -> None:
    """The others stay links, and are named."""
    many = [f"https://p3.byteimg.com/{number}.png" for number in range(4)]
    files = Files({address: Download(PNG, "image/png") for address in many})
    options = replace(OPTIONS, answer_files=AnswerFileRules(HOSTS, max_count=3))
    async with core_of(linked(*many), fetcher=files, options=options) as core:
        await core.ask(envelope())
        assert [file.name for file in core.platform.attached.values()] == ["0.png", "1.png", "2.png"]
        assert "3.png" in core.platform.visible()[-1]


async def test_a_platform_without_files_keeps_links() -> None:
    """Or an operator who wants links."""
    async with core_of(linked(CAT)) as core:
        await core.ask(envelope())
        assert not core.platform.attached


async def test_a_file_that_was_lost_on_the_way_is_shown_once() -> None:
    """What was noted tells the next try that it stands there."""
    lost = PlatformUnavailable("no answer", outcome_unknown=True)
    platform = FakePlatform(errors={"attach!": [lost]})
    async with core_of(linked(CAT), fetcher=cat(), platform=platform) as core:
        await core.ask(envelope())
        assert (len(platform.attached), platform.calls.count("attach")) == (1, 2)
        assert len(platform.visible()) == 1


@pytest.mark.parametrize("stands", [False, True])
async def test_a_crash_while_a_file_is_brought(stands: bool) -> None:
    """The next start brings it, unless it stands there; one that is over is not looked at again."""
    clock = FakeClock()
    other = "https://s.coze.cn/t/done/"
    async with core_of(linked(CAT, other), clock=clock) as core:
        record = await core.ask(envelope())
    notes = (FileNote(CAT, 100, "file 100"), FileNote(other, 101, "file 101", over=True))
    cut = replace(record, state=TurnState.DELIVERING, files=notes)
    platform, files = FakePlatform(), cat()
    async with core_of(FakeAgent(), store=MemoryStore(clock), clock=clock, platform=platform, fetcher=files) as core:
        if stands:
            platform.attached[record.turn_id, 100] = object()  # type: ignore[assignment] # some file
        assert await core.store.create_turn(cut)
        await core.whole.take_up()
        await core.ended(envelope())
        assert list(platform.attached) == [(record.turn_id, 100)]
        assert files.read_urls == [CAT]


# --- results that are too long ----------------------------------------------------------------------------------------

LONG = '{"rows":[' + ",".join(f'{{"n":{number},"名":"值"}}' for number in range(40)) + '],"total":40}'
FLOW = {"report": WorkflowSettings(id="42")}


async def test_a_long_result_comes_as_a_file() -> None:
    """Pretty, whole, with a sentence in the answer; the journal is rid of it afterwards."""
    async with core_of(FakeAgent(), options=OPTIONS, workflows=FakeWorkflows(said(LONG)), flows=FLOW) as core:
        asked = envelope("!run report")
        assert await core.answered(asked) == [say(Say.RESULT_FILE, "en", name="result.json", size="2")]
        [file] = core.platform.attached.values()
        assert (file.name, file.media_type) == ("result.json", "application/json")
        assert file.content.decode().startswith('{\n  "rows": [\n    {\n      "n": 0,\n      "名": "值"')
        assert (await core.record(asked)).results == ()


@pytest.mark.parametrize("takes_files", [False, True])
async def test_where_it_cannot_be_a_file_it_is_text(takes_files: bool) -> None:
    """Whole, in as many messages as it takes: the platform has no files, or refuses this one."""
    platform = FakePlatform(takes_files=takes_files, errors={"attach": [PlatformRejected("missing_scope")]})
    flows = FakeWorkflows(said(LONG))
    async with core_of(FakeAgent(), options=OPTIONS, workflows=flows, flows=FLOW, platform=platform) as core:
        asked = envelope("!run report")
        shown = "\n".join(await core.answered(asked))
        assert '"total": 40' in shown
        assert shown.count('"n": ') == 40
        assert (await core.record(asked)).results == ()


async def test_several_results_and_plain_text() -> None:
    """Each has its name; text that came at once is a file too, what is short is not."""
    flows = FakeWorkflows(said(LONG, "word " * 100, '{"a":1,"b":2}'))
    async with core_of(FakeAgent(), options=OPTIONS, workflows=flows, flows=FLOW) as core:
        [shown] = await core.answered(envelope("!run report"))
        assert [file.name for file in core.platform.attached.values()] == ["result.json", "result-2.md"]
        assert shown.endswith('```json\n{\n  "a": 1,\n  "b": 2\n}\n```')


async def test_a_long_result_survives_a_crash() -> None:
    """It is in the journal until it stands there."""
    clock = FakeClock()
    store = MemoryStore(clock)
    platform = FakePlatform(errors={"attach": [PlatformUnavailable("down", outcome_unknown=False)] * 2})
    flows = FakeWorkflows(said(LONG))
    asked = envelope("!run report")
    async with core_of(
        FakeAgent(), options=OPTIONS, workflows=flows, flows=FLOW, store=store, clock=clock, platform=platform
    ) as core:
        assert await core.intake.accept(asked)
        await core.until(lambda: "attach" in platform.calls)
        cut = await core.record(asked)
    assert (cut.state, len(cut.results)) == (TurnState.ANSWERED, 1)
    async with core_of(FakeAgent(), options=OPTIONS, workflows=flows, flows=FLOW, clock=clock) as core:
        assert await core.store.create_turn(cut)
        await core.whole.take_up()
        await core.ended(asked)
        [file] = core.platform.attached.values()
        assert '"total": 40' in file.content.decode()


async def test_a_new_answer_takes_the_place_of_the_old_one_and_its_files() -> None:
    """Regenerated, the old image goes with the old text."""
    other = "https://p3.byteimg.com/dog.png"
    files = Files({CAT: Download(PNG, "image/png"), other: Download(PNG, "image/png")})
    platform = FakePlatform(capabilities=Capabilities(controls=True, status_refresh_s=90.0))
    agent = FakeAgent(spoken(f"![it]({CAT})"), spoken(f"![it]({other})"))
    options = replace(OPTIONS, offers=Offers(regenerate=True))
    async with core_of(agent, fetcher=files, platform=platform, options=options) as core:
        asked = await core.ask(envelope())
        message_id = next(iter(platform.messages))
        press = Press(ControlKind.REGENERATE, asked.turn_id, envelope().place, Author("U1"), message_id)
        assert (await core.intake.press(press)).done
        await core.until(lambda: "dog.png" in {file.name for file in platform.attached.values()}, limit_s=60)
        assert [file.name for file in platform.attached.values()] == ["dog.png"]
