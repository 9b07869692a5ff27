"""What a page of a channel's history tells of questions that were missed and of threads that moved."""

from typing import Any

from adapters.slack.inbound import Identity, InboundRules
from adapters.slack.missed import marked_late, moved_threads, questions
from bridge.model import Addressing, Place

US = Identity("T1", "U0BOT", "B0BOT")
RULES = InboundRules("work")
SINCE_S = 1_700_000_100.0


def said(second: int, text: str = "<@U0BOT> hello", **fields: Any) -> dict[str, Any]:
    """A message as history tells it, so many seconds after (or before) ``SINCE_S``."""
    return {"type": "message", "user": "U1", "text": text, "ts": ts(second), **fields}


def ts(second: int) -> str:
    return f"{SINCE_S + second:.6f}"


def root(second: int, latest: int, *people: str, text: str = "lunch?") -> dict[str, Any]:
    """A message that began a thread."""
    thread = {"thread_ts": ts(second), "reply_count": 1, "reply_users": list(people), "latest_reply": ts(latest)}
    return said(second, text, **thread)


def test_threads_that_moved_are_read_ours_first() -> None:
    """Where we answered, were named, or remember to have been; then the others, the newest first."""
    page = [
        root(-10, 50, "U2"),
        root(-20, 40, "U2", "U0BOT"),
        root(-30, 90, "U2"),
        root(-40, -5, "U0BOT"),
        root(-50, 30, text="<@U0BOT> what do you think?"),
        said(-60),
    ]
    remembered = {ts(-70): SINCE_S - 1.0, ts(-30): SINCE_S - 2.0}
    expected = [ts(-30), ts(-20), ts(-50), ts(-70), ts(-10)]
    assert moved_threads(page, SINCE_S, US, remembered, 10) == expected
    assert moved_threads(page, SINCE_S, US, remembered, 2) == expected[:2]


def test_a_remembered_thread_that_did_not_move_is_not_read() -> None:
    """The page knows better."""
    assert moved_threads([root(-30, -5, "U0BOT")], SINCE_S, US, {ts(-30): SINCE_S - 5.0}, 10) == []


def test_questions_come_in_their_order_each_once() -> None:
    """From the top and from threads, whatever the order of the pages; older ones and talk among others are left."""
    messages = [
        said(30, "<@U0BOT> third"),
        said(10, "<@U0BOT> first"),
        said(-10, "<@U0BOT> long ago"),
        said(15, "lunch?"),
        said(20, "second", thread_ts=ts(-10), parent_user_id="U1"),
        said(20, "second", thread_ts=ts(-10), parent_user_id="U1", subtype="thread_broadcast"),
        said(25, "an answer", user="U0BOT", bot_id="B0BOT"),
        said(26, "deploy done", subtype="bot_message", bot_id="B9"),
        said(27, "ann has joined", subtype="channel_join"),
    ]
    found = questions(messages, "C1", SINCE_S, 50, RULES, US)
    assert [envelope.text for envelope in found] == ["first", "second", "third"]
    assert [envelope.addressing for envelope in found] == [Addressing.MENTION, Addressing.FOLLOW_UP, Addressing.MENTION]
    assert found[1].place == Place("work", "T1", "C1", ts(-10))
    assert found[1].delivery_key == f"work:T1:C1:{ts(20)}"


def test_only_the_newest_are_looked_at() -> None:
    """Questions or not: the number bounds what is read, not what is answered."""
    messages = [said(second, "<@U0BOT> hello" if second % 2 else "lunch?") for second in range(1, 9)]
    assert len(questions(messages, "C1", SINCE_S, 4, RULES, US)) == 2


def test_only_what_was_written_before_we_were_back_is_late() -> None:
    """Somebody may have written while we read."""
    before, after = questions([said(10), said(30)], "C1", SINCE_S, 50, RULES, US)
    assert marked_late(before, SINCE_S + 20).late
    assert not marked_late(after, SINCE_S + 20).late
