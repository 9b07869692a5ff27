"""The promises about turns: written once, changed one step at a time, found again; part of ``store_contract``."""

import dataclasses
from typing import Any

import pytest

from bridge.errors import StateConflict
from bridge.model import ConversationKey, Outcome, PostedPart, TurnId, TurnState
from bridge.ports import Store
from bridge.testing.clock import FakeClock
from bridge.testing.samples import make_turn
from bridge.testing.store_harness import ACCEPTED, ANY, ENDED, ENDING, begin, hold, together


class TurnPromises:
    """Part of ``StoreContract``."""

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
        created = await together([store.create_turn(make_turn("1")) for _ in range(20)])
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
        turn, lease = await begin(store)
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
        turn, lease = await begin(store)
        for _ in range(2):
            both = frozenset({TurnState.ACCEPTED, TurnState.ASKING})
            assert (await store.advance(turn.turn_id, both, {"state": TurnState.ASKING}, lease)).state == "asking"

    async def test_only_the_expected_state_advances(self, store: Store) -> None:
        """A turn in another state, or none at all, is a conflict, and nothing is changed."""
        turn, lease = await begin(store)
        with pytest.raises(StateConflict):
            await store.advance(turn.turn_id, ENDED, {"agent": "x"}, lease)
        with pytest.raises(StateConflict):
            await store.advance(TurnId("AAAAAAAAAAAAAAAA"), ANY, {"agent": "x"}, lease)
        assert await store.turn(turn.turn_id) == turn

    async def test_of_many_who_advance_one_turn_one_succeeds(self, store: Store) -> None:
        """The step from one state to the next is taken once, however many try at the same time."""
        turn, lease = await begin(store)

        async def try_it(name: str) -> str | None:
            try:
                changes: dict[str, Any] = {"state": TurnState.OPENING, "agent": name}
                return (await store.advance(turn.turn_id, ACCEPTED, changes, lease)).agent
            except StateConflict:
                return None

        winners = [name for name in await together([try_it(f"agent{n}") for n in range(10)]) if name]
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
        turn, lease = await begin(store)
        with pytest.raises(ValueError, match=r"."):
            await store.advance(turn.turn_id, ANY, changes, lease)
        assert await store.turn(turn.turn_id) == turn

    async def test_a_lease_of_another_lane_is_our_mistake(self, store: Store) -> None:
        """A valid lease of some other lane does not move this turn."""
        turn, _ = await begin(store)
        other = await hold(store, ConversationKey("other"))
        with pytest.raises(ValueError, match="lane"):
            await store.advance(turn.turn_id, ANY, {"agent": "x"}, other)

    async def test_an_ended_turn_is_still_known(self, store: Store) -> None:
        """It is no longer unfinished, can be read, and still keeps repeats out."""
        turn, lease = await begin(store)
        ended = await store.advance(turn.turn_id, ACCEPTED, ENDING, lease)
        assert await store.unfinished() == []
        assert await store.turn(turn.turn_id) == ended
        assert not await store.create_turn(turn)
        with pytest.raises(StateConflict):
            await store.advance(turn.turn_id, ACCEPTED, {"agent": "x"}, lease)

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
        lease = await hold(store, ConversationKey("a"))
        z = await store.advance(turns[1].turn_id, ACCEPTED, {"state": TurnState.OPENING}, lease)
        assert await store.unfinished() == [z, turns[2], turns[3], turns[0]]
        assert await store.unfinished(ConversationKey("a")) == [z, turns[3], turns[0]]
        assert await store.unfinished(ConversationKey("nobody's")) == []
