"""How far we have heard what was written, remembered over restarts.

Discord sends nothing twice, but ids are given in the order of time all over it: whatever has a greater id than the
newest message we heard was written while we were away. That one id is the mark of every channel, so a quiet channel
needs none of its own, and no clock plays a part. Servers that could not be caught up with yet keep an older mark, and
their places that have been read meanwhile newer ones: whoever is killed again and again while reading goes on where the
last one ended. The direct conversations and the threads we were used in are remembered too, for nothing else tells us
that they exist.

Written down now and then, never with a question: a mark that is too old has something read again, and what was heard
already is known by its key.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeVar

import msgspec
import structlog

from adapters.discord import limits
from adapters.discord.ids import heard_note, snowflake_at
from bridge.errors import StoreError
from bridge.ports import Clock, Store

log = structlog.get_logger(__name__)

T = TypeVar("T")

DIRECT = ""
"""The name under which all direct messages stand where others are named by their server."""
DIRECTS_MAX = 500
THREADS_MAX = 100
READ_MAX = 1_000
"""Places of one server that are remembered as read while it is not caught up with."""


class _Remembered(msgspec.Struct):
    """The note as it is written; ids as numbers.

    Attributes:
        since: When this instance was first started: nothing older concerns us.
        heard: The newest message that was heard.
        behind: Marks of the servers that are not caught up with.
        read: For those servers, places that have been read since, and until where.
        directs: Channels of direct conversations, the least recently used first.
        threads: Threads we were used in, likewise, with their servers.
    """

    since: int
    heard: int
    behind: dict[str, int] = {}
    directs: list[str] = []
    threads: dict[str, str] = {}
    read: dict[str, dict[str, int]] = {}


class Marks:
    """The marks of one adapter instance.

    Args:
        sharded: Several connections share the work: one that has fallen silent does not keep the mark from rising.
    """

    def __init__(self, instance: str, store: Store, clock: Clock, *, sharded: bool) -> None:
        self._note = heard_note(instance)
        self._store = store
        self._clock = clock
        self._slack = int((limits.GATEWAY_DISORDER_S + sharded * limits.QUIET_GATEWAY_S) * 1000) << 22
        self._loaded = False
        self._written = ""
        self._since = 0
        self._heard = 0
        self._began = False
        self._lost: dict[int, int] = {}
        self._behind: dict[str, int] = {}
        self._read: dict[str, dict[str, int]] = {}
        self._directs: OrderedDict[str, None] = OrderedDict()
        self._threads: OrderedDict[str, str] = OrderedDict()

    async def load(self) -> None:
        """Read what earlier processes wrote, and begin with the connections anew.

        Raises:
            StoreError: It cannot be read.
        """
        if not self._loaded:
            self._take_over(await self._store.note(self._note))
            self._loaded = True
            await self.save()  # before the first session, or a crash in it would be a first start again
        self._heard = self._surely_heard
        self._lost, self._began = {}, False

    def _take_over(self, written: str | None) -> None:
        now = snowflake_at(self._clock.wall())
        known = _Remembered(since=now, heard=now)
        if written is not None:
            try:
                known = msgspec.json.decode(written, type=_Remembered)
                self._written = written
            except msgspec.DecodeError:
                log.warning("what was heard so far cannot be read; beginning anew from now")
        self._since, self._heard, self._behind = known.since, known.heard, dict(known.behind)
        self._read = {guild: dict(places) for guild, places in known.read.items() if guild in self._behind}
        self._directs = OrderedDict.fromkeys(known.directs)
        self._threads = OrderedDict(known.threads)

    # --- hearing ---

    @property
    def since(self) -> int:
        """The id of when this instance was first started: nothing older concerns us."""
        return self._since

    def heard(self, message_id: int) -> None:
        """A message came over the gateway.

        The first one ever corrects what our own clock said about the beginning: it may be wrong.
        """
        if self._heard == self._since:
            self._since, self._heard = min(self._since, message_id), message_id
        else:
            self._heard = max(self._heard, message_id)

    def lost(self, shard: int) -> None:
        """A connection is gone: what its servers say from now on may be missed."""
        self._lost.setdefault(shard, self._heard)

    def resumed(self, shard: int) -> None:
        """A connection is back and has brought what was missed."""
        self._lost.pop(shard, None)

    def began(self, shard: int, shards: int, guilds: Iterable[str]) -> None:
        """A new session has begun: all its servers have to be caught up with, from where it was lost."""
        if not self._began:
            self._began = True
            self._lost |= dict.fromkeys(range(shards), self._heard)
        mark = max(self._since, self._lost.pop(shard, self._heard) - self._slack)
        for guild in (*guilds, *((DIRECT,) if not shard else ())):
            self._behind.setdefault(guild, mark)

    def vanished(self, guild: str) -> None:
        """A server is out of order for a while."""
        self._behind.setdefault(guild, max(self._since, self._heard - self._slack))

    def fell_behind(self, guild: str, mark: int) -> None:
        """There is more to catch up with on a server than was known."""
        self._behind[guild] = min(mark, self._behind.get(guild, mark))

    def behind(self, guild: str) -> int | None:
        """Return the id after which a server's messages may have been missed; ``None`` when none were."""
        return self._behind.get(guild)

    def caught_up(self, guild: str) -> None:
        """All that was missed on a server has been handed over."""
        self._behind.pop(guild, None)
        self._read.pop(guild, None)

    def place_behind(self, channel: str, guild: str) -> int | None:
        """Return the id after which messages of one place may have been missed; ``None`` when none were."""
        mark = self._behind.get(guild)
        return None if mark is None else max(mark, self._read.get(guild, {}).get(channel, 0))

    def was_read(self, channel: str, guild: str, until: int) -> None:
        """What one place held up to this id has been handed over, while its server is not caught up with."""
        places = self._read.setdefault(guild, {}) if guild in self._behind else {}
        if channel in places or len(places) < READ_MAX:
            places[channel] = max(until, places.get(channel, 0))

    # --- places ---

    @property
    def directs(self) -> tuple[str, ...]:
        """The direct conversations we know of, the most recently used first."""
        return tuple(reversed(self._directs))

    def knows_direct(self, channel: str) -> bool:
        """Tell whether a direct conversation is remembered."""
        return channel in self._directs

    def threads_of(self, guild: str) -> tuple[str, ...]:
        """Return the threads of a server in which we were used, the most recently used first."""
        return tuple(thread for thread, its_guild in reversed(self._threads.items()) if its_guild == guild)

    def used(self, channel: str, guild: str) -> bool:
        """We were asked in a direct conversation, or in a thread of a server; true when it is new to us."""
        is_new = channel not in (self._threads if guild else self._directs)
        if guild:
            _keep(self._threads, channel, guild, THREADS_MAX)
        else:
            _keep(self._directs, channel, None, DIRECTS_MAX)
        return is_new

    def forget(self, channel: str) -> None:
        """A conversation or thread is gone, or closed to us."""
        self._directs.pop(channel, None)
        self._threads.pop(channel, None)

    # --- writing down ---

    async def save(self) -> None:
        """Write down what has changed. Safe to repeat; what fails now is written the next time."""
        if not self._loaded:
            return
        remembered = _Remembered(
            self._since, self._surely_heard, self._behind, list(self._directs), dict(self._threads), self._read
        )
        text = msgspec.json.encode(remembered).decode()
        if text == self._written:
            return
        try:
            await self._store.remember(self._note, text)
        except StoreError as error:
            log.info("what was heard is not written down yet", reason=error.reason)
        else:
            self._written = text

    @property
    def _surely_heard(self) -> int:
        """The newest message that all connections have come to."""
        return min(self._heard, *self._lost.values()) if self._lost else self._heard


def _keep(kept: "OrderedDict[str, T]", key: str, value: T, at_most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > at_most:
        kept.popitem(last=False)
