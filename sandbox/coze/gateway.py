"""The way of every request: read, written down, misled by a fault, authenticated, throttled, handled, answered."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.coze.auth import bearer, fingerprint
from sandbox.coze.calls import ABSENT, Call, EventStream, Handler, HangUp, Reply
from sandbox.coze.errors import CozeError, OAuthError, bad_parameter, message_of
from sandbox.coze.feed import Feed, StreamEvent
from sandbox.coze.jsons import Json, dump
from sandbox.coze.oddities import ODDITIES
from sandbox.coze.sender import SERVICE, StreamSender, drop_connection, keep_silent
from sandbox.coze.services import Services
from sandbox.coze.stream_faults import STREAM_FAULTS, StreamPlan
from sandbox.coze.supported import Endpoint
from sandbox.faults import Fault, FaultSwitches
from sandbox.journal import Journal

MAX_BODY_BYTES = 15 * 1024 * 1024
MAX_RUN_BODY_BYTES = 20 * 1024 * 1024
_HTML = (
    "<html>\r\n<head><title>{status}</title></head>\r\n<body><center><h1>{status}</h1></center></body>\r\n</html>\r\n"
)
_NO_CONTENT_TYPE = web.RequestKey("without_content_type", bool)
_DEFAULT_GATEWAY_STATUS = 502


class Gateway:
    """Stands before all routes of one emulator."""

    def __init__(self, services: Services, faults: FaultSwitches, journal: Journal) -> None:
        self._services = services
        self._faults = faults
        self._journal = journal
        self._sender = StreamSender(services, journal)

    def route(self, endpoint: Endpoint, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the aiohttp handler of one endpoint."""

        async def serve(request: web.Request) -> web.StreamResponse:
            with self._services.tasks.answering():
                return await self._serve(request, endpoint, handler)

        return serve

    async def _serve(self, request: web.Request, endpoint: Endpoint, handler: Handler) -> web.StreamResponse:
        call = Call(request, endpoint, self._services.dialect.new_log_id(self._services.ids), {})
        call.fault = self._faults.take(endpoint.name)
        if call.fault_kind() == "without_content_type":
            request[_NO_CONTENT_TYPE] = True
        refused = await self._read(call)
        if call.fault is not None:
            self._journal.record(SERVICE, "fault", endpoint.name, fault=call.fault.kind, args=call.fault.args)
            if (misled := await self._mislead(call, call.fault)) is not None:
                return misled if isinstance(misled, web.StreamResponse) else await self._answer(call, misled)
        result = self._refuse(refused) if refused is not None else await self._handle(call, handler)
        if call.fault is not None and (misled_response := await self._mislead_after(call, call.fault)) is not None:
            return misled_response
        return await self._answer(call, result)

    async def _read(self, call: Call) -> CozeError | None:
        """Read the body and write the request down; return what is wrong with the body."""
        error: CozeError | None = None
        if not call.endpoint.multipart:
            try:
                call.body = await self._read_json(call.request, call.endpoint)
            except CozeError as refused:
                error = refused
        self._journal.record(
            SERVICE,
            "request",
            call.endpoint.name,
            path=call.request.path,
            query=dict(call.request.query),
            body=call.body,
            token=fingerprint(bearer(call.request)),
            log_id=call.log_id,
        )
        return error

    async def _read_json(self, request: web.Request, endpoint: Endpoint) -> Json:
        limit = MAX_RUN_BODY_BYTES if endpoint.budget == "run" else MAX_BODY_BYTES
        if (request.content_length or 0) > limit or len(await request.read()) > limit:
            raise CozeError(4000, "The body is too large.", status=self._services.switches.oversized_body_http_status)
        raw = await request.read()
        if not raw.strip():
            return {}
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise bad_parameter("The body is not JSON.") from error
        if not isinstance(body, dict):
            raise bad_parameter("The body must be a JSON object.")
        return body

    async def _handle(self, call: Call, handler: Handler) -> Reply | EventStream | HangUp:
        try:
            if not call.endpoint.open:
                call.token = self._services.keyring.authenticate(call.request, call.endpoint)
                self._services.throttle.admit(call.endpoint, bearer(call.request))
            return await handler(call)
        except (CozeError, OAuthError) as error:
            return self._refuse(error)

    def _refuse(self, error: CozeError | OAuthError) -> Reply:
        if isinstance(error, OAuthError):
            return Reply(error.body(), bare=True, status=self._services.switches.oauth_error_http_status)
        return self._services.dialect.error(error)

    async def _mislead(self, call: Call, fault: Fault) -> web.StreamResponse | Reply | EventStream | None:
        """Do what a fault does before the request has any effect."""
        args = fault.args
        code, msg = args.get("code", 5000), args.get("msg")
        if fault.kind in {"hang_up", "silence"}:
            if fault.kind == "silence":
                await keep_silent(self._services, args.get("seconds"))
            return self._hang_up(call, reset=bool(args.get("reset", False)))
        if fault.kind == "html":
            return self._html(call, int(args.get("status", _DEFAULT_GATEWAY_STATUS)))
        if fault.kind == "throttled":
            return self._throttled(args)
        if fault.kind == "json_error":
            return Reply(code=code, msg=msg or message_of(code), status=int(args.get("status", 200)))
        if fault.kind == "error_event_first":
            return EventStream(Feed.of(_error_event(call.endpoint, code, msg or message_of(code))))
        return None

    def _throttled(self, args: Json) -> Reply:
        plain = self._services.throttle.refusal()
        headers = dict(plain.headers)
        if "retry_after_s" in args:
            headers["Retry-After"] = f"{args['retry_after_s']:g}"
        code = args.get("code", plain.code)
        return Reply(code=code, msg=message_of(code), status=int(args.get("status", plain.status)), headers=headers)

    async def _mislead_after(self, call: Call, fault: Fault) -> web.StreamResponse | None:
        """Do what a fault does after the request took effect."""
        if fault.kind == "delay":
            await self._services.clock.sleep(float(fault.args["seconds"]))
            return None
        if fault.kind not in {"hang_up_after", "silence_after"}:
            return None
        if fault.kind == "silence_after":
            await keep_silent(self._services, fault.args.get("seconds"))
        return self._hang_up(call, reset=bool(fault.args.get("reset", False)))

    def _hang_up(self, call: Call, *, reset: bool) -> web.Response:
        drop_connection(call.request, reset=reset)
        self._journal.record(SERVICE, "stream_end", call.endpoint.name, how="cut", log_id=call.log_id)
        return web.Response()

    def _html(self, call: Call, status: int) -> web.Response:
        self._record_reply(call, status, None)
        return web.Response(text=_HTML.format(status=status), status=status, content_type="text/html")

    async def _answer(self, call: Call, result: Reply | EventStream | HangUp) -> web.StreamResponse:
        if isinstance(result, HangUp):
            return self._hang_up(call, reset=False)
        kind = call.fault_kind() or ""
        if isinstance(result, EventStream):
            self._record_reply(call, 200, 0, stream=True)
            plan = STREAM_FAULTS[kind](call.fault.args) if call.fault and kind in STREAM_FAULTS else StreamPlan()
            return await self._sender.send(call, result, plan)
        dialect = self._services.dialect
        body = result.data if result.bare else dialect.envelope(result, endpoint=call.endpoint, log_id=call.log_id)
        self._record_reply(call, result.status, body.get("code"), msg=body.get("msg"))
        headers = result.headers | {dialect.log_header: call.log_id, "Content-Type": "application/json; charset=utf-8"}
        return web.Response(body=_misshape(body, result, kind), status=result.status, headers=headers)

    def _record_reply(self, call: Call, status: int, code: int | str | None, **detail: object) -> None:
        name = call.endpoint.name
        self._journal.record(SERVICE, "reply", name, status=status, code=code, log_id=call.log_id, **detail)

    @web.middleware
    async def unknown_paths(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer paths and methods that do not exist the way the service does."""
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            name = f"{request.method} {request.path}"
            log_id = self._services.dialect.new_log_id(self._services.ids)
            self._journal.record(SERVICE, "request", name, query=dict(request.query), log_id=log_id)
            reply = self._services.dialect.unknown_path()
            self._journal.record(SERVICE, "reply", name, status=404, log_id=log_id)
            headers = {self._services.dialect.log_header: log_id}
            if isinstance(reply, str):
                return web.Response(text=reply, status=404, headers=headers)
            body = self._services.dialect.envelope(reply, endpoint=None, log_id=log_id)
            return web.json_response(body, status=reply.status, headers=headers)

    async def finish_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take the Content-Type away where a fault says so; aiohttp adds one by itself."""
        if request.get(_NO_CONTENT_TYPE, False):
            response.headers.popall("Content-Type", None)


def _error_event(endpoint: Endpoint, code: int | str, msg: str) -> StreamEvent:
    if endpoint.path.startswith("/v1/workflow/"):
        return StreamEvent("Error", {"error_code": code, "error_message": msg})
    return StreamEvent("error", {"code": code, "msg": msg})


def _misshape(body: Json, reply: Reply, kind: str) -> bytes:
    """Return the bytes of a JSON body, spoilt as a fault says."""
    if kind in ODDITIES:
        body = ODDITIES[kind](body)
    if kind == "string_code":
        body = body | {"code": str(body.get("code", 0))}
    succeeded = reply.code == 0 and not reply.bare
    if (succeeded and kind == "without_data") or reply.data is ABSENT:
        body = {key: value for key, value in body.items() if key != reply.key}
    if succeeded and kind == "null_data":
        body = body | {reply.key: None}
    if succeeded and kind == "without_code":
        body = {key: value for key, value in body.items() if key != "code"}
    raw = dump(body).encode()
    if kind == "invalid_json":
        return raw[: len(raw) // 2]
    return b"" if kind == "empty_body" else raw
