"""Who would have been notified: the rule that matters most (reference 5, allowed_mentions)."""

from typing import Any

import pytest

from sandbox.discord import DiscordEmulator
from sandbox.discord.mentions import links_in, mentions_in

NOBODY: dict[str, Any] = {"parse": []}


def pinged(emulator: DiscordEmulator) -> list[str]:
    """Return whom the bot pinged so far."""
    return [entry.detail["target"] for entry in emulator.violations("ping")]


async def test_by_default_everything_pings(emulator: DiscordEmulator, api: Any) -> None:
    """Without allowed_mentions @everyone, roles and users are notified, and the message says so."""
    role, ann = emulator.add_role("staff", mentionable=True), emulator.find_user("ann").id
    text = f"@here <@&{role}> <@{ann}> <@{emulator.bot_user_id}>"
    message = await api.post(text)
    assert message["mention_everyone"]
    assert message["mention_roles"] == [role]
    assert [user["username"] for user in message["mentions"]] == ["ann", "coze"]
    assert pinged(emulator) == [f"@{ann}", f"@&{role}", "@everyone"], "the bot itself is nobody to notify"
    silent = await api.post(text, allowed_mentions=NOBODY)
    assert (silent["mention_everyone"], silent["mentions"], silent["content"]) == (False, [], text)
    assert len(pinged(emulator)) == 3


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ({"parse": ["users"]}, {"@ann"}),
        ({"parse": ["everyone"]}, {"@everyone"}),
        ({"parse": ["roles"]}, {"@&staff"}),
        ({"users": ["ann"]}, {"@ann"}),
        ({"roles": ["staff"]}, {"@&staff"}),
        ({"users": [], "parse": []}, set()),
        ({}, set()),
    ],
)
async def test_what_is_allowed_pings(
    emulator: DiscordEmulator, api: Any, allowed: dict[str, Any], expected: set[str]
) -> None:
    """By kind, by id, nobody: in an explicit object what is not named is not allowed."""
    ids = {"ann": emulator.find_user("ann").id, "staff": emulator.add_role("staff", mentionable=True)}
    names = {f"@{ids['ann']}": "@ann", f"@&{ids['staff']}": "@&staff", "@everyone": "@everyone"}
    by_id = {kind: [ids.get(name, name) for name in values] for kind, values in allowed.items()}
    await api.post(f"@everyone <@{ids['ann']}> <@&{ids['staff']}>", allowed_mentions=by_id)
    assert {names[target] for target in pinged(emulator)} == expected


async def test_an_edit_is_parsed_afresh(emulator: DiscordEmulator, api: Any) -> None:
    """Without the field an edit pings whatever the create said: also one of flags, embeds or components alone."""
    changes: list[dict[str, Any]] = [
        {"content": "@everyone again"},
        {"flags": 4},
        {"embeds": [{"title": "t"}]},
        {"components": []},
    ]
    for change in changes:
        before = len(pinged(emulator))
        message = await api.post("@everyone", allowed_mentions=NOBODY)
        await api.edit(message, **change, allowed_mentions=NOBODY)
        assert len(pinged(emulator)) == before
        edited = await api.edit(message, **change)
        assert edited["mention_everyone"]
        assert [entry.detail["edit"] for entry in emulator.violations("ping")][before:] == [True]


async def test_a_reply_pings_whom_it_answers(emulator: DiscordEmulator, api: Any) -> None:
    """Unless replied_user is false, which it is in every explicit object that does not say otherwise."""
    asked = emulator.say("ann", "general", "question")
    ann = emulator.find_user("ann").id
    reference = {"message_id": asked}
    assert (await api.post("x", message_reference=reference, allowed_mentions=NOBODY))["mentions"] == []
    assert (await api.post("x", message_reference=reference))["mentions"][0]["id"] == ann
    await api.post("x", message_reference=reference, allowed_mentions={"parse": [], "replied_user": True})
    assert [(e.detail["target"], e.detail["reply"]) for e in emulator.violations("ping")] == [(f"@{ann}", True)] * 2


async def test_rights_decide_too(emulator: DiscordEmulator, api: Any) -> None:
    """Without MENTION_EVERYONE neither @everyone nor a role that is not mentionable is notified."""
    role = emulator.add_role("staff")
    emulator.deny("general", "@everyone", "MENTION_EVERYONE")
    message = await api.post(f"@everyone <@&{role}>")
    assert (message["mention_everyone"], message["mention_roles"], pinged(emulator)) == (False, [], [])


async def test_texts_of_components_ping_embeds_do_not(emulator: DiscordEmulator, api: Any) -> None:
    """A TextDisplay is text like any other; an embed never notifies."""
    await api.post("x", embeds=[{"description": "@everyone"}])
    assert pinged(emulator) == []
    body = {"flags": 1 << 15, "components": [{"type": 17, "components": [{"type": 10, "content": "@everyone"}]}]}
    await api.call("POST", f"/channels/{api.channel()}/messages", body)
    assert pinged(emulator) == ["@everyone"]


async def test_tokens_in_messages_are_noticed(emulator: DiscordEmulator, api: Any) -> None:
    """A bot that shows its own token is told so."""
    await api.post(f"my token is {emulator.bot_token}")
    assert [entry.name for entry in emulator.violations()] == ["token_shown"]


def test_what_is_a_mention() -> None:
    """Ids have 15 to 20 digits; code and escaped signs mention nobody."""
    assert mentions_in("<@123456789012345678> <@!223456789012345678>").users == (
        "123456789012345678",
        "223456789012345678",
    )
    assert not mentions_in("`@everyone` ```\n@here <@123456789012345678>\n``` \\@everyone").everyone
    assert mentions_in("mail@everyone.example").everyone
    assert mentions_in("<@1>").users == ()
    assert not mentions_in("@everyones").everyone


def test_what_is_a_link() -> None:
    """Bare links and masked ones unfurl; angle brackets and code do not."""
    text = "https://a.example <https://b.example> [c](https://c.example) [d](<https://d.example>) `https://e.example`"
    assert links_in(text) == ["https://a.example", "https://c.example"]
