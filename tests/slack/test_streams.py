"""Native streams on the real wire: begun, added to, ended; and what becomes of them when something is in the way."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.adapter import SlackPlatform
from adapters.slack.ids import part_metadata
from adapters.slack.outbound import certain, harmless
from bridge.errors import MessageGone, PlatformRateLimited, PlatformRejected, PlatformUnavailable, WayClosed
from bridge.model import Control, ControlKind, Envelope, TurnId, View, Way
from bridge.ports import Reply
from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from tests.slack.test_outbound import MARKDOWN
from tests.slack.test_reply import TURN, calls

FIRST, MORE = View("First words, ", live=True), View("First words, and more, ", live=True)
WHOLE = View("First words, and more, and the end.", footer="Stopped.")
RETRY = Control(ControlKind.RETRY, TURN, "Try again")

Asked = Callable[..., Envelope]


@pytest.fixture
def private(slack: SlackEmulator, platform: SlackPlatform, asked: Asked) -> tuple[Reply, str]:
    """A reply to a direct message, and the channel."""
    channel = slack.open_dm("ann")
    return platform.reply(asked(channel=channel), TURN, "en"), channel


async def begun(reply: Reply) -> tuple[str, Way]:
    """Open a stream with some words."""
    stream, _ = reply.ways
    return await reply.post(0, FIRST, stream), stream


async def test_a_stream_grows_and_ends(private: tuple[Reply, str], slack: SlackEmulator, journal: Journal) -> None:
    """Only additions travel; the end brings footer, buttons and the mark; status and stream are over then."""
    reply, channel = private
    await reply.open()
    ts, _ = await begun(reply)
    assert slack.shown(channel, ts).streaming
    await reply.edit(ts, MORE)
    await reply.edit(ts, MORE)
    await reply.end(ts, View(WHOLE.text, footer="Stopped.", controls=(RETRY,)))
    shown = slack.shown(channel, ts)
    assert (shown.text, shown.small_print, shown.buttons) == (WHOLE.text, "Stopped.", ["Try again"])
    assert not shown.streaming
    assert shown.metadata == part_metadata(TURN, 0)
    assert slack.status(channel, shown.thread_ts or "") == ""
    assert [args["markdown_text"] for args in calls(journal, "chat.appendStream")] == ["and more, "]
    (start,) = calls(journal, "chat.startStream")
    assert (start["recipient_user_id"], start["recipient_team_id"]) == ("U1", "T1")
    assert not slack.violations()


async def test_where_streams_are_offered(
    slack: SlackEmulator, platform_for: Any, asked: Asked, private: tuple[Reply, str]
) -> None:
    """In threads of direct messages, while the app has its panel and nobody switched them off."""
    reply, channel = private
    stream, freely = reply.ways
    assert stream.only_grows
    assert stream.end
    assert stream.lasts_s == 240.0
    for changes in ({"native_streams": False}, {"agent_view": False}):
        async with platform_for(**changes) as platform:
            assert list(platform.reply(asked(channel=channel), TURN, "en").ways) == [freely]
    async with platform_for() as platform:
        assert len(platform.reply(asked(), TURN, "en").ways) == 1
        assert len(platform.reply(asked(channel=channel, threaded=False), TURN, "en").ways) == 1


@pytest.mark.parametrize(
    ("error", "remembered"),
    [("channel_type_not_supported", True), ("unknown_method", True), ("user_not_found", False), ("is_archived", False)],
)
async def test_a_refusal_at_the_start_leaves_the_other_way(
    private: tuple[Reply, str],
    slack: SlackEmulator,
    platform: SlackPlatform,
    asked: Asked,
    error: str,
    remembered: bool,
) -> None:
    """Nothing was posted; this reply tries no stream again, and none of the workspace's where that is to blame."""
    reply, channel = private
    slack.faults.plan("chat.startStream", "error", error=error)
    with pytest.raises(WayClosed):
        await begun(reply)
    (freely,) = reply.ways
    ts = await reply.post(0, FIRST, freely)
    assert [answer.ts for answer in slack.answers(channel)] == [ts]
    another = platform.reply(asked(channel=channel), TurnId("another"), "en")
    assert len(another.ways) == (1 if remembered else 2)


