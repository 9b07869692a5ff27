"""``/api/v10/...``: Cloudflare's ban, faults, authorization, rate limits, the route itself, and its answer.

Every JSON answer has a content type of exactly ``application/json``, every answer from Discord itself a ``Via``.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.discord import (
    routes_channels,
    routes_commands,
    routes_interactions,
    routes_lookups,
    routes_messages,
)
from sandbox.discord.bodies import read_body
from sandbox.discord.errors import ApiError, http_error, refusal
from sandbox.discord.model import Attachment, Json
from sandbox.discord.named_faults import NamedFaults
from sandbox.discord.rates import Verdict
from sandbox.discord.service import Call, Reply, Service
from sandbox.discord.sockets import reset_connection
from sandbox.discord.supported import MAJOR_PARAMETERS, SUPPORTED_ROUTES, RouteRule
from sandbox.faults import Fault

REST_FAULTS = frozenset({"status", "drop_before", "drop_after", "delay", "error", "rate_limited", "wrong_json"})
"""``status(status=502, applied=False)``: an HTML page; ``drop_before``, ``drop_after``: the connection is reset before
or after the call was applied; ``delay(delay_s, applied=False)``: late, before or after applying;
``error(status, code, message, applied=False)``: any refusal; ``rate_limited(retry_after_s=1, via=True, scope="user")``:
429, without ``via`` as Cloudflare answers, ``scope`` ``user``, ``global`` or ``shared``; ``wrong_json``: applied, but
the answer cannot be read. A storm is ``status`` on ``*`` with ``times``."""

HANDLERS: dict[str, Callable[[Call], Reply]] = {
    **routes_channels.HANDLERS,
    **routes_commands.HANDLERS,
    **routes_interactions.HANDLERS,
    **routes_lookups.HANDLERS,
    **routes_messages.HANDLERS,
}
PREFIXES = ("/api/v10", "/api/v9", "/api")
VIA = "1.1 emulator"
ERROR_PAGE = "<!DOCTYPE html><html><body><h1>{status}</h1><p>cloudflare</p></body></html>"
HTML = "text/html"
SECRET_PARAMETERS = frozenset({"token"})


@dataclass(slots=True)
class _Request:
    """One request and what was read of it."""

    http: web.Request
    route: str
    number: int
    body: Any = None
    files: list[Attachment] = field(default_factory=list)
    unreadable: ApiError | None = None

    @property
    def rule(self) -> RouteRule:
        return SUPPORTED_ROUTES[self.route]

    @property
    def major(self) -> str:
        """The values of the path's major parameters."""
        params = self.http.match_info
        return "+".join(params[name] for name in MAJOR_PARAMETERS if name in params)


class Dropped(Exception):
    """The connection shall be reset instead of answering."""


