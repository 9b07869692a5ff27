"""The promises of ``Reply`` in trouble: what went, what was lost and is looked for, and each error the core acts on."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from bridge.errors import MessageGone, PlatformError, PlatformRateLimited, PlatformRejected, PlatformUnavailable
from bridge.model import TurnId, View
from bridge.ports import Reply
from bridge.testing.platform_harness import DEADLINE_S, Ability, Call, Disturbance, PlatformHarness
from bridge.testing.platform_scene import needs, on_stage

LONGEST_WAIT_S = 3600.0
OF_EVERY_REPLY = [call for call in Call if call is not Call.ATTACH]
ANOTHER_TURN = TurnId("aaaaaaaaaaaaaaaa")


class TroublePromises:
    """Part of ``PlatformContract``."""

    # --- messages that go ---

    async def test_a_removed_message_is_gone(self, harness: PlatformHarness) -> None:
        """Removing may be repeated; editing tells that it is gone; looking finds nothing."""
        needs(harness, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer()
            await reply.remove(message_id)
            await reply.remove(message_id)
            assert harness.shown(message_id) is None
            assert list(harness.visible(asked.said)) == []
            with pytest.raises(MessageGone):
                await reply.edit(message_id, View("Still there?"))
            assert await reply.find_posted(0) is None

    async def test_a_message_deleted_by_others_is_told(self, harness: PlatformHarness) -> None:
        """``MessageGone``, so that the core posts anew; the new one is another message."""
        needs(harness, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer()
            await harness.delete(message_id)
            with pytest.raises(MessageGone):
                await reply.edit(message_id, View("More of it"))
            await reply.remove(message_id)
            assert await reply.post(0, View("Once more")) != message_id
            assert list(harness.visible(asked.said)) == ["Once more"]

    # --- looking for what was posted ---

    async def test_a_part_is_found_by_its_index(self, harness: PlatformHarness) -> None:
        """By a reply that knows nothing but the envelope, and only if it was posted."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            assert await asked.reply_on(scene.platform).find_posted(0) is None
            reply = asked.reply_on(scene.platform)
            ids = [await reply.post(index, View(f"part {index}")) for index in range(2)]
            later = asked.reply_on(scene.platform)
            assert [await later.find_posted(index) for index in range(3)] == [*ids, None]

    async def test_a_part_of_another_turn_is_not_found(self, harness: PlatformHarness) -> None:
        """A question may be answered more than once."""
        needs(harness, Ability.MARKS)
        async with on_stage(harness) as scene:
            asked, _, _ = await scene.answer()
            stranger = scene.platform.reply(asked.envelope, ANOTHER_TURN, "en")
            assert await stranger.find_posted(0) is None
            message_id = await stranger.post(0, View("Another answer"))
            assert await scene.platform.reply(asked.envelope, ANOTHER_TURN, "en").find_posted(0) == message_id

    async def test_what_stands_twice_is_told(self, harness: PlatformHarness) -> None:
        """By its mark: none of the known parts, no sentence of ours, no answer of another turn."""
        needs(harness, Ability.MARKS, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, lost = await scene.answer("Once")
            known = {0: await reply.post(0, View("Once")), 1: await reply.post(1, View("and again"))}
            await reply.notice("A sentence of ours")
            await scene.platform.reply(asked.envelope, ANOTHER_TURN, "en").post(0, View("Another answer"))
            later = asked.reply_on(scene.platform)
            assert list(await later.find_doubles({0, 1}, known)) == [lost]
            assert list(await later.find_doubles({1}, known)) == []
            await later.remove(lost)
            assert list(await later.find_doubles({0, 1}, known)) == []

    async def test_an_answer_goes_on_after_a_restart(self, harness: PlatformHarness) -> None:
        """A new instance finds, edits and removes what the old one posted, with the envelope alone."""
        needs(harness, Ability.RESTART, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, first = await scene.answer("Half an")
            second = await reply.post(1, View("answer"))
        async with harness.make() as platform:
            reply = asked.reply_on(platform)
            assert [await reply.find_posted(index) for index in range(3)] == [first, second, None]
            await reply.edit(first, View("A whole answer"))
            await reply.remove(second)
            await reply.settle()
        assert list(harness.visible(asked.said)) == ["A whole answer"]

    # --- lost on the way ---

    async def test_a_post_whose_response_was_lost_is_found(self, harness: PlatformHarness) -> None:
        """Its outcome is told as unknown; looking finds it, and nobody reads it twice."""
        needs(harness, Ability.LOST_CALLS)
        async with on_stage(harness) as scene:
            asked, reply, first = await scene.answer("first")
            await harness.disturb(Disturbance.LOSE_RESPONSE, Call.POST)
            with pytest.raises(PlatformUnavailable) as caught:
                await reply.post(1, View("second"))
            assert caught.value.outcome_unknown
            found = await reply.find_posted(1)
            assert found not in (None, first)
            assert harness.shown(found or "") == "second"
            assert await reply.find_posted(0) in (first, None)  # of which there was never a doubt
            assert list(harness.visible(asked.said)) == ["first", "second"]

    async def test_a_post_that_never_arrived_is_seen_once(self, harness: PlatformHarness) -> None:
        """Looking tells that it is not there, or mends it, where the service takes a repetition for the same post."""
        needs(harness, Ability.LOST_CALLS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            reply = asked.reply_on(scene.platform)
            await harness.disturb(Disturbance.LOSE_REQUEST, Call.POST)
            with pytest.raises(PlatformUnavailable) as caught:
                await reply.post(0, View("once"))
            assert caught.value.outcome_unknown
            if await reply.find_posted(0) is None:
                await reply.post(0, View("once"))
            assert list(harness.visible(asked.said)) == ["once"]

    @pytest.mark.parametrize("disturbance", [Disturbance.LOSE_REQUEST, Disturbance.LOSE_RESPONSE])
    async def test_a_lost_edit_is_sent_again(self, harness: PlatformHarness, disturbance: Disturbance) -> None:
        """Whether it was applied or not, repeating it shows the newest text."""
        needs(harness, Ability.LOST_CALLS, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer("old")
            await harness.disturb(disturbance, Call.EDIT)
            with pytest.raises(PlatformUnavailable):
                await reply.edit(message_id, View("newer"))
            try:
                await reply.edit(message_id, View("newest"))
            except PlatformRateLimited as limited:  # the adapter itself may want a pause, before it has sent anything
                if not limited.held_back:
                    raise
                await asyncio.sleep(limited.retry_after_s or 0.0)
                await reply.edit(message_id, View("newest"))
            assert list(harness.visible(asked.said)) == ["newest"]

    async def test_what_was_never_sent_is_known(self, harness: PlatformHarness) -> None:
        """Where nobody listens nothing was applied: the post may be repeated without a look."""
        needs(harness, Ability.NETWORK)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
        async with harness.make_unreachable() as platform, asyncio.timeout(DEADLINE_S):
            reply = asked.reply_on(platform)
            with pytest.raises(PlatformUnavailable) as caught:
                await reply.post(0, View("Hello?"))
            assert not caught.value.outcome_unknown
            with pytest.raises(PlatformError):
                await reply.find_posted(0)

    # --- refused ---

    @pytest.mark.parametrize("call", OF_EVERY_REPLY)
    async def test_too_many_calls_are_told_with_the_wait(self, harness: PlatformHarness, call: Call) -> None:
        """As ``PlatformRateLimited``; nothing was changed, and later it works."""
        needs(harness, Ability.REFUSALS, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer("old")
            names = {""} | _names(reply)
            await harness.disturb(Disturbance.RATE_LIMIT, call)
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises(PlatformRateLimited) as caught:
                    await _do(call, reply, message_id)
            retry_after_s = caught.value.retry_after_s
            assert retry_after_s is not None
            assert harness.retry_after_s * 0.9 <= retry_after_s <= LONGEST_WAIT_S
            assert caught.value.budget in names | _names(reply)  # the refusal itself may tell what shares one
            assert list(harness.visible(asked.said)) == ["old"]

    @pytest.mark.parametrize("call", OF_EVERY_REPLY)
    async def test_trouble_of_the_service_is_told(self, harness: PlatformHarness, call: Call) -> None:
        """As ``PlatformUnavailable``: the core tries again; a look that failed is not "nothing there"."""
        needs(harness, Ability.REFUSALS, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer("old")
            await harness.disturb(Disturbance.FAIL, call)
            with pytest.raises(PlatformUnavailable):
                await _do(call, reply, message_id)
            assert list(harness.visible(asked.said)) == ["old"]
            await _do(call, reply, message_id)

    async def test_a_closed_place_is_told(self, harness: PlatformHarness) -> None:
        """As ``PlatformRejected``: nothing can be shown there any more."""
        needs(harness, Ability.REFUSALS)
        async with on_stage(harness) as scene:
            _, reply, _ = await scene.answer()
            await harness.disturb(Disturbance.CLOSE_PLACES)
            with pytest.raises(PlatformRejected):
                await reply.post(1, View("Anybody here?"))
            with pytest.raises(PlatformRejected):
                await reply.notice("Anybody here?")
            await reply.settle()

    async def test_dead_credentials_are_an_error_of_the_platform(self, harness: PlatformHarness) -> None:
        """What they mean for the adapter is for ``serve`` to tell; whoever answers learns that it did not work."""
        needs(harness, Ability.CREDENTIALS)
        async with on_stage(harness) as scene:
            asked = await scene.ask()
        async with harness.make() as platform:
            await harness.disturb(Disturbance.REVOKE)
            with pytest.raises(PlatformError):
                await asked.reply_on(platform).post(0, View("Hello?"))
            assert (await platform.resolve(asked.envelope)).delivery_key == asked.envelope.delivery_key
            assert list(await platform.earlier_messages(asked.envelope, 10)) == []


def _names(reply: Reply) -> set[str]:
    """Return the names of all allowances that a reply draws on."""
    return {budget.name for way in reply.ways for budget in (*way.post, *way.edit)}


async def _do(call: Call, reply: Reply, message_id: str) -> None:
    """Make one call of a kind."""
    calls: dict[Call, Callable[[], Awaitable[object]]] = {
        Call.POST: lambda: reply.post(1, View("new")),
        Call.EDIT: lambda: reply.edit(message_id, View("new")),
        Call.REMOVE: lambda: reply.remove(message_id),
        Call.LOOK_UP: lambda: reply.find_posted(0),
    }
    await calls[call]()


def nobody_listens() -> int:
    """Return a port of this machine where connections are refused, for ``PlatformHarness.make_unreachable``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
