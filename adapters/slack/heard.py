"""What is remembered of listening: until when all was heard, in which channels, in which of their older threads.

Kept as notes of the store and written lazily: losing the newest minute only means that a little more is read again, and
the core knows each repeat by its key. Times are Slack's, as message ids tell them: our clock may go wrong.
"""

import json
from collections import OrderedDict
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
        self._places: OrderedDict[str, float] = OrderedDict()
        self._threads: dict[str, dict[str, float]] = {}
        self._unsaved: dict[str, str | None] = {}

    def places(self, since_s: float = 0.0) -> list[str]:
        """Return the channels in which people were heard, those of late first; for 0 also those of earlier lives."""
        return [channel for channel, heard_s in reversed(self._places.items()) if heard_s >= since_s]

    @property
    def now_s(self) -> float:
        """What time it is at Slack, as far as we can tell."""
        return self._clock.wall() + self._ahead_s

    @property
    def since_s(self) -> float | None:
        """From when on something may have been missed; ``None`` before the first life of this instance."""
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

    async def threads(self, channel: str) -> dict[str, float]:
        """Return the older threads remembered of a channel, with the time somebody was last heard there.

        Raises:
            StoreError: The store does not answer.
        """
        if channel not in self._threads:
            known = _object(await self._store.note(threads_note(self._instance, self._team, channel)))
            self._threads[channel] = {root: float(heard_s) for root, heard_s in known.items()}
        return self._threads[channel]

    def begin(self) -> None:
        """Start the first life: what was written before is no business of ours."""
        self._began_s = self.now_s
        self.until_now()

    def until_now(self) -> None:
        """Know that everything until now was heard."""
        self._until_s = self.now_s
        facts = {"began": self._began_s, "until": self._until_s, "ahead": self._ahead_s}
        self._unsaved[heard_note(self._instance, self._team)] = json.dumps(facts)

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
        self._unsaved[threads_note(self._instance, self._team, channel)] = json.dumps(threads)

    def forget(self, channel: str) -> None:
        """Forget a channel that cannot be read, or has been quiet for longer than all others."""
        if channel in self._places:
            del self._places[channel]
            self._threads.pop(channel, None)
            self._unsaved[threads_note(self._instance, self._team, channel)] = None
            self._note_places()

    async def save(self) -> None:
        """Write down what has changed; what fails is written the next time."""
        unsaved, self._unsaved = self._unsaved, {}
        for name in list(unsaved):
            try:
                await self._store.remember(name, unsaved[name])
            except StoreError as error:
                log.info("not written down what was heard", reason=error.reason)
                self._unsaved = unsaved | self._unsaved
                return
            del unsaved[name]

    def _note_places(self) -> None:
        self._unsaved[places_note(self._instance, self._team)] = json.dumps({"places": [*self._places]})


def _object(note: str | None) -> dict[str, Any]:
    """Read a note; one that we did not write, or wrote otherwise, says nothing."""
    try:
        known = json.loads(note or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