class Rest:
    """Answers calls."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._calls = 0
        self.faults = NamedFaults(dict.fromkeys(SUPPORTED_ROUTES, REST_FAULTS))

    def add_routes(self, app: web.Application) -> None:
        """Register every route under every prefix, and what answers where there is none."""
        for prefix in PREFIXES:
            for route in SUPPORTED_ROUTES:
                method, _, path = route.partition(" ")
                app.router.add_route(method, prefix + path, self._serving(route))
        app.router.add_route("*", "/api/{rest:.*}", self.unknown)

    def _serving(self, route: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self.handle(request, route)

        return serve

    async def unknown(self, request: web.Request) -> web.Response:
        """Any other route: 404, and loudly noted, since it may be a gap of the emulator rather than a mistake."""
        self._service.inspector.note("unknown_route", method=request.method, path=request.path)
        return _written(Reply(http_error(404, "Not Found").body, 404, {"Via": VIA}))

    async def handle(self, request: web.Request, route: str) -> web.StreamResponse:
        """Answer one request; it is in the journal when it arrives and when it is answered."""
        self._calls += 1
        call = _Request(request, route, self._calls)
        try:
            limit_bytes = self._service.switches.request_limit_bytes
            call.body, call.files = await read_body(request, self._service.mint, limit_bytes=limit_bytes)
        except ApiError as unreadable:
            call.unreadable = unreadable
        self._note_request(call)
        try:
            reply = await self._answer(call)
        except Dropped:
            self._note("reply", route, call=call.number, status=0)
            reset_connection(request)
            return web.Response()
        body = reply.body if isinstance(reply.body, dict) else {}
        made = {"id": body["id"]} if "id" in body else {}
        code = {"code": body["code"]} if reply.status >= 400 and "code" in body else {}
        self._note("reply", route, call=call.number, status=reply.status, **made, **code)
        return _written(reply)

    async def _answer(self, call: _Request) -> Reply:
        switches, clock = self._service.switches, self._service.clock
        before_s = switches.latency_s / 2 + switches.jitter_s * self._service.mint.random.random()
        if before_s > 0:
            await clock.sleep(before_s)
        if self._service.limiter.banned:
            return _page(429)
        fault = self.faults.take(call.route)
        reply = self._run(call) if fault is None else await self._misbehave(fault, call)
        if switches.latency_s > 0:
            await clock.sleep(switches.latency_s / 2)
        self._service.limiter.count_invalid(reply.status, reply.headers.get("X-RateLimit-Scope"))
        return reply

    async def _misbehave(self, fault: Fault, call: _Request) -> Reply:
        self._note("fault", call.route, fault=fault.kind, **fault.args)
        args = fault.args
        match fault.kind:
            case "drop_before":
                raise Dropped
            case "drop_after":
                self._run(call)
                raise Dropped
            case "delay":
                early = self._run(call) if args.get("applied") else None
                await self._service.clock.sleep(float(args.get("delay_s", 1.0)))
                return early or self._run(call)
            case "wrong_json":
                return Reply('{"id": "1', 200, self._run(call).headers)
            case "rate_limited":
                if not args.get("via", True):
                    return _page(429)
                return _too_many({}, float(args.get("retry_after_s", 1.0)), str(args.get("scope", "user")))
        if args.get("applied"):
            self._run(call)
        if fault.kind == "status":
            return _page(int(args.get("status", 502)), via=True)
        body = {"message": str(args.get("message", "planned")), "code": int(args.get("code", 0))}
        return Reply(body, int(args.get("status", 400)), {"Via": VIA})

    def _run(self, call: _Request) -> Reply:
        verdict = Verdict()
        try:
            self._authorize(call)
            verdict = self._service.limiter.admit(call.rule.bucket, call.major, globally=not call.rule.by_token)
            if verdict.retry_after_s is not None:
                return _too_many(verdict.headers, verdict.retry_after_s, verdict.scope)
            if call.unreadable is not None:
                raise call.unreadable
            params, query = dict(call.http.match_info), dict(call.http.query)
            reply = HANDLERS[call.route](Call(self._service, call.route, params, query, call.body, call.files))
        except ApiError as refused:
            reply = Reply(refused.body, refused.status)
            if refused.status == 429:
                reply.headers |= {"Retry-After": str(refused.body["retry_after"]), "X-RateLimit-Scope": "user"}
        reply.headers |= {"Via": VIA} | verdict.headers
        return reply

    def _authorize(self, call: _Request) -> None:
        if call.rule.by_token:
            return
        if call.http.headers.get("Authorization") != f"Bot {self._service.world.application.token}":
            raise http_error(401, "Unauthorized")
        agent = call.http.headers.get("User-Agent", "")
        if self._service.switches.strict_user_agent and not agent.startswith("DiscordBot ("):
            raise refusal(40333)

    def _note_request(self, call: _Request) -> None:
        params = {name: value for name, value in call.http.match_info.items() if name not in SECRET_PARAMETERS}
        detail: Json = {"params": params, "body": call.body}
        if call.http.query:
            detail["query"] = dict(call.http.query)
        if call.files:
            detail["files"] = [{"name": file.name, "bytes": len(file.content)} for file in call.files]
        self._note("request", call.route, call=call.number, **detail)

    def _note(self, kind: str, name: str, **detail: Any) -> None:
        self._service.journal.record("discord", kind, name, **detail)


def _too_many(headers: dict[str, str], retry_after_s: float, scope: str) -> Reply:
    """Return a 429 of Discord's own."""
    wait = round(max(retry_after_s, 0.001), 3)
    is_global = scope == "global"
    body = {"message": "You are being rate limited.", "retry_after": wait, "global": is_global}
    headers = {"Via": VIA, **headers, "Retry-After": str(wait), "X-RateLimit-Scope": scope}
    return Reply(body, 429, headers | ({"X-RateLimit-Global": "true"} if is_global else {}))


def _page(status: int, *, via: bool = False) -> Reply:
    """Return what stands before Discord: a page, and for a ban no ``Via``."""
    return Reply(ERROR_PAGE.format(status=status), status, {"Via": VIA} if via else {}, HTML)


def _written(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=204, headers=reply.headers)
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    # aiohttp's own json_response appends a charset, which Discord does not send
    return web.Response(
        body=text.encode(), status=reply.status, headers={**reply.headers, "Content-Type": reply.content_type}
    )
