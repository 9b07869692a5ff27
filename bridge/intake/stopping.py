"""Stops questions, whoever wants it: by a word, by a press, or by asking something else.

A stop is never queued behind what it stops: a running turn is told at once, one that waits is taken out of its lane.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import structlog

from bridge.intake.gate import Gate
from bridge.model import Author, Outcome, TurnId, TurnRecord
from bridge.turns.lanes import Lanes
from bridge.turns.live import LiveTurn

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What became of the wish to stop something."""

    STOPPED = "stopped"
    NOT_YOURS = "not_yours"
    OVER = "over"


class Stopping:
    """Finds what somebody means and stops what she may stop; see ``Gate.may_stop``."""

    def __init__(self, live: Mapping[str, LiveTurn], lanes: Lanes, gate: Gate) -> None:
        self._live = live
        self._lanes = lanes
        self._gate = gate

    async def one(self, turn_id: TurnId, who: Author) -> Verdict:
        """Stop one turn. Durable when this returns, carried out behind it. Repeat freely."""
        live = self._live.get(turn_id)
        waiting = None if live else self._lanes.find(turn_id)
        record = live.record if live else waiting
        if record is None:
            return Verdict.OVER
        if not self._gate.may_stop(who, record.envelope.author):
            return Verdict.NOT_YOURS
        log.info("stopping", turn=turn_id, by_asker=who.id == record.envelope.author.id, running=live is not None)
        stopped = await (live.stop(Outcome.STOPPED) if live else self._lanes.withdraw(turn_id, Outcome.STOPPED))
        return Verdict.STOPPED if stopped else Verdict.OVER

    async def all(self, are_meant: Callable[[TurnRecord], bool], who: Author, *, waiting: bool) -> Verdict:
        """Stop what runs, and what waits if ``waiting``: her own turns, and only without any those of others.

        First those that wait, so that none of them starts meanwhile.
        """
        found = [record for record in self._lanes.waiting() if waiting and are_meant(record)]
        found += [live.record for live in self._live.values() if are_meant(live.record)]
        own = [record for record in found if record.envelope.author.id == who.id]
        verdicts = [await self.one(record.turn_id, who) for record in own or found]
        return next((verdict for verdict in Verdict if verdict in verdicts), Verdict.OVER)
