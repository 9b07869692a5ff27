"""Shows one growing draft on a platform, as parts: newest text wins, one request at a time, the final text arrives.

The loop asks the board for the first message that does not show what it should and sends it when the pacer allows it.
So a failed interim edit needs no special care: the next round sends newer text. A final text for which there is no edit
goes out as the next part, at once; what is left to be tidied up then is done while edits are to spare, and not for long
where only buttons are concerned. Errors that waiting cannot mend (``PlatformRejected``) leave the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bridge.delivery.board import Board, Move, Task
from bridge.delivery.draft import Draft
from bridge.delivery.messenger import Call, Messenger
from bridge.delivery.pacing import Pacer
from bridge.delivery.sharing import FINAL_PATIENCE_S
from bridge.errors import PlatformError
from bridge.model import Capabilities, Control, PartRules, PostedPart, Way
from bridge.observing import ReplyWatch
from bridge.ports import Clock, Reply

log = structlog.get_logger(__name__)

TIDY_S = 8.0
"""How long edits are waited for that only take buttons away."""
SPLIT_CHARS = 120
"""Fewer characters are no message of their own where an edit would do."""
LAST_CALL_S = 40.0
"""How much longer than a way lasts a good place to end a part is waited for."""
LONGEST_WAIT_S = 60.0
"""Nothing is waited for longer without another look."""
LOOK_S = 0.5
"""While text waits for its edit, how often it is looked whether less load made it due."""
NEXT_WORDS_S, FRESH_S = 0.25, 0.02
"""An edit that is due waits so long for the next words, unless some came just now: what comes right behind it would
have to wait for the next edit. On the average it goes when it is due, for it may go by half the usual pause between
words too early."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How an answer grows, where the operator wants it otherwise than the platform suggests.

    Attributes:
        edit_interval_s: The shortest time between two edits of one message; ``None``: the platform's own.
        first_words_chars, first_words_wait_s: The first post waits for this much text or this long, so that a short
            answer comes in one piece rather than as a flash of two words.
    """

    edit_interval_s: float | None = None
    first_words_chars: int = 24
    first_words_wait_s: float = 0.4


class Delivery:
    """Delivers one reply. ``run`` is its only task; the other methods may be called from the turn at any time.

    Attributes:
        visible_at: When the whole answer was visible (``Clock.now``); ``None`` before.
    """

    def __init__(
        self,
        name: str,
        reply: Reply,
        draft: Draft,
        *,
        rules: PartRules,
        capabilities: Capabilities,
        pacer: Pacer,
        pace: Pace,
        clock: Clock,
        posted: Callable[[PostedPart], Awaitable[None]],
        doubt: str,
        watch: ReplyWatch,
        controls: tuple[Control, ...] = (),
    ) -> None:
        """``posted`` writes down each new message id; ``doubt`` is the sentence under a post that may be a double.

        ``controls`` stand below the last part while the answer grows.
        """
        self._name = name
        self._reply = reply
        self._draft = draft
        self._capabilities = capabilities
        self._pacer = pacer
        self._pace = pace
        self._clock = clock
        self._watch = watch
        self._board = Board(rules, doubt, controls if capabilities.controls else ())
        self._messenger = Messenger(name, reply, self._board, pacer=pacer, clock=clock, watch=watch, posted=posted)
        self._note_ends = False
        self._news = asyncio.Event()
        self._end = asyncio.Event()
        self._finished_at = 0.0
        self._began_at: float | None = None
        self._changed_at = 0.0
        self._deltas = 0
        self._unseen_since: float | None = None
        self._nothing_beyond = -1
        self._gave_next_words = False
        self._refresh_at = clock.now() + (capabilities.status_refresh_s or LONGEST_WAIT_S)
        self._queued: int | None = None
        self.visible_at: float | None = None

    def adopt(self, placeholder: str) -> None:
        """Let a message that stands already become the first part; before ``run``."""
        self._board.adopt(placeholder)

    def missed(self, *, looked_for: bool) -> None:
        """Tell that a placeholder of unknown outcome may stand, or come yet where it was looked for; before ``run``."""
        if looked_for:
            self._messenger.may_come(0)
        else:
            self._messenger.may_stand(0)

    def take_over(self, parts: Sequence[PostedPart]) -> None:
        """Continue with the messages an earlier process posted; before ``run``.

        What they show is brought up to date. The next part may have been posted without our knowing: it is looked up.
        """
        self._board.take_over(parts)
        if not all(part.wordless for part in parts):
            self._watch.words_stand()
        self._messenger.take_over(parts)

    def changed(self) -> None:
        """Tell that the draft has new text; costs next to nothing."""
        self._changed_at = self._clock.now()
        self._deltas += 1
        if self._began_at is None:
            self._began_at = self._changed_at
        if self._unseen_since is None:
            self._unseen_since = self._changed_at
        self._news.set()

    def queued(self, position: int) -> None:
        """Tell that the question waits for the agent's own limits, behind ``position`` others."""
        self._queued = position
        self._news.set()

    def note(self, sentence: str, *, before_words: bool = False) -> None:
        """Show a sentence below the growing answer, or alone before its first words, until another or the end.

        A newer one takes no request of its own where there are words: it goes with the next of them.

        Args:
            before_words: Until the first words only.
        """
        self._board.note, self._note_ends = sentence, before_words
        if self._unseen_since is None and not self._board.said:
            self._unseen_since = self._clock.now()
        self._nothing_beyond = -1
        self._news.set()

    def finish(self, footer: str = "", controls: tuple[Control, ...] = ()) -> None:
        """Tell that the draft is whole; ``run`` returns once everything, and ``footer`` below it, is shown.

        ``controls`` take the place of those that stood there while the answer grew.
        """
        self._board.finish(footer, controls if self._capabilities.controls else ())
        self._finished_at = self._messenger.finished_at = self._clock.now()
        self._end.set()
        self._news.set()

    async def run(self) -> None:
        """Show the draft until it is finished and visible to its last character.

        Raises:
            PlatformRejected: The platform refuses for good.
            PlatformUnavailable, PlatformRateLimited: The final text could not be shown for ten minutes.
        """
        interval_s = self._pace.edit_interval_s or self._capabilities.edit_interval_s
        self._pacer.join(self._name, interval_s, ())
        try:
            while not await self._step():
                pass
        finally:
            self._messenger.release()
            self._pacer.leave(self._name, self._clock.now(), ended_at=self._finished_at if self._end.is_set() else None)

    async def _step(self) -> bool:
        """Send one thing or wait for one thing; true when everything is shown."""
        finished = self._end.is_set()
        self._news.clear()
        if self._queued is not None:
            position, self._queued = self._queued, None
            await self._comfort(self._reply.waiting(position))
        if change := self._draft.take(ended=finished):
            self._board.hear(change)
            if self._note_ends:
                self._note_ends, self._board.note = False, ""
        if finished:
            return await self._end_step()
        await self._grow_step()
        return False

    # --- while the answer grows ---

    async def _grow_step(self) -> None:
        self._rotate()
        if self._board.said == self._nothing_beyond:
            await self._wait(self._news, self._patience_s())
        elif not self._board.has_words:
            await self._first_words_step()
        elif (wait_s := self._interim_wait_s()) > 0:
            await self._wait(self._end, min(wait_s, LOOK_S))
        elif not self._gave_next_words and self._clock.now() > self._changed_at + FRESH_S:
            self._gave_next_words = True
            await self._clock.wait(self._news, NEXT_WORDS_S)
        elif (call := self._next_call()) is not None and (wait_s := self._messenger.wait_s(call)) > 0:
            await self._wait(self._end, min(wait_s, LOOK_S))
        elif call is not None:
            await self._send(call)

    async def _first_words_step(self) -> None:
        """Show the first words as soon as there are some; a few are held back for more, so that nothing flashes up."""
        now = self._clock.now()
        # A note alone, before anything was said, is not held back.
        held_until = now if self._began_at is None else self._began_at + self._pace.first_words_wait_s
        is_short = self._board.said < self._pace.first_words_chars
        if is_short and now < held_until:
            await self._wait(self._news if not self._board.messages else self._end, held_until - now)
            return
        call = self._next_call()
        if call is None and self._pacer.choose(self._reply.ways, now).only_grows:
            if now < held_until:
                self._nothing_beyond = -1
                await self._wait(self._end, held_until - now)
                return
            call = self._next_call(freely=True)  # an open mark at the beginning is not waited for any longer
        if call is not None and (wait_s := self._messenger.wait_s(call)) > 0:
            await self._wait(self._end, min(wait_s, LOOK_S))
        elif call is not None:
            await self._send(call)

    def _next_call(self, *, freely: bool = False) -> Call | None:
        """Return what is to be sent; without any, it is not asked again before there is news."""
        now = self._clock.now()
        freely = freely or not self._board.said  # a note alone has to be replaced later
        way = self._reply.ways[-1] if freely else self._pacer.choose(self._reply.ways, now)
        for task in self._board.tasks(only_grows=way.only_grows):
            call = self._messenger.call(task, way)
            if task.move is Move.END and self._pacer.wait_s(call.budgets, now) > 0:
                if task.tidies:
                    continue
                call = self._messenger.call(replace(task, move=Move.EDIT), way)
            elif task.tidies and task.move is not Move.END:
                continue
            return call
        self._nothing_beyond = self._board.said
        return None

    def _interim_wait_s(self) -> float:
        now, board = self._clock.now(), self._board
        began_at = self._began_at if self._began_at is not None else now
        self._pacer.move(self._name, self._growth.edit, self._reply.ways[-1].post)
        self._pacer.heard(self._name, board.said, began_at, now)
        since = self._unseen_since if self._unseen_since is not None else began_at
        usual_pause_s = max(0.0, self._changed_at - began_at) / max(1, self._deltas - 1)
        wait_s = self._pacer.interim_wait_s(
            self._name,
            max(1, board.said - board.seen if board.said else len(board.note)),
            now - since,
            now,
            early_s=min(NEXT_WORDS_S, usual_pause_s) / 2,
        )
        return max(wait_s, self._messenger.rest_s)

    @property
    def _growth(self) -> Way:
        """The way in which the last message grows now."""
        growing = self._board.growing
        return growing.way if growing is not None else self._reply.ways[-1]

    def _rotate(self) -> None:
        """Let a part that only grows end in time: at a good place when it is nearly full or old, at last anywhere."""
        message = self._board.growing
        if message is None:
            return
        age_s, lasts_s = self._clock.now() - message.since, message.way.lasts_s
        if (lasts_s is not None and age_s > lasts_s) or self._board.is_nearly_full:
            self._board.end_early()
        if lasts_s is not None and age_s > lasts_s + LAST_CALL_S and not message.closing:
            message.closing = True
            self._nothing_beyond = -1

    def _patience_s(self) -> float:
        """How long nothing need be looked at if nothing is said."""
        message = self._board.growing
        if message is None or message.way.lasts_s is None:
            return LONGEST_WAIT_S
        return min(LONGEST_WAIT_S, max(LOOK_S, message.since + message.way.lasts_s + LAST_CALL_S - self._clock.now()))

    # --- when it has ended ---

    async def _end_step(self) -> bool:
        tasks = list(self._board.tasks())
        task = next((task for task in tasks if not task.tidies), None) or next(iter(tasks), None)
        if (task is None or task.tidies) and self.visible_at is None:
            self.visible_at = self._clock.now()
        if task is None or (task.tidies and not task.worth and self._clock.now() > self._finished_at + TIDY_S):
            return await self._tidied_up()
        call, wait_s = self._last_call(task)
        if task.move is Move.EDIT and not task.tidies and self._is_better_posted(task):
            if self._board.split_off(task.index):
                return False
        if wait_s > 0:
            await self._clock.sleep(min(wait_s, LOOK_S))
        else:
            await self._send(call)
        return False

    async def _tidied_up(self) -> bool:
        """Take away what should not stand; true when nothing is left to do."""
        if await self._messenger.finds_more():
            return False
        await self._messenger.remove_surplus()
        if (wait_s := self._messenger.late_wait_s) > 0:
            await self._clock.sleep(wait_s)
        return not await self._messenger.make_sure()

    async def remove_doubles(self) -> None:
        """Take away what stands twice, after ``run`` was left by an error; fails never."""
        await self._messenger.remove_doubles()

    def _last_call(self, task: Task) -> tuple[Call, float]:
        """Return how a difference is mended when the answer has ended, and how long that has to wait."""
        call = self._messenger.call(task, self._reply.ways[-1])
        now = self._clock.now()
        if task.move is Move.END and not task.tidies and self._pacer.wait_s(call.budgets, now) > 0:
            call = self._messenger.call(replace(task, move=Move.EDIT), call.way)  # the words first
        if task.tidies and task.move is Move.EDIT:
            return call, max(self._pacer.spare_wait_s(call.budgets, now), self._messenger.rest_s)
        return call, self._messenger.wait_s(call)

    def _is_better_posted(self, task: Task) -> bool:
        """Tell whether a final text should not take, or wait for, an edit."""
        now, way = self._clock.now(), self._reply.ways[-1]
        edit_wait_s, post_wait_s = self._pacer.wait_s(way.edit, now), self._pacer.wait_s(way.post, now)
        if edit_wait_s > FINAL_PATIENCE_S:
            return post_wait_s < edit_wait_s
        is_long = self._board.rest(task.index) >= SPLIT_CHARS
        return is_long and post_wait_s <= 0 and self._pacer.is_scarce(way.edit, now)

    # --- waiting ---

    async def _wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Wait for ``event``; before the first words the sign of life is renewed meanwhile."""
        refresh_in_s = max(0.0, self._refresh_at - self._clock.now())
        if self._board.messages or self._capabilities.status_refresh_s is None or timeout_s < refresh_in_s:
            await self._clock.wait(event, timeout_s)
        elif not await self._clock.wait(event, refresh_in_s):
            self._refresh_at = self._clock.now() + self._capabilities.status_refresh_s
            await self._comfort(self._reply.refresh())

    async def _comfort(self, sign: Awaitable[None]) -> None:
        """Show a sign that is worth no second try."""
        try:
            await sign
        except PlatformError as error:
            log.info("sign of life not shown", reason=error.reason)

    async def _send(self, call: Call) -> None:
        unseen_since, self._unseen_since = self._unseen_since, None
        if await self._messenger.send(call, self._began_at):
            self._gave_next_words = False
        else:
            self._unseen_since, self._nothing_beyond = unseen_since, -1
