"""Interactions by hand: three seconds, fifteen minutes, every kind of answer (reference 6)."""

import asyncio
from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.discord import Answer, DiscordEmulator, FileUpload

ASK = {
    "name": "ask",
    "description": "Ask",
    "options": [{"type": 3, "name": "question", "description": "What", "required": True, "autocomplete": True}],
}
BUTTON = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Stop", "custom_id": "stop"}]}
FORM = {
    "title": "Form",
    "custom_id": "form",
    "components": [
        {"type": 18, "label": "Words", "component": {"type": 4, "custom_id": "words", "style": 1}},
        {"type": 1, "components": [{"type": 4, "custom_id": "more", "style": 2, "label": "More", "required": False}]},
    ],
}


class Talk:
    """One interaction as the application sees it."""

    def __init__(self, api: Any, event: dict[str, Any], task: "asyncio.Task[Answer]") -> None:
        self._api = api
        self.event = event
        self.task = task
        self.callback_path = f"/interactions/{event['id']}/{event['token']}/callback"
        self.webhook_path = f"/webhooks/{event['application_id']}/{event['token']}"
        self.original_path = f"{self.webhook_path}/messages/@original"

    async def respond(self, kind: int, data: Any = None, *, refused: bool = False) -> Any:
        """Answer first."""
        body = {"type": kind} | ({"data": data} if data is not None else {})
        call = self._api.refusal if refused else self._api.call
        return await call("POST", f"{self.callback_path}?with_response=1", body)


@pytest.fixture
async def begin(emulator: DiscordEmulator, api: Any, dial: Any) -> Any:
    """Do something on a control and return it as the application sees it."""
    await api.call("PUT", f"/applications/{emulator.application_id}/commands", [ASK])
    async with asyncio.TaskGroup() as group, dial() as raw:
        await raw.ready()

        async def doing(work: Any) -> Talk:
            task = group.create_task(work)
            return Talk(api, await raw.until("INTERACTION_CREATE"), task)

        yield doing


@pytest.fixture
async def asked(emulator: DiscordEmulator, begin: Any) -> Talk:
    """A slash command of ann's, not answered yet."""
    talk: Talk = await begin(emulator.slash("ann", "general", "ask", {"question": "why"}))
    return talk


async def test_what_the_application_is_told(emulator: DiscordEmulator, asked: Talk) -> None:
    """The command, the member with permissions, the place, the file limit; no token in the journal of people."""
    event = asked.event
    assert event["data"]["options"] == [{"name": "question", "type": 3, "value": "why"}]
    assert (event["type"], event["version"], event["context"]) == (2, 1, 0)
    assert event["member"]["user"]["username"] == "ann"
    assert int(event["member"]["permissions"]) & 1 << 11
    assert (event["guild_id"], event["channel"]["name"]) == (emulator.guild_id, "general")
    assert event["attachment_size_limit"] == 10 * 1024 * 1024
    assert event["authorizing_integration_owners"] == {"0": emulator.guild_id}
    await asked.respond(5)


async def test_answered_at_once(emulator: DiscordEmulator, asked: Talk, api: Any) -> None:
    """Type 4 shows a message of type 20; a second answer is 40060; only users ping by default."""
    answer = await asked.respond(4, {"content": f"@everyone <@{emulator.find_user('bob').id}>"})
    message = answer["resource"]["message"]
    assert answer["interaction"]["response_message_id"] == message["id"]
    assert (message["type"], message["interaction_metadata"]["user"]["username"]) == (20, "ann")
    assert (message["mention_everyone"], message["mentions"][0]["username"]) == (False, "bob")
    assert await asked.respond(5, refused=True) == (400, 40060)
    assert (await asked.task).response == "MESSAGE"
    assert (await api.call("GET", asked.original_path))["content"].startswith("@everyone")


async def test_without_a_response_body(asked: Talk, api: Any) -> None:
    """Without with_response the callback is a 204."""
    await api.call("POST", asked.callback_path, {"type": 5}, status=204)


