"""What waits for whose answer: a turn whose run or agent asked something, and a note that leads the answer to it."""

import json
from dataclasses import dataclass, replace

from bridge.keys import conversation_key, join_key
from bridge.model import Envelope, Interruption, Place, Scope, TurnId, TurnRecord, TurnState
from bridge.ports import Clock, Store

ASKED_SOMETHING = frozenset({TurnState.ANSWERED, TurnState.DELIVERING, TurnState.WAITING})
"""In these states a turn may wait, or be about to."""

NOTE_TTL_S = 32 * 86400.0
"""Longer than anything may wait."""

MAX_WAITING_HERE = 8
"""Questions that one person, or all together, may have open in one place; the oldest give way."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn asks, and until when (unix seconds)."""

    question: Interruption
    until_s: float


def asked_by(turn: TurnRecord) -> Asked | None:
    """Return what a turn's run or agent asked a person, if it did."""
    for ticket in (turn.run, turn.tools):
        if ticket is not None and ticket.asked is not None:
            return Asked(ticket.asked, ticket.until_s)
    return None


def is_waiting(turn: TurnRecord, now_s: float) -> bool:
    """Tell whether what a turn asked can still be answered."""
    asked = asked_by(turn)
    return asked is not None and turn.state in ASKED_SOMETHING and now_s < asked.until_s


class Waits:
    """Which turns wait for whose answer: a note per person and place and one per place, newest last."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(self, envelope: Envelope) -> TurnRecord | None:
        """Return the turn that waits for what its author writes here next.

        One that asked in the channel itself is answered below what it said: next in a channel may be anything.
        """
        found, below = await self._find(_note(envelope)), envelope.place.thread
        if found is not None or below is None:
            return found
        return await self._find(_note(replace(envelope, place=replace(envelope.place, thread=None))), below)

    async def for_another(self, envelope: Envelope) -> TurnRecord | None:
        """Return the turn that waits here for what somebody else than the author of a message writes."""
        author, place = envelope.author.id, envelope.place
        found = await self._find(_place_note(place), but_of=author)
        if found is not None or place.thread is None:
            return found
        return await self._find(_place_note(replace(place, thread=None)), place.thread, but_of=author)

    async def _find(self, note: str, below: str = "", but_of: str = "") -> TurnRecord | None:
        for turn_id in reversed(await self._listed(note)):
            turn = await self._store.turn(turn_id)
            if turn is None or not is_waiting(turn, self._clock.wall()) or turn.envelope.author.id == but_of:
                continue
            if not below or below in _messages(turn):
                return turn
        return None

    async def add(self, envelope: Envelope, turn_id: TurnId) -> None:
        """Let a person's next message here lead to a turn."""
        for note in (_note(envelope), _place_note(envelope.place)):
            listed = [known for known in await self._listed(note) if known != turn_id]
            await self._write(note, [*listed, turn_id][-MAX_WAITING_HERE:])

    async def remove(self, envelope: Envelope, turn_id: TurnId) -> None:
        """Forget a turn that waits no more."""
        for note in (_note(envelope), _place_note(envelope.place)):
            listed = await self._listed(note)
            if turn_id in listed:
                await self._write(note, [known for known in listed if known != turn_id])

    async def _listed(self, note: str) -> list[TurnId]:
        found: list[TurnId] = json.loads(await self._store.note(note) or "[]")
        return found

    async def _write(self, note: str, listed: list[TurnId]) -> None:
        await self._store.remember(note, json.dumps(listed) if listed else None, ttl_s=NOTE_TTL_S)


def _note(envelope: Envelope) -> str:
    here = conversation_key(envelope.place, envelope.author, Scope.THREAD)
    return f"waits:{join_key(here, envelope.author.id)}"


def _place_note(place: Place) -> str:
    return f"waits-here:{join_key(place.instance, place.team, place.channel, place.thread or '')}"


def _messages(turn: TurnRecord) -> set[str]:
    """Return what stands on the platform of a turn, its question included: a reply chain may begin there."""
    said = {part.message_id for part in turn.parts} | {turn.envelope.message_id}
    return said if turn.root is None else {*said, turn.root.message_id}
