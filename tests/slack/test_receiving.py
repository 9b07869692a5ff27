"""The real Bolt over a real socket: what people write reaches the intake, once, in order, and is acknowledged then."""

import asyncio
from typing import Any

from bridge.errors import StoreUnavailable
from bridge.model import Addressing, Envelope
from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import FileUpload, SlackEmulator


def acks(journal: Journal, name: str | None = None) -> int:
    """Count the acknowledgements."""
    return len(journal.select(kind="ack", name=name))


async def test_a_mention_arrives_once(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """Two events, one question; both are acknowledged."""
    async with serve(platform, intake):
        ts = slack.mention("ann", "C1", "what's <up> & down?")
        await slack.wait_until(lambda: acks(journal) == 2, what="both acknowledgements")
    assert [envelope.text for envelope in intake.accepted] == ["what's <up> & down?"]
    envelope = intake.accepted[0]
    assert envelope.delivery_key == f"work:T1:C1:{ts}"
    assert envelope.addressing is Addressing.MENTION
    assert (envelope.place.thread, envelope.author.id) == (ts, "U1")
    assert not slack.violations()


async def test_either_event_may_come_first(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """app_mention or message: the envelope is the same."""
    async with serve(platform, intake):
        for first in (True, False):
            slack.switches.mention_first = first
            slack.mention("ann", "C1", "hello")
        await slack.wait_until(lambda: acks(journal) == 4, what="all acknowledgements")
    assert len(intake.offered) == 4
    assert len(intake.accepted) == 2
    by_key: dict[str, list[Envelope]] = {envelope.delivery_key: [] for envelope in intake.offered}
    for envelope in intake.offered:
        by_key[envelope.delivery_key].append(envelope)
    assert all(one == other for one, other in by_key.values())


async def test_nothing_is_acknowledged_before_it_is_written_down(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """The acknowledgement waits for the intake."""
    async with serve(platform, intake):
        intake.gate.clear()
        dm = slack.open_dm("ann")
        slack.say("ann", dm, "remember me")
        await intake.texts(1)
        assert acks(journal) == 0
        intake.gate.set()
        await slack.wait_until(lambda: acks(journal) == 1, what="the acknowledgement")


async def test_what_could_not_be_written_down_comes_again(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """No acknowledgement, so Slack delivers the same event a second time, and it is taken then."""
    slack.switches.ack_timeout_s = 0.2
    intake.failures.append(StoreUnavailable("disk full"))
    async with serve(platform, intake):
        dm = slack.open_dm("ann")
        slack.say("ann", dm, "important")
        assert await intake.texts(1) == ["important"]
        await slack.wait_until(lambda: acks(journal, "message") == 1, what="the acknowledgement")
    assert len(intake.offered) == 2


async def test_a_delivery_that_slack_repeats_is_not_asked_twice(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """The same event_id once more is acknowledged and ends there."""
    slack.delivery_faults.plan("message", "duplicate")
    async with serve(platform, intake):
        slack.say("ann", slack.open_dm("ann"), "once")
        await slack.wait_until(lambda: acks(journal) == 2, what="both acknowledgements")
    assert [envelope.text for envelope in intake.accepted] == ["once"]


async def test_an_acknowledgement_lost_on_the_way_costs_nothing(
    slack: SlackEmulator, journal: Journal, platform_for: Any, serve: Any, intake: Any
) -> None:
    """The socket is cut while the question is written down; it comes again over the next one, and is known there."""
    slack.switches.ack_timeout_s = 0.3
    async with platform_for(ping_interval_s=0.2) as platform, serve(platform, intake):
        intake.gate.clear()
        slack.say("ann", slack.open_dm("ann"), "once")
        await intake.texts(1)
        slack.sockets.drop()
        await slack.wait_until(lambda: bool(journal.select(kind="redelivery")), what="the repetition")
        await slack.wait_until(lambda: len(journal.select(kind="event", name="message")) == 2, what="its delivery")
        intake.gate.set()
        await slack.wait_until(lambda: acks(journal) >= 1, what="an acknowledgement")
        await slack.settled()
    assert [envelope.text for envelope in intake.accepted] == ["once"]


async def test_any_of_several_sockets_may_bring_it(
    slack: SlackEmulator, journal: Journal, platform_for: Any, serve: Any, intake: Any
) -> None:
    """Two processes overlap at a deploy: each event reaches either, its twin the other, and all have the same keys."""
    async with platform_for() as old, platform_for() as new, serve(old, intake), serve(new, intake):
        keys = {f"work:T1:C1:{slack.mention('ann', 'C1', f'{number}')}" for number in range(8)}
        await slack.wait_until(lambda: acks(journal) == 16, what="all acknowledgements")
    events = [*journal.select(kind="event", name="message"), *journal.select(kind="event", name="app_mention")]
    assert len({event.detail["connection"] for event in events}) > 1
    assert len(intake.accepted) == 8
    assert {envelope.delivery_key for envelope in intake.offered} == keys


async def test_questions_keep_their_order(slack: SlackEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """A burst over one socket takes its places in the order it was sent."""
    async with serve(platform, intake):
        dm = slack.open_dm("ann")
        for number in range(60):
            slack.say("ann", dm, f"{number}")
        assert await intake.texts(60) == [f"{number}" for number in range(60)]


async def test_direct_messages_follow_ups_and_files_arrive(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """Each with its addressing and place."""
    async with serve(platform, intake):
        dm = slack.open_dm("bob")
        slack.say("bob", dm, "你好", files=[FileUpload("cat.png", b"\x89PNG")])
        await intake.texts(1)
        root = slack.mention("ann", "C1", "first")
        await intake.texts(2)
        slack.say("bob", "C1", "and then?", root)
        await intake.texts(3)
    private, _, follow_up = intake.accepted
    assert (private.addressing, private.place.private) == (Addressing.DIRECT, True)
    assert [file.name for file in private.attachments] == ["cat.png"]
    assert (follow_up.addressing, follow_up.place.thread) == (Addressing.FOLLOW_UP, root)
    assert follow_up.inside_thread


async def test_everything_else_is_acknowledged_and_ignored(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """Chatter, edits, opened tabs and stops would come again otherwise."""
    async with serve(platform, intake):
        ts = slack.say("ann", "C1", "lunch?")
        slack.edit("ann", "C1", ts, "dinner?")
        slack.open_app("ann")
        slack.stop("ann", slack.open_dm("ann"), ts)
        await slack.settled()
    assert not intake.offered
    assert acks(journal) == len(journal.select(kind="ack")) == 4
    assert not slack.violations("not_acknowledged")


async def test_our_own_messages_do_not_come_back(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """The echo of a notice is acknowledged and no question."""
    async with serve(platform, intake):
        envelope = asked("hello")
        await intake.texts(1)
        await platform.reply(envelope, "turn", "en").notice("a word of ours")
        await slack.settled()
    assert len(intake.accepted) == 1
    assert not slack.violations()


async def test_a_deleted_question_is_withdrawn(slack: SlackEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """The intake learns the key of the question."""
    async with serve(platform, intake):
        ts = slack.mention("ann", "C1", "never mind")
        await intake.texts(1)
        slack.delete("ann", "C1", ts)
        await intake.until(lambda: bool(intake.withdrawn))
    assert intake.withdrawn == [f"work:T1:C1:{ts}"]


async def test_mentions_alone_when_threads_are_not_followed(
    slack: SlackEmulator, journal: Journal, platform_for: Any, serve: Any, intake: Any
) -> None:
    """The setting ends follow-ups in inbound."""
    async with platform_for(follow_threads=False) as platform, serve(platform, intake):
        root = slack.mention("ann", "C1", "first")
        slack.say("bob", "C1", "between us", root)
        slack.mention("bob", "C1", "second", root)
        await intake.texts(2)
        await slack.settled()
    assert [envelope.text for envelope in intake.accepted] == ["first", "second"]


async def test_a_stop_acknowledges_what_is_in_hand(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """An event being written down when the adapter stops is stored and acknowledged, and the socket is closed."""
    async with serve(platform, intake):
        intake.gate.clear()
        slack.say("ann", slack.open_dm("ann"), "last words")
        await intake.texts(1)
        asyncio.get_running_loop().call_later(0.2, intake.gate.set)
    assert acks(journal) == 1
    await slack.wait_until(lambda: not slack.sockets.connections, what="a closed socket")


async def test_connected_tells_the_truth(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, sandbox_clock: SandboxClock
) -> None:
    """Cleared after the adapter has stopped."""
    async with serve(platform, intake) as connected:
        assert connected.is_set()
        assert len(slack.sockets.connections) == 1
    assert not connected.is_set()
