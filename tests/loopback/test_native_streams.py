"""Direct messages by Slack's native streams: whatever ends one too early, the answer is there in the end, once."""

from typing import Any

import pytest

from sandbox.coze import Answer
from tests.loopback.road import Road

TEXT = "A sentence that goes **on** for a while.\n\n" * 12


async def growing_privately(road: Road) -> tuple[str, str]:
    """Ask in private; return channel and question once the first words stand there."""
    road.coze.script(Answer(text=TEXT, delta_interval_s=0.006))
    channel, asked = road.write("Go on")
    await road.until(lambda: road.answers(asked, channel), "the first words")
    return channel, asked


async def once(road: Road, channel: str, asked: str) -> None:
    """Expect the whole text exactly once, and no stream left open."""
    await road.until(lambda: words(road, channel, asked) == TEXT.split(), "the whole text")
    await road.until(lambda: not any(a.streaming for a in road.answers(asked, channel)), "the stream's end")
    await road.quiet()
    assert words(road, channel, asked) == TEXT.split()
    assert len(road.chats()) == 1


def words(road: Road, channel: str, asked: str) -> list[str]:
    return " ".join(answer.text for answer in road.answers(asked, channel)).split()


@pytest.mark.usefixtures("bridge")
async def test_a_direct_message_is_answered_by_a_stream(road: Road) -> None:
    """Begun once, added to, ended once; nothing is edited, and nothing raw is shown that will not stay."""
    channel, asked = await growing_privately(road)
    await once(road, channel, asked)
    (message,) = road.answers(asked, channel)
    assert len(road.calls("chat.startStream")) == len(road.calls("chat.stopStream")) == 1
    assert len(road.calls("chat.appendStream")) > 2
    assert not road.calls("chat.update")
    steps = [step.text for step in road.slack.steps(channel, message.ts)]
    assert all(TEXT.startswith(step) and step.count("**") % 2 == 0 for step in steps)


@pytest.mark.parametrize(
    ("method", "kind", "args"),
    [
        ("chat.startStream", "error", {"error": "channel_type_not_supported"}),
        ("chat.startStream", "ratelimited", {"retry_after_s": 2}),
        ("chat.startStream", "drop_after", {}),
        ("chat.appendStream", "error", {"error": "message_not_in_streaming_state"}),
        ("chat.appendStream", "error", {"error": "msg_too_long"}),
        ("chat.appendStream", "ratelimited", {"retry_after_s": 1}),
        ("chat.appendStream", "ratelimited", {"as_http_200": True}),
        ("chat.appendStream", "status", {"status": 500, "applied": True}),
        ("chat.appendStream", "drop_after", {}),
        ("chat.stopStream", "error", {"error": "message_not_in_streaming_state"}),
        ("chat.stopStream", "ratelimited", {"retry_after_s": 1}),
        ("chat.stopStream", "status", {"status": 500, "applied": True}),
        ("chat.stopStream", "drop_before", {}),
    ],
)
@pytest.mark.usefixtures("bridge")
async def test_streams_that_fail(road: Road, method: str, kind: str, args: dict[str, Any]) -> None:
    """Refused, limited or lost, at the start, in the middle or at the end: the other way takes over."""
    road.forgiven.add("too_big")
    road.slack.faults.plan(method, kind, **args)
    channel, asked = await growing_privately(road)
    await once(road, channel, asked)


@pytest.mark.usefixtures("bridge")
async def test_a_stream_that_somebody_deletes(road: Road) -> None:
    """The answer is begun anew."""
    road.forgiven |= {"same_part_twice", "several_streams_in_thread", "stream_left_open"}
    channel, asked = await growing_privately(road)
    road.slack.delete(road.slack.bot_user_id, channel, road.answers(asked, channel)[0].ts)
    await once(road, channel, asked)


async def test_a_stream_that_a_stopped_bridge_left(road: Road) -> None:
    """The next start stops it and goes on by edits."""
    road.configure("bridge", drain_s=0.01)
    async with road.bridge():
        channel, asked = await growing_privately(road)
    async with road.bridge():
        await once(road, channel, asked)


async def test_streams_can_be_switched_off(road: Road) -> None:
    """Then direct messages are posted and edited as channels are."""
    road.configure("adapters.slack", native_streams=False)
    async with road.bridge():
        channel, asked = await growing_privately(road)
        await once(road, channel, asked)
    assert not road.calls("chat.startStream")


@pytest.mark.usefixtures("bridge")
async def test_a_stop_of_slacks_own_keeps_the_partial_text(road: Road) -> None:
    """Nothing is added to the stream that somebody stopped; what stood there stays, with our sentence below it."""
    channel, asked = await growing_privately(road)
    (ts,) = road.slack.stop("ann", channel, asked)
    await road.until(lambda: road.slack.shown(channel, ts).small_print, "the sentence below")
    await road.quiet()
    (message,) = road.answers(asked, channel)
    assert TEXT.startswith(message.text.rstrip())
    assert not message.streaming
