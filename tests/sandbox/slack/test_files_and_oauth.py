"""Files in and out, and installing an app by OAuth."""

from typing import Any

import aiohttp
import pytest
from yarl import URL

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import FileUpload, SlackEmulator

SDK_USES_BASIC_AUTH = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
"""slack-sdk 3.47 still makes the object that aiohttp 3.14 deprecates."""


async def test_the_sdk_uploads_in_three_steps(slack: SlackEmulator, client: Any, journal: Journal) -> None:
    """files_upload_v2 shares the file in the thread a little later."""
    asked = slack.say("ann", "C1", "send it")
    await client.files_upload_v2(
        channel="C1", thread_ts=asked, initial_comment="here", content="a,b", filename="t.csv", title="Table"
    )
    await slack.wait_until(lambda: bool(slack.answers("C1", asked)), what="the shared file")
    (shared,) = slack.answers("C1", asked)
    assert shared.text == "here"
    info = await client.files_info(file=shared.files[0])
    assert (info["file"]["title"], info["file"]["size"]) == ("Table", 3)
    assert info["file"]["shares"]["private"]["C1"][0]["ts"] == shared.ts
    assert journal.select(kind="upload")[0].detail["size_bytes"] == 3
    await client.files_delete(file=shared.files[0])
    assert slack.answers("C1", asked)[0].files == []


async def test_uploads_are_checked(slack: SlackEmulator, api: Any) -> None:
    """An upload is completed once, with as many bytes as announced, where the app is."""
    begun = await api.call("files.getUploadURLExternal", filename="a.txt", length=3)
    files = [{"id": begun["file_id"]}]
    assert await api.refusal("files.completeUploadExternal", files=files) == "file_update_failed"
    async with api.session.post(begun["upload_url"], data=b"abc") as response:
        assert await response.text() == "OK - 3"
    assert await api.refusal("files.completeUploadExternal", files=files, channel_id="C404") == "invalid_channel"
    assert (await api.call("files.completeUploadExternal", files=files))["ok"]
    assert await api.refusal("files.completeUploadExternal", files=files) == "file_not_found"
    assert await api.refusal("files.info", file="F404") == "file_not_found"


@pytest.mark.parametrize("redirects", [False, True])
async def test_a_download_without_rights_is_a_sign_in_page(
    slack: SlackEmulator, session: aiohttp.ClientSession, api: Any, redirects: bool
) -> None:
    """HTML with status 200, or a redirect to it: never an error."""
    slack.switches.file_sign_in_redirects = redirects
    slack.say("ann", "C1", "look", files=[FileUpload("cat.png", b"\x89PNG"), FileUpload("ext", mode="external")])
    history = await api.call("conversations.history", channel="C1")
    hosted, external = history["messages"][0]["files"]
    assert "url_private" not in external
    for headers in ({}, {"Authorization": "Bearer xoxb-wrong"}):
        async with session.get(hosted["url_private"], headers=headers) as response:
            assert (response.status, response.content_type) == (200, "text/html")
    slack.add_app(scopes=["chat:write"])
    async with session.get(hosted["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"}) as response:
        assert response.content_type == "text/html"
    slack.add_app(scopes=["files:read"])
    async with session.get(hosted["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"}) as response:
        assert (response.content_type, await response.read()) == ("image/png", b"\x89PNG")


async def authorize(slack: SlackEmulator, session: aiohttp.ClientSession, team: str) -> str:
    """Go through the authorise page and return the code."""
    query = {"client_id": slack.app_named().client_id, "redirect_uri": "http://127.0.0.1:9/done", "state": "s"}
    async with session.get(slack.authorize_url, params=query | {"team": team}, allow_redirects=False) as response:
        assert response.status == 302
        target = URL(response.headers["Location"])
    assert target.query["state"] == "s"
    return target.query["code"]


@SDK_USES_BASIC_AUTH
async def test_installing_into_a_second_team(slack: SlackEmulator, client: Any, session: aiohttp.ClientSession) -> None:
    """The code becomes a token of its own for that team, once; events there name that team."""
    slack.add_team("T2", "Globex", "globex")
    app = slack.app_named()
    code = await authorize(slack, session, "T2")
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret}
    granted = await client.oauth_v2_access(code=code, **secrets)
    assert (granted["team"]["id"], granted["token_type"]) == ("T2", "bot")
    who = await client.auth_test(token=granted["access_token"])
    assert (who["team_id"], who["user_id"]) == ("T2", granted["bot_user_id"])
    for changes, error in (
        ({"code": code}, "invalid_code"),
        ({"code": code, "client_secret": "wrong"}, "bad_client_secret"),
        ({"code": code, "client_id": "unknown"}, "invalid_client_id"),
    ):
        form = secrets | {"code": code} | changes
        async with session.post(f"{slack.api_url}oauth.v2.access", data=form) as response:
            assert (await response.json())["error"] == error


@SDK_USES_BASIC_AUTH
async def test_tokens_rotate(
    slack: SlackEmulator, client: Any, session: aiohttp.ClientSession, clock: SandboxClock
) -> None:
    """An access token lives twelve hours, a refresh token one use."""
    app = slack.app_named()
    app.token_rotation = True
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret}
    granted = await client.oauth_v2_access(code=await authorize(slack, session, "T1"), **secrets)
    assert granted["access_token"].startswith("xoxe.xoxb-")
    clock.advance(granted["expires_in"] + 1)
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    async with session.post(f"{slack.api_url}auth.test", headers=headers) as response:
        assert (await response.json())["error"] == "token_expired"
    refresh = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    renewed = await client.oauth_v2_access(**secrets, **refresh)
    assert (await client.auth_test(token=renewed["access_token"]))["ok"]
    headers = {"Authorization": aiohttp.encode_basic_auth(app.client_id, app.client_secret)}
    async with session.post(f"{slack.api_url}oauth.v2.access", data=refresh, headers=headers) as response:
        assert (await response.json())["error"] == "invalid_refresh_token"
