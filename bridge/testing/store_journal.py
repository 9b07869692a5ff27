"""The promises about a turn's journal: which step may follow which, what stays as it is; part of ``store_contract``.

The rules are told in ``bridge.stores.rules``; here they are looked at from outside, so that a store that has its own
way of keeping them is held to the same.
"""

import dataclasses
from typing import Any

import pytest

from bridge.errors import StateConflict
from bridge.model import Outcome, PostedPart, RunTicket, TurnRecord, TurnState
from bridge.ports import Store
from bridge.testing.samples import make_envelope, make_turn
from bridge.testing.store_harness import ACCEPTED, ANY, ENDING, LANE, begin, hold

FORWARD = (
    *(TurnState.ACCEPTED, TurnState.OPENING, TurnState.OPENED, TurnState.ASKING, TurnState.ASKED),
    *(TurnState.ANSWERED, TurnState.DELIVERING, TurnState.WAITING, TurnState.ENDED),
)
KNOWS_ITS_END = FORWARD[FORWARD.index(TurnState.ANSWERED) :]

STAYS: list[tuple[TurnState, str, Any, Any]] = [
    (TurnState.OPENED, "agent", "one", "other"),
    (TurnState.ASKING, "also", (), (make_envelope("2"),)),
    (TurnState.ASKING, "interrupts", (), ("aaaaaaaaaaaaaaaa",)),
    (TurnState.ASKED, "conversation_id", "7", "8"),
    (TurnState.ASKED, "chat_id", "7", "8"),
    (TurnState.ANSWERED, "answer", "Good morning!", "Good night!"),
    (TurnState.ANSWERED, "footer", "It broke.", ""),
    (TurnState.ANSWERED, "run", RunTicket("one"), RunTicket("other")),
]
"""From this state on this field keeps its value."""

PARTS: list[tuple[tuple[PostedPart, ...], bool]] = [
    ((PostedPart(0, "m0"), PostedPart(1, "m1"), PostedPart(2, "m2")), True),
    ((PostedPart(0, "m0"), PostedPart(1, "posted anew")), True),
    ((PostedPart(0, "m0"),), False),
    ((), False),
    ((PostedPart(1, "m1"), PostedPart(0, "m0")), False),
    ((PostedPart(0, "m0"), PostedPart(1, "m1"), PostedPart(1, "m1")), False),
    ((PostedPart(0, "m0", wordless=True), PostedPart(1, "m1")), False),
]
"""What may follow after the parts 0 and 1 were posted."""


