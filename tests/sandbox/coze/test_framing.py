"""The exact bytes of a stream, read from a plain socket, and the pure encoder behind them."""

import asyncio
import json
import re
from typing import Any

import pytest

from sandbox.coze import Answer, CozeEmulator
from sandbox.coze.feed import NO_DATA, StreamEvent
from sandbox.coze.framing import Framing, Position, Progress, split_inside_characters


async def raw_reply(emulator: CozeEmulator, body: dict[str, Any]) -> tuple[str, bytes]:
    """Send one request over a plain socket; return the head and the body with its chunks joined."""
    content = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    writer.write(
        b"POST /v3/chat HTTP/1.1\r\nHost: coze\r\nAuthorization: Bearer pat_sandbox\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
    )
    async with asyncio.timeout(10):
        raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, chunked = raw.partition(b"\r\n\r\n")
    return head.decode(), b"".join(chunks_of(chunked))


def chunks_of(chunked: bytes) -> list[bytes]:
    """Return the transport chunks of a chunked body; a body that was cut ends where it was."""
    chunks = []
    while chunked:
        size_text, _, rest = chunked.partition(b"\r\n")
        size = int(size_text, 16)
        if size == 0:
            break
        chunks.append(rest[:size])
        chunked = rest[size + 2 :]
    return chunks


async def test_events_have_no_space_and_done_has_quotes(emulator: CozeEmulator, api: Any) -> None:
    r"""Every event is ``event:NAME\ndata:JSON\n\n``, and the last is ``data:"[DONE]"``."""
    emulator.script(Answer(text="Hi & bye"))
    head, body = await raw_reply(emulator, api.body(stream=True))
    assert "HTTP/1.1 200 OK" in head
    assert "Content-Type: text/event-stream\r\n" in head
    assert re.search(r"(?i)x-tt-logid: \d{14}[0-9A-F]{20}\r\n", head + "\r\n")
    text = body.decode()
    assert re.fullmatch(r'(event:[a-z_.]+\ndata:\{[^\n]*\}\n\n)+event:done\ndata:"\[DONE\]"\n\n', text)
    assert text.startswith("event:conversation.chat.created\ndata:{")
    assert '"status":"created"' in text.split("\n")[1]


async def test_the_byte_order_mark_and_single_bytes_are_on_the_wire(emulator: CozeEmulator, api: Any) -> None:
    """Chunks are really one byte each; a byte order mark really comes first."""
    emulator.faults.plan("POST /v3/chat", "byte_order_mark")
    _, body = await raw_reply(emulator, api.body(stream=True))
    assert body.startswith(b"\xef\xbb\xbfevent:")
    emulator.faults.plan("POST /v3/chat", "one_byte_chunks")
    emulator.script("短")
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    content = json.dumps(api.body(stream=True)).encode()
    writer.write(b"POST /v3/chat HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer pat_sandbox\r\nConnection: close\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
    async with asyncio.timeout(10):
        raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    chunks = chunks_of(raw.partition(b"\r\n\r\n")[2])
    assert {len(chunk) for chunk in chunks} == {1}
    assert "短".encode() in b"".join(chunks)


def encoded(**options: Any) -> bytes:
    """Return one small event in a framing, its blank line included."""
    framing = Framing(**options)
    return framing.encode(StreamEvent("x", {"a": 1, "b": "\u2028"}), 7) + framing.blank


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 'event:x\ndata:{"a":1,"b":"\\u2028"}\n\n'),
        ({"space": True}, 'event: x\ndata: {"a":1,"b":"\\u2028"}\n\n'),
        ({"line_end": "\r\n"}, 'event:x\r\ndata:{"a":1,"b":"\\u2028"}\r\n\r\n'),
        ({"line_end": "\r"}, 'event:x\rdata:{"a":1,"b":"\\u2028"}\r\r'),
        ({"comment": " ping"}, ': ping\nevent:x\ndata:{"a":1,"b":"\\u2028"}\n\n'),
        ({"retry_ms": 5}, 'event:x\ndata:{"a":1,"b":"\\u2028"}\nretry:5\n\n'),
        ({"numbered": True}, 'id:7\nevent:x\ndata:{"a":1,"b":"\\u2028"}\n\n'),
        ({"shuffled": True}, 'data:{"a":1,"b":"\\u2028"}\nevent:x\n\n'),
        ({"spread_data": True}, 'event:x\ndata:{\ndata:"a":1,\ndata:"b":"\\u2028"\ndata:}\n\n'),
        ({"extra_blank_lines": 2}, 'event:x\ndata:{"a":1,"b":"\\u2028"}\n\n\n\n'),
        ({"raw_separators": True}, 'event:x\ndata:{"a":1,"b":"\u2028"}\n\n'),
    ],
)
def test_each_framing_has_its_own_bytes(options: dict[str, Any], expected: str) -> None:
    """Every option of the framing changes exactly what it names."""
    assert encoded(**options) == expected.encode()


def test_empty_data_is_not_an_empty_string() -> None:
    """No data is an empty data line; the empty string is two quotes."""
    assert Framing().encode(StreamEvent("d", NO_DATA), 0) == b"event:d\ndata:\n"
    assert Framing().encode(StreamEvent("d", ""), 0) == b'event:d\ndata:""\n'


def test_characters_are_split_inside() -> None:
    """Every character of several bytes is torn, and nothing is lost."""
    pieces = split_inside_characters("a你é".encode())
    assert b"".join(pieces) == "a你é".encode()
    assert pieces == [b"a\xe4", b"\xbd\xa0\xc3", b"\xa9"]


@pytest.mark.parametrize(
    ("position", "progress", "offset"),
    [
        (Position(after_events=2), Progress(events=1), None),
        (Position(after_events=2), Progress(events=2), 0),
        (Position(after_bytes=10), Progress(sent_bytes=8), 2),
        (Position(after_bytes=10), Progress(sent_bytes=1), None),
        (Position(after_lines=3), Progress(lines=2), 4),
        (Position(after_lines=9), Progress(lines=2), None),
    ],
)
def test_a_position_finds_its_place(position: Position, progress: Progress, offset: int | None) -> None:
    """A cut or a stall is found by events, bytes or lines."""
    assert position.offset_in(b"ab:\nc\n\n", progress) == offset
