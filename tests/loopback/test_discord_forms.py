"""On Discord: what is suggested while somebody types, forms of many fields, files, and a workflow run on a message."""

import json
from typing import Any

import pytest

from bridge.texts import Say, say
from sandbox.coze import RunScript, Workflow
from sandbox.discord import FileUpload
from tests.loopback.road import Road
from tests.loopback.server import GENERAL, Server

TRIP, LOOK = "7366468917055100000", "7366468917055100002"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MENU = say(Say.MENU_RUN, "en")
CITIES = [f"City {number}" for number in range(40)]
FIELDS = ("a", "b", "c", "d", "e", "days")


@pytest.fixture
def offered(road: Road, alone: Server) -> Server:
    """A Discord on which people may plan a trip, which takes many words, and have a picture looked at."""
    road.coze.add_workflow(Workflow(TRIP, "trip"))
    road.coze.add_workflow(Workflow(LOOK, "look"))
    road.configure("workflows.trip", id=TRIP, description="Plans a trip")
    road.configure("workflows.trip.parameters.city", type="choice", choices=CITIES, required=False)
    for name in FIELDS:
        kind = "integer" if name == "days" else "text"
        road.configure(f"workflows.trip.parameters.{name}", type=kind, **({"max": 9} if name == "days" else {}))
    road.configure("workflows.look", id=LOOK, description="Looks at a picture")
    road.configure("workflows.look.parameters.picture", type="image")
    road.configure("workflows.look.parameters.plan", type="image", required=False)
    road.configure("workflows.look.parameters.words", type="text", required=False)
    for _ in range(4):
        road.coze.script_run(RunScript(result={"output": "Done."}))
    return alone


def runs(server: Server) -> list[dict[str, Any]]:
    """The values of every run."""
    return [run.parameters for run in server.road.coze.workflows.runs.values()]


def whispers(server: Server) -> list[str]:
    return [message.text for message in server.emulator.messages(GENERAL) if message.ephemeral_for]


async def done(server: Server, count: int) -> None:
    """Wait until so many runs have ended, each in its thread."""

    def ended() -> bool:
        threads = [message.id for message in server.answers(GENERAL)]
        return [server.texts(thread) for thread in threads] == [["Done."]] * count

    await server.road.until(ended, f"{count} runs")
    await server.quiet()


async def test_what_fits_is_suggested(offered: Server) -> None:
    """Choices that are too many for an option, and the workflows; to whom may not run them nothing."""
    people = offered.emulator
    offered.road.configure("gate.deny", users=[people.find_user("ben").id])
    async with offered.road.bridge():
        cities = await people.autocomplete("ann", GENERAL, "trip", "city", "city 3")
        assert [choice["value"] for choice in cities.choices][:3] == ["City 3", "City 30", "City 31"]
        assert len((await people.autocomplete("ann", GENERAL, "trip", "city", "")).choices) == 25
        flows = await people.autocomplete("ann", GENERAL, "coze run", "workflow", "l")
        assert flows.choices == [{"name": "look", "value": "look"}]
        for command, option in (("trip", "city"), ("coze run", "workflow")):
            refused = await people.autocomplete("ben", GENERAL, command, option, "")
            assert (refused.response, refused.choices) == ("CHOICES", [])
        given = {"workflow": "trip", "arguments": "a=1 b=2 c=3 d=4 e=5 days=6 city=city 39"}
        assert (await people.slash("ann", GENERAL, "coze run", given)).ephemeral
        await done(offered, 1)
    assert runs(offered) == [{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "days": 6, "city": "City 39"}]


async def test_a_form_of_many_fields_goes_on_through_a_button(offered: Server) -> None:
    """Over a restart, with a mistake that is corrected; sent twice it runs once, and the message goes."""
    road, people = offered.road, offered.emulator
    async with road.bridge():
        first = await people.slash("ann", GENERAL, "coze run", {"workflow": "trip", "arguments": "days=11"})
        assert first.modal is not None
        about, *labels = first.modal["components"]
        assert "`days` must be 9 or less" in about["content"]
        assert [label["component"]["custom_id"] for label in labels] == ["a", "b", "c", "d"]
        between = await people.submit_modal("ann", first.interaction_id, dict(zip("abcd", "1234", strict=True)))
        message = str(between.message_id)
        assert (between.ephemeral, people.shown(GENERAL, message).buttons) == (True, ["Fill in more"])
        assert "Still missing: `e`, `days`." in whispers(offered)[0]
    async with road.bridge():
        second = await people.click("ann", GENERAL, message, "Fill in more")
        assert second.modal is not None
        assert [label["component"]["custom_id"] for label in second.modal["components"][1:]] == ["e", "days", "city"]
        wrong = await people.submit_modal("ann", second.interaction_id, {"e": "5", "days": "10"})
        assert (wrong.response, people.shown(GENERAL, message).buttons) == ("UPDATE", ["Correct it"])
        assert whispers(offered)[0].startswith("`days` must be 9 or less, not 10.")
        third = await people.click("ann", GENERAL, message, "Correct it")
        for _ in range(2):
            assert (await people.submit_modal("ann", third.interaction_id, {"days": "7"})).response == "UPDATE"
        await done(offered, 1)
        assert not whispers(offered)
    assert runs(offered) == [{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "days": 7}]


