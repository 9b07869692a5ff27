"""What the emulators saw, as lines: one for each thing worth seeing, with the time they saw it at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from sandbox.coze.dialect import COMPLETED, CREATED, DELTA, MESSAGE_COMPLETED
from sandbox.demo.town import Town
from sandbox.demo.words import Words
from sandbox.journal import Entry
from sandbox.slack.mentions import unescape

WHO_CELLS, WHERE_CELLS = 7, 9
BAR_CELLS, BAR_CHARS_PER_CELL = 12, 50
EIGHTHS = " ▏▎▍▌▋▊▉█"
EXCERPT_CELLS, EXCERPT_CELLS_MIN = 56, 16
BEFORE_EXCERPT_CELLS = 58
"""Time, who, where, bar and length, with the quotes."""
ID_DIGITS = 6

Line = tuple[str, str, Text]
"""Who, where, what."""


@dataclass(slots=True)
class Growing:
    """What was told of one chat so far."""

    spoke: bool = False


class Timeline:
    """Prints the journal as it grows. ``catch_up`` prints what is new; call it as often as you like."""

    def __init__(self, town: Town, words: Words, console: Console) -> None:
        self._town = town
        self._words = words
        self._console = console
        self._excerpt_cells = max(EXCERPT_CELLS_MIN, min(EXCERPT_CELLS, console.width - BEFORE_EXCERPT_CELLS))
        self._position = 0
        self._chats: dict[str, Growing] = {}
        self._tell: dict[tuple[str, str], Callable[[Entry], Iterator[Line]]] = {
            ("slack", "action"): self._action,
            ("slack", "shown"): self._shown,
            ("slack", "status"): self._status,
            ("slack", "event"): self._slack_event,
            ("slack", "reaction"): self._reaction,
            ("slack", "redelivery"): self._redelivery,
            ("slack", "reply"): self._slack_reply,
            ("slack", "violation"): self._violation,
            ("coze", "event"): self._coze_event,
            ("coze", "reply"): self._coze_reply,
            ("bridge", "process"): self._process,
        }

    def catch_up(self) -> None:
        """Print everything that happened since the last call."""
        journal = self._town.journal
        fresh = list(islice(journal, self._position, None))
        self._position += len(fresh)
        for entry in fresh:
            tell = self._tell.get((entry.service, entry.kind))
            for line in tell(entry) if tell else ():
                self._print(entry.at, *line)

    async def run(self) -> None:
        """Print for ever."""
        while True:
            await self._town.something_happens()
            self.catch_up()

    def _print(self, at: float, who: str, where: str, what: Text) -> None:
        line = Text(f"{at - self._town.started_at:9.3f}  ", style="dim")
        line.append(set_cell_size(who, WHO_CELLS), style=STYLES.get(who, "cyan"))
        line.append(" ").append(set_cell_size(where, WHERE_CELLS), style="dim").append("  ").append_text(what)
        self._console.print(line, soft_wrap=True)

    # --- Slack ---

    def _action(self, entry: Entry) -> Iterator[Line]:
        detail = entry.detail
        slack = self._town.slack
        text = str(detail.get("text", "")).replace(f"<@{slack.bot_user_id}>", "@coze")
        author = slack.find_user(detail["user"])
        yield author.display_name, self._place(detail["channel"], detail.get("thread_ts")), Text(text, style="bold")

    def _shown(self, entry: Entry) -> Iterator[Line]:
        detail = entry.detail
        if detail["user"] != self._town.slack.bot_user_id:
            return
        text = detail["text"]
        what = Text(bar(len(text)), style="green")
        what.append(f" {self._words.chars.format(count=f'{len(text):4d}')}  ").append(
            excerpt(text, self._excerpt_cells), style="dim"
        )
        yield "Slack", self._place(entry.name, detail["thread_ts"]), what

    def _status(self, entry: Entry) -> Iterator[Line]:
        if entry.name:
            status = self._words.thinking.format(status=entry.name)
            place = self._place(entry.detail["channel"], entry.detail["thread_ts"])
            yield "Slack", place, Text(status, style="italic dim")

    def _slack_event(self, entry: Entry) -> Iterator[Line]:
        if entry.name == "socket.hello":
            yield "Slack", "", Text(self._words.socket_open, style="dim")
        elif entry.name == "socket.closed":
            yield "Slack", "", Text(self._words.socket_closed, style="dim")

    def _reaction(self, entry: Entry) -> Iterator[Line]:
        if entry.detail["added"]:
            yield "Slack", self._place(entry.detail["channel"], None), Text(self._words.reacted.format(name=entry.name))

    def _redelivery(self, entry: Entry) -> Iterator[Line]:
        yield "Slack", "", Text(self._words.delivered_again.format(name=entry.name), style="yellow")

    def _slack_reply(self, entry: Entry) -> Iterator[Line]:
        if error := entry.detail.get("error"):
            yield "Slack", "", Text(self._words.refused.format(method=entry.name, error=error), style="yellow")

    def _violation(self, entry: Entry) -> Iterator[Line]:
        yield "Slack", "", Text(self._words.violation.format(name=entry.name, detail=entry.detail), style="bold red")

    def _place(self, channel_id: str, thread_ts: str | None) -> str:
        name = self._town.slack.find_channel(channel_id).name
        if not name:
            return self._words.direct
        return self._words.in_thread.format(number=self._town.number_of(thread_ts)) if thread_ts else f"#{name}"

    # --- Coze and the bridge ---

    def _coze_event(self, entry: Entry) -> Iterator[Line]:
        detail = entry.detail
        chat_id = str(detail.get("chat_id") or "")
        known = self._chats.setdefault(chat_id, Growing())
        if entry.name == CREATED:
            what = self._words.chat_created.format(chat=short(chat_id), conversation=short(detail["conversation_id"]))
            yield "Coze", "", Text(what, style="magenta")
        elif entry.name == DELTA and detail.get("type") == "answer" and detail.get("content") and not known.spoke:
            known.spoke = True
            yield "Coze", "", Text(self._words.first_words, style="magenta")
        elif entry.name == MESSAGE_COMPLETED and detail.get("type") == "answer":
            what = self._words.answer_complete.format(chars=len(detail.get("content") or ""))
            yield "Coze", "", Text(what, style="magenta")
        elif entry.name == COMPLETED:
            self._chats.pop(chat_id, None)

    def _coze_reply(self, entry: Entry) -> Iterator[Line]:
        if code := entry.detail.get("code"):
            refusal = self._words.refused.format(method=entry.name, error=f"{code} {entry.detail.get('msg') or ''}")
            yield "Coze", "", Text(refusal.rstrip(), style="yellow")

    def _process(self, entry: Entry) -> Iterator[Line]:
        if entry.name == "started":
            yield "bridge", "", Text(self._words.process_started.format(process=entry.detail["process_id"]))
        else:
            yield "bridge", "", Text(self._words.process_stopped.format(code=entry.detail["exit_code"]))


STYLES: dict[str, Any] = {"Slack": "green", "Coze": "magenta", "bridge": "blue"}


def bar(chars: int) -> str:
    """Draw a length, always equally wide."""
    eighths = min(BAR_CELLS * 8, max(1 if chars else 0, chars * 8 // BAR_CHARS_PER_CELL))
    return ("█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")).ljust(BAR_CELLS)


def excerpt(text: str, cells: int = EXCERPT_CELLS) -> str:
    """Return the end of a text on one line, in quotes: where it grows."""
    words = " ".join(unescape(text).split())
    if cell_len(words) <= cells:
        return f"“{words}”"
    kept = words[-cells:]
    while cell_len(kept) > cells - 1:
        kept = kept[1:]
    return f"“…{kept}”"


def short(number: str) -> str:
    """Return the end of a long id, which is where ids differ."""
    return f"…{number[-ID_DIGITS:]}"
