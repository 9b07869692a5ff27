"""Presses of what stands below an answer, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.model.commands import Form
from bridge.model.inbound import Author, Place
from bridge.model.names import TurnId
from bridge.model.shown import ControlKind


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a control, or did what means the same on her platform.

    Attributes:
        turn_id: The turn the control stands for; ``None`` where the platform tells only the place.
        place: Where the control stands; its thread is the answer's.
        author: Who pressed; ``locale`` as far as the platform tells it with the press.
        message_id: The message that carries the control; empty when there is none.
        choice: As the control's.
        filled: What the form brought that the control opened (``Pressed.form``), by field, as it would be typed; the
            rest is as in the press that opened it.
    """

    kind: ControlKind
    turn_id: TurnId | None
    place: Place
    author: Author
    message_id: str = ""
    choice: int = 0
    filled: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """What became of a press.

    Attributes:
        done: It was obeyed, now or by an earlier press of the same control, or there is nothing left to obey: a control
            that is good for one press can be taken away.
        sentence: For the presser alone to read; empty when what she sees says enough. Beside a form, for the case that
            it cannot be shown.
        form: To be shown now. The press is obeyed already: whoever closes it takes nothing back.
    """

    done: bool
    sentence: str = ""
    form: Form | None = None
