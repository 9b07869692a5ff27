"""Buttons in Discord, and what was asked while the bridge was away, from the press to Coze and back."""

import asyncio

from bridge.texts import LANGUAGES, Say
from sandbox.coze import Answer, echo_agent
from sandbox.coze.answers import Failure
from sandbox.discord.audience import VisibleMessage
from tests.loopback.road import Road
from tests.loopback.server import Server

STOP, RETRY, LATE = (LANGUAGES["en"][label] for label in (Say.STOP_LABEL, Say.RETRY_LABEL, Say.LATE))
LONG = Answer(text="word " * 200, delta_interval_s=0.05)


async def offered(server: Server, label: str, channel: str) -> VisibleMessage:
    """Return the bot's message once it carries a button."""
    await server.road.until(lambda: any(label in m.buttons for m in server.answers(channel)), f"a button {label!r}")
    return next(message for message in server.answers(channel) if label in message.buttons)


async def test_stop_pressed_while_an_answer_grows(road: Road, alone: Server) -> None:
    """What was said stays and is marked, the run at Coze is cancelled, its button goes; only the asker may."""
    road.coze.script(LONG)
    async with road.bridge():
        asked = alone.ask("Talk!")
        message = await offered(alone, STOP, asked)
        others = await alone.emulator.click("ben", asked, message.id, STOP)
        assert others.ephemeral
        assert "canceled" not in [chat.status for chat in road.coze.world.chats.values()]
        assert (await alone.emulator.click("ann", asked, message.id, STOP)).accepted
        stopped = await alone.sentence(Say.STOPPED, "en", asked)
        await alone.quiet()
    assert stopped.text.startswith("word")
    assert [(m.id, m.buttons) for m in alone.answers(asked)] == [(message.id, [RETRY])]
    assert [chat.status for chat in road.coze.world.chats.values()] == ["canceled"]
    (whisper,) = [m for m in alone.emulator.messages(asked) if m.ephemeral_for]
    assert whisper.text == LANGUAGES["en"][Say.NOT_YOURS]


async def test_retry_pressed_twice_asks_once(road: Road, alone: Server) -> None:
    """Both at the same time: one new question in the same conversation; the failed answer stays, without the button."""
    road.coze.script(Answer(deltas=("Half ", "an ", "answer"), failure=Failure(code=5000, after_deltas=2)))
    road.coze.script("A whole answer.")
    async with road.bridge():
        asked = alone.ask("Tell me")
        failed = await offered(alone, RETRY, asked)
        await alone.quiet()  # the turn has ended, not only its text
        async with asyncio.TaskGroup() as tasks:
            presses = [tasks.create_task(alone.emulator.click("ann", asked, failed.id, RETRY)) for _ in range(2)]
        await alone.answer("A whole answer.", asked)
        await alone.quiet()
    assert all(press.result().accepted for press in presses)
    assert [RETRY in m.buttons for m in alone.answers(asked)] == [False, False]
    assert not alone.answers(asked)[0].buttons
    assert alone.answers(asked)[0].text.startswith("Half an")
    assert road.questions() == ["Ann: Tell me"] * 2
    assert len(set(road.conversations())) == 1


async def test_what_was_asked_while_the_bridge_was_away(road: Road, alone: Server) -> None:
    """In private, in a thread that goes on, in the channel: answered after the restart, in order, marked as late."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        private = alone.write("one")
        asked = alone.ask("first")
        for place in (private, asked):
            await road.until(lambda: alone.answers(place), "an answer")  # noqa: B023 - awaited at once
        await alone.quiet()
    for text in ("two", "three"):
        alone.write(text)
    alone.reply("second", asked, user="ben")
    fresh = alone.ask("anew")
    async with road.bridge():
        alone.write("four")
        await road.until(lambda: any("4. four" in text for text in alone.texts(private)), "the newest answer")
        await road.until(lambda: any("2. Ben: second" in text for text in alone.texts(asked)), "the thread's answer")
        await road.until(lambda: alone.answers(fresh), "the channel's answer")
        await alone.quiet()
    texts = alone.texts(private)
    assert [text.splitlines()[-1 - (LATE in text)].partition(". ")[2] for text in texts] == [
        "one",
        "two",
        "three",
        "four",
    ]
    assert [LATE in text for text in texts] == [False, True, True, False]
    assert [LATE in text for text in (*alone.texts(asked), *alone.texts(fresh))] == [False, True, True]
    assert len(road.chats()) == 7