async def test_deferred_then_edited(emulator: DiscordEmulator, asked: Talk, api: Any) -> None:
    """Type 5 shows the loading state; the first edit fills it and is no edit; follow-ups are new messages."""
    answer = await asked.respond(5)
    assert answer["interaction"]["response_message_loading"] is True
    assert "message" not in answer["resource"]
    message_id = answer["interaction"]["response_message_id"]
    assert emulator.shown("general", message_id).loading
    filled = await api.call("PATCH", asked.original_path, {"content": "one"})
    assert (filled["content"], filled["flags"], filled["edited_timestamp"]) == ("one", 0, None)
    assert (await api.call("PATCH", asked.original_path, {"content": "two"}))["edited_timestamp"]
    more = await api.call("POST", asked.webhook_path, {"content": "more"})
    assert more["id"] != message_id
    path = f"{asked.webhook_path}/messages/{more['id']}"
    assert (await api.call("PATCH", path, {"content": "even more"}))["content"] == "even more"
    await api.call("DELETE", path, status=204)
    assert await api.refusal("GET", path) == (404, 10008)
    assert await api.refusal("GET", f"{asked.webhook_path}/messages/{emulator.say('ann', 'general', 'x')}") == (
        404,
        10008,
    )
    assert [step.text for step in emulator.steps("general", message_id)] == ["", "one", "two"]


async def test_the_first_followup_fills_the_loading_message(emulator: DiscordEmulator, asked: Talk, api: Any) -> None:
    """Old behaviour that a switch turns off; the ephemeral flag of that follow-up is ignored."""
    answer = await asked.respond(5)
    followed = await api.call("POST", asked.webhook_path, {"content": "here", "flags": 64})
    assert followed["id"] == answer["interaction"]["response_message_id"]
    assert followed["flags"] == 0


async def test_ephemeral(emulator: DiscordEmulator, asked: Talk, api: Any) -> None:
    """Only the user sees it: not in the history, not in another's; follow-ups choose for themselves."""
    answer = await asked.respond(5, {"flags": 64})
    assert answer["interaction"]["response_message_ephemeral"] is True
    await api.call("PATCH", asked.original_path, {"content": "secret"})
    public = await api.call("POST", asked.webhook_path, {"content": "public"})
    history = await api.call("GET", f"/channels/{api.channel()}/messages")
    assert [message["id"] for message in history] == [public["id"]]
    assert emulator.messages("general")[0].ephemeral_for == emulator.find_user("ann").id
    assert (await asked.task).ephemeral


async def test_three_seconds(emulator: DiscordEmulator, asked: Talk, clock: SandboxClock) -> None:
    """Too late is 10062; the user reads that the application did not respond, and the journal holds it against it."""
    clock.advance(3)
    answer = await asked.task
    assert answer.failure == "The application did not respond"
    assert not answer.accepted
    assert await asked.respond(5, refused=True) == (404, 10062)
    assert [entry.name for entry in emulator.violations()] == ["interaction_not_answered"]


async def test_fifteen_minutes(emulator: DiscordEmulator, asked: Talk, api: Any, clock: SandboxClock) -> None:
    """Before an answer the token is unknown, after its time 50027, by a switch a 404."""
    assert await api.refusal("POST", asked.webhook_path, {"content": "x"}) == (404, 10015)
    await asked.respond(5)
    clock.advance(899)
    await api.call("PATCH", asked.original_path, {"content": "just in time"})
    clock.advance(2)
    assert await api.refusal("PATCH", asked.original_path, {"content": "x"}) == (401, 50027)
    emulator.switches.expired_token_status = 404
    assert await api.refusal("POST", asked.webhook_path, {"content": "x"}) == (404, 10015)
    assert await api.refusal("POST", "/webhooks/1/x", {"content": "x"}) == (404, 10015)


async def test_choices(emulator: DiscordEmulator, begin: Any) -> None:
    """Autocomplete takes choices only, at most 25."""
    talk = await begin(emulator.autocomplete("ann", "general", "ask", "question", "w"))
    assert talk.event["type"] == 4
    assert talk.event["data"]["options"][0] == {"name": "question", "type": 3, "value": "w", "focused": True}
    assert await talk.respond(5, refused=True) == (400, 50035)
    many = [{"name": str(number), "value": str(number)} for number in range(26)]
    assert await talk.respond(8, {"choices": many}, refused=True) == (400, 50035)
    for wrong in ({"name": "", "value": "v"}, {"name": "x" * 101, "value": "v"}, {"name": "x", "value": 1}):
        assert await talk.respond(8, {"choices": [wrong]}, refused=True) == (400, 50035)
    await talk.respond(8, {"choices": many[:25]})
    assert len((await talk.task).choices) == 25


