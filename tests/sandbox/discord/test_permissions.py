"""Permissions: how they add up, and what the API refuses without them (reference 4)."""

from typing import Any

import pytest

from sandbox.discord import DiscordEmulator
from sandbox.discord.permissions import ALL_PERMISSIONS, Permission


def bits(emulator: DiscordEmulator, user: str, channel: str) -> int:
    """Return what somebody may do."""
    return emulator.service.world.permissions(emulator.find_user(user).id, emulator.find_channel(channel))


async def test_overwrites_apply_in_order(emulator: DiscordEmulator) -> None:
    """@everyone, then roles together, then the member; the owner may do everything."""
    emulator.add_role("helpers")
    emulator.give_role("ann", "helpers")
    emulator.deny("general", "@everyone", "SEND_MESSAGES")
    assert not bits(emulator, "ann", "general") & Permission.SEND_MESSAGES
    emulator.allow("general", "helpers", "SEND_MESSAGES")
    assert bits(emulator, "ann", "general") & Permission.SEND_MESSAGES
    assert not bits(emulator, "bob", "general") & Permission.SEND_MESSAGES
    emulator.deny("general", "ann", "SEND_MESSAGES")
    assert not bits(emulator, "ann", "general") & Permission.SEND_MESSAGES
    emulator.deny("general", "@everyone", "VIEW_CHANNEL")
    assert bits(emulator, "bob", "general") == 0
    assert bits(emulator, "owner", "general") == ALL_PERMISSIONS


async def test_an_administrator_is_above_overwrites(emulator: DiscordEmulator) -> None:
    """ADMINISTRATOR overrides what a channel takes away."""
    emulator.add_role("admins", ["ADMINISTRATOR"])
    emulator.give_role("coze", "admins")
    emulator.deny("general", "coze", "VIEW_CHANNEL", "SEND_MESSAGES")
    assert bits(emulator, "coze", "general") == ALL_PERMISSIONS


async def test_threads_follow_their_parent(emulator: DiscordEmulator) -> None:
    """What a channel says holds in its threads; strangers see no direct conversation."""
    thread = emulator.start_thread("ann", "general", "aside")
    emulator.deny("general", "coze", "VIEW_CHANNEL")
    assert bits(emulator, "coze", thread) == 0
    assert bits(emulator, "bob", emulator.open_dm("ann")) == 0


@pytest.mark.parametrize(
    ("denied", "method", "path", "body", "code"),
    [
        ("VIEW_CHANNEL", "GET", "", None, 50001),
        ("VIEW_CHANNEL", "POST", "/messages", {"content": "x"}, 50001),
        ("SEND_MESSAGES", "POST", "/messages", {"content": "x"}, 50013),
        ("SEND_MESSAGES", "POST", "/typing", None, 50013),
        ("EMBED_LINKS", "POST", "/messages", {"embeds": [{"title": "t"}]}, 50013),
        ("READ_MESSAGE_HISTORY", "POST", "/messages", "reply", 160002),
        ("READ_MESSAGE_HISTORY", "GET", "/messages/{asked}", None, 50001),
        ("ADD_REACTIONS", "PUT", "/messages/{asked}/reactions/%F0%9F%91%80/@me", None, 50013),
        ("CREATE_PUBLIC_THREADS", "POST", "/messages/{asked}/threads", {"name": "x"}, 50013),
        ("MANAGE_CHANNELS", "PATCH", "", {"name": "renamed"}, 50013),
    ],
)
async def test_what_is_refused(
    emulator: DiscordEmulator, api: Any, denied: str, method: str, path: str, body: Any, code: int
) -> None:
    """Each call needs its permission."""
    asked = emulator.say("ann", "general", "question")
    emulator.deny("general", "coze", denied)
    wanted = {"content": "x", "message_reference": {"message_id": asked}} if body == "reply" else body
    url = f"/channels/{api.channel()}{path.format(asked=asked)}"
    assert await api.refusal(method, url, wanted) == (403, code)


async def test_history_without_the_right_is_empty(emulator: DiscordEmulator, api: Any) -> None:
    """The list of messages is no refusal but empty."""
    emulator.say("ann", "general", "past")
    emulator.deny("general", "coze", "READ_MESSAGE_HISTORY")
    assert await api.call("GET", f"/channels/{api.channel()}/messages") == []


async def test_in_threads_another_right_counts(emulator: DiscordEmulator, api: Any) -> None:
    """SEND_MESSAGES has no effect in a thread, SEND_MESSAGES_IN_THREADS decides."""
    thread = emulator.start_thread("ann", "general", "aside")
    emulator.deny("general", "coze", "SEND_MESSAGES")
    await api.post("works", thread)
    emulator.deny("general", "coze", "SEND_MESSAGES_IN_THREADS")
    assert await api.refusal("POST", f"/channels/{thread}/messages", {"content": "x"}) == (403, 50013)


async def test_people_are_held_to_their_rights_too(emulator: DiscordEmulator) -> None:
    """A test cannot make people do what they may not."""
    emulator.deny("general", "@everyone", "SEND_MESSAGES", "CREATE_PUBLIC_THREADS")
    with pytest.raises(ValueError, match="ann lacks SEND_MESSAGES"):
        emulator.say("ann", "general", "hi")
    with pytest.raises(ValueError, match="CREATE_PUBLIC_THREADS"):
        emulator.start_thread("ann", "general", "aside")
    message = emulator.say("owner", "general", "announcement")
    with pytest.raises(ValueError, match="MANAGE_MESSAGES"):
        emulator.delete("ann", "general", message)
    with pytest.raises(ValueError, match="not by ann"):
        emulator.edit("ann", "general", message, "changed")
    with pytest.raises(ValueError, match="no permission"):
        emulator.deny("general", "ann", "FLY")
