"""An agent's thinking as people may read it: a quotation that grows, or its last words in one line (pure).

It is shown as plain text: what would open a block in it is taken out, and each line is short, so that every message it
is spread over is a quotation from its first line to its last.
"""

from collections.abc import Iterator

QUOTE = "> "
MARK = "💭 "
MOST_CHARS = 3000
"""More of it is left out: the answer is what people came for."""
LINE_CHARS = 160
"""Lines are broken at the first blank from here on ..."""
LINE_MAX_CHARS = 240
"""... or at last anywhere; there are scripts without blanks."""
STATUS_CHARS = 100

PLAIN = str.maketrans({"`": "'", "~": "\u223c", "\r": None})
HARMLESS = str.maketrans(dict.fromkeys("`*_~|<>[]()@#\\", " "))


class Quotation:
    """Turns pieces of thinking into pieces of a quotation."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._chars = 0
        self._column = 0
        self._has_begun = False
        self._ends_line = False

    @property
    def text(self) -> str:
        """The quotation so far."""
        return "".join(self._pieces)

    def add(self, thought: str) -> str:
        """Return what a piece of thinking adds to the quotation; may be empty."""
        room = MOST_CHARS - self._chars
        if room <= 0:
            return ""
        self._chars += len(thought)
        added = "".join(self._quoted(thought[:room].translate(PLAIN)))
        if len(thought) > room:
            added += "…"
        self._pieces.append(added)
        return added

    def _quoted(self, thought: str) -> Iterator[str]:
        """Yield a piece with its line breaks; one that nothing follows is not told yet, nor are empty lines."""
        for mark in thought:
            if mark == "\n":
                self._ends_line = True
                continue
            if mark.isspace() and (self._ends_line or not self._has_begun):
                continue
            if self._column >= LINE_MAX_CHARS or (self._column >= LINE_CHARS and mark == " "):
                self._ends_line = True
                if mark == " ":
                    continue
            if not self._has_begun:
                yield QUOTE + MARK
            elif self._ends_line:
                yield "\n" + QUOTE
            if self._ends_line or not self._has_begun:
                self._column = 0
            self._has_begun, self._ends_line = True, False
            self._column += 1
            yield mark


def last_words(thought: str) -> str:
    """Return the end of what an agent has thought, in one line, without anything that means something to a platform."""
    plain = " ".join("".join(mark if mark.isprintable() else " " for mark in thought.translate(HARMLESS)).split())
    if len(plain) <= STATUS_CHARS:
        return plain
    end = plain[-STATUS_CHARS:]
    return f"…{end.partition(' ')[2] or end}"
