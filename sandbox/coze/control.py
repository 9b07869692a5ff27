"""The control API under ``/_control/``: what a test or a demo does to the emulator from another process."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from aiohttp import web

from sandbox.coze.agents import GeneratingAgent, echo_agent
from sandbox.coze.answers import Answer
from sandbox.coze.jsons import Json
from sandbox.coze.supported import ALL_PERMISSIONS
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.workflow_script import RunScript, Workflow

if TYPE_CHECKING:
    from sandbox.coze.emulator import CozeEmulator

PREFIX = "/_control"
_Route: TypeAlias = Callable[[Json], Any]


class ControlRoutes:
    """Mirrors the Python methods of the emulator as JSON over HTTP; mistakes are answered with 400 and a sentence."""

    def __init__(self, emulator: "CozeEmulator") -> None:
        self._emulator = emulator

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        for method, path, route in (
            ("POST", "/faults", self._plan_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/answers", self._script),
            ("DELETE", "/answers", self._clear_answers),
            ("PUT", "/agent", self._choose_agent),
            ("GET", "/switches", self._read_switches),
            ("PATCH", "/switches", self._set_switches),
            ("POST", "/tokens", self._add_token),
            ("DELETE", "/tokens", self._revoke),
            ("POST", "/bots", self._add_bot),
            ("POST", "/workflows", self._add_workflow),
            ("POST", "/runs", self._script_run),
            ("DELETE", "/runs", self._clear_runs),
            ("POST", "/oauth_apps", self._add_oauth_app),
            ("POST", "/files", self._host_file),
            ("GET", "/journal", self._read_journal),
            ("GET", "/clock", self._read_clock),
            ("POST", "/clock", self._advance),
        ):
            app.router.add_route(method, PREFIX + path, _served(route))

    def _plan_fault(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _FaultPlan)
        self._emulator.faults.plan(wanted.name, wanted.kind, skip=wanted.skip, times=wanted.times, **wanted.args)
        return {}

    def _clear_faults(self, body: Json) -> Json:
        self._emulator.faults.clear(body.get("name"))
        return {}

    def _script(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _ScriptPlan)
        self._emulator.script(wanted.answer, bot_id=wanted.bot_id, matching=wanted.matching, times=wanted.times)
        return {}

    def _clear_answers(self, body: Json) -> Json:
        self._emulator.answers.clear()
        return {}

    def _choose_agent(self, body: Json) -> Json:
        options = dict(body)
        kind = options.pop("kind", "generating")
        if kind not in {"generating", "echo"}:
            raise ValueError("kind is generating or echo")
        self._emulator.answers.agent = echo_agent if kind == "echo" else GeneratingAgent(**options)
        return {}

    def _read_switches(self, body: Json) -> Json:
        return dataclasses.asdict(self._emulator.switches)

    def _set_switches(self, body: Json) -> Json:
        switches = self._emulator.switches
        checked = msgspec.convert(dataclasses.asdict(switches) | body, CozeSwitches)
        for name in body:
            if not hasattr(switches, name):
                raise ValueError(f"there is no switch {name}")
            setattr(switches, name, getattr(checked, name))
        return dataclasses.asdict(switches)

    def _add_token(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _TokenPlan)
        permissions = ALL_PERMISSIONS if wanted.permissions is None else frozenset(wanted.permissions)
        self._emulator.add_token(wanted.token, permissions, expires_at=wanted.expires_at, account_id=wanted.account_id)
        return {}

    def _revoke(self, body: Json) -> Json:
        self._emulator.revoke(body["token"])
        return {}

    def _add_bot(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _BotPlan)
        options = msgspec.structs.asdict(wanted)
        self._emulator.add_bot(options.pop("bot_id"), **options)
        return {}

    def _add_workflow(self, body: Json) -> Json:
        self._emulator.add_workflow(msgspec.convert(body, Workflow))
        return {}

    def _script_run(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _RunPlan)
        self._emulator.script_run(wanted.run, workflow_id=wanted.workflow_id, times=wanted.times)
        return {}

    def _clear_runs(self, body: Json) -> Json:
        self._emulator.workflows.scripts.clear()
        return {}

    def _add_oauth_app(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _AppPlan)
        self._emulator.add_oauth_app(
            wanted.client_id, wanted.key_id, wanted.public_key_pem, account_id=wanted.account_id, active=wanted.active
        )
        return {}

    def _host_file(self, body: Json) -> Json:
        wanted = msgspec.convert(body, _FilePlan)
        return {"url": self._emulator.host_file(wanted.name, wanted.content, wanted.media_type)}

    def _read_journal(self, body: Json) -> Json:
        since = int(body.get("since", 0))
        entries = list(self._emulator.journal)
        shown = [dataclasses.asdict(entry) for entry in entries[since:] if entry.service == "coze"]
        return {"entries": shown, "next": len(entries)}

    def _read_clock(self, body: Json) -> Json:
        return {"now": self._emulator.clock.now()}

    def _advance(self, body: Json) -> Json:
        self._emulator.clock.advance(float(body["advance_s"]))
        return {"now": self._emulator.clock.now()}


class _FaultPlan(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    kind: str
    skip: int = 0
    times: int | None = 1
    args: dict[str, Any] = {}


class _ScriptPlan(msgspec.Struct, forbid_unknown_fields=True):
    answer: Answer
    bot_id: str | None = None
    matching: str | None = None
    times: int | None = 1


class _RunPlan(msgspec.Struct, forbid_unknown_fields=True):
    run: RunScript
    workflow_id: str | None = None
    times: int | None = 1


class _TokenPlan(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    permissions: list[str] | None = None
    expires_at: float | None = None
    account_id: str = "1000"


class _BotPlan(msgspec.Struct, forbid_unknown_fields=True):
    bot_id: str
    published: bool = True
    name: str = "Sandbox agent"
    prologue: str = ""
    suggested_questions: tuple[str, ...] = ()
    account_id: str | None = None


class _FilePlan(msgspec.Struct, forbid_unknown_fields=True):
    """``content`` is base64."""

    name: str
    content: bytes
    media_type: str = "image/png"


class _AppPlan(msgspec.Struct, forbid_unknown_fields=True):
    client_id: str
    key_id: str
    public_key_pem: str
    account_id: str = "1000"
    active: bool = True


def _served(route: _Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        try:
            body = await request.json() if request.can_read_body else dict(request.query)
            return web.json_response(route(body))
        except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return serve
