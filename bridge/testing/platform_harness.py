"""What the platforms' conformance suite needs of a platform's surroundings; its author writes one ``PlatformHarness``.

The harness plays everybody but the adapter: the service (a local emulator, as a rule), the people who write, and the
eyes that read the answers. The suite itself is ``bridge.testing.platform_contract``.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bridge.extension import Missed
from bridge.model import Addressing, Envelope, Invocation, Invoked, Offer, Press, Pressed, Typing
from bridge.ports import Intake, Platform

DEADLINE_S = 10.0
"""How long the suite waits for anything before it calls it missing."""

FILE_CONTENT = bytes(range(256))
"""What every file that somebody attaches consists of."""


class Ability(StrEnum):
    """What not every service has. Whatever a harness does not declare absent is tested."""

    PRIVATE = "people can write to us in private"
    ROOMS = "several people write in one place, and name us when they mean us"
    FOLLOW_UPS = "a thread (or chain of replies) goes on without naming us"
    OTHER_BOTS = "other bots write where we read"
    LINES = "one message may have several lines"
    FILES = "messages may carry files"
    ANSWER_FILES = "our messages may carry files"
    PEOPLE = "a message can mention other people"
    WITHDRAWAL = "people can delete what they wrote"
    REPEATS = "a message may be delivered twice"
    ACKNOWLEDGEMENT = "each message is acknowledged, and delivered again if it is not"
    CONNECTION = "messages come over a connection, which may be lost"
    NETWORK = "the service is reached over a network"
    CREDENTIALS = "the service wants to know who we are"
    NAMES = "names of people and places have to be asked for"
    HISTORY = "what was written before can be read"
    SIGNS = "a sign of life can be seen before the first words"
    SIGNS_END = "a sign of life can be taken away at once"
    WAITING = "a question that waits is marked or told so"
    PROMPT = "what is posted or edited is seen at once, not only when the answer ends"
    MESSAGES = "messages stay apart and can be changed, removed and deleted"
    MARKS = "a message can carry unseen which turn and part it is, for as long as it exists"
    RESTART = "messages outlive the adapter that posted them"
    REFUSALS = "calls may be refused: too many at once, trouble of the service, a place that was closed"
    LOST_CALLS = "a call or its response may be lost on the way"
    PINGS = "a text may notify people or load something"
    CONTROLS = "something can be pressed below a message"
    COMMANDS = "people can type commands of the platform's own, which name a workflow and its values"
    FORMS = "what a command lacks can be asked for in a form"
    MISSED = "what was written while nobody received can be read afterwards"


class Call(StrEnum):
    """What the adapter asks of the service, by the method of ``Reply`` it does that for."""

    POST = "post"
    EDIT = "edit"
    REMOVE = "remove"
    LOOK_UP = "find_posted"
    ATTACH = "attach"
    """The call that shows a file."""


class Disturbance(StrEnum):
    """What can go wrong. The first four hit the next ``Call`` of the kind named, once."""

    RATE_LIMIT = "refuse it as one too many; it may be repeated after ``retry_after_s``"
    FAIL = "answer with an error of the service's own; it was not applied"
    LOSE_REQUEST = "cut the connection before it is applied"
    LOSE_RESPONSE = "apply it, then cut the connection instead of answering"
    DELIVER_TWICE = "deliver the next message of a person twice"
    DISCONNECT = "cut the connection that messages come over, and let none be made again until ``mend``"
    CLOSE_PLACES = "nobody may write any more where the questions so far were asked"
    FORBID_HISTORY = "we may not read any more what was written"
    REVOKE = "our credentials are not valid any more"


class Speaker(StrEnum):
    """Who writes. Two people and a bot that is not us."""

    ANN = "ann"
    BOB = "bob"
    ROBOT = "robot"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote, in the service's own terms; the envelope must tell the same.

    Attributes:
        message_id: ``None`` where the adapter gives its own ids.
        author_name, channel_name, language: What ``resolve`` must find out (``language`` such as ``zh``); empty for
            what the service does not know.
    """

    message_id: str | None
    team: str
    channel: str
    author_id: str
    author_name: str = ""
    channel_name: str = ""
    language: str = ""


