"""What is counted, under which names, and that labels stay few."""

import asyncio
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.errors import AgentRejected, AgentUnavailable
from bridge.model import ControlKind, Outcome, TurnState, Usage
from bridge.operations.metrics import MAX_CODES, OTHER, Few, Metrics
from bridge.testing.clock import FakeClock

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One value as Prometheus reads it; ``None`` when there is none."""
    for family in text_string_to_metric_families(metrics.render().decode()):
        for found in family.samples:
            if (found.name, found.labels) == (f"coze_bridge_{name}", labels):
                return float(found.value)
    return None


def everything() -> Metrics:
    """Metrics to which everything was told once."""
    metrics = Metrics()
    metrics.watch_lanes(lambda: 0, lambda: 0, lambda: 0)
    metrics.adapter_connected("chat", True)
    metrics.request_ended("chat", "edit", "ok")
    metrics.request_refused("chat", "chat:T1:chat.update")
    metrics.first_words_shown("chat", 1.2, 0.3)
    metrics.answer_shown("chat", 4.0, 0.02)
    metrics.turn_ended("chat", Outcome.DELIVERED)
    metrics.turn_taken_up("chat", TurnState.ASKED)
    metrics.pressed("chat", ControlKind.STOP, "obeyed")
    metrics.agent_answered("default")
    metrics.agent_failed("default", AgentRejected("no", code=4000))
    metrics.tokens_used("default", Usage(10, 20, 30))
    return metrics


def test_everything_told_is_counted() -> None:
    """One of each, where an operator looks for it."""
    metrics = everything()
    for name, labels, value in (
        ("adapter_connected", {"adapter": "chat"}, 1),
        ("adapter_reconnects_total", {"adapter": "chat"}, 0),
        ("platform_requests_total", {"adapter": "chat", "kind": "edit", "result": "ok"}, 1),
        ("platform_refusals_total", {"adapter": "chat", "method": "chat.update"}, 1),
        ("first_words_seconds_sum", {"adapter": "chat"}, 1.2),
        ("first_words_lag_seconds_sum", {"adapter": "chat"}, 0.3),
        ("final_seconds_sum", {"adapter": "chat"}, 4.0),
        ("final_lag_seconds_sum", {"adapter": "chat"}, 0.02),
        ("turns_total", {"adapter": "chat", "outcome": "delivered"}, 1),
        ("turns_taken_up_total", {"adapter": "chat", "state": "asked"}, 1),
        ("agent_calls_total", {"agent": "default", "result": "ok"}, 1),
        ("agent_calls_total", {"agent": "default", "result": "failed"}, 1),
        ("presses_total", {"adapter": "chat", "kind": "stop", "result": "obeyed"}, 1),
        ("agent_errors_total", {"agent": "default", "kind": "AgentRejected", "code": "4000"}, 1),
        ("agent_tokens_total", {"agent": "default", "kind": "input"}, 10),
        ("agent_tokens_total", {"agent": "default", "kind": "output"}, 20),
        ("agent_tokens_total", {"agent": "default", "kind": "unsplit"}, None),
    ):
        assert sample(metrics, name, **labels) == value, name


def test_reconnects_are_connections_after_the_first() -> None:
    """A start is none; each return is one; being away shows in the gauge."""
    metrics = Metrics()
    seen = []
    for connected in (True, False, True, False):
        metrics.adapter_connected("chat", connected)
        seen.append(
            [sample(metrics, n, adapter="chat") for n in ("adapter_connected", "adapter_reconnects_total")],
        )
    assert seen == [[1, 0], [0, 0], [1, 1], [0, 1]]


def test_tokens_that_are_only_a_sum_are_kept_apart() -> None:
    """Summing over the kinds gives what was used, never twice."""
    metrics = Metrics()
    metrics.tokens_used("default", Usage(0, 0, 30))
    assert sample(metrics, "agent_tokens_total", agent="default", kind="unsplit") == 30
    assert sample(metrics, "agent_tokens_total", agent="default", kind="input") is None


@pytest.mark.parametrize(
    ("budget", "method"),
    [
        ("chat:T1:C1:chat.postMessage", "chat.postMessage"),
        ("chat:requests", "requests"),
        ("edit", "edit"),
        ("chat:T0123ABCD", OTHER),
        ("chat:917264", OTHER),
        ("", OTHER),
    ],
)
def test_a_refusal_is_counted_by_method_never_by_place(budget: str, method: str) -> None:
    """Names of allowances hold ids of teams and channels; of them only the last word is kept, if it is one."""
    metrics = Metrics()
    metrics.request_refused("chat", budget)
    assert sample(metrics, "platform_refusals_total", adapter="chat", method=method) == 1


def test_a_service_that_invents_codes_makes_no_new_series_for_ever() -> None:
    """The first hundred codes are told apart, the rest are one."""
    metrics = Metrics()
    for code in range(1, MAX_CODES + 50):
        metrics.agent_failed("default", AgentUnavailable("odd", outcome_unknown=False, code=code))
    assert metrics.render().count(b"coze_bridge_agent_errors_total{") == MAX_CODES + 1
    few = Few(1)
    assert [few("a"), few("b"), few("a")] == ["a", OTHER, "a"]


def test_numbers_of_others_are_read_when_somebody_looks() -> None:
    """A gauge shows what is now."""
    metrics, waiting = Metrics(), [1, 2, 3]
    metrics.watch_lanes(lambda: 1, lambda: len(waiting), lambda: 2)
    assert (sample(metrics, "lanes_active"), sample(metrics, "turns_running")) == (1, 2)
    assert sample(metrics, "turns_waiting") == 3
    waiting.clear()
    assert sample(metrics, "turns_waiting") == 0


async def test_the_loop_s_lag_is_measured() -> None:
    """A sleeper that is woken late says by how much."""
    metrics, clock = Metrics(), FakeClock()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(metrics.watch_loop(clock))
        await clock.run(1.0)
        clock.advance(0.75)
        await clock.settle()
        watching.cancel()
    assert sample(metrics, "event_loop_lag_seconds_count") == 3
    assert sample(metrics, "event_loop_lag_seconds_sum") == pytest.approx(0.25)


def test_two_bridges_count_apart() -> None:
    """Nothing is registered with the process: a second bridge, or a test, starts from nothing."""
    first, second = everything(), Metrics()
    assert sample(first, "turns_total", adapter="chat", outcome="delivered") == 1
    assert sample(second, "turns_total", adapter="chat", outcome="delivered") is None


def test_every_metric_is_explained_and_no_other() -> None:
    """The operator's page names each of ours with its labels, under the name that is queried."""
    told = dict(
        re.findall(r"^\| `(coze_bridge_[a-z_]+)` \| ([a-z, `]*)\|", OPERATIONS.read_text("utf-8"), re.MULTILINE)
    )
    there_are = {}
    for family in text_string_to_metric_families(everything().render().decode()):
        if family.name.startswith("coze_bridge_") and not family.name.endswith("_created"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for found in family.samples for label in found.labels if label != "le"}
            there_are[name] = labels
    assert {name: set(re.findall("[a-z]+", labels)) for name, labels in told.items()} == there_are


def test_no_label_could_hold_an_id() -> None:
    """Each series' labels are of the few known names."""
    known = {"adapter", "agent", "kind", "result", "method", "outcome", "state", "code", "le"}
    for family in text_string_to_metric_families(everything().render().decode()):
        if family.name.startswith("coze_bridge"):
            for found in family.samples:
                assert set(found.labels) <= known, family.name
