"""What somebody asks while she is being answered, with an agent that lets one run at a time into a conversation."""

from bridge.texts import Say
from sandbox.coze import Answer, echo_agent
from tests.loopback.road import Road

LONG = Answer(text="word " * 200, delta_interval_s=0.05)


async def test_interrupt_cancels_the_run_and_tells_its_question_again(road: Road) -> None:
    """The cut answer stays, marked; the next question is asked at once, and brings the one that Coze forgot."""
    road.configure("bridge", on_busy="interrupt")
    road.coze.script(LONG)
    road.coze.answers.agent = echo_agent
    async with road.bridge():
        asked = road.ask("Tell me about Rome")
        await road.until(lambda: road.answers(asked), "the first words")
        road.reply("in one sentence", asked)
        message = await road.sentence(Say.INTERRUPTED_BY_NEXT, "en", asked)
        assert message.text.startswith("word")
        told_again = "1. Ann: Tell me about Rome\n2. Ann: in one sentence"
        await road.answer(f"Questions in this context: 2\n{told_again}", asked)
        await road.quiet()
    assert sorted(chat.status for chat in road.coze.world.chats.values()) == ["canceled", "completed"]
    assert road.questions() == ["Ann: Tell me about Rome", "Ann: in one sentence"]
    assert len(set(road.conversations())) == 1


async def test_merge_answers_what_gathered_in_one(road: Road) -> None:
    """The first is answered as ever; what she and nobody else added meanwhile is one question."""
    road.configure("bridge", on_busy="merge")
    road.coze.script(Answer(text="word " * 40, delta_interval_s=0.03))
    road.coze.script("Both.")
    async with road.bridge():
        asked = road.ask("first")
        await road.first_delta()
        waiting = [road.reply(text, asked) for text in ("second", "third")]
        for ts in waiting:
            await road.waiting_sign(ts)
        await road.answer("Both.", asked)
        await road.until(lambda: not any(road.slack.shown("C1", ts).reactions for ts in waiting), "the signs to go")
        await road.quiet()
    assert road.questions() == ["Ann: first", "Ann: second\n\nthird"]
    assert len(road.answers(asked)) == 2
