"""Slash commands on the whole road: typed, filled in, asked back in their thread, over a restart, refused."""

import json
from typing import Any

import pytest

from adapters.slack import forms
from bridge.texts import LANGUAGES, Say, say
from sandbox.coze import Ask as Question
from sandbox.coze import RunScript, Step, Workflow
from sandbox.slack import FileUpload
from sandbox.slack.model import MANIFEST_SCOPES
from tests.loopback.road import CHANNEL, Road

FLOW, OTHER = "7366468917055100000", "7366468917055100002"
PNG = b"\x89PNG\r\n\x1a\n" * 200
RESULT = RunScript(result={"output": "**Sunny** in {{city}}"})


@pytest.fixture
def offered(road: Road) -> Road:
    """A road on which people may run two workflows."""
    parameters = {"city": {"type": "string", "required": True}, "days": {"type": "integer"}}
    road.coze.add_workflow(Workflow(FLOW, "weather", parameters=parameters))
    road.coze.add_workflow(Workflow(OTHER, "poem", parameters={"text": {"type": "string"}}))
    road.configure("workflows.weather", id=FLOW, slash="/weather")
    road.configure("workflows.weather.parameters.city", description="Which city", description_zh="城市")
    road.configure("workflows.weather.parameters.days", type="integer", max=7, default=3, required=False)
    road.configure("workflows.poem", id=OTHER, result="only_me")
    road.configure("workflows.poem.parameters.text", type="text")
    scopes = [*MANIFEST_SCOPES, "im:write", "channels:read", "groups:read"]
    road.slack.add_app(commands=["/coze", "/weather"], scopes=scopes)
    return road


def whispers(road: Road, channel: str = CHANNEL) -> list[str]:
    return [message.text for message in road.slack.messages(channel) if message.ephemeral_for]


async def root(road: Road, channel: str = CHANNEL) -> str:
    """Return the message that stands for the only command."""
    await road.until(lambda: road.slack.answers(channel), "a line that stands for the command")
    return road.slack.answers(channel)[0].ts


async def modal(road: Road, user: str) -> dict[str, Any]:
    await road.until(lambda: road.slack.views_of(user), "a modal")
    return road.slack.views_of(user)[-1]


async def test_a_command_grows_in_a_thread_of_its_own_and_goes_on_after_a_restart(offered: Road) -> None:
    """Its question is answered there by a plain reply; another run there needs no mention."""
    road = offered
    road.coze.script_run(RunScript((Step("Q", ask=Question("Which day?")),), result={"output": "Sunny on {{answer}}"}))
    async with road.bridge():
        assert (await road.slack.slash("ann", CHANNEL, "city=“New York” days=２", "/weather")).accepted
        thread = await root(road)
        line = road.slack.shown(CHANNEL, thread)
        assert (line.thread_ts, line.text) == (None, "▶️ `Ann` runs `weather`  `city=New York`  `days=2`")
        await road.sentence(Say.RUN_ASKS_YOU, "en", thread)
        await road.quiet()
    road.coze.script_run(RESULT)
    async with road.bridge():
        road.reply("Friday", thread)
        await road.answer("Sunny on Friday", thread)
        road.reply("!run weather Rome", thread)
        await road.answer("**Sunny** in Rome", thread)
        await road.quiet()
    assert len(road.coze.workflows.runs) == 2


