"""The REST API by hand: transport, messages, history, reactions, refusals (reference 4, 5, 10.1)."""

from typing import Any

import aiohttp
import pytest

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.discord.ids import made_at
from sandbox.journal import Journal

LONG = "x" * 2001


async def test_the_transport_is_discords(emulator: DiscordEmulator, api: Any) -> None:
    """Exactly application/json, a Via, the rate-limit headers, snowflakes of now, times with microseconds."""
    async with api.send("POST", f"/channels/{api.channel()}/messages", {"content": "hi"}) as response:
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Via"]
        for name in ("Limit", "Remaining", "Reset", "Reset-After", "Bucket"):
            assert response.headers[f"X-RateLimit-{name}"]
        message = await response.json()
    assert abs(made_at(message["id"]) - emulator.clock.now()) < 5
    assert message["timestamp"].endswith("+00:00")
    assert len(message["timestamp"]) == len("2026-11-22T11:00:00.123000+00:00")
    assert "guild_id" not in message
    assert "member" not in message


async def test_versions_and_unknown_routes(emulator: DiscordEmulator, session: aiohttp.ClientSession, api: Any) -> None:
    """v9 and no version are served too; what is not there is a 404 and a violation."""
    headers = {"Authorization": f"Bot {emulator.bot_token}", "User-Agent": "DiscordBot (x, 1)"}
    for prefix in ("/api/v9", "/api"):
        async with session.get(f"{emulator.base_url}{prefix}/users/@me", headers=headers) as response:
            assert (await response.json())["username"] == "coze"
    assert await api.refusal("GET", "/stickers/1") == (404, 0)
    assert emulator.violations("unknown_route")[0].detail["path"] == "/api/v10/stickers/1"


async def test_authorization_and_user_agent(
    emulator: DiscordEmulator, session: aiohttp.ClientSession, api: Any
) -> None:
    """A wrong token is 401, a user agent that is no bot's 40333."""
    assert await api.refusal("GET", "/users/@me", token="wrong") == (401, 0)
    headers = {"Authorization": f"Bot {emulator.bot_token}", "User-Agent": "curl"}
    async with session.get(f"{emulator.api_url}/users/@me", headers=headers) as response:
        assert (await response.json())["code"] == 40333
    emulator.switches.strict_user_agent = False
    async with session.get(f"{emulator.api_url}/users/@me", headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"content": LONG}, "content", "BASE_TYPE_MAX_LENGTH"),
        ({"content": "x", "nonce": "n" * 26}, "nonce", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"title": "t" * 257}]}, "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"description": "d" * 4097}]}, "embeds.0.description", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"fields": [{"name": "n", "value": "v" * 1025}]}]}, "embeds.0.fields.0.value", None),
        ({"embeds": [{"description": "d" * 3001}] * 2}, "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        ({"embeds": [{"title": "t"}] * 11}, "embeds", "BASE_TYPE_MAX_LENGTH"),
        ({"content": "x", "components": [{"type": 2}]}, "components.0.type", "BASE_TYPE_CHOICES"),
        ({"content": "x", "components": [{"type": 1, "components": []}]}, "components.components", None),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1200000000000000001"]}},
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse", "BASE_TYPE_CHOICES"),
        (
            {"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "y"}]},
            "content",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
        (
            {"flags": 1 << 15, "components": [{"type": 10, "content": "y" * 4001}]},
            "components",
            "COMPONENT_MAX_TOTAL_CHARACTERS",
        ),
        ({"content": "x", "message_reference": {"message_id": 1}}, "message_reference", "REPLIES_UNKNOWN_MESSAGE"),
    ],
)
async def test_every_limit_names_its_field(api: Any, body: dict[str, Any], path: str, code: str | None) -> None:
    """50035 carries a tree of errors that leads to the field."""
    answer = await api.call("POST", f"/channels/{api.channel()}/messages", body, status=400)
    assert answer["code"] == 50035
    node = answer["errors"]
    for step in path.split("."):
        node = node[step]
    assert code in (None, node["_errors"][0]["code"])


async def test_code_points_are_counted(api: Any) -> None:
    """2 000 emoji are 2 000 characters, whatever they weigh in bytes or UTF-16."""
    assert len((await api.post("👍" * 2000))["content"]) == 2000


@pytest.mark.parametrize(("body", "code"), [({}, 50006), ({"content": " \n"}, 50006), ({"content": None}, 50006)])
async def test_empty_messages(emulator: DiscordEmulator, api: Any, body: dict[str, Any], code: int) -> None:
    """Nothing, blanks and null are 50006; blanks pass when the switch says so."""
    assert await api.refusal("POST", f"/channels/{api.channel()}/messages", body) == (400, code)
    emulator.switches.whitespace_is_empty = False
    if body.get("content"):
        await api.post(" \n")


async def test_no_json_and_too_much(emulator: DiscordEmulator, api: Any) -> None:
    """50109 for broken JSON, 40005 for a file or a request above the limit."""
    path = f"/channels/{api.channel()}/messages"
    async with api.session.post(
        f"{emulator.api_url}{path}",
        data="{",
        headers={
            "Authorization": f"Bot {emulator.bot_token}",
            "User-Agent": "DiscordBot (x, 1)",
            "Content-Type": "application/json",
        },
    ) as response:
        assert (await response.json())["code"] == 50109
    emulator.switches.attachment_limit_bytes = 10
    assert (await upload(api, path, b"x" * 11))[0] == 413
    status, message = await upload(api, path, b"x" * 10)
    assert (status, message["attachments"][0]["size"]) == (200, 10)
    emulator.switches.request_limit_bytes = 100
    assert (await upload(api, path, b"x"))[0] == 413


async def upload(api: Any, path: str, content: bytes) -> tuple[int, Any]:
    """Post a file."""
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"attachments": [{"id": 0, "filename": "named.txt", "description": "what it is"}]}')
    form.add_field("files[0]", content, filename="a.txt")
    headers = {"Authorization": f"Bot {api.emulator.bot_token}", "User-Agent": "DiscordBot (x, 1)"}
    async with api.session.post(f"{api.emulator.api_url}{path}", data=form, headers=headers) as response:
        return response.status, await response.json()


