"""Application commands and modals as Discord takes and tells them, and what stands for a command."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.discord import forms
from adapters.discord.commands import choices, parse_command, parse_typing
from adapters.discord.ids import MessageRef, command_key, message_about
from adapters.discord.inbound import Channel, Identity
from adapters.discord.registry import command_list
from adapters.discord.steps import Pending, Step, between, is_whole, parse_step, step_id
from bridge.model import Attachment, Field, Form, Invocation, Invoked, Offer, ResultPlace, ValueKind
from bridge.texts import say
from sandbox.discord import DiscordEmulator
from sandbox.discord.commands import check_command
from sandbox.discord.errors import FormErrors
from sandbox.discord.modals import check_modal

FIELDS = (
    Field("Story", ValueKind.TEXT, "Story", max_length=9_000),
    Field("Loud", ValueKind.BOOLEAN, "Loud", value="true"),
    Field("days", ValueKind.INTEGER, "Days", min=1, max=7),
    Field("kind", ValueKind.CHOICE, "Kind", choices=("short", "long")),
    Field("tags", ValueKind.CHOICE, "Tags", choices=("a", "b"), many=True, required=False),
    Field("share", ValueKind.NUMBER, "Share", required=False),
)


US = Identity("1200000000000000001")
CITIES = tuple(f"City {number}" for number in range(30))
LONG = "a" * 99


def offer(*fields: Field, name: str = "weather") -> Offer:
    form = Form(name, name, fields or FIELDS, "About " * 40)
    return Offer(name, "", False, {"en": form, "zh": form})


def test_options_suit_their_values() -> None:
    """The required ones first, as Discord demands; a long text is left to the form."""
    own, weather, menu = command_list([offer()], say)
    assert own["name"] == "coze"
    assert (menu["type"], menu["name"], menu["name_localizations"]["zh-TW"]) == (
        3,
        "Run workflow on this message",
        "对这条消息运行工作流",
    )
    assert [command["name"] for command in command_list([], say)] == ["coze"]
    kinds = [(option["name"], option["type"], option["required"]) for option in weather["options"]]
    assert kinds == [
        ("days", 4, True),
        ("kind", 3, True),
        ("story", 3, False),
        ("loud", 5, False),
        ("tags", 3, False),
        ("share", 10, False),
    ]


def test_what_an_option_cannot_hold_is_typed_or_attached() -> None:
    """More than 25 choices, long ones and lists complete themselves; files are attached."""
    fields = (
        Field("city", ValueKind.CHOICE, "City", choices=CITIES),
        Field("long", ValueKind.CHOICE, "Long", choices=("x" * 101,)),
        Field("tags", ValueKind.CHOICE, "Tags", choices=("a", "b"), many=True),
        Field("photo", ValueKind.IMAGE, "Photo"),
        Field("papers", ValueKind.FILE, "Papers", many=True),
    )
    options = command_list([offer(*fields)], say)[1]["options"]
    assert [(o["type"], o.get("autocomplete", False), "choices" in o) for o in options] == [
        *[(3, True, False)] * 3,
        *[(11, False, False)] * 2,
    ]


def test_whatever_is_configured_discord_takes_it() -> None:
    """Too many commands, options and choices, texts too long."""
    choices = tuple(f"{'x' * 90}{number}" for number in range(25))
    fields = [Field(f"P{number}" + "y" * 60, ValueKind.CHOICE, "z" * 300, choices=choices) for number in range(30)]
    fields += [Field("same" * 8 + end, ValueKind.STRING, "s") for end in "ab"]
    flows = [offer(*fields, name=f"flow{number}") for number in range(120)]
    commands = command_list([offer(name="coze"), *flows], say)
    assert len(commands) == 101
    assert commands[1]["options"][0]["autocomplete"]
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
    call = parse_command(used(), None, "work", US, [offer()], 5.0)
    assert call is not None
    assert (call.envelope.text, call.given) == ("!run weather", {"Story": "one\ntwo", "days": "3", "Loud": "false"})
    assert (call.envelope.delivery_key, call.envelope.message_id) == ("work::7:15", "")
    assert (call.envelope.author.locale, call.envelope.place.private) == ("zh", True)


def test_files_and_long_choices_come_by_their_names() -> None:
    """A file for its parameter, a choice that was shortened as it is."""
    fields = (Field("Photo", ValueKind.IMAGE, "Photo"), Field("way", ValueKind.CHOICE, "Way", choices=(LONG + "bc",)))
    data = {
        "name": "weather",
        "options": [{"name": "photo", "value": "77"}, {"name": "way", "value": LONG + "b"}],
        "resolved": {"attachments": {"77": {"id": "77", "filename": "cat.png", "size": 3, "url": "https://cdn/x"}}},
    }
    call = parse_command(used(data=data), None, "work", US, [offer(*fields)], 5.0)
    assert call is not None
    assert [(file.name, file.given_for) for file in call.envelope.attachments] == [("cat.png", "Photo")]
    assert call.given == {"way": LONG + "bc"}
    assert choices(["", LONG + "bc", *CITIES])[:2] == [
        {"name": LONG + "…", "value": LONG + "b"},
        {"name": "City 0", "value": "City 0"},
    ]
    assert len(choices(CITIES)) == 25


def test_any_workflow_is_run_by_its_name() -> None:
    """The words behind it are read as behind ``!run``; a file goes to whatever takes it."""
    inner = [{"name": "workflow", "value": "weather"}, {"name": "arguments", "value": "days=3 story=x"}]
    run = {"name": "coze", "type": 1, "options": [{"type": 1, "name": "run", "options": inner}]}
    call = parse_command(used(data=run), None, "work", US, [offer()], 5.0)
    assert call is not None
    assert (call.envelope.text, call.given) == ("!run weather days=3 story=x", None)


def test_a_message_is_what_a_workflow_runs_on() -> None:
    """Its words without the mention of us, and its files."""
    message = {"id": "8", "content": f"<@{US.user_id}> roses", "attachments": [{"id": "7", "filename": "a.png"}]}
    data = {"type": 3, "name": "Run", "target_id": "8", "resolved": {"messages": {"8": message}}}
    call = parse_command(used(data=data), None, "work", US, [], 5.0)
    assert call is not None
    assert (call.envelope.text, call.subject, call.envelope.attachments[0].name) == ("!run", "roses", "a.png")
    assert message_about(call.envelope.delivery_key) == MessageRef("work", "", "7", "8")
    other = parse_command(used(data=data, id="16"), None, "work", US, [], 5.0)
    assert other is not None
    assert other.envelope.delivery_key != call.envelope.delivery_key
    assert message_about(command_key("work", "", "7", "15")) is None
    assert parse_command(used(data={**data, "resolved": 7}), None, "work", US, [], 5.0) is None


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        ({"name": "weather", "options": [{"name": "kind", "value": "sh", "focused": True}]}, ("weather", "kind", "sh")),
        (
            {"name": "coze", "options": [{"name": "run", "options": [{"name": "workflow", "focused": True}]}]},
            ("", "", ""),
        ),
        ({"name": "coze", "options": [{"name": "run", "options": [{"name": "arguments", "focused": True}]}]}, None),
        ({"name": "weather", "options": [{"name": "gone", "value": "x", "focused": True}]}, None),
        ({"name": "weather", "options": [{"name": "kind", "value": "x"}]}, None),
        ({"name": "gone", "options": [{"name": "kind", "value": "x", "focused": True}]}, None),
    ],
)
def test_what_is_typed(data: dict[str, Any], meant: tuple[str, str, str] | None) -> None:
    """Into which option of which workflow."""
    typing = parse_typing(used(type=4, data=data), None, "work", [offer()])
    assert (typing and (typing.workflow, typing.field, typing.typed)) == meant
    assert parse_typing(used(data=data), None, "work", [offer()]) is None


@pytest.mark.parametrize("guild_thread", [("", None), ("12", "7")])
def test_its_place(guild_thread: tuple[str, str | None]) -> None:
    """In a channel nothing stands for it yet; in a thread it belongs there."""
    parent, thread = guild_thread
    channel = Channel("7", 11 if parent else 0, "general", parent=parent)
    call = parse_command(used(guild_id="1"), channel, "work", US, [offer()], 5.0)
    assert call is not None
    assert (call.envelope.place.channel, call.envelope.place.thread) == (parent or "7", thread)


@pytest.mark.parametrize(
    "changes", [{"data": {"name": "other"}}, {"data": {"name": "coze"}}, {"data": 5}, {"channel_id": 1}, {"user": None}]
)
def test_what_is_not_ours(changes: dict[str, Any]) -> None:
    """Commands of others, and strange shapes."""
    assert parse_command(used(**changes), None, "work", US, [offer()], 5.0) is None


def test_a_modal_asks_first_for_what_is_wrong_then_for_what_is_missing() -> None:
    """There is room for five; a mistake that belongs to no field takes the room of one."""
    form = Form("weather", "weather", FIELDS)

    def names(errors: dict[str, str], *seen: str) -> list[str]:
        return [field.name for field in forms.next_fields(form, errors, seen)]

    assert names({}) == ["Story", "days", "kind", "Loud", "tags"]
    assert names({"": "A quote is not closed."}) == ["Story", "days", "kind", "Loud"]
    assert names({"share": "no number", "Story": "missing"}, "share", "Loud") == [
        "share",
        "Story",
        "days",
        "kind",
        "tags",
    ]
    filled = replace(form, fields=tuple(replace(field, value="1") for field in FIELDS))
    assert [field.name for field in forms.next_fields(filled, {}, [f.name for f in FIELDS])] == [
        field.name for field in FIELDS[:5]
    ]


def test_inputs_suit_their_values() -> None:
    """Yes and no, choices and files have inputs of their own; a mistake stands below its field's name."""
    fields = (
        replace(FIELDS[1], value="true"),
        replace(FIELDS[4], value='["a", "b"]', required=True),
        Field("photo", ValueKind.IMAGE, "Photo"),
        Field("city", ValueKind.CHOICE, "City", choices=CITIES, value="City 3"),
    )
    data = forms.modal(Form("w", "w", fields, "About"), fields, "id", ("Yes", "No"), {"city": "`city` is not there"})
    about, loud, tags, photo, city = data["components"]
    errors = FormErrors()
    check_modal(data, errors)
    errors.raise_if_any()
    assert about == {"type": 10, "content": "About"}
    assert [(o["label"], o["value"], o["default"]) for o in loud["component"]["options"]] == [
        ("Yes", "true", True),
        ("No", "false", False),
    ]
    assert (tags["component"]["max_values"], [o["default"] for o in tags["component"]["options"]]) == (2, [True, True])
    assert photo["component"]["type"] == 19
    assert (city["description"], city["component"]["value"]) == ("city is not there", "City 3")


