"""What a store of one process knows, and its verbs as decisions on it (no file, no waiting).

Every writing verb only *stages* its effects. The next decision sees them; readers do not, until ``settle`` is called,
when the effects are durable. ``drop`` undoes all that was staged since. So a batch of decisions is made in order,
written at once, and then becomes true or never happened.

**Leases are kept here and nowhere else.** Whoever owns this book is the only process on its data (an OS lock sees to
that), so a lease of an earlier process is void by the time the book is opened, and turns that a crash left behind can
be taken up at once. What must last is that tokens grow: they are made of ``epoch``, which the owner of the file
increases durably at every opening, and a counter.
"""

from dataclasses import dataclass, replace
from sys import intern
from typing import Any

from bridge.errors import StateConflict
from bridge.model import Conversation, ConversationKey, Lease, TurnId, TurnRecord, TurnState
from bridge.stores import rules
from bridge.stores.records import LiveTurn, Note, storable
from bridge.stores.table import Table

EPOCH_BITS = 32
"""Grants and turns of one opening before numbers would run into the next epoch's: four thousand million."""


@dataclass(frozen=True, slots=True)
class EndedTurn:
    """An ended turn: known by id against repeats. ``turn`` is ``None`` where the record itself is on disk only."""

    changed_at_s: float
    turn: TurnRecord | None


