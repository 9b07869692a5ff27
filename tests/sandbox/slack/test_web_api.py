"""The Web API by hand: how arguments travel, who may call what, and every refusal of the tables."""

from typing import Any

import aiohttp
import pytest

from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.supported import SUPPORTED_METHODS

REFERENCE_METHODS = {
    "auth.test",
    "apps.connections.open",
    "chat.postMessage",
    "chat.update",
    "chat.delete",
    "chat.postEphemeral",
    "chat.getPermalink",
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "assistant.threads.setTitle",
    "agents.sessions.setStatus",
    "agents.sessions.rename",
    "conversations.open",
    "conversations.join",
    "conversations.info",
    "conversations.history",
    "conversations.replies",
    "conversations.list",
    "conversations.members",
    "users.info",
    "bots.info",
    "team.info",
    "reactions.add",
    "reactions.remove",
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
    "files.info",
    "files.delete",
    "views.open",
    "views.update",
    "views.push",
    "views.publish",
    "oauth.v2.access",
}


def test_the_table_of_methods_is_what_is_routed(slack: SlackEmulator) -> None:
    """Table, handlers and the reference's list are one set."""
    assert slack.web_api.methods == set(SUPPORTED_METHODS) == REFERENCE_METHODS


@pytest.mark.parametrize("carrier", ["query", "get", "form", "multipart", "json"])
async def test_arguments_travel_in_any_carrier(
    slack: SlackEmulator, session: aiohttp.ClientSession, carrier: str
) -> None:
    """Query, form, multipart and JSON are the same to Slack; unknown names hurt nobody."""
    arguments = {"channel": "C1", "text": "hi", "team_id": "T1", "unknown": "x"}
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    match carrier:
        case "query":
            request = session.post(url, params=arguments, headers=headers)
        case "get":
            request = session.get(url, params=arguments, headers=headers)
        case "form":
            request = session.post(url, data={**arguments, "token": slack.bot_token})
        case "multipart":
            parts = aiohttp.MultipartWriter("form-data")
            for name, value in arguments.items():
                parts.append(value).set_content_disposition("form-data", name=name)
            request = session.post(url, data=parts, headers=headers)
        case _:
            request = session.post(url, json=arguments, headers=headers)
    async with request as response:
        assert response.status == 200
        answer = await response.json()
        assert answer["ok"], answer
        assert "chat:write" in response.headers["x-oauth-scopes"]
        assert response.headers["x-slack-req-id"]
    assert [message.text for message in slack.messages("C1")] == ["hi"]


async def test_blocks_may_be_a_string_of_json(slack: SlackEmulator, api: Any) -> None:
    """Forms carry structures as text."""
    await api.post(blocks='[{"type":"markdown","text":"**hi**"}]')
    assert slack.messages("C1")[0].text == "**hi**"


