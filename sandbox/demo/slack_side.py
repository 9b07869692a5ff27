"""Slack as the demo's people use it and see it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from sandbox.demo.side import Form, Said, Spot, Step, Thread, Told, told_text, whispered
from sandbox.demo.slack_controls import button, form_of, sent_values, state_of
from sandbox.demo.words import Words
from sandbox.journal import Entry
from sandbox.slack import FileUpload, SlackEmulator, VisibleMessage
from sandbox.slack.mentions import unescape


class SlackSide:
    """Implements ``side.Side``."""

    name, service, style = "Slack", "slack", "green"

    def __init__(
        self, slack: SlackEmulator, words: Words, *, channel: str, people: Sequence[str], apart: str = ""
    ) -> None:
        """``apart``: where commands may be given apart from questions; empty: in the same channel."""
        self._slack = slack
        self._words = words
        self._channel = slack.find_channel(channel).id
        self._apart = slack.find_channel(apart or channel).id
        self._channels = tuple(dict.fromkeys((self._channel, self._apart)))
        self._people = people
        self._tell: dict[str, Callable[[Entry], Iterator[Told]]] = {
            "action": self._action,
            "shown": self._shown,
            "status": self._status,
            "view": self._opened,
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

    def commands(self) -> Sequence[str]:
        return sorted(command.removeprefix("/") for command in self._slack.installation.app.commands)

    async def command(self, person: str, line: str, *, apart: bool = False) -> None:
        name, _, text = line.partition(" ")
        await self._slack.slash(person, self._apart if apart else self._channel, text, f"/{name}")

    def form(self, person: str) -> Form | None:
        views = self._slack.views_of(person)
        return form_of(views[-1]) if views else None

    async def fill_in(self, person: str, values: Mapping[str, str]) -> None:
        views = self._slack.views_of(person)
        answer = await self._slack.submit_view(person, state_of(views[-1], values) if views else {})
        if wrong := (answer.payload or {}).get("errors"):
            raise ValueError(" ".join(wrong.values()))

    async def press(self, person: str, spot: Spot, message_id: str, label: str) -> None:
        found = button(self._slack.shown(spot.channel, message_id).blocks, label)
        if found is None:
            raise ValueError(label)
        action_id, value = found
        await self._slack.click(person, spot.channel, message_id, action_id, value)

    def whispers(self, person: str) -> list[Said]:
        user = self._slack.find_user(person).id
        return [self._said(m) for m in self._slack.messages(self._channel) if m.ephemeral_for == user]

    def may_read(self, person: str, thread: Thread) -> bool:
        return thread.spot.channel in (*self._channels, self._slack.open_dm(person))

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
        channels = [*self._channels, *(self._slack.open_dm(person) for person in self._people)]
        messages = [message for channel in channels for message in self._slack.messages(channel)]
        spoken = [m for m in messages if m.thread_ts in (None, m.ts) and m.ephemeral_for is None]
        return sorted(spoken, key=lambda m: float(m.ts))

    def _thread(self, number: int, root: VisibleMessage) -> Thread:
        shown = self._slack.messages(root.channel, root.ts)
        said = [self._said(message) for message in shown if message.ephemeral_for is None]
        busy = self._slack.status(root.channel, root.ts)
        return Thread(number, Spot(root.channel, root.ts, root.ts), self._place(root.channel, None), said, busy)

    def _said(self, message: VisibleMessage) -> Said:
        return Said(
            message.ts,
            float(message.ts),
            message.author,
            self._readable(message.text if message.by_app else unescape(message.text)),
            message.by_app is not None,
            message.small_print,
            tuple(message.reactions),
            tuple(message.buttons),
            self._name(message.ephemeral_for) if message.ephemeral_for else "",
        )

    def _readable(self, text: str) -> str:
        return text.replace(f"<@{self._slack.bot_user_id}>", "@coze")

    # --- the journal ---

    def question_in(self, entry: Entry) -> str | None:
        if entry.kind == "event" and "envelope_type" in entry.detail:
            return self._filled(entry.detail["payload"])
        if entry.kind != "action" or "text" not in entry.detail:
            return None
        return str(entry.detail["text"]).replace(f"<@{self._slack.bot_user_id}>", "").strip()

    def _filled(self, payload: Mapping[str, Any]) -> str | None:
        """Return what a command or a form brought."""
        if payload.get("type") == "view_submission":
            return ", ".join(sent_values(payload["view"]))
        return str(payload["text"]) if "command" in payload else None

    def tell(self, entry: Entry) -> Iterator[Told]:
        tell = self._tell.get(entry.kind)
        return tell(entry) if tell else iter(())

    def _action(self, entry: Entry) -> Iterator[Told]:
        detail = entry.detail
        what = Text(f"{self._name(detail['user'])}: ", style="cyan").append(
            self._readable(unescape(str(detail.get("text", "")))), style="bold"
        )
        yield Told(self._place(detail["channel"], detail.get("thread_ts")), what)

    def _shown(self, entry: Entry) -> Iterator[Told]:
        detail = entry.detail
        if detail["user"] == self._slack.bot_user_id and detail["text"]:
            place = self._place(entry.name, detail["thread_ts"])
            if alone := detail["ephemeral_for"]:
                yield Told(place, whispered(self._words, self._name(alone), unescape(detail["text"])))
            else:
                yield told_text(place, unescape(detail["text"]))

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
        elif entry.detail.get("envelope_type") in ("slash_commands", "interactive"):
            yield from self._used(entry.detail["payload"])

    def _used(self, payload: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of a command that was typed, a form that was sent, a button that was pressed."""
        name = self._name(payload["user_id"] if "command" in payload else payload["user"]["id"])
        if "command" in payload:
            line = Text(f"{name}: ", style="cyan").append(f"{payload['command']} {payload['text']}", style="bold")
            yield Told(self._place(payload["channel_id"], None), line)
        elif payload.get("type") == "view_submission":
            values = ", ".join(sent_values(payload["view"]))
            yield Told("", Text(self._words.form_sent.format(name=name, values=values), style="cyan"))
        elif payload.get("type") == "block_actions" and "message" in payload:
            label = payload["actions"][0].get("text", {}).get("text", "")
            place = self._place(payload["channel"]["id"], payload["message"].get("thread_ts"))
            yield Told(place, Text(self._words.pressed.format(name=name, label=label), style="cyan"))

    def _opened(self, entry: Entry) -> Iterator[Told]:
        if entry.name in ("views.open", "views.push"):
            fields = ", ".join(blank.label for blank in form_of(entry.detail["view"]).blanks)
            yield Told("", Text(self._words.form_opens.format(fields=fields), style="cyan"))

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

    def _name(self, user: str) -> str:
        return self._slack.find_user(user).display_name

    def _place(self, channel_id: str, thread_ts: str | None) -> str:
        name = self._slack.find_channel(channel_id).name
        if not name:
            return self._words.direct
        return self._words.in_thread.format(number=self._number_of(thread_ts)) if thread_ts else f"#{name}"

    def _number_of(self, root_ts: str) -> int:
        return next((number for number, root in enumerate(self._roots(), start=1) if root.ts == root_ts), 0)
