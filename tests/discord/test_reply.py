"""Replies on the real wire: threads, typing, posts that are never doubled, edits, notices, waiting marks."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adapters.discord import limits
from adapters.discord.ids import hourglass_note, parse_delivery_key, part_nonce
from bridge.errors import (
    MessageGone,
    PartTooLong,
    PlatformError,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
)
from bridge.extension import Services
from bridge.keys import turn_id
from bridge.model import Control, ControlKind, TurnId, View
from bridge.ports import Platform, Reply
from bridge.testing.fakes import envelope
from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

TURN = TurnId("abcdefghijklmnop")
OTHER_TURN = TurnId("qrstuvwxyz234567")
CREATE = "POST /channels/{channel}/messages"
EDIT = "PATCH /channels/{channel}/messages/{message}"
THREAD = "POST /channels/{channel}/messages/{message}/threads"
TYPING = "POST /channels/{channel}/typing"
REACT = "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me"


@pytest.fixture
def dm(discord: DiscordEmulator) -> str:
    """The direct conversation with ann."""
    return discord.open_dm("ann")


@pytest.fixture
def replying(platform: Platform, asked: Any) -> Any:
    """Ask something and make the reply to it; also the channel and the question's id."""

    def make(**question: Any) -> tuple[Reply, str, str]:
        envelope = asked(**question)
        ref = parse_delivery_key(envelope.delivery_key)
        turn = turn_id(envelope.delivery_key)
        return platform.reply(envelope, turn, "en"), ref.channel, envelope.message_id

    return make


def bodies(journal: Journal, route: str) -> list[dict[str, Any]]:
    """Return the bodies of every request of a route."""
    return [entry.detail["body"] for entry in journal.select(kind="request", name=route)]


def forget_names(discord: DiscordEmulator) -> None:
    """Let the history tell no nonces: whether Discord's does is not known."""
    for channel in discord.service.world.channels:
        for message in discord.service.world.messages(channel):
            message.nonce = None


# --- threads and typing ---


