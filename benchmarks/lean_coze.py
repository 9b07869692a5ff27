"""A lean Coze: so much of the service's wire as a load needs, and fast enough for one.

Our emulator of Coze (``sandbox.coze``) writes down everything that crosses the wire and spends some 140 microseconds
on each delta: it cannot say 8 000 deltas a second, let alone 40 000. This speaks the same wire (create a conversation,
chat over a chunked event stream, events of some 310 bytes), checks nothing and remembers only when each delta left.

One thread does it all: it polls its sockets every few milliseconds and sleeps between two deltas, so that each delta
leaves at its own time and makes a read of its own at the other end.

    python -m benchmarks.lean_coze [CERTIFICATE KEY]

Commands are lines of JSON on the standard input: ``{"do": "plan", ...}`` (see ``Plan``) for the streams asked for from
now on, ``{"do": "go"}`` lets the waiting ones begin, ``{"do": "log", "path": ...}`` writes the departures. Each is
answered by one line. The end of the input ends the server.
"""

import heapq
import json
import queue
import random
import re
import selectors
import socket
import ssl
import sys
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.lean_words import word

BOT = "7498000011112222333"
POLL_S = 0.003
LEAST_SLEEP_S = 0.00005
BACKLOG = 4096
SEND_BUFFER_BYTES = 1 << 16
"""What a slow reader has not taken waits here rather than in the kernel."""
HANDSHAKE_TIMEOUT_S = 5.0
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_QUESTION = re.compile(rb"\bq(\d+)\b")
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Tt-Logid: 20261101\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the streams speak.

    Attributes:
        deltas: In each stream; then it ends as answers end.
        interval_s: Between two deltas of one stream; 0: as fast as the other end reads.
        together: Deltas in one write where ``interval_s`` is 0, each in an HTTP chunk of its own.
        one_chunk: They share one chunk.
        words: ``plain`` or ``markdown``, see ``lean_words``.
        waits: Streams begin at ``go``, each at a random moment within ``spread_s``, or one interval if that is longer;
            otherwise at once.
    """

    deltas: int = 100
    interval_s: float = 0.05
    together: int = 1
    one_chunk: bool = False
    words: str = "plain"
    waits: bool = False
    spread_s: float = 0.0
    seed: int = 1


@dataclass(slots=True)
class _Stream:
    """One answer on its way."""

    connection: "_Connection"
    question: int
    plan: Plan
    before: bytes
    after: bytes
    said: int = 0
    begins_at: float = 0.0
    batch: bytes = b""
    left: "array[float]" = field(default_factory=lambda: array("d"))

    def delta(self, number: int) -> bytes:
        content = json.dumps(word(number, self.plan.words), ensure_ascii=False)[1:-1].encode()
        return self.before + content + self.after

    def due(self) -> float:
        return self.begins_at + self.said * self.plan.interval_s


class _Connection:
    """One client's socket, what it has sent so far, and what it did not take yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.received = b""
        self.unsent = b""
        self.refill: Callable[[], bytes] | None = None
        self.closed = False


