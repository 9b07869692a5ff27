"""What stands below an answer, from the press to Coze and back, on both platforms: also after a restart."""

from bridge.texts import LANGUAGES, Say
from sandbox.coze import Answer
from tests.loopback.road import CHANNEL, Road
from tests.loopback.server import Server

LONG = "And what would you recommend to somebody who has a single day, three small children and no umbrella at all?"
GOOD, BAD, REGENERATE = (LANGUAGES["en"][label] for label in (Say.GOOD_LABEL, Say.BAD_LABEL, Say.REGENERATE_LABEL))
SENT = LANGUAGES["en"][Say.FEEDBACK_SENT]


def opinions(road: Road) -> list[str]:
    """What Coze has been told of its answers."""
    messages = [message for place in road.coze.world.conversations.values() for message in place.messages]
    return [str(message.feedback["feedback_type"]) for message in messages if message.feedback]


def remembered(road: Road) -> list[str]:
    """What Coze knows of the conversation."""
    (conversation,) = road.coze.world.conversations.values()
    return [message.content for message in conversation.messages if message.type in ("question", "answer")]


async def test_slack(road: Road) -> None:
    """A suggestion pressed by Ben, feedback that is changed, another answer in place: each after a restart."""
    road.coze.script(Answer(text="Rain.", follow_ups=("Why?", LONG)))
    road.coze.script(Answer(text="A museum."))
    road.coze.script(Answer(text="The aquarium."))
    async with road.bridge():
        asked = road.ask("Weather in Paris?")
        first = await road.answer("Rain.", asked)
        await road.until(lambda: len(road.slack.shown(CHANNEL, first.ts).buttons) == 5, "the buttons")
        await road.quiet()
    buttons = road.slack.shown(CHANNEL, first.ts).buttons
    assert (buttons[0], buttons[2:]) == ("Why?", [REGENERATE, GOOD, BAD])
    assert LONG.startswith(buttons[1].rstrip("…"))
    async with road.bridge():
        assert (await road.slack.click("ann", CHANNEL, first.ts, "coze_bridge.good")).accepted
        await road.form("ann", lambda: road.slack.click("ann", CHANNEL, first.ts, "coze_bridge.bad"))
        assert opinions(road) == ["unlike"]
        told = {
            "field.reasons": {"coze_bridge.input": ["unclear"]},
            "field.comment": {"coze_bridge.input": "It snows."},
        }
        assert (await road.slack.submit_view("ann", told)).accepted
        (conversation,) = road.coze.world.conversations.values()
        feedback = {"feedback_type": "unlike", "reason_types": ["unclear"], "comment": "It snows."}
        assert [message.feedback for message in conversation.messages if message.feedback] == [feedback]
        assert not road.slack.views_of("ann")
        assert (await road.slack.click("ben", CHANNEL, first.ts, "coze_bridge.follow_up.1")).accepted
        second = await road.answer(f"> Ben asks: {LONG}\n\nA museum.", asked)
        await road.until(lambda: len(road.slack.shown(CHANNEL, first.ts).buttons) == 4, "one button less")
        await road.quiet()
    async with road.bridge():
        assert (await road.slack.click("ben", CHANNEL, first.ts, "coze_bridge.regenerate")).accepted
        assert (await road.slack.click("ben", CHANNEL, second.ts, "coze_bridge.regenerate")).accepted
        third = await road.answer(f"> Ben asks: {LONG}\n\nThe aquarium.", asked)
        await road.quiet()
    assert third.ts == second.ts
    assert [message.text.split()[-1] for message in road.answers(asked)] == ["Rain.", "aquarium."]
    assert road.questions() == ["Ann: Weather in Paris?", f"Ben: {LONG}", f"Ben: {LONG}"]
    assert remembered(road) == ["Ann: Weather in Paris?", "Rain.", f"Ben: {LONG}", "The aquarium."]
    whispers = [m.text for m in road.slack.messages(CHANNEL) if m.ephemeral_for]
    assert whispers == [SENT, SENT, LANGUAGES["en"][Say.NOT_YOURS]]


async def test_discord(road: Road, alone: Server) -> None:
    """The same there."""
    road.coze.script(Answer(text="Rain.", follow_ups=("Why?", LONG)))
    road.coze.script(Answer(text="A museum."))
    road.coze.script(Answer(text="The aquarium."))
    async with road.bridge():
        asked = alone.ask("Weather in Paris?")
        first = await alone.answer("Rain.", asked)
        await road.until(lambda: len(alone.emulator.shown(asked, first.id).buttons) == 5, "the buttons")
        await alone.quiet()
    buttons = alone.emulator.shown(asked, first.id).buttons
    assert (buttons[0], buttons[2:]) == ("Why?", [REGENERATE, GOOD, BAD])
    async with road.bridge():
        assert (await alone.emulator.click("ann", asked, first.id, GOOD)).ephemeral
        why = await alone.emulator.click("ann", asked, first.id, BAD)
        assert opinions(road) == ["unlike"]
        told = {"reasons[]": ["incorrect", "unclear"], "comment": "It snows."}
        assert (await alone.emulator.submit_modal("ann", why.interaction_id, told)).ephemeral
        (conversation,) = road.coze.world.conversations.values()
        feedback = {"feedback_type": "unlike", "reason_types": ["incorrect", "unclear"], "comment": "It snows."}
        assert [message.feedback for message in conversation.messages if message.feedback] == [feedback]
        assert (await alone.emulator.click("ben", asked, first.id, buttons[1])).accepted
        second = await alone.answer(f"> Ben asks: {LONG}\n\nA museum.", asked)
        assert alone.emulator.shown(asked, first.id).buttons == ["Why?", REGENERATE, GOOD, BAD]
        await alone.quiet()
    async with road.bridge():
        assert (await alone.emulator.click("ben", asked, first.id, REGENERATE)).ephemeral
        assert (await alone.emulator.click("ben", asked, second.id, REGENERATE)).accepted
        third = await alone.answer(f"> Ben asks: {LONG}\n\nThe aquarium.", asked)
        await alone.quiet()
    assert third.id == second.id
    assert len(alone.answers(asked)) == 2
    assert remembered(road) == ["Ann: Weather in Paris?", "Rain.", f"Ben: {LONG}", "The aquarium."]
