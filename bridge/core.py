"""The core put together: intake, lanes, turns and commands on one store, for the platforms and agents it is given.

Everything that asks and answers is in here, and nothing that reaches outside: ``app`` gives it the real world, tests
give it fakes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bridge.delivery.pacing import Pacer
from bridge.files.attachments import Carrier
from bridge.files.fetching import Fetcher
from bridge.intake.accepting import Intake
from bridge.intake.admission import Admission
from bridge.intake.again import Again
from bridge.intake.busy import Busy
from bridge.intake.commands import parse_command
from bridge.intake.control import Control, Dispatch
from bridge.intake.feedback import Feedback
from bridge.intake.gate import Gate, GateRules
from bridge.intake.invoking import Invocations
from bridge.intake.pressing import Presses
from bridge.intake.replying import Replying
from bridge.intake.stopping import Stopping
from bridge.model import TurnState
from bridge.observing import UNOBSERVED, Observer
from bridge.ports import Clock, Platform, Store
from bridge.routes import Routes
from bridge.turns.filing import Filings
from bridge.turns.lanes import Lanes
from bridge.turns.live import LiveTurn
from bridge.turns.run_order import Surroundings
from bridge.turns.turn import TurnOptions, Turns
from bridge.turns.waits import Waits, is_waiting
from bridge.workflows.book import WorkflowBook

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CoreOptions:
    """What the operator decides.

    Attributes:
        max_waiting: Questions that may wait in a lane behind the running one.
        late_within_s: Questions that were missed are answered if they are not older.
    """

    turns: TurnOptions = field(default_factory=TurnOptions)
    gate: GateRules = field(default_factory=GateRules)
    max_waiting: int = 10
    late_within_s: float = 12 * 3600.0


class Core:
    """One process's core. It lives in ``tasks``; ``drain`` it before they end.

    Args:
        platforms: By name; may still grow until questions come from them.
        book: The configured workflows.
        holder: Who holds the lanes' leases: a name of this process.
        live: The running turns by id; may be shared with whoever has to find one.
        fetcher: Reads what answers link to; ``None``: links stay links.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        store: Store,
        clock: Clock,
        routes: Routes,
        platforms: Mapping[str, Platform],
        options: CoreOptions,
        *,
        holder: str,
        book: WorkflowBook | None = None,
        live: dict[str, LiveTurn] | None = None,
        observer: Observer = UNOBSERVED,
        fetcher: Fetcher | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._platforms = platforms
        self._observer = observer
        scope = options.turns.asking.scope
        self.lanes = Lanes(tasks, store, clock, holder=holder, max_waiting=options.max_waiting)
        turns = options.turns
        runs = Surroundings(
            book or WorkflowBook(),
            Waits(store, clock),
            store,
            clock,
            turns.asking,
            Carrier(turns.files),
            turns.result_chars,
        )
        filings = Filings(clock, turns.answer_files, fetcher)
        self.turns = Turns(routes, store, clock, Pacer(), options.turns, platforms, runs, filings, live, observer)
        gate = Gate(options.gate)
        speaks = options.turns.default_language
        busy = Busy(self.lanes, self.turns.live, store, routes, platforms)
        admission = Admission(self.lanes, busy, store, platforms, speaks)
        stopping = Stopping(self.turns.live, self.lanes, gate)
        again = Again(gate, admission, self.lanes, store, clock, scope)
        feedback = Feedback(store, routes)
        replying = Replying(gate, admission, store, clock)
        presses = Presses(
            gate,
            stopping,
            again,
            feedback,
            replying,
            observer,
            speaks,
            ask_reasons=options.turns.offers.feedback_reason,
        )
        keep_s = options.turns.asking.keep_s
        control = Control(self.turns, self.lanes, stopping, routes, runs, store, platforms, scope=scope, keep_s=keep_s)
        self.lanes.employ(Dispatch(self.turns, control, busy, runs))
        self.intake = Intake(
            gate,
            self.lanes,
            store,
            clock,
            platforms,
            admission,
            presses,
            Invocations(gate, runs.book, turns.files, speaks),
            runs=runs,
            scope=scope,
            keep_s=keep_s,
            late_within_s=options.late_within_s,
        )

    async def take_up(self) -> None:
        """Queue what the last stop or crash left unfinished, in order; before anything new is received."""
        for turn in await self._store.unfinished():
            if turn.envelope.place.instance not in self._platforms:
                log.warning("unfinished turn left", turn=turn.turn_id, state=turn.state)
                continue
            if turn.state is TurnState.WAITING and is_waiting(turn, self._clock.wall()):
                continue
            log.info("turn taken up", turn=turn.turn_id, state=turn.state)
            self._observer.turn_taken_up(turn.envelope.place.instance, turn.state)
            urgent = turn.answers is None and parse_command(turn.envelope.text) is not None
            self.lanes.reserve(turn.key, bounded=False, urgent=urgent).fill(turn)

    def rest(self) -> None:
        """Begin no more questions; what comes is written down for the next start."""
        self.lanes.rest()

    async def end_overdue(self) -> None:
        """End the turns whose runs have waited too long for an answer."""
        for turn in await self._store.unfinished():
            known = turn.envelope.place.instance in self._platforms
            if known and turn.state is TurnState.WAITING and not is_waiting(turn, self._clock.wall()):
                self.lanes.reserve(turn.key, bounded=False).fill(turn)

    async def drain(self, deadline_s: float) -> int:
        """Let running turns finish for at most ``deadline_s``, then cut them; returns how many were cut."""
        return await self.lanes.drain(deadline_s)
