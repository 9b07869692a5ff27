"""The one gate: who may speak, where, and how often (pure; time is an argument).

Messages and presses pass the same one. It also knows who may stop whose answer.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.model import Author, Envelope, Place, Press, TurnRecord
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
    """What the gate checks.

    Attributes:
        questions: Per ``window_s`` and person; ``None`` for no limit.
        stop_users, stop_roles: Who may stop other people's answers, and ask their questions again.
    """

    teams: AccessList = field(default_factory=AccessList)
    channels: AccessList = field(default_factory=AccessList)
    users: AccessList = field(default_factory=AccessList)
    roles: AccessList = field(default_factory=AccessList)
    questions: int | None = None
    window_s: float = 60.0
    stop_users: frozenset[str] = frozenset()
    stop_roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not pass, as a sentence and its values.

    Attributes:
        waits_for: The turn that waits for somebody else's words.
    """

    say: Say
    wait_s: float = 0.0
    waits_for: TurnRecord | None = None


class Gate:
    """Applies the rules and remembers, per person, the questions of the last window."""

    def __init__(self, rules: GateRules) -> None:
        self._rules = rules
        self._asked: OrderedDict[tuple[str, str, str], deque[tuple[float, str]]] = OrderedDict()

    def check(self, envelope: Envelope, now: float) -> Refusal | None:
        """Return why this message is refused, or ``None``. A repeated delivery of one question counts once."""
        refusal = self.check_access(envelope.place, envelope.author)
        if refusal or envelope.late:  # those that were missed were not asked all at once
            return refusal
        return self.check_pace(envelope.place, envelope.author, envelope.delivery_key, now)

    def check_press(self, press: Press) -> Refusal | None:
        """Return why whoever pressed something is refused, or ``None``."""
        return self.check_access(press.place, press.author)

    def may_stop(self, who: Author, asker: Author) -> bool:
        """Tell whether somebody has a say in the answer to ``asker``: she herself, and whom the operator names."""
        rules = self._rules
        return who.id == asker.id or who.id in rules.stop_users or not rules.stop_roles.isdisjoint(who.roles)

    def check_access(self, place: Place, author: Author) -> Refusal | None:
        """Return why somebody may not do anything here, or ``None``; counts nothing."""
        rules = self._rules
        # A private place has no channel that a list could name: being allowed as a person is enough there.
        admitted = (
            rules.teams.admits([place.team])
            and (place.private or rules.channels.admits([place.channel]))
            and rules.users.admits([author.id])
            and rules.roles.admits(author.roles)
        )
        return None if admitted else Refusal(Say.NOT_ALLOWED)

    def check_pace(self, place: Place, author: Author, delivery_key: str, now: float) -> Refusal | None:
        """Count a question; return the refusal when it is one too many. The same key counts once."""
        rules = self._rules
        if rules.questions is None:
            return None
        person = (place.instance, place.team, author.id)
        asked = self._asked.setdefault(person, deque())
        self._asked.move_to_end(person)
        if len(self._asked) > MAX_REMEMBERED_PEOPLE:
            self._asked.popitem(last=False)
        while asked and asked[0][0] <= now - rules.window_s:
            asked.popleft()
        if any(key == delivery_key for _, key in asked):
            return None
        if len(asked) >= rules.questions:
            oldest = asked[0][0] if asked else now
            return Refusal(Say.TOO_FAST, wait_s=oldest + rules.window_s - now)
        asked.append((now, delivery_key))
        return None