async def test_a_form(emulator: DiscordEmulator, asked: Talk, begin: Any) -> None:
    """A modal opens, its limits are checked, what is filled in comes back in both old and new layout."""
    assert await asked.respond(9, {**FORM, "title": "x" * 46}, refused=True) == (400, 50035)
    await asked.respond(9, FORM)
    opened = await asked.task
    assert opened.modal is not None
    with pytest.raises(ValueError, match="must be filled in"):
        await emulator.submit_modal("ann", opened.interaction_id)
    with pytest.raises(ValueError, match="no input"):
        await emulator.submit_modal("ann", opened.interaction_id, {"other": "x"})
    talk = await begin(emulator.submit_modal("ann", opened.interaction_id, {"words": "hello"}))
    assert (talk.event["type"], talk.event["data"]["custom_id"]) == (5, "form")
    label, row = talk.event["data"]["components"]
    assert label["component"]["value"] == "hello"
    assert row["components"][0]["value"] == ""
    assert "message" not in talk.event
    assert await talk.respond(7, {"content": "x"}, refused=True) == (400, 50035), "it came from no message"
    assert await talk.respond(9, FORM, refused=True) == (400, 50035), "no form answers a form"
    await talk.respond(4, {"content": "thanks"})


def labelled(kind: int, **fields: Any) -> dict[str, Any]:
    """An input of a kind in its label."""
    return {"type": 18, "label": "l", "component": {"type": kind, "custom_id": f"c{kind}", **fields}}


A = {"label": "A", "value": "a"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": 4, "custom_id": "bare", "style": 1},
        labelled(2),
        labelled(3, options=[A, A]),
        labelled(3, options=[]),
        labelled(3, options=[A], max_values=2),
        labelled(19, max_values=11),
        labelled(4, style=3),
        labelled(4, style=1, value="abc", max_length=2),
        labelled(4, style=1) | {"label": "x" * 46},
        labelled(4, style=1) | {"description": "x" * 101},
    ],
)
async def test_limits_of_forms(asked: Talk, clock: SandboxClock, wrong: dict[str, Any]) -> None:
    """What stands in a form stands in a label, and is an input."""
    assert await asked.respond(9, {**FORM, "components": [wrong]}, refused=True) == (400, 50035)
    clock.advance(3.0)  # nobody waits for a better answer


async def test_a_form_with_selections_and_files(emulator: DiscordEmulator, asked: Talk, begin: Any) -> None:
    """What was chosen at first stays chosen; files are resolved."""
    options = [A | {"default": True}, {"label": "B", "value": "b"}]
    parts = [labelled(3, options=options, max_values=2), labelled(19, max_values=2, required=False)]
    await asked.respond(9, {**FORM, "components": parts})
    opened = (await asked.task).interaction_id
    for values, words in (
        ({"c3": ["z"]}, "does not offer z"),
        ({"c3": []}, "must be filled in"),
        ({"c19": [FileUpload("x")] * 3}, "takes 2"),
    ):
        with pytest.raises(ValueError, match=words):
            await emulator.submit_modal("ann", opened, values)
    talk = await begin(emulator.submit_modal("ann", opened, {"c19": [FileUpload("cat.png", b"x")]}))
    select, files = (label["component"] for label in talk.event["data"]["components"])
    assert select["values"] == ["a"]
    resolved = talk.event["data"]["resolved"]["attachments"][files["values"][0]]
    assert (resolved["filename"], resolved["content_type"]) == ("cat.png", "image/png")
    await talk.respond(4, {"content": "thanks"})


async def test_a_button(emulator: DiscordEmulator, api: Any, begin: Any) -> None:
    """The message comes with it; 6 leaves it, 7 changes it, and @original means it."""
    message = await api.post("running", components=[BUTTON])
    first = await begin(emulator.click("bob", "general", message["id"], "Stop"))
    assert first.event["data"] == {"custom_id": "stop", "component_type": 2, "id": 2}
    assert first.event["message"]["id"] == message["id"]
    await first.respond(6)
    assert (await api.call("GET", first.original_path))["id"] == message["id"]
    second = await begin(emulator.click("bob", "general", message["id"], "stop"))
    answer = await second.respond(7, {"content": "stopped", "components": []})
    assert answer["resource"]["message"]["content"] == "stopped"
    assert (await second.task).response == "UPDATE"
    with pytest.raises(ValueError, match="no control"):
        await emulator.click("bob", "general", message["id"], "Stop")


