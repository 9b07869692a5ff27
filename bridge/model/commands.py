"""Commands of a platform's own: what somebody typed after a slash, chose from a menu, or sent in a form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.model.inbound import Author, Envelope, Place
from bridge.model.workflow import ValueKind


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a form asks for; the adapter chooses the input that suits it.

    Attributes:
        name: What it comes back as; a parameter's name.
        label: As people read it, in their language.
        value: What stands in it at first, as it would be typed.
        choices: What can be chosen, for ``ValueKind.CHOICE``.
        labels: As people read them, one for each of ``choices``; empty: as they are.
        max_length: Characters at most.
        many: It takes a list, as it is written with commas.
    """

    name: str
    kind: ValueKind
    label: str
    required: bool = True
    value: str = ""
    choices: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    many: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody has to fill in.

    Before a workflow can run: what she sends comes back as ``Invocation.filled``, and files that she puts into it as
    the envelope's attachments, each with its field as ``Attachment.given_for``. The attachments of the call that the
    form answers come back with them.

    Below an answer: it comes back as ``Press.filled``.

    Attributes:
        workflow: Its name; empty for a form that lets her choose one, and for one below an answer.
        about: What it is for, and what was wrong with what she typed; may be empty.
        submit: The word on its button.
    """

    workflow: str
    title: str
    fields: tuple[Field, ...]
    about: str = ""
    submit: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A configured workflow as adapters announce it to their platforms.

    Attributes:
        slash: The slash command of its own, with the slash; empty for none.
        private: What it says is for the person alone who runs it.
        forms: By language, all that can be given.
    """

    name: str
    slash: str
    private: bool
    forms: Mapping[str, Form]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command as it reached us.

    Attributes:
        envelope: A ``command``; its text as if it had been typed as a message, with the mark: ``!run NAME ...``.
        filled: What a form brought, by field, as it would be typed; the text then is ``!run NAME`` alone, or ``!run``
            where the workflow is chosen in the form.
        subject: The text of a message that the command is about; it is offered to the workflow.
        given: What was given by name, as it would be typed; the text then is ``!run NAME`` alone. What is missing or
            wrong is asked for in a form.
        draft: A form of which more is still to come: it is looked at and not obeyed. The whole form comes back as far
            as it is filled in, with what is wrong or missing.
    """

    envelope: Envelope
    filled: Mapping[str, str] | None = None
    subject: str = ""
    given: Mapping[str, str] | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Typing:
    """What somebody is typing into a command of the platform's own, for which she may be shown what fits.

    Attributes:
        workflow: Whose parameter it is; empty while the workflow itself is chosen.
        field: The parameter's name.
        typed: As far as she has come.
    """

    place: Place
    author: Author
    workflow: str = ""
    field: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Invoked:
    """What became of an invocation; for the caller alone to see.

    Attributes:
        accepted: It is written down and will be obeyed, or was before.
        form: To be shown now.
        sentence: What is wrong; beside a form, for the case that it cannot be shown.
        errors: What is wrong with a form's fields, by name; it stays open, or is opened again. What belongs to none of
            them stands under the empty name.
    """

    accepted: bool = False
    form: Form | None = None
    sentence: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Root:
    """The message of ours that stands for a command: the answer goes to ``place``, below it."""

    place: Place
    message_id: str
