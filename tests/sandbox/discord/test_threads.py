"""Threads and forum posts over REST and by people (reference 5)."""

from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal


@pytest.fixture
async def thread(emulator: DiscordEmulator) -> str:
    """A thread of ann's in #general."""
    return emulator.start_thread("ann", "general", "aside", text="hello")


async def test_a_thread_from_a_message_has_its_id(emulator: DiscordEmulator, api: Any, dial: Any) -> None:
    """THREAD_CREATE, the parent with its flag, and a first message that points back; a second thread is 160004."""
    asked = emulator.say("ann", "general", "question")
    path = f"/channels/{api.channel()}/messages/{asked}/threads"
    async with dial() as raw:
        await raw.ready()
        made = await api.call("POST", path, {"name": "answers", "auto_archive_duration": 60}, status=201)
        created = await raw.until("THREAD_CREATE")
        updated = await raw.until("MESSAGE_UPDATE")
        pointer = await raw.until("MESSAGE_CREATE")
    assert made["id"] == created["id"] == asked
    assert (created["newly_created"], created["parent_id"]) == (True, api.channel())
    assert updated["flags"] & 1 << 5
    assert updated["edited_timestamp"] is None
    assert (pointer["type"], pointer["content"], pointer["channel_id"]) == (21, "", asked)
    assert pointer["message_reference"]["message_id"] == asked
    assert await api.refusal("POST", path, {"name": "again"}) == (400, 160004)
    assert emulator.shown("general", asked).thread == asked


async def test_threads_of_no_message(emulator: DiscordEmulator, api: Any) -> None:
    """Private unless told; a public one is announced in its channel; joined and left."""
    path = f"/channels/{api.channel()}/threads"
    emulator.allow("general", "coze", "CREATE_PRIVATE_THREADS")
    private = await api.call("POST", path, {"name": "hidden"}, status=201)
    public = await api.call("POST", path, {"name": "open", "type": 11}, status=201)
    assert (private["type"], public["type"]) == (12, 11)
    assert [message.kind for message in emulator.messages("general")] == [18]
    assert emulator.threads("general") == {private["id"]: "hidden", public["id"]: "open"}
    assert emulator.service.world.permissions(emulator.find_user("ann").id, emulator.find_channel("hidden")) == 0
    ann = emulator.find_user("ann").id
    await api.call("PUT", f"/channels/{public['id']}/thread-members/{ann}", status=204)
    assert (await api.call("GET", f"/channels/{public['id']}"))["member_count"] == 2
    await api.call("DELETE", f"/channels/{public['id']}/thread-members/@me", status=204)
    active = await api.call("GET", f"/guilds/{emulator.guild_id}/threads/active")
    assert {found["id"] for found in active["threads"]} == {private["id"], public["id"]}
    assert [member["id"] for member in active["members"]] == [private["id"]]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "auto_archive_duration": 61}, "auto_archive_duration"),
        ({"name": "x", "rate_limit_per_user": 21_601}, "rate_limit_per_user"),
    ],
)
async def test_limits_of_threads(api: Any, fields: dict[str, Any], field: str) -> None:
    """Names have 1 to 100 characters, durations are four."""
    answer = await api.call("POST", f"/channels/{api.channel()}/threads", {"type": 11, **fields}, status=400)
    assert field in answer["errors"]


async def test_a_message_wakes_an_archived_thread(
    emulator: DiscordEmulator, api: Any, thread: str, journal: Journal
) -> None:
    """Editing and deleting in an archived thread is 50083, writing wakes it first."""
    message = await api.post("one", thread)
    emulator.archive(thread)
    path = f"/channels/{thread}/messages"
    assert await api.refusal("PATCH", f"{path}/{message['id']}", {"content": "x"}) == (400, 50083)
    assert await api.refusal("DELETE", f"{path}/{message['id']}") == (400, 50083)
    assert await api.refusal("PUT", f"/channels/{thread}/thread-members/@me") == (400, 50083)
    await api.post("two", thread)
    state = (await api.call("GET", f"/channels/{thread}"))["thread_metadata"]
    assert (state["archived"], state["locked"]) == (False, False)
    await api.edit(message, content="now it works")


async def test_a_locked_thread_stays_shut(emulator: DiscordEmulator, api: Any, thread: str) -> None:
    """Only whoever may manage threads writes there, and unlocks it."""
    emulator.archive(thread, locked=True)
    path = f"/channels/{thread}/messages"
    assert await api.refusal("POST", path, {"content": "x"}) == (403, 160005)
    with pytest.raises(ValueError, match="MANAGE_THREADS"):
        emulator.say("ann", thread, "me too")
    emulator.allow("general", "coze", "MANAGE_THREADS")
    await api.call("POST", path, {"content": "x"})
    emulator.unarchive(thread)
    emulator.say("ann", thread, "thanks")


