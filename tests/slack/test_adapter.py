"""Names, languages and earlier messages: what is looked up, remembered, and never fails."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.model import EarlierMessage, TurnId, View
from bridge.ports import Platform
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

SCOPES = ["chat:write", "channels:history", "channels:read", "users:read"]


async def test_names_and_languages_are_filled_in(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """Author, channel and the people mentioned."""
    slack.add_app(scopes=SCOPES)
    resolved = await platform.resolve(replace(asked(user="U2"), text="ask @U1 and @U404"))
    assert (resolved.author.name, resolved.author.locale) == ("波波", "zh")
    assert resolved.place.channel_name == "general"
    assert resolved.text == "ask @Ann and @U404"


async def test_names_are_looked_up_once(platform: Platform, slack: SlackEmulator, asked: Any, journal: Journal) -> None:
    """Known and unknown people alike."""
    envelope = replace(asked(), text="@U404")
    for _ in range(3):
        await platform.resolve(envelope)
    asked_for = [entry.detail["args"]["user"] for entry in journal.select(kind="request", name="users.info")]
    assert sorted(asked_for) == ["U1", "U404"]
    assert len(journal.select(kind="request", name="conversations.info")) == 1


async def test_missing_scopes_leave_names_empty(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """The question is answered all the same."""
    slack.add_app(scopes=["chat:write"])
    envelope = asked()
    assert await platform.resolve(envelope) == envelope


@pytest.mark.parametrize("fault", ["drop_before", "wrong_json", "plain_text"])
async def test_a_failing_look_up_is_tried_again_later(
    platform: Platform, slack: SlackEmulator, asked: Any, fault: str
) -> None:
    """The answer goes on without the name; an outage is not held against a person."""
    slack.faults.plan("users.info", fault, times=2 if fault == "drop_before" else 1)  # aiohttp repeats a lost GET once
    assert (await platform.resolve(asked())).author.name == ""
    assert (await platform.resolve(asked())).author.name == "Ann"


async def test_slow_names_are_not_waited_for(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """What is known in time is used."""
    slack.add_app(scopes=SCOPES)
    slack.faults.plan("users.info", "delay", delay_s=20)
    resolved = await platform.resolve(asked())
    assert (resolved.author.name, resolved.place.channel_name) == ("", "general")


async def test_a_thread_is_read_with_names_and_roles(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """Oldest first, up to the question, our answers marked, our notices left out."""
    root = slack.say("ann", "C1", "the build is <red> & <@U2> knows")
    earlier = platform.reply(asked("why?", thread_ts=root), TurnId("earlierturn"), "en")
    ts = await earlier.post(0, View("Because of **this**:\n\n" + "long " * 60))
    await earlier.notice("a notice")
    slack.say("bob", "C1", "<@U0BOT>", root)
    slack.say("bob", "C1", "I see", root)
    question = asked("so what now?", thread_ts=root)
    slack.say("ann", "C1", "later words", root)
    assert list(await platform.earlier_messages(question, 30)) == [
        EarlierMessage("Ann", "the build is <red> & @波波 knows"),
        EarlierMessage("Ann", "why?"),
        EarlierMessage("coze", slack.shown_text("C1", ts).strip(), ours=True),
        EarlierMessage("波波", "I see"),
    ]


async def test_a_long_thread_keeps_its_root_and_its_end(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """What it is about, and what was said last."""
    root = slack.say("ann", "C1", "root")
    for number in range(230):
        slack.say("bob", "C1", f"{number}", root)
    question = asked("so?", thread_ts=root)
    earlier = await platform.earlier_messages(question, 3)
    assert [message.text for message in earlier] == ["root", "228", "229"]
    assert await platform.earlier_messages(question, 0) == []


async def test_an_unreadable_thread_is_empty(platform: Platform, slack: SlackEmulator, asked: Any) -> None:
    """No scope, no thread, no luck: the answer goes on without it."""
    question = asked("so?", thread_ts=slack.say("ann", "C1", "root"))
    slack.faults.plan("conversations.replies", "status", status=502)
    assert list(await platform.earlier_messages(question, 30)) == []
    slack.add_app(scopes=["chat:write"])
    assert list(await platform.earlier_messages(question, 30)) == []


def test_what_the_core_may_expect(platform: Platform) -> None:
    """Edits, their pace, a status that must be renewed."""
    assert platform.name == "work"
    assert platform.capabilities.edits
    assert platform.capabilities.edit_interval_s == pytest.approx(0.25)
    assert platform.capabilities.status_refresh_s == pytest.approx(90.0)
    assert platform.part_rules.limit < 12_000