async def test_selections_and_disabled_controls(emulator: DiscordEmulator, api: Any, begin: Any) -> None:
    """A selection carries its values; what is disabled or only a link cannot be pressed."""
    options = [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]
    rows = [
        {"type": 1, "components": [{"type": 3, "custom_id": "pick", "options": options}]},
        {
            "type": 1,
            "components": [
                {"type": 2, "style": 1, "label": "Off", "custom_id": "off", "disabled": True},
                {"type": 2, "style": 5, "label": "Web", "url": "https://a.example"},
            ],
        },
    ]
    message = await api.post("choose", components=rows)
    talk = await begin(emulator.click("ann", "general", message["id"], "pick", ["b"]))
    assert talk.event["data"]["values"] == ["b"]
    await talk.respond(6)
    for control, words in (("Off", "disabled"), ("Web", "no control"), ("pick", "a selection")):
        with pytest.raises(ValueError, match=words):
            await emulator.click("ann", "general", message["id"], control)


async def test_a_file_in_a_direct_conversation(emulator: DiscordEmulator, api: Any, begin: Any) -> None:
    """In a DM there is a user and no guild; an attachment option is resolved."""
    command = {
        "name": "read",
        "description": "Read",
        "options": [{"type": 11, "name": "file", "description": "Which"}],
    }
    await api.call("POST", f"/applications/{emulator.application_id}/commands", command, status=201)
    options = {"file": FileUpload("a.txt", b"abc")}
    talk = await begin(emulator.slash("ann", emulator.open_dm("ann"), "read", options))
    event = talk.event
    assert (event["user"]["username"], event["context"]) == ("ann", 1)
    assert "guild_id" not in event
    assert event["authorizing_integration_owners"] == {"0": "0"}
    resolved = event["data"]["resolved"]["attachments"][event["data"]["options"][0]["value"]]
    assert (resolved["filename"], resolved["ephemeral"]) == ("a.txt", True)
    await talk.respond(5)


async def test_user_installs_have_five_followups(emulator: DiscordEmulator, api: Any, begin: Any) -> None:
    """Where the bot is not, an interaction has five follow-ups, then 40094."""
    talk = await begin(emulator.slash("ann", "general", "ask", {"question": "x"}, user_install_only=True))
    assert list(talk.event["authorizing_integration_owners"]) == ["1"]
    await talk.respond(4, {"content": "first"})
    for number in range(5):
        await api.call("POST", talk.webhook_path, {"content": str(number)})
    assert await api.refusal("POST", talk.webhook_path, {"content": "x"}) == (400, 40094)


async def test_context_menus(emulator: DiscordEmulator, api: Any, begin: Any) -> None:
    """A command on a message or a person carries its target."""
    commands = [{"name": "Ask about this", "type": 3}, {"name": "Greet", "type": 2}]
    await api.call("PUT", f"/applications/{emulator.application_id}/commands", commands)
    said = emulator.say("ann", "general", "words")
    talk = await begin(emulator.context_menu("bob", "general", "Ask about this", message_id=said))
    assert talk.event["data"]["resolved"]["messages"][said]["content"] == "words"
    await talk.respond(5)
    talk = await begin(emulator.context_menu("bob", "general", "Greet", target="ann"))
    assert talk.event["data"]["target_id"] == emulator.find_user("ann").id
    await talk.respond(5)


async def test_mistakes_of_people(emulator: DiscordEmulator, begin: Any) -> None:
    """Commands that are not there, options that are wrong: the test's own mistakes."""
    for command, options, words in (
        ("nothing", {}, "no command /nothing"),
        ("ask", {}, "needs question"),
        ("ask", {"question": "x", "more": 1}, "no option more"),
        ("ask deeper", {}, "no subcommand"),
    ):
        with pytest.raises(ValueError, match=words):
            await emulator.slash("ann", "general", command, options)
    emulator.deny("general", "@everyone", "USE_APPLICATION_COMMANDS")
    with pytest.raises(ValueError, match="may not use commands"):
        await emulator.slash("ann", "general", "ask", {"question": "x"})
