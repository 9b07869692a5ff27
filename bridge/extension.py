"""What an adapter package brings: the object behind its entry point in the group ``coze_bridge.adapters``.

    [project.entry-points."coze_bridge.adapters"]
    telegram = "coze_bridge_telegram:ADAPTER"

The entry point's name is the adapter's *kind*; ``[adapters.NAME]`` sections of the config choose it with ``kind``
(default: the section's own name), so that one kind may run several times under different names.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from bridge.model import Offer
from bridge.ports import Clock, Platform, Speech, Store

GROUP = "coze_bridge.adapters"


class AdapterSettings(BaseModel):
    """Base of every adapter's own section; immutable, unknown keys are mistakes.

    A field whose customary environment variable should fill it when the config does not says so by
    ``Field(json_schema_extra={"env": "NAME"})``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=AdapterSettings)


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check. ``ok`` findings are listed too; a failed one says what to do in ``fix``."""

    ok: bool
    subject: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """How much of what was written while we were away is read afterwards.

    Attributes:
        age_s: Older messages are left alone; 0 reads nothing.
        messages: The most messages that are looked at in one place, the newest.
    """

    age_s: float = 12 * 3600.0
    messages: int = 50


@dataclass(frozen=True, slots=True)
class Services:
    """What the bridge lends an adapter: time, memory for small facts, our sentences, what people can run."""

    clock: Clock
    store: Store
    speech: Speech
    default_locale: str = "en"
    missed: Missed = Missed()
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Adapter(Generic[S]):
    """One kind of platform.

    Attributes:
        settings: The model of its config section.
        build: Makes one instance from its name and settings; opens nothing.
        check: Tries tokens, scopes and reachability and says what is wrong; never raises for what it finds.
        commands: Sub-commands that print something fitting the settings and the configured workflows, by verb:
            ``{"manifest": ...}`` is run as ``coze-bridge manifest NAME``.
        in_run: False for a platform that only makes sense in its own command (a terminal).
    """

    settings: type[S]
    build: Callable[[str, S, Services], Platform]
    check: Callable[[str, S], Awaitable[list[Finding]]]
    commands: Mapping[str, Callable[[S, tuple[Offer, ...]], str]] = field(default_factory=dict)
    in_run: bool = True


def load_adapter(kind: str) -> Adapter[Any]:
    """Import the adapter of one kind.

    Raises:
        LookupError: Nothing installed provides it; the message lists what is.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if kind not in found:
        raise LookupError(f"no adapter of kind {kind!r} is installed; installed: {', '.join(sorted(found)) or 'none'}")
    adapter: Adapter[Any] = found[kind].load()
    return adapter


def installed_kinds() -> list[str]:
    """Return the kinds that are installed, without importing them."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def working_adapters() -> dict[str, Adapter[Any]]:
    """Import everything installed, leaving out what is broken: nobody asked for it by name."""
    adapters = {}
    for kind in installed_kinds():
        with suppress(ImportError, AttributeError):
            adapters[kind] = load_adapter(kind)
    return adapters
