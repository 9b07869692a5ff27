"""``kill -9`` in the middle of an answer: after the next start it stands there whole, once, asked for once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from benchmarks.proving.warm import WarmBridge
from bridge.texts import LANGUAGES, Say
from sandbox.coze import Answer
from sandbox.demo.process import demo_folder
from sandbox.demo.town import ANN, CHANNEL, Town, open_town
from sandbox.demo.words import WORDS
from sandbox.journal import Entry

TEXT = "Words that survive a crash. " * 12
CHAT = "POST /v3/chat"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """Emulators here, the bridge as a process of its own, not yet started; Discord wants 5 s between two sessions."""
    with demo_folder() as folder, WarmBridge(folder) as bridge:
        async with open_town(WORDS["en"], bridge) as town:
            town.coze.script(Answer(text=TEXT.strip(), chars_per_second=150.0))
            yield town


def ask(town: Town, platform: str) -> str:
    """Let Ann ask; return what the thread of the answer is called."""
    people = town.slack if platform == "slack" else town.discord
    return people.mention(ANN, CHANNEL, "What survives a crash?")


def shown(town: Town, platform: str, root: str) -> list[str]:
    """What the bot shows in the thread of a question, where there is one yet."""
    if platform == "slack":
        channel = town.slack.find_channel(CHANNEL).id
        return [m.text for m in town.slack.messages(channel, thread_ts=root) if m.user == town.slack.bot_user_id]
    return [m.text for m in town.discord.answers(root)] if root in town.discord.service.world.channels else []


async def until(town: Town, what: str, condition: Any) -> None:
    """Wait for a condition, looked at after every entry of the journal."""
    await town.journal.wait_until(condition, what=what, timeout_s=20.0)


@pytest.mark.parametrize("moment", ["asked", "first words", "later words"])
@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_a_killed_bridge_finishes_its_answer_after_the_next_start(town: Town, platform: str, moment: str) -> None:
    """Coze went on meanwhile; the bridge fetches what was said and brings the message up to date."""
    await town.start_bridge(WORDS["en"])
    root = ask(town, platform)
    if moment == "asked":
        await until(town, "the question", lambda: town.journal.select(kind="event", name="conversation.chat.created"))
    else:
        grown = 1 if moment == "first words" else 60
        await until(town, "words", lambda: any(len(text) > grown for text in shown(town, platform, root)))
    town.bridge.kill()
    await town.bridge.stop(town.journal)
    await town.bridge.start(town.journal)
    await until(town, "the whole text", lambda: shown(town, platform, root) == [TEXT.strip()])
    assert len(town.journal.select(kind="request", name=CHAT)) == 1


async def test_a_question_to_a_dead_bridge_is_answered_by_the_next_one(town: Town) -> None:
    """Discord tells it to nobody; it is found, however often the new session is refused for coming too soon."""
    await town.start_bridge(WORDS["en"])
    town.bridge.kill()
    await town.bridge.stop(town.journal)
    root = ask(town, "discord")
    await town.bridge.start(town.journal)
    await until(
        town, "the answer", lambda: any(LANGUAGES["en"][Say.LATE] in text for text in shown(town, "discord", root))
    )
    assert len(town.journal.select(kind="request", name=CHAT)) == 1


async def test_a_message_to_a_dead_bridge_in_slack_is_answered_by_the_next_one(town: Town) -> None:
    """Slack gives up telling it, so it is read: the channel was written down when somebody first spoke there."""
    town.slack.switches.lost_without_connection = True
    await town.start_bridge(WORDS["en"])
    first = ask(town, "slack")
    await until(town, "the first answer", lambda: shown(town, "slack", first) == [TEXT.strip()])
    town.bridge.kill()
    await town.bridge.stop(town.journal)
    town.coze.script(Answer(text="Late."))
    root = ask(town, "slack")
    await town.bridge.start(town.journal)
    channel = town.slack.find_channel(CHANNEL).id
    await until(
        town,
        "an answer that says it is late",
        lambda: any(LANGUAGES["en"][Say.LATE] in message.small_print for message in town.slack.messages(channel, root)),
    )
    assert len(town.journal.select(kind="request", name=CHAT)) == 2


ANNOUNCED = {"slack": "chat.postMessage", "discord": "POST /channels/{channel}/messages"}
BEGUN = "POST /v1/workflow/stream_run"


@pytest.mark.parametrize("platform", ["slack", "discord"])
@pytest.mark.parametrize("moment", ["accepted", "asked"])
async def test_a_command_that_is_cut_runs_once_or_says_that_it_may_have_run(
    town: Town, platform: str, moment: str
) -> None:
    """Written down and not yet announced, it runs after the next start; begun at Coze, it is not begun again."""
    await town.start_bridge(WORDS["en"])
    side = next(side for side in town.sides if side.service == platform)
    await until(town, "the command", lambda: "weather" in side.commands())
    fatal = ANNOUNCED[platform] if moment == "accepted" else BEGUN

    def cut(entry: Entry) -> None:
        if (entry.kind, entry.name) == ("request", fatal):
            town.bridge.kill()

    with town.journal.listening(cut):
        await side.command(ANN, "weather city=Lisbon")
        await until(town, "the fatal request", lambda: town.bridge.exit_code is not None or has(town, fatal))
        await town.bridge.stop(town.journal)
    if moment == "accepted":
        assert not has(town, BEGUN)
    await town.bridge.start(town.journal)
    wanted = "**Lisbon, 3 days:**" if moment == "accepted" else LANGUAGES["en"][Say.RUN_MAYBE][:20]

    def told() -> bool:
        said = [said for thread in side.threads() for said in thread.said]
        return any(wanted in f"{message.text}\n{message.small_print}" for message in said)

    await until(town, wanted, told)
    lines = [thread for thread in side.threads() if thread.said[0].of_bot]
    assert len(lines) == len(town.coze.workflows.runs) == 1


def has(town: Town, request: str) -> bool:
    """Tell whether somebody was asked for something."""
    return bool(town.journal.select(kind="request", name=request))
