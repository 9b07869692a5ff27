"""A question goes in at Slack, the agent's answer grows there until it is whole."""

from itertools import pairwise

import pytest

from bridge.app import Bridge
from bridge.texts import Say
from sandbox.coze import Answer, echo_agent
from tests.loopback.road import BOT, CHANNEL, Road

pytestmark = pytest.mark.usefixtures("bridge")

STORY = "Once upon a time there was **a bridge**.\n\n" + "It was long, and people went over it. " * 20


async def test_a_mention_is_answered_in_its_thread_and_grows(road: Road) -> None:
    """The answer to a mention appears below it in several steps and ends as exactly the agent's text."""
    road.coze.script(Answer(text=STORY, first_delta_delay_s=0.02, delta_interval_s=0.004))
    asked = road.ask("Tell me a story")
    answer = await road.answer(STORY, asked)
    steps = [step.text for step in road.slack.steps(CHANNEL, answer.ts)]
    assert answer.thread_ts == asked
    assert len(steps) >= 4
    assert all(len(early) < len(late) for early, late in pairwise(steps))
    assert len(road.answers(asked)) == 1


async def test_a_status_is_the_sign_of_life_until_the_first_words(road: Road) -> None:
    """Slack shows that we are thinking, in the asker's language, and no longer than until the first words."""
    road.coze.script(Answer(text="Done.", first_delta_delay_s=0.3))
    asked = road.ask("Think", user="li")
    await road.until(lambda: road.slack.status(CHANNEL, asked) == "正在思考…", "the status")
    assert not road.answers(asked)
    await road.answer("Done.", asked)
    assert road.slack.status(CHANNEL, asked) == ""


async def test_a_direct_message_is_answered(road: Road) -> None:
    """A direct message needs no mention."""
    road.coze.script(Answer(text=STORY, first_delta_delay_s=0.02, delta_interval_s=0.004))
    channel, asked = road.write("Tell me a story")
    answer = await road.answer(STORY, asked, channel)
    assert len(road.slack.steps(channel, answer.ts)) >= 4


async def test_a_follow_up_needs_no_mention(road: Road) -> None:
    """In a thread where the bot takes part a plain reply reaches the same conversation."""
    road.coze.answers.agent = echo_agent
    asked = road.ask("first")
    await road.until(lambda: road.answers(asked), "the first answer")
    road.reply("second", asked)
    await road.answer("Questions in this context: 2\n1. Ann: first\n2. Ann: second", asked)
    assert len(set(road.conversations())) == 1


async def test_two_people_in_a_thread_share_the_agents_context(road: Road) -> None:
    """What Ann asked is known to the agent when Ben goes on in the same thread."""
    road.coze.answers.agent = echo_agent
    asked = road.ask("I am Ann")
    await road.until(lambda: road.answers(asked), "the answer to Ann")
    road.reply("I am Ben", asked, user="ben")
    await road.answer("Questions in this context: 2\n1. Ann: I am Ann\n2. Ben: I am Ben", asked)


async def test_two_people_in_direct_messages_share_nothing(road: Road) -> None:
    """Direct messages of two people go to different conversations under different user ids."""
    road.coze.answers.agent = echo_agent
    for user in ("ann", "ben"):
        channel, asked = road.write(f"a secret of {user}", user=user)
        await road.answer(f"Questions in this context: 1\n1. a secret of {user}", asked, channel)
    assert len(set(road.conversations())) == 2
    assert len({entry.detail["body"]["user_id"] for entry in road.chats()}) == 2


async def test_two_threads_share_nothing(road: Road) -> None:
    """Each mention in the channel begins a conversation of its own."""
    road.coze.answers.agent = echo_agent
    for text in ("one", "two"):
        asked = road.ask(text)
        await road.answer(f"Questions in this context: 1\n1. Ann: {text}", asked)
    assert len(set(road.conversations())) == 2


