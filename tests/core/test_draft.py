"""Folding an agent's events into the answer so far."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.draft import Change, Draft
from bridge.model import (
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    FollowUp,
    ReasoningDelta,
    ToolActivity,
    Usage,
)

texts = st.text(alphabet="ab \n字", max_size=6)
deltas = st.builds(AnswerDelta, st.sampled_from(["m1", "m2", "m3"]), texts)
completions = st.builds(AnswerCompleted, st.sampled_from(["m1", "m2", "m3"]), texts)


@given(st.lists(st.one_of(deltas, completions)), st.data())
def test_what_is_taken_adds_up_to_the_text(events: list[AnswerDelta | AnswerCompleted], data: st.DataObject) -> None:
    """Whatever comes in whatever order, a reader who applies every change sees the whole text."""
    draft, seen = Draft(), ""
    for event in events:
        draft.apply(event)
        if data.draw(st.booleans()) and (change := draft.take()):
            seen = change.text if change.replaces else seen + change.text
    if change := draft.take():
        seen = change.text if change.replaces else seen + change.text
    assert seen == draft.text
    assert draft.take() is None


def test_the_completed_text_is_not_appended_to_its_deltas() -> None:
    """The usual end of a message changes nothing."""
    draft = Draft()
    assert draft.apply(AnswerDelta("m1", "Hel"))
    assert draft.apply(AnswerDelta("m1", "lo"))
    assert not draft.apply(AnswerCompleted("m1", "Hello"))
    assert draft.text == "Hello"


def test_the_completed_text_is_the_truth() -> None:
    """Where it differs it replaces; where it goes on it appends."""
    draft = Draft()
    draft.apply(AnswerDelta("m1", "Helo"))
    assert draft.take() == Change("Helo")
    assert draft.apply(AnswerCompleted("m1", "Hello"))
    assert draft.take() == Change("Hello", replaces=True)
    draft.apply(AnswerCompleted("m1", "Hello there"))
    assert draft.take() == Change(" there")


def test_a_message_that_was_emptied_comes_back_with_its_separator() -> None:
    """Completed as nothing, then written to again: what is taken is still what the text says."""
    draft = Draft()
    for event in (AnswerDelta("m1", "a"), AnswerDelta("m2", "b"), AnswerCompleted("m2", "")):
        draft.apply(event)
    assert draft.take() == Change("a", replaces=True)
    draft.apply(AnswerDelta("m2", "c"))
    assert draft.take() == Change("a\n\nc", replaces=True)


def test_several_answers_are_joined_by_a_blank_line_in_order_of_appearance() -> None:
    """Text is kept per message id, also when messages take turns."""
    draft = Draft()
    for event in (AnswerDelta("m1", "one"), AnswerDelta("m2", "two"), AnswerDelta("m1", "!")):
        draft.apply(event)
    assert draft.text == "one!\n\ntwo"


def test_what_is_not_the_answer_stays_out_of_it() -> None:
    """Thinking, tools and suggestions are kept apart."""
    draft = Draft()
    chat = ChatRef("c", "1")
    for event in (
        ChatStarted(chat, "s"),
        ReasoningDelta("m1", "hm"),
        ToolActivity("function_call", "search"),
        FollowUp("And then?"),
        ChatCompleted(Usage(1, 2, 3)),
    ):
        assert not draft.apply(event)
    assert draft.is_empty
    assert draft.text == ""
    assert (draft.chat, draft.section_id, draft.tools, draft.follow_ups) == (chat, "s", ["search"], ["And then?"])
    assert (draft.reasoning_chars, draft.usage) == (2, Usage(1, 2, 3))


def test_white_space_alone_is_an_empty_answer() -> None:
    """Nothing that a person could read."""
    draft = Draft()
    draft.apply(AnswerDelta("m1", " \n"))
    assert draft.is_empty
