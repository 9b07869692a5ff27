"""Where the bridge writes things down: one ``Store`` port, here with a memory and an embedded file behind it."""

from typing import TYPE_CHECKING

from bridge.stores.settings import MEMORY, StoreSettings

if TYPE_CHECKING:
    from bridge.ports import Clock, Store


__all__ = ["MEMORY", "StoreSettings", "open_store"]


def open_store(settings: StoreSettings, clock: "Clock") -> "Store":
    """Return the store that ``settings.path`` names, to be entered with ``async with``; nothing is opened before."""
    if settings.path == MEMORY:
        from bridge.stores.memory import MemoryStore

        return MemoryStore(clock)
    from bridge.stores.sqlite import SqliteStore

    return SqliteStore(settings, clock)
