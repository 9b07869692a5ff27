"""What a run is to be: which workflow, with which values and files, or which answer to an earlier run."""

from dataclasses import dataclass

from bridge.files.attachments import Carrier, Wanted, list_left_out, sort_out
from bridge.keys import agent_user_id, conversation_key
from bridge.model import (
    Envelope,
    FileKind,
    Interruption,
    Outcome,
    ResultPlace,
    RunMode,
    TurnId,
    TurnRecord,
    TurnState,
    WorkflowRun,
)
from bridge.ports import Clock, Platform, Store, Workflows
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.exchange import Ending
from bridge.turns.ledger import Ledger
from bridge.turns.waits import Waits
from bridge.workflows.answers import read_answer
from bridge.workflows.book import SAID, Flow, WorkflowBook
from bridge.workflows.files import assign, file_names, file_value, unfitting
from bridge.workflows.values import Problem

UNBEGUN = frozenset({TurnState.ACCEPTED, TurnState.OPENING, TurnState.OPENED})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs need of the core.

    Attributes:
        result_chars: A result that is longer goes into a file; ``None``: none does.
    """

    book: WorkflowBook
    waits: Waits
    store: Store
    clock: Clock
    options: AskingOptions
    carrier: Carrier
    result_chars: int | None = None


class RunOrder:
    """What one message orders: a run, or the answer to one that waits."""

    def __init__(
        self, envelope: Envelope, locale: str, *, platform: Platform, ledger: Ledger, around: Surroundings
    ) -> None:
        self._envelope = envelope
        self._locale = locale
        self._platform = platform
        self._ledger = ledger
        self._around = around
        self._values: dict[str, object] = {}
        self._files: dict[str, list[Wanted]] = {}
        self._flow: Flow | None = None
        self.said = ""
        self.answered: TurnRecord | None = None

    @property
    def mode(self) -> RunMode | None:
        """How it runs; ``None`` as long as nobody knows what."""
        return self._flow.settings.mode if self._flow is not None else None

    @property
    def leaves_files(self) -> bool:
        """Tell whether files came with the message that no parameter takes."""
        return sum(len(files) for files in self._files.values()) < len(self._envelope.attachments)

    async def refuses(self, *, may_move: bool = False) -> Ending | None:
        """Find out what is to be run; what is wrong with it is said at once, all of it.

        Args:
            may_move: What it says can go elsewhere than where it was called.
        """
        record = self._ledger.record
        if record.answers is not None:
            return await self._refuses_answer(record.answers)
        call = self._around.book.call(self._envelope.text)
        if call is None or not call.name:
            listed = self._around.book.listed(self._envelope.place, self._envelope.author, self._locale)
            return Ending(Outcome.REFUSED, listed)
        flow = self._flow = self._around.book.flow(call.name)
        problem = self._around.book.refusal(call, self._envelope.place, self._envelope.author)
        if flow is None or (problem and record.state in UNBEGUN):
            return self._refused([problem] if problem else [])
        arguments = flow.read(call.arguments, with_files=bool(self._envelope.attachments))
        problems = list(arguments.problems)
        wanted, left_out = sort_out([self._envelope], self._around.carrier.rules, frozenset(FileKind))
        self._files = assign(flow.settings.parameters, arguments.values, wanted)
        missing = [name for name in flow.lacking(arguments) if name not in self._files]
        for name in [name for name in missing if name in flow.settings.parameters]:
            if bad := unfitting(flow.settings.parameters, name, self._envelope.attachments):
                problems.append(bad)
                missing.remove(name)
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            problems.append(Problem(Say.VALUES_MISSING, {"names": names}))
        if problems and record.state in UNBEGUN:
            if left_out and file_names(flow.settings.parameters):
                problems.append(Problem(Say.RUN_FILES_LACKING, {"files": list_left_out(left_out, self._locale)}))
            problems.append(Problem(Say.RUN_USAGE, {"usage": flow.usage()}))
            return self._refused(problems)
        is_public = flow.settings.result is ResultPlace.ONLY_ME and not self._envelope.place.private
        if is_public and not may_move and record.state in UNBEGUN:
            return self._refused([Problem(Say.RUN_PRIVATE, {"name": flow.name})])
        self._values = dict(arguments.values)
        self.said = str(self._values.pop(SAID, ""))
        return None

    async def _refuses_answer(self, turn_id: TurnId) -> Ending | None:
        """Look at what is answered, and whether it still can be."""
        asked = await self._around.store.turn(turn_id)
        if asked is None or asked.run is None or asked.run.asked is None:
            return self._refused([Problem(Say.RUN_ANSWERED)])
        self.answered = asked
        self._flow = self._around.book.flow(asked.run.workflow)
        if self._flow is None:
            return self._refused([Problem(Say.RUN_UNKNOWN, {"name": asked.run.workflow, "names": "-"})])
        if self._ledger.state not in UNBEGUN:
            return None
        if asked.state is not TurnState.WAITING:
            return self._refused([Problem(Say.RUN_ANSWERED)])
        answer = read_answer(asked.run.asked, self._envelope.text)
        if isinstance(answer, list):
            return self._refused([*answer, Problem(Say.RUN_STILL_WAITS)])
        self.said = answer
        return None

    def _refused(self, problems: list[Problem]) -> Ending:
        return Ending(Outcome.REFUSED, "\n".join(problem.sentence(self._locale) for problem in problems))

    async def bring_files(self) -> Ending | None:
        """Upload the files that parameters take; the end where one cannot be: without it, it would be another run."""
        for name, wanted in self._files.items():
            carried = await self._around.carrier.carry(wanted, self._platform, self.flow.binding.agent)
            if carried.left_out:
                passing = any(file.passing for file in carried.left_out)
                listed = list_left_out(carried.left_out, self._locale)
                return Ending(
                    Outcome.FAILED if passing else Outcome.REFUSED,
                    say(Say.RUN_FILES_LACKING, self._locale, files=listed),
                    "a file could not be passed on",
                )
            values = [file_value(file) for file in carried.files]
            self._values[name] = values if self.flow.settings.parameters[name].many else values[0]
        return None

    async def request(self, timeout_s: float) -> WorkflowRun:
        """Return what is asked of the service."""
        flow, envelope, options = self.flow, self._envelope, self._around.options
        settings = flow.settings
        key = conversation_key(envelope.place, envelope.author, options.scope)
        bot_id = settings.bot_id
        if settings.as_chat and not settings.app_id:
            bot_id = bot_id or flow.binding.bot_id
        return WorkflowRun(
            workflow_id=settings.id,
            parameters=settings.with_defaults(self._values),
            mode=settings.mode,
            mark=self._ledger.record.turn_id,
            user_id=agent_user_id(key, envelope.place, envelope.author, options.scope, options.identity_secret),
            bot_id=bot_id,
            app_id=settings.app_id,
            timeout_s=timeout_s,
            text=self.said,
            conversation_id=await self._conversation_id(),
        )

    async def _conversation_id(self) -> str:
        """Return the conversation in which a chatflow goes on; a new one begins by itself."""
        if self.flow.settings.mode is not RunMode.CHAT:
            return ""
        if self.answered is not None and self.answered.conversation_id:
            return self.answered.conversation_id
        known = await self._around.store.conversation(self._ledger.record.key)
        return known.conversation_id if known is not None and known.bot_id == self.flow.settings.id else ""

    @property
    def asked(self) -> Interruption | None:
        """What this message answers."""
        run = self.answered.run if self.answered is not None else None
        return run.asked if run is not None else None

    @property
    def flow(self) -> Flow:
        """What is run; known once ``refuses`` found nothing to refuse."""
        if self._flow is None:
            raise RuntimeError("refuses() was not asked")
        return self._flow

    @property
    def workflows(self) -> Workflows:
        workflows = self.flow.binding.workflows
        if workflows is None:
            raise RuntimeError(f"the agent {self.flow.binding.name} runs no workflows")
        return workflows

    @property
    def is_repeatable(self) -> bool:
        """Tell whether running it twice does no harm; an answer is taken once."""
        return self.flow.settings.repeatable and self.answered is None
