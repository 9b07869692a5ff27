"""Plausible records for tests."""

from bridge.keys import turn_id
from bridge.model import (
    Addressing,
    Attachment,
    Author,
    Conversation,
    ConversationKey,
    Envelope,
    Place,
    TurnRecord,
)
from bridge.testing.clock import START_WALL_S


def make_envelope(message: str = "1", *, text: str = "Good morning, 早上好 🌅", instance: str = "here") -> Envelope:
    """Return a question whose delivery key ends in ``message``."""
    return Envelope(
        delivery_key=f"{instance}:T1:C1:{message}",
        place=Place(instance, "T1", "C1", thread=message, channel_name="general"),
        author=Author("U1", "Ada", "en", roles=("R1", "R2")),
        message_id=message,
        text=text,
        addressing=Addressing.MENTION,
        sent_at_s=START_WALL_S - 0.25,
        attachments=(Attachment("F1", "notes.txt", "text/plain", 12, "https://files.example/F1"),),
    )


def make_turn(
    message: str = "1", *, lane: str = "here:T1:C1:1", created_at_s: float = START_WALL_S, text: str = "Good morning 早"
) -> TurnRecord:
    """Return the accepted turn of the question ``message``."""
    envelope = make_envelope(message, text=text)
    return TurnRecord(
        turn_id=turn_id(envelope.delivery_key),
        key=ConversationKey(lane),
        envelope=envelope,
        created_at_s=created_at_s,
    )


def make_conversation(key: str = "here:T1:C1:1", *, conversation_id: str = "7300000000000000001") -> Conversation:
    """Return where ``key`` leads."""
    return Conversation(ConversationKey(key), conversation_id, "default", "B1", START_WALL_S, START_WALL_S)
