"""Who may speak, where, and how often."""

from dataclasses import replace

import pytest

from bridge.intake.gate import AccessList, Gate, GateRules, Refusal
from bridge.model import Author
from bridge.testing.fakes import envelope
from bridge.texts import Say

NOBODY = AccessList(allow=frozenset())
ONLY_U1 = AccessList(allow=frozenset({"U1"}))


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        (GateRules(), True),
        (GateRules(users=ONLY_U1), True),
        (GateRules(users=NOBODY), False),
        (GateRules(users=AccessList(deny=frozenset({"U1"}))), False),
        (GateRules(users=AccessList(allow=frozenset({"U1"}), deny=frozenset({"U1"}))), False),
        (GateRules(teams=AccessList(allow=frozenset({"T2"}))), False),
        (GateRules(channels=AccessList(allow=frozenset({"C1"}))), True),
        (GateRules(channels=AccessList(deny=frozenset({"C1"}))), False),
        (GateRules(roles=AccessList(allow=frozenset({"staff"}))), False),
    ],
)
def test_lists(rules: GateRules, passes: bool) -> None:
    """An absent list is everybody, an empty one nobody, deny wins."""
    assert (Gate(rules).check(envelope(author="U1", channel="C1"), 0.0) is None) is passes


def test_one_role_of_several_is_enough() -> None:
    """A person passes by any of her roles, unless one is denied."""
    message = replace(envelope(), author=Author("U1", roles=("staff", "guest")))
    assert Gate(GateRules(roles=AccessList(allow=frozenset({"staff"})))).check(message, 0.0) is None
    assert Gate(GateRules(roles=AccessList(deny=frozenset({"guest"})))).check(message, 0.0) is not None


def test_a_private_place_is_no_channel() -> None:
    """A list of channels does not shut out direct messages."""
    rules = GateRules(channels=AccessList(allow=frozenset({"C9"})))
    assert Gate(rules).check(envelope(private=True), 0.0) is None


def test_the_pace_of_one_person() -> None:
    """Two questions a minute: the third is told how long to wait, another person is not concerned."""
    gate = Gate(GateRules(questions=2, window_s=60.0))
    assert gate.check(envelope(number=1), 0.0) is None
    assert gate.check(envelope(number=2), 10.0) is None
    assert gate.check(envelope(number=3), 20.0) == Refusal(Say.TOO_FAST, wait_s=40.0)
    assert gate.check(envelope(number=4, author="U2"), 20.0) is None
    assert gate.check(envelope(number=5), 61.0) is None


def test_a_repeated_delivery_counts_once() -> None:
    """The same question by two events does not use up the allowance."""
    gate = Gate(GateRules(questions=1))
    assert [gate.check(envelope(number=1), t) for t in (0.0, 0.1, 0.2)] == [None, None, None]
