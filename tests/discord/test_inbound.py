"""Which events become questions, and how they read. The recorded events stand in tests/payloads/discord."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.inbound import (
    Channel,
    ChannelKind,
    Identity,
    InboundRules,
    Unheard,
    ancestors,
    in_chain,
    is_spoken,
    language_of,
    parse_deletion,
    parse_message,
)
from adapters.discord.readable import KnownNames
from bridge.model import Addressing, Attachment, Author, Envelope, Place

BOT, ANN, BOB = "1200000000000000001", "1200000000000000002", "1200000000000000003"
GUILD, GENERAL, DM = "1300000000000000001", "1310000000000000001", "1310000000000000099"
FORUM, POST = "1310000000000000015", "1500000000000000200"
MESSAGE = THREAD_ID = "1500000000000000100"
US = Identity(BOT)
DEAF = Identity(BOT, reads_content=False)
RULES = InboundRules("disco")
TEXT = Channel(GENERAL, ChannelKind.TEXT, "general", locale="zh-CN", own_role="1400000000000000009")
THREAD = Channel(THREAD_ID, ChannelKind.PUBLIC_THREAD, "hello", parent=GENERAL, parent_name="general")
POSTED = Channel(POST, ChannelKind.PUBLIC_THREAD, "reset", FORUM, "help", ChannelKind.FORUM)
NAMES = KnownNames({GENERAL: "general"}, {"1400000000000000002": "Staff"})
Read = Callable[[str], dict[str, Any]]


def parse(
    message: dict[str, Any], channel: Channel | None = TEXT, rules: InboundRules = RULES, us: Identity = US
) -> Envelope | Unheard | None:
    """Parse one message."""
    return parse_message(message, channel, rules, us, NAMES)


def question(
    message: dict[str, Any], channel: Channel | None = TEXT, rules: InboundRules = RULES, us: Identity = US
) -> Envelope:
    """Parse what must be a question."""
    parsed = parse(message, channel, rules, us)
    assert isinstance(parsed, Envelope)
    return parsed


def test_a_mention_becomes_a_question(payload: Read) -> None:
    """Place, author with name, language and roles, words, key and time of a mention in a channel."""
    assert question(payload("mention")) == Envelope(
        delivery_key=f"disco:{GUILD}:{GENERAL}:{MESSAGE}",
        place=Place("disco", GUILD, GENERAL, MESSAGE, channel_name="general"),
        author=Author(ANN, "Annie", "zh", ("1400000000000000001",)),
        message_id=MESSAGE,
        text="hello",
        addressing=Addressing.MENTION,
        sent_at_s=1_777_698_268.652,
    )


def test_a_direct_message_needs_no_mention(payload: Read) -> None:
    """The channel is the conversation."""
    envelope = question(payload("direct_message"), None)
    assert envelope.place == Place("disco", "", DM, None, private=True)
    assert (envelope.addressing, envelope.text, envelope.author.name) == (Addressing.DIRECT, "hi", "Ann")
    assert envelope.delivery_key == f"disco::{DM}:{MESSAGE}"
    assert not envelope.inside_thread


def test_a_question_and_its_thread_are_one_place(payload: Read) -> None:
    """A thread begun from a message has its id, so the follow-up finds the conversation."""
    first, then = question(payload("mention")), question(payload("message_in_thread"), THREAD)
    assert (first.place.channel, first.place.thread) == (then.place.channel, then.place.thread)
    assert (then.addressing, then.inside_thread) == (Addressing.FOLLOW_UP, True)
    assert then.delivery_key == f"disco:{GUILD}:{THREAD_ID}:1500000000000000101"
    assert question(payload("mention_in_thread"), THREAD).text == "and now?"


def test_follow_ups_can_be_switched_off(payload: Read) -> None:
    """Then only mentions count in threads."""
    rules = InboundRules("disco", follow_threads=False)
    assert parse(payload("message_in_thread"), THREAD, rules) is None
    assert question(payload("mention_in_thread"), THREAD, rules).addressing is Addressing.MENTION


@pytest.mark.parametrize("name", ["reply_to_us", "reply_to_us_without_ping"])
def test_a_reply_to_us_names_us(payload: Read, name: str) -> None:
    """With the ping or without; what led to it may be read."""
    envelope = question(payload(name))
    assert (envelope.addressing, envelope.text, envelope.inside_thread) == (Addressing.MENTION, "and then?", True)
    assert ancestors(payload(name)) == ("1500000000000000090", "1500000000000000080")


def test_a_reply_chain_is_one_place(payload: Read) -> None:
    """Its root takes the place of a thread."""
    envelope = in_chain(question(payload("reply_to_us")), "1500000000000000080")
    assert envelope.place.thread == "1500000000000000080"
    assert in_chain(envelope, "") == envelope


def test_a_mention_in_a_reply_to_somebody_else_is_a_question(payload: Read) -> None:
    """With an ancestor, even one that was deleted; without a mention it is chatter."""
    assert question(payload("mention_in_reply_to_somebody")).text == "is that true?"
    assert ancestors(payload("mention_in_reply_to_somebody")) == ("1500000000000000091",)
    assert ancestors(payload("reply_to_deleted")) == ("1500000000000000070",)
    assert parse(payload("reply_to_somebody")) is None


def test_only_configured_forums_answer_posts_by_themselves(payload: Read) -> None:
    """The first message of a post; what follows is a follow-up like in any thread."""
    rules = InboundRules("disco", forums=frozenset({FORUM}))
    envelope = question(payload("forum_post"), POSTED, rules)
    assert (envelope.addressing, envelope.inside_thread) == (Addressing.MENTION, False)
    assert (envelope.place.channel, envelope.place.thread) == (FORUM, POST)
    assert question(payload("later_in_forum_post"), POSTED, rules).addressing is Addressing.FOLLOW_UP
    assert question(payload("forum_post"), POSTED).addressing is Addressing.FOLLOW_UP


def test_without_the_intent_words_are_kept_from_us(payload: Read) -> None:
    """Unheard where it concerns us, nothing elsewhere; mentions and direct messages are heard as ever."""
    joined = replace(THREAD, joined=True)
    assert isinstance(parse(payload("without_content"), joined, us=DEAF), Unheard)
    assert parse(payload("without_content"), THREAD, us=DEAF) is None
    rules = InboundRules("disco", forums=frozenset({FORUM}))
    assert isinstance(parse(payload("forum_post"), POSTED, rules, DEAF), Unheard)
    silent = payload("reply_to_us_without_ping") | {"content": ""}
    assert isinstance(parse(silent, us=DEAF), Unheard)
    assert question(payload("mention"), us=DEAF).text == "hello"
    assert question(payload("reply_to_us"), us=DEAF).text == "and then?"
    assert question(payload("direct_message"), None, us=DEAF).text == "hi"


def test_our_role_is_taken_for_us(payload: Read) -> None:
    """People often choose the role of the bot's name in the bot's place."""
    assert question(payload("role_mention")).text == "hello"
    assert parse(payload("role_mention"), replace(TEXT, own_role="")) is None


def test_markup_becomes_readable(payload: Read) -> None:
    """People, channels, roles, emoji, times and commands by their names."""
    assert question(payload("markup")).text == (
        "ask @Bobby in #general about @Staff :smile: :party: at 2023-11-14 22:13 UTC, /ask"
    )


def test_files_come_along(payload: Read) -> None:
    """With the address Discord signed; a file without words is a question too."""
    assert question(payload("files")).attachments == (
        Attachment(
            "1400000000000000010",
            "cat.png",
            "image/png",
            4242,
            "https://cdn.discordapp.com/attachments/1/2/cat.png?ex=1&is=2&hm=3",
        ),
        Attachment("1400000000000000011", "a.txt", "text/plain", 3, "https://cdn.discordapp.com/attachments/1/2/a.txt"),
    )
    assert len(question(payload("file_without_words"), None).attachments) == 1


def test_a_forwarded_message_is_read(payload: Read) -> None:
    """Its words stand in a snapshot, and it is no reply."""
    envelope = question(payload("forward"), None)
    assert envelope.text == "I think so"
    assert ancestors(payload("forward")) == ()


@pytest.mark.parametrize(
    "name",
    [
        *("message_in_channel", "everyone", "own_post", "other_bot", "webhook", "join", "thread_starter"),
        *("slash_command_answer", "automod", "reply_to_somebody"),
    ],
)
def test_what_is_no_question_ends_here(payload: Read, name: str) -> None:
    """Chatter, our own posts, bots, webhooks, system messages."""
    assert parse(payload(name), THREAD if name == "thread_starter" else TEXT) is None


def test_a_mention_without_words_is_still_addressed_to_us(payload: Read) -> None:
    """The core answers it; elsewhere an empty message is nothing."""
    assert question(payload("mention") | {"content": f"<@{BOT}>"}).text == ""
    assert parse(payload("direct_message") | {"content": " "}, None) is None


def test_deleted_questions_are_named(payload: Read) -> None:
    """One or many, on servers and in private."""
    assert parse_deletion(payload("deletion"), "disco") == [f"disco:{GUILD}:{GENERAL}:{MESSAGE}"]
    assert parse_deletion(payload("direct_deletion"), "disco") == [f"disco::{DM}:{MESSAGE}"]
    assert len(parse_deletion(payload("bulk_deletion"), "disco")) == 2
    assert parse_deletion({}, "disco") == []


@pytest.mark.parametrize("missing", ["id", "channel_id", "author", "type"])
def test_a_message_without_the_essentials_is_nothing(payload: Read, missing: str) -> None:
    """Written by nobody, nowhere or never."""
    message = payload("mention")
    del message[missing]
    assert parse(message) is None


def test_a_message_on_a_server_needs_its_channel(payload: Read) -> None:
    """Without it nobody knows whether it stands in a thread."""
    assert parse(payload("mention"), None) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    *("id", "channel_id", "guild_id", "type", "content", "author", "member", "mentions", "mention_roles", "ids"),
    *("message_reference", "referenced_message", "attachments", "message_snapshots", "webhook_id"),
]
MESSAGES = st.dictionaries(
    st.sampled_from(KEYS), JSON | st.just({"id": ANN, "message_id": "1", "message": {"content": "x"}})
).map(lambda message: {"id": MESSAGE, "channel_id": GENERAL, "type": 0, "author": {"id": ANN}} | message)


@given(MESSAGES, st.sampled_from([None, TEXT, THREAD]))
def test_no_shape_of_a_message_breaks_the_parser(message: dict[str, Any], channel: Channel | None) -> None:
    """Whatever arrives is parsed or ignored."""
    is_spoken(message, US)
    ancestors(message)
    parse(message, channel)
    parse_deletion(message, "disco")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("en-US", "en"), ("zh-CN", "zh"), ("zh-TW", "zh"), ("de", "de"), ("", ""), ("x1", "")],
)
def test_a_locale_is_shortened_to_its_language(locale: str, language: str) -> None:
    """The core speaks languages, not regions."""
    assert language_of(locale) == language
