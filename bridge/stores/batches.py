"""Group commit: what waits while one commit is under way travels together in the next.

Theory of operation, all of it on the event loop but the writing itself:

* A write is a *decision*: a function that looks at the book and stages changes, or raises. Decisions that arrive while
  nothing is being written are collected until the loop has run everybody who is ready; those that arrive during a
  commit, until that commit is over. Then they are made one after the other, each seeing the effects of those before it.
* A decision that raises (a state conflict, a lost lease) changes nothing and hinders nobody.
* What they staged goes to the writer thread as one batch. When it is durable the book settles, and everybody in the
  batch gets the answer: refusals as well, because they may rest on something staged.
* If the batch fails, nothing of it happened: the book drops it, and everybody in it gets ``StoreUnavailable``.
* Whether a failed commit left something in the file cannot always be known (a commit may be cut off by an I/O error or
  the time limit and still be found there later). Therefore the rows of a failed batch are *doubtful*, and the next
  batch begins by writing what the book says they are.
* A batch has half of the time limit, so that a call has all of it: at most one batch flies before its own. A batch that
  overstays is given up; until the thread reports on it, new calls are refused at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge.errors import StoreUnavailable
from bridge.stores.book import Book
from bridge.stores.layout import Rows, rows_in_doubt, staged_rows
from bridge.stores.writer import WriterThread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Request:
    decide: Callable[[], Any]
    answer: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Answer:
    to: "asyncio.Future[Any]"
    result: Any = None
    refusal: Exception | None = None

    def give(self) -> None:
        if self.to.done():
            return
        if self.refusal is not None:
            self.to.set_exception(self.refusal)
        else:
            self.to.set_result(self.result)


@dataclass(frozen=True, slots=True)
class _Batch:
    answers: list[_Answer]
    rows: Rows


class GroupCommit:
    """Makes decisions on a book and has them written in batches, each all or nothing."""

    def __init__(
        self, book: Book, writer: WriterThread, write: Callable[[Rows], None], *, limit_s: float, max_waiting: int
    ) -> None:
        """Take over a book: from now on nobody else stages anything in it.

        Args:
            write: Makes rows durable, all or none; called on the writer thread.
            limit_s: The longest one call may take.
            max_waiting: Decisions that may wait; one more is refused.
        """
        self._loop = asyncio.get_running_loop()
        self._book = book
        self._writer = writer
        self._write = write
        self._batch_limit_s = limit_s / 2
        self._max_waiting = max_waiting
        self._waiting: list[_Request] = []
        self._flying: _Batch | None = None
        self._overstayed: _Batch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._doubtful: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.failure: str | None = None
        """Why the last batch failed; ``None`` when it did not."""

    async def run(self, decide: Callable[[], T]) -> T:
        """Make a decision and return its result once all that it rests on is durable.

        Cancelling takes the decision back if it has not been made; otherwise it stands.

        Raises:
            StoreUnavailable: Nothing was stored. Anything else is what ``decide`` raised.
        """
        if self._overstayed is not None:
            raise StoreUnavailable(self.failure or "the disk does not answer")
        if len(self._waiting) >= self._max_waiting:
            raise StoreUnavailable(f"{self._max_waiting} writes wait for the disk already")
        request = _Request(decide, self._loop.create_future())
        self._waiting.append(request)
        self._idle.clear()
        self._schedule()
        result: T = await request.answer
        return result

    async def drain(self) -> None:
        """Return when nothing waits any more; never later than the time limit."""
        await self._idle.wait()

    def _schedule(self) -> None:
        if not self._scheduled and self._flying is None and self._overstayed is None:
            self._scheduled = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        requests, self._waiting = self._waiting, []
        in_doubt = rows_in_doubt(self._book, self._doubtful)
        answers = [self._decide(request) for request in requests if not request.answer.done()]
        rows = staged_rows(self._book)
        if not rows:
            self._book.settle()
            self._finish(answers)
            return
        batch = _Batch(answers, in_doubt | rows)
        self._flying = batch
        self._timer = self._loop.call_later(self._batch_limit_s, self._give_up, batch)
        self._writer.submit(lambda: self._write(batch.rows), lambda _, failure: self._landed(batch, failure))

    def _decide(self, request: _Request) -> _Answer:
        try:
            return _Answer(request.answer, request.decide())
        except Exception as exc:  # a refusal or our own mistake: either way its caller's alone
            return _Answer(request.answer, refusal=exc)

    def _landed(self, batch: _Batch, failure: BaseException | None) -> None:
        if batch is self._overstayed:  # its callers were told that it failed; its rows are doubtful already
            self._overstayed = None
            return
        if self._timer is not None:
            self._timer.cancel()
        self._flying = None
        if failure is None:
            self._book.settle()
            self._doubtful.clear()
            self.failure = None
            self._finish(batch.answers)
        else:
            self._fail(batch, getattr(failure, "reason", None) or f"{type(failure).__name__}: {failure}", failure)
            self._finish([])

    def _give_up(self, batch: _Batch) -> None:
        self._flying, self._overstayed = None, batch
        reason = f"the disk did not answer within {self._batch_limit_s:g} s"
        self._fail(batch, reason, None)
        waiting, self._waiting = self._waiting, []
        self._finish([_Answer(request.answer, refusal=StoreUnavailable(reason)) for request in waiting])

    def _fail(self, batch: _Batch, reason: str, cause: BaseException | None) -> None:
        self._book.drop()
        self._doubtful |= batch.rows.keys()
        self.failure = reason
        for answer in batch.answers:
            refusal = StoreUnavailable(reason)
            refusal.__cause__ = cause
            _Answer(answer.to, refusal=refusal).give()

    def _finish(self, answers: list[_Answer]) -> None:
        for answer in answers:
            answer.give()
        if self._waiting:
            self._schedule()  # after those who were answered had their turn: what they write next travels along
        elif self._flying is None:
            self._idle.set()
