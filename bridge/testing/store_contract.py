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
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from bridge.errors import LeaseLost, StateConflict, StoreUnavailable
from bridge.model import ConversationKey, Lease, Outcome, PostedPart, TurnId, TurnRecord, TurnState
from bridge.ports import Store
from bridge.testing.clock import FakeClock
from bridge.testing.samples import make_conversation, make_turn

LANE = ConversationKey("here:T1:C1:1")
ACCEPTED = frozenset({TurnState.ACCEPTED})
ENDED = frozenset({TurnState.ENDED})
ANY = frozenset(TurnState)
TTL_S = 30.0
DEADLINE_S = 10.0
ENDING: dict[str, Any] = {"state": TurnState.ENDED, "outcome": Outcome.DELIVERED, "answer": "Good morning!"}


@dataclass(frozen=True)
class StoreHarness:
    """One set of data and the time its stores live by.

    Attributes:
        make: Returns a store on these data, not yet opened; called again after the one before was closed.
        durable: What was stored is there again in the next store that ``make`` returns.
    """

    clock: FakeClock
    make: Callable[[], Store]
    durable: bool


class StoreContract:
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

    # --- turns ---

    async def test_a_turn_is_created_once(self, store: Store) -> None:
        """The first write of an id is told as new; a repeat is not, and changes nothing."""
        turn = make_turn("1")
        assert await store.create_turn(turn)
        assert not await store.create_turn(dataclasses.replace(turn, agent="another"))
        assert await store.turn(turn.turn_id) == turn

    async def test_an_unknown_turn_is_none(self, store: Store) -> None:
        """Looking for a turn that nobody wrote finds nothing."""
        assert await store.turn(TurnId("AAAAAAAAAAAAAAAA")) is None

    async def test_of_many_who_create_one_turn_one_succeeds(self, store: Store) -> None:
        """Deliveries of the same message at the same time are one turn."""
        created = await _all([store.create_turn(make_turn("1")) for _ in range(20)])
        assert sorted(created) == [False] * 19 + [True]

    async def test_half_an_emoji_does_not_keep_a_message_out(self, store: Store) -> None:
        """A lone surrogate, which no encoding can hold, is stored as U+FFFD; everything else stays as it is."""
        turn = make_turn("1", text="half \ud83c of\x00 it, 全部 \u2028")
        assert await store.create_turn(turn)
        found = await store.turn(turn.turn_id)
        assert found is not None
        assert found.envelope.text == "half \ufffd of\x00 it, 全部 \u2028"

    async def test_advancing_changes_what_it_names(self, store: Store, clock: FakeClock) -> None:
        """The named fields and the time of the change are new, all others stay; the caller gets the whole turn."""
        turn, lease = await _begin(store)
        clock.advance(1.5)
        changes: dict[str, Any] = {
            "state": TurnState.ASKED,
            "chat_id": "7",
            "parts": (PostedPart(0, "m0"), PostedPart(1, "m1")),
        }
        advanced = await store.advance(turn.turn_id, ACCEPTED, changes, lease)
        assert advanced == dataclasses.replace(turn, **changes, updated_at_s=clock.wall())
        assert await store.turn(turn.turn_id) == advanced

    async def test_advancing_can_be_repeated(self, store: Store) -> None:
        """Whoever lost the answer does the same again, naming the new state among those it starts from."""
        turn, lease = await _begin(store)
        for _ in range(2):
            both = frozenset({TurnState.ACCEPTED, TurnState.ASKING})
            assert (await store.advance(turn.turn_id, both, {"state": TurnState.ASKING}, lease)).state == "asking"

    async def test_only_the_expected_state_advances(self, store: Store) -> None:
        """A turn in another state, or none at all, is a conflict, and nothing is changed."""
        turn, lease = await _begin(store)
        with pytest.raises(StateConflict):
            await store.advance(turn.turn_id, ENDED, {"agent": "x"}, lease)
        with pytest.raises(StateConflict):
            await store.advance(TurnId("AAAAAAAAAAAAAAAA"), ANY, {"agent": "x"}, lease)
        assert await store.turn(turn.turn_id) == turn

    async def test_of_many_who_advance_one_turn_one_succeeds(self, store: Store) -> None:
        """The step from one state to the next is taken once, however many try at the same time."""
        turn, lease = await _begin(store)

        async def try_it(name: str) -> str | None:
            try:
                changes: dict[str, Any] = {"state": TurnState.OPENING, "agent": name}
                return (await store.advance(turn.turn_id, ACCEPTED, changes, lease)).agent
            except StateConflict:
                return None

        winners = [name for name in await _all([try_it(f"agent{n}") for n in range(10)]) if name]
        assert len(winners) == 1
        found = await store.turn(turn.turn_id)
        assert found is not None
        assert found.agent == winners[0]

    @pytest.mark.parametrize(
        "changes",
        [{"colour": "red"}, {"turn_id": "X"}, {"key": "K"}, {"updated_at_s": 1.0}, {"v": 2}, {"answer": 5}],
        ids=lambda changes: next(iter(changes)),
    )
    async def test_impossible_changes_are_our_mistake(self, store: Store, changes: dict[str, Any]) -> None:
        """Unknown fields, the turn's identity and values of a wrong type are refused with ``ValueError``."""
        turn, lease = await _begin(store)
        with pytest.raises(ValueError, match=r"."):
            await store.advance(turn.turn_id, ANY, changes, lease)
        assert await store.turn(turn.turn_id) == turn

    async def test_a_lease_of_another_lane_is_our_mistake(self, store: Store) -> None:
        """A valid lease of some other lane does not move this turn."""
        turn, _ = await _begin(store)
        other = await _hold(store, ConversationKey("other"))
        with pytest.raises(ValueError, match="lane"):
            await store.advance(turn.turn_id, ANY, {"agent": "x"}, other)

    async def test_an_ended_turn_is_still_known(self, store: Store) -> None:
        """It is no longer unfinished, can be read, and still keeps repeats out."""
        turn, lease = await _begin(store)
        ended = await store.advance(turn.turn_id, ACCEPTED, ENDING, lease)
        assert await store.unfinished() == []
        assert await store.turn(turn.turn_id) == ended
        assert not await store.create_turn(turn)
        with pytest.raises(StateConflict):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)

    async def test_an_ended_turn_can_be_taken_up_again(self, store: Store) -> None:
        """Whoever names the ended state changes an ended turn, or makes it unfinished again."""
        turn, lease = await _begin(store)
        await store.advance(turn.turn_id, ACCEPTED, ENDING, lease)
        rated = await store.advance(turn.turn_id, ENDED, {"reason": "rated"}, lease)
        assert (rated.answer, rated.reason) == (ENDING["answer"], "rated")
        assert await store.turn(turn.turn_id) == rated
        again = await store.advance(turn.turn_id, ENDED, {"state": TurnState.ACCEPTED, "outcome": None}, lease)
        assert await store.unfinished() == [again]

    async def test_a_turn_may_be_born_ended(self, store: Store) -> None:
        """A refused question is written down only against its repeats."""
        turn = dataclasses.replace(make_turn("1"), state=TurnState.ENDED, outcome=Outcome.REFUSED)
        assert await store.create_turn(turn)
        assert not await store.create_turn(turn)
        assert await store.unfinished() == []
        assert await store.turn(turn.turn_id) == turn

    async def test_unfinished_turns_come_oldest_first(self, store: Store, clock: FakeClock) -> None:
        """By the time of creation, those of one instant as they were accepted; of one lane or of all."""
        now = clock.wall()
        turns = [
            make_turn("late", lane="a", created_at_s=now + 5),
            make_turn("z", lane="a", created_at_s=now),
            make_turn("y", lane="b", created_at_s=now),
            make_turn("x", lane="a", created_at_s=now),
        ]
        for turn in turns:
            await store.create_turn(turn)
        lease = await _hold(store, ConversationKey("a"))
        z = await store.advance(turns[1].turn_id, ACCEPTED, {"state": TurnState.OPENING}, lease)
        assert await store.unfinished() == [z, turns[2], turns[3], turns[0]]
        assert await store.unfinished(ConversationKey("a")) == [z, turns[3], turns[0]]
        assert await store.unfinished(ConversationKey("nobody's")) == []

    # --- leases ---

    async def test_a_lane_belongs_to_one_at_a_time(self, store: Store) -> None:
        """While one holds it, others get nothing; another lane is free."""
        first = await store.acquire(LANE, "one", TTL_S)
        assert first is not None
        assert (first.lane, first.holder) == (LANE, "one")
        assert await store.acquire(LANE, "two", TTL_S) is None
        assert await store.acquire(ConversationKey("other"), "two", TTL_S) is not None

    async def test_tokens_grow(self, store: Store, clock: FakeClock) -> None:
        """Every grant of a lane has a larger token, after expiry, after release and to the holder herself."""
        tokens = [(await _hold(store)).token]
        tokens.append((await _hold(store)).token)
        clock.advance(TTL_S)
        lease = await _hold(store, holder="two")
        tokens.append(lease.token)
        await store.release(lease)
        tokens.append((await _hold(store, holder="three")).token)
        assert tokens == sorted(set(tokens))

    async def test_a_lease_ends_with_its_time(self, store: Store, clock: FakeClock) -> None:
        """When its time is up it is lost, whether or not somebody else wants the lane."""
        turn, lease = await _begin(store)
        assert lease.expires_at_s == clock.wall() + TTL_S
        clock.advance(TTL_S)
        with pytest.raises(LeaseLost):
            await store.renew(lease, TTL_S)
        with pytest.raises(LeaseLost):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)
        assert await store.acquire(LANE, "two", TTL_S) is not None

    async def test_renewing_gives_more_time(self, store: Store, clock: FakeClock) -> None:
        """The token stays; an older copy of the same lease is as good as the newest."""
        turn, lease = await _begin(store)
        clock.advance(TTL_S - 1)
        renewed = await store.renew(lease, TTL_S)
        assert (renewed.token, renewed.expires_at_s) == (lease.token, clock.wall() + TTL_S)
        clock.advance(TTL_S - 1)
        assert await store.acquire(LANE, "two", TTL_S) is None
        assert (await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)).agent == "x"

    async def test_a_late_writer_is_recognised(self, store: Store, clock: FakeClock) -> None:
        """Who lost the lane to another can neither write nor renew, and her release does not hurt the other."""
        turn, late = await _begin(store)
        clock.advance(TTL_S)
        mine = await _hold(store, holder="two")
        with pytest.raises(LeaseLost):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "late"}, late)
        with pytest.raises(LeaseLost):
            await store.renew(late, TTL_S)
        await store.release(late)
        assert (await store.advance(turn.turn_id, ACCEPTED, {"agent": "mine"}, mine)).agent == "mine"

    async def test_a_released_lane_is_free(self, store: Store) -> None:
        """Anybody may take it at once, and the old lease is lost; releasing twice is fine."""
        turn, lease = await _begin(store)
        await store.release(lease)
        await store.release(lease)
        with pytest.raises(LeaseLost):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)
        assert await store.acquire(LANE, "two", TTL_S) is not None

    async def test_of_many_who_want_a_lane_one_gets_it(self, store: Store) -> None:
        """Asking at the same time does not help."""
        leases = await _all([store.acquire(LANE, f"holder{n}", TTL_S) for n in range(10)])
        assert len([lease for lease in leases if lease]) == 1

    async def test_a_lease_lasts(self, store: Store) -> None:
        """A duration that is not positive is our mistake."""
        for ttl_s in (0.0, -1.0, float("nan")):
            with pytest.raises(ValueError, match="duration"):
                await store.acquire(LANE, "one", ttl_s)

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

    async def test_a_name_that_cannot_be_written_is_our_mistake(self, store: Store) -> None:
        """A lone surrogate in a key is refused, and other writes at that moment go through."""

        async def refused() -> bool:
            with pytest.raises(ValueError, match="valid text"):
                await store.remember("\ud800", "x")
            return True

        assert await _all([refused(), store.create_turn(make_turn("1"))]) == [True, True]

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
        old, lease = await _begin(store, "old")
        waiting = make_turn("waiting", created_at_s=clock.wall())
        await store.create_turn(waiting)
        await store.advance(old.turn_id, ACCEPTED, ENDING, lease)
        clock.advance(10)
        border = clock.wall()
        young = dataclasses.replace(make_turn("young", created_at_s=border), state=TurnState.ENDED)
        await store.create_turn(young)
        assert await store.purge(turns_before_s=border) == 1
        assert await store.purge(turns_before_s=border) == 0
        assert await store.turn(old.turn_id) is None
        assert await store.turn(young.turn_id) == young
        assert await store.unfinished() == [waiting]
        assert await store.create_turn(old)

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
            lease = await _hold(store, lane)
            for message in range(3):
                turn = make_turn(f"{number}.{message}", lane=lane)
                assert await store.create_turn(turn)
                with pytest.raises(StateConflict):
                    await store.advance(turn.turn_id, ENDED, {"agent": "x"}, lease)
                for state in (TurnState.OPENING, TurnState.ASKED, TurnState.ENDED):
                    await store.advance(turn.turn_id, ANY - ENDED, {"state": state, "agent": lane}, lease)
            await store.bind(make_conversation(lane))
            await store.release(lease)

        async with asyncio.timeout(3 * DEADLINE_S):
            await _all([live(number) for number in range(40)])
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
            done, lease = await _begin(store, "done")
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
                leases = [await _hold(store), await _hold(store)]
                tokens += [lease.token for lease in leases]
                await store.release(leases[1])
        assert tokens == sorted(set(tokens))

    # --- by hypothesis ---

    def test_any_history_gives_the_same_answers_as_the_model(self, new_harness: Callable[[], StoreHarness]) -> None:
        """Leases and the life of turns, in any order of events, restarts included."""
        from bridge.testing.store_machine import run_store_machine

        run_store_machine(new_harness)


async def _begin(store: Store, message: str = "1") -> tuple[TurnRecord, Lease]:
    """Create a turn and hold its lane."""
    turn = make_turn(message, lane=LANE)
    assert await store.create_turn(turn)
    return turn, await _hold(store)


async def _hold(store: Store, lane: ConversationKey = LANE, *, holder: str = "one") -> Lease:
    lease = await store.acquire(lane, holder, TTL_S)
    assert lease is not None
    return lease


async def _all(calls: list[Any]) -> list[Any]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(call) for call in calls]
    return [task.result() for task in running]


async def _next(payloads: AsyncIterator[str]) -> str:
    return await anext(payloads)
