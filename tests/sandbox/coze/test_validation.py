"""What a body may say: every documented limit and type, at its edge."""

import json
from typing import Any

import pytest

from sandbox.coze import CozeEmulator

BOT = "7498000011112222333"


def message(content: Any = "hi", **more: Any) -> dict[str, Any]:
    """Return one user message."""
    return {"role": "user", "content": content, "content_type": "text"} | more


def objects(*items: dict[str, Any]) -> dict[str, Any]:
    """Return one message of several objects."""
    return message(json.dumps(items), content_type="object_string")


def image(**more: Any) -> dict[str, Any]:
    """Return one image by address."""
    return {"type": "image", "file_url": "https://example.invalid/a.png"} | more


TEXT = {"type": "text", "text": "What is this?"}

REFUSED = [
    ({"bot_id": None}, 4000),
    ({"bot_id": int(BOT)}, 4000),
    ({"bot_id": "1"}, 4006),
    ({"user_id": ""}, 4000),
    ({"user_id": 7}, 4000),
    ({"stream": "yes"}, 4000),
    ({"auto_save_history": False}, 4007),
    ({"additional_messages": None}, 4000),
    ({"additional_messages": "hi"}, 4000),
    ({"additional_messages": [message()] * 101}, 4004),
    ({"additional_messages": ["hi"]}, 4000),
    ({"additional_messages": [message(role="system")]}, 4000),
    ({"additional_messages": [message(type="answer")]}, 4000),
    ({"additional_messages": [message(type="follow_up", role="assistant")]}, 4000),
    ({"additional_messages": [message(type="function_call", role="assistant")]}, 4000),
    ({"additional_messages": [message(None)]}, 4000),
    ({"additional_messages": [message(content_type=None)]}, 4000),
    ({"additional_messages": [message(content_type="card")]}, 4000),
    ({"additional_messages": [message(meta_data={"k": ""})]}, 4003),
    ({"additional_messages": [message("no json", content_type="object_string")]}, 4000),
    ({"additional_messages": [message("{}", content_type="object_string")]}, 4000),
    ({"additional_messages": [objects()]}, 4000),
    ({"additional_messages": [objects(TEXT)]}, 4000),
    ({"additional_messages": [objects(TEXT, TEXT, image())]}, 4000),
    ({"additional_messages": [objects(TEXT, {"type": "video", "file_url": "https://x"})]}, 4000),
    ({"additional_messages": [objects(TEXT, {"type": "image"})]}, 4000),
    ({"additional_messages": [objects(TEXT, image(file_url="ftp://x"))]}, 4000),
    ({"additional_messages": [objects(TEXT, image(file_id="404"))]}, 4000),
    ({"additional_messages": [objects(image())]}, 4000),
    ({"meta_data": {str(number): "v" for number in range(17)}}, 4003),
    ({"meta_data": {"k" * 65: "v"}}, 4003),
    ({"meta_data": {"": "v"}}, 4003),
    ({"meta_data": {"k": "v" * 513}}, 4003),
    ({"meta_data": {"k": 1}}, 4000),
    ({"custom_variables": {"k": 1}}, 4000),
    ({"custom_variables": {"user1": "x"}}, 4000),
    ({"custom_variables": "x"}, 4000),
    ({"parameters": "{}"}, 4000),
    ({"extra_params": {"altitude": "1"}}, 4000),
    ({"enable_card": 1}, 4000),
    ({"publish_status": "draft"}, 4000),
    ({"publish_status": "unpublished_draft", "bot_version": "1"}, 4000),
    ({"shortcut_command": {"parameters": {}}}, 4000),
]

ACCEPTED: list[dict[str, Any]] = [
    {"additional_messages": [message()] * 100},
    {"additional_messages": [message(meta_data=None, id=None, section_id=None, created_at=None)]},
    {"additional_messages": [objects(TEXT, image(text=None, file_id=None))]},
    {"additional_messages": [objects(image()), message("And this?")]},
    {"additional_messages": [message("And this?"), objects(image(), image())]},
    {"meta_data": {str(number): "v" * 512 for number in range(16)}},
    {"meta_data": None, "custom_variables": None, "parameters": None, "extra_params": None},
    {"custom_variables": {"user_name": "Lin"}, "parameters": {"any": [1]}, "extra_params": {"latitude": "1"}},
    {"publish_status": "unpublished_draft"},
    {"some_field_of_tomorrow": True},
    {"additional_messages": None, "shortcut_command": {"command_id": "7", "parameters": {"query": "x"}}},
]


@pytest.mark.parametrize(("change", "code"), REFUSED)
async def test_a_bad_body_is_refused(emulator: CozeEmulator, api: Any, change: dict[str, Any], code: int) -> None:
    """Each documented rule refuses with its own code, and no chat is made."""
    reply = await api.http.post("/v3/chat", json=api.body() | change)
    assert (reply.status_code, reply.json()["code"]) == (200, code)
    assert not emulator.world.chats


