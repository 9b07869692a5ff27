"""The control API: what another process does to the emulator, over HTTP."""

from typing import Any

import pytest

from sandbox.coze import CozeEmulator


async def test_everything_is_set_up_and_read_over_http(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Tokens, bots, answers, faults, switches and the clock work from outside; the journal can be followed."""
    api = frozen_api
    assert await api.post("/_control/tokens", {"token": "pat_2", "account_id": "2000"}) == {}
    assert await api.post("/_control/bots", {"bot_id": "42", "suggested_questions": ["a"]}) == {}
    answer = {"deltas": ["x", "y"], "delta_interval_s": 5, "failure": None, "tools": [{"name": "t"}]}
    assert await api.post("/_control/answers", {"answer": answer, "bot_id": "42"}) == {}
    api.http.headers["Authorization"] = "Bearer pat_2"
    chat = await api.begin(bot_id="42")
    await api.until(lambda: frozen.world.chats[chat["id"]].status == "in_progress")
    before = (await api.get("/_control/clock"))["now"]
    assert (await api.post("/_control/clock", {"advance_s": 60}))["now"] == before + 60
    assert (await api.settled(chat))["status"] == "completed"
    journal = await api.get("/_control/journal")
    assert journal["entries"][0]["name"] == "POST /v3/chat"
    later = await api.get("/_control/journal", since=str(journal["next"]))
    assert later == {"entries": [], "next": journal["next"]}


async def test_faults_over_http(emulator: CozeEmulator, api: Any) -> None:
    """A fault is planned with its arguments and taken back."""
    plan = {"name": "GET /v1/users/me", "kind": "html", "args": {"status": 503}, "times": None}
    assert await api.post("/_control/faults", plan) == {}
    assert (await api.http.get("/v1/users/me")).status_code == 503
    assert (await api.http.delete("/_control/faults")).json() == {}
    assert (await api.http.get("/v1/users/me")).status_code == 200


async def test_switches_over_http(emulator: CozeEmulator, api: Any) -> None:
    """Switches are read and changed; the objects that read them see the change."""
    changed = await api.http.patch("/_control/switches", json={"throttle_code": 4020, "chat_qps": 0})
    assert changed.json()["throttle_code"] == 4020
    assert (await api.post("/v3/chat", api.body()))["code"] == 4020
    assert (await api.get("/_control/switches"))["chat_qps"] == 0


async def test_the_agent_is_chosen_over_http(emulator: CozeEmulator, api: Any) -> None:
    """The agent behind the scripts can be the echo, or the generating one at another speed."""
    await api.http.put("/_control/agent", json={"kind": "echo"})
    assert await api.answer("q") == "Questions in this context: 1\n1. q"
    await api.http.put("/_control/agent", json={"seed": 7, "sentences": 1, "first_delta_delay_s": 0})
    assert await api.answer("q") == "You asked about *q*."
    await api.post("/_control/answers", {"answer": {"text": "forgotten"}})
    await api.http.delete("/_control/answers")
    assert await api.answer("q") == "You asked about *q*."


async def test_tokens_are_revoked_over_http(emulator: CozeEmulator, api: Any, key_pair: tuple[str, str]) -> None:
    """A revoked token is refused from then on; an app can be registered."""
    app = {"client_id": "a", "key_id": "k", "public_key_pem": key_pair[1]}
    assert await api.post("/_control/oauth_apps", app) == {}
    await api.http.delete("/_control/tokens", params={"token": "pat_sandbox"})
    assert (await api.get("/v1/users/me"))["code"] == 700012006


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "faults", {"name": "x", "kind": "explode"}),
        ("POST", "faults", {"kind": "cut"}),
        ("POST", "answers", {"answer": {"text": 7}}),
        ("POST", "answers", {"answer": {"text": "x"}, "mathcing": "misspelt"}),
        ("PATCH", "switches", {"no_such_switch": 1}),
        ("PATCH", "switches", {"lock_exists": "perhaps"}),
        ("PUT", "agent", {"kind": "oracle"}),
        ("POST", "clock", {"advance_s": -1}),
        ("POST", "tokens", {}),
        ("DELETE", "tokens", {"token": "unknown"}),
    ],
)
async def test_mistakes_get_a_sentence(api: Any, method: str, path: str, body: dict[str, Any]) -> None:
    """A wrong control request is HTTP 400 and says what is wrong."""
    reply = await api.http.request(method, f"/_control/{path}", json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]


async def test_files_are_hosted_over_http(emulator: CozeEmulator, api: Any) -> None:
    """What an agent made, at an address of its own that needs no token; short addresses lead there."""
    made = await api.post("/_control/files", {"name": "cat.png", "content": "iVBORw=="})
    api.http.headers.pop("Authorization", None)
    found = await api.http.get(emulator.host_redirect("t/abc", made["url"]), follow_redirects=True)
    assert (found.content, found.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert (await api.http.get(made["url"] + "x")).status_code == 404
