"""Every way in: what people do on Discord that reaches the intake (pure).

The receiver lets nothing else through, and a test shows of each that it is closed to whoever may not use us.
"""

from enum import StrEnum

from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.ids import parse_control_id
from adapters.discord.presses import APPLICATION_COMMAND, AUTOCOMPLETE, MESSAGE_COMPONENT, MODAL_SUBMIT
from adapters.discord.registry import MESSAGE_MENU
from adapters.discord.steps import Step, parse_step


class Entrance(StrEnum):
    """One way in, beside the deletion of a message, which only takes back what its author asked."""

    MESSAGE = "message"
    """A mention, a reply, in private, in a thread of ours, with a command in words."""
    SLASH = "slash_command"
    AUTOCOMPLETE = "autocomplete"
    """What somebody is typing into a command."""
    CONTEXT_MENU = "context_menu"
    BUTTON = "button"
    """Below an answer."""
    REASONS = "reasons"
    """The modal that a button opened."""
    SELECT = "select"
    """In which a workflow is chosen."""
    FORM = "form"
    """A workflow's modal."""
    STEP = "step"
    """A button between two modals of one workflow."""


EVENTS = {"MESSAGE_CREATE": Entrance.MESSAGE}
"""Events of the gateway that are one entrance each; an interaction is told by ``entrance_of``."""
TAKING_BACK = ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK")
INTERACTION = "INTERACTION_CREATE"


def entrance_of(interaction: Payload) -> Entrance | None:
    """Return by which way an interaction comes in; ``None`` for what people cannot do here."""
    data = mapping_in(interaction, "data")
    custom_id = text_in(data, "custom_id")
    step = parse_step(custom_id)
    match interaction.get("type"):
        case kind if kind == APPLICATION_COMMAND:
            return Entrance.CONTEXT_MENU if data.get("type") == MESSAGE_MENU else Entrance.SLASH
        case kind if kind == AUTOCOMPLETE:
            return Entrance.AUTOCOMPLETE
        case kind if kind == MESSAGE_COMPONENT:
            if step is None:
                return Entrance.BUTTON
            return Entrance.SELECT if step[0] is Step.CHOSEN else Entrance.STEP
        case kind if kind == MODAL_SUBMIT:
            return Entrance.REASONS if parse_control_id(custom_id) is not None else Entrance.FORM
    return None
