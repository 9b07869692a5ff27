"""Files on the whole road: from the platform's own servers to Coze, byte for byte."""

import hashlib
import json
from typing import Any

from bridge.texts import Say, say
from sandbox.discord import FileUpload as DiscordFile
from sandbox.slack import FileUpload as SlackFile
from sandbox.slack.model import MANIFEST_SCOPES
from tests.loopback.road import CHANNEL, Road
from tests.loopback.server import GENERAL, Server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
PDF = b"%PDF-1.7\n" + b"plan " * 2000


def uploaded(road: Road) -> dict[str, tuple[str, str]]:
    """What Coze holds: id and digest by name."""
    return {file.file_name: (file.file_id, file.sha256) for file in road.coze.world.files.values()}


def digest(content: bytes) -> str:
    """The digest of what was attached."""
    return hashlib.sha256(content).hexdigest()


def asked(road: Road, number: int = -1) -> tuple[str, list[dict[str, Any]]]:
    """The content type and the items of a question as Coze got it."""
    message = road.chats()[number].detail["body"]["additional_messages"][-1]
    return message["content_type"], json.loads(message["content"])


async def test_an_image_asked_about_on_slack(road: Road) -> None:
    """It needs the bot's token there, and reaches Coze as it was attached; with a PDF beside it."""
    road.coze.script("A cat.", times=None)
    async with road.bridge():
        files = (SlackFile("cat.png", PNG), SlackFile("plan.pdf", PDF))
        ts = road.slack.mention("ann", CHANNEL, "What is this?", files=files)
        await road.answer("A cat.", ts)
        channel = road.slack.open_dm("ann")
        await road.answer("A cat.", road.slack.say("ann", channel, "", files=files[:1]), channel)
    held = uploaded(road)
    assert (held["cat.png"][1], held["plan.pdf"][1]) == (digest(PNG), digest(PDF))
    kind, items = asked(road, 0)
    assert (kind, items[0]) == ("object_string", {"type": "text", "text": "Ann: What is this?"})
    assert [item["type"] for item in items[1:]] == ["image", "file"]
    assert items[2]["file_id"] == held["plan.pdf"][0]
    assert asked(road, 1)[1] == [
        {"type": "text", "text": "[cat.png]"},
        {"type": "image", "file_id": held["cat.png"][0]},
    ]


async def test_an_image_asked_about_on_discord(road: Road, alone: Server) -> None:
    """Its address is signed; the bytes are those that were attached."""
    road.coze.script("A cat.", times=None)
    async with road.bridge():
        question = alone.emulator.mention("ann", GENERAL, "What is this?", [DiscordFile("cat.png", PNG)])
        await alone.answer("A cat.", question)
        alone.emulator.dm("ann", "", [DiscordFile("plan.pdf", PDF)])
        await alone.answer("A cat.", alone.emulator.open_dm("ann"))
    held = uploaded(road)
    assert (held["cat.png"][1], held["plan.pdf"][1]) == (digest(PNG), digest(PDF))
    assert asked(road, 0)[1][1] == {"type": "image", "file_id": held["cat.png"][0]}
    assert asked(road, 1)[1] == [
        {"type": "text", "text": "[plan.pdf]"},
        {"type": "file", "file_id": held["plan.pdf"][0]},
    ]


async def test_what_cannot_be_passed_on_is_said(road: Road) -> None:
    """Too large, of a type Coze refuses, not readable: the words are answered, each file has its reason."""
    road.coze.script("Well.", times=None)
    road.configure("files", max_mb=0.01)
    async with road.bridge():
        files = (SlackFile("cat.png", PNG), SlackFile("notes.txt", b"words"), SlackFile("cat2.png", b"\x89PNG"))
        ts = road.slack.mention("li", CHANNEL, "看看这些", files=files)
        message = await road.answer("Well.", ts)
        await road.until(lambda: road.answers(ts)[-1].small_print, "the line below")
        left_out = (
            f"cat.png ({say(Say.FILE_TOO_LARGE, 'zh', max=0.01)}), notes.txt ({say(Say.FILE_TYPE_REFUSED, 'zh')})"
        )
        assert say(Say.FILES_LEFT_OUT, "zh", files=left_out) in road.answers(ts)[-1].small_print
        assert message.text == "Well."
    assert list(uploaded(road)) == ["cat2.png"]


async def test_without_the_scope_files_are_left_out(road: Road) -> None:
    """Slack then answers its sign-in page, as if it were the file: it is not taken for one."""
    road.coze.script("Well.", times=None)
    road.slack.switches.file_sign_in_redirects = True
    app = road.slack.add_app(scopes=[scope for scope in MANIFEST_SCOPES if scope != "files:read"])
    road.configure("adapters.slack", bot_token=app.bot_token)
    road.forgiven.add("missing_scope")
    async with road.bridge():
        ts = road.slack.mention("ann", CHANNEL, "What is this?", files=[SlackFile("cat.png", PNG)])
        await road.sentence(Say.FILES_LEFT_OUT, "en", ts)
    assert not uploaded(road)