async def test_silence_archives(emulator: DiscordEmulator, api: Any, thread: str, clock: SandboxClock) -> None:
    """After its time without a message a thread is archived, and listed as active no more."""
    clock.advance(1439 * 60)
    await api.post("still here", thread)
    clock.advance(1441 * 60)
    assert (await api.call("GET", f"/guilds/{emulator.guild_id}/threads/active"))["threads"] == []
    assert (await api.call("GET", f"/channels/{thread}"))["thread_metadata"]["archived"] is True


async def test_changing_a_thread(emulator: DiscordEmulator, api: Any, thread: str) -> None:
    """The bot renames and archives its own; others' and locks need MANAGE_THREADS; deleting too."""
    own = await api.call("POST", f"/channels/{api.channel()}/threads", {"name": "own", "type": 11}, status=201)
    renamed = await api.call("PATCH", f"/channels/{own['id']}", {"name": "new", "auto_archive_duration": 60})
    assert (renamed["name"], renamed["thread_metadata"]["auto_archive_duration"]) == ("new", 60)
    await api.call("PATCH", f"/channels/{own['id']}", {"archived": True})
    assert await api.refusal("PATCH", f"/channels/{own['id']}", {"name": "x"}) == (400, 50083)
    assert await api.refusal("PATCH", f"/channels/{own['id']}", {"locked": True}) == (403, 50013)
    assert await api.refusal("PATCH", f"/channels/{thread}", {"name": "x"}) == (403, 50013)
    assert await api.refusal("DELETE", f"/channels/{thread}") == (403, 50013)
    emulator.allow("general", "coze", "MANAGE_THREADS")
    await api.call("DELETE", f"/channels/{thread}")
    assert await api.refusal("GET", f"/channels/{thread}") == (404, 10003)


async def test_forum_posts(emulator: DiscordEmulator, api: Any, dial: Any) -> None:
    """A post is a thread with its first message; a forum takes no message, and may demand a tag."""
    help_id = api.channel("help")
    assert await api.refusal("POST", f"/channels/{help_id}/messages", {"content": "x"}) == (400, 40058)
    body = {"name": "news", "message": {"content": "first"}}
    async with dial() as raw:
        await raw.ready()
        post = await api.call("POST", f"/channels/{help_id}/threads", body, status=201)
        assert (await raw.until("THREAD_CREATE"))["parent_id"] == help_id
        first = await raw.until("MESSAGE_CREATE")
        emulator.forum_post("ann", "help", "broken", "it is", tags=("bug",))
        assert (await raw.until("THREAD_CREATE"))["applied_tags"] == [emulator.find_channel("help").tags[0].id]
    assert post["id"] == post["message"]["id"] == first["id"] == first["channel_id"]
    emulator.add_channel("tagged", "forum", tags=("a",), requires_tag=True)
    assert await api.refusal("POST", f"/channels/{api.channel('tagged')}/threads", body) == (400, 40067)
    with pytest.raises(ValueError, match="demands a tag"):
        emulator.forum_post("ann", "tagged", "x", "y")
    assert await api.refusal("POST", f"/channels/{help_id}/threads", {"name": "x"}) == (400, 50035)
    with pytest.raises(ValueError, match="posts only"):
        emulator.say("ann", "help", "x")


async def test_channels_without_text(emulator: DiscordEmulator, api: Any) -> None:
    """A category takes no messages, a voice channel no threads, a direct conversation neither."""
    emulator.add_channel("group", "category")
    emulator.add_channel("call", "voice")
    assert await api.refusal("POST", f"/channels/{api.channel('group')}/messages", {"content": "x"}) == (400, 50008)
    said = emulator.say("ann", "call", "hi")
    path = f"/channels/{api.channel('call')}/messages/{said}/threads"
    assert await api.refusal("POST", path, {"name": "x"}) == (400, 50024)
    assert await api.refusal("PUT", f"/channels/{api.channel('call')}/thread-members/@me") == (400, 50024)
    dm = emulator.dm("ann", "hi")
    path = f"/channels/{emulator.open_dm('ann')}/messages/{dm}/threads"
    assert await api.refusal("POST", path, {"name": "x"}) == (400, 50024)
