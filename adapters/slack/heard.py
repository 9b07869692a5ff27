"""What is remembered of listening: until when all was heard, where not yet, in which channels and older threads.

One time is the mark of every channel. A gap lets channels fall behind it: each keeps a mark of its own until it has
been read, so that however often we are started anew, reading goes on where it ended.

Kept as notes of the store and written lazily: losing the newest minute only means that a little more is read again, and
the core knows each repeat by its key. Times are Slack's, as message ids tell them: our clock may go wrong.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from adapters.slack import limits
from adapters.slack.ids import heard_note, places_note, threads_note, ts_seconds
from bridge.errors import StoreError
from bridge.ports import Clock, Store

log = structlog.get_logger(__name__)

MARGIN_S = 60.0
"""An event may come later than it happened, and one that was not written down comes again."""

OLD_THREAD_S = 3600.0
"""A thread whose root is younger needs no memory: the root stands in the newest page of the channel's history."""


class Heard:
    """The memory of one adapter instance in one workspace; ``load`` first."""

    def __init__(self, instance: str, team: str, store: Store, clock: Clock) -> None:
        self._instance = instance
        self._team = team
        self._store = store
        self._clock = clock
        self._ahead_s = 0.0
        self._began_s: float | None = None
        self._until_s = 0.0
        self._behind: dict[str, float] = {}
        self._places: OrderedDict[str, float] = OrderedDict()
        self._threads: dict[str, dict[str, float]] = {}
        self._unsaved: dict[str, Callable[[], str | None]] = {}

    def places(self, since_s: float = 0.0) -> list[str]:
        """Return the channels in which people were heard, those of late first; for 0 also those of earlier lives."""
        return [channel for channel, heard_s in reversed(self._places.items()) if heard_s >= since_s]

    @property
    def behind(self) -> Mapping[str, float]:
        """The channels that are still to be read, and from when on."""
        return self._behind

    @property
    def now_s(self) -> float:
        """What time it is at Slack, as far as we can tell."""
        return self._clock.wall() + self._ahead_s

    @property
    def began_s(self) -> float | None:
        """When the first life of this instance began; ``None`` before it."""
        return self._began_s

    @property
    def since_s(self) -> float | None:
        """From when on something may have been missed in channels not ``behind``; ``None`` before the first life."""
        return None if self._began_s is None else max(self._began_s, self._until_s - MARGIN_S)

    async def load(self) -> None:
        """Read the notes.

        Raises:
            StoreError: The store does not answer.
        """
        known = _object(await self._store.note(heard_note(self._instance, self._team)))
        if "began" in known:
            self._began_s = float(known["began"])
            self._until_s = float(known.get("until", 0.0))
            self._ahead_s = float(known.get("ahead", 0.0))
        places = _object(await self._store.note(places_note(self._instance, self._team))).get("places", [])
        self._places = OrderedDict.fromkeys((str(place) for place in places), 0.0)
        behind = known.get("behind")
        if isinstance(behind, dict):
            self._behind = {channel: float(since_s) for channel, since_s in behind.items() if channel in self._places}

    async def threads(self, channel: str) -> dict[str, float]:
        """Return the older threads remembered of a channel, with the time somebody was last heard there.

        Raises:
            StoreError: The store does not answer.
        """
        if channel not in self._threads:
            known = _object(await self._store.note(threads_note(self._instance, self._team, channel)))
            self._threads[channel] = {root: float(heard_s) for root, heard_s in known.items()}
        return self._threads[channel]

    # --- until when ---

    def begin(self) -> None:
        """Start the first life: what was written before is no business of ours."""
        self._began_s = self.now_s
        self.until_now()

    def until_now(self) -> None:
        """Know that everything until now was heard, but for the channels ``behind``."""
        self._until_s = self.now_s
        self._note_times()

    def fell_behind(self, channel: str, since_s: float) -> None:
        """Know that something may have been missed in a channel; what was so before stays so."""
        if channel in self._places:
            self._behind[channel] = min(since_s, self._behind.get(channel, since_s))
            self._note_times()

    def caught_up(self, channel: str) -> None:
        """Know that a channel has been read."""
        if self._behind.pop(channel, None) is not None:
            self._note_times()

    # --- where ---

    def saw(self, channel: str, ts: str) -> bool:
        """Take note of a message; true when its channel is new to us."""
        if sent_s := ts_seconds(ts):
            # Too little by the message's journey, so that we rather read again than miss something.
            self._ahead_s = sent_s - self._clock.wall()
        is_new = channel not in self._places
        self._places[channel] = self.now_s
        self._places.move_to_end(channel)
        if is_new:
            if len(self._places) > limits.PLACES_MAX:
                self.forget(next(iter(self._places)))
            self._note_places()
        return is_new

    async def spoke_with_us(self, channel: str, root: str | None, ts: str) -> None:
        """Take note of a question in a thread.

        Raises:
            StoreError: The store does not answer.
        """
        if root is None or ts_seconds(ts) - ts_seconds(root) < OLD_THREAD_S:
            return
        threads = await self.threads(channel)
        threads[root] = max(ts_seconds(ts), threads.get(root, 0.0))
        for oldest in sorted(threads, key=lambda known: threads[known])[: -limits.OLD_THREADS_MAX]:
            del threads[oldest]
        self._unsaved[threads_note(self._instance, self._team, channel)] = lambda: json.dumps(threads)

    def forget(self, channel: str) -> None:
        """Forget a channel that cannot be read, or has been quiet for longer than all others."""
        if channel in self._places:
            del self._places[channel]
            self._threads.pop(channel, None)
            self._unsaved[threads_note(self._instance, self._team, channel)] = lambda: None
            self._note_places()
            self.caught_up(channel)

    # --- writing down ---

    async def save(self) -> None:
        """Write down what has changed; what fails, or is cut, is written the next time."""
        for name in list(self._unsaved):
            text_of_note = self._unsaved.pop(name)
            try:
                await self._store.remember(name, text_of_note())
            except BaseException as error:
                self._unsaved.setdefault(name, text_of_note)
                if not isinstance(error, StoreError):
                    raise
                log.info("not written down what was heard", reason=error.reason)
                return

    def _note_times(self) -> None:
        self._unsaved[heard_note(self._instance, self._team)] = self._times

    def _times(self) -> str:
        behind = {channel: math.floor(since_s) for channel, since_s in self._behind.items()}
        facts = {"began": self._began_s, "until": self._until_s, "ahead": self._ahead_s, "behind": behind}
        return json.dumps(facts)

    def _note_places(self) -> None:
        name = places_note(self._instance, self._team)
        self._unsaved[name] = lambda: json.dumps({"places": [*self._places]})


def _object(note: str | None) -> dict[str, Any]:
    """Read a note; one that we did not write, or wrote otherwise, says nothing."""
    try:
        known = json.loads(note or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
