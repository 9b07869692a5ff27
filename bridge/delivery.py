"""Shows one growing draft on a platform, as parts: newest text wins, one request at a time, the final text arrives.

The loop asks the board for the first message that does not show what it should and sends it when the pacer allows it.
So a failed interim edit needs no special care: the next round sends newer text. A post of unknown outcome is looked up
before it is repeated. A final text for which there is no edit goes out as the next part, at once; what is left to be
tidied up then is done while edits are to spare, and not for long where only buttons are concerned. Errors that waiting
cannot mend (``PlatformRejected``) leave the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.board import Board, Message, Task
from bridge.draft import Draft
from bridge.errors import (
    MessageGone,
    PartTooLong,
    PlatformError,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
)
from bridge.model import Budget, Capabilities, Control, PartRules, PostedPart
from bridge.observing import ReplyWatch
from bridge.pacing import FINAL_PATIENCE_S, Pacer
from bridge.ports import Clock, Reply

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
GIVE_UP_S = 600.0
"""How long a final text that the platform does not take is tried."""
TIDY_S = 8.0
"""How long edits are waited for that only take buttons away."""
SPLIT_CHARS = 120
"""Fewer characters are no message of their own where an edit would do."""
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
        self._posted = posted
        self._watch = watch
        self._board = Board(rules, doubt, controls if capabilities.controls else ())
        self._unknown: set[int] = set()
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
        self._failures = 0
        self._retry_at = 0.0
        self.visible_at: float | None = None

    def adopt(self, placeholder: str) -> None:
        """Let a message that stands already become the first part; before ``run``."""
        self._board.adopt(placeholder)

    def take_over(self, parts: Sequence[PostedPart]) -> None:
        """Continue with the messages an earlier process posted; before ``run``.

        What they show is brought up to date. The next part may have been posted without our knowing: it is looked up.
        """
        self._board.take_over(parts)
        if not all(part.wordless for part in parts):
            self._watch.words_stand()
        self._unknown.add(len(parts))

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

    def note(self, sentence: str) -> None:
        """Show a sentence below the growing answer, or alone before its first words, until another or the end.

        A newer one takes no request of its own: it goes with the next words.
        """
        self._board.note = sentence
        self._nothing_beyond = -1
        self._news.set()

    def finish(self, footer: str = "", controls: tuple[Control, ...] = ()) -> None:
        """Tell that the draft is whole; ``run`` returns once everything, and ``footer`` below it, is shown.

        ``controls`` take the place of those that stood there while the answer grew.
        """
        self._board.finish(footer, controls if self._capabilities.controls else ())
        self._finished_at = self._clock.now()
        self._end.set()
        self._news.set()

    async def run(self) -> None:
        """Show the draft until it is finished and visible to its last character.

        Raises:
            PlatformRejected: The platform refuses for good.
            PlatformUnavailable, PlatformRateLimited: The final text could not be shown for ``GIVE_UP_S``.
        """
        interval_s = self._pace.edit_interval_s or self._capabilities.edit_interval_s
        self._pacer.join(self._name, interval_s, self._reply.edit_budgets)
        try:
            while not await self._step():
                pass
        finally:
            self._pacer.leave(self._name, self._clock.now(), ended_at=self._finished_at if self._end.is_set() else None)

    async def _step(self) -> bool:
        """Send one thing or wait for one thing; true when everything is shown."""
        finished = self._end.is_set()
        self._news.clear()
        if self._queued is not None:
            position, self._queued = self._queued, None
            await self._comfort(self._reply.waiting(position))
        if change := self._draft.take():
            self._board.hear(change)
        if finished:
            return await self._end_step()
        await self._grow_step()
        return False

    # --- while the answer grows ---

    async def _grow_step(self) -> None:
        if self._board.said == self._nothing_beyond:
            await self._wait(self._news, LONGEST_WAIT_S)
        elif not self._board.has_words:
            await self._first_words_step()
        elif (wait_s := self._interim_wait_s()) > 0:
            await self._wait(self._end, min(wait_s, LOOK_S))
        elif not self._gave_next_words and self._clock.now() > self._changed_at + FRESH_S:
            self._gave_next_words = True
            await self._clock.wait(self._news, NEXT_WORDS_S)
        elif (task := self._next()) is not None and (wait_s := self._call_wait_s(task)) > 0:
            await self._wait(self._end, min(wait_s, LOOK_S))
        elif task is not None:
            await self._send(task)

    async def _first_words_step(self) -> None:
        """Show the first words as soon as there are some; a few are held back for more, so that nothing flashes up."""
        task = self._next()
        if task is None:
            return
        now = self._clock.now()
        wait_s = self._call_wait_s(task)
        is_short = self._board.said < self._pace.first_words_chars
        if is_short and self._began_at is not None:
            wait_s = max(wait_s, self._began_at + self._pace.first_words_wait_s - now)
        if wait_s > 0:
            await self._wait(self._news if is_short and not self._board.messages else self._end, wait_s)
        else:
            await self._send(task)

    def _next(self) -> Task | None:
        """Return what is to be sent; without any, it is not asked again before there is news."""
        task = self._board.next()
        if task is None or task.tidies:
            self._nothing_beyond = self._board.said
            return None
        return task

    def _interim_wait_s(self) -> float:
        now, board = self._clock.now(), self._board
        self._pacer.move(self._name, self._reply.edit_budgets)
        began_at = self._began_at if self._began_at is not None else now
        self._pacer.heard(self._name, board.said, began_at, now)
        since = self._unseen_since if self._unseen_since is not None else began_at
        usual_pause_s = (self._changed_at - began_at) / max(1, self._deltas - 1)
        wait_s = self._pacer.interim_wait_s(
            self._name,
            max(1, board.said - board.seen),
            now - since,
            now,
            early_s=min(NEXT_WORDS_S, usual_pause_s) / 2,
        )
        return max(wait_s, self._retry_at - now)

    # --- when it has ended ---

    async def _end_step(self) -> bool:
        task = self._board.next()
        if (task is None or task.tidies) and self.visible_at is None:
            self.visible_at = self._clock.now()
        if task is None or (task.tidies and not task.worth and self._clock.now() > self._finished_at + TIDY_S):
            await self._remove_surplus()
            return True
        if task.tidies:
            wait_s = max(self._pacer.spare_wait_s(self._reply.edit_budgets, self._clock.now()), self._retry_s)
        else:
            wait_s = self._call_wait_s(task)
            if not task.posts and self._is_better_posted(task) and self._board.split_off(task.index):
                return False
        if wait_s > 0:
            await self._clock.sleep(min(wait_s, LOOK_S))
        else:
            await self._send(task)
        return False

    def _is_better_posted(self, task: Task) -> bool:
        """Tell whether a final text should not take, or wait for, an edit."""
        now = self._clock.now()
        edit_wait_s = self._pacer.wait_s(self._reply.edit_budgets, now)
        post_wait_s = self._pacer.wait_s(self._reply.post_budgets, now)
        if edit_wait_s > FINAL_PATIENCE_S:
            return post_wait_s < edit_wait_s
        is_long = self._board.rest(task.index) >= SPLIT_CHARS
        return is_long and post_wait_s <= 0 and self._pacer.is_scarce(self._reply.edit_budgets, now)

    # --- waiting ---

    @property
    def _retry_s(self) -> float:
        return max(0.0, self._retry_at - self._clock.now())

    def _call_wait_s(self, task: Task) -> float:
        """Return how long a call has to wait that may use the last there is."""
        return max(self._pacer.wait_s(self._budgets(task), self._clock.now()), self._retry_s)

    def _budgets(self, task: Task) -> tuple[Budget, ...]:
        return self._reply.post_budgets if task.posts else self._reply.edit_budgets

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

    # --- sending ---

    async def _send(self, task: Task) -> None:
        budgets, left_at, well = self._budgets(task), self._clock.now(), False
        unseen_since, self._unseen_since = self._unseen_since, None
        self._pacer.spent(budgets, left_at)
        try:
            with self._watch.request("post" if task.posts else "edit", budgets):
                if task.posts:
                    await self._post(task)
                else:
                    await self._edit(task)
            well = True
            self._failures, self._gave_next_words = 0, False
            self._watch.shown(task.view.text, self._began_at)
        except PlatformRateLimited as error:
            self._pacer.refused(
                budgets,
                error.retry_after_s,
                self._clock.now(),
                exhausted=error.budget,
                held_back=error.held_back,
            )
            self._give_up_if_late(error)
        except PlatformUnavailable as error:
            log.info("platform call failed, trying again", reason=error.reason)
            self._back_off()
            self._give_up_if_late(error)
        except MessageGone:
            self._board.gone(task.index)
        except PartTooLong:
            self._board.split_smaller(task.index)
        finally:
            self._pacer.returned(self._name, budgets, left_at, self._clock.now(), well=well)
        if not well:
            self._unseen_since = unseen_since
            self._nothing_beyond = -1

    async def _post(self, task: Task) -> None:
        found = await self._look_up(task.index) if task.index in self._unknown else None
        message = Message(found or "", wordless=not task.view.text.strip())
        if found is None:
            try:
                message.message_id = await self._reply.post(task.index, task.view)
            except PlatformUnavailable as error:
                if error.outcome_unknown:
                    self._note_unknown(task.index, error)
                raise
        self._board.messages[task.index : task.index + 1] = [message]
        if found is None:  # whatever a found one shows, the next step brings it up to date
            self._board.shown(task)
        await self._posted(PostedPart(task.index, message.message_id, message.wordless))

    async def _edit(self, task: Task) -> None:
        message = self._board.messages[task.index]
        await self._reply.edit(message.message_id, task.view)
        self._board.shown(task)
        if message.wordless and task.view.text.strip():
            message.wordless = False
            await self._posted(PostedPart(task.index, message.message_id))

    def _note_unknown(self, index: int, error: PlatformUnavailable) -> None:
        if self._board.is_doubtful(index):
            raise PlatformRejected("two posts of unknown outcome, and no way to look them up") from error
        self._unknown.add(index)

    async def _look_up(self, index: int) -> str | None:
        try:
            messages = enumerate(self._board.messages)
            known = {i: message.message_id for i, message in messages if message.message_id and i != index}
            found = await self._reply.find_posted(index, known)
        except PlatformRejected as error:
            log.info("cannot look up a lost post, repeating it once", reason=error.reason)
            self._board.doubt(index)
            found = None
        self._unknown.discard(index)
        return found

    def _back_off(self) -> None:
        self._failures += 1
        self._retry_at = self._clock.now() + min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (self._failures - 1))

    def _give_up_if_late(self, error: PlatformError) -> None:
        if self._end.is_set() and self._clock.now() - self._finished_at > GIVE_UP_S:
            raise error

    async def _remove_surplus(self) -> None:
        for message in self._board.surplus():
            try:
                await self._reply.remove(message.message_id)
            except PlatformError as error:
                log.warning("a surplus message stays", reason=error.reason)
