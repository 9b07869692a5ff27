"""Slash commands, the shortcut and modals through the real slack-bolt: what reaches the intake, what people see."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack import forms
from adapters.slack.adapter import SlackPlatform
from adapters.slack.manifest import manifest_data
from adapters.slack.settings import SlackSettings
from bridge.errors import StoreUnavailable
from bridge.extension import Services
from bridge.model import Attachment, Field, Form, Invoked, Offer, ResultPlace, Root, TurnId, ValueKind
from bridge.texts import Say, say
from sandbox.journal import Journal
from sandbox.slack import FileUpload, SlackEmulator
from sandbox.slack.model import MANIFEST_SCOPES

FIELDS = (
    Field("city", ValueKind.STRING, "Which city", value="Paris", max_length=40),
    Field("story", ValueKind.TEXT, "Story", required=False),
    Field("days", ValueKind.INTEGER, "Days", min=1, max=7, value="3"),
    Field("share", ValueKind.NUMBER, "Share", required=False),
    Field("loud", ValueKind.BOOLEAN, "Loud", value="true"),
    Field("kind", ValueKind.CHOICE, "Kind", choices=("short", "long"), value="long"),
    Field("tags", ValueKind.CHOICE, "Tags", choices=("a", "b", "c"), value="a, c", many=True),
    Field("photo", ValueKind.IMAGE, "Photo", required=False),
    Field("parts", ValueKind.INTEGER, "Parts", required=False, many=True),
)
FORM = Form("weather", "weather", FIELDS, "Tells the <weather>", "Run")
OFFERS = (
    Offer("weather", "/weather", True, {"en": FORM, "zh": FORM}),
    Offer("poem", "", False, {"en": Form("poem", "poem", ()), "zh": Form("poem", "poem", ())}),
)


@pytest.fixture
async def platform(settings_for: Any, services: Services, slack: SlackEmulator) -> AsyncIterator[SlackPlatform]:
    """The adapter with two workflows on offer."""
    slack.add_app(commands=["/coze", "/weather"], scopes=[*MANIFEST_SCOPES, "im:write"])
    async with SlackPlatform("work", settings_for(), replace(services, offers=OFFERS)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("command", "typed", "line"),
    [
        ("/coze", "run weather city=Paris", "!run weather city=Paris"),
        ("/coze", " 停止 ", "!停止"),
        ("/coze", "", "!help"),
        ("/weather", "city=&lt;Paris&gt;", "!run weather city=<Paris>"),
        ("/weather", "", "!run weather"),
    ],
)
async def test_slash_commands(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, command: str, typed: str, line: str
) -> None:
    """They arrive as commands of a channel, with the caller's name and language."""
    async with serve(platform, intake):
        assert (await slack.slash("bob", "C1", typed, command)).accepted
    [call] = intake.invocations
    envelope = call.envelope
    assert (envelope.text, envelope.command, envelope.message_id, call.filled) == (line, True, "", None)
    assert (envelope.place.team, envelope.place.channel, envelope.place.thread) == ("T1", "C1", None)
    assert (envelope.author.name, envelope.author.locale) == ("波波", "zh")
    assert envelope.delivery_key.startswith("work:T1:C1:trigger.")


