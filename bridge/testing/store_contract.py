"""What every ``Store`` must do: subclass ``StoreContract`` and say how to make yours.

::

    class TestMyStore(StoreContract):
        @pytest.fixture
        def new_harness(self, tmp_path_factory):
            def new() -> StoreHarness:
                clock, path = FakeClock(), tmp_path_factory.mktemp("store") / "data"
                return StoreHarness(clock, lambda: MyStore(path, clock), durable=True)
            return new

Each call of ``new_harness()`` stands for one empty set of data; each call of its ``make`` for one more store on those
same data, not yet opened. The store must take its time from ``clock``. Needs pytest, hypothesis and pytest-asyncio in
auto mode (``asyncio_mode = "auto"``). ``bridge.testing.store_machine`` holds the part that hypothesis drives.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from bridge.errors import StateConflict, StoreUnavailable
from bridge.model import ConversationKey, Lease, TurnState
from bridge.ports import Store
from bridge.testing.clock import FakeClock
from bridge.testing.samples import make_conversation, make_turn
from bridge.testing.store_harness import (
    ACCEPTED,
    ANY,
    DEADLINE_S,
    ENDED,
    ENDING,
    LANE,
    TTL_S,
    StoreHarness,
    begin,
    hold,
    together,
)
from bridge.testing.store_journal import JournalPromises
from bridge.testing.store_keeping import KeepingPromises
from bridge.testing.store_leases import LeasePromises
from bridge.testing.store_turns import TurnPromises

__all__ = ["StoreContract", "StoreHarness"]


class StoreContract(TurnPromises, JournalPromises, LeasePromises, KeepingPromises):
    """The promises of ``bridge.ports.Store``, one test each. Override ``new_harness``."""

    @pytest.fixture
    def new_harness(self) -> Callable[[], StoreHarness]:
        raise NotImplementedError("say how to make a store: see the module's docstring")

    @pytest.fixture
    def harness(self, new_harness: Callable[[], StoreHarness]) -> StoreHarness:
        return new_harness()

    @pytest.fixture
    def clock(self, harness: StoreHarness) -> FakeClock:
        return harness.clock

    @pytest_asyncio.fixture
    async def store(self, harness: StoreHarness) -> AsyncIterator[Store]:
        async with harness.make() as store:
            yield store

    # --- the whole ---

    async def test_an_open_store_is_healthy(self, store: Store) -> None:
        """``check`` returns."""
        await store.check()

    async def test_a_closed_store_says_so(self, harness: StoreHarness) -> None:
        """Every verb raises ``StoreUnavailable`` after closing, and before opening."""
        store = harness.make()
        lease = Lease(LANE, "one", 1, harness.clock.wall() + TTL_S)

        async def watch() -> None:
            async with store.watch("stop"):
                pass

        async def try_everything() -> None:
            for verb in (
                lambda: store.create_turn(make_turn("1")),
                lambda: store.turn(make_turn("1").turn_id),
                lambda: store.advance(make_turn("1").turn_id, ANY, {}, lease),
                lambda: store.unfinished(),
                lambda: store.bind(make_conversation()),
                lambda: store.conversation(LANE),
                lambda: store.unbind(LANE),
                lambda: store.remember("name", "x"),
                lambda: store.note("name"),
                lambda: store.acquire(LANE, "one", TTL_S),
                lambda: store.renew(lease, TTL_S),
                lambda: store.release(lease),
                lambda: store.signal("stop", "x"),
                lambda: store.purge(turns_before_s=0.0),
                lambda: store.check(),
                watch,
            ):
                with pytest.raises(StoreUnavailable):
                    await verb()

        await try_everything()
        async with store:
            await store.check()
        await try_everything()

    async def test_many_callers_do_not_disturb_each_other(self, store: Store) -> None:
        """Forty lanes at once, each through a whole life of three turns; conflicts among them stay their own."""

        async def live(number: int) -> None:
            lane = ConversationKey(f"lane{number}")
            lease = await hold(store, lane)
            for message in range(3):
                turn = make_turn(f"{number}.{message}", lane=lane)
                assert await store.create_turn(turn)
                with pytest.raises(StateConflict):
                    await store.advance(turn.turn_id, ENDED, {"agent": "x"}, lease)
                for state in (TurnState.OPENING, TurnState.ASKED):
                    await store.advance(turn.turn_id, ANY, {"state": state, "agent": lane}, lease)
                await store.advance(turn.turn_id, ANY, ENDING, lease)
            await store.bind(make_conversation(lane))
            await store.release(lease)

        async with asyncio.timeout(3 * DEADLINE_S):
            await together([live(number) for number in range(40)])
        assert await store.unfinished() == []
        found = await store.turn(make_turn("39.2").turn_id)
        assert found is not None
        assert (found.state, found.agent) == (TurnState.ENDED, "lane39")

    async def test_a_caller_who_gives_up_harms_nobody(self, store: Store) -> None:
        """Others that wrote at the same moment succeed, and the store goes on."""
        async with asyncio.TaskGroup() as tasks:
            writes = [tasks.create_task(store.create_turn(make_turn(str(n)))) for n in range(10)]
            await asyncio.sleep(0)
            writes[3].cancel()
        assert all(write.result() for write in writes if write is not writes[3])
        assert len(await store.unfinished()) in (9, 10)
        assert await store.create_turn(make_turn("after"))

    # --- over a restart ---

    async def test_everything_is_there_after_reopening(self, harness: StoreHarness) -> None:
        """Turns in their order, ended ones, conversations, notes; repeats are still repeats."""
        if not harness.durable:
            pytest.skip("this store keeps nothing over a restart")
        turns = [make_turn(name, lane=f"lane {name}") for name in ("c", "b", "a")]
        async with harness.make() as store:
            for turn in turns:
                await store.create_turn(turn)
            done, lease = await begin(store, "done")
            ended = await store.advance(done.turn_id, ACCEPTED, ENDING, lease)
            await store.bind(make_conversation("stays"))
            await store.bind(make_conversation("goes"))
            await store.unbind(ConversationKey("goes"))
            await store.remember("fact", "known")
        async with harness.make() as store:
            assert await store.unfinished() == turns
            assert await store.turn(done.turn_id) == ended
            assert not await store.create_turn(done)
            assert not await store.create_turn(turns[0])
            assert await store.conversation(ConversationKey("stays")) == make_conversation("stays")
            assert await store.conversation(ConversationKey("goes")) is None
            assert await store.note("fact") == "known"
            assert await store.purge(turns_before_s=ended.updated_at_s + 1) == 1
            assert await store.create_turn(dataclasses.replace(done, key=ConversationKey("new")))
        async with harness.make() as store:
            assert [turn.key for turn in await store.unfinished()] == ["lane c", "lane b", "lane a", "new"]

    async def test_tokens_grow_over_a_restart(self, harness: StoreHarness) -> None:
        """A lease from before a restart never passes for one from after it."""
        if not harness.durable:
            pytest.skip("this store keeps nothing over a restart")
        tokens: list[int] = []
        for _ in range(3):
            async with harness.make() as store:
                leases = [await hold(store), await hold(store)]
                tokens += [lease.token for lease in leases]
                await store.release(leases[1])
        assert tokens == sorted(set(tokens))

    # --- by hypothesis ---

    def test_any_history_gives_the_same_answers_as_the_model(self, new_harness: Callable[[], StoreHarness]) -> None:
        """Leases and the life of turns, in any order of events, restarts included."""
        from bridge.testing.store_machine import run_store_machine

        run_store_machine(new_harness)
