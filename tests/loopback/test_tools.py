"""An agent that wants tools of ours, on the whole road: a tool is asked over HTTP, a person in the thread."""

from aiohttp import web

from bridge.texts import Say
from sandbox.coze import Answer, RequiredAction, ToolCall
from tests.loopback.road import Road
from tests.loopback.server import Server

RAIN = ToolCall("rain", '{"city":"Oslo","day":"Friday"}')


def wants_rain(road: Road) -> None:
    """The agent stops for a tool, then repeats what it said."""
    road.coze.script(Answer(requires_action=RequiredAction((RAIN,), before="Let me see.")))


async def test_a_tool_is_asked_and_the_answer_grows_on(road: Road) -> None:
    """One message holds the whole answer."""

    async def serve(request: web.Request) -> web.Response:
        arguments = (await request.json())["arguments"]
        return web.Response(text=f"{arguments['city']}: 50 %")

    app = web.Application()
    app.router.add_post("/rain", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        road.configure("agents.default.tools.rain", url=f"http://127.0.0.1:{runner.addresses[0][1]}/rain")
        wants_rain(road)
        async with road.bridge():
            asked = road.ask("Will it rain?")
            await road.answer("Let me see.\n\nOslo: 50 %", asked)
            await road.quiet()
            assert len(road.answers(asked)) == 1
    finally:
        await runner.cleanup()


async def test_a_person_is_asked_and_answers_after_a_restart(road: Road) -> None:
    """What the agent wants stands in the thread; what she says goes to Coze once."""
    road.coze.switches.lock_in_requires_action = True
    wants_rain(road)
    async with road.bridge():
        asked = road.ask("Will it rain?")
        shown = await road.sentence(Say.RUN_ASKS_YOU, "en", asked)
        assert '"city": "Oslo"' in shown.text
        await road.quiet()
    async with road.bridge():
        road.reply("50 %", asked)
        await road.answer("50 %", asked)
        road.coze.script("You are welcome.")
        road.reply("Thank you", asked)
        await road.answer("You are welcome.", asked)
        await road.quiet()
        assert len(road.answers(asked)) == 3
    assert len(set(road.conversations())) == 1


async def test_a_person_is_asked_on_discord(road: Road, alone: Server) -> None:
    """The same there."""
    wants_rain(road)
    async with road.bridge():
        asked = alone.ask("Will it rain?")
        await alone.sentence(Say.RUN_ASKS_YOU, "en", asked)
        alone.reply("50 %", asked)
        await alone.answer("50 %", asked)
