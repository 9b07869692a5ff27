"""An observer that writes everything down, for tests of whoever tells it something."""

from collections import Counter
from typing import Any

from bridge.errors import AgentError
from bridge.model import ControlKind, Outcome, TurnState, Usage
from bridge.observing import Observer


class Notes:
    """``told`` holds every call as a tuple: the method's name, then its arguments."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def count(self) -> Counter[tuple[Any, ...]]:
        """Return how often each thing was told, durations left out."""
        return Counter(tuple(word for word in note if not isinstance(word, float)) for note in self.told)

    def of(self, what: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every call of one method, in order."""
        return [note[1:] for note in self.told if note[0] == what]

    def adapter_connected(self, adapter: str, connected: bool) -> None:
        self.told.append(("adapter_connected", adapter, connected))

    def request_ended(self, adapter: str, kind: str, result: str) -> None:
        self.told.append(("request_ended", adapter, kind, result))

    def request_refused(self, adapter: str, budget: str) -> None:
        self.told.append(("request_refused", adapter, budget))

    def first_words_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None:
        self.told.append(("first_words_shown", adapter, since_question_s, since_agent_s))

    def answer_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None:
        self.told.append(("answer_shown", adapter, since_question_s, since_agent_s))

    def turn_ended(self, adapter: str, outcome: Outcome) -> None:
        self.told.append(("turn_ended", adapter, outcome.value))

    def turn_taken_up(self, adapter: str, state: TurnState) -> None:
        self.told.append(("turn_taken_up", adapter, state.value))

    def pressed(self, adapter: str, kind: ControlKind, result: str) -> None:
        self.told.append(("pressed", adapter, kind.value, result))

    def agent_answered(self, agent: str) -> None:
        self.told.append(("agent_answered", agent))

    def agent_failed(self, agent: str, error: AgentError) -> None:
        self.told.append(("agent_failed", agent, type(error).__name__))

    def tokens_used(self, agent: str, usage: Usage) -> None:
        self.told.append(("tokens_used", agent, usage.total_tokens))


def _notes_fit_the_protocol() -> Observer:
    """Let the type checker hold the notes to the protocol."""
    return Notes()