class LeanCoze:
    """The server; ``run`` serves until ``stop`` is set."""

    def __init__(self, certificate: tuple[str, str] | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._tls = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*certificate)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._plan = Plan()
        self._random = random.Random(1)
        self._waiting: list[_Stream] = []
        self._due: list[tuple[float, int, _Stream]] = []
        self._streams: list[_Stream] = []
        self._count = 0
        self._late_s: array[float] = array("d")
        self.commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.stop = threading.Event()

    def run(self) -> None:
        """Serve."""
        poll_at = 0.0
        while not self.stop.is_set():
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, _, stream = heapq.heappop(self._due)
                self._late_s.append(now - due)
                self._say(stream)
                now = time.monotonic()
            if now >= poll_at:
                poll_at = now + POLL_S
                if self._poll():
                    poll_at = 0.0
                    continue
            wake_at = min(poll_at, self._due[0][0]) if self._due else poll_at
            if (pause_s := wake_at - time.monotonic()) > LEAST_SLEEP_S:
                time.sleep(pause_s)

    # --- sockets ---

    def _poll(self) -> bool:
        """Do what the sockets want; true when one of them takes all that can be sent."""
        while not self.commands.empty():
            self.answers.put(self._obey(self.commands.get()))
        pouring = False
        for key, events in self._selector.select(0):
            if key.fileobj is self._listener:
                self._accept()
            else:
                connection: _Connection = key.data
                if events & selectors.EVENT_READ:
                    self._read(connection)
                if events & selectors.EVENT_WRITE and not connection.closed:
                    self._flush(connection)
                    pouring = pouring or connection.refill is not None
        return pouring

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            if self._tls is not None:
                sock.settimeout(HANDSHAKE_TIMEOUT_S)
                try:
                    sock = self._tls.wrap_socket(sock, server_side=True)
                except OSError:
                    sock.close()
                    continue
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ, _Connection(sock))

    def _read(self, connection: _Connection) -> None:
        while True:
            try:
                data = connection.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            except OSError:
                data = b""
            if not data:
                self._close(connection)
                return
            connection.received += data
        while (request := _take_request(connection)) is not None:
            self._answer(connection, *request)

    def _close(self, connection: _Connection) -> None:
        connection.closed = True
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _send(self, connection: _Connection, data: bytes) -> None:
        if connection.closed:
            return
        if connection.unsent:
            connection.unsent += data
            return
        connection.unsent = data
        self._flush(connection)

    def _flush(self, connection: _Connection) -> None:
        try:
            while True:
                if not connection.unsent and connection.refill is not None:
                    connection.unsent = connection.refill()
                if not connection.unsent:
                    break
                sent = connection.socket.send(connection.unsent)
                connection.unsent = connection.unsent[sent:]
                if connection.refill is not None:
                    break  # the others want to be served too
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self._close(connection)
            return
        wanted = selectors.EVENT_READ
        if connection.unsent or connection.refill is not None:
            wanted |= selectors.EVENT_WRITE
        if self._selector.get_key(connection.socket).events != wanted:
            self._selector.modify(connection.socket, wanted, connection)

    # --- the wire ---

    def _answer(self, connection: _Connection, target: bytes, body: bytes) -> None:
        path = target.partition(b"?")[0]
        self._count += 1
        number = 7502113350000000000 + self._count
        if path == b"/v3/chat":
            self._begin(connection, number, body)
        elif path == b"/v1/conversation/create":
            self._reply(connection, {"id": str(number), "created_at": 1746700001, "last_section_id": str(number)})
        elif path == b"/v1/conversation/message/list":
            self._reply(connection, [])
        else:
            self._reply(connection, {"id": str(number), "status": "completed"})

    def _reply(self, connection: _Connection, data: object) -> None:
        body = json.dumps({"code": 0, "msg": "", "data": data, "has_more": False}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._send(connection, head + body)

    def _begin(self, connection: _Connection, number: int, body: bytes) -> None:
        asked = _QUESTION.findall(body)
        ids = {"conversation_id": str(number + 1), "bot_id": BOT}
        before = {"id": str(number + 2), **ids, "role": "assistant", "type": "answer", "content": "|"}
        after = {"content_type": "text", "chat_id": str(number), "section_id": str(number + 1)}
        head, _, tail = json.dumps({**before, **after}, separators=(",", ":")).encode().partition(b"|")
        plan = self._plan
        stream = _Stream(
            connection, int(asked[-1]) if asked else self._count, plan, _event("message.delta", head), tail
        )
        self._streams.append(stream)
        chat = _chat(stream, "created")
        opening = [_line("chat.created", chat), _line("chat.in_progress", chat | {"status": "in_progress"})]
        self._send(connection, HEAD + b"".join(map(_chunk, opening)))
        if plan.waits:
            self._waiting.append(stream)
        else:
            self._start(stream)

    def _start(self, stream: _Stream) -> None:
        plan = stream.plan
        if plan.interval_s:
            stream.begins_at = time.monotonic() + self._random.random() * max(plan.spread_s, plan.interval_s)
            heapq.heappush(self._due, (stream.due(), id(stream), stream))
        else:
            stream.connection.refill = lambda: self._pour(stream)
            self._flush(stream.connection)

    def _say(self, stream: _Stream) -> None:
        """Send a stream's next delta, and what ends the answer behind the last."""
        if stream.connection.closed:
            return
        delta = stream.delta(stream.said)
        stream.left.append(time.monotonic())
        self._send(stream.connection, _chunk(delta + b"\n\n"))
        stream.said += 1
        if stream.said < stream.plan.deltas:
            heapq.heappush(self._due, (stream.due(), id(stream), stream))
        else:
            self._send(stream.connection, _ending(stream))

    def _pour(self, stream: _Stream) -> bytes:
        """Return the next deltas of a stream that speaks as fast as it is heard: the same ones every time."""
        if not stream.batch:
            events = [stream.delta(number) + b"\n\n" for number in range(stream.plan.together)]
            stream.batch = _chunk(b"".join(events)) if stream.plan.one_chunk else b"".join(map(_chunk, events))
        stream.said += stream.plan.together
        if stream.said < stream.plan.deltas:
            return stream.batch
        stream.connection.refill = None
        return stream.batch + _ending(stream)

    # --- commands ---

    def _obey(self, command: dict[str, Any]) -> dict[str, Any]:
        what = command.pop("do")
        if what == "plan":
            self._plan = Plan(**command)
            self._random = random.Random(self._plan.seed)
            self._streams = [s for s in self._streams if not s.connection.closed]
            self._late_s = array("d")
        elif what == "go":
            waiting, self._waiting = self._waiting, []
            for stream in waiting:
                self._start(stream)
        elif what == "log":
            with open(command["path"], "w", encoding="utf-8") as file:
                json.dump({str(s.question): list(s.left) for s in self._streams}, file)
        late = sorted(self._late_s)
        return {
            "waiting": len(self._waiting),
            "said": sum(s.said for s in self._streams),
            "late_p99_ms": 1000 * late[int(len(late) * 0.99)] if late else 0.0,
        }


def _take_request(connection: _Connection) -> tuple[bytes, bytes] | None:
    """Take a whole request off what was received: its target and its body."""
    head, separator, rest = connection.received.partition(b"\r\n\r\n")
    if not separator:
        return None
    length = _LENGTH.search(head)
    size = int(length[1]) if length is not None else 0
    if len(rest) < size:
        return None
    connection.received = rest[size:]
    return head.split(b" ", 2)[1], rest[:size]


def _event(name: str, data: bytes) -> bytes:
    return b"event:conversation.%s\ndata:%s" % (name.encode(), data)


def _line(name: str, data: dict[str, Any]) -> bytes:
    return _event(name, json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _chat(stream: _Stream, status: str) -> dict[str, Any]:
    known = json.loads(stream.before.partition(b"data:")[2] + b'"' + stream.after[1:])
    return {
        "id": known["chat_id"],
        "conversation_id": known["conversation_id"],
        "bot_id": BOT,
        "created_at": 1746700001,
        "last_error": {"code": 0, "msg": ""},
        "status": status,
        "usage": {"token_count": 0, "output_count": 0, "input_count": 0},
        "section_id": known["section_id"],
    }


def _ending(stream: _Stream) -> bytes:
    text = "".join(word(number, stream.plan.words) for number in range(stream.plan.deltas))
    content = json.dumps(text, ensure_ascii=False)[1:-1].encode()
    whole = stream.before.replace(b"message.delta", b"message.completed") + content + stream.after + b"\n\n"
    done = b'event:done\ndata:"[DONE]"\n\n'
    return b"".join(map(_chunk, (whole, _line("chat.completed", _chat(stream, "completed")), done))) + b"0\r\n\r\n"


def main(arguments: list[str]) -> None:
    """Serve in a thread; obey the standard input."""
    server = LeanCoze((arguments[0], arguments[1]) if len(arguments) == 2 else None)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    print(json.dumps({"port": server.port}), flush=True)
    for line in sys.stdin:
        server.commands.put(json.loads(line))
        print(json.dumps(server.answers.get()), flush=True)
    server.stop.set()
    thread.join()


if __name__ == "__main__":
    main(sys.argv[1:])
