"""What an agent says, made harmless and put into Slack's terms (pure).

The answer travels in a ``markdown`` block; ``text`` beside it is an escaped excerpt for notifications. Three things
must never happen whatever an agent says: a ping (``<!channel>``, ``<@U1>``), a fetched image, an unfurled link (flags
of the post, see ``reply``). So

- in ``text`` and footers ``& < >`` are escaped, which defuses everything;
- in markdown, where an escape would show inside code, U+2060 (word joiner, invisible, no width) is put behind the
  ``<`` of each control sequence, also of those that only become one once entities and backslashes are resolved;
- an image becomes the link it degrades to anyway, outside code.

Slack reads emphasis strictly, as far as is known: beside Chinese and Japanese it gets what it needs (``loosening``).
"""

import html
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from adapters.slack import limits
from adapters.slack.ids import action_block_id, action_id
from bridge.model import Control, ControlKind, TurnId, View
from bridge.rendering.blocks import START, Kind, State, step
from bridge.rendering.loosening import HAIR_SPACE as HAIR_SPACE
from bridge.rendering.loosening import growth, loosened

WORD_JOINER = "\u2060"
ELLIPSIS = "…"
QUESTIONS_ROW = "follow_ups"
INVISIBLES = "\u200b\u200c\u200d\u2060\ufeff\u00ad"

BLOCK_SHARE = limits.PART_CHARS // limits.PART_PIECES
"""How much of a part one block takes, whatever is in it: rounded down, so that all of ``PART_PIECES`` fit."""

CODE_LINES = frozenset({Kind.FENCE_OPEN, Kind.FENCE_LINE, Kind.FENCE_CLOSE})
ENDING_LINES = frozenset({Kind.HEADING, Kind.RULE, Kind.FENCE_CLOSE})
"""Lines that end a block."""

_OPENING = re.compile(r"<|&lt;?|&#0*60;?|&#x0*3c;?", re.IGNORECASE)
_CONTROL = re.compile(
    r"""\s* (?: @\s*[UWBS][A-Z0-9]
              | !\s*(?i:channel|here|everyone|group|subteam|date)
              | \#\s*[CDG][A-Z0-9] )""",
    re.VERBOSE,
)
_DEFUSABLE = re.compile(rf"(?:{_OPENING.pattern})(?=[\s@!#&\\{INVISIBLES}])", re.IGNORECASE)
"""What ``harmless`` may have to defuse: told by the next character alone, so that it depends on no other line."""

_LOOK_AHEAD_CHARS = 200
"""Far enough for a command whose every letter is an entity with leading zeros."""

_UNDECIDED_CHARS, _DECIDED_CHARS = 100, 12
"""How far before the end of a growing text may begin what is not decided yet, and how much behind ``@ ! #`` decides."""
_HALF_ENTITY = re.compile(r"&#?\w{0,31}$")

_INVISIBLE = dict.fromkeys(map(ord, INVISIBLES))
_CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)
_IMAGE_LABEL_CHARS = 500
_IMAGE_LABEL = "image"


def escape(text: str) -> str:
    """Escape the three characters that mean something to Slack; the result reads as the original."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def harmless(markdown: str) -> str:
    """Return markdown that pings nobody, loads no image and shows Chinese bold as bold; else it is left as it is."""
    if not markdown.isascii():
        markdown = _loosened(markdown)
    if "![" in markdown:
        markdown = _images_to_links(markdown)
    if "<" in markdown or "&" in markdown:
        markdown = _OPENING.sub(lambda found: _defused(markdown, found), markdown)
    return markdown


def _loosened(markdown: str) -> str:
    """Let emphasis beside Chinese and Japanese be emphasis to a strict reader too, outside code blocks."""
    if not growth(markdown):
        return markdown
    return "".join(line if fence is not None else loosened(line) for line, fence in _lines(markdown))


def _defused(markdown: str, found: re.Match[str]) -> str:
    if markdown.startswith(WORD_JOINER, found.end()):
        return found.group()  # defused already
    ahead = markdown[found.end() : found.end() + _LOOK_AHEAD_CHARS]
    read = html.unescape(ahead).replace("\\", "").translate(_INVISIBLE)
    return found.group() + (WORD_JOINER if _CONTROL.match(read) else "")


def certain(markdown: str) -> str:
    """Return the harmless form of a growing text as far as it is the same whatever follows.

    What may still become a control sequence, or an entity that begins one, is left out.
    """
    text = harmless(markdown)
    at = max(0, len(text) - _UNDECIDED_CHARS)
    for found in _OPENING.finditer(text, at):
        if text.startswith(WORD_JOINER, found.end()):
            continue
        read = "".join(html.unescape(text[found.end() :]).replace("\\", "").translate(_INVISIBLE).split())
        if not read or read[0] == "&" or (read[0] in "@!#" and len(read) < _DECIDED_CHARS):
            return text[: found.start()]
    half = _HALF_ENTITY.search(text, at)
    return text if half is None else text[: half.start()]


def _images_to_links(markdown: str) -> str:
    code = _code_ranges(markdown)
    has_definitions = _DEFINITION.search(markdown) is not None
    kept: list[str] = []
    end = 0
    for found in re.finditer(r"!\[", markdown):
        while code and code[0][1] <= found.start():
            code.popleft()
        if code and code[0][0] <= found.start():
            continue
        label_end = _label_end(markdown, found.end())
        if markdown[label_end : label_end + 1] in ("(", "[") or has_definitions or label_end < 0:
            unnamed = label_end >= 0 and not markdown[found.end() : label_end - 1].strip()
            kept += [markdown[end : found.start()], "[", _IMAGE_LABEL if unnamed else ""]
            end = found.end()
    return "".join([*kept, markdown[end:]])


def _label_end(markdown: str, start: int) -> int:
    """Return the position behind the bracket that closes a label; -1 when it is too far away to tell."""
    depth = 1
    position = start
    while position < min(len(markdown), start + _IMAGE_LABEL_CHARS):
        character = markdown[position]
        position += 1
        if character == "\\":
            position += 1
        elif character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                return position
    return -1 if position < len(markdown) else len(markdown)


def _code_ranges(markdown: str) -> deque[tuple[int, int]]:
    """Return where code certainly is, in order; what might be none to Slack does not count."""
    ranges: deque[tuple[int, int]] = deque()
    start = 0
    for line, fence in _lines(markdown):
        if fence is not None:
            if not fence.containers:  # inside lists and quotes Slack may see none
                ranges.append((start, start + len(line)))
        else:
            # Table cells end code spans, so a bar inside leaves it open whether this is code.
            spans = (span for span in _CODE_SPAN.finditer(line) if "|" not in span.group())
            ranges.extend((start + span.start(), start + span.end()) for span in spans)
        start += len(line)
    return ranges


def _lines(markdown: str) -> Iterator[tuple[str, State | None]]:
    """Yield each line with its end, and the fenced code block that it belongs to, if any."""
    state = START
    for line in _LINES.findall(markdown):
        found = step(state, line.rstrip("\r\n"))
        opened = found.kind in (Kind.FENCE_OPEN, Kind.FENCE_LINE)
        yield line, found.state if opened else state if found.kind is Kind.FENCE_CLOSE else None
        state = found.state


def pieces(markdown: str) -> int:
    """Count into how many blocks Slack may expand a text: paragraphs, headings, rules, code blocks."""
    count, begins, state, was_code = 0, True, START, False
    for line in markdown.split("\n"):
        found = step(state, line.rstrip("\r"))
        state, kind = found.state, found.kind
        is_code = kind in CODE_LINES
        begins = begins or is_code != was_code
        was_code = is_code
        if kind is Kind.BLANK or (is_code and not line.strip()):
            begins = begins or not is_code
            continue
        stands_alone = kind is Kind.RULE or (kind is Kind.HEADING and line.startswith("#", found.content))
        count += begins or stands_alone
        begins = kind in ENDING_LINES
    return count


def measure(text: str) -> int:
    """Measure a part's text against ``limits.PART_CHARS``: UTF-16 units as sent, or its share of the blocks allowed."""
    return max(amounts(text))


