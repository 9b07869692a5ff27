"""What the emulators' journals say: when each piece left Coze, when it stood on the platform (pure).

Blanks do not count: a message ends without them, and whether one is shown nobody can see. Whose text a message shows
is told by the text itself: answers begin with their number and go on differently, whatever the platform or the policy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.lag.loads import NUMBER
from sandbox.journal import Entry

LEAST_CHARS = 8
"""A message that agrees with an answer in fewer characters only, and not to its own end, shows something else."""
TOO_MANY = 429
TOO_MANY_ERRORS = frozenset({"ratelimited", "rate_limited"})


def squeeze(text: str) -> str:
    """Return a text without its blanks."""
    return "".join(text.split())


@dataclass(frozen=True, slots=True)
class Point:
    """So many characters, at ``at`` (seconds of one clock)."""

    at: float
    chars: int


@dataclass(slots=True)
class Course:
    """One answer on its way.

    Attributes:
        left: After each delta, how much had left Coze.
        seen: After each change, how much stood on the platform; it can go back.
        surplus: Characters in its messages at the end that are not its text: a repetition, a footer.
    """

    chars: int
    left: list[Point] = field(default_factory=list)
    seen: list[Point] = field(default_factory=list)
    surplus: int = 0


class Wall:
    """The messages of a platform, read as far as they say what the answers say."""

    def __init__(self, text_by_number: Mapping[int, str]) -> None:
        self._texts = {number: squeeze(text) for number, text in text_by_number.items()}
        self._number_by_message: dict[str, int] = {}
        self._messages: dict[int, dict[str, str]] = {number: {} for number in text_by_number}

    def show(self, message: str, text: str) -> int | None:
        """Note what a message shows now; return whose answer that is, ``None``: nobody's."""
        text = squeeze(text)
        number = self._number_by_message.get(message)
        if number is None:
            agreed_by_number = {number: self._agreement(number, text) for number in self._candidates(text)}
            number = max(agreed_by_number, key=lambda number: agreed_by_number[number], default=None)
            if number is None or not agreed_by_number[number]:
                return None
            self._number_by_message[message] = number
        self._messages[number][message] = text
        return number

    def standing(self, number: int) -> tuple[int, int]:
        """Return how many characters of an answer stand there, and how many that are not of it."""
        whole, chars, surplus = self._texts[number], 0, 0
        for text in self._messages[number].values():
            agreed = _agreed(text, whole, chars)
            chars += agreed
            surplus += len(text) - agreed
        return chars, surplus

    def _candidates(self, text: str) -> Iterable[int]:
        found = NUMBER.match(text)
        return self._texts if found is None else {int(found[1])} & self._texts.keys()

    def _agreement(self, number: int, text: str) -> int:
        """Return in how many characters a new message goes on as an answer does; 0: it does not.

        Answers are made of the same words: two may go on alike for some characters, and the one meant for longer.
        """
        if NUMBER.match(text) is not None:
            return len(text)  # the beginning, for the first time or again
        chars, _ = self.standing(number)
        agreed = _agreed(text, self._texts[number], chars)
        is_rest = agreed == min(len(self._texts[number]) - chars, len(text))
        return agreed if chars and (agreed >= LEAST_CHARS or is_rest) else 0


def _agreed(text: str, whole: str, start: int) -> int:
    """Return how many characters of ``text`` are those of ``whole`` from ``start`` on."""
    if whole.startswith(text, start):
        return len(text)
    return next(
        (n for n, (mine, its) in enumerate(zip(text, whole[start:], strict=False)) if mine != its), len(whole) - start
    )


