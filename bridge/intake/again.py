"""Questions that are asked by a press: one that failed again, one anew for another answer, one that was suggested.

Each is a turn of its own under a key that names the control, so a control asks once however often it is pressed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bridge.intake.admission import Admission
from bridge.intake.gate import Gate, Refusal
from bridge.keys import control_key, conversation_key, turn_id
from bridge.model import ControlKind, Form, PostedPart, Press, Scope, TurnRecord, TurnState
from bridge.ports import Clock, Store
from bridge.texts import Say
from bridge.turns.announcing import as_it_stands
from bridge.turns.lanes import LaneFull, Lanes
from bridge.workflows.values import Problem

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Obeyed:
    """``done`` as in ``Pressed``; ``why`` not, or not now; or the ``word`` to the presser that it was.

    ``form`` makes what is to be asked of her now, in her language; ``problems`` are what was wrong in it.
    """

    done: bool = True
    why: Refusal | None = None
    word: Say | None = None
    form: Callable[[str], Form] | None = None
    problems: tuple[Problem, ...] = ()


class Again:
    """Asks what controls stand for. The press has passed the gate."""

    def __init__(
        self, gate: Gate, admission: Admission, lanes: Lanes, store: Store, clock: Clock, scope: Scope
    ) -> None:
        self._gate = gate
        self._admission = admission
        self._lanes = lanes
        self._store = store
        self._clock = clock
        self._scope = scope

    async def ask(self, press: Press) -> Obeyed:
        """Ask; durable when this returns.

        Raises:
            StoreError: It was not written down, and not asked.
        """
        turn = await self._store.turn(press.turn_id) if press.turn_id else None
        wanted = self._wanted(turn, press) if turn else None
        if turn is None or wanted is None:
            is_new = press.kind is ControlKind.FOLLOW_UP
            return Obeyed(True, Refusal(Say.ANSWER_TOO_OLD if is_new else Say.RETRY_TOO_OLD))
        if refusal := await self._refuses(press, turn, wanted):
            return Obeyed(False, refusal)
        if await self._store.turn(wanted.turn_id) is not None:
            return Obeyed()
        now, key = self._clock.now(), wanted.envelope.delivery_key
        if refusal := self._gate.check_pace(press.place, press.author, key, now):
            return Obeyed(False, refusal)
        try:
            if await self._admission.queue(wanted):
                log.info("asked by a press", turn=wanted.turn_id, kind=press.kind, below=turn.turn_id)
        except LaneFull:
            return Obeyed(False, Refusal(Say.QUEUE_FULL))
        return Obeyed()

    def _wanted(self, turn: TurnRecord, press: Press) -> TurnRecord | None:
        """Return the turn that a control stands for; ``None`` if there never was such a control."""
        key, now_s = control_key(turn, press.kind, press.choice), self._clock.wall()
        envelope = replace(as_it_stands(turn), delivery_key=key, sent_at_s=now_s, late=False)
        if press.kind is ControlKind.FOLLOW_UP:
            if not 0 <= press.choice < len(turn.follow_ups):
                return None
            envelope = replace(envelope, author=press.author, text=turn.follow_ups[press.choice], attachments=())
            personal = self._scope is Scope.USER
            lane = conversation_key(envelope.place, press.author, self._scope) if personal else turn.key
            return TurnRecord(turn_id(key), lane, envelope, created_at_s=now_s, follows=turn.turn_id)
        again = TurnRecord(
            turn_id(key),
            turn.key,
            envelope,
            created_at_s=now_s,
            also=turn.also,
            interrupts=turn.interrupts,
            answers=turn.answers,
            follows=turn.follows,
        )
        if press.kind is not ControlKind.REGENERATE:
            return again
        # The first message is a placeholder to the new turn; the others are taken away when it begins.
        parts = tuple(PostedPart(0, part.message_id, wordless=True) for part in turn.parts[:1])
        return replace(again, replaces=turn.turn_id, parts=parts)

    async def _refuses(self, press: Press, turn: TurnRecord, wanted: TurnRecord) -> Refusal | None:
        if press.kind is not ControlKind.FOLLOW_UP and not self._gate.may_stop(press.author, turn.envelope.author):
            return Refusal(Say.NOT_YOURS)
        if turn.state is not TurnState.ENDED:
            return Refusal(Say.RETRY_RUNNING)
        if press.kind is ControlKind.REGENERATE and await self._store.turn(wanted.turn_id) is None:
            return await self._has_gone_on(turn)
        return None

    async def _has_gone_on(self, turn: TurnRecord) -> Refusal | None:
        """Refuse another answer to a question on whose answer others rest already: the agent knows no branches."""
        known = await self._store.conversation(turn.key)
        is_last = known is not None and (known.conversation_id, known.last_turn) == (turn.conversation_id, turn.turn_id)
        return None if is_last and not self._lanes.is_active(turn.key) else Refusal(Say.REGENERATE_GONE_ON)
