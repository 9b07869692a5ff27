"""What is remembered of people and channels, and for how long."""

from adapters.slack.directory import KEPT_MAX, KEPT_S, Remembered
from bridge.testing.clock import FakeClock


def test_a_value_is_kept_for_its_time() -> None:
    """An hour by default, less for what could not be found out."""
    clock = FakeClock()
    names: Remembered[str] = Remembered(clock)
    names.put("U1", "Ann")
    names.put("U2", "", kept_s=60)
    clock.advance(61)
    assert names.get("U1") == "Ann"
    assert names.get("U2") is None
    clock.advance(KEPT_S)
    assert names.get("U1") is None


def test_the_one_unused_for_longest_makes_room() -> None:
    """The memory is bounded."""
    names: Remembered[int] = Remembered(FakeClock())
    names.put("first", 0)
    names.put("second", 0)
    for number in range(KEPT_MAX - 1):
        names.get("first")
        names.put(f"U{number}", number)
    assert names.get("first") == 0
    assert names.get("second") is None
