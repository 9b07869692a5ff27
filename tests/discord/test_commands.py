"""Application commands and modals as Discord takes and tells them, and what stands for a command."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.discord import forms
from adapters.discord.commands import parse_command
from adapters.discord.inbound import Channel
from adapters.discord.registry import command_list
from bridge.model import Field, Form, Offer, ResultPlace, ValueKind
from bridge.texts import say
from sandbox.discord import DiscordEmulator
from sandbox.discord.commands import check_command
from sandbox.discord.errors import FormErrors

FIELDS = (
    Field("Story", ValueKind.TEXT, "Story", max_length=9_000),
    Field("Loud", ValueKind.BOOLEAN, "Loud", value="true"),
    Field("days", ValueKind.INTEGER, "Days", min=1, max=7),
    Field("kind", ValueKind.CHOICE, "Kind", choices=("short", "long")),
    Field("tags", ValueKind.CHOICE, "Tags", choices=("a", "b"), many=True, required=False),
    Field("share", ValueKind.NUMBER, "Share", required=False),
)


def offer(*fields: Field, name: str = "weather") -> Offer:
    form = Form(name, name, fields or FIELDS, "About " * 40)
    return Offer(name, "", False, {"en": form, "zh": form})


def test_options_suit_their_values() -> None:
    """The required ones first, as Discord demands; a long text is left to the form."""
    own, weather = command_list([offer()], say)
    assert own["name"] == "coze"
    kinds = [(option["name"], option["type"], option["required"]) for option in weather["options"]]
    assert kinds == [
        ("days", 4, True),
        ("kind", 3, True),
        ("story", 3, False),
        ("loud", 5, False),
        ("tags", 3, False),
        ("share", 10, False),
    ]


def test_whatever_is_configured_discord_takes_it() -> None:
    """Too many commands, options and choices, texts too long."""
    choices = tuple(f"{'x' * 90}{number}" for number in range(25))
    fields = [Field(f"P{number}" + "y" * 60, ValueKind.CHOICE, "z" * 300, choices=choices) for number in range(30)]
    flows = [offer(*fields, name=f"flow{number}") for number in range(120)]
    commands = command_list([offer(name="coze"), *flows], say)
    assert len(commands) == 100
    for command in commands:
        errors = FormErrors()
        check_command(command, errors, "command")
        errors.raise_if_any()


def used(**changes: Any) -> dict[str, Any]:
    """Somebody used /weather."""
    options = [{"name": "story", "value": "one\ntwo"}, {"name": "days", "value": 3}, {"name": "loud", "value": False}]
    interaction = {
        "id": "15",
        "type": 2,
        "channel_id": "7",
        "user": {"id": "9", "username": "ann"},
        "locale": "zh-CN",
        "data": {"name": "weather", "type": 1, "options": options},
    }
    return {**interaction, **changes}


def test_a_used_command_says_what_was_given() -> None:
    """By the parameters' own names, as it would be typed."""
    call = parse_command(used(), None, "work", [offer()], 5.0)
    assert call is not None
    assert (call.envelope.text, call.given) == ("!run weather", {"Story": "one\ntwo", "days": "3", "Loud": "false"})
    assert (call.envelope.delivery_key, call.envelope.message_id) == ("work::7:15", "")
    assert (call.envelope.author.locale, call.envelope.place.private) == ("zh", True)


@pytest.mark.parametrize("guild_thread", [("", None), ("12", "7")])
def test_its_place(guild_thread: tuple[str, str | None]) -> None:
    """In a channel nothing stands for it yet; in a thread it belongs there."""
    parent, thread = guild_thread
    channel = Channel("7", 11 if parent else 0, "general", parent=parent)
    call = parse_command(used(guild_id="1"), channel, "work", [offer()], 5.0)
    assert call is not None
    assert (call.envelope.place.channel, call.envelope.place.thread) == (parent or "7", thread)


@pytest.mark.parametrize(
    "changes", [{"data": {"name": "other"}}, {"data": {"name": "coze"}}, {"data": 5}, {"channel_id": 1}, {"user": None}]
)
def test_what_is_not_ours(changes: dict[str, Any]) -> None:
    """Commands of others, and strange shapes."""
    assert parse_command(used(**changes), None, "work", [offer()], 5.0) is None


def test_a_form_shows_what_must_be_filled_in_and_keeps_the_rest() -> None:
    """There is room for five."""
    form = Form("weather", "weather", tuple(replace(field, value=field.value or "") for field in FIELDS))
    assert [field.name for field in forms.shown_fields(form)] == ["Story", "days", "kind", "Loud", "tags"]
    full = replace(form, fields=tuple(replace(field, value="1") for field in FIELDS))
    assert forms.kept_values(full) == {"share": "1"}
    sent = {"components": [{"type": 18, "component": {"custom_id": "days", "value": "5"}}, {"type": 18}, 7]}
    assert forms.filled(sent) == {"days": "5"}
    assert forms.parse_form_id(forms.form_id("15")) == "15"
    assert forms.parse_form_id("coze-bridge:stop:abc") == ""


async def test_what_is_announced_is_found_again(discord: DiscordEmulator, platform: Any, asked: Any) -> None:
    """In the channel, or where only the caller reads; sent again soon after it stands there once."""
    question = asked("hello")
    place = replace(question.place, thread=None)
    envelope = replace(question, place=place, message_id="", command=True, sent_at_s=discord.clock.now())
    for where, turn in zip(ResultPlace, ("abcdefghabcdefgh", "bbcdefghabcdefgh", "cbcdefghabcdefgh"), strict=True):
        reply = platform.reply(envelope, turn, "en")
        assert await reply.find_announced(where=where) is None
        root = await reply.announce("`@everyone` runs", where=where)
        assert root == await reply.find_announced(where=where)
        assert root == await platform.reply(envelope, turn, "en").announce("`@everyone` runs", where=where)
        assert root.place.private is (where is ResultPlace.ONLY_ME)
        assert root.place.thread == (root.message_id if where is ResultPlace.THREAD else None)
    assert len(discord.answers("general")) == 2
    assert not discord.violations()


async def test_a_sentence_reaches_the_caller_also_after_a_restart(
    discord: DiscordEmulator, platform: Any, asked: Any
) -> None:
    """When the interaction is forgotten, in the direct conversation."""
    envelope = replace(asked("hello"), message_id="", command=True)
    await platform.reply(envelope, "abcdefghabcdefgh", "en").notice("I am free.")
    assert [message.text for message in discord.answers(discord.open_dm("ann"))] == ["I am free."]
    assert not discord.answers("general")
