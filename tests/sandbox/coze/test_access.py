"""Who may call and how often: tokens, permissions, OAuth, throttling; and what no path leads to."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from sandbox.coze import ALL_PERMISSIONS, SUPPORTED, Answer, CozeEmulator
from sandbox.coze.supported import supported_by

ISSUED_AT = 1_746_700_000


async def statuses(api: Any) -> list[tuple[int, int]]:
    """Return status and code of a chat and of a retrieve."""
    chat = await api.http.post("/v3/chat", json=api.body(stream=True))
    retrieve = await api.http.get("/v3/chat/retrieve", params={"conversation_id": "1", "chat_id": "1"})
    return [(reply.status_code, reply.json()["code"]) for reply in (chat, retrieve)]


async def test_a_wrong_token_is_refused_as_measured(emulator: CozeEmulator, api_with: Any) -> None:
    """A wrong, a missing and another region's token look the same: 4101 on chat, 401 elsewhere."""
    expected = [(200, 4101), (401, 700012006)]
    assert await statuses(await api_with("pat_of_the_other_region")) == expected
    nobody = await api_with("x")
    del nobody.http.headers["Authorization"]
    assert await statuses(nobody) == expected


@pytest.mark.parametrize(("code", "status"), [(4101, 200), (700012006, 401), (4100, 401)])
async def test_the_refusal_of_tokens_is_a_switch(emulator: CozeEmulator, api_with: Any, code: int, status: int) -> None:
    """Code and HTTP status can be set for all routes."""
    emulator.switches.invalid_token_code = code
    emulator.switches.auth_error_http_status = status
    assert await statuses(await api_with("pat_wrong")) == [(status, code)] * 2


async def test_tokens_expire_and_can_be_revoked(frozen: CozeEmulator, frozen_api: Any) -> None:
    """A token works until its time, or until it is revoked in the middle of a run."""
    frozen.add_token("pat_sandbox", expires_at=frozen.clock.now() + 60)
    assert (await frozen_api.get("/v1/users/me"))["code"] == 0
    frozen.clock.advance(60)
    assert (await frozen_api.get("/v1/users/me"))["code"] == 700012006
    frozen.add_token("pat_sandbox")
    assert (await frozen_api.get("/v1/users/me"))["code"] == 0
    frozen.revoke("pat_sandbox")
    assert (await frozen_api.get("/v1/users/me"))["code"] == 700012006


async def test_each_route_needs_its_permissions(emulator: CozeEmulator, api_with: Any) -> None:
    """Every route refuses a token that lacks one of its permissions, and names it."""
    for number, endpoint in enumerate(endpoint for endpoint in SUPPORTED if endpoint.cloud):
        for permission in endpoint.permissions:
            token = f"pat_{number}_{permission}"
            emulator.add_token(token, ALL_PERMISSIONS - {permission})
            path = endpoint.path.replace("{", "").replace("}", "")
            reply = await (await api_with(token)).http.request(endpoint.method, path)
            assert (reply.status_code, reply.json()["code"]) == (200, 4101), endpoint.name
            assert permission in reply.json()["msg"]


@pytest.fixture
async def oauth(frozen: CozeEmulator, key_pair: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client without a token, of an emulator that knows one app."""
    frozen.add_oauth_app("app-1", "key-1", key_pair[1])
    async with httpx.AsyncClient(base_url=frozen.base_url, trust_env=False) as http:
        yield http


def assertion(private_pem: str, **changes: Any) -> str:
    """Return a signed JWT for the frozen clock's time."""
    claims = {"iss": "app-1", "aud": "127.0.0.1", "iat": ISSUED_AT, "exp": ISSUED_AT + 600, "jti": "j"} | changes
    key_id = claims.pop("kid", "key-1")
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, private_pem, algorithm="RS256", headers={"kid": key_id})


async def exchange(oauth: httpx.AsyncClient, token: str, **body: Any) -> httpx.Response:
    """Ask for an access token."""
    wanted = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "scope": None} | body
    path = "/api/permission/oauth2/token"
    return await oauth.post(path, json=wanted, headers={"Authorization": f"Bearer {token}"})


