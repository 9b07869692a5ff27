"""The configured workflows by the names people type: which there are, who may run them, how one is called (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bridge.intake.commands import RunCall, parse_run
from bridge.keys import join_key
from bridge.model import Author, ConversationKey, Place, RunMode, TurnId, ValueKind
from bridge.routes import AgentBinding
from bridge.settings import AllowLists
from bridge.texts import Say, say
from bridge.workflows.arguments import Arguments, parse_arguments
from bridge.workflows.files import file_names
from bridge.workflows.settings import WorkflowSettings
from bridge.workflows.values import Problem, Rules

SAID = "message"
"""Under this name stands what is said to a chatflow, beside its own parameters."""


VALUE_CHARS = 60
VALUES_SHOWN = 8
"""What the line that announces a run shows of its values."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One configured workflow, and the agent whose service runs it."""

    name: str
    settings: WorkflowSettings
    binding: AgentBinding

    def read(self, text: str, *, with_files: bool = False) -> Arguments:
        """Read what stands behind its name; what is said to a chatflow is the value ``SAID``.

        Args:
            with_files: Files came along, so words without a name are for no parameter that takes one.
        """
        taken = file_names(self.settings.parameters) if with_files else ()
        required = [name for name in self.settings.lacking({}) if name not in taken]
        if self.settings.as_chat:
            required.append(SAID)
        return parse_arguments(text, self.rules(), required)

    def rules(self) -> dict[str, Rules]:
        """Return what can be given, with what is said to a chatflow."""
        rules = self.settings.rules()
        if self.settings.as_chat:
            rules[SAID] = Rules(SAID, ValueKind.TEXT)
        return rules

    def lacking(self, arguments: Arguments) -> tuple[str, ...]:
        """Return what must still be given."""
        missing = self.settings.lacking(dict(arguments.values))
        return (*missing, SAID) if self.settings.as_chat and SAID not in arguments.values else missing

    def usage(self) -> str:
        """Show how it is called."""
        words = [
            f"{name}=…" if parameter.required and not parameter.default else f"[{name}=…]"
            for name, parameter in self.settings.parameters.items()
        ]
        return " ".join(["!run", self.name, *words, *(["…"] if self.settings.as_chat else [])])


@dataclass(frozen=True, slots=True)
class WorkflowBook:
    """All configured workflows."""

    flows: Mapping[str, Flow] = field(default_factory=dict)

    def call(self, text: str) -> RunCall | None:
        """Return the call that a message is, also of a workflow that does not exist."""
        return parse_run(text, self.flows)

    def flow(self, name: str) -> Flow | None:
        """Return a workflow by its name."""
        return self.flows.get(name)

    def lane(self, call: RunCall, conversation: ConversationKey, turn: TurnId) -> ConversationKey:
        """Name the lane of a run: its own, for it may take a day; a chatflow's conversation runs one at a time."""
        flow = self.flows.get(call.name)
        if flow is not None and flow.settings.mode is RunMode.CHAT:
            return ConversationKey(join_key("run", f"{flow.name}/{conversation}"))
        return ConversationKey(join_key("run", turn))

    def announcement(self, call: RunCall, author: Author, locale: str) -> str:
        """Write the line that stands for a run that was begun by a command: who runs what, and with which values."""
        flow = self.flows.get(call.name)
        values = flow.read(call.arguments).values if flow is not None else {}
        shown = "  ".join(_code(f"{name}={value}", VALUE_CHARS) for name, value in [*values.items()][:VALUES_SHOWN])
        who = author.name or author.id
        line = say(Say.RUN_STARTED, locale, who=_code(who, VALUE_CHARS), name=_code(call.name, VALUE_CHARS))
        return f"{line}  {shown}".rstrip()

    def listed(self, place: Place, author: Author, locale: str) -> str:
        """Tell what somebody may run here, and how."""
        lines = [
            f"• `{flow.usage()}`" + (f": {about}" if (about := flow.settings.about(locale)) else "")
            for flow in self.allowed(place, author)
        ]
        return "\n".join([say(Say.RUN_LIST, locale), *lines]) if lines else say(Say.RUN_NONE, locale)

    def refusal(self, call: RunCall, place: Place, author: Author) -> Problem | None:
        """Return why somebody cannot run what she called, before its values are looked at."""
        flow = self.flows.get(call.name)
        if flow is None:
            names = ", ".join(f"`{flow.name}`" for flow in self.allowed(place, author)) or "-"
            return Problem(Say.RUN_UNKNOWN, {"name": call.name, "names": names})
        if not admits(flow.settings.allow, place, author):
            return Problem(Say.RUN_NOT_ALLOWED, {"name": flow.name})
        return None

    def allowed(self, place: Place, author: Author) -> Iterator[Flow]:
        """Yield what somebody may run at a place."""
        return (flow for flow in self.flows.values() if admits(flow.settings.allow, place, author))


def _code(text: str, most_chars: int) -> str:
    """Show a text as it is, in one line, with nothing in it that means anything to a platform."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line if len(line) <= most_chars else line[:most_chars] + '…'}`"


def admits(lists: AllowLists, place: Place, author: Author) -> bool:
    """Tell whether every list that is written names somebody's place, herself, or one of her roles."""
    wanted = (
        (lists.teams, {place.team}),
        (lists.channels, None if place.private else {place.channel}),
        (lists.users, {author.id}),
        (lists.roles, set(author.roles)),
    )
    return all(allowed is None or had is None or not had.isdisjoint(allowed) for allowed, had in wanted)
