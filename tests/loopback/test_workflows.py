"""Workflows on the whole road: typed in a thread, run at Coze, asked back in the thread, over a restart."""

from typing import Any

from bridge.texts import Say
from sandbox.coze import Answer, Ask, RequiredAction, RunFailure, RunScript, Step, ToolCall, Workflow
from tests.loopback.road import CHANNEL, Road
from tests.loopback.server import Server

FLOW, CHATFLOW = "7366468917055100000", "7366468917055100001"
WEATHER = Workflow(FLOW, "weather", parameters={"city": {"type": "string", "required": True}})
QUESTION = Step("Question", ask=Ask("Which day?", ("Friday", "Sunday")))


def offer(road: Road, **settings: Any) -> None:
    """Draw a workflow and a chatflow, and let people run them."""
    road.coze.add_workflow(WEATHER)
    road.coze.add_workflow(Workflow(CHATFLOW, "guide", mode="chatflow"))
    road.configure("workflows.weather", id=FLOW, **settings)
    road.configure("workflows.weather.parameters.city", description="Where")
    road.configure("workflows.guide", id=CHATFLOW, as_chat=True)


async def test_a_workflow_asks_in_the_thread_and_goes_on_after_a_restart(road: Road) -> None:
    """Its nodes are shown, its question is answered by a plain reply, its result comes below."""
    offer(road)
    steps = (Step("Forecast", deltas=("Looking at ", "{{city}} ...")), QUESTION)
    road.coze.script_run(RunScript(steps, result={"output": "**Sunny** on {{answer}}"}))
    async with road.bridge():
        asked = road.ask("!run weather city=“New York”")
        await road.sentence(Say.RUN_ASKS_YOU, "en", asked)
        [shown] = road.answers(asked)
        assert shown.text == "Looking at New York ...\n\nWhich day?\n\n1. Friday\n2. Sunday"
        await road.quiet()
    async with road.bridge():
        road.reply("2", asked)
        await road.until(lambda: len(road.answers(asked)) == 2, "the result")
        await road.answer("**Sunny** on Sunday", asked)
        await road.quiet()
        assert len(road.answers(asked)) == 2
    assert len(road.coze.workflows.runs) == 1
    assert not road.chats()


async def test_what_is_asked_is_answered_by_pressing(road: Road, server: Server) -> None:
    """A choice on Slack, words in a form on Discord: over a restart, by who ran it; then nothing is left to press."""
    offer(road)
    free = Step("Question", ask=Ask("Which day?"))
    for step in (QUESTION, free):
        road.coze.script_run(RunScript((step,), result={"output": "**Sunny** on {{answer}}"}))
    async with road.bridge():
        asked = road.ask("!run weather Paris")
        await road.until(lambda: [m.buttons for m in road.answers(asked)] == [["Friday", "Sunday"]], "the choices")
        on_discord = server.ask("!run weather Rome")
        await server.road.until(
            lambda: [m.buttons for m in server.answers(on_discord)] == [["Answer"]], "something to press"
        )
        await road.quiet()
        await server.quiet()
    [question], [other] = road.answers(asked), server.answers(on_discord)
    async with road.bridge():
        assert (await road.slack.click("ben", CHANNEL, question.ts, "coze_bridge.answer.1")).accepted
        assert (await road.slack.click("ann", CHANNEL, question.ts, "coze_bridge.answer.1")).accepted
        await road.answer("> Ann answers: Sunday\n\n**Sunny** on Sunday", asked)
        await road.until(lambda: not road.slack.shown(CHANNEL, question.ts).buttons, "nothing left to press")
        assert (await server.emulator.click("ben", on_discord, other.id, "Answer")).ephemeral
        opened = await server.emulator.click("ann", on_discord, other.id, "Answer")
        assert (await server.emulator.submit_modal("ann", opened.interaction_id, {"answer": "Friday"})).accepted
        await server.answer("> Ann answers: Friday\n\n**Sunny** on Friday", on_discord)
        assert not server.emulator.shown(on_discord, other.id).buttons
        await road.quiet()
        await server.quiet()
    assert len(road.coze.workflows.runs) == 2


async def test_a_run_in_the_background_survives_a_restart(road: Road) -> None:
    """It is started once, and its result comes where it was asked for."""
    offer(road, run="async")
    road.coze.script_run(RunScript(result={"a": 1, "b": "二"}, pause_s=3600))
    async with road.bridge():
        asked = road.ask("!run weather Paris")
        await road.sentence(Say.RUN_BACKGROUND, "en", asked)
        await road.quiet()
    road.coze.clock.advance(3600)
    async with road.bridge():
        await road.answer('```json\n{\n  "a": 1,\n  "b": "二"\n}\n```', asked)
        await road.quiet()
        assert len(road.answers(asked)) == 1
    assert len(road.coze.workflows.runs) == 1


async def test_a_run_that_was_cut_is_not_repeated(road: Road) -> None:
    """Stopped in the middle of a stream, the next start tells that it may have run."""
    offer(road)
    road.coze.script_run(RunScript((Step("Draft", "first words of many"),), pause_s=3600))
    async with road.bridge():
        asked = road.ask("!run weather Paris")
        await road.until(lambda: road.answers(asked), "the first words")
    async with road.bridge():
        await road.sentence(Say.RUN_MAYBE, "en", asked)
        await road.quiet()
    assert len(road.coze.workflows.runs) == 1


async def test_what_was_written_wrongly_is_told(road: Road) -> None:
    """In the language of the one who wrote it, and nothing runs."""
    offer(road)
    async with road.bridge():
        asked = road.ask("！运行 wether Paris", user="li")
        await road.sentence(Say.RUN_UNKNOWN, "zh", asked)
        await road.quiet()
    assert not road.coze.workflows.runs


async def test_failures_are_told(road: Road) -> None:
    """What Coze says is wrong becomes a sentence, what was shown stays."""
    offer(road)
    road.coze.script_run(RunScript((Step("Draft", "half"),), failure=RunFailure(720701013, "no", after_steps=1)))
    async with road.bridge():
        asked = road.ask("!run weather Paris")
        shown = await road.sentence(Say.RUN_FAILED, "en", asked)
        assert shown.text == "half"


async def test_a_chatflow_on_discord(road: Road, alone: Server) -> None:
    """It talks in a conversation of its own, and what it asks is answered in the thread."""
    offer(road)
    call = ToolCall("ask", "Which city?", "reply_message")
    road.coze.script(Answer(requires_action=RequiredAction((call,), then=Answer(text="Lovely!"))), bot_id=CHATFLOW)
    async with road.bridge():
        asked = alone.ask("!run guide I would like to travel")
        await alone.sentence(Say.RUN_ASKS_YOU, "en", asked)
        assert "Which city?" in alone.texts(asked)[0]
        alone.reply("Hangzhou", asked)
        await alone.answer("Lovely!", asked)
        await alone.quiet()
        assert len(alone.texts(asked)) == 2
    assert not road.chats()
