"""Emphasis beside Chinese and Japanese, for readers that keep to CommonMark's letter.

There the marks of ``**重点：**说明`` are no bold: between a punctuation mark and a letter they close nothing, although
everybody who writes like that, agents above all, means them to. A hair space outside the marks makes them what they
are meant to be, and is hardly seen.

Source: CommonMark 0.31.2, section 6.2, "left-flanking" and "right-flanking".
"""

import re

from bridge.rendering.inline import flanking, scan

HAIR_SPACE = "\u200a"

_TIGHT = re.compile(r"(?<=[^\s*~])[*~]+(?=[^\s*~])")


def loosened(line: str) -> str:
    """Return one line of text, not of code, in which all emphasis is emphasis to the letter as well.

    What is inserted depends on nothing behind the character that follows it: a text that grows keeps its beginning.
    """
    if line.isascii() or _TIGHT.search(line) is None:
        return line
    found = scan(line)
    opening = [start for start, _, mark in found.styled if mark[0] != "_"]
    opening += [mark.at for mark in found.open_marks if mark.character != "_"]
    closing = [stop - 1 for _, stop, mark in found.styled if mark[0] != "_"]
    places = set()
    for at in opening:
        start, end = _run(line, at)
        if not flanking(line, start, end)[0]:
            places.add(start)
    for at in closing:
        start, end = _run(line, at)
        if not flanking(line, start, end)[1]:
            places.add(end)
    pieces, begin = [], 0
    for place in sorted(places):
        pieces += [line[begin:place], HAIR_SPACE]
        begin = place
    return "".join([*pieces, line[begin:]])


def growth(text: str) -> int:
    """Return how many characters ``loosened`` adds to a text's lines at most; the lines' own numbers add up."""
    if text.isascii():
        return 0
    return sum(2 * len(_TIGHT.findall(line)) for line in text.split("\n") if not line.isascii())


def _run(line: str, at: int) -> tuple[int, int]:
    """Return where the run of marks begins and ends that a place lies in."""
    start = end = at
    while start > 0 and line[start - 1] == line[at]:
        start -= 1
    while end < len(line) and line[end] == line[at]:
        end += 1
    return start, end