def amounts(text: str) -> tuple[int, int]:
    """Return both; texts behind which no block is open add up.

    The units are those of the text and of everything that ``harmless`` may have to add to it.
    """
    units = len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
    if "<" in text or "&" in text:
        units += len(_DEFUSABLE.findall(text))
    units += (len(_IMAGE_LABEL) - 1) * text.count("![") + growth(text)
    return units, pieces(text) * BLOCK_SHARE


def excerpt(text: str) -> str:
    """Return the beginning of a text for notifications, escaped; never empty."""
    words = " ".join(text[: 4 * limits.EXCERPT_CHARS].split())
    if len(words) > limits.EXCERPT_CHARS:
        cut = words[: limits.EXCERPT_CHARS - 1]
        head, gap, _ = cut.rpartition(" ")
        words = (head if gap and len(head) > limits.EXCERPT_CHARS // 2 else cut) + ELLIPSIS
    return escape(words) or ELLIPSIS


def message(view: View) -> dict[str, Any]:
    """Return ``text`` and ``blocks`` of a message that shows ``view``: words, footer, buttons.

    Raises:
        ValueError: There is nothing to show but buttons.
    """
    words = [{"type": "markdown", "text": harmless(view.text)}] if view.text.strip() else []
    if not words and not view.footer:
        raise ValueError("a message needs text or footer")
    return {
        "text": excerpt(view.text if view.text.strip() else view.footer),
        "blocks": [*words, *blocks_below(view)],
    }


def blocks_below(view: View) -> list[dict[str, Any]]:
    """Return what stands below the words of a message: footer and buttons."""
    blocks: list[dict[str, Any]] = []
    if view.footer:
        footer = escape(view.footer[: limits.FOOTER_CHARS])
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": footer}]})
    return blocks + control_blocks(view.controls)


def control_blocks(controls: Sequence[Control]) -> list[dict[str, Any]]:
    """Return the buttons: for each turn a row of suggested questions and one of the others; they wrap by themselves.

    Within a row action ids must differ.
    """
    distinct = {(control.turn_id, control.kind, control.choice): control for control in controls}
    rows: dict[tuple[TurnId, str], list[dict[str, Any]]] = {}
    for control in distinct.values():
        row = QUESTIONS_ROW if control.kind is ControlKind.FOLLOW_UP else ""
        rows.setdefault((control.turn_id, row), []).append(_button(control))
    return [
        {"type": "actions", "block_id": action_block_id(*row), "elements": buttons[: limits.ROW_BUTTONS_MAX]}
        for row, buttons in [*rows.items()][: limits.BUTTON_ROWS_MAX]
    ]


def _button(control: Control) -> dict[str, Any]:
    label = (
        control.label
        if len(control.label) <= limits.BUTTON_CHARS
        else control.label[: limits.BUTTON_CHARS - 1] + ELLIPSIS
    )
    button = {
        "type": "button",
        "action_id": action_id(control.kind, control.choice),
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": control.turn_id,
    }
    return button | {"style": "danger"} if control.kind is ControlKind.STOP else button


def plain_message(view: View) -> dict[str, Any]:
    """Return the same without blocks, for the case that Slack refuses them; the text may be longer than an update's."""
    shown = "\n\n".join(piece for piece in (view.text.strip(), view.footer) if piece)
    return {"text": escape(shown)}
