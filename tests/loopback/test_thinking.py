"""An agent's thinking on the whole road: quoted above its answer, or nowhere."""

import pytest

from sandbox.coze import Answer
from tests.loopback.road import CHAT, Road
from tests.loopback.server import Server

THOUGHT = Answer(text="It is a Tuesday.", reasoning=("The tool says ", "*Tuesday*.\n", "```"))
SHOWN = "> 💭 The tool says *Tuesday*.\n> '''\n\nIt is a Tuesday."


@pytest.mark.parametrize("cut", [False, True])
async def test_a_quotation_above_the_answer(road: Road, cut: bool) -> None:
    """As it was streamed, or as it is fetched where the stream was cut before it."""
    road.configure("agents.default", reasoning="quote")
    road.coze.switches.reasoning_on_completed = True
    road.coze.script(THOUGHT)
    if cut:
        road.coze.faults.plan(CHAT, "cut", after_events=2)
    async with road.bridge():
        await road.once(SHOWN, road.ask("Which day?"))


async def test_a_quotation_on_discord_and_none_on_demand(road: Road, alone: Server) -> None:
    """In its Markdown; without the setting nobody sees it."""
    road.coze.script(THOUGHT, times=2)
    road.configure("agents.default", reasoning="quote")
    async with road.bridge():
        asked = alone.ask("Which day?")
        await road.until(lambda: any("a Tuesday." in text for text in alone.texts(asked)), "the answer")
        [shown] = alone.texts(asked)
        assert shown == SHOWN
    road.configure("agents.default", reasoning="hidden")
    async with road.bridge():
        await alone.answer("It is a Tuesday.", alone.ask("Which day?"))
