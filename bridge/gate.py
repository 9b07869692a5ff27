"""The one gate: who may speak, where, and how often (pure; time is an argument).

Messages pass it now; whatever else a person can do to the bridge passes the same one.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.model import Envelope
from bridge.texts.keys import Say

MAX_REMEMBERED_PEOPLE = 10_000


@dataclass(frozen=True, slots=True)
class AccessList:
    """Ids that may and ids that may not. ``allow`` of ``None`` means everybody, an empty one nobody; deny wins."""

    allow: frozenset[str] | None = None
    deny: frozenset[str] = frozenset()

    def admits(self, ids: Iterable[str]) -> bool:
        """Tell whether somebody who carries ``ids`` passes."""
        carried = set(ids)
        return not (carried & self.deny) and (self.allow is None or bool(carried & self.allow))


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate checks; ``questions`` per ``window_s`` and person, ``None`` for no limit."""

    teams: AccessList = field(default_factory=AccessList)
    channels: AccessList = field(default_factory=AccessList)
    users: AccessList = field(default_factory=AccessList)
    roles: AccessList = field(default_factory=AccessList)
    questions: int | None = None
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not pass, as a sentence and its values."""

    say: Say
    wait_s: float = 0.0


class Gate:
    """Applies the rules and remembers, per person, the questions of the last window."""

    def __init__(self, rules: GateRules) -> None:
        self._rules = rules
        self._asked: OrderedDict[tuple[str, str, str], deque[tuple[float, str]]] = OrderedDict()

    def check(self, envelope: Envelope, now: float) -> Refusal | None:
        """Return why this message is refused, or ``None``. A repeated delivery of one question counts once."""
        return self._check_access(envelope) or self._check_pace(envelope, now)

    def _check_access(self, envelope: Envelope) -> Refusal | None:
        place, author, rules = envelope.place, envelope.author, self._rules
        # A private place has no channel that a list could name: being allowed as a person is enough there.
        admitted = (
            rules.teams.admits([place.team])
            and (place.private or rules.channels.admits([place.channel]))
            and rules.users.admits([author.id])
            and rules.roles.admits(author.roles)
        )
        return None if admitted else Refusal(Say.NOT_ALLOWED)

    def _check_pace(self, envelope: Envelope, now: float) -> Refusal | None:
        rules = self._rules
        if rules.questions is None:
            return None
        person = (envelope.place.instance, envelope.place.team, envelope.author.id)
        asked = self._asked.setdefault(person, deque())
        self._asked.move_to_end(person)
        if len(self._asked) > MAX_REMEMBERED_PEOPLE:
            self._asked.popitem(last=False)
        while asked and asked[0][0] <= now - rules.window_s:
            asked.popleft()
        if any(key == envelope.delivery_key for _, key in asked):
            return None
        if len(asked) >= rules.questions:
            oldest = asked[0][0] if asked else now
            return Refusal(Say.TOO_FAST, wait_s=oldest + rules.window_s - now)
        asked.append((now, envelope.delivery_key))
        return None
