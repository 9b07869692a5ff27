"""One reply on its way to the platform: what is sent when, and what becomes of an end for which there is no edit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from bridge.delivery.delivering import TIDY_S, Delivery, Pace
from bridge.delivery.draft import Draft
from bridge.delivery.pacing import Pacer
from bridge.errors import PlatformError, PlatformRateLimited, PlatformRejected, PlatformUnavailable, WayClosed
from bridge.model import AnswerCompleted, AnswerDelta, Budget, Control, ControlKind, PostedPart, TurnId
from bridge.observing import UNOBSERVED, ReplyWatch
from bridge.ports import Reply
from bridge.testing.clock import FakeClock
from bridge.testing.fake_platform import STREAM_LASTS_S
from bridge.testing.fakes import FakePlatform, envelope

STOP = Control(ControlKind.STOP, TurnId("t"), "Stop")
WORDS = "Words that stand there. "


@dataclass
class Stage:
    """One delivery, with its agent and its platform in the test's hands."""

    platform: FakePlatform
    clock: FakeClock
    pacer: Pacer
    reply: Reply
    draft: Draft
    delivery: Delivery
    posted: list[PostedPart] = field(default_factory=list)

    async def say(self, text: str, *, within_s: float = 0.0, words: int = 6) -> None:
        """Let the agent say something, so many characters at a time, evenly over ``within_s``."""
        pieces = [text[at : at + words] for at in range(0, len(text), words)] if within_s else [text]
        for piece in pieces:
            self.draft.apply(AnswerDelta("m", piece))
            self.delivery.changed()
            await self.clock.run(within_s / len(pieces))

    async def end(self, *, footer: str = "", wait_s: float = 1.0) -> None:
        self.delivery.finish(footer)
        await self.clock.run(wait_s)

    def use_up(self, budgets: tuple[Budget, ...]) -> None:
        """Let others take all there is."""
        while self.pacer.wait_s(budgets, self.clock.now()) == 0:
            self.pacer.spent(budgets, self.clock.now())

    @property
    def shown(self) -> list[str]:
        return [text.rstrip() for text in self.platform.visible()]

    @property
    def edits(self) -> int:
        return self.platform.calls.count("edit")


@asynccontextmanager
async def on_stage(platform: FakePlatform | None = None, *, controls: tuple[Control, ...] = ()) -> AsyncIterator[Stage]:
    """Run one delivery; at the end it must have ended by itself."""
    platform = platform or FakePlatform()
    platform.capabilities = replace(platform.capabilities, controls=bool(controls), edit_interval_s=0.2)
    clock, pacer, draft = FakeClock(), Pacer(), Draft()
    reply = platform.reply(envelope(), TurnId("t"), "en")
    posted: list[PostedPart] = []

    async def note(part: PostedPart) -> None:
        posted.append(part)

    delivery = Delivery(
        "t",
        reply,
        draft,
        rules=platform.part_rules,
        capabilities=platform.capabilities,
        pacer=pacer,
        pace=Pace(),
        clock=clock,
        posted=note,
        doubt="(maybe twice)",
        watch=ReplyWatch(UNOBSERVED, clock, "fake", 0.0),
        controls=controls,
    )
    stage = Stage(platform, clock, pacer, reply, draft, delivery, posted)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(delivery.run())
        await clock.settle()
        yield stage
        await clock.run(60.0)
        assert running.done()


async def test_first_words_are_a_post_soon_after_the_first_delta() -> None:
    """A few are held back for more, but not for long."""
    async with on_stage() as stage:
        await stage.say("Two words")
        await stage.clock.run(0.3)
        assert stage.shown == []
        await stage.clock.run(0.2)
        assert stage.shown == ["Two words"]
        await stage.end()


async def test_a_short_answer_comes_in_one_piece() -> None:
    """It has ended before its first words were held back long enough."""
    async with on_stage() as stage:
        await stage.say("Yes")
        await stage.end(wait_s=0.0)
        assert stage.shown == ["Yes"]
        assert stage.platform.calls == ["post", "post!"]


async def test_an_edit_waits_for_the_words_that_are_just_coming() -> None:
    """What comes right behind an edit would have to wait for the next one."""
    async with on_stage() as stage:
        await stage.say("x" * 30)
        await stage.say(WORDS * 30, within_s=12.0, words=30)
        views = next(iter(stage.platform.messages.values())).views
        assert len(views) >= 12
        assert all(len(view.text.rstrip()) >= 29 for view in views)
        await stage.end()


