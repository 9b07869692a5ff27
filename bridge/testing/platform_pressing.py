"""The promises about controls: what can be pressed below a message, and what becomes of a press; part of the suite."""

from dataclasses import replace

import pytest

from bridge.errors import StoreUnavailable
from bridge.keys import control_key
from bridge.model import Addressing, Control, ControlKind, ConversationKey, Press, Pressed, TurnRecord, View
from bridge.testing.platform_harness import Ability, PlatformHarness, Speaker
from bridge.testing.platform_receiving import PLACE_NEEDED
from bridge.testing.platform_scene import Asked, Scene, eventually, longest, needs, on_stage, serving, usual, words

LABELS = {
    ControlKind.FOLLOW_UP: "What about *the* other one?",
    ControlKind.STOP: "Stop",
    ControlKind.RETRY: "重试 🔁",
    ControlKind.REGENERATE: "Regenerate",
    ControlKind.GOOD: "👍",
    ControlKind.BAD: "👎",
    ControlKind.ANSWER: "Friday",
}
ANSWERED = (ControlKind.REGENERATE, ControlKind.GOOD, ControlKind.BAD)
FOOTER = "Interrupted"


class ControlPromises:
    """Part of ``PlatformContract``."""

    async def test_controls_are_drawn_where_it_says_so(self, harness: PlatformHarness) -> None:
        """With their labels, below words and footer, until an edit takes them away; elsewhere words stand alone."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            running = View("Half an", live=True, controls=(control(asked, ControlKind.STOP),))
            message_id = await reply.post(0, running)
            can_be_pressed = Ability.CONTROLS not in harness.absent
            assert scene.platform.capabilities.controls is can_be_pressed
            if can_be_pressed:
                assert list(harness.controls(message_id)) == ["Stop"]
                assert list(harness.visible(asked.said)) == ["Half an"]
                every = tuple(control(asked, kind) for kind in LABELS)
                await reply.edit(message_id, View("Half an", footer=FOOTER, controls=every))
                assert list(harness.controls(message_id)) == list(LABELS.values())
                assert _words_of(harness, asked) == "HalfanInterrupted"
            await reply.edit(message_id, View("Half an answer", footer=FOOTER))
            await scene.seen(reply)
            if can_be_pressed:
                assert list(harness.controls(message_id)) == []
            assert _words_of(harness, asked) == "HalfananswerInterrupted"

    async def test_controls_may_stand_below_a_footer_alone(self, harness: PlatformHarness) -> None:
        """Where an answer failed before its first word."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            failed = View("", footer=FOOTER, controls=(control(asked, ControlKind.RETRY),))
            message_id = await asked.reply_on(scene.platform).post(0, failed)
            assert list(harness.controls(message_id)) == [LABELS[ControlKind.RETRY]]
            assert _words_of(harness, asked) == FOOTER

    @pytest.mark.parametrize("unit", ["xxxxxxxxx ", "x\n\n"])
    async def test_controls_cost_no_words(self, harness: PlatformHarness, unit: str) -> None:
        """What measures as fitting fits with controls below it."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            every = (*_questions(asked), *(control(asked, kind) for kind in ControlKind if kind in ANSWERED))
            fitting = longest(lambda count: unit * count, scene.platform.part_rules).strip()
            message_id = await asked.reply_on(scene.platform).post(0, View(fitting, live=True, controls=every))
            assert harness.shown(message_id) == fitting
            assert len(harness.controls(message_id)) == len(every)

    @pytest.mark.parametrize("kind", list(ControlKind))
    @pytest.mark.parametrize("addressing", [Addressing.DIRECT, Addressing.MENTION])
    async def test_a_press_says_what_is_meant(
        self, harness: PlatformHarness, addressing: Addressing, kind: ControlKind
    ) -> None:
        """Kind, turn, place, presser and message; handed over once, and acknowledged."""
        private = addressing is Addressing.DIRECT
        needs(harness, Ability.CONTROLS, Ability.PRIVATE if private else Ability.ROOMS)
        async with on_stage(harness) as scene:
            asked, message_id = await offered(scene, kind, to=await scene.ask(addressing=addressing))
            assert await harness.press(message_id, LABELS[kind])
            assert len(scene.intake.presses) == 1
            _stands_for(scene.intake.presses[0], kind, asked, message_id)

    async def test_suggested_questions_are_told_apart(self, harness: PlatformHarness) -> None:
        """Up to three, cut where their labels are too long; the one that was pressed goes, whatever stands beside."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            every = (*_questions(asked), *(control(asked, kind) for kind in ANSWERED))
            message_id = await asked.reply_on(scene.platform).post(0, View("An answer", controls=every))
            long, second, third, *others = harness.controls(message_id)
            assert LONG_QUESTION.startswith(long.rstrip("…"))
            assert len(long) >= 50
            assert [second, third, *others] == [control.label for control in every[1:]]
            for label, choice, left in ((second, 1, [long, third, *others]), (long, 0, [third, *others])):
                assert await harness.press(message_id, label)
                await eventually(lambda: list(harness.controls(message_id)) == left, "its end")  # noqa: B023 - awaited
                press = scene.intake.presses[-1]
                assert (press.kind, press.turn_id, press.choice) == (ControlKind.FOLLOW_UP, asked.turn_id, choice)
            assert _words_of(harness, asked) == "Ananswer"

    async def test_one_choice_ends_the_others(self, harness: PlatformHarness) -> None:
        """Of several answers one is given; what else stands there stays."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            days = [Control(ControlKind.ANSWER, asked.turn_id, day, at) for at, day in enumerate(("Friday", "Sunday"))]
            controls = (*days, control(asked, ControlKind.RETRY))
            message_id = await asked.reply_on(scene.platform).post(0, View("Which day?", controls=controls))
            assert await harness.press(message_id, "Sunday")
            left = [LABELS[ControlKind.RETRY]]
            await eventually(lambda: list(harness.controls(message_id)) == left, "the end of both")
            assert (scene.intake.presses[-1].kind, scene.intake.presses[-1].choice) == (ControlKind.ANSWER, 1)

    @pytest.mark.parametrize("kind", ANSWERED)
    async def test_what_can_be_pressed_again_stays(self, harness: PlatformHarness, kind: ControlKind) -> None:
        """Feedback can be changed; a new answer takes the old one's controls away with its words."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            scene.intake.pressed = Pressed(True, "Thank you.")
            asked, message_id = await offered(scene, kind)
            assert await harness.press(message_id, LABELS[kind])
            await eventually(lambda: bool(harness.whispers(Speaker.ANN)), "a sentence for the presser")
            assert list(harness.controls(message_id)) == [LABELS[kind]]
            await asked.reply_on(scene.platform).edit(message_id, View("Another answer"))
            assert list(harness.controls(message_id)) == []

    async def test_the_answer_to_a_question_takes_the_place_of_another_answer(self, harness: PlatformHarness) -> None:
        """A reply of another turn edits the message; what the old answer had beyond it is taken away."""
        needs(harness, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked = await scene.ask("Why?")
            old = asked.reply_on(scene.platform)
            first, second = [await old.post(index, View(f"Old {index}")) for index in range(2)]
            await old.settle()
            turn = TurnRecord(asked.turn_id, ConversationKey("lane"), asked.envelope, asked.envelope.sent_at_s)
            key = control_key(turn, ControlKind.REGENERATE)
            again = Asked(asked.said, replace(asked.envelope, delivery_key=key)).reply_on(scene.platform)
            await again.remove(second)
            await again.edit(first, View("", footer="Again", live=True))
            await again.edit(first, View("A new answer"))
            await scene.seen(again)
            assert list(harness.visible(asked.said)) == ["A new answer"]

    async def test_anybody_may_press(self, harness: PlatformHarness) -> None:
        """Who may is not for the adapter to decide; it tells who did."""
        needs(harness, Ability.CONTROLS, Ability.ROOMS)
        async with on_stage(harness) as scene:
            bob = (await scene.ask(by=Speaker.BOB)).said.author_id
            _, message_id = await offered(scene, ControlKind.STOP)
            assert await harness.press(message_id, "Stop", by=Speaker.BOB)
            assert [press.author.id for press in scene.intake.presses] == [bob]

    async def test_pressing_again_is_the_same_press(self, harness: PlatformHarness) -> None:
        """So that the core can know it again: nothing in it tells of the time."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            scene.intake.pressed = Pressed(False)
            _, message_id = await offered(scene, ControlKind.STOP)
            for _ in range(2):
                assert await harness.press(message_id, "Stop")
            first, second = scene.intake.presses
            assert first == second

    async def test_controls_outlive_a_restart(self, harness: PlatformHarness) -> None:
        """What an earlier life drew can be pressed in this one."""
        needs(harness, Ability.CONTROLS, Ability.RESTART)
        async with on_stage(harness) as scene:
            asked, message_id = await offered(scene, ControlKind.RETRY)
        async with on_stage(harness) as scene:
            assert await harness.press(message_id, LABELS[ControlKind.RETRY])
            _stands_for(scene.intake.presses[0], ControlKind.RETRY, asked, message_id)

    async def test_what_is_done_once_is_taken_away(self, harness: PlatformHarness) -> None:
        """The control alone: the words and the footer stay as they are."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            asked, message_id = await offered(scene, ControlKind.RETRY)
            before = list(harness.visible(asked.said))
            assert "It was *like* this: `a < b`" in before[0]
            assert await harness.press(message_id, LABELS[ControlKind.RETRY])
            await eventually(lambda: not harness.controls(message_id), "the control's end")
            assert list(harness.visible(asked.said)) == before

    @pytest.mark.parametrize("addressing", list(Addressing))
    async def test_what_is_asked_again_is_answered_there_too(
        self, harness: PlatformHarness, addressing: Addressing
    ) -> None:
        """Under a key that begins with that of the question; what stands there already is not taken for the answer."""
        needs(harness, Ability.CONTROLS, PLACE_NEEDED[addressing])
        async with on_stage(harness) as scene:
            below, shown = None, []
            if addressing is Addressing.FOLLOW_UP:
                below, _, _ = await scene.answer("To the first")
                shown = ["To the first"]
            asked = await scene.ask("Why?", addressing, under=below)
            await scene.answer("Half an", to=asked)
            turn = TurnRecord(asked.turn_id, ConversationKey("lane"), asked.envelope, asked.envelope.sent_at_s)
            again = Asked(asked.said, replace(asked.envelope, delivery_key=control_key(turn, ControlKind.RETRY)))
            _, reply, message_id = await scene.answer("A whole answer", to=again)
            await reply.settle()
            assert list(harness.visible(asked.said)) == [*shown, "Half an", "A whole answer"]
            assert harness.shown(message_id) == "A whole answer"

    async def test_what_was_not_obeyed_can_be_pressed_again(self, harness: PlatformHarness) -> None:
        """The control stays, and whoever pressed reads why, alone."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            scene.intake.pressed = Pressed(False, "Only Ann may do this <3.")
            asked, message_id = await offered(scene, ControlKind.RETRY)
            before = list(harness.visible(asked.said))
            assert await harness.press(message_id, LABELS[ControlKind.RETRY])
            await eventually(lambda: bool(harness.whispers(Speaker.ANN)), "a sentence for the presser")
            assert list(harness.whispers(Speaker.ANN)) == ["Only Ann may do this <3."]
            assert list(harness.whispers(Speaker.BOB)) == []
            assert list(harness.visible(asked.said)) == before
            assert list(harness.controls(message_id)) == [LABELS[ControlKind.RETRY]]

    async def test_a_press_that_could_not_be_written_down_is_told(self, harness: PlatformHarness) -> None:
        """By a sentence, or by the service itself where it is not acknowledged; the next press is heard as ever."""
        needs(harness, Ability.CONTROLS)
        async with on_stage(harness) as scene:
            scene.intake.press_failures = [StoreUnavailable("disk full")]
            _, message_id = await offered(scene, ControlKind.RETRY)
            if await harness.press(message_id, LABELS[ControlKind.RETRY]):
                await eventually(lambda: bool(harness.whispers(Speaker.ANN)), "a sentence for the presser")
            assert list(harness.controls(message_id)) == [LABELS[ControlKind.RETRY]]
            assert await harness.press(message_id, LABELS[ControlKind.RETRY])
            assert len(scene.intake.presses) == 2

    async def test_a_press_that_nobody_took_is_not_obeyed_later(self, harness: PlatformHarness) -> None:
        """Whoever pressed was told that it failed; she did not ask for it to happen in an hour."""
        needs(harness, Ability.CONTROLS, Ability.RESTART, Ability.CONNECTION)
        async with on_stage(harness) as scene:
            _, message_id = await offered(scene, ControlKind.RETRY)
        assert not await harness.press(message_id, LABELS[ControlKind.RETRY])
        async with harness.make() as platform, serving(platform, scene.intake):
            await harness.say("Are you back?", usual(harness))
            await scene.intake.until(lambda: "Are you back?" in scene.intake.texts, "envelope")
            assert scene.intake.presses == []


def control(asked: Asked, kind: ControlKind) -> Control:
    """Return a control for the turn of a question."""
    return Control(kind, asked.turn_id, LABELS[kind])


LONG_QUESTION = "And what would happen if somebody asked a question that is far longer than any button can be? " * 2


def _questions(asked: Asked) -> tuple[Control, ...]:
    texts = (LONG_QUESTION, "Why?", "And then?")
    return tuple(Control(ControlKind.FOLLOW_UP, asked.turn_id, text, choice) for choice, text in enumerate(texts))


async def offered(scene: Scene, kind: ControlKind, *, to: Asked | None = None) -> tuple[Asked, str]:
    """Answer a question with one control below; return the question and the message's id."""
    asked = to or await scene.ask()
    view = View("It was *like* this: `a < b`", footer=FOOTER, controls=(control(asked, kind),))
    return asked, await asked.reply_on(scene.platform).post(0, view)


def _words_of(harness: PlatformHarness, asked: Asked) -> str:
    """Return the words that stand where a question's answer belongs."""
    return words("".join(harness.visible(asked.said)))


def _stands_for(press: Press, kind: ControlKind, asked: Asked, message_id: str) -> None:
    """Hold a press against the question whose answer carries the control."""
    here, there = press.place, asked.envelope.place
    assert (press.kind, press.turn_id, press.message_id) == (kind, asked.turn_id, message_id)
    assert press.author.id == asked.said.author_id
    assert (here.instance, here.team, here.channel) == (there.instance, there.team, there.channel)
    assert here.private is there.private
    assert here.thread in (there.thread, None), "a thread may be unknown, not wrong"
