"""Reading what was missed in one channel from Slack's history, as fast as the limits for reading allow."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import structlog

from adapters.slack import limits
from adapters.slack.ids import ts_seconds
from adapters.slack.inbound import Identity, InboundRules, text_of
from adapters.slack.missed import moved_threads, questions
from adapters.slack.refusals import SlackRefused
from adapters.slack.threads import messages_of, next_cursor
from adapters.slack.web import Web
from bridge.errors import PlatformRateLimited
from bridge.model import Envelope
from bridge.ports import Clock

log = structlog.get_logger(__name__)

MINUTE_S = 60.0


class Reader:
    """Reads channels for one adapter instance, one after another."""

    def __init__(self, rules: InboundRules, us: Identity, web: Web, clock: Clock) -> None:
        self._rules = rules
        self._us = us
        self._web = web
        self._clock = clock
        self._reads: deque[float] = deque()

    async def read(
        self, channel: str, since_s: float, old_threads: Mapping[str, float], at_most: int
    ) -> list[Envelope]:
        """Return what was asked in a channel since ``since_s``, the newest ``at_most``, oldest first.

        Args:
            old_threads: Threads of ours to be looked into even where no page of the channel tells of them.

        Raises:
            PlatformError: As ``Web.call``; of limits alone nobody learns, they are waited for.
        """
        top = await self._read_top(channel, since_s, at_most)
        threads = moved_threads(top, since_s, self._us, old_threads, limits.MISSED_THREADS_MAX)
        replies = [reply for root in threads for reply in await self._read_thread(channel, root, since_s)]
        return questions([*top, *replies], channel, since_s, at_most, self._rules, self._us)

    async def _read_top(self, channel: str, since_s: float, at_most: int) -> list[Mapping[str, Any]]:
        """Read the newest messages at the top of a channel, newest first: as many as wanted, and no further back.

        Whole pages, which cost no more than parts of them: what is older than ``since_s`` tells which threads moved.
        """
        found: list[Mapping[str, Any]] = []
        arguments: dict[str, Any] = {"channel": channel, "limit": limits.HISTORY_PAGE}
        while len(found) < at_most:
            body = await self._call("conversations.history", arguments)
            found += messages_of(body)
            arguments["cursor"] = next_cursor(body)
            if not arguments["cursor"] or not found or ts_seconds(text_of(found[-1], "ts")) <= since_s:
                break
        return found

    async def _read_thread(self, channel: str, root: str, since_s: float) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        arguments: dict[str, Any] = {"channel": channel, "ts": root, "oldest": f"{since_s:.6f}"}
        arguments["limit"] = limits.HISTORY_PAGE
        for _ in range(limits.HISTORY_PAGES_MAX):
            try:
                body = await self._call("conversations.replies", arguments)
            except SlackRefused as error:
                if error.code != "thread_not_found":
                    raise
                break
            found += messages_of(body)
            if not (cursor := next_cursor(body)):
                break
            arguments["cursor"] = cursor
        return found

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call as often as it takes: whoever began anew after every refusal would never come to a second page."""
        while True:
            await self._keep_pace()
            try:
                return await self._web.call(method, arguments)
            except PlatformRateLimited as error:
                wait_s = limits.RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
                log.info("reading what was missed goes on later", reason=error.reason, wait_s=wait_s)
                await self._clock.sleep(wait_s)

    async def _keep_pace(self) -> None:
        while self._reads and self._reads[0] <= self._clock.now() - MINUTE_S:
            self._reads.popleft()
        if len(self._reads) >= limits.MISSED_READS_PER_MINUTE:
            await self._clock.sleep(self._reads.popleft() + MINUTE_S - self._clock.now())
        self._reads.append(self._clock.now())
