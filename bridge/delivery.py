"""Shows one growing draft on a platform, as parts: newest text wins, one request at a time, the final text arrives.

The loop compares what each message should show with what it shows, and sends the first difference when the pacer
allows it. So a failed interim edit needs no special care: the next round sends newer text. A post of unknown outcome
is looked up before it is repeated. Errors that waiting cannot mend (``PlatformRejected``) leave the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bridge.draft import Draft
from bridge.errors import (
    MessageGone,
    PartTooLong,
    PlatformError,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
)
from bridge.model import Budget, Capabilities, Control, PartRules, PostedPart, View
from bridge.observing import ReplyWatch
from bridge.pacing import Pacer, Urgency
from bridge.ports import Clock, Reply
from bridge.rendering import PartSequence

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
FINAL_PATIENCE_S = 600.0
SMALLEST_PART_CHARS = 200
LONGEST_WAIT_S = 60.0
"""Nothing is waited for longer without another look."""


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


@dataclass(slots=True)
class _Message:
    """One message on the platform; without an id it is gone, without a view it shows only a placeholder."""

    message_id: str
    view: View | None


_UNKNOWN = View("")
"""What a message shows that an earlier process posted, where the text is lost."""


class Delivery:
    """Delivers one reply. ``run`` is its only task; the other methods may be called from the turn at any time."""

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
        self._rules = rules
        self._capabilities = capabilities
        self._pacer = pacer
        self._pace = pace
        self._clock = clock
        self._posted = posted
        self._doubt = doubt
        self._watch = watch
        self._parts = PartSequence(rules)
        self._chars = 0
        self._messages: list[_Message] = []
        self._stood = 0
        self._placeholder = ""
        self._unknown: set[int] = set()
        self._doubtful: set[int] = set()
        self._news = asyncio.Event()
        self._end = asyncio.Event()
        self._finished_at = 0.0
        self._footer = ""
        self._controls = controls if capabilities.controls else ()
        self._first_delta_at: float | None = None
        self._refresh_at = clock.now() + (capabilities.status_refresh_s or LONGEST_WAIT_S)
        self._queued: int | None = None
        self._failures = 0
        self._retry_at = 0.0

    def adopt(self, placeholder: str) -> None:
        """Let a message that stands already become the first part; before ``run``."""
        self._messages = [_Message(placeholder, None)]
        self._placeholder = placeholder

    def take_over(self, message_ids: Sequence[str]) -> None:
        """Continue with the messages an earlier process posted; before ``run``.

        What they show is brought up to date. The next part may have been posted without our knowing: it is looked up.
        """
        self._messages = [_Message(message_id, None) for message_id in message_ids]
        self._stood = len(message_ids)
        if message_ids:
            self._watch.words_stand()
        self._unknown.add(len(message_ids))

    def changed(self) -> None:
        """Tell that the draft has new text; costs next to nothing."""
        if self._first_delta_at is None:
            self._first_delta_at = self._clock.now()
        self._news.set()

    def queued(self, position: int) -> None:
        """Tell that the question waits for the agent's own limits, behind ``position`` others."""
        self._queued = position
        self._news.set()

    def finish(self, footer: str = "", controls: tuple[Control, ...] = ()) -> None:
        """Tell that the draft is whole; ``run`` returns once everything, and ``footer`` below it, is shown.

        ``controls`` take the place of those that stood there while the answer grew.
        """
        self._footer = footer
        self._controls = controls if self._capabilities.controls else ()
        self._finished_at = self._clock.now()
        self._end.set()
        self._news.set()

    async def run(self) -> None:
        """Show the draft until it is finished and visible to its last character.

        Raises:
            PlatformRejected: The platform refuses for good.
            PlatformUnavailable, PlatformRateLimited: The final text could not be shown for ``FINAL_PATIENCE_S``.
        """
        interval_s = self._pace.edit_interval_s or self._capabilities.edit_interval_s
        self._pacer.join(self._name, interval_s, self._reply.edit_budgets)
        try:
            while not await self._step():
                pass
        finally:
            self._pacer.leave(self._name)

    async def _step(self) -> bool:
        """Send one thing or wait for one thing; true when everything is shown."""
        finished = self._end.is_set()
        self._news.clear()
        if self._queued is not None:
            position, self._queued = self._queued, None
            await self._comfort(self._reply.waiting(position))
        wanted = self._wanted(finished)
        index = next((i for i, view in enumerate(wanted) if self._differs(i, view)), None)
        if index is None:
            if finished:
                await self._remove_surplus(len(wanted))
                return True
            await self._wait(self._news, LONGEST_WAIT_S)
        elif (wait_s := self._wait_s(index, finished)) > 0:
            await self._pause(wait_s, finished)
        else:
            await self._send(index, wanted[index])
        return False

    # --- what should be shown ---

    def _wanted(self, finished: bool) -> list[View]:
        if change := self._draft.take():
            self._chars = len(change.text) + (0 if change.replaces else self._chars)
            if change.replaces:
                self._parts.replace(change.text)
            else:
                self._parts.append(change.text)
        parts = list(self._parts.parts())
        if parts and not parts[-1].body.strip():
            parts.pop()
        views = [View(part.text) for part in parts]
        if views and not finished:
            preview = self._parts.preview()
            views[-1:] = [View(preview, live=True)] if preview.strip() else []
        if finished and not views:
            views = self._as_they_stand()
        if finished and self._footer:
            views = self._with_footer(views)
        if views and self._controls and views[-1] is not _UNKNOWN:
            views[-1] = replace(views[-1], controls=self._controls)
        return [replace(v, footer=v.footer or self._doubt) if i in self._doubtful else v for i, v in enumerate(views)]

    def _with_footer(self, views: list[View]) -> list[View]:
        last = views[-1] if views else _UNKNOWN
        if last is _UNKNOWN or self._rules.measure(f"{last.text}\n\n{self._footer}") > self._rules.limit:
            return [*views, View("", footer=self._footer)]
        return [*views[:-1], replace(last, footer=self._footer)]

    def _as_they_stand(self) -> list[View]:
        """Nothing is known of the text an earlier process showed: leave it, so that the end is told below."""
        for message in self._messages[: self._stood]:
            message.view = message.view or _UNKNOWN
        return [_UNKNOWN] * self._stood

    def _differs(self, index: int, view: View) -> bool:
        if self._must_post(index):
            return True
        shown = self._messages[index].view
        # A live message and its end often look the same; only what is seen is worth a request.
        return shown is None or (shown.text, shown.footer, shown.controls) != (view.text, view.footer, view.controls)

    def _must_post(self, index: int) -> bool:
        return index >= len(self._messages) or not self._messages[index].message_id

    # --- when ---

    def _wait_s(self, index: int, finished: bool) -> float:
        now = self._clock.now()
        is_first = index == 0 and (self._must_post(0) or self._messages[0].view is None)
        urgency = Urgency.FINAL if finished else Urgency.FIRST if is_first else Urgency.INTERIM
        wait_s = self._pacer.wait_s(self._name, self._budgets(index), urgency, now)
        is_short = self._chars < self._pace.first_words_chars
        if urgency is Urgency.FIRST and is_short and self._first_delta_at is not None:
            wait_s = max(wait_s, self._first_delta_at + self._pace.first_words_wait_s - now)
        return max(wait_s, self._retry_at - now)

    def _budgets(self, index: int) -> tuple[Budget, ...]:
        return self._reply.post_budgets if self._must_post(index) else self._reply.edit_budgets

    async def _pause(self, wait_s: float, finished: bool) -> None:
        """Wait for the next request's turn; newer text is picked up afterwards anyway, the end shortens the pause."""
        if finished:
            await self._clock.sleep(wait_s)
        else:
            # A few first words are held back for more, so more can shorten the pause too.
            holds_back = not self._messages and self._chars < self._pace.first_words_chars
            await self._wait(self._news if holds_back else self._end, wait_s)

    async def _wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Wait for ``event``; before the first words the sign of life is renewed meanwhile."""
        refresh_in_s = max(0.0, self._refresh_at - self._clock.now())
        if self._messages or self._capabilities.status_refresh_s is None or timeout_s < refresh_in_s:
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

    async def _send(self, index: int, view: View) -> None:
        budgets, kind = self._budgets(index), "post" if self._must_post(index) else "edit"
        self._pacer.spent(self._name, budgets, self._clock.now())
        try:
            with self._watch.request(kind, budgets):
                if self._must_post(index):
                    await self._post(index, view)
                else:
                    await self._edit(index, view)
            self._failures = 0
            self._watch.shown(view.text, self._first_delta_at)
        except PlatformRateLimited as error:
            self._pacer.refused(budgets, error.retry_after_s, self._clock.now(), exhausted=error.budget)
            self._give_up_if_late(error)
        except PlatformUnavailable as error:
            log.info("platform call failed, trying again", reason=error.reason)
            self._back_off()
            self._give_up_if_late(error)
        except MessageGone:
            self._messages[index] = _Message("", None)
        except PartTooLong:
            self._split_smaller(index)

    async def _post(self, index: int, view: View) -> None:
        found = await self._look_up(index) if index in self._unknown else None
        if found is None:
            try:
                message = _Message(await self._reply.post(index, view), view)
            except PlatformUnavailable as error:
                if error.outcome_unknown:
                    self._note_unknown(index, error)
                raise
        else:
            message = _Message(found, None)  # whatever it shows, the next step brings it up to date
        self._messages[index : index + 1] = [message]
        await self._posted(PostedPart(index, message.message_id))

    async def _edit(self, index: int, view: View) -> None:
        message = self._messages[index]
        await self._reply.edit(message.message_id, view)
        message.view = view
        if message.message_id == self._placeholder:  # from now on it shows words
            self._placeholder = ""
            await self._posted(PostedPart(index, message.message_id))

    def _note_unknown(self, index: int, error: PlatformUnavailable) -> None:
        if index in self._doubtful:
            raise PlatformRejected("two posts of unknown outcome, and no way to look them up") from error
        self._unknown.add(index)

    async def _look_up(self, index: int) -> str | None:
        try:
            known = {i: m.message_id for i, m in enumerate(self._messages) if m.message_id and i != index}
            found = await self._reply.find_posted(index, known)
        except PlatformRejected as error:
            log.info("cannot look up a lost post, repeating it once", reason=error.reason)
            self._doubtful.add(index)
            found = None
        self._unknown.discard(index)
        return found

    def _split_smaller(self, index: int) -> None:
        smaller = self._rules.limit // 2
        if smaller < SMALLEST_PART_CHARS:
            raise PlatformRejected("the platform finds even a small part too long")
        self._rules = replace(self._rules, limit=smaller)
        self._parts.shrink(smaller, index)

    def _back_off(self) -> None:
        self._failures += 1
        self._retry_at = self._clock.now() + min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (self._failures - 1))

    def _give_up_if_late(self, error: PlatformError) -> None:
        if self._end.is_set() and self._clock.now() - self._finished_at > FINAL_PATIENCE_S:
            raise error

    async def _remove_surplus(self, wanted: int) -> None:
        """Delete messages beyond the answer's end: the completed text was shorter than its deltas."""
        for message in self._messages[wanted:]:
            try:
                await self._reply.remove(message.message_id)
            except PlatformError as error:
                log.warning("a surplus message stays", reason=error.reason)
        del self._messages[wanted:]
