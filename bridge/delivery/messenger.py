"""Carries the calls of one reply to the platform, one at a time, and makes sense of what becomes of them.

A refusal closes an allowance, an outage is waited out, a message that is gone or too long changes what should stand on
the board: none of that is an error to whoever asks for the next call. A post of unknown outcome is looked up before it
is repeated; and because the service may apply the first one after that look, another look at the end takes away what
stands twice. An edit of unknown outcome, too, may be applied after newer ones: the last is sent once more then.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.delivery.board import FREELY, Board, Message, Move, Task
from bridge.delivery.pacing import Pacer
from bridge.errors import (
    MessageGone,
    PartTooLong,
    PlatformError,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
    WayClosed,
)
from bridge.model import Budget, PostedPart, Way
from bridge.observing import ReplyWatch
from bridge.ports import Clock, Reply

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
GIVE_UP_S = 600.0
"""How long a final text that the platform does not take is tried."""
LATE_S = 3.0
"""How long a lost request may still be applied: one that took longer than our patience is soon after it, or never. What
it would spoil is looked at then; until that is done the next question of the conversation waits too."""
LOOKS = 3
LOOK_PATIENCE_S = 70.0
"""How often that look is tried, and how long it may have to wait: a read that is allowed once a minute."""


@dataclass(frozen=True, slots=True)
class Call:
    """A task and what mending it draws on; ``way``: in which the part would be begun."""

    task: Task
    way: Way
    budgets: tuple[Budget, ...]


class Messenger:
    """Sends what differs on ``board`` to ``reply``; ``name`` is the reply's with the pacer.

    Attributes:
        finished_at: When the answer was whole (``Clock.now``); ``None`` while it grows.
    """

    def __init__(
        self,
        name: str,
        reply: Reply,
        board: Board,
        *,
        pacer: Pacer,
        clock: Clock,
        watch: ReplyWatch,
        posted: Callable[[PostedPart], Awaitable[None]],
    ) -> None:
        """``posted`` writes down each new message id."""
        self.finished_at: float | None = None
        self._name = name
        self._reply = reply
        self._board = board
        self._pacer = pacer
        self._clock = clock
        self._watch = watch
        self._posted = posted
        self._unknown: set[int] = set()
        self._twice: set[int] = set()
        self._look_at = clock.now()
        self._looks = LOOKS
        self._late_until: dict[int, float] = {}
        self._follows = False
        self._trail = -1
        self._failures = 0
        self._retry_at = 0.0
        self._row: tuple[Budget, ...] = ()
        self._asked_at = math.inf

    @property
    def rest_s(self) -> float:
        """How long nothing should be sent after a failure."""
        return max(0.0, self._retry_at - self._clock.now())

    def call(self, task: Task, way: Way) -> Call:
        """Tell what a task draws on; ``way``: in which a part would be begun."""
        match task.move:
            case Move.POST:
                return Call(task, way, way.post)
            case Move.END:
                return Call(task, way, self._board.messages[task.index].way.end)
        message = self._board.messages[task.index]
        return Call(task, way, message.way.edit if message.grows else self._reply.ways[-1].edit)

    def wait_s(self, call: Call) -> float:
        """Return how long a call has to wait that may use the last there is; first words wait in a row."""
        now = self._clock.now()
        if call.task.move is not Move.POST or self._board.has_words:
            return max(self._pacer.wait_s(call.budgets, now), self.rest_s)
        if self._row != call.budgets:
            self._leave_row()
            self._row = call.budgets
        self._asked_at = min(self._asked_at, now)
        return max(self._pacer.turn_s(self._name, call.budgets, self._asked_at, now), self.rest_s)

    def may_stand(self, index: int) -> None:
        """Know that a part may have been posted already: it is looked up before it is."""
        self._unknown.add(index)

    def take_over(self, parts: Sequence[PostedPart]) -> None:
        """Know what an earlier process posted; what followed it may stand too, even twice, and not be written down."""
        self._follows = True
        self._twice |= {part.index for part in parts if part.twice}
        self.may_stand(len(parts))

    def may_come(self, index: int) -> None:
        """Know that an attempt to post a part, which nobody found, may still be applied."""
        self._twice.add(index)

    def _leave_row(self) -> None:
        self._pacer.served(self._name, self._row)
        self._row = ()

    def release(self) -> None:
        """Give back what was reserved for ends that will not come, and the place in a row."""
        self._leave_row()
        for message in self._board.messages:
            self._pacer.release(message.way)

    async def send(self, call: Call, agent_began_at: float | None) -> bool:
        """Send one call; false when it has to be tried again, in whatever form the board then tells.

        Raises:
            PlatformRejected: The platform refuses for good.
            PlatformUnavailable, PlatformRateLimited: The final text could not be shown for ``GIVE_UP_S``.
        """
        left_at, index, well, sent = self._clock.now(), call.task.index, False, True
        self._leave_row()
        self._pacer.spent(call.budgets, left_at)
        try:
            with self._watch.request(call.task.move.value, call.budgets):
                await self._carry(call)
            well, self._failures = True, 0
            self._watch.shown(call.task.view.text, agent_began_at)
        except PlatformRateLimited as error:
            sent = not error.held_back
            self._refused(call, error)
        except PlatformUnavailable as error:
            log.info("platform call failed, trying again", reason=error.reason)
            if error.outcome_unknown and call.task.move is not Move.POST:
                self._late_until[index] = self._clock.now() + LATE_S
            self._back_off()
            self._give_up_if_late(error)
        except WayClosed as error:
            log.info("shown another way from here", reason=error.reason)
            if call.task.move is not Move.POST:
                self._grows_no_more(index)
                self._board.lost(index)
        except MessageGone:
            self._grows_no_more(index)
            self._board.gone(index)
        except PartTooLong:
            self._board.split_smaller(index)
        finally:
            self._pacer.returned(self._name, call.budgets, left_at, self._clock.now(), well=well, sent=sent)
        return well

    async def finds_more(self) -> bool:
        """Follow the trail of messages that an earlier process posted and could not write down, beyond the end."""
        index = len(self._board.messages)
        if index != self._trail:
            return False
        self._trail = -1
        try:
            found = await self._look_up(index)
        except PlatformError as error:
            log.info("cannot look for messages beyond the end", reason=error.reason)
            return False
        if found is not None:
            self._board.messages.append(Message(found))
            self._trail = index + 1
        return found is not None

    async def remove_surplus(self) -> None:
        """Delete messages beyond the answer's end."""
        for message in self._board.surplus():
            try:
                await self._reply.remove(message.message_id)
            except PlatformError as error:
                log.warning("a surplus message stays", reason=error.reason)

    @property
    def late_wait_s(self) -> float:
        """How long a lost request may still be applied that would spoil what stands there; 0 where none was lost."""
        until = [*self._late_until.values(), *([self._look_at] if self._twice else [])]
        return max(0.0, max(until, default=0.0) - self._clock.now())

    async def make_sure(self) -> bool:
        """Look after what lost requests may have spoiled; true when there is more to do then."""
        spoiled = self._late_until.keys() & self._known().keys()
        for index in spoiled:
            self._board.lost(index)
        self._late_until.clear()
        return await self.remove_doubles() or bool(spoiled)

    async def remove_doubles(self) -> bool:
        """Delete what stands twice after all; true when there is more to do then.

        That is another look later, or a message below which there is no doubt any more. Where it cannot be looked,
        everything stays as it is.
        """
        if not self._twice:
            return False
        try:
            for message_id in await self._reply.find_doubles(self._twice, self._known()):
                log.info("a post that was thought lost came after all, taking it away", message=message_id)
                await self._reply.remove(message_id)
        except (PlatformUnavailable, PlatformRateLimited) as error:
            return self._looks_again(error)
        except PlatformError as error:
            log.warning("cannot look for what stands twice", reason=error.reason)
            self._twice.clear()
            return False
        indices, self._twice = self._twice, set()
        return self._board.trust(indices)

    def _looks_again(self, error: PlatformUnavailable | PlatformRateLimited) -> bool:
        """Plan another look for doubles, if it need not be waited for too long."""
        wait_s = (error.retry_after_s if isinstance(error, PlatformRateLimited) else None) or LATE_S
        self._looks -= 1
        if self._looks > 0 and wait_s <= LOOK_PATIENCE_S:
            self._look_at = self._clock.now() + wait_s
            return True
        log.warning("what may stand twice stays", reason=error.reason)
        self._twice.clear()
        return False

    async def _carry(self, call: Call) -> None:
        match call.task.move:
            case Move.POST:
                await self._post(call.task, call.way)
            case Move.EDIT:
                await self._edit(call.task)
            case Move.END:
                await self._reply.end(self._board.messages[call.task.index].message_id, call.task.view)
                self._board.shown(call.task)
                self._grows_no_more(call.task.index)

    async def _post(self, task: Task, way: Way) -> None:
        found = None
        if task.index in self._unknown:
            found = await self._look_up(task.index)
            if found is None or self._follows:
                self._twice.add(task.index)
            if found is None and not self._follows:
                self._look_at = self._clock.now() + LATE_S
        message = Message(found or "", wordless=not task.view.text.strip())
        if found is None:
            try:
                message.message_id = await self._reply.post(task.index, task.view, way)
            except PlatformUnavailable as error:
                if error.outcome_unknown:
                    self._note_unknown(task.index, error)
                raise
            message.way, message.since = way if way.only_grows else FREELY, self._clock.now()
        self._board.messages[task.index : task.index + 1] = [message]
        self._late_until.pop(task.index, None)
        self._pacer.reserve(message.way)
        if found is None:
            self._board.shown(task)  # whatever a found one shows, the next step brings it up to date
        elif self._follows:  # what followed it may not be written down either
            self._trail = task.index + 1
            self._unknown.add(self._trail)
        await self._write_down(task.index)

    async def _edit(self, task: Task) -> None:
        message = self._board.messages[task.index]
        await self._reply.edit(message.message_id, task.view)
        self._board.shown(task)
        if self._clock.now() >= self._late_until.get(task.index, math.inf):
            del self._late_until[task.index]  # what was lost cannot come after this
        if message.wordless and task.view.text.strip():
            message.wordless = False
            await self._write_down(task.index)

    async def _write_down(self, index: int) -> None:
        message = self._board.messages[index]
        await self._posted(PostedPart(index, message.message_id, message.wordless, twice=index in self._twice))

    def _grows_no_more(self, index: int) -> None:
        self._pacer.release(self._board.messages[index].way)
        self._board.ended(index)

    def _note_unknown(self, index: int, error: PlatformUnavailable) -> None:
        if self._board.is_doubtful(index):
            raise PlatformRejected("two posts of unknown outcome, and no way to look them up") from error
        self._unknown.add(index)

    def _known(self) -> dict[int, str]:
        return {i: message.message_id for i, message in enumerate(self._board.messages) if message.message_id}

    async def _look_up(self, index: int) -> str | None:
        try:
            known = {i: message_id for i, message_id in self._known().items() if i != index}
            found = await self._reply.find_posted(index, known)
        except PlatformRejected as error:
            log.info("cannot look up a lost post, repeating it once", reason=error.reason)
            self._board.doubt(index)
            found = None
        self._unknown.discard(index)
        return found

    def _refused(self, call: Call, error: PlatformRateLimited) -> None:
        self._pacer.refused(
            call.budgets,
            error.retry_after_s,
            self._clock.now(),
            exhausted=error.budget,
            held_back=error.held_back,
        )
        self._give_up_if_late(error)

    def _back_off(self) -> None:
        self._failures += 1
        self._retry_at = self._clock.now() + min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (self._failures - 1))

    def _give_up_if_late(self, error: PlatformError) -> None:
        if self.finished_at is not None and self._clock.now() - self.finished_at > GIVE_UP_S:
            raise error
