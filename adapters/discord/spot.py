"""Where the answer to a question goes, told from its envelope alone (pure).

A question inside a thread or a direct conversation is answered there. One in a channel is answered in a thread that is
begun from it, or in the channel: which one the settings say, but a reply chain that was answered in the channel goes
on there.
"""

from dataclasses import dataclass

from adapters.discord.ids import MessageRef, parse_delivery_key
from adapters.discord.settings import DiscordSettings
from bridge.model import Envelope


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a question stands and where its answer belongs.

    Attributes:
        question: The question's own message.
        thread: The thread to begin from the question, which has the question's id; empty for none.
        replies: The answer replies to the question.
        chained: The answer continues a reply chain whose root is worth remembering.
        shared: Others are answered in the same channel at the same time, so its messages alone do not tell whose
            they are.
    """

    question: MessageRef
    thread: str = ""
    replies: bool = False
    chained: bool = False
    shared: bool = False

    @property
    def channel(self) -> str:
        """The channel or thread in which the answer is meant to stand."""
        return self.thread or self.question.channel


def spot_of(envelope: Envelope, settings: DiscordSettings) -> Spot:
    """Find out where an answer belongs."""
    question = parse_delivery_key(envelope.delivery_key)
    place = envelope.place
    if place.private or question.channel != place.channel:
        return Spot(question)
    if settings.answer_in == "thread" and place.thread == envelope.message_id:
        return Spot(question, thread=question.message)
    return Spot(question, replies=settings.answer_in != "place", chained=True, shared=True)


def fallen_back(spot: Spot) -> Spot:
    """Return the spot for the case that no thread can be begun: a reply in the channel."""
    return Spot(spot.question, replies=True, chained=True, shared=True)
