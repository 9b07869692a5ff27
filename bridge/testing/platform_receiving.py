"""The promises of ``Platform.serve``: what comes in, in which order, and how the service ends; part of the suite."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import CredentialsError, FileTooLarge, PlatformError, PlatformRejected, StoreUnavailable
from bridge.keys import conversation_key, join_key
from bridge.model import Addressing, Envelope, Scope, TurnRecord, View
from bridge.ports import Platform
from bridge.stores.records import decode, encode
from bridge.testing.platform_harness import (
    DEADLINE_S,
    FILE_CONTENT,
    Ability,
    Disturbance,
    PlatformHarness,
    RecordingIntake,
    Speaker,
)
from bridge.testing.platform_scene import Asked, eventually, needs, on_stage, serving, until_set, usual

STOP_S = 8.0
"""The longest that a cancelled ``serve`` may take: it may wait for what is being written down, and say good-bye."""
RESTART_PAUSE_S = 0.05
HASTE_S = 0.3
"""How long an acknowledgement that must not come is watched for."""
BURST = 30

WORDS = (
    "What's a < b && c > d? 100% & more &amp; less",
    "你好，世界！早上好 🌅 — café naïve",
    "*not bold* _nor this_ `x = 1` ~~gone~~ #5 (see [1])",
    "Read https://example.org/a?b=c&d=e#f please",
)
ADDRESSINGS = (Addressing.DIRECT, Addressing.MENTION)
PLACE_NEEDED = {
    Addressing.DIRECT: Ability.PRIVATE,
    Addressing.MENTION: Ability.ROOMS,
    Addressing.FOLLOW_UP: Ability.FOLLOW_UPS,
}


class ReceivingPromises:
    """Part of ``PlatformContract``."""

    # --- envelopes ---

    @pytest.mark.parametrize("addressing", ADDRESSINGS)
    async def test_a_message_becomes_an_envelope(self, harness: PlatformHarness, addressing: Addressing) -> None:
        """Who, where, how and what, under a key that begins with the instance; it survives being written down."""
        needs(harness, PLACE_NEEDED[addressing])
        async with on_stage(harness) as scene:
            asked = await scene.ask("Why is the sky blue?", addressing)
            said, envelope = asked.said, asked.envelope
            assert envelope.text == "Why is the sky blue?"
            assert envelope.delivery_key.startswith(join_key(scene.platform.name) + ":")
            assert envelope.addressing is addressing
            assert envelope.author.id == said.author_id
            assert envelope.sent_at_s > 0
            assert not envelope.attachments
            place = envelope.place
            assert (place.instance, place.team, place.channel) == (scene.platform.name, said.team, said.channel)
            assert place.private is (addressing is Addressing.DIRECT)
            assert said.message_id in (None, envelope.message_id)
            assert _written_down(asked) == envelope

    @pytest.mark.parametrize("text", WORDS)
    async def test_words_arrive_as_they_were_written(self, harness: PlatformHarness, text: str) -> None:
        """Readable: without entities, without the mention of us, and nothing else taken away."""
        async with on_stage(harness) as scene:
            assert (await scene.ask(text)).envelope.text == text

    async def test_lines_stay_lines(self, harness: PlatformHarness) -> None:
        """Whoever pastes code gets an answer about that code."""
        needs(harness, Ability.LINES)
        text = "What is wrong here?\n\n```python\ndef f(x):\n    return x < 1 and x > 2\n```"
        async with on_stage(harness) as scene:
            assert (await scene.ask(text)).envelope.text == text

    async def test_two_messages_are_two_questions(self, harness: PlatformHarness) -> None:
        """Also when they say the same."""
        async with on_stage(harness) as scene:
            first, second = (await scene.ask("Again!")).envelope, (await scene.ask("Again!")).envelope
            assert first.delivery_key != second.delivery_key
            assert first.message_id != second.message_id
            assert first.sent_at_s <= second.sent_at_s

    async def test_a_repeat_has_the_same_key(self, harness: PlatformHarness) -> None:
        """However often the service delivers a message, it is one question and the same envelope."""
        needs(harness, Ability.REPEATS)
        async with on_stage(harness) as scene:
            await harness.disturb(Disturbance.DELIVER_TWICE)
            first = await scene.ask("Did you hear me?")
            second = await scene.ask("And now?")
            assert scene.intake.accepted == [first.envelope, second.envelope]
            for envelope in scene.intake.offered:
                assert envelope in (first.envelope, second.envelope)

    async def test_files_come_with_their_names(self, harness: PlatformHarness) -> None:
        """Beside words or without any."""
        needs(harness, Ability.FILES)
        async with on_stage(harness) as scene:
            both = (await scene.ask("Look:", files=["cat.png", "notes.txt"])).envelope
            assert both.text == "Look:"
            assert [file.name for file in both.attachments] == ["cat.png", "notes.txt"]
            alone = (await scene.ask("", files=["cat.png"])).envelope
            assert (alone.text, len(alone.attachments)) == ("", 1)

    async def test_a_file_is_read_whole_or_not_at_all(self, harness: PlatformHarness) -> None:
        """Its bytes as they were sent; nothing of one that has too many, or whose address is not the service's own."""
        needs(harness, Ability.FILES)
        async with on_stage(harness) as scene:
            envelope = (await scene.ask("Look:", files=["cat.png"])).envelope
            (file,) = envelope.attachments
            content = await scene.platform.fetch(envelope, file, 1000)
            assert content == FILE_CONTENT
            with pytest.raises(FileTooLarge):
                await scene.platform.fetch(envelope, file, len(FILE_CONTENT) - 1)
            with pytest.raises(PlatformRejected):
                await scene.platform.fetch(envelope, replace(file, url="https://files.example/cat.png", id="F0"), 1000)

    async def test_a_thread_is_one_conversation(self, harness: PlatformHarness) -> None:
        """What follows a question in its thread shares its conversation, named or not; another question does not."""
        needs(harness, Ability.ROOMS, Ability.FOLLOW_UPS)
        async with on_stage(harness) as scene:
            root, reply, _ = await scene.answer()
            await reply.settle()
            follow_up = await scene.ask("And why?", Addressing.FOLLOW_UP, by=Speaker.BOB, under=root)
            assert follow_up.envelope.addressing is Addressing.FOLLOW_UP
            assert follow_up.envelope.inside_thread
            named = await scene.ask("Tell me too", Addressing.MENTION, by=Speaker.BOB, under=root)
            assert named.envelope.addressing is Addressing.MENTION
            other = await scene.ask("Something else")
            assert not other.envelope.inside_thread
            assert _conversation(root) == _conversation(follow_up) == _conversation(named) != _conversation(other)

    # --- what is no question ---

    async def test_talk_among_others_is_not_ours(self, harness: PlatformHarness) -> None:
        """Outside of threads, whatever does not name us ends in the adapter."""
        needs(harness, Ability.ROOMS)
        async with on_stage(harness) as scene:
            await harness.say("Lunch?", None)
            asked = await scene.ask()
            assert {envelope.delivery_key for envelope in scene.intake.offered} == {asked.envelope.delivery_key}

    @pytest.mark.parametrize("addressing", ADDRESSINGS)
    async def test_our_own_words_do_not_come_back(self, harness: PlatformHarness, addressing: Addressing) -> None:
        """Neither answers, nor their edits, nor notices are questions."""
        needs(harness, PLACE_NEEDED[addressing])
        async with on_stage(harness) as scene:
            question = await scene.ask(addressing=addressing)
            first, reply, message_id = await scene.answer("How are you yourself?", to=question)
            await reply.edit(message_id, View("How are you yourself, then?"))
            await reply.notice("Who asks?")
            await reply.settle()
            second = await scene.ask("Fine", addressing)
            assert scene.intake.accepted == [first.envelope, second.envelope]

    async def test_other_bots_are_not_answered(self, harness: PlatformHarness) -> None:
        """Two bots that answer each other never stop."""
        needs(harness, Ability.OTHER_BOTS)
        async with on_stage(harness) as scene:
            await harness.say("I am a robot", usual(harness), by=Speaker.ROBOT)
            asked = await scene.ask()
            assert scene.intake.accepted == [asked.envelope]

    async def test_a_deleted_question_is_withdrawn(self, harness: PlatformHarness) -> None:
        """Under the key it came with."""
        needs(harness, Ability.WITHDRAWAL)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            await harness.unsay(asked.said)
            await scene.intake.until(lambda: bool(scene.intake.withdrawn), "withdrawal")
            assert scene.intake.withdrawn == [asked.envelope.delivery_key]

    # --- order and acknowledgement ---

    async def test_questions_keep_their_order(self, harness: PlatformHarness) -> None:
        """A burst is handed over in the order it was written."""
        async with on_stage(harness) as scene:
            for number in range(BURST):
                await harness.say(f"number {number}", usual(harness))
            await scene.intake.until(lambda: len(scene.intake.accepted) >= BURST, "whole burst")
            assert scene.intake.texts == [f"number {number}" for number in range(BURST)]

    async def test_order_holds_while_the_store_is_slow(self, harness: PlatformHarness) -> None:
        """Also when the first is still being written down."""
        async with on_stage(harness) as scene:
            scene.intake.gate.clear()
            for number in range(5):
                await harness.say(f"number {number}", usual(harness))
            await scene.intake.until(lambda: bool(scene.intake.offered), "first envelope")
            scene.intake.gate.set()
            await scene.intake.until(lambda: len(scene.intake.accepted) >= 5, "rest of them")
            assert scene.intake.texts == [f"number {number}" for number in range(5)]

    async def test_nothing_is_acknowledged_before_it_is_written_down(self, harness: PlatformHarness) -> None:
        """The service may forget a message once it is acknowledged; by then we must not be able to."""
        needs(harness, Ability.ACKNOWLEDGEMENT)
        async with on_stage(harness) as scene:
            scene.intake.gate.clear()
            asked = await scene.ask()
            with pytest.raises(TimeoutError):
                await eventually(lambda: harness.acknowledged(asked.said), "a hasty acknowledgement", HASTE_S)
            scene.intake.gate.set()
            await eventually(lambda: harness.acknowledged(asked.said), "the acknowledgement")

    async def test_what_could_not_be_written_down_comes_again(self, harness: PlatformHarness) -> None:
        """It is not acknowledged, and taken when it is delivered again."""
        needs(harness, Ability.ACKNOWLEDGEMENT)
        async with on_stage(harness) as scene:
            scene.intake.failures = [StoreUnavailable("disk full")]
            # In private, where there is one: some services tell of a mention in more than one way.
            private = Ability.PRIVATE not in harness.absent
            asked = await scene.ask("Remember me", Addressing.DIRECT if private else None)
            keys = [envelope.delivery_key for envelope in scene.intake.offered]
            assert len(keys) > 1
            assert set(keys) == {asked.envelope.delivery_key}
            await eventually(lambda: harness.acknowledged(asked.said), "the acknowledgement")

    async def test_a_store_that_fails_does_not_end_the_service(self, harness: PlatformHarness) -> None:
        """The next message is handed over as ever."""
        async with on_stage(harness) as scene:
            scene.intake.failures = [StoreUnavailable("disk full")]
            await harness.say("Lost, perhaps", usual(harness))
            await scene.intake.until(lambda: bool(scene.intake.offered), "first envelope")
            assert (await scene.ask("Still there?")).envelope in scene.intake.accepted
            assert scene.connected.is_set()

    # --- the service's life ---

    async def test_connected_tells_the_truth(self, harness: PlatformHarness) -> None:
        """Set while messages can arrive; clear before, and after the end."""
        intake = RecordingIntake()
        async with harness.make() as platform:
            async with serving(platform, intake) as connected:
                await harness.say("Hello", usual(harness))
                await intake.until(lambda: bool(intake.accepted), "envelope")
                assert connected.is_set()
            assert not connected.is_set()

    async def test_a_stop_is_prompt_and_leaves_nothing(self, harness: PlatformHarness) -> None:
        """Cancelling is passed on, soon; once the platform is closed no task of its own is left."""
        before = asyncio.all_tasks()
        connected = asyncio.Event()
        async with harness.make() as platform, asyncio.TaskGroup() as tasks:
            task = tasks.create_task(platform.serve(RecordingIntake(), connected))
            await until_set(connected, "connection")
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_S)
            assert task.done(), f"still serving {STOP_S:g} s after it was cancelled"
            assert task.cancelled()
        await eventually(lambda: asyncio.all_tasks() <= before, "the end of every task")

    async def test_it_serves_again_after_a_stop(self, harness: PlatformHarness) -> None:
        """The supervisor starts the same platform anew; its questions are new ones."""
        intake = RecordingIntake()
        async with harness.make() as platform:
            for round_ in (1, 2, 3):
                async with serving(platform, intake):
                    await harness.say("Are you there?", usual(harness))
                    await intake.until(lambda: len(intake.accepted) == round_, f"envelope in round {round_}")  # noqa: B023 - awaited at once

    async def test_a_lost_connection_comes_back(self, harness: PlatformHarness) -> None:
        """With or without the supervisor's help; meanwhile ``connected`` does not claim otherwise."""
        needs(harness, Ability.CONNECTION)
        intake, connected = RecordingIntake(), asyncio.Event()
        async with harness.make() as platform, asyncio.TaskGroup() as tasks:
            task = tasks.create_task(_supervise(platform, intake, connected))
            await until_set(connected, "connection")
            await harness.disturb(Disturbance.DISCONNECT)
            await eventually(lambda: not connected.is_set(), "word that the connection is lost")
            await harness.mend()
            await until_set(connected, "connection after a loss")
            await harness.say("Back again?", usual(harness))
            await intake.until(lambda: "Back again?" in intake.texts, "envelope after a loss")
            task.cancel()

    async def test_wrong_credentials_are_told(self, harness: PlatformHarness) -> None:
        """At once and for good, with what to do; nobody is told that messages can arrive."""
        needs(harness, Ability.CREDENTIALS)
        strangers = harness.make_unauthorized()
        assert strangers
        for stranger in strangers:
            connected = asyncio.Event()
            async with stranger as platform, asyncio.timeout(DEADLINE_S):
                with pytest.raises(CredentialsError) as caught:
                    await platform.serve(RecordingIntake(), connected)
            assert caught.value.reason
            assert caught.value.fix
            assert not connected.is_set()

    async def test_an_unreachable_service_is_told(self, harness: PlatformHarness) -> None:
        """By an error of ours, so that the supervisor tries again after a while."""
        needs(harness, Ability.NETWORK)
        connected = asyncio.Event()
        async with harness.make_unreachable() as platform, asyncio.timeout(DEADLINE_S):
            with pytest.raises(PlatformError) as caught:
                await platform.serve(RecordingIntake(), connected)
        assert caught.value.reason
        assert not connected.is_set()


async def _supervise(platform: Platform, intake: RecordingIntake, connected: asyncio.Event) -> None:
    """Serve again whenever the platform asks for it, as the bridge does."""
    while True:
        try:
            await platform.serve(intake, connected)
            return
        except PlatformError:
            assert not connected.is_set()
            await asyncio.sleep(RESTART_PAUSE_S)


def _written_down(asked: Asked) -> Envelope:
    """Return the envelope as a store would give it back."""
    envelope = asked.envelope
    key = conversation_key(envelope.place, envelope.author, Scope.THREAD)
    record = TurnRecord(asked.turn_id, key, envelope, created_at_s=envelope.sent_at_s)
    return decode(encode(record), TurnRecord).envelope


def _conversation(asked: Asked) -> str:
    return conversation_key(asked.envelope.place, asked.envelope.author, Scope.THREAD)
