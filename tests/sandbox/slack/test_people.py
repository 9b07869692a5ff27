"""What people do, and which events come of it."""

from typing import Any

import pytest

from sandbox.slack import FileUpload, SlackEmulator


@pytest.fixture
async def listening(slack: SlackEmulator) -> list[dict[str, Any]]:
    """The events the app is sent, taken before any transport."""
    caught: list[dict[str, Any]] = []
    slack.service.delivery.watch(lambda outgoing: caught.append(outgoing.payload))
    return caught


def kinds(listening: list[dict[str, Any]]) -> list[str]:
    """Name the events by type and subtype."""
    return [".".join(filter(None, (b["event"]["type"], b["event"].get("subtype")))) for b in listening]


async def test_words_arrive_escaped_and_mentions_alive(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """What is typed is escaped, links get brackets, mentions stay; people read what was typed."""
    ts = slack.say("ann", "C1", "<@U0BOT> a < b & c https://x.example/?a=1&b=2")
    text = listening[0]["event"]["text"]
    assert text == "<@U0BOT> a &lt; b &amp; c <https://x.example/?a=1&amp;b=2>"
    elements = listening[0]["event"]["blocks"][0]["elements"][0]["elements"]
    assert elements[0] == {"type": "user", "user_id": "U0BOT"}
    assert slack.shown_text("C1", ts).startswith("<@U0BOT> a ")


@pytest.mark.parametrize("mention_first", [True, False])
async def test_either_of_a_mentions_events_may_come_first(
    slack: SlackEmulator, listening: list[dict[str, Any]], mention_first: bool
) -> None:
    """The switch decides, without it the seed."""
    slack.switches.mention_first = mention_first
    slack.mention("ann", "C1", "hi")
    assert kinds(listening) == (["app_mention", "message"] if mention_first else ["message", "app_mention"])


async def test_direct_messages_are_never_mentions(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """A mention in a DM is just a message; in a group DM it is both."""
    slack.mention("ann", slack.open_dm("ann"), "hi")
    assert [body["event"]["channel_type"] for body in listening] == ["im"]
    slack.mention("ann", slack.open_dm("ann", "bob"), "hi")
    assert sorted(kinds(listening[1:])) == ["app_mention", "message"]


async def test_a_mention_where_the_bot_is_not(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """Only app_mention comes from a channel the bot has not joined, or nothing at all by switch."""
    slack.add_channel("outside", channel_id="COUT", with_bot=False)
    slack.mention("ann", "COUT", "hi")
    assert kinds(listening) == ["app_mention"]
    slack.switches.mention_reaches_non_members = False
    slack.mention("ann", "COUT", "hi")
    assert len(listening) == 1


async def test_subscriptions_and_scopes_decide(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """An app hears only what it subscribed to and may read."""
    slack.add_app(events=["app_mention"])
    slack.mention("ann", "C1", "hi")
    assert kinds(listening) == ["app_mention"]
    slack.add_app(events=["message.channels", "app_mention"], scopes=["channels:history"])
    slack.mention("ann", "C1", "hi")
    assert kinds(listening)[1:] == ["message"]


async def test_threads_edits_and_deletions(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """Replies name their root and its author; edits and deletions show what was before."""
    root = slack.say("ann", "C1", "root")
    reply = slack.say("bob", "C1", "reply", thread_ts=root)
    slack.edit("bob", "C1", reply, "better")
    slack.delete("bob", "C1", reply)
    assert kinds(listening) == ["message", "message", "message.message_changed", "message.message_deleted"]
    events = [body["event"] for body in listening]
    assert "thread_ts" not in events[0]
    assert (events[1]["thread_ts"], events[1]["parent_user_id"]) == (root, "U1")
    assert (events[2]["message"]["text"], events[2]["previous_message"]["text"]) == ("better", "reply")
    assert events[2]["message"]["edited"]["user"] == "U2"
    assert events[3]["deleted_ts"] == reply
    assert [message.text for message in slack.messages("C1")] == ["root"]
    assert len({body["event_id"] for body in listening}) == 4


async def test_the_root_of_a_thread_may_leave_a_tombstone(
    slack: SlackEmulator, listening: list[dict[str, Any]]
) -> None:
    """By switch, deleting a root with replies looks like an edit."""
    slack.switches.root_deletion_as_tombstone = True
    root = slack.say("ann", "C1", "root")
    slack.say("bob", "C1", "reply", thread_ts=root)
    slack.delete("ann", "C1", root)
    assert listening[-1]["event"]["message"]["subtype"] == "tombstone"


async def test_other_bots_and_guests(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """Another app's message has its bot_id; a Slack Connect guest has a team of their own."""
    other = slack.add_app("A9", "deploybot", events=[])
    slack.invite("C1", other.bot_user_id)
    slack.say(other.bot_user_id, "C1", "deploy done")
    assert listening[0]["event"]["bot_id"] == other.bot_id
    assert "client_msg_id" not in listening[0]["event"]
    slack.add_user("gus", home_team_id="T9")
    slack.say("gus", "C1", "hi")
    event = listening[1]["event"]
    assert (event["user_team"], event["source_team"]) == ("T9", "T9")
    assert listening[1]["authorizations"][0]["team_id"] == "T1"


async def test_reactions_joins_and_uninstalling(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """The smaller events, where subscribed and permitted."""
    slack.add_app(
        events=["reaction_added", "member_joined_channel", "app_uninstalled", "tokens_revoked"],
        scopes=["reactions:read", "channels:read"],
    )
    ts = slack.say("ann", "C1", "hi")
    slack.react("bob", "C1", ts, "thumbsup")
    slack.add_channel("new", channel_id="CNEW", with_bot=False)
    slack.invite("CNEW", "U0BOT", by="ann")
    slack.uninstall()
    assert kinds(listening)[:2] == ["reaction_added", "member_joined_channel"]
    assert listening[0]["event"]["item_user"] == "U1"
    assert listening[1]["event"]["inviter"] == "U1"
    assert sorted(kinds(listening)[2:]) == ["app_uninstalled", "tokens_revoked"]


async def test_files_are_announced_twice(slack: SlackEmulator, listening: list[dict[str, Any]]) -> None:
    """As the message they came with, and as file_shared where subscribed."""
    slack.add_app(events=["message.channels", "file_shared"])
    slack.say("ann", "C1", "look", files=[FileUpload("a.txt", b"abc")])
    assert kinds(listening) == ["message.file_share", "file_shared"]
    (file,) = listening[0]["event"]["files"]
    assert (file["name"], file["mimetype"], file["size"]) == ("a.txt", "text/plain", 3)
    assert listening[1]["event"]["file_id"] == file["id"]


async def test_mistakes_of_a_test_are_value_errors(slack: SlackEmulator) -> None:
    """Unknown people, channels, messages; private rooms; foreign messages."""
    private = slack.add_channel("secret", private=True, members=["bob"])
    ts = slack.say("bob", private, "psst")
    for mistake in (
        lambda: slack.say("nobody", "C1", "x"),
        lambda: slack.say("ann", "nowhere", "x"),
        lambda: slack.say("ann", private, "x"),
        lambda: slack.edit("ann", private, ts, "x"),
        lambda: slack.delete("ann", "C1", "1.0"),
    ):
        with pytest.raises(ValueError, match=r"nobody|no channel|not in|not by|no message"):
            mistake()
    slack.archive("C1")
    with pytest.raises(ValueError, match="archived"):
        slack.say("ann", "C1", "x")
