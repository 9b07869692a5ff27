"""What is written while the adapter is away is read when it is back: through the real SDK, from Slack's history."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack import backlog, limits, queues
from adapters.slack.adapter import SlackPlatform
from bridge.clock import SystemClock
from bridge.errors import PlatformUnavailable, StoreUnavailable
from bridge.extension import Missed, Services
from bridge.stores.memory import MemoryStore
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES

HOUR_S = 3600.0
Life = Callable[..., AbstractAsyncContextManager[SlackPlatform]]


class ShiftedClock(SystemClock):
    """Real time, later."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s

    def wall(self) -> float:
        return super().wall() + self._ahead_s


class MortalStore(MemoryStore):
    """Remembers nothing more once its process is killed; ``deaf``: nothing at all.

    ``behind``: the channels of which is written down that they are still to be read.
    """

    killed = False
    deaf = False
    remembered = 0
    behind: frozenset[str] | set[str] = frozenset()

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        self.remembered += 1
        if not self.killed:
            if name == "work:T1:heard":
                self.behind = set(json.loads(value or "{}").get("behind", ()))
            await super().remember(name, value, ttl_s=ttl_s)

    async def note(self, name: str) -> str | None:
        if self.deaf:
            raise StoreUnavailable("locked")
        return await super().note(name)


@pytest.fixture
async def store() -> Any:
    async with MortalStore(SystemClock()) as opened:
        yield opened


@pytest.fixture
def life(slack: SlackEmulator, settings_for: Any, services: Services, store: MortalStore, serve: Any) -> Life:
    """Let the adapter live for as long as the context lasts; all lives share one store, and Slack repeats nothing."""
    slack.switches.lost_without_connection = True

    @asynccontextmanager
    async def live(intake: Any, *, ahead_s: float = 0.0, missed: Missed = Missed(), **changes: Any) -> Any:  # noqa: B008 - frozen
        lent = replace(services, store=store, clock=ShiftedClock(ahead_s), missed=missed)
        async with SlackPlatform("work", settings_for(**changes), lent) as platform, serve(platform, intake):
            yield platform

    return live


def reads(journal: Journal) -> list[tuple[str, str]]:
    """Every read of a history, in order: method and channel."""
    entries = journal.select(kind="request")
    wanted = ("conversations.history", "conversations.replies")
    return [(entry.name, entry.detail["args"]["channel"]) for entry in entries if entry.name in wanted]


async def test_everything_missed_is_handed_over_by_place_and_time(
    slack: SlackEmulator, life: Life, intake: Any
) -> None:
    """Mentions, replies in our threads, direct messages and their threads; each once, whatever it was read from."""
    dm = slack.open_dm("bob")
    async with life(intake):
        ours = slack.mention("ann", "C1", "heard")
        private = slack.say("bob", dm, "heard in private")
        await intake.texts(2)
    slack.mention("bob", "C1", "one")
    slack.say("ann", "C1", "two", ours)
    slack.say("ann", "C1", "lunch?")
    other = slack.say("bob", "C1", "a thread of others")
    slack.mention("ann", "C1", "three", other)
    slack.say("bob", "C1", "four", ours, broadcast=True)
    slack.say("bob", dm, "eins", private)
    slack.say("bob", dm, "zwei")
    async with life(intake):
        await intake.texts(8)
        await slack.settled()
    missed = intake.accepted[2:]
    assert [e.text for e in missed if e.place.channel == "C1"] == ["one", "two", "three", "four"]
    assert [e.text for e in missed if e.place.channel == dm] == ["eins", "zwei"]
    assert all(envelope.late for envelope in missed)


