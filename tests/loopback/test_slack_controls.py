"""Buttons, Slack's own Stop, and what was asked while the bridge was away: the whole road over Slack."""

import asyncio

import pytest

from bridge.app import Bridge
from bridge.texts import LANGUAGES, Say
from sandbox.coze import Answer, Failure, echo_agent
from sandbox.journal import Entry
from sandbox.slack import VisibleMessage
from tests.loopback.road import CHANNEL, Road

STOP, RETRY = "coze_bridge.stop", "coze_bridge.retry"
LONG = "A sentence that goes on for a while. " * 40


def label(say: Say, locale: str = "en") -> str:
    """What stands on a button."""
    return LANGUAGES[locale][say]


def cancelled(road: Road) -> list[Entry]:
    """Every run that Coze was asked to cancel."""
    return road.journal.select(service="coze", kind="request", name="POST /v3/chat/cancel")


async def growing(road: Road, ts: str, stop: str) -> VisibleMessage:
    """Wait for an answer that has words and a button to stop it."""

    def found() -> list[VisibleMessage]:
        return [message for message in road.answers(ts) if message.text.strip() and message.buttons == [stop]]

    await road.until(found, "a growing answer with its button")
    return found()[0]


def whispers(road: Road, user: str) -> list[str]:
    """What one person alone can read in #general."""
    return [message.text for message in road.slack.messages(CHANNEL) if message.ephemeral_for == user]


@pytest.mark.parametrize(("user", "locale"), [("ann", "en"), ("li", "zh")])
async def test_stop_ends_a_growing_answer(road: Road, bridge: Bridge, user: str, locale: str) -> None:
    """What was said stays, marked; Coze works on it no more; the button has made room for another."""
    road.coze.script(Answer(text=LONG, delta_interval_s=0.03))
    asked = road.ask("Tell me everything", user=user)
    message = await growing(road, asked, label(Say.STOP_LABEL, locale))
    assert (await road.slack.click(user, CHANNEL, message.ts, STOP)).accepted
    stopped = await road.sentence(Say.STOPPED, locale, asked)
    await road.quiet()
    assert stopped.text.strip()
    assert LONG.startswith(stopped.text.strip()[:-1])
    assert len(stopped.text) < len(LONG) / 2
    assert stopped.buttons == [label(Say.RETRY_LABEL, locale)]
    assert len(road.answers(asked)) == len(cancelled(road)) == len(road.chats()) == 1


async def test_somebody_elses_stop_is_hers(road: Road, bridge: Bridge) -> None:
    """Who did not ask reads why, alone, and the answer goes on."""
    text = " ".join(["A sentence that goes on."] * 12)
    road.coze.script(Answer(text=text, delta_interval_s=0.01))
    asked = road.ask("Tell me everything")
    message = await growing(road, asked, label(Say.STOP_LABEL))
    assert (await road.slack.click("ben", CHANNEL, message.ts, STOP)).accepted
    await road.answer(text, asked)
    await road.until(lambda: whispers(road, "U2") == [LANGUAGES["en"][Say.NOT_YOURS]], "a word to Ben")
    assert not whispers(road, "U1")
    assert not cancelled(road)


async def test_slacks_own_stop(road: Road, bridge: Bridge) -> None:
    """In a direct message, where it stands below what is typed."""
    road.coze.script(Answer(text=LONG, delta_interval_s=0.03))
    channel, asked = road.write("Tell me everything")
    await road.until(lambda: any(m.text.strip() for m in road.answers(asked, channel)), "first words")
    road.slack.stop("ann", channel, asked)
    await road.sentence(Say.STOPPED, "en", asked, channel)
    await road.quiet()
    assert len(cancelled(road)) == 1
    assert sum(bool(message.text.strip()) for message in road.answers(asked, channel)) == 1


async def test_a_question_that_failed_is_asked_once_more(road: Road, bridge: Bridge) -> None:
    """Though the button is pressed twice; it goes, the failure stays, and the new answer stands below."""
    road.coze.script(Answer(text="half an ", failure=Failure(5000, "trouble")))
    road.coze.script("A whole answer.", times=None)
    asked = road.ask("Once more?")
    failed = await road.sentence(Say.AGENT_FAILED, "en", asked)
    await road.quiet()
    async with asyncio.TaskGroup() as hasty:
        presses = [hasty.create_task(road.slack.click("ann", CHANNEL, failed.ts, RETRY)) for _ in range(2)]
    assert all(press.result().accepted for press in presses)
    await road.answer("A whole answer.", asked)
    await road.until(lambda: not road.slack.shown(CHANNEL, failed.ts).buttons, "a message without its button")
    await road.quiet()
    assert len(road.chats()) == 2
    assert [message.text for message in road.answers(asked)][1:] == ["A whole answer."]
    assert road.slack.shown(CHANNEL, failed.ts).small_print == failed.small_print


async def test_what_was_asked_while_away_is_answered_in_order(road: Road) -> None:
    """At the top, in a thread of ours and in private: each once, marked as late; older answers stay as they are."""
    road.coze.answers.agent = echo_agent
    road.slack.switches.lost_without_connection = True
    async with road.bridge():
        first = road.ask("first")
        await road.until(lambda: road.answers(first), "the first answer")
        channel, private = road.write("in private")
        await road.until(lambda: road.answers(private, channel), "the answer in private")
        await road.quiet()
    road.reply("second", first)
    other = road.ask("elsewhere", user="ben")
    road.reply("third", first)
    _, later = road.write("privately again")
    async with road.bridge():
        for ts, place in ((other, CHANNEL), (later, channel)):
            await road.sentence(Say.LATE, "en", ts, place)
        await road.answer("Questions in this context: 3\n1. Ann: first\n2. Ann: second\n3. Ann: third", first)
        road.reply("fourth", first)
        await road.until(lambda: len(road.answers(first)) == 4, "an answer in time")
        await road.quiet()
    late = [LANGUAGES["en"][Say.LATE] in message.small_print for message in road.answers(first)]
    assert late == [False, True, True, False]
    assert len(road.chats()) == 7
