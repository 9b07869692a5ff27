"""Whatever fails on the agent's side ends as a sentence in the conversation, in the asker's language."""

import pytest

from bridge.texts import Say
from sandbox.coze import Answer, Failure
from sandbox.coze.answers import RequiredAction, ToolCall
from tests.loopback.road import BOT, CHANNEL, CHAT, LATE_S, TOKEN, Road

READERS = (("ann", "en"), ("li", "zh"))
"""Who asks, and the language they read; they ask at the same time, each in a thread of their own."""


async def told(road: Road, say: Say) -> None:
    """Ask something and expect one sentence for an answer, each in their language."""
    async with road.bridge():
        asked = {locale: road.ask("Are you there?", user=user) for user, locale in READERS}
        for locale, ts in asked.items():
            await road.sentence(say, locale, ts)
        await road.quiet()
        for ts in asked.values():
            assert len(road.answers(ts)) == 1
            assert road.slack.status(CHANNEL, ts) == ""


async def test_a_wrong_token(road: Road) -> None:
    """A token Coze does not know, or of another region, is the administrator's to renew."""
    road.configure("agents.default", token="pat_of_somewhere_else")
    await told(road, Say.AGENT_UNAUTHORIZED)


@pytest.mark.parametrize("code_on_create", [4006, 5000])
async def test_an_unknown_bot(road: Road, code_on_create: int) -> None:
    """A bot id that does not exist is named as the cause, whatever code Coze has for it where we meet it first."""
    road.coze.switches.unknown_bot_code_on_create = code_on_create
    road.configure("agents.default", bot_id="7000000000000000000")
    await told(road, Say.AGENT_UNKNOWN_BOT)


async def test_an_unpublished_bot(road: Road) -> None:
    """A bot that is not published to the API says so."""
    road.coze.add_bot(BOT, published=False)
    await told(road, Say.AGENT_NOT_PUBLISHED)


async def test_a_gateways_html_page(road: Road) -> None:
    """A page of a gateway in place of an answer counts as Coze being out of reach."""
    road.coze.faults.plan(CHAT, "html", times=None, status=502)
    await told(road, Say.AGENT_UNAVAILABLE)


async def test_html_in_place_of_json(road: Road) -> None:
    """A page with status 200 (a portal, a wrong address) is no answer of an agent."""
    road.coze.faults.plan(CHAT, "html", times=None, status=200)
    await told(road, Say.AGENT_FAILED)


async def test_coze_out_of_reach(road: Road) -> None:
    """Where nobody listens at Coze's address, people read so; and are answered once it is back."""
    async with road.bridge():
        await road.coze.go_offline()
        asked = {locale: road.ask("Are you there?", user=user) for user, locale in READERS}
        for locale, ts in asked.items():
            await road.sentence(Say.AGENT_UNAVAILABLE, locale, ts)
        await road.coze.go_online()
        road.coze.script("Here again.")
        await road.answer("Here again.", road.ask("And now?"))


async def test_a_token_that_ends_in_the_middle_of_a_run(road: Road) -> None:
    """A token that expires while we run is told as such; with a valid one it goes on without a restart."""
    async with road.bridge():
        road.coze.script("Fine.", times=None)
        asked = road.ask("How are you?")
        await road.answer("Fine.", asked)
        road.coze.revoke(TOKEN)
        for user, locale in READERS:
            road.reply("Still fine?", asked, user=user)
            await road.sentence(Say.AGENT_UNAUTHORIZED, locale, asked)
        road.coze.add_token(TOKEN)
        await road.answer("Fine.", road.ask("And now?"))


async def test_a_coze_that_says_nothing(road: Road) -> None:
    """An agent silent beyond every limit is given up: its run is cancelled and the asker reads why."""
    road.configure("agents.default", connect_timeout_s=0.5, idle_timeout_s=0.5, answer_timeout_s=2.0)
    road.coze.script(Answer(text="too late", first_delta_delay_s=LATE_S), times=None)
    await told(road, Say.AGENT_SILENT)
    assert [chat.status for chat in road.coze.world.chats.values()] == ["canceled", "canceled"]


