"""Every kind of misbehaviour, seen from outside; a last test holds this list to the emulator's own."""

import gzip
import json
from typing import Any

import httpx
import pytest

from sandbox.coze import Answer, CozeEmulator
from sandbox.coze.faults import ANSWER_FAULTS, BODY_FAULTS, KNOWN_FAULTS, REQUEST_FAULTS
from sandbox.coze.stream_faults import STREAM_FAULTS

CHAT = "POST /v3/chat"
WORDS = Answer(deltas=("你好", ", ", "world"), follow_ups=("More?",))


async def stream_text(api: Any) -> str:
    """Ask with a stream and return its text."""
    reply = await api.http.post("/v3/chat", json=api.body(stream=True))
    text: str = reply.text
    return text


async def received(api: Any, **body: Any) -> tuple[bytes, Exception | None]:
    """Ask with a stream and return what came before the connection ended, and how it did."""
    got, ended = b"", None
    try:
        async with api.http.stream("POST", "/v3/chat", json=api.body(stream=True, **body)) as reply:
            async for chunk in reply.aiter_raw():
                got += chunk
    except httpx.HTTPError as error:
        ended = error
    return got, ended


def events_of(text: str) -> list[tuple[str, Any]]:
    """Return names and decoded data of a plainly framed stream."""
    blocks = [block for block in text.split("\n\n") if block]
    pairs = [(block.split("\n")[0].removeprefix("event:"), block.split("\ndata:")[1]) for block in blocks]
    return [(name, json.loads(data) if data else None) for name, data in pairs]


@pytest.fixture
async def scripted(emulator: CozeEmulator) -> CozeEmulator:
    """Return the emulator with one answer for everything."""
    emulator.answers.script(WORDS, times=None)
    return emulator


@pytest.mark.parametrize(("kind", "created"), [("hang_up", 0), ("hang_up_after", 1)])
@pytest.mark.parametrize("reset", [True, False])
async def test_hanging_up_before_and_after_the_effect(
    scripted: CozeEmulator, api: Any, kind: str, created: int, reset: bool
) -> None:
    """Both give no reply; only one leaves a chat behind."""
    scripted.faults.plan(CHAT, kind, reset=reset)
    got, ended = await received(api)
    assert (got, isinstance(ended, httpx.NetworkError | httpx.RemoteProtocolError)) == (b"", True)
    assert len(scripted.world.chats) == created
    assert "done" in await stream_text(api)


@pytest.mark.parametrize(("kind", "created"), [("silence", 0), ("silence_after", 1)])
async def test_silence_lasts_until_its_end(frozen: CozeEmulator, frozen_api: Any, kind: str, created: int) -> None:
    """Nothing comes for the given time; the caller's own patience ends first."""
    frozen.faults.plan(CHAT, kind, seconds=100.0)
    with pytest.raises(httpx.ReadTimeout):
        await frozen_api.http.post("/v3/chat", json=frozen_api.body(stream=True), timeout=0.2)
    await frozen.journal.wait_until(lambda: bool(frozen.journal.select(kind="fault")), what="the fault")
    await frozen_api.get("/v1/users/me")
    assert len(frozen.world.chats) == created


async def test_a_delay_is_by_the_sandbox_clock(frozen: CozeEmulator, frozen_api: Any) -> None:
    """A delayed reply comes when the time has come."""
    frozen.faults.plan(CHAT, "delay", seconds=100.0)
    with pytest.raises(httpx.ReadTimeout):
        await frozen_api.http.post("/v3/chat", json=frozen_api.body(), timeout=0.2)
    await frozen_api.until(lambda: len(frozen.world.chats) == 1)
    frozen.clock.advance(100)
    await frozen.journal.wait_until(lambda: bool(frozen.journal.select(kind="reply")), what="the reply")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_html_pages_of_a_gateway(scripted: CozeEmulator, api: Any, status: int) -> None:
    """A gateway's page is HTML, with its status, and the chat never was."""
    scripted.faults.plan(CHAT, "html", status=status)
    reply = await api.http.post("/v3/chat", json=api.body(stream=True))
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert not scripted.world.chats


