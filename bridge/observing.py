"""What the core tells of itself while it works: an ``Observer`` for whoever counts, and facts that can be asked.

Nothing here names a person, a channel or a turn: what is told may become a label of a metric, and labels must stay few.
Names of adapters and agents come from the configuration; everything else is one of a handful of words.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from bridge.errors import AgentError, MessageGone, PlatformRateLimited, PlatformRejected, PlatformUnavailable, WayClosed
from bridge.model import Budget, ControlKind, Outcome, TurnState, Usage
from bridge.ports import Clock


class Observer(Protocol):
    """Is told what happens. Methods return at once and never raise; durations are in seconds."""

    def adapter_connected(self, adapter: str, connected: bool) -> None:
        """An adapter can receive messages from now on, or cannot any more; told only when it changes."""
        ...

    def request_ended(self, adapter: str, kind: str, result: str) -> None:
        """A message was posted, edited or ended (``kind``), or not: ok, refused, failed, gone, closed or rejected."""
        ...

    def request_refused(self, adapter: str, budget: str) -> None:
        """The platform asked for a pause; ``budget`` is the name of the allowance that was used up."""
        ...

    def first_words_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None:
        """The first piece of an answer is visible: so long after its question, and after the agent began to speak."""
        ...

    def answer_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None:
        """An answer is visible to its last character: so long after its question, and after the agent had ended."""
        ...

    def turn_ended(self, adapter: str, outcome: Outcome) -> None:
        """A question has its end, also one that never ran."""
        ...

    def turn_taken_up(self, adapter: str, state: TurnState) -> None:
        """A turn that an earlier process left unfinished is worked on again, from this state."""
        ...

    def pressed(self, adapter: str, kind: ControlKind, result: str) -> None:
        """Somebody pressed a control: obeyed, refused, or void because nothing was left to obey (``result``)."""
        ...

    def agent_answered(self, agent: str) -> None:
        """A call of the agent's service went well."""
        ...

    def agent_failed(self, agent: str, error: AgentError) -> None:
        """A call of the agent's service failed or was refused."""
        ...

    def tokens_used(self, agent: str, usage: Usage) -> None:
        """An answer cost this much."""
        ...


class Unobserved:
    """An observer that looks away."""

    def adapter_connected(self, adapter: str, connected: bool) -> None: ...

    def request_ended(self, adapter: str, kind: str, result: str) -> None: ...

    def request_refused(self, adapter: str, budget: str) -> None: ...

    def first_words_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None: ...

    def answer_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None: ...

    def turn_ended(self, adapter: str, outcome: Outcome) -> None: ...

    def turn_taken_up(self, adapter: str, state: TurnState) -> None: ...

    def pressed(self, adapter: str, kind: ControlKind, result: str) -> None: ...

    def agent_answered(self, agent: str) -> None: ...

    def agent_failed(self, agent: str, error: AgentError) -> None: ...

    def tokens_used(self, agent: str, usage: Usage) -> None: ...


UNOBSERVED: Observer = Unobserved()


class Connection(asyncio.Event):
    """The ``connected`` event of an adapter, which also knows since when and tells the observer.

    Attributes:
        changed_at: When it was last set or cleared (``Clock.now``); at first, when it was made.
        connects: How often it was set.
    """

    def __init__(self, adapter: str, clock: Clock, observer: Observer = UNOBSERVED) -> None:
        super().__init__()
        self._adapter = adapter
        self._clock = clock
        self._observer = observer
        self.changed_at = clock.now()
        self.connects = 0

    def set(self) -> None:
        """Tell that messages can arrive; nothing happens when that is known."""
        if not self.is_set():
            self.connects += 1
            self._changed(True)
        super().set()

    def clear(self) -> None:
        """Tell that messages cannot arrive; nothing happens when that is known."""
        if self.is_set():
            self._changed(False)
        super().clear()

    def _changed(self, connected: bool) -> None:
        self.changed_at = self._clock.now()
        self._observer.adapter_connected(self._adapter, connected)


class ReplyWatch:
    """What one reply tells while it is delivered.

    Args:
        asked_at_s: When the question was written down (``Clock.wall``: it may have been before a restart).
    """

    def __init__(self, observer: Observer, clock: Clock, adapter: str, asked_at_s: float) -> None:
        self._observer = observer
        self._clock = clock
        self._adapter = adapter
        self._asked_at_s = asked_at_s
        self._words_shown = False

    @contextmanager
    def request(self, kind: str, budgets: Sequence[Budget]) -> Iterator[None]:
        """Watch one request that posts or edits (``kind``); its error goes on."""
        result = "rejected"
        try:
            yield
            result = "ok"
        except PlatformRateLimited as error:
            result = "refused"
            budget = error.budget or (budgets[0].name if budgets else "")
            self._observer.request_refused(self._adapter, budget)
            raise
        except PlatformUnavailable:
            result = "failed"
            raise
        except MessageGone:
            result = "gone"
            raise
        except WayClosed:
            result = "closed"
            raise
        except PlatformRejected:
            raise
        except BaseException:
            result = ""  # ours, not the platform's: cancelled, or not written down
            raise
        finally:
            if result:
                self._observer.request_ended(self._adapter, kind, result)

    def shown(self, text: str, agent_began_at: float | None) -> None:
        """Tell what a request made visible; the agent began to speak at ``agent_began_at`` (``Clock.now``)."""
        if self._words_shown or not text.strip() or agent_began_at is None:
            return
        self._words_shown = True
        self._observer.first_words_shown(self._adapter, self._since_question_s(), self._clock.now() - agent_began_at)

    def words_stand(self) -> None:
        """Know that an earlier process showed words of this answer already: when is not known."""
        self._words_shown = True

    def all_shown(self, agent_ended_at: float, visible_at: float | None = None) -> None:
        """Tell that nothing was left to show at ``visible_at`` (``Clock.now``; ``None``: now).

        Counts only where the agent said something.
        """
        if self._words_shown:
            now = self._clock.now()
            ago_s = now - visible_at if visible_at is not None else 0.0
            since_question_s = max(0.0, self._since_question_s() - ago_s)
            self._observer.answer_shown(self._adapter, since_question_s, now - ago_s - agent_ended_at)

    def _since_question_s(self) -> float:
        return max(0.0, self._clock.wall() - self._asked_at_s)  # wall clocks are set back at times
