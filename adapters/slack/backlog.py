"""What was written while we were away: read after a gap, handed over before what comes newly to the same channel.

Slack delivers an event again for a few minutes; what is older is read. After a gap each channel we know is read, one
after another (nothing tells cheaply which of them moved), as fast as the limits for reading allow: first where somebody
waits, and in turn with that where reading goes back furthest. How far each was read is remembered, so that a process
that is killed again and again comes to the end all the same. A channel in which somebody is heard for the first time
after a gap has perhaps missed its first words, and is read too.

Until its channel has been read, a new message waits behind what was missed, for a moment only: it is not acknowledged
meanwhile. What could not be written down is read again soon; Slack delivers it again three times only.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog

from adapters.slack.heard import Heard
from adapters.slack.ids import ts_seconds
from adapters.slack.inbound import Identity, InboundRules
from adapters.slack.missed import marked_late
from adapters.slack.queues import Queues
from adapters.slack.reading import Reader
from adapters.slack.refusals import SlackRefused
from adapters.slack.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.extension import Services
from bridge.model import Envelope
from bridge.ports import Intake

log = structlog.get_logger(__name__)

SHORT_GAP_S = 10.0
RECENT_S = 3_600.0
"""Slack replaces a connection every few hours. After so short a gap, whose events it mostly delivers again, only the
channels are read in which somebody was heard within the last hour."""

SAVE_EVERY_S = 60.0
LAST_SAVE_S = 2.0
TRY_AGAIN_FIRST_S = 2.0
TRY_AGAIN_MAX_S = 60.0
BEFORE_S = 1.0
"""Reading begins so much before a message that shall be read."""

GONE = frozenset({"channel_not_found", "not_in_channel"})


@dataclass(slots=True)
class _Trouble:
    """A channel that could not be read, or not be handed over: how often in a row, and when to try again."""

    failures: int = 0
    try_at: float = 0.0


class Backlog:
    """Reads what was missed by one adapter instance, and keeps the order of what comes meanwhile."""

    def __init__(self, rules: InboundRules, us: Identity, web: Web, services: Services, intake: Intake) -> None:
        self._clock = services.clock
        self._missed = services.missed
        self._intake = intake
        self._heard = Heard(rules.instance, us.team_id, services.store, services.clock)
        self._reader = Reader(rules, us, web, services.clock)
        self._queues = Queues(intake, services.clock)
        self._enabled = services.missed.age_s > 0 and services.missed.messages > 0
        self._frame_at: float | None = None
        self._gap_at: float | None = None
        self._back_at_s = 0.0
        self._again: set[str] = set()
        self._troubles: dict[str, _Trouble] = {}
        self._was_awaited = False
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
        if self._enabled and self._heard.since_s is not None:
            self._heard.until_now()

    def greeted(self) -> None:
        """Know that a connection has begun; from here on messages wait where something may have been missed."""
        since_s, now_s = self._heard.since_s, self._heard.now_s
        is_short = self._frame_at is not None and self._clock.now() - self._frame_at <= SHORT_GAP_S
        if self._enabled and since_s is None:
            self._heard.begin()
            self._work.set()
        elif self._enabled and since_s is not None:
            self._gap_at = self._clock.now()
            self._back_at_s = max(now_s, self._clock.wall())  # the first lags by a message's journey
            places = self._heard.places(now_s - RECENT_S if is_short else 0.0)
            for channel in dict.fromkeys([*places, *self._heard.behind]):
                self._expect(channel, since_s)
            log.info("reading what was missed", channels=len(self._heard.behind))
        self.frame()

    def _expect(self, channel: str, since_s: float) -> None:
        """Let a channel be read soon, and its new messages wait for it."""
        self._fell_behind(channel, since_s)
        self._troubles.pop(channel, None)
        self._queues.open(channel)

    def _fell_behind(self, channel: str, since_s: float) -> None:
        self._heard.fell_behind(channel, since_s)
        self._again.add(channel)
        self._work.set()

    # --- what comes newly ---

    async def accept(self, envelope: Envelope) -> bool:
        """Hand a new message on, after what was missed in its channel; the rest is as in ``Intake.accept``."""
        try:
            accepted = await self._queues.accept(envelope)
        except StoreError:
            if self._enabled:
                await self._take_later(envelope)
            raise
        if accepted:
            await self._remember_thread(envelope)
        return accepted

    async def _take_later(self, envelope: Envelope) -> None:
        """Read a message that could not be written down: perhaps Slack has given up by the time it can be."""
        channel = envelope.place.channel
        await self._remember_thread(envelope)
        if channel not in self._heard.behind:
            self._try_later(channel)
        self._fell_behind(channel, ts_seconds(envelope.message_id) - BEFORE_S)

    async def _remember_thread(self, envelope: Envelope) -> None:
        if self._enabled:
            try:
                await self._heard.spoke_with_us(envelope.place.channel, envelope.place.thread, envelope.message_id)
            except StoreError as error:
                log.info("thread not remembered", reason=error.reason)

    def saw(self, channel: str, ts: str) -> None:
        """Take note of any message, ours to answer or not: where we hear people, something may be missed."""
        if self._enabled and self._heard.saw(channel, ts):
            self._work.set()
            began_s = self._heard.began_s
            if began_s is not None and self._has_missed_something:
                self._expect(channel, began_s)

    @property
    def _has_missed_something(self) -> bool:
        """There was a gap, and what was written in it is not too old by now."""
        return self._gap_at is not None and self._clock.now() < self._gap_at + self._missed.age_s

    async def withdraw(self, delivery_key: str) -> None:
        """Drop a question that its author deleted, wherever it waits."""
        self._queues.withdraw(delivery_key)
        await self._intake.withdraw(delivery_key)

    async def let_all_pass(self) -> None:
        """Hand on whatever waits: there is no more time."""
        await self._queues.let_all_pass()

    # --- reading ---

    async def run(self) -> None:
        """Read whenever there is something to read, and write down now and then what was heard; until cancelled."""
        if not self._enabled:
            return
        try:
            while True:
                await self._clock.wait(self._work, self._pause_s())
                self._work.clear()
                while (channel := self._next()) is not None:
                    await self._catch_up(channel)
                    await self._heard.save()
                await self._heard.save()
        finally:
            self._queues.give_up()
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SAVE_S):
                    await self._heard.save()

    def _pause_s(self) -> float:
        """Return how long nothing needs to be done by itself."""
        tries = [trouble.try_at for channel, trouble in self._troubles.items() if channel in self._heard.behind]
        return min(SAVE_EVERY_S, max(0.0, min(tries, default=float("inf")) - self._clock.now()))

    def _next(self) -> str | None:
        """Return the channel to be read next: where somebody waits, but every second time the one furthest behind."""
        now, behind = self._clock.now(), self._heard.behind
        ready = [c for c in behind if c not in self._troubles or self._troubles[c].try_at <= now]
        awaited = next((channel for channel in ready if self._queues.is_awaited(channel)), None)
        if awaited is None or self._was_awaited:
            self._was_awaited = False
            return min(ready, key=lambda channel: behind[channel], default=None)
        self._was_awaited = True
        return awaited

    async def _catch_up(self, channel: str) -> None:
        """Read one channel and hand over what was missed there, then what waits behind it."""
        self._again.discard(channel)
        try:
            late = await self._read(channel)
        except (PlatformError, StoreError) as error:
            log.info("what was missed is not read yet", channel=channel, reason=error.reason)
            self._try_later(channel)
            return
        is_held = self._queues.hold(channel)
        try:
            for envelope in late:
                await self._hand_over(envelope)
        except StoreError as error:
            log.warning("missed messages not written down", channel=channel, reason=error.reason)
            self._try_later(channel)
        else:
            self._troubles.pop(channel, None)
            if channel not in self._again:
                self._heard.caught_up(channel)
        if is_held:
            await self._queues.let_go(channel, on=channel not in self._again)

    async def _read(self, channel: str) -> list[Envelope]:
        since_s = max(self._heard.behind[channel], self._heard.now_s - self._missed.age_s)
        try:
            old_threads = await self._heard.threads(channel)
            return await self._reader.read(channel, since_s, old_threads, self._missed.messages)
        except SlackRefused as error:
            log.info("what was missed in a channel cannot be read", channel=channel, reason=error.reason)
            if error.code in GONE:
                self._heard.forget(channel)
            return []

    async def _hand_over(self, envelope: Envelope) -> None:
        if await self._intake.accept(marked_late(envelope, self._back_at_s)):
            log.info("missed message taken", channel=envelope.place.channel)
            await self._remember_thread(envelope)

    def _try_later(self, channel: str) -> None:
        """Leave a channel alone for a while; its new messages run out of patience meanwhile."""
        trouble = self._troubles.setdefault(channel, _Trouble())
        pause_s = min(TRY_AGAIN_MAX_S, TRY_AGAIN_FIRST_S * 2.0**trouble.failures)
        trouble.failures += 1
        trouble.try_at = self._clock.now() + pause_s
