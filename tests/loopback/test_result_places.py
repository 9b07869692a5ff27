"""Where the result of a workflow goes that was typed in a thread: into the channel, or to its caller alone."""

import pytest

from bridge.texts import Say, say
from sandbox.coze import Ask, RunScript, Step, Workflow
from sandbox.slack.model import MANIFEST_SCOPES
from tests.loopback.road import CHANNEL, Road
from tests.loopback.server import GENERAL, Server

NEWS, POEM = "7366468917055100000", "7366468917055100002"
PRIVATE, NO_PRIVATE = say(Say.RUN_GOES_PRIVATE, "en"), say(Say.RUN_NO_PRIVATE, "en")


@pytest.fixture
def offered(road: Road) -> Road:
    """One workflow speaks to the channel, one to its caller alone."""
    for name, flow, result in (("news", NEWS, "channel"), ("poem", POEM, "only_me")):
        road.coze.add_workflow(Workflow(flow, name, parameters={"text": {"type": "string"}}))
        road.configure(f"workflows.{name}", id=flow, result=result)
        road.configure(f"workflows.{name}.parameters.text", type="text")
    road.slack.add_app(scopes=[*MANIFEST_SCOPES, "im:write", "channels:read", "groups:read"])
    return road


async def test_a_result_for_the_channel_leaves_the_thread(offered: Road, server: Server) -> None:
    """What it asks there is answered below its question, and the rest comes in the channel again."""
    road = offered
    script = RunScript((Step("Q", ask=Ask("Which day?")),), result={"output": "News of {{answer}}"})
    for _ in range(2):
        road.coze.script_run(script)
    async with road.bridge():
        began = road.slack.say("ann", CHANNEL, "A thread")
        road.ask("!run news roses", began)
        await road.until(lambda: len(road.slack.answers(CHANNEL)) == 2, "line and question in the channel")
        line, question = road.slack.answers(CHANNEL)
        assert line.text == "▶️ `Ann` runs `news`  `text=roses`"
        await road.until(
            lambda: say(Say.RUN_ASKS_BELOW, "en", name="Ann") in road.slack.shown(CHANNEL, question.ts).small_print,
            "whom it asks",
        )
        road.reply("Friday", question.ts)
        await road.until(lambda: [m.text for m in road.slack.answers(CHANNEL)][2:] == ["News of Friday"], "the result")
        assert {message.thread_ts for message in road.slack.answers(CHANNEL)} == {None}

        road.coze.script_run(script)
        asked = server.ask("!run news roses")
        await server.sentence(Say.RUN_ASKS_BELOW, "en", GENERAL)
        server.emulator.reply("ann", GENERAL, server.answers(GENERAL)[0].id, "Friday")
        await server.answer("News of Friday", GENERAL)
        assert not server.has(asked)
        await road.quiet()
    assert len(road.coze.workflows.runs) == 2


async def test_a_result_for_its_caller_alone_is_told_in_private(offered: Road, server: Server) -> None:
    """The place where it was asked reads that, and nothing of it."""
    road = offered
    for _ in range(2):
        road.coze.script_run(RunScript(result={"output": "Roses are red"}))
    async with road.bridge():
        asked, on_discord = road.ask("!run poem roses"), server.ask("!run poem roses")
        channel, direct = road.slack.open_dm("ann"), server.emulator.open_dm("ann")
        await road.until(lambda: road.slack.answers(channel), "a line that stands for it")
        await road.answer("Roses are red", road.slack.answers(channel)[0].ts, channel)
        await server.answer("Roses are red", direct)
        await road.answer(PRIVATE, asked)
        await server.answer(PRIVATE, GENERAL)
        await road.quiet()
    assert [message.text for message in road.answers(asked)] == [PRIVATE]
    assert server.texts(GENERAL) == [PRIVATE]
    assert not server.has(on_discord)


async def test_where_nothing_can_be_told_in_private_nothing_runs(offered: Road, server: Server) -> None:
    """Slack without the scope, Discord with somebody who takes no direct messages."""
    road = offered
    road.slack.add_app(scopes=MANIFEST_SCOPES)
    server.emulator.accept_dms("ann", False)
    async with road.bridge():
        asked = road.ask("!run poem roses")
        server.ask("!run poem roses")
        await road.answer(NO_PRIVATE, asked)
        await server.answer(NO_PRIVATE, GENERAL)
        await road.quiet()
    assert not road.coze.workflows.runs