async def test_no_token_of_a_request_is_in_the_journal(slack: SlackEmulator, api: Any, journal: Journal) -> None:
    """Requests are recorded with their arguments and team, never with a token."""
    await api.post(token=None)
    async with api.session.post(f"{slack.api_url}auth.test", data={"token": slack.bot_token}) as response:
        assert (await response.json())["ok"]
    assert all(slack.bot_token not in str(entry.detail) for entry in journal)
    assert journal.select(kind="request", name="chat.postMessage")[0].detail["team"] == "T1"


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("auth.test", "", "not_authed"),
        ("auth.test", "xoxb-nobody", "invalid_auth"),
        ("chat.postMessage", "xapp-sandbox-1", "not_allowed_token_type"),
        ("apps.connections.open", "xoxb-sandbox-1", "not_allowed_token_type"),
        ("chat.unheardOf", "xoxb-sandbox-1", "unknown_method"),
    ],
)
async def test_tokens(
    slack: SlackEmulator, session: aiohttp.ClientSession, method: str, token: str, error: str
) -> None:
    """Absent, unknown and wrong tokens, each with status 200."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with session.post(f"{slack.api_url}{method}", json={}, headers=headers) as response:
        assert response.status == 200
        assert (await response.json())["error"] == error


async def test_a_missing_scope_is_named(slack: SlackEmulator, api: Any) -> None:
    """The answer says what is needed and what was granted."""
    slack.add_app(scopes=["im:history"])
    answer = await api.call("chat.postMessage", channel="C1", text="hi")
    assert answer == {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "im:history"}
    assert (await api.call("conversations.history", channel="C1"))["needed"] == "channels:history"


async def test_bad_json_bodies(slack: SlackEmulator, session: aiohttp.ClientSession) -> None:
    """JSON that is none, and JSON that is no object."""
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    for body, error in (("{", "invalid_json"), ("[]", "json_not_object")):
        async with session.post(f"{slack.api_url}auth.test", data=body, headers=headers) as response:
            assert (await response.json())["error"] == error


BUTTON = {"type": "button", "action_id": "b", "text": {"type": "plain_text", "text": "x" * 76}}
POST_REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"channel": ""}, "invalid_arguments"),
    ({"channel": "C404"}, "channel_not_found"),
    ({"channel": "CSECRET"}, "channel_not_found"),
    ({"channel": "COUT"}, "not_in_channel"),
    ({"channel": "CARCH"}, "is_archived"),
    ({"text": ""}, "no_text"),
    ({"text": "   "}, "no_text"),
    ({"thread_ts": "yesterday"}, "invalid_thread_ts"),
    ({"markdown_text": "x"}, "markdown_text_conflict"),
    ({"text": "", "markdown_text": "x", "blocks": [{"type": "divider"}]}, "markdown_text_conflict"),
    ({"text": "", "markdown_text": "x" * 12_001}, "msg_too_long"),
    ({"blocks": "{"}, "invalid_blocks_format"),
    ({"blocks": [{"type": "marquee"}]}, "invalid_blocks"),
    ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
    ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, "invalid_blocks"),
    ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}, "invalid_blocks"),
    ({"blocks": [{"type": "actions", "elements": [BUTTON]}]}, "invalid_blocks"),
    ({"blocks": [{"type": "markdown", "text": "x" * 6001}] * 2}, "msg_blocks_too_long"),
    ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ({"metadata": {"event_type": "x", "event_payload": {"big": "x" * 8001}}}, "metadata_too_large"),
    ({"attachments": [{}] * 101}, "too_many_attachments"),
]


def furnish(slack: SlackEmulator) -> None:
    """Add the channels in which the bot cannot speak."""
    slack.add_channel("secret", private=True, channel_id="CSECRET", with_bot=False)
    slack.add_channel("outside", channel_id="COUT", with_bot=False)
    slack.add_channel("old", channel_id="CARCH")
    slack.archive("CARCH")


@pytest.mark.parametrize(
    ("arguments", "error"), POST_REFUSALS, ids=[f"{e}-{i}" for i, (_, e) in enumerate(POST_REFUSALS)]
)
async def test_what_cannot_be_posted(slack: SlackEmulator, api: Any, arguments: dict[str, Any], error: str) -> None:
    """Every refusal of chat.postMessage leaves the channel as it was."""
    furnish(slack)
    assert await api.refusal("chat.postMessage", **({"channel": "C1", "text": "hi"} | arguments)) == error
    assert slack.messages("C1") == []


async def test_block_errors_carry_a_json_pointer(api: Any) -> None:
    """The detail says where the mistake is."""
    answer = await api.call("chat.postMessage", channel="C1", blocks=[{"type": "actions", "elements": [BUTTON]}])
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"
    ]


async def test_long_text_is_cut_with_a_warning(slack: SlackEmulator, api: Any) -> None:
    """Above 40 000 characters Slack cuts and says so."""
    answer = await api.call("chat.postMessage", channel="C1", text="x" * 40_001)
    assert answer["response_metadata"]["warnings"] == ["message_truncated"]
    assert len(slack.messages("C1")[0].text) == 40_000


async def test_what_cannot_be_updated(slack: SlackEmulator, api: Any) -> None:
    """Foreign, absent, deleted, ephemeral and too long."""
    mine = await api.post()
    foreign = slack.say("ann", "C1", "mine")
    gone = await api.post()
    await api.call("chat.delete", channel="C1", ts=gone)
    whisper = (await api.call("chat.postEphemeral", channel="C1", user="U1", text="psst"))["message_ts"]
    for ts, changes, error in (
        (foreign, {}, "cant_update_message"),
        ("1700000000.000001", {}, "message_not_found"),
        (gone, {}, "message_not_found"),
        (whisper, {}, "message_not_found"),
        (mine, {"text": "x" * 4001}, "msg_too_long"),
        (mine, {"text": "x" * 4001, "blocks": [{"type": "divider"}]}, "msg_too_long"),
        (mine, {"text": ""}, "no_text"),
        (mine, {"channel": "U1"}, "channel_not_found"),
    ):
        assert await api.refusal("chat.update", **({"channel": "C1", "ts": ts, "text": "new"} | changes)) == error
    assert await api.refusal("chat.delete", channel="C1", ts=foreign) == "cant_delete_message"


async def test_an_update_replaces_text_and_blocks_and_keeps_the_metadata(slack: SlackEmulator, api: Any) -> None:
    """Text alone removes the blocks and marks the message edited; blocks do not mark it."""
    metadata = {"event_type": "coze_turn", "event_payload": {"turn": "t", "part": 0}}
    ts = await api.post("one", metadata=metadata)
    await api.call("chat.update", channel="C1", ts=ts, text="two", blocks=[{"type": "markdown", "text": "**two**"}])
    shown = slack.shown("C1", ts)
    assert (shown.text, shown.source_text, shown.edited, shown.metadata) == ("**two**", "two", False, metadata)
    await api.call("chat.update", channel="C1", ts=ts, text="three")
    shown = slack.shown("C1", ts)
    assert (shown.text, shown.blocks, shown.edited) == ("three", [], True)


async def test_a_rich_message_stays_rich(slack: SlackEmulator, api: Any) -> None:
    """rich_text cannot become anything else."""
    ts = await api.post(blocks=[{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}])
    assert await api.refusal("chat.update", channel="C1", ts=ts, text="plain") == "block_mismatch"


async def test_posting_to_a_user_opens_the_direct_channel(slack: SlackEmulator, api: Any) -> None:
    """chat.postMessage takes a user id; the message is in the D channel, the tab switched off refuses."""
    answer = await api.call("chat.postMessage", channel="U1", text="hi")
    assert answer["channel"] == slack.open_dm("ann")
    slack.app_named().messages_tab_enabled = False
    assert await api.refusal("chat.postMessage", channel="U1", text="hi") == "messages_tab_disabled"


async def test_a_thread_is_read_back_with_metadata(slack: SlackEmulator, api: Any) -> None:
    """conversations.replies: the root first, bounds on the rest, metadata only on demand."""
    root = slack.say("ann", "C1", "question")
    metadata = {"event_type": "coze_turn", "event_payload": {"turn": "t"}}
    first = await api.post("first", thread_ts=root, metadata=metadata)
    second = await api.post("second", thread_ts=root)
    plain = await api.call("conversations.replies", channel="C1", ts=root)
    assert [message["text"] for message in plain["messages"]] == ["question", "first", "second"]
    assert plain["messages"][0]["reply_count"] == 2
    assert all("metadata" not in message for message in plain["messages"])
    answer = await api.call("conversations.replies", channel="C1", ts=root, oldest=first, include_all_metadata=True)
    assert [message["ts"] for message in answer["messages"]] == [root, second]
    answer = await api.call(
        "conversations.replies", channel="C1", ts=root, oldest=first, inclusive=True, include_all_metadata=True
    )
    assert answer["messages"][1]["metadata"] == metadata
    assert await api.refusal("conversations.replies", channel="C1", ts="1700000000.000001") == "thread_not_found"


async def test_history_comes_in_pages_newest_first(slack: SlackEmulator, api: Any) -> None:
    """A cursor leads through all roots, replies left out."""
    said = [slack.say("ann", "C1", str(number)) for number in range(5)]
    slack.say("bob", "C1", "reply", thread_ts=said[0])
    first = await api.call("conversations.history", channel="C1", limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    second = await api.call("conversations.history", channel="C1", limit=3, cursor=cursor)
    assert [m["text"] for m in [*first["messages"], *second["messages"]]] == ["4", "3", "2", "1", "0"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert await api.refusal("conversations.history", channel="C1", cursor="nonsense") == "invalid_cursor"


async def test_history_for_commercial_apps(slack: SlackEmulator, api: Any) -> None:
    """Once a minute, fifteen messages a page."""
    slack.switches.commercial_history = True
    for number in range(20):
        slack.say("ann", "C1", str(number))
    page = await api.call("conversations.history", channel="C1", limit=200)
    assert len(page["messages"]) == 15
    assert await api.refusal("conversations.history", channel="C1") == "ratelimited"


async def test_channels_people_and_the_team(slack: SlackEmulator, api: Any) -> None:
    """The looking-up methods, with the scopes they need."""
    slack.add_app(scopes=["channels:read", "channels:join", "im:write", "im:read", "team:read", "users:read"])
    slack.add_channel("outside", channel_id="COUT", with_bot=False)
    info = await api.call("conversations.info", channel="C1", include_num_members=True)
    assert (info["channel"]["name"], info["channel"]["num_members"]) == ("general", 3)
    assert (await api.call("conversations.members", channel="C1"))["members"] == ["U0BOT", "U1", "U2"]
    listed = await api.call("conversations.list", types="public_channel")
    assert [channel["name"] for channel in listed["channels"]] == ["general", "outside"]
    assert (await api.call("conversations.join", channel="COUT"))["channel"]["is_member"]
    assert (await api.call("conversations.join", channel="COUT"))["warning"] == "already_in_channel"
    dm = (await api.call("conversations.open", users="U1"))["channel"]["id"]
    assert dm == slack.open_dm("ann")
    assert await api.refusal("conversations.join", channel=dm) == "method_not_supported_for_channel_type"
    assert (await api.call("team.info"))["team"]["domain"] == "acme"
    assert (await api.call("bots.info", bot="B0BOT"))["bot"]["user_id"] == "U0BOT"
    assert await api.refusal("users.info", user="U404") == "user_not_found"
    assert await api.refusal("conversations.open", users="U404") == "user_not_found"
    link = (await api.call("chat.getPermalink", channel="C1", message_ts=slack.say("ann", "C1", "x")))["permalink"]
    assert link.startswith("https://acme.slack.com/archives/C1/p")


async def test_reactions_refuse_repetition_and_nonsense(slack: SlackEmulator, api: Any) -> None:
    """already_reacted, no_reaction, invalid_name, message_not_found."""
    ts = slack.say("ann", "C1", "hi")
    target = {"channel": "C1", "timestamp": ts}
    assert (await api.call("reactions.add", name="eyes", **target))["ok"]
    assert await api.refusal("reactions.add", name="eyes", **target) == "already_reacted"
    assert await api.refusal("reactions.remove", name="tada", **target) == "no_reaction"
    assert await api.refusal("reactions.add", name="NOT AN EMOJI", **target) == "invalid_name"
    assert await api.refusal("reactions.add", name="eyes", channel="C1", timestamp="1.0") == "message_not_found"


async def test_an_uninstalled_app_is_inactive(slack: SlackEmulator, api: Any) -> None:
    """The token dies with the installation."""
    slack.uninstall()
    assert await api.refusal("auth.test") == "account_inactive"
