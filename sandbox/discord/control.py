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

from sandbox.discord.people import FileUpload

if TYPE_CHECKING:
    from sandbox.discord.emulator import DiscordEmulator

ACTIONS = frozenset(
    {
        *("accept_dms", "add_bot", "add_channel", "add_guild", "add_role", "add_user", "give_role"),
        *("join_guild", "leave_guild", "remove_bot", "set_available", "set_privileged_intents", "allow", "deny"),
        *("say", "mention", "reply", "dm", "open_dm", "start_thread", "forum_post", "edit", "delete", "react"),
        *("start_typing", "suppress_embeds", "archive", "unarchive", "delete_channel"),
        *("slash", "autocomplete", "context_menu", "click", "submit_modal"),
        *("messages", "answers", "shown", "shown_text", "steps", "threads", "typing_in", "violations"),
        *("settled", "wait_for_text", "rate_limit_next"),
    }
)
"""Python methods of the emulator that may be called from outside."""
GATEWAY_ACTIONS = frozenset(
    {"close", "drop", "reconnect", "invalidate", "acknowledge", "pause", "unpause", "connected"}
)
LISTED_ARGUMENTS = {"allow": "permissions", "deny": "permissions", "set_privileged_intents": "names"}
"""Methods that take any number of names: in JSON a list under this key."""


class Control:
    """Mirrors the emulator's Python methods over HTTP."""

    def __init__(self, emulator: "DiscordEmulator") -> None:
        self._emulator = emulator

    def add_routes(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_post("/_control/do/{action}", self.do)
        app.router.add_post("/_control/gateway/{action}", self.gateway)
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
        listed = arguments.pop(LISTED_ARGUMENTS.get(action, ""), [])
        positional = [arguments.pop(name) for name in ("channel", "target") if listed and name in arguments]
        return await _answer(lambda: getattr(self._emulator, action)(*positional, *listed, **arguments))

    async def gateway(self, request: web.Request) -> web.Response:
        """``POST gateway/close|drop|reconnect|invalidate|acknowledge|pause|unpause``: disturb the gateway."""
        action = request.match_info["action"]
        if action not in GATEWAY_ACTIONS:
            return _problem(404, f"no gateway action {action!r}; there are {', '.join(sorted(GATEWAY_ACTIONS))}")
        arguments = await _body(request)
        return await _answer(lambda: getattr(self._emulator.gateway, action)(**arguments))

    async def plan_fault(self, request: web.Request) -> web.Response:
        """``POST faults``: ``name``, ``kind``, ``skip``, ``times``, ``args``; ``gateway: true`` for the gateway's."""
        wanted = await _body(request)
        emulator = self._emulator
        faults = emulator.gateway_faults if wanted.get("gateway") else emulator.faults
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
        for faults in (self._emulator.faults, self._emulator.gateway_faults):
            faults.clear(request.query.get("name"))
        return _json(None)

    async def journal(self, request: web.Request) -> web.Response:
        """``GET journal?since=N``: the entries from number N on, and the number to ask for next."""
        since = int(request.query.get("since", "0"))
        entries = list(self._emulator.journal)
        return _json({"entries": [_plain(entry) for entry in entries[since:]], "next": len(entries)})

    async def messages(self, request: web.Request) -> web.Response:
        """``GET messages?channel=``: what is shown, each message with its steps."""
        channel = request.query.get("channel", "")
        return await _answer(lambda: self._with_steps(channel))

    def _with_steps(self, channel: str) -> list[dict[str, Any]]:
        shown = self._emulator.messages(channel, include_deleted=True)
        return [_plain(message) | {"steps": _plain(self._emulator.steps(channel, message.id))} for message in shown]

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
            setattr(self._emulator.switches, name, value)
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
    return _json(_plain(result))


def _upload(file: dict[str, Any]) -> FileUpload:
    return FileUpload(file["name"], base64.b64decode(file.get("content", "")), file.get("mimetype"))


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
