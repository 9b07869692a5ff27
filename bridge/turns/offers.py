"""What is offered below an answer that was delivered: suggested questions, another answer, feedback (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.intake.commands import MARKS, parse_command
from bridge.model import AgentCapabilities, Control, ControlKind, TurnRecord
from bridge.texts import Say, say


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


def head_of(turn: TurnRecord, name: str, locale: str) -> str:
    """Return what stands before the answer to a question that nobody wrote: who asks what, as a quotation."""
    if turn.follows is None:
        return ""
    return f"> {say(Say.ASKS, locale, name=name, question=' '.join(turn.envelope.text.split()))}\n\n"
