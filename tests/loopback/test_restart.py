"""What the bridge has written down holds over a restart."""

from itertools import groupby

from bridge.texts import Say
from sandbox.coze import Answer, echo_agent
from sandbox.slack.transport import Outgoing
from tests.loopback.road import DEADLINE_S, Road


async def test_a_thread_goes_on_after_a_restart(road: Road) -> None:
    """A follow-up after a restart reaches the same conversation and finds its context."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        asked = road.ask("first")
        await road.until(lambda: road.answers(asked), "the first answer")
    async with road.bridge():
        road.reply("second", asked, user="ben")
        await road.answer("Questions in this context: 2\n1. Ann: first\n2. Ben: second", asked)
    assert len(set(road.conversations())) == 1
    assert len({entry.detail["body"]["user_id"] for entry in road.chats()}) == 1


async def test_a_direct_message_goes_on_after_a_restart(road: Road) -> None:
    """The same in private."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        channel, asked = road.write("first")
        await road.until(lambda: road.answers(asked, channel), "the first answer")
    async with road.bridge():
        road.slack.say("ann", channel, "second", asked)
        await road.answer("Questions in this context: 2\n1. first\n2. second", asked, channel)


async def test_a_repeat_is_known_after_a_restart(road: Road) -> None:
    """An event that Slack delivers again after the restart is not answered again."""
    road.coze.script("Once.", times=None)
    async with road.bridge():
        asked = road.ask("How often?")
        await road.answer("Once.", asked)
        await road.quiet()
    delivered = road.journal.select(service="slack", kind="event", name="app_mention")[0]
    repeat = Outgoing(road.slack.app_named(), "events_api", "app_mention", delivered.detail["payload"])
    async with road.bridge():
        road.slack.service.delivery.emit(repeat)
        await road.until(
            lambda: len(road.journal.select(service="slack", kind="ack", name="app_mention")) == 2, "the second ack"
        )
        await road.quiet()
    assert len(road.chats()) == len(road.answers(asked)) == 1


async def test_what_was_asked_while_we_were_away_is_answered(road: Road) -> None:
    """Slack keeps events for a while; they are answered when the bridge is back."""
    road.slack.switches.ack_timeout_s = DEADLINE_S
    road.coze.script("Back again.", times=None)
    asked = road.ask("Anybody there?")
    async with road.bridge():
        await road.answer("Back again.", asked)
        await road.quiet()
    assert len(road.chats()) == 1


async def test_a_question_that_waited_is_asked_after_the_restart(road: Road) -> None:
    """Questions that were accepted and not begun when the bridge stopped are taken up by the next start."""
    road.coze.script(Answer(text="a long one " * 20, delta_interval_s=0.03))
    road.coze.script("The second answer.")
    async with road.bridge():
        asked = road.ask("first")
        await road.first_delta()
        waiting = road.reply("second", asked)
        await road.waiting_sign(waiting)
    async with road.bridge():
        await road.answer("The second answer.", asked)
        await road.quiet()
    # Coze may still be at work on the first and refuse the second for a while.
    assert [question for question, _ in groupby(road.questions())] == ["Ann: first", "Ann: second"]
    assert [message.text for message in road.answers(asked)][1:] == ["The second answer."]


async def test_a_running_answer_is_finished_before_the_bridge_stops(road: Road) -> None:
    """Within the time it is given, an answer under way is shown whole before the process ends."""
    text = "word " * 30
    road.configure("bridge", drain_s=10.0)
    road.coze.script(Answer(text=text, delta_interval_s=0.02))
    async with road.bridge():
        asked = road.ask("Talk!")
        await road.first_delta()
    assert road.answers(asked)[0].text == text


async def test_a_forgotten_conversation_stays_forgotten(road: Road) -> None:
    """``new`` holds over a restart."""
    road.coze.script("Answer.", times=None)
    async with road.bridge():
        channel, asked = road.write("first")
        await road.answer("Answer.", asked, channel)
        road.slack.say("ann", channel, "!new", asked)
        await road.sentence(Say.NEW_DONE, "en", asked, channel)
    async with road.bridge():
        road.slack.say("ann", channel, "second", asked)
        await road.until(lambda: len(road.answers(asked, channel)) == 3, "the second answer")
    assert len(set(road.conversations())) == 2
