"""What is remembered of listening, and how little is written for it."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack import limits
from adapters.slack.heard import MARGIN_S, Heard
from bridge.errors import StoreUnavailable
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import START_WALL_S, FakeClock


class Ledger(MemoryStore):
    """A store that counts what is remembered; ``broken``: it remembers nothing more."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.writes = 0
        self.broken = False

    async def __aenter__(self) -> "Ledger":
        await super().__aenter__()
        return self

    async def remember(self, name: str, value: str | None, *, ttl_s: float | None = None) -> None:
        if self.broken:
            raise StoreUnavailable("disk full")
        self.writes += 1
        await super().remember(name, value, ttl_s=ttl_s)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(clock: FakeClock) -> AsyncIterator[Ledger]:
    async with Ledger(clock) as opened:
        yield opened


def ts(seconds: float) -> str:
    return f"{START_WALL_S + seconds:.6f}"


async def life(store: Ledger, clock: FakeClock) -> Heard:
    """Return the memory as a new process finds it."""
    heard = Heard("work", "T1", store, clock)
    await heard.load()
    return heard


async def test_a_first_life_has_missed_nothing(store: Ledger, clock: FakeClock) -> None:
    """And the second not what was written before the first began, however wide the margin."""
    heard = await life(store, clock)
    assert heard.since_s is None
    heard.begin()
    clock.advance(MARGIN_S / 2)
    heard.until_now()
    await heard.save()
    assert (await life(store, clock)).since_s == START_WALL_S
    clock.advance(MARGIN_S)
    heard.until_now()
    await heard.save()
    assert (await life(store, clock)).since_s == clock.wall() - MARGIN_S


async def test_time_is_slacks(store: Ledger, clock: FakeClock) -> None:
    """Our clock may be wrong by minutes, in either direction and over a restart."""
    heard = await life(store, clock)
    heard.begin()
    for ahead_s in (-300.0, 300.0):
        heard.saw("C1", ts(ahead_s))
        heard.until_now()
        await heard.save()
        again = await life(store, clock)
        assert again.now_s == pytest.approx(START_WALL_S + ahead_s)
        assert again.since_s == max(START_WALL_S, START_WALL_S + ahead_s - MARGIN_S)


async def test_places_are_remembered_and_bounded(
    store: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of late first; only a new one costs a write."""
    monkeypatch.setattr(limits, "PLACES_MAX", 3)
    heard = await life(store, clock)
    assert [heard.saw(channel, ts(0)) for channel in ("C1", "C2", "C1", "C3", "C4")] == [True, True, False, True, True]
    await heard.save()
    assert store.writes == 2  # the list, and that no threads of C2 are known any more
    for _ in range(100):
        heard.saw("C1", ts(1))
        await heard.save()
    assert store.writes == 2
    again = await life(store, clock)
    assert set(again.places()) == {"C1", "C3", "C4"}
    assert again.places(clock.wall() - 1) == []
    again.saw("C3", ts(2))
    assert again.places()[0] == "C3"
    assert again.places(clock.wall() - 1) == ["C3"]


async def test_channels_that_are_behind_keep_a_mark_of_their_own(store: Ledger, clock: FakeClock) -> None:
    """The furthest back that is known, over restarts, until they have been read; one note tells all."""
    heard = await life(store, clock)
    heard.begin()
    for channel in ("C1", "C2", "C3"):
        heard.saw(channel, ts(0))
    began_s = START_WALL_S
    heard.fell_behind("C1", began_s + 5)
    heard.fell_behind("C1", began_s + 8)
    heard.fell_behind("C2", began_s + 7)
    heard.fell_behind("C3", began_s + 9)
    heard.fell_behind("unheard of", began_s)
    clock.advance(3_600.0)
    heard.until_now()
    heard.caught_up("C2")
    await heard.save()
    assert store.writes == 2
    again = await life(store, clock)
    assert dict(again.behind) == {"C1": began_s + 5, "C3": began_s + 9}
    assert again.since_s == clock.wall() - MARGIN_S
    again.forget("C3")
    assert list(again.behind) == ["C1"]


async def test_only_old_threads_need_a_memory(store: Ledger, clock: FakeClock) -> None:
    """A young one stands in the newest page of its channel."""
    heard = await life(store, clock)
    await heard.spoke_with_us("C1", ts(0), ts(60))
    await heard.spoke_with_us("C1", None, ts(60))
    await heard.save()
    assert store.writes == 0
    for number in range(limits.OLD_THREADS_MAX + 2):
        await heard.spoke_with_us("C1", ts(number), ts(10_000 + number))
    await heard.save()
    assert store.writes == 1
    kept = await (await life(store, clock)).threads("C1")
    assert kept == {ts(number): START_WALL_S + 10_000 + number for number in range(2, limits.OLD_THREADS_MAX + 2)}


async def test_what_could_not_be_written_is_written_later(store: Ledger, clock: FakeClock) -> None:
    """The newest of it."""
    heard = await life(store, clock)
    heard.begin()
    heard.saw("C1", ts(0))
    store.broken = True
    await heard.save()
    clock.advance(5.0)
    heard.until_now()
    store.broken = False
    await heard.save()
    again = await life(store, clock)
    assert again.places() == ["C1"]
    assert store.writes == 2


@pytest.mark.parametrize("note", ["", "yes", "[1]", "{}"])
async def test_a_strange_note_says_nothing(store: Ledger, clock: FakeClock, note: str) -> None:
    """It is as if there had been no life before."""
    for name in ("work:T1:heard", "work:T1:places", "work:T1:C1:threads"):
        await store.remember(name, note)
    heard = await life(store, clock)
    assert heard.since_s is None
    assert heard.places() == []
    assert await heard.threads("C1") == {}