async def test_throttled_in_any_shape(scripted: CozeEmulator, api: Any) -> None:
    """Throttling shows as 429, with or without Retry-After, or as a code on HTTP 200."""
    scripted.faults.plan(CHAT, "throttled")
    scripted.faults.plan(CHAT, "throttled", retry_after_s=7)
    scripted.faults.plan(CHAT, "throttled", status=200, code=4020)
    replies = [await api.http.post("/v3/chat", json=api.body()) for _ in range(3)]
    assert [(reply.status_code, reply.json()["code"]) for reply in replies] == [(429, 4009), (429, 4009), (200, 4020)]
    assert [reply.headers.get("Retry-After") for reply in replies] == [None, "7", None]


async def test_a_json_error_instead_of_a_stream(scripted: CozeEmulator, api: Any) -> None:
    """A streamed request can be refused as JSON with any code, even one that is a string."""
    scripted.faults.plan(CHAT, "json_error", code="4000", msg="No.", status=400)
    reply = await api.http.post("/v3/chat", json=api.body(stream=True))
    assert reply.status_code == 400
    assert reply.headers["Content-Type"].startswith("application/json")
    assert (reply.json()["code"], reply.json()["msg"]) == ("4000", "No.")
    assert reply.json()["detail"]["logid"] == reply.headers["x-tt-logid"]


async def test_an_error_event_first(scripted: CozeEmulator, api: Any) -> None:
    """The whole stream is one error event."""
    scripted.faults.plan(CHAT, "error_event_first", code=4011, msg="empty")
    assert events_of(await stream_text(api)) == [("error", {"code": 4011, "msg": "empty"})]
    assert not scripted.world.chats


@pytest.mark.parametrize(
    ("kind", "name", "data"),
    [
        ("error_event", "error", {"code": 5000, "msg": "event interval error"}),
        ("bare_chat_failed", "conversation.chat.failed", {"code": 701231, "msg": "error"}),
        ("chat_failed", "conversation.chat.failed", None),
    ],
)
async def test_failing_in_the_middle(scripted: CozeEmulator, api: Any, kind: str, name: str, data: Any) -> None:
    """After two deltas the chat fails, on the stream and for whoever retrieves it."""
    scripted.faults.plan(CHAT, kind, after_deltas=2)
    events = events_of(await stream_text(api))
    assert [event[0] for event in events[2:]] == [*["conversation.message.delta"] * 2, name]
    if data is not None:
        assert events[-1][1] == data
    (chat,) = scripted.world.chats.values()
    assert chat.status == "failed"


@pytest.mark.parametrize(
    ("args", "length"),
    [({"after_bytes": 100}, 100), ({"after_lines": 1}, len("event:conversation.chat.created\n"))],
)
async def test_cut_at_a_byte_or_a_line(scripted: CozeEmulator, api: Any, args: dict[str, int], length: int) -> None:
    """The connection ends in the middle, and the reader can tell."""
    scripted.faults.plan(CHAT, "cut", **args)
    got, ended = await received(api)
    assert len(got) == length
    assert isinstance(ended, httpx.RemoteProtocolError)


async def test_cut_after_an_event_while_the_chat_goes_on(scripted: CozeEmulator, api: Any) -> None:
    """The stream ends after four events; the answer can be fetched."""
    scripted.faults.plan(CHAT, "cut", after_events=4)
    got, ended = await received(api)
    assert len(events_of(got.decode())) == 4
    assert ended is not None
    created = events_of(got.decode())[0][1]
    assert (await api.settled(created))["status"] == "completed"
    assert scripted.journal.select(kind="stream_end")[-1].detail["how"] == "cut"
    assert len(scripted.journal.select(kind="event")) == 4