async def test_files_are_signed_and_expire(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """The address works for a day, not with another signature; a message read later has a fresh one."""
    _, message = await upload(api, f"/channels/{api.channel()}/messages", b"hello")
    attachment = message["attachments"][0]
    assert (attachment["filename"], attachment["description"]) == ("named.txt", "what it is")
    assert await fetched(api, attachment["url"]) == (200, b"hello")
    assert (await fetched(api, attachment["url"] + "0"))[0] == 404
    clock.advance(86_401)
    assert (await fetched(api, attachment["url"]))[0] == 404
    again = await api.call("GET", f"/channels/{api.channel()}/messages/{message['id']}")
    assert await fetched(api, again["attachments"][0]["url"]) == (200, b"hello")


async def fetched(api: Any, url: str) -> tuple[int, bytes]:
    """Return status and bytes of a file."""
    async with api.session.get(url) as response:
        return response.status, await response.read()


async def test_edits(emulator: DiscordEmulator, api: Any) -> None:
    """Only what is given changes; the edit is marked; another's message is 50005, a missing one 10008."""
    message = await api.post("one", embeds=[{"title": "t"}])
    edited = await api.edit(message, content="two")
    assert (edited["content"], edited["embeds"][0]["title"]) == ("two", "t")
    assert edited["edited_timestamp"] is not None
    assert (await api.edit(message, flags=4))["flags"] == 4
    assert (await api.edit(message, content="three"))["flags"] == 4, "no flags given: they stay"
    assert (await api.edit(message, content="four", flags=0))["flags"] == 0
    path = f"/channels/{api.channel()}/messages"
    assert await api.refusal("PATCH", f"{path}/{message['id']}", {"content": "", "embeds": []}) == (400, 50006)
    foreign = emulator.say("ann", "general", "mine")
    assert await api.refusal("PATCH", f"{path}/{foreign}", {"content": "x"}) == (403, 50005)
    assert await api.refusal("PATCH", f"{path}/1", {"content": "x"}) == (404, 10008)
    assert await api.refusal("PATCH", f"/channels/1/messages/{message['id']}", {"content": "x"}) == (404, 10003)
    steps = [step.text for step in emulator.steps("general", message["id"])]
    assert steps == ["one", "two", "three", "four"]


async def test_components_v2_is_a_one_way_street(emulator: DiscordEmulator, api: Any) -> None:
    """A message turns into v2 only without its content, and never back; its texts are what is read."""
    message = await api.post("old")
    path = f"/channels/{api.channel()}/messages/{message['id']}"
    new: dict[str, Any] = {"flags": 1 << 15, "components": [{"type": 10, "content": "new"}]}
    assert await api.refusal("PATCH", path, new) == (400, 50035)
    assert (await api.edit(message, **new, content=None, embeds=[]))["flags"] == 1 << 15
    assert emulator.shown_text("general", message["id"]) == "new"
    assert (await api.edit(message, flags=0))["flags"] == 1 << 15
    assert await api.refusal("PATCH", path, {"content": "back"}) == (400, 50035)


async def test_the_v2_ceiling_of_bytes(emulator: DiscordEmulator, api: Any) -> None:
    """Chinese text within 4 000 characters can be above 10 170 bytes: a 500 where the ceiling holds."""
    body = {"flags": 1 << 15, "components": [{"type": 10, "content": "字" * 4000}]}
    await api.call("POST", f"/channels/{api.channel()}/messages", body)
    emulator.switches.v2_limit_everywhere = True
    assert await api.refusal("POST", f"/channels/{api.channel()}/messages", body) == (500, 0)


async def test_an_enforced_nonce_makes_one_message(
    emulator: DiscordEmulator, api: Any, journal: Journal, clock: SandboxClock
) -> None:
    """Within minutes the same nonce gives the first message back and no event; later, or not enforced, a new one."""
    first = await api.post("a", nonce="n1", enforce_nonce=True)
    again = await api.post("b", nonce="n1", enforce_nonce=True)
    assert (again["id"], again["content"]) == (first["id"], "a")
    assert len(journal.select(kind="shown")) == 1
    assert (await api.post("c", nonce="n1"))["id"] != first["id"]
    assert [entry.name for entry in emulator.violations()] == ["same_nonce_twice"]
    clock.advance(301)
    assert (await api.post("d", nonce="n1", enforce_nonce=True))["id"] != first["id"]
    gone = await api.post("e", nonce="n2", enforce_nonce=True)
    emulator.delete("owner", "general", gone["id"])
    body = {"content": "f", "nonce": "n2", "enforce_nonce": True}
    assert await api.refusal("POST", f"/channels/{api.channel()}/messages", body) == (404, 10008)


async def test_replies(emulator: DiscordEmulator, api: Any) -> None:
    """A reply carries what it answers; a deleted question is refused unless told otherwise; not across channels."""
    emulator.add_channel("other")
    asked = emulator.say("ann", "general", "question")
    reply = await api.post("answer", message_reference={"message_id": int(asked)})
    assert (reply["type"], reply["referenced_message"]["content"]) == (19, "question")
    assert reply["message_reference"] == {
        "type": 0,
        "message_id": asked,
        "channel_id": api.channel(),
        "guild_id": emulator.guild_id,
    }
    body = {"content": "x", "message_reference": {"message_id": asked}}
    assert await api.refusal("POST", f"/channels/{api.channel('other')}/messages", body) == (400, 50035)
    emulator.delete("ann", "general", asked)
    assert await api.refusal("POST", f"/channels/{api.channel()}/messages", body) == (400, 50035)
    lenient = await api.post("x", message_reference={"message_id": asked, "fail_if_not_exists": False})
    assert lenient["type"] == 0
    shown = await api.call("GET", f"/channels/{api.channel()}/messages/{reply['id']}")
    assert shown["referenced_message"] is None


async def test_history_pages(emulator: DiscordEmulator, api: Any) -> None:
    """The newest first, fifty unless told; before, after and around; 1 to 100."""
    ids = [emulator.say("ann", "general", str(number)) for number in range(60)]
    path = f"/channels/{api.channel()}/messages"

    async def page(query: str) -> list[int]:
        return [int(message["content"]) for message in await api.call("GET", f"{path}{query}")]

    assert await page("") == list(range(59, 9, -1))
    assert await page("?limit=2") == [59, 58]
    assert await page(f"?limit=2&before={ids[10]}") == [9, 8]
    assert await page(f"?limit=2&after={ids[10]}") == [12, 11]
    assert await page(f"?limit=3&around={ids[10]}") == [11, 10, 9]
    assert await page(f"?limit=1&around={ids[10]}") == [10]
    assert await api.refusal("GET", f"{path}?limit=101") == (400, 50035)
    assert await api.refusal("GET", f"{path}?limit=0") == (400, 50035)


async def test_deletions(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """One's own at once, others' with the right to; in bulk two to a hundred, none older than two weeks."""
    path = f"/channels/{api.channel()}/messages"
    own, foreign = await api.post("own"), emulator.say("ann", "general", "foreign")
    await api.call("DELETE", f"{path}/{own['id']}", status=204)
    assert await api.refusal("DELETE", f"{path}/{own['id']}") == (404, 10008)
    assert await api.refusal("DELETE", f"{path}/{foreign}") == (403, 50013)
    assert await api.refusal("POST", f"{path}/bulk-delete", {"messages": [foreign, "1"]}) == (403, 50013)
    emulator.allow("general", "coze", "MANAGE_MESSAGES")
    assert await api.refusal("POST", f"{path}/bulk-delete", {"messages": [foreign]}) == (400, 50016)
    await api.call("POST", f"{path}/bulk-delete", {"messages": [foreign, "1"]}, status=204)
    assert emulator.messages("general") == []
    late = emulator.say("ann", "general", "late")
    clock.advance(15 * 86_400)
    assert await api.refusal("POST", f"{path}/bulk-delete", {"messages": [late, "1"]}) == (400, 50034)
    assert emulator.steps("general", own["id"])[-1].text == ""


async def test_reactions_pins_and_typing(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """A reaction is added once and taken back; a word is no emoji; pinning needs its own right; typing fades."""
    asked = emulator.say("ann", "general", "hello")
    path = f"/channels/{api.channel()}/messages/{asked}"
    await api.call("PUT", f"{path}/reactions/%F0%9F%91%80/@me", status=204)
    shown = (await api.call("GET", path))["reactions"][0]
    assert (shown["emoji"], shown["count"], shown["me"]) == ({"id": None, "name": "👀"}, 1, True)
    assert await api.refusal("PUT", f"{path}/reactions/eyes/@me") == (400, 10014)
    await api.call("DELETE", f"{path}/reactions/%F0%9F%91%80/@me", status=204)
    assert emulator.shown("general", asked).reactions == {}
    assert await api.refusal("PUT", f"/channels/{api.channel()}/messages/pins/{asked}") == (403, 50013)
    emulator.allow("general", "coze", "PIN_MESSAGES")
    await api.call("PUT", f"/channels/{api.channel()}/messages/pins/{asked}", status=204)
    assert emulator.shown("general", asked).pinned
    await api.call("POST", f"/channels/{api.channel()}/typing", status=204)
    assert emulator.typing_in("general") == ["coze"]
    clock.advance(10)
    assert emulator.typing_in("general") == []


async def test_lookups(emulator: DiscordEmulator, api: Any) -> None:
    """The bot, the application, users, guilds, channels, members, roles, the gateway."""
    ann, guild = emulator.find_user("ann").id, emulator.guild_id
    assert (await api.call("GET", "/users/@me"))["bot"] is True
    assert (await api.call("GET", f"/users/{ann}"))["global_name"] == "Ann"
    assert await api.refusal("GET", "/users/1") == (404, 10013)
    assert (await api.call("GET", "/oauth2/applications/@me"))["id"] == emulator.application_id
    assert [g["name"] for g in await api.call("GET", "/users/@me/guilds")] == ["Sandbox"]
    assert (await api.call("GET", f"/guilds/{guild}?with_counts=true"))["approximate_member_count"] == 4
    assert [c["name"] for c in await api.call("GET", f"/guilds/{guild}/channels")] == ["general", "help"]
    assert [r["name"] for r in await api.call("GET", f"/guilds/{guild}/roles")] == ["@everyone", "coze"]
    assert (await api.call("GET", f"/guilds/{guild}/members/{ann}"))["user"]["username"] == "ann"
    assert await api.refusal("GET", f"/guilds/{guild}/members/1") == (404, 10007)
    assert await api.refusal("GET", "/guilds/1") == (404, 10004)
    assert (await api.call("GET", "/gateway"))["url"] == emulator.gateway_url
    assert (await api.call("GET", "/gateway/bot"))["shards"] == 1


async def test_direct_conversations(emulator: DiscordEmulator, api: Any) -> None:
    """One channel per person; who accepts none is 50007 at sending, who shares no guild 50278 at opening."""
    ann = emulator.find_user("ann").id
    opened = [await api.call("POST", "/users/@me/channels", {"recipient_id": int(ann)}) for _ in range(2)]
    assert opened[0]["id"] == opened[1]["id"]
    assert (opened[0]["type"], opened[0]["recipients"][0]["username"]) == (1, "ann")
    path = f"/channels/{opened[0]['id']}/messages"
    await api.call("POST", path, {"content": "hi"})
    emulator.accept_dms("ann", False)
    assert await api.refusal("POST", path, {"content": "hi"}) == (403, 50007)
    stranger = emulator.add_user("eve", guilds=())
    assert await api.refusal("POST", "/users/@me/channels", {"recipient_id": stranger}) == (403, 50278)
    assert await api.refusal("POST", "/users/@me/channels", {"recipient_id": "1"}) == (400, 50035)
    assert await api.refusal("POST", "/users/@me/channels", {"recipient_id": emulator.bot_user_id}) == (403, 50007)


async def test_previews(emulator: DiscordEmulator, api: Any) -> None:
    """A bare link unfurls a moment later; angle brackets, code and the flag prevent it; clearing the flag does it."""
    emulator.switches.unfurl_delay_s = 0.01
    for quiet in ("<https://a.example/x>", "`https://a.example/x`", "no link"):
        await api.post(quiet)
    message = await api.post("see https://a.example/y", flags=4)
    assert emulator.violations() == []
    await api.edit(message, content="see https://a.example/y now", flags=0)
    await emulator.wait_until(lambda: emulator.shown("general", message["id"]).previews != [], what="a preview")
    assert emulator.violations("unfurl")[0].detail["links"] == ["https://a.example/y"]
    shown = await api.call("GET", f"/channels/{api.channel()}/messages/{message['id']}")
    emulator.suppress_embeds("general", message["id"])
    assert emulator.shown("general", message["id"]).previews == []
    assert shown["embeds"][0]["url"] == "https://a.example/y"
