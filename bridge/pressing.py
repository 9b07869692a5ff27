"""What becomes of a press: stop an answer, ask a question again."""

import math
from dataclasses import dataclass, replace

import structlog

from bridge.admission import Admission
from bridge.announcing import as_it_stands
from bridge.gate import Gate, Refusal
from bridge.keys import retry_key, turn_id
from bridge.lanes import LaneFull, Lanes
from bridge.model import ControlKind, Press, Pressed, TurnRecord, TurnState
from bridge.observing import Observer
from bridge.ports import Clock, Store
from bridge.stopping import Stopping, Verdict
from bridge.texts import Say, language, say

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Obeyed:
    """``done`` as in ``Pressed``; ``why`` not, or not now."""

    done: bool = True
    why: Refusal | None = None


class Presses:
    """Obeys what people press below answers. A press passes the gate like a message."""

    def __init__(
        self,
        gate: Gate,
        stopping: Stopping,
        admission: Admission,
        lanes: Lanes,
        store: Store,
        clock: Clock,
        observer: Observer,
        default_language: str,
    ) -> None:
        self._gate = gate
        self._stopping = stopping
        self._admission = admission
        self._lanes = lanes
        self._store = store
        self._clock = clock
        self._observer = observer
        self._default_language = default_language

    async def obey(self, press: Press) -> Pressed:
        """Do what was pressed; durable when this returns. The same press again changes nothing.

        Raises:
            StoreError: It was not written down, and not obeyed.
        """
        obeyed = await self._obey(press)
        result = "refused" if not obeyed.done else "void" if obeyed.why else "obeyed"
        self._observer.pressed(press.place.instance, press.kind, result)
        log.info("pressed", kind=press.kind, result=result, turn=press.turn_id, platform=press.place.instance)
        if obeyed.why is None:
            return Pressed(obeyed.done)
        locale = language(press.author.locale, self._default_language)
        return Pressed(obeyed.done, say(obeyed.why.say, locale, seconds=max(1, math.ceil(obeyed.why.wait_s))))

    async def _obey(self, press: Press) -> _Obeyed:
        if refusal := self._gate.check_press(press):
            return _Obeyed(False, refusal)
        match press.kind:
            case ControlKind.STOP:
                return await self._stop(press)
            case ControlKind.RETRY:
                return await self._retry(press)

    async def _stop(self, press: Press) -> _Obeyed:
        if press.turn_id is not None:
            verdict = await self._stopping.one(press.turn_id, press.author)
        else:
            verdict = await self._stopping.all(lambda turn: _stands_at(turn, press), press.author, waiting=False)
        match verdict:
            case Verdict.STOPPED:
                return _Obeyed()
            case Verdict.NOT_YOURS:
                return _Obeyed(False, Refusal(Say.NOT_YOURS))
            case Verdict.OVER:
                return _Obeyed(True, Refusal(Say.STOP_OVER))

    async def _retry(self, press: Press) -> _Obeyed:
        """Ask the question of a turn again, in the same conversation, as a turn of its own."""
        failed = await self._store.turn(press.turn_id) if press.turn_id else None
        if failed is None:
            return _Obeyed(True, Refusal(Say.RETRY_TOO_OLD))
        if not self._gate.may_stop(press.author, failed.envelope.author):
            return _Obeyed(False, Refusal(Say.NOT_YOURS))
        if failed.state is not TurnState.ENDED:
            return _Obeyed(False, Refusal(Say.RETRY_RUNNING))
        now_s = self._clock.wall()
        envelope = replace(as_it_stands(failed), delivery_key=retry_key(failed), sent_at_s=now_s, late=False)
        turn = TurnRecord(
            turn_id(envelope.delivery_key),
            failed.key,
            envelope,
            created_at_s=now_s,
            also=failed.also,
            interrupts=failed.interrupts,
            answers=failed.answers,
        )
        if await self._store.turn(turn.turn_id) is not None:
            return _Obeyed()
        if refusal := self._gate.check_pace(press.place, press.author, envelope.delivery_key, self._clock.now()):
            return _Obeyed(False, refusal)
        try:
            ticket = self._lanes.reserve(turn.key)
        except LaneFull:
            return _Obeyed(False, Refusal(Say.QUEUE_FULL))
        try:
            if await self._admission.admit(turn, ticket):
                log.info("asked again", turn=turn.turn_id, again=failed.turn_id, outcome=failed.outcome)
        finally:
            ticket.drop()
        return _Obeyed()


def _stands_at(turn: TurnRecord, press: Press) -> bool:
    """Tell whether a turn's answer goes where the press was made."""
    here, there = press.place, as_it_stands(turn).place
    return (here.instance, here.team, here.channel, here.thread) == (
        there.instance,
        there.team,
        there.channel,
        there.thread,
    )