async def test_a_start_without_words_that_stay_is_a_post(private: tuple[Reply, str]) -> None:
    """What may still become a mention is not sent; then there is nothing to begin with."""
    reply, _ = private
    with pytest.raises(WayClosed):
        await reply.post(0, View("<", live=True), reply.ways[0])
    assert len(reply.ways) == 1


@pytest.mark.parametrize("ended", ["expired", "stopped_by_user", "lost", "500", "too long"])
async def test_a_stream_that_ends_in_the_middle_is_edited_from_there(
    private: tuple[Reply, str], slack: SlackEmulator, sandbox_clock: SandboxClock, ended: str
) -> None:
    """Whatever of the addition arrived: the next edit shows the text exactly once."""
    reply, channel = private
    ts, _ = await begun(reply)
    match ended:
        case "expired":
            sandbox_clock.advance(301)
        case "stopped_by_user":
            slack.stop("ann", channel, slack.shown(channel, ts).thread_ts or "")
        case "lost":
            slack.faults.plan("chat.appendStream", "drop_after")
        case "500":
            slack.faults.plan("chat.appendStream", "status", status=500, applied=True)
        case "too long":
            slack.faults.plan("chat.appendStream", "error", error="msg_too_long")
    with pytest.raises(WayClosed):
        await reply.edit(ts, MORE)
    await reply.edit(ts, MORE)
    await reply.edit(ts, WHOLE)
    shown = slack.shown(channel, ts)
    assert (shown.text, shown.small_print, shown.streaming) == (WHOLE.text, "Stopped.", False)
    assert shown.metadata == part_metadata(TURN, 0)


async def test_what_was_certainly_not_added_is_added_again(private: tuple[Reply, str], slack: SlackEmulator) -> None:
    """Refused as one too many: the stream goes on."""
    reply, channel = private
    ts, stream = await begun(reply)
    slack.rate_limit_next("chat.appendStream", 7)
    with pytest.raises(PlatformRateLimited) as caught:
        await reply.edit(ts, MORE)
    assert (caught.value.retry_after_s, caught.value.budget) == (7.0, stream.edit[0].name)
    await reply.edit(ts, MORE)
    assert slack.shown(channel, ts).text == MORE.text
    assert slack.shown(channel, ts).streaming


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error"])
async def test_an_end_of_unknown_outcome(private: tuple[Reply, str], slack: SlackEmulator, kind: str) -> None:
    """It may have ended or not: the edit that follows is right in both cases."""
    reply, channel = private
    ts, _ = await begun(reply)
    args = {"error": "invalid_blocks"} if kind == "error" else {}
    slack.faults.plan("chat.stopStream", kind, **args)
    with pytest.raises(WayClosed):
        await reply.end(ts, WHOLE)
    await reply.edit(ts, WHOLE)
    shown = slack.shown(channel, ts)
    assert (shown.text, shown.small_print, shown.streaming) == (WHOLE.text, "Stopped.", False)


async def test_an_end_can_be_refused_for_now(private: tuple[Reply, str], slack: SlackEmulator) -> None:
    """It is asked for again later; the words may be added meanwhile."""
    reply, channel = private
    ts, stream = await begun(reply)
    slack.rate_limit_next("chat.stopStream", 2)
    with pytest.raises(PlatformRateLimited) as caught:
        await reply.end(ts, WHOLE)
    assert caught.value.budget == stream.end[0].name
    await reply.edit(ts, View(WHOLE.text))
    assert slack.shown(channel, ts).text == WHOLE.text
    await reply.end(ts, WHOLE)
    assert slack.shown(channel, ts).small_print == "Stopped."


