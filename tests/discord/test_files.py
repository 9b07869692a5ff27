"""Files from the emulator's CDN, whose addresses are signed and expire."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.discord.adapter import DiscordPlatform
from adapters.discord.limits import FILE_HOSTS
from bridge.errors import FileGone, FileTooLarge, PlatformRejected
from bridge.files.fetching import Origins
from bridge.model import Attachment, Envelope
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
