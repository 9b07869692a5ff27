"""What was said before we were called: threads, forum posts, reply chains."""

from typing import Any

from bridge.model import EarlierMessage, TurnId, View
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

TURN = TurnId("abcdefghijklmnop")


def told(messages: Any) -> list[tuple[str, str, bool]]:
    """Return what matters of earlier messages."""
    assert all(isinstance(message, EarlierMessage) for message in messages)
    return [(message.author_name, message.text, message.ours) for message in messages]


async def test_a_thread_is_read_from_its_beginning(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """The message it was begun from, the newest ones, our answers without what rendering added; nothing later."""
    root = discord.say("ann", "general", "The printer is on fire")
    thread = discord.start_thread("bob", "general", "printer", message_id=root)
    discord.say("bob", thread, f"<@{discord.bot_user_id}> again? ask <@{discord.find_user('ann').id}>")
    await platform.reply(asked(channel=thread), TURN, "en").post(0, View("Call @here for help", footer="note"))
    await platform.reply(asked("!status", channel=thread), TurnId("s" * 16), "en").notice("I am free.")
    question = asked("what now?", channel=thread)
    discord.say("ann", thread, "later")
    assert told(await platform.earlier_messages(question, 30)) == [
        ("Ann", "The printer is on fire", False),
        ("波波", "again? ask @Ann", False),
        ("Ann", "hello", False),
        ("coze", "Call @here for help", True),
        ("Ann", "!status", False),
    ]
    assert told(await platform.earlier_messages(question, 2)) == [
        ("Ann", "The printer is on fire", False),
        ("Ann", "!status", False),
    ]
    assert told(await platform.earlier_messages(question, 0)) == []


async def test_a_forum_post_begins_with_its_first_message(discord: DiscordEmulator, platform: Any, asked: Any) -> None:
    """Which stands in the thread itself."""
    post = discord.forum_post("ann", "help", "reset", "How do I reset it?")
    for number in range(4):
        discord.say("bob", post, f"idea {number}")
    question = asked("and you?", channel=post)
    texts = [text for _, text, _ in told(await platform.earlier_messages(question, 3))]
    assert texts == ["How do I reset it?", "idea 2", "idea 3"]


async def test_a_reply_chain_is_read_back(
    discord: DiscordEmulator, platform: Any, asked: Any, journal: Journal
) -> None:
    """Two messages per request, and nothing of what others say in the channel."""
    chain = [discord.say("bob", "general", "zero")]
    for number in range(1, 6):
        discord.say("ann", "general", "chatter")
        chain.append(discord.reply("bob", "general", chain[-1], f"step {number}"))
    question = asked("so?", root=chain[0])
    message = discord.find_message("general", question.message_id)
    message.reference = {"message_id": chain[-1], "channel_id": message.channel_id}
    before = len(journal.select(kind="request"))
    texts = [text for _, text, _ in told(await platform.earlier_messages(question, 30))]
    assert texts == ["zero", "step 1", "step 2", "step 3", "step 4", "step 5"]
    assert len(journal.select(kind="request")) - before <= 6
    texts = [text for _, text, _ in told(await platform.earlier_messages(question, 2))]
    assert texts == ["step 4", "step 5"]


async def test_what_cannot_be_read_is_nothing(discord: DiscordEmulator, platform: Any, asked: Any) -> None:
    """No permission, no answer in time, a token that died: the question is asked without."""
    thread = discord.start_thread("ann", "general", "talk", text="one")
    question = asked(channel=thread)
    discord.faults.plan("GET /channels/{channel}/messages", "status", status=503)
    assert await platform.earlier_messages(question, 30) == ()
    discord.deny("general", "@everyone", "READ_MESSAGE_HISTORY")
    discord.deny("general", "coze", "READ_MESSAGE_HISTORY")
    assert not await platform.earlier_messages(question, 30)
    discord.application.token = "another"
    assert await platform.earlier_messages(question, 30) == ()
