"""Files from the emulator's file server: the token goes along, and a sign-in page is no file."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack.adapter import SlackPlatform
from adapters.slack.limits import FILE_HOSTS
from bridge.errors import FileGone, FileTooLarge, PlatformRejected, PlatformUnavailable
from bridge.files.fetching import Origins
from bridge.model import AnswerFile, Attachment, Envelope, TurnId
from bridge.ports import FilingReply
from sandbox.journal import Journal
from sandbox.slack import FileUpload, SlackEmulator

CONTENT = bytes(range(256)) * 50
PAGE = b"<html><body>a page of somebody's own</body></html>"


def attach(slack: SlackEmulator, *files: FileUpload) -> list[Attachment]:
    """Let Ann attach files; return them as the event tells them, but with the message's other fields left out."""
    slack.say("U1", "C1", "look", files=files)
    found = next(iter(slack.service.workspaces.values())).files.values()
    base = slack.api_url.removesuffix("/api/")
    return [
        Attachment(f.id, f.name, f.mimetype, f.size_bytes, f"{base}/files-pri/T1-{f.id}/download/{f.name}")
        for f in list(found)[-len(files) :]
    ]


async def test_a_file_is_read_with_the_token(
    slack: SlackEmulator, platform: SlackPlatform, asked: Callable[..., Envelope], journal: Journal
) -> None:
    """Also an HTML file, which looks like the sign-in page but has the size that was told; no more than allowed."""
    envelope = asked()
    image, page = attach(slack, FileUpload("cat.png", CONTENT), FileUpload("own.html", PAGE))
    assert await platform.fetch(envelope, image, len(CONTENT)) == CONTENT
    assert await platform.fetch(envelope, page, len(PAGE)) == PAGE
    with pytest.raises(FileTooLarge):
        await platform.fetch(envelope, image, len(CONTENT) - 1)
    assert all(entry.detail["allowed"] for entry in journal.select(kind="download"))


@pytest.mark.parametrize("redirects", [False, True])
async def test_the_sign_in_page_is_no_file(
    slack: SlackEmulator, platform: SlackPlatform, asked: Callable[..., Envelope], redirects: bool
) -> None:
    """Without the scope Slack answers it with status 200, directly or after a redirect, for HTML files too."""
    envelope = asked()
    files = attach(slack, FileUpload("cat.png", CONTENT), FileUpload("own.html", PAGE))
    slack.add_app(scopes=["chat:write"])
    slack.switches.file_sign_in_redirects = redirects
    for file in files:
        with pytest.raises(PlatformRejected, match="files:read"):
            await platform.fetch(envelope, file, 100_000)


async def test_a_file_whose_address_was_not_told_is_looked_up(
    slack: SlackEmulator, platform: SlackPlatform, asked: Callable[..., Envelope]
) -> None:
    """As with files from another company's workspace; one without bytes is not there."""
    envelope = asked()
    image, external = attach(slack, FileUpload("cat.png", CONTENT), FileUpload("elsewhere", mode="external"))
    assert await platform.fetch(envelope, replace(image, url=""), 100_000) == CONTENT
    with pytest.raises(FileGone):
        await platform.fetch(envelope, replace(external, url=""), 100_000)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/files-pri/T1-F1/cat.png",
        "https://files.slack.com.evil.example/files-pri/T1-F1/cat.png",
        "http://files.slack.com/files-pri/T1-F1/cat.png",
        "https://evil.example/cat.png",
    ],
)
async def test_the_token_goes_nowhere_else(platform: SlackPlatform, asked: Callable[..., Envelope], url: str) -> None:
    """Whatever address stands in an event."""
    with pytest.raises(PlatformRejected):
        await platform.fetch(asked(), Attachment("F1", "cat.png", "image/png", 3, url), 100)


def test_the_hosts() -> None:
    """Slack's own, by https."""
    origins = Origins(FILE_HOSTS)
    assert origins.allows("https://files.slack.com/files-pri/T1-F1/download/cat.png")
    assert not origins.allows("https://files-slack.com/files-pri/T1-F1/download/cat.png")


def test_the_scope_is_asked_for(settings_for: Any) -> None:
    """Files can be done without, and the check says how."""
    from adapters.slack.scopes import scope_needs

    (need,) = [need for need in scope_needs(settings_for()) if need.name == "files:read"]
    assert need.without


# --- files of answers -------------------------------------------------------------------------------------------------

IMAGE = AnswerFile(0, "cat.png", "image/png", CONTENT)


def shared(slack: SlackEmulator) -> list[tuple[str, str, str | None]]:
    """What stands in the workspace: name, channel and thread of each file."""
    files = next(iter(slack.service.workspaces.values())).files.values()
    return [(file.name, channel, thread) for file in files for channel, _, thread in file.shares]


@pytest.mark.parametrize("fault", [None, "drop_before", "drop_after"])
async def test_a_file_is_shown_once(
    slack: SlackEmulator, platform: SlackPlatform, asked: Callable[..., Envelope], fault: str | None
) -> None:
    """In three steps; where the last one's answer is lost, Slack tells by the file's id whether it was done."""
    envelope, notes = asked(), list[str]()
    if fault is not None:
        slack.faults.plan("files.completeUploadExternal", fault)

    async def note(handle: str) -> None:
        notes.append(handle)

    reply = platform.reply(envelope, TurnId("turn"), "en")
    assert isinstance(reply, FilingReply)
    if fault is not None:
        with pytest.raises(PlatformUnavailable):
            await reply.attach(IMAGE, "", note)
    await reply.attach(IMAGE, notes[0] if notes else "", note)
    await slack.wait_until(lambda: bool(shared(slack)), what="the file")
    assert shared(slack) == [("cat.png", "C1", envelope.place.thread)]
    assert len(notes) == 1
    for _ in range(2):
        await reply.detach(notes[-1])
    assert not shared(slack)
    assert not slack.answers("C1", envelope.message_id)


async def test_a_share_that_does_not_show_yet_is_not_repeated(
    slack: SlackEmulator, platform: SlackPlatform, asked: Callable[..., Envelope]
) -> None:
    """Slack shares a little later: it refuses to share again what it is about to."""
    slack.switches.file_share_delay_s = 60.0
    slack.faults.plan("files.completeUploadExternal", "drop_after")
    reply, notes = platform.reply(asked(), TurnId("turn"), "en"), list[str]()

    async def note(handle: str) -> None:
        notes.append(handle)

    with pytest.raises(PlatformUnavailable):
        await reply.attach(IMAGE, "", note)
    await reply.attach(IMAGE, notes[0], note)
    slack.clock.advance(61.0)
    await slack.wait_until(lambda: bool(shared(slack)), what="the file")
    assert len(shared(slack)) == 1


async def test_bytes_go_to_slack_alone(
    slack: SlackEmulator, platform: SlackPlatform, asked: Callable[..., Envelope]
) -> None:
    """An upload that fails is begun anew; nothing was noted, for nobody can see it."""
    slack.faults.plan("files.getUploadURLExternal", "error", error="missing_scope")

    async def note(handle: str) -> None:
        raise AssertionError("nothing to note")

    with pytest.raises(PlatformRejected, match="missing_scope"):
        await platform.reply(asked(), TurnId("turn"), "en").attach(IMAGE, "", note)
