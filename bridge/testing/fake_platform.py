"""A platform in this process that keeps its messages in a list."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from bridge.errors import FileGone, FileTooLarge, MessageGone, PlatformError, PlatformRejected, StoreError, WayClosed
from bridge.model import (
    AnswerFile,
    Attachment,
    Author,
    Budget,
    Capabilities,
    ControlKind,
    EarlierMessage,
    Envelope,
    PartRules,
    Place,
    Press,
    ResultPlace,
    Root,
    TurnId,
    View,
    Way,
)
from bridge.ports import CommandReply, FilingReply, Intake, Platform, Reply

ANNOUNCED = -1
"""The index of the message that stands for a command."""

STREAM_LASTS_S = 240.0


@dataclass(slots=True)
class FakeMessage:
    """One message of the fake platform and every view it ever showed, oldest first."""

    place: Place
    turn: str
    index: int | None
    views: list[View]
    deleted: bool = False
    streams: bool = False

    @property
    def view(self) -> View:
        return self.views[-1]

    @property
    def shown(self) -> str:
        """Text and footer as a person sees them."""
        return "\n\n".join(piece for piece in (self.view.text, self.view.footer) if piece)


@dataclass
class FakePlatform:
    """A platform that keeps its messages in a list; ``errors`` are raised by the next calls of that method.

    An error under ``post!`` or ``edit!`` is raised after it was applied: its response is lost. One under ``post~`` is
    raised before, as under ``edit~``: what was sent is ``belated`` and applied by ``arrive``. With ``streams`` it has
    a second way to show a part, whose calls are named ``start``, ``append`` and ``stop``. ``serve`` hands over
    what is put into ``inbox``. ``alive`` and ``waiting`` hold the turns that show a sign of life and a waiting mark,
    ``whispers`` what was told one person alone: her id and the sentence. ``looked_for`` holds, by the index of a lost
    part, which parts were known at the look for it; ``files`` the bytes of attachments by their ids;
    ``attached`` the files of answers by turn and number, ``showings`` each time one was shown, if it ``takes_files``.
    """

    name: str = "fake"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(edit_interval_s=1.0, status_refresh_s=90.0))
    part_rules: PartRules = field(default_factory=lambda: PartRules(2000))
    messages: dict[str, FakeMessage] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    errors: dict[str, list[PlatformError]] = field(default_factory=dict)
    earlier: list[EarlierMessage] = field(default_factory=list)
    placeholder: bool = False
    streams: bool = False
    findable: bool = True
    inbox: asyncio.Queue[Envelope] = field(default_factory=asyncio.Queue)
    alive: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    whispers: list[tuple[str, str]] = field(default_factory=list)
    looked_for: dict[int, dict[int, str]] = field(default_factory=dict)
    belated: list[Callable[[], object]] = field(default_factory=list)
    hearing: Intake | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    takes_files: bool = True
    attached: dict[tuple[str, int], AnswerFile] = field(default_factory=dict)
    showings: list[tuple[str, int]] = field(default_factory=list)

    async def __aenter__(self) -> "FakePlatform":
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def serve(self, intake: Intake, connected: asyncio.Event) -> None:
        connected.set()
        self.hearing = intake
        try:
            while True:
                envelope = await self.inbox.get()
                with suppress(StoreError):  # nobody delivers it again
                    await intake.accept(envelope)
        finally:
            self.hearing = None
            connected.clear()

    async def press(self, message_id: str, kind: ControlKind, author: str = "U1", choice: int = 0) -> bool:
        """Let somebody press a control that a message shows; false when nobody took it.

        Raises:
            LookupError: The message shows no such control.
        """
        message = self.messages[message_id]
        control = {(control.kind, control.choice): control for control in message.view.controls}[kind, choice]
        if self.hearing is None:
            return False
        try:
            press = Press(kind, control.turn_id, message.place, Author(author), message_id, choice)
            pressed = await self.hearing.press(press)
        except StoreError:
            return False
        if pressed.sentence:
            self.whispers.append((author, pressed.sentence))
        if pressed.done and kind.is_good_once:
            over = [c for c in message.view.controls if c == control or (kind.ends_its_kind and c.kind is kind)]
            left = tuple(other for other in message.view.controls if other not in over)
            message.views.append(replace(message.view, controls=left))
        return True

    def reply(self, envelope: Envelope, turn_id: TurnId, locale: str) -> Reply:
        return FakeReply(self, envelope, turn_id)

    async def resolve(self, envelope: Envelope) -> Envelope:
        return replace(envelope, place=replace(envelope.place, channel_name="general"))

    async def fetch(self, envelope: Envelope, attachment: Attachment, limit_bytes: int) -> bytes:
        self.fail("fetch")
        content = self.files.get(attachment.id)
        if content is None:
            raise FileGone("no such file")
        if len(content) > limit_bytes:
            raise FileTooLarge("too many bytes")
        return content

    async def earlier_messages(self, envelope: Envelope, limit: int) -> Sequence[EarlierMessage]:
        return self.earlier[-limit:] if limit > 0 else []

    def visible(self, turn: str | None = None) -> list[str]:
        """What a person sees now, in order; of one turn or of all."""
        return [m.shown for m in self.messages.values() if not m.deleted and turn in (None, m.turn)]

    def arrive(self) -> None:
        """Apply what is late."""
        while self.belated:
            self.belated.pop(0)()

    def add(self, message: FakeMessage) -> str:
        """Let a message stand; returns its id."""
        message_id = f"msg-{len(self.messages) + 1}"
        self.messages[message_id] = message
        return message_id

    def fail(self, call: str) -> None:
        """Record a call and raise the error that waits for it."""
        self.calls.append(call)
        if self.errors.get(call):
            raise self.errors[call].pop(0)


class FakeReply:
    """One reply on the fake platform."""

    def __init__(self, platform: FakePlatform, envelope: Envelope, turn_id: TurnId) -> None:
        self._platform = platform
        self._place = envelope.place
        self._turn = turn_id
        self._author = envelope.author.id
        self._unseen = envelope.command and not envelope.message_id
        self._freely = Way(
            post=(Budget(f"{platform.name}:{self._place.channel}:post", 60, 60.0),),
            edit=(Budget(f"{platform.name}:edit", 50, 60.0),),
        )
        self._stream = Way(
            post=(Budget(f"{platform.name}:start", 20, 60.0),),
            edit=(Budget(f"{platform.name}:append", 100, 60.0),),
            end=(Budget(f"{platform.name}:stop", 20, 60.0),),
            only_grows=True,
            lasts_s=STREAM_LASTS_S,
        )

    @property
    def ways(self) -> Sequence[Way]:
        return (self._stream, self._freely) if self._platform.streams else (self._freely,)

    async def waiting(self, position: int) -> None:
        self._platform.fail("waiting")
        self._platform.waiting.add(self._turn)

    async def open(self) -> str | None:
        self._platform.fail("open")
        self._platform.waiting.discard(self._turn)
        if not self._platform.placeholder:
            self._platform.alive.add(self._turn)
        placeholder = self._add(0, View("…")) if self._platform.placeholder else None
        self._platform.fail("open!")
        return placeholder

    async def refresh(self) -> None:
        self._platform.fail("refresh")

    async def post(self, index: int, view: View, way: Way | None = None) -> str:
        if way == self._stream:
            self._platform.fail("start")
            message_id = self._add(index, View(view.text))
            self._platform.messages[message_id].streams = True
            self._platform.fail("start!")
            return message_id
        self._platform.fail("post")
        if self._platform.errors.get("post~"):
            late = FakeMessage(self._place, self._turn, index, [view])
            self._platform.belated.append(lambda: self._platform.add(late))
            self._platform.fail("post~")
        message_id = self._add(index, view)
        self._platform.fail("post!")
        return message_id

    async def edit(self, message_id: str, view: View) -> None:
        message = self._platform.messages.get(message_id)
        if message is not None and message.streams:
            with self._closing(message):
                self._platform.fail("append")
                self._must_extend(self._standing(message_id), view)
                message.views.append(View(view.text))
                self._platform.fail("append!")
            return
        self._platform.fail("edit")
        if self._platform.errors.get("edit~"):
            self._platform.belated.append(lambda: self._standing(message_id).views.append(view))
            self._platform.fail("edit~")
        self._standing(message_id).views.append(view)
        self._platform.fail("edit!")

    async def end(self, message_id: str, view: View) -> None:
        message = self._standing(message_id)
        if not message.streams:
            raise WayClosed("it has ended already")
        with self._closing(message):
            self._platform.fail("stop")
            self._must_extend(message, view)
            message.views.append(view)
            message.streams = False
            self._platform.fail("stop!")

    @contextmanager
    def _closing(self, message: FakeMessage) -> Iterator[None]:
        """A message that grows no more can be edited."""
        try:
            yield
        except WayClosed:
            message.streams = False
            raise

    def _standing(self, message_id: str) -> FakeMessage:
        message = self._platform.messages.get(message_id)
        if message is None or message.deleted:
            raise MessageGone("deleted")
        return message

    def _must_extend(self, message: FakeMessage, view: View) -> None:
        if not view.text.startswith(message.view.text):
            raise WayClosed("nothing can be taken back")

    async def remove(self, message_id: str) -> None:
        self._platform.fail("remove")
        self._platform.messages[message_id].deleted = True

    async def find_posted(self, index: int, known: Mapping[int, str] | None = None) -> str | None:
        self._platform.fail("find_posted")
        self._platform.looked_for[index] = dict(known or {})
        for message_id, message in self._platform.messages.items():
            is_it = (message.turn, message.index, message.deleted) == (self._turn, index, False)
            if is_it and self._platform.findable:
                message.streams = False  # nobody knows what was added to it
                return message_id
        return None

    async def find_doubles(self, indices: Collection[int], known: Mapping[int, str]) -> Sequence[str]:
        self._platform.fail("find_doubles")
        return [
            message_id
            for message_id, message in self._platform.messages.items()
            if (message.turn, message.deleted) == (self._turn, False)
            and message.index in indices
            and message_id not in known.values()
        ]

    async def announce(self, text: str, *, where: ResultPlace) -> Root:
        self._platform.fail("announce")
        asked_in, self._place = self._place, self._announced_at(where)
        message_id = self._add(ANNOUNCED, View(text))
        self._place = asked_in
        self._platform.fail("announce!")
        return self._root(message_id, where)

    async def find_announced(self, *, where: ResultPlace) -> Root | None:
        found = await self.find_posted(ANNOUNCED)
        return self._root(found, where) if found else None

    def _announced_at(self, where: ResultPlace) -> Place:
        match where:
            case _ if self._place.private:
                return self._place
            case ResultPlace.ONLY_ME:
                return replace(self._place, channel=f"D-{self._author}", thread=None, private=True)
            case ResultPlace.CHANNEL:
                return replace(self._place, thread=None)
            case _:
                return self._place

    def _root(self, message_id: str, where: ResultPlace) -> Root:
        place = self._platform.messages[message_id].place
        if where is ResultPlace.CHANNEL and not place.private:
            return Root(place, message_id)
        return Root(replace(place, thread=place.thread or message_id), message_id)

    async def notice(self, text: str) -> str:
        self._platform.fail("notice")
        if self._unseen:
            self._platform.whispers.append((self._author, text))
            return ""
        return self._add(None, View(text))

    async def attach(self, file: AnswerFile, noted: str, note: Callable[[str], Awaitable[None]]) -> None:
        if not self._platform.takes_files:
            raise PlatformRejected("no files here")
        stands = bool(noted) and (self._turn, file.number) in self._platform.attached
        if not stands:
            await note(f"file {file.number}")
        self._platform.fail("attach")
        if stands:
            return
        self._platform.attached[self._turn, file.number] = file
        self._platform.showings.append((self._turn, file.number))
        self._platform.fail("attach!")

    async def detach(self, noted: str) -> None:
        self._platform.fail("detach")
        for known in [known for known in self._platform.attached if noted == f"file {known[1]}"]:
            del self._platform.attached[known]

    async def settle(self) -> None:
        self._platform.fail("settle")
        self._platform.alive.discard(self._turn)
        self._platform.waiting.discard(self._turn)

    def _add(self, index: int | None, view: View) -> str:
        self._platform.alive.discard(self._turn)
        return self._platform.add(FakeMessage(self._place, self._turn, index, [view]))


def _fit_the_ports(platform: FakePlatform, reply: FakeReply) -> tuple[Platform, CommandReply, FilingReply]:
    """Let the type checker hold the fakes to the ports."""
    return platform, reply, reply
