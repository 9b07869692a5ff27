"""A question goes in at Discord, the agent's answer grows there until it is whole."""

from itertools import pairwise

import pytest

from bridge.app import Bridge
from bridge.texts import Say
from sandbox.coze import Answer, echo_agent
from tests.loopback.road import Road
from tests.loopback.server import CREATE, EDIT, FORUM, GENERAL, THREAD, Server

STORY = "Once upon a time there was **a bridge**.\n\n" + " ".join(["It was long, and people went over it."] * 20)
FIRST, SECOND = "Questions in this context: 1\n1. ", "Questions in this context: 2\n1. "


async def grows(server: Server, text: str, channel: str) -> None:
    """Expect one message that shows growing texts and ends with exactly this one."""
    answer = await server.answer(text, channel)
    steps = server.steps(answer)
    assert len(steps) >= 4
    assert all(len(early) < len(late) for early, late in pairwise(steps))
    assert len(server.answers(channel)) == 1


async def test_a_mention_is_answered_in_a_thread_and_grows(road: Road, alone: Server) -> None:
    """The answer appears in a thread named after the question, in several steps, exactly; the channel stays clean."""
    road.coze.script(Answer(text=STORY, first_delta_delay_s=0.02, delta_interval_s=0.004))
    async with road.bridge():
        asked = alone.ask("Tell me a story")
        await grows(alone, STORY, asked)
    assert alone.emulator.threads(GENERAL) == {asked: "Tell me a story"}
    assert not alone.answers(GENERAL)


async def test_typing_is_the_sign_of_life(road: Road, alone: Server) -> None:
    """While the agent thinks the bot is shown as typing in the thread, and nothing is posted."""
    road.coze.script(Answer(text="Done.", first_delta_delay_s=0.3))
    async with road.bridge():
        asked = alone.ask("Think")
        await road.until(lambda: alone.has(asked) and alone.emulator.typing_in(asked) == ["coze"], "typing")
        assert not alone.answers(asked)
        await alone.once("Done.", asked)


async def test_a_follow_up_needs_no_mention(road: Road, alone: Server) -> None:
    """In the thread of an answer a plain message, also somebody else's, reaches the same conversation."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        asked = alone.ask("first")
        await alone.answer(f"{FIRST}Ann: first", asked)
        alone.reply("second", asked, user="ben")
        await alone.answer(f"{SECOND}Ann: first\n2. Ben: second", asked)
    assert len(set(road.conversations())) == 1


async def test_without_the_intent_a_mention_is_needed(road: Road, alone: Server) -> None:
    """Where Discord keeps words from us, a plain message ends in one hint and a mention goes on in the conversation."""
    alone.emulator.set_privileged_intents()
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        asked = alone.ask("first")
        await alone.answer(f"{FIRST}Ann: first", asked)
        for _ in range(2):
            alone.reply("unheard", asked)
        await alone.sentence(Say.MENTION_NEEDED, "en", asked)
        alone.ask("second", asked)
        await alone.answer(f"{SECOND}Ann: first\n2. Ann: second", asked)
        await alone.quiet()
    assert len(road.chats()) == 2
    assert len(alone.answers(asked)) == 3


async def test_answers_in_place(road: Road, alone: Server) -> None:
    """``answer_in = "place"`` answers in the channel; a reply to the answer goes on, a new mention starts afresh."""
    road.configure("adapters.discord", answer_in="place")
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        alone.ask("first")
        answer = await alone.answer(f"{FIRST}Ann: first", GENERAL)
        assert answer.reply_to is None
        alone.emulator.reply("ben", GENERAL, answer.id, "second")
        await alone.answer(f"{SECOND}Ann: first\n2. Ben: second", GENERAL)
        alone.ask("other")
        await alone.answer(f"{FIRST}Ann: other", GENERAL)
    assert not alone.emulator.threads(GENERAL)


async def test_answers_as_replies(road: Road, alone: Server) -> None:
    """``answer_in = "reply"`` answers there too, as a reply that pings nobody."""
    road.configure("adapters.discord", answer_in="reply")
    road.coze.script(Answer(text=STORY, first_delta_delay_s=0.02, delta_interval_s=0.004))
    async with road.bridge():
        asked = alone.ask("Tell me a story")
        await grows(alone, STORY, GENERAL)
    (answer,) = alone.answers(GENERAL)
    assert answer.reply_to == asked


async def test_a_forum_post_is_answered_in_it(road: Road, alone: Server) -> None:
    """A post in a configured forum is a question; what follows in it belongs to the same conversation."""
    road.configure("adapters.discord", forums=[alone.emulator.find_channel(FORUM).id])
    road.coze.script(Answer(text=STORY, first_delta_delay_s=0.02, delta_interval_s=0.004))
    async with road.bridge():
        post = alone.emulator.forum_post("ann", FORUM, "A story", "Tell me a story")
        await grows(alone, STORY, post)
        road.coze.answers.agent = echo_agent
        alone.reply("second", post, user="ben")
        await alone.answer(f"{SECOND}Ann: Tell me a story\n2. Ben: second", post)
    assert len(set(road.conversations())) == 1


async def test_other_forums_want_a_mention(road: Road, alone: Server) -> None:
    """A post in a forum that is not configured is left alone until somebody names us in it."""
    road.coze.script("Here.")
    async with road.bridge():
        post = alone.emulator.forum_post("ann", FORUM, "A story", "Tell me a story")
        await alone.quiet()
        assert not road.chats()
        alone.ask("Are you there?", post)
        await alone.once("Here.", post)


async def test_a_direct_message_is_answered(road: Road, alone: Server) -> None:
    """A direct message needs no mention; the whole conversation is one, and nobody else's."""
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        channel = alone.write("first")
        await alone.answer(f"{FIRST}first", channel)
        alone.write("second")
        await alone.answer(f"{SECOND}first\n2. second", channel)
        other = alone.write("mine", user="ben")
        await alone.answer(f"{FIRST}mine", other)
    assert len(set(road.conversations())) == 2


