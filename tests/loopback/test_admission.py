"""Who may ask, how often, and how many may wait."""

import pytest

from bridge.texts import Say
from sandbox.coze import Answer
from tests.loopback.road import CHANNEL, Road

READERS = pytest.mark.parametrize(("user", "locale"), [("ann", "en"), ("li", "zh")])


@READERS
@pytest.mark.parametrize(
    "section",
    [{"gate.allow": {"channels": []}}, {"gate.allow": {"users": ["U2"]}}, {"gate.deny": {"channels": ["C1"]}}],
)
async def test_who_may_not_ask_reads_so(
    road: Road, user: str, locale: str, section: dict[str, dict[str, list[str]]]
) -> None:
    """Whoever the lists keep out gets a sentence and the agent is not asked."""
    for name, values in section.items():
        road.configure(name, **values)
    async with road.bridge():
        asked = road.ask("Please?", user=user)
        await road.sentence(Say.NOT_ALLOWED, locale, asked)
    assert not road.chats()


async def test_who_may_ask_does(road: Road) -> None:
    """The lists let in whom they name."""
    road.configure("gate.allow", users=["U2"], channels=[CHANNEL])
    road.coze.script("Welcome.")
    async with road.bridge():
        asked = road.ask("Please?", user="ben")
        await road.answer("Welcome.", asked)


@READERS
async def test_who_asks_too_fast_reads_so(road: Road, user: str, locale: str) -> None:
    """Beyond the limit of questions a person is told to wait."""
    road.configure("gate", user_questions=1)
    road.coze.script("Fine.", times=None)
    async with road.bridge():
        first = road.ask("One", user=user)
        await road.answer("Fine.", first)
        second = road.ask("Two", user=user)
        await road.sentence(Say.TOO_FAST, locale, second)
    assert len(road.chats()) == 1


@READERS
async def test_a_full_queue_is_told(road: Road, user: str, locale: str) -> None:
    """A question that would wait behind too many others is refused with a sentence."""
    road.configure("bridge", max_waiting=1)
    road.coze.script(Answer(text="word " * 100, delta_interval_s=0.02))
    road.coze.script("The one that waited.")
    async with road.bridge():
        asked = road.ask("One", user=user)
        await road.first_delta()
        waiting = road.reply("Two", asked, user=user)
        await road.waiting_sign(waiting)
        road.reply("Three", asked, user=user)
        await road.sentence(Say.QUEUE_FULL, locale, asked)
        await road.answer("The one that waited.", asked)
    assert len(road.chats()) == 2


async def test_a_deleted_question_is_not_asked(road: Road) -> None:
    """Deleting a question that waits takes it back."""
    road.coze.script(Answer(text="word " * 40, delta_interval_s=0.02))
    async with road.bridge():
        asked = road.ask("One")
        await road.first_delta()
        waiting = road.reply("Two", asked)
        await road.waiting_sign(waiting)
        road.slack.delete("ann", CHANNEL, waiting)
        await road.answer("word " * 40, asked)
        await road.quiet()
    assert len(road.chats()) == 1


async def test_other_bots_are_left_alone(road: Road) -> None:
    """A message of another bot is no question, even if it mentions us."""
    road.slack.add_app("A2", "parrot", scopes=("chat:write",), events=())
    road.slack.invite(CHANNEL, "parrot")
    road.forgiven.add("ping")
    async with road.bridge():
        asked = road.ask("Polly?", user="parrot")
        await road.quiet()
        assert [message.user for message in road.answers(asked)] == [road.slack.find_user("parrot").id]
    assert not road.chats()


async def test_a_repeat_in_a_full_queue_is_no_refusal(road: Road) -> None:
    """The second event of a mention that took the last place, and its redelivery, are not told there is no room."""
    road.configure("bridge", max_waiting=1)
    road.slack.delivery_faults.plan("app_mention", "duplicate", times=None)
    road.coze.script(Answer(text="word " * 60, delta_interval_s=0.02))
    road.coze.script("The one that waited.")
    async with road.bridge():
        asked = road.ask("One")
        await road.first_delta()
        await road.waiting_sign(road.ask("Two", asked))
        await road.answer("The one that waited.", asked)
        await road.quiet()
    assert [message.text for message in road.answers(asked)] == ["word " * 60, "The one that waited."]
