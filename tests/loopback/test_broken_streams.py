"""Coze's stream breaks, stalls or is odd; the answer is there in the end, whole, and was asked for once."""

import pytest

from tests.loopback.road import CHAT, Road


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after_events", [1, 2, 6])
@pytest.mark.usefixtures("bridge")
async def test_a_stream_that_is_cut(road: Road, growing: str, after_events: int, reset: bool) -> None:
    """A stream cut after the chat was created is not asked for again: the answer is fetched."""
    road.coze.faults.plan(CHAT, "cut", after_events=after_events, reset=reset)
    await road.once(growing, road.ask("Go on"))
    assert road.journal.select(service="coze", kind="request", name="GET /v3/chat/message/list")


@pytest.mark.usefixtures("bridge")
async def test_a_question_whose_answer_never_began(road: Road, growing: str) -> None:
    """When the connection ends without a byte, the question is looked for at Coze, found, and followed."""
    road.coze.faults.plan(CHAT, "hang_up_after")
    await road.once(growing, road.ask("Go on"))


async def test_a_stream_that_stalls_while_the_agent_works_on(road: Road, growing: str) -> None:
    """A stream silent beyond the limit, of a run that completes, costs patience but not the answer."""
    road.configure("agents.default", connect_timeout_s=0.5, idle_timeout_s=0.5)
    road.coze.faults.plan(CHAT, "stall", after_events=6)
    async with road.bridge():
        await road.once(growing, road.ask("Go on"))


@pytest.mark.parametrize(
    "kind", ["done_as_object", "empty_done", "without_done", "unknown_events", "one_byte_chunks", "crlf", "comments"]
)
@pytest.mark.usefixtures("bridge")
async def test_odd_streams(road: Road, growing: str, kind: str) -> None:
    """Odd shapes of the stream make no difference to what people read."""
    road.coze.faults.plan(CHAT, kind)
    await road.once(growing, road.ask("Go on"))
