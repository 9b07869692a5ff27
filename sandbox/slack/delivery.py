"""Delivery of payloads to apps: at least once for events, once for everything else, in no promised order."""

from collections.abc import Callable

from sandbox.clock import SandboxClock
from sandbox.faults import FaultSwitches
from sandbox.journal import Journal
from sandbox.slack.background import Background
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.transport import DELIVERY_FAULTS, Answer, Attempt, Outgoing, Transport


class Delivery:
    """Chooses the way (Socket Mode, or HTTP once the app has a request URL), applies faults, repeats events."""

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        switches: SlackSwitches,
        background: Background,
        *,
        socket: Transport,
        http: Transport,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._switches = switches
        self._background = background
        self._socket = socket
        self._http = http
        self._held: list[Outgoing] | None = None
        self._on_their_way = 0
        self._watchers: list[Callable[[Outgoing], None]] = []
        self.faults = FaultSwitches(DELIVERY_FAULTS)

    @property
    def on_their_way(self) -> int:
        """How many events are being delivered or wait for a repetition."""
        return self._on_their_way

    def emit(self, outgoing: Outgoing) -> None:
        """Deliver an event some time soon; repeated until acknowledged or given up."""
        for watcher in self._watchers:
            watcher(outgoing)
        if self._held is not None:
            self._held.append(outgoing)
        else:
            self._start(outgoing)

    def watch(self, watcher: Callable[[Outgoing], None]) -> None:
        """Let somebody see each event as it happens, before any delivery."""
        self._watchers.append(watcher)

    def hold(self) -> None:
        """Keep all events back until ``release``."""
        self._held = self._held or []

    def release(self, *, reverse: bool = False) -> int:
        """Send what was held back, newest first if ``reverse``; return how many."""
        held, self._held = self._held or [], None
        for outgoing in reversed(held) if reverse else held:
            self._start(outgoing)
        return len(held)

    async def ask(self, outgoing: Outgoing) -> Answer:
        """Deliver a command or an interaction and return the app's answer; not repeated."""
        answer = await self._attempt(outgoing, Attempt(fault=self.faults.take(outgoing.name)))
        repeats = outgoing.kind == "slash_commands" and self._switches.repeat_slash_commands
        if not answer.accepted and repeats:
            return await self._attempt(outgoing, Attempt(1, answer.failure))
        return answer

    def _start(self, outgoing: Outgoing) -> None:
        self._on_their_way += 1
        self._background.spawn(self._deliver(outgoing))

    async def _deliver(self, outgoing: Outgoing) -> None:
        try:
            attempt = Attempt(fault=self.faults.take(outgoing.name))
            for delay_s in (*self._switches.retry_delays_s, None):
                answer = await self._attempt(outgoing, attempt)
                if answer.accepted or answer.no_retry or delay_s is None:
                    return
                await self._clock.sleep(delay_s)
                attempt = Attempt(attempt.number + 1, answer.failure, self.faults.take(outgoing.name))
                self._journal.record(
                    "slack",
                    "redelivery",
                    outgoing.name,
                    attempt=attempt.number,
                    reason=attempt.reason,
                    event_id=outgoing.payload.get("event_id"),
                )
        finally:
            self._on_their_way -= 1

    async def _attempt(self, outgoing: Outgoing, attempt: Attempt) -> Answer:
        way = self._http if outgoing.app.request_url else self._socket
        fault = attempt.fault
        if fault is None:
            return await way.attempt(outgoing, attempt)
        self._journal.record("slack", "fault", outgoing.name, fault=fault.kind, **fault.args)
        if fault.kind == "lose":
            return Answer("timeout")
        if fault.kind == "delay":
            await self._clock.sleep(float(fault.args.get("delay_s", 1.0)))
        if fault.kind == "duplicate":
            await way.attempt(outgoing, Attempt(attempt.number, attempt.reason))
        return await way.attempt(outgoing, attempt)
