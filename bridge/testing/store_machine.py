"""Leases and the life of turns, driven by hypothesis against a model of a few lines; part of ``store_contract``."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bridge.errors import LeaseLost, StateConflict
from bridge.model import ConversationKey, Lease, Outcome, TurnRecord, TurnState
from bridge.testing.samples import make_turn

if TYPE_CHECKING:
    from bridge.testing.store_harness import StoreHarness

T = TypeVar("T")

LANES = ("lane a", "lane b")
HOLDERS = ("one", "two")
MESSAGES = ("1", "2", "3")
TTL_S = 30.0

lanes = st.sampled_from(LANES).map(ConversationKey)
holders = st.sampled_from(HOLDERS)
messages = st.sampled_from(MESSAGES)
states = st.sampled_from(list(TurnState))
picks = st.integers(0, 1000)


def run_store_machine(new_harness: "Callable[[], StoreHarness]", *, examples: int = 60, steps: int = 40) -> None:
    """Run histories of up to ``steps`` events on fresh stores; raises at the first answer that differs."""

    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(new_harness())

    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=profile)


class StoreMachine(RuleBasedStateMachine):
    """The model: turns as a dict in order of creation, per lane the lease that counts, the largest token ever."""

    def __init__(self, harness: "StoreHarness") -> None:
        super().__init__()
        self.harness = harness
        self.clock = harness.clock
        self.runner = asyncio.Runner()
        self.store = harness.make()
        self.turns: dict[str, TurnRecord] = {}
        self.held: dict[str, Lease] = {}
        self.leases: list[Lease] = []
        self.largest_token = 0

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def is_held(self, lease: Lease) -> bool:
        current = self.held.get(lease.lane)
        return current is not None and current.token == lease.token and self.clock.wall() < current.expires_at_s

    @initialize()
    def open(self) -> None:
        self.do(self.store.__aenter__())

    def teardown(self) -> None:
        self.do(self.store.__aexit__(None, None, None))
        self.runner.close()

    @rule(seconds=st.sampled_from([0.0, 1.0, TTL_S / 2, TTL_S]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(message=messages, lane=lanes)
    def create(self, message: str, lane: ConversationKey) -> None:
        turn = make_turn(message, lane=lane, created_at_s=self.clock.wall())
        assert self.do(self.store.create_turn(turn)) == (turn.turn_id not in self.turns)
        self.turns.setdefault(turn.turn_id, turn)

    @rule(lane=lanes, holder=holders)
    def acquire(self, lane: ConversationKey, holder: str) -> None:
        current = self.held.get(lane)
        taken = current is not None and current.holder != holder and self.clock.wall() < current.expires_at_s
        lease = self.do(self.store.acquire(lane, holder, TTL_S))
        assert (lease is None) == taken
        if lease is not None:
            assert lease.token > self.largest_token
            self.largest_token = lease.token
            self.held[lane] = lease
            self.leases.append(lease)

    @rule(pick=picks)
    def renew(self, pick: int) -> None:
        if self.leases:
            lease = self.leases[pick % len(self.leases)]
            expected = self.is_held(lease)
            try:
                self.held[lease.lane] = self.do(self.store.renew(lease, TTL_S))
                assert expected
            except LeaseLost:
                assert not expected

    @rule(pick=picks)
    def release(self, pick: int) -> None:
        if self.leases:
            lease = self.leases[pick % len(self.leases)]
            self.do(self.store.release(lease))
            if (current := self.held.get(lease.lane)) is not None and current.token == lease.token:
                del self.held[lease.lane]

    @rule(message=messages, pick=picks, from_states=st.frozensets(states), to=states)
    def advance(self, message: str, pick: int, from_states: frozenset[TurnState], to: TurnState) -> None:
        turn_id = make_turn(message).turn_id
        turn = self.turns.get(turn_id)
        fitting = [lease for lease in self.leases if turn is None or lease.lane == turn.key]
        if not fitting:
            return
        lease = fitting[pick % len(fitting)]
        outcome = turn.outcome if turn and to in (TurnState.ANSWERED, TurnState.DELIVERING) else None
        changes: dict[str, Any] = {"state": to, "outcome": Outcome.DELIVERED if to is TurnState.ENDED else outcome}
        try:
            advanced = self.do(self.store.advance(turn_id, from_states, changes, lease))
        except LeaseLost:
            assert not self.is_held(lease)
        except StateConflict:
            assert self.is_held(lease)
            assert turn is None or turn.state not in from_states or turn.state is TurnState.ENDED
        except ValueError:
            assert self.is_held(lease)
            assert turn is not None
            assert not _may_follow(turn.state, to)
        else:
            assert self.is_held(lease)
            assert turn is not None
            assert turn.state in from_states
            assert _may_follow(turn.state, to)
            assert advanced == dataclasses.replace(turn, **changes, updated_at_s=self.clock.wall())
            self.turns[turn_id] = advanced

    @rule(age_s=st.sampled_from([0.0, TTL_S]))
    def purge(self, age_s: float) -> None:
        border = self.clock.wall() - age_s
        old = [
            turn_id
            for turn_id, turn in self.turns.items()
            if turn.state is TurnState.ENDED and max(turn.created_at_s, turn.updated_at_s) < border
        ]
        assert self.do(self.store.purge(turns_before_s=border)) == len(old)
        for turn_id in old:
            del self.turns[turn_id]

    @rule()
    def reopen(self) -> None:
        """Leases are given back first: whether they outlive the process is the store's own matter."""
        if self.harness.durable:
            for lease in self.held.values():
                self.do(self.store.release(lease))
            self.held.clear()
            self.do(self.store.__aexit__(None, None, None))
            self.store = self.harness.make()
            self.do(self.store.__aenter__())

    @invariant()
    def turns_are_as_expected(self) -> None:
        for message in MESSAGES:
            turn_id = make_turn(message).turn_id
            assert self.do(self.store.turn(turn_id)) == self.turns.get(turn_id)
        unfinished = [turn for turn in self.turns.values() if turn.state is not TurnState.ENDED]
        found = self.do(self.store.unfinished())
        assert sorted(turn.turn_id for turn in found) == sorted(turn.turn_id for turn in unfinished)
        assert [turn.created_at_s for turn in found] == sorted(turn.created_at_s for turn in unfinished)
        for lane in LANES:
            assert self.do(self.store.unfinished(ConversationKey(lane))) == [turn for turn in found if turn.key == lane]


def _may_follow(before: TurnState, after: TurnState) -> bool:
    """Forward, or on the spot."""
    order = list(TurnState)
    return before is not TurnState.ENDED and order.index(before) <= order.index(after)
