"""Which agent answers where."""

import pytest

from bridge.model import Place
from bridge.routes import AgentBinding, Route, Routes
from bridge.testing.fakes import FakeAgent

BINDINGS = {name: AgentBinding(name, FakeAgent(), f"bot-{name}") for name in ("default", "sales", "support", "staff")}
ROUTES = [
    Route("sales", instance="chat"),
    Route("staff", instance="chat", team="T1", channel="C1"),
    Route("support", instance="chat", team="T1"),
    Route("sales", instance="chat", team="T1"),
]


@pytest.mark.parametrize(
    ("place", "agent"),
    [
        (Place("chat", "T1", "C1"), "staff"),
        (Place("chat", "T1", "C2"), "support"),
        (Place("chat", "T2", "C1"), "sales"),
        (Place("other", "T1", "C1"), "default"),
    ],
)
def test_the_most_precise_route_wins(place: Place, agent: str) -> None:
    """The first one among equals; the default where none fits."""
    assert Routes(BINDINGS, "default", ROUTES).choose(place).name == agent
