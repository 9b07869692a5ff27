"""``ANY /api/<method>``: authorization, faults, rate limits, the method itself, and its answer.

Every refusal is ``ok: false`` with status 200; only rate limits (429) and planned faults have another status.
"""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.faults import Fault, FaultSwitches
from sandbox.slack import (
    methods_assistant,
    methods_chat,
    methods_conversations,
    methods_files,
    methods_people,
    methods_streams,
    methods_views,
    rates,
)
from sandbox.slack.auth import Caller, bearer_token, check_kind
from sandbox.slack.calls import Arguments, read_arguments
from sandbox.slack.inspector import TOO_BIG_ERRORS
from sandbox.slack.model import Json
from sandbox.slack.oauth import OAuth
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Call, Service
from sandbox.slack.supported import SUPPORTED_METHODS

WEB_FAULTS = frozenset(
    {"status", "drop_before", "drop_after", "delay", "wrong_json", "plain_text", "error", "ratelimited"}
)
"""``status(status=502, applied=False)``: an HTML page; ``drop_before``, ``drop_after``: the connection is cut before
or after the call was applied; ``delay(delay_s, applied=False)``: late, before or after applying; ``wrong_json``,
``plain_text``: applied, but unreadable answers with status 200; ``error(error, applied=False)``: any error code;
``ratelimited(retry_after_s=1, as_http_200=False)``."""

HANDLERS: dict[str, Callable[[Call], Json]] = {
    **methods_assistant.HANDLERS,
    **methods_chat.HANDLERS,
    **methods_conversations.HANDLERS,
    **methods_files.HANDLERS,
    **methods_people.HANDLERS,
    **methods_streams.HANDLERS,
    **methods_views.HANDLERS,
}
OAUTH_METHOD = "oauth.v2.access"
SECRET_ARGUMENTS = frozenset({"token", "client_secret", "code", "refresh_token"})
ERROR_PAGE = "<!DOCTYPE html><html><body><h1>{status}</h1>Server error</body></html>"


@dataclass(slots=True)
class Reply:
    """An answer before it is written."""

    body: Json | str
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """The error code, if it is a refusal."""
        return self.body.get("error") if isinstance(self.body, dict) else None


class Dropped(Exception):
    """The connection shall be cut instead of answering."""


