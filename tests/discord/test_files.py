"""Files from the emulator's CDN, whose addresses are signed and expire."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.discord.adapter import DiscordPlatform
from adapters.discord.limits import FILE_BYTES, FILE_HOSTS
from bridge.errors import FileGone, FileTooLarge, PlatformRejected, PlatformUnavailable
from bridge.files.fetching import Origins
from bridge.model import AnswerFile, Attachment, Envelope, TurnId
from bridge.ports import FilingReply
from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator, FileUpload
from sandbox.journal import Journal

CONTENT = bytes(range(256)) * 50


@pytest.fixture
def question(discord: DiscordEmulator, asked: Callable[..., Envelope]) -> Envelope:
    """A question with an image."""
    general = discord.find_channel("general")
    message_id = discord.mention("ann", general.id, "look", [FileUpload("cat.png", CONTENT)])
    (held,) = discord.service.world.attachments.values()
    file = Attachment(held.id, held.name, held.content_type, len(CONTENT), discord.service.cdn.url(held))
    key = f"work:{general.guild_id}:{general.id}:{message_id}"
    return replace(asked(), delivery_key=key, attachments=(file,))


async def test_a_file_is_read(platform: DiscordPlatform, question: Envelope) -> None:
    """Whole, or not at all."""
    (file,) = question.attachments
    assert await platform.fetch(question, file, len(CONTENT)) == CONTENT
    with pytest.raises(FileTooLarge):
        await platform.fetch(question, file, len(CONTENT) - 1)


async def test_an_expired_address_is_asked_for_anew(
    discord: DiscordEmulator,
    platform: DiscordPlatform,
    question: Envelope,
    sandbox_clock: SandboxClock,
    journal: Journal,
) -> None:
    """A question of yesterday, or one asked again: its message tells a fresh one, if it is still there."""
    (file,) = question.attachments
    sandbox_clock.advance(discord.switches.cdn_link_lifetime_s + 60)
    assert await platform.fetch(question, file, len(CONTENT)) == CONTENT
    assert [entry.detail["status"] for entry in journal.select(kind="download")] == [404, 200]
    with pytest.raises(FileGone):
        await platform.fetch(question, replace(file, id="1"), len(CONTENT))
    discord.delete("ann", *question.delivery_key.split(":")[2:])
    with pytest.raises(PlatformRejected):
        await platform.fetch(question, file, len(CONTENT))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/attachments/1/2/cat.png",
        "https://cdn.discordapp.com.evil.example/attachments/1/2/cat.png",
        "https://evil.example/cat.png",
        "",
    ],
)
async def test_nothing_is_read_elsewhere(platform: DiscordPlatform, question: Envelope, url: str) -> None:
    """Whatever address stands in a message."""
    (file,) = question.attachments
    with pytest.raises(PlatformRejected):
        await platform.fetch(question, replace(file, url=url), 100)


def test_the_hosts() -> None:
    """Discord's own, by https."""
    origins = Origins(FILE_HOSTS)
    assert origins.allows("https://cdn.discordapp.com/attachments/1/2/cat.png?ex=1&is=2&hm=3&")
    assert not origins.allows("https://discordapp.com/attachments/1/2/cat.png")


# --- files of answers -------------------------------------------------------------------------------------------------

IMAGE = AnswerFile(0, "cat.png", "image/png", CONTENT)


def posted(discord: DiscordEmulator, channel: str) -> list[str]:
    """The names of the files in a channel or thread."""
    return [file.name for file in discord.service.world.attachments.values() if file.channel_id == channel]


@pytest.mark.parametrize("later_s", [0.0, 300.0])
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_file_is_shown_once(
    discord: DiscordEmulator,
    platform: DiscordPlatform,
    asked: Callable[..., Envelope],
    sandbox_clock: SandboxClock,
    fault: str,
    later_s: float,
) -> None:
    """Soon after a lost answer its name creates nothing again; later, or after a restart, we look for it first."""
    envelope, notes = asked(), list[str]()

    async def note(handle: str) -> None:
        tried_at, *message = handle.split(":")
        notes.append(":".join([f"{float(tried_at) - later_s:.0f}", *message]))

    reply = platform.reply(envelope, TurnId("turn"), "en")
    assert isinstance(reply, FilingReply)
    await reply.open()
    discord.faults.plan("POST /channels/{channel}/messages", fault)
    with pytest.raises(PlatformUnavailable):
        await reply.attach(IMAGE, "", note)
    if later_s:
        sandbox_clock.advance(later_s)
    await platform.reply(envelope, TurnId("turn"), "en").attach(IMAGE, notes[0], note)
    assert posted(discord, envelope.message_id) == ["cat.png"]
    assert posted(discord, envelope.place.channel) == []
    await reply.detach(notes[-1])
    known = len(notes) > 1  # one that was found by looking stays
    assert len(discord.answers(envelope.message_id)) == (0 if known else 1)


async def test_a_file_that_is_too_large(platform: DiscordPlatform, asked: Callable[..., Envelope]) -> None:
    """Is not even sent."""

    async def note(handle: str) -> None:
        raise AssertionError("nothing to note")

    large = replace(IMAGE, content=bytes(FILE_BYTES + 1))
    with pytest.raises(FileTooLarge):
        await platform.reply(asked(), TurnId("turn"), "en").attach(large, "", note)