async def test_a_refusal_is_for_the_caller_alone(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """It comes with the acknowledgement; also that nothing could be written down."""
    intake.invoked = Invoked(sentence="You may <!channel> not.")
    async with serve(platform, intake):
        assert (await slack.slash("ann", "C1", "stop")).accepted
        intake.press_failures = [StoreUnavailable("full")]
        assert (await slack.slash("bob", "C1", "stop")).accepted
    shown = [m for m in slack.messages("C1") if m.ephemeral_for]
    assert [m.ephemeral_for for m in shown] == ["U1", "U2"]
    assert "may" in shown[0].text
    assert say(Say.STORE_FAILED, "zh") in shown[1].text
    assert not slack.violations()


async def test_a_form_is_opened_and_sent(slack: SlackEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """With the right input for each value; what is in it comes back as it would be typed."""
    intake.invoked = Invoked(form=FORM, sentence="Write it like this")
    async with serve(platform, intake):
        assert (await slack.slash("ann", "C1", "run weather")).accepted
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="a modal")
        [view] = slack.views_of("ann")
        kinds = [block["element"]["type"] for block in view["blocks"] if block["type"] == "input"]
        assert kinds == [
            "plain_text_input",
            "plain_text_input",
            "number_input",
            "number_input",
            "radio_buttons",
            "static_select",
            "multi_static_select",
            "file_input",
            "plain_text_input",
        ]
        intake.invoked = Invoked(errors={"days": "Too many.", "gone": "What?"})
        changed = {forms.block_id("days"): {forms.INPUT: "5"}, forms.block_id("loud"): {forms.INPUT: "false"}}
        answer = await slack.submit_view("ann", changed)
        assert answer.payload == {"response_action": "errors", "errors": {"field.days": "Too many."}}
        assert slack.views_of("ann")
        intake.invoked = Invoked(accepted=True)
        assert (await slack.submit_view("ann")).accepted
        assert not slack.views_of("ann")
    _, first, second = intake.invocations
    assert first.filled == {"city": "Paris", "days": "5", "loud": "false", "kind": "long", "tags": '["a", "c"]'}
    assert second.envelope.text == "!run weather"
    assert second.envelope.delivery_key == first.envelope.delivery_key == f"work:T1:C1:view.{view['id']}"
    assert second.envelope.place.channel == "C1"
    assert not slack.violations()


async def test_files_come_with_a_form(slack: SlackEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """Each says for which field; those of a message that it runs on come along, and all of them can be read."""
    fields = (Field("photo", ValueKind.IMAGE, "Photo"), Field("papers", ValueKind.FILE, "Papers", many=True))
    link = Field("link", ValueKind.FILE, "Link", value="https://x.example/a.pdf")
    intake.invoked = Invoked(form=Form("scan", "scan", (*fields, link), submit="Run"), sentence="…")
    ts = slack.say("bob", "C1", "Look", files=[FileUpload("old.txt", b"old")])
    async with serve(platform, intake):
        assert (await slack.shortcut("ann", "coze_bridge.run", "C1", ts)).accepted
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="a modal")
        [view] = slack.views_of("ann")
        inputs = [block["element"] for block in view["blocks"]]
        assert [(each["type"], each.get("max_files")) for each in inputs] == [
            ("file_input", 1),
            ("file_input", 10),
            ("url_text_input", None),
        ]
        with pytest.raises(ValueError, match="none of png"):
            await slack.submit_view("ann", {forms.block_id("photo"): {forms.INPUT: [FileUpload("a.pdf")]}})
        intake.invoked = Invoked(errors={"photo": "No."})
        papers = [FileUpload("a.pdf", b"%PDF"), FileUpload("b", b"b")]
        await slack.submit_view(
            "ann",
            {
                forms.block_id("photo"): {forms.INPUT: [FileUpload("cat.png", b"\x89PNG")]},
                forms.block_id("papers"): {forms.INPUT: papers},
            },
        )
        intake.invoked = Invoked(accepted=True)
        assert (await slack.submit_view("ann")).accepted
        shortcut, *sent = (call.envelope for call in intake.invocations)
        assert [file.name for file in shortcut.attachments] == ["old.txt"]
        for envelope in sent:
            found = [(file.name, file.given_for) for file in envelope.attachments]
            assert found == [("old.txt", ""), ("cat.png", "photo"), ("a.pdf", "papers"), ("b", "papers")]
            read = [await platform.fetch(envelope, file, 100) for file in envelope.attachments]
            assert read == [b"old", b"\x89PNG", b"%PDF", b"b"]
    assert intake.invocations[-1].filled == {"link": "https://x.example/a.pdf"}


def test_as_many_files_go_along_as_there_is_room_for() -> None:
    """The names may be long, and in any script."""
    files = [Attachment(f"F{n}", "很长的名字" * 40, "image/png", 5) for n in range(60)]
    view = forms.modal(FORM, {"channel": "C1"}, say, "zh", files=files)
    assert len(view["private_metadata"]) <= 3_000
    kept = forms.attached(view)
    assert len(kept) > 20
    assert kept[0] == Attachment("F0", ("很长的名字" * 40)[-60:], "image/png", 5)
    for metadata in ("[]", '{"files": 5}', '{"files": "[[1]]"}', '{"files": "x"}'):
        assert forms.attached({"private_metadata": metadata}) == ()


async def test_a_form_that_cannot_be_opened_becomes_a_sentence(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three seconds may be over."""
    monkeypatch.setattr("sandbox.slack.tickets.TRIGGER_LIFETIME_S", -1.0)
    intake.invoked = Invoked(form=FORM, sentence="Write it like this")
    async with serve(platform, intake):
        assert (await slack.slash("ann", "C1", "run weather")).accepted
        await slack.settled()
    [shown] = [m for m in slack.messages("C1") if m.ephemeral_for]
    assert shown.text == "Write it like this"


async def test_the_shortcut_carries_the_message_and_its_thread(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """First the workflow is chosen, then its form takes the same modal's place."""
    chooser = Form("", "Run a workflow", (Field("workflow", ValueKind.CHOICE, "Workflow", choices=("weather",)),))
    chooser = replace(chooser, submit="Next")
    intake.invoked = Invoked(form=chooser, sentence="…")
    ts = slack.say("bob", "C1", "It rains & pours")
    async with serve(platform, intake):
        assert (await slack.shortcut("ann", "coze_bridge.run", "C1", ts)).accepted
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="a modal")
        intake.invoked = Invoked(form=FORM)
        await slack.submit_view("ann", {forms.block_id("workflow"): {forms.INPUT: "weather"}})
        assert slack.views_of("ann")[-1]["title"]["text"] == "weather"
        intake.invoked = Invoked(accepted=True)
        await slack.submit_view("ann")
    shortcut, chosen, sent = intake.invocations
    assert (shortcut.envelope.text, shortcut.subject) == ("!run", "It rains & pours")
    assert (chosen.envelope.text, chosen.filled) == ("!run", {"workflow": "weather"})
    assert sent.envelope.text == "!run weather"
    assert {call.envelope.place.thread for call in intake.invocations} == {ts}


async def test_what_is_announced_is_found_again(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """In the channel, or where only the caller reads; it pings nobody."""
    async with serve(platform, intake):
        await slack.slash("ann", "C1", "run weather")
        [call] = intake.invocations
        for number, where in enumerate(ResultPlace, 2):
            reply = platform.reply(call.envelope, TurnId(f"abcdefghabcdefg{number}"), "en")
            assert await reply.find_announced(where=where) is None
            root = await reply.announce("`<!channel>` runs", where=where)
            assert root == await reply.find_announced(where=where)
            assert isinstance(root, Root)
            assert root.place.private is (where is ResultPlace.ONLY_ME)
            assert root.place.thread == (None if where is ResultPlace.CHANNEL else root.message_id)
            assert (root.place.channel == "C1") is not root.place.private
    assert not slack.violations()


async def test_a_sentence_reaches_the_caller_also_after_a_restart(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """By the command's own address, which nobody writes down, or else as an ephemeral message."""
    async with serve(platform, intake):
        await slack.slash("ann", "C1", "status")
        [call] = intake.invocations
        for delivery_key in (call.envelope.delivery_key, "work:T1:C1:trigger.of.old"):
            envelope = replace(call.envelope, delivery_key=delivery_key)
            await platform.reply(envelope, "abcdefghabcdefgh", "en").notice("I am free.")
    assert [m.ephemeral_for for m in slack.messages("C1")] == ["U1", "U1"]
    assert len(journal.select(kind="request", name="response_url")) == 1
    assert len(journal.select(kind="request", name="chat.postEphemeral")) == 1


def test_the_manifest_has_what_the_workflows_need() -> None:
    """One command for everything, one for each workflow that has its own, the shortcut, and the scopes for them."""
    settings = SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"})
    data = manifest_data(settings, OFFERS)
    commands = data["features"]["slash_commands"]
    assert [command["command"] for command in commands] == ["/coze", "/weather"]
    assert commands[1]["usage_hint"].startswith("[city=] [story=] [days=]")
    assert [shortcut["callback_id"] for shortcut in data["features"]["shortcuts"]] == ["coze_bridge.run"]
    assert {"commands", "im:write"} <= set(data["oauth_config"]["scopes"]["bot"])
    bare = manifest_data(settings.model_copy(update={"command": ""}))
    assert not {"slash_commands", "shortcuts"} & set(bare["features"])
    assert not {"commands", "im:write"} & set(bare["oauth_config"]["scopes"]["bot"])


def test_strange_modals_do_no_harm() -> None:
    """Another integration's views, and states of a strange shape."""
    for state in (None, {}, {"values": 1}, {"values": {"field.x": {forms.INPUT: {"value": 5}}, "y": {}}}):
        assert forms.filled({"state": state}) == {}
    assert forms.context_of({"private_metadata": "no JSON"}) == {}
    assert forms.context_of({"private_metadata": json.dumps([1])}) == {}
    assert forms.field_blocks({"blocks": [{"block_id": "field.a"}, {"block_id": "b"}, {}]}) == ["field.a"]