def test_what_a_modal_brings_replaces_what_its_fields_held() -> None:
    """Files too; nothing else is lost, also on the way through the store."""
    old = Attachment("1", "old.png", given_for="photo")
    pending = Pending("w", {"a": "1", "tags": "a", "b": "2"}, ("b",), (old, Attachment("2", "any.pdf")))
    data = {
        "components": [
            {"type": 10},
            {"type": 18, "component": {"type": 4, "custom_id": "a", "value": ""}},
            {"type": 18, "component": {"type": 3, "custom_id": "tags[]", "values": ["b", "c, d"]}},
            {"type": 18, "component": {"type": 3, "custom_id": "loud", "values": ["true"]}},
            {"type": 18, "component": {"type": 19, "custom_id": "photo", "values": ["9"]}},
            7,
        ],
        "resolved": {"attachments": {"9": {"id": "9", "filename": "new.png", "size": 1, "url": "https://cdn/9"}}},
    }
    after = Pending.read(pending.sent(data).write())
    assert after.values == {"b": "2", "tags": '["b", "c, d"]', "loud": "true"}
    assert after.seen == ("b", "a", "tags", "loud", "photo")
    assert [file.name for file in after.files] == ["any.pdf", "new.png"]
    assert parse_step(step_id(Step.SENT, "15")) == (Step.SENT, "15")
    assert parse_step(step_id(Step.CHOSEN, "15", "1")) == (Step.CHOSEN, "15")
    for other in ("coze-bridge:stop:abc", "coze-bridge:form", "other:form:15", ""):
        assert parse_step(other) is None


