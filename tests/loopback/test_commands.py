"""What people tell the bridge itself, by the same words everywhere, in English and Chinese."""

import pytest

from bridge.texts import Say
from sandbox.coze import Answer, echo_agent
from tests.loopback.road import CHANNEL, Road

pytestmark = pytest.mark.usefixtures("bridge")

READERS = pytest.mark.parametrize(("user", "locale"), [("ann", "en"), ("li", "zh")])
LONG = Answer(text="word " * 200, delta_interval_s=0.05)


@pytest.mark.parametrize("command", ["!new", "！NEW", "!新对话", "新对话"])
async def test_new_forgets_the_conversation(road: Road, command: str) -> None:
    """After ``new`` the same thread, still followed, talks to an agent in a conversation of its own."""
    road.coze.answers.agent = echo_agent
    asked = road.ask("before")
    await road.answer("Questions in this context: 1\n1. Ann: before", asked)
    road.reply(command, asked)
    await road.sentence(Say.NEW_DONE, "en", asked)
    road.reply("after", asked)
    await road.until(lambda: len(road.chats()) == 2, "the question after")
    assert len(set(road.conversations())) == 2


@READERS
async def test_new_in_a_direct_message(road: Road, user: str, locale: str) -> None:
    """``new`` in private, where there was nothing, says so."""
    channel, asked = road.write("!new", user=user)
    await road.sentence(Say.NEW_NOTHING, locale, asked, channel)
    assert not road.chats()


@pytest.mark.parametrize("command", ["!stop", "！停止", "停止", "stop"])
async def test_stop_cuts_the_running_answer(road: Road, command: str) -> None:
    """``stop`` cancels the run at Coze; what was said stays visible and is marked."""
    road.coze.script(LONG)
    asked = road.ask("Talk!")
    await road.until(lambda: road.answers(asked), "the first words")
    road.reply(command, asked)
    message = await road.sentence(Say.STOPPED, "en", asked)
    assert message.text.startswith("word")
    await road.sentence(Say.STOP_DONE, "en", asked)
    assert [chat.status for chat in road.coze.world.chats.values()] == ["canceled"]


async def test_stop_before_the_first_words(road: Road) -> None:
    """An answer that has shown nothing yet can be stopped by the word."""
    road.coze.script(Answer(text="too late", first_delta_delay_s=30.0))
    channel, asked = road.write("Think hard")
    await road.until(road.chats, "the question at Coze")
    road.slack.say("ann", channel, "stop", asked)
    await road.sentence(Say.STOPPED, "en", asked, channel)
    assert [chat.status for chat in road.coze.world.chats.values()] == ["canceled"]


async def test_stop_takes_back_waiting_questions(road: Road) -> None:
    """What waits behind the stopped answer is not asked any more, and its waiting sign goes."""
    road.coze.script(LONG)
    asked = road.ask("Talk!")
    await road.first_delta()
    waiting = road.reply("and then?", asked)
    await road.waiting_sign(waiting)
    road.reply("!stop", asked)
    await road.sentence(Say.STOPPED, "en", asked)
    await road.until(lambda: not road.slack.shown(CHANNEL, waiting).reactions, "the waiting sign to go")
    await road.quiet()
    assert len(road.chats()) == 1


async def test_nobody_stops_another_persons_answer(road: Road) -> None:
    """``stop`` acts on the caller's own answers."""
    road.coze.script(Answer(text="word " * 30, delta_interval_s=0.03))
    asked = road.ask("Talk!")
    await road.first_delta()
    road.reply("!stop", asked, user="ben")
    await road.sentence(Say.STOP_NOTHING, "en", asked)
    await road.answer("word " * 30, asked)


@READERS
@pytest.mark.parametrize("command", ["!help", "帮助", "！help"])
async def test_help(road: Road, user: str, locale: str, command: str) -> None:
    """``help`` is answered in the asker's language, whatever the word, and never reaches the agent."""
    channel, asked = road.write(command, user=user)
    await road.sentence(Say.HELP, locale, asked, channel)
    mentioned = road.ask(command, user=user)
    await road.sentence(Say.HELP, locale, mentioned)
    assert not road.chats()


@READERS
@pytest.mark.parametrize("command", ["!status", "状态"])
async def test_status(road: Road, user: str, locale: str, command: str) -> None:
    """``status`` tells at once what runs and what waits, while it runs."""
    channel, idle = road.write(command, user=user)
    await road.sentence(Say.STATUS_IDLE, locale, idle, channel)
    road.coze.script(LONG)
    asked = road.ask("Talk!", user=user)
    await road.first_delta()
    road.reply(command, asked, user=user)
    message = await road.sentence(Say.STATUS_RUNNING, locale, asked)
    assert "default" in message.text
    road.reply("!stop", asked, user=user)
    await road.sentence(Say.STOPPED, locale, asked)


async def test_an_unknown_word_with_a_mark_is_a_question(road: Road) -> None:
    """``!important`` is for the agent."""
    road.coze.answers.agent = echo_agent
    asked = road.ask("!important news")
    await road.answer("Questions in this context: 1\n1. Ann: !important news", asked)