async def test_a_final_text_does_not_wait_for_an_edit() -> None:
    """What is shown is frozen and the rest is the next message, at once; nothing is lost or said twice."""
    async with on_stage() as stage:
        await stage.say(WORDS * 3)
        await stage.say("And then the end.")
        stage.use_up(stage.reply.ways[-1].edit)
        await stage.end(wait_s=0.0)
        assert stage.shown == [(WORDS * 3).rstrip(), "And then the end."]
        assert stage.edits == 0
        assert [part.index for part in stage.posted] == [0, 1]
        assert stage.delivery.visible_at == stage.clock.now()


async def test_a_refused_final_edit_becomes_a_post() -> None:
    """Whatever wait the service names; the same without one."""
    for retry_after_s in (30.0, None):
        platform = FakePlatform(errors={"edit": [PlatformRateLimited("slow down", retry_after_s=retry_after_s)]})
        async with on_stage(platform) as stage:
            await stage.say(WORDS)
            await stage.say("The end.", within_s=0.05)
            await stage.end(wait_s=0.1)
            assert stage.shown == [WORDS.rstrip(), "The end."]


async def test_a_final_text_waits_a_moment_so_that_it_stays_one_message() -> None:
    """An edit that is free in a blink is worth waiting for."""
    async with on_stage() as stage:
        await stage.say(WORDS)
        await stage.say("The end.")
        stage.pacer.refused(stage.reply.ways[-1].edit, 0.2, stage.clock.now())
        await stage.end(wait_s=0.3)
        assert stage.shown == [WORDS + "The end."]


async def test_what_is_shown_of_half_a_word_is_tidied_up_when_there_is_an_edit_to_spare() -> None:
    """The rest begins with the whole word; the half one goes as soon as it can."""
    async with on_stage() as stage:
        await stage.say(WORDS + "An unfin")
        await stage.say("ished end.")
        stage.use_up(stage.reply.ways[-1].edit)
        await stage.end(wait_s=0.0)
        assert stage.shown == [WORDS + "An unfin", "unfinished end."]
        await stage.clock.run(59.0)
        assert stage.shown == [WORDS + "An unfin", "unfinished end."]
        await stage.clock.run(5.0)
        assert stage.shown == [WORDS + "An", "unfinished end."]


async def test_a_footer_alone_can_be_the_next_message() -> None:
    """All words are shown, and no edit is free for what is to stand below them."""
    async with on_stage() as stage:
        await stage.say(WORDS)
        await stage.clock.run(1.0)
        stage.use_up(stage.reply.ways[-1].edit)
        await stage.end(footer="Stopped.", wait_s=0.0)
        assert stage.shown == [WORDS.rstrip(), "Stopped."]


async def test_buttons_below_a_frozen_part_go_when_there_is_an_edit_to_spare() -> None:
    """That may take a while; the answer is visible long before."""
    async with on_stage(controls=(STOP,)) as stage:
        await stage.say(WORDS)
        await stage.say("The end.")
        stage.pacer.refused(stage.reply.ways[-1].edit, 4.0, stage.clock.now())
        await stage.end(wait_s=0.1)
        first, second = stage.platform.messages.values()
        assert (first.view.controls, second.view.controls) == ((STOP,), ())
        await stage.clock.run(5.0)
        assert first.view.controls == ()


async def test_buttons_are_not_waited_for_long() -> None:
    """The next question must not wait for them."""
    async with on_stage(controls=(STOP,)) as stage:
        await stage.say(WORDS)
        stage.pacer.refused(stage.reply.ways[-1].edit, 50.0, stage.clock.now())
        await stage.end(wait_s=TIDY_S + 1)
        assert stage.platform.calls == ["post", "post!"]
        assert stage.delivery.visible_at is not None


async def test_a_text_that_differs_in_the_middle_waits_for_its_edit() -> None:
    """The completed text is another one than was shown: nothing can be frozen."""
    async with on_stage() as stage:
        await stage.say(WORDS)
        stage.pacer.refused(stage.reply.ways[-1].edit, 5.0, stage.clock.now())
        stage.draft.apply(AnswerCompleted("m", "Other words."))
        stage.delivery.changed()
        await stage.end(wait_s=4.0)
        assert stage.shown == [WORDS.rstrip()]
        await stage.clock.run(2.0)
        assert stage.shown == ["Other words."]


