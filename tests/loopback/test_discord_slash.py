"""Application commands on the whole road: typed options, forms, private results, who may not, registration."""

from typing import Any

import pytest

from bridge.texts import Say, say
from sandbox.coze import Ask as Question
from sandbox.coze import RunScript, Step, Workflow
from tests.loopback.road import Road
from tests.loopback.server import GENERAL, Server

FLOW, OTHER = "7366468917055100000", "7366468917055100002"
RESULT = RunScript(result={"output": "**Sunny** in {{city}}"})
REGISTER = "PUT /applications/{app}/commands"


@pytest.fixture
def offered(road: Road, alone: Server) -> Server:
    """A Discord on which people may run two workflows."""
    parameters = {"City": {"type": "string", "required": True}, "days": {"type": "integer"}}
    road.coze.add_workflow(Workflow(FLOW, "weather", parameters=parameters))
    road.coze.add_workflow(Workflow(OTHER, "poem", parameters={"text": {"type": "string"}}))
    road.configure("workflows.weather", id=FLOW, description="Tells the weather", description_zh="天气")
    road.configure("workflows.weather.parameters.City", description="Which city", description_zh="城市")
    road.configure("workflows.weather.parameters.days", type="integer", max=7, default=3, required=False)
    road.configure("workflows.poem", id=OTHER, result="only_me")
    road.configure("workflows.poem.parameters.text", type="text", max_length=20)
    road.configure("workflows.poem.parameters.kind", type="choice", choices=["sad", "gay"], default="sad")
    return alone


def whispers(server: Server) -> list[str]:
    return [message.text for message in server.emulator.messages(GENERAL) if message.ephemeral_for]


async def root(server: Server, channel: str = GENERAL) -> str:
    """Return the message that stands for the only command."""
    await server.road.until(lambda: server.answers(channel), "a line that stands for the command")
    return server.answers(channel)[0].id


async def test_a_command_grows_in_a_thread_of_its_own_and_goes_on_after_a_restart(offered: Server) -> None:
    """A line says who runs what; what is asked in its thread is answered there."""
    road = offered.road
    road.coze.script_run(RunScript((Step("Q", ask=Question("Which day?")),), result={"output": "Sunny on {{answer}}"}))
    async with road.bridge():
        values = {"city": 'New "York"', "days": 2}
        assert (await offered.emulator.slash("ann", GENERAL, "weather", values)).ephemeral
        thread = await root(offered)
        assert offered.texts(GENERAL) == ['▶️ `Ann` runs `weather`  `City=New "York"`  `days=2`']
        await offered.sentence(Say.RUN_ASKS_YOU, "en", thread)
        await offered.quiet()
        assert not whispers(offered)
    async with road.bridge():
        offered.emulator.mention("ann", thread, "Friday")
        await offered.answer("Sunny on Friday", thread)
        await offered.quiet()
    assert len(road.coze.workflows.runs) == 1
    assert len(offered.calls(REGISTER)) == 1


async def test_a_form_asks_for_long_texts_and_a_private_result_stays_private(offered: Server) -> None:
    """The modal comes first; its mistakes are told to the caller alone; all that follows is in the direct messages.

    What was filled in stays, and what is wrong stands beside its field when the form is opened again, also after a
    restart.
    """
    road, people = offered.road, offered.emulator
    road.configure("workflows.poem.parameters.lines", type="integer", required=False)
    road.coze.script_run(RunScript(result={"output": "Roses: {{text}}"}))
    async with road.bridge():
        opened = await people.slash("ann", GENERAL, "poem", {"kind": "gay"})
        assert opened.modal is not None
        wrong = await people.submit_modal("ann", opened.interaction_id, {"text": "red roses", "lines": "four"})
        assert (wrong.response, wrong.ephemeral) == ("MESSAGE", True)
        assert whispers(offered)[0].splitlines()[:2] == [
            "`lines` takes a whole number, not “four”.",
            "`kind` `gay`",
        ]
        assert people.shown(GENERAL, str(wrong.message_id)).buttons == ["Correct it"]
    async with road.bridge():
        again = await people.click("ann", GENERAL, str(wrong.message_id), "Correct it")
        assert again.modal is not None
        lines = again.modal["components"][0]
        assert (lines["component"]["value"], lines["description"]) == (
            "four",
            "lines takes a whole number, not “four”.",
        )
        for _ in range(2):
            sent = await people.submit_modal("ann", again.interaction_id, {"lines": "4"})
            assert sent.response == "UPDATE"
        channel = offered.emulator.open_dm("ann")
        await offered.answer("Roses: red roses", channel)
        await offered.quiet()
        assert offered.texts(channel)[0] == "▶️ `Ann` runs `poem`  `text=red roses`  `kind=gay`  `lines=4`"
        assert len(road.coze.workflows.runs) == 1
        assert whispers(offered)[0].startswith("https://discord.com/channels/@me/")
    assert not offered.answers(GENERAL)


async def test_answers_to_commands_are_for_the_caller_alone(offered: Server) -> None:
    """In her language."""
    async with offered.road.bridge():
        for user, word in (("ann", "status"), ("li", "help"), ("li", "stop"), ("li", "new")):
            assert (await offered.emulator.slash(user, GENERAL, f"coze {word}")).ephemeral
        wanted = [
            say(Say.STATUS_IDLE, "en", agent="default"),
            say(Say.STOP_NOTHING, "zh"),
            say(Say.NEW_NOTHING, "zh"),
        ]
        await offered.road.until(lambda: set(wanted) <= set(whispers(offered)), "the answers")
        help_ = say(Say.HELP, "zh").splitlines()[0]
        await offered.road.until(lambda: any(text.startswith(help_) for text in whispers(offered)), "the help")
    assert not offered.answers(GENERAL)


