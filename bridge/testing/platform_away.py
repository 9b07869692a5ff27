"""The promises about what was written while nobody received: read afterwards, once, in order; part of the suite."""

import pytest

from bridge.extension import Missed
from bridge.model import Addressing
from bridge.testing.platform_harness import Ability, Disturbance, PlatformHarness, RecordingIntake, Speaker
from bridge.testing.platform_receiving import PLACE_NEEDED
from bridge.testing.platform_scene import eventually, needs, on_stage, serving, until_set, usual

NOW = "Are you back?"


class AwayPromises:
    """Part of ``PlatformContract``."""

    @pytest.mark.parametrize("addressing", [Addressing.DIRECT, Addressing.MENTION])
    async def test_what_was_missed_is_handed_over_late(self, harness: PlatformHarness, addressing: Addressing) -> None:
        """In order, marked, and before what comes newly to the same place."""
        needs(harness, Ability.MISSED, PLACE_NEEDED[addressing])
        intake = await _one_life(harness, addressing)
        for number in range(3):
            await harness.say(f"missed {number}", addressing)
        intake.gate.clear()  # the first that is handed over holds up the rest
        async with harness.make() as platform, serving(platform, intake):
            await harness.say("new", addressing)
            await intake.until(lambda: len(intake.offered) > 1, "first of what was missed")
            intake.gate.set()
            await intake.until(lambda: "new" in intake.texts, "new envelope")
        assert intake.texts[1:] == ["missed 0", "missed 1", "missed 2", "new"]
        missed, new = intake.accepted[1:4], intake.accepted[4]
        assert all(envelope.late and envelope.addressing is addressing for envelope in missed)
        assert not new.late
        assert len({envelope.delivery_key for envelope in intake.accepted}) == 5
        assert {envelope.place.channel for envelope in missed} == {new.place.channel}

    async def test_a_missed_message_is_the_same_question(self, harness: PlatformHarness) -> None:
        """Read afterwards or delivered: the same kind of key, place, author and words, so that it is answered once."""
        needs(harness, Ability.MISSED)
        files = () if Ability.FILES in harness.absent else ("cat.png",)
        intake = await _one_life(harness, usual(harness))
        said = await harness.say("Which one am I?", usual(harness), files=files)
        async with harness.make() as platform, serving(platform, intake):
            await intake.until(lambda: len(intake.accepted) == 2, "what was missed")
            await harness.say("Which one am I?", usual(harness), files=files)
            await intake.until(lambda: len(intake.accepted) == 3, "what is new")
        read, live = intake.accepted[1:]
        assert said.message_id in (None, read.message_id)
        assert (read.author.id, read.text, read.addressing) == (live.author.id, live.text, live.addressing)
        assert [file.name for file in read.attachments] == [file.name for file in live.attachments]
        assert read.delivery_key == live.delivery_key.replace(live.message_id, read.message_id)
        assert (read.place.thread == read.message_id) is (live.place.thread == live.message_id)
        assert read.inside_thread is live.inside_thread

    async def test_what_was_heard_is_not_heard_again(self, harness: PlatformHarness) -> None:
        """However often the bridge starts; and nobody else's talk, no bot and nothing of ours is taken for missed."""
        needs(harness, Ability.MISSED)
        async with on_stage(harness) as scene:
            intake = scene.intake
            _, reply, _ = await scene.answer()
            await reply.notice("A sentence of ours")
            await reply.settle()
        if Ability.ROOMS not in harness.absent:
            await harness.say("Lunch?", None)
        if Ability.OTHER_BOTS not in harness.absent:
            await harness.say("I am a robot", usual(harness), by=Speaker.ROBOT)
        for text in ("once", "twice"):
            async with harness.make() as platform, serving(platform, intake):
                await _hear(harness, intake, text)
        assert intake.texts[1:] == ["once", "twice"]

    async def test_nothing_is_read_before_the_first_start(self, harness: PlatformHarness) -> None:
        """What was written before anybody here knew us is no question to us, unless the service itself delivers it."""
        needs(harness, Ability.MISSED)
        await harness.say("Has anybody ever seen this bot?", usual(harness))
        intake = RecordingIntake()
        for text in ("first life", "second life"):
            async with harness.make() as platform, serving(platform, intake):
                await _hear(harness, intake, text)
        assert intake.texts[-2:] == ["first life", "second life"]
        assert not any(envelope.late for envelope in intake.accepted)

    async def test_what_goes_on_in_our_threads_is_not_missed(self, harness: PlatformHarness) -> None:
        """A follow-up that does not name us, in a thread where we answered."""
        needs(harness, Ability.MISSED, Ability.ROOMS, Ability.FOLLOW_UPS)
        async with on_stage(harness) as scene:
            root, reply, _ = await scene.answer()
            await reply.settle()
        await harness.say("And why?", Addressing.FOLLOW_UP, by=Speaker.BOB, under=root.said)
        await harness.say("Yes, why?", Addressing.MENTION, under=root.said)
        intake = scene.intake
        async with harness.make() as platform, serving(platform, intake):
            await intake.until(lambda: len(intake.accepted) == 3, "both follow-ups")
        first, second = intake.accepted[1:]
        assert (first.text, first.addressing, first.late) == ("And why?", Addressing.FOLLOW_UP, True)
        assert (second.text, second.addressing, second.late) == ("Yes, why?", Addressing.MENTION, True)
        assert first.place.thread == second.place.thread == root.envelope.place.thread

    async def test_the_newest_are_kept(self, harness: PlatformHarness) -> None:
        """No more than ``Missed.messages`` are looked at in one place."""
        needs(harness, Ability.MISSED)
        intake = await _one_life(harness, usual(harness))
        for number in range(5):
            await harness.say(f"missed {number}", usual(harness))
        async with harness.make(missed=Missed(messages=2)) as platform, serving(platform, intake):
            await intake.until(lambda: "missed 4" in intake.texts, "the newest")
            await _hear(harness, intake)
        assert intake.texts[1:] == ["missed 3", "missed 4", NOW]

    @pytest.mark.parametrize("missed", [Missed(age_s=0), Missed(messages=0)])
    async def test_nothing_is_read_where_it_is_not_wanted(self, harness: PlatformHarness, missed: Missed) -> None:
        """An age or a number of 0 reads nothing."""
        needs(harness, Ability.MISSED)
        intake = await _one_life(harness, usual(harness))
        await harness.say("missed", usual(harness))
        async with harness.make(missed=missed) as platform, serving(platform, intake):
            await _hear(harness, intake)
        assert intake.texts[1:] == [NOW]

    async def test_what_was_deleted_meanwhile_is_not_answered(self, harness: PlatformHarness) -> None:
        """Its author has thought better of it."""
        needs(harness, Ability.MISSED, Ability.WITHDRAWAL)
        intake = await _one_life(harness, usual(harness))
        await harness.unsay(await harness.say("never mind", usual(harness)))
        async with harness.make() as platform, serving(platform, intake):
            await _hear(harness, intake)
        assert "never mind" not in intake.texts

    async def test_what_is_written_into_a_gap_is_heard(self, harness: PlatformHarness) -> None:
        """While the connection was lost: delivered afterwards or read, it is heard once, before what follows."""
        needs(harness, Ability.MISSED, Ability.CONNECTION)
        intake = RecordingIntake()
        async with harness.make() as platform, serving(platform, intake) as connected:
            await _hear(harness, intake)
            await harness.disturb(Disturbance.DISCONNECT)
            await eventually(lambda: not connected.is_set(), "word that the connection is lost")
            await harness.say("into the gap", usual(harness))
            await harness.mend()
            await until_set(connected, "connection after a loss")
            await _hear(harness, intake, "after it")
        assert intake.texts == [NOW, "into the gap", "after it"]

    async def test_an_unreadable_past_keeps_nobody_from_the_present(self, harness: PlatformHarness) -> None:
        """Where history may not be read, what comes newly is served as ever."""
        needs(harness, Ability.MISSED, Ability.HISTORY)
        intake = await _one_life(harness, usual(harness))
        await harness.say("missed", usual(harness))
        await harness.disturb(Disturbance.FORBID_HISTORY)
        async with harness.make() as platform, serving(platform, intake):
            await _hear(harness, intake)
        assert intake.texts[1:] == [NOW]


async def _one_life(harness: PlatformHarness, addressing: Addressing) -> RecordingIntake:
    """Let the platform live once and hear one question; return what heard it, for the next life."""
    intake = RecordingIntake()
    async with harness.make() as platform, serving(platform, intake):
        await harness.say("before", addressing)
        await intake.until(lambda: bool(intake.accepted), "envelope")
    return intake


async def _hear(harness: PlatformHarness, intake: RecordingIntake, text: str = NOW) -> None:
    """Let somebody ask now and wait for it: whatever was missed in the same place must have come before."""
    await harness.say(text, usual(harness))
    await intake.until(lambda: text in intake.texts, f"envelope of {text!r}")
