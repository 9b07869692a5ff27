"""The surroundings of the fake platform: its errors are planned, its questions put into its inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.errors import PlatformError, PlatformRateLimited, PlatformRejected, PlatformUnavailable, StoreError
from bridge.extension import Missed
from bridge.keys import turn_id
from bridge.model import Addressing, Attachment, Envelope, Form, Invocation, Offer
from bridge.ports import Platform
from bridge.testing.fakes import FakePlatform, command, envelope
from bridge.testing.platform_harness import FILE_CONTENT, Ability, Call, Disturbance, PlatformHarness, Said, Speaker

NO_SERVICE = "there is no service behind it, only a list"


class FakeHarness:
    """Service, adapter and people in one list."""

    absent: Mapping[Ability, str] = {
        Ability.OTHER_BOTS: "its questions are made by the tests, which ask none for bots",
        Ability.WITHDRAWAL: "nobody deletes what a test wrote",
        Ability.ACKNOWLEDGEMENT: "a test that puts a message into the inbox does not wait",
        Ability.CONNECTION: NO_SERVICE,
        Ability.NETWORK: NO_SERVICE,
        Ability.CREDENTIALS: NO_SERVICE,
        Ability.HISTORY: "its earlier messages are whatever a test puts there",
        Ability.PEOPLE: "its texts have no markup",
        Ability.PINGS: "nobody but the test reads along",
        Ability.MISSED: "what a test puts into the inbox stays there until somebody takes it",
    }
    retry_after_s = 7.0
    baits: Sequence[str] = ()

    def __init__(self) -> None:
        self._platform = FakePlatform(capabilities=replace(FakePlatform().capabilities, controls=True))
        self._number = 0
        self._twice = False
        self._keys: dict[str | None, str] = {}
        self._forms: dict[Speaker, tuple[Form, Envelope]] = {}
        self._mistakes: list[str] = []
        self._threads: dict[str | None, str] = {}

    def make(self, *, missed: Missed | None = None, offers: tuple[Offer, ...] = ()) -> Platform:
        """The list and the adapter are one, so a restart finds the same."""
        return self._platform

    def make_unauthorized(self) -> Sequence[Platform]:
        raise NotImplementedError

    def make_unreachable(self) -> Platform:
        raise NotImplementedError

    async def say(
        self,
        text: str,
        addressing: Addressing | None,
        *,
        by: Speaker = Speaker.ANN,
        under: Said | None = None,
        files: Sequence[str] = (),
    ) -> Said:
        self._number += 1
        is_private = addressing is Addressing.DIRECT
        question = envelope(
            text,
            number=self._number,
            author=by,
            channel=f"private {by}" if is_private else "C1",
            thread=self._threads[under.message_id] if under else f"thread {self._number}",
            addressing=addressing or Addressing.FOLLOW_UP,
            private=is_private,
            inside_thread=under is not None,
        )
        question = replace(question, attachments=tuple(Attachment(name, name) for name in files))
        self._platform.files.update(dict.fromkeys(files, FILE_CONTENT))
        self._keys[question.message_id] = question.delivery_key
        self._threads[question.message_id] = question.place.thread or ""
        if addressing is not None:
            for _ in range(2 if self._twice else 1):
                self._platform.inbox.put_nowait(question)
            self._twice = False
        place, author = question.place, question.author
        return Said(question.message_id, place.team, place.channel, author.id, author.name, "general", "en")

    def mention_of(self, speaker: Speaker) -> str:
        raise NotImplementedError

    async def unsay(self, said: Said) -> None:
        raise NotImplementedError

    def acknowledged(self, said: Said) -> bool:
        raise NotImplementedError

    def visible(self, said: Said) -> Sequence[str]:
        keys = [key for number, key in self._keys.items() if self._is_same_thread(number, said)]
        turns = {turn_id(key) for key in (*keys, *(f"{key}:retry" for key in keys))}
        shown = [message for message in self._platform.messages.values() if not message.deleted]
        return [message.shown for message in shown if message.turn in turns]

    def files(self, said: Said) -> Sequence[tuple[str, bytes]]:
        shown = sorted(self._platform.attached.items())
        return [(file.name, file.content) for (turn, _), file in shown if turn == self._turn(said)]

    def shown(self, message_id: str) -> str | None:
        message = self._platform.messages[message_id]
        return None if message.deleted else message.shown

    async def delete(self, message_id: str) -> None:
        self._platform.messages[message_id].deleted = True

    def controls(self, message_id: str) -> Sequence[str]:
        return [control.label for control in self._platform.messages[message_id].view.controls]

    async def press(self, message_id: str, label: str, *, by: Speaker = Speaker.ANN) -> bool:
        controls = self._platform.messages[message_id].view.controls
        meant = next(control for control in controls if control.label == label)
        return await self._platform.press(message_id, meant.kind, by, meant.choice)

    async def command(
        self, workflow: str, values: Mapping[str, str], *, by: Speaker = Speaker.ANN, private: bool = False
    ) -> tuple[Said, bool]:
        self._number += 1
        channel = f"private {by}" if private else "C1"
        typed = " ".join(f"{name}={value}" for name, value in values.items())
        given = command(
            f"!run {workflow} {typed}".strip(), number=self._number, author=by, channel=channel, private=private
        )
        place = given.place
        said = Said(None, place.team, place.channel, given.author.id)
        return said, await self._invoke(Invocation(given), by)

    async def _invoke(self, call: Invocation, by: Speaker) -> bool:
        assert self._platform.hearing is not None
        try:
            invoked = await self._platform.hearing.invoke(call)
        except StoreError:
            return False
        self._mistakes += invoked.errors.values()
        if invoked.form is not None:
            self._forms[by] = (invoked.form, call.envelope)
        elif invoked.sentence:
            self._platform.whispers.append((by, invoked.sentence))
        return True

    def form(self, to: Speaker) -> Sequence[str] | None:
        return [field.label for field in self._forms[to][0].fields] if to in self._forms else None

    async def fill_in(self, values: Mapping[str, str], *, by: Speaker = Speaker.ANN) -> bool:
        form, asked = self._forms.pop(by)
        self._number += 1
        sent = replace(asked, delivery_key=f"fake:T1:form:{self._number}", text=f"!run {form.workflow}")
        filled = {field.name: values[field.label] for field in form.fields}
        return await self._invoke(Invocation(sent, filled), by)

    def form_mistakes(self, to: Speaker) -> Sequence[str]:
        return self._mistakes

    async def say_below(self, message_id: str, text: str, *, by: Speaker = Speaker.ANN) -> None:
        self._number += 1
        place = self._platform.messages[message_id].place
        thread = place.thread or message_id
        self._platform.inbox.put_nowait(
            envelope(text, number=self._number, author=by, channel=place.channel, thread=thread, inside_thread=True)
        )

    def whispers(self, to: Speaker) -> Sequence[str]:
        return [sentence for author, sentence in self._platform.whispers if author == to]

    def signs(self, said: Said) -> Sequence[str]:
        return ["alive"] if self._turn(said) in self._platform.alive else []

    def waiting_marks(self, said: Said) -> Sequence[str]:
        return ["waiting"] if self._turn(said) in self._platform.waiting else []

    def pings(self) -> Sequence[str]:
        raise NotImplementedError

    def traffic(self) -> int:
        return len(self._platform.calls)

    async def disturb(self, disturbance: Disturbance, call: Call = Call.POST) -> None:
        errors = self._platform.errors
        match disturbance:
            case Disturbance.DELIVER_TWICE:
                self._twice = True
            case Disturbance.CLOSE_PLACES:
                errors |= {closed: [PlatformRejected("closed")] for closed in ("post", "notice", "announce")}
            case Disturbance.LOSE_RESPONSE:
                for lost in (call, "announce"):
                    errors[f"{lost}!"] = [PlatformUnavailable("lost", outcome_unknown=True)]
            case _:
                errors[call] = [self._error(disturbance)]

    async def mend(self) -> None:
        raise NotImplementedError

    def _error(self, disturbance: Disturbance) -> PlatformError:
        if disturbance is Disturbance.RATE_LIMIT:
            return PlatformRateLimited("too many", retry_after_s=self.retry_after_s)
        return PlatformUnavailable(disturbance, outcome_unknown=True)

    def _turn(self, said: Said) -> str:
        return turn_id(self._keys[said.message_id])

    def _is_same_thread(self, number: str | None, said: Said) -> bool:
        return self._threads[number] == self._threads[said.message_id]


_: PlatformHarness = FakeHarness()
