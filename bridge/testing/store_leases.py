"""The promises about leases: a lane is one's at a time, and a late writer is known; part of ``store_contract``."""

import pytest

from bridge.errors import LeaseLost
from bridge.model import ConversationKey
from bridge.ports import Store
from bridge.testing.clock import FakeClock
from bridge.testing.store_harness import ACCEPTED, LANE, TTL_S, begin, hold, together


class LeasePromises:
    """Part of ``StoreContract``."""

    async def test_a_lane_belongs_to_one_at_a_time(self, store: Store) -> None:
        """While one holds it, others get nothing; another lane is free."""
        first = await store.acquire(LANE, "one", TTL_S)
        assert first is not None
        assert (first.lane, first.holder) == (LANE, "one")
        assert await store.acquire(LANE, "two", TTL_S) is None
        assert await store.acquire(ConversationKey("other"), "two", TTL_S) is not None

    async def test_tokens_grow(self, store: Store, clock: FakeClock) -> None:
        """Every grant of a lane has a larger token, after expiry, after release and to the holder herself."""
        tokens = [(await hold(store)).token]
        tokens.append((await hold(store)).token)
        clock.advance(TTL_S)
        lease = await hold(store, holder="two")
        tokens.append(lease.token)
        await store.release(lease)
        tokens.append((await hold(store, holder="three")).token)
        assert tokens == sorted(set(tokens))

    async def test_a_lease_ends_with_its_time(self, store: Store, clock: FakeClock) -> None:
        """When its time is up it is lost, whether or not somebody else wants the lane."""
        turn, lease = await begin(store)
        assert lease.expires_at_s == clock.wall() + TTL_S
        clock.advance(TTL_S)
        with pytest.raises(LeaseLost):
            await store.renew(lease, TTL_S)
        with pytest.raises(LeaseLost):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)
        assert await store.acquire(LANE, "two", TTL_S) is not None

    async def test_renewing_gives_more_time(self, store: Store, clock: FakeClock) -> None:
        """The token stays; an older copy of the same lease is as good as the newest."""
        turn, lease = await begin(store)
        clock.advance(TTL_S - 1)
        renewed = await store.renew(lease, TTL_S)
        assert (renewed.token, renewed.expires_at_s) == (lease.token, clock.wall() + TTL_S)
        clock.advance(TTL_S - 1)
        assert await store.acquire(LANE, "two", TTL_S) is None
        assert (await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)).agent == "x"

    async def test_a_late_writer_is_recognised(self, store: Store, clock: FakeClock) -> None:
        """Who lost the lane to another can neither write nor renew, and her release does not hurt the other."""
        turn, late = await begin(store)
        clock.advance(TTL_S)
        mine = await hold(store, holder="two")
        with pytest.raises(LeaseLost):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "late"}, late)
        with pytest.raises(LeaseLost):
            await store.renew(late, TTL_S)
        await store.release(late)
        assert (await store.advance(turn.turn_id, ACCEPTED, {"agent": "mine"}, mine)).agent == "mine"

    async def test_a_released_lane_is_free(self, store: Store) -> None:
        """Anybody may take it at once, and the old lease is lost; releasing twice is fine."""
        turn, lease = await begin(store)
        await store.release(lease)
        await store.release(lease)
        with pytest.raises(LeaseLost):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)
        assert await store.acquire(LANE, "two", TTL_S) is not None

    async def test_of_many_who_want_a_lane_one_gets_it(self, store: Store) -> None:
        """Asking at the same time does not help."""
        leases = await together([store.acquire(LANE, f"holder{n}", TTL_S) for n in range(10)])
        assert len([lease for lease in leases if lease]) == 1

    async def test_a_lease_lasts(self, store: Store) -> None:
        """A duration that is not positive is our mistake."""
        for ttl_s in (0.0, -1.0, float("nan")):
            with pytest.raises(ValueError, match="duration"):
                await store.acquire(LANE, "one", ttl_s)