@pytest.mark.parametrize("change", ACCEPTED)
async def test_a_good_body_is_accepted(emulator: CozeEmulator, api: Any, change: dict[str, Any]) -> None:
    """What the rules allow, nulls and unknown fields included, is no error."""
    emulator.script("fine")
    assert (await api.post("/v3/chat", api.body() | change))["code"] == 0


@pytest.mark.parametrize("kind", ["function_call", "tool_output", "tool_response"])
async def test_tool_messages_may_come_with_unsaved_chats(emulator: CozeEmulator, api: Any, kind: str) -> None:
    """Self-managed history may hold what tools said."""
    emulator.script("fine")
    history = [message("{}", type=kind, role="assistant"), message()]
    assert await api.answer(auto_save_history=False, additional_messages=history) == "fine"


@pytest.mark.parametrize("stream", [True, False])
async def test_an_unpublished_bot_is_refused(emulator: CozeEmulator, api: Any, stream: bool) -> None:
    """A bot that is not published to the API says 4015 and which bot it is, streamed or not."""
    emulator.add_bot("55", published=False)
    reply = await api.post("/v3/chat", api.body(bot_id="55", stream=stream))
    assert reply["code"] == 4015
    assert "55" in reply["msg"]


async def test_a_bot_of_another_account_does_not_exist(emulator: CozeEmulator, api: Any) -> None:
    """Unknown and not yours look the same; the code is a switch, another one on conversation create."""
    emulator.add_bot("66", account_id="2000")
    assert (await api.post("/v3/chat", api.body(bot_id="66")))["code"] == 4006
    emulator.switches.unknown_bot_code = 5000
    assert (await api.post("/v3/chat", api.body(bot_id="66")))["code"] == 5000
    assert (await api.post("/v1/conversation/create", {"bot_id": "no such bot"}))["code"] == 5000


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(api: Any, content: bytes) -> None:
    """Malformed JSON is 4000, not a crash."""
    reply = await api.http.post("/v3/chat", content=content)
    assert reply.json()["code"] == 4000


async def test_a_body_above_15_mb_is_refused(emulator: CozeEmulator, api: Any) -> None:
    """The general limit holds; its HTTP status is a switch."""
    reply = await api.http.post("/v3/chat", json=api.body("x" * (15 * 1024 * 1024)))
    assert (reply.status_code, reply.json()["code"]) == (413, 4000)
    emulator.switches.oversized_body_http_status = 200
    assert (await api.http.post("/v3/chat", json=api.body("x" * (15 * 1024 * 1024)))).status_code == 200


async def test_ids_that_do_not_exist(api: Any) -> None:
    """Unknown conversations, chats and messages have codes of their own."""
    conversation = await api.conversation()
    ids = {"conversation_id": conversation, "chat_id": "1"}
    assert (await api.post("/v3/chat", api.body(), conversation_id="1"))["code"] == 4002
    assert (await api.get("/v3/chat/retrieve", **ids))["code"] == 4001
    assert (await api.get("/v3/chat/message/list", **ids))["code"] == 4001
    assert (await api.post("/v3/chat/cancel", ids))["code"] == 4001
    assert (await api.post("/v3/chat/cancel", {"conversation_id": conversation, "chat_id": 1}))["code"] == 4000
    assert (await api.get("/v3/chat/retrieve", conversation_id=conversation))["code"] == 4000
    found = await api.get("/v1/conversation/message/retrieve", conversation_id=conversation, message_id="1")
    assert found["code"] == 4005


async def test_an_empty_conversation_needs_a_question(emulator: CozeEmulator, api: Any) -> None:
    """Without messages there is nothing to answer, unless the conversation holds some."""
    conversation = await api.conversation()
    body = api.body() | {"additional_messages": None}
    assert (await api.post("/v3/chat", body, conversation_id=conversation))["code"] == 4000
    await api.post("/v1/conversation/message/create", message("stored"), conversation_id=conversation)
    assert (await api.post("/v3/chat", body, conversation_id=conversation))["code"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/conversation/create", {"name": "n" * 101}),
        ("/v1/conversation/message/list", {"limit": 0}),
        ("/v1/conversation/message/list", {"limit": 51}),
        ("/v1/conversation/message/list", {"order": "random"}),
        ("/v1/conversation/message/create", {"role": "user", "content": 7}),
    ],
)
async def test_conversation_limits(api: Any, path: str, body: dict[str, Any]) -> None:
    """Names, page limits and orders outside the documented range are 4000."""
    assert (await api.post(path, body, conversation_id=await api.conversation()))["code"] == 4000


async def test_more_conversation_limits(api: Any) -> None:
    """Sixteen first messages at most; unknown anchors are 4005; a needed bot id is needed."""
    assert (await api.post("/v1/conversation/create", {"messages": [message()] * 16}))["code"] == 0
    assert (await api.post("/v1/conversation/create", {"messages": [message()] * 17}))["code"] == 4004
    conversation = await api.conversation()
    listed = await api.post("/v1/conversation/message/list", {"after_id": "1"}, conversation_id=conversation)
    assert listed["code"] == 4005
    assert (await api.get("/v1/conversations"))["code"] == 4000


