"""What becomes of a press: stop an answer, ask something, tell what one thinks of it."""

import math

import structlog

from bridge.intake.again import Again, Obeyed
from bridge.intake.feedback import Feedback, reason_form
from bridge.intake.gate import Gate, Refusal
from bridge.intake.replying import Replying
from bridge.intake.stopping import Stopping, Verdict
from bridge.model import ControlKind, Press, Pressed, TurnRecord
from bridge.observing import Observer
from bridge.texts import Say, language, say
from bridge.turns.announcing import as_it_stands

log = structlog.get_logger(__name__)


class Presses:
    """Obeys what people press below answers. A press passes the gate like a message."""

    def __init__(
        self,
        gate: Gate,
        stopping: Stopping,
        again: Again,
        feedback: Feedback,
        replying: Replying,
        observer: Observer,
        default_language: str,
        *,
        ask_reasons: bool,
    ) -> None:
        """``ask_reasons``: whoever thinks badly of an answer is asked why."""
        self._gate = gate
        self._stopping = stopping
        self._again = again
        self._feedback = feedback
        self._replying = replying
        self._observer = observer
        self._default_language = default_language
        self._ask_reasons = ask_reasons

    async def obey(self, press: Press) -> Pressed:
        """Do what was pressed; durable when this returns. The same press again changes nothing.

        Raises:
            StoreError: It was not written down, and not obeyed.
        """
        obeyed = await self._obey(press)
        result = "refused" if not obeyed.done else "void" if obeyed.why else "obeyed"
        self._observer.pressed(press.place.instance, press.kind, result)
        log.info("pressed", kind=press.kind, result=result, turn=press.turn_id, platform=press.place.instance)
        locale = language(press.author.locale, self._default_language)
        if obeyed.problems:
            return Pressed(obeyed.done, "\n".join(problem.sentence(locale) for problem in obeyed.problems))
        if obeyed.why is None:
            word = say(obeyed.word, locale) if obeyed.word else ""
            return Pressed(obeyed.done, word, obeyed.form(locale) if obeyed.form else None)
        return Pressed(obeyed.done, say(obeyed.why.say, locale, seconds=max(1, math.ceil(obeyed.why.wait_s))))

    async def _obey(self, press: Press) -> Obeyed:
        if refusal := self._gate.check_press(press):
            return Obeyed(False, refusal)
        match press.kind:
            case ControlKind.STOP:
                return await self._stop(press)
            case ControlKind.RETRY | ControlKind.FOLLOW_UP | ControlKind.REGENERATE:
                return await self._again.ask(press)
            case ControlKind.GOOD | ControlKind.BAD:
                return await self._rate(press)
            case ControlKind.ANSWER:
                return await self._replying.answer(press)

    async def _stop(self, press: Press) -> Obeyed:
        if press.turn_id is not None:
            verdict = await self._stopping.one(press.turn_id, press.author)
        else:
            verdict = await self._stopping.all(lambda turn: _stands_at(turn, press), press.author, waiting=False)
        match verdict:
            case Verdict.STOPPED:
                return Obeyed()
            case Verdict.NOT_YOURS:
                return Obeyed(False, Refusal(Say.NOT_YOURS))
            case Verdict.OVER:
                return Obeyed(True, Refusal(Say.STOP_OVER))

    async def _rate(self, press: Press) -> Obeyed:
        said = await self._feedback.give(press)
        if said is Say.FEEDBACK_SENT:
            may_ask = self._ask_reasons and press.filled is None
            return Obeyed(word=said, form=reason_form if may_ask and press.kind is ControlKind.BAD else None)
        return Obeyed(said is Say.ANSWER_TOO_OLD, Refusal(said))


def _stands_at(turn: TurnRecord, press: Press) -> bool:
    """Tell whether a turn's answer goes where the press was made."""
    here, there = press.place, as_it_stands(turn).place
    return (here.instance, here.team, here.channel, here.thread) == (
        there.instance,
        there.team,
        there.channel,
        there.thread,
    )