async def test_a_coze_that_falls_silent_in_the_middle(road: Road) -> None:
    """What was said before the silence stays visible and is marked as interrupted."""
    road.configure("agents.default", connect_timeout_s=0.5, idle_timeout_s=0.5, answer_timeout_s=2.0)
    road.coze.script(Answer(deltas=("This much", " and no more"), delta_interval_s=LATE_S), times=None)
    async with road.bridge():
        asked = {locale: road.ask("Tell me everything", user=user) for user, locale in READERS}
        for locale, ts in asked.items():
            message = await road.sentence(Say.INTERRUPTED, locale, ts)
            assert message.text == "This much"
            await road.sentence(Say.AGENT_SILENT, locale, ts)


async def test_a_chat_that_fails_in_the_middle(road: Road) -> None:
    """Partial text stays, marked as interrupted, with a sentence and a reference for the operator's log."""
    half = Answer(deltas=("Half ", "an ", "answer"), failure=Failure(code=5000, after_deltas=2))
    road.coze.script(half, times=None)
    async with road.bridge():
        for user, locale in READERS:
            asked = road.ask("Tell me everything", user=user)
            message = await road.sentence(Say.INTERRUPTED, locale, asked)
            assert message.text.strip() == "Half an"
            await road.sentence(Say.AGENT_FAILED, locale, asked)
            assert len(road.answers(asked)) == 1


async def test_a_failure_carries_a_reference(road: Road) -> None:
    """The sentence ends with the beginning of the turn id, which is in the operator's log."""
    road.coze.faults.plan(CHAT, "html", times=None, status=200)
    async with road.bridge():
        asked = road.ask("Well?")
        message = await road.sentence(Say.REFERENCE, "en", asked)
        assert "(reference " in message.small_print


async def test_an_agent_that_wants_a_tool_of_ours(road: Road) -> None:
    """Where nobody shall be asked in its place, that is said, and the conversation is not blocked."""
    road.configure("agents.default", ask_people=False)
    async with road.bridge():
        for user, locale in READERS:
            road.coze.script(Answer(requires_action=RequiredAction((ToolCall("get_weather"),))))
            road.coze.script("Without tools, then.")
            asked = road.ask("How is the weather?", user=user)
            await road.sentence(Say.AGENT_NEEDS_ACTION, locale, asked)
            road.reply("Never mind", asked, user=user)
            await road.answer("Without tools, then.", asked)


async def test_a_conversation_that_is_gone(road: Road) -> None:
    """Where Coze has forgotten the conversation, the question is answered in a new one, and that is said."""
    road.coze.script("Answer.", times=None)
    async with road.bridge():
        asked = road.ask("One")
        await road.answer("Answer.", asked)
        road.coze.world.conversations.clear()
        road.reply("Two", asked)
        await road.sentence(Say.NEW_CONVERSATION_FORCED, "en", asked)
        assert [message.text for message in road.answers(asked)] == ["Answer.", "Answer."]


async def test_a_conversation_that_is_occupied(road: Road) -> None:
    """When somebody else's run occupies the conversation (4016), the question waits its turn and is asked again."""
    road.coze.faults.plan(CHAT, "json_error", code=4016)
    road.coze.script("At last.")
    async with road.bridge():
        asked = road.ask("Busy?")
        await road.answer("At last.", asked)


async def test_too_many_requests_at_coze(road: Road) -> None:
    """A question refused for Coze's rate limit is asked again after the time Coze names."""
    road.coze.faults.plan(CHAT, "throttled", retry_after_s=1)
    road.coze.script("At last.")
    async with road.bridge():
        asked = road.ask("Busy?")
        await road.answer("At last.", asked)
        first, second = road.chats()
        assert second.at - first.at >= 1.0
