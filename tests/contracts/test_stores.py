"""The contract of the Store port, on every store that the bridge brings."""

from collections.abc import Callable

import pytest

from bridge.stores import MEMORY, StoreSettings, open_store
from bridge.testing.clock import FakeClock
from bridge.testing.store_contract import StoreContract, StoreHarness


class TestMemoryStore(StoreContract):
    """The reference."""

    @pytest.fixture
    def new_harness(self) -> Callable[[], StoreHarness]:
        def new() -> StoreHarness:
            clock = FakeClock()
            return StoreHarness(clock, lambda: open_store(StoreSettings(path=MEMORY), clock), durable=False)

        return new


class TestSqliteStore(StoreContract):
    """The embedded store."""

    @pytest.fixture
    def new_harness(self, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], StoreHarness]:
        def new() -> StoreHarness:
            clock = FakeClock()
            settings = StoreSettings(path=str(tmp_path_factory.mktemp("store") / "bridge.sqlite"))
            return StoreHarness(clock, lambda: open_store(settings, clock), durable=True)

        return new
