"""In-process agents and platforms, typed as the ports: for tests of the core, and as examples for adapter authors."""

from dataclasses import replace
from typing import Any

from bridge.model import Addressing, AnswerDelta, Author, ChatCompleted, ChatRef, ChatStarted, Envelope, Place, Usage
from bridge.testing.fake_agent import FakeAgent, Step
from bridge.testing.fake_platform import ANNOUNCED, FakeMessage, FakePlatform, FakeReply

__all__ = [
    "ANNOUNCED",
    "FakeAgent",
    "FakeMessage",
    "FakePlatform",
    "FakeReply",
    "Step",
    "command",
    "envelope",
    "spoken",
]


def envelope(
    text: str = "hello",
    *,
    number: int = 1,
    author: str = "U1",
    channel: str = "C1",
    thread: str | None = "root",
    addressing: Addressing = Addressing.MENTION,
    private: bool = False,
    inside_thread: bool = False,
    locale: str = "en",
) -> Envelope:
    """Make an envelope as a platform named ``fake`` would; ``number`` makes it another message."""
    return Envelope(
        delivery_key=f"fake:T1:{channel}:{number}",
        place=Place("fake", "T1", channel, thread, private=private),
        author=Author(author, name=f"name of {author}", locale=locale),
        message_id=str(number),
        text=text,
        addressing=addressing,
        sent_at_s=1_760_000_000.0 + number,
        inside_thread=inside_thread,
    )


def command(text: str = "!help", *, number: int = 1, **more: Any) -> Envelope:
    """Make a command as it is given to the platform, without a message."""
    given = envelope(text, number=number, **{"thread": None, **more})
    return replace(given, delivery_key=f"fake:T1:trigger:{number}", message_id="", command=True)


def spoken(*texts: str, chat_id: str = "chat-1") -> list[Step]:
    """Script an ordinary answer in one message."""
    deltas: list[Step] = [AnswerDelta("m1", text) for text in texts]
    return [ChatStarted(ChatRef("", chat_id)), *deltas, ChatCompleted(Usage(1, 2, 3))]