class WebApi:
    """Answers calls."""

    def __init__(self, service: Service, oauth: OAuth) -> None:
        self._service = service
        self._oauth = oauth
        self._limiter = rates.RateLimiter(service.clock, service.switches)
        self._calls = 0
        self.faults = FaultSwitches(WEB_FAULTS)

    @property
    def methods(self) -> frozenset[str]:
        """The methods that have a handler."""
        return frozenset({*HANDLERS, OAUTH_METHOD})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; it is in the journal when it arrives and when it is answered."""
        method = request.match_info["method"]
        self._calls += 1
        number = self._calls
        refusal: Refusal | None = None
        try:
            values = await read_arguments(request)
        except Refusal as unreadable:
            values, refusal = {}, unreadable
        token = bearer_token(request) or values.get("token")
        shown = {name: value for name, value in values.items() if name not in SECRET_ARGUMENTS}
        caller = self._identify(token)
        team = caller.installation.team_id if caller and caller.installation else None
        self._service.journal.record("slack", "request", method, call=number, team=team, args=shown)

        def run() -> Reply:
            if refusal is not None:
                raise refusal
            return self._run(method, token, values, request.headers.get("Authorization"))

        try:
            reply = await self._answer(method, run)
        except Dropped:
            self._service.journal.record("slack", "reply", method, call=number, ok=False, error=None, status=0)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        self._decorate(reply, method, caller)
        self._record(method, number, team, reply)
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        return web.Response(
            text=text, status=reply.status, content_type=reply.content_type, charset="utf-8", headers=reply.headers
        )

    async def _answer(self, method: str, run: Callable[[], Reply]) -> Reply:
        half_latency_s = self._service.switches.latency_s / 2
        if half_latency_s > 0:
            await self._service.clock.sleep(half_latency_s)
        fault = self.faults.take(method)
        reply = _refused(run) if fault is None else await self._misbehave(fault, method, run)
        if half_latency_s > 0:
            await self._service.clock.sleep(half_latency_s)
        return reply

    async def _misbehave(self, fault: Fault, method: str, run: Callable[[], Reply]) -> Reply:
        self._service.journal.record("slack", "fault", method, fault=fault.kind, **fault.args)
        applied = bool(fault.args.get("applied"))
        match fault.kind:
            case "drop_before":
                raise Dropped
            case "drop_after":
                _refused(run)
                raise Dropped
            case "delay":
                delay_s = float(fault.args.get("delay_s", 1.0))
                early = _refused(run) if applied else None
                await self._service.clock.sleep(delay_s)
                return early or _refused(run)
            case "ratelimited":
                return self._rate_limited(
                    method, int(fault.args.get("retry_after_s", 1)), bool(fault.args.get("as_http_200"))
                )
            case "wrong_json":
                _refused(run)
                return Reply('{"ok": tru')
            case "plain_text":
                _refused(run)
                return Reply("ok", content_type="text/plain")
        if applied:
            _refused(run)
        if fault.kind == "status":
            status = int(fault.args.get("status", 502))
            return Reply(ERROR_PAGE.format(status=status), status, "text/html")
        extra = {name: value for name, value in fault.args.items() if name not in ("error", "applied")}
        return Reply({"ok": False, "error": str(fault.args["error"]), **extra})

    def _run(self, method: str, token: str | None, values: Json, authorization: str | None) -> Reply:
        rule = SUPPORTED_METHODS.get(method)
        if rule is None:
            raise Refusal("unknown_method", req_method=method)
        if rule.token == "none":
            return Reply({"ok": True} | self._oauth.access(values, authorization))
        caller = self._service.registry.identify(token)
        check_kind(caller, rule.token)
        caller.require(*rule.scopes)
        call = Call(self._service, method, caller, Arguments(values))
        retry_after_s = self._limiter.admit(_allowances(call, rule.tier))
        if retry_after_s is not None:
            return self._rate_limited(method, retry_after_s, self._service.switches.rate_limited_as_http_200)
        return Reply({"ok": True} | HANDLERS[method](call))

    def _rate_limited(self, method: str, retry_after_s: int, as_http_200: bool) -> Reply:
        posting = method.startswith("chat.") and self._service.switches.posting_says_rate_limited
        body = {"ok": False, "error": "rate_limited" if posting else "ratelimited"}
        if as_http_200:
            return Reply(body)
        return Reply(body, 429, headers={"Retry-After": str(retry_after_s)})

    def _identify(self, token: str | None) -> Caller | None:
        try:
            return self._service.registry.identify(token)
        except Refusal:
            return None

    def _decorate(self, reply: Reply, method: str, caller: Caller | None) -> None:
        reply.headers["X-Slack-Req-Id"] = self._service.mint.hex()
        if caller is not None:
            reply.headers["X-OAuth-Scopes"] = ",".join(caller.scopes)
        if rule := SUPPORTED_METHODS.get(method):
            reply.headers["X-Accepted-OAuth-Scopes"] = ",".join(rule.scopes)

    def _record(self, method: str, number: int, team: str | None, reply: Reply) -> None:
        body: dict[str, Any] = reply.body if isinstance(reply.body, dict) else {}
        if reply.error in TOO_BIG_ERRORS:
            self._service.inspector.note("too_big", method=method, error=reply.error)
        self._service.journal.record(
            "slack",
            "reply",
            method,
            call=number,
            team=team,
            ok=body.get("ok", False),
            error=reply.error,
            status=reply.status,
            ts=body.get("ts"),
        )


def _refused(run: Callable[[], Reply]) -> Reply:
    try:
        return run()
    except Refusal as refusal:
        return Reply(refusal.body)


def _allowances(call: Call, tier: int) -> dict[Hashable, rates.Allowance]:
    """Return what one call counts against, each under its own key."""
    app_id = call.caller.app.id
    team_id = call.caller.installation.team_id if call.caller.installation else ""
    key = (app_id, team_id, call.method)
    match call.method:
        case "chat.postMessage":
            wanted = call.args.text("channel")
            channel = call.workspace.channel(wanted)
            per_channel = (*key, channel.id if channel else wanted)
            burst = call.switches.posting_burst
            in_channel = rates.POSTING_PER_CHANNEL if burst is None else rates.Allowance(1, 1.0, burst)
            return {key: rates.POSTING_PER_TEAM, per_channel: in_channel}
        case "assistant.threads.setStatus":
            return {key: rates.STATUS_PER_TEAM}
        case "conversations.history" | "conversations.replies" if call.switches.commercial_history:
            return {key: rates.COMMERCIAL_HISTORY}
    return {key: rates.TIERS[tier]} if tier else {}
