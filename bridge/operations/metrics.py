"""Prometheus metrics: an ``Observer`` that counts, gauges that are read when somebody looks, the loop's own lag.

Each bridge has a registry of its own. Labels are names from the configuration or one of few words: whatever a platform
or a service could invent (names of allowances, error codes) passes ``Few`` first. ``docs/operations.md`` explains every
metric; a test holds the two together.
"""

import asyncio
import re
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from bridge.errors import AgentError
from bridge.model import ControlKind, Outcome, TurnState, Usage
from bridge.ports import Clock

ANSWER_BUCKETS_S = (0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 900)
"""From a question to its answer: what a person waits."""
LAG_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
"""What the bridge and the platform add to the agent's own time."""
LOOP_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
LOOP_LOOK_EVERY_S = 0.5
MAX_CODES = 100
MAX_METHODS = 50
OTHER = "other"
METHOD = re.compile(r"[A-Za-z][A-Za-z_.]{0,39}")
"""The last word of an allowance's name: what is called. Ids have digits."""


class Few:
    """Lets the first ``limit`` different values pass; the rest become one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._seen and len(self._seen) >= self._limit:
            return OTHER
        self._seen.add(value)
        return value


def count_tasks() -> int:
    """Count the tasks of the running event loop; 0 without one."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


class Metrics:
    """Counts for one bridge; implements ``observing.Observer``."""

    def __init__(self) -> None:
        # Of the whole process: a second series per counter, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it without annotations
        self.registry = CollectorRegistry(auto_describe=True)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._codes, self._methods = Few(MAX_CODES), Few(MAX_METHODS)
        self._ever_connected: set[str] = set()
        self._make_answers()
        self._make_requests()
        self._make_agents()
        self._read("tasks", "Tasks of the event loop that have not ended.", count_tasks)
        self._loop_lag = self._histogram(
            "event_loop_lag_seconds", "How late the event loop wakes a sleeper.", (), LOOP_BUCKETS_S
        )

    def render(self) -> bytes:
        """Return everything in the text format that Prometheus reads."""
        return generate_latest(self.registry)

    def watch_lanes(self, active: Callable[[], int], waiting: Callable[[], int], running: Callable[[], int]) -> None:
        """Show numbers that the lanes know, once per bridge; asked at every ``render``, so they must be quick."""
        self._read("lanes_active", "Conversations with a question that runs or waits.", active)
        self._read("turns_waiting", "Questions that wait behind another one of their conversation.", waiting)
        self._read("turns_running", "Questions that are being answered.", running)

    async def watch_loop(self, clock: Clock) -> None:
        """Measure, as long as it runs, how late the event loop is."""
        while True:
            before = clock.now()
            await clock.sleep(LOOP_LOOK_EVERY_S)
            self._loop_lag.observe(max(0.0, clock.now() - before - LOOP_LOOK_EVERY_S))

    # --- the observer -------------------------------------------------------------------------------------------------

    def adapter_connected(self, adapter: str, connected: bool) -> None:
        self._connected.labels(adapter).set(connected)
        reconnects = self._reconnects.labels(adapter)
        if connected and adapter in self._ever_connected:
            reconnects.inc()
        if connected:
            self._ever_connected.add(adapter)

    def request_ended(self, adapter: str, kind: str, result: str) -> None:
        self._requests.labels(adapter, kind, result).inc()

    def request_refused(self, adapter: str, budget: str) -> None:
        method = budget.rpartition(":")[2]
        self._refusals.labels(adapter, self._methods(method) if METHOD.fullmatch(method) else OTHER).inc()

    def first_words_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None:
        self._first_words.labels(adapter).observe(since_question_s)
        self._first_words_lag.labels(adapter).observe(since_agent_s)

    def answer_shown(self, adapter: str, since_question_s: float, since_agent_s: float) -> None:
        self._final.labels(adapter).observe(since_question_s)
        self._final_lag.labels(adapter).observe(since_agent_s)

    def turn_ended(self, adapter: str, outcome: Outcome) -> None:
        self._turns.labels(adapter, outcome.value).inc()

    def turn_taken_up(self, adapter: str, state: TurnState) -> None:
        self._taken_up.labels(adapter, state.value).inc()

    def pressed(self, adapter: str, kind: ControlKind, result: str) -> None:
        self._presses.labels(adapter, kind.value, result).inc()

    def agent_answered(self, agent: str) -> None:
        self._calls.labels(agent, "ok").inc()

    def agent_failed(self, agent: str, error: AgentError) -> None:
        self._calls.labels(agent, "failed").inc()
        self._errors.labels(agent, type(error).__name__, self._codes(str(error.code))).inc()

    def tokens_used(self, agent: str, usage: Usage) -> None:
        unsplit = usage.total_tokens - usage.input_tokens - usage.output_tokens
        for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens), ("unsplit", unsplit)):
            if count > 0:
                self._tokens.labels(agent, kind).inc(count)

    # --- what there is ------------------------------------------------------------------------------------------------

    def _make_answers(self) -> None:
        asked, spoken = "a question's arrival until", "the agent's"
        self._first_words = self._histogram(
            "first_words_seconds",
            f"From {asked} the first words of its answer are visible.",
            ("adapter",),
            ANSWER_BUCKETS_S,
        )
        self._first_words_lag = self._histogram(
            "first_words_lag_seconds",
            f"From {spoken} first words until the first are visible.",
            ("adapter",),
            LAG_BUCKETS_S,
        )
        self._final = self._histogram(
            "final_seconds", f"From {asked} its whole answer is visible.", ("adapter",), ANSWER_BUCKETS_S
        )
        self._final_lag = self._histogram(
            "final_lag_seconds", f"From {spoken} end until everything is visible.", ("adapter",), LAG_BUCKETS_S
        )
        self._turns = self._counter("turns", "Questions that have ended, by outcome.", ("adapter", "outcome"))
        self._taken_up = self._counter(
            "turns_taken_up",
            "Unfinished turns of an earlier process that were continued, by state.",
            ("adapter", "state"),
        )

        self._presses = self._counter(
            "presses", "Controls that people pressed, by what became of it.", ("adapter", "kind", "result")
        )

    def _make_requests(self) -> None:
        self._connected = Gauge(
            "adapter_connected",
            "1 while the adapter can receive messages.",
            ("adapter",),
            namespace="coze_bridge",
            registry=self.registry,
        )
        self._reconnects = self._counter("adapter_reconnects", "Connections after the first one.", ("adapter",))
        self._requests = self._counter(
            "platform_requests", "Posts and edits of answers, by result.", ("adapter", "kind", "result")
        )
        self._refusals = self._counter(
            "platform_refusals", "Requests the platform refused for a while (429), by method.", ("adapter", "method")
        )

    def _make_agents(self) -> None:
        self._calls = self._counter("agent_calls", "Calls of the agent's service, by result.", ("agent", "result"))
        self._errors = self._counter(
            "agent_errors",
            "Failed calls of the agent's service, by kind and code (0: none).",
            ("agent", "kind", "code"),
        )
        self._tokens = self._counter("agent_tokens", "Tokens used, as the agent's service counts.", ("agent", "kind"))

    def _read(self, name: str, documentation: str, value: Callable[[], int]) -> None:
        Gauge(name, documentation, namespace="coze_bridge", registry=self.registry).set_function(value)

    def _counter(self, name: str, documentation: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, documentation, labels, namespace="coze_bridge", registry=self.registry)

    def _histogram(
        self, name: str, documentation: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, documentation, labels, namespace="coze_bridge", registry=self.registry, buckets=buckets)