@pytest.mark.parametrize(("mode", "code"), [("lowered", 0), ("refused", 4000)])
async def test_an_oversized_page_is_a_switch(emulator: CozeEmulator, api: Any, mode: Any, code: int) -> None:
    """A page size above the maximum is lowered or refused."""
    emulator.switches.oversized_page = mode
    assert (await api.get("/v1/conversations", bot_id=BOT, page_size="51"))["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"feedback_type": "meh"},
        {"feedback_type": "like", "comment": "c" * 251},
        {"feedback_type": "like", "reason_types": ["r"] * 11},
        {"feedback_type": "like", "reason_types": ["r" * 31]},
    ],
)
async def test_feedback_limits(api: Any, body: dict[str, Any]) -> None:
    """Verdicts, reasons and comments outside the documented range are 4000."""
    chat = await api.settled(await api.begin())
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    answer = (await api.get("/v3/chat/message/list", **ids))["data"][0]["id"]
    path = f"/v1/conversations/{chat['conversation_id']}/messages/{answer}/feedback"
    assert (await api.post(path, body))["code"] == 4000


async def test_intermediate_messages_are_listed_on_request_and_go_with_their_answer(api: Any) -> None:
    """Follow-ups and verbose messages show only when asked for, and are deleted with the turn's answer."""
    chat = await api.settled(await api.begin())
    conversation = chat["conversation_id"]

    async def types(**body: Any) -> list[str]:
        listed = await api.post("/v1/conversation/message/list", body, conversation_id=conversation)
        return [entry["type"] for entry in listed["data"]]

    assert await types(order="asc") == ["question", "answer"]
    assert await types(order="asc", include_middle_message=True) == ["question", "answer", "verbose", "follow_up"]
    assert await types(chat_id="1") == []
    ids = {"conversation_id": conversation, "chat_id": chat["id"]}
    answer, verbose, _ = (await api.get("/v3/chat/message/list", **ids))["data"]
    path = "/v1/conversation/message/delete"
    assert (await api.post(path, conversation_id=conversation, message_id=verbose["id"]))["code"] == 4005
    assert (await api.post(path, conversation_id=conversation, message_id=answer["id"]))["data"]["id"] == answer["id"]
    assert await types(include_middle_message=True) == ["question"]


async def test_upload_errors(emulator: CozeEmulator, api: Any, api_with: Any) -> None:
    """No file, an empty one, two, too big, an unknown type, no boundary: each has its code."""
    emulator.switches.max_file_bytes = 10
    path = "/v1/files/upload"

    async def code(**options: Any) -> int:
        found: int = (await api.http.post(path, **options)).json()["code"]
        return found

    assert await code(files={"other": ("a.txt", b"x")}) == 4300
    assert await code(files={"file": ("a.csv", b"")}) == 4300
    assert await code(content=b"x", headers={"Content-Type": "multipart/form-data"}) == 4300
    assert await code(json={}) == 4300
    assert await code(files=[("file", ("a.csv", b"x")), ("file", ("b.csv", b"x"))]) == 4301
    assert await code(files={"file": ("a.csv", b"x" * 11)}) == 4302
    assert await code(files={"file": ("a.txt", b"x")}) == 4303
    emulator.switches.undocumented_file_types = "accepted"
    assert await code(files={"file": ("a.txt", b"x")}) == 0
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert await code(content=b"no boundary here", headers=headers) == 4304
    uploaded = (await api.http.post(path, files={"file": ("a.png", b"x")})).json()["data"]
    emulator.add_token("pat_other", account_id="2000")
    other = await api_with("pat_other")
    assert (await other.get("/v1/files/retrieve", file_id=uploaded["id"]))["code"] == 4200
    attached = objects(TEXT, {"type": "image", "file_id": uploaded["id"]})
    assert (await api.post("/v3/chat", api.body(additional_messages=[attached])))["code"] == 0
    assert (await other.post("/v3/chat", other.body(additional_messages=[attached])))["code"] == 4000


async def test_pascal_case_keys_of_a_bot(emulator: CozeEmulator, api: Any) -> None:
    """The current bot route may spell its onboarding keys otherwise; the deprecated one never does."""
    emulator.switches.bot_keys = "PascalCase"
    current = (await api.get(f"/v1/bots/{BOT}"))["data"]["onboarding_info"]
    assert (current["Prologue"], current["SuggestedQuestions"]) == ("Hello {{user_name}}!", ["What is new?"])
    old = (await api.get("/v1/bot/get_online_info", bot_id=BOT))["data"]["onboarding_info"]
    assert old["prologue"] == "Hello {{user_name}}!"
    emulator.add_bot("77", published=False)
    assert (await api.get("/v1/bot/get_online_info", bot_id="77"))["code"] == 4015
    draft = (await api.get("/v1/bots/77", is_published="false"))["data"]["onboarding_info"]
    assert "SuggestedQuestions" not in draft