async def test_what_is_missing_is_filled_in(offered: Road) -> None:
    """Mistakes go back to their field, in the language of who fills it in; sent twice it runs once."""
    road = offered
    road.coze.script_run(RESULT)
    async with road.bridge():
        assert (await road.slack.slash("li", CHANNEL, "运行 weather days=5")).accepted
        view = await modal(road, "li")
        assert [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"] == ["城市", "days"]
        values = {forms.block_id("city"): {forms.INPUT: 'Li "Jiang"'}, forms.block_id("days"): {forms.INPUT: "9"}}
        answer = await road.slack.submit_view("li", values)
        too_large = say(Say.VALUE_TOO_LARGE, "zh", name="days", max=7, value=9)
        assert answer.payload == {"response_action": "errors", "errors": {"field.days": too_large}}
        await road.slack.submit_view("li", {forms.block_id("days"): {forms.INPUT: "7"}})
        assert not road.slack.views_of("li")
        await road.answer('**Sunny** in Li "Jiang"', await root(road))
        await road.quiet()
    assert len(road.coze.workflows.runs) == 1


async def test_a_workflow_is_run_on_a_message(offered: Road) -> None:
    """Chosen in a form, its result for one person alone: in the direct conversation with her."""
    road = offered
    road.coze.script_run(RunScript(result={"output": "Roses: {{text}}"}))
    asked = road.slack.say("li", CHANNEL, "roses & thorns")
    async with road.bridge():
        assert (await road.slack.shortcut("ann", "coze_bridge.run", CHANNEL, asked)).accepted
        await modal(road, "ann")
        await road.slack.submit_view("ann", {forms.block_id("workflow"): {forms.INPUT: "poem"}})
        assert (await modal(road, "ann"))["title"]["text"] == "poem"
        assert (await road.slack.submit_view("ann")).accepted
        channel = road.slack.open_dm("ann")
        await road.answer("Roses: roses & thorns", await root(road, channel), channel)
        await road.quiet()
    assert not road.slack.answers(CHANNEL)


async def test_files_of_a_message_and_of_a_form(offered: Road) -> None:
    """Those of the message it runs on are there; another is put into the form, one of a wrong kind is told in it."""
    road = offered
    road.configure("workflows.look", id=OTHER)
    for name, kind in (("picture", "image"), ("plan", "file"), ("words", "text")):
        road.configure(f"workflows.look.parameters.{name}", type=kind)
    road.configure("files", kinds=["image"])
    said = road.slack.say("li", CHANNEL, "A cat, I think", files=[FileUpload("cat.png", PNG)])
    async with road.bridge():
        assert (await road.slack.shortcut("ann", "coze_bridge.run", CHANNEL, said)).accepted
        await modal(road, "ann")
        await road.slack.submit_view("ann", {forms.block_id("workflow"): {forms.INPUT: "look"}})
        view = await modal(road, "ann")
        inputs = [block["element"] for block in view["blocks"] if block["type"] == "input"]
        assert [each["type"] for each in inputs] == ["file_input", "plain_text_input"]
        assert inputs[1]["initial_value"] == "A cat, I think"
        words = {forms.block_id("words"): {forms.INPUT: "Which one?"}}
        wrong = {forms.block_id("plan"): {forms.INPUT: [FileUpload("plan.pdf", b"%PDF")]}}
        answer = await road.slack.submit_view("ann", words | wrong)
        why = say(Say.VALUE_FILE_KIND, "en", name="plan", value="plan.pdf")
        assert answer.payload == {"response_action": "errors", "errors": {"field.plan": why}}
        right = {forms.block_id("plan"): {forms.INPUT: [FileUpload("plan.png", PNG + b"2")]}}
        assert (await road.slack.submit_view("ann", right)).accepted  # the words are still there
        await road.until(lambda: road.coze.workflows.runs, "the run")
        await road.quiet()
    values = dict(road.coze.workflows.last_run().parameters)
    names = {file.file_id: file.file_name for file in road.coze.world.files.values()}
    held = {name: names[json.loads(values[name])["file_id"]] for name in ("picture", "plan")}
    assert (held, values["words"]) == ({"picture": "cat.png", "plan": "plan.png"}, "Which one?")


async def test_answers_to_commands_are_for_the_caller_alone(offered: Road) -> None:
    """Status, help and a workflow that does not exist, each in the caller's language."""
    road = offered
    async with road.bridge():
        await road.slack.slash("ann", CHANNEL, "status")
        await road.until(lambda: len(whispers(road)) == 1, "the status")
        await road.slack.slash("li", CHANNEL, "")
        await road.until(lambda: len(whispers(road)) == 2, "the help")
        await road.slack.slash("li", CHANNEL, "run wether Paris")
        await road.until(lambda: len(whispers(road)) == 3, "what there is")
    assert whispers(road)[0] == say(Say.STATUS_IDLE, "en", agent="default")
    assert whispers(road)[1].startswith(say(Say.HELP, "zh").splitlines()[0])
    assert whispers(road)[2] == say(Say.RUN_UNKNOWN, "zh", name="wether", names="`weather`, `poem`")
    assert not road.slack.answers(CHANNEL)


async def test_where_the_bot_is_no_member_nothing_runs(offered: Road) -> None:
    """The caller reads that she has to invite it."""
    road = offered
    road.slack.add_channel("elsewhere", channel_id="C9", members=["ann"], with_bot=False)
    async with road.bridge():
        assert (await road.slack.slash("ann", "C9", "run weather Paris")).accepted
        await road.until(lambda: whispers(road, "C9"), "a word to the caller")
    assert whispers(road, "C9") == [LANGUAGES["en"][Say.RUN_UNSEEN]]
    assert not road.coze.workflows.runs
