"""The promises of ``Reply`` while all goes well: signs of life, posts, edits, what fits; part of the suite."""

import asyncio
import random
from collections.abc import Callable

import pytest

from bridge.errors import WayClosed
from bridge.keys import join_key
from bridge.model import Addressing, Budget, View
from bridge.testing.platform_harness import Ability, PlatformHarness
from bridge.testing.platform_scene import Scene, addressings, longest, needs, on_stage, words

SMALLEST_PART_CHARS = 200
"""The core splits down to this; a part as small as that has to fit, whatever it says."""

PLAIN = (
    "Hello",
    "Two paragraphs.\n\nAnd the second one.",
    "你好，世界！今天天气很好。",
    "Pictures: 🌅 👩‍👩‍👧‍👦 🇨🇭 👍🏽",
    "1 < 2 && 3 > 2; AT&T & more: 100%",
)
"""What every platform shows as it is."""

MARKED_UP = (
    "**bold**, _slanted_, `code`, ~~gone~~ and [a link](https://example.org/a?b=c&d=e)",
    "# Title\n\n- one\n- two\n  - three\n\n1. first\n2. second\n\n> quoted",
    "Before\n\n```python\nif a < b and b > c:\n    print(f'{a} & {b}')\n```\n\nAfter",
    "| Name | 数量 |\n| :--- | ---: |\n| apple | 12 |\n| 梨 | 7 |\n\nAfter the table",
    "A line\n\n---\n\nAnother ![picture](https://example.org/cat.png) and *unfinished **business",
)

PIECES = {
    "prose": "The quick brown fox jumps over the lazy dog. ",
    "one word": "x",
    "cjk": "床前明月光，疑是地上霜。",
    "emoji": "🎉👩‍👩‍👧‍👦👍🏽",
    "paragraphs": "word\n\n",
    "headings": "# word\n\n",
    "lists": "- one\n  - two\n",
    "code": "```python\nprint(1 < 2)\n```\n\n",
    "code spans": "`a & b` ",
    "links": "[label](https://example.org/path?a=b&c=d) ",
    "signs": "<&>*_~|\\#[]() ",
    "quotes": "> quoted\n\n",
}
TABLE_HEAD = "| name | value |\n| --- | --- |\n"
TABLE_ROW = "| cell | 1 |\n"
LONG_CODE_LINE = "value = f(a) & g(b)\n"