async def test_where_edits_are_scarce_ends_leave_them_to_those_who_still_speak() -> None:
    """Ten replies that share few edits: a long rest is posted although an edit would be free."""
    async with on_stage() as stage:
        for number in range(40):
            stage.pacer.join(f"other {number}", 1.0, stage.reply.ways[-1].edit)
        await stage.say(WORDS)
        await stage.say(WORDS * 8)
        await stage.end(wait_s=0.0)
        assert stage.edits == 0
        assert "".join(stage.platform.visible()) == WORDS * 9
        assert len(stage.shown) == 2


@pytest.mark.parametrize(
    "error",
    [
        PlatformRateLimited("slow down", retry_after_s=3.0),
        PlatformUnavailable("500", outcome_unknown=True),
        PlatformUnavailable("not reached", outcome_unknown=False),
    ],
)
async def test_an_interim_edit_that_fails_costs_nothing_but_time(error: PlatformError) -> None:
    """The next one shows the newest text."""
    async with on_stage(FakePlatform(errors={"edit": [error]})) as stage:
        await stage.say("x" * 30)
        await stage.say(WORDS * 20, within_s=8.0)
        await stage.end()
        assert "".join(stage.platform.visible()) == "x" * 30 + WORDS * 20


async def test_an_answer_past_ten_parts_arrives_whole() -> None:
    """Also when edits come to an end on the way."""
    platform = FakePlatform()
    platform.part_rules = replace(platform.part_rules, limit=200)
    text = "".join(f"Sentence {number} of a long answer. " for number in range(80))
    async with on_stage(platform) as stage:
        await stage.say(text[:1500], within_s=5.0, words=50)
        stage.use_up(stage.reply.ways[-1].edit)
        await stage.say(text[1500:], within_s=5.0, words=50)
        await stage.end(wait_s=30.0)
        assert "".join(stage.platform.visible()).split() == text.split()
        assert len(stage.shown) > 10


async def test_what_the_platform_refuses_for_good_ends_the_delivery() -> None:
    """An archived channel: nothing can be shown there."""
    with pytest.raises(BaseExceptionGroup) as caught:
        async with on_stage(FakePlatform(errors={"post": [PlatformRejected("archived")]})) as stage:
            await stage.say("Hello? Is anybody still here?")
    assert caught.group_contains(PlatformRejected)


# --- a way that only grows ---


async def test_what_only_grows_is_begun_added_to_and_ended() -> None:
    """No repair is shown that would have to be taken back; the end brings the footer."""
    async with on_stage(FakePlatform(streams=True)) as stage:
        await stage.say("First words that stand there. Then **bold wor")
        await stage.clock.run(1.0)
        assert stage.shown == ["First words that stand there. Then"]
        await stage.say("ds** and more. ")
        await stage.clock.run(1.0)
        assert stage.shown == ["First words that stand there. Then **bold words** and more."]
        await stage.say("The end.")
        await stage.end(footer="Note.")
        assert stage.shown == ["First words that stand there. Then **bold words** and more. The end.\n\nNote."]
        assert {"start", "append", "stop"} == {call.rstrip("!") for call in stage.platform.calls}
        assert stage.platform.calls[-1] == "stop!"


async def test_a_short_answer_is_a_post_all_the_same() -> None:
    """One call, not two."""
    async with on_stage(FakePlatform(streams=True)) as stage:
        await stage.say("Yes")
        await stage.end(wait_s=0.0)
        assert stage.platform.calls == ["post", "post!"]


async def test_first_words_in_an_open_mark_are_posted() -> None:
    """They are not waited for longer than other first words."""
    async with on_stage(FakePlatform(streams=True)) as stage:
        await stage.say("**A title that goes on and on")
        await stage.clock.run(0.5)
        assert stage.shown == ["**A title that goes on and on**"]
        await stage.say("**, and the rest.")
        await stage.end()
        assert stage.shown == ["**A title that goes on and on**, and the rest."]


