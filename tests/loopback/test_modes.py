"""The other ways to reach an agent: fetched instead of streamed, self-hosted, without a kept history, plain HTTP."""

from itertools import pairwise

from bridge.texts import Say
from sandbox.coze import Answer, CozeEmulator, Failure, echo_agent
from tests.loopback.road import BOT, TOKEN, Road

TEXT = "It is a Tuesday, as far as I can tell."


async def test_an_answer_that_is_fetched(road: Road) -> None:
    """With ``mode = "poll"`` the run is created without a stream and its answer fetched when it is ready."""
    road.configure("agents.default", mode="poll")
    road.coze.script(Answer(text=TEXT, delta_interval_s=0.02))
    async with road.bridge():
        asked = road.ask("Which day is it?")
        await road.answer(TEXT, asked)
    assert [entry.detail["body"]["stream"] for entry in road.chats()] == [False]
    looks = road.journal.select(service="coze", kind="request", name="GET /v3/chat/retrieve")
    assert all(after.at - before.at > 0.9 for before, after in pairwise(looks))


async def test_a_fetched_answer_that_failed(road: Road) -> None:
    """A failed run is told in this mode as well."""
    road.configure("agents.default", mode="poll")
    road.coze.script(Answer(text=TEXT, failure=Failure(code=5000)))
    async with road.bridge():
        asked = road.ask("Which day is it?")
        await road.sentence(Say.AGENT_FAILED, "en", asked)


async def test_a_self_hosted_studio(road: Road) -> None:
    """The bridge talks to a Coze Studio of one's own, whose wire differs in many places."""
    async with CozeEmulator(road.slack.clock, road.journal, profile="studio") as studio:
        studio.add_token(TOKEN)
        studio.add_bot(BOT)
        studio.answers.agent = echo_agent
        road.configure("agents.default", base_url=studio.base_url, profile="studio")
        async with road.bridge():
            asked = road.ask("first")
            await road.answer("Questions in this context: 1\n1. Ann: first", asked)
            road.reply("second", asked, user="ben")
            await road.answer("Questions in this context: 2\n1. Ann: first\n2. Ben: second", asked)
            channel, direct = road.write("third")
            await road.answer("Questions in this context: 1\n1. third", direct, channel)


async def test_an_agent_that_keeps_no_history(road: Road) -> None:
    """Without Coze's history the bridge brings its own along, so that the context is the same."""
    road.configure("agents.default", auto_save_history=False)
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        asked = road.ask("first")
        await road.answer("Questions in this context: 1\n1. Ann: first", asked)
        road.reply("second", asked)
        await road.answer("Questions in this context: 2\n1. Ann: first\n2. Ann: second", asked)


async def test_the_plain_transport(road: Road) -> None:
    """``transport = "httpx"`` serves as well."""
    road.configure("agents.default", transport="httpx")
    road.coze.script(Answer(text=TEXT, delta_interval_s=0.01))
    async with road.bridge():
        asked = road.ask("Which day is it?")
        await road.answer(TEXT, asked)


async def test_first_words_come_as_soon_as_there_are_enough(road: Road) -> None:
    """The first post does not wait out its time when enough characters have arrived."""
    road.configure("pace", first_words_chars=24, first_words_wait_s=3.0)
    words = ("Enough ", "characters for a first post.", " And more.")
    road.coze.script(Answer(deltas=words, delta_interval_s=0.1))
    async with road.bridge():
        asked = road.ask("Quickly?")
        answer = await road.answer("".join(words), asked)
    deltas = road.journal.select(service="coze", kind="event", name="conversation.message.delta")
    assert road.slack.steps("C1", answer.ts)[0].at - deltas[0].at < 1.0


async def test_variables_of_the_prompt(road: Road) -> None:
    """The configured variables reach the agent, filled in."""
    road.configure("agents.default.variables", user_name="{author_name}", where="{channel}", tone="friendly")
    async with road.bridge():
        asked = road.ask("Hi")
        await road.until(lambda: road.answers(asked), "an answer")
    assert road.chats()[0].detail["body"]["custom_variables"] == {
        "user_name": "Ann",
        "where": "general",
        "tone": "friendly",
    }


async def test_one_conversation_for_a_whole_channel(road: Road) -> None:
    """``scope = "channel"`` lets all threads of a channel share one conversation."""
    road.configure("bridge", scope="channel")
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        first = road.ask("first")
        await road.until(lambda: road.answers(first), "the first answer")
        second = road.ask("second", user="ben")
        await road.answer("Questions in this context: 2\n1. Ann: first\n2. Ben: second", second)


async def test_one_conversation_for_each_person(road: Road) -> None:
    """``scope = "user"`` gives everybody one conversation wherever they write."""
    road.configure("bridge", scope="user")
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        first = road.ask("in the channel")
        await road.until(lambda: road.answers(first), "the first answer")
        channel, second = road.write("in private")
        await road.answer("Questions in this context: 2\n1. in the channel\n2. in private", second, channel)
        other = road.ask("somebody else", user="ben")
        await road.answer("Questions in this context: 1\n1. somebody else", other)


async def test_direct_messages_without_threads(road: Road) -> None:
    """``direct_messages = "channel"`` answers at the top and makes all of them one conversation."""
    road.configure("adapters.slack", direct_messages="channel")
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        channel, _ = road.write("first")
        await road.until(lambda: road.slack.answers(channel), "the first answer")
        road.write("second")
        await road.until(lambda: len(road.slack.answers(channel)) == 2, "the second answer")
        last = road.slack.answers(channel)[-1]
        await road.until(lambda: "2. second" in road.slack.shown_text(channel, last.ts), "the shared context")
        assert last.thread_ts is None