class PlatformHarness(Protocol):
    """One fresh installation of a platform for one test: nobody has written anything yet.

    Methods that a declared absence makes pointless are never called; let them raise ``NotImplementedError``.
    """

    @property
    def absent(self) -> Mapping[Ability, str]:
        """What cannot exist here, each with the reason in a sentence; it is shown where a test is skipped."""
        ...

    @property
    def retry_after_s(self) -> float:
        """The wait that ``RATE_LIMIT`` demands; one that the adapter hands on rather than sits out by itself."""
        ...

    @property
    def baits(self) -> Sequence[str]:
        """Texts that would notify somebody or load something if they were sent as they are; no two alike."""
        ...

    def make(self, *, missed: Missed | None = None, offers: tuple[Offer, ...] = ()) -> Platform:
        """Return the platform, not opened. Called again, it stands for the same instance after a restart.

        Args:
            missed: What ``Services.missed`` shall be; ``None`` leaves the default.
            offers: What ``Services.offers`` shall be.
        """
        ...

    def make_unauthorized(self) -> Sequence[Platform]:
        """Return, for each credential the platform has, one whose credential is wrong."""
        ...

    def make_unreachable(self) -> Platform:
        """Return one that looks for its service where nobody listens."""
        ...

    async def say(
        self,
        text: str,
        addressing: Addressing | None,
        *,
        by: Speaker = Speaker.ANN,
        under: Said | None = None,
        files: Sequence[str] = (),
    ) -> Said:
        """Let somebody write; returns when the service has it.

        Args:
            addressing: ``DIRECT``: in private. ``MENTION``: in the room, naming us. ``FOLLOW_UP``: in the thread of
                ``under``, without naming us. ``None``: in the room, to nobody.
            under: In the thread that this message began or stands in; otherwise outside of any.
            files: Names of files to attach, each with ``FILE_CONTENT``.
        """
        ...

    def mention_of(self, speaker: Speaker) -> str:
        """Return how people type a mention of somebody."""
        ...

    async def unsay(self, said: Said) -> None:
        """Let the author delete what she wrote."""
        ...

    def acknowledged(self, said: Said) -> bool:
        """Tell whether a message was acknowledged to the service."""
        ...

    def visible(self, said: Said) -> Sequence[str]:
        """Return what our messages show now where the answer to ``said`` belongs, oldest first.

        As people read it, except that Markdown stays source: text and footer, without characters nobody sees.
        """
        ...

    def files(self, said: Said) -> Sequence[tuple[str, bytes]]:
        """Return the files that our messages show now where the answer to ``said`` belongs: names and bytes."""
        ...

    def shown(self, message_id: str) -> str | None:
        """Return what one message of ours shows now; ``None`` when it does not exist any more."""
        ...

    async def delete(self, message_id: str) -> None:
        """Let a moderator delete a message of ours."""
        ...

    def controls(self, message_id: str) -> Sequence[str]:
        """Return the labels of what can be pressed now below a message of ours, in order."""
        ...

    async def press(self, message_id: str, label: str, *, by: Speaker = Speaker.ANN) -> bool:
        """Let somebody press what carries a label; false when the service told her that it failed.

        Returns when the service has our acknowledgement, or has waited for it long enough.
        """
        ...

    async def command(
        self, workflow: str, values: Mapping[str, str], *, by: Speaker = Speaker.ANN, private: bool = False
    ) -> tuple[Said, bool]:
        """Let somebody run a workflow that is offered, by a command of the platform's own, outside of any thread.

        Returns where she did (without a message), and whether the service has our acknowledgement; false when it told
        her that the command failed.

        Args:
            values: By parameter, as they are typed.
            private: In private instead of the room.
        """
        ...

    def form(self, to: Speaker) -> Sequence[str] | None:
        """Return the labels of the form that is open before somebody, in order; ``None`` when there is none."""
        ...

    async def fill_in(self, values: Mapping[str, str], *, by: Speaker = Speaker.ANN) -> bool:
        """Let somebody fill in the form that is open before her, by its labels, and send it.

        Returns false when the service told her that it failed.
        """
        ...

    def form_mistakes(self, to: Speaker) -> Sequence[str]:
        """Return what stands beside the fields of a form that somebody sent, if the service shows that there."""
        ...

    async def say_below(self, message_id: str, text: str, *, by: Speaker = Speaker.ANN) -> None:
        """Let somebody write below a message of ours, without naming us."""
        ...

    def whispers(self, to: Speaker) -> Sequence[str]:
        """Return what we have said that this person alone can read, among the others' messages, oldest first."""
        ...

    def signs(self, said: Said) -> Sequence[str]:
        """Return the signs of life that people see now (status, typing ...); a placeholder message is none."""
        ...

    def waiting_marks(self, said: Said) -> Sequence[str]:
        """Return the marks that people see now on a question that waits."""
        ...

    def pings(self) -> Sequence[str]:
        """Return whatever our messages have notified or loaded so far."""
        ...

    def traffic(self) -> int:
        """Return how often we have asked or told the service anything."""
        ...

    async def disturb(self, disturbance: Disturbance, call: Call = Call.POST) -> None:
        """Let something go wrong."""
        ...

    async def mend(self) -> None:
        """Let connections be made again."""
        ...