class Reader:
    """Reads a journal as it grows.

    Attributes:
        courses: Each answer's course, by number.
    """

    def __init__(self, text_by_number: Mapping[int, str], service: str, bot: str) -> None:
        """``bot`` is the user whose messages on ``service`` are the answers."""
        self.courses = {number: Course(len(squeeze(text))) for number, text in sorted(text_by_number.items())}
        self._wall = Wall(text_by_number)
        self._service = service
        self._bot = bot
        self._number_by_chat: dict[str, int] = {}

    def read(self, entries: Iterable[Entry]) -> None:
        """Take in what was written since."""
        for entry in entries:
            if (entry.service, entry.kind, entry.name) == ("coze", "event", "conversation.message.delta"):
                self._leave(entry)
            elif (entry.service, entry.kind) == (self._service, "shown") and entry.detail["user"] == self._bot:
                self._show(entry)

    @property
    def is_whole(self) -> bool:
        """All answers stand there whole."""
        return all(whole_since(course) is not None for course in self.courses.values())

    def _show(self, entry: Entry) -> None:
        message = f"{entry.name}/{entry.detail.get('ts') or entry.detail.get('id')}"
        number = self._wall.show(message, entry.detail["text"])
        if number is not None:
            course = self.courses[number]
            chars, course.surplus = self._wall.standing(number)
            course.seen.append(Point(entry.at, chars))

    def _leave(self, entry: Entry) -> None:
        chat = str(entry.detail["chat_id"])
        if chat not in self._number_by_chat:
            found = NUMBER.match(entry.detail["content"])
            if found is None or self.courses[int(found[1])].left:
                return  # another chat about the same question: the first one was heard already
            self._number_by_chat[chat] = int(found[1])
        course = self.courses[self._number_by_chat[chat]]
        gone = course.left[-1].chars if course.left else 0
        course.left.append(Point(entry.at, gone + len(squeeze(entry.detail["content"]))))


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of one policy under one load; seconds.

    Attributes:
        mean_lag_s, worst_lag_s: Over all characters; one that never stood there counts until the watch ended.
        first_words_s_max: From the first delta to the first text; ``None``: of some answer nothing was ever shown.
        final_s_max: From the last delta to the whole text; ``None``: some answer was never whole.
        final_s_mean: Over those that became whole.
        incomplete: How many never did.
        unseen_chars: Characters that were never shown.
        surplus_chars: Characters shown at the end that no agent said.
    """

    mean_lag_s: float
    worst_lag_s: float
    first_words_s_max: float | None
    final_s_max: float | None
    final_s_mean: float | None
    answers: int
    incomplete: int
    unseen_chars: int
    surplus_chars: int


def figures_of(courses: Iterable[Course], watched_until: float) -> Figures:
    """Work out the figures."""
    lag_s = worst_s = 0.0
    chars = unseen = surplus = 0
    firsts: list[float | None] = []
    finals: list[float | None] = []
    for course in courses:
        for count, delay_s, shown in _delays(course, watched_until):
            lag_s, chars, worst_s = lag_s + count * delay_s, chars + count, max(worst_s, delay_s)
            unseen += 0 if shown else count
        begun = next((p.at for p in course.seen if p.chars), None)
        whole = whole_since(course)
        firsts.append(begun - course.left[0].at if begun is not None and course.left else None)
        finals.append(whole - course.left[-1].at if whole is not None and course.left else None)
        surplus += course.surplus
    reached = [final for final in finals if final is not None]
    return Figures(
        mean_lag_s=lag_s / max(1, chars),
        worst_lag_s=worst_s,
        first_words_s_max=_max_or_none(firsts),
        final_s_max=_max_or_none(finals),
        final_s_mean=sum(reached) / len(reached) if reached else None,
        answers=len(finals),
        incomplete=finals.count(None),
        unseen_chars=unseen,
        surplus_chars=surplus,
    )


def whole_since(course: Course) -> float | None:
    """Return since when an answer has stood there whole; ``None``: it does not."""
    since = None
    for point in course.seen:
        if point.chars < course.chars:
            since = None
        elif since is None:
            since = point.at
    return since


def _delays(course: Course, watched_until: float) -> Iterable[tuple[int, float, bool]]:
    """Yield, delta by delta, its characters, how long they were on their way, and whether they arrived."""
    seen, shown = iter(course.seen), Point(0.0, 0)
    gone = 0
    for left in course.left:
        while shown.chars < left.chars and (following := next(seen, None)) is not None:
            shown = following
        arrived = shown.chars >= left.chars
        yield left.chars - gone, (shown.at if arrived else watched_until) - left.at, arrived
        gone = left.chars


def _max_or_none(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) and known else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a policy asked of the platform: calls by name, and those that were refused as too many."""

    calls: dict[str, int]
    refused: dict[str, int]


def read_traffic(entries: Iterable[Entry], service: str) -> Traffic:
    """Count the requests to a platform and its refusals."""
    calls: dict[str, int] = {}
    refused: dict[str, int] = {}
    for entry in entries:
        if entry.service == service and entry.kind == "request":
            calls[entry.name] = calls.get(entry.name, 0) + 1
        elif entry.service == service and entry.kind == "reply" and _is_refusal(entry.detail):
            refused[entry.name] = refused.get(entry.name, 0) + 1
    return Traffic(calls, refused)


def _is_refusal(reply: Mapping[str, Any]) -> bool:
    return reply.get("status") == TOO_MANY or reply.get("error") in TOO_MANY_ERRORS


def lateness_s(courses: Iterable[Course], planned_s_by_number: Mapping[int, list[float]]) -> float:
    """Return by how much the emulator's deltas strayed from their plan at worst, counted from each first delta."""
    worst = 0.0
    for number, course in enumerate(courses):
        for left, planned in zip(course.left, planned_s_by_number[number], strict=False):
            worst = max(worst, abs(left.at - course.left[0].at - planned))
    return worst