async def test_a_thread_brings_its_earlier_messages(road: Road) -> None:
    """Called into a thread that began without it, the agent is shown what was said before, once."""
    road.coze.answers.agent = echo_agent
    root = road.slack.say("ann", CHANNEL, "Shall we rename the service?")
    road.reply("I am for it", root, user="ben")
    road.ask("what do you think?", root, user="ben")
    lines = ["1. Ann: Shall we rename the service?", "2. Ben: I am for it", "3. Ben: what do you think?"]
    await road.answer("\n".join(["Questions in this context: 3", *lines]), root)
    road.reply("and now?", root)
    await road.until(lambda: len(road.chats()) == 2, "the second question")
    assert len(road.chats()[1].detail["body"]["additional_messages"]) == 1
    await road.answer("\n".join(["Questions in this context: 4", *lines, "4. Ann: and now?"]), root)


async def test_a_thread_without_us_is_left_alone(road: Road) -> None:
    """Nobody is answered who neither names us nor writes where we take part."""
    root = road.slack.say("ann", CHANNEL, "Lunch?")
    road.reply("Yes!", root, user="ben")
    await road.quiet()
    assert not road.answers(root)
    assert not road.chats()


@pytest.mark.parametrize("mention_first", [True, False])
async def test_a_mention_that_arrives_as_two_events_is_answered_once(road: Road, mention_first: bool) -> None:
    """``app_mention`` and ``message`` are one question, whichever comes first."""
    road.slack.switches.mention_first = mention_first
    road.coze.script("Once.", times=None)
    asked = road.ask("How often?")
    await road.answer("Once.", asked)
    await road.quiet()
    assert len(road.journal.select(service="slack", kind="event", name="app_mention")) == 1
    assert len(road.chats()) == len(road.answers(asked)) == 1


async def test_a_redelivered_event_is_answered_once(road: Road) -> None:
    """Slack may deliver an event again; the answer comes once."""
    for event in ("app_mention", "message"):
        road.slack.delivery_faults.plan(event, "duplicate")
    road.coze.script("Once.", times=None)
    asked = road.ask("How often?")
    await road.answer("Once.", asked)
    await road.quiet()
    assert len(road.chats()) == len(road.answers(asked)) == 1


async def test_questions_of_one_thread_keep_their_order(road: Road) -> None:
    """Five questions in a burst are asked one after another as they were written, under waiting signs."""
    road.coze.answers.agent = echo_agent
    root = road.ask("number 0")
    await road.until(lambda: road.answers(root), "the first answer")
    for number in range(1, 5):
        road.reply(f"number {number}", root)
    last = "\n".join(["Questions in this context: 5", *(f"{n + 1}. Ann: number {n}" for n in range(5))])
    await road.answer(last, root)
    assert road.questions() == [f"Ann: number {n}" for n in range(5)]
    assert [message.text.count("\n") for message in road.answers(root)] == [1, 2, 3, 4, 5]


async def test_threads_are_answered_side_by_side(road: Road) -> None:
    """A slow answer in one thread keeps nobody waiting in another."""
    road.coze.script(Answer(text="slow " * 40, delta_interval_s=0.05), matching="slow")
    road.coze.script(Answer(text="quick"), matching="quick")
    slow = road.ask("slow, please")
    await road.first_delta()
    quick = road.ask("quick, please")
    await road.answer("quick", quick)
    assert road.answers(slow)[0].text.strip() != ("slow " * 40).strip()
    await road.answer("slow " * 40, slow)


async def test_a_waiting_question_is_marked_at_once(road: Road) -> None:
    """A second question while one is running wears an hourglass until its turn comes."""
    road.coze.script(Answer(text="one two three four five", delta_interval_s=0.2))
    road.coze.script("second answer")
    first = road.ask("first")
    await road.first_delta()
    second = road.reply("second", first)
    await road.waiting_sign(second)
    assert len(road.chats()) == 1
    await road.answer("second answer", first)
    await road.until(lambda: not road.slack.shown(CHANNEL, second).reactions, "the sign to go")


