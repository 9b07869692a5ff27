"""Keys and marks of messages lead back to what they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import limits
from adapters.discord.ids import (
    MessageRef,
    delivery_key,
    hint_note,
    hourglass_note,
    notice_nonce,
    parse_delivery_key,
    part_nonce,
    root_note,
    sent_at_s,
)
from bridge.model import TurnId

WORDS = st.text(max_size=12)
TURN = TurnId("abcdefghijklmnop")


def test_a_delivery_key_reads_as_the_design_says() -> None:
    """Instance, guild, channel and message, joined by colons; no guild in private."""
    assert delivery_key(MessageRef("discord", "1", "2", "3")) == "discord:1:2:3"
    assert delivery_key(MessageRef("discord", "", "2", "3")) == "discord::2:3"


@given(st.builds(MessageRef, WORDS, WORDS, WORDS, WORDS))
def test_a_delivery_key_leads_back_to_its_message(ref: MessageRef) -> None:
    """Encoding and parsing are a round trip, whatever the instance is called."""
    assert parse_delivery_key(delivery_key(ref)) == ref
    assert parse_delivery_key(f"{delivery_key(ref)}:retry:retry") == ref, "asked again, and again"
    notes = {hourglass_note(ref), root_note(ref.instance, ref.channel, ref.message)}
    notes.add(hint_note(ref.instance, ref.channel, ref.message))
    assert len(notes | {delivery_key(ref)}) == 4


def test_a_key_of_somebody_else_is_refused() -> None:
    """Three components are no delivery key."""
    with pytest.raises(ValueError, match="at least four components"):
        parse_delivery_key("discord:1:2")


@given(st.integers(0, 999), st.integers(0, 99), st.text())
def test_names_of_messages_fit(index: int, edition: int, text: str) -> None:
    """Discord takes 25 characters; every part, edition and sentence has a name of its own."""
    assert len(part_nonce(TURN, index, edition)) <= limits.NONCE_CHARS
    assert len(notice_nonce(TURN, text)) <= limits.NONCE_CHARS
    assert part_nonce(TURN, index, edition) != part_nonce(TURN, index, edition + 1)
    assert part_nonce(TURN, index) == f"{TURN}.{index}"


def test_an_id_tells_its_time() -> None:
    """A snowflake's upper bits are milliseconds since 2015; what is none tells no time."""
    assert sent_at_s("175928847299117063") == pytest.approx(1_462_015_105.796)
    assert sent_at_s("soon") == 0.0