async def test_thirty_thousand_characters_arrive_once(road: Road, alone: Server) -> None:
    """A very long answer goes on in further messages, each character exactly once, none of them too long."""
    words = "".join(f"{number:05d} is a number. {'And so on. ' * 25}\n\n" for number in range(200))[:30_000].rstrip()
    pieces = tuple(words[start : start + 300] for start in range(0, len(words), 300))
    road.coze.script(Answer(deltas=pieces, delta_interval_s=0.001))
    async with road.bridge():
        asked = alone.ask("Count!")
        numbers = [f"{number:05d} is" for number in range(len(words) // 300)]
        await road.until(lambda: all(n in "".join(alone.texts(asked)) for n in numbers), "the whole text")
        await alone.quiet()
    assert "".join("".join(alone.texts(asked)).split()) == "".join(words.split())
    assert all(len(text) <= 2_000 for text in alone.texts(asked))
    assert len(alone.answers(asked)) <= 20


async def test_an_empty_answer_is_said_to_be_empty(road: Road, alone: Server) -> None:
    """Where the agent says nothing, a sentence says so."""
    road.coze.script(Answer(deltas=("",)))
    async with road.bridge():
        asked = alone.ask("Anything?")
        await alone.sentence(Say.EMPTY_ANSWER, "en", asked)


async def test_commands_are_obeyed(road: Road, alone: Server) -> None:
    """``new`` and ``stop`` are the same words as everywhere."""
    road.coze.script(Answer(text="word " * 200, delta_interval_s=0.05), matching="Talk")
    async with road.bridge():
        asked = alone.ask("Talk!")
        await road.until(lambda: alone.answers(asked), "the first words")
        alone.reply("!stop", asked)
        message = await alone.sentence(Say.STOPPED, "en", asked)
        assert message.text.startswith("word")
        await alone.sentence(Say.STOP_DONE, "en", asked)
        alone.reply("!new", asked)
        await alone.sentence(Say.NEW_DONE, "en", asked)
    assert [chat.status for chat in road.coze.world.chats.values()] == ["canceled"]


async def test_a_server_in_chinese_reads_chinese(road: Road, alone: Server) -> None:
    """The server's language is the language of our sentences."""
    alone.emulator.default_guild.locale = "zh-CN"
    async with road.bridge():
        asked = alone.ask("!status")
        await road.until(lambda: alone.answers(asked) or alone.answers(GENERAL), "a sentence")
        await alone.sentence(Say.STATUS_IDLE, "zh", asked if alone.answers(asked) else GENERAL)


@pytest.mark.parametrize("answer_in", ["thread", "place", "reply"])
async def test_nothing_said_pings_or_unfurls(road: Road, alone: Server, answer_in: str) -> None:
    """Mentions in an answer call nobody and links unfold nowhere, in the first words, edits, further parts, notices."""
    road.configure("adapters.discord", answer_in=answer_in)
    alone.emulator.add_role("team", mentionable=True)
    alone.emulator.give_role("coze", alone.emulator.add_role("loud", ["MENTION_EVERYONE"]))
    role = alone.emulator.find_role(alone.emulator.default_guild, "team").id
    ben = alone.emulator.find_user("ben").id
    evil = (
        f"@everyone @here <@&{role}> <@{ben}> <@!{ben}> see https://example.com/a and [this](https://example.com/b). "
    )
    pieces = tuple(f"{evil}{number}\n\n" for number in range(20))
    road.coze.script(Answer(deltas=pieces, delta_interval_s=0.02))
    async with road.bridge():
        asked = alone.ask("Ping everybody")
        place = asked if answer_in == "thread" else GENERAL
        await road.until(lambda: any(text.strip().endswith("19") for text in alone.texts(place)), "the whole answer")
        await alone.quiet()  # the turn has ended, not only its text
        alone.emulator.mention("ann", place, "!status")
        await alone.sentence(Say.STATUS_IDLE, "en", place)
        await alone.quiet()
    assert alone.emulator.violations() == []
    bodies = [entry.detail["body"] for route in (CREATE, EDIT) for entry in alone.calls(route)]
    assert len(alone.calls(EDIT)) >= 2
    assert all(body["allowed_mentions"]["parse"] == [] for body in bodies)
    assert all(body["flags"] & 4 for body in bodies)


async def test_a_coze_failure_is_told(road: Road, alone: Server) -> None:
    """A failure of the agent ends as a sentence in the thread."""
    road.configure("agents.default", token="pat_of_somewhere_else")
    async with road.bridge():
        asked = alone.ask("Are you there?")
        await alone.sentence(Say.AGENT_UNAUTHORIZED, "en", asked)


async def test_a_question_is_asked_once_however_often_it_arrives(road: Road, alone: Server) -> None:
    """A message the gateway tells twice is one question."""
    alone.emulator.gateway_faults.plan("MESSAGE_CREATE", "duplicate")
    road.coze.script("Once.", times=None)
    async with road.bridge():
        await alone.once("Once.", alone.ask("How often?"))
    assert len(alone.calls(THREAD)) == 1


async def test_a_stopped_bridge_leaves_nothing(road: Road, alone: Server) -> None:
    """Leaving ends the connection to the gateway."""
    async with road.bridge() as bridge:
        assert isinstance(bridge, Bridge)
        assert alone.emulator.gateway.connected() == 1
    assert alone.emulator.gateway.connected() == 0