async def test_a_very_long_answer_continues_in_further_messages(road: Road) -> None:
    """Thirty thousand characters arrive whole, each exactly once, in messages that Slack accepts."""
    text = "".join(f"{number:05d} is a number. {'And so on. ' * 25}\n\n" for number in range(200))[:30_000]
    pieces = tuple(text[start : start + 200] for start in range(0, len(text), 200))
    road.coze.script(Answer(deltas=pieces, delta_interval_s=0.002))
    asked = road.ask("Count!")
    await road.until(lambda: "".join(a.text for a in road.answers(asked)) == text, "the whole text")
    assert 3 <= len(road.answers(asked)) <= 5


async def test_code_over_several_messages_is_complete_in_each(road: Road) -> None:
    """A code block that is cut between two messages is closed in the one and opened again in the other."""
    lines = [f"print({number})\n" for number in range(1_500)]
    code = "".join(lines)
    pieces = ("".join(lines[start : start + 20]) for start in range(0, len(lines), 20))
    road.coze.script(Answer(deltas=("Look:\n\n```python\n", *pieces, "```\n")))
    asked = road.ask("Code!")
    await road.until(lambda: road.answers(asked) and road.answers(asked)[-1].text.endswith("```\n"), "the last part")
    await road.quiet()
    texts = [answer.text for answer in road.answers(asked)]
    assert len(texts) >= 2
    assert all(text.count("```") == 2 for text in texts)
    shown = "".join(line for text in texts for line in text.splitlines(keepends=True) if line.startswith("print("))
    assert shown.replace("\n", "") == code.replace("\n", "")


async def test_several_answer_messages_are_one_answer(road: Road) -> None:
    """What the agent says in two messages is joined by a blank line."""
    road.coze.script(Answer(text="One half.", further_texts=("The other half.",)))
    asked = road.ask("Both?")
    await road.answer("One half.\n\nThe other half.", asked)


async def test_the_completed_text_is_the_truth(road: Road) -> None:
    """Where the completed message differs from its deltas, what is shown in the end is the completed text."""
    road.coze.script(Answer(deltas=("Wrong ", "words"), completed_text="Right words", delta_interval_s=0.1))
    asked = road.ask("Well?")
    await road.answer("Right words", asked)
    assert len(road.answers(asked)) == 1


async def test_an_empty_answer_is_said_to_be_empty(road: Road) -> None:
    """Where the agent says nothing, a sentence says so, in the asker's language."""
    for user, locale in (("ann", "en"), ("li", "zh")):
        road.coze.script(Answer(deltas=("",)))
        asked = road.ask("Anything?", user=user)
        await road.sentence(Say.EMPTY_ANSWER, locale, asked)


async def test_tools_and_reasoning_are_no_part_of_the_answer(road: Road) -> None:
    """Thinking, tools, notices and suggested questions stay apart from what is shown."""
    road.coze.script(
        Answer(text="The answer.", reasoning=("Hmm, ", "well."), verbose=("knowledge_recall",), follow_ups=("More?",))
    )
    asked = road.ask("What?")
    await road.answer("The answer.", asked)
    assert [message.text for message in road.answers(asked)] == ["The answer."]


async def test_what_the_agent_says_pings_nobody_and_unfurls_nothing(road: Road) -> None:
    """Control sequences of Slack, images and links in an answer do nothing; Slack has nothing against us."""
    evil = "<!channel> <@U2> &lt;!here&gt; ![x](https://evil.example/a.png) see https://example.com <!subteam^S1>"
    road.coze.script(evil)
    asked = road.ask("Ping everybody")
    await road.until(lambda: road.answers(asked) and "example.com" in road.answers(asked)[-1].text, "the answer")
    await road.quiet()
    assert road.slack.violations() == []


async def test_the_agent_learns_no_ids_and_gets_the_mark_of_the_turn(bridge: Bridge, road: Road) -> None:
    """Coze sees neither Slack's ids nor two people's equality, but a mark by which the question can be found."""
    asked = road.ask("Who am I?")
    await road.until(lambda: road.answers(asked), "an answer")
    body = road.chats()[0].detail["body"]
    assert body["bot_id"] == BOT
    assert "U1" not in str(body)
    assert asked not in str(body)
    assert body["additional_messages"][-1]["meta_data"]