async def test_what_is_private_is_told_nowhere_else(offered: Server) -> None:
    """Who takes no direct messages is told that nothing was run, and nobody else."""
    people = offered.emulator
    people.accept_dms("ann", False)
    async with offered.road.bridge():
        opened = await people.slash("ann", GENERAL, "poem")
        await people.submit_modal("ann", opened.interaction_id, {"text": "roses"})
        await offered.road.until(lambda: whispers(offered) == [say(Say.RUN_NO_PRIVATE, "en")], "why nothing was run")
        await offered.quiet()
    assert not offered.answers(GENERAL)
    assert not offered.road.coze.workflows.runs


async def test_where_the_bot_may_not_write_nothing_runs(offered: Server) -> None:
    """The caller reads why."""
    offered.emulator.add_channel("locked")
    offered.emulator.deny("locked", "coze", "SEND_MESSAGES")
    async with offered.road.bridge():
        assert (await offered.emulator.slash("ann", "locked", "weather", {"city": "Paris"})).accepted

        def told() -> list[Any]:
            return [m for m in offered.emulator.messages("locked") if m.text == say(Say.RUN_UNSEEN, "en")]

        await offered.road.until(told, "a word to the caller")
    assert not offered.road.coze.workflows.runs


WAYS = ("slash", "missing", "by name", "stop", "form", "menu", "chosen", "more", "run")


@pytest.mark.parametrize("way", WAYS)
async def test_one_gate(offered: Server, way: str) -> None:
    """Whoever may not speak to the bot gets nothing from it, by whichever entrance."""
    road, people = offered.road, offered.emulator
    road.configure("workflows.poem.parameters.lines", type="integer", required=False)
    said = people.say("ben", GENERAL, "Roses")
    async with road.bridge():  # begun while it was allowed
        opened = await people.slash("ann", GENERAL, "poem")
        menu = await people.context_menu("ann", GENERAL, say(Say.MENU_RUN, "en"), message_id=said)
        wrong = await people.submit_modal("ann", opened.interaction_id, {"text": "x", "lines": "x"})
        select = people.find_message(GENERAL, str(menu.message_id)).components[0]["components"][0]["custom_id"]
    before = len(whispers(offered))
    road.configure("gate.allow", users=["1"])
    message = people.find_message(GENERAL, str(wrong.message_id))
    button = message.components[0]["components"][0]
    if way == "run":  # as if it had been there
        button["custom_id"] = button["custom_id"].replace(":more:", ":run:")
    async with road.bridge():
        match way:
            case "slash":
                answer = await people.slash("ann", GENERAL, "weather", {"city": "Paris"})
            case "missing":
                answer = await people.slash("ann", GENERAL, "poem")
            case "by name":
                answer = await people.slash("ann", GENERAL, "coze run", {"workflow": "poem"})
            case "stop":
                answer = await people.slash("ann", GENERAL, "coze stop")
            case "menu":
                answer = await people.context_menu("ann", GENERAL, say(Say.MENU_RUN, "en"), message_id=said)
            case "chosen":
                answer = await people.click("ann", GENERAL, str(menu.message_id), select, ["poem"])
            case "more" | "run":
                answer = await people.click("ann", GENERAL, message.id, button["custom_id"])
            case _:
                answer = await people.submit_modal("ann", opened.interaction_id, {"text": "roses"})
        assert (answer.response, answer.ephemeral, answer.modal) == ("MESSAGE", True, None)
        assert whispers(offered)[before].startswith(say(Say.NOT_ALLOWED, "en"))
        await offered.quiet()
    assert not [message for message in offered.answers(GENERAL) if not message.ephemeral_for]
    assert not road.coze.workflows.runs


async def test_commands_are_registered_when_they_changed(offered: Server) -> None:
    """With typed, described options, the required ones first; and not again at the next start."""
    road = offered.road
    for _ in range(2):
        async with road.bridge():
            pass
    assert len(offered.calls(REGISTER)) == 1
    road.configure("workflows.weather", description="Tells tomorrow's weather")
    async with road.bridge():
        pass
    assert len(offered.calls(REGISTER)) == 2
    own, weather, poem, menu = offered.emulator.service.commands.listed(None)
    assert [option["name"] for option in own["options"]] == ["run", "new", "stop", "status", "help"]
    assert own["options"][1]["name_localizations"] == {"zh-CN": "新对话", "zh-TW": "新对话"}
    assert (menu["type"], menu["name"]) == (3, say(Say.MENU_RUN, "en"))
    assert weather["description"] == "Tells tomorrow's weather"
    assert weather["description_localizations"] == {"zh-CN": "天气", "zh-TW": "天气"}
    city, days = weather["options"]
    assert (city["name"], city["type"], city["required"], city["description"]) == ("city", 3, True, "Which city")
    assert (days["type"], days["required"], days["max_value"]) == (4, False, 7)
    assert [choice["value"] for choice in poem["options"][1]["choices"]] == ["sad", "gay"]
