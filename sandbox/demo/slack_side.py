"""Slack as the demo's people use it and see it."""

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from sandbox.demo.side import Said, Spot, Step, Thread, Told
from sandbox.demo.words import Words
from sandbox.journal import Entry
from sandbox.slack import FileUpload, SlackEmulator, VisibleMessage
from sandbox.slack.mentions import unescape


class SlackSide:
    """Implements ``side.Side``."""

    name, service, style = "Slack", "slack", "green"

    def __init__(self, slack: SlackEmulator, words: Words, *, channel: str, people: Sequence[str]) -> None:
        self._slack = slack
        self._words = words
        self._channel = slack.find_channel(channel).id
        self._people = people
        self._tell: dict[str, Callable[[Entry], Iterator[Told]]] = {
            "action": self._action,
            "shown": self._shown,
            "status": self._status,
            "event": self._event,
            "reaction": self._reaction,
            "redelivery": self._redelivery,
            "reply": self._reply,
            "violation": self._violation,
        }

    def is_connected(self) -> bool:
        return bool(self._slack.sockets.connections)

    # --- people ---

    def mention(self, person: str, text: str) -> Spot:
        ts = self._slack.mention(person, self._channel, text)
        return Spot(self._channel, ts, ts)

    def show(self, person: str, text: str, name: str, content: bytes) -> Spot:
        ts = self._slack.mention(person, self._channel, text, files=[FileUpload(name, content)])
        return Spot(self._channel, ts, ts)

    def say(self, person: str, text: str, thread: Spot | None = None) -> Spot:
        channel, root = (thread.channel, thread.root) if thread else (self._channel, None)
        ts = self._slack.say(person, channel, text, root)
        return Spot(channel, root or ts, ts)

    def direct(self, person: str, text: str) -> Spot:
        channel = self._slack.open_dm(person)
        ts = self._slack.say(person, channel, text)
        return Spot(channel, ts, ts)

    def post(self, person: str, text: str) -> Spot | None:
        return None

    def may_read(self, person: str, thread: Thread) -> bool:
        return thread.spot.channel in (self._channel, self._slack.open_dm(person))

    # --- what they see ---

    def answers(self, spot: Spot) -> list[Said]:
        shown = self._slack.answers(spot.channel, spot.root)
        return [self._said(message) for message in shown if float(message.ts) > float(spot.said)]

    def steps(self, spot: Spot, message_id: str) -> Sequence[Step]:
        return self._slack.steps(spot.channel, message_id)

    def threads(self) -> list[Thread]:
        return [self._thread(number, root) for number, root in enumerate(self._roots(), start=1)]

    def violations(self) -> list[Entry]:
        return self._slack.violations()

    def _roots(self) -> list[VisibleMessage]:
        channels = [self._channel, *(self._slack.open_dm(person) for person in self._people)]
        messages = [message for channel in channels for message in self._slack.messages(channel)]
        return sorted((m for m in messages if m.thread_ts in (None, m.ts)), key=lambda m: float(m.ts))

    def _thread(self, number: int, root: VisibleMessage) -> Thread:
        said = [self._said(message) for message in self._slack.messages(root.channel, root.ts)]
        busy = self._slack.status(root.channel, root.ts)
        return Thread(number, Spot(root.channel, root.ts, root.ts), self._place(root.channel, None), said, busy)

    def _said(self, message: VisibleMessage) -> Said:
        return Said(
            message.ts,
            float(message.ts),
            message.author,
            self._readable(message.text),
            message.by_app is not None,
            message.small_print,
            tuple(message.reactions),
        )

    def _readable(self, text: str) -> str:
        return text.replace(f"<@{self._slack.bot_user_id}>", "@coze")

    # --- the journal ---

    def question_in(self, entry: Entry) -> str | None:
        if entry.kind != "action" or "text" not in entry.detail:
            return None
        return str(entry.detail["text"]).replace(f"<@{self._slack.bot_user_id}>", "").strip()

    def tell(self, entry: Entry) -> Iterator[Told]:
        tell = self._tell.get(entry.kind)
        return tell(entry) if tell else iter(())

    def _action(self, entry: Entry) -> Iterator[Told]:
        detail = entry.detail
        author = self._slack.find_user(detail["user"]).display_name
        what = Text(f"{author}: ", style="cyan").append(self._readable(str(detail.get("text", ""))), style="bold")
        yield Told(self._place(detail["channel"], detail.get("thread_ts")), what)

    def _shown(self, entry: Entry) -> Iterator[Told]:
        detail = entry.detail
        if detail["user"] == self._slack.bot_user_id and detail["text"]:
            yield Told(self._place(entry.name, detail["thread_ts"]), Text(), growth=unescape(detail["text"]))

    def _status(self, entry: Entry) -> Iterator[Told]:
        if entry.name:
            status = self._words.thinking.format(status=entry.name)
            yield Told(
                self._place(entry.detail["channel"], entry.detail["thread_ts"]), Text(status, style="italic dim")
            )

    def _event(self, entry: Entry) -> Iterator[Told]:
        if entry.name == "socket.hello":
            yield Told("", Text(self._words.socket_open, style="dim"))
        elif entry.name == "socket.closed":
            yield Told("", Text(self._words.socket_closed, style="dim"))

    def _reaction(self, entry: Entry) -> Iterator[Told]:
        if entry.detail["added"]:
            yield Told(self._place(entry.detail["channel"], None), Text(self._words.reacted.format(name=entry.name)))

    def _redelivery(self, entry: Entry) -> Iterator[Told]:
        yield Told("", Text(self._words.delivered_again.format(name=entry.name), style="yellow"))

    def _reply(self, entry: Entry) -> Iterator[Told]:
        if error := entry.detail.get("error"):
            yield Told("", Text(self._words.refused.format(method=entry.name, error=error), style="yellow"))

    def _violation(self, entry: Entry) -> Iterator[Told]:
        what = self._words.violation.format(service=self.name, name=entry.name, detail=entry.detail)
        yield Told("", Text(what, style="bold red"))

    def _place(self, channel_id: str, thread_ts: str | None) -> str:
        name = self._slack.find_channel(channel_id).name
        if not name:
            return self._words.direct
        return self._words.in_thread.format(number=self._number_of(thread_ts)) if thread_ts else f"#{name}"

    def _number_of(self, root_ts: str) -> int:
        return next((number for number, root in enumerate(self._roots(), start=1) if root.ts == root_ts), 0)
