"""One story in the world of ``life``: people ask and stop, the agent speaks, the bridge dies; and how it must end."""

from collections.abc import Coroutine
from typing import Any

from bridge.errors import PlatformError, PlatformRateLimited, PlatformUnavailable, StoreError
from bridge.keys import control_key, turn_id
from bridge.model import (
    Author,
    ChatStatus,
    ControlKind,
    Envelope,
    Invocation,
    OnBusy,
    Outcome,
    Press,
    Pressed,
    TurnId,
    TurnRecord,
    TurnState,
)
from bridge.testing.fakes import command, envelope
from bridge.turns.announcing import as_it_stands
from tests.core.life import TROUBLES, World

PATIENCE = 120
AUTHORS, THREADS = ("U1", "U2"), ("root", "other")
BAD_WEATHER: dict[str, PlatformError] = {
    "post": PlatformUnavailable("down", outcome_unknown=False),
    "post!": PlatformUnavailable("reply lost", outcome_unknown=True),
    "edit": PlatformRateLimited("slow down", retry_after_s=20.0),
    "edit!": PlatformUnavailable("reply lost", outcome_unknown=True),
    "open": PlatformUnavailable("down", outcome_unknown=False),
    "settle": PlatformUnavailable("down", outcome_unknown=False),
    "announce!": PlatformUnavailable("reply lost", outcome_unknown=True),
    "waiting": PlatformUnavailable("down", outcome_unknown=False),
}