@pytest.mark.parametrize(
    "errors",
    [
        {"start": [WayClosed("not here")]},
        {"start": [PlatformRateLimited("slow down", retry_after_s=5.0)]},
        {"start!": [PlatformUnavailable("lost", outcome_unknown=True)]},
        {"append": [WayClosed("expired")]},
        {"append!": [WayClosed("lost")]},
        {"append": [PlatformRateLimited("slow down", retry_after_s=2.0)]},
        {"stop": [WayClosed("expired")]},
        {"stop!": [WayClosed("lost")]},
        {"stop": [PlatformRateLimited("slow down", retry_after_s=2.0)]},
        {"stop": [PlatformUnavailable("not reached", outcome_unknown=False)]},
        {"append": [PlatformRateLimited("slow down", retry_after_s=9.0)], "stop": [WayClosed("expired")]},
    ],
)
async def test_a_way_that_fails_hands_over_to_the_other(errors: dict[str, list[PlatformError]]) -> None:
    """At the start, in the middle, at the end: the whole text, exactly once."""
    platform = FakePlatform(streams=True, errors=dict(errors))
    text = WORDS * 20
    async with on_stage(platform) as stage:
        await stage.say(text, within_s=6.0)
        await stage.end(footer="Note.", wait_s=20.0)
        assert "".join(stage.platform.visible()) == f"{text}\n\nNote."
        assert not any(message.streams for message in platform.messages.values())


async def test_a_completed_text_that_differs_is_edited_in() -> None:
    """Nothing can be taken back from what only grows, so it grows no more."""
    async with on_stage(FakePlatform(streams=True)) as stage:
        await stage.say(WORDS)
        stage.draft.apply(AnswerCompleted("m", "Other words."))
        stage.delivery.changed()
        await stage.end()
        assert stage.shown == ["Other words."]


async def test_a_part_that_only_grows_ends_between_two_blocks_before_it_is_too_old() -> None:
    """And the next one begins; each is ended."""
    async with on_stage(FakePlatform(streams=True)) as stage:
        await stage.say(WORDS)
        await stage.say("One paragraph.\n\n" + WORDS, within_s=1.0)
        await stage.clock.run(STREAM_LASTS_S)
        await stage.say("Another paragraph.\n\nAnd one more. ", within_s=2.0)
        await stage.clock.run(5.0)
        first, second = stage.platform.messages.values()
        assert not first.streams
        assert second.streams
        assert (first.shown + second.shown).split() == (WORDS + "One paragraph. " + WORDS + AFTER).split()
        await stage.end()
        assert [message.streams for message in stage.platform.messages.values()] == [False, False]


AFTER = "Another paragraph. And one more."


async def test_without_such_a_place_it_is_edited_from_there() -> None:
    """One endless paragraph: the same message goes on, freely."""
    async with on_stage(FakePlatform(streams=True)) as stage:
        await stage.say(WORDS, within_s=0.5)
        await stage.clock.run(STREAM_LASTS_S + 60)
        await stage.say("And on it goes")
        await stage.clock.run(5.0)
        (message,) = stage.platform.messages.values()
        assert not message.streams
        assert message.shown == WORDS + "And on it goes"
        await stage.end()


async def test_a_long_answer_in_parts_that_only_grow() -> None:
    """No part is too long, none loses what it has shown, all are ended."""
    platform = FakePlatform(streams=True)
    platform.part_rules = replace(platform.part_rules, limit=400)
    text = "".join(f"Sentence {number} of a **long** answer.\n\n" for number in range(60))
    async with on_stage(platform) as stage:
        await stage.say(text, within_s=30.0)
        await stage.end(wait_s=30.0)
        shown = stage.platform.messages.values()
        assert " ".join(stage.platform.visible()).split() == text.split()
        assert len(shown) > 4
        assert all(len(message.shown) <= 400 and not message.streams for message in shown)


async def test_the_better_stocked_way_is_taken() -> None:
    """Many answers at once: some only grow, the others are posted and edited; none waits for a beginning."""
    platform, clock, pacer = FakePlatform(streams=True), FakeClock(), Pacer()
    ways = platform.reply(envelope(), TurnId("t"), "en").ways
    taken = []
    for number in range(12):
        way = pacer.choose(ways, clock.now())
        pacer.spent(way.post, clock.now())
        pacer.reserve(way)
        pacer.join(f"r{number}", 1.0, way.edit)
        taken.append(way.only_grows)
    assert taken[0]
    assert 5 <= sum(taken) <= 9
