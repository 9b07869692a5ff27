"""Discord as the demo's people use it and see it: threads and posts are channels, a direct conversation has none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from sandbox.demo import discord_controls as controls
from sandbox.demo.side import Form, Said, Spot, Step, Thread, Told, told_text, whispered
from sandbox.demo.words import Words
from sandbox.discord import DiscordEmulator, FileUpload
from sandbox.discord.audience import VisibleMessage
from sandbox.discord.components import find_control
from sandbox.journal import Entry

SPOKEN_KINDS = (0, 19)
"""Ordinary messages and replies; the rest are Discord's own words. Source: docs.discord.com, "Message Types"."""
SMALL_PRINT = "-# "
POST_TITLE_CHARS = 60
OPENED, RESUMED, INTERACTION = "READY", "RESUMED", "INTERACTION_CREATE"


class DiscordSide:
    """Implements ``side.Side``."""

    name, service, style = "Discord", "discord", "bright_blue"

    def __init__(
        self, discord: DiscordEmulator, words: Words, *, channel: str, forum: str, people: Sequence[str]
    ) -> None:
        self._discord = discord
        self._words = words
        self._channel = discord.find_channel(channel).id
        self._forum = discord.find_channel(forum).id
        self._people = people
        self._typing: set[str] = set()
        self._opened: dict[str, str] = {}
        self._tell: dict[str, Callable[[Entry], Iterator[Told]]] = {
            "action": self._action,
            "shown": self._shown,
            "typing": self._typed,
            "event": self._event,
            "disconnect": self._disconnect,
            "reaction": self._reaction,
            "reply": self._reply,
            "violation": self._violation,
        }

    def is_connected(self) -> bool:
        return self._discord.gateway.connected() > 0

    # --- people ---

    def mention(self, person: str, text: str) -> Spot:
        message = self._discord.mention(person, self._channel, text)
        return Spot(message, message, message)  # a thread begun from a message has its id

    def show(self, person: str, text: str, name: str, content: bytes) -> Spot:
        message = self._discord.mention(person, self._channel, text, [FileUpload(name, content)])
        return Spot(message, message, message)

    def say(self, person: str, text: str, thread: Spot | None = None) -> Spot:
        if thread is None:
            message = self._discord.say(person, self._channel, text)
            return Spot(message, message, message)
        if self._exists(thread.channel):
            return Spot(thread.channel, thread.root, self._discord.say(person, thread.channel, text))
        opened = self._discord.start_thread(person, self._channel, text[:POST_TITLE_CHARS], thread.root)
        return Spot(opened, thread.root, self._discord.say(person, opened, text))

    def direct(self, person: str, text: str) -> Spot:
        channel = self._discord.open_dm(person)
        return Spot(channel, channel, self._discord.dm(person, text))

    def post(self, person: str, text: str) -> Spot | None:
        thread = self._discord.forum_post(person, self._forum, text[:POST_TITLE_CHARS], text)
        return Spot(thread, thread, thread)

    def commands(self) -> Sequence[str]:
        return sorted(self._known())

    async def command(self, person: str, line: str, *, apart: bool = False) -> None:
        name, values = controls.split_line(line, self._known())
        answer = await self._discord.slash(person, self._channel, name, values)
        if answer.modal is not None:
            self._opened[person] = answer.interaction_id

    def form(self, person: str) -> Form | None:
        opened = self._discord.service.interactions.get(self._opened.get(person, ""))
        return controls.form_of(opened.modal) if opened is not None and opened.modal is not None else None

    async def fill_in(self, person: str, values: Mapping[str, str]) -> None:
        await self._discord.submit_modal(person, self._opened.get(person, ""), dict(values))
        del self._opened[person]

    async def press(self, person: str, spot: Spot, message_id: str, label: str) -> None:
        answer = await self._discord.click(person, spot.channel, message_id, label)
        if answer.modal is not None:
            self._opened[person] = answer.interaction_id

    def whispers(self, person: str) -> list[Said]:
        user = self._discord.find_user(person).id
        places = [self._channel, *self._discord.threads(self._channel), *self._discord.threads(self._forum)]
        shown = [message for place in places for message in self._discord.messages(place)]
        found = [self._said(message) for message in shown if message.ephemeral_for == user and message.text]
        return sorted(found, key=lambda said: said.order)

    def _known(self) -> dict[str, Any]:
        return {command["name"]: command for command in self._discord.service.commands.listed(None)}

    def may_read(self, person: str, thread: Thread) -> bool:
        directs = {self._discord.open_dm(other) for other in self._people if other != person}
        return thread.spot.channel not in directs

    # --- what they see ---

    def answers(self, spot: Spot) -> list[Said]:
        if not self._exists(spot.channel):
            return []
        return [self._said(m) for m in self._discord.answers(spot.channel) if int(m.id) > int(spot.said)]

    def steps(self, spot: Spot, message_id: str) -> Sequence[Step]:
        return self._discord.steps(spot.channel, message_id)

    def threads(self) -> list[Thread]:
        found = [self._thread(channel) for channel in (*self._roots(), *self._discord.threads(self._forum))]
        for person in self._people:
            channel = self._discord.open_dm(person)
            if said := self._spoken(channel):
                found.append(self._with(Spot(channel, channel, said[0].id), self._words.direct, said))
        found.sort(key=lambda thread: thread.said[0].order)
        return [Thread(number, t.spot, t.place, t.said, t.busy) for number, t in enumerate(found, start=1)]

    def violations(self) -> list[Entry]:
        return self._discord.violations()

    def _roots(self) -> list[str]:
        return [message.id for message in self._discord.messages(self._channel) if _is_spoken(message)]

    def _thread(self, root: str) -> Thread:
        in_channel = root in self._roots()
        said = [self._said(self._discord.shown(self._channel, root))] if in_channel else []
        said += self._spoken(root) if self._exists(root) else []
        place = f"#{self._discord.find_channel(self._channel if in_channel else self._forum).name}"
        return self._with(Spot(root, root, root), place, said)

    def _with(self, spot: Spot, place: str, said: Sequence[Said]) -> Thread:
        types = self._exists(spot.channel) and "coze" in self._discord.typing_in(spot.channel)
        return Thread(0, spot, place, said, self._words.types if types else "")

    def _spoken(self, channel: str) -> list[Said]:
        return [self._said(m) for m in self._discord.messages(channel) if _is_spoken(m)]

    def _said(self, message: VisibleMessage) -> Said:
        lines = message.text.split("\n")
        small = [line.removeprefix(SMALL_PRINT) for line in lines if message.by_bot and line.startswith(SMALL_PRINT)]
        text = "\n".join(line for line in lines if not (message.by_bot and line.startswith(SMALL_PRINT)))
        return Said(
            message.id,
            float(int(message.id)),
            message.author,
            self._readable(text),
            message.by_bot,
            "\n".join(small),
            tuple(message.reactions),
            tuple(message.buttons),
            self._discord.find_user(message.ephemeral_for).display_name if message.ephemeral_for else "",
        )

    def _readable(self, text: str) -> str:
        return text.replace(f"<@{self._discord.bot_user_id}>", "@coze")

    def _exists(self, channel: str) -> bool:
        return channel in self._discord.service.world.channels

    # --- the journal ---

    def question_in(self, entry: Entry) -> str | None:
        if entry.name == INTERACTION:
            return self._filled(entry.detail["d"])
        if entry.kind != "action" or "text" not in entry.detail:
            return None
        return str(entry.detail["text"]).replace(f"<@{self._discord.bot_user_id}>", "").strip()

    def _filled(self, told: Mapping[str, Any]) -> str | None:
        """Return what a command or a form brought."""
        if told["type"] == controls.COMMAND:
            return controls.typed_line(told["data"])
        return ", ".join(controls.sent_values(told["data"])) if told["type"] == controls.MODAL else None

    def tell(self, entry: Entry) -> Iterator[Told]:
        tell = self._tell.get(entry.kind)
        return tell(entry) if tell else iter(())

    def _action(self, entry: Entry) -> Iterator[Told]:
        if "text" not in entry.detail:
            return
        author = self._discord.find_user(entry.detail["user"]).display_name
        text = self._readable(str(entry.detail["text"]))
        yield Told(self._place(entry.detail["channel"]), Text(f"{author}: ", style="cyan").append(text, style="bold"))

    def _shown(self, entry: Entry) -> Iterator[Told]:
        detail = entry.detail
        if detail["user"] == self._discord.bot_user_id and detail["text"]:
            self._typing.discard(entry.name)
            if alone := detail["ephemeral_for"]:
                name = self._discord.find_user(alone).display_name
                yield Told(self._place(entry.name), whispered(self._words, name, detail["text"]))
            else:
                yield told_text(self._place(entry.name), _without_small_print(detail["text"]))

    def _typed(self, entry: Entry) -> Iterator[Told]:
        if entry.detail["user"] == self._discord.bot_user_id and entry.name not in self._typing:
            self._typing.add(entry.name)
            status = self._words.thinking.format(status=self._words.types)
            yield Told(self._place(entry.name), Text(status, style="italic dim"))

    def _event(self, entry: Entry) -> Iterator[Told]:
        if entry.name in (OPENED, RESUMED):
            yield Told("", Text(self._words.socket_open, style="dim"))
        elif entry.name == INTERACTION:
            yield from self._used(entry.detail["d"])

    def _used(self, told: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of a command that was typed, a form that was sent, a button that was pressed."""
        user = told["member"]["user"] if "member" in told else told["user"]
        name, place, data = self._discord.find_user(user["id"]).display_name, told["channel_id"], told["data"]
        if told["type"] == controls.COMMAND:
            line = Text(f"{name}: ", style="cyan").append(controls.typed_line(data), style="bold")
            yield Told(self._place(place), line)
        elif told["type"] == controls.MODAL:
            values = ", ".join(controls.sent_values(data))
            yield Told("", Text(self._words.form_sent.format(name=name, values=values), style="cyan"))
        elif told["type"] == controls.COMPONENT:
            found = find_control(told["message"]["components"], data["custom_id"]) or {}
            pressed = self._words.pressed.format(name=name, label=found.get("label", ""))
            yield Told(self._place(place), Text(pressed, style="cyan"))

    def _disconnect(self, entry: Entry) -> Iterator[Told]:
        yield Told("", Text(self._words.socket_closed, style="dim"))

    def _reaction(self, entry: Entry) -> Iterator[Told]:
        if entry.detail["added"]:
            yield Told(self._place(entry.detail["channel"]), Text(entry.name))

    def _reply(self, entry: Entry) -> Iterator[Told]:
        if entry.detail["status"] >= 400:
            error = f"{entry.detail['status']} {entry.detail.get('code', '')}".rstrip()
            yield Told("", Text(self._words.refused.format(method=entry.name, error=error), style="yellow"))

    def _violation(self, entry: Entry) -> Iterator[Told]:
        what = self._words.violation.format(service=self.name, name=entry.name, detail=entry.detail)
        yield Told("", Text(what, style="bold red"))

    def _place(self, channel_id: str) -> str:
        channel = self._discord.find_channel(channel_id)
        if channel.guild_id is None:
            return self._words.direct
        if channel.thread is None:
            return f"#{channel.name}"
        if channel.parent_id == self._forum:
            return self._words.in_post
        return self._words.in_thread.format(number=self._number_of(channel.id))

    def _number_of(self, root: str) -> int:
        return next((thread.number for thread in self.threads() if thread.spot.root == root), 0)


def _without_small_print(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.startswith(SMALL_PRINT))


def _is_spoken(message: VisibleMessage) -> bool:
    return message.kind in SPOKEN_KINDS and message.ephemeral_for is None
