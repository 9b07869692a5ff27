"""Records as JSON text."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import RECORD_VERSION, Conversation, Outcome, PostedPart, TurnRecord, TurnState
from bridge.stores.layout import ended_name, parse_ended_name
from bridge.stores.records import LiveTurn, Note, UnreadableRecord, decode, encode, storable
from bridge.testing.samples import make_conversation, make_turn

FULL_TURN = dataclasses.replace(
    make_turn("1", text="早上好 \u2028 \x00 🌅"),
    state=TurnState.DELIVERING,
    parts=(PostedPart(0, "m0"), PostedPart(1, "m1")),
    answer='"quoted"\n```\ncode',
    outcome=Outcome.DELIVERED,
    updated_at_s=1_760_000_000.123456,
)


@pytest.mark.parametrize("record", [FULL_TURN, make_conversation(), Note("a", "b"), LiveTurn(7, FULL_TURN)])
def test_records_come_back_as_they_were(record: object) -> None:
    """Encoding and decoding is a round trip, and a storable record stays as it is."""
    assert decode(encode(record), type(record)) == record
    assert storable(record) == record


@given(text=st.text(st.characters()))
def test_any_text_can_be_stored(text: str) -> None:
    """What can be encoded is kept exactly; half a surrogate pair becomes U+FFFD, a whole one its character."""
    turn = storable(dataclasses.replace(FULL_TURN, answer=text))
    assert decode(encode(turn), TurnRecord) == turn
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert turn.answer == text


@pytest.mark.parametrize(
    ("text", "stored"), [("a\ud83cb", "a\ufffdb"), ("\udf05", "\ufffd"), ("\ud83c\udf05", "🌅")], ids=ascii
)
def test_surrogates(text: str, stored: str) -> None:
    """Lone ones are replaced, pairs are joined."""
    assert storable(Note("name", text)).value == stored


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"answer": 5}, "str"),
        ({"parts": "x"}, "array"),
        ({"created_at_s": float("nan")}, "float"),
        ({"v": 2}, "version"),
    ],
    ids=["answer", "parts", "time", "version"],
)
def test_wrong_records_are_our_mistake(changes: dict[str, object], expected: str) -> None:
    """A record that could not be read back is refused before it is written."""
    with pytest.raises(ValueError, match=expected):
        storable(dataclasses.replace(FULL_TURN, **changes))  # type: ignore[arg-type]  # wrong on purpose


def test_what_json_cannot_say_is_our_mistake() -> None:
    """An object that has no JSON form is refused as well."""
    with pytest.raises(ValueError, match="cannot be stored"):
        storable(dataclasses.replace(FULL_TURN, answer=object()))  # type: ignore[arg-type]  # wrong on purpose


def test_a_newer_version_is_refused() -> None:
    """The sentence says that a newer bridge wrote it."""
    newer = json.dumps({"v": RECORD_VERSION + 1, "everything": "different"})
    with pytest.raises(UnreadableRecord, match="a newer bridge wrote it"):
        decode(newer, Conversation)


def test_unknown_fields_are_lost_and_missing_ones_have_their_defaults() -> None:
    """So a release may add fields without a new version, and the one before it still reads the file."""
    fields = json.loads(encode(FULL_TURN))
    del fields["reason"]
    assert decode(json.dumps({**fields, "colour": "red"}), TurnRecord) == FULL_TURN


@given(st.floats(0, 1e11))
def test_the_names_of_ended_turns_tell_their_time_exactly(changed_at_s: float) -> None:
    """The row's name is parsed back to the same number."""
    turn = make_turn("1")
    assert parse_ended_name(ended_name(turn.turn_id, changed_at_s)) == (turn.turn_id, changed_at_s)
