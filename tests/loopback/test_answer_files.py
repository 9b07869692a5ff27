"""What agents and workflows make, on the whole road: images and long results as files, once, on both platforms."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.texts import Say
from sandbox.coze import Answer, RunScript, Workflow
from sandbox.slack.model import MANIFEST_SCOPES, FileRecord
from tests.loopback.road import Road
from tests.loopback.server import Server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
FLOW = "7366468917055100000"
REPORT = {"rows": [{"number": number, "名": "值" * 20} for number in range(2000)], "total": 2000}


def hosts(road: Road) -> None:
    """Files of answers are fetched from the emulator alone."""
    road.configure("files", answer_hosts=[road.coze.base_url])


def on_slack(road: Road) -> list[FileRecord]:
    """The files that the bot has shared, in order."""
    workspace = next(iter(road.slack.service.workspaces.values()))
    return [record for record in workspace.files.values() if record.shares]


def on_discord(server: Server, thread: str) -> Mapping[str, bytes]:
    """The files that the bot has posted in a thread."""
    world = server.emulator.service.world
    return {file.name: file.content for file in world.attachments.values() if file.channel_id == thread}


async def test_an_image_of_the_agent_on_slack(road: Road) -> None:
    """From Coze's host, over a short link, without any credential; below the answer, in its thread."""
    hosts(road)
    address = road.coze.host_redirect("t/abc", road.coze.host_file("cat.png", PNG, "image/png"))
    road.coze.script(f"Here is your cat: ![cat]({address})")
    async with road.bridge():
        asked = road.ask("Draw a cat")
        await road.until(lambda: on_slack(road), "the file")
        await road.quiet()
    [record] = on_slack(road)
    assert (record.name, record.content, record.mimetype) == ("abc.png", PNG, "image/png")
    assert record.shares[0][2] == asked
    assert not any(entry.detail["authorised"] for entry in road.journal.select(service="coze", kind="download"))
    assert len(road.chats()) == 1


async def test_an_image_of_the_agent_on_discord(road: Road, alone: Server) -> None:
    """As an attachment of a message of its own."""
    hosts(road)
    item = json.dumps([{"type": "image", "file_url": road.coze.host_file("cat.png", PNG, "image/png")}])
    road.coze.script(Answer(deltas=(item,), content_type="object_string"))
    async with road.bridge():
        asked = alone.ask("Draw a cat")
        await road.until(lambda: alone.has(asked) and on_discord(alone, asked), "the file")
        await alone.quiet()
    assert on_discord(alone, asked) == {"cat.png": PNG}
    assert len(alone.answers(asked)) == 2


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/x", "https://e.org/"]
)
async def test_where_a_link_must_not_lead(road: Road, target: str) -> None:
    """The answer stands, its link too, and why nothing came of it."""
    hosts(road)
    road.coze.script(f"Look: {road.coze.host_redirect('t/abc', target)}")
    async with road.bridge():
        asked = road.ask("Draw a cat")
        shown = await road.sentence(Say.FILES_LINKED, "en", asked)
        assert "could not be read" in shown.text
    assert not on_slack(road)


async def test_without_the_right_to_show_files(road: Road) -> None:
    """A Slack app of an earlier manifest: links stay links, a long result is text, and the first is said."""
    hosts(road)
    road.slack.add_app(scopes=tuple(scope for scope in MANIFEST_SCOPES if scope != "files:write"))
    road.settings["adapters.slack"]["bot_token"] = road.slack.bot_token
    road.coze.script(f"![cat]({road.coze.host_file('cat.png', PNG, 'image/png')})")
    async with road.bridge():
        asked = road.ask("Draw a cat")
        shown = await road.sentence(Say.FILES_LINKED, "en", asked)
        assert "could not be shown here" in shown.text


def offer(road: Road, **result: Any) -> None:
    """A workflow with a long result."""
    road.coze.add_workflow(Workflow(FLOW, "report"))
    road.configure("workflows.report", id=FLOW)
    road.coze.script_run(RunScript(result=result))


async def test_a_long_result_on_both(road: Road, server: Server) -> None:
    """200 KB of JSON: a sentence and a file, in the thread where it was asked for."""
    offer(road, **REPORT)
    road.coze.script_run(RunScript(result=REPORT))
    async with road.bridge():
        asked, there = road.ask("!run report"), server.ask("!run report")
        await road.sentence(Say.RESULT_FILE, "en", asked)
        await server.sentence(Say.RESULT_FILE, "en", there)
        await road.quiet()
        await server.quiet()
    [record] = on_slack(road)
    assert json.loads(record.content) == REPORT
    assert len(record.content) > 180_000
    assert record.shares[0][2] == asked
    assert json.loads(on_discord(server, there)["result.json"]) == REPORT
