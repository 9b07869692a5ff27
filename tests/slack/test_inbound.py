"""Which events become questions, and how they read. The recorded events stand in tests/payloads/slack."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.inbound import Identity, InboundRules, Withdrawal, language_of, parse_event
from bridge.model import Addressing, Attachment, Author, Envelope, Place

US = Identity("T1", "U0BOT", "B0BOT")
RULES = InboundRules("work")
TS = "1700000000.000100"
Read = Callable[[str], dict[str, Any]]


def question(body: dict[str, Any], rules: InboundRules = RULES) -> Envelope:
    """Parse what must be a question."""
    parsed = parse_event(body, rules, US)
    assert isinstance(parsed, Envelope)
    return parsed


def test_a_mention_becomes_a_question(payload: Read) -> None:
    """Place, author, words, key and time of a mention at the top of a channel."""
    assert question(payload("app_mention")) == Envelope(
        delivery_key=f"work:T1:C1:{TS}",
        place=Place("work", "T1", "C1", TS),
        author=Author("U1"),
        message_id=TS,
        text="hello",
        addressing=Addressing.MENTION,
        sent_at_s=1_700_000_000.0001,
    )


def test_both_events_of_a_mention_are_the_same_question(payload: Read) -> None:
    """Whichever comes first wins, because nothing tells them apart."""
    assert question(payload("app_mention")) == question(payload("message_of_a_mention"))


def test_a_mention_in_a_thread_stays_there(payload: Read) -> None:
    """The place is the thread's root, and earlier messages exist."""
    envelope = question(payload("mention_in_thread"))
    assert envelope.place.thread == TS
    assert envelope.inside_thread
    assert envelope.message_id == "1700000050.000100"


def test_a_reply_without_a_mention_is_a_follow_up(payload: Read) -> None:
    """Replies are passed on with their words unescaped; the core knows whether the thread is ours."""
    envelope = question(payload("message_in_thread"))
    assert (envelope.addressing, envelope.text) == (Addressing.FOLLOW_UP, "go on & on")
    assert question(payload("thread_broadcast")).addressing is Addressing.FOLLOW_UP


def test_follow_ups_can_be_switched_off(payload: Read) -> None:
    """Then only mentions count in channels."""
    rules = InboundRules("work", follow_threads=False)
    assert parse_event(payload("message_in_thread"), rules, US) is None
    assert question(payload("mention_in_thread"), rules).text == "and now?"


def test_a_direct_message_begins_a_thread_of_its_own(payload: Read) -> None:
    """As in apps with agent view."""
    envelope = question(payload("direct_message"))
    assert (envelope.addressing, envelope.text) == (Addressing.DIRECT, "hi")
    assert envelope.place == Place("work", "T1", "D1", TS, private=True)


def test_direct_messages_can_share_the_channel(payload: Read) -> None:
    """Then the channel itself is the place, unless somebody writes in a thread."""
    rules = InboundRules("work", thread_private=False)
    assert question(payload("direct_message"), rules).place.thread is None
    assert question(payload("direct_message_in_assistant_thread"), rules).place.thread == TS


def test_a_direct_message_in_a_thread_goes_on_there(payload: Read) -> None:
    """Both views of AI apps write into threads."""
    envelope = question(payload("direct_message_in_assistant_thread"))
    assert envelope.place.thread == TS
    assert envelope.inside_thread


def test_files_come_along(payload: Read) -> None:
    """Bytes that exist have an address; a deleted file is none."""
    assert question(payload("file_share")).attachments == (
        Attachment("F1", "cat.png", "image/png", 4242, "https://files.slack.com/files-pri/T1-F1/download/cat.png"),
        Attachment("F3", "plan.doc", "application/msword", 7, ""),
    )


def test_a_file_without_words_is_a_question_too(payload: Read) -> None:
    """The core tells its author what to do."""
    envelope = question(payload("file_without_words"))
    assert envelope.text == ""
    assert len(envelope.attachments) == 1


def test_somebody_of_another_organisation_asks_in_our_installation(payload: Read) -> None:
    """On shared channels the team is the one our token belongs to, not the outer id."""
    envelope = question(payload("shared_channel"))
    assert envelope.place.team == "T1"
    assert (envelope.author.id, envelope.text) == ("W7", "hello from next door")


@pytest.mark.parametrize(
    "name",
    [
        "message_in_channel",
        "group_direct_message",
        "own_post",
        "other_bot",
        "other_modern_bot_in_thread",
        "workflow_mention",
        "edit",
        "channel_join",
        "slackbot",
        "assistant_thread_started",
        "app_home_opened",
        "reaction_added",
        "app_rate_limited",
    ],
)
def test_what_is_no_question_ends_here(payload: Read, name: str) -> None:
    """Chatter, our own posts, other bots, edits, joins and everything else."""
    assert parse_event(payload(name), RULES, US) is None


def test_other_bots_are_answered_only_when_allowed_and_only_when_they_mention_us(payload: Read) -> None:
    """A bot that follows a bot's thread would never stop."""
    rules = InboundRules("work", answer_bots=True)
    assert question(payload("other_bot"), rules).author == Author("B9", "deployer")
    assert question(payload("workflow_mention"), rules).text == "what is new?"
    assert parse_event(payload("other_modern_bot_in_thread"), rules, US) is None
    assert parse_event(payload("own_post"), rules, US) is None


def test_slash_me_is_a_message(payload: Read) -> None:
    """The subtype me_message is somebody speaking."""
    assert question(payload("me_message")).text == "waves"


@pytest.mark.parametrize("name", ["deletion", "deletion_of_root"])
def test_a_deleted_question_is_withdrawn(payload: Read, name: str) -> None:
    """Both shapes of a deletion name the question's key."""
    assert parse_event(payload(name), RULES, US) == Withdrawal(f"work:T1:C1:{TS}")


def test_a_mention_without_words_is_still_addressed_to_us(payload: Read) -> None:
    """The core answers it; elsewhere an empty message is nothing."""
    body = payload("app_mention")
    body["event"]["text"] = "<@U0BOT>"
    assert question(body).text == ""
    body = payload("direct_message")
    body["event"]["text"] = " "
    assert parse_event(body, RULES, US) is None


@pytest.mark.parametrize("missing", ["channel", "ts", "user"])
def test_an_event_without_the_essentials_is_nothing(payload: Read, missing: str) -> None:
    """A mention made by nobody, nowhere or never cannot be answered."""
    body = payload("app_mention")
    del body["event"][missing]
    assert parse_event(body, RULES, US) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["type", "subtype", "user", "bot_id", "text", "ts", "thread_ts", "channel", "files", "message", "hidden"]
EVENTS = st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["message", "app_mention", "message_deleted"]))


@given(EVENTS, JSON)
def test_no_shape_of_an_event_breaks_the_parser(event: dict[str, Any], authorizations: Any) -> None:
    """Whatever arrives is parsed or ignored."""
    parse_event({"type": "event_callback", "event": event, "authorizations": authorizations}, RULES, US)


@pytest.mark.parametrize(
    ("locale", "language"),
    [("en-US", "en"), ("zh-CN", "zh"), ("zh-TW", "zh"), ("zh_Hant", "zh"), ("de", "de"), ("", ""), ("x1", "")],
)
def test_a_locale_is_shortened_to_its_language(locale: str, language: str) -> None:
    """The core speaks languages, not regions."""
    assert language_of(locale) == language
