"""Keys and marks of messages lead back to what they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.ids import (
    MessageRef,
    action_id,
    delivery_key,
    hourglass_note,
    marked_part,
    parse_action_id,
    parse_delivery_key,
    parse_turn_id,
    part_metadata,
    ts_seconds,
)
from bridge.keys import turn_id
from bridge.model import ControlKind, TurnId

WORDS = st.text(max_size=12)


def test_a_delivery_key_reads_as_the_design_says() -> None:
    """Instance, team, channel and message, joined by colons."""
    assert delivery_key(MessageRef("slack", "T1", "C1", "1712.000100")) == "slack:T1:C1:1712.000100"


@given(st.builds(MessageRef, WORDS, WORDS, WORDS, WORDS))
def test_a_delivery_key_leads_back_to_its_message(ref: MessageRef) -> None:
    """Encoding and parsing are a round trip, whatever the instance is called."""
    assert parse_delivery_key(delivery_key(ref)) == ref
    assert hourglass_note(ref) != delivery_key(ref)


def test_a_key_of_somebody_else_is_refused() -> None:
    """Three components are no delivery key."""
    with pytest.raises(ValueError, match="four components"):
        parse_delivery_key("slack:T1:C1")


@given(WORDS, st.integers(0, 100))
def test_the_mark_of_a_part_leads_back_to_turn_and_index(turn: str, index: int) -> None:
    """Metadata written on a post are read back from the message."""
    assert marked_part({"metadata": part_metadata(TurnId(turn), index)}) == (turn, index)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "coze_turn",
        {"event_type": "deploy", "event_payload": {"turn": "t", "part": 0}},
        {"event_type": "coze_turn", "event_payload": None},
        {"event_type": "coze_turn", "event_payload": {"turn": "t"}},
        {"event_type": "coze_turn", "event_payload": {"turn": 1, "part": 0}},
    ],
)
def test_other_metadata_mark_no_part(metadata: object) -> None:
    """What is not exactly our mark belongs to somebody else."""
    assert marked_part({"metadata": metadata}) is None


def test_a_ts_is_unix_seconds() -> None:
    """The id of a message tells its time; what is no ts tells none."""
    assert ts_seconds("1700000000.000100") == pytest.approx(1_700_000_000.0001)
    assert ts_seconds("soon") == 0.0


@pytest.mark.parametrize("kind", list(ControlKind))
def test_the_name_of_a_button_leads_back_to_its_kind(kind: ControlKind) -> None:
    """And to the choice; names of other buttons to none."""
    assert parse_action_id(action_id(kind)) == (kind, 0)
    assert parse_action_id(action_id(kind, 2)) == (kind, 2)
    assert parse_action_id(action_id(kind) + ".x") is None
    assert parse_action_id(kind) is None
    assert parse_action_id(action_id(kind) + "s") is None


def test_only_turn_ids_are_turn_ids() -> None:
    """A button of somebody else carries what it likes."""
    known = turn_id("slack:T1:C1:1712.000100")
    assert parse_turn_id(known) == known
    assert parse_turn_id("turn-7") is None
