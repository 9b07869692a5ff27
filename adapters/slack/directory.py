"""Names of people and channels, looked up once and remembered for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from adapters.slack.inbound import language_of
from adapters.slack.refusals import MissingScope, SlackRefused
from adapters.slack.web import Web
from bridge.errors import PlatformError
from bridge.ports import Clock

log = structlog.get_logger(__name__)

KEPT_MAX = 5_000
KEPT_S = 3_600.0
UNKNOWN_KEPT_S = 300.0
"""How long a failed look-up is not repeated."""

LOOKED_UP_AT_ONCE = 30

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """What we know of somebody; both empty when Slack would not tell."""

    name: str = ""
    language: str = ""


class Remembered(Generic[T]):
    """The newest few thousand values by id, each for a limited time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def get(self, key: str) -> T | None:
        """Return a value that has not expired."""
        found = self._values.get(key)
        if found is None or found[0] <= self._clock.now():
            return None
        self._values.move_to_end(key)
        return found[1]

    def put(self, key: str, value: T, kept_s: float = KEPT_S) -> None:
        """Keep a value; the one unused for longest makes room."""
        self._values[key] = (self._clock.now() + kept_s, value)
        self._values.move_to_end(key)
        if len(self._values) > KEPT_MAX:
            self._values.popitem(last=False)


class Directory:
    """Who is who in one workspace. Its answers come from memory; ``learn`` fills it."""

    def __init__(self, web: Web, clock: Clock) -> None:
        self._web = web
        self._people: Remembered[Person] = Remembered(clock)
        self._channels: Remembered[str] = Remembered(clock)
        self._complained: set[str] = set()

    def person(self, user_id: str) -> Person:
        """Return what is known of somebody."""
        return self._people.get(user_id) or Person()

    def channel(self, channel_id: str) -> str:
        """Return a channel's name, without the number sign; empty when unknown."""
        return self._channels.get(channel_id) or ""

    def names(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Return the known names among ``user_ids``."""
        return {user_id: name for user_id in user_ids if (name := self.person(user_id).name)}

    async def learn(self, user_ids: Iterable[str], channel_ids: Iterable[str] = (), *, timeout_s: float) -> None:
        """Look up whoever is unknown, all at once, for at most ``timeout_s``; what fails stays unknown."""
        people = [u for u in dict.fromkeys(user_ids) if u[:1] in ("U", "W") and self._people.get(u) is None]
        channels = [c for c in dict.fromkeys(channel_ids) if self._channels.get(c) is None]
        try:
            async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
                for user_id in people[:LOOKED_UP_AT_ONCE]:
                    group.create_task(self._learn_person(user_id))
                for channel_id in channels:
                    group.create_task(self._learn_channel(channel_id))
        except TimeoutError:
            log.info("names not resolved in time", people=len(people), channels=len(channels))

    async def _learn_person(self, user_id: str) -> None:
        body = await self._ask("users.info", {"user": user_id, "include_locale": True})
        user = body.get("user") if body is not None else {}
        if isinstance(user, Mapping):
            person = Person(_name_of(user), language_of(str(user.get("locale") or "")))
            self._people.put(user_id, person, KEPT_S if person.name else UNKNOWN_KEPT_S)

    async def _learn_channel(self, channel_id: str) -> None:
        body = await self._ask("conversations.info", {"channel": channel_id})
        channel = body.get("channel") if body is not None else {}
        if isinstance(channel, Mapping):
            name = str(channel.get("name") or "")
            self._channels.put(channel_id, name, KEPT_S if name else UNKNOWN_KEPT_S)

    async def _ask(self, method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Return Slack's answer, ``None`` when it refused, an empty one when it may answer the next time."""
        try:
            return await self._web.call(method, arguments)
        except SlackRefused as error:
            if isinstance(error, MissingScope) and error.needed not in self._complained:
                self._complained.add(error.needed)
                log.info("names stay unknown", reason=error.reason)
            return None
        except PlatformError as error:
            log.info("name not resolved", reason=error.reason)
            return {}


def _name_of(user: Mapping[str, Any]) -> str:
    profile = user.get("profile")
    names = [profile.get("display_name"), profile.get("real_name")] if isinstance(profile, Mapping) else []
    return next((str(name) for name in (*names, user.get("real_name"), user.get("name")) if name), "")
