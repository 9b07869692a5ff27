"""Studio, the self-hosted server: its routes, words and bugs (reference, section 12)."""

import json
from typing import Any

import pytest

from sandbox.coze import Answer, CozeEmulator, Failure, RequiredAction, ToolCall, echo_agent


async def test_a_stream_is_the_default_and_ends_otherwise(studio: CozeEmulator, studio_api: Any) -> None:
    """Without ``stream`` there is a stream; it begins in_progress and ends with an empty event of another name."""
    studio.script("Hello.")
    reply = await studio_api.http.post("/v3/chat", json=studio_api.body())
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert (reply.headers["X-Accel-Buffering"], reply.headers["Cache-Control"]) == ("no", "no-cache")
    assert len(reply.headers["X-Log-ID"]) == 36
    assert "x-tt-logid" not in reply.headers
    assert reply.text.endswith("\n\nevent:conversation.stream.done\ndata:\n\n")
    created = json.loads(reply.text.split("\n")[1].removeprefix("data:"))
    assert (created["status"], created["completed_at"], created["failed_at"]) == ("in_progress", 0, 0)
    completed = reply.text.split("event:conversation.chat.completed\ndata:")[1].split("\n")[0]
    assert "usage" not in json.loads(completed)
    assert '\\"fin_data\\"' in json.loads(reply.text.split('"verbose","content":')[1].split(',"content_type"')[0])


async def test_without_a_stream_and_with_the_odd_keys(studio: CozeEmulator, studio_api: Any) -> None:
    """Results travel under other names, with a stray null, and the creator is misspelt."""
    studio.script("Polled.")
    chat = (await studio_api.post("/v3/chat", studio_api.body(stream=False)))["data"]
    await studio_api.settled(chat)
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    listed = await studio_api.get("/v3/chat/message/list", **ids)
    assert listed["Messages"][0]["content"] == "Polled."
    assert listed["BaseResp"] is None
    assert "data" not in listed
    found = await studio_api.get("/v1/conversation/retrieve", conversation_id=ids["conversation_id"])
    assert found["ConversationData"]["creator_d"] == "1000"
    assert "creator_id" not in found["ConversationData"]


async def test_cancel_spells_its_status_otherwise(studio: CozeEmulator, studio_api: Any) -> None:
    """A cancelled chat is ``cancelled``, under its own key; a second cancel has Studio's code."""
    studio.script(Answer(text="never", first_delta_delay_s=3600))
    chat = (await studio_api.post("/v3/chat", studio_api.body(stream=False)))["data"]
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    assert (await studio_api.post("/v3/chat/cancel", ids))["ChatV3ChatDetail"]["status"] == "cancelled"
    assert (await studio_api.post("/v3/chat/cancel", ids))["code"] == 103200005


async def test_there_is_no_lock(studio: CozeEmulator, studio_api: Any) -> None:
    """Two chats may run in one conversation."""
    studio.script(Answer(text="slow", first_delta_delay_s=3600))
    chat = (await studio_api.post("/v3/chat", studio_api.body(stream=False)))["data"]
    studio.script("quick")
    assert await studio_api.answer(conversation=chat["conversation_id"]) == "quick"


async def test_everything_is_saved(studio: CozeEmulator, studio_api: Any) -> None:
    """``auto_save_history`` is not known: what is said is remembered."""
    studio.answers.agent = echo_agent
    conversation = (await studio_api.post("/v1/conversation/create"))["data"]["id"]
    await studio_api.answer("one", conversation=conversation, auto_save_history=False)
    assert "2. two" in await studio_api.answer("two", conversation=conversation, auto_save_history=False)


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ("error", ["error"]),
        ("chat", ["error", "conversation.chat.completed", "conversation.stream.done"]),
    ],
)
async def test_failures_are_errors(studio: CozeEmulator, studio_api: Any, shape: Any, names: list[str]) -> None:
    """A failure is an error event alone or, for errors of the model, one before the usual end."""
    studio.script(Answer(text="x", failure=Failure(103100001, "agent run error", shape=shape)))
    events = await studio_api.chat()
    assert [event.name for event in events[2:]] == names
    assert events[2].data == {"code": 103100001, "msg": "agent run error"}


async def test_an_interruption_is_an_answer(studio: CozeEmulator, studio_api: Any) -> None:
    """Studio never requires an action: it asks in the answer and says interrupt."""
    studio.script(Answer(requires_action=RequiredAction((ToolCall("ask", "Which city?", "reply_message"),))))
    events = await studio_api.chat()
    whole = [event.data for event in events if event.name == "conversation.message.completed"]
    assert [message["type"] for message in whole] == ["answer", "verbose", "verbose"]
    assert whole[0]["content"] == "Which city?"
    assert '"interrupt"' in whole[1]["content"]
    assert events[-1].name == "conversation.stream.done"


@pytest.mark.parametrize(
    ("change", "query", "status", "code"),
    [
        ({"bot_id": "not-a-number"}, {}, 400, 400),
        ({"user_id": None}, {}, 400, 400),
        ({"parameters": "{}"}, {}, 400, 400),
        ({}, {"conversation_id": "not-a-number"}, 400, 400),
        ({"bot_id": "404"}, {}, 200, 103100002),
        ({}, {"conversation_id": "404"}, 200, 103000002),
    ],
)
async def test_refusals_have_studios_codes(
    studio_api: Any, change: dict[str, Any], query: dict[str, str], status: int, code: int
) -> None:
    """Bad requests are HTTP 400 with code 400; coded errors are HTTP 200."""
    reply = await studio_api.http.post("/v3/chat", json=studio_api.body() | change, params=query)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert "detail" not in reply.json()


async def test_a_wrong_token_and_an_unknown_path(studio: CozeEmulator, studio_api: Any) -> None:
    """A wrong token is 700012006 on HTTP 200; a path of the cloud only is a plain 404."""
    wrong = await studio_api.http.post("/v3/chat", json=studio_api.body(), headers={"Authorization": "Bearer x"})
    assert (wrong.status_code, wrong.json()["code"]) == (200, 700012006)
    missing = await studio_api.http.post("/v3/chat/retrieve")
    assert (missing.status_code, missing.text) == (404, "404 page not found")


async def test_an_agent_of_somebody_else_does_not_exist(studio: CozeEmulator, studio_api: Any) -> None:
    """The agent must belong to the owner of the token."""
    studio.add_bot("66", account_id="2000")
    assert (await studio_api.post("/v3/chat", studio_api.body(bot_id="66")))["code"] == 103100002


async def test_uploads_have_addresses(studio_api: Any) -> None:
    """An upload also tells uri and url."""
    reply = await studio_api.http.post("/v1/files/upload", files={"file": ("a.png", b"x")})
    assert set(reply.json()["data"]) == {"id", "bytes", "file_name", "created_at", "uri", "url"}
