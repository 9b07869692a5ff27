"""The promises of ``Reply`` in trouble: each kind is told by the error that the core acts on; part of the suite."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from bridge.errors import PlatformError, PlatformRateLimited, PlatformRejected, PlatformUnavailable
from bridge.model import View
from bridge.ports import Reply
from bridge.testing.platform_harness import DEADLINE_S, Ability, Call, Disturbance, PlatformHarness
from bridge.testing.platform_scene import needs, on_stage

LONGEST_WAIT_S = 3600.0


class TroublePromises:
    """Part of ``PlatformContract``."""

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

    @pytest.mark.parametrize("call", list(Call))
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

    @pytest.mark.parametrize("call", list(Call))
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