class ReplyPromises:
    """Part of ``PlatformContract``."""

    # --- before anything is sent ---

    async def test_making_a_reply_costs_nothing(self, harness: PlatformHarness) -> None:
        """Replies are made again for every unfinished turn when the bridge starts, before anything is connected."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
        before = harness.traffic()
        reply = asked.reply_on(harness.make())
        assert reply.ways
        assert harness.traffic() == before

    async def test_budgets_are_named_and_shared(self, harness: PlatformHarness) -> None:
        """Their names begin with the instance, so that two of a kind do not share; replies to one place do."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            one, other = asked.reply_on(scene.platform), asked.reply_on(scene.platform)
            for budgets in [budgets for way in one.ways for budgets in (way.post, way.edit, way.end)]:
                assert len({budget.name for budget in budgets}) == len(budgets)
                for budget in budgets:
                    _is_sensible(budget, scene.platform.name)
            assert list(one.ways) == list(one.ways) == list(other.ways)

    async def test_the_last_way_is_free(self, harness: PlatformHarness) -> None:
        """By it every message can be changed for ever; a way with an end is one that only grows."""
        async with on_stage(harness) as scene:
            for addressing in addressings(harness):
                *_, last = (await scene.ask(addressing=addressing)).reply_on(scene.platform).ways
                assert (last.only_grows, last.lasts_s, last.end) == (False, None, ())

    async def test_what_it_says_of_itself_makes_sense(self, harness: PlatformHarness) -> None:
        """Durations are positive, limits large enough for the core to split down to; a restart changes nothing."""
        platform, again = harness.make(), harness.make()
        capabilities, rules = platform.capabilities, platform.part_rules
        assert platform.name
        assert (platform.name, capabilities) == (again.name, again.capabilities)
        assert capabilities.edit_interval_s > 0
        assert capabilities.status_refresh_s is None or capabilities.status_refresh_s > 0
        assert rules.measure("") <= rules.limit
        for piece in (*PIECES.values(), *harness.baits):
            some = (piece * SMALLEST_PART_CHARS)[:SMALLEST_PART_CHARS]
            assert rules.measure(some) <= rules.limit, some

    # --- signs of life ---

    async def test_a_question_gets_a_sign_of_life(self, harness: PlatformHarness) -> None:
        """A status or a placeholder; the first words take its place."""
        needs(harness, Ability.SIGNS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            placeholder = await reply.open()
            if placeholder is None:
                assert harness.signs(asked.said)
                await reply.post(0, View("Here I am"))
            else:
                assert harness.shown(placeholder)
                assert await reply.find_posted(0) in (None, placeholder)
                await reply.edit(placeholder, View("Here I am"))
            await reply.settle()
            assert list(harness.visible(asked.said)) == ["Here I am"]

    async def test_signs_end_when_nothing_followed(self, harness: PlatformHarness) -> None:
        """After ``settle`` nobody waits for what will not come."""
        needs(harness, Ability.SIGNS, Ability.SIGNS_END)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            placeholder = await reply.open()
            await reply.settle()
            assert not harness.signs(asked.said)
            assert len(harness.visible(asked.said)) == (placeholder is not None)

    async def test_signs_of_life_may_be_repeated(self, harness: PlatformHarness) -> None:
        """Each of them, in whatever order a broken turn repeats them; nothing piles up."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            for _ in range(2):
                reply = asked.reply_on(scene.platform)
                await reply.settle()
                await reply.waiting(1)
                await reply.waiting(2)
                await reply.settle()
            reply = asked.reply_on(scene.platform)
            if await reply.open() is None:
                await reply.open()
            await reply.refresh()
            await reply.refresh()
            await reply.settle()
            await reply.settle()
            await reply.refresh()
            await reply.settle()
            assert not harness.waiting_marks(asked.said)
            assert len(harness.visible(asked.said)) <= 1

    async def test_waiting_is_told_once_until_the_turn_comes(self, harness: PlatformHarness) -> None:
        """By a mark that goes when the answer begins, or by a message."""
        needs(harness, Ability.WAITING)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            waiting, answering = asked.reply_on(scene.platform), asked.reply_on(scene.platform)
            await waiting.waiting(2)
            await waiting.waiting(1)
            assert len(harness.waiting_marks(asked.said)) + len(harness.visible(asked.said)) == 1
            await answering.open()
            await answering.settle()
            assert not harness.waiting_marks(asked.said)

    # --- posts and edits ---

    @pytest.mark.parametrize("live", [True, False])
    @pytest.mark.parametrize("text", PLAIN)
    async def test_plain_words_are_shown_exactly(self, harness: PlatformHarness, text: str, live: bool) -> None:
        """While they grow and when they are whole."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            message_id = await reply.post(0, View(text, live=live))
            await scene.seen(reply)
            assert message_id
            assert harness.shown(message_id) == text
            assert list(harness.visible(asked.said)) == [text]

    @pytest.mark.parametrize("text", MARKED_UP)
    async def test_no_word_of_marked_up_text_is_lost(self, harness: PlatformHarness, text: str) -> None:
        """Each platform has its own markup; the words and their order are the agent's."""
        async with on_stage(harness) as scene:
            _, reply, message_id = await scene.answer(text)
            await scene.seen(reply)
            assert words(harness.shown(message_id) or "") == words(text)

    async def test_a_footer_stands_below(self, harness: PlatformHarness) -> None:
        """Also alone, where the text left no room for it."""
        async with on_stage(harness) as scene:
            asked, reply, _ = await scene.answer("The answer")
            if Ability.MESSAGES not in harness.absent:
                await reply.edit(await reply.post(1, View("More", live=True)), View("More", footer="Cut off, alas"))
            await reply.post(2, View("", footer="The end, finally"))
            await scene.seen(reply)
            shown = "\n".join(harness.visible(asked.said))
            assert shown.startswith("The answer")
            assert words(shown).endswith(words("The end, finally"))
            if Ability.MESSAGES not in harness.absent:
                text, footer, alone = harness.visible(asked.said)
                assert (text, words(alone)) == ("The answer", words("The end, finally"))
                assert footer.startswith("More")
                assert words(footer) == words("More Cut off, alas")

    async def test_an_answer_grows(self, harness: PlatformHarness) -> None:
        """Post, live edits, the final one: in the end there is one message with all the words."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            placeholder = await reply.open()
            message_id = placeholder or await reply.post(0, View("One", live=True))
            for text in ("One, **two**", "One, **two**\n\nthree", "One, **two**\n\nthree\n\nfour"):
                await reply.edit(message_id, View(text, live=True))
            await reply.edit(message_id, View("One, **two**\n\nthree\n\nfour."))
            await reply.settle()
            assert list(harness.visible(asked.said)) == ["One, **two**\n\nthree\n\nfour."]

    async def test_an_answer_grows_in_each_way(self, harness: PlatformHarness) -> None:
        """Begun, added to, brought to its end: the words stand there once, in the room and in private."""
        needs(harness, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            for addressing in addressings(harness):
                for place in range(len((await scene.ask(addressing=addressing)).reply_on(scene.platform).ways)):
                    asked = await scene.ask(addressing=addressing)
                    reply = asked.reply_on(scene.platform)
                    way = reply.ways[place]
                    await reply.open()
                    message_id = await reply.post(0, View("One, ", live=True), way)
                    for text in ("One, two and ", "One, two and **three**\n\n"):
                        await reply.edit(message_id, View(text, live=True))
                    whole = View("One, two and **three**\n\nfour.", footer="Below it")
                    if way.end:
                        await reply.end(message_id, whole)
                        with pytest.raises(WayClosed):
                            await reply.end(message_id, whole)
                    else:
                        await reply.edit(message_id, whole)
                    await reply.settle()
                    assert words(harness.shown(message_id) or "") == words("One, two and **three**\n\nfour. Below it")
                    await reply.edit(message_id, View("Changed afterwards"))
                    assert words(harness.shown(message_id) or "") == words("Changed afterwards")

    async def test_what_only_grows_takes_nothing_back(self, harness: PlatformHarness) -> None:
        """It says so and is edited then: the new text stands there once, and nothing of the old one."""
        needs(harness, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            for addressing in addressings(harness):
                asked = await scene.ask(addressing=addressing)
                reply = asked.reply_on(scene.platform)
                for way in [way for way in reply.ways if way.only_grows]:
                    message_id = await reply.post(0, View("A long first draft", live=True), way)
                    with pytest.raises(WayClosed):
                        await reply.edit(message_id, View("Quite another"))
                    await reply.edit(message_id, View("Quite another"))
                    assert harness.shown(message_id) == "Quite another"

    async def test_an_edit_replaces(self, harness: PlatformHarness) -> None:
        """The last call wins, the same may be said twice, a footer goes again."""
        needs(harness, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer("A long first draft")
            other = await reply.post(1, View("Untouched"))
            await reply.edit(message_id, View("Short", footer="with a footer"))
            for _ in range(2):
                await reply.edit(message_id, View("Quite another"))
            assert harness.shown(message_id) == "Quite another"
            await reply.edit(message_id, View("Shorter", live=True))
            assert harness.shown(message_id) == "Shorter"
            assert other != message_id
            assert list(harness.visible(asked.said)) == ["Shorter", "Untouched"]

    async def test_parts_stand_in_their_order(self, harness: PlatformHarness) -> None:
        """An answer that needs several messages reads from top to bottom."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            parts = [f"Part number {number}.\n\n" for number in range(4)]
            ids = [await reply.post(index, View(part)) for index, part in enumerate(parts)]
            await scene.seen(reply)
            assert len(set(ids)) == 4
            assert words("".join(harness.visible(asked.said))) == words("".join(parts))

    async def test_replies_keep_apart(self, harness: PlatformHarness) -> None:
        """Two answers at once, each where its question stands."""
        needs(harness, Ability.PROMPT, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            one, other = await scene.ask("One?"), await scene.ask("Other?")
            async with asyncio.TaskGroup() as tasks:
                posts = [
                    tasks.create_task(asked.reply_on(scene.platform).post(0, View(text)))
                    for asked, text in ((one, "1"), (other, "2"))
                ]
            assert [harness.shown(post.result()) for post in posts] == ["1", "2"]
            assert "1" in harness.visible(one.said)
            assert "2" in harness.visible(other.said)

    @pytest.mark.parametrize("addressing", [Addressing.DIRECT, Addressing.MENTION])
    async def test_the_answer_goes_where_the_question_was_asked(
        self, harness: PlatformHarness, addressing: Addressing
    ) -> None:
        """In private to what is asked in private, into the same thread to what is asked in one."""
        needs(harness, Ability.PRIVATE if addressing is Addressing.DIRECT else Ability.ROOMS)
        async with on_stage(harness) as scene:
            asked, reply, _ = await scene.answer("Here", to=await scene.ask(addressing=addressing))
            await scene.seen(reply)
            assert list(harness.visible(asked.said)) == ["Here"]
            if addressing is Addressing.MENTION and Ability.FOLLOW_UPS not in harness.absent:
                below, reply, _ = await scene.answer("And here", to=await scene.ask("More", addressing, under=asked))
                assert list(harness.visible(below.said)) == ["Here", "And here"]

    async def test_a_notice_is_no_part(self, harness: PlatformHarness) -> None:
        """A sentence of ours stands where the answer would, and is never taken for it."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            notice_id = await reply.notice("No agent is at home: try later.")
            await scene.seen(reply)
            assert list(harness.visible(asked.said)) == ["No agent is at home: try later."]
            assert await reply.find_posted(0) is None
            assert await reply.post(0, View("An answer after all")) != notice_id

    # --- what fits, and what must not happen ---

    @pytest.mark.parametrize("kind", [*PIECES, "table", "long code", "baits"])
    async def test_what_measures_as_fitting_fits(self, harness: PlatformHarness, kind: str) -> None:
        """As much of one kind as the rules allow: posted, edited, with a footer where that fits; no word is lost."""
        async with on_stage(harness) as scene:
            await _fits(scene, longest(_of_kind(kind, harness), scene.platform.part_rules))

    @pytest.mark.parametrize("seed", range(6))
    async def test_any_mixture_that_measures_as_fitting_fits(self, harness: PlatformHarness, seed: int) -> None:
        """Kinds in any order: the sum may be more than the parts."""
        pieces = [*PIECES.values(), *harness.baits, TABLE_HEAD + 3 * TABLE_ROW + "\n", "\n\n"]
        chance = random.Random(seed)
        mixture = [chance.choice(pieces) * chance.randint(1, 9) for _ in range(2000)]
        async with on_stage(harness) as scene:
            rules = scene.platform.part_rules
            text = longest(lambda count: "\n".join(mixture[:count]), rules, at_most=len(mixture))
            await _fits(scene, text)

    async def test_nobody_is_disturbed(self, harness: PlatformHarness) -> None:
        """Whatever an agent says, it notifies nobody and loads nothing: live, final, in footers, in notices."""
        needs(harness, Ability.PINGS)
        assert harness.baits
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            everything = "\n".join([*harness.baits, *(f"`{bait}` **{bait}**" for bait in harness.baits)])
            half = everything[: len(everything) // 2]
            message_id = await reply.post(0, View(half, live=True))
            await reply.edit(message_id, View(everything, live=True))
            await reply.edit(message_id, View(f"{everything}\n\n{half}", footer=" ".join(harness.baits)))
            await reply.post(1, View(everything, footer=" ".join(harness.baits)))
            await reply.notice(everything)
            await reply.settle()
            assert list(harness.pings()) == []
            assert words(harness.visible(asked.said)[-1]) == words(everything)


def _is_sensible(budget: Budget, instance: str) -> None:
    assert budget.name.startswith(join_key(instance) + ":")
    assert budget.limit >= 1
    assert budget.window_s > 0


def _of_kind(kind: str, harness: PlatformHarness) -> Callable[[int], str]:
    """Return how a text of one kind looks, by its length."""
    if kind == "table":
        return lambda count: TABLE_HEAD + TABLE_ROW * count
    if kind == "long code":
        return lambda count: f"```python\n{LONG_CODE_LINE * count}```"
    if kind == "baits":
        baits = " ".join(harness.baits) + "\n"
        return lambda count: baits * count
    return lambda count: PIECES[kind] * count


async def _fits(scene: Scene, text: str) -> None:
    """See one text posted, edited and given a footer."""
    rules = scene.platform.part_rules
    if not text.strip():
        return
    asked = await scene.ask()
    reply = asked.reply_on(scene.platform)
    message_id = await reply.post(0, View(text, live=True))
    footer = "Cut off" if rules.measure(f"{text}\n\nCut off") <= rules.limit else ""
    await reply.edit(message_id, View(text, footer=footer))
    await scene.seen(reply)
    assert words(scene.harness.shown(message_id) or "") == words(text + footer)