async def test_an_old_thread_of_ours_is_not_forgotten(
    slack: SlackEmulator, life: Life, intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its root has left the newest page long ago, and with it the word that it moved."""
    monkeypatch.setattr("adapters.slack.heard.OLD_THREAD_S", -1.0)
    monkeypatch.setattr(limits, "HISTORY_PAGE", 3)
    async with life(intake):
        root = slack.mention("ann", "C1", "first")
        await intake.texts(1)
        slack.say("ann", "C1", "second", root)
        await intake.texts(2)
    for _ in range(3):
        slack.say("bob", "C1", "chatter")
    slack.say("bob", "C1", "third", root)
    async with life(intake, missed=Missed(messages=3)):
        assert await intake.texts(3) == ["first", "second", "third"]


async def test_a_killed_process_costs_nothing_but_reading(
    slack: SlackEmulator, life: Life, intake: Any, store: MortalStore
) -> None:
    """What it had not written down of its last minute is read again, and known again by its key."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
        await slack.wait_until(lambda: store.remembered >= 2, what="a first start and a first channel written down")
        store.killed = True
        slack.mention("ann", "C1", "heard too")
        await intake.texts(2)
    store.killed = False
    slack.mention("ann", "C1", "missed")
    async with life(intake):
        assert await intake.texts(3) == ["heard", "heard too", "missed"]
        await slack.settled()
    assert [envelope.text for envelope in intake.accepted] == ["heard", "heard too", "missed"]


async def test_questions_cost_no_write_of_ours(
    slack: SlackEmulator, life: Life, intake: Any, store: MortalStore
) -> None:
    """But for the first in a channel."""
    async with life(intake):
        slack.mention("ann", "C1", "first")
        await intake.texts(1)
        await slack.wait_until(lambda: store.remembered >= 2, what="the first channel")
        before = store.remembered
        for number in range(20):
            slack.mention("ann", "C1", f"{number}")
        await intake.texts(21)
        assert store.remembered == before


async def test_what_is_too_old_is_left_alone(slack: SlackEmulator, life: Life, intake: Any) -> None:
    """The bridge was away for longer than questions are worth an answer."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    slack.mention("ann", "C1", "missed long ago")
    async with life(intake, ahead_s=13 * HOUR_S):
        slack.mention("ann", "C1", "now")
        await intake.texts(2)
    assert [envelope.text for envelope in intake.accepted] == ["heard", "now"]


async def test_a_store_without_memory_reads_nothing(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal
) -> None:
    """Nobody knows what was answered before: it may have been all of it."""
    slack.mention("ann", "C1", "answered by an earlier bridge")
    async with life(intake):
        slack.mention("ann", "C1", "now")
        await intake.texts(1)
    assert [envelope.text for envelope in intake.accepted] == ["now"]
    assert reads(journal) == []


async def test_a_store_that_does_not_answer_is_waited_for(
    slack: SlackEmulator,
    platform_for: Any,
    intake: Any,
    life: Life,
    store: MortalStore,
    services: Services,
    settings_for: Any,
) -> None:
    """To begin without its memory would be to lose what was written: the supervisor starts us again."""
    store.deaf = True
    async with SlackPlatform("work", settings_for(), replace(services, store=store)) as platform:
        with pytest.raises(PlatformUnavailable, match="heard"):
            await platform.serve(intake, asyncio.Event())


@pytest.mark.parametrize("trouble", ["ratelimited", "status", "drop_before"])
async def test_trouble_while_reading_is_got_over(
    slack: SlackEmulator, life: Life, intake: Any, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call too many, an error of Slack's, a lost connection: it is read the next time."""
    monkeypatch.setattr(backlog, "TRY_AGAIN_FIRST_S", 0.01)
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    slack.mention("ann", "C1", "missed")
    arguments = {"ratelimited": {"retry_after_s": 0}, "status": {"status": 502}}.get(trouble, {})
    slack.faults.plan("conversations.history", trouble, **arguments)
    async with life(intake):
        assert await intake.texts(2) == ["heard", "missed"]


async def test_what_cannot_be_read_now_is_read_later(
    slack: SlackEmulator, life: Life, intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack is out of order for a while: new messages wait for a moment, and what was missed comes when it can."""
    monkeypatch.setattr(backlog, "TRY_AGAIN_FIRST_S", 0.01)
    monkeypatch.setattr(queues, "WAIT_S", 0.1)
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    slack.mention("ann", "C1", "missed")
    slack.faults.plan("conversations.history", "status", status=502, times=6)
    async with life(intake):
        slack.mention("ann", "C1", "now")
        assert await intake.texts(3) == ["heard", "now", "missed"]


async def test_what_was_read_is_not_read_again_by_the_next_start(
    slack: SlackEmulator, life: Life, intake: Any, store: MortalStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed again and again before it is through with all channels, each life goes on where the last one ended."""
    monkeypatch.setattr(limits, "MISSED_READS_PER_MINUTE", 2)
    channels = [slack.add_channel(f"room{number}") for number in range(6)]
    async with life(intake):
        for number, channel in enumerate(channels):
            slack.mention("ann", channel, "heard")
            await intake.texts(number + 1)
    for channel in channels:
        slack.mention("ann", channel, "missed")
    latest_first = channels[::-1]
    for number in (0, 2, 4):
        now = set(latest_first[number : number + 2])
        async with life(intake):
            await intake.texts(8 + number)
            await slack.wait_until(lambda: not now & store.behind, what="how far it was read")  # noqa: B023 - at once
            store.killed = True
        store.killed = False
    first_reads = [channel for _, channel in reads(journal)][:6]
    assert first_reads == latest_first
    assert len(intake.accepted) == 12


async def test_limits_of_an_app_sold_outside_the_marketplace_hold_nobody_up(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page a minute: new messages wait for a moment, then go first, and are acknowledged in time."""
    monkeypatch.setattr(queues, "WAIT_S", 0.3)
    dm = slack.open_dm("ann")
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        slack.say("ann", dm, "heard in private")
        await intake.texts(2)
    slack.mention("ann", "C1", "missed")
    slack.say("ann", dm, "missed in private")
    slack.switches.commercial_history = True
    slack.switches.ack_timeout_s = 1.0
    async with life(intake):
        await intake.texts(3)  # one of the two places can be read
        slack.say("ann", dm, "new in private")
        slack.mention("ann", "C1", "new")
        await slack.wait_until(lambda: len(intake.accepted) == 5, what="both new questions")
        await slack.settled()
    assert not slack.violations("not_acknowledged")
    assert {envelope.text for envelope in intake.accepted if not envelope.late} >= {"new", "new in private"}


async def test_reading_leaves_room_for_others(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than so many pages a minute."""
    monkeypatch.setattr(limits, "MISSED_READS_PER_MINUTE", 2)
    channels = ["C1", *(slack.add_channel(name) for name in ("two", "three"))]
    async with life(intake):
        for channel in channels:
            slack.mention("ann", channel, "heard")
        await intake.texts(3)
    async with life(intake):
        await slack.wait_until(lambda: len(reads(journal)) == 2, what="two pages")
        await slack.settled()
    assert [channel for _, channel in reads(journal)] == list(reversed(channels))[:2]


async def test_after_a_short_gap_only_the_channels_of_late_are_read(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal
) -> None:
    """Slack replaces a connection every few hours; after a start all are read, in the order of their last words."""
    quiet = slack.add_channel("quiet")
    async with life(intake):
        for number, channel in enumerate((quiet, "C1")):
            slack.mention("ann", channel, "heard")
            await intake.texts(number + 1)
    async with life(intake):
        await slack.wait_until(lambda: len(reads(journal)) == 2, what="both pages")
        slack.mention("ann", "C1", "heard here of late")
        await intake.texts(3)
        slack.sockets.drop()
        await slack.wait_until(lambda: len(reads(journal)) == 3, what="the third page")
        await slack.settled()
    assert [channel for _, channel in reads(journal)] == ["C1", quiet, "C1"]


async def test_a_channel_we_left_is_forgotten(slack: SlackEmulator, life: Life, intake: Any, journal: Journal) -> None:
    """It is asked for once more, and never again."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    slack.faults.plan("conversations.history", "error", error="channel_not_found")
    for _ in range(2):
        async with life(intake):
            await slack.settled()
    assert len(reads(journal)) == 1


async def test_without_the_right_to_read_what_comes_is_served(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal
) -> None:
    """Mentions arrive without any right to read history."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    slack.mention("ann", "C1", "missed")
    slack.add_app(scopes=[scope for scope in MANIFEST_SCOPES if not scope.endswith(":history")])
    async with life(intake):
        slack.mention("ann", "C1", "now")
        assert await intake.texts(2) == ["heard", "now"]


async def test_a_new_message_is_acknowledged_after_it_was_taken(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal
) -> None:
    """Also one that waits behind what was missed; deleted meanwhile, it is not asked at all."""
    async with life(intake):
        slack.say("ann", slack.open_dm("ann"), "heard")
        await intake.texts(1)
    dm = slack.open_dm("ann")
    slack.say("ann", dm, "missed")
    slack.faults.plan("conversations.history", "delay", delay_s=0.5)
    acked = len(journal.select(kind="ack"))
    async with life(intake):
        slack.say("ann", dm, "new")
        regretted = slack.say("ann", dm, "regretted")
        await slack.wait_until(lambda: len(journal.select(kind="event", name="message")) >= 3, what="deliveries")
        assert len(intake.accepted) == 1
        assert len(journal.select(kind="ack")) == acked
        slack.delete("ann", dm, regretted)
        await intake.until(lambda: bool(intake.withdrawn))
        await intake.texts(3)
        await slack.wait_until(lambda: len(journal.select(kind="ack")) == acked + 3, what="acknowledgements")
    assert [envelope.text for envelope in intake.accepted] == ["heard", "missed", "new"]


async def test_too_many_that_wait_come_again(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that finds no room is not acknowledged, and Slack delivers it again."""
    monkeypatch.setattr(queues, "WAITING_MAX", 1)
    dm = slack.open_dm("ann")
    async with life(intake):
        slack.say("ann", dm, "heard")
        await intake.texts(1)
    slack.faults.plan("conversations.history", "delay", delay_s=0.4)
    slack.switches.ack_timeout_s = 0.5
    async with life(intake):
        for text in ("first", "second"):
            slack.say("ann", dm, text)
        assert await intake.texts(3) == ["heard", "first", "second"]


async def test_a_stop_takes_what_waits(slack: SlackEmulator, life: Life, intake: Any, journal: Journal) -> None:
    """Its channel is not read yet; it is written down and acknowledged before the socket is closed."""
    dm = slack.open_dm("ann")
    async with life(intake):
        slack.say("ann", dm, "heard")
        await intake.texts(1)
        slack.mention("ann", "C1", "heard last")
        await intake.texts(2)
    slack.faults.plan("conversations.history", "delay", skip=1, delay_s=5.0)
    async with life(intake):
        await slack.wait_until(lambda: len(reads(journal)) == 2, what="the private channel's turn")
        slack.say("ann", dm, "last words")
        slack.mention("ann", "C1", "arrived after them")
        await intake.texts(3)
    assert [envelope.text for envelope in intake.accepted][2:] == ["arrived after them", "last words"]
    assert len(journal.select(kind="ack")) == len(journal.select(kind="event", name="message")) + 2


async def test_whoever_is_heard_for_the_first_time_after_a_gap_has_perhaps_spoken_in_it(
    slack: SlackEmulator, life: Life, intake: Any
) -> None:
    """In a new direct conversation, and in a channel of which nothing was heard before."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    new = {slack.open_dm("bob"): "eins", slack.add_channel("new"): "one"}
    for channel, text in new.items():
        slack.mention("bob", channel, text)
    async with life(intake):
        await slack.settled()
        assert len(intake.accepted) == 1
        for channel, text in new.items():
            slack.mention("bob", channel, f"{text} more")
        await intake.texts(5)
        await slack.settled()
    for channel, text in new.items():
        heard = [(envelope.text, envelope.late) for envelope in intake.accepted if envelope.place.channel == channel]
        assert heard == [(text, True), (f"{text} more", False)]


async def test_without_a_gap_a_new_channel_is_not_read(
    slack: SlackEmulator, life: Life, intake: Any, journal: Journal
) -> None:
    """Nothing can have been missed: that would be a call for everybody who writes for the first time."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        slack.say("ann", slack.open_dm("ann"), "heard")
        await intake.texts(2)
        await slack.settled()
    assert reads(journal) == []


async def test_what_could_not_be_written_down_is_read_again(
    slack: SlackEmulator, life: Life, intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack delivers it a few times more and gives up; a disk may be full for longer."""
    monkeypatch.setattr(backlog, "TRY_AGAIN_FIRST_S", 0.05)
    slack.switches.retry_delays_s, slack.switches.ack_timeout_s = (), 0.3
    async with life(intake):
        intake.failures += [StoreUnavailable("disk full")] * 3
        slack.mention("ann", "C1", "heard while the disk is full")
        assert await intake.texts(1) == ["heard while the disk is full"]
        await slack.settled()
    assert len(intake.accepted) == 1


async def test_a_store_that_fails_while_handing_over_loses_nothing(
    slack: SlackEmulator, life: Life, intake: Any
) -> None:
    """What could not be written down is read again, by the next start where this one had no time for it."""
    async with life(intake):
        slack.mention("ann", "C1", "heard")
        await intake.texts(1)
    slack.mention("ann", "C1", "missed")
    async with life(intake):
        intake.failures.append(StoreUnavailable("disk full"))
        await intake.until(lambda: len(intake.offered) > 2)
    async with life(intake):
        assert await intake.texts(2) == ["heard", "missed"]
