"""What the messages of one answer show, and what they should show (pure).

The answer is a sequence of parts, one message each. Whoever sends asks for the differences (``tasks``), sends one, and
tells what is ``shown``. A message whose end could not be edited in time is *kept* as it stands: its part ends where its
shown text ends and the rest is the next part (``split_off``). If it cannot be cut exactly there (in the middle of a
word, with a repaired end), what differs is tidied up when there is an edit to spare.

Parts that are frozen and shown as they should be are not looked at again (``_settled``): a look at a long answer costs
no more than one at a short answer.

A message that only grows is shown what is settled instead of a repaired preview, never gets less than it has, and must
be ended once nothing more comes into it. While it has not ended, its part ends early: between two blocks.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bridge.delivery.draft import Change
from bridge.errors import PlatformRejected
from bridge.model import Control, Part, PartRules, PostedPart, View, Way
from bridge.rendering import PartSequence

SMALLEST_PART_CHARS = 200
ROTATE_SHARE = 0.8
"""How full a part that only grows may be before it ends between two blocks, if it can."""

FREELY = Way()
"""How a message grows that can be edited: what it draws on is told by ``Reply.ways``."""

UNKNOWN = View("")
"""What a message shows that an earlier process posted, where the text is lost."""


@dataclass(slots=True)
class Message:
    """One message on the platform.

    Attributes:
        message_id: Empty when somebody deleted it.
        view: ``None`` when it is not known what stands there.
        wordless: It is written down that no word of the agent stands there.
        body: The piece of the answer that it shows.
        kept: What else its part had is the next part by now.
        way: How it was begun; only of interest while it ``grows``.
        since: When it was begun.
        closing: It shall grow this way no longer.
    """

    message_id: str
    view: View | None = None
    wordless: bool = False
    body: str = ""
    kept: bool = False
    way: Way = FREELY
    since: float = 0.0
    closing: bool = False

    @property
    def grows(self) -> bool:
        """Nothing can be taken back from it, and it has not ended."""
        return self.way.only_grows


class Move(Enum):
    """What is to be done about a difference."""

    POST = "post"
    EDIT = "edit"
    END = "end"


@dataclass(frozen=True, slots=True)
class Task:
    """One message that does not show what it should, or has to be ended.

    Attributes:
        tidies: Nothing is missing: buttons below an earlier part, something is there twice, or only the end is.
        worth: The difference is more than one of buttons.
    """

    index: int
    view: View
    body: str
    move: Move
    tidies: bool
    worth: bool


class Board:
    """One answer's messages.

    Attributes:
        said, seen: How many characters the agent has said, and how many of them stand on the platform.
        messages: In order; one for each part that was posted.
        note: A sentence below what is there while the answer grows, or alone before its first words.
    """

    def __init__(self, rules: PartRules, doubt: str, controls: tuple[Control, ...]) -> None:
        """``doubt`` is the sentence below a message that may be a double; ``controls`` stand below the last part."""
        self.said = self.seen = 0
        self.messages: list[Message] = []
        self.note = ""
        self._rules = rules
        self._doubt = doubt
        self._controls = controls
        self._parts = PartSequence(rules)
        self._stood = 0
        self._settled = 0
        self._finished = False
        self._footer = ""
        self._footer_apart = False
        self._doubtful: set[int] = set()

    # --- what happens ---

    def adopt(self, placeholder: str) -> None:
        """Let a message that stands already become the first part."""
        self.messages = [Message(placeholder, wordless=True)]

    def take_over(self, parts: Sequence[PostedPart]) -> None:
        """Continue with messages of which nobody knows what they show; those without words may be overwritten."""
        self.messages = [Message(part.message_id, wordless=part.wordless) for part in parts]
        self._stood = max((i + 1 for i, part in enumerate(parts) if not part.wordless), default=0)

    def hear(self, change: Change) -> None:
        """Take in what the agent said."""
        if change.replaces:
            self.said = len(change.text)
            self.seen = min(self.seen, self.said)
            self._settled = 0
            self._parts.replace(change.text)
        else:
            self.said += len(change.text)
            self._parts.append(change.text)

    def finish(self, footer: str, controls: tuple[Control, ...]) -> None:
        """Know that nothing more is said; ``footer`` and ``controls`` stand below the last part."""
        self._finished, self._footer, self._controls = True, footer, controls

    def shown(self, task: Task) -> None:
        """Know that a message shows what it should."""
        message = self.messages[task.index]
        message.view, message.body = task.view, task.body
        if message.grows and task.index == len(self._parts) - 1:
            self._parts.pin(len(task.body))
        self.seen = max(self.seen, min(self.said, self._parts.begins_at(task.index) + len(task.body)))

    def doubt(self, index: int) -> None:
        """Let a message carry the sentence that it may be a double."""
        self._doubtful.add(index)
        self._look_again(index)

    def trust(self, indices: Collection[int]) -> bool:
        """Know that none of these messages is a double; false when nobody thought so."""
        lifted = bool(self._doubtful.intersection(indices))
        self._doubtful.difference_update(indices)
        self._look_again(min(indices, default=self._settled))
        return lifted

    def is_doubtful(self, index: int) -> bool:
        return index in self._doubtful

    def ended(self, index: int) -> None:
        """Know that a message does not only grow any more: from now on it can be edited freely."""
        self.messages[index].way, self.messages[index].closing = FREELY, False
        self._look_again(index)

    def lost(self, index: int) -> None:
        """Know that a message stands there, but not what it shows."""
        self.messages[index].view, self.messages[index].body = None, ""
        self._look_again(index)

    def end_early(self) -> bool:
        """End the last part between two blocks, if there is a place behind what is shown."""
        return len(self._parts) == len(self.messages) and self._parts.end_block()

    def gone(self, index: int) -> None:
        """Know that somebody deleted a message: it is posted anew."""
        self.messages[index] = Message("")
        self.seen = 0
        self._look_again(index)

    def split_smaller(self, index: int) -> None:
        """Split the parts from ``index`` on smaller: the platform measures longer than we do.

        Raises:
            PlatformRejected: They are as small as parts get.
        """
        smaller = self._rules.limit // 2
        if smaller < SMALLEST_PART_CHARS:
            raise PlatformRejected("the platform finds even a small part too long")
        self._rules = replace(self._rules, limit=smaller)
        self._parts.shrink(smaller, index)
        self._look_again(index)

    def split_off(self, index: int) -> bool:
        """Keep a message as it stands and let the rest of its part, or the footer alone, be the next one.

        False when that cannot be: what it shows is not the beginning of its part any more.
        """
        message = self.messages[index]
        if message.kept or not message.body:
            return False
        self._look_again(index)
        last = self._parts.parts_from(index)
        if self._parts.end_part(index, message.body):
            message.kept = True
        elif len(last) == 1 and message.body == last[0].body and self._footer and not self._footer_apart:
            message.kept = self._footer_apart = True
        return message.kept

    def _look_again(self, index: int) -> None:
        """Know that a message from which on all may differ is not settled any more."""
        self._settled = min(self._settled, index)

    # --- what is asked ---

    @property
    def has_words(self) -> bool:
        """Some message shows words of the answer, or is not known not to."""
        return any(message.view is not None for message in self.messages)

    def rest(self, index: int) -> int:
        """Return how many characters of the answer would follow a message if it were kept as it stands."""
        return self.said - self._parts.begins_at(index) - len(self.messages[index].body)

    @property
    def growing(self) -> Message | None:
        """The last message, if it only grows."""
        return self.messages[-1] if self.messages and self.messages[-1].grows else None

    @property
    def is_nearly_full(self) -> bool:
        """The last part should end at the next good place."""
        last = self._parts.parts_from(len(self._parts) - 1)
        return bool(last) and len(last[-1].text) > ROTATE_SHARE * self._rules.limit

    def tasks(self, *, only_grows: bool = False) -> Iterator[Task]:
        """Yield all differences, in the order of the parts.

        Args:
            only_grows: The next part would be begun a way in which nothing can be taken back.
        """
        begin, pages = self._settled, self._wanted(only_grows)
        last = begin + len(pages) - 1
        for index, (view, body) in enumerate(pages, begin):
            task = self._task(index, view, body, is_whole=self._finished or index < last)
            if task is not None:
                yield task
            elif index == self._settled < last - 1:
                self._settled += 1

    def surplus(self) -> list[Message]:
        """Take away and return messages beyond the answer's end: the completed text was shorter than its deltas."""
        wanted = self._settled + len(self._wanted(False))
        surplus = self.messages[wanted:]
        del self.messages[wanted:]
        return surplus

    def _task(self, index: int, view: View, body: str, *, is_whole: bool) -> Task | None:
        if index >= len(self.messages) or not self.messages[index].message_id:
            return Task(index, view, body, Move.POST, tidies=False, worth=True)
        message = self.messages[index]
        if message.view is None:
            return Task(index, view, body, Move.EDIT, tidies=False, worth=True)
        shown = message.view
        # A live message and its end often look the same; only what is seen is worth a request.
        same_text = shown.text == view.text or (message.kept and shown.text.rstrip() == view.text.rstrip())
        # A newer note goes with the next words, unless there are none yet: then it is all there is to see.
        is_news = self._finished or view.footer != self.note or not view.text
        worth = not same_text or (shown.footer != view.footer and is_news)
        if message.grows and (is_whole or message.closing):
            return Task(index, view, body, Move.END, tidies=message.kept or not worth, worth=True)
        if not worth and (shown.controls == view.controls or message.grows):
            return None
        return Task(index, view, body, Move.EDIT, tidies=message.kept or not worth, worth=worth)

    def _wanted(self, only_grows: bool) -> list[tuple[View, str]]:
        """Return what each message that is not settled should show, and the piece of the answer in it."""
        parts = self._parts.parts_from(self._settled)
        if parts and not parts[-1].body.strip():
            parts.pop()
        pages = [(View(part.text), part.body) for part in parts]
        if pages and not self._finished:
            pages[-1:] = self._growing_page(parts[-1], only_grows)
        if self.note and not self._finished:
            pages = self._with_note(pages)
        if self._finished and not pages:
            pages = self._as_they_stand()
        if self._finished and self._footer:
            pages = self._with_footer(pages)
        if pages and self._controls and pages[-1][0] is not UNKNOWN:
            pages[-1] = (replace(pages[-1][0], controls=self._controls), pages[-1][1])
        for index in self._doubtful:
            if 0 <= (place := index - self._settled) < len(pages):
                view, body = pages[place]
                pages[place] = (replace(view, footer=view.footer or self._doubt), body)
        return pages

    def _growing_page(self, part: Part, only_grows: bool) -> list[tuple[View, str]]:
        if part.index < len(self.messages) and self.messages[part.index].message_id:
            only_grows = self.messages[part.index].grows
        text, body = self._parts.settled() if only_grows else (self._parts.preview(), part.body)
        return [(View(text, live=True), body)] if text.strip() else []

    def _with_note(self, pages: list[tuple[View, str]]) -> list[tuple[View, str]]:
        if not pages:
            return [(View("", footer=self.note, live=True), "")] if not self._stood else []
        last, body = pages[-1]
        has_room = self._rules.measure(f"{last.text}\n\n{self.note}") <= self._rules.limit
        return [*pages[:-1], (replace(last, footer=self.note), body)] if has_room else pages

    def _as_they_stand(self) -> list[tuple[View, str]]:
        """Nothing is known of the text an earlier process showed: leave it, so that the end is told below."""
        standing = self.messages[self._settled : self._stood]
        for message in standing:
            message.view = message.view or UNKNOWN
        return [(UNKNOWN, "")] * len(standing)

    def _with_footer(self, pages: list[tuple[View, str]]) -> list[tuple[View, str]]:
        last, body = pages[-1] if pages else (UNKNOWN, "")
        has_room = self._rules.measure(f"{last.text}\n\n{self._footer}") <= self._rules.limit
        if last is UNKNOWN or self._footer_apart or not has_room:
            return [*pages, (View("", footer=self._footer), "")]
        return [*pages[:-1], (replace(last, footer=self._footer), body)]
