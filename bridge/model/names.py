"""Names of conversations and turns, and what shares a conversation."""

from enum import StrEnum
from typing import NewType

ConversationKey = NewType("ConversationKey", str)
"""Our name of a conversation: adapter instance, team, channel, thread or user. Also the name of its lane."""

TurnId = NewType("TurnId", str)
"""16 base32 characters of the SHA-256 of a delivery key."""

RECORD_VERSION = 1


class OnBusy(StrEnum):
    """What becomes of a question that comes while its conversation is busy with another one of the same person."""

    QUEUE = "queue"
    """It waits and is answered next."""
    INTERRUPT = "interrupt"
    """The running answer is cut for it."""
    MERGE = "merge"
    """What has gathered when the running answer has ended is answered together."""


class Scope(StrEnum):
    """What shares one agent conversation: a thread, a whole channel, or one person wherever she writes."""

    THREAD = "thread"
    CHANNEL = "channel"
    USER = "user"
