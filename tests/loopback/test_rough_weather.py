"""Slack and the network misbehave in the middle of an answer; in the end it is there, whole, and once."""

from typing import Any

import pytest

from bridge.app import Bridge
from bridge.texts import Say
from sandbox.coze import Answer
from tests.loopback.road import CHANNEL, Road


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("ratelimited", {"retry_after_s": 1}),
        ("status", {"status": 502}),
        ("status", {"status": 503, "applied": True}),
        ("drop_before", {}),
        ("drop_after", {}),
        ("wrong_json", {}),
        ("plain_text", {}),
        ("error", {"error": "internal_error"}),
    ],
)
@pytest.mark.usefixtures("bridge")
async def test_edits_that_fail(road: Road, growing: str, kind: str, args: dict[str, Any]) -> None:
    """Edits may fail in every way: the newest text is sent later, and the whole of it arrives."""
    road.slack.faults.plan("chat.update", kind, **args)
    await road.whole(growing, road.ask("Go on"))


@pytest.mark.parametrize("as_http_200", [False, True])
@pytest.mark.usefixtures("bridge")
async def test_a_final_text_that_is_rate_limited(road: Road, as_http_200: bool) -> None:
    """The last edit is refused: the rest is posted at once, whether Slack names a wait or not; edits then pause."""
    deltas = ("The beginning is shown as a post of its own. ", "The end.")
    road.coze.script(Answer(deltas=deltas, delta_interval_s=0.3))
    road.slack.rate_limit_next("chat.update", 3, as_http_200=as_http_200)
    asked = road.ask("Go on")
    await road.whole("".join(deltas), asked)
    assert [answer.text.strip() for answer in road.answers(asked)] == [delta.strip() for delta in deltas]
    (refused,) = road.calls("chat.update")
    assert road.calls("chat.postMessage")[-1].at - refused.at < 0.5


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("drop_after", {}),
        ("drop_before", {}),
        ("status", {"status": 500, "applied": True}),
        ("status", {"status": 502}),
        ("wrong_json", {}),
        ("ratelimited", {"retry_after_s": 1}),
    ],
)
@pytest.mark.usefixtures("bridge")
async def test_a_post_whose_answer_is_lost(road: Road, growing: str, kind: str, args: dict[str, Any]) -> None:
    """A post that may or may not have landed is looked up before it is repeated: the answer stands there once."""
    road.slack.faults.plan("chat.postMessage", kind, **args)
    await road.once(growing, road.ask("Go on"))


@pytest.mark.usefixtures("bridge")
async def test_a_lost_post_of_a_direct_message(road: Road, growing: str) -> None:
    """The same in private."""
    road.slack.faults.plan("chat.postMessage", "drop_after")
    channel, asked = road.write("Go on")
    await road.answer(growing, asked, channel)
    await road.quiet()
    assert [message.text for message in road.answers(asked, channel)] == [growing]


async def test_a_lost_post_that_cannot_be_looked_up(road: Road, growing: str) -> None:
    """Without the scope to read the channel a lost post is repeated once, and marked as a possible duplicate."""
    road.slack.add_app(scopes=("chat:write", "app_mentions:read", "im:history", "users:read", "reactions:write"))
    road.forgiven.add("same_part_twice")
    road.slack.faults.plan("chat.postMessage", "drop_after")
    async with road.bridge():
        asked = road.ask("Go on")
        message = await road.answer(growing, asked)
        await road.sentence(Say.MAYBE_DUPLICATE, "en", asked)
        await road.quiet()
        assert len(road.answers(asked)) == 2
        assert message.ts == road.answers(asked)[-1].ts


async def test_a_channel_that_is_archived_in_the_middle(
    bridge: Bridge, road: Road, growing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be shown there any more: the run is cancelled, the log says why, and elsewhere it goes on."""
    road.slack.add_channel("random", channel_id="C2")
    asked = road.ask("Go on")
    await road.until(lambda: road.answers(asked), "the first words")
    road.slack.archive(CHANNEL)
    await road.quiet()
    assert "is_archived" in capsys.readouterr().out
    elsewhere = road.slack.mention("ann", "C2", "And here?")
    await road.answer(growing, elsewhere, "C2")


@pytest.mark.usefixtures("bridge")
async def test_a_message_somebody_deleted(road: Road, growing: str) -> None:
    """When the growing message is deleted, the answer is posted anew."""
    road.forgiven.add("same_part_twice")
    asked = road.ask("Go on")
    await road.until(lambda: road.answers(asked), "the first words")
    road.slack.delete(road.slack.bot_user_id, CHANNEL, road.answers(asked)[0].ts)
    await road.once(growing, asked)


@pytest.mark.usefixtures("bridge")
async def test_blocks_that_slack_refuses(road: Road, growing: str) -> None:
    """Where Slack does not take our blocks, people read plain text."""
    road.slack.faults.plan("chat.postMessage", "error", error="invalid_blocks")
    asked = road.ask("Go on")
    await road.until(lambda: road.answers(asked) and road.answers(asked)[-1].text == growing.strip(), "the plain text")
    assert len(road.answers(asked)) == 1


@pytest.mark.parametrize(("user", "placeholder"), [("ann", "… thinking"), ("li", "… 正在思考")])
@pytest.mark.usefixtures("bridge")
async def test_a_workspace_without_status_lines(road: Road, growing: str, user: str, placeholder: str) -> None:
    """Where the status is refused a placeholder is posted, becomes the answer, and the refusal is remembered."""
    road.slack.switches.status_refusal = "not_agent_app"
    for _ in range(2):
        asked = road.ask("Go on", user=user)
        answer = await road.answer(growing, asked)
        steps = [step.text for step in road.slack.steps(CHANNEL, answer.ts)]
        assert steps[0] == placeholder
        assert len(road.answers(asked)) == 1
    assert len(road.calls("assistant.threads.setStatus")) == 1


async def test_a_socket_that_is_cut_in_the_middle(bridge: Bridge, road: Road, growing: str) -> None:
    """Answers go on without the socket, and it comes back for the next question."""
    road.configure("adapters.slack", ping_interval_s=0.3)
    asked = road.ask("Go on")
    await road.first_delta()
    road.slack.sockets.drop()
    await road.answer(growing, asked)
    again = road.ask("And again")
    await road.answer(growing, again)


@pytest.mark.usefixtures("bridge")
async def test_a_socket_that_slack_wants_refreshed(road: Road, growing: str) -> None:
    """Slack asks for a new connection now and then; no question is lost over it."""
    await road.slack.sockets.disconnect("refresh_requested")
    asked = road.ask("Go on")
    await road.once(growing, asked)
