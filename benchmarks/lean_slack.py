"""A lean Slack: so much of the service's wire as an answer in a channel needs, and fast enough for a thousand at once.

Our emulator of Slack (``sandbox.slack``) checks what it is sent, as the service does, and writes everything down. This
one opens the socket, mentions the bot as often as it is told, each time in a channel of its own, takes every call for
good and remembers when it came, when it was answered and which delta it shows.

    python -m benchmarks.lean_slack

Commands are lines of JSON on the standard input: ``{"do": "ask", "first": N, "count": N}`` asks questions (``q7`` is
the eighth), ``{"do": "status"}``, ``{"do": "log", "path": ...}`` writes the calls. Each is answered by one line. The
end of the input ends the server.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiohttp import WSMsgType, web

TEAM, BOT_USER, BOT = "T1", "U0BOT", "B1"
SCOPES = "app_mentions:read,chat:write,channels:history,users:read,reactions:write,assistant:write,im:history"
USERS = 50
HELLO = {
    "type": "hello",
    "num_connections": 1,
    "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
    "connection_info": {"app_id": "A1"},
}


class Call(msgspec.Struct, array_like=True):
    """One post or edit: the question it answers, when it came and was answered, the newest delta in it, its message."""

    question: int
    came_at: float
    answered_at: float
    newest: int
    message: str


class LeanSlack:
    """The server's state."""

    def __init__(self) -> None:
        self.port = 0
        self.calls: list[Call] = []
        self.newest: dict[int, int] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._posted = 0

    def application(self) -> web.Application:
        """Make the routes."""
        application = web.Application(client_max_size=1 << 24)
        application.router.add_route("*", "/api/{method}", self._api)
        application.router.add_get("/socket", self._socket)
        return application

    # --- the Web API ---

    async def _api(self, request: web.Request) -> web.Response:
        came_at = time.monotonic()
        method = request.match_info["method"]
        if method in ("chat.update", "chat.postMessage"):
            return self._show(msgspec.json.decode(await request.read()), came_at, is_post=method != "chat.update")
        return _reply(self._answers(method), scopes=method == "auth.test")

    def _show(self, body: dict[str, Any], came_at: float, *, is_post: bool) -> web.Response:
        question = int(body["channel"][1:])
        if is_post:
            self._posted += 1
        message = f"1800000000.{self._posted:06d}" if is_post else body["ts"]
        if (newest := newest_word(body)) >= 0:
            self.calls.append(Call(question, came_at, time.monotonic(), newest, message))
            self.newest[question] = max(newest, self.newest.get(question, -1))
        return _reply({"channel": body["channel"], "ts": message})

    def _answers(self, method: str) -> dict[str, Any]:
        if method == "auth.test":
            return {"url": "https://x.slack.com/", "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT, "team": "x"}
        if method == "apps.connections.open":
            return {"url": f"ws://127.0.0.1:{self.port}/socket"}
        if method == "users.info":
            return {"user": {"id": "U1", "name": "ann", "locale": "en-US", "profile": {"display_name": "Ann"}}}
        if method == "conversations.info":
            return {"channel": {"id": "C1", "name": "general", "is_channel": True, "is_member": True}}
        return {"messages": [], "has_more": False}

    # --- the socket ---

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(HELLO)
        self._sockets.append(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
        finally:
            self._sockets.remove(socket)
        return socket

    async def ask(self, first: int, count: int) -> None:
        """Mention the bot, once for each question."""
        for number in range(first, first + count):
            ts = f"1700000000.{number:06d}"
            event = {
                "type": "app_mention",
                "user": f"U{number % USERS + 1}",
                "text": f"<@{BOT_USER}> What about q{number}?",
                "ts": ts,
                "team": TEAM,
                "channel": f"C{number}",
                "event_ts": ts,
            }
            payload = {
                "token": "x",
                "team_id": TEAM,
                "api_app_id": "A1",
                "type": "event_callback",
                "event": event,
                "event_id": f"Ev{number}",
                "event_time": 1700000000,
                "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            }
            envelope = {"envelope_id": f"e{number}", "type": "events_api", "payload": payload}
            await self._sockets[-1].send_json(envelope | {"accepts_response_payload": False})

    def write_log(self, path: Path) -> None:
        """Write the calls so far and forget them."""
        path.write_bytes(msgspec.json.encode(self.calls))
        self.calls.clear()

    @property
    def connected(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)


def newest_word(body: dict[str, Any]) -> int:
    """Return the number of the newest delta (``lean_coze.word``) that a message shows; -1 for none."""
    text = next((block["text"] for block in body.get("blocks", ()) if block["type"] == "markdown"), "")
    at = text.rfind("w")
    digits = at + 1
    while digits < len(text) and text[digits].isdecimal():
        digits += 1
    return int(text[at + 1 : digits]) if at >= 0 and digits > at + 1 else -1


def _reply(body: dict[str, Any], *, scopes: bool = False) -> web.Response:
    headers = {"x-oauth-scopes": SCOPES} if scopes else None
    return web.Response(
        body=msgspec.json.encode({"ok": True, **body}), content_type="application/json", headers=headers
    )


async def obey(server: LeanSlack) -> None:
    """Obey the standard input."""
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        if command["do"] == "ask":
            await server.ask(command["first"], command["count"])
        elif command["do"] == "log":
            server.write_log(Path(command["path"]))
        newest = server.newest.get(command.get("question", -1), -1)
        print(json.dumps({"connected": server.connected, "newest": newest}), flush=True)


async def main() -> None:
    """Serve until the standard input ends."""
    server = LeanSlack()
    runner = web.AppRunner(server.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    server.port = runner.addresses[0][1]
    print(json.dumps({"port": server.port}), flush=True)
    await obey(server)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main())