class Story:
    """What happens, one event after the other. ``dies`` is how many steps later the bridge dies, if it does."""

    def __init__(self, *, on_busy: OnBusy = OnBusy.QUEUE, placeholder: bool = False) -> None:
        self.world = World(on_busy=on_busy, placeholder=placeholder)
        self.unacknowledged: list[Envelope] = []
        self.questions: list[Envelope] = []
        self.accepted: list[TurnId] = []
        self.pressed: list[tuple[Press, Pressed]] = []
        self.promised: list[TurnId] = []
        self._given = 0

    async def ask(self, author: str = "U1", thread: str = "root", *, dies: int | None = None) -> None:
        """Somebody asks something new."""
        number = self._next_number()
        question = envelope(f"question {number}", number=number, author=author, thread=thread)
        self.questions.append(question)
        self.unacknowledged.append(question)
        await self.happen(self._offer(question), dies=dies)

    async def run(self, name: str, author: str = "U1", *, dies: int | None = None) -> None:
        """Somebody runs a workflow by a command of the platform's own, which is never delivered again."""
        number = self._next_number()
        given = command(f"!run {name} n={number}", number=number, author=author)
        await self.happen(self._invoke(given), dies=dies)

    async def answer(self, pick: int = 0, *, dies: int | None = None) -> None:
        """Whoever began a run answers what it asks."""
        if waiting := self._waiting():
            asked = waiting[pick % len(waiting)]
            place, number = as_it_stands(asked).place, self._next_number()
            author = asked.envelope.author.id
            said = envelope(f"day {number}", number=number, author=author, thread=place.thread, inside_thread=True)
            self.questions.append(said)
            self.unacknowledged.append(said)
            await self.happen(self._offer(said), dies=dies)

    def trouble_the_service(self, kind: str) -> None:
        """The next run meets this."""
        self.world.works.troubles.append(TROUBLES[kind])

    async def deliver_again(self, pick: int = 0) -> None:
        """The platform repeats itself."""
        if self.questions:
            await self.happen(self._offer(self.questions[pick % len(self.questions)]))

    async def tell(
        self, piece: str, status: ChatStatus = ChatStatus.RUNNING, pick: int = 0, *, dies: int | None = None
    ) -> None:
        """The agent says something, or ends."""
        if running := self.world.service.running():
            running[pick % len(running)].tell(piece, status)
            await self.happen(dies=dies)

    async def stop(self, pick: int = 0, *, dies: int | None = None) -> None:
        """Whoever asked stops what has not ended, whether or not there is something to press yet."""
        if unfinished := list(self.world.book.turns.settled):
            await self.happen(self._press(ControlKind.STOP, unfinished[pick % len(unfinished)]), dies=dies)

    async def retry(self, pick: int = 0, *, dies: int | None = None) -> None:
        """Whoever asked presses what she can see."""
        messages = self.world.stage.messages.values()
        shown = [control for message in messages if not message.deleted for control in message.view.controls]
        if offered := [control.turn_id for control in shown if control.kind is ControlKind.RETRY]:
            await self.happen(self._press(ControlKind.RETRY, offered[pick % len(offered)]), dies=dies)

    def trouble_the_agent(self, kind: str) -> None:
        """The next question meets this."""
        self.world.service.troubles.append(TROUBLES[kind])

    def trouble_the_platform(self, call: str) -> None:
        """The next call of this kind meets this."""
        self.world.stage.errors.setdefault(call, []).append(BAD_WEATHER[call])

    async def deploy(self) -> None:
        """A new version: the bridge is stopped in order and started again."""
        if not self.world.mortal.disk_is_full:
            await self.world.deploy()
            await self.revive(started=True)

    async def fill_the_disk(self, is_full: bool) -> None:
        """Nothing can be written any more, or again. One disaster at a time: nobody dies before all is written."""
        self.world.mortal.disk_is_full = is_full
        self.world.mortal.crash_in = None
        await self.happen(seconds=0.0 if is_full else 3.0)

    async def happen(
        self, event: Coroutine[Any, Any, None] | None = None, *, seconds: float = 0.0, dies: int | None = None
    ) -> None:
        """Let something happen and time pass; whoever died meanwhile is followed by the next process."""
        if dies is not None and not self.world.mortal.disk_is_full:
            self.world.mortal.crash_in = dies
        if event is not None:
            assert self.world.tasks is not None
            self.world.tasks.create_task(event)
        await self.world.settle(seconds)
        if self.world.mortal.dead:
            await self.revive()
        # Those of one lane end in order, so what has ended came before what has not.
        for known in (*self.world.book.ended.settled, *self.world.book.turns.settled):
            if known not in self.accepted:
                self.accepted.append(known)

    async def revive(self, *, started: bool = False) -> None:
        """Start the next process; the platform delivers again what was not acknowledged."""
        if not started:
            await self.world.restart()
        for question in list(self.unacknowledged):
            await self.happen(self._offer(question))

    async def come_to_an_end(self) -> None:
        """Let everything end: nothing breaks any more."""
        self.world.mortal.crash_in = None
        await self.fill_the_disk(False)
        for question in list(self.unacknowledged):
            await self.happen(self._offer(question))
        for _ in range(PATIENCE):
            for run in self.world.service.running():
                run.tell("The end.", ChatStatus.COMPLETED)
            await self.answer()
            await self.happen(seconds=5.0)
            if not self.world.book.turns.settled and not self.unacknowledged:
                break
        await self.happen(seconds=60.0)

    async def _offer(self, question: Envelope) -> None:
        assert self.world.core is not None
        try:
            await self.world.core.intake.accept(question)
        except StoreError:
            return  # not acknowledged, so it comes again
        if question in self.unacknowledged:
            self.unacknowledged.remove(question)

    async def _invoke(self, given: Envelope) -> None:
        assert self.world.core is not None
        try:
            invoked = await self.world.core.intake.invoke(Invocation(given))
        except StoreError:
            return  # whoever typed it reads that it failed
        if invoked.accepted:
            self.promised.append(turn_id(given.delivery_key))

    def _waiting(self) -> list[TurnRecord]:
        """Return the turns whose run waits for an answer that nobody has given yet."""
        turns = [live.turn for live in self.world.book.turns.settled.values()]
        answered = {turn.answers for turn in turns}
        return [turn for turn in turns if turn.state is TurnState.WAITING and turn.turn_id not in answered]

    def _next_number(self) -> int:
        self._given += 1
        return self._given

    async def _press(self, kind: ControlKind, which: TurnId) -> None:
        assert self.world.core is not None
        asked = self.record(which).envelope
        press = Press(kind, which, asked.place, Author(asked.author.id))
        try:
            pressed = await self.world.core.intake.press(press)
        except StoreError:
            return
        if not self.world.mortal.disk_is_full:  # then a stop is obeyed all the same, but nobody remembers it
            self.pressed.append((press, pressed))

    # --- what must hold at the end ---

    def look(self) -> None:
        """Every question has one end, was asked once and in order, and nothing stands that nobody works on."""
        assert not self.world.book.turns.settled, "a turn has no end"
        for question in self.questions:
            assert turn_id(question.delivery_key) in self.accepted, "a question is lost"
        assert set(self.promised) <= set(self.accepted), "a command is lost"
        for which in self.accepted:
            self._look_at(self.record(which))
        stage = self.world.stage
        assert not [message for message in stage.visible() if message == "…"], "a placeholder stands"
        assert not stage.alive, "a sign of life stands"
        assert not stage.waiting, "a waiting mark stands"
        self._look_at_order()
        for press, pressed in self.pressed:
            self._look_at_press(press, pressed)

    def record(self, which: TurnId) -> TurnRecord:
        """What is written down of a turn."""
        live = self.world.book.turns.settled.get(which)
        ended = self.world.book.ended.settled.get(which)
        record = live.turn if live else ended.turn if ended else None
        assert record is not None
        return record

    def _look_at(self, turn: TurnRecord) -> None:
        if turn.envelope.command or turn.answers is not None:
            messages = [m for m in self.world.stage.messages.values() if m.turn == turn.turn_id and not m.deleted]
            self.world.works.look_at(turn, messages)
            return
        assert turn.state is TurnState.ENDED
        runs = self.world.service.arrivals(turn.turn_id)
        messages = [m for m in self.world.stage.messages.values() if m.turn == turn.turn_id and not m.deleted]
        messages = [message for message in messages if message.index is not None]  # not that it was refused at first
        words = "".join("".join(message.view.text for message in messages).split())
        footers = [message.view.footer for message in messages if message.view.footer]
        said = "".join(runs[0].text.split()) if runs else ""
        assert len(runs) <= 1, "asked twice"
        assert len({turn.envelope, *turn.also}) == 1 + len(turn.also), "the same twice in one question"
        match turn.outcome:
            case Outcome.DELIVERED:
                assert runs
                assert words == said, "not what the agent said"
                assert len(footers) <= 1, footers
            case Outcome.MERGED:
                assert any(turn.envelope in self.record(which).also for which in self.accepted), "merged with nothing"
                assert not runs
                assert not messages
            case Outcome.FAILED | Outcome.STOPPED | Outcome.INTERRUPTED:
                assert said.startswith(words), "not what the agent said"
                never_began = not messages and not runs and turn.outcome is not Outcome.FAILED
                assert never_began or footers == [turn.footer], footers
                assert never_began or messages[-1].view.footer, "the sentence is not the last"
            case other:
                raise AssertionError(other)

    def _look_at_order(self) -> None:
        """What is asked in a conversation is asked in the order of its questions."""
        asked = [run.question.mark for run in self.world.service.runs]
        for thread in THREADS:
            lane = [which for which in self.accepted if self.record(which).envelope.place.thread == thread]
            order = [asked.index(which) for which in lane if which in asked]
            assert order == sorted(order), "out of order"

    def _look_at_press(self, press: Press, pressed: Pressed) -> None:
        if pressed == Pressed(True) and press.turn_id is not None:
            turn = self.record(press.turn_id)
            if press.kind is ControlKind.STOP:
                assert turn.outcome in (Outcome.STOPPED, Outcome.INTERRUPTED), "stopped, and answered"
            else:
                assert turn_id(control_key(turn, ControlKind.RETRY)) in self.accepted, "not asked again"