class Book:
    """The state of a store: unfinished turns, ids of ended ones, conversations, notes, leases."""

    def __init__(self, *, epoch: int = 0, keeps_ended: bool) -> None:
        """Make an empty book.

        Args:
            epoch: Larger than at every earlier opening of the same data.
            keeps_ended: Keep the records of ended turns in memory; otherwise only their ids and times.
        """
        self.turns: Table[TurnId, LiveTurn] = Table()
        self.ended: Table[TurnId, EndedTurn] = Table()
        self.conversations: Table[ConversationKey, Conversation] = Table()
        self.notes: Table[str, Note] = Table()
        self._leases: dict[str, Lease] = {}
        self._keeps_ended = keeps_ended
        self._last_number = epoch << EPOCH_BITS

    def settle(self) -> None:
        """What was staged is durable: show it to readers."""
        if not self._keeps_ended:
            for turn_id, ended in self.ended.staged.items():
                if ended is not None:
                    self.ended.staged[turn_id] = EndedTurn(ended.changed_at_s, None)
        for table in (self.turns, self.ended, self.conversations, self.notes):
            table.settle()

    def drop(self) -> None:
        """What was staged could not be made durable: it never happened."""
        for table in (self.turns, self.ended, self.conversations, self.notes):
            table.drop()

    # --- turns ---

    def create_turn(self, turn: TurnRecord) -> bool:
        """Stage a new turn; false if its id exists already."""
        rules.check_name(turn.turn_id)
        rules.check_turn(turn)
        if self.turns.latest(turn.turn_id) or self.ended.latest(turn.turn_id):
            return False
        self._put(storable(turn), self._number())
        return True

    def advance(
        self,
        turn_id: TurnId,
        from_states: frozenset[TurnState],
        changes: dict[str, Any],
        lease: Lease,
        now_s: float,
    ) -> TurnRecord:
        """Stage changes of a turn and return it as it will be."""
        rules.check_changes(changes)
        rules.check_lease(self._leases.get(lease.lane), lease, now_s)
        live = self.turns.latest(turn_id)
        if live is None:
            what = "does not exist" if self.ended.latest(turn_id) is None else "has ended"
            raise StateConflict(f"turn {turn_id} {what}")
        turn = storable(rules.advanced(turn_id, live.turn, from_states, changes, now_s))
        if lease.lane != turn.key:
            raise ValueError(f"the lease is for lane {lease.lane}, but turn {turn_id} is in lane {turn.key}")
        rules.check_step(live.turn, turn)
        self._put(turn, live.number)
        return turn

    def unfinished(self, lane: ConversationKey | None) -> list[TurnRecord]:
        """Return settled turns that have not ended, oldest first, those of one instant as they were accepted."""
        live = [entry for entry in self.turns.settled.values() if lane is None or entry.turn.key == lane]
        live.sort(key=lambda entry: (entry.turn.created_at_s, entry.number))
        return [entry.turn for entry in live]

    def forget_ended(self, turn_ids: list[TurnId], before_s: float) -> int:
        """Stage the deletion of those ended turns that were last changed before ``before_s``; return how many."""
        count = 0
        for turn_id in turn_ids:
            ended = self.ended.latest(turn_id)
            if ended is not None and ended.changed_at_s < before_s:
                self.ended.stage(turn_id, None)
                count += 1
        return count

    def ended_before(self, before_s: float) -> list[TurnId]:
        """Return the settled ended turns that were last changed before ``before_s``."""
        return [turn_id for turn_id, ended in self.ended.settled.items() if ended.changed_at_s < before_s]

    def _put(self, turn: TurnRecord, number: int) -> None:
        if turn.state is TurnState.ENDED:
            self.turns.stage(turn.turn_id, None)
            self.ended.stage(turn.turn_id, EndedTurn(rules.changed_at_s(turn), turn))
        else:
            self.turns.stage(turn.turn_id, LiveTurn(number, turn))

    def _number(self) -> int:
        self._last_number += 1
        return self._last_number

    # --- conversations and notes ---

    def bind(self, conversation: Conversation) -> None:
        """Stage that the key leads to this conversation."""
        rules.check_name(conversation.key)
        kept = compact(storable(conversation))
        self.conversations.stage(kept.key, kept)

    def unbind(self, key: ConversationKey) -> bool:
        """Stage that the key leads nowhere; false if it does already."""
        if self.conversations.latest(key) is None:
            return False
        self.conversations.stage(key, None)
        return True

    def note(self, name: str, now_s: float) -> str | None:
        """Return a settled note that has not expired."""
        note = self.notes.settled.get(name)
        return note.value if note is not None and not _is_over(note, now_s) else None

    def remember(self, name: str, value: str | None, ttl_s: float | None, now_s: float) -> None:
        """Stage a note, or its deletion."""
        rules.check_name(name)
        note = None if value is None else storable(Note(name, value, rules.expiry(ttl_s, now_s)))
        if note != self.notes.latest(name):
            self.notes.stage(note.name if note is not None else name, note)

    def unused(self, before_s: float, now_s: float) -> tuple[list[ConversationKey], list[str]]:
        """Return the settled conversations that nobody used since ``before_s``, and the notes that have expired."""
        conversations = [key for key, known in self.conversations.settled.items() if known.last_used_at_s < before_s]
        return conversations, [name for name, note in self.notes.settled.items() if _is_over(note, now_s)]

    def forget_unused(self, keys: list[ConversationKey], names: list[str], before_s: float, now_s: float) -> None:
        """Stage the deletion of those that are still unused, or expired."""
        for key in keys:
            known = self.conversations.latest(key)
            if known is not None and known.last_used_at_s < before_s:
                self.conversations.stage(key, None)
        for name in names:
            note = self.notes.latest(name)
            if note is not None and _is_over(note, now_s):
                self.notes.stage(name, None)

    # --- leases: at once, in memory ---

    def acquire(self, lane: ConversationKey, holder: str, ttl_s: float, now_s: float) -> Lease | None:
        """Grant the lane with a new token, or ``None`` while somebody else holds it."""
        rules.check_ttl(ttl_s)
        lease = rules.granted(self._leases.get(lane), lane, holder, self._last_number + 1, ttl_s, now_s)
        if lease is not None:
            self._leases[lane] = lease
            self._last_number = lease.token
        return lease

    def renew(self, lease: Lease, ttl_s: float, now_s: float) -> Lease:
        """Extend a lease from now on; its token stays."""
        rules.check_ttl(ttl_s)
        rules.check_lease(self._leases.get(lease.lane), lease, now_s)
        renewed = Lease(lease.lane, lease.holder, lease.token, now_s + ttl_s)
        self._leases[lease.lane] = renewed
        return renewed

    def release(self, lease: Lease) -> None:
        """Give the lane back if it is still this lease's."""
        current = self._leases.get(lease.lane)
        if current is not None and current.token == lease.token:
            del self._leases[lease.lane]

    def forget_leases(self, now_s: float) -> None:
        """Drop leases whose time is up, so that lanes nobody returns to cost nothing."""
        self._leases = {lane: lease for lane, lease in self._leases.items() if now_s < lease.expires_at_s}


def compact(conversation: Conversation) -> Conversation:
    """Return the conversation with the texts that it shares with all others kept once: there may be many of them."""
    return replace(conversation, agent=intern(conversation.agent), bot_id=intern(conversation.bot_id))


def _is_over(note: Note, now_s: float) -> bool:
    return note.expires_at_s is not None and note.expires_at_s <= now_s
