"""Sends a feed as server-sent events, by plan, and writes down each event as it leaves."""

import asyncio
import zlib
from contextlib import aclosing
from dataclasses import replace

from aiohttp import web

from sandbox.coze.calls import Call, EventStream
from sandbox.coze.feed import NO_DATA, Feed, StreamEvent
from sandbox.coze.framing import Framing, Position, Progress
from sandbox.coze.services import Services
from sandbox.coze.stream_faults import StreamPlan
from sandbox.journal import Journal

_GZIP_WINDOW_BITS = 31
_KEEP_ALIVE = b": keep-alive\n\n"
SERVICE = "coze"


class _Cut(Exception):
    """The planned end of the connection is reached."""


class StreamSender:
    """Streams to clients; a chat goes on whether or not its stream does."""

    def __init__(self, services: Services, journal: Journal) -> None:
        self._services = services
        self._journal = journal

    async def send(self, call: Call, stream: EventStream, plan: StreamPlan) -> web.StreamResponse:
        """Send the feed until its end, the plan's, or the client's; return the finished response."""
        headers = dict(self._services.dialect.stream_headers) | {self._services.dialect.log_header: call.log_id}
        if plan.compressed:
            headers["Content-Encoding"] = "gzip"
        response = web.StreamResponse(headers=headers)
        await response.prepare(call.request)
        framing = replace(stream.framing, **plan.reframe)
        wire = _Wire(call, response, plan, framing, self._services, self._journal)
        ended = "complete"
        try:
            await wire.send(stream.feed)
        except _Cut:
            ended = "cut"
            if not plan.clean:
                drop_connection(call.request, reset=plan.reset)
        except ConnectionError:
            ended = "client gone"
        self._journal.record(SERVICE, "stream_end", call.endpoint.name, how=ended, log_id=call.log_id)
        return response


class _Wire:
    """One response on its way out."""

    def __init__(
        self,
        call: Call,
        response: web.StreamResponse,
        plan: StreamPlan,
        framing: Framing,
        services: Services,
        journal: Journal,
    ) -> None:
        self._call = call
        self._response = response
        self._plan = plan
        self._framing = framing
        self._services = services
        self._journal = journal
        self._progress = Progress()
        self._stalled = False
        self._owed_blank = b""
        self._writing = asyncio.Lock()  # a keep-alive comment must not land inside an event
        self._gzip = zlib.compressobj(wbits=_GZIP_WINDOW_BITS) if plan.compressed else None

    async def send(self, feed: Feed) -> None:
        ticker = self._services.tasks.spawn(self._keep_alive())
        try:
            await self._write(self._plan.prefix)
            async with aclosing(feed.read()) as events:
                async for event in events:
                    for edited in self._plan.edit(event):
                        await self._send_event(edited)
            if self._plan.last_blank_line:
                await self._write(self._owed_blank)
            if self._gzip is not None:
                await self._response.write(self._gzip.flush())
        finally:
            ticker.cancel()

    async def _send_event(self, event: StreamEvent) -> None:
        framing = self._framing
        chunk = framing.encode(event, self._progress.events)
        async with self._writing:
            # Without its last blank line a stream must keep every blank line back until the next event is known.
            before, self._owed_blank = self._owed_blank, b""
            if self._plan.last_blank_line:
                chunk += framing.blank
            else:
                self._owed_blank = framing.blank
            await self._send_chunk(before + chunk, event)
        self._progress.events += 1

    async def _send_chunk(self, chunk: bytes, event: StreamEvent) -> None:
        if (offset := self._offset(self._plan.cut, chunk)) is not None:
            await self._write(chunk[:offset])
            raise _Cut
        if not self._stalled and (offset := self._offset(self._plan.stall, chunk)) is not None:
            self._stalled = True
            await self._write(chunk[:offset])
            await keep_silent(self._services, self._plan.stall_s)
            chunk = chunk[offset:]
        self._check_connection()
        self._record(event)
        await self._write(chunk)

    def _offset(self, position: Position | None, chunk: bytes) -> int | None:
        return None if position is None else position.offset_in(chunk, self._progress)

    def _check_connection(self) -> None:
        transport = self._call.request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")

    async def _write(self, data: bytes) -> None:
        for piece in self._plan.split(data):
            if not piece:
                continue
            if self._gzip is None:
                await self._response.write(piece)
            else:
                await self._response.write(self._gzip.compress(piece) + self._gzip.flush(zlib.Z_SYNC_FLUSH))
        self._progress.sent_bytes += len(data)
        self._progress.lines += data.count(b"\n")

    def _record(self, event: StreamEvent) -> None:
        data = event.data if isinstance(event.data, dict) else {}
        is_message = "role" in data
        self._journal.record(
            SERVICE,
            "event",
            event.name,
            log_id=self._call.log_id,
            conversation_id=data.get("conversation_id"),
            chat_id=data.get("chat_id") if is_message else data.get("id"),
            message_id=data.get("id") if is_message else None,
            type=data.get("type"),
            content=data.get("content"),
            data=None if event.data is NO_DATA else event.data,
        )

    async def _keep_alive(self) -> None:
        interval_s = self._services.switches.keep_alive_s
        if interval_s is None:
            return
        while True:
            await self._services.clock.sleep(interval_s)
            async with self._writing:
                try:
                    self._check_connection()
                    await self._response.write(_KEEP_ALIVE)
                except ConnectionError:
                    return


async def keep_silent(services: Services, seconds: float | None) -> None:
    """Say nothing for some seconds of the sandbox's clock, or until the emulator stops."""
    if seconds is None:
        await asyncio.Event().wait()
    else:
        await services.clock.sleep(seconds)


def drop_connection(request: web.Request, *, reset: bool = False) -> None:
    """End the connection under a request: after what was written so far, or by a reset that drops it."""
    transport = request.transport
    if transport is None:
        return
    if reset:
        transport.abort()
    else:
        transport.close()
