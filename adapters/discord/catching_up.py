"""What was written while we were away: which places to read, in which order, and how long newer messages wait for it.

A new session begins with the newest message of every channel and active thread; those beyond our mark have moved, and
are read back from their newest message as far as ``Missed`` goes. Direct conversations and threads that were put away
are told of by nobody: those we were used in are read too. From the first message on that the gateway brings itself, it
brings all; what is older, and it did not bring, is late.

Few places are read at the same time, at a fraction of the bot's requests, and first those where somebody waits. A
thread is read after its channel: its first question may stand there. What cannot be read now is tried again, but newer
messages are not kept waiting for ever.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.discord.channels import Channels, Sight
from adapters.discord.history import newest_after
from adapters.discord.ids import snowflake_at
from adapters.discord.marks import DIRECT, Marks
from adapters.discord.refusals import DiscordRefused
from adapters.discord.settings import DiscordSettings
from adapters.discord.snapshots import GoneGuild, GuildSnapshot, Session
from adapters.discord.web import Web
from bridge.errors import BridgeError, PlatformError, StoreError
from bridge.extension import Missed, Services

log = structlog.get_logger(__name__)

READERS = 3
SHARE = 0.2
"""Of all requests the bot may make; the rest is for answers."""
HOLD_S = 30.0
"""The longest that a new message waits for what was missed in its place."""
GATEWAY_LAG_S = 1.0
"""How long a message that may be new is given to come by itself."""
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
SAVE_EVERY_S = 30.0
FOREVER_S = 3600.0
MET_MAX = 10_000
"""Strangers whose conversation was looked into, in one session."""
NEVER = 1 << 64
"""Greater than any id."""

HandOver = Callable[[Mapping[str, Any], str], Awaitable[None]]
"""Takes a message and its server, empty for none."""


@dataclass(slots=True)
class _Place:
    """A channel, thread or direct conversation that is to be read.

    Attributes:
        after: What is newer may have been missed.
        until: What is not newer was written before the session began.
        brought: The oldest message that the gateway has brought since.
        wanted: Somebody waits for it.
        reached: Nobody needs to wait for it any more.
    """

    channel: str
    guild: str
    parent: str
    after: int
    until: int
    brought: int = NEVER
    wanted: bool = False
    is_read: bool = False
    failures: int = 0
    try_at: float = 0.0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)


class CatchUp:
    """Reads what was missed, for one client of the gateway."""

    def __init__(
        self, settings: DiscordSettings, *, web: Web, channels: Channels, marks: Marks, services: Services
    ) -> None:
        self._web = web
        self._channels = channels
        self._marks = marks
        self._clock = services.clock
        self._missed = services.missed
        self._pause_s = READERS / (SHARE * settings.requests_per_s)
        self._places: dict[str, _Place] = {}
        self._left: Counter[str] = Counter()
        self._met: set[str] = set()
        self._unreadable: set[str] = set()
        self._began_at = 0.0
        self._is_abandoned = False
        self._work_to_do = asyncio.Event()
        self._something_to_save = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """Anything shall be read at all."""
        return wants(self._missed)

    # --- what the gateway tells ---

    def began(self, session: Session) -> None:
        """A new session has begun: whatever was written between it and the last one was missed."""
        if not self.is_wanted:
            return
        self._marks.began(session.shard, session.shards, session.guilds)
        self._something_to_save.set()
        for place in self._places.values():
            place.brought = NEVER  # by the session before
        if session.shard == 0:
            self._began_at = self._clock.wall()
            self._met.clear()
            self._expect(DIRECT, [self._untold(channel, DIRECT) for channel in self._marks.directs])

    def came(self, guild: GuildSnapshot) -> None:
        """A server has come (back): its places that have moved since are to be read."""
        after = self._marks.behind(guild.id) if self.is_wanted else None
        if after is None:
            return  # it is new to us, and we to it
        moved = [
            _Place(newest.channel, guild.id, newest.parent, mark, newest.message)
            for newest in guild.newest
            if newest.message > (mark := self._marks.place_behind(newest.channel, guild.id) or after)
            and self._may_read(newest.channel, guild.id)
        ]
        put_away = [thread for thread in self._marks.threads_of(guild.id) if thread not in guild.threads]
        self._expect(guild.id, [*moved, *(self._untold(thread, guild.id) for thread in put_away)])

    def vanished(self, guild: GoneGuild) -> None:
        """A server is out of order, and caught up with when it comes back; or we were removed from it."""
        if guild.comes_back and self.is_wanted:
            self._marks.vanished(guild.id)
        elif not guild.comes_back:
            self._marks.caught_up(guild.id)

    def heard(self, channel_id: str, message_id: str) -> None:
        """The gateway has brought a message, whoever wrote it."""
        if not message_id.isdecimal():
            return
        self._marks.heard(int(message_id))
        if (place := self._places.get(channel_id)) is not None:
            place.brought = min(place.brought, int(message_id))
            place.news.set()

    def meet(self, channel_id: str, message_id: str) -> None:
        """Somebody writes in private: of a conversation that we do not know we have heard nothing yet, however old."""
        is_recent = self._clock.wall() < self._began_at + self._missed.age_s
        is_known = channel_id in self._met or channel_id in self._places or self._marks.knows_direct(channel_id)
        if is_recent and not is_known and len(self._met) < MET_MAX:
            self._met.add(channel_id)
            self.used(channel_id, DIRECT)
            self._marks.fell_behind(DIRECT, self._marks.since)
            place = _Place(channel_id, DIRECT, "", self._marks.since, int(message_id) - 1, int(message_id))
            self._expect(DIRECT, [place])

    def used(self, channel_id: str, guild: str) -> None:
        """We are asked in a place that nobody tells of after a restart: a new one is written down with its question."""
        if self._marks.used(channel_id, guild):
            self._something_to_save.set()

    def _untold(self, channel: str, guild: str) -> _Place:
        """Return a place whose newest message nobody tells."""
        after = self._marks.place_behind(channel, guild)
        return _Place(channel, guild, "", NEVER if after is None else after, snowflake_at(self._clock.wall()))

    def _expect(self, guild: str, places: list[_Place]) -> None:
        for place in places:
            known = self._places.get(place.channel)
            if known is None:
                self._left[guild] += 1
            else:
                place.after = min(place.after, known.after)
                known.reached.set()  # whoever waited for it waits for this one
            self._places[place.channel] = place
        if not self._left[guild]:
            self._marks.caught_up(guild)
        self._work_to_do.set()

    def _may_read(self, channel: str, guild: str) -> bool:
        sight = self._channels.sight_of(channel, guild)
        if sight is Sight.NO_HISTORY and guild not in self._unreadable:
            self._unreadable.add(guild)
            log.warning("what was missed cannot be read without Read Message History", guild=guild, channel=channel)
        return sight is Sight.READABLE

    # --- newer messages wait ---

    def is_behind(self, channel_id: str, parent: str) -> bool:
        """Tell whether a new message has to wait for what was missed there, or in the channel a thread hangs in."""
        return any(True for _ in self._ahead(channel_id, parent))

    async def wait(self, channel_id: str, parent: str) -> bool:
        """Return when what was missed there has been handed over, or has taken too long; false when we stop."""
        deadline = self._clock.now() + HOLD_S
        while (place := next(self._ahead(channel_id, parent), None)) is not None:
            if self._is_abandoned:
                return False
            place.wanted = True
            self._work_to_do.set()
            if not await self._clock.wait(place.reached, max(0.0, deadline - self._clock.now())):
                self.release(place.channel)
        return True

    def abandon(self) -> None:
        """Stop: who waits shall give up, for the next start reads what waited too."""
        self._is_abandoned = True
        for place in self._places.values():
            place.reached.set()

    def release(self, channel_id: str) -> None:
        """Let new messages pass before what was missed there."""
        place = self._places.get(channel_id)
        if place is not None and not place.reached.is_set():
            log.warning("new messages go ahead of what was missed", channel=channel_id)
            place.reached.set()

    def _ahead(self, channel_id: str, parent: str) -> Iterator[_Place]:
        places = (self._places.get(name) for name in (parent, channel_id) if name)
        return (p for p in places if p is not None and (self._is_abandoned or not p.reached.is_set()))

    # --- reading ---

    async def run(self, hand_over: HandOver) -> None:
        """Read and save until cancelled."""
        if not self.is_wanted:
            return
        async with asyncio.TaskGroup() as tasks:
            for _ in range(READERS):
                tasks.create_task(self._read_all(hand_over))
            tasks.create_task(self._save_now_and_then())

    async def _read_all(self, hand_over: HandOver) -> None:
        while True:
            self._work_to_do.clear()
            place = self._next()
            if place is None:
                await self._clock.wait(self._work_to_do, self._until_next_try_s())
                continue
            place.is_read = True
            try:
                await self._catch_up_with(place, hand_over)
            finally:
                place.is_read = False
            self._work_to_do.set()
            await self._clock.sleep(self._pause_s)

    def _next(self) -> _Place | None:
        now = self._clock.now()
        ready = [
            place
            for place in self._places.values()
            if not place.is_read and place.try_at <= now and not self._waits_for_parent(place)
        ]
        return min(ready, key=lambda place: (not place.wanted, place.failures, place.after), default=None)

    def _waits_for_parent(self, place: _Place) -> bool:
        parent = self._places.get(place.parent)
        return parent is not None and not parent.failures

    def _until_next_try_s(self) -> float:
        now = self._clock.now()
        tries = (place.try_at - now for place in self._places.values() if not place.is_read and place.try_at > now)
        return min(tries, default=FOREVER_S)

    async def _catch_up_with(self, place: _Place, hand_over: HandOver) -> None:
        try:
            for message in await self._read(place):
                await hand_over(message, place.guild)
        except (PlatformError, StoreError) as error:
            if isinstance(error, DiscordRefused) and self._web.refusal is None:
                log.info("what was missed cannot be read", channel=place.channel, reason=error.reason)
                self._marks.forget(place.channel)
                self._finish(place)
            else:
                self._try_later(place, error)
        else:
            self._finish(place)

    async def _read(self, place: _Place) -> list[Mapping[str, Any]]:
        oldest = snowflake_at(self._clock.wall() - self._missed.age_s)
        after, at_most = max(place.after, oldest), self._missed.messages
        found = await newest_after(self._web, place.channel, after, at_most)
        deadline = self._clock.now() + GATEWAY_LAG_S
        newest = max((int(message["id"]) for message in found), default=0)
        while place.until < newest < place.brought and (left_s := deadline - self._clock.now()) > 0:
            place.news.clear()
            await self._clock.wait(place.news, left_s)
        late = [message for message in found if int(message["id"]) < place.brought]
        log.debug("read what was missed", channel=place.channel, messages=len(late))
        return late

    def _finish(self, place: _Place) -> None:
        if self._places.get(place.channel) is not place:
            return  # a new session wants it read once more
        del self._places[place.channel]
        place.reached.set()
        self._marks.was_read(place.channel, place.guild, place.until)
        self._something_to_save.set()
        self._left[place.guild] -= 1
        if not self._left[place.guild]:
            self._marks.caught_up(place.guild)

    def _try_later(self, place: _Place, error: BridgeError) -> None:
        place.failures += 1
        pause_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** (place.failures - 1))
        place.try_at = self._clock.now() + pause_s
        log.warning("what was missed is not read yet", channel=place.channel, reason=error.reason, again_in_s=pause_s)

    async def _save_now_and_then(self) -> None:
        while True:
            await self._clock.wait(self._something_to_save, SAVE_EVERY_S)
            self._something_to_save.clear()
            await self._marks.save()


def wants(missed: Missed) -> bool:
    """Tell whether anything that was missed shall be read."""
    return missed.age_s > 0 and missed.messages > 0