class JournalPromises:
    """Part of ``StoreContract``."""

    async def test_a_turn_goes_forward(self, store: Store) -> None:
        """It may skip states, and repeat the one it is in; back it never goes."""
        lease, number = await hold(store), 0
        for before in FORWARD[:-1]:
            for after in FORWARD:
                number += 1
                turn = await born(store, before, str(number))
                outcome = turn.outcome or (Outcome.DELIVERED if after is TurnState.ENDED else None)
                if after not in KNOWS_ITS_END:
                    outcome = None
                step = store.advance(turn.turn_id, ANY, {"state": after, "outcome": outcome}, lease)
                if FORWARD.index(before) <= FORWARD.index(after):
                    assert (await step).state is after
                else:
                    with pytest.raises(ValueError, match="back"):
                        await step
                    assert await store.turn(turn.turn_id) == turn

    async def test_what_has_ended_is_final(self, store: Store) -> None:
        """Whoever names the ended state changes nothing either, not even to the same."""
        turn, lease = await begin(store)
        ended = await store.advance(turn.turn_id, ACCEPTED, ENDING, lease)
        for changes in (ENDING, {"reason": "rated"}, {"state": TurnState.ACCEPTED, "outcome": None}, {}):
            with pytest.raises(StateConflict, match="ended"):
                await store.advance(turn.turn_id, ANY, changes, lease)
        assert await store.turn(turn.turn_id) == ended
        assert await store.unfinished() == []

    @pytest.mark.parametrize(("state", "field", "value", "other"), STAYS, ids=[row[1] for row in STAYS])
    async def test_what_was_acted_upon_stays(
        self, store: Store, state: TurnState, field: str, value: Any, other: Any
    ) -> None:
        """It may be told again, and it can still be told with the step that acts upon it; it does not change."""
        lease = await hold(store)
        turn = await born(store, TurnState.ACCEPTED)
        earlier = FORWARD[FORWARD.index(state) - 1]
        await store.advance(turn.turn_id, ANY, {"state": earlier, field: other}, lease)
        acted = await store.advance(turn.turn_id, ANY, {"state": state, field: value}, lease)
        assert await store.advance(turn.turn_id, ANY, {"state": state, field: value}, lease) == acted
        with pytest.raises(ValueError, match=field):
            await store.advance(turn.turn_id, ANY, {field: other}, lease)
        assert await store.turn(turn.turn_id) == acted

    async def test_the_question_is_what_was_asked(self, store: Store) -> None:
        """Nobody changes it afterwards."""
        turn, lease = await begin(store)
        with pytest.raises(ValueError, match="envelope"):
            await store.advance(turn.turn_id, ANY, {"envelope": make_envelope("2")}, lease)

    @pytest.mark.parametrize(("parts", "may_be"), PARTS)
    async def test_what_was_posted_is_not_forgotten(
        self, store: Store, parts: tuple[PostedPart, ...], may_be: bool
    ) -> None:
        """Parts are added, in order; one may be posted anew; what shows words of the agent is not wordless again."""
        turn, lease = await begin(store)
        shown = (PostedPart(0, "m0", wordless=True), PostedPart(1, "m1"))
        for known in (shown, (PostedPart(0, "m0"), shown[1])):
            before = await store.advance(turn.turn_id, ANY, {"parts": known}, lease)
        if may_be:
            assert (await store.advance(turn.turn_id, ANY, {"parts": parts}, lease)).parts == parts
        else:
            with pytest.raises(ValueError, match="part"):
                await store.advance(turn.turn_id, ANY, {"parts": parts}, lease)
            assert await store.turn(turn.turn_id) == before

    async def test_a_stop_is_not_taken_back(self, store: Store) -> None:
        """Whatever else happens to the turn meanwhile."""
        turn, lease = await begin(store)
        await store.advance(turn.turn_id, ANY, {"stopping": Outcome.STOPPED}, lease)
        moved = await store.advance(turn.turn_id, ACCEPTED, {"state": TurnState.OPENING}, lease)
        assert moved.stopping is Outcome.STOPPED
        with pytest.raises(ValueError, match="stopped"):
            await store.advance(turn.turn_id, ANY, {"stopping": None}, lease)

    async def test_how_a_turn_ends_is_told_in_time(self, store: Store) -> None:
        """Not before it is answered, at its end at the latest; a turn that contradicts itself is not created."""
        turn, lease = await begin(store)
        with pytest.raises(ValueError, match="known"):
            await store.advance(turn.turn_id, ANY, {"state": TurnState.ASKED, "outcome": Outcome.FAILED}, lease)
        with pytest.raises(ValueError, match="how"):
            await store.advance(turn.turn_id, ANY, {"state": TurnState.ENDED}, lease)
        for wrong in (
            dataclasses.replace(make_turn("2"), state=TurnState.ENDED),
            dataclasses.replace(make_turn("2"), outcome=Outcome.FAILED),
        ):
            with pytest.raises(ValueError, match="end"):
                await store.create_turn(wrong)
        answered = {"state": TurnState.ANSWERED, "outcome": Outcome.DELIVERED}
        await store.advance(turn.turn_id, ANY, answered, lease)
        failed = await store.advance(turn.turn_id, ANY, {"state": TurnState.ENDED, "outcome": Outcome.FAILED}, lease)
        assert failed.outcome is Outcome.FAILED, "the answer was there, and could not be shown"


async def born(store: Store, state: TurnState, message: str = "1") -> TurnRecord:
    """Create a turn that stands in some state."""
    outcome = Outcome.DELIVERED if state in KNOWS_ITS_END else None
    turn = dataclasses.replace(make_turn(message, lane=LANE), state=state, outcome=outcome)
    assert await store.create_turn(turn)
    return turn