async def test_a_cut_that_looks_like_an_end(scripted: CozeEmulator, api: Any) -> None:
    """The HTTP body may end in good order in the middle of an event."""
    scripted.faults.plan(CHAT, "cut", after_bytes=100, clean=True)
    got, ended = await received(api)
    assert (len(got), ended) == (100, None)


async def test_a_cut_by_reset(scripted: CozeEmulator, api: Any) -> None:
    """A reset is another way to end."""
    scripted.faults.plan(CHAT, "cut", after_events=2, reset=True)
    _, ended = await received(api)
    assert isinstance(ended, httpx.NetworkError | httpx.RemoteProtocolError)


async def test_a_stall_ends_by_the_sandbox_clock(frozen: CozeEmulator, frozen_api: Any) -> None:
    """The stream falls silent in its middle and goes on later, complete."""
    frozen.answers.script(WORDS)
    frozen.faults.plan(CHAT, "stall", after_bytes=150, seconds=90)
    got = b""
    async with frozen_api.http.stream("POST", "/v3/chat", json=frozen_api.body(stream=True)) as reply:
        async for chunk in reply.aiter_raw():
            got += chunk
            if len(got) == 150:
                frozen.clock.advance(90)
    assert got.endswith(b'data:"[DONE]"\n\n')


async def test_endings_that_are_not_quite(scripted: CozeEmulator, api: Any) -> None:
    """A stream may lack its ``done`` or only its last blank line, or word its ``done`` otherwise."""
    for kind in ("without_done", "without_last_blank_line", "done_as_object", "empty_done"):
        scripted.faults.plan(CHAT, kind)
    texts = [await stream_text(api) for _ in range(4)]
    assert events_of(texts[0])[-1][0] == "conversation.chat.completed"
    assert texts[1].endswith('}\n\nevent:done\ndata:"[DONE]"\n')
    assert "debug_url" in events_of(texts[2])[-1][1]
    assert texts[3].endswith("event:done\ndata:\n\n")


async def test_events_nobody_knows_or_expects(scripted: CozeEmulator, api: Any) -> None:
    """Unknown events, a delta after its completed message, audio after the completed chat."""
    for kind in ("unknown_events", "delta_after_completed", "audio_after_completed"):
        scripted.faults.plan(CHAT, kind)
    names = [[name for name, _ in events_of(await stream_text(api))] for _ in range(3)]
    assert names[0][2:4] == ["conversation.chat.thinking", "PING"]
    place = names[1].index("conversation.message.completed")
    assert names[1][place + 1] == "conversation.message.delta"
    assert names[2][-3:] == ["conversation.chat.completed", "conversation.audio.delta", "done"]


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("comments", ": keep-alive\nevent:"),
        ("crlf", "\r\n\r\nevent:"),
        ("cr", "\r\revent:"),
        ("space_after_colon", "event: done"),
        ("extra_blank_lines", "\n\n\n\nevent:"),
        ("several_data_lines", "data:{\ndata:"),
        ("data_before_event", "}\nevent:"),
        ("id_lines", "id:3\nevent:"),
        ("retry_lines", "\nretry:3000\n\n"),
        ("raw_separators", "\u2028"),
        ("byte_order_mark", "\ufeffevent:"),
        ("one_byte_chunks", 'data:"[DONE]"\n\n'),
        ("split_characters", 'data:"[DONE]"\n\n'),
    ],
)
async def test_odd_framings_arrive_whole(emulator: CozeEmulator, api: Any, kind: str, pattern: str) -> None:
    """Each odd framing shows on the wire; nothing of the answer is lost by it."""
    emulator.script(Answer(deltas=("甲\u2028乙\u0085", "丙")))
    emulator.faults.plan(CHAT, kind)
    got, ended = await received(api)
    text = got.decode()
    assert ended is None
    assert pattern in text
    assert "乙\u0085" in text
    assert ("\\u2028" in text) is (kind != "raw_separators")