def test_between_two_modals_stands_what_is_wrong_and_how_to_go_on() -> None:
    """Run only where nothing is wrong."""
    form = Form("weather", "weather", FIELDS)
    pending = Pending("weather", {"days": "9", "kind": "sh`ort"}, ("days", "kind"))
    errors = {"days": "`days` must be 7 or less, not 9.", "Story": "Please fill this in."}
    data = between(form, errors, pending, "15", say, "en")
    assert data["content"].splitlines() == [
        "`days` must be 7 or less, not 9.",
        "`kind` `sh'ort`",
        "Still missing: `Story`.",
        "You may also fill in: `Loud`, `tags`, `share`.",
    ]
    assert [button["label"] for button in data["components"][0]["components"]] == ["Correct it"]
    whole = between(form, {}, replace(pending, seen=tuple(field.name for field in FIELDS)), "15", say, "zh")
    assert [button["label"] for button in whole["components"][0]["components"]] == ["运行", "继续填写"]
    assert is_whole(form, {}, replace(pending, seen=tuple(field.name for field in FIELDS)))
    assert not is_whole(form, {}, pending)


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


@pytest.fixture
def calls(intake: Any, monkeypatch: pytest.MonkeyPatch) -> list[Invocation]:
    """What was called; everything is taken."""
    found: list[Invocation] = []

    async def invoke(call: Invocation) -> Invoked:
        found.append(call)
        return Invoked(accepted=True)

    monkeypatch.setattr(intake, "invoke", invoke)
    return found


