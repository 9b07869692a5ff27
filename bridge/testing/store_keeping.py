"""The promises about conversations, small facts, signals, and what is forgotten; part of ``store_contract``."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from bridge.model import ConversationKey, Outcome, TurnState
from bridge.ports import Store
from bridge.testing.clock import FakeClock
from bridge.testing.samples import make_conversation, make_turn
from bridge.testing.store_harness import ACCEPTED, DEADLINE_S, ENDING, LANE, StoreHarness, begin, together


class KeepingPromises:
    """Part of ``StoreContract``."""

    # --- conversations and notes ---

    async def test_a_key_leads_to_its_conversation(self, store: Store) -> None:
        """The last binding counts; forgetting tells whether there was one."""
        assert await store.conversation(LANE) is None
        first, second = make_conversation(LANE), make_conversation(LANE, conversation_id="2")
        await store.bind(first)
        await store.bind(make_conversation("another", conversation_id="3"))
        assert await store.conversation(LANE) == first
        await store.bind(second)
        assert await store.conversation(LANE) == second
        assert await store.unbind(LANE)
        assert not await store.unbind(LANE)
        assert await store.conversation(LANE) is None
        assert await store.conversation(ConversationKey("another")) is not None

    async def test_small_facts_are_remembered(self, store: Store) -> None:
        """Until they are replaced or forgotten; an empty text is a fact too, and any text can be a name."""
        names = ("here/T1:status", "", "a/b/c", "名 \x00 %_'\"")
        for name in names:
            assert await store.note(name) is None
            await store.remember(name, "no")
            await store.remember(name, f"yes {name}")
        await store.remember("empty", "")
        assert [await store.note(name) for name in names] == [f"yes {name}" for name in names]
        assert await store.note("empty") == ""
        await store.remember("empty", None)
        await store.remember("empty", None)
        assert await store.note("empty") is None

    async def test_a_fact_may_have_its_time(self, store: Store, clock: FakeClock) -> None:
        """It is known for at least so long, and not for twice as long; telling it again begins its time anew."""
        await store.remember("for ever", "x")
        await store.remember("once", "x", ttl_s=100.0)
        await store.remember("again", "x", ttl_s=100.0)
        clock.advance(99.0)
        assert [await store.note(name) for name in ("for ever", "once", "again")] == ["x"] * 3
        await store.remember("again", "x", ttl_s=100.0)
        clock.advance(99.0)
        assert [await store.note(name) for name in ("for ever", "once", "again")] == ["x", None, "x"]
        await store.purge(turns_before_s=0.0)
        assert [await store.note(name) for name in ("for ever", "once", "again")] == ["x", None, "x"]
        await store.remember("once", "y", ttl_s=100.0)
        await store.remember("again", "y")
        clock.advance(90.0)
        assert [await store.note(name) for name in ("once", "again")] == ["y", "y"]
        with pytest.raises(ValueError, match="duration"):
            await store.remember("never", "x", ttl_s=0.0)

    async def test_unused_conversations_are_purged(self, store: Store) -> None:
        """Those last used before the time; without one, none."""
        for number in range(3):
            conversation = make_conversation(f"key {number}")
            await store.bind(dataclasses.replace(conversation, last_used_at_s=conversation.last_used_at_s + number))
        await store.purge(turns_before_s=0.0)
        assert await store.conversation(ConversationKey("key 0")) is not None
        await store.purge(turns_before_s=0.0, conversations_before_s=make_conversation().last_used_at_s + 2)
        kept = [await store.conversation(ConversationKey(f"key {number}")) is not None for number in range(3)]
        assert kept == [False, False, True]

    async def test_a_name_that_cannot_be_written_is_our_mistake(self, store: Store) -> None:
        """A lone surrogate in a key is refused, and other writes at that moment go through."""

        async def refused() -> bool:
            with pytest.raises(ValueError, match="valid text"):
                await store.remember("\ud800", "x")
            return True

        assert await together([refused(), store.create_turn(make_turn("1"))]) == [True, True]

    # --- signals ---

    async def test_watchers_receive_what_is_signalled(self, store: Store) -> None:
        """All watchers of the topic, in order, from the moment they began; not those of other topics."""
        await store.signal("stop", "before")
        async with asyncio.timeout(DEADLINE_S), store.watch("stop") as one, store.watch("stop") as two:
            await store.signal("other", "not for you")
            await store.signal("stop", "1")
            await store.signal("stop", "2")
            assert [await anext(one), await anext(one)] == ["1", "2"]
            assert await anext(two) == "1"

    async def test_a_watcher_waits_for_the_signal(self, store: Store) -> None:
        """A signal sent later wakes whoever waits."""
        async with asyncio.timeout(DEADLINE_S), store.watch("stop") as payloads, asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_next(payloads))
            await asyncio.sleep(0)
            await store.signal("stop", "now")
            assert await waiting == "now"

    async def test_a_slow_watcher_blocks_nobody(self, store: Store) -> None:
        """Signals are sent without waiting; one who does not keep up may lose old ones, never the newest."""
        async with asyncio.timeout(DEADLINE_S), store.watch("stop") as payloads:
            for number in range(2000):
                await store.signal("stop", str(number))
            received = [await anext(payloads)]
            while received[-1] != "1999":
                received.append(await anext(payloads))
        numbers = [int(payload) for payload in received]
        assert numbers == sorted(numbers)

    async def test_watching_ends_when_the_store_closes(self, harness: StoreHarness) -> None:
        """A watcher's loop ends by itself."""
        watches = asyncio.Event()

        async def collect(store: Store) -> list[str]:
            async with store.watch("stop") as payloads:
                watches.set()
                return [payload async for payload in payloads]

        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            async with harness.make() as store:
                watching = tasks.create_task(collect(store))
                await watches.wait()
                await store.signal("stop", "last")
            assert await watching == ["last"]

    # --- keeping house ---

    async def test_old_ended_turns_are_purged(self, store: Store, clock: FakeClock) -> None:
        """Those last changed before the time go, and may come again; younger ones and unfinished ones stay."""
        old, lease = await begin(store, "old")
        waiting = make_turn("waiting", created_at_s=clock.wall())
        await store.create_turn(waiting)
        await store.advance(old.turn_id, ACCEPTED, ENDING, lease)
        clock.advance(10)
        border = clock.wall()
        young = dataclasses.replace(
            make_turn("young", created_at_s=border), state=TurnState.ENDED, outcome=Outcome.REFUSED
        )
        await store.create_turn(young)
        assert await store.purge(turns_before_s=border) == 1
        assert await store.purge(turns_before_s=border) == 0
        assert await store.turn(old.turn_id) is None
        assert await store.turn(young.turn_id) == young
        assert await store.unfinished() == [waiting]
        assert await store.create_turn(old)


async def _next(payloads: AsyncIterator[str]) -> str:
    return await anext(payloads)
