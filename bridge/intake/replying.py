"""Answers that are pressed: what a workflow's run or an agent asks is answered by a choice, or by a form.

An answer is a turn of its own in the lane of what asked, as one that was written; it has another key each time that the
question is still open, so what was lost on the way can be pressed again.
"""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from bridge.intake.admission import Admission
from bridge.intake.again import Obeyed
from bridge.intake.gate import Gate, Refusal
from bridge.keys import control_key, turn_id
from bridge.model import AskKind, ControlKind, Interruption, Press, TurnRecord, TurnState
from bridge.ports import Clock, Store
from bridge.texts import Say
from bridge.turns.announcing import as_it_stands
from bridge.turns.lanes import LaneFull
from bridge.turns.waits import asked_by, is_waiting
from bridge.workflows.answers import ANSWER, answer_form, pressed_choices, read_answer
from bridge.workflows.forms import quoted
from bridge.workflows.values import Problem

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 20
"""So often one question is answered by pressing; after that in words."""


class Replying:
    """Hands over what somebody answers by pressing. The press has passed the gate."""

    def __init__(self, gate: Gate, admission: Admission, store: Store, clock: Clock) -> None:
        self._gate = gate
        self._admission = admission
        self._store = store
        self._clock = clock

    async def answer(self, press: Press) -> Obeyed:
        """Answer, or ask for the answer in a form; durable when this returns.

        Raises:
            StoreError: It was not written down, and not answered.
        """
        turn = await self._store.turn(press.turn_id) if press.turn_id else None
        asked = asked_by(turn) if turn is not None else None
        if turn is None or asked is None or not is_waiting(turn, self._clock.wall()):
            return Obeyed(True, Refusal(Say.RUN_ANSWERED))
        if press.author.id != turn.envelope.author.id:
            return Obeyed(False, Refusal(Say.NOT_YOURS))
        text = _said(asked.question, press)
        if text is None:
            return Obeyed(False, form=lambda locale: answer_form(asked.question, locale))
        if isinstance(problems := read_answer(asked.question, text), list):
            return Obeyed(False, problems=tuple(problems))
        if not text.strip():
            return Obeyed(False, problems=(Problem(Say.FORM_MISSING),))
        return await self._hand_over(press, turn, text)

    async def _hand_over(self, press: Press, turn: TurnRecord, text: str) -> Obeyed:
        key = await self._free_key(turn)
        if key is None:
            return Obeyed(True, Refusal(Say.RUN_ANSWERED))
        if refusal := self._gate.check_pace(press.place, press.author, key, self._clock.now()):
            return Obeyed(False, refusal)
        now_s = self._clock.wall()
        envelope = replace(
            as_it_stands(turn),
            delivery_key=key,
            author=press.author,
            text=text,
            attachments=(),
            sent_at_s=now_s,
            late=False,
        )
        wanted = TurnRecord(
            turn_id(key),
            turn.key,
            envelope,
            created_at_s=now_s,
            agent=turn.agent,
            answers=turn.turn_id,
            follows=turn.turn_id,
        )
        try:
            if await self._admission.queue(wanted):
                log.info("answered by a press", turn=wanted.turn_id, asked=turn.turn_id)
        except LaneFull:
            return Obeyed(False, Refusal(Say.QUEUE_FULL))
        return Obeyed()

    async def _free_key(self, turn: TurnRecord) -> str | None:
        """Return the key of the next answer; ``None`` while one is on its way."""
        for attempt in range(ATTEMPTS_MAX):
            key = control_key(turn, ControlKind.ANSWER, attempt)
            known = await self._store.turn(turn_id(key))
            if known is None:
                return key
            if known.state is not TurnState.ENDED:
                return None
        return None


def _said(asked: Interruption, press: Press) -> str | None:
    """Return the answer that a press gives, as it would be written; ``None`` where a form has to be filled in."""
    if press.filled is None:
        choices = pressed_choices(asked)
        return choices[press.choice] if 0 <= press.choice < len(choices) else None
    if asked.kind is AskKind.INPUT and asked.fields:
        return _line(press.filled)
    return press.filled.get(ANSWER, "")


def _line(filled: Mapping[str, str]) -> str:
    return " ".join(f"{name}={quoted(text)}" for name, text in filled.items() if text.strip())