async def test_a_sentence_reaches_the_caller_also_after_fifteen_minutes(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, calls: list[Invocation]
) -> None:
    """First in the answer to her command, then in the direct conversation; never in the channel."""
    async with serve(platform, intake):
        answer = await discord.slash("ann", "general", "coze status")
        reply = platform.reply(calls[0].envelope, "abcdefghabcdefgh", "en")
        await reply.notice("I am free.")
        assert discord.shown_text("general", str(answer.message_id)) == "I am free."
        discord.clock.advance(900.0)
        await reply.notice("I am still free.")
    assert [message.text for message in discord.answers(discord.open_dm("ann"))] == ["I am still free."]
    assert [message for message in discord.answers("general") if not message.ephemeral_for] == []


async def test_nobody_is_left_thinking_by_a_restart(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, calls: list[Invocation], services: Any
) -> None:
    """The first answer is taken away by whoever goes on, and then nothing leads there any more."""
    async with platform_for() as platform, serve(platform, intake):
        answer = await discord.slash("ann", "general", "coze status")
        assert discord.shown("general", str(answer.message_id)).loading
    assert await services.store.note(f"{calls[0].envelope.delivery_key}:caller") is not None
    async with platform_for() as platform:
        await platform.reply(calls[0].envelope, "abcdefghabcdefgh", "en").announce("runs", where=ResultPlace.THREAD)
    assert [message.text for message in discord.messages("general")] == ["runs"]
    assert await services.store.note(f"{calls[0].envelope.delivery_key}:caller") is None


async def test_a_sentence_reaches_the_caller_also_after_a_restart(
    discord: DiscordEmulator, platform: Any, asked: Any
) -> None:
    """When the interaction is forgotten, in the direct conversation."""
    envelope = replace(asked("hello"), message_id="", command=True)
    await platform.reply(envelope, "abcdefghabcdefgh", "en").notice("I am free.")
    assert [message.text for message in discord.answers(discord.open_dm("ann"))] == ["I am free."]
    assert not discord.answers("general")