async def test_a_text_that_changes_is_not_added(private: tuple[Reply, str], slack: SlackEmulator) -> None:
    """The completed text differs from what was shown: stopped, then replaced."""
    reply, channel = private
    ts, _ = await begun(reply)
    with pytest.raises(WayClosed):
        await reply.edit(ts, View("Other words"))
    await reply.edit(ts, View("Other words"))
    assert slack.shown(channel, ts).text == "Other words"
    assert not slack.shown(channel, ts).streaming


async def test_a_deleted_stream_is_told(private: tuple[Reply, str], slack: SlackEmulator) -> None:
    """As any other message."""
    reply, channel = private
    ts, _ = await begun(reply)
    slack.delete(slack.bot_user_id, channel, ts)
    for attempt in (reply.edit(ts, MORE), reply.end(ts, WHOLE)):
        with pytest.raises(MessageGone):
            await attempt


async def test_an_answer_that_ends_otherwise_leaves_no_open_stream(
    private: tuple[Reply, str], slack: SlackEmulator
) -> None:
    """Settling stops what is still open."""
    reply, channel = private
    ts, _ = await begun(reply)
    await reply.settle()
    assert not slack.shown(channel, ts).streaming
    await reply.settle()


# --- after a crash ---


async def test_a_stream_of_an_earlier_life_is_stopped_and_edited(
    private: tuple[Reply, str], slack: SlackEmulator, platform: SlackPlatform, asked: Asked
) -> None:
    """Its id was written down, nothing else."""
    reply, channel = private
    ts, _ = await begun(reply)
    again = platform.reply(asked(channel=channel), TURN, "en")
    await again.edit(ts, WHOLE)
    shown = slack.shown(channel, ts)
    assert (shown.text, shown.streaming) == (WHOLE.text, False)


async def test_a_stream_nobody_wrote_down_is_found(private: tuple[Reply, str], slack: SlackEmulator) -> None:
    """Our own message behind the question that carries no mark; neither a notice nor a known part."""
    reply, channel = private
    await reply.notice("⏳ One moment")
    slack.faults.plan("chat.startStream", "drop_after")
    with pytest.raises(PlatformUnavailable) as caught:
        await begun(reply)
    assert caught.value.outcome_unknown
    ts = slack.answers(channel)[-1].ts
    assert await reply.find_posted(0) == ts
    assert await reply.find_posted(1, {0: ts}) is None
    await reply.edit(ts, WHOLE)
    assert slack.shown(channel, ts).text == WHOLE.text
    assert not slack.shown(channel, ts).streaming
    assert await reply.find_posted(0) == ts
    assert await reply.find_posted(1) is None


async def test_without_the_right_to_read_it_cannot_be_found(
    private: tuple[Reply, str], slack: SlackEmulator, journal: Journal
) -> None:
    """As with any part."""
    reply, _ = private
    slack.faults.plan("conversations.replies", "error", error="missing_scope")
    with pytest.raises(PlatformRejected):
        await reply.find_posted(0)


# --- what is certain ---


@given(MARKDOWN, MARKDOWN)
def test_what_is_certain_stays(text: str, more: str) -> None:
    """Whatever follows, outside of images: the harmless text begins with it, so no mention can be put together."""
    if "![" not in text + more:
        assert harmless(text + more).startswith(certain(text))


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a < b and more", "a < b and more"),
        ("a <", "a "),
        ("Hello <@", "Hello "),
        ("Hello <@U1", "Hello <\u2060@U1"),
        ("Hello &l", "Hello "),
        ("AT&T is", "AT&T is"),
        ("<!-- a comment of a page", "<!-- a comment of a page"),
        ("plain words", "plain words"),
    ],
)
def test_what_may_become_a_mention_waits(text: str, sent: str) -> None:
    """Nothing else does."""
    assert certain(text) == sent


@given(st.lists(MARKDOWN, max_size=8))
def test_additions_put_together_are_harmless(pieces: list[str]) -> None:
    """Sent piece by piece the text is what it would be at once."""
    text, sent = "", ""
    for piece in pieces:
        text += piece
        now = certain(text)
        if now.startswith(sent):
            sent = now
    if "![" not in text:
        assert harmless(text).startswith(sent)