async def test_multi_byte_characters_are_torn_between_chunks(scripted: CozeEmulator, api: Any) -> None:
    """Some transport chunk is no text by itself."""
    scripted.faults.plan(CHAT, "split_characters")
    torn = 0
    async with api.http.stream("POST", "/v3/chat", json=api.body(stream=True)) as reply:
        async for chunk in reply.aiter_raw():
            try:
                chunk.decode()
            except UnicodeDecodeError:
                torn += 1
    assert torn > 0


async def test_a_stream_in_gzip(scripted: CozeEmulator, api: Any) -> None:
    """A compressed stream says so and is complete."""
    scripted.faults.plan(CHAT, "gzip")
    got, ended = await received(api)
    assert ended is None
    assert gzip.decompress(got).endswith(b'data:"[DONE]"\n\n')


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("string_timestamps", lambda chat: chat["created_at"].isdecimal()),
        ("null_times", lambda chat: chat["created_at"] is None),
        ("shuffled_keys", lambda chat: next(iter(chat)) != "id"),
        ("empty_usage", lambda chat: chat["usage"] == {}),
        ("null_last_error", lambda chat: chat["last_error"] is None),
        ("null_error_code", lambda chat: chat["last_error"]["code"] is None),
        ("empty_required_action", lambda chat: chat["required_action"]["type"] == ""),
        (
            "empty_tool_call",
            lambda chat: chat["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"] == "",
        ),
    ],
)
async def test_odd_values_in_streams_and_replies(scripted: CozeEmulator, api: Any, kind: str, holds: Any) -> None:
    """The same oddity can be had on a stream and on a JSON reply."""
    scripted.faults.plan(CHAT, kind)
    scripted.faults.plan("GET /v3/chat/retrieve", kind)
    chat = events_of(await stream_text(api))[0][1]
    assert holds(chat)
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    assert holds((await api.get("/v3/chat/retrieve", **ids))["data"])


async def test_odd_bodies(scripted: CozeEmulator, api: Any) -> None:
    """A JSON reply may lack data or code, have a string for a code, or be no JSON at all."""
    path = "/v1/users/me"
    for kind in ("without_data", "null_data", "without_code", "string_code", "invalid_json", "empty_body"):
        scripted.faults.plan(f"GET {path}", kind)
    replies = [await api.http.get(path) for _ in range(6)]
    assert "data" not in replies[0].json()
    assert replies[1].json()["data"] is None
    assert "code" not in replies[2].json()
    assert replies[3].json()["code"] == "0"
    with pytest.raises(ValueError, match=r"."):
        replies[4].json()
    assert replies[5].content == b""


@pytest.mark.parametrize("stream", [True, False])
async def test_without_a_content_type(scripted: CozeEmulator, api: Any, stream: bool) -> None:
    """The header can be missing, on a stream too."""
    scripted.faults.plan(CHAT, "without_content_type")
    reply = await api.http.post("/v3/chat", json=api.body(stream=stream))
    assert "Content-Type" not in reply.headers
    assert reply.content


async def test_an_unknown_kind_is_refused(emulator: CozeEmulator) -> None:
    """A misspelt fault is an error at once, not a test that tests nothing."""
    with pytest.raises(ValueError, match="unknown fault"):
        emulator.faults.plan(CHAT, "explode")


def test_a_kind_has_one_meaning() -> None:
    """No kind stands in two tables."""
    tables = (REQUEST_FAULTS, BODY_FAULTS, ANSWER_FAULTS, STREAM_FAULTS)
    assert len(KNOWN_FAULTS) == sum(len(table) for table in tables)


def test_every_kind_is_tested_here() -> None:
    """No kind of fault is without a test in this module."""
    with open(__file__, encoding="utf-8") as source:
        text = source.read()
    assert [kind for kind in sorted(KNOWN_FAULTS) if f'"{kind}"' not in text] == []