async def test_the_exchange_is_bare_and_its_expiry_absolute(
    oauth: httpx.AsyncClient, key_pair: tuple[str, str]
) -> None:
    """The reply has no envelope; ``expires_in`` is a unix time; 900 s is the default."""
    reply = (await exchange(oauth, assertion(key_pair[0]))).json()
    assert set(reply) == {"access_token", "expires_in"}
    assert reply["access_token"].startswith("czs_")
    assert reply["expires_in"] == ISSUED_AT + 900


@pytest.mark.parametrize(
    ("claims", "body", "error"),
    [
        ({}, {"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({}, {"duration_seconds": 86_400}, "invalid_request"),
        ({}, {"duration_seconds": "900"}, "invalid_request"),
        ({"kid": "key-2"}, {}, "invalid_client"),
        ({"iss": "app-2"}, {}, "invalid_client"),
        ({"aud": "api.coze.com"}, {}, "invalid_client"),
        ({"exp": ISSUED_AT}, {}, "invalid_request"),
        ({"iat": ISSUED_AT - 900, "exp": ISSUED_AT - 300}, {}, "invalid_client"),
        ({"jti": None}, {}, "invalid_client"),
    ],
)
async def test_an_exchange_that_is_refused(
    oauth: httpx.AsyncClient, key_pair: tuple[str, str], claims: dict[str, Any], body: dict[str, Any], error: str
) -> None:
    """Each flaw is refused in OAuth's own envelope."""
    reply = await exchange(oauth, assertion(key_pair[0], **claims), **body)
    assert (reply.status_code, reply.json()["error_code"]) == (400, error)
    assert "code" not in reply.json()


async def test_jwts_work_once_and_only_for_active_apps(
    frozen: CozeEmulator, oauth: httpx.AsyncClient, key_pair: tuple[str, str]
) -> None:
    """A replayed ``jti``, a forged signature and a deactivated app buy nothing; the status is a switch."""
    token = assertion(key_pair[0])
    assert (await exchange(oauth, token)).status_code == 200
    assert (await exchange(oauth, token)).json()["error_code"] == "invalid_request"
    head, claims, signature = assertion(key_pair[0], jti="k").split(".")
    forged = f"{head}.{claims}.{signature[::-1]}"
    assert (await exchange(oauth, forged)).json()["error_code"] == "invalid_client"
    assert (await exchange(oauth, "no jwt")).json()["error_code"] == "invalid_client"
    frozen.switches.oauth_error_http_status = 200
    frozen.add_oauth_app("app-1", "key-1", key_pair[1], active=False)
    denied = await exchange(oauth, assertion(key_pair[0], jti="l"))
    assert (denied.status_code, denied.json()["error_code"]) == (200, "access_deny")


async def test_sessions_of_one_app_do_not_see_each_other(
    frozen: CozeEmulator, oauth: httpx.AsyncClient, key_pair: tuple[str, str]
) -> None:
    """A ``session_name`` separates the conversations of one app's end users; the token ends when it says."""
    tokens = []
    for name in ("lin", "mei"):
        reply = await exchange(oauth, assertion(key_pair[0], session_name=name, jti=name), duration_seconds=60)
        tokens.append({"Authorization": f"Bearer {reply.json()['access_token']}"})
    created = (await oauth.post("/v1/conversation/create", headers=tokens[0])).json()["data"]["id"]
    query = {"conversation_id": created}
    codes = [
        (await oauth.get("/v1/conversation/retrieve", params=query, headers=token)).json()["code"] for token in tokens
    ]
    assert codes == [0, 4002]
    frozen.clock.advance(60)
    late = await oauth.get("/v1/conversation/retrieve", params=query, headers=tokens[0])
    assert late.json()["code"] == 700012006


async def test_chats_a_second_are_limited(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Above the allowance a chat is refused until a second has passed, in the shape of the switches."""
    frozen.switches.chat_qps = 2
    replies = [await frozen_api.http.post("/v3/chat", json=frozen_api.body()) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert "Retry-After" not in replies[-1].headers
    frozen.switches.throttle_http_status = 200
    frozen.switches.throttle_code = 4020
    frozen.switches.throttle_retry_after_s = 1.0
    refused = await frozen_api.http.post("/v3/chat", json=frozen_api.body())
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (200, 4020, "1")
    frozen.clock.advance(1)
    assert (await frozen_api.post("/v3/chat", frozen_api.body()))["code"] == 0


async def test_uploads_have_their_own_allowance(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Ten uploads a second, whatever chats there are."""
    path, files = "/v1/files/upload", {"file": ("a.csv", b"x")}
    codes = [(await frozen_api.http.post(path, files=files)).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]


async def test_concurrent_chats_can_be_limited(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Chats at once are limited by account when the switch says so."""
    frozen.switches.max_concurrent_chats = 1
    first = await frozen_api.begin()
    assert (await frozen_api.http.post("/v3/chat", json=frozen_api.body())).status_code == 429
    frozen.clock.advance(600)
    await frozen_api.settled(first)
    assert (await frozen_api.post("/v3/chat", frozen_api.body()))["code"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v3/chat"),
        ("GET", "/v3/conversation/message/list"),
        ("POST", "/open_api/v2/chat"),
        ("POST", "/v3/workflows/run"),
    ],
)
async def test_unknown_paths_and_methods(emulator: CozeEmulator, api: Any, method: str, path: str) -> None:
    """What does not exist is HTTP 404 with code 4000 and a log id, and is written down."""
    reply = await api.http.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (404, 4000)
    assert reply.json()["detail"]["logid"] == reply.headers["x-tt-logid"]
    assert emulator.journal.select(kind="request", name=f"{method} {path}")


@pytest.mark.parametrize("profile", ["emulator", "studio"])
def test_the_table_of_routes_is_the_router(request: pytest.FixtureRequest, profile: str) -> None:
    """What the table promises is served, and nothing else is, besides the control API and the hosted files."""
    running: CozeEmulator = request.getfixturevalue(profile)
    served = {
        f"{route.method} {route.resource.canonical}"
        for route in running.app.router.routes()
        if route.resource is not None and not route.resource.canonical.startswith(("/_control/", "/hosted/"))
    }
    assert served == {endpoint.name for endpoint in supported_by(running.profile)}


async def test_every_reply_carries_its_log_id(emulator: CozeEmulator, api: Any) -> None:
    """Good or bad, the header and the envelope carry the same id."""
    for path in ("/v1/users/me", "/v1/conversation/retrieve"):
        reply = await api.http.get(path)
        assert reply.headers["x-tt-logid"] == reply.json()["detail"]["logid"]


async def test_the_journal_tells_requests_replies_and_events_but_no_token(emulator: CozeEmulator, api: Any) -> None:
    """Everything that went over the wire is written down in order, and no token with it."""
    emulator.will_stream("one ", "two")
    await api.answer("how many?")
    kinds = [entry.kind for entry in emulator.journal]
    assert kinds[0] == "request"
    assert kinds[1] == "reply"
    assert kinds[-1] == "stream_end"
    deltas = emulator.journal.select(kind="event", name="conversation.message.delta")
    assert [entry.detail["content"] for entry in deltas] == ["one ", "two"]
    assert all(entry.detail["chat_id"] and entry.detail["message_id"] for entry in deltas)
    times = [entry.at for entry in emulator.journal]
    assert times == sorted(times)
    request = emulator.journal.select(kind="request")[0]
    assert request.detail["body"]["additional_messages"][0]["content"] == "how many?"
    assert len(request.detail["token"]) == 8
    assert "pat_sandbox" not in str(list(emulator.journal))


async def test_keep_alive_comments_are_a_switch(frozen: CozeEmulator, frozen_api: Any) -> None:
    """With the switch on, silence is filled with comments that are no events."""
    frozen.switches.keep_alive_s = 15.0
    frozen.script(Answer(text="late", first_delta_delay_s=31))
    got = b""
    async with frozen_api.http.stream("POST", "/v3/chat", json=frozen_api.body(stream=True)) as reply:
        async for chunk in reply.aiter_raw():
            got += chunk
            if b"in_progress\ndata" in got and b"message.delta" not in got and got.endswith(b"\n\n"):
                frozen.clock.advance(15 if got.count(b": keep-alive") < 2 else 1)
    assert got.count(b": keep-alive\n\n") == 2
