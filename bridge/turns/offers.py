"""What is offered below an answer that was delivered: suggested questions, another answer, feedback (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.intake.commands import MARKS, parse_command
from bridge.model import AgentCapabilities, Control, ControlKind, Interruption, TurnId, TurnRecord
from bridge.texts import Say, say
from bridge.workflows.answers import can_be_filled_in, pressed_choices


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be offered; nothing unless it is said.

    Attributes:
        follow_ups: The most of the agent's suggested questions.
        feedback_reason: Whoever thinks badly of the answer is asked why.
    """

    regenerate: bool = False
    follow_ups: int = 0
    feedback: bool = False
    feedback_reason: bool = False

    def possible(self, agent: AgentCapabilities) -> "Offers":
        """Return what of it an agent can do; a new answer it always can give."""
        return replace(self, feedback=self.feedback and agent.feedback)


def suggested(questions: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the questions worth offering, each once.

    What would be a command when somebody asked it is none: an agent's words give no orders in a person's name.
    """
    asked = (question.strip() for question in questions)
    harmless = (question for question in asked if question and not _is_order(question))
    return tuple(dict.fromkeys(harmless))[:most]


def _is_order(question: str) -> bool:
    return question[0] in MARKS or question.startswith("运行") or parse_command(question) is not None


def controls_below(turn: TurnRecord, offers: Offers, locale: str) -> tuple[Control, ...]:
    """Return what stands below a turn's answer; what they need later is in its record."""

    def control(kind: ControlKind, label: str, choice: int = 0) -> Control:
        return Control(kind, turn.turn_id, label, choice)

    follow_ups = enumerate(turn.follow_ups[: offers.follow_ups])
    controls = [control(ControlKind.FOLLOW_UP, " ".join(text.split()), choice) for choice, text in follow_ups]
    if offers.regenerate:
        controls.append(control(ControlKind.REGENERATE, say(Say.REGENERATE_LABEL, locale)))
    if offers.feedback and turn.answer_ids:
        controls.append(control(ControlKind.GOOD, say(Say.GOOD_LABEL, locale)))
        controls.append(control(ControlKind.BAD, say(Say.BAD_LABEL, locale)))
    return tuple(controls)


def answer_controls(turn_id: TurnId, asked: Interruption, locale: str) -> tuple[Control, ...]:
    """Return what stands below a question that a run or an agent asks: its choices, or what opens a form."""
    if choices := pressed_choices(asked):
        labels = (" ".join(choice.split()) or "…" for choice in choices)
        return tuple(Control(ControlKind.ANSWER, turn_id, label, choice) for choice, label in enumerate(labels))
    if not can_be_filled_in(asked):
        return ()
    return (Control(ControlKind.ANSWER, turn_id, say(Say.ANSWER_LABEL, locale)),)


def head_of(turn: TurnRecord, name: str, locale: str) -> str:
    """Return what stands before the answer to what nobody wrote: who asks or answers what, as a quotation."""
    if turn.follows is None:
        return ""
    key = Say.ASKS if turn.answers is None else Say.ANSWERS
    return f"> {say(key, locale, name=name, question=' '.join(turn.envelope.text.split()))}\n\n"
