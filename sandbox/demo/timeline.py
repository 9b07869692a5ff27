"""What the emulators saw, as lines: one for each thing worth seeing, with the time they saw it at."""

from collections.abc import Callable, Iterator
from itertools import islice

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from sandbox.coze.dialect import COMPLETED, CREATED, DELTA, MESSAGE_COMPLETED
from sandbox.coze.workflow_words import DONE, INTERRUPT
from sandbox.demo.layout import Layout, growth
from sandbox.demo.process import SERVICE as BRIDGE
from sandbox.demo.side import Side, Told
from sandbox.demo.town import Town
from sandbox.demo.verdict import is_question, question_of
from sandbox.demo.words import Words
from sandbox.journal import Entry

ID_DIGITS = 6
RUNS = ("POST /v1/workflow/stream_run", "POST /v1/workflow/run")
CANCEL, DELETE = "POST /v3/chat/cancel", "POST /v1/conversation/message/delete"
FEEDBACK = "POST /v1/conversations/{conversation_id}/messages/{message_id}/feedback"
COZE = "coze"


class Timeline:
    """Prints the journal as it grows. ``catch_up`` prints what is new; call it as often as you like."""

    def __init__(self, town: Town, words: Words, console: Console) -> None:
        self._town = town
        self._words = words
        self._console = console
        self._layout = Layout(console.width, town.sides)
        self._side_by_service = {side.service: side for side in town.sides}
        self._position = 0
        self._speaking: set[str] = set()
        self._side_by_question: dict[str, Side] = {}
        self._side_by_conversation: dict[str, Side] = {}
        self._tell: dict[tuple[str, str], Callable[[Entry], Iterator[Told]]] = {
            (COZE, "request"): self._coze_request,
            (COZE, "event"): self._coze_event,
            (COZE, "reply"): self._coze_reply,
        }
        self._side_by_log: dict[str, Side] = {}

    def begin(self, *titles: tuple[Side, str]) -> None:
        """Print what happens next, above the lines of its service."""
        self.catch_up()
        self._console.print(Rule(style="dim"))
        by_side: dict[str, Text] = {}
        for side, title in titles:
            known = by_side.setdefault(side.name, Text())
            known.append("\n" if known else "").append(title, style="italic")
        if self._layout.is_wide:
            self._console.print(self._layout.row("", by_side))
        for side, title in () if self._layout.is_wide else titles:
            self._console.print(self._layout.line("", side, "", Text(title, style="italic")), soft_wrap=True)

    def head(self) -> None:
        """Print the names of the columns, if there are any."""
        if self._layout.is_wide:
            self._console.print(self._layout.head())

    def catch_up(self) -> None:
        """Print everything that happened since the last call."""
        journal = self._town.journal
        fresh = list(islice(journal, self._position, None))
        self._position += len(fresh)
        for entry in fresh:
            self._print(entry)

    async def run(self) -> None:
        """Print for ever."""
        while True:
            await self._town.something_happens()
            self.catch_up()

    def _print(self, entry: Entry) -> None:
        time = f"{entry.at - self._town.started_at:.3f}"
        side = self._side_by_service.get(entry.service)
        if side is not None:
            self._remember_question(side, entry)
            for told in side.tell(entry):
                self._put(time, side, told)
        elif entry.service == BRIDGE:
            line = self._layout.line(time, None, "", self._process(entry), who=BRIDGE)
            self._console.print(line, soft_wrap=True)
        elif entry.service == COZE:
            self._remember_conversation(entry)
            tell = self._tell.get((entry.service, entry.kind))
            for told in tell(entry) if tell else ():
                self._put(time, self._side_of(entry), told, who="Coze")

    def _put(self, time: str, side: Side | None, told: Told, who: str = "") -> None:
        what = told.what
        if told.growth is not None:
            chars = self._words.chars.format(count=f"{len(told.growth):4d}")
            what = growth(chars, told.growth, self._layout.excerpt_cells)
        self._console.print(self._layout.line(time, side, told.where, what, who=who), soft_wrap=True)

    # --- whose conversation it is ---

    def _remember_question(self, side: Side, entry: Entry) -> None:
        if question := side.question_in(entry):
            self._side_by_question[question] = side

    def _side_of(self, entry: Entry) -> Side | None:
        """Return whose people something at Coze is about, if that is known."""
        detail = entry.detail
        conversation = detail.get("conversation_id") or detail.get("query", {}).get("conversation_id")
        if side := self._side_by_conversation.get(str(conversation)):
            return side
        return self._side_by_log.get(str(detail.get("log_id")))

    def _remember_run(self, entry: Entry) -> None:
        """Remember whose run it is: of those who have said, typed or filled in one of its values."""
        values = [value for value in entry.detail["body"].get("parameters", {}).values() if isinstance(value, str)]
        for said, side in self._side_by_question.items():
            if any(value in said for value in values):
                self._side_by_log[entry.detail["log_id"]] = side

    def _remember_conversation(self, entry: Entry) -> None:
        if entry.kind == "request" and entry.name in RUNS:
            self._remember_run(entry)
        if not is_question(entry):
            return
        asked = question_of(entry)
        for question, side in self._side_by_question.items():
            if asked.endswith(question):
                self._side_by_conversation[str(entry.detail["query"].get("conversation_id", ""))] = side

    # --- Coze and the bridge ---

    def _coze_request(self, entry: Entry) -> Iterator[Told]:
        words, detail = self._words, entry.detail
        if entry.name in RUNS:
            workflow = self._town.coze.workflows.workflows.get(str(detail["body"].get("workflow_id")))
            if workflow is not None:
                yield Told("", Text(words.run_begins.format(name=workflow.name), style="magenta"))
        elif entry.name == CANCEL:
            yield Told("", Text(words.run_cancelled, style="magenta"))
        elif entry.name == DELETE:
            yield Told("", Text(words.message_deleted, style="magenta"))
        elif entry.name == FEEDBACK:
            kind = detail["body"].get("feedback_type", "")
            yield Told("", Text(words.feedback_came.format(kind=kind), style="magenta"))

    def _coze_event(self, entry: Entry) -> Iterator[Told]:
        detail = entry.detail
        chat_id = str(detail.get("chat_id") or "")
        if entry.name == CREATED:
            what = self._words.chat_created.format(chat=short(chat_id), conversation=short(detail["conversation_id"]))
            yield Told("", Text(what, style="magenta"))
        elif entry.name == DELTA and detail.get("type") == "answer" and detail.get("content"):
            if chat_id not in self._speaking:
                self._speaking.add(chat_id)
                yield Told("", Text(self._words.first_words, style="magenta"))
        elif entry.name == MESSAGE_COMPLETED and detail.get("type") == "answer":
            what = self._words.answer_complete.format(chars=len(detail.get("content") or ""))
            yield Told("", Text(what, style="magenta"))
        elif entry.name == INTERRUPT:
            yield Told("", Text(self._words.run_asks, style="magenta"))
        elif entry.name == DONE and entry.detail.get("data", {}).get("debug_url"):
            yield Told("", Text(self._words.run_ends, style="magenta"))
        elif entry.name == COMPLETED:
            self._speaking.discard(chat_id)

    def _coze_reply(self, entry: Entry) -> Iterator[Told]:
        if code := entry.detail.get("code"):
            refusal = self._words.refused.format(method=entry.name, error=f"{code} {entry.detail.get('msg') or ''}")
            yield Told("", Text(refusal.rstrip(), style="yellow"))

    def _process(self, entry: Entry) -> Text:
        if entry.name == "started":
            return Text(self._words.process_started.format(process=entry.detail["process_id"]))
        return Text(self._words.process_stopped.format(code=entry.detail["exit_code"]))


def short(number: str) -> str:
    """Return the end of a long id, which is where ids differ."""
    return f"…{number[-ID_DIGITS:]}"
