"""Commands, buttons, modals, shortcuts and what comes with them, through the real Bolt."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from sandbox.clock import SandboxClock
from sandbox.slack import FileUpload, SlackEmulator

STOP = {"type": "button", "action_id": "stop", "value": "turn-7", "text": {"type": "plain_text", "text": "Stop"}}
WITH_STOP = [{"type": "actions", "block_id": "b1", "elements": [STOP]}]
PICK = {
    "type": "static_select",
    "action_id": "pick",
    "options": [{"text": {"type": "plain_text", "text": "Bot A"}, "value": "a"}],
}
SETTINGS: dict[str, Any] = {
    "type": "modal",
    "callback_id": "settings",
    "title": {"type": "plain_text", "text": "Settings"},
    "submit": {"type": "plain_text", "text": "Save"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "agent",
            "label": {"type": "plain_text", "text": "Agent"},
            "element": PICK,
        },
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "in"},
        },
    ],
}


async def test_a_slash_command_and_its_later_answers(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, clock: SandboxClock
) -> None:
    """ack's text is ephemeral; response_url posts five times within half an hour and then answers 404."""
    responders: list[Any] = []

    @bolt.command("/coze")
    async def coze(ack: Any, respond: Any, command: dict[str, Any]) -> None:
        assert "thread_ts" not in command
        responders.append(respond)
        await ack("thinking")

    async with connect(bolt):
        assert (await slack.slash("ann", "C1", "hi")).accepted
        (respond,) = responders
        for number in range(5):
            assert (await respond(f"n{number}", response_type="in_channel", unfurl_media=False)).status_code == 200
        used_up = await respond("one too many")
        assert (used_up.status_code, used_up.body) == (404, "used_url")
        await slack.slash("ann", "C1", "again")
        clock.advance(1801)
        assert (await responders[1]("late")).body == "expired_url"
    shown = [(message.text, message.ephemeral_for) for message in slack.messages("C1")]
    assert shown == [("thinking", "U1"), *((f"n{n}", None) for n in range(5)), ("thinking", "U1")]
    with pytest.raises(ValueError, match="not a command"):
        await slack.slash("ann", "C1", command="/other")


