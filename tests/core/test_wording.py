"""What the agent reads."""

from dataclasses import replace

from bridge.model import ContextMessage, EarlierMessage
from bridge.testing.fakes import envelope
from bridge.turns.wording import extend_history, read_history, word_earlier, word_question, word_variables


def test_the_author_is_named_where_several_people_talk() -> None:
    """In private there is nobody to tell apart."""
    assert word_question(envelope(" hi "), name_author=True) == "name of U1: hi"
    assert word_question(envelope("hi"), name_author=False) == "hi"
    assert word_question(envelope("hi", private=True), name_author=True) == "hi"


def test_variables_are_templates() -> None:
    """Places are filled, constants stay."""
    message = envelope()
    message = replace(message, place=replace(message.place, channel_name="general"))
    templates = {
        "user": "{author_name}",
        "where": "{platform}/{channel} ({channel_id})",
        "tone": "kind",
        "l": "{locale}",
    }
    assert word_variables(templates, message, "zh") == {
        "user": "name of U1",
        "where": "fake/general (C1)",
        "tone": "kind",
        "l": "zh",
    }


def test_earlier_messages_are_the_newest_that_fit() -> None:
    """Oldest first, ours as the assistant's, empty ones left out."""
    earlier = [
        EarlierMessage("Ann", "a" * 50),
        EarlierMessage("Ann", " "),
        EarlierMessage("", "what?"),
        EarlierMessage("bot", "this", ours=True),
    ]
    assert word_earlier(earlier, 20) == (ContextMessage("user", "what?"), ContextMessage("assistant", "this"))


def test_a_history_of_our_own_stays_bounded() -> None:
    """For agents that remember nothing: the newest exchanges, within the limit."""
    history = None
    for number in range(100):
        history = extend_history(history, f"question {number}", f"answer {number}", 200)
    kept = read_history(history)
    assert kept[-1] == ContextMessage("assistant", "answer 99")
    assert sum(len(message.text) for message in kept) <= 200
    assert read_history(None) == ()
