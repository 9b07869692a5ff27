"""The control API: another process acts as people, plans faults, reads the journal. JSON under ``/_control/``.

``POST do/{action}`` takes the arguments of the Python method of that name as a JSON object. There is no
authorization: the server listens on the loopback address only.
"""

import base64
import dataclasses
import json
from collections.abc import Awaitable
from enum import Enum
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.slack.refusals import Refusal
from sandbox.slack.uploads import FileUpload

if TYPE_CHECKING:
    from sandbox.slack.emulator import SlackEmulator

ACTIONS = frozenset(
    {
        "add_app",
        "add_channel",
        "add_team",
        "add_user",
        "answers",
        "archive",
        "click",
        "click_in_view",
        "close_view",
        "delete",
        "deliver_by_http",
        "deliver_by_socket",
        "edit",
        "hold_events",
        "invite",
        "kick",
        "mention",
        "messages",
        "open_app",
        "open_dm",
        "rate_limit_next",
        "react",
        "release_events",
        "say",
        "settled",
        "shortcut",
        "shown",
        "shown_text",
        "slash",
        "status",
        "steps",
        "stop",
        "submit_view",
        "suggest",
        "uninstall",
        "views_of",
        "violations",
        "wait_for_text",
    }
)
"""Python methods of the emulator that may be called from outside."""
SOCKET_ACTIONS = frozenset({"disconnect", "drop", "go_silent"})


class Control:
    """Mirrors the emulator's Python methods over HTTP."""

    def __init__(self, emulator: "SlackEmulator") -> None:
        self._emulator = emulator

    def add_routes(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_post("/_control/do/{action}", self.do)
        app.router.add_post("/_control/sockets/{action}", self.sockets)
        app.router.add_post("/_control/faults", self.plan_fault)
        app.router.add_delete("/_control/faults", self.clear_faults)
        app.router.add_get("/_control/journal", self.journal)
        app.router.add_get("/_control/messages", self.messages)
        app.router.add_get("/_control/switches", self.read_switches)
        app.router.add_patch("/_control/switches", self.set_switches)
        app.router.add_post("/_control/clock/advance", self.advance)

    async def do(self, request: web.Request) -> web.Response:
        """``POST do/{action}``: call a method; ``files`` hold their ``content`` in base64."""
        action = request.match_info["action"]
        if action not in ACTIONS:
            return _problem(404, f"no action {action!r}; there are {', '.join(sorted(ACTIONS))}")
        arguments = await _body(request)
        if "files" in arguments:
            arguments["files"] = [_upload(file) for file in arguments["files"]]
        return await _answer(lambda: getattr(self._emulator, action)(**arguments))

    async def sockets(self, request: web.Request) -> web.Response:
        """``POST sockets/disconnect|drop|go_silent|refuse_handshakes``: disturb Socket Mode."""
        action = request.match_info["action"]
        arguments = await _body(request)
        sockets = self._emulator.sockets
        if action == "refuse_handshakes":
            sockets.handshakes_to_refuse = int(arguments.get("times", 1))
            return _json(None)
        if action not in SOCKET_ACTIONS:
            return _problem(404, f"no socket action {action!r}")
        return await _answer(lambda: getattr(sockets, action)(**arguments))

    async def plan_fault(self, request: web.Request) -> web.Response:
        """``POST faults``: ``name``, ``kind``, ``skip``, ``times``, ``args``; ``delivery: true`` for deliveries."""
        wanted = await _body(request)
        emulator = self._emulator
        faults = emulator.delivery_faults if wanted.get("delivery") else emulator.faults
        return await _answer(
            lambda: faults.plan(
                wanted["name"],
                wanted["kind"],
                skip=wanted.get("skip", 0),
                times=wanted.get("times", 1),
                **wanted.get("args", {}),
            )
        )

    async def clear_faults(self, request: web.Request) -> web.Response:
        """``DELETE faults?name=``: forget the faults of one name, or all."""
        for faults in (self._emulator.faults, self._emulator.delivery_faults):
            faults.clear(request.query.get("name"))
        return _json(None)

    async def journal(self, request: web.Request) -> web.Response:
        """``GET journal?since=N``: the entries from number N on, and the number to ask for next."""
        since = int(request.query.get("since", "0"))
        entries = list(self._emulator.journal)
        return _json({"entries": [_plain(entry) for entry in entries[since:]], "next": len(entries)})

    async def messages(self, request: web.Request) -> web.Response:
        """``GET messages?channel=&thread_ts=``: what is shown."""
        channel, thread_ts = request.query.get("channel", ""), request.query.get("thread_ts")
        return await _answer(lambda: self._emulator.messages(channel, thread_ts))

    async def read_switches(self, request: web.Request) -> web.Response:
        """``GET switches``."""
        return _json(_plain(self._emulator.switches))

    async def set_switches(self, request: web.Request) -> web.Response:
        """``PATCH switches``: change those named."""
        wanted = await _body(request)
        known = {field.name for field in dataclasses.fields(self._emulator.switches)}
        if unknown := sorted(set(wanted) - known):
            return _problem(400, f"unknown switches: {', '.join(unknown)}")
        for name, value in wanted.items():
            setattr(self._emulator.switches, name, tuple(value) if isinstance(value, list) else value)
        return _json(_plain(self._emulator.switches))

    async def advance(self, request: web.Request) -> web.Response:
        """``POST clock/advance``: ``seconds``."""
        self._emulator.clock.advance(float((await _body(request))["seconds"]))
        return _json({"now": self._emulator.clock.now()})


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    body = json.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return body


async def _answer(call: Any) -> web.Response:
    """Run a call, awaiting it if need be; a caller's mistake is a 400 with its sentence."""
    try:
        result = call()
        if isinstance(result, Awaitable):
            result = await result
    except (ValueError, TypeError, KeyError, TimeoutError) as mistake:
        return _problem(400, f"{type(mistake).__name__}: {mistake}")
    except Refusal as refusal:
        return _problem(400, refusal.error)
    return _json(_plain(result))


def _upload(file: dict[str, Any]) -> FileUpload:
    content = base64.b64decode(file.get("content", ""))
    return FileUpload(file["name"], content, file.get("mimetype"), file.get("mode", "hosted"))


def _plain(value: Any) -> Any:
    """Reduce a result to what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return value


def _json(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _problem(status: int, text: str) -> web.Response:
    return web.json_response({"ok": False, "error": text}, status=status)