class RecordingIntake:
    """The ``Intake`` port for tests of adapters: keeps what it is given and tells repeats by their delivery key.

    Attributes:
        offered: Every envelope, in the order of the calls.
        accepted: Those that were new and not failed.
        withdrawn: Delivery keys of deleted questions.
        presses: Every press, in the order of the calls; each is answered with ``pressed``.
        invocations: Every command, in the order of the calls; each is answered with ``invoked``.
        failures: Raised by the next calls of ``accept``, one each; ``press_failures`` by those of ``press``,
            ``invoke_failures`` by those of ``invoke``.
        gate: While cleared, no ``accept`` returns: the store is slow.
    """

    def __init__(self) -> None:
        self.offered: list[Envelope] = []
        self.accepted: list[Envelope] = []
        self.withdrawn: list[str] = []
        self.presses: list[Press] = []
        self.pressed = Pressed(True)
        self.failures: list[Exception] = []
        self.press_failures: list[Exception] = []
        self.invocations: list[Invocation] = []
        self.invoked = Invoked(accepted=True)
        self.invoke_failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Event()

    async def accept(self, envelope: Envelope) -> bool:
        """Take the place in the order before the first ``await``, as the port demands."""
        self.offered.append(envelope)
        is_new = all(known.delivery_key != envelope.delivery_key for known in self.accepted)
        failure = self.failures.pop(0) if self.failures else None
        if is_new and failure is None:
            self.accepted.append(envelope)
        self._tell()
        await self.gate.wait()
        if failure is not None:
            raise failure
        return is_new

    async def press(self, press: Press) -> Pressed:
        self.presses.append(press)
        self._tell()
        if self.press_failures:
            raise self.press_failures.pop(0)
        return self.pressed

    async def invoke(self, call: Invocation) -> Invoked:
        self.invocations.append(call)
        self._tell()
        if self.invoke_failures:
            raise self.invoke_failures.pop(0)
        return self.invoked

    def suggest(self, typing: Typing) -> Sequence[str]:
        return ()

    async def withdraw(self, delivery_key: str) -> None:
        self.withdrawn.append(delivery_key)
        self._tell()

    @property
    def texts(self) -> list[str]:
        """What the accepted messages say, in order."""
        return [envelope.text for envelope in self.accepted]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Return as soon as ``condition`` holds; it is looked at after every call.

        Raises:
            TimeoutError: It did not within ``DEADLINE_S``; names ``what`` and what came instead.
        """
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"no {what}; offered: {self.offered}; withdrawn: {self.withdrawn}") from None

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _fits_the_port() -> Intake:
    """Let the type checker hold the fake to the port."""
    return RecordingIntake()
