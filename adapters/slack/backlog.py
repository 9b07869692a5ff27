"""What was written while we were away: read after a gap, handed over before what comes newly to the same channel.

Slack delivers an event again for a few minutes; what is older is read. After a gap each channel we know is read, one
after another (nothing tells cheaply which of them moved), as fast as the limits for reading allow. Until its channel
has been read, a new message waits behind what was missed, for a moment only: it is not acknowledged meanwhile, and
Slack wants that within three seconds. A channel where somebody waits is read next.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.slack import limits
from adapters.slack.heard import Heard
from adapters.slack.ids import ts_seconds
from adapters.slack.inbound import Identity, InboundRules, text_of
from adapters.slack.missed import marked_late, moved_threads, questions
from adapters.slack.refusals import SlackRefused
from adapters.slack.threads import messages_of, next_cursor
from adapters.slack.web import Web
from bridge.errors import PlatformError, PlatformRateLimited, StoreError, StoreUnavailable
from bridge.extension import Services
from bridge.model import Envelope
from bridge.ports import Intake

log = structlog.get_logger(__name__)

WAIT_S = 2.0
"""How long a new message waits for its channel to be read."""

WAITING_MAX = 200
"""More messages than this do not wait: they are not acknowledged, and Slack delivers them again."""

SHORT_GAP_S = 10.0
RECENT_S = 3_600.0
"""Slack replaces a connection every few hours. After so short a gap, whose events it mostly delivers again, only the
channels are read in which somebody was heard within the last hour."""

SAVE_EVERY_S = 60.0
LAST_SAVE_S = 2.0
TRIES = 3
TRY_AGAIN_S = 2.0

GONE = frozenset({"channel_not_found", "not_in_channel"})


@dataclass(slots=True, eq=False)
class Waiting:
    """A new message that waits behind what was missed in its channel."""

    envelope: Envelope
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: bool = False
    error: StoreError | None = None

    def settle(self, accepted: bool = False, error: StoreError | None = None) -> None:
        """Tell the one who waits what became of it."""
        self.accepted, self.error = accepted, error
        self.settled.set()


@dataclass(slots=True)
class Queue:
    """What waits in one channel; ``moving``: what was missed, or the queue itself, is being handed over."""

    waiting: deque[Waiting] = field(default_factory=deque)
    moving: bool = False


class Backlog:
    """Reads what was missed by one adapter instance, and keeps the order of what comes meanwhile."""

    def __init__(self, rules: InboundRules, us: Identity, web: Web, services: Services, intake: Intake) -> None:
        self._rules = rules
        self._us = us
        self._web = web
        self._clock = services.clock
        self._missed = services.missed
        self._intake = intake
        self._heard = Heard(rules.instance, us.team_id, services.store, services.clock)
        self._enabled = services.missed.age_s > 0 and services.missed.messages > 0
        self._frame_at: float | None = None
        self._back_at_s = 0.0
        self._read_until = 0.0
        self._since: dict[str, float] = {}
        self._reading: str | None = None
        self._left: dict[str, float] = {}
        self._queues: dict[str, Queue] = {}
        self._reads: deque[float] = deque()
        self._work = asyncio.Event()

    # --- what the connection tells ---

    async def load(self) -> None:
        """Remember the last life.

        Raises:
            StoreError: The store does not answer.
        """
        if self._enabled:
            await self._heard.load()

    def frame(self) -> None:
        """Know that the connection lives; until now nothing was missed, but for what is still to be read."""
        self._frame_at = self._clock.now()
        if self._enabled and self._is_up_to_date and self._heard.since_s is not None:
            self._heard.until_now()

    def greeted(self) -> None:
        """Know that a connection has begun; from here on messages wait where something may have been missed."""
        since_s, now_s = self._heard.since_s, self._heard.now_s
        is_short = self._frame_at is not None and self._clock.now() - self._frame_at <= SHORT_GAP_S
        if self._enabled and since_s is None:
            self._heard.begin()
            self._work.set()
        elif self._enabled and since_s is not None:
            places = self._heard.places(now_s - RECENT_S if is_short else 0.0)
            self._open(places, max(since_s, now_s - self._missed.age_s))
        self.frame()

    def _open(self, places: list[str], since_s: float) -> None:
        self._back_at_s = max(self._heard.now_s, self._clock.wall())  # the first lags by a message's journey
        self._read_until = self._clock.now() + limits.MISSED_READING_S
        for channel in [*places, *self._left]:
            earlier = (self._since.get(channel, since_s), self._left.get(channel, since_s))
            self._since[channel] = min(since_s, *earlier)
            self._queues.setdefault(channel, Queue())
        self._left.clear()
        if self._since:
            log.info("reading what was missed", channels=len(self._since))
        self._work.set()

    # --- what comes newly ---

    async def accept(self, envelope: Envelope) -> bool:
        """Hand a new message on, after what was missed in its channel; the rest is as in ``Intake.accept``."""
        queue = self._queues.get(envelope.place.channel)
        if queue is None:
            accepted = await self._intake.accept(envelope)
        else:
            accepted = await self._wait(queue, envelope)
        if accepted and self._enabled:
            try:
                await self._heard.spoke_with_us(envelope.place.channel, envelope.place.thread, envelope.message_id)
            except StoreError as error:
                log.info("thread not remembered", reason=error.reason)
        return accepted

    def saw(self, channel: str, ts: str) -> None:
        """Take note of any message, ours to answer or not: where we hear people, something may be missed."""
        if self._enabled and self._heard.saw(channel, ts):
            self._work.set()

    async def withdraw(self, delivery_key: str) -> None:
        """Drop a question that its author deleted, wherever it waits."""
        for queue in self._queues.values():
            for waiting in [w for w in queue.waiting if w.envelope.delivery_key == delivery_key]:
                queue.waiting.remove(waiting)
                waiting.settle()
        await self._intake.withdraw(delivery_key)

    async def _wait(self, queue: Queue, envelope: Envelope) -> bool:
        if sum(len(other.waiting) for other in self._queues.values()) >= WAITING_MAX:
            raise StoreUnavailable("too many messages wait for what was missed before them")
        waiting = Waiting(envelope)
        queue.waiting.append(waiting)
        if not await self._clock.wait(waiting.settled, WAIT_S):
            if not queue.moving:
                log.info("what was missed takes too long to read, newer messages go first")
                await self._let_pass(envelope.place.channel, queue)
            await waiting.settled.wait()
        if waiting.error is not None:
            raise waiting.error
        return waiting.accepted

    async def let_all_pass(self) -> None:
        """Hand on whatever waits: there is no more time."""
        for channel, queue in [(channel, queue) for channel, queue in self._queues.items() if not queue.moving]:
            await self._let_pass(channel, queue)

    async def _let_pass(self, channel: str, queue: Queue) -> None:
        """Hand on what waits in a channel, in order, and let the rest go straight on from then on."""
        queue.moving = True
        waiting: Waiting | None = None
        try:
            while queue.waiting:
                waiting = queue.waiting.popleft()
                try:
                    waiting.settle(await self._intake.accept(waiting.envelope))
                except StoreError as error:
                    waiting.settle(error=error)
        finally:
            for left in [waiting, *queue.waiting]:
                if left is not None and not left.settled.is_set():
                    left.settle(error=StoreUnavailable("stopping"))
            if self._queues.get(channel) is queue:
                del self._queues[channel]

    # --- reading ---

    async def run(self) -> None:
        """Read whenever there is something to read, and write down now and then what was heard; until cancelled."""
        if not self._enabled:
            return
        try:
            while True:
                await self._clock.wait(self._work, SAVE_EVERY_S)
                self._work.clear()
                while self._since:
                    await self._catch_up(self._next())
                if self._left:
                    log.warning("what was missed is left for after the next gap", channels=len(self._left))
                await self._heard.save()
        finally:
            for waiting in [waiting for queue in self._queues.values() for waiting in queue.waiting]:
                waiting.settle(error=StoreUnavailable("stopping"))
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SAVE_S):
                    await self._heard.save()

    @property
    def _is_up_to_date(self) -> bool:
        return not self._since and self._reading is None and not self._left

    def _next(self) -> str:
        """Return the channel to be read next: where somebody waits, else where somebody was heard last."""
        return next((channel for channel in self._since if self._is_awaited(channel)), next(iter(self._since)))

    def _is_awaited(self, channel: str) -> bool:
        queue = self._queues.get(channel)
        return queue is not None and bool(queue.waiting)

    async def _catch_up(self, channel: str) -> None:
        """Read one channel and hand over what was missed there, then what waits behind it."""
        since_s = self._since.pop(channel)
        self._reading = channel
        late = await self._read_bravely(channel, since_s)
        queue = self._queues.get(channel)
        if queue is not None and queue.moving:  # somebody's patience has ended just now
            queue = None
        if queue is not None:
            queue.moving = True
        try:
            for envelope in late:
                await self._hand_over(envelope)
        except StoreError as error:
            log.warning("missed messages not written down", channel=channel, reason=error.reason)
            self._left[channel] = since_s
        self._reading = None
        if queue is not None and channel in self._since:  # another gap, while we read
            queue.moving = False
        elif queue is not None:
            await self._let_pass(channel, queue)

    async def _hand_over(self, envelope: Envelope) -> None:
        if await self._intake.accept(marked_late(envelope, self._back_at_s)):
            log.info("missed message taken", channel=envelope.place.channel)
            await self._heard.spoke_with_us(envelope.place.channel, envelope.place.thread, envelope.message_id)

    async def _read_bravely(self, channel: str, since_s: float) -> list[Envelope]:
        """Read one channel in spite of limits and short troubles; what cannot be read in time is left for later."""
        troubles = 0
        while True:
            if troubles >= TRIES or self._clock.now() > self._read_until:
                self._left[channel] = since_s
                return []
            try:
                return await self._read(channel, since_s)
            except PlatformRateLimited as error:
                wait_s = limits.RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
                reason = error.reason
            except SlackRefused as error:
                log.info("what was missed in a channel cannot be read", channel=channel, reason=error.reason)
                if error.code in GONE:
                    self._heard.forget(channel)
                return []
            except (PlatformError, StoreError) as error:
                troubles += 1
                wait_s, reason = TRY_AGAIN_S * troubles, error.reason
            log.info("reading what was missed goes on later", channel=channel, reason=reason, wait_s=wait_s)
            await self._clock.sleep(wait_s)

    async def _read(self, channel: str, since_s: float) -> list[Envelope]:
        top = await self._read_top(channel, since_s)
        threads = moved_threads(top, since_s, self._us, await self._heard.threads(channel), limits.MISSED_THREADS_MAX)
        replies = [reply for root in threads for reply in await self._read_thread(channel, root, since_s)]
        return questions([*top, *replies], channel, since_s, self._missed.messages, self._rules, self._us)

    async def _read_top(self, channel: str, since_s: float) -> list[Mapping[str, Any]]:
        """Read the newest messages at the top of a channel, newest first: as many as wanted, and no further back."""
        found: list[Mapping[str, Any]] = []
        arguments: dict[str, Any] = {"channel": channel}
        while (wanted := self._missed.messages - len(found)) > 0:
            arguments["limit"] = min(wanted, limits.HISTORY_PAGE)
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
        while self._reads and self._reads[0] <= self._clock.now() - 60.0:
            self._reads.popleft()
        if len(self._reads) >= limits.MISSED_READS_PER_MINUTE:
            await self._clock.sleep(self._reads.popleft() + 60.0 - self._clock.now())
        self._reads.append(self._clock.now())
        return await self._web.call(method, arguments)
