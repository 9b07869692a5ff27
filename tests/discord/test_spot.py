"""Where an answer goes, from the envelope alone."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.discord.ids import MessageRef
from adapters.discord.settings import DiscordSettings
from adapters.discord.spot import Spot, fallen_back, spot_of
from bridge.model import Envelope, Place
from bridge.testing.fakes import envelope

CHANNEL, MESSAGE, THREAD = "31", "50", "40"


def settings(answer_in: Any) -> DiscordSettings:
    """Make settings."""
    return DiscordSettings(token="x", answer_in=answer_in)


def asked(channel: str = CHANNEL, thread: str | None = MESSAGE, private: bool = False) -> Envelope:
    """Make a question; ``channel`` is where the message really stands."""
    place = Place("d", "" if private else "1", channel if private else CHANNEL, thread, private=private)
    return replace(envelope(), delivery_key=f"d:{place.team}:{channel}:{MESSAGE}", message_id=MESSAGE, place=place)


@pytest.mark.parametrize("mode", ["thread", "place", "reply"])
def test_threads_and_private_conversations_are_answered_in_place(mode: str) -> None:
    """Whatever the settings say."""
    inside = spot_of(asked(THREAD, THREAD), settings(mode))
    assert (inside.channel, inside.thread, inside.replies, inside.shared) == (THREAD, "", False, False)
    private = spot_of(asked("60", None, private=True), settings(mode))
    assert (private.channel, private.thread, private.replies, private.shared) == ("60", "", False, False)


def test_a_question_in_a_channel_is_answered_as_the_settings_say() -> None:
    """In a thread with the question's id, in the channel, or there as a reply."""
    question = MessageRef("d", "1", CHANNEL, MESSAGE)
    assert spot_of(asked(), settings("thread")) == Spot(question, thread=MESSAGE)
    assert spot_of(asked(), settings("place")) == Spot(question, chained=True, shared=True)
    assert spot_of(asked(), settings("reply")) == Spot(question, replies=True, chained=True, shared=True)


def test_a_chain_in_a_channel_goes_on_there() -> None:
    """Also where new questions get threads."""
    spot = spot_of(asked(thread="20"), settings("thread"))
    assert (spot.channel, spot.thread, spot.replies) == (CHANNEL, "", True)


def test_without_a_thread_we_reply() -> None:
    """Where none may be begun."""
    spot = fallen_back(spot_of(asked(), settings("thread")))
    assert (spot.channel, spot.replies, spot.chained) == (CHANNEL, True, True)