async def test_what_is_optional_may_be_left_out(offered: Server) -> None:
    """Run begins without it; what nobody remembers says so."""
    road, people = offered.road, offered.emulator
    async with road.bridge():
        values = dict(zip("abcde", "12345", strict=True))
        opened = await people.slash("ann", GENERAL, "trip", {"days": 2})
        between = await people.submit_modal("ann", opened.interaction_id, values)
        assert people.shown(GENERAL, str(between.message_id)).buttons == ["Run", "Fill in more"]
        assert (await people.click("ann", GENERAL, str(between.message_id), "Run")).response == "UPDATE"
        await done(offered, 1)
    for file in road.folder.glob("bridge.sqlite*"):
        file.unlink()
    async with road.bridge():
        forgotten = await people.submit_modal("ann", opened.interaction_id, values)
        assert forgotten.ephemeral
        assert whispers(offered) == [say(Say.FORM_FORGOTTEN, "en")]
    assert len(runs(offered)) == 1


async def test_a_workflow_is_run_on_a_message(offered: Server) -> None:
    """It is chosen first; its form holds the message's words, and its files are there."""
    people = offered.emulator
    said = people.say("ben", GENERAL, "A cat, I think", [FileUpload("cat.png", PNG)])
    async with offered.road.bridge():
        chosen = await people.context_menu("ann", GENERAL, MENU, message_id=said)
        (row,) = people.find_message(GENERAL, str(chosen.message_id)).components
        select = row["components"][0]
        assert chosen.ephemeral
        assert [(option["value"], option["description"]) for option in select["options"]] == [
            ("trip", "Plans a trip"),
            ("look", "Looks at a picture"),
        ]
        opened = await people.click("ann", GENERAL, str(chosen.message_id), select["custom_id"], ["look"])
        assert opened.modal is not None
        inputs = [label["component"] for label in opened.modal["components"][1:]]
        assert [(each["custom_id"], each["type"]) for each in inputs] == [("plan", 19), ("words", 4)]
        assert inputs[1]["value"] == "A cat, I think"
        sent = await people.submit_modal("ann", opened.interaction_id, {"plan": [FileUpload("plan.png", PNG + b"2")]})
        assert sent.response == "UPDATE"
        await done(offered, 1)
        assert not whispers(offered)
    assert offered.answers(GENERAL)[0].reply_to == said
    (values,) = runs(offered)
    names = {file.file_id: file.file_name for file in offered.road.coze.world.files.values()}
    held = {name: names[json.loads(values[name])["file_id"]] for name in ("picture", "plan")}
    assert (held, values["words"]) == ({"picture": "cat.png", "plan": "plan.png"}, "A cat, I think")


async def test_files_are_given_as_options(offered: Server) -> None:
    """One of a wrong kind is told, and another can be put into the form."""
    people = offered.emulator
    async with offered.road.bridge():
        wrong = await people.slash("ann", GENERAL, "look", {"picture": FileUpload("plan.pdf", b"%PDF")})
        assert wrong.modal is not None
        _, picture, *_ = wrong.modal["components"]
        assert (picture["component"]["type"], picture["description"]) == (
            19,
            "picture takes an image, which plan.pdf is not.",
        )
        await people.submit_modal("ann", wrong.interaction_id, {"picture": [FileUpload("cat.png", PNG)]})
        await done(offered, 1)
        files = {"plan": FileUpload("plan.png", PNG), "picture": FileUpload("cat.png", PNG)}
        await people.slash("ann", GENERAL, "look", files)
        await done(offered, 2)
    names = {file.file_id: file.file_name for file in offered.road.coze.world.files.values()}
    held = [{name: names[json.loads(value)["file_id"]] for name, value in run.items()} for run in runs(offered)]
    assert held == [{"picture": "cat.png"}, {"picture": "cat.png", "plan": "plan.png"}]