async def test_a_command_nobody_acknowledges_times_out(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """The user sees a failure after the time allowed; repeating it is a switch."""
    slack.switches.ack_timeout_s = 0.1
    async with connect(bolt):
        assert (await slack.slash("ann", "C1")).failure == "timeout"
        assert len(slack.violations("not_acknowledged")) == 1
        slack.switches.repeat_slash_commands = True
        await slack.slash("ann", "C1")
        assert len(slack.violations("not_acknowledged")) == 3


async def test_a_click_on_a_button(slack: SlackEmulator, bolt: AsyncApp, connect: Any, client: Any) -> None:
    """The payload holds the message, its metadata, and a response_url that can replace it."""
    seen: list[dict[str, Any]] = []

    @bolt.action("stop")
    async def stop(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        seen.append(body)
        await respond(text="stopped", replace_original=True)

    metadata = {"event_type": "coze_turn", "event_payload": {"turn": "t"}}
    async with connect(bolt):
        asked = slack.say("ann", "C1", "hi")
        posted = await client.chat_postMessage(
            channel="C1", text="working", thread_ts=asked, blocks=WITH_STOP, metadata=metadata
        )
        answer = await slack.click("ann", "C1", posted["ts"], "stop")
        assert answer.accepted
        await slack.wait_for_text("C1", "stopped", asked)
    (body,) = seen
    assert body["container"]["thread_ts"] == asked
    assert body["message"]["metadata"] == metadata
    assert body["actions"][0]["value"] == "turn-7"
    with pytest.raises(ValueError, match="no control"):
        await slack.click("ann", "C1", posted["ts"], "stop")


async def test_feedback_and_selects_carry_what_was_chosen(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, client: Any
) -> None:
    """feedback_buttons have the value of the pressed one, a select its whole option."""
    chosen: list[Any] = []

    @bolt.action("rate")
    async def rate(ack: Any, action: dict[str, Any]) -> None:
        await ack()
        chosen.append(action["value"])

    @bolt.action("pick")
    async def pick(ack: Any, action: dict[str, Any]) -> None:
        await ack()
        chosen.append(action["selected_option"]["text"]["text"])

    def button(text: str, value: str) -> dict[str, Any]:
        return {"text": {"type": "plain_text", "text": text}, "value": value}

    feedback = {
        "type": "feedback_buttons",
        "action_id": "rate",
        "positive_button": button("Good", "good"),
        "negative_button": button("Bad", "bad"),
    }
    blocks = [
        {"type": "context_actions", "elements": [feedback]},
        {"type": "actions", "elements": [PICK]},
    ]
    async with connect(bolt):
        posted = await client.chat_postMessage(channel="C1", text="answer", blocks=blocks)
        await slack.click("ann", "C1", posted["ts"], "rate", "bad")
        await slack.click("ann", "C1", posted["ts"], "pick", "a")
        await slack.settled()
    assert chosen == ["bad", "Bot A"]


async def test_a_modal_from_command_to_submission(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """Opened by a trigger, refused once with an error, then saved and closed."""
    saved: list[dict[str, Any]] = []

    @bolt.command("/coze")
    async def coze(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=SETTINGS)

    @bolt.view("settings")
    async def settings(ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        if not values["name"]["in"]["value"]:
            await ack(response_action="errors", errors={"name": "Who are you?"})
            return
        await ack()
        saved.append(values)

    async with connect(bolt):
        await slack.slash("ann", "C1")
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="the modal")
        refused = await slack.submit_view("ann", {"agent": {"pick": "a"}})
        assert refused.payload["errors"] == {"name": "Who are you?"}
        assert slack.views_of("ann")
        await slack.submit_view("ann", {"name": {"in": "Ann"}})
        assert slack.views_of("ann") == []
        await slack.settled()
    (values,) = saved
    assert values["agent"]["pick"]["selected_option"]["value"] == "a"
    assert values["name"]["in"] == {"type": "plain_text_input", "value": "Ann"}


async def test_files_in_a_modal(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """Only what the input takes gets in; the whole file object comes out. The app must be allowed to read files."""
    saved: list[Any] = []
    photo = {"type": "file_input", "action_id": "in", "max_files": 1, "filetypes": ["png"]}
    block = {"type": "input", "block_id": "photo", "label": {"type": "plain_text", "text": "Photo"}, "element": photo}
    failures: list[str] = []

    @bolt.command("/coze")
    async def coze(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        try:
            await client.views_open(trigger_id=body["trigger_id"], view=SETTINGS | {"blocks": [block]})
        except SlackApiError as error:
            failures.append(error.response["error"])

    @bolt.view("settings")
    async def settings(ack: Any, view: dict[str, Any]) -> None:
        errors = {"photo": "Another one."} if not saved else {"gone": "What?"}
        saved.append(view["state"]["values"]["photo"]["in"]["files"])
        await ack(response_action="errors", errors=errors)

    async with connect(bolt):
        await slack.slash("ann", "C1")
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="the modal")
        for bad in ([FileUpload("a.pdf")], [FileUpload("a.png")] * 2, [FileUpload("a.png", b"x" * 10_000_001)]):
            with pytest.raises(ValueError, match=r"many|none of|10 MB"):
                await slack.submit_view("ann", {"photo": {"in": bad}})
        await slack.submit_view("ann", {"photo": {"in": [FileUpload("a.png", b"x")]}})
        await slack.submit_view("ann")  # what was put in stays in
        assert slack.journal.select(kind="user_error", name="view_submission")  # errors of a block that is not there
        slack.add_app(scopes=["commands", "chat:write"])
        await slack.slash("ann", "C1")
        await slack.settled()
    assert [[file["name"] for file in files] for files in saved] == [["a.png"], ["a.png"]]
    assert saved[0][0]["url_private_download"].startswith(slack.base_url)
    assert failures == ["missing_scope"]


async def test_views_pushed_updated_cleared_and_closed(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """What an acknowledgement may do to the stack of modals."""
    closed: list[str] = []
    actions: list[dict[str, Any]] = []

    @bolt.shortcut("ask")
    async def ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=SETTINGS)

    @bolt.view("settings")
    async def settings(ack: Any) -> None:
        await ack(**actions.pop(0))

    @bolt.view_closed("settings")
    async def gone(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        closed.append(view["id"])

    renamed = SETTINGS | {"title": {"type": "plain_text", "text": "Renamed"}}
    actions += [
        {"response_action": "push", "view": SETTINGS},
        {"response_action": "update", "view": renamed},
        {"response_action": "clear"},
    ]
    async with connect(bolt):
        await slack.shortcut("ann", "ask")
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="the modal")
        await slack.submit_view("ann")
        root, top = slack.views_of("ann")
        assert (top["previous_view_id"], top["root_view_id"]) == (root["id"], root["id"])
        await slack.submit_view("ann")
        assert slack.views_of("ann")[-1]["title"]["text"] == "Renamed"
        await slack.submit_view("ann")
        assert slack.views_of("ann") == []
        await slack.shortcut("ann", "ask")
        await slack.wait_until(lambda: bool(slack.views_of("ann")), what="the modal")
        await slack.close_view("ann")
        await slack.settled()
    assert len(closed) == 1


async def test_controls_inside_a_modal(slack: SlackEmulator, bolt: AsyncApp, connect: Any, api: Any) -> None:
    """Buttons, selects and typed suggestions in a view; a changed view keeps what was chosen."""
    seen: list[tuple[str, Any]] = []
    search = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    blocks = [
        SETTINGS["blocks"][0],
        {"type": "actions", "block_id": "more", "elements": [STOP, search]},
    ]

    @bolt.action("pick")
    async def pick(ack: Any, body: dict[str, Any], action: dict[str, Any], client: Any) -> None:
        await ack()
        seen.append(("pick", action["selected_option"]["value"]))
        changed = SETTINGS | {"title": {"type": "plain_text", "text": "Changed"}, "blocks": blocks}
        await client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=changed)

    @bolt.action("stop")
    async def stop(ack: Any, action: dict[str, Any]) -> None:
        await ack()
        seen.append(("stop", action["value"]))

    @bolt.options("find")
    async def find(ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[{"text": {"type": "plain_text", "text": payload["value"]}, "value": "1"}])

    trigger = slack.service.triggers.issue("T1", "U1")
    assert (await api.call("views.open", trigger_id=trigger, view=SETTINGS | {"blocks": blocks}))["ok"]
    async with connect(bolt):
        await slack.click_in_view("ann", "pick", "a")
        await slack.wait_until(lambda: slack.views_of("ann")[0]["title"]["text"] == "Changed", what="the change")
        kept = slack.views_of("ann")[0]["state"]["values"]
        assert kept["agent"]["pick"]["selected_option"]["value"] == "a"
        await slack.click_in_view("ann", "stop")
        suggested = await slack.suggest("ann", "find", "more", "typed")
        assert suggested.payload["options"][0]["text"]["text"] == "typed"
        with pytest.raises(ValueError, match="no control"):
            await slack.click_in_view("ann", "nothing")
    assert seen == [("pick", "a"), ("stop", "turn-7")]


async def test_a_response_url_deletes_its_message_once(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, client: Any
) -> None:
    """delete_original takes the message away; there is no second time."""
    statuses: list[int] = []

    @bolt.action("stop")
    async def stop(ack: Any, respond: Any) -> None:
        await ack()
        first, second = await respond(delete_original=True), await respond(delete_original=True)
        statuses.extend([first.status_code, second.status_code])

    async with connect(bolt):
        posted = await client.chat_postMessage(channel="C1", text="working", blocks=WITH_STOP)
        await slack.click("ann", "C1", posted["ts"], "stop")
        await slack.wait_until(lambda: len(statuses) == 2, what="both answers")
    assert statuses == [200, 400]
    assert slack.messages("C1") == []


async def test_a_message_shortcut_names_its_message(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """message_action carries the message it was used on."""
    seen: list[str] = []

    @bolt.shortcut({"type": "message_action", "callback_id": "ask_about"})
    async def about(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body["message"]["text"])

    async with connect(bolt):
        ts = slack.say("bob", "C1", "what is this?")
        await slack.shortcut("ann", "ask_about", "C1", ts)
        await slack.wait_until(lambda: bool(seen), what="the shortcut")
    assert seen == ["what is this?"]


async def test_trigger_ids_are_used_up_and_expire(slack: SlackEmulator, api: Any, clock: SandboxClock) -> None:
    """Once, within three seconds, and only those Slack gave out."""
    trigger = slack.service.triggers.issue("T1", "U1")
    assert (await api.call("views.open", trigger_id=trigger, view=SETTINGS))["ok"]
    assert await api.refusal("views.open", trigger_id=trigger, view=SETTINGS) == "exchanged_trigger_id"
    assert await api.refusal("views.open", trigger_id="1.2.x", view=SETTINGS) == "invalid_trigger_id"
    late = slack.service.triggers.issue("T1", "U1")
    clock.advance(3.1)
    assert await api.refusal("views.open", trigger_id=late, view=SETTINGS) == "expired_trigger_id"


async def test_views_are_checked(slack: SlackEmulator, api: Any) -> None:
    """Titles, blocks, hashes, stacks and external ids have limits."""

    async def opened(**changes: Any) -> dict[str, Any]:
        trigger = slack.service.triggers.issue("T1", "U1")
        answer: dict[str, Any] = await api.call("views.open", trigger_id=trigger, view=SETTINGS | changes)
        return answer

    long_title = {"type": "plain_text", "text": "x" * 25}
    assert (await opened(title=long_title))["error"] == "invalid_arguments"
    assert (await opened(blocks=[{"type": "markdown", "text": "x"}]))["error"] == "invalid_arguments"
    assert (await opened(submit=None))["error"] == "invalid_arguments"
    view = (await opened(external_id="e"))["view"]
    assert set(view) >= {"id", "type", "hash", "callback_id", "state", "root_view_id", "bot_id"}
    update = {"view_id": view["id"], "view": SETTINGS}
    assert await api.refusal("views.update", hash="old", **update) == "hash_conflict"
    assert (await api.call("views.update", hash=view["hash"], **update))["ok"]
    assert await api.refusal("views.update", view_id="V404", view=SETTINGS) == "not_found"

    def inside() -> str:
        return slack.service.triggers.issue("T1", "U1", view["id"])

    for _ in range(2):
        assert (await api.call("views.push", trigger_id=inside(), view=SETTINGS))["ok"]
    assert await api.refusal("views.push", trigger_id=inside(), view=SETTINGS) == "push_limit_reached"
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    assert (await api.call("views.publish", user_id="U1", view=home))["view"]["type"] == "home"


async def test_opening_the_app_in_both_views(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """Agent view sends app_home_opened and the context; assistant view starts a thread."""
    slack.add_app(events=["app_home_opened", "app_context_changed", "assistant_thread_started", "message.im"])
    heard: list[str] = []

    @bolt.event("app_home_opened")
    async def home(event: dict[str, Any]) -> None:
        heard.append(event["tab"])

    @bolt.event("app_context_changed")
    async def context(event: dict[str, Any]) -> None:
        heard.append(event["context"]["entities"][0]["value"])

    @bolt.event("assistant_thread_started")
    async def started(event: dict[str, Any]) -> None:
        heard.append(event["assistant_thread"]["thread_ts"])

    @bolt.event("message")
    async def ignore() -> None: ...

    async with connect(bolt):
        slack.open_app("ann", looking_at="general")
        await slack.settled()
        assert heard == ["messages", "C1"]
        slack.app_named().view = "assistant"
        root = slack.open_app("ann")
        await slack.settled()
        assert heard[2:] == [root]