async def test_a_question_in_a_channel_gets_a_thread_of_its_own(
    replying: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """Named after it, with its id; typing there is the sign of life, and nothing is posted before the first words."""
    reply, channel, question = replying(text="How do I *install* it?")
    assert await reply.open() is None
    assert discord.threads(channel) == {question: "How do I install it?"}
    assert discord.typing_in(question) == ["coze"]
    assert not discord.answers(question)
    message = await reply.post(0, View("So:"))
    await reply.edit(message, View("So: like this"))
    assert discord.shown_text(question, message) == "So: like this"
    assert not discord.answers(channel)
    assert len(bodies(journal, THREAD)) == 1
    assert bodies(journal, THREAD)[0]["auto_archive_duration"] == 1440


async def test_typing_is_renewed(replying: Any, discord: DiscordEmulator, sandbox_clock: SandboxClock, dm: str) -> None:
    """Discord stops showing it after ten seconds; that it fails disturbs nobody."""
    reply, channel, _ = replying(channel=dm)
    await reply.open()
    sandbox_clock.advance(8)
    await reply.refresh()
    sandbox_clock.advance(8)
    assert discord.typing_in(channel) == ["coze"]
    discord.faults.plan(TYPING, "status", status=503)
    await reply.refresh()


async def test_a_thread_that_is_there_is_used(
    platform_for: Any, asked: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """Begun before a restart, or by somebody else at the same moment."""
    question = asked()
    async with platform_for() as before:
        message = await before.reply(question, TURN, "en").post(0, View("one"))
    async with platform_for() as after:
        await after.reply(question, TURN, "en").edit(message, View("two"))
    assert discord.shown_text(question.message_id, message) == "two"
    assert len(discord.threads("general")) == 1


async def test_a_thread_whose_beginning_was_lost_is_not_begun_twice(
    replying: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """The core hears that nothing was posted, and tries again."""
    reply, _, question = replying()
    discord.faults.plan(THREAD, "drop_after")
    with pytest.raises(PlatformUnavailable) as caught:
        await reply.post(0, View("hello"))
    assert not caught.value.outcome_unknown
    await reply.post(0, View("hello"))
    assert [shown.text for shown in discord.answers(question)] == ["hello"]
    assert not discord.violations()


async def test_where_no_thread_may_be_begun_we_reply(replying: Any, discord: DiscordEmulator, journal: Journal) -> None:
    """In the channel, to the question; the rest of the answer too."""
    discord.deny("general", "@everyone", "CREATE_PUBLIC_THREADS")
    discord.deny("general", "coze", "CREATE_PUBLIC_THREADS")
    reply, channel, question = replying()
    await reply.open()
    assert discord.typing_in(channel) == ["coze"]
    await reply.post(0, View("one"))
    await reply.post(1, View("two"))
    assert [(shown.text, shown.reply_to) for shown in discord.answers(channel)] == [
        ("one", question),
        ("two", question),
    ]
    assert len(bodies(journal, THREAD)) == 1
    assert not discord.violations()


async def test_an_answer_to_a_deleted_question_is_not_given(replying: Any, discord: DiscordEmulator) -> None:
    """There is nothing to begin a thread from, and nobody who waits."""
    reply, channel, question = replying()
    discord.delete("ann", channel, question)
    with pytest.raises(PlatformRejected, match="deleted"):
        await reply.post(0, View("hello"))


@pytest.mark.parametrize(("mode", "replies"), [("place", False), ("reply", True)])
async def test_answers_can_stay_in_the_channel(
    platform_for: Any, asked: Any, discord: DiscordEmulator, mode: str, replies: bool
) -> None:
    """As the settings say."""
    question = asked()
    async with platform_for(answer_in=mode) as platform:
        await platform.reply(question, TURN, "en").post(0, View("here"))
    (shown,) = discord.answers("general")
    assert shown.reply_to == (question.message_id if replies else None)
    assert not discord.threads("general")
    assert not discord.violations()


async def test_a_reply_survives_that_its_question_is_deleted(
    platform_for: Any, asked: Any, discord: DiscordEmulator
) -> None:
    """It becomes an ordinary message."""
    question = asked()
    discord.delete("ann", "general", question.message_id)
    async with platform_for(answer_in="reply") as platform:
        await platform.reply(question, TURN, "en").post(0, View("here"))
    assert [shown.text for shown in discord.answers("general")] == ["here"]


async def test_without_the_history_permission_answers_are_no_replies(
    platform_for: Any, asked: Any, discord: DiscordEmulator
) -> None:
    """Rather than none at all."""
    discord.deny("general", "@everyone", "READ_MESSAGE_HISTORY")
    discord.deny("general", "coze", "READ_MESSAGE_HISTORY")
    question = asked()
    async with platform_for(answer_in="reply") as platform:
        reply = platform.reply(question, TURN, "en")
        await reply.post(0, View("one"))
        await reply.post(1, View("two"))
    assert [(shown.text, shown.reply_to) for shown in discord.answers("general")] == [("one", None), ("two", None)]


# --- posts and edits ---


async def test_an_answer_grows(replying: Any, discord: DiscordEmulator, journal: Journal, dm: str) -> None:
    """One post with a name of its own, then edits."""
    reply, channel, question = replying(channel=dm)
    message = await reply.post(0, View("**Hel", live=True))
    await reply.edit(message, View("**Hello**\n\n- a\n- b"))
    assert discord.shown_text(channel, message) == "**Hello**\n\n- a\n- b"
    posted = bodies(journal, CREATE)[0]
    turn = turn_id(f"work::{channel}:{question}")
    assert (posted["nonce"], posted["enforce_nonce"]) == (part_nonce(turn, 0), True)
    assert not discord.violations()


async def test_nobody_is_called_and_nothing_unfurled(
    replying: Any, discord: DiscordEmulator, sandbox_clock: SandboxClock, journal: Journal
) -> None:
    """Whatever an agent says, in posts, edits, footers, notices and names of threads; previews do not come later."""
    role = discord.add_role("staff", mentionable=True)
    bob = discord.find_user("bob").id
    nasty = (
        f"@everyone @here <@{bob}> <@!{bob}> <@&{role}> https://evil.example `@here` ![x](https://evil.example/?q=1)"
    )
    for channel in ("general", discord.open_dm("ann")):
        reply, _, _ = replying(text=nasty, channel=channel)
        message = await reply.post(0, View(nasty, footer=nasty))
        await reply.edit(message, View(nasty + nasty, footer=nasty))
        await reply.edit(message, View("calm"))
        await reply.edit(message, View(nasty))
        await reply.notice(nasty)
    sandbox_clock.advance(5)
    await discord.settled()
    sent = bodies(journal, CREATE) + bodies(journal, EDIT)
    assert sent
    assert all(body["allowed_mentions"]["parse"] == [] and body["flags"] & 4 for body in sent)
    assert not discord.violations()


async def test_a_part_at_our_limit_fits(replying: Any, discord: DiscordEmulator, platform: Platform, dm: str) -> None:
    """With a footer, whatever rendering makes of it."""
    discord.switches.rate_limits = "off"
    reply, _, _ = replying(channel=dm)
    rules = platform.part_rules
    for text in ("x" * 1900, "🎉" * 1900, "@everyone " * 170, "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 200):
        assert rules.measure(text) <= rules.limit
        message = await reply.post(0, View(text, footer="⚠️ " + "cut " * 200))
        await reply.edit(message, View(text))
        await reply.remove(message)
    with pytest.raises(PartTooLong):
        await reply.post(0, View("x" * 2001))
    assert not discord.violations()


async def test_a_message_discord_finds_too_long_is_told(replying: Any, discord: DiscordEmulator, dm: str) -> None:
    """The core then splits smaller."""
    reply, _, _ = replying(channel=dm)
    discord.faults.plan(CREATE, "error", status=413, code=40005)
    with pytest.raises(PartTooLong):
        await reply.post(0, View("x"))


async def test_a_deleted_message_is_gone_and_its_part_posted_anew(
    replying: Any, discord: DiscordEmulator, dm: str
) -> None:
    """Under another name, for the old one is used up; removing what is gone is fine."""
    reply, channel, _ = replying(channel=dm)
    message = await reply.post(0, View("one"))
    await reply.remove(message)
    await reply.remove(message)
    with pytest.raises(MessageGone):
        await reply.edit(message, View("two"))
    again = await reply.post(0, View("two"))
    assert again != message
    assert [shown.text for shown in discord.answers(channel)] == ["two"]
    assert not discord.violations()


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "wrong_json"])
@pytest.mark.parametrize("channel", ["general", "dm"])
async def test_a_post_of_unknown_outcome_is_there_once(
    replying: Any, discord: DiscordEmulator, dm: str, fault: str, channel: str
) -> None:
    """Reset before or after it was applied: sending the same again tells its id, and newer text comes by an edit."""
    reply, _, question = replying(channel=dm if channel == "dm" else channel)
    target = dm if channel == "dm" else question
    discord.faults.plan(CREATE, fault)
    with pytest.raises(PlatformUnavailable) as caught:
        await reply.post(1, View("once"))
    assert caught.value.outcome_unknown
    found = await reply.find_posted(1)
    assert found is not None
    await reply.edit(found, View("once and more"))
    await reply.post(2, View("next"))
    assert [shown.text for shown in discord.answers(target)] == ["once and more", "next"]
    assert not discord.violations()


async def test_a_storm_of_failures_ends_with_one_message(replying: Any, discord: DiscordEmulator, dm: str) -> None:
    """502 and 503, applied or not, again and again."""
    reply, channel, _ = replying(channel=dm)
    discord.faults.plan(CREATE, "status", status=502, times=3)
    discord.faults.plan(CREATE, "status", status=503, applied=True)
    with pytest.raises(PlatformUnavailable):
        await reply.post(0, View("whole"))
    found = None
    for _ in range(6):
        try:
            found = await reply.find_posted(0)
            break
        except PlatformUnavailable as error:
            assert error.outcome_unknown  # noqa: PT017 - which error it is decides whether to go on
    assert found is not None
    assert [shown.text for shown in discord.answers(channel)] == ["whole"]
    assert not discord.violations()


async def test_a_post_that_was_deleted_before_it_was_known_comes_anew(
    replying: Any, discord: DiscordEmulator, dm: str
) -> None:
    """Discord refuses the repeated name then; the part is posted under another one."""
    reply, channel, _ = replying(channel=dm)
    discord.faults.plan(CREATE, "drop_after")
    with pytest.raises(PlatformUnavailable):
        await reply.post(0, View("once"))
    discord.service.stage.remove(discord.find_message(channel, discord.answers(channel)[0].id))
    with pytest.raises(PlatformUnavailable) as caught:
        await reply.find_posted(0)
    assert not caught.value.outcome_unknown
    await reply.post(0, View("anew"))
    assert [shown.text for shown in discord.answers(channel)] == ["anew"]


class LateClock:
    """The real clock, moved forward by hand."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.late_s = 0.0

    def now(self) -> float:
        return float(self._clock.now()) + self.late_s

    def wall(self) -> float:
        return float(self._clock.wall()) + self.late_s

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        return bool(await self._clock.wait(event, timeout_s))


@pytest.fixture
def late(services: Services, settings_for: Any) -> Any:
    """Make an adapter whose clock can be moved beyond the time in which names are trusted."""
    from adapters.discord.adapter import DiscordPlatform

    clock = LateClock(services.clock)

    def make(**changes: Any) -> tuple[LateClock, DiscordPlatform]:
        return clock, DiscordPlatform("work", settings_for(**changes), replace(services, clock=clock))

    return make


@pytest.mark.parametrize("names_are_told", [True, False])
@pytest.mark.parametrize("mode", ["thread", "reply"])
@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
async def test_a_post_lost_long_ago_is_looked_for(
    late: Any, asked: Any, discord: DiscordEmulator, mode: str, fault: str, names_are_told: bool
) -> None:
    """Names are not trusted any more: what we wrote after the question tells."""
    question = asked()
    clock, platform = late(answer_in=mode)
    async with platform:
        reply = platform.reply(question, TURN, "en")
        first = await reply.post(0, View("one"))
        discord.say("bob", "general", "in between")
        if mode == "thread":
            await platform.reply(asked("!status", channel=question.message_id), OTHER_TURN, "en").notice("fine")
        discord.faults.plan(CREATE, fault)
        with pytest.raises(PlatformUnavailable):
            await reply.post(1, View("two"))
        clock.late_s = limits.NONCE_TRUSTED_S + 1
        discord.clock.advance(limits.NONCE_TRUSTED_S + 1)
        if not names_are_told:
            forget_names(discord)
        found = await reply.find_posted(1)
        if fault == "drop_before":
            assert found is None
            found = await reply.post(1, View("two"))
    channel = question.message_id if mode == "thread" else "general"
    answers = [(shown.id, shown.text) for shown in discord.answers(channel) if shown.text != "fine"]
    assert answers == [(first, "one"), (found, "two")]
    assert not discord.violations()


@pytest.mark.parametrize("names_are_told", [True, False])
async def test_a_post_applied_after_its_name_was_trusted_is_told_as_a_double(
    late: Any, asked: Any, discord: DiscordEmulator, names_are_told: bool
) -> None:
    """Repeated under another name it stands twice; its name tells, or else the controls below it."""
    question = asked()
    clock, platform = late(answer_in="thread", request_timeout_s=0.2)
    view = View("once", controls=(Control(ControlKind.STOP, TURN, "Stop"),))
    async with platform:
        reply = platform.reply(question, TURN, "en")
        await reply.open()
        command = asked("!status", channel=question.message_id)
        discord.faults.plan(CREATE, "delay", delay_s=limits.NONCE_TRUSTED_S + 200)
        with pytest.raises(PlatformUnavailable):
            await reply.post(0, view)
        clock.late_s = limits.NONCE_TRUSTED_S + 1
        discord.clock.advance(limits.NONCE_TRUSTED_S + 1)
        assert await reply.find_posted(0) is None
        known = {0: await reply.post(0, view), 1: await reply.post(1, View("and more"))}
        await platform.reply(command, OTHER_TURN, "en").notice("fine")
        await platform.reply(command, OTHER_TURN, "en").post(0, View("another answer"))
        expected = [shown.id for shown in discord.answers(question.message_id)]
        discord.clock.advance(200)
        await discord.wait_until(
            lambda: len(discord.answers(question.message_id)) > len(expected), what="the late post"
        )
        if not names_are_told:
            forget_names(discord)
        (double,) = await reply.find_doubles({0, 1}, known)
        await reply.remove(double)
    assert [shown.id for shown in discord.answers(question.message_id)] == expected
    assert not discord.violations()


@pytest.mark.parametrize("names_are_told", [True, False])
@pytest.mark.parametrize("channel", ["general", "dm"])
async def test_a_part_posted_before_a_crash_is_found_after_it(
    platform_for: Any, asked: Any, discord: DiscordEmulator, dm: str, channel: str, names_are_told: bool
) -> None:
    """A new process knows of the first part only; the second was posted and not written down, the third never."""
    question = asked(channel=dm if channel == "dm" else channel)
    async with platform_for() as before:
        reply = before.reply(question, TURN, "en")
        await reply.post(0, View("one"))
        second = await reply.post(1, View("two"))
        command = asked("!status", channel=dm if channel == "dm" else question.message_id)
        await before.reply(command, OTHER_TURN, "en").notice("fine")
    if not names_are_told:
        forget_names(discord)
    async with platform_for() as after:
        reply = after.reply(question, TURN, "en")
        assert await reply.find_posted(1) == second
        assert await reply.find_posted(2) is None


@pytest.mark.parametrize("names_are_told", [True, False])
async def test_the_answer_before_is_not_taken_for_a_part(
    platform_for: Any, asked: Any, discord: DiscordEmulator, dm: str, names_are_told: bool
) -> None:
    """A question that waited has the answer to the one before it below; a lost part is looked for after our own."""
    before, question = asked(channel=dm), asked("And then?", channel=dm)
    async with platform_for() as platform:
        await platform.reply(before, OTHER_TURN, "en").post(0, View("the answer before"))
        first = await platform.reply(question, TURN, "en").post(0, View("one"))
    if not names_are_told:
        forget_names(discord)
    async with platform_for() as platform:
        assert await platform.reply(question, TURN, "en").find_posted(1, {0: first}) is None
    async with platform_for() as platform:
        second = await platform.reply(question, TURN, "en").post(1, View("two"))
    if not names_are_told:
        forget_names(discord)
    async with platform_for() as platform:
        reply = platform.reply(question, TURN, "en")
        assert await reply.find_posted(1, {0: first}) == second
        if names_are_told:
            assert await reply.find_posted(0) == first


async def test_an_answer_that_failed_is_not_taken_for_the_next_try(
    platform_for: Any, asked: Any, discord: DiscordEmulator, services: Services
) -> None:
    """What is asked again stands below it; after a crash only the time tells them apart, where names are not told."""
    question = asked()
    async with platform_for() as platform:
        await platform.reply(question, OTHER_TURN, "en").post(0, View("half an"))
    discord.clock.advance(60)
    again = replace(question, delivery_key=f"{question.delivery_key}:retry", sent_at_s=discord.clock.now())
    forget_names(discord)
    async with platform_for() as platform:
        assert await platform.reply(again, TURN, "en").find_posted(0) is None
        whole = await platform.reply(again, TURN, "en").post(0, View("a whole one"))
    forget_names(discord)
    async with platform_for() as platform:
        assert await platform.reply(again, TURN, "en").find_posted(0) == whole
    assert [shown.text for shown in discord.answers(question.message_id)] == ["half an", "a whole one"]


async def test_in_a_shared_channel_nothing_tells_a_lost_post(late: Any, asked: Any, discord: DiscordEmulator) -> None:
    """Without replies: the core repeats it once, marked."""
    clock, platform = late(answer_in="place")
    async with platform:
        reply = platform.reply(asked(), TURN, "en")
        discord.faults.plan(CREATE, "drop_after")
        with pytest.raises(PlatformUnavailable):
            await reply.post(0, View("one"))
        clock.late_s = limits.NONCE_TRUSTED_S + 1
        with pytest.raises(PlatformRejected):
            await reply.find_posted(0)


# --- limits ---


@pytest.mark.parametrize("shared", [False, True])
async def test_allowances_are_not_overdrawn(
    replying: Any, discord: DiscordEmulator, journal: Journal, dm: str, shared: bool
) -> None:
    """Whether creating and editing share one or not: the headers tell, and what would be refused is not sent."""
    discord.switches.shared_send_edit_bucket = shared
    reply, _, _ = replying(channel=dm)
    message = await reply.post(0, View("0"))
    held = 0
    for number in range(1, 12):
        try:
            await reply.edit(message, View(f"{number}"))
        except PlatformRateLimited as error:
            assert 0 < (error.retry_after_s or 0) <= 5.0  # noqa: PT017 - the wait is what the core needs
            held += 1
    assert held > 0
    assert all(entry.detail["status"] != 429 for entry in journal.select(kind="reply"))


@pytest.mark.parametrize(("via", "scope"), [(True, "user"), (True, "global"), (True, "shared"), (False, "user")])
async def test_a_refusal_for_too_many_is_told_at_once(
    replying: Any, discord: DiscordEmulator, dm: str, via: bool, scope: str
) -> None:
    """With Via or without: nothing sleeps inside with a text that grows old."""
    reply, channel, _ = replying(channel=dm)
    message = await reply.post(0, View("old"))
    discord.rate_limit_next(EDIT, 0.3, via=via, scope=scope)
    budget = reply.ways[0].edit[0].name
    with pytest.raises(PlatformRateLimited) as caught:
        await reply.edit(message, View("older"))
    about_all = scope == "global" or not via
    assert caught.value.budget == ("" if about_all else budget)
    with pytest.raises(PlatformRateLimited):  # not even sent
        await reply.edit(message, View("still old"))
    await asyncio.sleep(caught.value.retry_after_s or 0.0)
    await reply.edit(message, View("newest"))
    assert discord.shown_text(channel, message) == "newest"
    assert [step.text for step in discord.steps(channel, message)] == ["old", "newest"]


def test_budgets_belong_to_the_channel_of_the_answer(platform: Platform) -> None:
    """And all requests to the bot. Posts and edits are two allowances until Discord has told otherwise."""
    question = replace(envelope(), delivery_key="fake:T1:C1:root", message_id="root")
    reply = platform.reply(question, TURN, "en")
    assert [(b.name, b.limit, b.window_s) for b in reply.ways[0].edit] == [
        ("fake:T1:root:edit", 5, 5.0),
        ("fake:requests", 50, 1.0),
    ]
    assert reply.ways[0].post[0].name == "fake:T1:root:create"


@pytest.mark.parametrize("shared", [False, True])
async def test_whether_posts_and_edits_share_is_learned(
    replying: Any, discord: DiscordEmulator, dm: str, shared: bool
) -> None:
    """From the names in the headers of both; the first edit asks, others wait for its answer."""
    discord.switches.rate_limits = "discord"
    discord.switches.shared_send_edit_bucket = shared
    reply, _, _ = replying(channel=dm)
    messages = [await reply.post(number, View("old")) for number in range(2)]
    assert reply.ways[0].post[0].name != reply.ways[0].edit[0].name
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reply.edit(messages[0], View("new")))
        await asyncio.sleep(0)
        with pytest.raises(PlatformRateLimited, match="held back"):
            await reply.edit(messages[1], View("newer"))
    assert (reply.ways[0].post[0].name == reply.ways[0].edit[0].name) is shared


# --- places where we may not speak ---


async def test_a_missing_permission_is_told(replying: Any, discord: DiscordEmulator) -> None:
    """With what is wrong, for the log."""
    reply, _, _ = replying()
    discord.deny("general", "@everyone", "SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS")
    discord.deny("general", "coze", "SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS")
    with pytest.raises(PlatformRejected, match="lacks a permission"):
        await reply.post(0, View("hi"))
    with pytest.raises(PlatformRejected):
        await reply.notice("hi")


async def test_an_archived_thread_wakes(replying: Any, discord: DiscordEmulator, journal: Journal) -> None:
    """For a new message, and for the edit of an old one."""
    reply, _, question = replying()
    message = await reply.post(0, View("one"))
    discord.archive(question)
    await reply.edit(message, View("one more"))
    discord.archive(question)
    await reply.post(1, View("two"))
    assert [shown.text for shown in discord.answers(question)] == ["one more", "two"]


async def test_a_locked_thread_stays_closed(replying: Any, discord: DiscordEmulator) -> None:
    """A moderator ended it."""
    reply, _, question = replying()
    message = await reply.post(0, View("one"))
    discord.archive(question, locked=True)
    with pytest.raises(PlatformRejected):
        await reply.edit(message, View("two"))
    with pytest.raises(PlatformRejected, match="locked"):
        await reply.post(1, View("two"))


async def test_a_deleted_thread_is_told(replying: Any, discord: DiscordEmulator) -> None:
    """Nothing can be shown there any more."""
    reply, _, question = replying()
    message = await reply.post(0, View("one"))
    discord.delete_channel(question)
    with pytest.raises(PlatformRejected, match="does not exist any more"):
        await reply.edit(message, View("two"))


async def test_a_person_who_takes_no_messages_is_told(replying: Any, discord: DiscordEmulator, dm: str) -> None:
    """Closed direct messages."""
    reply, _, _ = replying(channel=dm)
    discord.accept_dms("ann", False)
    with pytest.raises(PlatformRejected, match="no direct messages"):
        await reply.post(0, View("hi"))


async def test_a_dead_token_is_a_platform_error_here(
    replying: Any, discord: DiscordEmulator, journal: Journal, dm: str
) -> None:
    """What it means for the adapter is the receiving side's business; and Discord is not asked again."""
    reply, _, _ = replying(channel=dm)
    discord.application.token = "another"
    for _ in range(3):
        with pytest.raises(PlatformRejected, match="token"):
            await reply.post(0, View("hi"))
    assert len(bodies(journal, CREATE)) == 1


# --- notices ---


async def test_a_notice_goes_where_the_answer_is(replying: Any, discord: DiscordEmulator) -> None:
    """Beside the question while there is no thread: a command begins none."""
    reply, channel, question = replying(text="!help")
    await reply.notice("• `!new`: start afresh")
    assert not discord.threads(channel)
    assert [(shown.text, shown.reply_to) for shown in discord.answers(channel)] == [
        ("• `!new`: start afresh", question)
    ]
    await reply.open()
    await reply.notice("in the thread now")
    assert [shown.text for shown in discord.answers(question)] == ["in the thread now"]
    assert not discord.violations()


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
async def test_a_notice_is_repeated_by_itself(replying: Any, discord: DiscordEmulator, dm: str, fault: str) -> None:
    """Its name makes that safe."""
    reply, channel, _ = replying(channel=dm)
    discord.faults.plan(CREATE, fault)
    await reply.notice("once")
    assert [shown.text for shown in discord.answers(channel)] == ["once"]


async def test_a_notice_waits_for_its_turn(replying: Any, discord: DiscordEmulator, dm: str) -> None:
    """It does not grow old; an outage ends it."""
    reply, channel, _ = replying(channel=dm)
    discord.rate_limit_next(CREATE, 0.2)
    await reply.notice("patient")
    assert [shown.text for shown in discord.answers(channel)] == ["patient"]
    discord.faults.plan(CREATE, "status", status=503, times=None)
    with pytest.raises(PlatformError):
        await reply.notice("never")


# --- waiting ---


async def test_a_waiting_question_gets_an_hourglass_until_its_turn(
    replying: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """Put once, by whichever reply object; taken away when the answer begins."""
    reply, channel, question = replying()
    await reply.waiting(1)
    await reply.waiting(2)
    assert discord.shown(channel, question).reactions == {"⏳": [discord.bot_user_id]}
    await reply.open()
    assert discord.shown(channel, question).reactions == {}
    await reply.settle()
    changes = journal.select(kind="reaction")
    assert [(entry.name, entry.detail["added"]) for entry in changes] == [("⏳", True), ("⏳", False)]


async def test_a_mark_that_comes_too_late_is_not_put(replying: Any, discord: DiscordEmulator) -> None:
    """The turn has begun already: nothing waits any more."""
    reply, channel, question = replying()
    await reply.open()
    await reply.waiting(1)
    assert discord.shown(channel, question).reactions == {}


async def test_a_mark_on_its_way_is_taken_away_after_it_arrived(
    replying: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """The turn begins while the reaction is still being put: it must not stay for ever."""
    discord.switches.latency_s = 0.2
    reply, channel, question = replying()
    async with asyncio.TaskGroup() as group:
        group.create_task(reply.waiting(1))
        await discord.wait_until(lambda: bool(bodies(journal, REACT)), what="the reaction on its way")
        await reply.open()
    assert discord.shown(channel, question).reactions == {}


async def test_a_mark_from_before_a_restart_is_taken_away(
    platform_for: Any, discord: DiscordEmulator, asked: Any, services: Services
) -> None:
    """It was written down before it was put."""
    question = asked()
    async with platform_for() as before:
        await before.reply(question, TURN, "en").waiting(1)
    async with platform_for() as after:
        await after.reply(question, TURN, "en").settle()
    assert discord.shown("general", question.message_id).reactions == {}
    assert await services.store.note(hourglass_note(parse_delivery_key(question.delivery_key))) is None


async def test_without_the_reaction_permission_a_sentence_says_that_it_waits(
    replying: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """Once per question, and Discord is not asked again in that channel."""
    discord.deny("general", "@everyone", "ADD_REACTIONS")
    discord.deny("general", "coze", "ADD_REACTIONS")
    reply, channel, _ = replying()
    await reply.waiting(2)
    await reply.waiting(2)
    other, _, _ = replying()
    await other.waiting(1)
    assert [shown.text for shown in discord.answers(channel)] == [
        "⏳ Your question waits: 2 before it.",
        "⏳ Your question waits: 1 before it.",
    ]
    assert len(bodies(journal, REACT)) == 1
